//! Which adapter a run has (contract §1.3).

use serde_json::{Value, json};

use super::Asked;
use crate::outcome::Outcome;

#[test]
fn fields_of_the_adapter_replace_those_of_provider_spec_one_by_one_and_whole() {
    let plan = Asked::bare()
        .spec(
            "/providerSpec",
            json!({
                "binary": "/bin/base",
                "argsTemplate": ["base", "two", "three"],
                "envTemplate": { "A": "base", "B": "base" },
                "inputFiles": [{ "path": "/w/base", "content": "" }],
                "outputArtifacts": [{ "name": "base" }, { "name": "second" }],
            }),
        )
        .spec(
            "/adapter",
            json!({ "type": "exec", "exec": {
                "argsTemplate": ["own"],
                "envTemplate": { "A": "own" },
                "outputArtifacts": [],
            }}),
        )
        .planned();
    assert_eq!(plan.process.program.to_str(), Some("/bin/base"));
    assert_eq!(plan.process.args, ["own"], "arrays are not joined");
    assert_eq!(plan.process.rendered, ["A"], "objects are not joined");
    assert_eq!(plan.files.len(), 1, "what the adapter leaves out stays");
    assert!(
        plan.artifacts.declared.is_empty(),
        "an empty list is a value"
    );
}

#[test]
fn the_binary_of_the_adapter_wins_over_that_of_provider_spec() {
    let plan = Asked::exec()
        .spec("/providerSpec", json!({ "binary": "/bin/base" }))
        .planned();
    assert_eq!(plan.process.program.to_str(), Some("/bin/agent"));
}

#[test]
fn the_binary_is_never_a_template() {
    let plan = Asked::exec()
        .spec("/adapter/exec/binary", json!("/bin/{{provider}}"))
        .planned();
    assert_eq!(plan.process.program.to_str(), Some("/bin/{{provider}}"));
}

/// Each row: adapter, provider, definition.
#[test]
fn an_adapter_that_asks_something_needs_something_to_ask() {
    let none = Value::Null;
    let of_codex = json!({ "adapter": { "type": "codex-app-server" } });
    let definition = json!({ "binary": "/bin/defined" });
    for (adapter, provider, definition) in [
        (json!({ "type": "codex-app-server" }), "fake", &none),
        (json!({ "type": "codex-app-server" }), "fake", &definition),
        (json!({ "type": "claude" }), "fake", &none),
        (json!({ "type": "telepathy" }), "codex", &none),
        (none.clone(), "codex", &none),
        (none.clone(), "codex-runner", &none),
        (none.clone(), "fake", &of_codex),
    ] {
        let mut asked = Asked::bare()
            .spec("/provider", json!(provider))
            .spec("/adapter", adapter.clone());
        asked.definition = Some(definition.clone()).filter(|definition| !definition.is_null());
        let error = asked.refused();
        let row = format!("{adapter} {provider} {definition}");
        assert_eq!(error.reason(), "NoPrompt", "{row}");
        assert_eq!(error.outcome(), Outcome::SpecInvalid, "{row}");
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("`runner.prompt`"), "{row}: `{hint}`");
    }
}

/// Each row: adapter, provider, definition, reason, hint.
#[test]
fn what_cannot_be_resolved_is_refused_with_its_reason_and_a_hint() {
    let definition = json!({ "binary": "/bin/defined" });
    let of_nonsense = json!({ "adapter": { "type": "exce" } });
    let none = Value::Null;
    let rows = [
        (none.clone(), "fake", &none, "NoAdapter", "`fake.json`"),
        (json!({}), "fake", &none, "NoAdapter", "`fake.json`"),
        (
            json!({ "type": "exce" }),
            "fake",
            &none,
            "UnknownAdapter",
            "did you mean `exec`?",
        ),
        (
            json!({ "type": "codex-appserver" }),
            "fake",
            &none,
            "UnknownAdapter",
            "did you mean `codex-app-server`?",
        ),
        (
            json!({ "type": "telepathy" }),
            "fake",
            &none,
            "UnknownAdapter",
            "",
        ),
        (
            json!({ "type": "telepathy" }),
            "fake",
            &definition,
            "UnknownAdapter",
            "",
        ),
        (
            none.clone(),
            "fake",
            &of_nonsense,
            "UnknownAdapter",
            "did you mean `exec`?",
        ),
        (
            json!({ "type": "exec" }),
            "fake",
            &none,
            "NoBinary",
            "the agent's executable",
        ),
        (
            json!({ "type": "exec", "exec": { "binary": "" } }),
            "codex",
            &none,
            "NoBinary",
            "the agent's executable",
        ),
    ];
    for (adapter, provider, definition, reason, hint) in rows {
        let mut asked = Asked::bare()
            .spec("/provider", json!(provider))
            .spec("/adapter", adapter.clone());
        asked.definition = Some(definition.clone()).filter(|definition| !definition.is_null());
        let row = format!("{adapter} {provider} {definition}");
        let error = asked.refused();
        assert_eq!(error.reason(), reason, "{row}");
        let said = error.hint().unwrap_or_default();
        assert!(
            said.contains(hint) && said.is_empty() == hint.is_empty(),
            "{row}: `{said}`"
        );
        assert_eq!(error.outcome(), Outcome::SpecInvalid, "{row}");
    }
}

#[test]
fn a_definition_counts_only_where_the_spec_has_no_type() {
    let definition = json!({ "binary": "/bin/defined", "argsTemplate": ["defined"] });
    let defined = Asked::bare().definition(definition.clone()).planned();
    assert_eq!(defined.process.program.to_str(), Some("/bin/defined"));
    let explicit = Asked::exec().definition(definition).planned();
    assert_eq!(explicit.process.program.to_str(), Some("/bin/agent"));
    assert!(explicit.process.args.is_empty());
}

#[test]
fn a_definition_of_codex_replaces_the_one_that_follows_from_the_name() {
    let plan = Asked::bare()
        .spec("/provider", json!("codex"))
        .definition(json!({ "adapter": { "type": "exec", "exec": { "binary": "/bin/codex" } } }))
        .planned();
    assert_eq!(plan.process.program.to_str(), Some("/bin/codex"));
}

#[test]
fn a_body_without_a_type_is_told_what_is_missing() {
    for adapter in [
        json!({ "exec": { "binary": "/bin/agent" } }),
        json!({ "codex": {} }),
    ] {
        let asked = Asked::bare().spec("/adapter", adapter);
        let error = asked.refused();
        assert_eq!(error.to_string(), "`adapter.type` is missing");
        assert!(error.hint().is_some_and(|hint| hint.contains("\"type\"")));
        // Codex is known by its name, as the contract has it.
        let error = asked.clone().spec("/provider", json!("codex")).refused();
        assert_eq!(error.reason(), "NoPrompt");
        let defined = asked.definition(json!({ "binary": "/bin/defined" }));
        assert_eq!(
            defined.planned().process.program.to_str(),
            Some("/bin/defined")
        );
    }
}
