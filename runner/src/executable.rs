//! Which file a plan's program is.

use std::path::{Path, PathBuf};

use agent_plan::plan::ProcessPlan;
use nix::unistd::{AccessFlags, access};

/// Nothing in the agent's `PATH` can be executed under that name.
#[derive(Debug)]
pub(crate) struct NotFound {
    /// The `PATH`.
    pub(crate) searched: String,
}

/// Resolves the binary as a shell would, in the agent's own PATH, so that a message can say where.
///
/// What names a directory is not looked for, so that it need not be there.
pub(crate) fn find(plan: &ProcessPlan) -> Result<PathBuf, NotFound> {
    let program = &plan.program;
    if program.components().count() > 1 || program.is_absolute() {
        return Ok(plan.cwd.join(program));
    }
    // The PATH of execvp(3) where there is none.
    let path = plan.env.raw("PATH").unwrap_or("/bin:/usr/bin".as_ref());
    let mut candidates =
        std::env::split_paths(path).map(|directory| plan.cwd.join(directory).join(program));
    let usable =
        |candidate: &PathBuf| candidate.is_file() && access(candidate, AccessFlags::X_OK).is_ok();
    candidates.find(usable).ok_or_else(|| NotFound {
        searched: path.to_string_lossy().into_owned(),
    })
}

/// Says whether a file is a program, and not a script that may do anything with its arguments.
pub(crate) fn is_elf(path: &Path) -> bool {
    use std::io::Read;
    const MAGIC: [u8; 4] = *b"\x7fELF";
    // Opening a FIFO would wait for a writer.
    if !path.is_file() {
        return false;
    }
    let mut head = [0; MAGIC.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == MAGIC
}
