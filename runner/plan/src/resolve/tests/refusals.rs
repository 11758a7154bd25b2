//! Every reason that a controller ends a run with, or goes on without a repository.

mod agent;
mod pod;
mod repository;
mod run;
mod task;

use serde_json::{Value, json};

use super::super::{AuthSecret, Reason};
use super::World;

/// What becomes of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// It is refused.
    Refused,
    /// It would be refused, and it is clear what is meant.
    Objected,
    /// It goes on without a repository.
    Skipped,
}
use End::{Objected, Refused, Skipped};

/// A world, what becomes of its run, why, because of which manifest and field, in which words.
type Row = (
    fn() -> World,
    End,
    Reason,
    &'static str,
    &'static str,
    &'static str,
);

const RUN: &str = "AgentRun `fix-login`";
const AGENT: &str = "Agent `worker`";
const PROVIDER: &str = "AgentProvider `shell`";
const HUB: &str = "VersionControlProvider `hub`";
const MEMORY: &str = "Memory `notes`";

fn run(path: &str, value: impl Into<Value>) -> World {
    World::new().with("AgentRun", path, value)
}

fn task(key: &str, value: impl Into<Value>) -> World {
    run(&format!("spec.implementation.inline.{key}"), value)
}

fn required(world: World) -> World {
    world.with("AgentRun", "spec.vcsPolicy.required", true)
}

fn hub(path: &str, value: impl Into<Value>) -> World {
    World::of_repository().with("VersionControlProvider", path, value)
}

fn memory() -> World {
    let secret = json!({ "connection": { "secretRef": { "name": "db" } } });
    World::new()
        .with("AgentRun", "spec.memoryRef.name", "notes")
        .adding("Memory", "notes", secret)
}

fn allowing(world: World, secret: &str) -> World {
    world.with("Agent", "spec.security.allowedSecrets", json!([secret]))
}

fn auth() -> AuthSecret {
    AuthSecret {
        name: "codex".to_owned(),
        key: "auth.json".to_owned(),
        mount_path: "/root/.codex".to_owned(),
    }
}

fn blocking(world: World, secret: &str) -> World {
    world.told(|told| told.blocked_secrets = vec![secret.to_owned()])
}

fn prompt_in(kind: &str) -> World {
    let reference = json!({ "kind": kind, "name": "prompt", "key": "text" });
    World::new().with("Agent", "spec.defaults.systemPromptRef", reference)
}

fn token(path: &str, value: impl Into<Value>) -> World {
    let token = json!({ "audience": "mcp", "expirationSeconds": 600, "mountPath": "/var/run/mcp" });
    World::new()
        .with("AgentProvider", "spec.workload.serviceAccountToken", token)
        .with(
            "AgentProvider",
            &format!("spec.workload.serviceAccountToken.{path}"),
            value,
        )
}

const ROWS: [&[Row]; 5] = [
    run::ROWS,
    agent::ROWS,
    task::ROWS,
    repository::ROWS,
    pod::ROWS,
];

#[test]
fn each_has_its_reason_its_field_and_its_words() {
    for (world, end, reason, manifest, path, message) in ROWS.iter().copied().flatten() {
        let found = match (end, world().resolve()) {
            (Refused, Err(refusal)) => (refusal.reason.name(), *refusal.at, refusal.message),
            (Objected, Ok(mut made)) if made.objections.len() == 1 => {
                let refusal = made.objections.remove(0);
                (refusal.reason.name(), *refusal.at, refusal.message)
            }
            (Skipped, Ok(mut made)) if made.conditions.len() == 1 => {
                assert_eq!(made.run.get("vcs"), None, "{reason}");
                let condition = made.conditions.remove(0);
                assert_eq!(condition.kind, "VcsSkipped");
                (condition.reason, condition.at, condition.message)
            }
            (_, end) => panic!("{reason} {path}: {end:?}"),
        };
        let (found_reason, at, words) = found;
        assert_eq!(
            (
                found_reason,
                at.manifest.as_str(),
                at.path.as_str(),
                words.as_str()
            ),
            (reason.name(), *manifest, *path, *message)
        );
    }
}

#[test]
fn a_condition_says_where_and_why() {
    let made = World::of_repository()
        .without("VersionControlProvider")
        .made();
    let said = made.conditions[0].to_string();
    assert!(said.starts_with("`run.json` line 1 column "), "{said}");
    let end = "`spec.vcsRef.name` of AgentRun `fix-login`: there is no VersionControlProvider `hub` in namespace `default` (VcsSkipped: MissingVcsProvider); give its manifest, too, in the same namespace";
    assert!(said.ends_with(end), "{said}");
}

