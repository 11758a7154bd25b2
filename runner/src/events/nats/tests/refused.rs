//! Accounts that may do little.

use std::time::Duration;

use agent_plan::event::EventKind;
use agent_plan::plan::{Given, Login, NatsPlan};
use agent_plan::secret::Secret;
use agent_plan::status::EventsMode;
use async_nats::Subscriber;
use async_nats::jetstream::stream;
use futures_util::StreamExt;

use super::{PATIENCE, RUN, Run, Server, drained, first_occurrences, plan, server, until, within};

/// What most accounts may, and no more.
const RUNS: &str = "publish: [\"agentrun.>\"], subscribe: [\"_INBOX.>\"]";

/// With JetStream.
const JETSTREAM: &str = "jetstream { store_dir: \"DIR/store\" }";

/// Starts a server with a user `u` of these permissions, and an administrator without a name.
fn start(jetstream: &str, permissions: &str) -> Server {
    Server::with(&format!(
        "{jetstream}\nno_auth_user: a\nauthorization {{ users: [ {{ user: a, password: a }}, \
         {{ user: u, password: u, permissions: {{ {permissions} }} }} ] }}"
    ))
}

fn plan_of(server: &Server) -> NatsPlan {
    let given = || Given::Text(Secret::new("u".to_owned()));
    let mut plan = plan(server.port);
    plan.login = Login::User(given(), given());
    plan
}

fn make_stream(server: &Server, subject: &str) {
    server.make_stream_with(stream::Config {
        subjects: vec![subject.to_owned()],
        ..stream::Config::default()
    });
}

/// Listens, which keeps the server from saying that nobody answers.
fn listen(server: &Server, runtime: &tokio::runtime::Runtime, subject: &str) -> Subscriber {
    runtime.block_on(async {
        let client = server.client().await;
        let heard = client.subscribe(subject.to_owned()).await.expect("it may");
        client.flush().await.expect("it is there");
        heard
    })
}

fn is_core(sink: &super::Sink, count: u64) {
    let state = sink.state();
    assert_eq!(state.mode, EventsMode::Core);
    assert_eq!((state.acknowledged, state.unconfirmed), (0, count));
    assert_eq!(state.pending, 0);
    assert_eq!(
        state.problem.as_deref(),
        Some("the server has no JetStream")
    );
}

#[test]
fn without_jetstream_an_account_that_may_not_ask_is_delivered() {
    let server = start("", RUNS);
    let mut run = Run::new();
    let sink = run.sink(plan_of(&server));
    run.say_many(1000);
    let refusal = within(sink.stored()).expect_err("nothing stores it");
    assert_eq!(refusal, "the server has no JetStream");
    run.backlog.close();
    drained(&sink);
    is_core(&sink, 1000);
}

#[test]
fn without_jetstream_whoever_listens_to_such_an_account_hears_it() {
    let server = start("", RUNS);
    let runtime = server::runtime();
    let mut heard = listen(&server, &runtime, "agentrun.ns.>");
    let mut run = Run::new();
    let mut plan = plan_of(&server);
    plan.acknowledge = Duration::from_millis(500);
    let sink = run.sink(plan);
    run.say_many(300);
    run.backlog.close();
    drained(&sink);
    sink.stop(PATIENCE);
    is_core(&sink, 300);
    let ids = runtime.block_on(async {
        let mut ids = Vec::new();
        while ids.last().is_none_or(|id| id != "u-1-300") {
            ids.push(server::id(&heard.next().await.expect("it is open")));
        }
        ids
    });
    assert_eq!(first_occurrences(&ids), run.ids());
}

#[test]
fn an_account_that_may_not_ask_waits_for_the_stream_of_another_server() {
    let server = start(JETSTREAM, RUNS);
    let mut run = Run::new();
    let sink = run.sink(plan_of(&server));
    run.say_many(3);
    let state = until(&sink, "refused", |state| state.problem.is_some());
    assert_eq!((state.mode, state.pending), (EventsMode::Jetstream, 3));
    make_stream(&server, "agentrun.>");
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!((state.acknowledged, state.unconfirmed), (3, 0));
}

