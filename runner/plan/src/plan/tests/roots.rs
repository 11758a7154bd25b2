//! What templates see, and what they must not.

use serde_json::json;

use super::{Asked, variable};
use crate::plan::{PlanError, Stdin};

#[test]
fn arguments_see_the_five_roots_of_the_contract() {
    let plan = Asked::exec()
        .spec("/inputs", json!({ "a": "1" }))
        .spec("/payloads", json!({ "eventFilePath": "/w/run.json" }))
        .spec("/observability", json!({ "x": [1] }))
        .spec("/artifacts", json!({ "statusPath": "/w/status.json" }))
        .spec("/goal", json!({ "objective": "win", "tokenBudget": 10 }))
        .args(&[
            "{{inputs.a}} {{payloads.eventFilePath}} {{observability}} {{artifacts.statusPath}} {{goal}}",
        ])
        .planned();
    assert_eq!(
        plan.process.args,
        [r#"1 /w/run.json {"x":[1]} /w/status.json {"objective":"win","tokenBudget":10}"#]
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn arguments_see_the_parts_of_the_payload_under_their_own_names() {
    let plan = Asked::exec()
        .payload(json!({
            "agentRun": { "name": "r1", "uid": "u1", "namespace": "agents" },
            "implementation": { "labels": ["bug"] },
            "parameters": { "p": "parameter" },
            "vcs": { "repository": "acme/portal" },
            "memory": { "type": "postgres" },
            "metadata": { "map": { "m": "meta" } },
            "issueNumber": "42",
        }))
        .args(&[
            "{{agentRun.name}}",
            "{{implementation.labels}}",
            "{{parameters.p}}",
            "{{vcs.repository}}",
            "{{memory.type}}",
            "{{metadata.map.m}}",
            "{{run.issueNumber}}",
            "{{provider}}",
        ])
        .planned();
    assert_eq!(
        plan.process.args,
        [
            "r1",
            r#"["bug"]"#,
            "parameter",
            "acme/portal",
            "postgres",
            "meta",
            "42",
            "fake"
        ]
    );
    assert_eq!(plan.identity.name.as_deref(), Some("r1"));
    assert_eq!(plan.identity.uid.as_deref(), Some("u1"));
    assert_eq!(plan.identity.namespace.as_deref(), Some("agents"));
}

#[test]
fn parameters_are_the_inputs_where_there_is_no_payload() {
    let plan = Asked::exec()
        .spec("/inputs", json!({ "a": "1" }))
        .args(&["{{parameters.a}}"])
        .planned();
    assert_eq!(plan.process.args, ["1"]);
}

#[test]
fn a_value_is_never_rendered_a_second_time() {
    let plan = Asked::exec()
        .spec(
            "/inputs",
            json!({ "a": "{{inputs.b}} {{#if x}}", "b": "no" }),
        )
        .args(&["{{inputs.a}}"])
        .setting("prompt", json!("{{inputs.a}}"))
        .planned();
    assert_eq!(plan.process.args, ["{{inputs.b}} {{#if x}}"]);
    assert_eq!(
        plan.process.stdin,
        Stdin::Prompt("{{inputs.b}} {{#if x}}".to_owned())
    );
}

#[test]
fn a_tag_that_renders_to_nothing_is_a_warning_that_names_template_and_nearest() {
    let asked = Asked::exec()
        .spec("/inputs", json!({ "stage": "audit" }))
        .args(&["-p", "{{inputs.stag}}"]);
    let plan = asked.planned();
    assert_eq!(plan.process.args, ["-p", ""]);
    assert_eq!(
        plan.warnings,
        [
            "`adapter.exec.argsTemplate[1]`: `{{inputs.stag}}` rendered to nothing: did you mean `inputs.stage`?"
        ]
    );
}

#[test]
fn strict_templates_make_it_an_error_that_names_template_path_and_nearest() {
    let asked = Asked::bare()
        .spec("/inputs", json!({ "stage": "audit" }))
        .spec(
            "/providerSpec",
            json!({ "binary": "/b", "envTemplate": { "S": "{{inputs.stag}}" } }),
        )
        .spec("/adapter/type", json!("exec"));
    for strict in [
        asked.clone().setting("strictTemplates", json!(true)),
        asked.flag("strictTemplates", "true"),
    ] {
        let error = strict.refused();
        assert_eq!(
            error.to_string(),
            "`providerSpec.envTemplate.S`: `{{inputs.stag}}` leads nowhere"
        );
        assert_eq!(
            error.hint().as_deref(),
            Some("did you mean `inputs.stage`?")
        );
        assert_eq!(error.reason(), "EmptyTag");
    }
}

#[test]
fn a_wrong_call_names_its_template() {
    let error = Asked::exec().args(&["{{truncate inputs}}"]).refused();
    assert!(
        matches!(&error, PlanError::Template { template, .. } if template == "adapter.exec.argsTemplate[0]"),
        "{error:?}"
    );
}

#[test]
fn env_is_seen_by_env_templates_alone() {
    let plan = Asked::exec()
        .env("GITHUB_TOKEN", "from-the-pod")
        .spec("/adapter/exec/binary", json!("/bin/{{env.GITHUB_TOKEN}}"))
        .args(&["<{{env.GITHUB_TOKEN}}>"])
        .env_template("GITHUB_TOKEN", "{{env.GITHUB_TOKEN}}")
        .spec(
            "/adapter/exec/inputFiles",
            json!([{ "path": "/w/f", "content": "<{{env.GITHUB_TOKEN}}>" }]),
        )
        .spec(
            "/adapter/exec/outputArtifacts",
            json!([{ "name": "<{{env.GITHUB_TOKEN}}>" }]),
        )
        .setting("prompt", json!("Use {{env.GITHUB_TOKEN}}."))
        .setting("cwd", json!("/w/{{env.GITHUB_TOKEN}}"))
        .setting("env/templates", json!(["*"]))
        .planned();
    assert_eq!(variable(&plan, "GITHUB_TOKEN"), Some("from-the-pod"));
    assert_eq!(plan.process.args, ["<>"]);
    assert_eq!(plan.files[0].content, "<>");
    assert_eq!(plan.artifacts.declared[0].name, "<>");
    assert_eq!(plan.process.cwd.to_str(), Some("/w/"));
    assert_eq!(
        plan.process.stdin,
        Stdin::Prompt("Use {{env.GITHUB_TOKEN}}.".to_owned()),
        "in a prompt it stays as somebody wrote it"
    );
}

#[test]
fn env_has_the_names_that_the_provider_sets_or_those_of_the_list() {
    let asked = Asked::exec()
        .env("A", "a")
        .env("LIST_ONE", "one")
        .env_template("A", "{{env.A}}+")
        .env_template("B", "<{{env.LIST_ONE}}>");
    let by_default = asked.planned();
    assert_eq!(variable(&by_default, "A"), Some("a+"));
    assert_eq!(variable(&by_default, "B"), Some("<>"));
    let by_list = asked.setting("env/templates", json!(["LIST_*"])).planned();
    assert_eq!(variable(&by_list, "A"), Some("+"));
    assert_eq!(variable(&by_list, "B"), Some("<one>"));
}

#[test]
fn a_prompt_keeps_tags_that_are_not_ours() {
    let text = "Run ${{ github.sha }} and {{ secrets.TOKEN }}.";
    let plan = Asked::exec().setting("prompt", json!(text)).planned();
    assert_eq!(plan.process.stdin, Stdin::Prompt(text.to_owned()));
    assert_eq!(variable(&plan, "TOKEN"), None);
}

#[test]
fn an_unknown_field_and_a_key_without_a_store_are_warnings() {
    let plan = Asked::exec()
        .spec("/adapter/exec/argTemplate", json!(["x"]))
        .spec(
            "/adapter/exec/outputArtifacts",
            json!([{ "name": "{{provider}}", "path": "/o", "key": "k/{{provider}}" }]),
        )
        .planned();
    assert_eq!(plan.warnings.len(), 2, "{:?}", plan.warnings);
    assert!(plan.warnings[0].contains("did you mean `argsTemplate`?"));
    assert!(plan.warnings[1].starts_with("artifact `fake` has a key"));
}
