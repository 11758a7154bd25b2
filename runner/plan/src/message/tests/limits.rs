//! What is cut, and what is not.

use super::*;

fn wide(max_content: usize) -> Wire {
    Wire {
        max_content,
        ..wire()
    }
}

fn message(event: Event, wire: &Wire, max_payload: usize) -> Message {
    messages(&header(), &record(4, event), wire, max_payload).remove(0)
}

fn said(text: &str) -> Event {
    Event::new(EventKind::ToolResult, Role::Tool, text)
}

#[test]
fn long_content_is_cut_at_a_letter_and_says_so() {
    let text = "\u{e4}".repeat(500);
    let all = parsed(&message(said(&text), &wide(101), SERVER));
    let content = all["content"].as_str().expect("content is text");
    let (kept, mark) = content.split_once('…').expect("there is a mark");
    assert_eq!(
        mark,
        format!(" [cut: {} bytes, whole in the journal]", 1000 - kept.len())
    );
    assert!((98..=101).contains(&content.len()), "{}", content.len());
    assert!(text.starts_with(kept));
    assert_eq!(all["attrs"]["truncated"], json!({ "content": 1000 }));
}

#[test]
fn the_mark_says_where_the_rest_is() {
    let mark = |event: Event| {
        let all = parsed(&message(event, &wide(101), SERVER));
        let content = all["content"].as_str().expect("content is text");
        content.rsplit(", ").next().unwrap_or_default().to_owned()
    };
    let text = "x".repeat(500);
    for (name, value, place) in [
        ("cut", json!(501), "whole in the log only]"),
        ("truncated", json!(true), "whole in the log only]"),
        // Not what a session says of a content that it has cut.
        ("cut", json!(500), "whole in the journal]"),
        ("cut", json!("501"), "whole in the journal]"),
        ("truncated", json!({}), "whole in the journal]"),
    ] {
        assert_eq!(
            mark(said(&text).with(name, value.clone())),
            place,
            "{value}"
        );
    }
}

#[test]
fn content_of_just_the_length_is_whole() {
    let text = "x".repeat(100);
    let all = parsed(&message(said(&text), &wide(100), SERVER));
    assert_eq!(all["content"], json!(text));
    assert_eq!(all["attrs"].get("truncated"), None);
}

#[test]
fn nul_is_nowhere() {
    let tool = Tool {
        id: "\0i".to_owned(),
        name: "n\0".to_owned(),
        title: "\0".to_owned(),
        ..Tool::default()
    };
    let event = Event::tool_result(tool, "a\0b").with(
        "k\0",
        json!({ "\0": ["\0", { "x\0": "y\0", "x": 1 }], "z": null }),
    );
    let mut header = header();
    header.speaker.run_name = Some("r\0".to_owned());
    header.speaker.repository = Some("\0".to_owned());
    let record = header.record(1, TIME.to_owned(), event);
    let all = messages(&header, &record, &wire(), SERVER).remove(0);
    assert!(!String::from_utf8_lossy(&all.payload).contains("\\u0000"));
    let all = parsed(&all);
    assert_eq!(all["content"], "ab");
    assert_eq!(all["tool"], json!({ "id": "i", "name": "n" }));
    assert_eq!(
        all["attrs"]["k"],
        json!({ "": ["", { "x": "y", "x_": 1 }], "z": null })
    );
    assert_eq!(all["agent_run_name"], "r");
    assert_eq!(all.get("repository"), None);
}

#[test]
fn escapes_count_as_what_they_are_on_the_wire() {
    let text = "\u{1}".repeat(40_000);
    let sent = message(said(&text), &wire(), 64 * 1024);
    let room = 64 * 1024 - framed(&sent.headers, &sent.id);
    assert!(sent.payload.len() <= room);
    // No more is cut than must be: not one letter more would go in, but for the mark's digits.
    assert!(
        sent.payload.len() > room - 12,
        "{} of {room}",
        sent.payload.len()
    );
}

