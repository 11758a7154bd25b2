//! What is stored of an agent that is stopped: what it leaves of its grace is for that.

use std::time::Instant;

use agent_tests::{Run, S3Server, assert_ends, ends};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{MIB, assert_clean, declaring, key, noise, storing, uploads};
use crate::{BUDGET, GRACE, assert_counts, slow};

/// Writes its report only when it is stopped, and takes a second for it.
const REPORTS: &str = r#"trap 'sleep 1; echo "this is as far as I came" > report; exit 0' TERM
echo ready; while :; do sleep 0.02; done"#;

fn run_at(server: &S3Server, names: &[&str]) -> Run {
    declaring(storing(Run::new(), server), names).grace(GRACE)
}

#[test]
fn what_a_stopped_agent_leaves_is_stored_all_the_same() {
    let server = S3Server::new();
    let run = run_at(&server, &["report", "large"]).shell(REPORTS);
    noise(&run.path("large"), 5 * MIB);
    let started = run.start();
    started.await_stdout("ready");
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(asked.elapsed() < BUDGET, "{:?}", asked.elapsed());
    assert_ends("stopped", &ended, &ends(143, "Cancelled", "SIGTERM"));
    let report = server.object(&key("report")).expect("it is stored");
    assert_eq!(report.text(), "this is as far as I came\n");
    assert_counts(&ended, [("objects", 2), ("pending", 0), ("failed", 0)]);
    let artifact = &ended.status["artifacts"]["outputArtifacts"][0];
    assert_eq!(artifact["url"], "s3://runs/reports/report");
    assert_clean(&server, &ended);
}

#[test]
fn a_stopped_agent_with_much_to_store_keeps_its_time_and_its_outcome() {
    let server = slow(1_000_000);
    let run = run_at(&server, &["large", "report"]).shell(REPORTS);
    noise(&run.path("large"), 48 * MIB);
    let started = run.start();
    started.await_stdout("ready");
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(asked.elapsed() < BUDGET, "{:?}", asked.elapsed());
    assert_ends("stopped", &ended, &ends(143, "Cancelled", "SIGTERM"));
    assert_eq!(server.keys(""), [key("report")]);
    assert_counts(&ended, [("objects", 1), ("pending", 1), ("failed", 0)]);
    // Only what is there has an address.
    let declared = &ended.status["artifacts"]["outputArtifacts"];
    assert_eq!(declared[0]["url"], Value::Null, "{declared}");
    assert_eq!(declared[1]["url"], "s3://runs/reports/report");
    let problem = uploads(&ended)["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("`large`"), "{problem}");
    assert_clean(&server, &ended);
}
