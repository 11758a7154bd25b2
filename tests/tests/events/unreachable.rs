//! Servers that cannot be reached, each in its own way: no run notices before its end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use agent_tests::{NatsServer, Network, Run, Silent, assert_ends, ends};
use serde_json::json;

use crate::streamed::{run_at, with_stream};
use crate::{CLOSED, SLACK, assert_pending};

/// Runs of each kind that are measured: the median of nine is no accident of one.
const RUNS: usize = 9;

/// Such runs, each of which takes a second.
const RUNS_OF_A_FLOOD: usize = 5;

/// What a server may delay the agent by.
const MOST: Duration = Duration::from_millis(50);

/// A run whose agent says when it began.
fn timed(run: Run) -> Run {
    run.shell("date +%s%N").grace(3.0)
}

/// How long it took from before the runner's start to the agent's first words.
#[track_caller]
fn start_of(run: Run) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = ended.text().trim().parse().expect("`date` prints a number");
    Duration::from_nanos(said).saturating_sub(now.expect("it is after 1970"))
}

/// The medians of what is measured of each kind of run, each beside its neighbours.
fn medians(runs: usize, measure: fn(Run) -> Duration, kinds: &[&dyn Fn() -> Run]) -> Vec<Duration> {
    let mut measured = vec![Vec::new(); kinds.len()];
    for _ in 0..runs {
        for (times, run) in measured.iter_mut().zip(kinds) {
            times.push(measure(run()));
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[runs / 2]
    };
    measured.into_iter().map(median).collect()
}

/// Checks that no kind of run is faster than the first by what is too much.
#[track_caller]
fn assert_fast(name: &str, runs: usize, measure: fn(Run) -> Duration, kinds: &[&dyn Fn() -> Run]) {
    // What else runs on this machine may slow down one of them, but not each time.
    let mut measured = Vec::new();
    for _ in 0..3 {
        let medians = medians(runs, measure, kinds);
        if medians.iter().all(|other| medians[0] < *other + MOST) {
            return;
        }
        measured.push(medians);
    }
    panic!("{name}: without its server, and otherwise {measured:?}");
}

/// The same run with a server and without.
fn plain(url: Option<&str>) -> Run {
    // An empty list names no server.
    run_at(url.unwrap_or_default())
}

/// Checks that a server delays nobody, is a problem in words, and ends nothing.
#[track_caller]
fn assert_harmless(name: &str, url: &str, run: impl Fn(Option<&str>) -> Run, said: &str) {
    let ended = run(Some(url)).agent(["print", "hello"]).grace(3.0).end();
    assert_ends(name, &ended, &ends(0, "Completed", "Completed"));
    let problem = assert_pending(&ended);
    assert!(problem.contains(said), "{name}: {problem}");
    // 3 s: 2 for the status, a third of the rest to flush, half of which is for events.
    let most = Duration::from_millis(167) + SLACK;
    assert!(ended.took < most, "{:?}", ended.took);
    let with = || timed(run(Some(url)));
    let without = || timed(run(None));
    assert_fast(name, RUNS, start_of, &[&with, &without]);
}

/// How long the agent took from its first words to its last, by its own clock.
#[track_caller]
fn agent_of(run: Run) -> Duration {
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = ended.text();
    let clock = |line: Option<&str>| -> u64 {
        let time = line.and_then(|line| line.strip_prefix("at "));
        let time = time.and_then(|time| time.parse().ok());
        time.expect("the agent says its time first and last")
    };
    let mut lines = text.lines();
    let (first, last) = (clock(lines.next()), clock(lines.next_back()));
    // Its verdict is among them.
    assert_eq!(lines.count(), LINES + 1, "all that it said");
    Duration::from_nanos(last.saturating_sub(first))
}

/// Lines of an agent that says more than any queue of ours has room for.
const LINES: usize = 20_000;

/// A run that says so much, each line of it an event, and its own time first and last.
fn flooding(url: &str, line: &str) -> Run {
    run_at(url)
        .shell(&format!(
            "date +'at %s%N'; i=0
             while [ $i -lt {LINES} ]; do i=$((i+1)); echo '{line}'; done
             echo '{{\"kind\":\"run-outcome\",\"status\":\"succeeded\"}}'
             date +'at %s%N'"
        ))
        .setting("protocol", json!("jsonl"))
        .setting("events/output", json!(true))
        .grace(3.0)
}

/// Checks that an agent that floods is as fast without the server that it names as with it, and as
/// with none: the same is recorded, and only where it goes differs.
#[track_caller]
fn assert_fast_in_a_flood(name: &str, line: &str) {
    let nats = with_stream(NatsServer::new());
    let server = nats.url();
    let kinds: [&dyn Fn() -> Run; 3] =
        [&|| flooding(CLOSED, line), &|| flooding("", line), &|| {
            flooding(&server, line)
        }];
    assert_fast(name, RUNS_OF_A_FLOOD, agent_of, &kinds);
}

#[test]
fn output_in_a_flood_is_as_fast_as_with_a_server() {
    assert_fast_in_a_flood("lines", "a line of output as any other");
}

#[test]
fn events_in_a_flood_are_as_fast_as_with_a_server() {
    assert_fast_in_a_flood("events", r#"{"kind":"message","content":"as any other"}"#);
}

#[test]
fn a_port_that_is_closed_delays_nobody() {
    assert_harmless("closed", CLOSED, plain, "127.0.0.1:1");
}

#[test]
fn a_server_that_takes_connections_and_never_speaks_delays_nobody() {
    let silent = Silent::new();
    let url = format!("nats://{}", silent.address());
    assert_harmless("silent", &url, plain, "no server has answered yet");
    assert!(silent.connections() > 0);
}

#[test]
fn an_address_that_loses_every_packet_delays_nobody() {
    let network = Network::new();
    network.cut();
    let run = |url: Option<&str>| plain(url).through(network.through());
    let url = "nats://10.77.2.2:4222";
    assert_harmless("lost", url, run, "no server has answered yet");
}

#[test]
fn an_address_without_a_route_delays_nobody() {
    let network = Network::new();
    let run = |url: Option<&str>| plain(url).through(network.through());
    let url = "nats://10.99.9.9:4222";
    assert_harmless("unroutable", url, run, "10.99.9.9:4222");
}

#[test]
fn a_name_that_nobody_knows_delays_nobody() {
    assert_harmless("unknown", "nats://nats.invalid:4222", plain, "nats.invalid");
}
