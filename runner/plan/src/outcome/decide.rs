//! The truth table: what follows from the facts.

use super::{Code, Decision, Exit, Facts, INTERRUPTED, Outcome, StopCause, Verdict, signal_name};

/// Returns the code of an outcome that no agent is behind.
pub fn exit_code(outcome: Outcome) -> u8 {
    with(outcome, "", None, &Facts::default()).exit_code
}

/// Decides how a run ended. Pure: the same facts give the same decision.
pub fn decide(facts: &Facts) -> Decision {
    let decision = undelivered_agent(facts);
    match (&facts.undelivered, decision.outcome) {
        // The contract's one exception: a success that cannot be delivered is a failure; as are
        // events, for whom they are required.
        (Some(problem), Outcome::Completed) => with(
            Outcome::ArtifactFailed,
            "NotDelivered",
            Some(problem.clone()),
            facts,
        ),
        (None, Outcome::Completed) if facts.unpublished.is_some() => with(
            Outcome::ProviderUnavailable,
            "EventsUndelivered",
            facts.unpublished.clone(),
            facts,
        ),
        _ => decision,
    }
}

fn undelivered_agent(facts: &Facts) -> Decision {
    if let Some(failure) = &facts.failure {
        return with(
            failure.outcome,
            &failure.reason,
            Some(failure.message.clone()),
            facts,
        );
    }
    // A terminal event outlives whatever stopped the agent afterwards; that it was interrupted is
    // no news to whoever interrupted it.
    let own_doing = |verdict: &&Verdict| verdict.reason != INTERRUPTED || facts.stopped.is_none();
    if let Some(verdict) = facts.verdict.as_ref().filter(own_doing) {
        let error = (verdict.outcome != Outcome::Completed).then(|| {
            verdict
                .message
                .clone()
                .unwrap_or_else(|| format!("`{}` reported {}", facts.agent, verdict.reason))
        });
        return Decision {
            retry_after: verdict.retry_after,
            ..with(verdict.outcome, &verdict.reason, error, facts)
        };
    }
    let agent = &facts.agent;
    match facts.stopped {
        Some(StopCause::Signal(signal)) => {
            let name = signal_name(signal);
            return with(
                Outcome::Cancelled,
                name,
                Some(format!("the run was stopped by {name}")),
                facts,
            );
        }
        Some(StopCause::TotalTimeout) => {
            return with(
                Outcome::Timeout,
                "TotalTimeout",
                Some(format!("`{agent}` ran longer than `timeouts.total`")),
                facts,
            );
        }
        Some(StopCause::FirstEventTimeout) => {
            let error = format!("`{agent}` gave no output within `timeouts.firstEvent`");
            return with(Outcome::Stalled, "NoFirstEvent", Some(error), facts);
        }
        Some(StopCause::IdleTimeout) => {
            let error = format!("`{agent}` gave no output for `timeouts.idle`");
            return with(Outcome::Stalled, "Idle", Some(error), facts);
        }
        Some(StopCause::AfterResultTimeout | StopCause::Hopeless) | None => {}
    }
    by_exit(facts)
}

fn by_exit(facts: &Facts) -> Decision {
    const KILL: i32 = 9;
    let agent = &facts.agent;
    let says = |text: String| {
        Some(match &facts.last_line {
            Some(line) => format!("{text}: {line}"),
            None => text,
        })
    };
    match facts.exit {
        None => with(
            Outcome::Internal,
            "NoExit",
            Some("the run ended without an agent".to_owned()),
            facts,
        ),
        Some(Exit::Code(0)) if facts.expects_verdict => with(
            Outcome::NoResult,
            "NoTerminalEvent",
            says(format!("`{agent}` exited 0 without a result")),
            facts,
        ),
        Some(Exit::Code(0)) => with(Outcome::Completed, "Completed", None, facts),
        Some(Exit::Signal(KILL)) if facts.oom_kills > 0 => with(
            Outcome::OomKilled,
            "OomKilled",
            says(format!("`{agent}` was killed for want of memory")),
            facts,
        ),
        Some(Exit::Code(137)) if facts.oom_kills > 0 => with(
            Outcome::OomKilled,
            "ToolOomKilled",
            says(format!(
                "a process of `{agent}` was killed for want of memory"
            )),
            facts,
        ),
        Some(Exit::Signal(KILL)) => with(
            Outcome::Killed,
            "Killed",
            says(format!(
                "`{agent}` was killed by a SIGKILL that the runner did not send"
            )),
            facts,
        ),
        Some(Exit::Signal(signal)) => {
            let name = signal_name(signal);
            let origin = if facts.forwarded.contains(&signal) {
                ", which the runner had received and passed on"
            } else {
                ""
            };
            with(
                Outcome::AgentFailed,
                name,
                says(format!("`{agent}` was ended by {name}{origin}")),
                facts,
            )
        }
        // The CLIs say on stderr only why they did not start.
        Some(Exit::Code(code)) if facts.expects_verdict && !facts.began => with(
            Outcome::AgentFailed,
            "StartupFailed",
            says(format!("`{agent}` exited with code {code} before it began")),
            facts,
        ),
        Some(Exit::Code(code)) => with(
            Outcome::AgentFailed,
            "NonZeroExit",
            says(format!("`{agent}` exited with code {code}")),
            facts,
        ),
    }
}

fn with(outcome: Outcome, reason: &str, error: Option<String>, facts: &Facts) -> Decision {
    let exit_code = match outcome.ending().code {
        Code::Fixed(code) => code,
        // A verdict of failure with exit 0 is still a failure.
        Code::Agents => facts.exit.map_or(1, Exit::code).max(1),
        Code::Signal => match facts.stopped {
            Some(StopCause::Signal(signal)) => Exit::Signal(signal).code(),
            _ => Exit::Signal(15).code(),
        },
    };
    Decision {
        outcome,
        reason: reason.to_owned(),
        exit_code,
        error,
        retry_after: None,
    }
}
