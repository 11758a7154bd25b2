//! What a plan promises, as a value: nothing here is read, started or written.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Inputs, Plan, PlanError, SystemPromptFile};
use crate::env::Environment;
use crate::secret::Found;
use crate::spec::{self, ProviderDefinition};

mod access;
mod adapter;
mod artifacts;
mod checkout;
mod conformance;
mod derivation;
mod environment;
mod events;
mod files;
mod limits;
mod nats;
mod paths;
mod property;
mod roots;
mod settings;
mod source;
mod talk;
mod view;

/// Where the runner itself is.
const WORKING_DIR: &str = "/workspace";

/// The inputs of a plan, built up.
#[derive(Debug, Clone)]
struct Asked {
    spec: Value,
    payload: Option<Value>,
    definition: Option<Value>,
    environment: Environment,
    flags: Vec<(String, String)>,
    secrets: Vec<Found>,
    status_path: Option<PathBuf>,
    reserved: Vec<(&'static str, PathBuf)>,
    system_prompt: Option<SystemPromptFile>,
}

impl Asked {
    /// A spec that says its provider and nothing else.
    fn bare() -> Self {
        Self {
            spec: json!({ "provider": "fake" }),
            payload: None,
            definition: None,
            environment: Environment::default(),
            flags: Vec::new(),
            secrets: Vec::new(),
            status_path: None,
            reserved: Vec::new(),
            system_prompt: None,
        }
    }

    /// An exec adapter that runs `/bin/agent` without arguments.
    fn exec() -> Self {
        Self::bare().spec(
            "/adapter",
            json!({ "type": "exec", "exec": { "binary": "/bin/agent" } }),
        )
    }

    /// Sets a value of the spec by JSON pointer; missing objects are made.
    fn spec(mut self, pointer: &str, value: Value) -> Self {
        let mut at = &mut self.spec;
        for key in pointer.split('/').skip(1) {
            at = &mut at[key];
        }
        *at = value;
        self
    }

    fn args(self, templates: &[&str]) -> Self {
        self.spec("/adapter/exec/argsTemplate", json!(templates))
    }

    fn env_template(self, name: &str, template: &str) -> Self {
        self.spec(
            &format!("/adapter/exec/envTemplate/{name}"),
            json!(template),
        )
    }

    /// Sets a setting in `adapter.runner`: `setting("timeouts/total", json!(1))`.
    fn setting(self, pointer: &str, value: Value) -> Self {
        self.spec(&format!("/adapter/runner/{pointer}"), value)
    }

    fn payload(mut self, payload: Value) -> Self {
        self.payload = Some(payload);
        self
    }

    fn definition(mut self, definition: Value) -> Self {
        self.definition = Some(definition);
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.set(name, value);
        self
    }

    fn flag(mut self, key: &str, text: &str) -> Self {
        self.flags.push((key.to_owned(), text.to_owned()));
        self
    }

    fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.push(Found {
            name: name.to_owned(),
            value: value.into(),
        });
        self
    }

    fn plan(&self) -> Result<Plan, PlanError> {
        let text = self.spec.to_string();
        let document = spec::parse(text.as_bytes(), "spec.json").expect("a test's own spec");
        let definition = self.definition.as_ref().map(|definition| {
            serde_json::from_value::<ProviderDefinition>(definition.clone())
                .expect("a test's own definition")
        });
        Plan::new(&Inputs {
            spec: &document,
            payload: self.payload.as_ref(),
            definition,
            environment: &self.environment,
            flags: &self.flags,
            working_dir: Path::new(WORKING_DIR),
            secrets: self.secrets.clone(),
            previous: None,
            context: None,
            system_prompt: self.system_prompt.clone(),
            // Not SHA-256, which a pure crate does not have: some text that depends on the bytes.
            sha256: |bytes| {
                format!(
                    "{:x}",
                    bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>()
                )
            },
            status_path: self.status_path.clone(),
            reserved: &self.reserved,
        })
    }

    #[track_caller]
    fn planned(&self) -> Plan {
        self.plan().expect("there is a plan")
    }

    #[track_caller]
    fn refused(&self) -> PlanError {
        self.plan().expect_err("there is no plan")
    }
}

/// A variable of the agent, as text.
fn variable<'p>(plan: &'p Plan, name: &str) -> Option<&'p str> {
    plan.process
        .env
        .raw(name)
        .map(|value| value.to_str().expect("tests set text"))
}
