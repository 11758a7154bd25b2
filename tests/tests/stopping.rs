//! What ends when the agent ends or is stopped: everything, within the budget, and counted.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use agent_tests::{DEADLINE, Ended, Run, binary, descendants_of, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// The shortest grace that is a useful one: 2 s for the status, 0.67 s for the agent.
const SHORT_GRACE: f64 = 3.0;

/// An agent that leaves three kinds of process behind, and goes on with `then` once all are there.
fn that_leaves_behind(then: &str) -> Run {
    let fake = binary("fake-agent").display().to_string();
    Run::new().shell(&format!(
        "agent='{fake}'
         $agent ignore TERM touch grandchild hold &
         $agent setsid ignore TERM touch escapee hold &
         ( ( $agent setsid touch daemon hold & ) )
         $agent await grandchild await escapee await daemon
         {then}"
    ))
}

#[track_caller]
fn assert_all_were_named(ended: &Ended) {
    let process = &ended.status["process"];
    assert_eq!(process["leftoverCount"], 3, "{}", ended.status);
    let names = process["leftovers"].as_array().expect("they are named");
    assert_eq!(names.len(), 3);
    for name in names {
        assert!(
            name.as_str()
                .is_some_and(|name| name.starts_with("fake-agent (")),
            "{name}"
        );
    }
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

#[test]
fn what_outlives_the_agent_is_stopped_counted_and_named() {
    let ended = that_leaves_behind("exit 0").end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
    assert_eq!(
        ended.status["process"]["killed"], true,
        "two of them ignore TERM"
    );
    assert_all_were_named(&ended);
}

#[test]
fn what_outlives_a_stopped_agent_is_stopped_counted_and_named() {
    let started = that_leaves_behind("echo ready; exec $agent hold").start();
    started.await_stdout("ready");
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.status
    );
    assert_eq!(
        ended.status["signal"], "SIGTERM",
        "the agent itself ended on TERM"
    );
    assert_all_were_named(&ended);
}

#[test]
fn an_agent_that_ignores_term_is_killed_after_its_grace_with_all_it_started() {
    let run = that_leaves_behind("exec $agent ignore TERM print ready hold");
    let started = run.grace(SHORT_GRACE).start();
    started.await_stdout("ready");
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    let took = asked.elapsed();
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.status
    );
    assert_eq!(ended.status["process"]["killed"], true);
    assert_eq!(ended.status["signal"], "SIGKILL");
    // Two thirds of the second that the status reserve leaves.
    assert!(
        took >= Duration::from_millis(660),
        "it had its grace: {took:?}"
    );
    assert!(
        took < Duration::from_secs(3),
        "within the pod's grace: {took:?}"
    );
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

#[test]
fn a_stop_leaves_the_status_its_reserve() {
    // The agent uses up most of its two seconds, and leaves something that ignores TERM.
    let script = format!(
        "trap 'sleep 1.5; exit 0' TERM
         '{}' setsid ignore TERM print ready hold &
         while :; do sleep 0.01; done",
        binary("fake-agent").display()
    );
    let run = Run::new()
        .grace(4.0)
        .setting("graceSeconds", json!(2))
        .shell(&script);
    let started = run.start();
    started.await_stdout("ready");
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    let took = asked.elapsed();
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.status
    );
    assert_eq!(ended.status["process"]["leftoverCount"], 1);
    // Two seconds for the agent, none for the flush; the other two are the status's.
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(ended.survivors(), []);
}

#[test]
fn the_last_line_of_a_background_job_is_in_the_log() {
    let ended = Run::new()
        .agent([
            "spawn", "sleep", "200", "print", "late", "hold", ";", "print", "early",
        ])
        .end();
    assert_eq!(ended.text(), "early\nlate\n");
    assert_eq!(ended.log, b"early\nlate\n");
    assert_eq!(
        (ended.code, &ended.status["process"]["leftoverCount"]),
        (0, &json!(1))
    );
    // A second to finish by itself, and TERM is enough for it.
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
}

#[test]
fn a_background_job_that_ends_by_itself_is_no_leftover() {
    let ended = Run::new()
        .agent(["spawn", "sleep", "100", "print", "late", ";"])
        .end();
    assert_eq!(ended.log, b"late\n");
    assert_eq!(
        ended.status["process"].get("leftoverCount"),
        None,
        "{}",
        ended.status
    );
}

