//! A secret reaches the agent, and nothing that others can read.

use std::fs;
use std::path::Path;

use agent_tests::{Ended, Run, binary};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

/// Long, with characters that JSON, URLs and base64 each treat in their own way.
const SECRET: &str = "s3cr\"et/+value&with=more\\than words";

/// A token that is known by its shape alone; put together so that no scanner finds it here.
fn token() -> String {
    format!("gh{}_{}", "p", "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5")
}

/// Every file below a directory, with its content.
fn files(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).expect("it can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(content) = fs::read(&path) {
            found.push((path.display().to_string(), content));
        }
    }
}

/// The forms in which a secret may not be seen.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("text is JSON");
    vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json[1..json.len() - 1].to_owned(),
    ]
}

/// Asserts that a run shows a secret nowhere: streams, log, status, and whatever else it left.
///
/// `given` are the files that the test itself put there.
#[track_caller]
fn assert_nowhere(ended: &Ended, secret: &str, given: &[&str]) {
    let mut sinks = vec![
        ("stdout".to_owned(), ended.stdout.clone()),
        ("stderr".to_owned(), ended.stderr.clone().into_bytes()),
    ];
    files(ended.dir.path(), &mut sinks);
    sinks.retain(|(name, _)| !given.iter().any(|given| name.ends_with(given)));
    for (name, content) in &sinks {
        let text = String::from_utf8_lossy(content);
        for form in forms(secret) {
            assert!(!text.contains(&form), "`{form}` is in {name}: {text}");
        }
    }
    assert!(
        sinks
            .iter()
            .any(|(name, _)| name.ends_with("status.full.json")),
        "there is a full status to look into"
    );
    ended.assert_the_controller_reads_it();
}

/// A run at the most talkative level, with a secret in its environment.
fn secretive() -> Run {
    Run::new()
        .env("SOME_API_KEY", SECRET)
        .env("AGENT_RUNNER_LOG", "trace")
}

#[test]
fn a_secret_of_the_environment_reaches_only_the_agent() {
    let ended = secretive()
        .shell("[ ${#SOME_API_KEY} = 35 ] || exit 9; printf 'out: %s\n' \"$SOME_API_KEY\"; printf 'err: %s\n' \"$SOME_API_KEY\" >&2")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_nowhere(&ended, SECRET, &[]);
    assert_eq!(ended.text(), "out: [REDACTED:SOME_API_KEY]\n");
    assert!(ended.stderr.contains("err: [REDACTED:SOME_API_KEY]\n"));
    let log = String::from_utf8_lossy(&ended.log).into_owned();
    assert_eq!(log.matches("[REDACTED:SOME_API_KEY]").count(), 2, "{log}");
    assert_eq!(ended.status["redactions"], json!({ "SOME_API_KEY": 2 }));
}

#[test]
fn a_secret_that_the_agent_encodes_is_found() {
    let run = secretive();
    for (index, form) in forms(SECRET).iter().enumerate() {
        fs::write(run.path(&format!("form-{index}")), format!("<{form}>\n")).expect("it can be");
    }
    let ended = run
        .agent([
            "cat", "form-0", "cat", "form-1", "cat", "form-2", "cat", "form-3", "cat", "form-4",
        ])
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_nowhere(
        &ended,
        SECRET,
        &["form-0", "form-1", "form-2", "form-3", "form-4"],
    );
    let text = ended.text();
    assert_eq!(text.lines().count(), 5);
    for line in text.lines() {
        // Of base64 the last character also depends on what follows; it may stay.
        assert!(line.starts_with("<[REDACTED:SOME_API_KEY]"), "{line}");
        assert!(line.len() <= "<[REDACTED:SOME_API_KEY]x==>".len(), "{line}");
    }
}

#[test]
fn a_secret_split_at_any_offset_is_found() {
    for form in [SECRET.to_owned(), STANDARD.encode(SECRET)] {
        let mut steps: Vec<String> = Vec::new();
        let cuts: Vec<usize> = (1..form.len()).collect();
        for at in &cuts {
            let pause = ["sleep".to_owned(), "1".to_owned()];
            steps.extend(["write".to_owned(), format!("<{}", &form[..*at])]);
            // So that the two halves are two reads of ours.
            steps.extend(pause);
            steps.extend(["write".to_owned(), format!("{}>\n", &form[*at..])]);
        }
        let ended = secretive().agent(steps).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let text = ended.text();
        assert_eq!(
            text.matches("<[REDACTED:SOME_API_KEY]").count(),
            cuts.len(),
            "{text}"
        );
        assert!(!text.contains(&form));
        assert_eq!(ended.log, ended.stdout);
    }
}

