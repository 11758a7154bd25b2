//! Values that are in a file.

use std::io;
use std::path::PathBuf;

use agent_plan::plan::Given;
use agent_plan::secret::Secret;

use crate::short_file;

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
        let text = String::from_utf8(short_file::read(path, LONGEST)?);
        let mut text = text.map_err(|_| io::Error::other("it is not text"))?;
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
