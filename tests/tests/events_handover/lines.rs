//! Lines and what they become.

use std::fs;

use serde_json::json;

use crate::{contents, handed_over, is_own, messages, run, text, with_stream};

#[test]
fn each_kind_arrives_on_both_subjects_with_its_attributes() {
    let nats = with_stream();
    let kinds = [
        "run-summary",
        "run-gaps",
        "run-next-prompt",
        "swarm-handoff",
    ];
    let attrs =
        json!({ "prUrl": "https://example.com/1", "list": [1, { "deep": null }], "seq": 77 });
    let run = run(&nats, "cat lines >> \"$FILE\"");
    let lines = kinds.map(|kind| {
        let line =
            json!({ "kind": kind, "content": format!("of {kind}"), "attrs": attrs, "more": 1 });
        format!("{line}\n")
    });
    fs::write(run.path("lines"), lines.concat()).expect("the directory is ours");
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let messages = messages(&nats, &ended);
    let mut last = 0;
    for kind in kinds {
        let of_kind: Vec<_> = messages
            .iter()
            .filter(|it| it.payload["kind"] == kind)
            .collect();
        let [own, general] = of_kind[..] else {
            panic!("{kind}: {of_kind:?}");
        };
        assert_eq!(
            own.subject,
            format!("agentrun.unknown.unknown.uid-1.agent.fake.{kind}")
        );
        assert_eq!(general.subject, format!("agentrun.general.{kind}"));
        for payload in [&own.payload, &general.payload] {
            assert_eq!(payload["content"], format!("of {kind}"));
            assert_eq!(payload["role"], "assistant");
            assert_eq!(payload["channel"], "general");
            assert_eq!(payload["attrs"]["prUrl"], attrs["prUrl"]);
            assert_eq!(payload["attrs"]["list"], attrs["list"]);
            assert_eq!(payload["attrs"]["event_seq"], 77);
            assert_eq!(payload.get("more"), None);
        }
        let id = text(&own.payload, "message_id");
        assert_eq!(general.payload["message_id"], format!("{id}-general"));
        assert!(
            own.stream_sequence > last,
            "{kind} is behind the one before"
        );
        last = own.stream_sequence;
    }
}

#[test]
fn any_other_line_is_a_message_with_its_text() {
    let nats = with_stream();
    let lines = [
        "plain text",
        r#"{"kind":"run-outcome","content":"succeeded","attrs":{"exit_code":0}}"#,
        r#"{"kind":"run-started","content":"again"}"#,
        r#"{"kind":"status","content":"done","attrs":{"phase":"end"}}"#,
        r#"{"kind":"tool_call","content":"rm"}"#,
        r#"{"kind":"run-summary"}"#,
        r#"{"kind":"run-summary","content":""}"#,
        r#"{"kind":"run-summary","content":7}"#,
        r#"{"content":"no kind"}"#,
        r#"{"kind":"run-summary","content":"torn"#,
        r#"["run-summary","an array"]"#,
        "\u{feff}{}",
    ];
    let run = run(&nats, "cat lines >> \"$FILE\"");
    let written = lines.join("\n\n \t\n\r\n");
    fs::write(run.path("lines"), written).expect("the directory is ours");
    let ended = run.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    let messages = messages(&nats, &ended);
    assert_eq!(contents(&messages), lines);
    let of_kind = |kind: &str| {
        messages
            .iter()
            .filter(|it| is_own(it) && it.payload["kind"] == kind)
            .count()
    };
    assert_eq!(of_kind("run-started"), 1);
    assert_eq!(of_kind("run-outcome"), 1);
    assert_eq!(of_kind("run-summary"), 0);
}

#[test]
fn lines_are_in_their_order_and_all_before_the_outcome() {
    let nats = with_stream();
    // Without a newline at the very end.
    let script = "i=0; while [ $i -lt 500 ]; do echo \"line $i\" >> \"$FILE\"; i=$((i+1)); done
        printf 'the last' >> \"$FILE\"";
    let ended = run(&nats, script).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let messages = messages(&nats, &ended);
    let mut wanted: Vec<_> = (0..500).map(|number| format!("line {number}")).collect();
    wanted.push("the last".to_owned());
    assert_eq!(contents(&messages), wanted);
    let own: Vec<_> = messages.iter().filter(|it| is_own(it)).collect();
    let place = |wanted: &dyn Fn(&str, &str) -> bool| {
        let found = own
            .iter()
            .rposition(|it| wanted(text(&it.payload, "kind"), text(&it.payload, "content")));
        found.expect("it is there")
    };
    let last = place(&|_, content| content == "the last");
    let running = place(&|_, content| content == "agent process running");
    let ended = place(&|_, content| content == "agent process ended");
    let outcome = place(&|kind, _| kind == "run-outcome");
    assert!(running < last && last < ended && ended < outcome);
}

#[test]
fn bytes_that_are_no_text_are_handed_over_as_well_as_they_can_be() {
    let nats = with_stream();
    let run = run(&nats, "cat lines >> \"$FILE\"");
    let mut garbage: Vec<u8> = (0..=255).collect();
    garbage.retain(|byte| *byte != b'\n');
    let lines = [&garbage[..], b"a\0b", b"\xff\xfe", b"\xf0\x9f", b"after"].join(&b"\n"[..]);
    fs::write(run.path("lines"), lines).expect("the directory is ours");
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let messages = messages(&nats, &ended);
    let said = handed_over(&messages);
    assert_eq!(said.len(), 5, "{said:?}");
    // There is no U+0000 anywhere.
    assert_eq!(said[1], ("message", "ab"));
    assert_eq!(said[4], ("message", "after"));
}
