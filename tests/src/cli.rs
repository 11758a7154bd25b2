//! Runs of the real agent CLIs against a scripted model API.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::{ModelApi, Run, agents};

/// A way to drive one of the real CLIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cli {
    /// `claude` through the exec adapter and the protocol `claude`.
    Claude,
    /// `codex exec` through the exec adapter and the protocol `codex-exec`.
    CodexExec,
    /// `codex app-server` through its own adapter.
    AppServer,
}

/// All of them.
pub const CLIS: [Cli; 3] = [Cli::Claude, Cli::CodexExec, Cli::AppServer];

/// What the runs ask, unless a test says otherwise.
pub const PROMPT: &str = "Do the thing.";

impl Cli {
    /// Builds a run that asks [`PROMPT`]; `None`, said loudly, if the CLI is not installed.
    ///
    /// Its home is `home` below the run's directory, its working directory `work`.
    pub fn run(self, api: &ModelApi) -> Option<Run> {
        let run = Run::new();
        let place = run.dir().to_owned();
        self.set_up(run, &place, api)
    }

    /// Builds a run whose home, working directory and status are below a directory that outlives
    /// it: a second one there is a container that was restarted.
    pub fn run_in(self, place: &Path, api: &ModelApi) -> Option<Run> {
        let status = place.join("agent/status.json");
        let run = Run::new().spec("/artifacts/statusPath", json!(status));
        self.set_up(run, place, api)
    }

    fn set_up(self, run: Run, place: &Path, api: &ModelApi) -> Option<Run> {
        let binary = match self {
            Self::Claude => agents::claude()?,
            Self::CodexExec | Self::AppServer => agents::codex()?,
        };
        let (home, work) = (place.join("home"), place.join("work"));
        for directory in [&home, &work] {
            std::fs::create_dir_all(directory).expect("a directory can be made");
        }
        let run = run
            .spec("/provider", json!(self.name()))
            .spec("/adapter", self.adapter(&binary, &work));
        let variables = match self {
            Self::Claude => agents::claude_env(&home, api),
            Self::CodexExec | Self::AppServer => agents::codex_env(&home, api),
        };
        let run = run.env("AGENT_RUNNER_CWD", work);
        let with = |run: Run, (name, value): (String, String)| run.env(&name, value);
        Some(variables.into_iter().fold(run, with))
    }

    /// Does something with each of them at the same time: most of it is waiting.
    pub fn each(test: impl Fn(Self) + Sync) {
        std::thread::scope(|scope| {
            for cli in CLIS {
                let test = &test;
                scope.spawn(move || test(cli));
            }
        });
    }

    /// Puts a shell script in the place of the CLI, which is `$REAL` in it.
    pub fn through(self, run: Run, script: &str) -> Run {
        let real = match self {
            Self::Claude => agents::claude(),
            Self::CodexExec | Self::AppServer => agents::codex(),
        };
        let real = real.expect("whoever has a run has the CLI");
        let path = run.path("through");
        let script = format!("#!/bin/sh\nREAL='{}'\n{script}\n", real.display());
        std::fs::write(&path, script).expect("the directory is ours");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
        let place = match self {
            Self::Claude | Self::CodexExec => "/adapter/exec/binary",
            Self::AppServer => "/adapter/codex/binaryPath",
        };
        run.spec(place, json!(path))
    }

    /// The name of the provider.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::CodexExec => "codex-exec",
            Self::AppServer => "codex",
        }
    }

    fn adapter(self, binary: &Path, work: &Path) -> Value {
        match self {
            Self::Claude => json!({
                "type": "exec",
                "exec": {
                    "binary": binary,
                    "argsTemplate": ["--model", "claude-sonnet-4-5", "--dangerously-skip-permissions",
                        "--strict-mcp-config", "--setting-sources", "user"],
                    "envTemplate": { "CLAUDE_CODE_MAX_RETRIES": "1" },
                },
                "runner": { "protocol": "claude", "prompt": PROMPT },
            }),
            Self::CodexExec => json!({
                "type": "exec",
                "exec": { "binary": binary },
                "runner": { "protocol": "codex-exec", "prompt": PROMPT },
            }),
            Self::AppServer => json!({
                "type": "codex-app-server",
                "codex": { "binaryPath": binary, "cwd": work, "prompt": PROMPT, "model": "gpt-5.5",
                    "effort": "medium", "sandbox": "danger-full-access", "approval": "never" },
            }),
        }
    }
}
