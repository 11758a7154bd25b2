//! What a controller would say of a run besides taking it.

use std::fmt;

use crate::manifest::Spot;

use super::field::Field;
use super::refusal::{Reason, Refusal};

/// Warnings beyond which they are only counted: a page.
const MAX_WARNINGS: usize = 50;

/// Bytes that all templates of a manifest may become: far more than a cluster takes of a Job, and
/// less than would hurt.
const MAX_RENDERED: usize = 16 << 20;

/// A condition that the `AgentRun` would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its type: `VcsSkipped` or `Warning`.
    pub kind: &'static str,
    /// Its reason, in the controller's word.
    pub reason: &'static str,
    /// What it says, in our words.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Because of which field.
    pub at: Spot,
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            reason,
            message,
            hint,
            at,
        } = self;
        write!(out, "{at}: {message} ({kind}: {reason})")?;
        match hint {
            Some(hint) => write!(out, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Something that its author perhaps did not mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where; nowhere for what is only counted.
    pub at: Option<Spot>,
    /// What: a fragment.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(out, "{at}: {}", self.message),
            None => out.write_str(&self.message),
        }
    }
}

/// What a pod gets from a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretNeed {
    /// Name of the Secret.
    pub secret: String,
    /// Key in it; every key, if there is none.
    pub key: Option<String>,
    /// What becomes of it.
    pub purpose: SecretPurpose,
    /// Whether the pod starts without it.
    pub optional: bool,
    /// Whether the run's repository is opened with it.
    pub opens_repository: bool,
    /// Because of which field; none: the controller's own settings.
    pub at: Option<Spot>,
}

/// What becomes of a secret in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretPurpose {
    /// A variable.
    Variable(String),
    /// Every key is a variable.
    Variables,
    /// A file.
    File(String),
    /// Every key is a file in this directory.
    Directory(String),
    /// The private key of a GitHub App, with which a controller gets a token for the variables
    /// `VCS_TOKEN`, `GITHUB_TOKEN` and `GH_TOKEN`.
    App,
}

/// What was noticed on the way.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) conditions: Vec<Condition>,
    pub(super) objections: Vec<Refusal>,
    pub(super) secrets: Vec<SecretNeed>,
    warnings: Vec<Warning>,
    more: usize,
    rendered: usize,
}

impl Notes {
    /// Counts bytes that templates became; says whether there are not yet too many.
    pub(super) fn afford(&mut self, bytes: usize) -> bool {
        self.rendered += bytes;
        self.rendered <= MAX_RENDERED
    }

    /// Notes something that its author perhaps did not mean.
    pub(super) fn warn(&mut self, field: &Field<'_>, message: impl Into<String>) {
        if self.warnings.len() == MAX_WARNINGS {
            self.more += 1;
            return;
        }
        self.warnings.push(Warning {
            at: Some(field.spot()),
            message: message.into(),
        });
    }

    /// Notes that the run goes on without a repository.
    pub(super) fn skipped(&mut self, refusal: Refusal) {
        self.conditions.push(Condition {
            kind: "VcsSkipped",
            reason: refusal.reason.name(),
            message: refusal.message,
            hint: refusal.hint,
            at: *refusal.at,
        });
    }

    /// Notes what a controller takes and does not like.
    pub(super) fn deprecated(&mut self, field: &Field<'_>, message: String) {
        self.conditions.push(Condition {
            kind: "Warning",
            reason: "DeprecatedAuth",
            message,
            hint: None,
            at: field.spot(),
        });
    }

    /// Notes what a controller refuses and a run without one can do.
    pub(super) fn object(&mut self, field: &Field<'_>, reason: Reason, message: impl Into<String>) {
        self.objections.push(field.refused(reason, message));
    }

    /// Notes that the pod needs a secret.
    pub(super) fn need(
        &mut self,
        secret: &str,
        key: Option<&str>,
        purpose: SecretPurpose,
        field: Option<&Field<'_>>,
    ) {
        self.secrets.push(SecretNeed {
            secret: secret.to_owned(),
            key: key.map(str::to_owned),
            purpose,
            optional: false,
            opens_repository: false,
            at: field.map(Field::spot),
        });
    }

    /// Takes over what was noticed elsewhere.
    pub(super) fn absorb(&mut self, other: Self) {
        self.conditions.extend(other.conditions);
        self.objections.extend(other.objections);
        self.secrets.extend(other.secrets);
        self.more += other.more;
        for warning in other.warnings {
            if self.warnings.len() == MAX_WARNINGS {
                self.more += 1;
            } else {
                self.warnings.push(warning);
            }
        }
    }

    /// Returns the warnings; the last one counts those that are not there.
    pub(super) fn warnings(mut self) -> Vec<Warning> {
        if self.more > 0 {
            self.warnings.push(Warning {
                at: None,
                message: format!("there are {} more warnings", self.more),
            });
        }
        self.warnings
    }
}
