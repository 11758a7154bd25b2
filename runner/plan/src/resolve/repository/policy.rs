//! Which provider, which repository, and what the run may do there (contract §4.3).

use std::fmt;

use crate::manifest::{Found, shown};
use crate::pattern::matches;
use crate::resource::{Agent, Kind, NameRef, VcsMode, VersionControlProvider};

use super::super::field::Field;
use super::super::refusal::Reason;
use super::super::task::{Task, absent};
use super::super::{listed, said};
use super::{Inquiry, Stop};

/// What a run may do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Read and write.
    ReadWrite,
    /// Read.
    ReadOnly,
    /// Nothing.
    None,
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::None => "none",
        })
    }
}

impl<'m> Inquiry<'_, 'm> {
    /// What the run wants.
    pub(super) fn wanted(&self) -> Mode {
        let policy = self.ask.spec().vcs_policy.as_ref();
        match policy.and_then(|policy| policy.mode).unwrap_or_default() {
            VcsMode::ReadWrite => Mode::ReadWrite,
            VcsMode::ReadOnly => Mode::ReadOnly,
            VcsMode::None => Mode::None,
        }
    }

    /// Says whether the run ends without a repository.
    pub(super) fn is_required(&self) -> bool {
        let policy = self.ask.spec().vcs_policy.as_ref();
        let required = policy.and_then(|policy| policy.required) == Some(true);
        required && self.wanted() != Mode::None
    }

    /// Finds the provider: that of the run, else that of the task, else that of the Agent.
    pub(super) fn provider(
        &self,
        agent: Found<'m, Agent>,
        task: &Task<'m>,
    ) -> Result<Found<'m, VersionControlProvider>, Stop> {
        let ask = self.ask;
        if !ask.controller.repositories {
            return Err(Stop::Skip(ask.field("spec.vcsRef").refused(
                Reason::VcsProvidersDisabled,
                "the controller gives repositories to no run",
            )));
        }
        let named = |reference: &'m Option<NameRef>, field: Field<'m>| {
            Some((said(Some(&reference.as_ref()?.name))?, field))
        };
        let agent_field = Field::of(agent.manifest, "spec.vcsRef.name");
        let found = named(&ask.spec().vcs_ref, ask.field("spec.vcsRef.name"))
            .or_else(|| named(&task.spec().vcs_ref, task.field.at("vcsRef.name")))
            .or_else(|| named(&agent.object.spec.vcs_ref, agent_field));
        let Some((name, field)) = found else {
            let refusal = ask.field("spec.vcsRef").refused(
                Reason::MissingVcsProvider,
                "neither run nor task nor Agent says a VersionControlProvider, and the run must have one",
            );
            return Err(if self.is_required() {
                Stop::Refuse(refusal)
            } else {
                Stop::Unasked
            });
        };
        let (kind, namespace) = (Kind::VersionControlProvider, ask.namespace());
        ask.manifests.get(namespace, name).ok_or_else(|| {
            let refusal = field
                .refused(Reason::MissingVcsProvider, absent(kind, name, namespace))
                .meant(ask.manifests.nearest(kind, namespace, name));
            self.needed(refusal)
        })
    }

    /// Finds the repository, and looks whether the provider permits it.
    pub(super) fn name(&self, provider: Found<'m, VersionControlProvider>) -> Result<&str, Stop> {
        let Some(name) = self.known.get("repository") else {
            let refusal = self
                .ask
                .field("spec.parameters")
                .refused(Reason::MissingRepository, "nothing says which repository")
                .hint("write it as the parameter `repository`");
            return Err(self.needed(refusal));
        };
        let policy = provider.object.spec.repository_policy.as_ref();
        let field = Field::of(provider.manifest, "spec.repositoryPolicy");
        let list = |list: Option<&'m Vec<String>>| listed(list.map_or(&[][..], Vec::as_slice));
        let denied = list(policy.and_then(|policy| policy.deny.as_ref()));
        let allowed = list(policy.and_then(|policy| policy.allow.as_ref()));
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, name));
        let (key, what) = if any(&denied) {
            ("deny", "forbidden")
        } else if !allowed.is_empty() && !any(&allowed) {
            ("allow", "none of those that are permitted")
        } else {
            return Ok(name);
        };
        let message = format!("the repository `{}` is {what}", shown(name));
        let refusal = field.key(key).refused(Reason::VcsPolicyDenied, message);
        // Also for a run that could do without.
        Err(match self.wanted() {
            Mode::None => Stop::Skip(refusal),
            _ => Stop::Refuse(refusal),
        })
    }

    /// What the run may do there.
    pub(super) fn mode(
        &self,
        provider: Found<'_, VersionControlProvider>,
        name: &str,
    ) -> Result<Mode, Stop> {
        let wanted = self.wanted();
        if wanted == Mode::None {
            return Err(Stop::Skip(
                self.ask
                    .field("spec.vcsPolicy.mode")
                    .refused(Reason::VcsDisabled, "the run wants no repository"),
            ));
        }
        let capabilities = provider.object.spec.capabilities.as_ref();
        let can = |capability: Option<bool>| capability != Some(false);
        let mut mode = wanted;
        if mode == Mode::ReadWrite && !can(capabilities.and_then(|it| it.write)) {
            mode = Mode::ReadOnly;
        }
        if mode == Mode::ReadOnly && !can(capabilities.and_then(|it| it.read)) {
            mode = Mode::None;
        }
        if mode == wanted {
            return Ok(mode);
        }
        let field = Field::of(provider.manifest, "spec.capabilities");
        let message = format!(
            "the provider cannot do `{wanted}` with `{}`, only `{mode}`",
            shown(name)
        );
        if self.is_required() {
            let refusal = field.refused(Reason::VcsCapabilityDenied, message);
            return Err(Stop::Refuse(refusal));
        }
        Ok(mode)
    }
}
