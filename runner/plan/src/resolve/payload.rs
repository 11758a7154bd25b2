//! `run.json` and `agent-runner.json` (contract §1.2, §1.5).

use serde_json::{Map, Value, json};

use crate::manifest::Found;
use crate::resource::{Agent, AgentProvider, Memory, Strings};
use crate::spec::SCHEMA_VERSION;

use super::ask::Ask;
use super::metadata::Metadata;
use super::names;
use super::repository::Repository;
use super::system_prompt::SystemPrompt;
use super::task::Task;
use super::{artifacts, goal, memory};

/// Where the two are in a pod.
pub(super) const RUN: &str = "/workspace/run.json";
pub(super) const SPEC: &str = "/workspace/agent-runner.json";

/// Where the runner leaves its status.
pub(super) const STATUS: &str = "/workspace/.agent/status.json";

/// What the two are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'k, 'm> {
    pub(super) ask: &'k Ask<'m>,
    pub(super) agent: Found<'m, Agent>,
    pub(super) provider: Found<'m, AgentProvider>,
    pub(super) task: &'k Task<'m>,
    pub(super) parameters: &'k Strings,
    pub(super) metadata: &'k Metadata,
    pub(super) memory: Option<Found<'m, Memory>>,
    pub(super) repository: Option<&'k Repository>,
    pub(super) system_prompt: &'k SystemPrompt,
}

impl Known<'_, '_> {
    fn run_identity(&self) -> Value {
        json!({
            "name": self.ask.name(),
            "uid": names::uid(self.ask),
            "namespace": self.ask.namespace(),
        })
    }

    /// What templates of the container can name (contract §2.3).
    pub(super) fn roots(&self) -> Value {
        let object = |path: &str| {
            let written = self.agent.manifest.written(path);
            written.filter(|value| !value.is_null())
        };
        let empty = || json!({});
        json!({
            "agentRun": self.run_identity(),
            "agent": {
                "name": self.agent.manifest.name(),
                "config": object("spec.config").unwrap_or_else(empty),
                "env": object("spec.env").unwrap_or(json!([])),
            },
            "implementation": self.task.written.written(),
            "parameters": self.parameters,
            "inputs": self.parameters,
            "memory": self.memory.and_then(|it| it.manifest.written("")).unwrap_or_else(empty),
            "vcs": self.repository.map_or_else(empty, |it| it.payload.clone()),
        })
    }

    /// `run.json`. What is to be done is in it verbatim, with fields that a cluster may have dropped.
    pub(super) fn run(&self, artifacts: &[Value]) -> Value {
        let mut run = json!({
            "provider": self.provider.manifest.name(),
            "agentRun": self.run_identity(),
            "implementation": self.task.written.written(),
            "parameters": self.parameters,
            "memory": memory::payload(self.memory),
            "artifacts": artifacts,
        });
        if let Some(repository) = self.repository {
            run["vcs"] = repository.payload.clone();
        }
        if let Some(goal) = goal::goal(self.ask) {
            run["goal"] = goal;
        }
        if let Some(prompt) = &self.system_prompt.inline {
            run["systemPrompt"] = prompt.as_str().into();
        }
        for (key, value) in &self.metadata.event {
            run[key] = value.clone();
        }
        run
    }

    /// `agent-runner.json`.
    pub(super) fn spec(&self, adapter: Value) -> Value {
        let mut spec = Map::new();
        let mut set = |key: &str, value: Value| spec.insert(key.to_owned(), value);
        set("schemaVersion", SCHEMA_VERSION.into());
        set("provider", self.provider.manifest.name().into());
        set("inputs", self.parameters.as_map().clone().into());
        if let Some(goal) = goal::goal(self.ask) {
            set("goal", goal);
        }
        set("payloads", json!({ "eventFilePath": RUN }));
        let retention = self.ask.configured_number("logRetentionSeconds");
        set(
            "artifacts",
            json!({
                "statusPath": STATUS,
                "logPath": "/workspace/.agent/runner.log",
                "logRetentionSeconds":
                    retention.unwrap_or(self.ask.controller.log_retention_seconds),
            }),
        );
        let declared = artifacts::declared(self.provider);
        if !declared.is_empty() {
            set("providerSpec", json!({ "outputArtifacts": declared }));
        }
        set("adapter", adapter);
        spec.into()
    }
}
