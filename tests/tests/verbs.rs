//! What the verbs print, and the runner's own log.

use std::fs;
use std::path::Path;

use agent_plan::outcome::{Code, ENDINGS};
use agent_tests::{Ended, Run};
use serde_json::{Value, json};

#[path = "verbs/manifests.rs"]
mod manifests;

/// Starts the binary with these arguments and no spec.
fn ask<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Ended {
    ask_in(Run::new(), words)
}

fn ask_in<S: Into<String>>(mut run: Run, words: impl IntoIterator<Item = S>) -> Ended {
    let mut words = words.into_iter().map(Into::into);
    let first = words.next().expect("there is something to ask");
    for word in words {
        run = run.arg(word);
    }
    run.start_with(Some(first.into())).end()
}

/// Checks a file of this content.
fn validate(content: &str) -> Ended {
    let run = Run::new();
    fs::write(run.path("file.json"), content).expect("it can be written");
    ask_in(run, ["validate", "file.json"])
}

#[test]
fn validate_takes_a_good_spec() {
    let spec = json!({ "provider": "p", "adapter": { "type": "exec", "exec": { "binary": "/bin/true" } } });
    let ended = validate(&spec.to_string());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.text(), "file.json: ok\n");
}

#[test]
fn validate_names_line_and_column() {
    let ended = validate("{\n  \"provider\": \"p\",\n  \"inputs\": 7\n}");
    assert_eq!(ended.code, 65);
    assert!(
        ended.stderr.contains("`file.json` line 3 column"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("`inputs`"), "{}", ended.stderr);

    let ended = validate("{\n  \"provider\": \"p\",\n  \"inputs\": {,}\n}");
    assert_eq!(ended.code, 65);
    assert!(
        ended
            .stderr
            .contains("`file.json` line 3 column 14: not JSON"),
        "{}",
        ended.stderr
    );
}

#[test]
fn validate_says_what_was_perhaps_meant() {
    let ended = validate("{\n  \"provider\": \"p\",\n  \"artefacts\": {}\n}");
    assert_eq!(
        ended.code, 0,
        "an unknown field is no error: {}",
        ended.stderr
    );
    let warning = "unknown field `artefacts` at line 3 column 3: did you mean `artifacts`?";
    assert!(ended.text().contains(warning), "{}", ended.text());

    let ended = validate("{ \"providr\": \"p\", \"inputs\": {} }");
    assert_eq!(ended.code, 65);
    assert!(ended.stderr.contains("provider"), "{}", ended.stderr);
}

#[test]
fn validate_looks_into_a_configmap() {
    let good =
        json!({ "kind": "ConfigMap", "data": { "agent-runner.json": "{\"provider\":\"p\"}" } });
    assert_eq!(validate(&good.to_string()).code, 0);
    let bad = json!({ "kind": "ConfigMap", "data": { "agent-runner.json": "{\"inputs\":{}}" } });
    let ended = validate(&bad.to_string());
    assert_eq!(ended.code, 65);
    assert!(
        ended.stderr.contains("data.agent-runner.json"),
        "{}",
        ended.stderr
    );
    let empty = json!({ "kind": "ConfigMap", "data": { "agent-runner.jsn": "{}" } });
    let ended = validate(&empty.to_string());
    assert_eq!(ended.code, 65);
    assert!(
        ended.stderr.contains("no text at `data.agent-runner.json`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn validate_reads_stdin_and_never_without_end() {
    let run = Run::new().stdin(r#"{ "provider": "p" }"#);
    let ended = ask_in(run, ["validate", "-"]);
    assert_eq!(ended.text(), "-: ok\n", "{}", ended.stderr);
    // Under a limit, so that a test that fails does not take the machine with it.
    for verb in ["validate", "explain"] {
        let run = Run::new().through(["prlimit", "--as=1000000000"]);
        let ended = ask_in(run, [verb, "/dev/zero"]);
        assert!([65, 66].contains(&ended.code), "{}", ended.stderr);
    }
}

/// A token of the form that GitHub gives out, and a sequence that a terminal obeys.
const TOKEN: &str = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
const RED: &str = "\u{1b}[31m";

#[test]
fn validate_shows_neither_secrets_nor_what_a_terminal_obeys() {
    for spec in [
        json!({ "provider": "p", "extra": { TOKEN: 1 }, TOKEN: 1, RED: 1 }),
        json!({ "provider": "p", "inputs": format!("{TOKEN}{RED}") }),
        json!({ "provider": "p", "schemaVersion": format!("{TOKEN}{RED}") }),
    ] {
        let ended = validate(&spec.to_string());
        let said = ended.text() + &ended.stderr;
        assert!(said.contains("REDACTED"), "{said}");
        assert!(!said.contains(TOKEN) && !said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn explain_shows_neither_secrets_nor_what_a_terminal_obeys() {
    let ended = Run::new().agent(["exit", "3"]).end();
    let mut status = ended.full.clone();
    status["error"] = json!(format!("{RED}the agent said {TOKEN}"));
    let run = Run::new();
    fs::write(run.path("status.json"), status.to_string()).expect("it can be written");
    let explained = ask_in(run, ["explain", "status.json"]);
    assert_eq!(explained.code, 0, "{}", explained.stderr);
    let text = explained.text();
    assert!(text.contains("the agent said [REDACTED"), "{text}");
    assert!(!text.contains(TOKEN) && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_plan_in_words_has_nothing_that_a_terminal_obeys() {
    let ended = Run::new()
        .agent(["print", &format!("{RED}hello")])
        .arg("--dry-run")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = ended.text();
    assert!(text.contains("[31mhello"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn validate_takes_a_provider_definition() {
    let ended = validate(r#"{ "binary": "/bin/true", "argTemplate": [] }"#);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.text().contains("did you mean `argsTemplate`?"),
        "{}",
        ended.text()
    );
    assert_eq!(validate(r#"{ "binary": ["/bin/true"] }"#).code, 65);
}

#[test]
fn validate_checks_every_file_and_ends_with_the_worst() {
    let run = Run::new();
    fs::write(run.path("good.json"), r#"{ "provider": "p" }"#).expect("it can be written");
    fs::write(run.path("bad.json"), "{").expect("it can be written");
    let ended = ask_in(run, ["validate", "bad.json", "good.json", "missing.json"]);
    assert_eq!(ended.code, 66);
    assert!(ended.text().contains("good.json: ok"));
    assert!(ended.stderr.contains("bad.json") && ended.stderr.contains("missing.json"));
}

#[test]
fn every_schema_is_one_and_has_our_fields() {
    for (name, fields) in [
        (
            "spec",
            &["schemaVersion", "provider", "inputs", "adapter", "runner"][..],
        ),
        (
            "status",
            &[
                "status", "exitCode", "outcome", "reason", "attempt", "process", "warnings",
            ],
        ),
        (
            "plan",
            &[
                "provider", "process", "files", "grace", "secrets", "warnings",
            ],
        ),
        (
            "provider",
            &["binary", "argsTemplate", "envTemplate", "adapter"],
        ),
    ] {
        let ended = ask(["schema", name]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let schema: Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
        let dialect = schema["$schema"].as_str().unwrap_or_default();
        assert!(dialect.starts_with("https://json-schema.org/"), "{dialect}");
        assert_eq!(schema["type"], "object");
        for field in fields {
            assert!(
                schema["properties"][field].is_object(),
                "{name} lacks {field}"
            );
        }
        assert_refers_to_itself(&schema, &schema);
    }
}

/// Asserts that every reference leads somewhere, and that every property says what it is.
#[track_caller]
fn assert_refers_to_itself(schema: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                let found = schema.pointer(to.trim_start_matches('#'));
                assert!(found.is_some(), "`{to}` leads nowhere");
            }
            fields
                .values()
                .for_each(|part| assert_refers_to_itself(schema, part));
        }
        Value::Array(parts) => parts
            .iter()
            .for_each(|part| assert_refers_to_itself(schema, part)),
        _ => {}
    }
}

#[test]
fn a_real_status_has_only_what_its_schema_knows() {
    let schema: Value =
        serde_json::from_slice(&ask(["schema", "status"]).stdout).expect("it is JSON");
    let ended = Run::new().agent(["print", "x", "exit", "3"]).end();
    for (name, _) in ended.full.as_object().into_iter().flatten() {
        assert!(
            schema["properties"][name].is_object(),
            "`{name}` is not in the schema"
        );
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("names are text");
        assert!(
            ended.full.get(name).is_some(),
            "`{name}` is required and not there"
        );
    }
}

#[test]
fn a_failed_run_is_explained() {
    let ended = Run::new()
        .agent(["eprint", "no such model", "exit", "3"])
        .spec("/unknown", json!(1))
        .end();
    for name in ["status.json", "status.full.json"] {
        let path = ended
            .dir
            .path()
            .join("agent")
            .join(name)
            .display()
            .to_string();
        let explained = ask(["explain", &path]);
        assert_eq!(explained.code, 0, "{}", explained.stderr);
        let text = explained.text();
        for part in [
            "Run        attempt 1 of provider `fake` failed: AgentFailed (NonZeroExit)\n",
            "Cause      The agent ended with a code or signal of its own.\n",
            "Error      `fake-agent` exited with code 3: no such model\n",
            "exited with code 3 after 14 bytes of output\n",
            "its output is in `",
            "Warning    unknown field `unknown`",
            "Next step  Read the last lines of the log",
            "Retry      not before something is changed\n",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
    }
}

#[test]
fn what_is_no_status_is_not_explained() {
    let run = Run::new();
    fs::write(run.path("file"), "{}").expect("it can be written");
    let ended = ask_in(run, ["explain", "file"]);
    assert_ne!(ended.code, 0);
    assert!(
        ended.stderr.contains("`file` is not a status file"),
        "{}",
        ended.stderr
    );
    let ended = ask(["explain", "missing"]);
    assert_eq!(ended.code, 66);
    assert!(
        ended.stderr.contains("`missing` cannot be read"),
        "{}",
        ended.stderr
    );
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = ask(["completions", shell]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let text = ended.text();
        assert!(
            text.contains("agent-runner") && text.contains("dry-run"),
            "{shell}: {text}"
        );
    }
    assert_eq!(ask(["completions", "tcsh"]).code, 64);
}

#[test]
fn bash_takes_its_completions() {
    let run = Run::new();
    fs::write(run.path("script"), ask(["completions", "bash"]).stdout).expect("it can be written");
    let script = run.path("script");
    let checked = std::process::Command::new("bash")
        .arg("-n")
        .arg(script)
        .output();
    let checked = checked.expect("bash is there");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn help_lists_every_exit_code() {
    let ended = ask(["--help"]);
    assert_eq!(ended.code, 0);
    let text = ended.text();
    for ending in ENDINGS {
        let name = format!("{:?}", ending.outcome);
        let line = text
            .lines()
            .find(|line| line.split_whitespace().any(|word| word == name));
        let line = line.unwrap_or_else(|| panic!("{name} is not in {text}"));
        if let Code::Fixed(code) = ending.code {
            assert!(line.trim_start().starts_with(&code.to_string()), "{line}");
        }
        assert!(line.contains(ending.meaning), "{line}");
    }
    for verb in [
        "plan",
        "validate",
        "schema",
        "explain",
        "install",
        "completions",
    ] {
        assert!(text.contains(verb), "{verb} is not in {text}");
    }
    assert_eq!(ended.stderr, "");
}

#[test]
fn the_version_is_printed() {
    let ended = ask(["--version"]);
    assert_eq!(ended.code, 0);
    let text = ended.text();
    let version = text
        .strip_prefix("agent-runner ")
        .expect("name and number")
        .trim();
    assert_eq!(version.split('.').count(), 3, "{version}");
}

#[test]
fn an_unknown_flag_leaves_a_status() {
    let run = Run::new();
    let status = run.path("agent/status.json");
    let ended = run
        .env("AGENT_RUNNER_STATUS_PATH", status)
        .arg("--dry-rnu")
        .end();
    assert_eq!(ended.code, 64);
    assert_eq!(ended.outcome(), "Usage");
    assert_eq!(ended.reason(), "BadArguments");
    assert!(ended.error().contains("--dry-rnu"), "{}", ended.error());
    assert!(
        ended.stderr.contains("--dry-run"),
        "it says what was meant: {}",
        ended.stderr
    );
    ended.assert_the_controller_reads_it();
}

#[test]
fn a_usage_error_leaves_no_status_where_there_is_no_pod() {
    let ended = ask(["--no-such-flag"]);
    assert_eq!(ended.code, 64);
    let left = fs::read_dir(ended.dir.path()).expect("it is there").count();
    // On a machine without /workspace; with one, the status would be there.
    assert!(left == 0 || Path::new("/workspace").is_dir());
}

/// The lines of our own log.
fn log_of(run: Run) -> Vec<String> {
    let ended = run.agent(["print", "hello"]).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.stderr.lines().map(str::to_owned).collect()
}

const PHASES: [&str; 4] = [
    "Run planned.",
    "Workspace prepared.",
    "Agent ended.",
    "Run ended.",
];

#[test]
fn the_log_is_one_line_a_phase() {
    let lines = log_of(Run::new());
    assert_eq!(lines.len(), PHASES.len(), "{lines:?}");
    for (line, phase) in lines.iter().zip(PHASES) {
        assert!(line.contains("INFO") && line.contains(phase), "{line}");
        assert!(!line.contains('\u{1b}'), "no colour in a pipe: {line}");
    }
}

#[test]
fn the_log_as_json_is_one_object_a_line() {
    let lines = log_of(Run::new().env("AGENT_RUNNER_LOG_FORMAT", "json"));
    assert_eq!(lines.len(), PHASES.len(), "{lines:?}");
    for (line, phase) in lines.iter().zip(PHASES) {
        let entry: Value = serde_json::from_str(line).expect("each line is JSON");
        assert_eq!(entry["level"], "INFO");
        assert_eq!(entry["fields"]["message"], phase);
        assert!(
            entry["timestamp"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
    }
}

#[test]
fn the_log_can_be_turned_off_or_down() {
    assert_eq!(log_of(Run::new().env("AGENT_RUNNER_LOG", "off")), [""; 0]);
    assert_eq!(log_of(Run::new().env("AGENT_RUNNER_LOG", "warn")), [""; 0]);
    let ended = Run::new()
        .env("AGENT_RUNNER_LOG", "warn")
        .agent(["exit", "3"])
        .end();
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("WARN"), "{}", ended.stderr);
}

#[test]
fn a_log_level_that_is_none_is_said_and_coped_with() {
    for (name, value) in [
        ("AGENT_RUNNER_LOG", "loud"),
        ("AGENT_RUNNER_LOG_FORMAT", "xml"),
    ] {
        let lines = log_of(Run::new().env(name, value));
        assert_eq!(lines.len(), PHASES.len() + 1, "{lines:?}");
        assert!(
            lines[0].contains(name) && lines[0].contains(value),
            "{}",
            lines[0]
        );
    }
}

#[test]
fn a_reader_that_is_gone_is_no_error_of_a_verb() {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let ended = ask_in(Run::new().stdout(writer), ["schema", "spec"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}
