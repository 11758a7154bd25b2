//! What the agent's git is told when it asks for credentials: `git-credential` and askpass.
//!
//! Both are answered from the [`Pass`] that `workspace::grant` wrote: for one host, reached in one
//! way, and for nobody else. The token is read when it is asked for.

use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use agent_plan::env::Environment;
use agent_plan::secret::Secret;

use crate::workspace::{ASKPASS, PASS, Pass, Site};

/// Git's request is a handful of lines; more than this is no request.
const REQUEST_MAX: u64 = 64 * 1024;

/// Why a request for credentials could not be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The file that says who may have them cannot be read.
    #[error("the access file `{}` cannot be read", path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Askpass was not started by its absolute path, beside which the file is.
    #[error("`{ASKPASS}` was not started by its absolute path")]
    Place,
    /// The request cannot be read.
    #[error("the request on stdin cannot be read")]
    Request {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The request is not `key=value` lines.
    #[error("the request on stdin is not in the form of git-credential")]
    Malformed,
}

/// Says whether the executable was started as the askpass program.
pub fn is_askpass(argv0: &OsStr) -> bool {
    Path::new(argv0).file_name() == Some(OsStr::new(ASKPASS))
}

/// Answers one request of git to a credential helper: the text for stdout, if there is any.
///
/// Only `get` is answered, only for the host and scheme that the token is for, and only if git does
/// not already know another user. A token that is not there is a warning in the log and no answer:
/// git then says that it has no credentials. Operations that nobody knows are for later versions
/// of git and succeed.
///
/// # Errors
///
/// Returns [`CredentialError`] if the access file or the request cannot be read.
pub fn git_credential(
    access_file: &Path,
    operation: &str,
    input: impl Read,
    environment: &Environment,
) -> Result<Option<Secret<String>>, CredentialError> {
    if operation != "get" {
        return Ok(None);
    }
    let pass = read_pass(access_file)?;
    let request = Request::read(input)?;
    let site = Site::new(&request.protocol, &request.host);
    let other_user = request
        .username
        .is_some_and(|username| username != pass.username);
    if site.as_ref() != Some(&pass.site) || other_user {
        return Ok(None);
    }
    let answer = |token: Secret<String>| {
        let username = &pass.username;
        let token = token.expose();
        Secret::new(format!("username={username}\npassword={token}\n"))
    };
    Ok(token(&pass, environment).map(answer))
}

/// Answers one prompt of git or another tool: the line for stdout; `None` is exit code 1.
///
/// A prompt with "Username" in it gets the user name, any other the token (contract §4.4). If the
/// prompt says for what it asks, that must be the host and scheme that the token is for; passphrases
/// of keys and questions about hosts get nothing.
///
/// # Errors
///
/// Returns [`CredentialError`] if there is no access file beside the program.
pub fn askpass(
    argv0: &OsStr,
    prompt: &str,
    environment: &Environment,
) -> Result<Option<Secret<String>>, CredentialError> {
    // A bare name would lead into the working directory, where a stranger's file may be.
    let program = Path::new(argv0);
    let dir = program
        .parent()
        .filter(|dir| dir.is_absolute())
        .ok_or(CredentialError::Place)?;
    let pass = read_pass(&dir.join(PASS))?;
    let question = match Prompt::parse(prompt) {
        Prompt::Plain(question) => question,
        Prompt::Of(question, site) if site == pass.site => question,
        Prompt::Of(..) | Prompt::Else => return Ok(None),
    };
    let line = |text: &str| Secret::new(format!("{text}\n"));
    if question.contains("Username") {
        return Ok(Some(line(&pass.username)));
    }
    Ok(token(&pass, environment).map(|token| line(token.expose())))
}

fn read_pass(path: &Path) -> Result<Pass, CredentialError> {
    Pass::read(path).map_err(|source| CredentialError::Access {
        path: path.to_owned(),
        source,
    })
}

fn token(pass: &Pass, environment: &Environment) -> Option<Secret<String>> {
    pass.token(environment)
        .inspect_err(|error| {
            tracing::warn!(
                error = error as &dyn Error,
                site = pass.site.url(),
                "No credentials for git."
            );
        })
        .ok()
}

/// What git asks for, in the form of git-credential(1).
#[derive(Default)]
struct Request {
    protocol: String,
    host: String,
    username: Option<String>,
}

impl Request {
    fn read(input: impl Read) -> Result<Self, CredentialError> {
        let mut bytes = Vec::new();
        input
            .take(REQUEST_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| CredentialError::Request { source })?;
        if bytes.len() as u64 > REQUEST_MAX {
            return Err(CredentialError::Malformed);
        }
        let mut request = Self::default();
        // What is not UTF-8 becomes a letter that no host has.
        for line in String::from_utf8_lossy(&bytes).split('\n') {
            if line.is_empty() {
                break;
            }
            let (key, value) = line.split_once('=').ok_or(CredentialError::Malformed)?;
            // Of two lines with one key the later one counts, as in git.
            match key {
                "protocol" => value.clone_into(&mut request.protocol),
                "host" => value.clone_into(&mut request.host),
                "username" => request.username = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(request)
    }
}

/// What a prompt asks for.
enum Prompt<'a> {
    /// A question about nothing in particular: `Password: `.
    Plain(&'a str),
    /// A question about a site: `Password for 'https://user@host': `.
    Of(&'a str, Site),
    /// Anything else, or a URL that could be read in two ways.
    Else,
}

impl<'a> Prompt<'a> {
    fn parse(prompt: &'a str) -> Self {
        let Some(start) = prompt.find(['\'', '"']) else {
            let lower = prompt.to_ascii_lowercase();
            let is_else = ["://", "@", "passphrase", "yes/no"]
                .iter()
                .any(|sign| lower.contains(sign));
            return if is_else {
                Self::Else
            } else {
                Self::Plain(prompt)
            };
        };
        let (question, quoted) = prompt.split_at(start);
        match quoted_site(quoted) {
            // A name in the path must not be taken for the question.
            Some(site) => Self::Of(question, site),
            None => Self::Else,
        }
    }
}

/// Takes `'https://user@host/path': ` apart, more strictly than any version of git writes it.
///
/// Old versions write the user name as it is, which a hostile URL chooses: one with a `/`, a `#`, a
/// quote or an `@` in it could pass for the host that is meant.
fn quoted_site(quoted: &str) -> Option<Site> {
    let mark = quoted.chars().next()?;
    let url = quoted
        .trim_end()
        .trim_end_matches(':')
        .strip_prefix(mark)?
        .strip_suffix(mark)?;
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if path.contains(['@', '\'', '"']) {
        return None;
    }
    let host = match authority.split_once('@') {
        Some((user, host)) if is_plain(user) => host,
        Some(_) => return None,
        None => authority,
    };
    Site::new(scheme, host)
}

fn is_plain(user: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%+".contains(&byte);
    user.bytes().all(fits)
}

#[cfg(test)]
mod tests;
