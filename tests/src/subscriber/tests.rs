use serde_json::{Value, json};

use super::{Refused, Row, accept, after_dedup, assert_accepted, assert_complete};
use super::{attempts, attempts_of_journal};
use crate::StoredMessage;

const UID: &str = "0f7c1c1e-6a55-4c1f-8d0e-2b0a5f4a9d11";

fn subject(kind: &str) -> String {
    format!("agentrun.agents.fix-login-7.{UID}.agent.claude-code.{kind}")
}

/// The contract's common members and these.
fn payload(members: Value) -> Value {
    let mut payload = json!({
        "agent_run_uid": UID, "agent_run_name": "fix-login-7", "agent_run_namespace": "agents",
        "agent_id": "claude-code", "step_id": "fix-login-7-job-x2k9p", "stage": "implementation",
        "repository": "acme/portal", "branch": "codex/fix-login-7", "issueNumber": 42,
        "message_id": "0f7c-1", "timestamp": "2026-08-23T10:15:00.120Z",
    });
    let Value::Object(members) = members else {
        panic!("members are an object");
    };
    for (name, value) in members {
        payload[name.as_str()] = value;
    }
    payload
}

fn accepted(subject: &str, payload: &Value) -> Row {
    accept(subject, payload.to_string().as_bytes()).expect("the subscriber takes it")
}

fn refused(subject: &str, payload: &Value) -> Refused {
    accept(subject, payload.to_string().as_bytes()).expect_err("the subscriber refuses it")
}

fn stored(sequence: u64, subject: &str, payload: Value) -> StoredMessage {
    StoredMessage {
        subject: subject.to_owned(),
        headers: Vec::new(),
        bytes: payload.to_string().into_bytes(),
        payload,
        stream_sequence: sequence,
    }
}

fn numbered(attempt: u64, seq: u64) -> StoredMessage {
    let members = json!({
        "message_id": format!("u-{attempt}-{seq}"), "content": "x",
        "attrs": { "attempt": attempt, "seq": seq },
    });
    stored(attempt * 100 + seq, &subject("message"), payload(members))
}

#[test]
fn the_contract_s_examples_become_rows() {
    let rows = [
        (
            "run-started",
            json!({"kind":"run-started","role":"system","channel":"general","content":"Run fix-login-7 started with claude-code on acme/portal@codex/fix-login-7","attrs":{"provider":"claude-code","adapter":"exec","systemPromptHash":"9d2c","seq":1}}),
        ),
        (
            "message",
            json!({"kind":"message","role":"assistant","channel":"run","content":"I will look at the redirect middleware first.","attrs":{"seq":2}}),
        ),
        (
            "reasoning",
            json!({"kind":"reasoning","role":"assistant","channel":"run","content":"The cookie is set after the redirect…","attrs":{"seq":3}}),
        ),
        (
            "tool_call",
            json!({"kind":"tool_call","role":"tool","channel":"run","content":"Bash: cargo test -p web","tool":{"id":"tu_1","name":"Bash","input":{"command":"cargo test -p web"}},"attrs":{"seq":4}}),
        ),
        (
            "tool_result",
            json!({"kind":"tool_result","role":"tool","channel":"run","content":"42 passed; 0 failed","tool":{"id":"tu_1","name":"Bash","isError":false},"attrs":{"seq":5}}),
        ),
        (
            "status",
            json!({"timestamp":"2026-08-23T10:15:37Z","kind":"status","role":"system","channel":"run","status":"running","content":"agent process running","attrs":{"phase":"agent","seq":6}}),
        ),
        (
            "log",
            json!({"kind":"log","role":"system","channel":"run","content":"one redacted output line","attrs":{"stream":"stderr","seq":7}}),
        ),
        (
            "error",
            json!({"kind":"error","role":"system","channel":"run","content":"claude exited with code 1: usage limit reached","exit_code":1,"attrs":{"exit_code":1,"seq":8}}),
        ),
        (
            "run-summary",
            json!({"kind":"run-summary","role":"assistant","channel":"general","content":"Cookie now set before the redirect; test added.","attrs":{"tests":["cargo test"],"prUrl":"https://github.com/acme/portal/pull/43"}}),
        ),
        (
            "run-gaps",
            json!({"kind":"run-gaps","role":"assistant","channel":"general","content":"No e2e test for Safari.","attrs":{"missingItems":["safari e2e"],"suggestedFixes":["add playwright case"]}}),
        ),
        (
            "run-next-prompt",
            json!({"kind":"run-next-prompt","role":"assistant","channel":"general","content":"Add the Safari e2e case for PORT-42."}),
        ),
        (
            "run-outcome",
            json!({"kind":"run-outcome","role":"system","channel":"general","content":"Run succeeded in 26m","status":"succeeded","exit_code":0,"attrs":{"exit_code":0,"decision":"pass","durationMs":1_572_000}}),
        ),
        (
            "swarm-handoff",
            json!({"kind":"swarm-handoff","role":"assistant","channel":"general","content":"Ready for review by the verifier.","attrs":{"stage":"verify","decision":"pass","ciUrl":"https://ci.example/1"}}),
        ),
    ];
    for (kind, members) in rows {
        let row = accepted(&subject(kind), &payload(members.clone()));
        assert_eq!(row.kind, kind);
        assert_eq!(row.role, members["role"], "{kind}");
        assert_eq!(row.content, members["content"], "{kind}");
        assert_eq!(
            row.channel.as_deref(),
            members["channel"].as_str(),
            "{kind}"
        );
        let identity = [&row.uid, &row.name, &row.namespace, &row.agent_id].map(Option::as_deref);
        let expected = [UID, "fix-login-7", "agents", "claude-code"].map(Some);
        assert_eq!(identity, expected, "{kind}");
        assert_eq!(row.step_id.as_deref(), Some("fix-login-7-job-x2k9p"));
        assert_eq!(row.stage.as_deref(), Some("implementation"));
        assert_eq!(row.dedupe_key, Some(format!("{}:0f7c-1", subject(kind))));
        assert_eq!(row.attrs["nats_subject"], subject(kind));
        assert_eq!(row.attrs["runtime"], "agents_comms");
        assert_eq!(row.attrs["repository"], "acme/portal");
        assert_eq!(row.attrs["issueNumber"], 42);
        assert_eq!(row.attrs["branch"], "codex/fix-login-7");
        for (name, value) in members["attrs"].as_object().into_iter().flatten() {
            assert_eq!(&row.attrs[name], value, "{kind}");
        }
        let tool = members.get("tool");
        assert_eq!(row.attrs.get("tool"), tool, "{kind}");
    }
}

