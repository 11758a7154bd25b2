//! Where a refusal says that something is.

use super::super::{Controller, resolve};
use crate::manifest::{Manifests, read};
use crate::resource::AgentRun;

const TEXT: &str = "\
apiVersion: agents.proompteng.ai/v1alpha1
kind: AgentRun
metadata:
  name: fix-login
spec:
  agentRef:
    name: wroker
---
apiVersion: agents.proompteng.ai/v1alpha1
kind: Agent
metadata:
  name: worker
spec:
  providerRef: {name: shell}
";

fn refused(text: &str) -> (String, Option<String>) {
    let reading = read(text.as_bytes(), "runs/fix.yaml");
    let manifests = Manifests::new([reading]).expect("they are as they should be");
    let run = manifests.of::<AgentRun>().next().expect("there is a run");
    let made = resolve(&manifests, run, &Controller::default(), &[], &manifests);
    let refusal = made.expect_err("something is not there");
    (refusal.to_string(), refusal.hint)
}

#[test]
fn a_refusal_says_file_line_column_field_and_what_was_perhaps_meant() {
    let (said, hint) = refused(TEXT);
    assert_eq!(
        said,
        "`runs/fix.yaml` line 7 column 5: `spec.agentRef.name` of AgentRun `fix-login`: there is no Agent `wroker` in namespace `default` (MissingAgent)"
    );
    assert_eq!(hint.as_deref(), Some("did you mean `worker`?"));
}

#[test]
fn it_is_that_of_the_manifest_that_is_wrong() {
    let (said, hint) = refused(&TEXT.replace("wroker", "worker"));
    assert_eq!(
        said,
        "`runs/fix.yaml` line 14 column 17: `spec.providerRef.name` of Agent `worker`: there is no AgentProvider `shell` in namespace `default` (MissingProvider)"
    );
    assert_eq!(
        hint.as_deref(),
        Some("give its manifest, too, in the same namespace")
    );
}

#[test]
fn names_with_dots_and_letters_that_move_a_cursor_are_written_safely() {
    let parameters = "  parameters: {\"a.b\\u001b[2J\": \"x\"}\n";
    let long = parameters.replace("\"x\"", &format!("\"{}\"", "x".repeat(2049)));
    let text = TEXT.replacen("---", &format!("{long}---"), 1);
    let (said, _) = refused(&text);
    assert_eq!(
        said,
        "`runs/fix.yaml` line 8 column 16: `spec.parameters[\"a.b\\u001b[2J\"]` of AgentRun `fix-login`: it has 2049 bytes, at most 2048 (ParameterValueTooLarge)"
    );
}

#[test]
fn of_something_in_another_namespace_it_says_that_it_is_not_there() {
    let text = TEXT.replace("name: worker\n", "name: worker\n  namespace: other\n");
    let (said, hint) = refused(&text.replace("wroker", "worker"));
    assert!(
        said.ends_with("there is no Agent `worker` in namespace `default` (MissingAgent)"),
        "{said}"
    );
    assert_eq!(
        hint.as_deref(),
        Some("give its manifest, too, in the same namespace")
    );
}