#[test]
fn every_reason_has_its_row() {
    for reason in Reason::ALL {
        let mut rows = ROWS.iter().copied().flatten();
        assert!(rows.any(|row| row.2 == *reason), "{reason}");
    }
}

#[test]
fn a_run_with_nothing_wrong_is_taken_without_a_word() {
    for world in [
        World::new(),
        World::of_repository(),
        required(World::of_repository()),
        required(World::new()).with("AgentRun", "spec.vcsPolicy.mode", "none"),
        memory(),
    ] {
        let made = world.made();
        assert_eq!(made.conditions, []);
        assert_eq!(made.objections, []);
        assert_eq!(made.warnings, []);
    }
}

#[test]
fn what_can_be_done_about_it_is_said() {
    let hint = |world: World| world.refused().hint.unwrap_or_default();
    let misnamed = run("spec.implementation", Value::Null).with(
        "AgentRun",
        "spec.implementationRef.name",
        "login",
    );
    assert!(hint(misnamed).contains("`implementationSpecRef`"));
    let near = World::of_repository().with("AgentRun", "spec.vcsRef.name", "hubb");
    assert_eq!(hint(required(near)), "did you mean `hub`?");
    let near = World::of_repository().with("AgentRun", "spec.vcsRef.name", "hubb");
    assert_eq!(
        near.made().conditions[0].hint.as_deref(),
        Some("did you mean `hub`?")
    );
}

#[test]
fn there_is_always_a_next_step() {
    for (world, _, reason, _, path, _) in ROWS.iter().copied().flatten() {
        // Who wants no repository wants no advice.
        if *reason == Reason::VcsDisabled {
            continue;
        }
        let hint = match world().resolve() {
            Err(refusal) => refusal.hint,
            Ok(made) => {
                let objection = made.objections.into_iter().next();
                let condition = made.conditions.into_iter().next();
                objection.map_or_else(|| condition.and_then(|it| it.hint), |it| it.hint)
            }
        };
        assert!(hint.is_some_and(|hint| !hint.is_empty()), "{reason} {path}");
    }
}

#[test]
fn of_two_things_that_are_wrong_the_controller_says_the_first() {
    let long = |world: World| world.with("AgentRun", "metadata.name", "x".repeat(64));
    let denied = |world: World| world.told(|told| told.labels.required = vec!["team".into()]);
    let custom = |world: World| world.with("AgentRun", "spec.runtime.type", "custom");
    let summary = |world: World| {
        let path = "spec.implementation.inline.summary";
        world.with("AgentRun", path, "x".repeat(257))
    };
    let no_image = |world: World| world.with("AgentProvider", "spec.workload", Value::Null);
    let prompt = |world: World| world.with("AgentRun", "spec.systemPrompt", "x");
    for (world, first, second) in [
        (
            summary(denied(World::new())),
            Reason::Invalid,
            Reason::MissingRequiredLabels,
        ),
        (
            summary(World::new().without("Agent")),
            Reason::Invalid,
            Reason::MissingAgent,
        ),
        (
            denied(custom(World::new())),
            Reason::MissingRequiredLabels,
            Reason::MissingEndpoint,
        ),
        (
            custom(World::new().without("Agent")),
            Reason::MissingEndpoint,
            Reason::MissingAgent,
        ),
        (
            custom(no_image(World::new())),
            Reason::MissingEndpoint,
            Reason::MissingWorkloadImage,
        ),
        (
            long(World::new().without("Agent")),
            Reason::MissingAgent,
            Reason::SubmitFailed,
        ),
        (
            no_image(World::new().without("Agent")),
            Reason::MissingAgent,
            Reason::MissingWorkloadImage,
        ),
        (
            long(no_image(World::new())),
            Reason::MissingWorkloadImage,
            Reason::SubmitFailed,
        ),
        (
            prompt(no_image(World::new())),
            Reason::MissingWorkloadImage,
            Reason::SystemPromptOverrideNotAllowed,
        ),
        (
            long(prompt(World::new())),
            Reason::SystemPromptOverrideNotAllowed,
            Reason::SubmitFailed,
        ),
        (
            prompt(required(World::new())),
            Reason::SystemPromptOverrideNotAllowed,
            Reason::MissingVcsProvider,
        ),
        (
            long(required(World::new())),
            Reason::MissingVcsProvider,
            Reason::SubmitFailed,
        ),
    ] {
        let refusal = world.refused();
        assert_eq!(refusal.reason, first, "{refusal}");
        // The order of the words is that in which they are looked for.
        let place = |reason| Reason::ALL.iter().position(|it| *it == reason);
        assert!(place(first) < place(second), "{first} {second}");
    }
}
