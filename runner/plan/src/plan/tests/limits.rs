//! What the kernel would refuse is refused here, where the template still has a name.

use serde_json::json;

use super::Asked;
use crate::plan::{PROMPT_LIMIT, PlanError};

/// The longest string that execve(2) takes: 32 pages, less the final NUL.
const LONGEST: usize = 131_071;

#[track_caller]
fn assert_too_long(error: &PlanError, named: &str) {
    assert!(
        matches!(error, PlanError::TooLong { template, .. } if template == named),
        "{error:?}"
    );
    assert_eq!(error.reason(), "TooLong");
    assert!(error.hint().is_some_and(|hint| hint.contains("stdin")));
}

#[test]
fn an_argument_may_have_131071_bytes_and_no_more() {
    let asked = |length| {
        Asked::exec()
            .spec("/inputs", json!({ "x": "x".repeat(length) }))
            .args(&["-p", "{{inputs.x}}"])
    };
    assert_eq!(asked(LONGEST).planned().process.args[1].len(), LONGEST);
    let error = asked(LONGEST + 1).refused();
    assert_too_long(&error, "adapter.exec.argsTemplate[1]");
    assert!(
        error
            .to_string()
            .contains("131073 bytes; the kernel takes 131072"),
        "{error}"
    );
}

#[test]
fn bytes_count_not_characters() {
    let umlauts = "ü".repeat(LONGEST / 2 + 1);
    assert!(umlauts.chars().count() < LONGEST);
    assert_too_long(
        &Asked::exec().args(&[&umlauts]).refused(),
        "adapter.exec.argsTemplate[0]",
    );
}

#[test]
fn a_variable_may_have_131071_bytes_with_its_name_and_no_more() {
    let asked = |length: usize| Asked::exec().env_template("NAME", &"x".repeat(length - 5));
    asked(LONGEST).planned();
    assert_too_long(
        &asked(LONGEST + 1).refused(),
        "adapter.exec.envTemplate.NAME",
    );
}

#[test]
fn a_prompt_has_its_own_larger_limit() {
    let asked = |length| {
        Asked::exec()
            .spec("/inputs", json!({ "x": "x".repeat(length / 4) }))
            .setting("prompt", json!("{{inputs.x}}".repeat(4)))
    };
    asked(PROMPT_LIMIT).planned();
    assert_too_long(&asked(PROMPT_LIMIT + 4).refused(), "runner.prompt");
}

#[test]
fn a_nul_byte_is_refused_wherever_the_kernel_would_end_a_string_at_it() {
    let asked = Asked::exec().spec("/inputs", json!({ "x": "a\0b" }));
    let refused = [
        asked.clone().args(&["{{inputs.x}}"]),
        asked.clone().env_template("A", "{{inputs.x}}"),
        asked.clone().setting("cwd", json!("/{{inputs.x}}")),
        asked
            .clone()
            .spec("/adapter/exec/binary", json!("/bin/a\0b")),
        asked.clone().spec(
            "/adapter/exec/inputFiles",
            json!([{ "path": "/{{inputs.x}}" }]),
        ),
    ];
    for (at, asked) in refused.iter().enumerate() {
        assert!(matches!(asked.plan(), Err(PlanError::Nul { .. })), "{at}");
    }
    let content = json!([{ "path": "/f", "content": "{{inputs.x}}" }]);
    let plan = asked.spec("/adapter/exec/inputFiles", content).planned();
    assert_eq!(plan.files[0].content, "a\0b", "a file may hold any byte");
}
