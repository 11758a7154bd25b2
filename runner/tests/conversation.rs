//! An agent and its session, supervised: a shell script at one end, a script of actions at the
//! other. One after the other, because a supervisor takes every child of its process for its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agent_plan::env::Environment;
use agent_plan::outcome::{Exit, Outcome, StopCause, Verdict};
use agent_plan::plan::{
    Budget, CodexExecPlan, Conversation, CostLimits, ProcessPlan, Stdin, Timers,
};
use agent_plan::provider::{Action, Means, Report, Session, Signals, StopStep, Timer};
use agent_plan::secret::{Found, Patterns, Redactor};
use agent_runner::process::{Log, Supervised, Surroundings, supervise};
use agent_runner::shutdown::Shutdown;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// What nobody waits for who does what he should.
const LONG: Duration = Duration::from_mins(1);

static ALONE: Mutex<()> = Mutex::new(());

type OnLine = dyn Fn(&str) -> Vec<Action> + Send;

/// A session that a test scripts.
struct Scripted {
    start: Vec<Action>,
    on_line: Box<OnLine>,
    steps: Vec<StopStep>,
    heard: Arc<Mutex<Vec<String>>>,
    report: Report,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Scripted")
    }
}

impl Session for Scripted {
    fn on_start(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.start)
    }

    fn on_line(&mut self, line: &str) -> Vec<Action> {
        self.report.known_events += 1;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(line.to_owned());
        (self.on_line)(line)
    }

    fn on_timer(&mut self, _: Timer) -> Vec<Action> {
        us(Signal::SIGHUP)
    }

    fn on_stop(&mut self) -> Vec<StopStep> {
        std::mem::take(&mut self.steps)
    }

    fn signals(&self) -> Signals {
        Signals::Translated
    }

    fn reads_lines(&self) -> bool {
        true
    }

    fn report(&self) -> &Report {
        &self.report
    }
}

/// Sends a signal to the runner, which is this process; an action that does nothing else.
fn us(signal: Signal) -> Vec<Action> {
    kill(Pid::this(), signal).expect("we may send it to ourselves");
    Vec::new()
}

fn step(means: Means, patience: Duration) -> StopStep {
    StopStep { means, patience }
}

fn verdict(outcome: Outcome, reason: &str) -> Verdict {
    Verdict::new(outcome, reason, None)
}

/// A run of a shell script.
struct Run {
    script: String,
    start: Vec<Action>,
    steps: Vec<StopStep>,
    log: Option<PathBuf>,
    limit: Option<u64>,
    redactor: Redactor,
    report: Report,
}

/// What became of it.
struct Ended {
    agent: Supervised,
    heard: Vec<String>,
    stops: Vec<(StopCause, Option<Verdict>, u64)>,
    took: Duration,
}

impl Run {
    fn of(script: &str) -> Self {
        Self {
            script: script.to_owned(),
            start: Vec::new(),
            steps: Vec::new(),
            log: None,
            limit: None,
            redactor: Redactor::none(),
            report: Report::default(),
        }
    }

    fn start(mut self, actions: Vec<Action>) -> Self {
        self.start = actions;
        self
    }

    fn steps(mut self, steps: Vec<StopStep>) -> Self {
        self.steps = steps;
        self
    }

    fn end(self, on_line: impl Fn(&str) -> Vec<Action> + Send + 'static) -> Ended {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = ProcessPlan {
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), self.script],
            env: Environment::new([("PATH".into(), "/bin:/usr/bin".into())]),
            rendered: Vec::new(),
            cwd: "/".into(),
            stdin: Stdin::Session,
            conversation: Conversation::CodexExec(CodexExecPlan::default()),
            limits: CostLimits::default(),
            reasoning: false,
            timers: Timers::default(),
        };
        let heard = Arc::default();
        let session = Scripted {
            start: self.start,
            on_line: Box::new(on_line),
            steps: self.steps,
            heard: Arc::clone(&heard),
            report: self.report,
        };
        let log = self.log.map_or_else(Log::none, |path| {
            Log::open(&path, self.limit, || Err(std::io::ErrorKind::Other.into()))
        });
        let surroundings = Surroundings {
            budget: Budget::divide(LONG, None).expect("it is long enough"),
            redactor: self.redactor,
            log: Arc::new(log),
            session: Box::new(session),
            events: agent_runner::events::Events::none(),
        };
        let mut stops = Vec::new();
        let begun = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let agent = runtime.expect("a runtime can be made").block_on(async {
            let mut shutdown = Shutdown::install().expect("handlers can be installed");
            let mut on_stop = |cause, verdict: Option<&Verdict>, report: &Report| {
                stops.push((cause, verdict.cloned(), report.known_events));
            };
            supervise(&plan, surroundings, &mut shutdown, &mut on_stop).await
        });
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ended {
            agent: agent.expect("a shell can be started"),
            heard,
            stops,
            took: begun.elapsed(),
        }
    }
}