#[test]
fn a_secret_written_byte_by_byte_is_found() {
    let bytes = SECRET
        .chars()
        .flat_map(|letter| ["write".to_owned(), letter.to_string()]);
    let ended = secretive().agent(bytes).end();
    assert_eq!(ended.text(), "[REDACTED:SOME_API_KEY]");
}

#[test]
fn a_secret_in_templates_is_in_no_sink() {
    let ended = secretive()
        .spec("/adapter/exec/envTemplate", json!({
            "DEPLOY_TOKEN": "{{inputs.deploy}}",
            "COPY": "{{env.SOME_API_KEY}}",
        }))
        .setting("env/templates", json!(["SOME_API_KEY"]))
        .setting("prompt", json!("say {{inputs.deploy}}"))
        .spec("/inputs", json!({ "deploy": "deploy-value-1234" }))
        .shell("printf '%s,%s,' \"$DEPLOY_TOKEN\" \"$COPY\"; cat; echo; [ \"$COPY\" = \"$SOME_API_KEY\" ]")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let shown = "[REDACTED:DEPLOY_TOKEN],[REDACTED:SOME_API_KEY],say [REDACTED:DEPLOY_TOKEN]\n";
    assert_eq!(ended.text(), shown);
    assert_nowhere(&ended, SECRET, &[]);
    assert_nowhere(&ended, "deploy-value-1234", &["spec.json"]);
}

#[test]
fn a_secret_argument_is_in_no_sink() {
    let ended = secretive()
        .agent(["print", SECRET, "print", "ok", "exit", "3"])
        .end();
    assert_eq!(ended.code, 3);
    assert_nowhere(&ended, SECRET, &["spec.json"]);
    assert_eq!(ended.status["args"][1], "[REDACTED:SOME_API_KEY]");
}

#[test]
fn a_secret_in_an_input_file_is_in_the_file_alone() {
    let run = secretive();
    let path = run.path("credentials");
    let ended = run
        .spec(
            "/adapter/exec/inputFiles",
            json!([{ "path": path, "content": SECRET }]),
        )
        .agent(["cat", "credentials"])
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_nowhere(&ended, SECRET, &["credentials", "spec.json"]);
    assert_eq!(fs::read_to_string(path).expect("it was written"), SECRET);
}

#[test]
fn a_secret_in_the_last_line_is_not_in_the_error() {
    let ended = secretive()
        .shell("printf 'cannot log in with %s\n' \"$SOME_API_KEY\" >&2; exit 7")
        .end();
    assert_eq!(ended.code, 7);
    assert_eq!(
        ended.error(),
        "`sh` exited with code 7: cannot log in with [REDACTED:SOME_API_KEY]"
    );
    assert_nowhere(&ended, SECRET, &[]);
}

#[test]
fn a_secret_in_a_path_is_in_no_sink() {
    let run = Run::new().env("SOME_API_KEY", "plain-secret-word");
    let path = run.path("plain-secret-word");
    let ended = run
        .spec("/adapter/exec/binary", json!(path))
        .env("AGENT_RUNNER_LOG", "trace")
        .end();
    assert_eq!(ended.code, 66);
    assert_nowhere(&ended, "plain-secret-word", &["spec.json"]);
}

#[test]
fn a_token_is_found_by_its_shape() {
    let token = token();
    let ended = Run::new()
        .agent(["print", &format!("token={token};")])
        .env("AGENT_RUNNER_LOG", "trace")
        .end();
    assert_eq!(ended.text(), "token=[REDACTED:github-token];\n");
    assert_nowhere(&ended, &token, &["spec.json"]);
}

#[test]
fn a_secret_file_that_a_variable_names_is_found() {
    let run = Run::new();
    let path = run.path("mounted");
    fs::write(&path, format!("{SECRET}\n")).expect("it can be written");
    let ended = run
        .env("NATS_PASSWORD_FILE", path)
        .agent(["cat", "mounted"])
        .end();
    assert_eq!(ended.text(), "[REDACTED:NATS_PASSWORD_FILE]\n");
    assert_nowhere(&ended, SECRET, &["mounted"]);
}

#[test]
fn a_file_that_the_spec_names_as_secret_is_found() {
    let run = Run::new();
    let path = run.path("kubeconfig");
    fs::write(&path, format!("{SECRET}\n")).expect("it can be written");
    let ended = run
        .setting("redact/files", json!([path]))
        .agent(["cat", "kubeconfig"])
        .end();
    assert_eq!(ended.text(), "[REDACTED:kubeconfig]\n");
    assert_nowhere(&ended, SECRET, &["kubeconfig"]);
}

