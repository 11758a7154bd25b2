//! PID 1 of a namespace, as in a container; and a subreaper where something else is PID 1.

use std::time::Duration;

use agent_tests::{DEADLINE, Run, Started, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

/// Double forks in the long test: a CI job's worth of shells that lose their children.
const MANY: &str = "10000";

/// A run whose runner is PID 1 in a PID namespace of its own.
fn as_pid_1(run: Run) -> Run {
    // Others than root may only make one in a user namespace, in which they are root.
    let unshare = if geteuid().is_root() { "-pf" } else { "-Urpf" };
    run.through(["unshare", unshare, "--kill-child", "--mount-proc"])
}

/// The runner's own id, seen from outside its namespace.
#[track_caller]
fn runner_of(started: &Started) -> Pid {
    let descendants = started.descendants();
    let runner = descendants.iter().find(|(_, name)| name == "agent-runner");
    Pid::from_raw(runner.expect("unshare has started the runner").0)
}

/// Counts the zombies among the children of a process.
fn zombies_of(parent: Pid) -> usize {
    let zombie = format!("Z {parent} ");
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter(|stat| {
            stat.rsplit_once(") ")
                .is_some_and(|(_, after)| after.starts_with(&zombie))
        })
        .count()
}

#[test]
fn the_runner_is_pid_1_and_the_agent_its_child() {
    let ended = as_pid_1(Run::new())
        .shell("cat /proc/1/comm; echo $PPID")
        .end();
    assert_eq!(ended.text(), "agent-runner\n1\n");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_the_controller_reads_it();
}

#[test]
fn pid_1_reaps_orphans_while_the_agent_runs() {
    let ended = as_pid_1(Run::new())
        .agent(["orphans", "50", "zombies", "30000", "exit", "7"])
        .end();
    assert_eq!(
        (ended.text().as_str(), ended.code),
        ("0 zombies\n", 7),
        "{}",
        ended.stderr
    );
}

#[test]
fn pid_1_has_no_zombie_after_ten_thousand_double_forks() {
    let ended = as_pid_1(Run::new())
        .agent(["orphans", MANY, "zombies", "30000", "exit", "7"])
        .end();
    assert_eq!(
        (ended.text().as_str(), ended.code),
        ("0 zombies\n", 7),
        "{}",
        ended.stderr
    );
    assert_eq!(
        ended.status["process"].get("leftoverCount"),
        None,
        "{}",
        ended.status
    );
}

#[test]
fn a_subreaper_reaps_orphans_while_the_agent_runs() {
    let steps = ["orphans", "500", "ready", "await", "over", "exit", "7"];
    let started = Run::new().agent(steps).start();
    started.await_stdout("ready");
    let runner = started.pid();
    assert!(
        wait_until(DEADLINE, || zombies_of(runner) == 0),
        "{} zombies",
        zombies_of(runner)
    );
    std::fs::write(started.path("over"), "").expect("a file can be made");
    assert_eq!(started.end().code, 7);
}

#[test]
fn as_pid_1_an_orphan_that_ends_after_the_agent_does_not_take_its_code() {
    let script = "(sh -c 'exit 9' &) ; (sh -c 'kill -KILL $$' &) ; exit 7";
    let ended = as_pid_1(Run::new()).shell(script).end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (7, "AgentFailed"),
        "{}",
        ended.status
    );
    ended.assert_the_controller_reads_it();
}

#[test]
fn as_pid_1_every_stop_reaches_the_agent() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let name = &signal.as_str()[3..];
        let steps = [
            "spawn", "setsid", "hold", ";", "trap", name, "5", "ready", "hold",
        ];
        let started = as_pid_1(Run::new()).agent(steps).start();
        started.await_stdout("ready");
        kill(runner_of(&started), signal).expect("the runner is there");
        let ended = started.end();
        assert_eq!(
            (ended.code, ended.outcome()),
            (128 + signal as i32, "Cancelled"),
            "{}",
            ended.status
        );
        assert_eq!(
            ended.status["process"]["exitCode"], 5,
            "the agent got it as itself"
        );
        ended.assert_the_controller_reads_it();
        assert_eq!(ended.survivors(), []);
    }
}

#[test]
fn as_pid_1_an_agent_that_dies_of_a_signal_is_128_and_the_signal() {
    for (signal, code) in [("KILL", 137), ("SEGV", 139), ("TERM", 143)] {
        let ended = as_pid_1(Run::new())
            .shell(&format!("ulimit -c 0; kill -{signal} $$"))
            .end();
        assert_eq!(ended.code, code, "{}", ended.status);
        assert_eq!(ended.status["signal"], format!("SIG{signal}"));
        ended.assert_the_controller_reads_it();
    }
}

#[test]
fn when_pid_1_is_killed_nothing_of_the_run_is_left() {
    let steps = [
        "spawn", "setsid", "ignore", "TERM", "ready", "hold", ";", "hold",
    ];
    let started = as_pid_1(Run::new()).agent(steps).start();
    started.await_stdout("ready");
    kill(runner_of(&started), Signal::SIGKILL).expect("the runner is there");
    assert_eq!(started.end().survivors(), []);
}

#[test]
fn with_the_proc_of_another_namespace_no_stranger_is_taken_for_a_leftover() {
    let unshare = if geteuid().is_root() { "-pf" } else { "-Urpf" };
    let through: [&[&str]; 2] = [
        &["unshare", unshare, "--kill-child"],
        // Its id is 3 there, which outside is somebody else's.
        &[
            "unshare",
            unshare,
            "--kill-child",
            "sh",
            "-c",
            "(:); \"$@\"; exit $?",
            "sh",
        ],
    ];
    for prefix in through {
        let ended = Run::new()
            .through(prefix.iter().copied())
            .shell("sleep 31 & exit 0")
            .end();
        assert_eq!(
            (ended.code, ended.outcome()),
            (0, "Completed"),
            "{}\n{}",
            ended.status,
            ended.stderr
        );
        let process = &ended.status["process"];
        assert_eq!(process.get("leftoverCount"), None, "{}", ended.status);
        assert_eq!(process.get("killed"), None, "{}", ended.status);
        let warnings = ended.status["warnings"].to_string();
        assert!(warnings.contains("could not be listed"), "{warnings}");
        assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
    }
}
