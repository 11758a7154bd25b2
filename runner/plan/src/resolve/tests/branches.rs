//! Where the work starts and where it goes.

use serde_json::json;

use super::{World, env, warnings};

fn hub(key: &str, value: &str) -> World {
    let path = format!("spec.defaults.{key}");
    World::of_repository().with("VersionControlProvider", &path, value)
}

fn branches(world: &World) -> (String, String) {
    let made = world.made();
    let branch = |key: &str| {
        made.run["vcs"][key]
            .as_str()
            .expect("it is text")
            .to_owned()
    };
    let both = (branch("baseBranch"), branch("headBranch"));
    for (key, branch) in [("base", &both.0), ("head", &both.1)] {
        let known = made.run["parameters"].get(key).and_then(|it| it.as_str());
        assert_eq!(known.unwrap_or_default(), branch, "{key}");
        assert_eq!(made.run[key].as_str().unwrap_or_default(), branch, "{key}");
        assert_eq!(made.spec["inputs"], made.run["parameters"]);
    }
    both
}

#[test]
fn base_is_what_the_run_says_else_the_provider_else_nothing() {
    assert_eq!(branches(&World::of_repository()).0, "");
    assert_eq!(branches(&hub("baseBranch", "trunk")).0, "trunk");
    let own = hub("baseBranch", "trunk").with("AgentRun", "spec.parameters.base", "next");
    assert_eq!(branches(&own).0, "next");
}

#[test]
fn head_is_what_the_run_says_else_the_template_else_named_after_the_run() {
    assert_eq!(branches(&World::of_repository()).1, "codex/fix-login");
    let template = || hub("branchTemplate", "agent/{{ stage }}/{{agentRun.name}}");
    let staged = template().with("AgentRun", "spec.parameters.stage", "review");
    assert_eq!(branches(&staged).1, "agent/review/fix-login");
    let own = template().with("AgentRun", "spec.parameters.head", "mine");
    assert_eq!(branches(&own).1, "mine");
}

#[test]
fn a_template_of_which_a_part_became_nothing_is_not_used() {
    let world =
        hub("branchTemplate", "agent/{{ stge }}/x").with("AgentRun", "spec.parameters.stage", "a");
    assert_eq!(branches(&world).1, "codex/fix-login");
    let made = world.made();
    assert_eq!(
        warnings(&made),
        ["`stge` is nothing to the controller: did you mean `stage`?"]
    );
}

#[test]
fn a_run_that_only_reads_has_no_branch_of_its_own() {
    let reading = World::of_repository().with("AgentRun", "spec.vcsPolicy.mode", "read-only");
    assert_eq!(branches(&reading).1, "");
}

#[test]
fn a_branch_under_another_name_is_not_added_again() {
    let world = World::of_repository()
        .with("AgentRun", "spec.parameters.baseBranch", "trunk")
        .with("AgentRun", "spec.parameters.branch", "mine");
    let made = world.made();
    assert_eq!(made.run["vcs"]["baseBranch"], "trunk");
    assert_eq!(made.run["parameters"].get("base"), None);
    assert_eq!(made.run["parameters"].get("head"), None);
    assert_eq!(made.run["base"], "trunk");
    assert_eq!(env(&made, "VCS_BASE_BRANCH"), "trunk");
}

#[test]
fn a_branch_that_another_active_run_has_gets_a_suffix() {
    let other = |parameters, status| {
        let mut world = hub("branchConflictSuffixTemplate", " -{{ stage }}")
            .with("AgentRun", "spec.parameters.stage", "b")
            .with("AgentRun", "spec.parameters.head", "work")
            .adding(
                "AgentRun",
                "other",
                json!({
                    "agentRef": { "name": "worker" }, "parameters": parameters,
                }),
            );
        world.all.last_mut().expect("it was added")["status"] = status;
        let head = &world.made().run["vcs"]["headBranch"];
        head.as_str().expect("it is text").to_owned()
    };
    let same = json!({ "repo": "Acme/Portal", "headBranch": "work" });
    assert_eq!(other(same.clone(), json!({ "phase": "Running" })), "work-b");
    assert_eq!(other(same.clone(), json!(null)), "work-b");
    assert_eq!(other(same, json!({ "phase": "Failed" })), "work");
    let elsewhere = json!({ "repo": "acme/other", "headBranch": "work" });
    assert_eq!(other(elsewhere.clone(), json!(null)), "work");
    let known = json!({ "vcs": { "repository": "acme/portal", "headBranch": "work" } });
    assert_eq!(other(elsewhere, known), "work-b");
}
