//! What ends a run before or beside the run itself: usage errors, and bugs of ours.

use std::any::Any;
use std::io;

use agent_plan::env::Environment;
use agent_plan::outcome::{Decision, Facts, Failure, Outcome, decide, exit_code};

use crate::ledger::{Ledger, sweep};
use crate::load::Request;
use crate::{cli, load, report, telemetry};

/// Keeps other processes of the same user from reading our environment and memory: the tools that
/// an agent runs are such processes, and credentials for events and artifacts are there.
///
/// A process with `CAP_SYS_PTRACE`, which a container does not have by default, still can.
pub fn hide() {
    // Only an unknown option is refused, and this one is as old as Linux 2.3.
    let _: nix::Result<()> = nix::sys::prctl::set_dumpable(false);
}

/// Prints `--help`, `--version` or a usage error; returns the exit code.
///
/// A provider's `argsTemplate` becomes our command line, so in a pod a usage error also leaves a
/// status for the controller.
pub fn usage(error: &clap::Error, environment: &Environment) -> u8 {
    if !error.use_stderr() {
        // Whoever closed stdout has seen enough.
        drop(report::print(&error.to_string()));
        return 0;
    }
    telemetry::line(&error.to_string());
    let ledger = Ledger::new();
    load::note_unread(&Request::default(), environment, &ledger);
    let message = cli::complaint(error);
    fail(&ledger, Outcome::Usage, "BadArguments", &message)
}

/// Says why a verb that only answers could not; returns the exit code.
pub fn unanswered(error: &anyhow::Error) -> u8 {
    report::error(&format!("{error:#}"));
    exit_code(Outcome::InputMissing)
}

/// Returns the code of a run that came to its end; one that did not, by a bug of ours, gets a status.
pub fn code_of(ended: std::thread::Result<io::Result<u8>>, ledger: &Ledger) -> u8 {
    match ended {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => internal(ledger, "RunnerFailed", &error.to_string()),
        Err(panic) => internal(ledger, "Panic", &words(&*panic)),
    }
}

/// Leaves the status of a run that ended by a bug of ours; returns the exit code.
fn internal(ledger: &Ledger, reason: &str, what: &str) -> u8 {
    fail(
        ledger,
        Outcome::Internal,
        reason,
        &format!("the runner failed: {what}"),
    )
}

fn fail(ledger: &Ledger, outcome: Outcome, reason: &str, message: &str) -> u8 {
    let failure = Failure {
        outcome,
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    let decision: Decision = decide(&Facts {
        failure: Some(failure),
        ..Facts::default()
    });
    ledger.write(&decision);
    report::ending(&decision);
    sweep();
    decision.exit_code
}

/// Sends the message of a panic through the redacted log instead of to stderr.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(%place, what = %words(panic.payload()), "Internal error.");
    }));
}

/// Returns the message of a panic.
fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
