//! A URL in its parts, and what each part may be.

use std::net::Ipv6Addr;
use url::Host;

use super::{Remote, RemoteError, SCHEMES, Scheme, nearest, percent_decode_str};

/// A URL in its parts, as written.
#[derive(Debug)]
pub(super) struct Form<'t> {
    pub(super) scheme: Scheme,
    default_port: u16,
    user: Option<&'t str>,
    host: &'t str,
    port: Option<&'t str>,
    /// Begins with `/`, unless it is empty.
    path: String,
}

/// Takes a text apart; judges its scheme and that there is no password, and nothing else.
pub(super) fn split(text: &str) -> Result<Form<'_>, RemoteError> {
    let is_scheme = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() <= 32
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    if text.starts_with('/') {
        return Ok(file(escaped(text)));
    }
    if let Some((name, rest)) = text.split_once("://")
        && is_scheme(name)
    {
        return url(name, rest);
    }
    if let Some((helper, _)) = text.split_once("::")
        && is_scheme(helper)
    {
        return Err(RemoteError::Helper {
            helper: helper.to_owned(),
        });
    }
    scp(text)
}

fn url<'t>(name: &str, rest: &'t str) -> Result<Form<'t>, RemoteError> {
    let known = SCHEMES
        .iter()
        .find(|(known, ..)| name.eq_ignore_ascii_case(known));
    let Some((_, scheme, default_port)) = known else {
        return Err(RemoteError::Scheme {
            scheme: name.to_owned(),
            nearest: nearest(name, SCHEMES.map(|(known, ..)| known)),
        });
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if *scheme == Scheme::File {
        // As in RFC 8089: nobody, or this machine by name.
        return match authority {
            "" | "localhost" => Ok(file(path.to_owned())),
            _ => Err(RemoteError::Host),
        };
    }
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(RemoteError::Password);
    }
    // The colons of an IPv6 address are inside its brackets.
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (place, None),
    };
    Ok(Form {
        scheme: *scheme,
        default_port: *default_port,
        user,
        host,
        port: port.filter(|port| !port.is_empty()),
        path: path.to_owned(),
    })
}

/// `user@host:path`, as scp and git have it.
fn scp(text: &str) -> Result<Form<'_>, RemoteError> {
    let (user, rest) = text.split_once('@').ok_or(RemoteError::NoScheme)?;
    if user.contains(['/', ':']) {
        // `user:password@host…` is not scp's, and not to be repeated.
        return Err(RemoteError::NoScheme);
    }
    let colon = if rest.starts_with('[') {
        rest.find("]:").map(|at| at + 1)
    } else {
        rest.find(':')
    };
    let (host, path) = rest.split_at(colon.ok_or(RemoteError::NoScheme)?);
    if host.contains('/') {
        return Err(RemoteError::NoScheme);
    }
    let path = &path[1..];
    if path.starts_with('-') {
        return Err(RemoteError::Option);
    }
    Ok(Form {
        scheme: Scheme::Ssh,
        default_port: 22,
        user: Some(user),
        host,
        port: None,
        path: match path {
            "" => String::new(),
            path => format!("/{}", escaped(path.trim_start_matches('/'))),
        },
    })
}

fn file(path: String) -> Form<'static> {
    Form {
        scheme: Scheme::File,
        default_port: 0,
        user: None,
        host: "",
        port: None,
        path,
    }
}

/// A path that is not percent-encoded, as one that is.
fn escaped(path: &str) -> String {
    path.replace('%', "%25")
}

impl Form<'_> {
    /// Judges every part.
    pub(super) fn check(self) -> Result<Remote, RemoteError> {
        let host = match self.scheme {
            Scheme::File => String::new(),
            _ => host(self.host)?,
        };
        let port = match self.port.map(str::parse::<u16>) {
            None => None,
            // The standard library would also take a sign.
            Some(Ok(port)) if port > 0 && self.port.is_some_and(|text| !text.starts_with('+')) => {
                Some(port)
            }
            Some(_) => return Err(RemoteError::Port),
        };
        let user = self.user.map(user).transpose()?;
        path(&self.path)?;
        Ok(Remote {
            scheme: self.scheme,
            host,
            port: port.filter(|port| *port != self.default_port),
            user: user.filter(|_| self.scheme == Scheme::Ssh),
            // As git does: what is asked for stands behind it.
            path: self.path.trim_end_matches('/').to_owned(),
        })
    }
}

fn user(text: &str) -> Result<String, RemoteError> {
    let is_fine = |letter: char| letter.is_ascii_alphanumeric() || "._+~=-".contains(letter);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(is_fine) {
        return Err(RemoteError::User);
    }
    Ok(text.to_owned())
}

/// Returns the host in the one form in which a URL parser would give it, so that nobody to whom
/// the credentials go is called differently than where they are compared.
fn host(text: &str) -> Result<String, RemoteError> {
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(RemoteError::Host)?;
        let address: Ipv6Addr = inner.parse().map_err(|_| RemoteError::Host)?;
        return Ok(address.to_string());
    }
    let is_fine = |letter: char| letter.is_alphanumeric() || "._-".contains(letter);
    if text.starts_with(['-', '.']) || !text.chars().all(is_fine) {
        return Err(RemoteError::Host);
    }
    match Host::parse(text) {
        Ok(Host::Domain(name)) if !name.starts_with(['-', '.']) => Ok(name),
        Ok(Host::Ipv4(address)) => Ok(address.to_string()),
        _ => Err(RemoteError::Host),
    }
}

fn path(text: &str) -> Result<(), RemoteError> {
    if text.contains(['?', '#']) {
        return Err(RemoteError::Query);
    }
    // What a server sees: git decodes the path for ssh, URL parsers read `%2e` as a dot.
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    if decoded
        .iter()
        .any(|byte| byte.is_ascii_control() || *byte == b'\\')
    {
        return Err(RemoteError::Character);
    }
    let mut segments = decoded.split(|byte| *byte == b'/');
    if segments.clone().any(|segment| segment == b"..") {
        return Err(RemoteError::Upwards);
    }
    match segments.find(|segment| !segment.is_empty()) {
        None => Err(RemoteError::NoPath),
        Some(first) if first.starts_with(b"-") => Err(RemoteError::Option),
        Some(_) => Ok(()),
    }
}
