//! What a manifest may cost.

use serde_json::{Value, json};

use super::super::Reason;
use super::World;
use crate::template::render_paths;

#[test]
fn templates_that_explode_together_are_refused() {
    let world = World::new()
        .with("AgentRun", "spec.parameters.a", "x".repeat(2048))
        .with(
            "AgentProvider",
            "spec.argsTemplate",
            vec!["{{inputs.a}}"; 10_000],
        );
    let refusal = world.refused();
    assert_eq!(refusal.reason, Reason::SubmitFailed);
    assert!(
        refusal.at.path.starts_with("spec.argsTemplate["),
        "{refusal}"
    );
}

#[test]
fn a_task_that_explodes_is_refused_by_its_name() {
    for tag in ["{{parameters}}", "${parameters}"] {
        let mut world = World::new().with(
            "AgentRun",
            "spec.implementation.inline.text",
            tag.repeat(9000),
        );
        for index in 0..100 {
            world = world.with(
                "AgentRun",
                &format!("spec.parameters.p{index}"),
                "x".repeat(2048),
            );
        }
        let refusal = world.refused();
        assert_eq!(refusal.reason, Reason::SubmitFailed);
        assert_eq!(refusal.at.path, "spec.implementation.inline.text");
    }
}

#[test]
fn warnings_beyond_a_page_are_counted() {
    let tags: Vec<_> = (0..1000).map(|n| format!("{{{{n{n}}}}}")).collect();
    let text = tags.concat();
    let made = World::new()
        .with("AgentRun", "spec.implementation.inline.text", text)
        .made();
    assert_eq!(made.warnings.len(), 51);
    assert_eq!(made.warnings[50].to_string(), "there are 950 more warnings");
    assert_eq!(made.warnings[50].at, None);
}

#[test]
fn many_volumes_do_not_take_long() {
    let volume = |n: usize| json!({ "name": format!("v{n}"), "type": "emptyDir", "mountPath": format!("/v/{n}") });
    let volumes: Vec<Value> = (0..20_000).map(volume).collect();
    let made = World::new()
        .with("AgentRun", "spec.workload.volumes", volumes)
        .made();
    let pod = &made.job["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"].as_array().map(Vec::len), Some(20_001));
}

#[test]
fn a_file_as_large_as_a_config_map_is_taken() {
    let content = "x".repeat(1 << 20);
    let files = json!([{ "path": "/a", "content": content }]);
    let made = World::new()
        .with("AgentProvider", "spec.inputFiles", files)
        .made();
    assert_eq!(made.config_maps[1]["data"]["input-0"], content);
}

#[test]
fn the_longest_text_of_too_many_is_said() {
    let refusal = World::new()
        .with(
            "AgentRun",
            "spec.implementation.inline.labels",
            vec!["x".repeat(1000); 1100],
        )
        .with(
            "AgentRun",
            "spec.implementation.inline.description",
            "y".repeat(2000),
        )
        .refused();
    assert_eq!(
        refusal.hint.as_deref(),
        Some("shorten `implementation.description`, which has 2000 bytes")
    );
}

#[test]
fn what_mappings_copy_is_bounded_before_it_is_made() {
    let mapping = |n: usize| json!({ "from": "a", "to": format!("to{n}") });
    let mappings: Vec<Value> = (0..20_000).map(mapping).collect();
    let refusal = World::new()
        .with("AgentRun", "spec.parameters.a", "x".repeat(2048))
        .with(
            "AgentRun",
            "spec.implementation.inline.contract.mappings",
            mappings,
        )
        .refused();
    assert_eq!(refusal.reason, Reason::SubmitFailed);
    assert_eq!(
        refusal.at.path,
        "spec.implementation.inline.contract.mappings"
    );
}

#[test]
fn what_was_perhaps_meant_is_looked_for_only_where_it_is_read() {
    let rendered = render_paths(&"{{abcdefg}}".repeat(11_000), &json!({ "abcdefh": 1 }));
    let empty = rendered.expect("it is short").empty;
    assert_eq!(empty.len(), 11_000);
    let meant = empty.iter().filter(|tag| tag.nearest.is_some());
    assert_eq!(meant.count(), 50);
}
