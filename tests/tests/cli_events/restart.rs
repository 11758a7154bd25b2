//! A container that goes on with the conversation of the one before.

use agent_tests::{Cli, ModelApi, NatsServer, Step};
use nix::sys::signal::Signal;

use crate::{STREAM, assert_completed, messages, of_kinds, with_stream};

#[test]
fn a_conversation_that_is_gone_on_with_has_the_events_of_both_attempts_and_none_twice() {
    Cli::each(|cli| {
        let api = ModelApi::start([
            Step::shell("touch begun; exec sleep 300").say("First a look."),
            Step::text("Here I am again."),
        ]);
        let volume = tempfile::tempdir().expect("a temporary directory can be made");
        let nats = with_stream(NatsServer::new());
        let run = || {
            let run = cli.run_in(volume.path(), &api)?;
            Some(
                run.env("NATS_URL", nats.url())
                    .env("AGENT_RUN_UID", "uid-1"),
            )
        };
        let Some(first) = run() else { return };
        let started = first.start();
        started.await_file(volume.path().join("work/begun"));
        started.signal(Signal::SIGTERM);
        let ended = started.end();
        assert_eq!(ended.code, 143, "{cli:?}: {}", ended.stderr);
        let before = nats.count(STREAM);
        let ended = run().expect("it ran before").end();
        assert_completed(cli, &ended);
        assert_eq!(ended.status["attempt"], 2, "{cli:?}");

        let messages = messages(&nats, &volume.path().join("agent/events.ndjson"));
        let (old, new) = messages.split_at(usize::try_from(before).expect("it fits"));
        let said = |messages| {
            let of_model = of_kinds(messages, &["message"]);
            of_model
                .iter()
                .map(|it| it["content"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(said(old), ["First a look."], "{cli:?}");
        assert_eq!(said(new), ["Here I am again."], "{cli:?}");
        assert!(
            old.iter().all(|it| it.payload["attrs"]["attempt"] == 1),
            "{cli:?}"
        );
        assert!(
            new.iter().all(|it| it.payload["attrs"]["attempt"] == 2),
            "{cli:?}"
        );
        let outcome = |messages| of_kinds(messages, &["run-outcome"])[0]["attrs"]["status"].clone();
        assert_eq!(
            (outcome(old), outcome(new)),
            ("cancelled".into(), "succeeded".into()),
            "{cli:?}"
        );
    });
}
