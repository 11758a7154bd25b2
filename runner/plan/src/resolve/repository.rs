//! The repository: which, as whom, on which branches, and what a pod gets for it (contract §4).
//!
//! # Theory of operation
//!
//! What is missing or forbidden either ends the run or leaves it without a repository
//! (`vcsPolicy.required` decides most of it); [`Stop`] says which. `policy` finds the provider and
//! says what the run may do, `branch` on which branches, `auth` how a provider authenticates,
//! `credentials` what becomes of that in a pod, `variables` what the agent is told.

mod auth;
mod branch;
mod credentials;
mod policy;
mod variables;

use serde_json::Value;

use crate::manifest::Found;
use crate::resource::{Agent, Strings, VersionControlProvider, VersionControlSpec};

use super::ask::Ask;
use super::environment::variable;
use super::field::Field;
use super::metadata::Metadata;
use super::notes::Notes;
use super::refusal::{Reason, Refusal};
use super::said;
use super::secrets::SecretPolicy;
use super::task::Task;
use super::volumes::Mounted;
use policy::Mode;

/// What a pod gets of a repository.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    /// `vcs` of `run.json`.
    pub(super) payload: Value,
    /// The branch to start from; empty: the runner's default.
    pub(super) base: String,
    /// The branch to write to; empty: none.
    pub(super) head: String,
    /// Variables, as a pod has them.
    pub(super) env: Vec<Value>,
    /// Files with credentials.
    pub(super) mounted: Vec<Mounted>,
}

/// Why a run has no repository.
#[derive(Debug)]
enum Stop {
    /// It wants none.
    Unasked,
    /// It goes on without, for this reason.
    Skip(Refusal),
    /// It ends, for this reason.
    Refuse(Refusal),
}

/// Finds the repository of the run, as it is known before it.
pub(super) fn repository(
    ask: &Ask<'_>,
    agent: Found<'_, Agent>,
    task: &Task<'_>,
    parameters: &Strings,
    known: &Metadata,
    secrets: &SecretPolicy<'_>,
    notes: &mut Notes,
) -> Result<Option<Repository>, Refusal> {
    let inquiry = Inquiry {
        ask,
        parameters,
        known,
        secrets,
    };
    let mut noticed = Notes::default();
    match inquiry.answer(agent, task, &mut noticed) {
        Ok(repository) => {
            for need in &mut noticed.secrets {
                need.opens_repository = true;
            }
            notes.absorb(noticed);
            Ok(Some(repository))
        }
        Err(Stop::Unasked) => Ok(None),
        Err(Stop::Skip(refusal)) => {
            notes.skipped(refusal);
            Ok(None)
        }
        Err(Stop::Refuse(refusal)) => Err(refusal),
    }
}

/// What the repository is found by.
#[derive(Debug, Clone, Copy)]
struct Inquiry<'i, 'm> {
    ask: &'i Ask<'m>,
    parameters: &'i Strings,
    known: &'i Metadata,
    secrets: &'i SecretPolicy<'m>,
}

impl<'m> Inquiry<'_, 'm> {
    fn answer(
        &self,
        agent: Found<'m, Agent>,
        task: &Task<'m>,
        notes: &mut Notes,
    ) -> Result<Repository, Stop> {
        let provider = self.provider(agent, task)?;
        let spec = &provider.object.spec;
        let name = self.name(provider)?;
        let mode = self.mode(provider, name)?;
        let (base, head) = self.branches(provider, name, mode, notes)?;
        let field = Field::of(provider.manifest, "spec.auth");
        let auth = auth::Auth::of(spec, &field, self.ask.controller, notes)
            .map_err(|refusal| self.needed(refusal))?;
        let credentials = self.credentials(spec, &auth, &field, notes)?;
        let (mode, writes) = self.access(provider, mode, &auth)?;
        let told = variables::Told {
            provider: provider.manifest.name(),
            spec,
            repository: name,
            base: &base,
            head: &head,
            username: auth.username(spec),
            mode,
            writes,
            rates: self.ask.controller.pull_request_rates.as_ref(),
        };
        let mut env = credentials.env;
        env.extend(told.variables());
        Ok(Repository {
            payload: told.payload(),
            base,
            head,
            env,
            mounted: credentials.mounted,
        })
    }

    /// What the mode comes to with this way to authenticate, and whether it writes.
    fn access(
        &self,
        provider: Found<'_, VersionControlProvider>,
        mode: Mode,
        auth: &auth::Auth,
    ) -> Result<(Mode, bool), Stop> {
        let writes = mode == Mode::ReadWrite && auth.is_some();
        if self.wanted() == Mode::ReadWrite && !writes && self.is_required() {
            let field = Field::of(provider.manifest, "spec.auth");
            let message = "there is no way to authenticate, and the run must write";
            return Err(Stop::Refuse(
                field.refused(Reason::VcsAuthUnavailable, message),
            ));
        }
        // Also where the provider cannot even read: a run that wants to write gets as far as here.
        if self.wanted() == Mode::ReadWrite && !writes {
            return Ok((Mode::ReadOnly, false));
        }
        if mode == Mode::None {
            let field = Field::of(provider.manifest, "spec.capabilities.read");
            let message = "the provider can do nothing that the run wants";
            return Err(Stop::Skip(field.refused(Reason::VcsDisabled, message)));
        }
        Ok((mode, writes))
    }

    /// Ends the run if it must have a repository.
    fn needed(&self, refusal: Refusal) -> Stop {
        if self.is_required() {
            Stop::Refuse(refusal)
        } else {
            Stop::Skip(refusal)
        }
    }
}

/// What a provider says its kind of git server is.
fn server(spec: &VersionControlSpec) -> &str {
    said(Some(&spec.provider)).unwrap_or("generic")
}
