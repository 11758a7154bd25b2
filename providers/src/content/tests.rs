//! What an event may carry.

use agent_plan::event::{Event, EventKind, Role};
use serde_json::json;

use super::*;

fn bounded_event(event: Event) -> Event {
    match all_bounded(vec![Action::Emit(event)]).remove(0) {
        Action::Emit(event) => event,
        other => panic!("no event: {other:?}"),
    }
}

fn said(content: String) -> Event {
    Event::new(EventKind::Message, Role::Assistant, content)
}

/// Arrays in each other.
fn nested(depth: usize) -> Value {
    (1..depth).fold(json!([]), |inner, _| json!([inner]))
}

#[test]
fn a_content_of_eight_mebibytes_is_whole() {
    let event = said("a".repeat(EVENT));
    assert!(bounded_event(event.clone()) == event);
}

#[test]
fn a_longer_content_is_cut_and_says_how_long_it_was() {
    let event = bounded_event(said("ä".repeat(EVENT)));
    assert!(event.content.ends_with("ä\n[cut: 8388608 bytes more]"));
    assert_eq!(event.attrs["cut"], 2 * EVENT);
}

#[test]
fn an_attribute_that_is_too_long_or_too_deep_is_counted() {
    let event = said(String::new())
        .with("long", "a".repeat(ATTRIBUTE + 1))
        .with("wide", json!({ "a": "\"".repeat(ATTRIBUTE / 2) }))
        .with("deep", nested(DEPTH + 1))
        .with("kept", "a".repeat(ATTRIBUTE))
        .with("nested", nested(DEPTH));
    let attrs = bounded_event(event).attrs;
    let names: Vec<_> = attrs.keys().map(String::as_str).collect();
    assert_eq!(names, ["kept", "nested", "attrsDropped"]);
    assert_eq!(attrs["attrsDropped"], 3);
}

#[test]
fn an_input_that_is_too_long_or_too_deep_is_left_out() {
    for input in [
        json!({ "command": "a".repeat(ATTRIBUTE) }),
        json!({ "command": nested(DEPTH) }),
    ] {
        let attrs = bounded_event(said(String::new()).with(INPUT, input)).attrs;
        assert_eq!(Value::Object(attrs), json!({ "inputCut": true }));
    }
    let input = json!({ "command": "ls" });
    let attrs = bounded_event(said(String::new()).with(INPUT, input.clone())).attrs;
    assert_eq!(attrs[INPUT], input);
}

#[test]
fn a_title_shows_that_something_is_missing() {
    assert_eq!(title(" cargo\n test\u{7} "), "cargo test");
    let blank = " ".repeat(10 * TITLE);
    for long in [
        "a".repeat(TITLE + 1),
        "ä ".repeat(TITLE),
        format!("{}{}", "\u{1}".repeat(10 * TITLE), "a".repeat(TITLE + 1)),
    ] {
        assert!(title(&long).ends_with("..."), "{long}");
    }
    assert_eq!(title(&format!("a{blank}b")), "a b");
}
