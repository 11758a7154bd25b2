//! What all parts need: a directory, an environment, the runner and its specs.

use std::io;
use std::path::{Path, PathBuf};

use agent_tests::binary;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::measure::{Measured, measure};

/// Secrets in the environment: more than a pod has, so that redaction is not flattered.
const SECRETS: u64 = 20;

/// One comparison under way.
pub(crate) struct Bench {
    /// In memory, unless the command line says otherwise.
    dir: TempDir,
    /// On a disk.
    disk: TempDir,
    /// Rounds of the long parts.
    pub(crate) rounds: usize,
    runner: PathBuf,
    myself: PathBuf,
}

/// Whether the runner replaces secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redaction {
    On,
    Off,
}

/// One process of a pipeline: program and arguments.
pub(crate) type Stage = Vec<String>;

impl Bench {
    pub(crate) fn new(dir: &Path, disk: &Path, rounds: usize) -> io::Result<Self> {
        Ok(Self {
            dir: tempfile::tempdir_in(dir)?,
            disk: tempfile::tempdir_in(disk)?,
            rounds,
            runner: binary("agent-runner"),
            myself: std::env::current_exe()?,
        })
    }

    /// The directory in memory.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The directory on a disk.
    pub(crate) fn disk(&self) -> &Path {
        self.disk.path()
    }

    /// The variables that every process has.
    pub(crate) fn environment() -> Vec<(String, String)> {
        let secrets = (0..SECRETS).map(|number| {
            // Odd, so that the numbers of no two secrets are alike.
            let seed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let value = format!("{seed:016x}{:016x}", seed.rotate_left(29));
            (format!("SERVICE_{number}_TOKEN"), value)
        });
        secrets
            .chain([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())])
            .collect()
    }

    /// The command that writes so many bytes to stdout, in writes of so many.
    pub(crate) fn generator(&self, bytes: u64, chunk: usize) -> Stage {
        let myself = self.myself.display().to_string();
        vec![
            myself,
            "generate".into(),
            bytes.to_string(),
            chunk.to_string(),
        ]
    }

    /// The command that runs an agent under the runner, with log and status in `dir`.
    pub(crate) fn runner(
        &self,
        dir: &Path,
        agent: &[String],
        redaction: Redaction,
    ) -> io::Result<Stage> {
        let spec = json!({
            "schemaVersion": "agents.proompteng.ai/runner/v1",
            "provider": "bench",
            "artifacts": { "statusPath": dir.join("status.json"), "logPath": log(dir) },
            "adapter": {
                "type": "exec",
                "exec": { "binary": agent[0], "argsTemplate": agent[1..] },
                "runner": { "redact": { "enabled": redaction == Redaction::On } },
            },
        });
        let path = dir.join(format!("{redaction:?}.json"));
        std::fs::write(&path, spec.to_string())?;
        Ok(self.command(&path))
    }

    /// The command that carries out a spec.
    pub(crate) fn command(&self, spec: &Path) -> Stage {
        let words = [self.runner.as_path(), spec];
        words.map(|word| word.display().to_string()).to_vec()
    }

    /// Measures a pipeline.
    pub(crate) fn measure(&self, stages: &[Stage]) -> io::Result<Measured> {
        measure(&self.myself, stages)
    }
}

/// The log of a run in `dir`; tee writes to the same place.
pub(crate) fn log(dir: &Path) -> PathBuf {
    dir.join("runner.log")
}

/// Asserts that the runner says it succeeded: a run that failed early would be fast.
///
/// # Panics
///
/// Panics if it did not, because every number would be void.
pub(crate) fn assert_succeeded(dir: &Path) {
    let status = std::fs::read(dir.join("status.json")).unwrap_or_default();
    let status: Value = serde_json::from_slice(&status).unwrap_or_default();
    assert_eq!(status["status"], "succeeded", "{status}");
}

/// Returns the path of a program, if it is installed.
pub(crate) fn installed(name: &str) -> Option<String> {
    ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .map(|dir| format!("{dir}/{name}"))
        .find(|path| Path::new(path).exists())
}

/// A command with more variables in its environment; the process is that of the command.
pub(crate) fn with<'a>(
    variables: impl IntoIterator<Item = &'a (&'a str, &'a str)>,
    command: Stage,
) -> Stage {
    let env = installed("env").unwrap_or_else(|| "/usr/bin/env".to_owned());
    let words = variables
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"));
    [env].into_iter().chain(words).chain(command).collect()
}
