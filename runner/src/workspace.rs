//! The workspace: what the agent finds before it starts, and what is left of it after.
//!
//! Before: the checkout, then the rendered input files, then what the agent's own git needs. After:
//! a summary, and if it is asked for, what the agent has not pushed. All of it is blocking work,
//! done on a thread of its own and ended early through a [`Cancel`].

mod access;
mod files;
pub mod git;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use agent_plan::outcome::{Failure, Outcome};
use agent_plan::plan::{Plan, Trust};

pub use access::AccessError;
pub(crate) use access::{ASKPASS, PASS, Pass, Site};
pub use files::FileError;
pub use git::{Checkout, GitError};

use crate::cancel::Cancel;
use crate::report;
use git::{Means, Start, Summary, SummaryError, Wip, WipError};

/// Why the agent cannot be given its workspace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// There is no work tree.
    #[error("the checkout failed")]
    Git(#[from] GitError),
    /// An input file is not there.
    #[error(transparent)]
    File(#[from] FileError),
    /// The agent's own git cannot be given access.
    #[error("the agent's git cannot be given its credentials")]
    Access(#[from] AccessError),
    /// The private directory cannot be made.
    #[error("the private scratch directory cannot be made")]
    Scratch(#[source] std::io::Error),
}

impl WorkspaceError {
    /// Returns the outcome of a run that ends here.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Git(error) => error.outcome(),
            Self::Access(error) => error.outcome(),
            _ => Outcome::WorkspaceFailed,
        }
    }

    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Git(error) => error.reason(),
            Self::File(error) => error.reason(),
            Self::Access(error) => error.reason(),
            Self::Scratch(_) => "ScratchUnusable",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::Access(_) => None,
            Self::Scratch(_) => Some("mount a writable `/tmp`, or set `TMPDIR`".to_owned()),
        }
    }

    /// Returns what this means for the run.
    pub fn failure(&self) -> Failure {
        Failure {
            outcome: self.outcome(),
            reason: self.reason().to_owned(),
            message: report::sentence(self, self.hint()),
        }
    }
}

/// The private scratch directory, made when somebody needs it.
pub type Scratch = fn() -> std::io::Result<PathBuf>;

/// Tells others in words how far a checkout is; must not wait.
pub type Say = Arc<dyn Fn(String) + Send + Sync>;

/// Checks out what the plan says. Blocking.
///
/// # Errors
///
/// Returns [`WorkspaceError`]; the directory is then as it was.
pub fn check_out(
    plan: &Plan,
    cancel: &Cancel,
    say: Say,
    scratch: Scratch,
) -> Result<Option<Checkout>, WorkspaceError> {
    let Some(wanted) = &plan.checkout else {
        return Ok(None);
    };
    let aside = match wanted.trust {
        Trust::Trusted => PathBuf::new(),
        Trust::Quarantine => scratch()
            .map_err(WorkspaceError::Scratch)?
            .join("quarantine"),
    };
    let means = Means {
        cancel: cancel.clone(),
        aside,
        terminal: std::io::stderr().is_terminal(),
        say,
    };
    Ok(Some(git::checkout(wanted, &means)?))
}

/// What the agent gets besides its plan.
#[derive(Debug, Default)]
pub struct Furnished {
    /// Variables for the agent's git.
    pub variables: Vec<(String, String)>,
    /// What could not be given to a run that has no checkout and may never need it.
    pub warning: Option<AccessError>,
}

/// Writes the input files, and gives the agent's git what it needs. Blocking.
///
/// # Errors
///
/// Returns [`WorkspaceError`]; what was written before stays.
pub fn furnish(plan: &Plan, scratch: Scratch) -> Result<Furnished, WorkspaceError> {
    if let Some(directory) = &plan.make_dir {
        // Whoever starts the agent there says what is wrong with it.
        drop(std::fs::create_dir_all(directory));
    }
    files::write(&plan.files, &plan.roots)?;
    let Some(access) = plan.access.as_ref().filter(|access| access.is_any()) else {
        return Ok(Furnished::default());
    };
    let granted = scratch()
        .and_then(|scratch| Ok((scratch, std::env::current_exe()?)))
        .map_err(AccessError::Machine)
        .and_then(|(scratch, exe)| {
            let env = &plan.process.env;
            access::grant(access, access.scheme, env, &scratch, &exe)
        });
    match granted {
        Ok(variables) => Ok(Furnished {
            variables,
            warning: None,
        }),
        // The incumbent starts such an agent all the same.
        Err(error) if plan.checkout.is_none() => Ok(Furnished {
            variables: Vec::new(),
            warning: Some(error),
        }),
        Err(error) => Err(error.into()),
    }
}

/// What is left of a workspace.
#[derive(Debug)]
pub struct Remains {
    /// What the work tree looks like.
    pub summary: Result<Summary, SummaryError>,
    /// What was saved, if anything was to be.
    pub saved: Option<Saved>,
}

/// What the agent has not pushed.
#[derive(Debug)]
pub struct Saved {
    /// The directory that has it.
    pub into: PathBuf,
    /// The files in it.
    pub wip: Result<Wip, WipError>,
}

/// Looks at the work tree after the agent's end, and saves what it has not pushed. Blocking; ends
/// early when it is asked to.
pub fn look_back(plan: &Plan, checkout: &Checkout, cancel: &Cancel) -> Remains {
    let start = Start {
        commit: checkout.commit.clone(),
    };
    let over = || cancel.is_asked();
    let dir = plan
        .checkout
        .as_ref()
        .map_or(&plan.process.cwd, |plan| &plan.dir);
    let summary = git::summarise(dir, &start, &over);
    let save = |into: &PathBuf| Saved {
        wip: git::save(dir, &start, into, &plan.redactor, &over),
        into: into.clone(),
    };
    Remains {
        summary,
        saved: plan.wip.as_ref().map(save),
    }
}
