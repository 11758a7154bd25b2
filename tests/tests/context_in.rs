//! What others said reaches templates and a file: the newest, about the same work, bounded; and
//! without it a run goes on or does not, as it was told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use agent_tests::{
    DEADLINE, Ended, Nats, NatsServer, Permissions, Run, assert_ends, ends, wait_until,
};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};

/// The least that an account needs; docs/events.md lists it.
const LEAST: [&str; 3] = [
    "$JS.API.STREAM.INFO.agent-comms",
    "$JS.API.CONSUMER.CREATE.agent-comms.*.agentrun.general.>",
    "$JS.API.CONSUMER.MSG.NEXT.agent-comms.*",
];

/// A server with the stream.
fn server() -> Nats {
    let nats = NatsServer::new().start();
    nats.make_stream("agent-comms", &["agentrun.>"]);
    nats
}

/// Says something on the general subject.
fn say(nats: &Nats, message: &Value) {
    nats.publish(
        "agentrun.general.run-summary",
        message.to_string().as_bytes(),
    );
}

/// Says the same thing many times, over one connection.
fn say_often(nats: &Nats, subject: &'static str, text: &str, times: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        let client = async_nats::connect(nats.url())
            .await
            .expect("the server is there");
        for _ in 0..times {
            let sent = client.publish(subject, text.to_owned().into()).await;
            sent.expect("the subject is one");
        }
        client.flush().await.expect("the server answers");
    });
}

/// A message about `acme/portal`.
fn message(content: &str) -> Value {
    json!({ "content": content, "channel": "general", "repository": "acme/portal" })
}

/// A run about `acme/portal` that wants to know what others said, and prints it.
fn asking(wanted: &str, url: &str) -> Run {
    Run::new()
        .agent([
            "print",
            "said:{{#each context.messages}} {{this.content}}{{/each}}",
        ])
        .setting("events/context", json!(wanted))
        .setting("events/sinks", json!(["none"]))
        .env("NATS_URL", url)
        .env("CODEX_REPOSITORY", "acme/portal")
}

/// What the agent printed.
#[track_caller]
fn said(ended: &Ended) -> String {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.text()
}

fn warnings(ended: &Ended) -> String {
    ended.full["warnings"].to_string()
}

#[test]
fn the_newest_messages_about_the_same_work_are_in_templates_the_oldest_first() {
    let nats = server();
    for number in 0..5 {
        say(&nats, &message(&format!("m{number}")));
    }
    let mut other = message("other repository");
    other["repository"] = json!("acme/else");
    say(&nats, &other);
    let mut run_channel = message("not for all");
    run_channel["channel"] = json!("run");
    say(&nats, &run_channel);
    nats.publish(
        "agentrun.agents.r.u.agent.a.log",
        message("a line").to_string().as_bytes(),
    );
    let ended = asking("optional", &nats.url())
        .env("NATS_CONTEXT_COUNT", "3")
        .end();
    assert_eq!(said(&ended), "said: m2 m3 m4\n");
    assert_eq!(ended.status["warnings"], Value::Null, "{}", ended.status);
}

#[test]
fn branch_and_issue_count_where_they_are_known() {
    let nats = server();
    for (content, branch, issue) in [("both", "b", 7), ("issue", "c", 7), ("branch", "b", 8)] {
        let mut message = message(content);
        message["branch"] = json!(branch);
        message["issueNumber"] = json!(issue);
        say(&nats, &message);
    }
    let all = asking("required", &nats.url()).end();
    assert_eq!(said(&all), "said: both issue branch\n");
    let same = asking("required", &nats.url())
        .env("CODEX_BRANCH", "b")
        .env("CODEX_ISSUE_NUMBER", "7")
        .end();
    assert_eq!(said(&same), "said: both\n");
}

#[test]
fn few_messages_far_back_are_found() {
    let nats = server();
    say(&nats, &message("old"));
    let other = json!({ "content": "x", "repository": "acme/else" }).to_string();
    say_often(&nats, "agentrun.agents.r.u.agent.a.log", "{}", 30_000);
    say_often(&nats, "agentrun.general.message", &other, 3_000);
    nats.await_count("agent-comms", 33_001);
    say(&nats, &message("new"));
    let ended = asking("required", &nats.url()).end();
    assert_eq!(said(&ended), "said: old new\n");
}

