//! Who may have the token, and where it is: the file between the runner and the agent's git.
//!
//! It is written and read by one executable within one run, so it has no version.

use std::io;
use std::path::{Path, PathBuf};

use agent_plan::env::Environment;
use agent_plan::secret::Secret;
use serde_json::{Value, json};

use crate::short_file;

/// Longer than any token of any forge, short enough to be read at once.
const TOKEN_MAX: u64 = 64 * 1024;
/// A host, a user name and a path, with room for the longest of each.
const PASS_MAX: u64 = 64 * 1024;

/// A place on the web, spelled in the one way that makes two spellings of it equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    scheme: &'static str,
    host: String,
}

impl Site {
    /// Takes a scheme and `host` or `host:port`; `None` if they are not both plainly that.
    ///
    /// Case and the scheme's own port do not count. A user, a path, a wildcard or anything that
    /// two programs could read in two ways is no site.
    pub(crate) fn new(scheme: &str, authority: &str) -> Option<Self> {
        let (scheme, own_port) = match scheme {
            "https" => ("https", 443),
            "http" => ("http", 80),
            _ => return None,
        };
        let end_of_address = authority.find(']').map_or(0, |at| at + 1);
        let (host, port) = match authority.get(end_of_address..)?.find(':') {
            Some(at) => {
                let (host, port) = authority.split_at(end_of_address + at);
                (host, Some(port.get(1..)?))
            }
            None => (authority, None),
        };
        if !is_name(host) && !is_address(host) {
            return None;
        }
        let mut host = host.to_ascii_lowercase();
        if let Some(port) = port {
            if !port.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            let port: u16 = port.parse().ok()?;
            if port != own_port {
                host.push_str(&format!(":{port}"));
            }
        }
        Some(Self { scheme, host })
    }

    /// Returns the site at the scheme's own port.
    #[must_use]
    pub(crate) fn without_port(mut self) -> Self {
        let end_of_address = self.host.find(']').map_or(0, |at| at + 1);
        if let Some(at) = self.host[end_of_address..].find(':') {
            self.host.truncate(end_of_address + at);
        }
        self
    }

    /// Returns `scheme://host:port`.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }
}

fn is_name(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !host.is_empty() && host.bytes().all(fits)
}

fn is_address(host: &str) -> bool {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
}

/// Where a token is, for a process that is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    /// In the variable of this name.
    Variable(String),
    /// In this file, which is absolute.
    File(PathBuf),
}

/// Why there is no token at the moment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The variable is not there, or empty.
    #[error("the variable `{variable}` is not set")]
    Unset {
        /// Its name.
        variable: String,
    },
    /// The file cannot be read.
    #[error("the token file `{}` cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is there cannot be a token.
    #[error("`{place}` holds no token: {what}")]
    Unfit {
        /// The variable or file.
        place: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// Who may have the token, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pass {
    /// For whom it is, and for nobody else.
    pub(crate) site: Site,
    /// The user name beside it.
    pub(crate) username: String,
    /// Where it is.
    pub(crate) token: TokenPlace,
}

impl Pass {
    /// Returns the content of the file: no secret is in it.
    ///
    /// `None` if a path is not UTF-8.
    pub(crate) fn to_json(&self) -> Option<String> {
        let mut pass = json!({
            "scheme": self.site.scheme,
            "host": self.site.host,
            "username": self.username,
        });
        match &self.token {
            TokenPlace::Variable(name) => pass["variable"] = json!(name),
            TokenPlace::File(path) => pass["file"] = json!(path.to_str()?),
        }
        Some(pass.to_string())
    }

    /// Reads a file that holds what [`Pass::to_json`] gave.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, and if it holds anything else.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let bytes = short_file::read(path, PASS_MAX)?;
        Self::from_json(&bytes).ok_or_else(|| io::Error::other("it is not an access file"))
    }

    fn from_json(bytes: &[u8]) -> Option<Self> {
        let pass: Value = serde_json::from_slice(bytes).ok()?;
        let text = |key: &str| pass.get(key).and_then(Value::as_str);
        let token = match (text("variable"), text("file")) {
            (Some(name), None) => TokenPlace::Variable(name.to_owned()),
            (None, Some(path)) => TokenPlace::File(PathBuf::from(path)),
            _ => return None,
        };
        Some(Self {
            site: Site::new(text("scheme")?, text("host")?)?,
            username: text("username")?.to_owned(),
            token,
        })
    }

    /// Returns the token as it is at this moment: a mounted secret may be renewed.
    ///
    /// # Errors
    ///
    /// Returns [`TokenError`], which names the variable or file and holds nothing of what is in it.
    pub(crate) fn token(&self, environment: &Environment) -> Result<Secret<String>, TokenError> {
        match &self.token {
            TokenPlace::Variable(variable) => {
                let value = environment
                    .raw(variable)
                    .filter(|value| !value.is_empty())
                    .ok_or_else(|| TokenError::Unset {
                        variable: variable.clone(),
                    })?;
                fit(value.as_encoded_bytes(), variable)
            }
            TokenPlace::File(path) => {
                let bytes =
                    short_file::read(path, TOKEN_MAX).map_err(|source| TokenError::File {
                        path: path.clone(),
                        source,
                    })?;
                fit(&bytes, &path.display().to_string())
            }
        }
    }
}

/// Takes off what editors and `echo` leave around it, and refuses what would be a line of its own in
/// the answer to git.
fn fit(bytes: &[u8], place: &str) -> Result<Secret<String>, TokenError> {
    let unfit = |what| TokenError::Unfit {
        place: place.to_owned(),
        what,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| unfit("it is not UTF-8"))?;
    let text = text.trim_matches(|letter: char| letter == '\0' || letter.is_ascii_whitespace());
    if text.is_empty() {
        return Err(unfit("it is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(unfit("there is a control character in it"));
    }
    Ok(Secret::new(text.to_owned()))
}
