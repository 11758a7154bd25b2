//! The whole run on one page.
//!
//! load → input files → agent → artifacts → outcome → status. Data goes down the list, never up.
//! After the agent nothing can change how it ended; what follows can only add that we failed to
//! deliver it. The status is written on every path, first when the run is asked to stop and again
//! at the end.

use std::sync::Arc;
use std::time::Duration;

use agent_plan::env::Environment;
use agent_plan::outcome::{Facts, Failure, Outcome, StopCause, Verdict, decide};
use agent_plan::plan::Plan;
use nix::sys::signal::Signal;
use tokio::time::timeout;

use crate::ledger::{Ledger, scratch};
use crate::load::{self, Request};
use crate::process::{Log, Supervised, Surroundings, supervise};
use crate::shutdown::{self, Shutdown};
use crate::{artifacts, fault, report, workspace};

/// How long work that a signal interrupts may take to its end: reading a spec takes a millisecond,
/// and one that takes half a second may take for ever.
const NEARLY_DONE: Duration = Duration::from_millis(500);

/// Why a run did not get as far as its agent's end.
enum Early {
    /// Something failed.
    Failed(Failure),
    /// A signal asked to stop.
    Stopped(Signal),
}

/// Carries out one run and leaves its status; returns the code to exit with.
///
/// Not cancel safe: the caller polls it to its end.
pub async fn run(request: Request, environment: Environment, ledger: &Ledger) -> u8 {
    let facts = match Shutdown::install() {
        Ok(mut shutdown) => carry_out(request, environment, ledger, &mut shutdown).await,
        Err(error) => Err(Early::Failed(internal(&error))),
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
    decision.exit_code
}

async fn carry_out(
    request: Request,
    environment: Environment,
    ledger: &Ledger,
    shutdown: &mut Shutdown,
) -> Result<Facts, Early> {
    let plan = load(request, environment, ledger, shutdown).await?;
    fault::point("planned");

    ledger.enter("prepare");
    prepare(&plan, shutdown).await?;
    fault::point("prepared");

    ledger.enter("agent");
    let log = Arc::new(log(&plan, shutdown).await?);
    let agent = agent(&plan, &log, ledger, shutdown).await?;
    ledger.on_agent(&agent, &log);
    fault::point("ended");

    Ok(Facts {
        failure: None,
        agent: name_of(&plan),
        exit: agent.exit,
        stopped: agent.stopped,
        expects_verdict: agent_providers::session(plan.process.protocol).reads_lines(),
        verdict: agent.verdict,
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
    let plan = interruptible(shutdown, move || load::plan(&request, &environment, &notes)).await?;
    let plan = plan.map_err(|error| Early::Failed(error.failure()))?;
    ledger.on_plan(&plan);
    tracing::info!(provider = %plan.identity.provider, warnings = plan.warnings.len(), "Run planned.");
    for warning in &plan.warnings {
        tracing::warn!(%warning, "Plan warning.");
    }
    Ok(plan)
}

async fn prepare(plan: &Plan, shutdown: &mut Shutdown) -> Result<(), Early> {
    let (files, roots) = (plan.files.clone(), plan.roots.clone());
    let written = interruptible(shutdown, move || workspace::write(&files, &roots)).await?;
    written.map_err(|error| {
        Early::Failed(Failure {
            outcome: Outcome::WorkspaceFailed,
            reason: error.reason().to_owned(),
            message: report::sentence(&error, error.hint()),
        })
    })?;
    tracing::info!(files = plan.files.len(), "Workspace prepared.");
    Ok(())
}

async fn log(plan: &Plan, shutdown: &mut Shutdown) -> Result<Log, Early> {
    let Some(path) = plan.paths.log.clone() else {
        return Ok(Log::none());
    };
    let limit = plan.paths.log_limit;
    interruptible(shutdown, move || Log::open(&path, limit, scratch)).await
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
        session: agent_providers::session(plan.process.protocol),
    };
    // Written at once: should the pod be killed before the end, this much is true.
    let name = name_of(plan);
    let mut on_stop = |cause, verdict: Option<&Verdict>| {
        tracing::info!(?cause, "Stopping the agent.");
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

/// Does blocking work on a thread of its own, so that a signal is never kept waiting by a disk.
async fn interruptible<T: Send + 'static>(
    shutdown: &mut Shutdown,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Early> {
    let mut work = tokio::task::spawn_blocking(work);
    loop {
        tokio::select! {
            biased;
            request = shutdown.recv() => match request {
                shutdown::Request::Stop(signal) | shutdown::Request::StopNow(signal) => {
                    // What is nearly done is worth its end: it may say where the status goes.
                    drop(timeout(NEARLY_DONE, &mut work).await);
                    return Err(Early::Stopped(signal));
                }
                // There is no agent yet to pass it on to.
                shutdown::Request::Forward(_) => {}
            },
            done = &mut work => return done.map_err(|error| Early::Failed(internal(&error))),
        }
    }
}

fn internal(error: &dyn std::error::Error) -> Failure {
    Failure {
        outcome: Outcome::Internal,
        reason: "RunnerFailed".to_owned(),
        message: report::sentence(error, None),
    }
}
