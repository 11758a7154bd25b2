//! Which NATS server events go to, and as whom (contract §8.3).

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::lookup::Lookup;
use crate::secret::Secret;

/// Where NATS listens unless a URL says otherwise.
const DEFAULT_PORT: u16 = 4222;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an acknowledgement may take before the connection is given up: twice the election time
/// of a JetStream leader.
const ACKNOWLEDGE: Duration = Duration::from_secs(8);

/// Which server, and as whom.
#[derive(Debug, Clone)]
pub struct NatsPlan {
    /// The servers of one cluster; never empty.
    pub servers: Vec<Server>,
    /// As whom.
    pub login: Login,
    /// How TLS is done, where it is.
    pub tls: Tls,
    /// How long a connection may take to stand.
    pub connect: Duration,
    /// How long an acknowledgement may take.
    pub acknowledge: Duration,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS is asked for: `tls://`.
    pub tls: bool,
}

/// As whom a connection is made; files are read for every connection, because a mounted secret may
/// be renewed.
#[derive(Debug, Clone)]
pub enum Login {
    /// As nobody.
    Nobody,
    /// With a `.creds` file: a JWT and a seed.
    Creds(Source),
    /// With user and password.
    User(Source, Source),
    /// With a token.
    Token(Source),
    /// With the seed of an nkey.
    Nkey(Source),
}

/// A value, or where it is.
#[derive(Debug, Clone)]
pub enum Source {
    /// It.
    Text(Secret<String>),
    /// The file that holds it; a final newline does not count.
    File(PathBuf),
}

/// How TLS is done.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM of authorities that count besides the system's.
    pub ca: Option<Source>,
    /// PEM of the client's certificate and its key.
    pub client: Option<(Source, Source)>,
    /// Replaces the system's authorities: `SSL_CERT_FILE`.
    pub ca_bundle: Option<PathBuf>,
}

/// Why events cannot go where they should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NatsError {
    /// A server's URL is not one.
    #[error("`NATS_URL` names `{server}`, which is no URL of a server: {problem}")]
    Url {
        /// The server, without credentials.
        server: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A certificate without its key, a user without a password, or the other way round.
    #[error("`{there}` is set and `{missing}` is not")]
    Half {
        /// What there is.
        there: &'static str,
        /// What there is not.
        missing: &'static str,
    },
}

/// Returns which server events go to; `None` without `NATS_URL`.
///
/// # Errors
///
/// Returns [`NatsError`] for a variable that cannot be used; nothing in it is a secret.
pub(super) fn plan(lookup: &Lookup<'_>, working_dir: &Path) -> Result<Option<NatsPlan>, NatsError> {
    let Some(urls) = lookup.get("NATS_URL") else {
        return Ok(None);
    };
    let mut servers = Vec::new();
    let mut in_url = None;
    for url in urls.split(',').map(str::trim).filter(|url| !url.is_empty()) {
        let (server, login) = server(url)?;
        servers.push(server);
        in_url = in_url.or(login);
    }
    if servers.is_empty() {
        return Ok(None);
    }
    let source = |names: &[&str]| source(lookup, names, working_dir);
    let user = source(&["NATS_USER_FILE", "NATS_USER", "NATS_USERNAME"]);
    let password = source(&["NATS_PASSWORD_FILE", "NATS_PASSWORD"]);
    let creds = source(&["NATS_CREDS_FILE", "NATS_CREDS"]);
    let nkey = source(&["NATS_NKEY_SEED_FILE", "NATS_NKEY_SEED", "NATS_NKEY"]);
    let token = source(&["NATS_TOKEN_FILE", "NATS_TOKEN"]);
    let half = |there, missing| Err(NatsError::Half { there, missing });
    let login = match (creds, user, password) {
        (Some(creds), _, _) => Login::Creds(creds),
        (None, Some(user), Some(password)) => Login::User(user, password),
        (None, Some(_), None) => return half("NATS_USER", "NATS_PASSWORD"),
        (None, None, Some(_)) => return half("NATS_PASSWORD", "NATS_USER"),
        (None, None, None) => match (nkey, token, in_url) {
            (Some(seed), _, _) => Login::Nkey(seed),
            (None, Some(token), _) => Login::Token(token),
            (None, None, Some(login)) => login,
            (None, None, None) => Login::Nobody,
        },
    };
    let certificate = source(&["NATS_CERT_FILE", "NATS_CERT"]);
    let key = source(&["NATS_KEY_FILE", "NATS_KEY"]);
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (Some(_), None) => return half("NATS_CERT", "NATS_KEY"),
        (None, Some(_)) => return half("NATS_KEY", "NATS_CERT"),
        (None, None) => None,
    };
    Ok(Some(NatsPlan {
        servers,
        login,
        tls: Tls {
            ca: source(&["NATS_CA_FILE", "NATS_CA"]),
            client,
            ca_bundle: lookup.get("SSL_CERT_FILE").map(PathBuf::from),
        },
        connect: CONNECT,
        acknowledge: ACKNOWLEDGE,
    }))
}

