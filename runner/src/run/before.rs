//! What comes before the agent: each step may be ended by a signal, and fail.

use std::sync::Arc;
use std::time::Duration;

use agent_plan::env::{self, Environment};
use agent_plan::plan::Plan;
use tokio::time::Instant;

use crate::blocking::{interruptible, patient};
use crate::cancel::Cancel;
use crate::events::Events;
use crate::ledger::{Ledger, scratch};
use crate::load::{self, Reach, Request};
use crate::process::Log;
use crate::shutdown::Shutdown;
use crate::workspace::Checkout;
use crate::{preflight, report, workspace};

use super::early::Early;
use super::{ending, told};

/// How long a server may take to be there that a run must not go on without: two connections.
const CONNECT: Duration = Duration::from_secs(10);

/// Reads and decides.
pub(super) async fn load(
    request: Request,
    environment: Environment,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Plan, Early> {
    let (notes, cancel) = (ledger.clone(), Cancel::default());
    let also = cancel.clone();
    let plan = interruptible(shutdown, &cancel, move || {
        load::plan(&request, &environment, &notes, Reach::Network(&also))
    })
    .await?;
    let plan = plan.map_err(|error| Early::Failed(error.failure()))?;
    ledger.on_plan(&plan);
    tracing::info!(provider = %plan.identity.provider, warnings = plan.warnings.len(), "Run planned.");
    Ok(plan)
}

/// Starts whatever carries events, and says that the run began.
///
/// Nobody waits for a server, unless the run must not go on without.
pub(super) async fn speak(
    plan: &Plan,
    environment: &Environment,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Events, Early> {
    let events =
        Events::start(plan, environment, scratch).map_err(|error| Early::internal(&error))?;
    ledger.on_events(&events);
    events.emit(told::started(plan));
    if plan.events.required {
        ledger.enter("events");
        let until = Instant::now() + CONNECT;
        let stored = patient(shutdown, events.stored(until)).await?;
        stored.map_err(|problem| Early::Failed(ending::unpublished(&problem)))?;
    }
    Ok(events)
}

/// Clones what the plan says, if it says something.
pub(super) async fn check_out(
    plan: &Plan,
    events: &Events,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Option<Checkout>, Early> {
    if let Some(checkout) = &plan.checkout {
        events.emit(told::checkout(checkout));
    }
    let (plan, events) = (plan.clone(), events.clone());
    let cancel = Cancel::default();
    let also = cancel.clone();
    let say = move |how_far: String| events.emit(told::phase("checkout", how_far));
    let work = move || workspace::check_out(&plan, &also, Arc::new(say), scratch);
    let checkout = interruptible(shutdown, &cancel, work).await?;
    let checkout = checkout.map_err(|error| Early::Failed(error.failure()))?;
    if let Some(checkout) = &checkout {
        ledger.on_checkout(checkout);
        tracing::info!(url = %checkout.url, commit = %checkout.commit, branch = checkout.branch, bytes = checkout.received, "Repository checked out.");
    }
    Ok(checkout)
}

/// Gives the agent what it needs besides its plan.
pub(super) async fn furnish(
    plan: &mut Plan,
    events: &Events,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<(), Early> {
    let (wanted, cancel) = (plan.clone(), Cancel::default());
    let (also, events) = (cancel.clone(), events.clone());
    let traceparent = events.traceparent();
    let work = move || {
        let furnished = workspace::furnish(&wanted, scratch).map_err(|error| error.failure())?;
        let ready = preflight::look(&wanted.process, &also, scratch);
        let ready = ready.map_err(|error| error.failure())?;
        Ok((furnished, ready, events.hand_over(scratch)))
    };
    let done = interruptible(shutdown, &cancel, work).await?;
    let (furnished, ready, hand_over) = done.map_err(Early::Failed)?;
    for (name, value) in furnished.variables.into_iter().chain(ready.variables) {
        plan.process.env.set(name, value);
    }
    if let Some(path) = hand_over {
        plan.process.env.set(env::CONTEXT_FILE, path);
    }
    if let Some(trace) = traceparent {
        plan.process.env.set(env::TRACEPARENT, trace);
    }
    let missing = furnished.warning;
    let missing = missing.map(|error| report::sentence(&error, None));
    ready
        .warnings
        .into_iter()
        .chain(missing)
        .for_each(|warning| ledger.warn(warning));
    tracing::info!(files = plan.files.len(), "Workspace prepared.");
    Ok(())
}

/// Opens the log.
pub(super) async fn log(plan: &Plan, shutdown: &mut Shutdown) -> Result<Log, Early> {
    let Some(path) = plan.paths.log.clone() else {
        return Ok(Log::none());
    };
    let limit = plan.paths.log_limit;
    let open = move || Log::open(&path, limit, scratch);
    Ok(interruptible(shutdown, &Cancel::default(), open).await?)
}
