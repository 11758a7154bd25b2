//! The adapter, above all that for codex.

use serde_json::{Value, json};

use super::{World, warnings};

fn codex(world: &World) -> Value {
    world.made().spec["adapter"]["codex"].clone()
}

#[test]
fn fields_are_rendered_over_the_whole_run_and_unknown_ones_dropped() {
    let made = codex(
        &World::of_codex(&json!({
            "cwd": " /workspace/{{ agentRun.name }} ",
            "model": "{{ parameters.model }}",
            "cliConfigOverrides": ["a={{ inputs.model }}", 1],
            "developerInstructions": "{{ run.prompt }}|{{ implementation.text }}",
            "experimentalRawEvents": true, "persistExtendedHistory": "yes",
            "bootstrapTimeoutMs": "2000", "threadId": " ",
            "threadConfig": null, "goal": { "objective": "{{ x }}" }, "secretEnv": [], "zzz": 1,
        }))
        .with("AgentRun", "spec.parameters.model", "m"),
    );
    assert_eq!(
        made,
        json!({
            "cliConfigOverrides": ["a=m", "1"],
            "cwd": "/workspace/fix-login", "model": "m", "effort": "high",
            "sandbox": "danger-full-access", "approval": "never", "threadConfig": null,
            "experimentalRawEvents": true, "bootstrapTimeoutMs": 2000,
            "developerInstructions": "Fix the login.|Fix the login.",
            "prompt": "Fix the login.", "goal": { "objective": "{{ x }}" },
            "systemPromptExpectedHash":
                "5fe7c93feb3752d0fcd3713d14df1ce893b21f0a1fb0535a2fcf3c13d9fbfbe1",
        })
    );
}

#[test]
fn a_threads_configuration_is_left_to_the_runner() {
    let config = json!({ "mcp": { "token": "{{ env.TOKEN }}" } });
    assert_eq!(
        codex(&World::of_codex(&json!({ "threadConfig": config })))["threadConfig"],
        config
    );
    let default = json!({ "mcp_servers": {}, "web_search": "live" });
    for other in [json!({}), json!({ "threadConfig": "x" })] {
        assert_eq!(codex(&World::of_codex(&other))["threadConfig"], default);
    }
}

#[test]
fn the_prompt_is_the_first_that_says_something() {
    let task = |task: Value| {
        World::of_codex(&json!({ "prompt": " {{ nope }} " })).with(
            "AgentRun",
            "spec.implementation.inline",
            task,
        )
    };
    let prompt = |world: World| codex(&world)["prompt"].clone();
    let own = World::of_codex(&json!({ "prompt": " Do: {{ run.prompt }} " }));
    assert_eq!(prompt(own), "Do: Fix the login.");
    assert_eq!(
        prompt(task(json!({ "text": "t {{ x }}", "summary": "s" }))),
        "t"
    );
    assert_eq!(
        prompt(task(json!({ "text": "{{ x }}", "summary": "s" }))),
        "s"
    );
    assert_eq!(prompt(task(json!({ "text": "{{ x }}" }))), "{{ x }}");
    let body = task(json!({})).with("AgentRun", "spec.parameters.body", "b");
    assert_eq!(prompt(body), "b");
    let all = prompt(task(json!({})));
    assert!(
        all.as_str()
            .is_some_and(|text| text.starts_with("{\n  \"provider\": \"shell\""))
    );
}

#[test]
fn which_adapter_it_is() {
    let of = |spec: Value| {
        let world = World::new().with("AgentProvider", "spec", spec);
        let world = world.with("AgentRun", "spec.workload.image", "i");
        world.made().spec["adapter"]["type"].clone()
    };
    let exec = json!({ "type": "exec", "exec": {} });
    for (spec, expected) in [
        (json!({}), "codex-app-server"),
        (json!({ "binary": " " }), "codex-app-server"),
        (json!({ "binary": "/opt/agent-runner" }), "codex-app-server"),
        (json!({ "binary": "agent-runner" }), "exec"),
        (json!({ "binary": "/bin/sh" }), "exec"),
        (json!({ "adapter": exec }), "exec"),
        (
            json!({ "binary": "/bin/sh", "adapter": { "type": "codex-app-server" } }),
            "codex-app-server",
        ),
        (
            json!({ "adapter": { "type": "other" } }),
            "codex-app-server",
        ),
        (
            json!({ "binary": "/bin/sh", "adapter": { "type": "other" } }),
            "other",
        ),
        (json!({ "adapter": { "type": "claude" } }), "claude"),
    ] {
        assert_eq!(of(spec.clone()), expected, "{spec}");
    }
}

#[test]
fn what_is_handed_on_lacks_only_what_is_the_controllers() {
    let adapter = json!({
        "secretEnv": [], "type": "exec", "codex": { "secretEnv": [], "cwd": "{{ x }}" },
        "exec": { "binary": "/bin/sh", "secretEnv": [] }, "runner": { "protocol": "raw" },
    });
    let made = World::new()
        .with("AgentProvider", "spec.adapter", adapter)
        .made();
    assert_eq!(
        made.spec["adapter"].to_string(),
        json!({
            "type": "exec", "exec": { "binary": "/bin/sh", "secretEnv": [] },
            "runner": { "protocol": "raw" }, "codex": { "cwd": "{{ x }}" },
        })
        .to_string()
    );
}

#[test]
fn what_the_controller_drops_or_does_not_know_is_warned_of() {
    let dropped = World::of_codex(&json!({}))
        .with(
            "AgentProvider",
            "spec.adapter.runner",
            json!({ "protocol": "raw" }),
        )
        .made();
    assert_eq!(dropped.spec["adapter"].get("runner"), None);
    assert_eq!(
        warnings(&dropped),
        ["the controller drops it from this type"]
    );
    let claude = World::new().with("AgentProvider", "spec.adapter", json!({ "type": "claude" }));
    assert_eq!(
        warnings(&claude.made()),
        ["a controller that does not know `claude` makes something else of it"]
    );
}
