//! A field of a manifest, for those who have something to say of it.

use crate::document::{Step, display, steps};
use crate::manifest::{Manifest, Spot};

use super::refusal::{Reason, Refusal};

/// A field of a manifest.
#[derive(Debug, Clone)]
pub(super) struct Field<'m> {
    manifest: &'m Manifest,
    path: Vec<Step>,
}

impl<'m> Field<'m> {
    /// The field at `path`, such as `spec.agentRef.name`.
    pub(super) fn of(manifest: &'m Manifest, path: &str) -> Self {
        Self {
            manifest,
            path: steps(path),
        }
    }

    /// The field at `path` below this one.
    pub(super) fn at(&self, path: &str) -> Self {
        let mut below = self.clone();
        below.path.extend(steps(path));
        below
    }

    /// The field that is called `key` below this one, whatever letters are in that.
    pub(super) fn key(&self, key: &str) -> Self {
        let mut below = self.clone();
        below.path.push(Step::Key(key.to_owned()));
        below
    }

    /// The item below this one, from 0.
    pub(super) fn item(&self, index: usize) -> Self {
        let mut below = self.clone();
        below.path.push(Step::Index(index));
        below
    }

    /// Where it is; where it would be, if it is not there.
    pub(super) fn spot(&self) -> Spot {
        let path = display(&self.path);
        Spot {
            file: self.manifest.origin().file.clone(),
            place: self.manifest.place(&path),
            manifest: self.manifest.to_string(),
            path,
        }
    }

    /// Says that a controller refuses the run because of it.
    pub(super) fn refused(&self, reason: Reason, message: impl Into<String>) -> Refusal {
        Refusal {
            reason,
            message: message.into(),
            hint: reason.next_step().map(str::to_owned),
            at: Box::new(self.spot()),
        }
    }
}
