//! How the agent's own git gets credentials (design §6).
//!
//! # Theory of operation
//!
//! The agent's git asks this executable, never a URL, a configuration file or a file of ours with a
//! token in it. [`grant`] makes a private directory below the scratch directory:
//!
//! - `access.json`, a [`Pass`]: for which host, as whom, and *where* the token is;
//! - `git-askpass`, a link to this executable, which knows itself by that name: it needs neither a
//!   shell nor a scratch directory that programs may be started from;
//! - for ssh, a copy of the deploy key that ssh does not find too open;
//! - for authorities of the user's own, a bundle with the system's.
//!
//! and returns the variables that say so to git. The token is read when git asks, by
//! `crate::credential`, so a renewed one is used at once, and an agent from whose environment the
//! token was dropped gets none.
//!
//! The helper is configured in `GIT_CONFIG_PARAMETERS`, which is what `git -c` is made of, and not
//! in `GIT_CONFIG_KEY_<n>`: agents keep variables whose name contains `KEY` from their tools, and
//! git refuses every command when such a one is missing from its count. It is one variable, there or
//! not there.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use agent_plan::env::Environment;
use agent_plan::outcome::Outcome;
use agent_plan::plan::{Access, Scheme, TokenSource};

mod authorities;
mod pass;
mod ssh;

use pass::TokenPlace;
pub(crate) use pass::{Pass, Site};

/// The name by which this executable knows that it is asked as `GIT_ASKPASS`.
pub(crate) const ASKPASS: &str = "git-askpass";
/// The name of the [`Pass`] beside it.
pub(crate) const PASS: &str = "access.json";

/// Why the agent's git could not be given its credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// There is no private directory, or nobody says where this executable is.
    #[error("there is no private directory or no path of this executable")]
    Machine(#[source] io::Error),
    /// A file of ours could not be made.
    #[error("`{}` cannot be written for the agent's git", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The host is none that a token can be kept for.
    #[error("`{host}` is not a host that credentials can be for")]
    Host {
        /// What stands in its place.
        host: String,
    },
    /// The user name would be more than one line in the answer to git.
    #[error("the user name for `{host}` has a control character in it")]
    Username {
        /// For whom it is.
        host: String,
    },
    /// A path cannot be said to git or ssh.
    #[error("the agent's git cannot be told the path `{}`: {what}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The deploy key or the known hosts cannot be read.
    #[error("`{}` for ssh cannot be read", path.display())]
    Ssh {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of authorities cannot be read.
    #[error("the authorities `{}` cannot be read", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl AccessError {
    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Machine(_) => "ScratchUnusable",
            Self::Write { .. } => "WriteFailed",
            Self::Host { .. } => "InvalidHost",
            Self::Username { .. } => "InvalidUsername",
            Self::Path { .. } => "InvalidPath",
            Self::Ssh { .. } => "SshKeyUnreadable",
            Self::Authorities { .. } => "AuthoritiesUnreadable",
        }
    }

    /// Returns the outcome of a run that ends here.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Ssh { .. } | Self::Authorities { .. } => Outcome::InputMissing,
            _ => Outcome::WorkspaceFailed,
        }
    }
}