#[test]
fn an_exit_code_of_zero_survives_only_in_attrs() {
    let row = |members| accepted(&subject("run-outcome"), &payload(members));
    let lost = row(json!({ "content": "done", "exit_code": 0 }));
    assert_eq!(lost.attrs.get("exit_code"), None);
    let kept = row(json!({ "content": "done", "exit_code": 0, "attrs": { "exit_code": 0 } }));
    assert_eq!(kept.attrs["exit_code"], 0);
    let other = row(json!({ "content": "done", "exit_code": 3 }));
    assert_eq!(other.attrs["exit_code"], 3);
}

#[test]
fn the_subject_says_what_the_payload_does_not() {
    let row = accepted(
        &subject("error"),
        &json!({ "text": " gone \n", "agentId": "unknown" }),
    );
    assert_eq!((row.kind.as_str(), row.role.as_str()), ("error", "system"));
    assert_eq!(row.content, "gone");
    assert_eq!(row.uid.as_deref(), Some(UID));
    assert_eq!(row.agent_id.as_deref(), Some("claude-code"));
    assert_eq!(
        (row.timestamp, row.dedupe_key, row.channel),
        (None, None, None)
    );

    let general = accepted("agentrun.general.run-gaps", &json!({ "message": "none" }));
    assert_eq!(general.kind, "run-gaps");
    assert_eq!(general.role, "assistant");
    assert_eq!(general.channel.as_deref(), Some("general"));
    assert_eq!(general.uid, None);
}

#[test]
fn dots_in_a_run_s_name_are_misread_unless_the_payload_says_it() {
    let dotted = format!("agentrun.agents.my.run.{UID}.agent.claude.message");
    let row = accepted(&dotted, &json!({ "content": "x" }));
    assert_eq!(
        (row.name.as_deref(), row.uid.as_deref()),
        (Some("my"), Some("run"))
    );
    let row = accepted(&dotted, &payload(json!({ "content": "x" })));
    assert_eq!(row.name.as_deref(), Some("fix-login-7"));
    // The first `agent` counts, so a namespace of that name shifts everything.
    let row = accepted(
        "agentrun.agent.x.u.agent.claude.message",
        &json!({ "content": "x" }),
    );
    assert_eq!(row.agent_id.as_deref(), Some("x"));
}

