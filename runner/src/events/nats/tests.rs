//! The sink against a real `nats-server`.

mod deliver;
mod login;
mod mode;
mod refused;
mod restart;
mod server;
mod stop;

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::message::{Format, Prefix, Wire};
use agent_plan::plan::{Login, NatsPlan, NatsServer, NatsTls};
use agent_plan::record::{Header, Record, Speaker, VERSION};

use self::server::Server;
use super::{Sink, State};
use crate::events::backlog::{Backlog, Found, Position, Stored};

/// How long anything may take that is to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the run's messages go.
const RUN: &str = "agentrun.ns.run.u.agent.claude";

/// A run that says something, with the real backlog.
struct Run {
    backlog: Backlog,
    header: Arc<Header>,
    said: u64,
}

impl Run {
    fn new() -> Self {
        let speaker = Speaker {
            run_uid: "u".to_owned(),
            run_name: Some("run".to_owned()),
            run_namespace: Some("ns".to_owned()),
            agent_id: "claude".to_owned(),
            ..Speaker::default()
        };
        let backlog = Backlog::default();
        backlog.open(Found {
            file: None,
            headers: Vec::new(),
            start: Position(0),
            last: Position(0),
            length: 0,
            marks: Vec::new(),
            left_over: 0,
        });
        Self {
            backlog,
            header: Arc::new(Header {
                journal: VERSION,
                attempt: 1,
                stem: "u-1".to_owned(),
                speaker,
            }),
            said: 0,
        }
    }

    fn say(&mut self, kind: EventKind, content: &str) {
        self.said += 1;
        let event = Event::new(kind, Role::Assistant, content);
        let record = self
            .header
            .record(self.said, "2026-08-23T10:15:00.120Z".to_owned(), event);
        self.add(vec![record]);
    }

    /// Says many short things.
    fn say_many(&mut self, count: u64) {
        let content = "x".repeat(100);
        let records = (0..count).map(|_| {
            self.said += 1;
            let event = Event::new(EventKind::Message, Role::Assistant, content.as_str());
            self.header
                .record(self.said, "2026-08-23T10:15:00.120Z".to_owned(), event)
        });
        let records = records.collect();
        self.add(records);
    }

    /// So little is counted for each that memory never is too small: there is no journal.
    fn add(&self, records: Vec<Record>) {
        let records = records.into_iter().map(|record| (record, 10)).collect();
        self.backlog.add(&self.header, records, Stored::default());
    }

    fn sink(&self, plan: NatsPlan) -> Sink {
        Sink::start(plan, wire(), self.backlog.clone()).expect("a thread can be started")
    }

    /// What ids the run's own messages have, in order.
    fn ids(&self) -> Vec<String> {
        (1..=self.said).map(|seq| format!("u-1-{seq}")).collect()
    }
}

fn wire() -> Wire {
    Wire {
        prefix: Prefix::AgentRun,
        format: Format::Plain,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        max_content: 64 * 1024,
    }
}

fn plan(port: u16) -> NatsPlan {
    NatsPlan {
        servers: vec![NatsServer {
            host: "127.0.0.1".to_owned(),
            port,
            tls: false,
        }],
        login: Login::Nobody,
        tls: NatsTls::default(),
        connect: Duration::from_secs(2),
        acknowledge: Duration::from_secs(4),
    }
}

/// Waits until everything is delivered.
fn drained(sink: &Sink) {
    server::runtime().block_on(async {
        let drained = tokio::time::timeout(PATIENCE, sink.drained()).await;
        assert!(drained.is_ok(), "not drained: {:?}", sink.state());
    });
}

/// Runs a future to its end, which must come.
fn within<T>(future: impl Future<Output = T>) -> T {
    server::runtime()
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .expect("it comes to its end")
}

/// Waits until the sink knows something of itself.
fn until(sink: &Sink, what: &str, is_so: impl Fn(&State) -> bool) -> State {
    let begin = Instant::now();
    loop {
        let state = sink.state();
        if is_so(&state) {
            return state;
        }
        assert!(begin.elapsed() < PATIENCE, "not {what}: {state:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Returns first occurrences, in order.
fn first_occurrences(ids: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    ids.iter().filter(|id| seen.insert(*id)).cloned().collect()
}
