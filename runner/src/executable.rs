//! Which file a plan's program is, and where an adapter names it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use agent_plan::plan::ProcessPlan;
use nix::unistd::{AccessFlags, access};
use serde_json::Value;

/// The `PATH` of execvp(3) where there is none.
pub(crate) const NO_PATH: &str = "/bin:/usr/bin";

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
    let path = plan.env.raw("PATH").unwrap_or(NO_PATH.as_ref());
    in_path(path, &plan.cwd, program).ok_or_else(|| NotFound {
        searched: path.to_string_lossy().into_owned(),
    })
}

/// Looks for a name in the directories of a `PATH`, in which relative ones are below `base`.
pub(crate) fn in_path(path: &OsStr, base: &Path, name: &Path) -> Option<PathBuf> {
    let mut candidates =
        std::env::split_paths(path).map(|directory| base.join(directory).join(name));
    candidates.find(|candidate| candidate.is_file() && access(candidate, AccessFlags::X_OK).is_ok())
}

/// Names another program in an adapter (contract §1.4).
///
/// What is no adapter stays as it is, for the reader of the spec to complain about.
pub(crate) fn set(adapter: &mut Value, program: &Path) {
    let (body, field) = match adapter["type"].as_str() {
        Some("codex-app-server") => ("codex", "binaryPath"),
        Some("claude") => ("claude", "binaryPath"),
        _ => ("exec", "binary"),
    };
    let is_fit = |value: &Value| value.is_null() || value.is_object();
    if adapter.is_object() && is_fit(&adapter[body]) {
        adapter[body][field] = program.to_string_lossy().into();
    }
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
