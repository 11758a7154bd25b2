//! `local` and signals: the first ends the run in order, the second at once, and nothing stays.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use agent_tests::{DEADLINE, processes_with, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::bench::{Bench, world};

/// Far less than the grace that an agent has.
const SOON: Duration = Duration::from_secs(10);

/// A world with a secret that is mounted.
fn with_secret(script: &str) -> Vec<Value> {
    let mut all = world(script);
    all[2]["spec"]["workload"] = json!({ "volumes": [
        { "name": "keys", "type": "secret", "secretName": "keys", "mountPath": "/mnt/keys" },
    ] });
    all.push(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" },
        "stringData": { "key": "correct-horse-battery" },
    }));
    all
}

/// A local run that is on its way.
struct Running {
    bench: Bench,
    child: Child,
}

impl Running {
    /// Starts a run of a shell, and waits for its first line.
    fn start(script: &str) -> Self {
        let bench = Bench::new();
        bench.apply(&with_secret(script));
        let mut child = bench
            .command(["manifests.json", "--workspace", "here"], &[])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the runner can be started");
        let stdout = child.stdout.take().expect("it is piped");
        let first = BufReader::new(stdout).lines().next();
        assert_eq!(first.and_then(Result::ok).as_deref(), Some("ready"));
        Self { bench, child }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("it fits"));
        kill(pid, signal).expect("it is there");
    }

    /// Waits until the status says that the run is being stopped.
    fn await_stopping(&self) {
        let is_told = || status(&self.status()).is_some();
        assert!(
            wait_until(DEADLINE, is_told),
            "nobody says that the run is being stopped"
        );
    }

    fn status(&self) -> PathBuf {
        self.bench.path("here/workspace/.agent/status.json")
    }

    /// Waits for the end, and asserts what is left of it.
    fn end(mut self, code: i32) -> Bench {
        let ended: ExitStatus = self.child.wait().expect("it ends");
        assert_eq!(ended.code(), Some(code));
        let status = status(&self.status()).expect("there is a status");
        assert_eq!(status["status"], "cancelled", "{status}");
        assert_eq!(status["exitCode"], code, "{status}");
        assert!(!self.bench.path("here/mnt/keys/key").exists());
        let home = self.bench.path("home");
        assert_eq!(processes_with(&home), Vec::new());
        assert_eq!(self.bench.left(), Vec::<PathBuf>::new());
        self.bench
    }
}

fn status(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// An agent that says goodbye, and one that does not listen.
const POLITE: &str =
    "trap 'echo bye > bye; exit 3' TERM INT; echo ready; while :; do sleep 0.02; done";
const DEAF: &str = "trap '' TERM INT; echo ready; while :; do sleep 0.02; done";

#[test]
fn an_interrupt_ends_the_run_in_order() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let run = Running::start(POLITE);
        let bye = run.bench.path("here/workspace/bye");
        run.signal(signal);
        let bench = run.end(code);
        assert!(bye.exists(), "{signal}: {}", bench.path("here").display());
    }
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let run = Running::start(DEAF);
    run.signal(Signal::SIGINT);
    run.await_stopping();
    let begun = Instant::now();
    run.signal(Signal::SIGINT);
    drop(run.end(130));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

/// How far a run is that was just started.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Nobody knows.
    Started,
    /// There is its directory.
    Directory,
    /// There is its Secret.
    Secret,
    /// There is what the agent is told.
    Spec,
}

impl Stage {
    fn is_reached(self, bench: &Bench) -> bool {
        let file = match self {
            Self::Started => return true,
            Self::Directory => ".",
            Self::Secret => "mnt/keys/key",
            Self::Spec => "workspace/agent-runner.json",
        };
        let left = bench.left();
        left.iter().any(|directory| directory.join(file).exists())
    }
}

#[test]
fn a_signal_on_the_way_to_the_agent_ends_it_too_and_nothing_stays() {
    for stage in [Stage::Started, Stage::Directory, Stage::Secret, Stage::Spec] {
        let bench = Bench::new();
        bench.apply(&with_secret(DEAF));
        let mut child = bench
            .command(["manifests.json"], &[])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the runner can be started");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("it fits"));
        while !stage.is_reached(&bench) {
            let ended = child.try_wait().expect("it is ours");
            assert_eq!(ended, None, "{stage:?} was never reached");
            std::thread::yield_now();
        }
        let begun = Instant::now();
        let mut ended = None;
        // As somebody who is impatient: two that wait for a handler are one to the kernel.
        let is_over = || {
            ended = child.try_wait().expect("it is ours");
            if ended.is_none() {
                kill(pid, Signal::SIGINT).expect("nobody else waits for it");
            }
            ended.is_some()
        };
        assert!(wait_until(DEADLINE, is_over), "{stage:?}: it goes on");
        assert!(begun.elapsed() < SOON, "{stage:?}: {:?}", begun.elapsed());
        let ended = ended.expect("it is over");
        let interrupted = ended.signal() == Some(Signal::SIGINT as i32);
        // Once there are files, somebody has to remove them.
        let may_die = matches!(stage, Stage::Started);
        assert!(
            ended.code() == Some(130) || (interrupted && may_die),
            "{stage:?}: {ended:?}"
        );
        assert_eq!(bench.left(), Vec::<PathBuf>::new(), "{stage:?}");
        assert_eq!(processes_with(&bench.path("home")), Vec::new());
    }
}
