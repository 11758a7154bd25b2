//! Of the Agent and of what it permits.

use serde_json::json;

use super::End::Refused;
use super::{
    AGENT, MEMORY, PROVIDER, RUN, Row, World, allowing, auth, blocking, memory, prompt_in, run,
};
use crate::resolve::Reason;

pub(super) const ROWS: &[Row] = &[
    (
        || World::new().without("Agent"),
        Refused,
        Reason::MissingAgent,
        RUN,
        "spec.agentRef.name",
        "there is no Agent `worker` in namespace `default`",
    ),
    (
        || World::new().without("AgentProvider"),
        Refused,
        Reason::MissingProvider,
        AGENT,
        "spec.providerRef.name",
        "there is no AgentProvider `shell` in namespace `default`",
    ),
    (
        || allowing(run("spec.secrets", json!(["a", "b"])), "a"),
        Refused,
        Reason::SecretNotAllowed,
        RUN,
        "spec.secrets[1]",
        "the Secret `b` is not among `spec.security.allowedSecrets` of Agent `worker`",
    ),
    (
        || {
            World::new().with(
                "Agent",
                "spec.security.allowedServiceAccounts",
                json!(["runner"]),
            )
        },
        Refused,
        Reason::ServiceAccountNotAllowed,
        RUN,
        "spec.runtime.config.serviceAccount",
        "the service account `default` is not among `spec.security.allowedServiceAccounts` of Agent `worker`",
    ),
    (
        || {
            World::new()
                .with(
                    "Agent",
                    "spec.security.allowedServiceAccounts",
                    json!(["runner"]),
                )
                .with("AgentProvider", "spec.workload.serviceAccountName", "admin")
        },
        Refused,
        Reason::ServiceAccountNotAllowed,
        PROVIDER,
        "spec.workload.serviceAccountName",
        "the service account `admin` is not among `spec.security.allowedServiceAccounts` of Agent `worker`",
    ),
    (
        || memory().without("Memory"),
        Refused,
        Reason::MissingMemory,
        RUN,
        "spec.memoryRef.name",
        "there is no Memory `notes` in namespace `default`",
    ),
    (
        || World::new().with("Agent", "spec.memoryRef.name", "notes"),
        Refused,
        Reason::MissingMemory,
        AGENT,
        "spec.memoryRef.name",
        "there is no Memory `notes` in namespace `default`",
    ),
    (
        || blocking(run("spec.secrets", json!(["a", "b"])), "b"),
        Refused,
        Reason::SecretBlocked,
        RUN,
        "spec.secrets[1]",
        "the controller gives the Secret `b` to no run",
    ),
    (
        || blocking(memory(), "db"),
        Refused,
        Reason::SecretBlocked,
        MEMORY,
        "spec.connection.secretRef.name",
        "the controller gives the Secret `db` to no run",
    ),
    (
        || {
            blocking(
                World::new().told(|told| told.auth_secret = Some(auth())),
                "codex",
            )
        },
        Refused,
        Reason::SecretBlocked,
        RUN,
        "spec",
        "the controller gives the Secret `codex` to no run",
    ),
    (
        || allowing(World::new(), "a").told(|told| told.auth_secret = Some(auth())),
        Refused,
        Reason::SecretNotAllowed,
        AGENT,
        "spec.security.allowedSecrets",
        "the Secret `codex` is not among `spec.security.allowedSecrets` of Agent `worker`",
    ),
    (
        || allowing(memory(), "a"),
        Refused,
        Reason::SecretNotAllowed,
        MEMORY,
        "spec.connection.secretRef.name",
        "the Secret `db` is not among `spec.security.allowedSecrets` of Agent `worker`",
    ),
    (
        || memory().with("AgentRun", "spec.secrets", json!(["a"])),
        Refused,
        Reason::SecretNotAllowed,
        MEMORY,
        "spec.connection.secretRef.name",
        "the Secret `db` is not among `spec.secrets` of the run",
    ),
    (
        || run("spec.systemPrompt", "Be quick."),
        Refused,
        Reason::SystemPromptOverrideNotAllowed,
        RUN,
        "spec.systemPrompt",
        "a run has no system prompt of its own",
    ),
    (
        || {
            run(
                "spec.systemPromptRef",
                json!({ "kind": "Secret", "name": "a", "key": "b" }),
            )
        },
        Refused,
        Reason::SystemPromptOverrideNotAllowed,
        RUN,
        "spec.systemPromptRef",
        "a run has no system prompt of its own",
    ),
    (
        || prompt_in("ConfigMap").with("Agent", "spec.defaults.systemPromptRef.key", " "),
        Refused,
        Reason::InvalidSystemPromptRef,
        AGENT,
        "spec.defaults.systemPromptRef.key",
        "it is blank",
    ),
    (
        || prompt_in("ConfigMap"),
        Refused,
        Reason::MissingSystemPromptRef,
        AGENT,
        "spec.defaults.systemPromptRef.name",
        "there is no ConfigMap `prompt` in namespace `default`",
    ),
    (
        || prompt_in("ConfigMap").with_data("ConfigMap", "prompt", "data", &json!({ "text": " " })),
        Refused,
        Reason::MissingSystemPromptRef,
        AGENT,
        "spec.defaults.systemPromptRef.key",
        "there is nothing under `text` of ConfigMap `prompt`",
    ),
    (
        || prompt_in("Secret"),
        Refused,
        Reason::SecretNotAllowed,
        AGENT,
        "spec.defaults.systemPromptRef.name",
        "the Secret `prompt` is not among `spec.secrets` of the run",
    ),
    (
        || prompt_in("Secret").with("AgentRun", "spec.secrets", json!(["prompt"])),
        Refused,
        Reason::MissingSystemPromptRef,
        AGENT,
        "spec.defaults.systemPromptRef.name",
        "there is no Secret `prompt` in namespace `default`",
    ),
    (
        || World::new().with("Agent", "spec.defaults.systemPrompt", "😀".repeat(8193)),
        Refused,
        Reason::SystemPromptTooLong,
        AGENT,
        "spec.defaults.systemPrompt",
        "it has 16386 units of UTF-16, at most 16384",
    ),
    (
        || World::new().with("Agent", "spec.defaults.systemPrompt", " \n"),
        Refused,
        Reason::MissingSystemPromptConfiguration,
        AGENT,
        "spec.defaults",
        "the Agent has no system prompt",
    ),
];
