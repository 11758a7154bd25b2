//! The scripted model is one that the real CLIs believe, and it breaks as it is told.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent_tests::{DEADLINE, ModelApi, Step, agents, wait_until};
use serde_json::Value;
use tempfile::TempDir;

/// What a CLI left.
struct Ran {
    code: Option<i32>,
    stdout: String,
    dir: TempDir,
}

impl Ran {
    /// Returns the first event whose value at a JSON pointer is this text.
    #[track_caller]
    fn event(&self, pointer: &str, wanted: &str) -> Value {
        let mut events = (self.stdout.lines())
            .map(|line| serde_json::from_str(line).expect("the CLI writes JSON"));
        events
            .find(|event: &Value| event.pointer(pointer).is_some_and(|it| it == wanted))
            .unwrap_or_else(|| panic!("no event has `{wanted}` at {pointer}: {}", self.stdout))
    }

    #[track_caller]
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join("workspace").join(name))
            .unwrap_or_else(|error| panic!("`{name}`: {error}; events: {}", self.stdout))
    }
}

fn claude(api: &ModelApi) -> Option<Ran> {
    let args = [
        "-p",
        "--output-format",
        "stream-json",
        "--verbose",
        "--dangerously-skip-permissions",
    ];
    Some(ran(&agents::claude()?, &args, |home| {
        let mut env = agents::claude_env(home, api);
        env.push(("CLAUDE_CODE_MAX_RETRIES".to_owned(), "0".to_owned()));
        env
    }))
}

fn codex(api: &ModelApi) -> Option<Ran> {
    let args = [
        "exec",
        "--json",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        "-",
    ];
    Some(ran(&agents::codex()?, &args, |home| {
        agents::codex_env(home, api)
    }))
}

/// Runs a CLI with a prompt on stdin, in directories of its own.
#[track_caller]
fn ran(program: &PathBuf, args: &[&str], env: impl FnOnce(&Path) -> Vec<(String, String)>) -> Ran {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let path = |name: &str| dir.path().join(name);
    for name in ["home", "tmp", "workspace"] {
        fs::create_dir(path(name)).expect("a temporary directory is writable");
    }
    let file = |name: &str| File::create(path(name)).expect("a temporary directory is writable");
    fs::write(path("prompt"), "hi").expect("a temporary directory is writable");
    let mut child = Command::new(program)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TMPDIR", path("tmp"))
        .envs(env(&path("home")))
        .current_dir(path("workspace"))
        .stdin(File::open(path("prompt")).expect("it has just been written"))
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .expect("the CLI can be started");
    let mut exit = None;
    let ended = wait_until(DEADLINE, || {
        exit = child.try_wait().expect("the CLI is our child");
        exit.is_some()
    });
    if !ended {
        child.kill().expect("the CLI is our child");
        child.wait().expect("the CLI is our child");
    }
    let read = |name: &str| fs::read_to_string(path(name)).expect("the CLI writes UTF-8");
    let (stdout, stderr) = (read("stdout"), read("stderr"));
    assert!(ended, "the CLI did not end: {stdout}\n{stderr}");
    Ran {
        code: exit.and_then(|exit| exit.code()),
        stdout,
        dir,
    }
}

#[test]
fn claude_takes_a_text_in_one_request() {
    let api = ModelApi::start([Step::text("Hello, ☃.").usage(1000, 20)]);
    let Some(ran) = claude(&api) else { return };
    let result = ran.event("/type", "result");
    assert_eq!(
        (ran.code, &result["result"]),
        (Some(0), &"Hello, ☃.".into())
    );
    assert_eq!(result["usage"]["input_tokens"], 1000);
    assert_eq!(result["usage"]["output_tokens"], 20);
    assert_eq!(
        result["usage"]["cache_read_input_tokens"],
        agent_tests::CACHE_READ
    );
    assert_eq!(api.await_request(1).headers["x-api-key"], agents::KEY);
    assert_eq!(api.requests().len(), 1);
    assert!(
        api.other_requests().is_empty(),
        "{:?}",
        api.other_requests()
    );
}

#[test]
fn codex_takes_a_text_in_one_request() {
    let api = ModelApi::start([Step::text("Hello, ☃.").usage(1000, 20)]);
    let Some(ran) = codex(&api) else { return };
    ran.event("/item/text", "Hello, ☃.");
    let usage = &ran.event("/type", "turn.completed")["usage"];
    assert_eq!(ran.code, Some(0));
    assert_eq!(usage["input_tokens"], 1000);
    assert_eq!(usage["output_tokens"], 20);
    assert_eq!(usage["cached_input_tokens"], agent_tests::CACHE_READ);
    let authorization = &api.await_request(1).headers["authorization"];
    assert_eq!(*authorization, format!("Bearer {}", agents::KEY));
    assert_eq!(api.requests().len(), 1);
    assert!(
        api.other_requests().is_empty(),
        "{:?}",
        api.other_requests()
    );
}