#[test]
fn a_mounted_secret_that_nothing_names_is_found() {
    let run = Run::new().shell("cat /var/run/secrets/agents/vcs/password");
    fs::write(run.path("password"), SECRET).expect("it can be written");
    // /var/run may be anything outside; inside it is as Kubernetes makes it.
    let ended = run
        .mounting(
            "mount -t tmpfs run /var/run/\nmkdir -p /var/run/secrets/agents/vcs\n\
             cp \"$dir/password\" /var/run/secrets/agents/vcs/",
        )
        .end();
    assert_eq!(ended.text(), "[REDACTED:password]", "{}", ended.stderr);
    assert_nowhere(&ended, SECRET, &["/password"]);
}

#[test]
fn a_secret_file_that_cannot_be_read_is_a_warning_or_a_refusal() {
    let run = Run::new();
    let path = run.path("missing");
    let ended = run.env("NATS_PASSWORD_FILE", &path).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.status["warnings"]
            .to_string()
            .contains("is not redacted")
    );

    let run = Run::new();
    let path = run.path("missing");
    let ended = run
        .env("NATS_PASSWORD_FILE", &path)
        .setting("redact/failClosed", json!(true))
        .agent(["touch", "started"])
        .end();
    assert_eq!(ended.code, 78);
    assert_eq!(ended.outcome(), "PolicyRefused");
    assert!(!ended.dir.path().join("started").exists());
    ended.assert_the_controller_reads_it();
}

#[test]
fn a_secret_is_in_no_plan() {
    for format in ["text", "json"] {
        let ended = secretive()
            .env("AGENT_RUNNER_LOG", "trace")
            .spec("/adapter/exec/envTemplate", json!({ "COPY": SECRET }))
            .spec(
                "/adapter/exec/inputFiles",
                json!([{ "path": "file", "content": SECRET }]),
            )
            .setting("prompt", json!(SECRET))
            .agent(["print", SECRET])
            .arg("--dry-run")
            .arg("--output")
            .arg(format)
            .end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let text = ended.text();
        assert!(text.contains("[REDACTED:SOME_API_KEY]"), "{text}");
        for form in forms(SECRET) {
            assert!(
                !text.contains(&form) && !ended.stderr.contains(&form),
                "{text}"
            );
        }
    }
}

#[test]
fn a_secret_in_a_broken_spec_is_in_no_sink() {
    let ended = secretive().spec("/adapter/type", json!(SECRET)).end();
    assert_eq!(ended.code, 65);
    assert_nowhere(&ended, SECRET, &["spec.json"]);
    assert!(
        ended.error().contains("[REDACTED:SOME_API_KEY]"),
        "{}",
        ended.error()
    );
}

#[test]
fn a_secret_in_a_usage_error_is_in_no_sink() {
    let run = Run::new();
    let status = run.path("agent/status.json");
    let ended = run
        .env("SOME_API_KEY", "plain-secret-word")
        .env("AGENT_RUNNER_STATUS_PATH", status)
        .arg("--plain-secret-word")
        .end();
    assert_eq!(ended.code, 64);
    assert_nowhere(&ended, "plain-secret-word", &["spec.json"]);
}

#[test]
fn an_explanation_has_no_secret() {
    let ended = secretive()
        .shell("printf 'refused: %s\n' \"$SOME_API_KEY\"; exit 5")
        .end();
    let explained = std::process::Command::new(binary("agent-runner"))
        .arg("explain")
        .arg(ended.dir.path().join("agent/status.full.json"))
        .output()
        .expect("it can be started");
    let text = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(text.contains("refused: [REDACTED:SOME_API_KEY]"), "{text}");
}

#[test]
fn a_panic_of_ours_shows_no_secret() {
    for point in ["planned", "prepared"] {
        let ended = Run::new()
            .env("SOME_API_KEY", point)
            .env("OTHER_TOKEN", "another-secret")
            .env("AGENT_RUNNER_FAULT", point)
            .env("AGENT_RUNNER_LOG", "trace")
            .agent(["print", "another-secret"])
            .end();
        assert_eq!(ended.code, 70);
        assert_eq!(
            ended.error(),
            "the runner failed: fault `[REDACTED:SOME_API_KEY]` was asked for"
        );
        assert_nowhere(&ended, "another-secret", &["spec.json"]);
        assert!(
            !ended.stderr.contains(&format!("fault `{point}`")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn redaction_can_be_turned_off() {
    let ended = secretive()
        .setting("redact/enabled", json!(false))
        .shell("printf %s \"$SOME_API_KEY\"")
        .end();
    assert_eq!(ended.text(), SECRET);
    assert_eq!(ended.log, SECRET.as_bytes());
    assert_eq!(ended.status.get("redactions"), None);
}

#[test]
fn patterns_alone_can_be_turned_off() {
    let token = token();
    let ended = secretive()
        .setting("redact/patterns", json!(false))
        .shell(&format!("echo {token}; printf %s \"$SOME_API_KEY\""))
        .end();
    assert_eq!(ended.text(), format!("{token}\n[REDACTED:SOME_API_KEY]"));
}
