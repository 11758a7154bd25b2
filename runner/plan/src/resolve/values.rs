//! Values of Secrets, wherever they are.

use std::fmt;

use crate::manifest::Manifests;
use crate::resource::SecretObject;
use crate::secret::Secret;

/// Values of Secrets, as the pod of a run would find them.
pub trait SecretValues: fmt::Debug {
    /// Returns what a Secret of a namespace has under a key.
    fn value(&self, namespace: &str, secret: &str, key: &str) -> Option<Secret<Vec<u8>>>;
}

impl SecretValues for Manifests {
    fn value(&self, namespace: &str, secret: &str, key: &str) -> Option<Secret<Vec<u8>>> {
        let found = self.get::<SecretObject>(namespace, secret)?;
        found.object.value(key)
    }
}
