//! When a run is over, and with which verdict.

use super::*;
use agent_plan::plan::ThreadGoal;

fn idle(talk: &mut Talk, status: &str) -> Vec<Action> {
    talk.notified("thread/status/changed", json!({"status": {"type": status}}))
}

#[test]
fn success_waits_until_the_thread_was_idle() {
    let mut talk = Talk::in_turn(&plan());
    idle(&mut talk, "idle");
    let actions = talk.turn_ends("u1", "completed");
    assert!(actions.contains(&Action::SetTimer(Timer::Quiet, Some(QUIET))));
    assert_eq!(talk.verdict(), None);

    let actions = talk.rings(Timer::Quiet);

    assert_eq!(
        actions,
        [Action::Finish(Verdict::completed()), Action::CloseStdin]
    );
    assert_eq!(
        talk.session.report().turn_status.as_deref(),
        Some("completed")
    );
}

#[test]
fn a_thread_that_is_still_active_is_not_quiet() {
    let mut talk = Talk::in_turn(&plan());
    talk.turn_ends("u1", "completed");
    assert!(!talk.runs(Timer::Quiet));
    idle(&mut talk, "idle");
    assert!(talk.runs(Timer::Quiet));
    idle(&mut talk, "active");
    assert!(!talk.runs(Timer::Quiet));
    // One that was on its way when it was stopped.
    assert_eq!(talk.rings(Timer::Quiet), []);
}

#[test]
fn of_several_turns_the_last_one_counts() {
    let mut talk = Talk::in_turn(&CodexPlan {
        goal: Some(ThreadGoal {
            objective: "green".to_owned(),
            status: "active".to_owned(),
            token_budget: None,
        }),
        ..plan()
    });
    idle(&mut talk, "idle");
    talk.turn_ends("u1", "completed");
    idle(&mut talk, "active");
    talk.notified("turn/started", json!({"turn": {"id": "u2"}}));
    assert!(!talk.runs(Timer::Quiet));
    assert_eq!(talk.session.report().turn_id.as_deref(), Some("u2"));

    talk.notified(
        "turn/completed",
        json!({"turn": {"id": "u2", "status": "failed", "error": {"message": "no", "codexErrorInfo": "usageLimitExceeded"}}}),
    );

    assert_eq!(reason(&talk), Some("RateLimit"));
    assert_eq!(talk.session.report().usage.turns, 2);
}

#[test]
fn a_turn_that_nobody_stopped_but_codex_is_interrupted() {
    let mut talk = Talk::in_turn(&plan());
    let actions = talk.turn_ends("u1", "interrupted");
    assert_eq!(reason(&talk), Some("Interrupted"));
    assert!(actions.contains(&Action::CloseStdin));
}

#[test]
fn when_waiting_is_given_up_the_result_stands_with_a_warning() {
    let limit = Duration::from_mins(1);
    let mut talk = Talk::in_turn(&CodexPlan {
        idle_timeout: Some(limit),
        ..plan()
    });
    let actions = talk.turn_ends("u1", "completed");
    assert!(actions.contains(&Action::SetTimer(Timer::Idle, Some(limit))));
    talk.notified("turn/started", json!({"turn": {"id": "u2"}}));

    let actions = talk.rings(Timer::Idle);

    assert_eq!(talk.verdict(), Some(&Verdict::completed()));
    assert!(actions.contains(&Action::CloseStdin));
    assert!(talk.session.report().warnings[0].contains("60 s"));
}

#[test]
fn without_a_limit_waiting_is_never_given_up() {
    let mut talk = Talk::in_turn(&plan());
    talk.turn_ends("u1", "completed");
    assert!(!talk.runs(Timer::Idle));
    talk.rings(Timer::Idle);
    assert_eq!(talk.verdict(), None);
}

#[test]
fn the_end_of_an_agents_own_thread_is_not_the_end() {
    let mut talk = Talk::in_turn(&plan());
    let ended = json!({"threadId": "sub", "turn": {"id": "s1", "status": "failed"}});
    talk.notified("turn/completed", ended);
    talk.notified(
        "error",
        json!({"threadId": "sub", "willRetry": false, "error": {"message": "x"}}),
    );
    assert_eq!(talk.verdict(), None);
    assert_eq!(talk.session.report().turn_id.as_deref(), Some("u1"));
}

#[test]
fn a_turn_that_was_over_before_it_was_accepted_stays_over() {
    let mut talk = Talk::new(&plan());
    talk.hears(&json!({"id": 1, "result": {}}));
    talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}}}));
    talk.notified("turn/started", json!({"turn": {"id": "u1"}}));
    talk.turn_ends("u1", "completed");
    talk.hears(&json!({"id": 3, "result": {"turn": {"id": "u1"}}}));
    assert!(talk.runs(Timer::Quiet));
    talk.rings(Timer::Quiet);
    assert_eq!(talk.verdict(), Some(&Verdict::completed()));
}

#[test]
fn a_server_that_ends_instead_of_staying_idle_has_done_its_work() {
    let mut talk = Talk::in_turn(&plan());
    talk.turn_ends("u1", "completed");
    talk.ends();
    assert_eq!(talk.verdict(), Some(&Verdict::completed()));
}

#[test]
fn a_server_that_ends_in_a_turn_or_in_a_stop_has_not() {
    let mut cut = Talk::in_turn(&plan());
    cut.turn_ends("u1", "completed");
    cut.notified("turn/started", json!({"turn": {"id": "u2"}}));
    cut.ends();
    assert_eq!(cut.verdict(), None);
    let mut stopped = Talk::in_turn(&plan());
    stopped.turn_ends("u1", "completed");
    stopped.session.on_stop();
    stopped.ends();
    assert_eq!(stopped.verdict(), None);
}
