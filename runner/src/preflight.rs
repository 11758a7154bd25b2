//! What an agent CLI needs before it is started, looked at before a token is spent.
//!
//! The CLIs say badly, late or never what they miss: codex sends requests without credentials when
//! its file is corrupt, claude ends without a word on stdout when its temporary directory is not
//! there. Each is looked at here; what can be mended is mended in a private place, what cannot be
//! told for sure is a warning, and only what is certain to fail fails.

mod credentials;
mod places;
mod version;

use std::path::PathBuf;

use agent_plan::outcome::{Failure, Outcome};
use agent_plan::plan::ProcessPlan;

use crate::cancel::Cancel;
use crate::home::Cli;
use crate::report;
use crate::scripted;

/// Why an agent need not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreflightError {
    /// Its credentials cannot be used.
    #[error("the credentials in `{}` {problem}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        problem: String,
    },
}

impl PreflightError {
    /// Returns what this means for the run.
    pub fn failure(&self) -> Failure {
        let Self::Credentials { .. } = self;
        let hint = "mount a file that the CLI itself has written, or give it a key in its variable";
        Failure {
            outcome: Outcome::AuthFailed,
            reason: "BadCredentials".to_owned(),
            message: report::sentence(self, Some(hint.to_owned())),
        }
    }
}

/// What was found and mended.
#[derive(Debug, Default)]
pub struct Ready {
    /// Variables for the agent: the private places that it gets instead of unusable ones.
    pub variables: Vec<(String, String)>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Looks at what the agent of a plan needs. Blocking; a cancel ends it early.
///
/// Nothing is done for an agent that is none of the CLIs.
///
/// # Errors
///
/// Returns [`PreflightError`] for what is certain to fail.
pub fn look(
    plan: &ProcessPlan,
    cancel: &Cancel,
    scratch: fn() -> std::io::Result<PathBuf>,
) -> Result<Ready, PreflightError> {
    let Some(cli) = Cli::of(&plan.conversation) else {
        return Ok(Ready::default());
    };
    let mut ready = Ready::default();
    let state = places::find(cli, plan, scratch, &mut ready);
    // The scripted agent asks nobody for anything.
    if plan.program.file_name() != Some(scripted::NAME.as_ref()) {
        credentials::check(cli, plan, &state, &mut ready)?;
    }
    if let Some(warning) = version::check(cli, plan, cancel) {
        ready.warnings.push(warning);
    }
    Ok(ready)
}

#[cfg(test)]
mod tests;
