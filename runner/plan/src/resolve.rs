//! What a controller makes of an `AgentRun` and of what that refers to (contract §1 to §4).
//!
//! # Theory of operation
//!
//! [`resolve`] goes the controller's way, in its order, and stops where that would: with a
//! [`Refusal`] that has the controller's reason and says which manifest, field, line and column.
//! What comes out ([`Resolved`]) is what a controller would apply, equal to it as JSON, and the texts
//! in it byte for byte.
//!
//! A value that a controller reads is trimmed, and blank is as good as nothing (`said`). Every
//! noun of the way has its file: `parameters`, `metadata`, `task`, `contract`, `memory`,
//! `system_prompt`, `repository`; then what is made of them: `payload`, `adapter`, `artifacts`,
//! `environment`, `volumes`, `job`, `config_map`.
//!
//! Two things that a controller refuses are only objected to, because what would come out is not in
//! doubt ([`Resolved::objections`]): a run without a runtime, and a parameter called `prompt`.
//!
//! Deliberately absent: all that depends on a cluster's state but for branches of other runs
//! (limits of concurrency, a provider's health, idempotency); several Jobs, one after another; and
//! secrets. A Job refers to them, [`Resolved::secrets`] lists them, and of a system prompt in a Secret
//! there is the hash.

mod adapter;
mod artifacts;
mod ask;
mod config_map;
mod contract;
mod controller;
mod environment;
mod field;
mod goal;
mod identity;
mod job;
mod limits;
mod memory;
mod metadata;
mod names;
mod notes;
mod parameters;
mod payload;
mod refusal;
mod render;
mod repository;
mod secrets;
mod system_prompt;
mod task;
mod values;
mod volumes;
mod workload;

#[cfg(test)]
mod tests;

pub use controller::{AuthSecret, Controller, ControllerError, LabelPolicy, Scheduling, VARIABLES};
pub use notes::{Condition, SecretNeed, SecretPurpose, Warning};
pub use refusal::{Reason, Refusal};
pub use values::SecretValues;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::{Found, Manifests, Spot};
use crate::resource::{Agent, AgentProvider, AgentRun, Kind};
use crate::template::trim;

use ask::Ask;
use field::Field;
use metadata::Metadata;
use notes::Notes;
use secrets::SecretPolicy;
use system_prompt::SystemPrompt;
use task::{Task, absent};

/// What a controller would apply.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Resolved {
    /// `run.json`.
    pub run: Value,
    /// `agent-runner.json`.
    pub spec: Value,
    /// The ConfigMap with these two as texts, and that with input files if there are any.
    pub config_maps: Vec<Value>,
    /// The Job.
    pub job: Value,
    /// Conditions that the run would have.
    pub conditions: Vec<Condition>,
    /// Why a controller would refuse the run, though it is clear what is meant.
    pub objections: Vec<Refusal>,
    /// What its author perhaps did not mean.
    pub warnings: Vec<Warning>,
    /// What the pod gets from Secrets, be they there or not.
    pub secrets: Vec<SecretNeed>,
    /// The fields because of which something is mounted, by its path.
    pub mounts: BTreeMap<String, Spot>,
}

/// Makes of a run what a controller would, with `overrides` laid over its parameters. `values` are
/// those of Secrets; the manifests themselves are such values.
///
/// The same manifests give the same bytes.
///
/// # Errors
///
/// Returns the [`Refusal`] that a controller would end the run with, or the cluster.
pub fn resolve(
    manifests: &Manifests,
    run: Found<'_, AgentRun>,
    controller: &Controller,
    overrides: &[(String, String)],
    values: &dyn SecretValues,
) -> Result<Resolved, Refusal> {
    let ask = Ask {
        manifests,
        run,
        controller,
        values,
    };
    let mut notes = Notes::default();
    limits::run(&ask)?;
    workload::runtime(&ask, &mut notes);
    let asked = parameters::asked(&ask, overrides, &mut notes)?;
    workload::labels(&ask)?;
    workload::is_job(&ask)?;
    let agent = agent(&ask)?;
    let provider = provider(&ask, agent)?;
    let image = workload::image(&ask, provider)?;
    let policy = SecretPolicy::of(&ask, agent)?;
    let service_account = workload::service_account(&ask, agent, provider)?;
    let task = Task::of(&ask)?;
    // What there is to warn of is the same again below, when the branches are known.
    let known = Metadata::of(task.spec(), &task.field, &asked, &mut Notes::default())?;
    contract::check(task.spec(), &task.field, &known)?;
    let memory = memory::memory(&ask, agent)?;
    policy.unblock_own(&ask)?;
    if let Some(memory) = memory {
        memory::unblock(memory, &policy)?;
    }
    policy.unblock_auth(&ask)?;
    policy.permit_auth(&ask)?;
    if let Some(memory) = memory {
        memory::allow(memory, &policy)?;
    }
    let system_prompt = SystemPrompt::of(&ask, agent, &policy)?;
    let repository =
        repository::repository(&ask, agent, &task, &asked, &known, &policy, &mut notes)?;

    let (base, head) = match &repository {
        Some(repository) => (repository.base.as_str(), repository.head.as_str()),
        None => ("", ""),
    };
    let parameters = parameters::with_branches(asked, base, head);
    let metadata = Metadata::of(task.spec(), &task.field, &parameters, &mut notes)?;
    let known = payload::Known {
        ask: &ask,
        agent,
        provider,
        task: &task,
        parameters: &parameters,
        metadata: &metadata,
        memory,
        repository: repository.as_ref(),
        system_prompt: &system_prompt,
    };
    let made = Made {
        ask: &ask,
        known: &known,
        policy: &policy,
        image,
        service_account,
    };
    limits::name(&ask)?;
    made.resolved(notes)
}