#[test]
fn other_subjects_are_dropped() {
    let said = json!({ "content": "x" });
    for subject in [
        "workflow.agents.run.uid.agent.claude.message",
        "agentrun.agents.run.uid.claude.message",
        "agentrun.general",
        "agentrunner.general.message",
        "agentrun",
    ] {
        assert_eq!(refused(subject, &said), Refused::Subject, "{subject}");
    }
}

#[test]
fn what_says_nothing_is_dropped_unless_it_is_a_status() {
    for blank in [
        json!({ "content": " \n\t\u{feff}" }),
        json!({}),
        json!({ "content": "" }),
    ] {
        assert_eq!(
            refused(&subject("message"), &blank),
            Refused::Blank,
            "{blank}"
        );
        let row = accepted(&subject("status"), &blank);
        assert_eq!(row.content, "status update", "{blank}");
    }
}

#[test]
fn what_is_not_a_json_object_is_dropped() {
    for bytes in [
        &b"hello"[..],
        b"",
        b"{\"content\":\"x\"",
        b"\"x\"",
        b"[]",
        b"null",
        b"{\"content\":\"\xff\"}",
        b"{\"content\":\"\\ud800\"}",
    ] {
        let refused = accept(&subject("message"), bytes);
        assert_eq!(refused, Err(Refused::NotJson), "{bytes:?}");
    }
}

#[test]
fn an_object_as_message_or_data_is_taken_for_the_payload() {
    for name in ["message", "data"] {
        let inner = payload(json!({ "content": "y", "attrs": { "seq": 1 } }));
        let outer = json!({
            "content": "x", "message_id": "lost", "attrs": { "lost": 1 }, "exit_code": 3,
            name: inner,
        });
        let row = accepted(&subject("message"), &outer);
        assert_eq!(row, accepted(&subject("message"), &inner), "{name}");
        let said = json!({ "content": "x", name: "y" });
        assert_eq!(accepted(&subject("message"), &said).content, "x");
        // What is inside has to be what a payload has to be, and is not unwrapped again.
        for (inner, why) in [
            (json!({}), Refused::Blank),
            (json!({ "content": 1 }), Refused::NotText("content")),
            (json!({ "content": "\0" }), Refused::Nul),
            (
                json!({ "message": { "content": "y" } }),
                Refused::NotText("message"),
            ),
            (json!({ "data": { "content": "y" } }), Refused::Blank),
        ] {
            let outer = json!({ "content": "x", name: inner });
            assert_eq!(refused(&subject("message"), &outer), why, "{outer}");
        }
    }
    let both = json!({ "data": { "content": "data" }, "message": { "content": "message" } });
    assert_eq!(accepted(&subject("message"), &both).content, "message");
}

#[test]
fn a_blank_content_is_blank_whatever_else_is_said() {
    let names = ["content", "text", "message", "status", "error"];
    for (at, first) in names.iter().enumerate() {
        for later in &names[at + 1..] {
            let said = json!({ *first: " \n", *later: "something" });
            assert_eq!(
                refused(&subject("message"), &said),
                Refused::Blank,
                "{said}"
            );
            let row = accepted(&subject("status"), &said);
            assert_eq!(row.content, "status update", "{said}");
            let said = json!({ *first: "this", *later: "something" });
            assert_eq!(
                accepted(&subject("message"), &said).content,
                "this",
                "{said}"
            );
            let said = json!({ *first: null, *later: "something" });
            assert_eq!(accepted(&subject("message"), &said).content, "something");
        }
    }
}

#[test]
fn a_number_is_no_text() {
    for name in [
        "content",
        "kind",
        "role",
        "timestamp",
        "message_id",
        "channel",
        "agent_run_uid",
    ] {
        let said = payload(json!({ "content": "x", name: 1 }));
        assert_eq!(refused(&subject("message"), &said), Refused::NotText(name));
    }
}

#[test]
fn nul_anywhere_poisons_the_batch() {
    for members in [
        json!({ "content": "a\0b" }),
        json!({ "content": "x", "attrs": { "deep": [{ "er": "\0" }] } }),
        json!({ "content": "x", "attrs": { "na\0me": 1 } }),
        json!({ "content": "x", "tool": { "name": "\0" } }),
        json!({ "content": "x", "branch": "\0" }),
    ] {
        let refused = refused(&subject("message"), &payload(members));
        assert_eq!(refused, Refused::Nul);
        assert!(refused.is_poison());
    }
    assert!(!Refused::Blank.is_poison());
}

