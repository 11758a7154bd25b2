//! What is asked: a run, the manifests beside it, and what the controller was told.

use serde_json::{Map, Value};

use crate::manifest::{Found, Manifests};
use crate::resource::{AgentRun, RunResourceSpec, SecretObject};
use crate::secret::Secret;

use super::controller::Controller;
use super::field::Field;
use super::said;
use super::values::SecretValues;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'m> {
    pub(super) manifests: &'m Manifests,
    pub(super) run: Found<'m, AgentRun>,
    pub(super) controller: &'m Controller,
    pub(super) values: &'m dyn SecretValues,
}

impl<'m> Ask<'m> {
    /// A field of the run.
    pub(super) fn field(&self, path: &str) -> Field<'m> {
        Field::of(self.run.manifest, path)
    }

    pub(super) fn spec(&self) -> &'m RunResourceSpec {
        &self.run.object.spec
    }

    pub(super) fn name(&self) -> &'m str {
        self.run.manifest.name()
    }

    pub(super) fn namespace(&self) -> &'m str {
        self.run.manifest.namespace()
    }

    /// What a Secret of the run's namespace has under a key.
    pub(super) fn secret(&self, name: &str, key: &str) -> Option<Secret<Vec<u8>>> {
        self.values.value(self.namespace(), name, key)
    }

    /// Says whether a Secret of the run's namespace is among the manifests.
    pub(super) fn has_secret(&self, name: &str) -> bool {
        let found = self.manifests.get::<SecretObject>(self.namespace(), name);
        found.is_some()
    }

    /// What the run says of its runtime under `key`.
    pub(super) fn configured(&self, key: &str) -> Option<&'m Value> {
        let runtime = self.spec().runtime.as_ref()?;
        runtime.config.as_ref()?.get(key)
    }

    pub(super) fn configured_text(&self, key: &str) -> Option<&'m str> {
        said(self.configured(key)?.as_str())
    }

    pub(super) fn configured_object(&self, key: &str) -> Option<&'m Map<String, Value>> {
        self.configured(key)?.as_object()
    }

    pub(super) fn configured_list(&self, key: &str) -> Option<&'m [Value]> {
        Some(self.configured(key)?.as_array()?.as_slice())
    }

    /// A number that is not negative, also where it is text: what is behind its point is cut off.
    pub(super) fn configured_number(&self, key: &str) -> Option<u64> {
        let number = match self.configured(key)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "finite and not negative; what is too large becomes the largest"
        )]
        number.is_finite().then(|| number.max(0.0) as u64)
    }
}
