//! The whole run on one page.
//!
//! load → events → checkout → input files → agent → workspace's remains → artifacts → outcome → last
//! events → journal and manifest → status. Data goes down the list, never up.
//! After the agent nothing can change how it ended; what follows can only add that we failed to
//! deliver it. The status is written on every path, first when the run is asked to stop and again
//! at the end.

mod before;
mod delivery;
mod early;
mod ending;
mod told;

use std::sync::Arc;
use std::time::Duration;

use agent_plan::env::Environment;
use agent_plan::outcome::{Facts, Failure, StopCause, Verdict, decide};
use agent_plan::plan::Plan;
use agent_plan::provider::Report;
use tokio::time::Instant;

use crate::blocking::hurried;
use crate::cancel::Cancel;
use crate::events::Events;
use crate::ledger::{Ledger, sweep};
use crate::load::Request;
use crate::process::{Log, Supervised, Surroundings, supervise};
use crate::shutdown::Shutdown;
use crate::workspace::Checkout;
use crate::{fault, report, workspace};
use before::{check_out, furnish, load, log, speak};
use early::Early;

/// How long a work tree may be looked at that nobody waits for: 100,000 files on a slow volume.
const LOOK_BACK: Duration = Duration::from_mins(2);

/// Carries out one run and leaves its status; returns the code to exit with.
///
/// Not cancel safe: the caller polls it to its end.
pub async fn run(request: Request, environment: Environment, ledger: &Ledger) -> u8 {
    let decision = match Shutdown::install() {
        Ok(mut shutdown) => {
            let facts = carry_out(request, environment, ledger, &mut shutdown).await;
            let facts = facts.unwrap_or_else(Early::facts);
            let (facts, artifacts) = delivery::deliver(facts, ledger, &mut shutdown).await;
            let decision = ending::tell(facts, ledger, &mut shutdown).await;
            delivery::conclude(artifacts, &decision, ledger, &mut shutdown).await;
            decision
        }
        Err(error) => decide(&Early::internal(&error).facts()),
    };
    ledger.write(&decision);
    report::ending(&decision);
    sweep();
    decision.exit_code
}

async fn carry_out(
    request: Request,
    environment: Environment,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Facts, Early> {
    let mut plan = load(request, environment.clone(), ledger, shutdown).await?;
    fault::point("planned");
    let events = speak(&plan, &environment, ledger, shutdown).await?;

    ledger.enter("checkout");
    let checkout = check_out(&plan, &events, ledger, shutdown).await?;

    ledger.enter("prepare");
    furnish(&mut plan, &events, ledger, shutdown).await?;
    fault::point("prepared");

    ledger.enter("agent");
    events.emit(told::phase("agent", "agent process running"));
    let log = Arc::new(log(&plan, shutdown).await?);
    let agent = agent(&plan, &log, &events, ledger, shutdown).await;

    events.handed_over(Instant::now() + plan.events.flush).await;

    ledger.enter("workspace");
    events.emit(told::phase("workspace", "agent process ended"));
    let stop = agent.as_ref().ok().and_then(|agent| agent.stopped);
    let stopped = matches!(stop, Some(StopCause::Signal(_)));
    look_back(&plan, checkout, stopped, ledger, shutdown).await;
    let agent = agent?;
    ledger.on_agent(&agent, &log);
    fault::point("ended");

    Ok(Facts {
        failure: None,
        agent: name_of(&plan),
        exit: agent.exit,
        stopped: agent.stopped,
        expects_verdict: plan.process.conversation.concludes(),
        verdict: agent.verdict,
        began: !plan.process.conversation.is_cli() || agent.report.known_events > 0,
        oom_kills: agent.oom_kills,
        last_line: agent.last_line,
        forwarded: agent.forwarded,
        undelivered: None,
        unpublished: None,
    })
}

/// Says what is left of the work tree; whatever becomes of it, the run's outcome stands.
async fn look_back(
    plan: &Plan,
    checkout: Option<Checkout>,
    stopped: bool,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) {
    let Some(checkout) = checkout else { return };
    let (plan, cancel) = (plan.clone(), Cancel::default());
    // A quarter of what there is to flush: artifacts and events want the rest.
    let hurry = plan.budget.flush / 4;
    let until = Instant::now() + if stopped { hurry } else { LOOK_BACK };
    let also = cancel.clone();
    let work = move || workspace::look_back(&plan, &checkout, &also);
    ledger.on_remains(hurried(shutdown, &cancel, until, hurry, work).await);
}

async fn agent(
    plan: &Plan,
    log: &Arc<Log>,
    events: &Events,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Supervised, Early> {
    let surroundings = Surroundings {
        budget: plan.budget,
        redactor: plan.redactor.clone(),
        log: Arc::clone(log),
        session: agent_providers::session(&plan.process),
        events: events.clone(),
    };
    // Written at once: should the pod be killed before the end, this much is true.
    let name = name_of(plan);
    let mut on_stop = |cause, verdict: Option<&Verdict>, report: &Report| {
        tracing::info!(?cause, "Stopping the agent.");
        ledger.on_session(report);
        ledger.write(&decide(&Facts {
            agent: name.clone(),
            stopped: Some(cause),
            verdict: verdict.cloned(),
            ..Facts::default()
        }));
    };
    let agent = supervise(&plan.process, surroundings, shutdown, &mut on_stop)
        .await
        .map_err(|error| {
            Early::Failed(Failure {
                outcome: error.outcome(),
                reason: error.reason().to_owned(),
                message: report::sentence(&error, error.hint()),
            })
        })?;
    let exit = agent.exit.as_ref().map(tracing::field::display);
    tracing::info!(
        exit,
        output_bytes = agent.output_bytes,
        leftovers = agent.leftovers.len(),
        "Agent ended."
    );
    Ok(agent)
}

/// The agent's name in messages: its binary's.
fn name_of(plan: &Plan) -> String {
    let name = plan.process.program.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
