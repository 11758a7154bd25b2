//! `agent-runner`: carries out one agent run inside a pod.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use agent_plan::env::Environment;
use agent_runner::cli::{self, Verb};
use agent_runner::ledger::Ledger;
use agent_runner::{guard, load, local, run, scripted, shutdown, telemetry, verbs};

fn main() -> ExitCode {
    // Without it a signal of the next milliseconds would be lost.
    drop(shutdown::hold());
    guard::hide();
    let environment = load::environment();
    telemetry::init(&environment);
    let verb = match cli::parse(std::env::args_os()) {
        Ok(verb) => verb,
        Err(error) => return ExitCode::from(guard::usage(&error, &environment)),
    };
    if !matches!(verb, Verb::Run(_)) {
        // The other verbs end by a signal, as any program does.
        drop(shutdown::release());
    }
    let done = match verb {
        Verb::Run(request) => return ExitCode::from(carry_out(request, environment)),
        Verb::Plan(request, format) => verbs::plan(&request, format),
        Verb::Validate(files) => verbs::validate(&files),
        Verb::Schema(name) => verbs::schema(&name),
        Verb::Explain(path) => verbs::explain(&path),
        Verb::Install(directory) => verbs::install(&directory),
        Verb::Replay(request) => verbs::replay(&request, &environment),
        Verb::Local(asked) => Ok(local::local(&asked, &environment, carry_out)),
        Verb::Completions(shell) => verbs::completions(&shell),
        Verb::GitCredential(access, asked) => verbs::git_credential(&access, &asked, &environment),
        Verb::Askpass(name, prompt) => verbs::askpass(&name, &prompt, &environment),
        Verb::ProviderTest(file, format) => verbs::provider_test(&file, format),
        Verb::ScriptedAgent(name, args) => scripted::play(&name, &args, &environment),
        Verb::FakeAppServer => verbs::fake_app_server(&environment),
    };
    ExitCode::from(done.unwrap_or_else(|error| guard::unanswered(&error)))
}

/// Runs to a status, whatever happens: a panic of ours is an outcome too.
fn carry_out(request: load::Request, environment: Environment) -> u8 {
    let ledger = Ledger::new();
    load::note_unread(&request, &environment, &ledger);
    guard::quiet_panics();
    let body = || -> std::io::Result<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let code = runtime.block_on(run::run(request, environment, &ledger));
        // A thread that waits for a disk must not keep the process.
        runtime.shutdown_background();
        Ok(code)
    };
    guard::code_of(catch_unwind(AssertUnwindSafe(body)), &ledger)
}
