//! What the model says: once, as it comes, to the letter.

use std::time::Duration;

use agent_tests::{CACHE_READ, CACHE_WRITTEN, CLIS, Cli, ModelApi, PROMPT, Step};
use serde_json::Value;

use crate::assert_completed;

#[test]
fn a_text_answer_has_words_usage_and_a_session() {
    for cli in CLIS {
        let api = ModelApi::start([Step::text("Hello from the model.").usage(1200, 34)]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        assert_eq!(ended.text(), "Hello from the model.\n", "{cli:?}");
        let usage = &ended.status["usage"];
        // What was cached comes on top of the input in the words of one API, not of the other.
        let input = match cli {
            Cli::Claude => 1200 + CACHE_READ + CACHE_WRITTEN,
            Cli::CodexExec | Cli::AppServer => 1200,
        };
        assert_eq!(usage["inputTokens"], input, "{cli:?}: {usage}");
        assert_eq!(usage["cachedInputTokens"], CACHE_READ, "{cli:?}: {usage}");
        assert_eq!(usage["outputTokens"], 34, "{cli:?}: {usage}");
        assert_eq!(
            (&usage["turns"], &usage["toolCalls"]),
            (&1.into(), &0.into()),
            "{cli:?}"
        );
        assert_eq!(
            usage["costUsd"].is_f64(),
            cli == Cli::Claude,
            "{cli:?}: {usage}"
        );
        let session = ended.status["sessionId"].as_str().unwrap_or_default();
        assert_eq!(session.len(), 36, "{cli:?}: {}", ended.status);
        let warnings = ended.full["warnings"].as_array().map_or(0, Vec::len);
        assert_eq!(warnings, 0, "{cli:?}: {}", ended.full["warnings"]);
        let asked = api.await_request(1).body.to_string();
        assert!(asked.contains(PROMPT), "{cli:?}");
        assert_eq!(api.requests().len(), 1, "{cli:?}");
    }
}

#[test]
fn the_log_has_the_raw_stream_with_times_and_without_pieces() {
    for cli in CLIS {
        let api = ModelApi::start([Step::text("Hello from the model.").pieces_of(4)]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        let log = String::from_utf8(ended.log.clone()).expect("a log of text is text");
        let lines: Vec<Value> = (log.lines())
            .map(|line| serde_json::from_str(line).expect("a line of the log is JSON"))
            .collect();
        assert!(
            lines.iter().all(|line| line["ts"].is_string()),
            "{cli:?}: {log}"
        );
        let whole = |line: &&Value| line["event"].to_string().contains("Hello from the model.");
        assert!(lines.iter().filter(whole).count() > 0, "{cli:?}: {log}");
        for piece in ["content_block_delta", "item/agentMessage/delta"] {
            assert!(!log.contains(piece), "{cli:?}: {log}");
        }
    }
}

#[test]
fn a_message_is_shown_while_it_is_being_written() {
    // `codex exec` tells whole messages only.
    for cli in [Cli::Claude, Cli::AppServer] {
        let words = "One. Two. Three. Four. Five. Six. ";
        let step = Step::text(words)
            .pieces_of(6)
            .delay(Duration::from_millis(400));
        let api = ModelApi::start([step]);
        let Some(run) = cli.run(&api) else { continue };
        let started = run.start();
        started.await_stdout("One. ");
        let shown = String::from_utf8(started.stdout()).expect("it is text");
        assert!(!shown.contains("Six."), "{cli:?}: {shown}");
        assert!(!started.path("agent/status.json").exists(), "{cli:?}");
        let ended = started.end();
        assert_completed(cli, &ended);
        assert_eq!(ended.text().trim_end(), words.trim_end(), "{cli:?}");
    }
}

#[test]
fn a_message_is_shown_before_the_next_request_is_answered() {
    for cli in CLIS {
        let api = ModelApi::start([
            Step::shell("true").say("First a look around."),
            Step::text("That was all.").hold("the end"),
        ]);
        let Some(run) = cli.run(&api) else { continue };
        let started = run.start();
        started.await_stdout("First a look around.\n");
        assert!(!started.path("agent/status.json").exists(), "{cli:?}");
        api.release("the end");
        let ended = started.end();
        assert_completed(cli, &ended);
        let shown = ended.text();
        assert!(
            shown.starts_with("First a look around.\n["),
            "{cli:?}: {shown}"
        );
        assert!(shown.ends_with("\nThat was all.\n"), "{cli:?}: {shown}");
    }
}

#[test]
fn letters_of_all_kinds_arrive_as_they_are() {
    let words = "Grüße, 世界! שלום مرحبا 👩‍👩‍👧‍👦 e\u{301} \u{fe0f}ﬁ \\n \"q\" <b>&amp;</b>\n\ttab\n```sh\necho '$x'\n```";
    for cli in CLIS {
        let api = ModelApi::start([Step::text(words).pieces_of(1)]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        assert_eq!(ended.text(), format!("{words}\n"), "{cli:?}");
    }
}

#[test]
fn an_empty_answer_is_an_answer() {
    for cli in CLIS {
        let api = ModelApi::start([Step::text("")]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        assert_eq!(ended.text().trim(), "", "{cli:?}");
    }
}

#[test]
fn a_request_that_is_told_to_wait_is_made_again_and_the_run_succeeds() {
    for cli in CLIS {
        let refusal = Step::http(429, "rate_limit_error", "slow down").header("retry-after", "1");
        let api = ModelApi::start([refusal, Step::text("At last.")]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        assert_eq!(ended.text(), "At last.\n", "{cli:?}");
        assert_eq!(api.requests().len(), 2, "{cli:?}");
        let said = match cli {
            Cli::Claude => "[error] a request failed: rate_limit, HTTP status 429; try 1 of 1",
            Cli::CodexExec | Cli::AppServer => "Reconnecting... 1/1",
        };
        assert!(ended.stderr.contains(said), "{cli:?}: {}", ended.stderr);
    }
}
