//! The stores that every rule holds for.

use std::fs;
use std::path::Path;

use agent_tests::{Ended, Run, S3Server};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What keys that nobody wrote begin with, in a first attempt.
pub(crate) const PREFIX: &str = "fix-7/1/";

/// A store that a test can look into.
pub(crate) enum Store {
    S3(S3Server),
    Directory(TempDir),
}

/// One of each kind.
pub(crate) fn stores() -> [Store; 2] {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    [Store::S3(S3Server::new()), Store::Directory(directory)]
}

impl Store {
    /// A run that knows the store, and has a name.
    pub(crate) fn run(&self) -> Run {
        let run = named(Run::new());
        match self {
            Self::S3(server) => over(run, server),
            Self::Directory(dir) => {
                let endpoint = format!("file://{}", dir.path().display());
                run.env("AGENTS_ARTIFACTS_ENDPOINT", endpoint)
            }
        }
    }

    /// The address of an object; of the store for an empty key.
    pub(crate) fn url(&self, key: &str) -> String {
        let store = match self {
            Self::S3(server) => format!("s3://{}", server.bucket()),
            Self::Directory(dir) => format!("file://{}", canonical(dir.path())),
        };
        match key {
            "" => store,
            key => format!("{store}/{key}"),
        }
    }

    /// Every key, in order; in a directory every file, whatever it is called.
    pub(crate) fn keys(&self) -> Vec<String> {
        match self {
            Self::S3(server) => server.keys(""),
            Self::Directory(dir) => {
                let mut keys = Vec::new();
                files(dir.path(), "", &mut keys);
                keys.sort_unstable();
                keys
            }
        }
    }

    /// The bytes of an object that is there.
    #[track_caller]
    pub(crate) fn bytes(&self, key: &str) -> Vec<u8> {
        let found = match self {
            Self::S3(server) => server.object(key).map(|object| object.bytes()),
            Self::Directory(dir) => fs::read(dir.path().join(key)).ok(),
        };
        found.unwrap_or_else(|| panic!("no `{key}` in {:?}", self.keys()))
    }

    /// The same as text.
    #[track_caller]
    pub(crate) fn text(&self, key: &str) -> String {
        String::from_utf8(self.bytes(key)).expect("it is text")
    }

    /// The same as JSON.
    #[track_caller]
    pub(crate) fn json(&self, key: &str) -> Value {
        serde_json::from_slice(&self.bytes(key)).expect("it is JSON")
    }
}

/// A run that knows a server.
pub(crate) fn over(run: Run, server: &S3Server) -> Run {
    let variables = server.env().into_iter();
    variables.fold(run, |run, (name, value)| run.env(name, value))
}

/// A run whose payload has a name and a label.
pub(crate) fn named(run: Run) -> Run {
    let payload = run.path("run.json");
    let content = json!({
        "agentRun": { "name": "fix-7", "uid": "uid-1", "namespace": "agents" },
    });
    fs::write(&payload, content.to_string()).expect("it can be written");
    run.spec("/payloads", json!({ "eventFilePath": payload }))
        .spec("/inputs", json!({ "stage": "audit" }))
}

/// A run that declares artifacts.
pub(crate) fn declaring(run: Run, artifacts: Value) -> Run {
    run.spec("/adapter/exec/outputArtifacts", artifacts)
}

/// The artifacts of the status, which has them whole in both of its forms.
#[track_caller]
pub(crate) fn outputs(ended: &Ended) -> &Value {
    let of = |status: &Value| status["artifacts"]["outputArtifacts"].clone();
    assert_eq!(of(&ended.status), of(&ended.full), "{}", ended.stderr);
    &ended.full["artifacts"]["outputArtifacts"]
}

/// What the status says of storing.
pub(crate) fn uploads(ended: &Ended) -> &Value {
    &ended.full["artifacts"]["uploads"]
}

fn canonical(dir: &Path) -> String {
    let dir = dir.canonicalize().expect("it is there");
    dir.display().to_string()
}

fn files(dir: &Path, above: &str, found: &mut Vec<String>) {
    let entries = fs::read_dir(dir).expect("it can be read");
    for entry in entries.map(|entry| entry.expect("it can be read")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let key = format!("{above}{name}");
        if entry.file_type().expect("it has one").is_dir() {
            files(&entry.path(), &format!("{key}/"), found);
        } else {
            found.push(key);
        }
    }
}