#[test]
fn a_flood_that_ignores_term_is_stopped_within_the_budget() {
    let run = Run::new()
        .grace(SHORT_GRACE)
        .setting("log/maxBytes", json!(1 << 20));
    let null = File::options()
        .write(true)
        .open("/dev/null")
        .expect("there is a /dev/null");
    let started = run
        .stdout(null)
        .agent(["touch", "begun", "ignore", "TERM", "flood"])
        .start();
    started.await_file(started.path("begun"));
    let log = started.path("agent/runner.log");
    let flooded = || std::fs::metadata(&log).is_ok_and(|log| log.len() >= 1 << 20);
    assert!(wait_until(DEADLINE, flooded), "it never flooded");
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.status
    );
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(ended.survivors(), []);
}

#[test]
fn a_flood_that_nobody_reads_is_stopped_within_the_budget() {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    let run = Run::new().grace(SHORT_GRACE).stdout(Stdio::from(writer));
    let started = run
        .agent(["ignore", "TERM", "touch", "begun", "flood"])
        .start();
    started.await_file(started.path("begun"));
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.status
    );
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    assert!(
        ended.status["process"]["mirrorBytesLost"].is_number(),
        "{}",
        ended.status
    );
    assert_eq!(ended.survivors(), []);
    drop(reader);
}

#[test]
fn a_second_term_skips_ahead_also_when_nobody_reads() {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    let started = Run::new()
        .stdout(Stdio::from(writer))
        .agent(["ignore", "TERM", "touch", "begun", "flood"])
        .start();
    started.await_file(started.path("begun"));
    started.signal(Signal::SIGTERM);
    // Written when the stop begins.
    started.await_file(started.path("agent/status.json"));
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    let took = asked.elapsed();
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.status
    );
    // A stalled reader would be given 10 s otherwise.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(ended.survivors(), []);
    drop(reader);
}

#[test]
fn a_term_after_a_timeout_does_not_make_it_a_cancellation() {
    let started = Run::new()
        .grace(4.0)
        .setting("timeouts/total", json!("50ms"))
        .agent(["ignore", "TERM", "hold"])
        .start();
    let path = started.path("agent/status.json");
    let word = || {
        let text = std::fs::read(&path).unwrap_or_default();
        let status: Value = serde_json::from_slice(&text).unwrap_or_default();
        status["status"].as_str().map(str::to_owned)
    };
    assert!(wait_until(DEADLINE, || word().is_some()), "no status came");
    started.signal(Signal::SIGTERM);
    // To the end of its grace, what is there at any moment is what would be left if we were killed.
    let agent = started.pid();
    let over = || {
        assert_ne!(word().as_deref(), Some("cancelled"));
        descendants_of(agent.as_raw()).is_empty()
    };
    assert!(wait_until(DEADLINE, over), "it never ended");
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (124, "Timeout"),
        "{}",
        ended.status
    );
}

#[test]
fn without_a_proc_the_agents_group_is_stopped_and_the_doubt_is_told() {
    let ended = Run::new()
        .shell("sleep 31 & exit 0")
        .mounting("mount -t tmpfs nothing /proc")
        .end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}\n{}",
        ended.status,
        ended.stderr
    );
    assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
    assert_eq!(ended.survivors(), []);
    let warnings = ended.status["warnings"].to_string();
    assert!(warnings.contains("could not be listed"), "{warnings}");
}

#[test]
fn a_shortage_of_descriptors_leaves_nothing_running() {
    let mut short = 0;
    // From too few for anything to enough for all.
    for limit in 6..32 {
        let preparation = format!("ulimit -n {limit}; exec \"$@\"");
        let ended = Run::new()
            .through(["sh", "-c", &preparation, "sh"])
            .agent(["spawn", "setsid", "hold", ";", "exit", "0"])
            .end();
        assert_eq!(ended.survivors(), [], "with {limit}: {}", ended.status);
        assert_ne!(
            ended.reason(),
            "StartFailed",
            "with {limit}: {}",
            ended.status
        );
        if ended.reason() == "NoResources" {
            assert_eq!(
                (ended.code, ended.outcome(), &ended.status["retryable"]),
                (74, "WorkspaceFailed", &json!(true)),
                "{}",
                ended.status
            );
            short += 1;
        }
    }
    assert!(short > 0, "no limit was too low for the start of the agent");
}
