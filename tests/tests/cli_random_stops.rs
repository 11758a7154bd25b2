//! A stop at any moment: whatever the CLI does just then, nothing survives and the status is true.

use std::time::{Duration, Instant};

use agent_tests::{Cli, DEADLINE, Ended, ModelApi, Started, Step, wait_until};
use nix::sys::signal::Signal;

/// How many stops per CLI, if this variable does not say it.
const STOPS: &str = "AGENT_TESTS_STOPS";
const FEW: u32 = 6;

/// The pod's grace, in seconds.
const GRACE: f64 = 10.0;

/// The moments are spread over as long as a run takes, start to end.
const SPREAD: Duration = Duration::from_millis(2500);

/// How many of them at once, per CLI: a machine that is too busy never gets as far as a tool.
const LANES: u32 = 2;

/// Numbers that look random and are the same every time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    /// Returns a moment of the spread.
    fn moment(&mut self) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let micros = u64::try_from(SPREAD.as_micros()).expect("it is short");
        Duration::from_micros(mixed % micros)
    }
}

/// What became of the runs.
#[derive(Debug, Default)]
struct Tally {
    cancelled: u32,
    succeeded: u32,
    with_session: u32,
    with_tools: u32,
    killed: u32,
    leftovers: usize,
    longest: Duration,
}

/// Starts a session that runs two tools, one of which leaves something behind and one of which does
/// not listen.
fn start(cli: Cli, api: &ModelApi) -> Option<Started> {
    let started = cli.run(api)?.grace(GRACE).start();
    // A signal to a process without handlers ends it, and that is the kernel's doing.
    let status = format!("/proc/{}/status", started.pid());
    let term = 1_u64 << (Signal::SIGTERM as u32 - 1);
    let holds = || {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let masks = status.lines().filter_map(|line| {
            let mask = line
                .strip_prefix("SigBlk:")
                .or(line.strip_prefix("SigCgt:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        });
        masks.fold(0, |all, mask| all | mask) & term != 0
    };
    assert!(wait_until(DEADLINE, holds), "it never holds signals back");
    Some(started)
}

fn script() -> [Step; 3] {
    [
        Step::shell("setsid sleep 301 > /dev/null 2>&1 & sleep 0.4"),
        Step::shell("trap '' TERM INT HUP; sleep 0.4; sleep 0.1"),
        Step::text("Done."),
    ]
}

/// The id that the CLI has said, with which its session can be resumed.
fn said_session(cli: Cli, ended: &Ended) -> Option<String> {
    let log = String::from_utf8_lossy(&ended.log);
    let mark = match cli {
        Cli::Claude => r#""session_id":""#,
        Cli::CodexExec => r#""thread_id":""#,
        Cli::AppServer => r#""thread":{"id":""#,
    };
    let (_, rest) = log.split_once(mark)?;
    rest.split('"').next().map(str::to_owned)
}

#[track_caller]
fn stop_at(cli: Cli, moment: Duration, tally: &mut Tally) -> Option<()> {
    let api = ModelApi::start(script());
    let started = start(cli, &api)?;
    // The moment is the event that is waited for.
    wait_until(moment, || false);
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    let took = asked.elapsed();
    let name = format!("{cli:?} at {moment:?}: {}\n{}", ended.status, ended.stderr);
    match ended.code {
        143 => {
            assert_eq!(ended.outcome(), "Cancelled", "{name}");
            assert_eq!(ended.status["status"], "cancelled", "{name}");
            tally.cancelled += 1;
        }
        0 => {
            // It had said so before the signal reached it.
            assert_eq!(ended.outcome(), "Completed", "{name}");
            assert_eq!(api.requests().len(), 3, "{name}");
            tally.succeeded += 1;
        }
        code => panic!("code {code}: {name}"),
    }
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), [], "{name}");
    let session = said_session(cli, &ended);
    assert_eq!(
        ended.status["sessionId"].as_str(),
        session.as_deref(),
        "{name}"
    );
    assert!(took < Duration::from_secs_f64(GRACE), "{took:?}: {name}");
    tally.with_session += u32::from(session.is_some());
    tally.with_tools += u32::from(ended.status["usage"]["toolCalls"].as_u64() > Some(0));
    tally.killed += u32::from(ended.status["process"]["killed"] == true);
    tally.leftovers += ended.counted("leftoverCount");
    tally.longest = tally.longest.max(took);
    Some(())
}

/// Stops so many sessions, each at a moment of its own.
#[expect(
    clippy::print_stdout,
    reason = "whoever asks for many stops wants the numbers"
)]
#[expect(
    clippy::disallowed_methods,
    reason = "how much is tested is no setting of the runner"
)]
fn stop_many(cli: Cli) {
    let stops = std::env::var(STOPS).map_or(FEW, |text| text.parse().expect("a number of stops"));
    let play = |lane: u32| {
        let mut dice = Dice(u64::from(lane) << 32 | cli as u64);
        let mut tally = Tally::default();
        for _ in (lane..stops).step_by(LANES as usize) {
            stop_at(cli, dice.moment(), &mut tally)?;
        }
        Some(tally)
    };
    let play = &play;
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| scope.spawn(move || play(lane)))
            .collect();
        for lane in lanes {
            let tally = lane.join().expect("every stop is as it should be");
            println!("{cli:?}: {tally:?}");
        }
    });
}

#[test]
fn claude_can_be_stopped_at_any_moment() {
    stop_many(Cli::Claude);
}

#[test]
fn codex_exec_can_be_stopped_at_any_moment() {
    stop_many(Cli::CodexExec);
}

#[test]
fn codex_app_server_can_be_stopped_at_any_moment() {
    stop_many(Cli::AppServer);
}
