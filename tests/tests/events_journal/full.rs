//! There is no room for a journal, or not enough.

use std::fs::{self, File};

use agent_tests::{DEADLINE, wait_until};
use serde_json::{Value, json};

use crate::scene::{Home, assert_all, assert_delivered, kinds, problem, records, says};
use crate::{assert_published, server};

/// Half of the lines of a script are more than there is room for.
const MANY: u32 = 2_000;

#[test]
fn a_full_disk_keeps_nothing_from_the_stream() {
    let nats = server();
    let home = Home::new();
    let run = home.run(&nats.url(), &says(MANY));
    let journal = run.path("small/events.ndjson");
    let ended = run
        .setting("events/journal", json!(journal))
        .mounting("mkdir \"$dir/small\"; mount -t tmpfs -o size=64k none \"$dir/small\"")
        .grace(60.0)
        .end();
    assert_published(&nats, &ended);
    let problem = problem(&ended);
    assert!(
        problem.contains("the journal cannot be written: No space left"),
        "{problem}"
    );
    assert_eq!(ended.full["events"]["dropped"], Value::Null);
}

#[test]
fn a_disk_that_has_room_again_gets_the_whole_journal() {
    let nats = server();
    let home = Home::new();
    let enough = home.path("enough");
    let room = home.path("room");
    let script = format!(
        "i=0; while [ $i -lt 500 ]; do {say} done
         while [ ! -e '{room}' ]; do sleep 0.02; done
         rm small/stuffing
         while ! grep -q 'line 500 ' small/events.ndjson; do sleep 0.02; done
         cp small/events.ndjson '{kept}'; {succeed}",
        say = crate::scene::SAY_ONE,
        room = room.display(),
        kept = enough.display(),
        succeed = crate::scene::SUCCEED,
    );
    let run = home.run(&nats.url(), &script);
    let journal = run.path("small/events.ndjson");
    let log = home.path("stderr");
    let has_said = |said: &str| fs::read_to_string(&log).is_ok_and(|log| log.contains(said));
    let started = run
        .setting("events/journal", json!(journal))
        .stderr(File::create(&log).expect("a file can be made"))
        .mounting(
            "mkdir \"$dir/small\"; mount -t tmpfs -o size=1m none \"$dir/small\"
             head -c 1000000 /dev/zero > \"$dir/small/stuffing\"",
        )
        .grace(60.0)
        .start();
    let noticed = wait_until(DEADLINE, || has_said("Journal not written."));
    assert!(noticed, "the disk is never full");
    fs::write(&room, "").expect("it can be written");
    let ended = started.end();
    assert_published(&nats, &ended);
    assert_eq!(problem(&ended), "");
    assert!(
        has_said("Journal written again."),
        "there was no room again"
    );
    // As the agent has copied it, before it ended.
    let kept = records(&fs::read(enough).expect("the agent has copied it"));
    let lines = kept
        .iter()
        .filter(|said| said.content().starts_with("line "));
    assert_eq!(lines.count(), 500);
}

#[test]
fn without_any_disk_events_are_published_from_memory() {
    let nats = server();
    let home = Home::new();
    let run = home.run(&nats.url(), &says(100));
    let journal = run.path("none/events.ndjson");
    let ended = run
        .setting("events/journal", json!(journal))
        .mounting("mkdir \"$dir/none\"; mount -t tmpfs -o ro none \"$dir/none\"")
        .grace(60.0)
        .end();
    assert_published(&nats, &ended);
    let problem = problem(&ended);
    assert!(
        problem.contains("cannot be used: Read-only file system"),
        "{problem}"
    );
    assert_eq!(ended.full["events"]["journal"], Value::Null);
}

#[test]
fn a_journal_at_its_limit_takes_everything_but_output_and_says_so() {
    let nats = server();
    let home = Home::new();
    let run = home.run(&nats.url(), &says(MANY));
    let ended = run
        .setting("events/maxBytes", json!(100_000))
        .grace(60.0)
        .end();
    let said = records(&home.journal());
    assert_delivered(&ended, &said);
    assert_all(&nats, &home, &ended);
    let kinds = kinds(&said);
    let tenth = usize::try_from(MANY / 10).expect("it fits");
    for kind in ["tool_call", "tool_result", "message", "run-summary"] {
        assert_eq!(kinds[kind], tenth, "{kind}");
    }
    for kind in ["run-started", "run-outcome"] {
        assert_eq!(kinds[kind], 1, "{kind}");
    }
    let gaps = said
        .iter()
        .filter(|it| it.record["attrs"]["reason"] == "journal-full");
    let missing: u64 = gaps
        .filter_map(|it| it.record["attrs"]["dropped"].as_u64())
        .sum();
    assert!(missing > 0, "there was room for everything");
    assert_eq!(ended.full["events"]["dropped"], missing);
    let lines = kinds["log"] as u64;
    assert_eq!(lines + missing, u64::from(MANY));
    // In front of the outcome, which is the last but the status.
    let outcome = said.iter().position(|it| it.kind() == "run-outcome");
    let gap = said
        .iter()
        .rposition(|it| it.record["attrs"]["reason"] == "journal-full");
    assert!(gap < outcome, "{gap:?} {outcome:?}");
}
