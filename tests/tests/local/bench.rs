//! A directory to start `local` in.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use agent_tests::binary;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A directory to start `local` in, with its own home and temporary files.
#[derive(Debug)]
pub(crate) struct Bench {
    dir: TempDir,
}

impl Bench {
    /// Where programs are.
    pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    pub(crate) fn new() -> Self {
        let bench = Self {
            dir: tempfile::tempdir().expect("a directory can be made"),
        };
        for name in ["home", "tmp"] {
            fs::create_dir(bench.path(name)).expect("it can be made");
        }
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes `manifests.json`.
    pub(crate) fn apply(&self, all: &[Value]) {
        let text = Value::from(all.to_vec()).to_string();
        fs::write(self.path("manifests.json"), text).expect("it can be written");
    }

    pub(crate) fn local<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Ended {
        self.local_with(words, &[], "")
    }

    pub(crate) fn local_with<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
        env: &[(&str, &str)],
        stdin: &str,
    ) -> Ended {
        let mut child = self
            .command(words, env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the runner can be started");
        let mut pipe = child.stdin.take().expect("it is piped");
        // One that does not read has its reasons.
        drop(pipe.write_all(stdin.as_bytes()));
        drop(pipe);
        let output = child.wait_with_output().expect("it ends");
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn command<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
        env: &[(&str, &str)],
    ) -> Command {
        let mut command = Command::new(binary("agent-runner"));
        command
            .arg("local")
            .args(words)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", Self::PATH)
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .envs(env.iter().copied());
        command
    }

    /// The files below a directory that hold a text.
    pub(crate) fn holding(&self, name: &str, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut places = vec![self.path(name)];
        while let Some(place) = places.pop() {
            for entry in fs::read_dir(&place).expect("it is there").flatten() {
                let (path, kind) = (entry.path(), entry.file_type().expect("it is there"));
                if kind.is_dir() {
                    places.push(path);
                } else if kind.is_file() {
                    let bytes = fs::read(&path).expect("it can be read");
                    if String::from_utf8_lossy(&bytes).contains(text) {
                        found.push(path);
                    }
                }
            }
        }
        found
    }

    /// What is in the directory for temporary files.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("tmp")).expect("it is there");
        entries.flatten().map(|entry| entry.path()).collect()
    }
}

/// A provider, an agent and a run of a shell with this script; in this order.
pub(crate) fn world(script: &str) -> Vec<Value> {
    let object = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "agents.proompteng.ai/v1alpha1",
            "kind": kind,
            "metadata": { "name": name },
            "spec": spec,
        })
    };
    vec![
        object(
            "AgentProvider",
            "shell",
            json!({
                "binary": "/usr/local/bin/agent-runner",
                "adapter": {
                    "type": "exec",
                    "exec": { "binary": "/bin/sh", "argsTemplate": ["-c", script] },
                },
                "workload": { "image": "registry.example.com/shell:1" },
            }),
        ),
        object(
            "Agent",
            "worker",
            json!({
                "providerRef": { "name": "shell" },
                "defaults": { "systemPrompt": "Work with care." },
            }),
        ),
        object(
            "AgentRun",
            "run",
            json!({
                "agentRef": { "name": "worker" },
                "runtime": { "type": "job" },
                "implementation": { "inline": { "text": "Fix the login." } },
            }),
        ),
    ]
}
