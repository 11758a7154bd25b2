//! No file of a run replaces another without a word.

use serde_json::json;
use std::path::Path;

use super::Asked;
use crate::outcome::Outcome;
use crate::plan::PlanError;

fn with(status: &str, log: &str) -> Asked {
    Asked::exec().spec(
        "/artifacts",
        json!({ "statusPath": status, "logPath": log }),
    )
}

/// Asserts that a plan is refused for this path, and that both files are named.
#[track_caller]
fn assert_taken(asked: &Asked, path: &str, names: [&str; 2]) {
    let error = asked.refused();
    assert_eq!(error.reason(), "PathTaken", "{error}");
    assert_eq!(error.outcome(), Outcome::SpecInvalid);
    let PlanError::PathTaken {
        path: taken,
        first,
        second,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(taken, Path::new(path));
    assert_eq!([first.as_str(), second.as_str()], names);
}

#[test]
fn status_and_log_have_paths_of_their_own() {
    for (status, log) in [
        ("/w/one", "/w/one"),
        ("/w/one", "/w/./two/../one"),
        ("/workspace/one", "one"),
        ("/dev/termination-log", "/dev/termination-log"),
    ] {
        let path = if status.starts_with("/w/") {
            "/w/one"
        } else {
            status
        };
        assert_taken(&with(status, log), path, ["the status", "the log"]);
    }
    with("/w/one", "/w/two").planned();
}

#[test]
fn the_complete_status_has_its_path_to_itself() {
    let full = "/w/status.full.json";
    assert_taken(
        &with("/w/status.json", full),
        full,
        ["the complete status", "the log"],
    );
    assert_taken(
        &with(full, "/w/log"),
        full,
        ["the status", "the complete status"],
    );
}

#[test]
fn no_input_file_is_where_our_own_files_go() {
    let file = |path: &str| {
        with("/w/status.json", "/w/log").spec(
            "/adapter/exec/inputFiles",
            json!([{ "path": "/w/other" }, { "path": path }]),
        )
    };
    let name = "the input file `inputFiles[1]`";
    assert_taken(
        &file("/w/status.json"),
        "/w/status.json",
        [name, "the status"],
    );
    assert_taken(&file("/w/./log"), "/w/log", [name, "the log"]);
    assert_taken(
        &file("/w/status.full.json"),
        "/w/status.full.json",
        [name, "the complete status"],
    );
    file("/w/other").planned();
}

#[test]
fn what_was_read_is_not_written_over() {
    let mut asked = with("spec.json", "/w/log");
    asked.reserved = vec![
        ("the payload", "/w/run.json".into()),
        ("the spec", "spec.json".into()),
    ];
    assert_taken(&asked, "/workspace/spec.json", ["the spec", "the status"]);
    let asked = asked.spec("/artifacts", json!({ "logPath": "/w/run.json" }));
    assert_taken(&asked, "/w/run.json", ["the payload", "the log"]);
}

#[test]
fn a_status_path_of_the_command_line_counts_instead_of_that_of_the_spec() {
    let mut asked = with("/w/log", "/w/log");
    asked.status_path = Some("elsewhere".into());
    let status = asked.planned().paths.status;
    assert_eq!(status.as_deref(), Some(Path::new("/workspace/elsewhere")));
    asked.status_path = Some("/w/log".into());
    assert_taken(&asked, "/w/log", ["the status", "the log"]);
}

#[test]
fn a_device_takes_what_everybody_writes() {
    for path in ["/dev/null", "/dev/stdout", "/dev/stderr"] {
        with(path, path).planned();
    }
}
