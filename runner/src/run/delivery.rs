//! What is stored after the agent's end, and how long that may take.

use std::sync::Arc;
use std::time::Duration;

use agent_plan::outcome::{Decision, Facts, Outcome, decide};
use agent_plan::plan::{Budget, Plan};
use tokio::time::{Instant, sleep};

use crate::artifacts::{Artifacts, CLEAN_UP, Deadline, Hurry, Say, deadline};
use crate::ledger::Ledger;
use crate::shutdown::{Request, Shutdown};
use crate::status;

use super::told;

/// How long the very last objects may take when nobody stops the run: a journal has 256 MiB at most.
const LAST: Duration = Duration::from_mins(2);

/// How much longer than its clean-up work may take that hangs on a disk, and is then left alone.
const HANGING: Duration = Duration::from_millis(500);

/// Longer than any run.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// Stores what the run declared, and notes it in the facts: a success that cannot be delivered is none.
///
/// The status is written before, because it may be our last moment. Returns what is to be stored at
/// the very end, if anything is. Not cancel safe.
pub(super) async fn deliver(
    mut facts: Facts,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> (Facts, Option<Artifacts>) {
    let Some(plan) = ledger.plan() else {
        return (facts, None);
    };
    let succeeded = decide(&facts).outcome == Outcome::Completed;
    let mut artifacts = Artifacts::new(Arc::clone(&plan), succeeded, ledger.log());
    if !artifacts.is_wanted() {
        return (facts, None);
    }
    ledger.enter("artifacts");
    let events = ledger.events();
    events.emit(told::phase("artifacts", "storing artifacts"));
    let killed = "the runner was killed while it stored artifacts";
    facts.undelivered = artifacts.is_required().then(|| killed.to_owned());
    ledger.write(&decide(&facts));

    let slices = Slices::of(&plan);
    let until = match shutdown.asked_at() {
        Some(asked) => after(asked, slices.deliveries),
        None => after(Instant::now(), plan.artifacts.timeout),
    };
    let (hurry, deadline) = deadline(until);
    let say = say(ledger);
    let work = artifacts.deliver(&deadline, &say);
    until_deadline(shutdown, &hurry, &deadline, slices.deliveries, work).await;

    for event in artifacts.events() {
        events.emit(event);
    }
    let delivered = artifacts.delivered();
    if let Some(problem) = &delivered.undelivered {
        tracing::error!(error = problem, "Artifacts not delivered.");
    }
    facts.undelivered.clone_from(&delivered.undelivered);
    ledger.on_delivered(delivered);
    (facts, Some(artifacts))
}

/// Stores what is only complete at the very end. Not cancel safe.
pub(super) async fn conclude(
    artifacts: Option<Artifacts>,
    decision: &Decision,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) {
    let (Some(artifacts), Some(plan)) = (artifacts, ledger.plan()) else {
        return;
    };
    if plan.artifacts.include.is_empty() {
        return;
    }
    ledger.enter("manifest");
    // What was written before said that artifacts are not delivered yet.
    ledger.write(decision);
    let slices = Slices::of(&plan);
    let until = match shutdown.asked_at() {
        Some(_) if shutdown.is_urgent() => Instant::now(),
        Some(asked) => after(asked, slices.last),
        None => Instant::now() + LAST,
    };
    let (hurry, deadline) = deadline(until);
    // The events are over.
    let silent: Say = Arc::new(|_| {});
    let status = ledger.status(decision);
    // It has only string keys, which is all that could fail.
    let bytes = status::full(&status).unwrap_or_default();
    let work = artifacts.last(&status, bytes, &deadline, &silent);
    until_deadline(shutdown, &hurry, &deadline, slices.last, work).await;
    ledger.on_delivered(artifacts.delivered());
}

/// How long after the signal to stop something may take: what the agent leaves of its grace is for
/// artifacts.
struct Slices {
    /// What was declared.
    deliveries: Duration,
    /// What comes after the last events.
    last: Duration,
}

impl Slices {
    fn of(plan: &Plan) -> Self {
        let events = &plan.events;
        let waits = events.nats.is_some() || events.stdout || events.traces;
        let flush = if waits { events.flush } else { Duration::ZERO };
        Self::new(&plan.budget, flush)
    }

    fn new(budget: &Budget, flush: Duration) -> Self {
        let last = budget.total.saturating_sub(budget.status);
        let last = last.saturating_sub(CLEAN_UP);
        // The manifest is how the next attempt, and a person, knows what is missing.
        let for_last = budget.total / 20 + CLEAN_UP;
        Self {
            deliveries: last.saturating_sub(flush).saturating_sub(for_last),
            last,
        }
    }
}

/// A moment; years away if nobody can wait that long.
fn after(since: Instant, span: Duration) -> Instant {
    since.checked_add(span).unwrap_or(since + FOR_EVER)
}

fn say(ledger: &Ledger) -> Say {
    let events = ledger.events();
    Arc::new(move |how_far| events.emit(told::phase("artifacts", how_far)))
}

/// Works until the deadline, which a signal to stop brings to `slice` from then, and a second one to
/// now; and as long as it takes to clean up behind it.
async fn until_deadline(
    shutdown: &mut Shutdown,
    hurry: &Hurry,
    deadline: &Deadline,
    slice: Duration,
    work: impl Future<Output = ()>,
) {
    let overdue = async {
        deadline.passed().await;
        sleep(CLEAN_UP + HANGING).await;
    };
    tokio::pin!(work, overdue);
    loop {
        tokio::select! {
            biased;
            () = &mut work => return,
            request = shutdown.recv() => match request {
                Request::Stop(_) => hurry.until(after(Instant::now(), slice)),
                Request::StopNow(_) => hurry.until(Instant::now()),
                // There is no agent any more to pass it on to.
                Request::Forward(_) => {}
            },
            () = &mut overdue => return,
        }
    }
}

#[cfg(test)]
mod tests;
