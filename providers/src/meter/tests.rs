use std::time::Duration;

use super::*;

/// A session that says what its next line tells it to: `tokens N`, `turn`, `tool`, `cost N`,
/// `finish`, `resume`, joined by commas.
#[derive(Debug, Default)]
struct Script {
    report: Report,
    stopped: bool,
}

impl Session for Script {
    fn on_start(&mut self) -> Vec<Action> {
        vec![Action::CloseStdin]
    }

    fn on_line(&mut self, line: &str) -> Vec<Action> {
        let mut actions = Vec::new();
        for word in line.split(',') {
            let usage = &mut self.report.usage;
            match word.split_once(' ').unwrap_or((word, "")) {
                ("tokens", count) => usage.input_tokens += count.parse::<u64>().expect("a count"),
                ("cost", cost) => usage.cost_usd = cost.parse().ok(),
                ("turn", _) => usage.turns += 1,
                ("tool", _) => usage.tool_calls += 1,
                ("finish", _) => actions.push(Action::Finish(Verdict::completed())),
                ("fail", _) => {
                    let verdict = Verdict::new(Outcome::AgentFailed, "Failed", None);
                    actions.push(Action::Finish(verdict));
                }
                ("resume", _) => actions.push(Action::Resume),
                _ => self.report.warn(word),
            }
        }
        actions
    }

    fn on_timer(&mut self, timer: Timer) -> Vec<Action> {
        vec![Action::Write(format!("{timer:?}"))]
    }

    fn on_stop(&mut self) -> Vec<StopStep> {
        self.stopped = true;
        vec![]
    }

    fn signals(&self) -> Signals {
        Signals::Translated
    }

    fn reads_lines(&self) -> bool {
        false
    }

    fn report(&self) -> &Report {
        &self.report
    }
}

fn limits() -> CostLimits {
    CostLimits::default()
}

fn metered(limits: CostLimits) -> Box<dyn Session> {
    super::metered(Box::new(Script::default()), limits)
}

fn budget(reason: &str, message: &str) -> Verdict {
    Verdict::new(Outcome::BudgetExceeded, reason, Some(message.to_owned()))
}

fn warning(actions: &[Action]) -> &str {
    match actions {
        [Action::Emit(event)] if event.kind == EventKind::Status => &event.content,
        other => panic!("one warning, not {other:?}"),
    }
}

const NONE: &[Action] = &[];

#[test]
fn every_limit_warns_once_and_then_stops() {
    let rows = [
        (
            CostLimits {
                tokens: Some(100),
                ..limits()
            },
            "tokens 79",
            "tokens 1",
            "tokens 21",
            "used 80 of 100 tokens",
            "used 101 of 100 tokens",
            "TokenBudget",
        ),
        (
            CostLimits {
                cost_usd: Some(1.0),
                ..limits()
            },
            "cost 0.7",
            "cost 0.8",
            "cost 1.25",
            "used 0.8000 of 1.0000 US dollars",
            "used 1.2500 of 1.0000 US dollars",
            "CostBudget",
        ),
        (
            CostLimits {
                turns: Some(5),
                ..limits()
            },
            "turn,turn,turn",
            "turn",
            "turn,turn",
            "used 4 of 5 turns",
            "used 6 of 5 turns",
            "TurnBudget",
        ),
        (
            CostLimits {
                tool_calls: Some(5),
                ..limits()
            },
            "tool,tool,tool",
            "tool",
            "tool,tool",
            "used 4 of 5 tool calls",
            "used 6 of 5 tool calls",
            "ToolCallBudget",
        ),
    ];
    for (limits, far, near, over, warned, exceeded, reason) in rows {
        let mut session = metered(limits);
        assert_eq!(session.on_line(far), NONE, "{reason}");
        assert_eq!(warning(&session.on_line(near)), warned);
        assert_eq!(session.on_line("x"), NONE, "{reason}");
        assert_eq!(session.report().warnings, ["x", warned]);
        assert_eq!(
            session.on_line(over),
            [Action::Stop(budget(reason, exceeded))]
        );
        assert_eq!(session.on_line("y"), NONE, "{reason}");
    }
}

#[test]
fn what_is_used_up_exactly_is_not_over() {
    let mut session = metered(CostLimits {
        tokens: Some(100),
        ..limits()
    });
    assert_eq!(
        warning(&session.on_line("tokens 100")),
        "used 100 of 100 tokens"
    );
    assert_eq!(
        session.on_line("finish"),
        [Action::Finish(Verdict::completed())]
    );
}

