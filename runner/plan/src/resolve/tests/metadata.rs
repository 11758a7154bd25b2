//! What is known of the work.

use serde_json::{Value, json};

use super::{World, warnings};

fn task(task: Value, parameters: Value) -> Value {
    let world = World::new().with("AgentRun", "spec.implementation.inline", task);
    world
        .with("AgentRun", "spec.parameters", parameters)
        .made()
        .run
}

fn map(run: &Value) -> &Value {
    &run["metadata"]["map"]
}

#[test]
fn parameters_that_say_something_are_known_by_their_names() {
    let run = task(json!({}), json!({ "a": " x ", "b": " ", "PROMPT": "no" }));
    assert_eq!(*map(&run), json!({ "a": "x" }));
    assert_eq!(
        run["parameters"],
        json!({ "a": " x ", "b": " ", "PROMPT": "no" })
    );
    assert_eq!(task(json!({}), json!({})).get("metadata"), None);
}

#[test]
fn every_alias_fills_its_key_and_no_key_that_is_there() {
    for (alias, key) in [
        ("repo", "repository"),
        ("issueRepository", "repository"),
        ("issue", "issueNumber"),
        ("issueId", "issueNumber"),
        ("issue_id", "issueNumber"),
        ("issue_number", "issueNumber"),
        ("title", "issueTitle"),
        ("body", "issueBody"),
        ("url", "issueUrl"),
        ("baseBranch", "base"),
        ("base_ref", "base"),
        ("baseRef", "base"),
        ("headBranch", "head"),
        ("head_ref", "head"),
        ("headRef", "head"),
        ("codexStage", "stage"),
    ] {
        let run = task(json!({}), json!({ alias: "x" }));
        assert_eq!(
            (&run[key], &map(&run)[key]),
            (&json!("x"), &json!("x")),
            "{alias}"
        );
        let run = task(json!({}), json!({ alias: "x", key: "y" }));
        assert_eq!(run[key], "y", "{alias}");
    }
}

#[test]
fn the_contracts_mappings_come_after_the_aliases() {
    let contract = json!({ "contract": {
        "mappings": [{ "from": "slug", "to": "repository" }, { "from": " repo ", "to": "copy" }],
        "requiredKeys": ["repository"],
    } });
    let run = task(contract.clone(), json!({ "slug": "a/b" }));
    assert_eq!(run["repository"], "a/b");
    let run = task(contract, json!({ "slug": "a/b", "repo": "c/d" }));
    assert_eq!(
        (&run["repository"], &map(&run)["copy"]),
        (&json!("c/d"), &json!("c/d"))
    );
}

#[test]
fn an_issue_of_github_fills_what_is_not_said() {
    let source = |provider: &str, id: &str| {
        json!({ "summary": "S", "text": "T", "source": {
            "provider": provider, "externalId": id, "url": "https://x/1",
        } })
    };
    let run = task(source("github", " a/b # 7 "), json!({}));
    assert_eq!(
        (&run["repository"], &run["issueNumber"]),
        (&json!("a/b"), &json!("7"))
    );
    assert_eq!(
        (&run["issueTitle"], &run["issueBody"]),
        (&json!("S"), &json!("T"))
    );
    assert_eq!(
        (&run["issueUrl"], &map(&run)["url"]),
        (&json!("https://x/1"), &json!("https://x/1"))
    );
    let run = task(source("github", "a/b#7"), json!({ "issue": "8" }));
    assert_eq!(
        (&run["repository"], &run["issueNumber"]),
        (&json!("a/b"), &json!("8"))
    );
    for other in [
        source("linear", "a/b#7"),
        source("github", "a/b"),
        source("github", "#7"),
    ] {
        let run = task(other.clone(), json!({}));
        assert_eq!(run.get("repository"), None, "{other}");
        assert_eq!(run.get("issueTitle"), None, "{other}");
    }
}

#[test]
fn text_is_rendered_in_both_dialects_and_wins_over_the_summary() {
    let parameters =
        json!({ "repository": "a/b", "issue": "7", "deep": "{{ repository }} ${issue}" });
    let text =
        "Issue {{issueNumber}} of ${repository}. {{ nope }}${nope} ${ parameters.issue }: ${deep}";
    let run = task(
        json!({ "text": text, "summary": "S ${issue}" }),
        parameters.clone(),
    );
    assert_eq!(
        run["prompt"],
        "Issue 7 of a/b. ${nope} 7: {{ repository }} ${issue}"
    );
    assert_eq!(map(&run)["prompt"], run["prompt"]);
    assert_eq!(run["issueTitle"], "S 7");
    // Rendered once more, as what stands for an issue.
    assert_eq!(run["issueBody"], "Issue 7 of a/b. ${nope} 7: a/b 7");
    let run = task(json!({ "text": " ", "summary": "S ${issue}" }), parameters);
    assert_eq!(run["prompt"], "S 7");
}

#[test]
fn a_tag_of_a_task_that_is_nothing_is_warned_of_once() {
    let made = World::new()
        .with(
            "AgentRun",
            "spec.implementation.inline.text",
            "{{ parameters.stge }}",
        )
        .with(
            "AgentRun",
            "spec.parameters",
            json!({ "stage": "a", "issue": "7" }),
        )
        .made();
    assert_eq!(
        warnings(&made),
        ["`parameters.stge` is nothing to the controller: did you mean `parameters.stage`?"]
    );
}

#[test]
fn a_goal_counts_with_its_objective_only() {
    let goal = |goal: Value| {
        let made = World::new().with("AgentRun", "spec.goal", goal).made();
        assert_eq!(made.run.get("goal"), made.spec.get("goal"));
        made.run.get("goal").cloned()
    };
    assert_eq!(goal(json!({ "tokenBudget": 5 })), None);
    assert_eq!(goal(json!({ "objective": " " })), None);
    assert_eq!(
        goal(json!({ "objective": " o ", "tokenBudget": 5.9 })),
        Some(json!({ "objective": "o", "tokenBudget": 5 }))
    );
    assert_eq!(
        goal(json!({ "objective": "o", "tokenBudget": 0 })),
        Some(json!({ "objective": "o" }))
    );
}
