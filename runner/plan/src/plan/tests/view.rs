//! The plan as others see it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Asked;

/// Every text of a document.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                found.push(key.clone());
                texts(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A run that puts `secret` wherever a spec, a payload or an environment can.
fn everywhere(secret: &str) -> Asked {
    Asked::exec()
        .spec("/inputs", json!({ "x": secret }))
        .spec(
            "/artifacts",
            json!({ "statusPath": format!("/s/{secret}"), "logPath": format!("/l/{secret}") }),
        )
        .spec("/adapter/exec/binary", json!(format!("/bin/{secret}")))
        .args(&["--token={{inputs.x}}", secret, "{{inputs.gone}}"])
        .env_template("COPY", "<{{inputs.x}}>")
        .env_template("FROM_ENV", "{{env.GITHUB_TOKEN}}")
        .spec(
            "/adapter/exec/inputFiles",
            json!([{ "path": format!("/f/{secret}"), "content": "a {{inputs.x}} b" }]),
        )
        .spec(
            "/adapter/exec/outputArtifacts",
            json!([{ "name": secret, "path": secret, "key": secret, "url": secret }]),
        )
        .setting(
            "artifacts",
            json!({
                "endpoint": format!("file:///{secret}"), "bucket": secret, "prefix": secret,
                "files": [{ "name": secret, "path": secret, "key": secret }],
            }),
        )
        .setting("prompt", json!("Use {{inputs.x}} on ${{ github.sha }}."))
        .setting("cwd", json!("/cwd/{{inputs.x}}"))
        .setting("env/templates", json!(["GITHUB_TOKEN"]))
        .payload(json!({ "agentRun": { "name": secret, "uid": secret, "namespace": secret } }))
}

#[track_caller]
fn assert_not_shown(asked: &Asked, secret: &str) {
    let view = serde_json::to_value(asked.planned().view()).expect("a view is JSON");
    let mut shown = vec![view.to_string()];
    texts(&view, &mut shown);
    for text in shown {
        assert!(!text.contains(secret), "{secret:?} is in {text}");
    }
}

/// Begins with letters that no field name, path or marker of ours has in this order.
fn secret() -> impl Strategy<Value = String> {
    "Zq7[!-.0-~]{3,40}Xj"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_secret_variable_is_nowhere_in_the_view(secret in secret()) {
        assert_not_shown(&everywhere(&secret).env("GITHUB_TOKEN", &secret), &secret);
    }

    #[test]
    fn a_secret_file_is_nowhere_in_the_view(secret in secret()) {
        assert_not_shown(&everywhere(&secret).secret("TOKEN_FILE", &secret), &secret);
    }

    #[test]
    fn a_variable_that_the_agent_does_not_get_is_still_secret(secret in secret()) {
        let asked = everywhere(&secret).env("GITHUB_TOKEN", &secret);
        assert_not_shown(&asked.clone().setting("env/drop", json!(["GITHUB_TOKEN"])), &secret);
        assert_not_shown(&asked.setting("env/mode", json!("clean")), &secret);
    }

    #[test]
    fn a_secret_that_a_template_makes_is_nowhere_in_the_view(secret in secret()) {
        assert_not_shown(&everywhere(&secret).env_template("API_KEY", "{{inputs.x}}"), &secret);
    }
}

#[test]
fn a_token_is_nowhere_in_the_view_even_if_nothing_names_it() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    assert_not_shown(&everywhere(&token), &token);
}

#[test]
fn inherited_values_are_not_in_the_view_but_their_names_are() {
    let view = Asked::exec()
        .env("ZED", "zed-value")
        .env("HOST", "host-value")
        .env_template("ZED", "mine")
        .env_template("OWN", "own-value")
        .planned()
        .view();
    assert_eq!(view.process.inherited, ["HOST"]);
    assert_eq!(view.process.env["ZED"], "mine");
    let text = serde_json::to_string(&view).expect("a view is JSON");
    assert!(
        !text.contains("host-value") && !text.contains("zed-value"),
        "{text}"
    );
}