/// Ends a script that waits for its stop: it must not last for ever if there is none.
const WAIT: &str = "i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done";

#[test]
fn a_prompt_of_megabytes_reaches_an_agent_that_writes_meanwhile() {
    let prompt = "p".repeat(4 << 20);
    let actions = vec![Action::Write(prompt.clone()), Action::CloseStdin];
    let ended = Run::of("cat").start(actions).end(|_| Vec::new());
    assert_eq!(ended.agent.exit, Some(Exit::Code(0)));
    assert!(ended.heard == [prompt], "it comes back whole");
    assert_eq!(ended.agent.report.known_events, 1);
    assert_eq!(ended.agent.stopped, None);
}

#[test]
fn an_agent_that_closes_its_stdin_is_no_failure() {
    let actions = vec![Action::Write("p".repeat(1 << 20)), Action::CloseStdin];
    let ended = Run::of("exec <&-; echo closed; exit 5")
        .start(actions)
        .end(|_| vec![Action::Write("more".to_owned())]);
    assert_eq!(ended.agent.exit, Some(Exit::Code(5)));
    assert_eq!(ended.heard, ["closed"]);
}

#[test]
fn the_steps_of_a_stop_follow_each_other_and_lines_go_on_coming() {
    let script = format!(
        "trap 'echo term; exit 7' TERM; echo ready; read line; echo \"$line\"; cat; echo eof; {WAIT}"
    );
    let soon = Duration::from_millis(300);
    let steps = vec![
        step(Means::Write("interrupt".to_owned()), soon),
        step(Means::CloseStdin, soon),
        step(Means::Signal(Signal::SIGTERM as i32), LONG),
    ];
    let ended = Run::of(&script).steps(steps).end(|line| match line {
        "ready" => us(Signal::SIGINT),
        "interrupt" => vec![Action::Finish(Verdict::completed())],
        _ => Vec::new(),
    });
    assert_eq!(ended.heard, ["ready", "interrupt", "eof", "term"]);
    assert_eq!(ended.agent.exit, Some(Exit::Code(7)));
    let cause = StopCause::Signal(Signal::SIGINT as i32);
    assert_eq!(ended.agent.stopped, Some(cause));
    assert_eq!(ended.stops, [(cause, None, 1)], "told of once");
    assert_eq!(ended.agent.verdict, Some(Verdict::completed()));
    assert!(!ended.agent.killed);
}

#[test]
fn after_the_last_patience_comes_kill() {
    let script = format!("trap '' TERM; echo ready; {WAIT}");
    let soon = Duration::from_millis(50);
    let steps = vec![
        step(Means::CloseStdin, soon),
        step(Means::Signal(Signal::SIGTERM as i32), soon),
    ];
    let ended = Run::of(&script).steps(steps).end(|line| match line {
        "ready" => us(Signal::SIGTERM),
        _ => Vec::new(),
    });
    assert_eq!(ended.agent.exit, Some(Exit::Signal(Signal::SIGKILL as i32)));
    assert!(ended.agent.killed);
    assert!(ended.took < LONG / 4, "the grace is longer");
}

#[test]
fn a_second_request_skips_every_patience() {
    let script = format!("trap 'echo trapped' TERM; echo ready; read line; echo asked; {WAIT}");
    let steps = vec![step(Means::Write("interrupt".to_owned()), LONG / 2)];
    let ended = Run::of(&script).steps(steps).end(|line| match line {
        "ready" | "asked" => us(Signal::SIGTERM),
        _ => Vec::new(),
    });
    assert_eq!(ended.heard, ["ready", "asked"]);
    assert!(ended.agent.killed);
    assert!(ended.took < LONG / 4, "{:?}", ended.took);
}

