use super::*;

fn ended(exit: Exit) -> Facts {
    Facts {
        agent: "sh".to_owned(),
        exit: Some(exit),
        ..Facts::default()
    }
}

/// The agent reported `outcome` and ended so.
fn said(outcome: Outcome, exit: Exit) -> Facts {
    let verdict = Verdict {
        outcome,
        reason: "Said".to_owned(),
        message: Some("usage limit reached".to_owned()),
        retry_after: None,
    };
    Facts {
        verdict: Some(verdict),
        expects_verdict: true,
        ..ended(exit)
    }
}

/// The agent was to report, did not, and ended so.
fn silent(exit: Exit) -> Facts {
    Facts {
        expects_verdict: true,
        ..ended(exit)
    }
}

/// The runner stopped the agent, which then ended so.
fn stopped(cause: StopCause, exit: Exit) -> Facts {
    Facts {
        stopped: Some(cause),
        ..ended(exit)
    }
}

/// The kernel killed a process for want of memory, and the agent ended so.
fn oom(exit: Exit) -> Facts {
    Facts {
        oom_kills: 1,
        ..ended(exit)
    }
}

fn undelivered(exit: Exit) -> Facts {
    Facts {
        undelivered: Some("x".to_owned()),
        ..ended(exit)
    }
}

#[test]
fn every_outcome_has_a_row() {
    // Written out, so that a new variant that lacks a row fails to be found below.
    use Outcome::{
        AgentFailed, ArtifactFailed, AuthFailed, BudgetExceeded, Cancelled, Completed, Incomplete,
        InputMissing, Internal, Killed, NoResult, OomKilled, PolicyRefused, ProviderUnavailable,
        RateLimited, SpecInvalid, Stalled, Timeout, Usage, WorkspaceFailed,
    };
    let all = [
        Completed,
        AgentFailed,
        Usage,
        SpecInvalid,
        InputMissing,
        ProviderUnavailable,
        Internal,
        ArtifactFailed,
        WorkspaceFailed,
        RateLimited,
        AuthFailed,
        PolicyRefused,
        BudgetExceeded,
        Incomplete,
        Stalled,
        NoResult,
        Timeout,
        Cancelled,
        OomKilled,
        Killed,
    ];
    let rows: Vec<_> = ENDINGS.iter().map(|ending| ending.outcome).collect();
    assert_eq!(rows, all);
}

