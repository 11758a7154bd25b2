use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc;

use agent_plan::event::{Role, Tool};
use agent_plan::message::{Format, Prefix, Wire};
use agent_plan::plan::{Login, NatsPlan, NatsServer, NatsTls};
use agent_plan::record::{Line, Record, Speaker};
use agent_plan::secret::{Found, Patterns};
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// Events with a journal in a directory, and nothing else.
fn plan(directory: &Path) -> EventsPlan {
    EventsPlan {
        speaker: Speaker {
            run_uid: "u".to_owned(),
            agent_id: "claude".to_owned(),
            ..Speaker::default()
        },
        attempt_is_told: false,
        journal: Some(directory.join("events.ndjson")),
        journal_is_told: true,
        journal_limit: 1 << 30,
        output: true,
        reasoning: false,
        stdout: false,
        nats: None,
        wire: Wire {
            prefix: Prefix::default(),
            format: Format::default(),
            traceparent: None,
            max_content: 1 << 16,
        },
        required: false,
        flush: Duration::from_secs(5),
        context: None,
        context_from: None,
        traces: false,
        system_prompt_hash: None,
    }
}

/// A server that nobody reaches.
fn nobody() -> NatsPlan {
    NatsPlan {
        servers: vec![NatsServer {
            host: "127.0.0.1".to_owned(),
            port: 1,
            tls: false,
        }],
        login: Login::Nobody,
        tls: NatsTls::default(),
        connect: Duration::from_secs(5),
        acknowledge: Duration::from_secs(8),
    }
}

fn redactor() -> Redactor {
    let secret = Found {
        name: "TOKEN".into(),
        value: b"hunter22".into(),
    };
    Redactor::new(vec![secret], Patterns::On)
}

/// The first attempt at a plan.
fn asked(plan: &EventsPlan) -> Asked {
    Asked {
        speaker: plan.speaker.clone(),
        attempt: 1,
        is_told: plan.attempt_is_told,
    }
}

fn started(plan: &EventsPlan, directory: &Path) -> Events {
    let scratch = directory.to_owned();
    let scratch = move || Ok(scratch);
    Events::with(
        plan,
        asked(plan),
        &redactor(),
        None,
        scratch,
        Outlet::stdout,
    )
    .expect("threads can be started")
}

/// Runs what a run would on its one thread.
fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime can be made").block_on(work)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn records(path: &Path) -> Vec<Record> {
    let text = fs::read_to_string(path).expect("the journal is text");
    let lines = text
        .lines()
        .map(|line| Line::parse(line.as_bytes()).expect("a line of ours"));
    let records = lines.filter_map(|line| match line {
        Line::Record(record) => Some(record),
        Line::Header(_) => None,
    });
    records.collect()
}

#[test]
fn what_is_said_is_in_the_journal_in_order_and_without_secrets() {
    let directory = TempDir::new().expect("a directory can be made");
    let events = started(&plan(directory.path()), directory.path());
    let event = |kind, content: &str| Event::new(kind, Role::System, content);
    on_one_thread(async {
        events.emit(
            event(EventKind::RunStarted, "with hunter22").with("deep", json!({"in": ["hunter22"]})),
        );
        let tool = Tool {
            id: "hunter22".to_owned(),
            name: "hunter22".to_owned(),
            title: "echo hunter22".to_owned(),
            ..Tool::default()
        };
        events.emit(Event::tool_result(tool, "hunter22"));
        let veil = Veil::new(redactor());
        events.conversation(veil.event(event(EventKind::MessageDelta, "no piece")));
        events.conversation(veil.event(event(EventKind::Reasoning, "no reasoning")));
        events.conversation(veil.event(event(EventKind::Message, "hunter22 said")));
        let mut tap = events
            .output("stdout", |_| false)
            .expect("output is wanted");
        tap.push(b"a line\nand");
        tap.end();
        let path = events.hand_over(|| Ok(directory.path().to_owned()));
        fs::write(
            path.expect("it can be made"),
            "{\"kind\":\"run-gaps\",\"content\":\"hunter22\"}",
        )
        .expect("it can be written");
        events.handed_over(soon()).await;
        events.emit(event(EventKind::RunOutcome, "over"));
        events.finish(soon()).await;
        events.finish(soon()).await;
        events.emit(event(EventKind::Message, "too late"));
    });
    let path = directory.path().join("events.ndjson");
    let text = fs::read_to_string(&path).expect("it is text");
    assert!(
        !text.contains("hunter22") && !text.contains("no piece") && !text.contains("no reasoning"),
        "{text}"
    );
    let records = records(&path);
    let contents = records.iter().map(|record| record.content.as_str());
    let expected = [
        "with [REDACTED:TOKEN]",
        "[REDACTED:TOKEN]",
        "[REDACTED:TOKEN] said",
        "a line",
        "and",
        "[REDACTED:TOKEN]",
        "over",
    ];
    assert!(contents.eq(expected), "{text}");
    assert!(records.iter().map(|record| record.seq).eq(1..=7));
    assert!(
        records.iter().all(|record| record.id.starts_with("u-1-")
            && record.id.ends_with(&format!("-{}", record.seq)))
    );
    assert_eq!(records[3].attrs["stream"], "stdout");
    let status = events.status().expect("there are events");
    assert_eq!((status.emitted, status.dropped, status.pending), (7, 1, 0));
    assert_eq!(status.journal.as_deref(), path.to_str());
    assert_eq!(status.problem, None);
}