#[test]
fn two_limits_warn_each_for_itself() {
    let mut session = metered(CostLimits {
        tokens: Some(100),
        turns: Some(1),
        ..limits()
    });
    assert_eq!(session.on_line("tokens 90,turn").len(), 2);
    assert_eq!(session.report().warnings.len(), 2);
}

#[test]
fn a_result_after_the_stop_does_not_undo_it() {
    for result in ["finish", "fail"] {
        let mut session = metered(CostLimits {
            tokens: Some(100),
            ..limits()
        });
        session.on_line("tokens 101");
        session.on_stop();
        let actions = session.on_line(&format!("tokens 50,{result}"));
        // The overshoot is told as it is in the end.
        assert_eq!(
            actions,
            [Action::Finish(budget(
                "TokenBudget",
                "used 151 of 100 tokens"
            ))]
        );
    }
}

#[test]
fn a_success_that_cost_too_much_is_none() {
    let told =
        "used 101 of 100 tokens; it had finished: its CLI tells the cost of a turn only at the end";
    for lines in [&["tokens 101,finish"][..], &["finish", "tokens 101"]] {
        let mut session = metered(CostLimits {
            tokens: Some(100),
            ..limits()
        });
        let last = lines.iter().map(|line| session.on_line(line)).last();
        assert_eq!(
            last.expect("a line"),
            [Action::Finish(budget("TokenBudget", told))],
            "{lines:?}"
        );
        // An agent that goes on all the same is stopped.
        let actions = session.on_line("resume");
        assert!(
            matches!(actions[..], [Action::Resume, Action::Stop(_)]),
            "{actions:?}"
        );
    }
}

#[test]
fn whoever_stops_the_run_decides() {
    let mut session = metered(CostLimits {
        tokens: Some(100),
        ..limits()
    });
    session.on_stop();
    assert_eq!(session.on_line("tokens 500"), NONE);
    assert_eq!(
        session.on_line("finish"),
        [Action::Finish(Verdict::completed())]
    );
}

#[test]
fn time_is_limited_from_the_start() {
    let wall = Duration::from_mins(5);
    let mut session = metered(CostLimits {
        wall: Some(wall),
        ..limits()
    });
    assert_eq!(
        session.on_start(),
        [
            Action::CloseStdin,
            Action::SetTimer(Timer::Wall, Some(wall)),
            Action::SetTimer(Timer::WallWarning, Some(Duration::from_mins(4))),
        ]
    );
    assert_eq!(
        warning(&session.on_timer(Timer::WallWarning)),
        "used 240s of 300s"
    );
    assert_eq!(session.report().warnings, ["used 240s of 300s"]);
    let over = budget("WallBudget", "ran longer than 300s");
    assert_eq!(session.on_timer(Timer::Wall), [Action::Stop(over.clone())]);
    session.on_stop();
    assert_eq!(session.on_line("fail"), [Action::Finish(over)]);
}

#[test]
fn time_after_the_result_is_not_the_meters() {
    let mut session = metered(CostLimits {
        wall: Some(Duration::from_secs(5)),
        ..limits()
    });
    session.on_line("finish");
    assert_eq!(session.on_timer(Timer::WallWarning), NONE);
    assert_eq!(session.on_timer(Timer::Wall), NONE);
    let actions = session.on_line("resume");
    assert!(
        matches!(actions[..], [Action::Resume, Action::Stop(_)]),
        "{actions:?}"
    );
}

#[test]
fn everything_else_goes_through() {
    let mut session = metered(CostLimits {
        turns: Some(9),
        ..limits()
    });
    assert_eq!(session.on_start(), [Action::CloseStdin]);
    assert_eq!(
        session.on_timer(Timer::Quiet),
        [Action::Write("Quiet".to_owned())]
    );
    assert_eq!(session.signals(), Signals::Translated);
    assert!(!session.reads_lines());
    session.on_line("turn,a warning");
    assert_eq!(session.report().usage.turns, 1);
    assert_eq!(session.report().warnings, ["a warning"]);
    session.on_stop();
    assert!(format!("{session:?}").contains("stopped: true"));
}

#[test]
fn without_limits_there_is_no_meter() {
    assert!(format!("{:?}", metered(limits())).starts_with("Script"));
}
