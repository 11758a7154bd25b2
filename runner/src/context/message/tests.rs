use std::time::Duration;

use agent_plan::plan::ContextPlan;
use serde_json::{Value, json};

use super::{CONTENT, CUT, ELSE, said};

fn anything() -> ContextPlan {
    ContextPlan {
        required: false,
        stream: "s".to_owned(),
        subject: "x.>".to_owned(),
        count: 50,
        timeout: Duration::from_secs(1),
        path: None,
        repository: None,
        branch: None,
        issue_number: None,
    }
}

fn kept(message: &Value, plan: &ContextPlan) -> Option<Value> {
    said(message.to_string().as_bytes(), plan)
}

#[test]
fn only_what_is_about_the_same_work_is_kept() {
    let plan = ContextPlan {
        repository: Some("acme/portal".to_owned()),
        branch: Some("b".to_owned()),
        issue_number: Some(42),
        ..anything()
    };
    let mut message = json!({
        "content": "hi", "channel": "general", "repository": "acme/portal", "branch": "b",
        "issueNumber": 42,
    });
    assert!(kept(&message, &plan).is_some());
    message["issueNumber"] = json!("42");
    assert!(kept(&message, &plan).is_some());
    for (key, other) in [
        ("channel", json!("run")),
        ("repository", json!("acme/portal2")),
        ("repository", Value::Null),
        ("branch", json!("B")),
        ("issueNumber", json!(43)),
    ] {
        let mut message = message.clone();
        message[key] = other;
        assert_eq!(kept(&message, &plan), None, "{key}");
        assert!(
            key == "channel" || kept(&message, &anything()).is_some(),
            "{key}"
        );
    }
}

#[test]
fn what_says_nothing_is_no_message() {
    for payload in [
        &b""[..],
        b"not JSON",
        b"[1]",
        b"{}",
        br#"{"content":" \u0000 "}"#,
        b"\xff\xfe",
        br#"{"content":7}"#,
    ] {
        assert_eq!(said(payload, &anything()), None, "{payload:?}");
    }
    let huge = json!({ "content": "x".repeat(2 << 20) });
    assert_eq!(kept(&huge, &anything()), None);
}

#[test]
fn the_text_is_where_the_subscriber_finds_it() {
    for message in [
        json!({ "text": "hi", "status": "no" }),
        json!({ "content": " ", "message": "hi" }),
        json!({ "specversion": "1.0", "data": { "content": "hi" } }),
        json!({ "message": { "text": "hi" } }),
    ] {
        let kept = kept(&message, &anything()).expect("it says something");
        assert_eq!(kept["content"], "hi", "{message}");
    }
}

#[test]
fn no_nul_is_left_anywhere() {
    let message = json!({ "content": "a\0b", "attrs": { "k\0": ["\0x", { "y": "\0" }] } });
    let kept = kept(&message, &anything()).expect("it says something");
    assert_eq!(
        kept,
        json!({ "attrs": { "k": ["x", { "y": "" }] }, "content": "ab" })
    );
}

#[test]
fn a_long_message_is_cut_and_keeps_its_names() {
    let message = json!({
        "content": "é".repeat(CONTENT),
        "message_id": "m-1",
        "issueNumber": 7,
        "attrs": { "log": "x".repeat(ELSE) },
        "note": "x".repeat(ELSE),
    });
    let kept = kept(&message, &anything()).expect("it says something");
    let content = kept["content"].as_str().expect("it is text");
    assert!(content.len() <= CONTENT && content.len() > CONTENT - 16);
    assert!(content.ends_with(CUT));
    assert_eq!(kept["message_id"], "m-1");
    assert_eq!(kept["issueNumber"], 7);
    assert_eq!(kept.get("attrs"), None);
    assert_eq!(kept.get("note"), None);
}
