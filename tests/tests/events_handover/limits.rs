//! How much may be handed over.

use crate::{handed_over, messages, run, text, with_stream};

#[test]
fn of_a_hundred_thousand_lines_the_first_ten_thousand_are_heard_and_the_end_is_said() {
    let nats = with_stream();
    let ended = run(&nats, "seq -f 'line %.0f' 1 100000 >> \"$FILE\"").end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    let messages = messages(&nats, &ended);
    let said = handed_over(&messages);
    assert_eq!(said.len(), 10_000);
    for (number, (kind, content)) in said.iter().enumerate() {
        assert_eq!(
            (*kind, &**content),
            ("message", &*format!("line {}", number + 1))
        );
    }
    let mut told = messages
        .iter()
        .filter(|it| it.payload["attrs"]["reason"] == "too-much");
    let end = told.next().expect("it is said");
    assert_eq!(end.payload["kind"], "status");
    assert_eq!(end.payload["attrs"]["dropped"], 90_000);
    assert_eq!(ended.full["events"]["dropped"], 90_000);
    assert_eq!(told.next(), None);
}

#[test]
fn a_line_of_two_mebibytes_is_dropped_and_counted_and_a_shorter_one_is_cut_to_what_the_server_takes()
 {
    let nats = with_stream();
    let script = "line() { head -c $1 /dev/zero | tr '\\0' x; echo; }
        { echo one; line 2097152; line 1000000; echo two; } >> \"$FILE\"";
    let ended = run(&nats, script).end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    let messages = messages(&nats, &ended);
    let said = handed_over(&messages);
    let [one, long, two] = said[..] else {
        panic!("{} were heard", said.len());
    };
    assert_eq!((one.1, two.1), ("one", "two"));
    assert!(long.1.len() <= 64 << 10 && long.1.ends_with("whole in the journal]"));
    let journal = std::fs::read_to_string(ended.dir.path().join("agent/events.ndjson"));
    let journal = journal.expect("it is beside the status");
    assert!(
        journal.contains(&"x".repeat(1_000_000)),
        "the journal is whole"
    );
    let dropped: Vec<_> = messages
        .iter()
        .filter(|it| it.payload["attrs"]["reason"] == "too-long")
        .collect();
    let [dropped] = dropped[..] else {
        panic!("{dropped:?}");
    };
    assert_eq!(dropped.payload["attrs"]["dropped"], 1);
    assert_eq!(
        text(&dropped.payload, "content"),
        "of what the agent handed over, 1 dropped: a line may have 1 MiB"
    );
}
