//! The variables of the container, in their order (contract §3.3).

use serde_json::{Value, json};

use crate::manifest::Found;
use crate::resource::AgentProvider;

use super::adapter::SYSTEM_PROMPT;
use super::ask::Ask;
use super::field::Field;
use super::notes::{Notes, SecretNeed, SecretPurpose};
use super::payload;
use super::refusal::Refusal;
use super::render::render;
use super::repository::Repository;
use super::said;
use super::system_prompt::SystemPrompt;

/// Where codex keeps its credentials without a Secret with them.
const CODEX_HOME: &str = "/root/.codex";

/// What the variables are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'s, 'm> {
    pub(super) ask: &'s Ask<'m>,
    pub(super) provider: Found<'m, AgentProvider>,
    pub(super) roots: &'s Value,
    pub(super) repository: Option<&'s Repository>,
    /// The path of a token of the service account.
    pub(super) token: Option<&'s str>,
    pub(super) system_prompt: &'s SystemPrompt,
}

/// Where codex keeps its credentials.
pub(super) fn codex_home<'m>(ask: &Ask<'m>) -> &'m str {
    let auth = ask.controller.auth_secret.as_ref();
    auth.map_or(CODEX_HOME, |auth| &auth.mount_path)
}

impl Sources<'_, '_> {
    /// Makes the variables, as a container has them.
    pub(super) fn variables(&self, notes: &mut Notes) -> Result<Vec<Value>, Refusal> {
        let mut env = Vec::new();
        let mut set = |name: &str, value: &str| env.push(variable(name, value));
        set("AGENT_RUN_SPEC", payload::RUN);
        set("AGENT_RUNNER_SPEC_PATH", payload::SPEC);
        set("CODEX_HOME", codex_home(self.ask));
        if let Some(auth) = &self.ask.controller.auth_secret {
            set("CODEX_AUTH", &auth.path());
        }
        env.extend(self.templates(notes)?);
        env.extend(self.secrets(notes));
        env.push(variable("AGENT_PROVIDER", self.provider.manifest.name()));
        if let Some(repository) = self.repository {
            env.extend(repository.env.iter().cloned());
        }
        let mut set = |name: &str, value: &str| env.push(variable(name, value));
        if let Some(token) = self.token {
            set("AGENTS_MCP_IDENTITY_TOKEN_PATH", token);
        }
        if self.system_prompt.reference.is_some() {
            set("CODEX_SYSTEM_PROMPT_PATH", SYSTEM_PROMPT);
        }
        set(
            "CODEX_SYSTEM_PROMPT_EXPECTED_HASH",
            &self.system_prompt.hash,
        );
        set("CODEX_SYSTEM_PROMPT_REQUIRED", "true");
        Ok(env)
    }

    fn templates(&self, notes: &mut Notes) -> Result<Vec<Value>, Refusal> {
        let field = Field::of(self.provider.manifest, "spec.envTemplate");
        let templates = self.provider.object.spec.env_template.iter();
        let mut env = Vec::new();
        for (name, template) in templates.flat_map(crate::resource::Strings::iter) {
            let value = render(template, self.roots, &field.key(name), notes)?;
            env.push(variable(name, &value));
        }
        Ok(env)
    }

    /// The variables from Secrets: of the provider, else of its adapter, else of that for codex.
    fn secrets(&self, notes: &mut Notes) -> Vec<Value> {
        let paths = [
            "spec.secretEnv",
            "spec.adapter.secretEnv",
            "spec.adapter.codex.secretEnv",
        ];
        let found = paths.iter().find_map(|path| {
            let written = self.provider.manifest.written(path)?;
            Some((path, written.as_array()?.clone()))
        });
        let Some((path, entries)) = found else {
            return Vec::new();
        };
        let field = Field::of(self.provider.manifest, path);
        let mut env = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let text = |key: &str| said(entry.get(key)?.as_str());
            let (Some(name), Some(secret), Some(key)) =
                (text("name"), text("secretName"), text("key"))
            else {
                notes.warn(
                    &field.item(index),
                    "it lacks `name`, `secretName` or `key`, and is left out",
                );
                continue;
            };
            let optional = entry.get("optional") == Some(&Value::Bool(true));
            let mut reference = json!({ "name": secret, "key": key });
            if optional {
                reference["optional"] = true.into();
            }
            env.push(json!({ "name": name, "valueFrom": { "secretKeyRef": reference } }));
            notes.secrets.push(SecretNeed {
                secret: secret.to_owned(),
                key: Some(key.to_owned()),
                purpose: SecretPurpose::Variable(name.to_owned()),
                optional,
                opens_repository: false,
                at: Some(field.item(index).spot()),
            });
        }
        env
    }

    /// The arguments of the container.
    pub(super) fn arguments(&self, notes: &mut Notes) -> Result<Vec<String>, Refusal> {
        let field = Field::of(self.provider.manifest, "spec.argsTemplate");
        let templates = self.provider.object.spec.args_template.iter().flatten();
        let mut arguments = Vec::new();
        for (index, template) in templates.enumerate() {
            let field = field.item(index);
            arguments.push(render(template, self.roots, &field, notes)?);
        }
        Ok(arguments)
    }
}

/// A variable with a value.
pub(super) fn variable(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}
