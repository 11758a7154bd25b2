//! A hermetic run of the real binary: its own directory, its own environment, dead on drop.
//!
//! ```no_run
//! let ended = agent_tests::Run::new().agent(["print", "hello", "exit", "3"]).end();
//! assert_eq!(ended.code, 3);
//! assert_eq!(ended.status["outcome"], "AgentFailed");
//! ```

#![expect(clippy::missing_panics_doc, reason = "a test fails by a panic")]

pub mod agents;
mod aws;
mod burst;
mod cli;
pub mod conformance;
mod ending;
mod git_server;
mod model_api;
mod nats_server;
mod otlp;
mod processes;
mod proxy;
mod repository;
mod s3_server;
mod ssh_server;
mod started;
pub mod subscriber;

pub use aws::{ContainerCredentials, InstanceMetadata, TokenService};
pub use burst::{assert_same, burst};
pub use cli::{CLIS, Cli, PROMPT};
pub use ending::{Ending, assert_ends, ends};
pub use git_server::{Fault, GitServer, Request, Silent};
pub use model_api::{CACHE_READ, CACHE_WRITTEN, Call, ModelApi, ModelRequest, REASONING, Step};
pub use nats_server::{Heard, Nats, NatsServer, Network, Permissions, StoredMessage};
pub use otlp::{Collector, Export, Span};
pub use processes::{descendants_of, processes_with, wait_until};
pub use proxy::{Proxied, Proxy};
pub use repository::{
    CheckedOut, Entry, Git, GitEnded, GitStarted, Head, Repository, checked_out, git, git_fails,
};
pub use s3_server::{S3Fault, S3Keys, S3Object, S3Operation, S3Request, S3Server};
pub use ssh_server::{KeyKind, KnownHosts, SshKey, SshServer};
pub use started::{Ended, Started};

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest time that a test waits for anything. Only a failing test waits so long.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// A script for [`Run::mounting`] after which nothing temporary can be made but in the run's own
/// directory.
pub const NOTHING_TEMPORARY: &str = r#"
for place in /var/tmp /dev/shm; do mount -t tmpfs -o ro none "$place"; done
mount --bind /tmp /tmp; mount -o remount,ro,bind /tmp
mount --bind "$dir" "$dir"; mount -o remount,rw,bind "$dir"
"#;

/// Returns the path of a binary of this workspace, built beside the test.
pub fn binary(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("a test knows its own path");
    // target/<profile>/deps/<test> → target/<profile>/<name>
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join(name);
    assert!(
        path.exists(),
        "`{}` is not built: run `cargo build --workspace --bins` first",
        path.display()
    );
    path
}

/// Builds a run of the real binary.
#[derive(Debug)]
pub struct Run {
    dir: TempDir,
    spec: Value,
    env: Vec<(OsString, OsString)>,
    args: Vec<OsString>,
    prefix: Vec<OsString>,
    stdin: Option<Vec<u8>>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}

