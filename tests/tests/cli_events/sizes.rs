//! Large answers and outputs: cut for the server, whole in the journal.

use agent_tests::{Cli, ModelApi, NatsServer, Step};

use crate::{assert_completed, journal, messages, of_kinds, publishing, records, with_stream};

/// What the server takes, in bytes.
const MAX_PAYLOAD: usize = 20_000;

#[test]
fn a_mebibyte_of_answer_and_megabytes_of_output_are_cut_for_the_server_and_whole_in_the_journal() {
    let line = |number| format!("line {number:010}\n");
    // A line has 16 bytes.
    let answer: String = (0..1 << 16).map(line).collect();
    Cli::each(|cli| {
        let api = ModelApi::start([
            Step::shell("seq -f 'line %010.0f' 1 200000"),
            Step::text(&answer),
        ]);
        let Some(run) = cli.run(&api) else { return };
        let nats = with_stream(NatsServer::new().config(&format!("max_payload: {MAX_PAYLOAD}")));
        let ended = publishing(run, &nats).end();
        assert_completed(cli, &ended);
        let messages = messages(&nats, &journal(&ended));
        let records = records(&journal(&ended));
        let whole = |kind: &str| {
            let found = records.iter().rfind(|record| record["kind"] == kind);
            let content = found.and_then(|record| record["content"].as_str());
            content.unwrap_or_default().to_owned()
        };
        // Not `assert_eq`, which would print both.
        assert!(
            whole("message").trim_end() == answer.trim_end(),
            "{cli:?}: {}",
            whole("message").len()
        );
        // codex tells the first and the last half of a megabyte, claude what its model sees of it:
        // 2 KB, and where the rest is.
        let least = if cli == Cli::Claude { 2_000 } else { 900_000 };
        let output = whole("tool_result");
        assert!(output.len() > least, "{cli:?}: {}", output.len());
        assert!(output.contains("line 0000000001\n"), "{cli:?}");
        for (kind, whole) in [("message", whole("message")), ("tool_result", output)] {
            let of_kind = of_kinds(&messages, &[kind]);
            let [cut] = of_kind[..] else {
                panic!("{cli:?}: {} of {kind}", of_kind.len());
            };
            if whole.len() < MAX_PAYLOAD / 2 {
                assert_eq!(cut["content"], whole, "{cli:?}: {kind}");
                continue;
            }
            let content = cut["content"].as_str().unwrap_or_default();
            let (kept, mark) = content.split_once("… [cut: ").unwrap_or_default();
            assert!(whole.starts_with(kept), "{cli:?}: {kind}");
            let left_out = format!("{} bytes, whole in the journal]", whole.len() - kept.len());
            assert_eq!(mark, left_out, "{cli:?}: {kind}");
            assert!(
                kept.len() > MAX_PAYLOAD / 2,
                "{cli:?}: {kind}: {}",
                kept.len()
            );
            assert_eq!(
                cut["attrs"]["truncated"]["content"],
                whole.len(),
                "{cli:?}: {kind}"
            );
        }
        let longest = messages.iter().map(|it| it.bytes.len()).max();
        assert!(longest <= Some(MAX_PAYLOAD), "{cli:?}: {longest:?}");
        let events = &ended.full["events"];
        assert_eq!(
            events["emitted"], events["acknowledged"],
            "{cli:?}: {events}"
        );
        assert_eq!(events.get("dropped"), None, "{cli:?}: {events}");
    });
}
