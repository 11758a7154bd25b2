//! The whole run on one page.
//!
//! load → checkout → input files → agent → workspace's remains → artifacts → outcome → status. Data
//! goes down the list, never up.
//! After the agent nothing can change how it ended; what follows can only add that we failed to
//! deliver it. The status is written on every path, first when the run is asked to stop and again
//! at the end.

mod early;

use std::sync::Arc;
use std::time::Duration;

use agent_plan::env::Environment;
use agent_plan::outcome::{Facts, Failure, StopCause, Verdict, decide};
use agent_plan::plan::Plan;
use agent_plan::provider::Report;
use tokio::time::Instant;

use crate::blocking::{hurried, interruptible};
use crate::cancel::Cancel;
use crate::ledger::{Ledger, scratch, sweep};
use crate::load::{self, Request};
use crate::process::{Log, Supervised, Surroundings, supervise};
use crate::shutdown::Shutdown;
use crate::workspace::Checkout;
use crate::{artifacts, fault, preflight, report, workspace};
use early::Early;

/// How long a work tree may be looked at that nobody waits for: 100,000 files on a slow volume.
const LOOK_BACK: Duration = Duration::from_mins(2);

/// Carries out one run and leaves its status; returns the code to exit with.
///
/// Not cancel safe: the caller polls it to its end.
pub async fn run(request: Request, environment: Environment, ledger: &Ledger) -> u8 {
    let facts = match Shutdown::install() {
        Ok(mut shutdown) => carry_out(request, environment, ledger, &mut shutdown).await,
        Err(error) => Err(Early::internal(&error)),
    };
    let decision = decide(&match facts {
        Ok(facts) => facts,
        Err(Early::Failed(failure)) => Facts {
            failure: Some(failure),
            ..Facts::default()
        },
        Err(Early::Stopped(signal)) => Facts {
            stopped: Some(StopCause::Signal(signal as i32)),
            ..Facts::default()
        },
    });
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
    let mut plan = load(request, environment, ledger, shutdown).await?;
    fault::point("planned");

    ledger.enter("checkout");
    let checkout = check_out(&plan, ledger, shutdown).await?;

    ledger.enter("prepare");
    furnish(&mut plan, ledger, shutdown).await?;
    fault::point("prepared");

    ledger.enter("agent");
    let log = Arc::new(log(&plan, shutdown).await?);
    let agent = agent(&plan, &log, ledger, shutdown).await;

    ledger.enter("workspace");
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
        undelivered: artifacts::undelivered(&plan.artifacts),
    })
}

async fn load(
    request: Request,
    environment: Environment,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Plan, Early> {
    let notes = ledger.clone();
    let plan = interruptible(shutdown, &Cancel::default(), move || {
        load::plan(&request, &environment, &notes)
    })
    .await?;
    let plan = plan.map_err(|error| Early::Failed(error.failure()))?;
    ledger.on_plan(&plan);
    tracing::info!(provider = %plan.identity.provider, warnings = plan.warnings.len(), "Run planned.");
    Ok(plan)
}

async fn check_out(
    plan: &Plan,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Option<Checkout>, Early> {
    let plan = plan.clone();
    let cancel = Cancel::default();
    let also = cancel.clone();
    let work = move || workspace::check_out(&plan, &also, scratch);
    let checkout = interruptible(shutdown, &cancel, work).await?;
    let checkout = checkout.map_err(|error| Early::Failed(error.failure()))?;
    if let Some(checkout) = &checkout {
        ledger.on_checkout(checkout);
        tracing::info!(url = %checkout.url, commit = %checkout.commit, branch = checkout.branch, bytes = checkout.received, "Repository checked out.");
    }
    Ok(checkout)
}

async fn furnish(plan: &mut Plan, ledger: &Ledger, shutdown: &mut Shutdown) -> Result<(), Early> {
    let (wanted, cancel) = (plan.clone(), Cancel::default());
    let also = cancel.clone();
    let work = move || {
        let furnished = workspace::furnish(&wanted, scratch).map_err(|error| error.failure())?;
        let ready = preflight::look(&wanted.process, &also, scratch);
        Ok((furnished, ready.map_err(|error| error.failure())?))
    };
    let done = interruptible(shutdown, &cancel, work).await?;
    let (furnished, ready) = done.map_err(Early::Failed)?;
    for (name, value) in furnished.variables.into_iter().chain(ready.variables) {
        plan.process.env.set(name, value);
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
    // Half of what there is to flush: artifacts and events want the rest.
    let hurry = plan.budget.flush / 2;
    let until = Instant::now() + if stopped { hurry } else { LOOK_BACK };
    let also = cancel.clone();
    let work = move || workspace::look_back(&plan, &checkout, &also);
    ledger.on_remains(hurried(shutdown, &cancel, until, hurry, work).await);
}

async fn log(plan: &Plan, shutdown: &mut Shutdown) -> Result<Log, Early> {
    let Some(path) = plan.paths.log.clone() else {
        return Ok(Log::none());
    };
    let limit = plan.paths.log_limit;
    let open = move || Log::open(&path, limit, scratch);
    Ok(interruptible(shutdown, &Cancel::default(), open).await?)
}

async fn agent(
    plan: &Plan,
    log: &Arc<Log>,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Supervised, Early> {
    let surroundings = Surroundings {
        budget: plan.budget,
        redactor: plan.redactor.clone(),
        log: Arc::clone(log),
        session: agent_providers::session(&plan.process),
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
