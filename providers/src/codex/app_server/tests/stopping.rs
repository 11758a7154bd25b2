//! A stop, at every moment of a conversation.

use super::*;
use agent_plan::provider::{Means, StopStep};

const END: [Means; 2] = [Means::CloseStdin, Means::Signal(15)];

fn means(steps: Vec<StopStep>) -> Vec<Means> {
    assert!(
        steps
            .iter()
            .all(|step| step.patience == Duration::from_secs(3))
    );
    steps.into_iter().map(|step| step.means).collect()
}

fn interrupt(means: &Means) -> Value {
    let Means::Write(line) = means else {
        panic!("{means:?}");
    };
    let request: Value = serde_json::from_str(line).expect("we write JSON");
    assert_eq!(request["method"], "turn/interrupt");
    request["params"].clone()
}

#[test]
fn a_running_turn_is_interrupted_first() {
    let mut talk = Talk::in_turn(&plan());
    let steps = means(talk.session.on_stop());
    assert_eq!(
        interrupt(&steps[0]),
        json!({"threadId": "t1", "turnId": "u1"})
    );
    assert_eq!(steps[1..], END);

    talk.hears(&json!({"id": 4, "result": {}}));
    let actions = talk.turn_ends("u1", "interrupted");
    assert_eq!(reason(&talk), Some("Interrupted"));
    assert_eq!(actions.last(), Some(&Action::CloseStdin));
}

#[test]
fn without_a_turn_stdin_is_closed() {
    let mut talk = Talk::new(&plan());
    assert_eq!(means(talk.session.on_stop()), END);
    // Nothing is begun any more.
    let actions = talk.reads(r#"{"id":1,"result":{}}"#);
    assert_eq!(written(&actions), Vec::<Value>::new());
    talk.rings(Timer::Bootstrap);
    assert_eq!(talk.verdict(), None);
}

#[test]
fn a_cancel_while_the_thread_is_watched_is_a_cancel() {
    let mut talk = Talk::in_turn(&plan());
    talk.notified("thread/status/changed", json!({"status": {"type": "idle"}}));
    talk.turn_ends("u1", "completed");
    assert!(talk.runs(Timer::Quiet));

    assert_eq!(means(talk.session.on_stop()), END);

    assert_eq!(talk.rings(Timer::Quiet), []);
    assert_eq!(talk.verdict(), None);
}

#[test]
fn a_turn_without_a_name_is_interrupted_again_when_it_has_one() {
    let mut talk = Talk::new(&plan());
    talk.hears(&json!({"id": 1, "result": {}}));
    talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}}}));
    let steps = means(talk.session.on_stop());
    assert_eq!(
        interrupt(&steps[0]),
        json!({"threadId": "t1", "turnId": ""})
    );

    let actions = talk.hears(&json!({"id": 3, "result": {"turn": {"id": "u1"}}}));

    let request = &written(&actions)[0];
    assert_eq!(request["params"], json!({"threadId": "t1", "turnId": "u1"}));
    let again = talk.notified("turn/started", json!({"turn": {"id": "u1"}}));
    assert_eq!(written(&again), Vec::<Value>::new());
    talk.turn_ends("u1", "interrupted");
    assert_eq!(reason(&talk), Some("Interrupted"));
}

#[test]
fn what_fails_after_a_stop_was_interrupted() {
    let mut talk = Talk::in_turn(&plan());
    talk.session.on_stop();
    talk.turn_ends("u1", "failed");
    assert_eq!(reason(&talk), Some("Interrupted"));
}

#[test]
fn what_succeeds_in_spite_of_a_stop_has_succeeded() {
    let mut talk = Talk::in_turn(&plan());
    talk.session.on_stop();
    let actions = talk.turn_ends("u1", "completed");
    assert_eq!(talk.verdict(), Some(&Verdict::completed()));
    assert_eq!(actions.last(), Some(&Action::CloseStdin));
}
