//! What wins over what.

use serde_json::{Value, json};

use super::{World, container, pod};

fn image(world: &World) -> Value {
    container(&world.made())["image"].clone()
}

#[test]
fn image_of_run_provider_controller() {
    let mut world = World::new().told(|told| told.image = Some("controller".into()));
    let provider = "AgentProvider";
    assert_eq!(image(&world), "registry.example.com/shell:1");
    world = world.with("AgentRun", "spec.workload.image", "run");
    assert_eq!(image(&world), "run");
    world = world.with("AgentRun", "spec.workload.image", " ").with(
        provider,
        "spec.workload.image",
        "",
    );
    assert_eq!(image(&world), "controller");
}

#[test]
fn service_account_of_run_provider_controller_default() {
    let account = |world: &World| pod(&world.made())["serviceAccountName"].clone();
    let mut world = World::new();
    assert_eq!(account(&world), "default");
    world = world.told(|told| told.service_account = Some("controller".into()));
    assert_eq!(account(&world), "controller");
    world = world.with(
        "AgentProvider",
        "spec.workload.serviceAccountName",
        "provider",
    );
    assert_eq!(account(&world), "provider");
    world = world.with("AgentRun", "spec.runtime.config.serviceAccountName", "name");
    assert_eq!(account(&world), "name");
    world = world.with("AgentRun", "spec.runtime.config.serviceAccount", "account");
    assert_eq!(account(&world), "account");
    world = world.with(
        "Agent",
        "spec.security.allowedServiceAccounts",
        json!(["account"]),
    );
    assert_eq!(account(&world), "account");
}

#[test]
fn resources_key_by_key_of_run_runtime_provider_controller() {
    let world = World::new()
        .told(|told| {
            let all = json!({ "requests": { "cpu": "1", "memory": "1", "a": "1" }, "limits": { "cpu": "1" } });
            told.resources = all.as_object().cloned();
        })
        .with("AgentProvider", "spec.workload.resources.requests", json!({ "cpu": "2", "memory": "2", "gpu": 1 }))
        .with("AgentRun", "spec.runtime.config.resources.requests", json!({ "cpu": "3", "b": " " }))
        .with("AgentRun", "spec.workload.resources.requests", json!({ "memory": " 4 " }));
    assert_eq!(
        container(&world.made())["resources"],
        json!({ "requests": { "cpu": "3", "memory": "4", "a": "1" }, "limits": { "cpu": "1" } })
    );
}

#[test]
fn implementation_of_run_then_referred() {
    let world = || {
        World::new()
            .with("AgentRun", "spec.implementationSpecRef.name", "login")
            .adding(
                "ImplementationSpec",
                "login",
                json!({ "text": "referred", "zzz": [1] }),
            )
    };
    assert_eq!(world().made().run["prompt"], "Fix the login.");
    let made = world()
        .with("AgentRun", "spec.implementation", Value::Null)
        .made();
    assert_eq!(made.run["prompt"], "referred");
    assert_eq!(
        made.run["implementation"],
        json!({ "text": "referred", "zzz": [1] })
    );
}

#[test]
fn memory_of_run_agent_default() {
    let named = |world: &World| world.made().run["memory"].clone();
    let with = |kind: &str| json!({ "type": kind, "connection": { "secretRef": { "name": "s" } } });
    let mut world =
        World::new()
            .adding("Memory", "a", with("redis"))
            .adding("Memory", "b", json!({}));
    assert_eq!(named(&world), Value::Null);
    world = world.adding("Memory", "c", json!({ "type": "kv", "default": true }));
    assert_eq!(named(&world), json!({ "type": "kv", "connectionRef": "" }));
    world = world.with("Agent", "spec.memoryRef.name", "a");
    assert_eq!(
        named(&world),
        json!({ "type": "redis", "connectionRef": "s" })
    );
    world = world.with("AgentRun", "spec.memoryRef.name", "b");
    assert_eq!(
        named(&world),
        json!({ "type": "custom", "connectionRef": "" })
    );
}

#[test]
fn provider_of_repositories_of_run_task_agent() {
    let hub = |world: &World| world.made().run["vcs"]["providerName"].clone();
    let mut world = World::new().with("AgentRun", "spec.parameters.repository", "acme/portal");
    for name in ["run", "task", "agent"] {
        world.add("VersionControlProvider", name, super::hub());
    }
    assert_eq!(world.made().run.get("vcs"), None);
    assert_eq!(world.made().conditions, []);
    world = world.with("Agent", "spec.vcsRef.name", "agent");
    assert_eq!(hub(&world), "agent");
    world = world.with("AgentRun", "spec.implementation.inline.vcsRef.name", "task");
    assert_eq!(hub(&world), "task");
    world = world.with("AgentRun", "spec.vcsRef.name", "run");
    assert_eq!(hub(&world), "run");
}

#[test]
fn variables_from_secrets_of_provider_adapter_codex() {
    let entry =
        |name: &str| json!([{ "name": name, "secretName": "s", "key": "k" }, { "name": "x" }]);
    let names = |world: &World| {
        let made = world.made();
        let needs = made.secrets.iter();
        needs
            .map(|need| format!("{:?}", need.purpose))
            .collect::<Vec<_>>()
    };
    let mut world = World::new().with(
        "AgentProvider",
        "spec.adapter.codex.secretEnv",
        entry("CODEX"),
    );
    assert_eq!(names(&world), ["Variable(\"CODEX\")"]);
    world = world.with("AgentProvider", "spec.adapter.secretEnv", entry("ADAPTER"));
    assert_eq!(names(&world), ["Variable(\"ADAPTER\")"]);
    world = world.with("AgentProvider", "spec.secretEnv", json!([]));
    assert_eq!(names(&world), [] as [&str; 0]);
}

#[test]
fn numbers_of_run_then_controller() {
    let numbers = |world: &World| {
        let made = world.made();
        let retention = made.spec["artifacts"]["logRetentionSeconds"].clone();
        (retention, made.job["spec"]["backoffLimit"].clone())
    };
    let mut world = World::new();
    assert_eq!(numbers(&world), (json!(604_800), json!(0)));
    world = world.told(|told| (told.log_retention_seconds, told.backoff_limit) = (5, Some(2)));
    assert_eq!(numbers(&world), (json!(5), json!(2)));
    let config = json!({ "logRetentionSeconds": " 7.9 ", "backoffLimit": -3 });
    world = world.with("AgentRun", "spec.runtime.config", config);
    assert_eq!(numbers(&world), (json!(7), json!(0)));
}

#[test]
fn overrides_lie_over_parameters_and_are_looked_at_as_they_are() {
    let mut world = World::new().with("AgentRun", "spec.parameters", json!({ "b": "1", "a": "2" }));
    world.overrides = vec![("c".into(), "3".into()), ("b".into(), "4".into())];
    let made = world.made();
    assert_eq!(
        made.run["parameters"].to_string(),
        r#"{"b":"4","a":"2","c":"3"}"#
    );
    assert_eq!(made.spec["inputs"], made.run["parameters"]);
    world.overrides = vec![("c".into(), "x".repeat(2049))];
    assert_eq!(world.refused().at.path, "spec.parameters.c");
}
