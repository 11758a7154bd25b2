//! Where no stream takes what is published.

use agent_plan::event::EventKind;
use agent_plan::status::EventsMode;
use async_nats::jetstream::stream;
use futures_util::StreamExt;

use super::{RUN, Run, Server, drained, plan, server, until, within};

#[test]
fn without_jetstream_whoever_listens_hears_everything() {
    let server = Server::with("");
    let runtime = server::runtime();
    let mut heard = runtime.block_on(async {
        let client = server.client().await;
        let heard = client.subscribe("agentrun.ns.>").await.expect("it may");
        client.flush().await.expect("it is there");
        heard
    });
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say_many(1000);
    let refusal = within(sink.stored()).expect_err("nothing stores it");
    assert_eq!(refusal, "the server has no JetStream");
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!(state.mode, EventsMode::Core);
    assert_eq!((state.acknowledged, state.unconfirmed), (0, 1000));
    assert_eq!(state.pending, 0);
    assert_eq!(
        state.problem.as_deref(),
        Some("the server has no JetStream"),
        "the reason stays, whatever is published"
    );
    let ids = runtime.block_on(async {
        let mut ids = Vec::new();
        while ids.len() < 1000 {
            ids.push(server::id(&heard.next().await.expect("it is open")));
        }
        ids
    });
    assert_eq!(ids, run.ids());
}

#[test]
fn an_account_without_a_stream_stores_from_when_there_is_one() {
    let server = Server::new();
    server.make_stream_with(stream::Config {
        subjects: vec!["other.>".to_owned()],
        ..stream::Config::default()
    });
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say(EventKind::RunStarted, "begin");
    let refusal = within(sink.stored()).expect_err("nothing stores it");
    assert_eq!(
        refusal,
        format!("no stream takes `{RUN}.run-started`"),
        "the reason is the one that helps"
    );
    let state = until(&sink, "published", |state| state.unconfirmed == 1);
    let problem = state.problem.expect("it stays");
    assert_eq!(problem, format!("no stream takes `{RUN}.run-started`"));
    server.delete_stream();
    server.make_stream();
    run.say(EventKind::Message, "noticed with this one");
    until(&sink, "stored", |state| state.mode == EventsMode::Jetstream);
    within(sink.stored()).expect("a stream takes it");
    run.say(EventKind::Message, "stored");
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!((state.mode, state.problem), (EventsMode::Jetstream, None));
    assert_eq!(state.acknowledged + state.unconfirmed, 3);
    assert!(state.acknowledged >= 1);
    assert_eq!(server.ids(RUN).last().map(String::as_str), Some("u-1-3"));
}

#[test]
fn what_was_stored_once_is_never_published_to_nobody() {
    let server = Server::new();
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say(EventKind::Message, "one");
    until(&sink, "acknowledged", |state| state.acknowledged == 1);
    server.delete_stream();
    run.say(EventKind::Message, "two");
    let state = until(&sink, "refused", |state| {
        let problem = state.problem.as_deref();
        problem.is_some_and(|problem| problem.ends_with("and one did before"))
    });
    assert_eq!((state.mode, state.pending), (EventsMode::Jetstream, 1));
    server.make_stream();
    run.backlog.close();
    drained(&sink);
    assert_eq!(server.ids(RUN), ["u-1-2"]);
    assert_eq!(sink.state().unconfirmed, 0);
}
