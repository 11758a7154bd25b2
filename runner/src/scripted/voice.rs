//! How an agent speaks: one implementation per protocol.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use agent_plan::env::Environment;
use agent_plan::settings::Protocol;

use super::app_server::AppServer;
use super::claude::Claude;
use super::codex_exec::CodexExec;
use super::plain::Plain;
use super::script::{Failure, SESSION};
use super::stdio::Stdin;

/// How an agent speaks.
pub(super) trait Voice {
    /// Hears what is asked and says that it begins.
    fn begin(&mut self);
    /// Says something.
    fn say(&mut self, text: &str);
    /// Uses a tool.
    fn tool(&mut self, output: &str);
    /// Says what nobody knows.
    fn babble(&mut self);
    /// Says that it has succeeded.
    fn succeed(&mut self, answer: &str);
    /// Fails, and returns its exit code.
    fn fail(&mut self, failure: Failure) -> u8;
    /// Waits until it is stopped, ends as its CLI does, and returns its exit code.
    fn stopped(&mut self) -> u8;
    /// Ends after a result, and returns its exit code.
    fn leave(&mut self) -> u8;
}

pub(super) fn of(
    protocol: Protocol,
    stdin: Stdin,
    environment: &Environment,
    args: &[OsString],
) -> Box<dyn Voice> {
    let home = |variable: &str, below: &str| {
        let at_home = || Some(environment.path("HOME")?.join(below));
        environment.path(variable).or_else(at_home)
    };
    match protocol {
        Protocol::Claude => {
            let state = home("CLAUDE_CONFIG_DIR", ".claude").unwrap_or_default();
            keep(&state.join("projects/kit"), "");
            let streams = args.iter().any(|arg| arg == "stream-json");
            Box::new(Claude::new(stdin, streams))
        }
        Protocol::CodexExec | Protocol::CodexAppServer => {
            let state = home("CODEX_HOME", ".codex").unwrap_or_default();
            keep(&state.join("sessions/2026/01/01"), "rollout-");
            if protocol == Protocol::CodexExec {
                Box::new(CodexExec::new(stdin))
            } else {
                Box::new(AppServer::new(stdin))
            }
        }
        Protocol::Jsonl => Box::new(Plain::events(stdin)),
        _ => Box::new(Plain::words(stdin)),
    }
}

/// Leaves the state of the conversation, by which a later attempt sees that it can go on. An agent
/// without a home has none.
fn keep(directory: &Path, prefix: &str) {
    let file = directory.join(format!("{prefix}{SESSION}.jsonl"));
    drop(fs::create_dir_all(directory).and_then(|()| fs::write(file, "{}\n")));
}