impl Run {
    /// Starts from an agent that prints nothing and exits 0.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let spec = json!({
            "schemaVersion": "agents.proompteng.ai/runner/v1",
            "provider": "fake",
            "inputs": {},
            "artifacts": { "statusPath": path("agent/status.json"), "logPath": path("agent/runner.log") },
            "adapter": { "type": "exec", "exec": { "binary": binary("fake-agent"), "argsTemplate": [] } },
        });
        Self {
            dir,
            spec,
            env: Vec::new(),
            args: Vec::new(),
            prefix: Vec::new(),
            stdin: None,
            stdout: None,
            stderr: None,
        }
    }

    /// The run's own directory, which is also its working directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Returns a path in the run's own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Sets the steps that the fake agent plays.
    #[must_use]
    pub fn agent<S: Into<String>>(self, steps: impl IntoIterator<Item = S>) -> Self {
        let steps: Vec<String> = steps.into_iter().map(Into::into).collect();
        self.spec("/adapter/exec/argsTemplate", json!(steps))
    }

    /// Uses a shell script as the agent.
    #[must_use]
    pub fn shell(self, script: &str) -> Self {
        self.spec("/adapter/exec/binary", json!("/bin/sh"))
            .spec("/adapter/exec/argsTemplate", json!(["-c", script]))
    }

    /// Sets a value of the spec by JSON pointer; missing objects are made.
    #[must_use]
    pub fn spec(mut self, pointer: &str, value: Value) -> Self {
        let mut at = &mut self.spec;
        for key in pointer.split('/').skip(1) {
            if at.is_null() {
                *at = json!({});
            }
            at = &mut at[key];
        }
        *at = value;
        self
    }

    /// Replaces the whole spec.
    #[must_use]
    pub fn whole_spec(mut self, spec: Value) -> Self {
        self.spec = spec;
        self
    }

    /// Sets a setting in `adapter.runner`: `setting("timeouts/total", json!(1))`.
    #[must_use]
    pub fn setting(self, pointer: &str, value: Value) -> Self {
        self.spec(&format!("/adapter/runner/{pointer}"), value)
    }

    /// Sets a variable; the environment has nothing else but `PATH` and `TMPDIR`.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Divides a grace period of so many seconds.
    #[must_use]
    pub fn grace(self, seconds: f64) -> Self {
        self.env(
            "AGENT_RUNNER_TERMINATION_GRACE_SECONDS",
            seconds.to_string(),
        )
    }

    /// Adds an argument after the spec.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Runs the binary through another command: `["unshare", "-pf", "--mount-proc"]`.
    #[must_use]
    pub fn through<S: Into<OsString>>(mut self, prefix: impl IntoIterator<Item = S>) -> Self {
        self.prefix = prefix.into_iter().map(Into::into).collect();
        self
    }

    /// Runs the binary in a mount namespace of its own, after a script that may mount what it likes.
    ///
    /// The script is for `sh -eu`; `$dir` is the run's directory. What it mounts is gone with the
    /// run, so only files outside its mounts can be looked at afterwards.
    #[must_use]
    pub fn mounting(self, script: &str) -> Self {
        let dir = self.dir().display().to_string();
        // Others than root may only mount in a user namespace, in which they are root.
        let unshare = if nix::unistd::geteuid().is_root() {
            "-m"
        } else {
            "-Urm"
        };
        let script = format!("dir='{dir}'\n{script}\nexec \"$@\"");
        self.through(["unshare", unshare, "sh", "-euc", &script, "sh"])
    }

    /// Runs it through a further command, inside the one before.
    #[must_use]
    pub fn through_also<S: Into<OsString>>(mut self, prefix: impl IntoIterator<Item = S>) -> Self {
        self.prefix.extend(prefix.into_iter().map(Into::into));
        self
    }

    /// Gives it something to read on stdin; the default is nothing.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Gives it another stdout than a pipe that the test reads.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Gives it another stderr than a pipe that the test reads.
    #[must_use]
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.stderr = Some(stderr.into());
        self
    }

    /// Writes the spec and starts the binary.
    pub fn start(self) -> Started {
        let spec = self.path("spec.json");
        std::fs::write(
            &spec,
            serde_json::to_vec_pretty(&self.spec).expect("a spec is JSON"),
        )
        .expect("the spec can be written");
        self.start_with(Some(spec))
    }

    /// Starts the binary with this first argument, or none.
    pub fn start_with(self, first: Option<PathBuf>) -> Started {
        let runner = binary("agent-runner");
        let mut words: Vec<OsString> = self.prefix;
        words.push(runner.into());
        words.extend(first.map(Into::into));
        words.extend(self.args);
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("TMPDIR", self.dir.path())
            .envs(self.env)
            .current_dir(self.dir.path())
            .stdin(if self.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(self.stdout.unwrap_or_else(Stdio::piped))
            .stderr(self.stderr.unwrap_or_else(Stdio::piped));
        Started::spawn(command, self.dir, self.stdin, &self.spec)
    }

    /// Starts it and waits for its end.
    pub fn end(self) -> Ended {
        self.start().end()
    }
}
