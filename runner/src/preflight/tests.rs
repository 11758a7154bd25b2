mod credentials;
mod places;
mod versions;

use super::*;
use agent_plan::env::Environment;
use agent_plan::plan::{ClaudePlan, CodexExecPlan, Conversation, CostLimits, Stdin, Timers};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;

#[expect(clippy::unnecessary_wraps, reason = "it stands for one that may fail")]
fn scratch() -> std::io::Result<PathBuf> {
    static SCRATCH: OnceLock<tempfile::TempDir> = OnceLock::new();
    let directory = SCRATCH.get_or_init(|| tempfile::tempdir().expect("a directory can be made"));
    Ok(directory.path().to_owned())
}

/// A directory with a home, and the plan of a CLI that lives there.
struct Pod {
    dir: tempfile::TempDir,
    plan: ProcessPlan,
}

impl Pod {
    fn new(conversation: Conversation) -> Self {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let plan = ProcessPlan {
            program: "/bin/agent".into(),
            args: Vec::new(),
            env: Environment::default(),
            rendered: Vec::new(),
            cwd: dir.path().to_owned(),
            stdin: Stdin::Empty,
            conversation,
            limits: CostLimits::default(),
            reasoning: false,
            timers: Timers::default(),
        };
        let home = dir.path().to_owned();
        Self { dir, plan }.env("HOME", home)
    }

    /// Claude itself, as far as the name goes.
    fn claude() -> Self {
        let pod = Self::new(Conversation::Claude(Box::<ClaudePlan>::default()));
        pod.named("/nonexistent/bin/claude")
    }

    fn codex() -> Self {
        let pod = Self::new(Conversation::CodexExec(CodexExecPlan::default()));
        pod.named("/nonexistent/bin/codex")
    }

    fn named(mut self, program: &str) -> Self {
        self.plan.program = program.into();
        self
    }

    fn args(mut self, args: &[&str]) -> Self {
        self.plan.args = args.iter().copied().map(str::to_owned).collect();
        self
    }

    fn env(mut self, name: &str, value: impl Into<std::ffi::OsString>) -> Self {
        self.plan.env.set(name, value.into());
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        fs::write(path, content).expect("it can be written");
        self
    }

    fn program(mut self, name: &str, script: &str) -> Self {
        let path = self.dir.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("it can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        self.plan.program = path;
        self
    }

    fn look(&self) -> Result<Ready, PreflightError> {
        look(&self.plan, &Cancel::default(), scratch)
    }

    #[track_caller]
    fn told(&self) -> String {
        self.look().expect("nothing is certain").warnings.join("; ")
    }
}

#[test]
fn a_temporary_directory_that_cannot_be_made_is_replaced() {
    let pod = Pod::claude()
        .env("ANTHROPIC_API_KEY", "k")
        .env("TMPDIR", "/proc/nonexistent/tmp");
    let ready = pod.look().expect("it goes on");
    let names: Vec<_> = ready
        .variables
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["TMPDIR"]);
}

#[test]
fn an_agent_that_is_no_cli_is_left_alone() {
    let pod = Pod::new(Conversation::Raw).env("HOME", "/nonexistent/home");
    let ready = pod.look().expect("nothing is looked at");
    assert!(ready.variables.is_empty() && ready.warnings.is_empty());
}