#[test]
fn a_hopeless_run_is_stopped_and_a_better_verdict_still_counts() {
    let script = "echo hopeless; read line; echo better; exit 1";
    let steps = vec![step(Means::Write("interrupt".to_owned()), LONG / 2)];
    let auth = verdict(Outcome::AuthFailed, "Auth");
    let better = verdict(Outcome::RateLimited, "RateLimit");
    let (first, second) = (auth.clone(), better.clone());
    let ended = Run::of(script).steps(steps).end(move |line| match line {
        "hopeless" => vec![Action::Stop(first.clone())],
        "better" => vec![Action::Finish(second.clone())],
        _ => Vec::new(),
    });
    assert_eq!(ended.agent.stopped, Some(StopCause::Hopeless));
    assert_eq!(ended.stops, [(StopCause::Hopeless, Some(auth), 1)]);
    assert_eq!(ended.agent.verdict, Some(better));
    assert_eq!(ended.agent.exit, Some(Exit::Code(1)));
}

#[test]
fn without_steps_a_stop_is_a_signal_to_the_group() {
    // The child would write on, and keep the shell waiting, if only the shell got the signal.
    let script = "trap 'echo shell; wait; exit 3' TERM; (trap 'echo child; exit' TERM; echo ready; \
                  while :; do sleep 0.1; done) & while :; do sleep 0.1; done";
    let ended = Run::of(script).end(|line| match line {
        "ready" => us(Signal::SIGTERM),
        _ => Vec::new(),
    });
    let mut heard = ended.heard;
    heard.sort();
    assert_eq!(heard, ["child", "ready", "shell"]);
    assert_eq!(ended.agent.exit, Some(Exit::Code(3)));
}

#[test]
fn hup_is_translated_and_usr1_kept_from_the_agent() {
    let script = format!(
        "trap 'echo usr1' USR1; trap 'echo hup' HUP; trap 'echo term; exit 3' TERM; echo ready; {WAIT}"
    );
    let steps = vec![step(Means::Signal(Signal::SIGTERM as i32), LONG / 2)];
    let ended = Run::of(&script).steps(steps).end(|line| match line {
        "ready" => {
            us(Signal::SIGUSR1);
            // HUP comes from the timer, when USR1 has long been looked at.
            vec![Action::SetTimer(
                Timer::Quiet,
                Some(Duration::from_millis(200)),
            )]
        }
        _ => Vec::new(),
    });
    assert_eq!(ended.heard, ["ready", "term"]);
    let cause = StopCause::Signal(Signal::SIGHUP as i32);
    assert_eq!(ended.agent.stopped, Some(cause));
    assert_eq!(ended.agent.forwarded, Vec::<i32>::new());
}

/// The records of a log, without their times.
fn records(path: &Path) -> Vec<Value> {
    let log = std::fs::read_to_string(path).expect("there is a log, of text");
    let records = log.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).expect("every line is JSON");
        let time = record
            .as_object_mut()
            .and_then(|fields| fields.remove("ts"));
        assert!(time.is_some_and(|time| time.is_string()), "{line}");
        record
    });
    records.collect()
}

#[test]
fn the_log_of_a_cli_has_an_object_per_line() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let path = dir.path().join("runner.log");
    let script = "echo '{\"type\":\"a\"}'; echo plain; echo warning >&2; printf '{\"type\":\"b\"}'";
    let mut run = Run::of(script);
    run.log = Some(path.clone());
    let ended = run.end(|_| Vec::new());
    let mut records = records(&path);
    // The two streams have threads of their own.
    records.sort_by_key(|record| record.get("stderr").is_some());
    let wanted = [
        json!({"event": {"type": "a"}}),
        json!({"stdout": "plain"}),
        json!({"stdout": "{\"type\":\"b\"}"}),
        json!({"stderr": "warning"}),
    ];
    assert_eq!(records, wanted);
    assert_eq!(ended.heard, ["{\"type\":\"a\"}", "plain"]);
    assert_eq!(ended.agent.last_line.as_deref(), Some("warning"));
    // Nothing was shown, so nothing that should have been is lost.
    assert_eq!(ended.agent.mirror_lost, 0);
    assert_eq!(ended.agent.output_bytes, 13 + 6 + 8 + 12);
}

#[test]
fn a_log_of_objects_ends_behind_one() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let path = dir.path().join("runner.log");
    let mut run = Run::of("for i in 1 2 3 4; do echo \"line $i\"; sleep 0.05; done");
    // Two records of 51 bytes and a part of a third.
    (run.log, run.limit) = (Some(path.clone()), Some(130));
    run.end(|_| Vec::new());
    let wanted = [
        json!({"stdout": "line 1"}),
        json!({"stdout": "line 2"}),
        json!({"runner": "the log ends here, at its limit of 130 bytes"}),
    ];
    assert_eq!(records(&path), wanted);
}

