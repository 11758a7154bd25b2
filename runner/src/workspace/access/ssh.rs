//! The command with which the agent's git calls ssh.

use std::path::{Path, PathBuf};

use agent_plan::env::Environment;
use agent_plan::plan::SshAccess;

use super::{AccessError, quote, utf8, write_private};
use crate::short_file;

/// Longer than any key, and than the host keys of any forge.
const KEY_MAX: u64 = 1024 * 1024;

/// Says whether the agent's ssh needs anything from us.
pub(super) fn is_wanted(ssh: &SshAccess, child_env: &Environment) -> bool {
    let ours = ssh.key.is_some() || ssh.known_hosts.is_some() || ssh.accept_new;
    let theirs = ["GIT_SSH_COMMAND", "GIT_SSH"]
        .iter()
        .any(|name| child_env.path(name).is_some());
    ours && !theirs
}

/// Writes what ssh needs into `dir` and returns the value of `GIT_SSH_COMMAND`.
pub(super) fn command(ssh: &SshAccess, dir: &Path) -> Result<String, AccessError> {
    let mut command = "ssh".to_owned();
    if let Some(key) = &ssh.key {
        let copy = dir.join("key");
        write_private(&copy, &as_ssh_writes(&read(key)?))?;
        // Not `-i`, which looks for the file before it expands the name.
        command.push_str(&path_option("IdentityFile", &copy)?);
    }
    command.push_str(" -o IdentitiesOnly=yes -o BatchMode=yes");
    let known_hosts = if ssh.accept_new {
        // ssh adds to it, and the mounted one is read-only.
        let copy = dir.join("known_hosts");
        let mut bytes = ssh.known_hosts.as_deref().map_or(Ok(Vec::new()), read)?;
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        write_private(&copy, &bytes)?;
        command.push_str(" -o StrictHostKeyChecking=accept-new");
        Some(copy)
    } else {
        command.push_str(" -o StrictHostKeyChecking=yes");
        // None given: what the image knows counts, and no other host is spoken to.
        match &ssh.known_hosts {
            Some(path) => Some(super::absolute(path)?),
            None => None,
        }
    };
    if let Some(path) = known_hosts {
        command.push_str(&path_option("UserKnownHostsFile", &path)?);
    }
    Ok(command)
}

/// Undoes what editors, YAML and secrets do to a key, and ssh does not forgive: a byte order mark,
/// indentation, other ends of lines, no last one. The checkout is as lenient.
fn as_ssh_writes(key: &[u8]) -> Vec<u8> {
    let key = key.strip_prefix(b"\xef\xbb\xbf").unwrap_or(key);
    let mut text = Vec::with_capacity(key.len() + 1);
    for line in key.trim_ascii().split(|&byte| byte == b'\n') {
        text.extend_from_slice(line.trim_ascii());
        text.push(b'\n');
    }
    text
}

fn read(path: &Path) -> Result<Vec<u8>, AccessError> {
    short_file::read(path, KEY_MAX).map_err(|source| AccessError::Ssh {
        path: PathBuf::from(path),
        source,
    })
}

/// Returns an option of ssh with a path, quoted for the shell.
///
/// ssh takes the value apart at blanks, like a line of its configuration, and expands `%` and `${}`
/// in it; the first can be escaped, the second cannot.
fn path_option(name: &str, path: &Path) -> Result<String, AccessError> {
    let text = utf8(path)?;
    if text.contains("${") {
        return Err(AccessError::Path {
            path: path.to_owned(),
            what: "ssh would expand `${`",
        });
    }
    let word = text
        .replace('%', "%%")
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    Ok(format!(" -o {}", quote(&format!("{name}=\"{word}\""))))
}
