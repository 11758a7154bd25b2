//! What the runner itself says: who speaks, where from, what went wrong.

use agent_tests::{NatsServer, Run};
use serde_json::json;

use crate::scan::see_end;
use crate::{VALUE, secretive, with_stream};

/// A password that needs no escapes in a URL.
const IN_URL: &str = "pa55word-of-a-url";

#[test]
fn the_credentials_of_a_clone_are_in_no_event() {
    let nats = with_stream(NatsServer::new());
    let run = secretive(&nats)
        .spec(
            "/execution/coordinates/git",
            json!({ "url": "http://127.0.0.1:1/acme/portal.git", "ref": "main" }),
        )
        .env("VCS_TOKEN", IN_URL)
        .env("VCS_USERNAME", "agent");
    let seen = see_end(&nats, run, &["/mounted"]);
    assert_eq!(
        seen.ended.outcome(),
        "WorkspaceFailed",
        "{}",
        seen.ended.stderr
    );
    assert!(
        seen.contents("status")
            .iter()
            .any(|it| it.contains("checking out"))
    );
    seen.assert_nowhere(IN_URL);
}

#[test]
fn what_is_said_of_the_repository_has_no_password() {
    let nats = with_stream(NatsServer::new());
    let url = format!("http://agent:{IN_URL}@127.0.0.1:1/acme/portal.git");
    let run = secretive(&nats).env("CODEX_REPOSITORY", url.as_str());
    let seen = see_end(&nats, run, &["/mounted"]);
    assert_eq!(seen.ended.code, 0, "{}", seen.ended.stderr);
    let started = &seen.messages[0].payload;
    assert_eq!(
        started["content"],
        "A run started with fake on http://agent:[REDACTED:CODEX_REPOSITORY]@127.0.0.1:1/acme/portal.git"
    );
    assert_eq!(
        started["repository"],
        "http://agent:[REDACTED:CODEX_REPOSITORY]@127.0.0.1:1/acme/portal.git"
    );
}

#[test]
fn what_went_wrong_is_said_without_secrets() {
    for (what, run) in [
        (
            "a program",
            (|run: Run| run.spec("/adapter/exec/binary", json!(format!("/nowhere/{IN_URL}"))))
                as fn(Run) -> Run,
        ),
        ("a working directory", |run| {
            run.setting("cwd", json!(format!("/nowhere/{IN_URL}")))
        }),
        ("an unknown setting", |run| {
            run.setting(IN_URL, json!(IN_URL))
        }),
        ("a log", |run| {
            run.spec("/artifacts/logPath", json!(format!("/proc/{IN_URL}/log")))
        }),
        ("an artifact", |run| {
            run.spec(
                "/outputArtifacts",
                json!([{ "name": IN_URL, "path": format!("/nowhere/{IN_URL}"), "key": IN_URL }]),
            )
        }),
        ("a last line", |run| {
            run.shell("echo \"it was $A_PASSWORD\" >&2; exit 3")
        }),
        ("a variable of ours", |run| {
            run.env("AGENT_RUNNER_NOTHING", IN_URL)
        }),
        ("a trace", |run| {
            run.env("TRACEPARENT", format!("00-{IN_URL}"))
        }),
    ] {
        let nats = with_stream(NatsServer::new());
        let run = run(secretive(&nats).env("A_PASSWORD", IN_URL));
        let seen = see_end(&nats, run, &["/spec.json", "/mounted"]);
        assert!(seen.messages.len() > 4, "{what}: {}", seen.ended.stderr);
        seen.assert_nowhere(IN_URL);
        seen.assert_nowhere(VALUE);
    }
}