/// What is found out, before anything is made of it.
struct Made<'k, 'm> {
    ask: &'k Ask<'m>,
    known: &'k payload::Known<'k, 'm>,
    policy: &'k SecretPolicy<'m>,
    image: &'m str,
    service_account: &'m str,
}

impl Made<'_, '_> {
    fn resolved(&self, mut notes: Notes) -> Result<Resolved, Refusal> {
        let Self { ask, known, .. } = self;
        let provider = known.provider;
        let roots = known.roots();
        let run = known.run(&artifacts::rendered(provider, &roots)?);
        let adapter = adapter::adapter(provider, &run, known.system_prompt, &mut notes)?;
        let spec = known.spec(adapter);

        let uid = names::uid(ask);
        let labels = names::labels(ask, known.agent.manifest.name(), provider.manifest.name());
        let metadata = |name: &str| names::metadata(ask, name, &labels, &uid);
        let files = config_map::input_files(provider, &mut notes);
        let config_map_names = job::ConfigMapNames {
            spec: names::name(ask.name(), "spec"),
            inputs: (!files.is_empty()).then(|| names::name(ask.name(), "inputs")),
        };
        let mut config_maps = vec![config_map::of_spec(
            &metadata(&config_map_names.spec),
            &run,
            &spec,
            &ask.field("spec"),
        )?];
        if let Some(name) = &config_map_names.inputs {
            let field = Field::of(provider.manifest, "spec.inputFiles");
            config_maps.push(config_map::of_inputs(&metadata(name), &files, &field)?);
        }

        let mut volumes = job::volumes(known, &config_map_names, &files, &mut notes)?;
        let token = identity::mount(provider, &mut volumes)?;
        let sources = environment::Sources {
            ask,
            provider,
            roots: &roots,
            repository: known.repository,
            token: token.as_deref(),
            system_prompt: known.system_prompt,
        };
        let container = job::Container {
            image: self.image,
            binary: job::Container::binary(provider),
            arguments: sources.arguments(&mut notes)?,
            env: sources.variables(&mut notes)?,
            secrets: &self.policy.own,
            resources: job::resources(ask, provider, &mut notes),
        };
        for name in &self.policy.own {
            let field = ask.field("spec.secrets");
            notes.need(name, None, SecretPurpose::Variables, Some(&field));
        }
        let job = job::job(
            ask,
            &metadata(&names::name(ask.name(), "job")),
            self.service_account,
            &container,
            &volumes,
            token.is_some(),
        );
        let conditions = std::mem::take(&mut notes.conditions);
        let objections = std::mem::take(&mut notes.objections);
        let secrets = std::mem::take(&mut notes.secrets);
        Ok(Resolved {
            mounts: volumes.spots(),
            run,
            spec,
            config_maps,
            job,
            conditions,
            objections,
            warnings: notes.warnings(),
            secrets,
        })
    }
}

fn agent<'m>(ask: &Ask<'m>) -> Result<Found<'m, Agent>, Refusal> {
    let name = said(Some(&ask.spec().agent_ref.name)).unwrap_or_default();
    let (kind, namespace) = (Kind::Agent, ask.namespace());
    ask.manifests.get(namespace, name).ok_or_else(|| {
        ask.field("spec.agentRef.name")
            .refused(Reason::MissingAgent, absent(kind, name, namespace))
            .meant(ask.manifests.nearest(kind, namespace, name))
    })
}

fn provider<'m>(
    ask: &Ask<'m>,
    agent: Found<'m, Agent>,
) -> Result<Found<'m, AgentProvider>, Refusal> {
    let name = said(Some(&agent.object.spec.provider_ref.name)).unwrap_or_default();
    let (kind, namespace) = (Kind::AgentProvider, ask.namespace());
    ask.manifests.get(namespace, name).ok_or_else(|| {
        Field::of(agent.manifest, "spec.providerRef.name")
            .refused(Reason::MissingProvider, absent(kind, name, namespace))
            .meant(ask.manifests.nearest(kind, namespace, name))
    })
}

/// What a text says: it, trimmed, unless it is blank.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(trim).filter(|text| !text.is_empty())
}

/// The texts of a list that say something.
fn listed(texts: &[String]) -> Vec<&str> {
    texts.iter().filter_map(|text| said(Some(text))).collect()
}
