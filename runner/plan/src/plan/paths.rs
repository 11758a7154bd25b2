//! Where the runner's own files go, and that no two of them are one.

use std::path::{Path, PathBuf};

use super::files::lexical;
use super::{CheckoutPlan, FilePlan, PlanError};
use crate::env::{self, Environment};
use crate::settings::RunnerSettings;
use crate::spec::RunSpec;

/// Name of the complete status, beside the short one.
pub const FULL_STATUS: &str = "status.full.json";

/// Name of the directory with unpushed work, beside the status.
const WIP: &str = "workspace-wip";

/// Where the runner's own files go.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// The status file; `None`: none is asked for.
    pub status: Option<PathBuf>,
    /// The log of the agent's output.
    pub log: Option<PathBuf>,
    /// Bytes after which the log is closed.
    pub log_limit: Option<u64>,
    /// The journal of events; only a plan knows it.
    pub journal: Option<PathBuf>,
}

/// Returns where status and log go, by setting, then by spec.
///
/// This alone can be asked of a spec whose plan fails, so that the failure has a status file.
pub fn paths(
    spec: &RunSpec,
    settings: &RunnerSettings,
    environment: &Environment,
    working_dir: &Path,
) -> Paths {
    let told = environment.path(env::STATUS_PATH);
    let status = told.or_else(|| spec.artifacts.status_path.clone());
    Paths {
        status: status.map(|path| working_dir.join(path)),
        log: spec
            .artifacts
            .log_path
            .as_ref()
            .map(|path| working_dir.join(path)),
        log_limit: settings.log.as_ref().and_then(|log| log.max_bytes),
        journal: None,
    }
}

impl Paths {
    /// Returns where unpushed work is saved, if that is asked for and there is a place for it.
    pub(super) fn wip(
        &self,
        settings: &RunnerSettings,
        has_checkout: bool,
        warnings: &mut Vec<String>,
    ) -> Option<PathBuf> {
        settings.workspace.as_ref()?.wip.filter(|asked| *asked)?;
        let beside = self.status.as_ref().map(|path| path.with_file_name(WIP));
        let problem = match &beside {
            _ if !has_checkout => "there is no checkout",
            // The kubelet mounts one file there, not a directory.
            Some(path) if path.parent() == Some(Path::new("/dev")) => {
                "the status is among the devices"
            }
            None => "there is no status file beside which to save it",
            Some(_) => return beside,
        };
        warnings.push(format!("`workspace.wip` saves nothing: {problem}"));
        None
    }

    /// Refuses a status, log or journal inside the checkout: it would count as a change of the agent's, and a
    /// directory with it in would be no place for a clone any more.
    pub(super) fn refuse_inside(&self, checkout: Option<&CheckoutPlan>) -> Result<(), PlanError> {
        let Some(checkout) = checkout else {
            return Ok(());
        };
        let dir = lexical(&checkout.dir);
        for (what, path) in [
            ("the status", &self.status),
            ("the log", &self.log),
            ("the journal", &self.journal),
        ] {
            let inside = path.as_deref().map(lexical);
            if let Some(path) = inside.filter(|path| path.starts_with(&dir)) {
                return Err(PlanError::InsideCheckout { what, path, dir });
            }
        }
        Ok(())
    }

    /// Refuses a status, log or journal that would replace another, an input file, or what was read.
    ///
    /// Two input files may have one path: the later is written over the earlier, as the contract
    /// has it. Links are not followed, because a plan touches nothing.
    pub(super) fn refuse_shared(
        &self,
        files: &[FilePlan],
        reserved: &[(&'static str, PathBuf)],
        working_dir: &Path,
    ) -> Result<(), PlanError> {
        let full = self
            .status
            .as_ref()
            .map(|path| path.with_file_name(FULL_STATUS));
        let ours = [
            ("the status", self.status.as_ref()),
            ("the complete status", full.as_ref()),
            ("the log", self.log.as_ref()),
            ("the journal", self.journal.as_ref()),
        ];
        let mut taken: Vec<(String, PathBuf)> = reserved
            .iter()
            .map(|(what, path)| ((*what).to_owned(), lexical(&working_dir.join(path))))
            .collect();
        taken.extend(files.iter().enumerate().map(|(index, file)| {
            let what = format!("the input file `inputFiles[{index}]`");
            (what, lexical(&file.path))
        }));
        for (what, path) in ours {
            let Some(path) = path.map(|path| lexical(path)) else {
                continue;
            };
            if is_device(&path) {
                continue;
            }
            if let Some((first, _)) = taken.iter().find(|(_, there)| *there == path) {
                return Err(PlanError::PathTaken {
                    first: first.clone(),
                    second: what.to_owned(),
                    path,
                });
            }
            taken.push((what.to_owned(), path));
        }
        Ok(())
    }
}

/// Says whether several may write to a path: `/dev/null`, `/dev/stdout`, but not the file that the
/// kubelet mounts among the devices, nor shared memory.
fn is_device(path: &Path) -> bool {
    path.starts_with("/dev")
        && !path.starts_with("/dev/shm")
        && path != Path::new("/dev/termination-log")
}