#[test]
fn a_time_that_is_not_rfc_3339_in_utc_poisons_the_batch() {
    for time in [
        "",
        "now",
        "1755943200",
        "2026-08-23",
        "2026-08-23 10:15:00Z",
        "2026-08-23T10:15:00",
        "2026-08-23T10:15:00+02:00",
        "2026-02-30T10:15:00Z",
        "2026-08-23T25:15:00Z",
    ] {
        let said = payload(json!({ "content": "x", "timestamp": time }));
        let refused = refused(&subject("message"), &said);
        assert_eq!(refused, Refused::Timestamp(time.to_owned()));
        assert!(refused.is_poison());
    }
    // Blank or not: the poison is what is reported.
    let said = json!({ "content": "", "sent_at": "yesterday" });
    assert!(refused(&subject("message"), &said).is_poison());
}

#[test]
fn what_no_server_takes_is_refused() {
    let said = json!({ "content": "x".repeat(super::MAX_PAYLOAD) });
    let size = said.to_string().len();
    assert_eq!(refused(&subject("log"), &said), Refused::TooLarge(size));
}

#[test]
#[should_panic(expected = "Nul")]
fn one_refused_message_fails_the_whole() {
    let bad = stored(2, &subject("log"), payload(json!({ "content": "\0" })));
    assert_accepted(&[numbered(1, 1), bad]);
}

#[test]
fn duplicates_are_counted_once() {
    let messages = [
        numbered(1, 1),
        numbered(1, 2),
        numbered(1, 1),
        numbered(1, 3),
    ];
    assert_eq!(after_dedup(&messages).len(), 3);
    assert_complete(&messages, &[(1, 3)]);
    assert_eq!(assert_accepted(&messages).len(), 4);
}

#[test]
fn attempts_follow_each_other_and_copies_do_not_count() {
    let mut copy = numbered(1, 1);
    copy.subject = "agentrun.general.run-started".to_owned();
    copy.payload["message_id"] = "u-1-1-general".into();
    let messages = [numbered(1, 1), copy, numbered(1, 2), numbered(3, 1)];
    assert_complete(&messages, &[(1, 2), (3, 1)]);
}

/// Returns what the check says of these numbers.
fn said_of(numbers: &[(u64, u64)]) -> String {
    let messages: Vec<_> = numbers.iter().map(|&(a, s)| numbered(a, s)).collect();
    let panic = std::panic::catch_unwind(|| attempts(&messages)).expect_err("it is refused");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn gaps_and_disorder_are_found() {
    for (numbers, said) in [
        (&[(1, 1), (1, 3)][..], "attempt 1 has 3 behind 1"),
        (&[(1, 2)], "2 of attempt 1 comes behind attempt 0"),
        (&[(1, 1), (1, 3), (1, 2)], "attempt 1 has 3 behind 1"),
        (&[(2, 1), (1, 1)], "1 of attempt 1 comes behind attempt 2"),
        (
            &[(1, 1), (2, 1), (1, 2)],
            "2 of attempt 1 comes behind attempt 2",
        ),
        (&[(1, 1), (2, 2)], "2 of attempt 2 comes behind attempt 1"),
    ] {
        assert!(said_of(numbers).contains(said), "{:?}", said_of(numbers));
    }
}

#[test]
#[should_panic(expected = "each with its last number")]
fn a_missing_end_is_found() {
    assert_complete(&[numbered(1, 1)], &[(1, 2)]);
}

#[test]
#[should_panic(expected = "has 1 behind 1")]
fn one_number_under_two_ids_is_found() {
    let mut again = numbered(1, 1);
    again.payload["message_id"] = "another".into();
    assert_complete(&[numbered(1, 1), again], &[(1, 1)]);
}

#[test]
#[should_panic(expected = "is two messages")]
fn one_id_for_two_messages_is_found() {
    let mut copy = numbered(1, 1);
    copy.subject = "agentrun.general.message".to_owned();
    drop(after_dedup(&[numbered(1, 1), copy]));
}

#[test]
fn a_journal_tells_what_to_expect() {
    let journal = b"{\"journal\":1,\"attempt\":1}\n{\"seq\":1}\n{\"seq\":2}\n{\"se\n\
        {\"journal\":1,\"attempt\":2}\n{\"journal\":1,\"attempt\":3}\n{\"seq\":1}\n{\"seq\":2";
    assert_eq!(attempts_of_journal(journal), [(1, 2), (3, 1)]);
}
