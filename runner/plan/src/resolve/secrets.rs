//! Which Secrets a run may have (contract §3.5).

use std::collections::HashSet;

use crate::manifest::{Found, shown};
use crate::resource::Agent;

use super::ask::Ask;
use super::field::Field;
use super::refusal::{Reason, Refusal};
use super::{listed, said};

/// Which Secrets a run may have.
#[derive(Debug, Clone)]
pub(super) struct SecretPolicy<'m> {
    /// What the Agent permits; none: all.
    allowed: HashSet<&'m str>,
    agent: Found<'m, Agent>,
    blocked: &'m [String],
    /// The Secrets of the run itself.
    pub(super) own: Vec<&'m str>,
}

impl<'m> SecretPolicy<'m> {
    /// Takes what Agent and controller say, and looks at the Secrets of the run.
    pub(super) fn of(ask: &Ask<'m>, agent: Found<'m, Agent>) -> Result<Self, Refusal> {
        let security = agent.object.spec.security.as_ref();
        let allowed = security.and_then(|security| security.allowed_secrets.as_deref());
        let policy = Self {
            allowed: listed(allowed.unwrap_or_default()).into_iter().collect(),
            agent,
            blocked: &ask.controller.blocked_secrets,
            own: listed(ask.spec().secrets.as_deref().unwrap_or_default()),
        };
        for (index, name) in ask.spec().secrets.iter().flatten().enumerate() {
            if let Some(name) = said(Some(name)) {
                policy.allow(name, &ask.field("spec.secrets").item(index))?;
            }
        }
        Ok(policy)
    }

    /// Looks whether the controller forbids one of the run's own.
    pub(super) fn unblock_own(&self, ask: &Ask<'_>) -> Result<(), Refusal> {
        for (index, name) in ask.spec().secrets.iter().flatten().enumerate() {
            if let Some(name) = said(Some(name)) {
                self.unblock(name, &ask.field("spec.secrets").item(index))?;
            }
        }
        Ok(())
    }

    /// Looks whether the Agent permits a Secret that the field names.
    pub(super) fn allow(&self, name: &str, field: &Field<'_>) -> Result<(), Refusal> {
        if self.allowed.is_empty() || self.allowed.contains(name) {
            return Ok(());
        }
        let message = format!(
            "the Secret `{}` is not among `spec.security.allowedSecrets` of {}",
            shown(name),
            self.agent.manifest
        );
        Err(field.refused(Reason::SecretNotAllowed, message))
    }

    /// Looks whether the controller forbids a Secret that the field names.
    pub(super) fn unblock(&self, name: &str, field: &Field<'_>) -> Result<(), Refusal> {
        if !self.blocked.iter().any(|blocked| blocked == name) {
            return Ok(());
        }
        let name = shown(name);
        let message = format!("the controller gives the Secret `{name}` to no run");
        Err(field
            .refused(Reason::SecretBlocked, message)
            .hint("the variable `AGENTS_CONTROLLER_BLOCKED_SECRETS` says which"))
    }

    /// Looks whether the Secret that a field names is among those of the run.
    pub(super) fn own(&self, name: &str, field: &Field<'_>) -> Result<(), Refusal> {
        if self.own.contains(&name) {
            return Ok(());
        }
        let name = shown(name);
        let message = format!("the Secret `{name}` is not among `spec.secrets` of the run");
        Err(field.refused(Reason::SecretNotAllowed, message))
    }

    /// Looks whether the controller forbids the Secret with the credentials of codex, which it adds
    /// by itself.
    pub(super) fn unblock_auth(&self, ask: &Ask<'_>) -> Result<(), Refusal> {
        match &ask.controller.auth_secret {
            Some(auth) => self.unblock(&auth.name, &ask.field("spec")),
            None => Ok(()),
        }
    }

    /// Looks whether the Agent permits it.
    pub(super) fn permit_auth(&self, ask: &Ask<'_>) -> Result<(), Refusal> {
        let Some(auth) = &ask.controller.auth_secret else {
            return Ok(());
        };
        let field = Field::of(self.agent.manifest, "spec.security.allowedSecrets");
        self.allow(&auth.name, &field)
    }
}