#[track_caller]
fn assert_cells(cells: impl IntoIterator<Item = (&'static str, Facts, Outcome, u8)>) {
    for (name, facts, outcome, code) in cells {
        let decision = decide(&facts);
        let found = (decision.outcome, decision.exit_code);
        assert_eq!(found, (outcome, code), "{name}");
        let has_error = decision.error.is_some();
        assert_eq!(has_error, outcome != Outcome::Completed, "{name}: why");
    }
}

#[test]
fn without_a_protocol_the_exit_decides() {
    use Exit::{Code, Signal};
    use Outcome::{AgentFailed, Completed, Internal, Killed, OomKilled};
    assert_cells([
        ("exit 0", ended(Code(0)), Completed, 0),
        ("exit 7", ended(Code(7)), AgentFailed, 7),
        ("its own SEGV", ended(Signal(11)), AgentFailed, 139),
        ("KILL from elsewhere", ended(Signal(9)), Killed, 137),
        ("KILL with an OOM", oom(Signal(9)), OomKilled, 137),
        ("137 with an OOM", oom(Code(137)), OomKilled, 137),
        ("137 without", ended(Code(137)), AgentFailed, 137),
        ("a tool's OOM, agent fine", oom(Code(0)), Completed, 0),
        ("nothing", Facts::default(), Internal, 70),
    ]);
}

#[test]
fn what_stopped_the_agent_decides_before_its_exit() {
    use Exit::{Code, Signal};
    use Outcome::{Cancelled, Stalled, Timeout};
    use StopCause::{FirstEventTimeout, IdleTimeout, TotalTimeout};
    let by = StopCause::Signal;
    let before_start = Facts {
        stopped: Some(by(15)),
        ..Facts::default()
    };
    assert_cells([
        (
            "TERM, then exit 0",
            stopped(by(15), Code(0)),
            Cancelled,
            143,
        ),
        ("INT, then exit 7", stopped(by(2), Code(7)), Cancelled, 130),
        (
            "TERM, then KILL",
            stopped(by(15), Signal(9)),
            Cancelled,
            143,
        ),
        ("TERM before the start", before_start, Cancelled, 143),
        ("total", stopped(TotalTimeout, Signal(15)), Timeout, 124),
        ("first", stopped(FirstEventTimeout, Signal(15)), Stalled, 81),
        ("idle", stopped(IdleTimeout, Code(0)), Stalled, 81),
    ]);
}

#[test]
fn a_terminal_event_decides_before_everything_but_delivery() {
    use Exit::{Code, Signal};
    use Outcome::{AgentFailed, ArtifactFailed, Completed, NoResult, RateLimited};
    let hung = Facts {
        stopped: Some(StopCause::AfterResultTimeout),
        ..said(Completed, Signal(9))
    };
    assert_cells([
        ("good result, then hung", hung, Completed, 0),
        (
            "good result, exit 1",
            said(Completed, Code(1)),
            Completed,
            0,
        ),
        (
            "bad result, exit 0",
            said(AgentFailed, Code(0)),
            AgentFailed,
            1,
        ),
        ("limit, exit 1", said(RateLimited, Code(1)), RateLimited, 75),
        ("no result, exit 0", silent(Code(0)), NoResult, 82),
        ("no result, exit 3", silent(Code(3)), AgentFailed, 3),
        ("not delivered", undelivered(Code(0)), ArtifactFailed, 73),
        ("failed anyway", undelivered(Code(5)), AgentFailed, 5),
    ]);
}

#[test]
fn the_providers_own_words_reach_the_error() {
    let facts = said(Outcome::RateLimited, Exit::Code(1));
    assert_eq!(decide(&facts).error.as_deref(), Some("usage limit reached"));
    let facts = Facts {
        last_line: Some("no such model".to_owned()),
        ..ended(Exit::Code(1))
    };
    assert_eq!(
        decide(&facts).error.as_deref(),
        Some("`sh` exited with code 1: no such model")
    );
}

#[test]
fn a_forwarded_signal_is_named_as_such() {
    let facts = Facts {
        forwarded: vec![1],
        ..ended(Exit::Signal(1))
    };
    let decision = decide(&facts);
    assert_eq!(decision.exit_code, 129);
    assert!(
        decision
            .error
            .is_some_and(|error| error.contains("received and passed on"))
    );
}

#[test]
fn what_fails_again_whenever_it_is_tried_is_not_retryable() {
    for (outcome, reason) in [
        (Outcome::WorkspaceFailed, "SymbolicLink"),
        (Outcome::WorkspaceFailed, "ReadOnly"),
        (Outcome::WorkspaceFailed, "NotAFile"),
        (Outcome::WorkspaceFailed, "RefNotFound"),
        (Outcome::WorkspaceFailed, "RepositoryNotFound"),
        (Outcome::WorkspaceFailed, "HostKeyChanged"),
    ] {
        assert!(!retryable(outcome, reason), "{reason}");
        let step = next_step(outcome, reason);
        assert!(step.contains("fails again"), "{reason}: {step}");
    }
    assert!(retryable(Outcome::WorkspaceFailed, "DiskFull"));
    assert!(next_step(Outcome::ProviderUnavailable, "Reported").starts_with("Try again later"));
    // What an agent calls its failure says nothing about the outcome of another.
    assert!(!retryable(Outcome::AgentFailed, "ReadOnly"));
    assert_eq!(
        next_step(Outcome::AgentFailed, "ReadOnly"),
        Outcome::AgentFailed.ending().next_step
    );
}
