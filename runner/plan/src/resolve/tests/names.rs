//! Names, labels and ids.

use serde_json::json;

use super::super::names::{cut_name, label, name};
use super::World;

#[test]
fn a_long_name_ends_in_a_hash_of_itself() {
    let long = "a-very-long-run-name-that-goes-on-and-on-until-it-is-just-63-ab";
    for (suffix, expected) in [
        (
            "job",
            "a-very-long-run-name-that-goes-on-and-on-until-it-is-j-5ac39c9d",
        ),
        (
            "spec",
            "a-very-long-run-name-that-goes-on-and-on-until-it-is-j-ef59cfd8",
        ),
        (
            "inputs",
            "a-very-long-run-name-that-goes-on-and-on-until-it-is-j-0ff24ad3",
        ),
    ] {
        assert_eq!(name(long, suffix), expected);
        assert_eq!(expected.len(), 63);
    }
    assert_eq!(name(&long[..59], "job"), format!("{}-job", &long[..59]));
    assert_eq!(cut_name(long, "vcs-ssh"), long);
}

#[test]
fn names_and_labels_have_only_what_kubernetes_takes() {
    assert_eq!(
        name("-Fix_the  Login.now-", "job"),
        "fix-the-login-now--job"
    );
    assert_eq!(cut_name("a.b", "vcs-ssh"), "a-b-vcs-ssh");
    assert_eq!(label("My Agent_1.0"), "my-agent_1.0");
    assert_eq!(label("--x--"), "x");
    assert_eq!(label("日本"), "unknown");
    assert_eq!(label(&"x".repeat(70)).len(), 63);
}

#[test]
fn everything_belongs_to_the_run() {
    let made = World::new()
        .with("AgentRun", "spec.implementation", json!(null))
        .with("AgentRun", "spec.implementationSpecRef.name", "fix.login")
        .adding("ImplementationSpec", "fix.login", json!({ "text": "x" }))
        .with(
            "AgentProvider",
            "spec.inputFiles",
            json!([{ "path": "/a", "content": "x" }]),
        )
        .made();
    let labels = json!({
        "agents.proompteng.ai/agent-run": "fix-login",
        "agents.proompteng.ai/agent": "worker",
        "agents.proompteng.ai/provider": "shell",
        "agents.proompteng.ai/implementation": "fix.login",
    });
    for object in made.config_maps.iter().chain([&made.job]) {
        assert_eq!(object["metadata"]["labels"], labels);
        let owner = &object["metadata"]["ownerReferences"][0];
        assert_eq!(owner["uid"], made.run["agentRun"]["uid"]);
        assert_eq!(owner["name"], "fix-login");
    }
    assert_eq!(made.job["spec"]["template"]["metadata"]["labels"], labels);
}

#[test]
fn without_a_cluster_the_uid_is_always_the_same_and_that_of_a_cluster_wins() {
    let uid = |world: &World| world.made().run["agentRun"]["uid"].clone();
    assert_eq!(uid(&World::new()), "3d0c6433-054e-58b8-a10f-d45b917563d9");
    let other = World::new().with("AgentRun", "metadata.name", "fix-logout");
    assert_ne!(uid(&other), uid(&World::new()));
    let given = World::new().with("AgentRun", "metadata.uid", "u-1");
    assert_eq!(uid(&given), "u-1");
}

#[test]
fn the_same_manifests_give_the_same_bytes() {
    let text = || {
        let made = World::of_repository().made();
        format!("{:?} {} {}", made.config_maps, made.job, made.run)
    };
    assert_eq!(text(), text());
}