#[test]
fn turning_redaction_off_shows_everything() {
    let view = Asked::exec()
        .env("GITHUB_TOKEN", "visible-value")
        .args(&["visible-value"])
        .setting("redact/enabled", json!(false))
        .planned()
        .view();
    assert_eq!(view.process.args, ["visible-value"]);
    assert!(view.secrets.is_empty());
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "the snapshot of a whole plan is long"
)]
fn a_whole_plan_reads_like_this() {
    let asked = Asked::exec()
        .spec("/provider", json!("reviewer"))
        .spec("/inputs", json!({ "issue": "42", "token": "tok-1234567" }))
        .spec(
            "/artifacts",
            json!({ "statusPath": ".agent/status.json", "logPath": "/logs/runner.log" }),
        )
        .args(&[
            "--issue",
            "{{inputs.issue}}",
            "--token={{inputs.token}}",
            "{{inputs.isue}}",
        ])
        .env_template("STAGE", "review")
        .env_template("API_KEY", "{{inputs.token}}")
        .spec(
            "/adapter/exec/inputFiles",
            json!([{ "path": "task.md", "content": "# {{inputs.issue}}\n", "mode": "0600" }]),
        )
        .spec(
            "/adapter/exec/outputArtifacts",
            json!([{ "name": "report", "path": "out/{{inputs.issue}}.md" }]),
        )
        .setting("protocol", json!("jsonl"))
        .setting(
            "prompt",
            json!("Review {{inputs.issue}} at ${{ github.sha }}."),
        )
        .setting("cwd", json!("repo"))
        .setting("timeouts", json!({ "total": "1h", "idle": 90.5 }))
        .payload(json!({ "agentRun": { "name": "r1", "uid": "u1", "namespace": "agents" } }))
        .env("PATH", "/usr/bin:/bin")
        .env("NPM_TOKEN", "npm-secret-value")
        .env("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", "120");
    insta::assert_json_snapshot!(asked.planned().view(), @r##"
    {
      "provider": "reviewer",
      "adapter": "exec",
      "run": {
        "name": "r1",
        "uid": "u1",
        "namespace": "agents",
        "attempt": 1
      },
      "process": {
        "binary": "/bin/agent",
        "args": [
          "--issue",
          "42",
          "--token=[REDACTED:API_KEY]",
          ""
        ],
        "cwd": "/workspace/repo",
        "env": {
          "API_KEY": "[REDACTED:API_KEY]",
          "STAGE": "review"
        },
        "inherited": [
          "AGENT_RUNNER_TERMINATION_GRACE_SECONDS",
          "NPM_TOKEN",
          "PATH"
        ],
        "prompt": "Review 42 at ${{ github.sha }}.",
        "protocol": "jsonl",
        "timeouts": {
          "afterResult": 30.0,
          "idle": 90.5,
          "total": 3600.0
        }
      },
      "files": [
        {
          "path": "/workspace/task.md",
          "mode": "0600",
          "content": "# 42\n"
        }
      ],
      "artifacts": [
        {
          "name": "report",
          "path": "out/42.md"
        }
      ],
      "statusPath": "/workspace/.agent/status.json",
      "logPath": "/logs/runner.log",
      "events": {
        "journal": "/workspace/.agent/events.ndjson",
        "output": false,
        "stdout": false,
        "traces": false,
        "speaker": {
          "runUid": "u1",
          "runName": "r1",
          "runNamespace": "agents",
          "agentId": "reviewer"
        }
      },
      "grace": {
        "total": 120.0,
        "stop": 72.0,
        "flush": 36.0,
        "status": 12.0
      },
      "secrets": [
        "API_KEY",
        "NPM_TOKEN"
      ],
      "warnings": [
        "`adapter.exec.argsTemplate[3]`: `{{inputs.isue}}` rendered to nothing: did you mean `inputs.issue`?"
      ]
    }
    "##);
}

#[test]
fn a_checkout_reads_like_this() {
    let asked = Asked::exec()
        .setting(
            "workspace",
            json!({ "git": { "path": "api", "submodules": "on" }, "wip": true, "hostKeys": "accept-new" }),
        )
        .spec("/artifacts/statusPath", json!("/workspace/.agent/status.json"))
        .payload(json!({ "vcs": {
            "provider": "github", "repository": "acme/widgets", "baseBranch": "main",
            "headBranch": "agent/42", "mode": "read-write", "cloneBaseUrl": "https://github.com",
        }}))
        .env("GH_TOKEN", "gh-secret-value")
        .env("VCS_SSH_KEY_PATH", "/keys/id")
        .env("VCS_CA_FILE", "/ca.pem")
        .env("https_proxy", "http://me:proxy-secret@proxy:3128/x")
        .env("no_proxy", "localhost");
    let view = asked.planned().view();
    let shown = json!({
        "checkout": view.checkout, "credentials": view.credentials, "wip": view.wip,
        "cwd": view.process.cwd, "inherited": view.process.inherited, "secrets": view.secrets,
    });
    insta::assert_json_snapshot!(shown, @r#"
    {
      "checkout": {
        "url": "https://github.com/acme/widgets.git",
        "dir": "/workspace/repo",
        "path": "api",
        "base": "main",
        "head": "agent/42",
        "onBase": "branch",
        "depth": 1,
        "submodules": "on",
        "trust": "trusted",
        "authorities": [
          "/ca.pem"
        ],
        "proxies": [
          "https: proxy:3128",
          "none: localhost"
        ],
        "timeouts": {
          "connect": 30.0,
          "total": 1800.0,
          "transfer": 60.0
        }
      },
      "credentials": [
        "token from $GH_TOKEN for github.com as x-access-token",
        "ssh key /keys/id as git, for any new host"
      ],
      "wip": "/workspace/.agent/workspace-wip",
      "cwd": "/workspace/repo/api",
      "inherited": [
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "GIT_ASKPASS_USERNAME",
        "GIT_TERMINAL_PROMPT",
        "VCS_CA_FILE",
        "VCS_SSH_KEY_PATH",
        "https_proxy",
        "no_proxy"
      ],
      "secrets": [
        "GH_TOKEN",
        "https_proxy"
      ]
    }
    "#);
}

#[test]
fn what_is_stored_reads_like_this() {
    let asked = Asked::exec()
        .spec(
            "/adapter/exec/outputArtifacts",
            json!([
                { "name": "runner-log", "path": "/logs/runner.log" },
                { "name": "report", "path": "out/report.md", "key": "runs//r1/report.md" },
                { "name": "lost", "path": "out/lost.md", "key": "runs/../lost.md" },
            ]),
        )
        .setting(
            "artifacts",
            json!({
                "prefix": "ci",
                "include": ["manifest"],
                "files": [
                    { "name": "runner-log", "when": "failure" },
                    { "name": "work", "path": "/workspace/repo", "key": "work/", "optional": true },
                ],
            }),
        )
        .payload(json!({ "agentRun": { "name": "r1" } }))
        .env("AGENTS_ARTIFACTS_ENDPOINT", "minio:9000")
        .env("AGENTS_ARTIFACTS_ACCESS_KEY_ID", "the-access-key")
        .env("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", "the-secret-key")
        .env("AGENTS_ARTIFACTS_BUCKET", "runs");
    let view = asked.planned().view();
    insta::assert_json_snapshot!(view.uploads, @r#"
    {
      "store": {
        "endpoint": "http://minio:9000",
        "bucket": "runs",
        "region": "us-east-1",
        "addressing": "path",
        "credentials": "static"
      },
      "prefix": "ci/r1/1/",
      "deliveries": [
        {
          "name": "report",
          "path": "/workspace/out/report.md",
          "key": "runs/r1/report.md",
          "tree": false,
          "when": "always",
          "optional": false
        },
        {
          "name": "lost",
          "path": "/workspace/out/lost.md",
          "key": null,
          "tree": false,
          "when": "always",
          "optional": false
        },
        {
          "name": "runner-log",
          "path": "/logs/runner.log",
          "key": "ci/r1/1/runner-log",
          "tree": true,
          "when": "failure",
          "optional": false
        },
        {
          "name": "work",
          "path": "/workspace/repo",
          "key": "work",
          "tree": true,
          "when": "always",
          "optional": true
        }
      ],
      "include": [
        "manifest"
      ]
    }
    "#);
    let store = |asked: Asked| {
        let uploads = asked.planned().view().uploads.expect("something is stored");
        json!({ "store": uploads.store, "problem": uploads.problem })
    };
    let directory = asked.clone().flag("artifacts.endpoint", "file:///store");
    insta::assert_json_snapshot!(store(directory), @r#"
    {
      "store": {
        "endpoint": "file:///store/runs"
      },
      "problem": null
    }
    "#);
    let aws = asked.clone().flag("artifacts.endpoint", "aws");
    assert_eq!(store(aws)["store"]["endpoint"], "aws");
    let half = asked.env("AGENTS_ARTIFACTS_ENDPOINT", "");
    let half = store(half);
    assert_eq!(half["store"], Value::Null);
    let problem = half["problem"].as_str().unwrap_or_default();
    assert!(problem.starts_with("the object store needs"), "{problem}");
}

#[test]
fn a_run_without_a_checkout_or_a_store_shows_none() {
    let view = serde_json::to_value(Asked::exec().planned().view()).expect("a view is JSON");
    for key in ["checkout", "credentials", "wip", "uploads"] {
        assert!(view.get(key).is_none(), "{key}");
    }
}
