//! The private scratch directory.

use std::path::PathBuf;
use std::sync::OnceLock;

/// The private scratch directory of this process, made when it is first needed.
static SCRATCH: OnceLock<PathBuf> = OnceLock::new();

/// Returns the private scratch directory, which has a name that nobody can foresee.
///
/// # Errors
///
/// Fails if the temporary directory cannot be written.
pub fn scratch() -> std::io::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    if let Some(known) = SCRATCH.get() {
        return Ok(known.clone());
    }
    let made = tempfile::Builder::new()
        .prefix("agent-runner-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()?
        .keep();
    Ok(SCRATCH.get_or_init(|| made).clone())
}

/// Removes the scratch directory at the end of a run, with its copies of keys; what nobody has
/// elsewhere stays: a status or a log that had no other place, and what was quarantined.
pub fn sweep() {
    let Some(directory) = SCRATCH.get() else {
        return;
    };
    // It may not be there; and what cannot be removed is private.
    drop(std::fs::remove_dir_all(directory.join("git")));
    // Both are refused while there is something left in them.
    drop(std::fs::remove_dir(directory.join("quarantine")));
    drop(std::fs::remove_dir(directory));
}
