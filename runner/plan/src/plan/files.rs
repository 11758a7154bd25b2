//! Files to write before the agent starts (contract §5.1).

use std::path::{Component, Path, PathBuf};

use super::PlanError;
use super::adapter::Exec;
use super::roots::Templates;

/// A file to write, rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlan {
    /// Absolute, without `..`.
    pub path: PathBuf,
    /// What it will hold.
    pub content: String,
    /// Permissions.
    pub mode: u32,
}

/// The incumbent writes with the default mode under the usual umask.
const DEFAULT_MODE: u32 = 0o644;

pub(super) fn plan(
    exec: &Exec,
    working_dir: &Path,
    templates: &mut Templates,
) -> Result<Vec<FilePlan>, PlanError> {
    let declared = exec.input_files.as_deref().unwrap_or_default();
    let mut files = Vec::with_capacity(declared.len());
    for (index, file) in declared.iter().enumerate() {
        let name = |field: &str| exec.name(&format!("inputFiles[{index}].{field}"));
        let path = templates.plain(&name("path"), &file.path)?;
        let path = safe_path(name("path"), &path, working_dir)?;
        let content = templates.plain(&name("content"), &file.content)?;
        let mode = match &file.mode {
            None => DEFAULT_MODE,
            Some(mode) => octal(mode.strip_prefix("0o").unwrap_or(mode))
                .filter(|mode| *mode <= 0o777)
                .ok_or_else(|| PlanError::BadMode {
                    template: name("mode"),
                    mode: mode.clone(),
                })?,
        };
        files.push(FilePlan {
            path,
            content,
            mode,
        });
    }
    Ok(files)
}

/// Reads octal digits and nothing else; the standard library would also take a sign.
fn octal(digits: &str) -> Option<u32> {
    let all = digits.bytes().all(|digit| digit.is_ascii_digit());
    all.then(|| u32::from_str_radix(digits, 8).ok())?
}

/// Takes a rendered path as hostile: parameters may have come from an issue.
pub(super) fn safe_path(
    template: String,
    path: &str,
    working_dir: &Path,
) -> Result<PathBuf, PlanError> {
    if path.trim().is_empty() {
        return Err(PlanError::BlankPath { template });
    }
    if path.contains('\0') {
        return Err(PlanError::Nul { template });
    }
    let path = Path::new(path);
    if path
        .components()
        .any(|component| component == Component::ParentDir)
    {
        return Err(PlanError::Upwards {
            template,
            path: path.display().to_string(),
        });
    }
    Ok(working_dir.join(path))
}

/// Returns an absolute path without `.` and `..`.
pub(super) fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                // Above the root is the root.
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
