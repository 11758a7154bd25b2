//! Input files: paths and modes, before anything is written.

use serde_json::{Value, json};

use super::Asked;
use crate::plan::FilePlan;

fn with_file(file: &Value) -> Asked {
    Asked::exec().spec("/adapter/exec/inputFiles", json!([file]))
}

#[test]
fn path_and_content_are_rendered_and_relative_paths_begin_at_the_working_directory() {
    let plan = with_file(&json!({ "path": "in/{{inputs.a}}.md", "content": "{{inputs.a}}\n" }))
        .spec("/inputs", json!({ "a": "x" }))
        .planned();
    assert_eq!(
        plan.files,
        [FilePlan {
            path: "/workspace/in/x.md".into(),
            content: "x\n".to_owned(),
            mode: 0o644,
        }]
    );
}

#[test]
fn a_mode_is_octal() {
    for (mode, expected) in [
        ("0600", 0o600),
        ("600", 0o600),
        ("0o755", 0o755),
        ("0", 0),
        ("0777", 0o777),
    ] {
        let plan = with_file(&json!({ "path": "/f", "mode": mode })).planned();
        assert_eq!(plan.files[0].mode, expected, "{mode}");
    }
    for mode in [
        "",
        "rw-r--r--",
        "0888",
        "1777",
        "4755",
        "-1",
        "+644",
        "0x1f",
        " 644",
    ] {
        let error = with_file(&json!({ "path": "/f", "mode": mode })).refused();
        assert_eq!(error.reason(), "BadMode", "{mode}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("`adapter.exec.inputFiles[0].mode` is `{mode}`")),
            "{error}"
        );
    }
}

#[test]
fn a_path_that_is_blank_or_steps_upwards_is_refused_by_the_name_of_its_template() {
    for (rendered, reason) in [
        ("", "BadPath"),
        (" \t\n", "BadPath"),
        ("..", "BadPath"),
        ("../etc/passwd", "BadPath"),
        ("/workspace/../etc/passwd", "BadPath"),
        ("a/..", "BadPath"),
    ] {
        let inputs = json!({ "path": rendered });
        let file = with_file(&json!({ "path": "{{inputs.path}}" }));
        let error = file.spec("/inputs", inputs.clone()).refused();
        assert_eq!(error.reason(), reason, "{rendered:?}");
        assert!(
            error
                .to_string()
                .contains("adapter.exec.inputFiles[0].path"),
            "{error}"
        );
        let cwd = Asked::exec().setting("cwd", json!("{{inputs.path}}"));
        let error = cwd.spec("/inputs", inputs).refused();
        assert!(error.to_string().contains("runner.cwd"), "{error}");
    }
}

#[test]
fn dots_in_a_name_are_no_step_upwards() {
    let plan = with_file(&json!({ "path": "/w/..a/b...c/." })).planned();
    assert_eq!(plan.files[0].path.to_str(), Some("/w/..a/b...c/."));
}

#[test]
fn links_are_not_followed_below_the_workspace_and_the_agents_directory() {
    let plan = Asked::exec().setting("cwd", json!("repo")).planned();
    assert_eq!(plan.process.cwd.to_str(), Some("/workspace/repo"));
    assert_eq!(
        plan.roots,
        ["/workspace", "/workspace/repo"].map(std::path::PathBuf::from)
    );
}
