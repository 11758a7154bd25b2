//! What the log gets of a stream.

use super::*;
use agent_plan::plan::{ClaudePlan, CodexExecPlan};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn recorder() -> Recorder {
    of(Conversation::CodexExec(CodexExecPlan::default()))
}

fn of(conversation: Conversation) -> Recorder {
    Recorder::new(Source::Stdout(Arc::new(conversation)), Redactor::none())
}

/// The records, whose time is checked and taken away.
fn told(recorder: &mut Recorder, pieces: &[&[u8]]) -> Vec<Value> {
    let mut log = Vec::new();
    for piece in pieces {
        log.extend(recorder.push(piece).log);
    }
    log.extend(recorder.end().log);
    let log = String::from_utf8(log).expect("a log of JSON is text");
    let records = log.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).expect("every line is JSON");
        let fields = record.as_object_mut().expect("and an object");
        let time = fields.remove("ts").expect("with a time");
        humantime::parse_rfc3339(time.as_str().expect("as text")).expect("that is one");
        record
    });
    records.collect()
}

#[test]
fn every_line_is_a_record_however_it_is_cut() {
    let text =
        b"{\"type\":\"a\", \"n\":1e400}\r\nplain \"text\"\n\nbad \xff\n\"\xff\"\n{\"type\":\"half";
    let records = [
        json!({"stdout": "plain \"text\""}),
        json!({"stdout": ""}),
        json!({"stdout": "bad \u{fffd}", "base64": STANDARD.encode(b"bad \xff")}),
        json!({"stdout": "\"\u{fffd}\"", "base64": STANDARD.encode(b"\"\xff\"")}),
        json!({"stdout": "{\"type\":\"half"}),
    ];
    for at in 0..text.len() {
        let mut recorder = recorder();
        let mut log = recorder.push(&text[..at]).log;
        log.extend(recorder.push(&text[at..]).log);
        let log = String::from_utf8(log).expect("it is text");
        assert!(
            log.contains(",\"event\":{\"type\":\"a\", \"n\":1e400}\r}\n"),
            "an event stays as it was, to the letter: {log}"
        );
    }
    for at in 24..text.len() {
        let told = told(
            &mut recorder(),
            &[&text[25..at.max(25)], &text[at.max(25)..]],
        );
        assert_eq!(told, records, "{at}");
    }
}

#[test]
fn a_line_that_is_too_long_is_logged_in_parts() {
    let line = "äöü".repeat(5);
    for longest in 4..31 {
        for chunk in [1, 3, 100] {
            let mut recorder = recorder();
            recorder.longest = longest;
            let text = format!("{line}\nnext\n{line}");
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(chunk).collect();
            let records = told(&mut recorder, &pieces);
            let mut whole = String::new();
            for record in &records {
                if let Some(part) = record["part"].as_str() {
                    assert_eq!(record["of"], "stdout");
                    assert!(part.len() <= longest);
                    assert_eq!(record.get("base64"), None, "letters are whole");
                    whole.push_str(part);
                    if record["last"] == true {
                        whole.push('\n');
                    }
                } else {
                    let text = record["stdout"].as_str().expect("it is text");
                    whole.push_str(text);
                    whole.push('\n');
                }
            }
            assert_eq!(whole, format!("{text}\n"), "{longest} {chunk}");
        }
    }
}

#[test]
fn stderr_is_text() {
    let mut recorder = Recorder::new(Source::Stderr, Redactor::none());
    let records = told(&mut recorder, &[b"{\"json\":1}\nwarn", b"ing"]);
    let wanted = [
        json!({"stderr": "{\"json\":1}"}),
        json!({"stderr": "warning"}),
    ];
    assert_eq!(records, wanted);
}

#[test]
fn pieces_are_logged_only_if_nobody_tells_them_whole() {
    let piece = |of: &str, text: &str| {
        let event = json!({"type": "content_block_delta", "delta": {"text": text}});
        let line = json!({"type": "stream_event", "event": event, "parent_tool_use_id": of});
        format!("{line}\n")
    };
    let whole = json!({"type": "assistant", "parent_tool_use_id": "a"});
    let text = [
        piece("a", "one "),
        piece("b", "half a "),
        piece("a", "two"),
        format!("{whole}\n"),
        piece("b", "mess"),
    ];
    let mut recorder = of(Conversation::Claude(Box::<ClaudePlan>::default()));
    let records = told(&mut recorder, &[text.concat().as_bytes()]);
    let wanted = [json!({"event": whole}), json!({"pieces": "half a mess"})];
    assert_eq!(records, wanted);
}
