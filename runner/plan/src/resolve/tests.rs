mod auth;
mod branches;
mod codex;
mod conformance;
mod controller;
mod costs;
mod hostile;
mod metadata;
mod names;
mod places;
mod pod;
mod precedence;
mod refusals;
mod repository;
mod secrets;
mod system_prompt;

use serde_json::{Value, json};

use super::{Controller, Refusal, Resolved, SecretValues, resolve};
use crate::manifest::{Manifests, read};
use crate::resource::AgentRun;
use crate::secret::Secret;

/// Manifests of a run, as a user would apply them, and what the controller was told.
struct World {
    all: Vec<Value>,
    controller: Controller,
    overrides: Vec<(String, String)>,
    /// Values of Secrets; none: those of the manifests.
    values: Option<Values>,
}

/// Values by the name of a Secret and a key.
#[derive(Debug)]
struct Values(Vec<(&'static str, &'static str, &'static str)>);

impl SecretValues for Values {
    fn value(&self, namespace: &str, secret: &str, key: &str) -> Option<Secret<Vec<u8>>> {
        assert_eq!(namespace, "default");
        let mut all = self.0.iter();
        let (_, _, value) = all.find(|it| (it.0, it.1) == (secret, key))?;
        Some(Secret::new(value.as_bytes().to_vec()))
    }
}

impl World {
    /// A run of an agent that is a shell, with nothing else to it.
    fn new() -> Self {
        let mut world = Self {
            all: Vec::new(),
            controller: Controller::default(),
            overrides: Vec::new(),
            values: None,
        };
        world.add(
            "AgentProvider",
            "shell",
            json!({
                "adapter": { "type": "exec", "exec": { "binary": "/bin/sh" } },
                "workload": { "image": "registry.example.com/shell:1" },
            }),
        );
        world.add(
            "Agent",
            "worker",
            json!({
                "providerRef": { "name": "shell" },
                "defaults": { "systemPrompt": "Work with care." },
            }),
        );
        world.add(
            "AgentRun",
            "fix-login",
            json!({
                "agentRef": { "name": "worker" },
                "runtime": { "type": "job" },
                "implementation": { "inline": { "text": "Fix the login." } },
            }),
        );
        world
    }

    /// The same with an adapter for codex.
    fn of_codex(codex: &Value) -> Self {
        let adapter = json!({ "type": "codex-app-server", "codex": codex });
        Self::new().with("AgentProvider", "spec.adapter", adapter)
    }

    /// The same with a repository to write to.
    fn of_repository() -> Self {
        let mut world = Self::new()
            .with("AgentRun", "spec.vcsRef.name", "hub")
            .with("AgentRun", "spec.parameters.repository", "acme/portal");
        world.add("VersionControlProvider", "hub", hub());
        world
    }

    fn add(&mut self, kind: &str, name: &str, spec: Value) {
        let mut object = json!({
            "apiVersion": "agents.proompteng.ai/v1alpha1",
            "kind": kind,
            "metadata": { "name": name },
        });
        object["spec"] = spec;
        self.all.push(object);
    }

    fn adding(mut self, kind: &str, name: &str, spec: Value) -> Self {
        self.add(kind, name, spec);
        self
    }

    /// Adds a resource of Kubernetes' own.
    fn with_data(mut self, kind: &str, name: &str, key: &str, data: &Value) -> Self {
        self.all.push(json!({
            "apiVersion": "v1", "kind": kind, "metadata": { "name": name }, key: data,
        }));
        self
    }

    /// Sets a field of the first resource of a kind; on the way there, objects come to be.
    fn with(mut self, kind: &str, path: &str, value: impl Into<Value>) -> Self {
        let mut all = self.all.iter_mut();
        let object = all.find(|it| it["kind"] == kind).expect("it is there");
        let field = path.split('.').fold(object, |object, key| &mut object[key]);
        *field = value.into();
        self
    }

    fn told(mut self, tell: impl FnOnce(&mut Controller)) -> Self {
        tell(&mut self.controller);
        self
    }

    /// Takes the first resource of a kind away.
    fn without(mut self, kind: &str) -> Self {
        let position = self.all.iter().position(|it| it["kind"] == kind);
        self.all.remove(position.expect("it is there"));
        self
    }

    fn resolve(&self) -> Result<Resolved, Refusal> {
        let text = Value::from(self.all.clone()).to_string();
        let reading = read(text.as_bytes(), "run.json");
        let manifests = Manifests::new([reading]).expect("they are as they should be");
        let run = manifests.of::<AgentRun>().next().expect("there is a run");
        let values: &dyn SecretValues = match &self.values {
            Some(values) => values,
            None => &manifests,
        };
        resolve(&manifests, run, &self.controller, &self.overrides, values)
    }

    #[track_caller]
    fn made(&self) -> Resolved {
        self.resolve().expect("a controller takes it")
    }

    #[track_caller]
    fn refused(&self) -> Refusal {
        self.resolve().expect_err("a controller refuses it")
    }
}

/// A provider of repositories.
fn hub() -> Value {
    json!({
        "provider": "github",
        "cloneBaseUrl": "https://github.com",
        "auth": { "token": { "secretRef": { "name": "hub-token" } } },
    })
}

fn container(made: &Resolved) -> &Value {
    &made.job["spec"]["template"]["spec"]["containers"][0]
}

fn pod(made: &Resolved) -> &Value {
    &made.job["spec"]["template"]["spec"]
}

/// The value of a variable; null if there is none.
fn env<'r>(made: &'r Resolved, name: &str) -> &'r Value {
    let all = container(made)["env"].as_array().expect("there are some");
    let found = all.iter().find(|variable| variable["name"] == name);
    found.map_or(&Value::Null, |variable| &variable["value"])
}

/// The warnings without their places.
fn warnings(made: &Resolved) -> Vec<&str> {
    let all = made.warnings.iter();
    all.map(|warning| warning.message.as_str()).collect()
}
