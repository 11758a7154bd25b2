//! The kernel's own kills for want of memory, told from every other kill.

use std::path::{Path, PathBuf};
use std::process::Command;

use agent_tests::{DEADLINE, Run, binary, wait_until};
use serde_json::Value;

/// What the run may have: ten times what runner and fake agent need.
const LIMIT: &str = "67108864";

/// What no process of the run can have, in MB.
const TOO_MUCH: &str = "256";

/// A memory cgroup of this test; removed when dropped.
struct Cgroup(PathBuf);

impl Cgroup {
    /// Makes one below our own, so that every limit above us goes on to hold.
    ///
    /// A container sees its own cgroup as the root of the mount. v2 has memory limits below ours
    /// only where the controller is handed down; the root is the second choice there.
    fn new(name: &str) -> Result<Self, String> {
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut problem = "there is no memory controller".to_owned();
        for parent in parents(&groups) {
            let path = parent.join(format!("agent-tests-{}-{name}", std::process::id()));
            match Self::at(path.clone()) {
                Ok(group) => return Ok(group),
                Err(error) => problem = format!("`{}`: {error}", path.display()),
            }
        }
        Err(problem)
    }

    fn at(path: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir(&path)?;
        let group = Self(path);
        let v1 = group.0.join("memory.limit_in_bytes");
        if v1.exists() {
            std::fs::write(v1, LIMIT)?;
            // Without an account of swap there is none that could be limited.
            drop(std::fs::write(
                group.0.join("memory.memsw.limit_in_bytes"),
                LIMIT,
            ));
        } else {
            std::fs::write(group.0.join("memory.max"), LIMIT)?;
            drop(std::fs::write(group.0.join("memory.swap.max"), "0"));
        }
        Ok(group)
    }

    /// A run of which every process is in the group.
    fn run(&self) -> Run {
        let procs = self.0.join("cgroup.procs").display().to_string();
        let script = r#"echo $$ > "$0"; exec "$@""#;
        Run::new().through(["sh", "-euc", script, &procs])
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The kernel takes a moment to see that the last process has gone.
        let removed = wait_until(DEADLINE, || std::fs::remove_dir(&self.0).is_ok());
        assert!(
            removed || std::thread::panicking(),
            "`{}` stays",
            self.0.display()
        );
    }
}

fn parents(groups: &str) -> Vec<PathBuf> {
    let mut parents = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let mount = if controllers
            .split(',')
            .any(|controller| controller == "memory")
        {
            Path::new("/sys/fs/cgroup/memory")
        } else if controllers.is_empty() && Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
        {
            Path::new("/sys/fs/cgroup")
        } else {
            continue;
        };
        let own = mount.join(path.trim_start_matches('/'));
        let visible = own.is_dir();
        parents.extend(visible.then_some(own));
        if !visible || controllers.is_empty() {
            parents.push(mount.to_owned());
        }
    }
    parents
}

/// Makes the group, or says why the test cannot be done here; in CI that is a failure.
#[expect(clippy::print_stderr, reason = "a test that was not done must be seen")]
fn cgroup(name: &str) -> Option<Cgroup> {
    let problem = match Cgroup::new(name) {
        Ok(group) => return Some(group),
        Err(problem) => problem,
    };
    let ci = std::env::vars_os().any(|(name, value)| name == "CI" && !value.is_empty());
    assert!(!ci, "no memory cgroup can be made: {problem}");
    eprintln!("SKIPPED: no memory cgroup can be made: {problem}");
    None
}

#[test]
fn an_agent_that_the_kernel_kills_for_want_of_memory_is_oom_killed() {
    let Some(group) = cgroup("agent") else { return };
    let ended = group
        .run()
        .agent(["print", "hungry", "eat", TOO_MUCH, "hold"])
        .end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (137, "OomKilled"),
        "{}\n{}",
        ended.status,
        ended.stderr
    );
    assert!(ended.error().contains("memory"), "{}", ended.error());
    assert_eq!(ended.status["signal"], "SIGKILL");
    assert_eq!(ended.status["retryable"], true);
    assert_eq!(ended.status["process"]["oomKills"], 1);
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

#[test]
fn a_tool_that_is_killed_for_want_of_memory_is_a_warning_if_the_agent_copes() {
    let Some(group) = cgroup("tool") else { return };
    let script = format!(
        "'{}' eat {TOO_MUCH}; echo tool $?",
        binary("fake-agent").display()
    );
    let ended = group.run().shell(&script).end();
    assert_eq!(ended.text(), "tool 137\n");
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
    assert_eq!(ended.status["process"]["oomKills"], 1);
    assert!(
        ended.status["warnings"].to_string().contains("memory"),
        "{}",
        ended.status
    );
    ended.assert_the_controller_reads_it();
}

#[test]
fn an_agent_that_fails_because_its_tool_was_killed_for_want_of_memory_is_oom_killed() {
    let Some(group) = cgroup("code") else { return };
    let script = format!(
        "'{}' eat {TOO_MUCH}; exit $?",
        binary("fake-agent").display()
    );
    let ended = group.run().shell(&script).end();
    assert_eq!(
        (ended.code, ended.outcome(), ended.reason()),
        (137, "OomKilled", "ToolOomKilled")
    );
    assert_eq!(ended.status["signal"], Value::Null);
    ended.assert_the_controller_reads_it();
}

#[test]
fn a_kill_from_elsewhere_is_no_want_of_memory() {
    let Some(group) = cgroup("kill") else { return };
    let started = group.run().agent(["eat", "8", "ready", "hold"]).start();
    started.await_stdout("ready");
    let agent = started.descendants()[0].0.to_string();
    let killed = Command::new("kill").args(["-KILL", &agent]).status();
    assert!(killed.expect("kill can be run").success());
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (137, "Killed"),
        "{}",
        ended.status
    );
    assert_eq!(ended.status["process"].get("oomKills"), None);
    ended.assert_the_controller_reads_it();
}