fn goes_on_without_copies(server: &Server, plan: NatsPlan) {
    let mut run = Run::new();
    let sink = run.sink(plan);
    run.say(EventKind::RunStarted, "begin");
    run.say_many(300);
    run.say(EventKind::RunOutcome, "end");
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!(state.mode, EventsMode::Jetstream);
    assert_eq!((state.acknowledged, state.unconfirmed), (302, 0));
    assert_eq!(first_occurrences(&server.ids(RUN)), run.ids());
}

#[test]
fn copies_that_no_stream_takes_do_not_hold_up_who_may_not_ask() {
    let server = start(JETSTREAM, RUNS);
    make_stream(&server, "agentrun.*.*.*.agent.>");
    goes_on_without_copies(&server, plan_of(&server));
}

#[test]
fn copies_that_somebody_hears_and_no_stream_takes_do_not_hold_up_who_may_not_ask() {
    let server = start(JETSTREAM, RUNS);
    make_stream(&server, "agentrun.*.*.*.agent.>");
    let runtime = server::runtime();
    let _heard = listen(&server, &runtime, "agentrun.general.>");
    let mut plan = plan_of(&server);
    plan.acknowledge = Duration::from_millis(500);
    goes_on_without_copies(&server, plan);
}

#[test]
fn what_an_account_may_not_publish_is_left_out_and_named() {
    for asks in ["", ", \"$JS.API.>\""] {
        let permissions = format!("publish: [\"agentrun.ns.>\"{asks}], subscribe: [\"_INBOX.>\"]");
        let server = start(JETSTREAM, &permissions);
        make_stream(&server, "agentrun.>");
        let mut run = Run::new();
        let sink = run.sink(plan_of(&server));
        run.say(EventKind::RunStarted, "begin");
        run.say_many(300);
        run.say(EventKind::RunOutcome, "end");
        run.backlog.close();
        drained(&sink);
        let state = sink.state();
        assert_eq!((state.acknowledged, state.unconfirmed), (300, 2));
        assert_eq!((state.mode, state.pending), (EventsMode::Jetstream, 0));
        assert_eq!(
            state.problem.as_deref(),
            Some(
                "the server says: Permissions Violation for Publish to \
                 \"agentrun.general.run-started\""
            )
        );
        assert_eq!(first_occurrences(&server.ids(RUN)), run.ids());
    }
}

#[test]
fn one_kind_of_the_run_may_be_forbidden() {
    let permissions = format!(
        "publish: {{ allow: [\"agentrun.>\"], deny: [\"{RUN}.status\"] }}, \
         subscribe: [\"_INBOX.>\"]"
    );
    let server = start(JETSTREAM, &permissions);
    make_stream(&server, "agentrun.>");
    let mut run = Run::new();
    let sink = run.sink(plan_of(&server));
    run.say(EventKind::Message, "stored");
    run.say(EventKind::Status, "forbidden");
    run.say(EventKind::Message, "stored");
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!((state.acknowledged, state.unconfirmed), (2, 1));
    let problem = state.problem.expect("it stays");
    assert!(problem.contains(&format!("{RUN}.status")), "{problem}");
    assert_eq!(first_occurrences(&server.ids(RUN)), ["u-1-1", "u-1-3"]);
}

#[test]
fn who_may_publish_nothing_of_the_run_has_all_of_it_pending() {
    let permissions = "publish: [\"agentrun.general.>\"], subscribe: [\"_INBOX.>\"]";
    let server = start(JETSTREAM, permissions);
    make_stream(&server, "agentrun.>");
    let runtime = server::runtime();
    let mut copies = listen(&server, &runtime, "agentrun.general.>");
    let mut run = Run::new();
    let sink = run.sink(plan_of(&server));
    run.say(EventKind::RunStarted, "begin");
    run.say_many(3);
    run.backlog.close();
    // Once a connection.
    for _ in 0..5 {
        runtime.block_on(copies.next()).expect("it is open");
    }
    let state = sink.state();
    assert_eq!((state.acknowledged, state.unconfirmed), (0, 0));
    assert_eq!(state.pending, 4);
    let problem = state.problem.expect("it was refused");
    assert!(problem.contains(RUN), "{problem}");
}
