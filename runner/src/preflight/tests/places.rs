//! Homes and state directories that are not there or cannot be written.
//!
//! What a file is in the way of cannot be made, and nothing can be made in a directory of the
//! kernel's, whoever one is.

use super::*;
use std::collections::BTreeMap;

/// A directory that is there, and in which not even root can make anything.
const CLOSED: &str = "/proc/self/fdinfo";

impl Pod {
    #[track_caller]
    fn variables(&self) -> BTreeMap<String, PathBuf> {
        let ready = self.look().expect("it goes on");
        let variables = ready.variables.into_iter();
        variables.map(|(name, at)| (name, at.into())).collect()
    }
}

#[track_caller]
fn names(variables: &BTreeMap<String, PathBuf>) -> Vec<&str> {
    variables.keys().map(String::as_str).collect()
}

#[test]
fn a_home_that_can_be_made_is_made_and_is_the_agents() {
    let pod = Pod::codex().env("CODEX_API_KEY", "k");
    let home = pod.dir.path().join("not/there/yet");
    let pod = pod.env("HOME", &home);
    assert_eq!(names(&pod.variables()), [""; 0]);
    assert!(home.join(".codex").is_dir());
}

#[test]
fn a_home_that_cannot_be_made_is_replaced_by_a_private_one() {
    let pod = Pod::codex().env("CODEX_API_KEY", "k").file("file", "");
    let home = pod.dir.path().join("file/home");
    let variables = pod.env("HOME", home).variables();
    assert_eq!(names(&variables), ["HOME"]);
    let mode = fs::metadata(&variables["HOME"])
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "it is private");
    assert!(
        variables["HOME"].join(".codex").is_dir(),
        "its state moves with it"
    );
}

#[test]
fn an_agent_without_a_home_gets_a_private_one() {
    let pod = Pod::claude().env("ANTHROPIC_API_KEY", "k").env("HOME", "");
    assert_eq!(names(&pod.variables()), ["HOME"]);
}

#[test]
fn a_home_in_which_nothing_can_be_made_is_kept_when_the_state_in_it_is_replaced() {
    for (pod, variable) in [
        (
            Pod::claude().env("ANTHROPIC_API_KEY", "k"),
            "CLAUDE_CONFIG_DIR",
        ),
        (Pod::codex().env("CODEX_API_KEY", "k"), "CODEX_HOME"),
    ] {
        let variables = pod.env("HOME", CLOSED).variables();
        assert_eq!(names(&variables), [variable]);
        assert!(variables[variable].is_dir());
    }
}

#[test]
fn a_state_directory_that_is_not_there_is_made() {
    let pod = Pod::codex().env("CODEX_API_KEY", "k");
    pod.look().expect("it goes on");
    assert!(pod.dir.path().join(".codex").is_dir());
}

#[test]
fn what_claude_is_configured_with_follows_it_to_a_private_directory() {
    let pod = Pod::claude()
        .env("ANTHROPIC_API_KEY", "k")
        .file(".claude.json", r#"{"mcpServers":{}}"#)
        // In the way of the directory.
        .file(".claude", "");
    let variables = pod.variables();
    assert_eq!(names(&variables), ["CLAUDE_CONFIG_DIR"]);
    let copy = variables["CLAUDE_CONFIG_DIR"].join(".claude.json");
    let copy = fs::read_to_string(copy).expect("it was copied");
    assert_eq!(copy, r#"{"mcpServers":{}}"#);
}
