//! A run that is stopped or killed while it stores its artifacts: it keeps its time, says the truth,
//! leaves nothing behind, and the next attempt does the rest.

#[path = "artifacts_stops/again.rs"]
mod again;
#[path = "artifacts_stops/agents.rs"]
mod agents;
#[path = "artifacts_stops/killed.rs"]
mod killed;
#[path = "artifacts_faults/scene.rs"]
mod scene;
#[path = "artifacts_stops/twice.rs"]
mod twice;

use std::path::PathBuf;
use std::time::Duration;

use agent_tests::{DEADLINE, Ended, Run, S3Fault, S3Operation, S3Server, wait_until};
use scene::{MIB, assert_clean, assert_failed, declaring, key, noise, storing, uploads};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The pod's grace period, in seconds: 2 are for the status, 4 for the agent.
const GRACE: f64 = 8.0;

/// The same.
const BUDGET: Duration = Duration::from_secs(8);

/// A server that takes so many bytes a second of everybody together.
fn slow(bytes_per_second: u64) -> S3Server {
    S3Server::new().fault(S3Fault::slow(bytes_per_second))
}

/// What a pod keeps when its container is started again: files and status.
struct Home {
    dir: TempDir,
    names: Vec<String>,
}

impl Home {
    /// Has files of these sizes in bytes.
    fn new(files: &[(&str, u64)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        for (name, size) in files {
            noise(&dir.path().join(name), *size);
        }
        let names = files.iter().map(|(name, _)| (*name).to_owned());
        let names = names.collect();
        Self { dir, names }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A container of the run, which stores the files and a manifest.
    fn run(&self, server: &S3Server) -> Run {
        let artifact =
            |name: &String| json!({ "name": name, "path": self.path(name), "key": key(name) });
        let all: Vec<Value> = self.names.iter().map(artifact).collect();
        storing(Run::new(), server)
            .spec("/adapter/exec/outputArtifacts", json!(all))
            .spec(
                "/artifacts/statusPath",
                json!(self.path("agent/status.json")),
            )
            .setting("artifacts/include", json!(["manifest"]))
            .grace(GRACE)
    }
}

/// Waits until a server has had so many requests of a kind.
#[track_caller]
fn await_requests(server: &S3Server, operation: S3Operation, count: usize) {
    let has = || server.requests_for(operation).len() >= count;
    assert!(wait_until(DEADLINE, has), "{:?}", server.requests());
}

/// What the manifest of an attempt says of each file, by its name.
#[track_caller]
fn results(server: &S3Server, attempt: u32) -> Vec<(String, String)> {
    let manifest = server.object(&format!("fake/{attempt}/manifest.json"));
    let manifest = manifest.expect("the manifest is stored").bytes();
    let manifest: Value = serde_json::from_slice(&manifest).expect("it is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let objects = manifest["objects"].as_array().expect("it has a list");
    let results = objects
        .iter()
        .map(|object| (text(&object["artifact"]), text(&object["result"])));
    results.collect()
}

/// Counts of the status, and nothing else.
#[track_caller]
fn assert_counts(ended: &Ended, counts: [(&str, u64); 3]) {
    for (name, count) in counts {
        let counted = uploads(ended)[name].as_u64().unwrap_or(0);
        assert_eq!(counted, count, "{name}: {}", uploads(ended));
    }
    assert_eq!(ended.status["artifacts"]["uploads"], *uploads(ended));
}

#[test]
fn what_is_small_is_stored_first_when_there_is_little_time() {
    let server = slow(MIB);
    let large = ["large-0", "large-1", "large-2", "large-3"];
    let small: Vec<String> = (0..10).map(|index| format!("small-{index}")).collect();
    let mut all = large.to_vec();
    all.extend(small.iter().map(String::as_str));
    let run = declaring(storing(Run::new(), &server), &all);
    for name in large {
        noise(&run.path(name), 4 * MIB);
    }
    for (index, name) in small.iter().enumerate() {
        // The last is the smallest.
        noise(&run.path(name), 1_000 - 100 * index as u64);
    }
    let ended = run.env("AGENT_RUNNER_ARTIFACTS_TIMEOUT", "3s").end();
    assert_failed(&server, &ended, &["artifact `large-0`", "no time left"]);
    assert_counts(&ended, [("objects", 10), ("pending", 4), ("failed", 0)]);
    let stored: Vec<String> = small.iter().map(|name| key(name)).collect();
    assert_eq!(server.keys(""), stored);
    // Eight are on their way at once, in whatever order they arrive.
    let first = server.requests_for(S3Operation::Put);
    let first: Vec<&str> = first[..8].iter().map(|request| &*request.key).collect();
    for name in &stored[2..] {
        assert!(first.contains(&&**name), "{first:?}");
    }
    assert_clean(&server, &ended);
}
