//! Who speaks: the payload that the controller wrote, and over it what the environment says.

use std::fs;

use agent_tests::conformance::{Case, string};
use agent_tests::subscriber::{Row, assert_accepted};
use agent_tests::{Nats, NatsServer, Run};
use serde_json::json;

use crate::streamed::{assert_streamed, with_stream};

/// A run with the payload of a case of the controller, and an agent that clones nothing.
fn of_controller(nats: &Nats) -> Run {
    let run = Run::new();
    let case = Case::named("codex-github-read-write");
    let payload = run.path("run.json");
    let mounts = case.mounts(run.dir());
    let source = mounts
        .iter()
        .find(|(source, _)| source.ends_with("run.json"));
    let (source, _) = source.expect("the case has a payload");
    fs::copy(source, &payload).expect("it can be copied");
    run.shell("echo hello")
        .spec("/provider", json!("codex"))
        .spec("/payloads/eventFilePath", json!(payload))
        .env("NATS_URL", nats.url())
}

/// The rows of a run.
#[track_caller]
fn rows(nats: &Nats, run: Run) -> Vec<Row> {
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_accepted(&assert_streamed(nats, &ended))
}

#[test]
fn the_payload_says_who_speaks() {
    let nats = with_stream(NatsServer::new());
    let subjects: Vec<_> = rows(&nats, of_controller(&nats))
        .into_iter()
        .map(|row| {
            let known = |it: &Option<String>| it.clone().unwrap_or_default();
            let who = [&row.namespace, &row.name, &row.uid, &row.agent_id].map(known);
            let wanted = [
                "agents",
                "codex-github-read-write",
                "aa2bdace-e0e1-22f7-e8c2-9b03ed227ebe",
                "codex",
            ];
            assert_eq!(who, wanted);
            assert_eq!(row.attrs["repository"], "acme/widgets");
            assert_eq!(row.attrs["branch"], "agent/42");
            assert_eq!(row.attrs["issueNumber"], 42);
            string(&row.attrs["nats_subject"]).to_owned()
        })
        .collect();
    let run = "agentrun.agents.codex-github-read-write.aa2bdace-e0e1-22f7-e8c2-9b03ed227ebe";
    assert_eq!(subjects[0], format!("{run}.agent.codex.run-started"));
}

#[test]
fn the_environment_has_the_last_word() {
    let nats = with_stream(NatsServer::new());
    let run = of_controller(&nats)
        .env("AGENT_RUN_NAMESPACE", "other")
        .env("AGENT_RUN_NAME", "told")
        .env("AGENT_RUN_UID", "uid-2")
        .env("AGENT_RUN_STEP", "step-1")
        .env("AGENT_RUN_STAGE", "verify")
        .env("AGENT_RUN_ID", "r-17")
        .env("AGENT_ID", "somebody")
        .env("AGENT_ROLE", "reviewer")
        .env("CODEX_REPOSITORY", "acme/other")
        .env("CODEX_BRANCH", "main")
        .env("CODEX_ISSUE_NUMBER", "7")
        .env("HOSTNAME", "pod-x2k9p");
    for row in rows(&nats, run) {
        let known = |it: Option<String>| it.unwrap_or_default();
        assert_eq!(known(row.namespace), "other");
        assert_eq!(known(row.name), "told");
        assert_eq!(known(row.uid), "uid-2");
        assert_eq!(known(row.step_id), "step-1");
        assert_eq!(known(row.stage), "verify");
        assert_eq!(known(row.run_id), "r-17");
        assert_eq!(known(row.agent_id), "somebody");
        assert_eq!(row.attrs["repository"], "acme/other");
        assert_eq!(row.attrs["branch"], "main");
        assert_eq!(row.attrs["issueNumber"], 7);
    }
}

#[test]
fn a_run_that_nobody_named_has_an_id_of_its_own() {
    let nats = with_stream(NatsServer::new());
    let first = rows(&nats, Run::new().env("NATS_URL", nats.url()));
    let uid = first[0].uid.clone().unwrap_or_default();
    assert!(uid.starts_with("local-"), "{uid}");
    let other = with_stream(NatsServer::new());
    let second = rows(&other, Run::new().env("NATS_URL", other.url()));
    assert_ne!(second[0].uid, Some(uid));
}
