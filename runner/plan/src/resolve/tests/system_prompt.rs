//! The system prompt and its hash.

use serde_json::{Value, json};

use super::{World, env, pod};

#[test]
fn one_in_the_agent_is_in_the_run() {
    let made = World::new().made();
    let hash = "5fe7c93feb3752d0fcd3713d14df1ce893b21f0a1fb0535a2fcf3c13d9fbfbe1";
    assert_eq!(made.run["systemPrompt"], "Work with care.");
    assert_eq!(env(&made, "CODEX_SYSTEM_PROMPT_EXPECTED_HASH"), hash);
    assert_eq!(env(&made, "CODEX_SYSTEM_PROMPT_REQUIRED"), "true");
    assert_eq!(*env(&made, "CODEX_SYSTEM_PROMPT_PATH"), Value::Null);
}

#[test]
fn one_that_is_referred_to_wins_and_is_mounted() {
    let made = World::of_codex(&json!({}))
        .with(
            "Agent",
            "spec.defaults.systemPromptRef",
            json!({ "kind": "ConfigMap", "name": "p", "key": "k" }),
        )
        .with_data("ConfigMap", "p", "data", &json!({ "k": "Work with care." }))
        .made();
    let path = "/workspace/.codex/system-prompt.txt";
    assert_eq!(made.run.get("systemPrompt"), None);
    assert_eq!(env(&made, "CODEX_SYSTEM_PROMPT_PATH"), path);
    assert_eq!(made.spec["adapter"]["codex"]["systemPromptPath"], path);
    assert_eq!(
        pod(&made)["volumes"][1],
        json!({ "name": "fix-login-system-prompt", "configMap": {
            "name": "p", "items": [{ "key": "k", "path": "system-prompt.txt" }],
        } })
    );
    assert_eq!(made.secrets, []);
}

#[test]
fn one_of_the_longest_is_taken() {
    let longest = "ä".repeat(16_384);
    let made = World::new()
        .with("Agent", "spec.defaults.systemPrompt", longest.as_str())
        .made();
    assert_eq!(made.run["systemPrompt"], longest);
}
