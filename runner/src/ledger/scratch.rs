//! The private scratch directory.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// The private scratch directory of this process, made when it is first needed.
static SCRATCH: OnceLock<PathBuf> = OnceLock::new();

/// Held while it is made.
static MAKING: Mutex<()> = Mutex::new(());

/// Where else it may be if the temporary directory cannot be used: one of these can be written in
/// most containers, and a name that nobody can foresee is safe in each. The last is memory.
const ELSEWHERE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Returns the private scratch directory, which has a name that nobody can foresee.
///
/// # Errors
///
/// Fails if neither the temporary directory nor any other such place can be written.
pub fn scratch() -> std::io::Result<PathBuf> {
    // Two threads that need it at once must not make two.
    let making = MAKING.lock();
    let _making = making.unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = SCRATCH.get() {
        return Ok(known.clone());
    }
    let made = made_in(&tempfile::env::temp_dir()).or_else(|error| {
        let mut elsewhere = ELSEWHERE.iter().map(Path::new);
        elsewhere.find_map(|place| made_in(place).ok()).ok_or(error)
    })?;
    Ok(SCRATCH.get_or_init(|| made).clone())
}

fn made_in(place: &Path) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let made = tempfile::Builder::new()
        .prefix("agent-runner-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(place)?;
    Ok(made.keep())
}

/// Removes the scratch directory at the end of a run, with its copies of keys; what nobody has
/// elsewhere stays: a status or a log that had no other place, and what was quarantined.
pub fn sweep() {
    let Some(directory) = SCRATCH.get() else {
        return;
    };
    // They may not be there; and what cannot be removed is private.
    for name in ["git", "home"] {
        drop(std::fs::remove_dir_all(directory.join(name)));
    }
    // Of a run that did not come to the end of its events: what was handed over, and a journal that
    // nobody asked for.
    for name in ["context.ndjson", "events.ndjson"] {
        drop(std::fs::remove_file(directory.join(name)));
    }
    // Both are refused while there is something left in them.
    drop(std::fs::remove_dir(directory.join("quarantine")));
    drop(std::fs::remove_dir(directory));
}
