//! A URL that is safe to fetch from.

use percent_encoding::percent_decode_str;

use crate::nearest::nearest;

mod form;

/// How a remote is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// TLS.
    Https,
    /// Plain text; a token is sent only if it is asked for.
    Http,
    /// A deploy key.
    Ssh,
    /// The anonymous git protocol.
    Git,
    /// A repository on this machine.
    File,
}

/// Where the runner is, which decides what a URL may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Where {
    /// In a pod, whose files are no repositories of the user.
    #[default]
    Pod,
    /// On the user's own machine.
    Local,
}

/// A repository, without any credentials.
///
/// Whoever has one may put [`Remote::url`] into logs and configuration files: there is no password
/// in it, nothing that a program would take for an option, and no character that ends a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// The host, lower case; an IPv6 address has no brackets; empty for files.
    pub host: String,
    /// The port, if it is not the scheme's own.
    pub port: Option<u16>,
    /// The user, for ssh only; `None`: the access's own.
    pub user: Option<String>,
    /// Absolute, percent-encoded as written.
    pub path: String,
}

/// Why a text is not a remote. No message repeats what may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// It says nothing.
    #[error("the URL is empty")]
    Empty,
    /// It is longer than any URL.
    #[error("the URL has {bytes} bytes; {LONGEST} are the most")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// It has no scheme, and is not `user@host:path` either.
    #[error("there is neither a scheme nor `user@host:path`")]
    NoScheme,
    /// The scheme is none of ours.
    #[error("the scheme `{scheme}` is not `https`, `http`, `ssh` or `git`")]
    Scheme {
        /// The scheme.
        scheme: String,
        /// The one that was perhaps meant.
        nearest: Option<String>,
    },
    /// The scheme names a program that git would start.
    #[error("`{helper}::` would start a program")]
    Helper {
        /// The program.
        helper: String,
    },
    /// It is a path of this machine.
    #[error("files of this machine are no remotes")]
    Local,
    /// There is a password or a token in it.
    #[error("there is a password in the URL")]
    Password,
    /// The user is empty, begins with `-`, or has odd characters.
    #[error("the user in the URL cannot be used")]
    User,
    /// The host is empty, begins with `-`, or has odd characters.
    #[error("the host in the URL is missing or cannot be used")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port in the URL is not a number from 1 to 65535")]
    Port,
    /// No repository is named.
    #[error("the URL names a host but no repository")]
    NoPath,
    /// The path begins with `-`.
    #[error("the path in the URL begins with `-`, as an option does")]
    Option,
    /// The path steps upwards.
    #[error("the path in the URL has a `..` in it, or steps above the host")]
    Upwards,
    /// There is a control character, a space or a backslash, as it is or percent-encoded.
    #[error("there is a space, a backslash or a control character in the URL")]
    Character,
    /// There is a `?` or a `#`.
    #[error("there is a `?` or a `#` in the URL")]
    Query,
}

/// Ten times what any server has; a ConfigMap could hold a megabyte.
const LONGEST: usize = 4096;

const SCHEMES: [(&str, Scheme, u16); 5] = [
    ("https", Scheme::Https, 443),
    ("http", Scheme::Http, 80),
    ("ssh", Scheme::Ssh, 22),
    ("git", Scheme::Git, 9418),
    ("file", Scheme::File, 0),
];

impl Remote {
    /// Takes a URL, or `user@host:path`, as hostile.
    ///
    /// `user@host:path` means `ssh://user@host/path`, as the large git servers read it; a path below
    /// the user's home is `ssh://user@host/~/path`. A user without a password is kept for ssh and
    /// dropped for everything else.
    ///
    /// # Errors
    ///
    /// Returns the first [`RemoteError`].
    pub fn parse(text: &str, place: Where) -> Result<Self, RemoteError> {
        if text.is_empty() {
            return Err(RemoteError::Empty);
        }
        if text.len() > LONGEST {
            return Err(RemoteError::TooLong { bytes: text.len() });
        }
        if text.contains(|letter: char| {
            letter.is_whitespace() || letter.is_control() || letter == '\\'
        }) {
            return Err(RemoteError::Character);
        }
        let form = form::split(text)?;
        if form.scheme == Scheme::File && place == Where::Pod {
            return Err(RemoteError::Local);
        }
        form.check()
    }

    /// Resolves what `.gitmodules` of this remote says, as git does: a text that begins with `./`
    /// or `../` begins at this repository; any other is a URL, and never a file's.
    ///
    /// # Errors
    ///
    /// Returns the first [`RemoteError`]; [`RemoteError::Upwards`] also for one `../` too many.
    pub fn relative(&self, text: &str) -> Result<Self, RemoteError> {
        if !text.starts_with("./") && !text.starts_with("../") {
            return Self::parse(text, Where::Pod);
        }
        let mut base = self.path.trim_end_matches('/');
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("./") {
                rest = after;
            } else if let Some(after) = rest.strip_prefix("../") {
                base = base.rsplit_once('/').ok_or(RemoteError::Upwards)?.0;
                rest = after;
            } else {
                break;
            }
        }
        let path = match rest.trim_end_matches('/') {
            "" => base.to_owned(),
            rest => format!("{base}/{rest}"),
        };
        let sibling = Self {
            path,
            ..self.clone()
        };
        // The whole once more, so that nothing comes in by this door that the other keeps out.
        Self::parse(&sibling.url(), Where::Local)
    }

    /// Returns the URL as it goes into `remote.origin.url`: no password, for ssh with its user.
    pub fn url(&self) -> String {
        let scheme = SCHEMES
            .iter()
            .find(|(_, scheme, _)| *scheme == self.scheme)
            .map_or("", |(name, ..)| name);
        let user = self.user.as_ref().map(|user| format!("{user}@"));
        let (user, authority) = (user.unwrap_or_default(), self.authority());
        format!("{scheme}://{user}{authority}{}", self.path)
    }

    /// Returns `host`, or `host:port` if the port is not the scheme's own: whom credentials are for.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// Says whether both are one repository, by whatever protocol.
    pub(super) fn is_same_repository(&self, other: &Self) -> bool {
        let name = |remote: &Self| {
            let path = remote.path.trim_end_matches('/');
            path.strip_suffix(".git").unwrap_or(path).to_owned()
        };
        // A server has one port for https and another for ssh.
        let ports = self.scheme != other.scheme || self.port == other.port;
        self.host == other.host && ports && name(self) == name(other)
    }
}

impl std::fmt::Display for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url())
    }
}

impl RemoteError {
    /// Says whether the text is a fine URL that policy forbids.
    pub(crate) fn is_policy(&self) -> bool {
        matches!(self, Self::Helper { .. } | Self::Local)
    }

    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Scheme {
                nearest: Some(nearest),
                ..
            } => format!("did you mean `{nearest}`?"),
            Self::Local => {
                "on one's own machine, `workspace.localRemotes` allows `file://`".to_owned()
            }
            Self::Password => {
                "write the URL without it, and give the token as `VCS_TOKEN` or `VCS_TOKEN_FILE`"
                    .to_owned()
            }
            Self::Character => "write it percent-encoded, or leave it out".to_owned(),
            _ => {
                "write `https://host/owner/repository.git`, or the same with `ssh`, `http` or `git`"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests;
