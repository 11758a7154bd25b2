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
    let mut event = Event::tool_result(tool, text()).with("key", vec![text()]);
    veil.event(&mut event);
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
    assert_eq!(said.matches("[REDACTED:DB_PASSWORD]").count(), 5 + 2 + 9);
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
fn a_text_that_ends_in_dots_by_itself_stays_as_it_is() {
    let mut event = Event::new(EventKind::Message, Role::Assistant, "x c...");
    veil().event(&mut event);
    assert_eq!(event.content, "x c...");
}
