//! Values that are in a file.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use agent_plan::plan::Given;
use agent_plan::secret::Secret;
use nix::fcntl::OFlag;

/// Five times the size of the bundle of authorities that Debian ships.
const LONGEST: u64 = 1024 * 1024;

/// A file that should hold a credential and cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be read: {source}", path.display())]
pub(super) struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

/// Returns a value, without its final newlines.
///
/// # Errors
///
/// Fails for what is not a file of text of at most [`LONGEST`] bytes: a FIFO would never end.
pub(super) fn read(source: &Given) -> Result<Secret<String>, Unreadable> {
    let path = match source {
        Given::Text(text) => return Ok(text.clone()),
        Given::File(path) => path,
    };
    let content = || {
        let file = File::options()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        Ok(Secret::new(text))
    };
    content().map_err(|source| Unreadable {
        path: path.clone(),
        source,
    })
}

/// Says where a value comes from, for messages.
pub(super) fn name(source: &Given) -> String {
    match source {
        Given::Text(_) => "the value that was given".to_owned(),
        Given::File(path) => format!("`{}`", path.display()),
    }
}