#[test]
fn a_large_tool_is_cut_before_attributes_and_after_content() {
    let event = Event::tool_result(bash(&"t".repeat(3000)), "c".repeat(3000))
        .with("input", "i".repeat(3000))
        .with("note", "n".repeat(800));
    let all = parsed(&message(event, &wire(), 4096));
    assert_eq!(all["attrs"]["note"], json!("n".repeat(800)));
    assert_eq!(
        all["attrs"]["truncated"],
        json!({ "content": 3000, "tool": true })
    );
    assert_eq!(all["tool"].get("input"), None);
    assert_eq!(all["tool"]["title"], json!(format!("{}…", "t".repeat(61))));
    // What the tool had is the content's again.
    assert!(all["content"].as_str().expect("text").len() > 1000);
}

#[test]
fn the_largest_attributes_go_first_and_the_exit_code_never() {
    let event = said("c")
        .with("small", "s")
        .with("large", "l".repeat(5000))
        .with("status", "failed")
        .with("exit_code", 3);
    let all = parsed(&message(event, &wire(), 2048));
    assert_eq!(
        all["attrs"],
        json!({
            "seq": 4, "attempt": 1, "small": "s", "status": "failed", "exit_code": 3,
            "truncated": { "attrs": 1 },
        })
    );
    assert_eq!(all["content"], "c");
}

#[test]
fn what_fits_is_not_touched() {
    let event = said("c").with("large", "l".repeat(5000));
    let whole = message(event.clone(), &wire(), SERVER);
    let exactly = whole.payload.len() + framed(&whole.headers, &whole.id);
    assert_eq!(message(event.clone(), &wire(), exactly), whole);
    assert_ne!(message(event, &wire(), exactly - 1), whole);
}

#[test]
fn with_no_room_at_all_there_is_still_a_message() {
    for max_payload in [0, 1, 100, 700] {
        let all = parsed(&message(said(&"c".repeat(9000)), &wide(0), max_payload));
        assert_eq!(all["kind"], "tool_result");
        assert!(all["content"].as_str().expect("text").starts_with('…'));
    }
}

#[test]
fn everything_at_its_longest_fits_the_smallest_server() {
    for letter in ["x", "\u{1}", "\"", "\u{1f916}", "."] {
        let long = letter.repeat(4000);
        let some = Some(long.clone());
        let mut header = header();
        header.stem.clone_from(&long);
        header.speaker = Speaker {
            run_uid: long.clone(),
            run_name: some.clone(),
            run_namespace: some.clone(),
            run_id: some.clone(),
            agent_id: long.clone(),
            agent_role: some.clone(),
            step_id: some.clone(),
            stage: some.clone(),
            repository: some.clone(),
            branch: some,
            issue_number: Some(u64::MAX),
        };
        let tool = Tool {
            id: long.clone(),
            name: long.clone(),
            title: long.clone(),
            ok: Some(false),
            exit_code: Some(i64::MIN),
        };
        let mut event = Event::tool_result(tool, &*long)
            .with("exit_code", i64::MIN)
            .with("input", &*long)
            .with(&long, &*long);
        event.kind = EventKind::RunNextPrompt;
        event.role = Role::Assistant;
        let record = header.record(u64::MAX, "2026-08-23T10:15:00.120000000Z".to_owned(), event);
        for (prefix, format) in [
            (Prefix::AgentRun, Format::Plain),
            (Prefix::Workflow, Format::Plain),
            (Prefix::AgentRun, Format::CloudEvents),
            (Prefix::Workflow, Format::CloudEvents),
        ] {
            let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
            let wire = Wire {
                prefix,
                format,
                traceparent: Some(parent.to_owned()),
                max_content: SERVER,
            };
            for message in messages(&header, &record, &wire, 2048) {
                let size = message.payload.len() + framed(&message.headers, &message.id);
                assert!(size <= 2048, "{size} with {letter:?}, {wire:?}");
                let said = parsed(&message);
                let said = if format == Format::Plain {
                    &said
                } else {
                    &said["data"]
                };
                assert!(said["content"].as_str().expect("text").starts_with(letter));
            }
        }
    }
}