/// Prepares what the agent's git needs below `scratch`; returns the variables to add to `child_env`.
///
/// `scheme` is how `access.host` is reached: a token is for that alone, and for `https` at its own
/// port if that is a way without tokens. `exe` is this executable. What the environment already says stays as it is: with a
/// `GIT_ASKPASS` of its own, git asks that, and with a `GIT_SSH_COMMAND` or `GIT_SSH` calls that.
///
/// # Errors
///
/// Returns [`AccessError`]; what was made so far is left in `scratch`, which is private. A second
/// call for one scratch directory is refused.
pub(crate) fn grant(
    access: &Access,
    scheme: Scheme,
    child_env: &Environment,
    scratch: &Path,
    exe: &Path,
) -> Result<Vec<(String, String)>, AccessError> {
    let dir = absolute(scratch)?.join("git");
    let failed = |source| AccessError::Write {
        path: dir.clone(),
        source,
    };
    DirBuilder::new().mode(0o700).create(&dir).map_err(failed)?;
    let mut variables = Vec::new();
    let mut add = |name: &str, value: String| variables.push((name.to_owned(), value));
    if child_env.path("GIT_ASKPASS").is_some() {
        tracing::debug!("Git has an askpass program already.");
    } else if let Some(pass) = pass(access, scheme)? {
        let file = dir.join(PASS);
        let content = pass.to_json().ok_or_else(|| not_utf8(&file))?;
        write_private(&file, content.as_bytes())?;
        let exe = absolute(exe)?;
        let askpass = dir.join(ASKPASS);
        symlink(&exe, &askpass).map_err(|source| AccessError::Write {
            path: askpass.clone(),
            source,
        })?;
        add("GIT_ASKPASS", utf8(&askpass)?);
        let helper = format!(
            "!{} git-credential {}",
            quote(&utf8(&exe)?),
            quote(&utf8(&file)?)
        );
        if let Some(parameters) = with_helper(child_env, &pass.site, &helper) {
            add("GIT_CONFIG_PARAMETERS", parameters);
        }
    }
    if ssh::is_wanted(&access.ssh, child_env) {
        add("GIT_SSH_COMMAND", ssh::command(&access.ssh, &dir)?);
    }
    if !access.ca_files.is_empty() && child_env.path("GIT_SSL_CAINFO").is_none() {
        let file = dir.join("authorities.pem");
        write_private(&file, &authorities::bundle(access)?)?;
        add("GIT_SSL_CAINFO", utf8(&file)?);
    }
    Ok(variables)
}

/// Says who may have the token; `None` if there is none, or nobody that it is for.
fn pass(access: &Access, scheme: Scheme) -> Result<Option<Pass>, AccessError> {
    let (Some(token), Some(host)) = (&access.token, &access.host) else {
        return Ok(None);
    };
    let site = match scheme {
        Scheme::Http => Site::new("http", host),
        Scheme::Https | Scheme::File => Site::new("https", host),
        // The port is one of another protocol.
        Scheme::Ssh | Scheme::Git => Site::new("https", host).map(Site::without_port),
    };
    let site = site.ok_or_else(|| AccessError::Host { host: host.clone() })?;
    if access.username.chars().any(char::is_control) {
        return Err(AccessError::Username { host: host.clone() });
    }
    Ok(Some(Pass {
        site,
        username: access.username.clone(),
        token: match token {
            // The agent works elsewhere.
            TokenSource::File { path, .. } => TokenPlace::File(absolute(path)?),
            TokenSource::Variable { variable, .. } => TokenPlace::Variable((*variable).to_owned()),
        },
    }))
}

/// Adds the helper to what the environment configures; `None` if that cannot be added to.
///
/// The empty helper takes away those that the image or the repository has for this host: they would
/// be asked first, and be told to store the token after.
fn with_helper(child_env: &Environment, site: &Site, helper: &str) -> Option<String> {
    let mut parameters = match child_env.raw("GIT_CONFIG_PARAMETERS") {
        Some(known) => match known.to_str().map(str::trim) {
            Some("") => String::new(),
            Some(known) if known.starts_with('\'') && known.ends_with('\'') => format!("{known} "),
            _ => {
                tracing::warn!(
                    "GIT_CONFIG_PARAMETERS is malformed and left as it is: git has no credential helper."
                );
                return None;
            }
        },
        None => String::new(),
    };
    let key = format!("credential.{}.helper", site.url());
    parameters.push_str(&quote(&format!("{key}=")));
    parameters.push(' ');
    parameters.push_str(&quote(&format!("{key}={helper}")));
    Some(parameters)
}

/// Quotes a word for `sh`, and for git, which takes it apart in the same way.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn utf8(path: &Path) -> Result<String, AccessError> {
    let text = path.to_str().ok_or_else(|| not_utf8(path))?;
    Ok(text.to_owned())
}

fn not_utf8(path: &Path) -> AccessError {
    AccessError::Path {
        path: path.to_owned(),
        what: "it is not UTF-8",
    }
}

fn absolute(path: &Path) -> Result<PathBuf, AccessError> {
    std::path::absolute(path).map_err(|_| AccessError::Path {
        path: path.to_owned(),
        what: "it is relative to a directory that is gone",
    })
}

/// Writes a new file that only its owner can read.
fn write_private(path: &Path, content: &[u8]) -> Result<(), AccessError> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .map_err(|source| AccessError::Write {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests;