/// Takes the first of some variables that is set. What a `_FILE` names is a file; anything else is
/// the value itself or, as the `nats` command has it for what has lines or a known first letter, a
/// file.
fn source(lookup: &Lookup<'_>, names: &[&str], working_dir: &Path) -> Option<Source> {
    let (name, value) = names
        .iter()
        .find_map(|name| Some((*name, lookup.get(name)?)))?;
    let is_path = name.ends_with("_FILE")
        || match name {
            "NATS_CREDS" | "NATS_CA" | "NATS_CERT" | "NATS_KEY" => !value.contains("-----BEGIN"),
            "NATS_NKEY" => !value.trim_start().starts_with("SU"),
            _ => false,
        };
    Some(if is_path {
        Source::File(working_dir.join(value))
    } else {
        Source::Text(Secret::new(value.to_owned()))
    })
}

/// Takes a server's URL apart; the client library does not read the credentials in it.
fn server(text: &str) -> Result<(Server, Option<Login>), NatsError> {
    let (told, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let scheme = told.unwrap_or("nats");
    let (login, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    let address = address.trim_end_matches('/');
    let bad = |problem| NatsError::Url {
        server: super::shown(&named(told, address)),
        problem,
    };
    let tls = match scheme {
        "nats" => false,
        "tls" => true,
        _ => return Err(bad("the scheme is neither `nats` nor `tls`")),
    };
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or(bad("a bracket is missing"))?;
            match behind.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if behind.is_empty() => (host, None),
                None => return Err(bad("there is no colon behind the bracket")),
            }
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => {
                // Other letters may be a password that nobody would take for one: `nats://user:secret`.
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                let said = if is_number { address } else { host };
                return Err(NatsError::Url {
                    server: super::shown(&named(told, said)),
                    problem: "what follows the colon is no port",
                });
            }
            Ok(port) => port,
        },
    };
    if host.is_empty() {
        return Err(bad("there is no host"));
    }
    if host.contains(|letter: char| letter.is_whitespace() || letter == '/') {
        return Err(bad("a host has no white space and no `/`"));
    }
    let decoded = |text: &str| {
        let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        Source::Text(Secret::new(text.into_owned()))
    };
    let login = match login.split_once(':') {
        _ if login.is_empty() => None,
        Some((user, password)) => Some(Login::User(decoded(user), decoded(password))),
        None => Some(Login::Token(decoded(login))),
    };
    let host = host.to_owned();
    Ok((Server { host, port, tls }, login))
}

/// Returns a server as it was told, without credentials. A part of these can only be taken for a
/// scheme that no scheme looks like.
fn named(scheme: Option<&str>, address: &str) -> String {
    let is_word = |scheme: &&str| scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    match scheme.filter(is_word) {
        Some(scheme) => format!("{scheme}://{address}"),
        None if address.is_empty() => "nats://".to_owned(),
        None => address.to_owned(),
    }
}