#[test]
fn what_a_predecessor_left_is_pending_where_no_server_is() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut plan = plan(directory.path());
    plan.nats = Some(nobody());
    for attempt in 1..=3 {
        let events = started(&plan, directory.path());
        let begun = Instant::now();
        let until = begun + Duration::from_millis(300);
        on_one_thread(async {
            for _ in 0..10 {
                events.emit(Event::new(EventKind::Message, Role::Assistant, "hello"));
            }
            events.finish(until).await;
        });
        let status = events.status().expect("there are events");
        assert_eq!((status.emitted, status.left_over), (10, 10 * (attempt - 1)));
        assert_eq!(status.pending, 10 * attempt);
    }
}

#[test]
fn finish_keeps_its_time_though_the_disk_hangs() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut plan = plan(directory.path());
    plan.journal = None;
    plan.nats = Some(nobody());
    plan.stdout = true;
    // A disk that answers when the test is over.
    let (answer, disk) = mpsc::channel::<()>();
    let scratch = move || {
        // It is an error, because nobody sends anything.
        let _: Result<(), mpsc::RecvError> = disk.recv();
        Err(io::Error::other("the disk is gone"))
    };
    let (_reader, writer) = io::pipe().expect("a pipe can be made");
    let outlet = || Outlet::of(writer.as_fd());
    let events = Events::with(&plan, asked(&plan), &redactor(), None, scratch, outlet)
        .expect("threads can be started");
    events.emit(Event::new(EventKind::Message, Role::Assistant, "hello"));
    let took = on_one_thread(async {
        let begun = Instant::now();
        events.finish(begun + Duration::from_millis(200)).await;
        begun.elapsed()
    });
    // 250 ms of ours; the rest is for a machine that is busy. What hangs, hangs until the end.
    let in_time = Duration::from_millis(200)..Duration::from_secs(1);
    assert!(in_time.contains(&took), "{took:?}");
    let status = events.status().expect("there are events");
    assert_eq!((status.emitted, status.pending), (0, 1));
    let problem = status.problem.expect("a problem is said");
    assert!(problem.contains("did not answer in time"), "{problem}");
    let begun = Instant::now();
    drop(events);
    assert!(begun.elapsed() < Duration::from_secs(1));
    drop(answer);
}

#[test]
fn whoever_forgets_to_finish_waits_for_nobody_and_the_journal_is_whole() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut plan = plan(directory.path());
    plan.nats = Some(nobody());
    let events = started(&plan, directory.path());
    for number in 0..1000 {
        events.emit(Event::new(
            EventKind::Message,
            Role::Assistant,
            number.to_string(),
        ));
    }
    let writer = Arc::clone(&events.shared.as_ref().expect("there are events").writer);
    let begun = Instant::now();
    drop(events);
    assert!(begun.elapsed() < Duration::from_secs(1));
    on_one_thread(async {
        let mut ended = writer.ended.subscribe();
        let ended = timeout_at(soon(), ended.wait_for(|ended| *ended)).await;
        assert!(ended.is_ok());
    });
    assert_eq!(records(&directory.path().join("events.ndjson")).len(), 1000);
}

#[test]
fn a_writer_that_fails_keeps_nobody_waiting() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut plan = plan(directory.path());
    plan.journal = None;
    let events = Events::with(
        &plan,
        asked(&plan),
        &redactor(),
        None,
        || panic!("as a bug would"),
        Outlet::stdout,
    );
    let events = events.expect("threads can be started");
    let big = "x".repeat(queue::BOUND);
    on_one_thread(async {
        events.emit(Event::new(EventKind::Message, Role::Assistant, big));
        timeout_at(soon(), events.room())
            .await
            .expect("there is room for what nobody hears");
        events.finish(soon()).await;
    });
    let problem = events.status().and_then(|status| status.problem);
    assert!(problem.is_some_and(|problem| problem.contains("has failed")));
}

#[test]
fn without_a_journal_there_is_a_private_one_that_is_gone_at_the_end() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut plan = plan(directory.path());
    plan.journal = None;
    let events = started(&plan, directory.path());
    on_one_thread(async {
        events.emit(Event::new(EventKind::Message, Role::Assistant, "hello"));
        events.finish(soon()).await;
    });
    let status = events.status().expect("there are events");
    assert_eq!(
        (status.emitted, status.journal, status.problem),
        (1, None, None)
    );
    assert_eq!(
        fs::read_dir(directory.path()).expect("it is there").count(),
        0
    );
}