#[test]
fn it_is_a_file_that_only_its_owner_reads() {
    let nats = server();
    say(&nats, &message("hello"));
    let ended = asking("optional", &nats.url())
        .env("NATS_CONTEXT_PATH", "in/context.json")
        .agent(["cat", "in/context.json"])
        .end();
    let file = ended.dir.path().join("in/context.json");
    let mode = fs::metadata(&file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(file).expect("it is text");
    assert_eq!(said(&ended), text);
    let context: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(
        context,
        json!({
            "stream": "agent-comms", "subject": "agentrun.general.>", "count": 50, "fetched": 1,
            "filtered": 1,
            "messages": [{ "channel": "general", "repository": "acme/portal", "content": "hello" }],
        })
    );
}

#[test]
fn a_link_in_the_way_of_the_file_is_not_followed() {
    let nats = server();
    let run = asking("optional", &nats.url()).env("NATS_CONTEXT_PATH", "in/context.json");
    let outside = tempfile::tempdir().expect("a directory can be made");
    std::os::unix::fs::symlink(outside.path(), run.path("in")).expect("a link can be made");
    let ended = run.end();
    assert_ends("link", &ended, &ends(74, "WorkspaceFailed", "SymbolicLink"));
    let left = fs::read_dir(outside.path()).expect("it is there").count();
    assert_eq!(left, 0);
}

#[test]
fn what_strangers_write_is_text_and_bounded() {
    let nats = server();
    let say_bytes = |bytes: &[u8]| nats.publish("agentrun.general.message", bytes);
    say_bytes(b"no JSON \xff\0");
    say_bytes(b"[1,2]");
    say_bytes(&vec![b'['; 100_000]);
    say(&nats, &json!({ "content": 7, "repository": "acme/portal" }));
    say(&nats, &message("{{inputs.secret}} {{#if x}} ${HOME} `id`"));
    say(&nats, &message("nul\0 inside"));
    say(&nats, &message(&"long".repeat(200_000)));
    let ended = asking("required", &nats.url())
        .spec("/inputs", json!({ "secret": "seen" }))
        .end();
    let said = said(&ended);
    let begin = "said: {{inputs.secret}} {{#if x}} ${HOME} `id` nul inside longlong";
    assert!(said.starts_with(begin), "{}", &said[..200]);
    assert!(
        said.ends_with(" [cut]\n") && said.len() < 17 << 10,
        "{}",
        said.len()
    );
}

#[test]
fn all_of_it_together_is_bounded_and_the_newest_is_kept() {
    let nats = server();
    for number in 0..40 {
        say(
            &nats,
            &message(&format!("m{number} {}", "x".repeat(15_000))),
        );
    }
    let ended = asking("required", &nats.url())
        .env("NATS_CONTEXT_PATH", "context.json")
        .agent(["exit", "0"])
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = fs::read_to_string(ended.dir.path().join("context.json")).expect("it is there");
    assert!(text.len() < 270 << 10, "{}", text.len());
    let context: Value = serde_json::from_str(&text).expect("it is JSON");
    let messages = context["messages"].as_array().expect("a list");
    let last = messages.last().expect("there are some")["content"].as_str();
    assert!(last.is_some_and(|last| last.starts_with("m39 ")));
    assert_eq!(messages.len(), 17);
    assert!(
        warnings(&ended).contains("found 17 of 50 messages"),
        "{}",
        ended.full
    );
}

#[test]
fn a_prompt_has_it_too_and_an_input_file() {
    let nats = server();
    say(&nats, &message("hello"));
    let ended = asking("optional", &nats.url())
        .agent(["stdin", "cat", "in.md"])
        .setting("prompt", json!("{{#each context.messages}}- {{this.content}}\n{{/each}}{{context.count}} {{other.x}}\n"))
        .spec("/adapter/exec/inputFiles", json!([
            { "path": "in.md", "content": "{{#each context.messages}}* {{this.content}}{{/each}}\n" },
        ]))
        .end();
    assert_eq!(said(&ended), "- hello\n50 {{other.x}}\n* hello\n");
}

#[test]
fn without_the_wish_there_is_no_root_and_no_question() {
    let nats = server();
    say(&nats, &message("hello"));
    let ended = asking("off", &nats.url())
        .agent(["stdin"])
        .setting(
            "prompt",
            json!("{{#each context.messages}}{{this.content}}{{/each}}{{context.count}}\n"),
        )
        .end();
    assert_eq!(said(&ended), "{{context.count}}\n");
}

#[test]
fn an_optional_context_that_cannot_be_had_is_empty_and_a_warning() {
    let nats = NatsServer::new().start();
    let no_stream = asking("optional", &nats.url()).end();
    assert_eq!(said(&no_stream), "said:\n");
    let warning = warnings(&no_stream);
    assert!(
        warning.contains("the stream `agent-comms` cannot be looked at"),
        "{warning}"
    );
    assert!(warning.contains("NATS_STREAM"), "{warning}");
    nats.stop();
    let down = asking("optional", &nats.url())
        .env("NATS_CONTEXT_PATH", "context.json")
        .end();
    assert_eq!(said(&down), "said:\n");
    let warning = warnings(&down);
    assert!(
        warning.contains(&format!("no NATS server at 127.0.0.1:{}", nats.port())),
        "{warning}"
    );
    let file = fs::read(down.dir.path().join("context.json")).expect("it is there");
    let file: Value = serde_json::from_slice(&file).expect("it is JSON");
    assert_eq!(file["messages"], json!([]));
    let without = NatsServer::new().without_jetstream().start();
    let ended = asking("optional", &without.url()).end();
    assert_eq!(said(&ended), "said:\n");
    assert!(
        warnings(&ended).contains("may have no JetStream"),
        "{}",
        warnings(&ended)
    );
}

#[test]
fn a_required_context_that_cannot_be_had_ends_the_run() {
    let wanted = ends(69, "ProviderUnavailable", "ContextUnavailable");
    let nats = NatsServer::new().start();
    let no_stream = asking("required", &nats.url()).end();
    assert_ends("no stream", &no_stream, &wanted);
    assert_eq!(no_stream.text(), "", "the agent was not started");
    nats.stop();
    let down = asking("required", &nats.url()).end();
    assert_ends("down", &down, &wanted);
    let address = format!("at 127.0.0.1:{} ", nats.port());
    assert!(down.error().contains(&address), "{}", down.error());
}

#[test]
fn a_server_that_says_nothing_is_waited_for_as_long_as_was_told() {
    let nats = server();
    nats.pause();
    let begun = Instant::now();
    let paused = asking("required", &nats.url())
        .env("NATS_CONTEXT_TIMEOUT_MS", "700")
        .end();
    let took = begun.elapsed();
    assert_ends(
        "paused",
        &paused,
        &ends(69, "ProviderUnavailable", "ContextUnavailable"),
    );
    assert!((700..5000).contains(&took.as_millis()), "{took:?}");
}

/// Whether a process has a connection to a port of 127.0.0.1.
fn is_connected(pid: Pid, port: u16) -> bool {
    let fds = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    let links = fds.flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
    let own: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (to, state, inode) = (fields[2], fields[3], fields[9]);
        let is_own = own.contains(&format!("socket:[{inode}]"));
        is_own && state == "01" && to.ends_with(&format!(":{port:04X}"))
    })
}

