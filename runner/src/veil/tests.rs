//! Everything that a session says has been behind the veil.

use super::*;
use agent_plan::event::{EventKind, Role, Tool};
use agent_plan::outcome::Outcome;
use agent_plan::secret::{Found, Patterns};
use agent_plan::status::cut;

const SECRET: &str = "correct-horse-battery";

fn veil() -> Veil {
    let found = Found {
        name: "DB_PASSWORD".to_owned(),
        value: SECRET.into(),
    };
    Veil::new(Redactor::new(vec![found], Patterns::On))
}

#[test]
fn a_secret_is_in_no_text_of_an_event_a_report_or_a_verdict() {
    let veil = veil();
    let text = || format!("before {SECRET} after");
    let some = || Some(text());
    let tool = Tool {
        id: text(),
        name: text(),
        title: text(),
        ok: None,
        exit_code: None,
    };
    let event = Event::tool_result(tool, text())
        .with("key", vec![text()])
        .with(&text(), "value");
    let event = veil.event(event);
    let mut verdict = Verdict::new(Outcome::AgentFailed, SECRET, some());
    veil.verdict(&mut verdict);
    let report = veil.report(&Report {
        session_id: some(),
        turn_id: some(),
        turn_status: some(),
        turn_error: some(),
        model: some(),
        effort: some(),
        version: some(),
        result: some(),
        warnings: vec![text()],
        ..Report::default()
    });
    let said = format!("{event:?} {verdict:?} {report:?}");
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(said.matches("[REDACTED:DB_PASSWORD]").count(), 6 + 2 + 9);
}

#[test]
fn a_secret_that_a_cut_went_through_leaves_no_beginning() {
    let veil = veil();
    for before in 0..SECRET.len() + 10 {
        let long = format!("{}{SECRET}{}", "x ".repeat(200), "y".repeat(100));
        let mut text = cut(&long, 400 + before);
        veil.cut(&mut text);
        assert!(!text.contains("corr"), "{text}");
        assert!(text.ends_with("..."), "{text}");
    }
}

#[test]
fn a_secret_that_the_bound_of_a_content_went_through_leaves_no_beginning() {
    let veil = veil();
    for part in 1..=SECRET.len() {
        let text = "x ".repeat(1 << 19);
        let kept = &text[part..];
        let content = format!("{kept}{}\n[cut: 77 bytes more]", &SECRET[..part]);
        let title = content.clone();
        let tool = Tool {
            title,
            ..Tool::default()
        };
        let event = veil.event(Event::tool_result(tool, content));
        let mark = if part == SECRET.len() {
            "[REDACTED:DB_PASSWORD]"
        } else {
            ""
        };
        let wanted = format!("{kept}{mark}\n[cut: 77 bytes more]");
        // Not `assert_eq`, which would print both.
        assert!(event.content == wanted, "{part}");
        let tool = event.tool.as_ref().expect("it was given one");
        let words: Vec<_> = wanted.split_whitespace().collect();
        assert!(tool.title == words.join(" "), "{part}");
    }
    let short = format!("not cut c\n[cut: {}", "y".repeat(200));
    let event = veil.event(Event::new(EventKind::Message, Role::Assistant, &*short));
    assert_eq!(event.content, short);
}

#[test]
fn what_looks_like_the_bound_of_a_content_hides_no_secret() {
    let long = "x ".repeat(1 << 20);
    for said in [
        format!("{long}\n[cut: {SECRET}"),
        format!("{long}\n[cut: 7 bytes more] {SECRET}"),
        format!("{long}\n[cut: {SECRET} bytes more]"),
    ] {
        let event = veil().event(Event::new(EventKind::Message, Role::Assistant, said));
        assert!(!event.content.contains(SECRET));
        assert!(event.content.contains("[REDACTED:DB_PASSWORD]"));
    }
}

#[test]
fn a_text_that_ends_in_dots_by_itself_stays_as_it_is() {
    let event = Event::new(EventKind::Message, Role::Assistant, "x c...");
    let event = veil().event(event);
    assert_eq!(event.content, "x c...");
}
