//! The last words: what the run says at its end, and what follows if nobody hears it.

use std::time::Duration;

use agent_plan::outcome::{Decision, Facts, Failure, Outcome, decide};
use agent_plan::status::EventsStatus;
use tokio::time::Instant;

use crate::blocking::waited_for;
use crate::ledger::Ledger;
use crate::shutdown::Shutdown;

use super::told;

/// The reason of a run that must not go on without a server, and has none.
const UNAVAILABLE: &str = "EventsUnavailable";

/// Decides, says so, and waits for its slice of the budget until everything said is delivered; not
/// for a server that the run has just been given up for.
///
/// Where there is anybody to wait for, the status is written before, because it may be our last
/// moment. Not cancel safe.
pub(super) async fn tell(mut facts: Facts, ledger: &Ledger, shutdown: &mut Shutdown) -> Decision {
    let decision = decide(&facts);
    let events = ledger.events();
    let Some(plan) = ledger.plan().filter(|_| events.status().is_some()) else {
        return decision;
    };
    let plan = &plan.events;
    ledger.enter("events");
    for event in told::ended(&decision, ledger.since_start()) {
        events.emit(event);
    }
    if plan.nats.is_some() || plan.stdout || plan.traces {
        ledger.write(&decision);
    }
    let given_up = decision.reason == UNAVAILABLE;
    let flush = if given_up { Duration::ZERO } else { plan.flush };
    waited_for(shutdown, events.finish(Instant::now() + flush)).await;
    facts.unpublished = plan
        .required
        .then(|| events.status())
        .flatten()
        .and_then(undelivered);
    let with_events = decide(&facts);
    if with_events != decision {
        tracing::error!(error = with_events.error, "Events not delivered.");
    }
    with_events
}

/// Says what was not stored, if anything was not.
fn undelivered(events: EventsStatus) -> Option<String> {
    let lost = events.pending + events.unconfirmed;
    let problem = events
        .problem
        .map_or_else(String::new, |problem| format!(": {problem}"));
    (lost > 0)
        .then(|| format!("events are required, and {lost} were not stored by a server{problem}"))
}

/// A run that must not go on without a server, and has none.
pub(super) fn unpublished(problem: &str) -> Failure {
    Failure {
        outcome: Outcome::ProviderUnavailable,
        reason: UNAVAILABLE.to_owned(),
        message: format!(
            "events are required, and no server stores them: {problem} (hint: look at `NATS_URL`, the login and the stream, or set `events.required` to false)"
        ),
    }
}
