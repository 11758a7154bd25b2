//! A server that is not there.

use std::time::Duration;

use agent_tests::subscriber::attempts_of_journal;
use agent_tests::{Cli, Ended, ModelApi, NatsServer, Run, Step};
use serde_json::Value;

use crate::{assert_completed, journal, publishing, records, with_stream};

/// How much longer an agent may take. It is measured beside other tests; the promise of 50 ms is
/// kept elsewhere.
const SLACK: Duration = Duration::from_secs(3);

/// How long the agent was there, by the times in the journal.
#[track_caller]
fn agents_time(ended: &Ended) -> Duration {
    let records = records(&journal(ended));
    let at = |content: &str| {
        let found = records.iter().find(|record| record["content"] == content);
        let time = found.and_then(|record| record["time"].as_str());
        let time = time.unwrap_or_else(|| panic!("no `{content}`"));
        humantime::parse_rfc3339(time).expect("a time is one")
    };
    let took = at("agent process ended").duration_since(at("agent process running"));
    took.expect("it ends after its beginning")
}

#[test]
fn a_server_that_is_down_all_the_time_holds_nobody_up_and_the_journal_has_everything() {
    let script = || {
        [
            Step::shell("seq 1 20000").say("First a look."),
            Step::shell("echo again"),
            Step::text("That was all."),
        ]
    };
    let server = with_stream(NatsServer::new());
    server.stop();
    Cli::each(|cli| {
        let ended = |run: &dyn Fn(Run) -> Run| {
            let api = ModelApi::start(script());
            let ended = run(cli.run(&api)?).end();
            assert_completed(cli, &ended);
            Some(ended)
        };
        let Some(without) = ended(&|run| run.env("AGENT_RUNNER_EVENTS_OUTPUT", "true")) else {
            return;
        };
        let Some(down) = ended(&|run| publishing(run, &server)) else {
            return;
        };
        let (least, took) = (agents_time(&without), agents_time(&down));
        assert!(
            took < least + SLACK,
            "{cli:?}: {took:?}, and {least:?} without"
        );

        let records = [&without, &down].map(|ended| records(&journal(ended)));
        let told = |records: &[Value]| -> Vec<(Value, Value)> {
            let kinds = ["message", "tool_call", "tool_result"];
            let told = records
                .iter()
                .filter(|it| kinds.iter().any(|kind| it["kind"] == *kind));
            told.map(|it| (it["kind"].clone(), it["tool"]["title"].clone()))
                .collect()
        };
        assert_eq!(told(&records[1]), told(&records[0]), "{cli:?}");
        assert_eq!(told(&records[1]).len(), 6, "{cli:?}");
        let count = records[1].len() as u64;
        let journal = std::fs::read(journal(&down)).expect("it is there");
        assert_eq!(attempts_of_journal(&journal), [(1, count)], "{cli:?}");
        let events = &down.full["events"];
        assert_eq!(events["emitted"], count, "{cli:?}: {events}");
        assert_eq!(events["pending"], count, "{cli:?}: {events}");
        assert_eq!(events.get("dropped"), None, "{cli:?}: {events}");
        assert!(events["problem"].is_string(), "{cli:?}: {events}");
    });
}