/// How long it takes from a signal to the end of a run that waits for a server.
#[track_caller]
fn stopped_within(nats: &Nats) -> Duration {
    let run = asking("optional", &nats.url()).start();
    // The kernel takes the connection for the server.
    let connected = wait_until(DEADLINE, || is_connected(run.pid(), nats.port()));
    assert!(connected, "it never connects");
    let begun = Instant::now();
    run.signal(Signal::SIGTERM);
    let ended = run.end();
    let took = begun.elapsed();
    assert_ends("signal", &ended, &ends(143, "Cancelled", "SIGTERM"));
    took
}

#[test]
fn a_signal_ends_the_wait_at_once() {
    let nats = server();
    nats.pause();
    let mut took = Vec::new();
    for _ in 0..3 {
        took.push(stopped_within(&nats));
        // Work that does not look at the signal is left alone after half a second. What else runs
        // on this machine may take that long once, but not each time.
        if took.iter().any(|took| *took < Duration::from_millis(450)) {
            return;
        }
    }
    panic!("not at once: {took:?}");
}

#[test]
fn the_permissions_that_are_documented_are_enough_and_each_is_needed() {
    let account = |publish: &[&str]| {
        let permissions = Permissions::only(publish, &["_INBOX.>"]);
        let nats = NatsServer::new()
            .user("reader", "secret-of-reader", permissions)
            .start();
        nats.make_stream("agent-comms", &["agentrun.>"]);
        say(&nats, &message("hello"));
        let run = asking("optional", &nats.url())
            .env("NATS_USER", "reader")
            .env("NATS_PASSWORD", "secret-of-reader");
        let ended = run.end();
        (said(&ended), warnings(&ended))
    };
    assert_eq!(
        account(&LEAST),
        ("said: hello\n".to_owned(), "null".to_owned())
    );
    for missing in LEAST {
        let others: Vec<_> = LEAST.into_iter().filter(|it| *it != missing).collect();
        let begun = Instant::now();
        let (said, warning) = account(&others);
        assert_eq!(said, "said:\n", "{missing}");
        assert!(
            warning.contains("may not read the stream `agent-comms`"),
            "{warning}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn a_password_that_is_wrong_is_said_and_not_shown() {
    let nats = NatsServer::new()
        .user("reader", "right-password", Permissions::all())
        .start();
    let ended = asking("required", &nats.url())
        .env("NATS_USER", "reader")
        .env("NATS_PASSWORD", "wrong-password-1234")
        .end();
    assert_ends(
        "password",
        &ended,
        &ends(69, "ProviderUnavailable", "ContextUnavailable"),
    );
    assert!(
        ended.error().contains("authorization violation"),
        "{}",
        ended.error()
    );
    for text in [ended.stderr.clone(), ended.full.to_string()] {
        assert!(!text.contains("wrong-password-1234"), "{text}");
    }
}

#[test]
fn a_dry_run_asks_nobody_and_says_so() {
    let nats = server();
    say(&nats, &message("hello"));
    nats.pause();
    let ended = asking("required", &nats.url()).arg("--dry-run").end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let plan = ended.text();
    assert!(
        plan.contains("`events.context` is empty here: only a run fetches it"),
        "{plan}"
    );
    assert!(!plan.contains("hello"), "{plan}");
}

#[test]
fn nothing_is_left_in_the_stream() {
    let nats = server();
    say(&nats, &message("hello"));
    assert_eq!(
        said(&asking("required", &nats.url()).end()),
        "said: hello\n"
    );
    assert_eq!(nats.count("agent-comms"), 1);
}
