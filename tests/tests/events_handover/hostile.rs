//! What the agent may do with the file.

use std::fs;

use agent_tests::Nats;

use crate::{contents, messages, run, with_stream};

/// Runs a script in which `heard TEXT` waits until this has been heard, and returns all that was.
#[track_caller]
fn said(nats: &Nats, script: &str, waits: &[&str]) -> Vec<String> {
    let heard = "heard() { while ! [ -e \"heard-$1\" ]; do sleep 0.01; done; }";
    let run = run(nats, &format!("{heard}\n{script}"));
    fs::write(run.path("secret"), "not for the agent\n").expect("the directory is ours");
    let subscriber = nats.listen("agentrun.>");
    let started = run.start();
    for text in waits {
        let is_there = || {
            subscriber
                .messages()
                .iter()
                .any(|it| it.payload["content"] == *text)
        };
        assert!(
            agent_tests::wait_until(agent_tests::DEADLINE, is_there),
            "`{text}` is heard"
        );
        fs::write(started.path(&format!("heard-{text}")), "").expect("the directory is ours");
    }
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    let messages = messages(nats, &ended);
    contents(&messages).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_file_that_is_emptied_and_written_anew_goes_on() {
    let nats = with_stream();
    let script = "echo one >> \"$FILE\"; heard one; : > \"$FILE\"; echo x > \"$FILE\"; heard x; echo two >> \"$FILE\"";
    assert_eq!(said(&nats, script, &["one", "x"]), ["one", "x", "two"]);
}

#[test]
fn a_file_that_is_replaced_by_another_goes_on_and_says_nothing_twice() {
    let nats = with_stream();
    let script = "echo one >> \"$FILE\"; heard one; echo two >> \"$FILE\"
        { cat \"$FILE\"; echo three; } > new; mv new \"$FILE\"; heard three; echo four >> \"$FILE\"";
    assert_eq!(
        said(&nats, script, &["one", "three"]),
        ["one", "two", "three", "four"]
    );
}

#[test]
fn neither_a_link_nor_a_fifo_nor_a_directory_is_read_and_none_holds_the_run_up() {
    for replaced in [
        "ln -s \"$PWD/secret\" \"$FILE\"",
        "mkfifo \"$FILE\"",
        "mkdir \"$FILE\"",
        ":",
    ] {
        let nats = with_stream();
        let script = format!("echo one >> \"$FILE\"; heard one; rm \"$FILE\"; {replaced}");
        assert_eq!(said(&nats, &script, &["one"]), ["one"], "{replaced}");
    }
}

#[test]
fn a_hard_link_to_a_file_of_somebody_else_is_not_more_than_the_agent_may_read() {
    // What it may link to, it may read and say itself.
    let nats = with_stream();
    let script =
        "echo one >> \"$FILE\"; heard one; rm \"$FILE\"; echo mine > mine; ln mine \"$FILE\"";
    assert_eq!(said(&nats, script, &["one"]), ["one", "mine"]);
}

#[test]
fn a_file_that_is_deleted_and_made_again_goes_on() {
    let nats = with_stream();
    let script = "echo one >> \"$FILE\"; heard one; rm \"$FILE\"; echo two >> \"$FILE\"; heard two
        printf three >> \"$FILE\"";
    assert_eq!(
        said(&nats, script, &["one", "two"]),
        ["one", "two", "three"]
    );
}