/// A step with each tool that a script can call whatever the CLI is.
fn tools() -> [Step; 3] {
    [
        Step::shell("printf shell > by-shell").say("I will run it."),
        Step::write("by-write", "write\n").thinking("And then this."),
        Step::text("Both are done."),
    ]
}

#[test]
fn claude_runs_a_command_and_writes_a_file() {
    let api = ModelApi::start(tools());
    let Some(ran) = claude(&api) else { return };
    assert_eq!(ran.event("/type", "result")["result"], "Both are done.");
    assert_eq!(ran.file("by-shell"), "shell");
    assert_eq!(ran.file("by-write"), "write\n");
    ran.event("/message/content/0/text", "I will run it.");
    ran.event("/message/content/0/thinking", "And then this.");
    assert_eq!((ran.code, api.requests().len()), (Some(0), 3));
}

#[test]
fn codex_runs_a_command_and_writes_a_file() {
    let api = ModelApi::start(tools());
    let Some(ran) = codex(&api) else { return };
    ran.event("/item/text", "Both are done.");
    assert_eq!(ran.file("by-shell"), "shell");
    assert_eq!(ran.file("by-write"), "write\n");
    ran.event("/item/text", "I will run it.");
    ran.event("/item/text", "And then this.");
    assert_eq!((ran.code, api.requests().len()), (Some(0), 3));
}

#[test]
fn claude_sees_a_refusal_for_what_it_is() {
    let api = ModelApi::start([Step::http(401, "authentication_error", "no such key")]);
    let Some(ran) = claude(&api) else { return };
    let result = ran.event("/type", "result");
    assert_eq!((ran.code, &result["is_error"]), (Some(1), &true.into()));
    assert_eq!(result["api_error_status"], 401);
    assert!(ran.stdout.contains("no such key"), "{}", ran.stdout);
}

#[test]
fn codex_sees_a_refusal_for_what_it_is() {
    let api = ModelApi::start([Step::http(401, "authentication_error", "no such key")]);
    let Some(ran) = codex(&api) else { return };
    let failed = ran.event("/type", "turn.failed");
    let message = failed["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(ran.code, Some(1));
    assert!(message.contains("401"), "{message}");
    assert!(message.contains("no such key"), "{message}");
}

#[test]
fn codex_sees_a_cut_stream_and_asks_again() {
    let api = ModelApi::start([Step::cut(), Step::text("Whole.")]);
    let Some(ran) = codex(&api) else { return };
    assert!(ran.stdout.contains("Reconnecting... 1/1"), "{}", ran.stdout);
    ran.event("/item/text", "Whole.");
    assert_eq!((ran.code, api.requests().len()), (Some(0), 2));
}

/// Asks as a client that wants no stream, and returns the connection.
fn asked(api: &ModelApi) -> TcpStream {
    let address = api.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).expect("the model listens");
    let body = r#"{"model":"m","max_tokens":10}"#;
    let length = body.len();
    write!(
        stream,
        "POST /v1/messages HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("the model reads");
    stream
}

#[test]
fn a_reset_is_one_and_a_cut_is_not() {
    let api = ModelApi::start([Step::reset(), Step::cut()]);
    let mut answer = Vec::new();
    let error = asked(&api).read_to_end(&mut answer).expect_err("no end");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(answer.is_empty());
    let length = asked(&api).read_to_end(&mut answer).expect("an end");
    assert!(length > 0, "nothing came before the cut");
}

#[test]
fn a_held_step_comes_when_it_is_released() {
    let api = ModelApi::start([Step::text("at last").hold("gate"), Step::text("at once")]);
    let mut stream = asked(&api);
    assert_eq!(api.await_request(1).body["model"], "m");
    let mut answer = String::new();
    let mut second = asked(&api);
    second.read_to_string(&mut answer).expect("it is text");
    assert!(answer.contains("at once"), "{answer}");
    stream.set_nonblocking(true).expect("it is a socket");
    let early = stream.read(&mut [0]).expect_err("it came before its time");
    assert_eq!(early.kind(), io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).expect("it is a socket");
    api.release("gate");
    stream.read_to_string(&mut answer).expect("it is text");
    assert!(answer.contains("at last"), "{answer}");
    // One that is never released does not keep the server, whose drop waits for its threads.
    let never = ModelApi::start([Step::text("never").hold("gate")]);
    let waiting = asked(&never);
    never.await_request(1);
    drop((never, waiting));
}