/// What replaces this secret.
fn redactor(value: &str) -> Redactor {
    let found = Found {
        name: "DB_PASSWORD".to_owned(),
        value: value.into(),
    };
    Redactor::new(vec![found], Patterns::On)
}

#[test]
fn a_session_hears_what_the_agent_said_and_the_log_does_not() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let path = dir.path().join("runner.log");
    for (secret, line) in [
        ("success", "{\"subtype\":\"success\"}"),
        ("1234567", "{\"tokens\":1234567}"),
    ] {
        let mut run = Run::of(&format!("echo '{line}'"));
        run.log = Some(path.clone());
        run.redactor = redactor(secret);
        run.report.result = Some(format!("all {secret}"));
        run.report.warn(format!("no {secret}"));
        let failure = Verdict::new(Outcome::AgentFailed, "Failed", Some(secret.to_owned()));
        let ended = run.end(move |_| vec![Action::Finish(failure.clone())]);
        assert_eq!(ended.heard, [line]);
        let log = std::fs::read_to_string(&path).expect("there is a log");
        assert!(log.contains("[REDACTED:DB_PASSWORD]"), "{log}");
        assert!(!log.contains(secret), "{log}");
        let message = ended.agent.verdict.and_then(|verdict| verdict.message);
        assert_eq!(message.as_deref(), Some("[REDACTED:DB_PASSWORD]"));
        let report = ended.agent.report;
        assert_eq!(report.result.as_deref(), Some("all [REDACTED:DB_PASSWORD]"));
        assert_eq!(report.warnings, ["no [REDACTED:DB_PASSWORD]"]);
        std::fs::remove_file(&path).expect("it is ours");
    }
}

#[test]
fn events_that_nobody_understood_are_one_warning() {
    for (count, wanted) in [
        (0, None),
        (1, Some("1 event of the agent was not understood")),
        (3, Some("3 events of the agent were not understood")),
    ] {
        let mut run = Run::of("echo line");
        run.report.unknown_events = count;
        let ended = run.end(|_| Vec::new());
        assert_eq!(ended.agent.report.warnings, Vec::from_iter(wanted));
    }
}

#[test]
fn an_agent_that_asks_and_never_reads_is_stopped() {
    let ended = Run::of("yes ask | head -n 500; sleep 30").end(|_| {
        let answer = "x".repeat(64 << 10);
        vec![Action::Write(answer)]
    });
    assert_eq!(ended.agent.stopped, Some(StopCause::Hopeless));
    let verdict = ended.agent.verdict.expect("there is one");
    assert_eq!(
        (verdict.outcome, verdict.reason.as_str()),
        (Outcome::AgentFailed, "NotReading")
    );
    let message = verdict.message.unwrap_or_default();
    assert!(message.contains("does not read its stdin"), "{message}");
}

#[test]
fn the_last_line_of_a_killed_agent_reaches_a_slow_session() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let written = dir.path().join("written");
    // The lines fill the channel to the session, the last ones wait behind it.
    let script = format!(
        "trap '' TERM; long=$(head -c 10000 /dev/zero | tr '\\0' x); echo first; read line; \
         i=0; while [ $i -lt 111 ]; do echo $long; i=$((i+1)); done; echo last; : > {}; {WAIT}",
        written.display()
    );
    let steps = vec![step(Means::Write("interrupt".to_owned()), LONG / 2)];
    let long = Mutex::new(0);
    let ended = Run::of(&script).steps(steps).end(move |line| {
        if line == "first" {
            return us(Signal::SIGTERM);
        }
        let mut long = long.lock().unwrap_or_else(PoisonError::into_inner);
        *long += 1;
        match *long {
            1 => {
                let until = Instant::now() + LONG;
                while !written.exists() && Instant::now() < until {
                    std::thread::yield_now();
                }
                us(Signal::SIGTERM);
            }
            // A session that takes its time: longer than a thread that hangs is waited for.
            2..=5 => std::thread::sleep(Duration::from_millis(1200)),
            _ => return Vec::new(),
        }
        yield_soon();
        Vec::new()
    });
    assert!(ended.agent.killed);
    assert_eq!(ended.heard.len(), 1 + 111 + 1);
    assert_eq!(ended.heard.last().map(String::as_str), Some("last"));
}

/// Has the runtime look at signals and at children before the next line is taken.
fn yield_soon() {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while std::pin::pin!(tokio::task::consume_budget())
        .poll(&mut context)
        .is_ready()
    {}
}
