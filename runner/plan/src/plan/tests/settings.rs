//! Settings inside a plan: their precedence, and the grace that they divide.

use serde_json::json;
use std::time::Duration;

use super::Asked;
use crate::plan::{PlanError, Stdin, Timers};
use crate::settings::Protocol;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn flag_over_variable_over_spec_over_provider_over_default() {
    let mut asked = Asked::exec();
    assert_eq!(asked.planned().process.timers.total, None);
    asked = asked.setting("timeouts/total", json!(1));
    assert_eq!(asked.planned().process.timers.total, Some(seconds(1)));
    asked = asked.spec("/runner/timeouts/total", json!(2));
    assert_eq!(asked.planned().process.timers.total, Some(seconds(2)));
    asked = asked.env("AGENT_RUNNER_TIMEOUTS_TOTAL", "3");
    assert_eq!(asked.planned().process.timers.total, Some(seconds(3)));
    asked = asked.flag("timeouts.total", "4");
    assert_eq!(asked.planned().process.timers.total, Some(seconds(4)));
}

#[test]
fn an_empty_variable_is_an_absent_one() {
    let plan = Asked::exec()
        .setting("protocol", json!("jsonl"))
        .env("AGENT_RUNNER_PROTOCOL", "")
        .planned();
    assert_eq!(plan.process.conversation.protocol(), Protocol::Jsonl);
}

#[test]
fn a_definition_brings_its_settings_below_those_of_the_spec() {
    let asked = Asked::bare().definition(json!({ "adapter": {
        "type": "exec",
        "exec": { "binary": "/bin/defined" },
        "runner": { "timeouts": { "total": 1, "idle": 1 } },
    }}));
    let timers = asked
        .spec("/runner/timeouts/total", json!(2))
        .planned()
        .process
        .timers;
    assert_eq!(
        (timers.total, timers.idle),
        (Some(seconds(2)), Some(seconds(1)))
    );
}

#[test]
fn a_bad_variable_is_refused_by_its_name() {
    let error = Asked::exec()
        .env("AGENT_RUNNER_TIMEOUTS_IDLE", "soon")
        .refused();
    assert_eq!(error.reason(), "BadSetting");
    let cause = std::error::Error::source(&error).expect("it says which");
    assert!(
        cause.to_string().contains("$AGENT_RUNNER_TIMEOUTS_IDLE"),
        "{cause}"
    );
}

#[test]
fn zero_is_no_limit_and_a_hanging_agent_has_thirty_seconds_by_default() {
    let asked = Asked::exec();
    assert_eq!(
        asked.planned().process.timers,
        Timers {
            after_result: Some(seconds(30)),
            ..Timers::default()
        }
    );
    let zeros = json!({ "total": 0, "firstEvent": "0s", "idle": 0.0, "afterResult": 0 });
    let plan = asked.setting("timeouts", zeros).planned();
    assert_eq!(plan.process.timers, Timers::default());
}

#[test]
fn a_prompt_goes_to_stdin_and_without_one_stdin_is_inherited() {
    assert_eq!(Asked::exec().planned().process.stdin, Stdin::Inherited);
    let plan = Asked::exec()
        .spec("/inputs", json!({ "task": "tests" }))
        .setting("prompt", json!("Fix {{inputs.task}}."))
        .planned();
    assert_eq!(plan.process.stdin, Stdin::Prompt("Fix tests.".to_owned()));
    assert!(plan.process.args.is_empty());
}

#[test]
fn the_pods_grace_is_divided_and_too_little_of_it_is_refused() {
    let asked = Asked::exec().env("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", "60");
    let budget = asked.planned().budget;
    assert_eq!((budget.total, budget.stop), (seconds(60), seconds(36)));
    let asked = asked.setting("graceSeconds", json!("50s"));
    assert_eq!(asked.planned().budget.stop, seconds(50));
    let error = asked.setting("graceSeconds", json!(55)).refused();
    assert!(matches!(error, PlanError::Budget(_)), "{error:?}");
    assert_eq!(error.reason(), "GraceTooShort");
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("terminationGracePeriodSeconds"))
    );
}

#[test]
fn a_grace_that_is_no_number_of_seconds_is_refused_by_name() {
    for text in ["soon", "-1", "NaN", "inf", "1e300"] {
        let error = Asked::exec()
            .env("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", text)
            .refused();
        assert_eq!(error.reason(), "BadSetting", "{text}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn no_grace_is_too_long_to_be_divided() {
    for text in ["1e9", "1.8e19"] {
        let plan = Asked::exec()
            .env("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", text)
            .planned();
        assert!(plan.budget.stop < plan.budget.total, "{text}");
    }
}

#[test]
fn a_status_path_in_the_environment_wins_and_relative_paths_begin_at_the_working_directory() {
    let asked = Asked::exec().spec(
        "/artifacts",
        json!({ "statusPath": "status.json", "logPath": "/logs/runner.log" }),
    );
    let paths = asked.planned().paths;
    assert_eq!(
        paths.status.as_deref(),
        Some("/workspace/status.json".as_ref())
    );
    assert_eq!(paths.log.as_deref(), Some("/logs/runner.log".as_ref()));
    let paths = asked
        .env("AGENT_RUNNER_STATUS_PATH", "/elsewhere")
        .setting("log/maxBytes", json!(7))
        .planned()
        .paths;
    assert_eq!(paths.status.as_deref(), Some("/elsewhere".as_ref()));
    assert_eq!(paths.log_limit, Some(7));
}

#[test]
fn the_attempt_is_told_or_one_more_than_the_last() {
    assert_eq!(Asked::exec().planned().identity.attempt, 1);
    let told = Asked::exec().env("AGENT_RUNNER_ATTEMPT", "7");
    assert_eq!(told.planned().identity.attempt, 7);
    let nonsense = Asked::exec().env("AGENT_RUNNER_ATTEMPT", "again");
    assert_eq!(nonsense.planned().identity.attempt, 1);
}

#[test]
fn a_pod_without_grace_has_a_plan_and_a_warning() {
    let asked = |text| Asked::exec().env("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", text);
    for text in ["0", "1", "2"] {
        let warnings = asked(text).planned().warnings;
        let wanted = format!("the pod's grace period of {text} s is too short for");
        assert!(
            warnings.len() == 1 && warnings[0].starts_with(&wanted),
            "{warnings:?}"
        );
    }
    assert_eq!(asked("3").planned().warnings, [""; 0]);
    let error = asked("2").setting("graceSeconds", json!(2)).refused();
    assert_eq!(error.reason(), "GraceTooShort");
}

#[test]
fn a_variable_that_nobody_reads_is_a_warning_that_says_what_was_meant() {
    let warnings = |name: &str| Asked::exec().env(name, "1").planned().warnings;
    let ours = |name: &str| warnings(&format!("AGENT_RUNNER_{name}"));
    let warned = ours("TIMEOUT_TOTAL");
    assert_eq!(warned.len(), 1, "{warned:?}");
    let meant = "TIMEOUT_TOTAL` is not read: did you mean `AGENT_RUNNER_TIMEOUTS_TOTAL`?";
    assert!(warned[0].ends_with(meant), "{warned:?}");
    assert!(ours("IMAGE_DIGEST")[0].ends_with("IMAGE_DIGEST` is not read"));
    // Ours, a test's, and those that Kubernetes makes for Services called `agent-runner…`.
    for name in [
        "ATTEMPT",
        "TIMEOUTS_TOTAL",
        "FAULT",
        "SERVICE_HOST",
        "SERVICE_PORT_HTTP",
        "API_PORT",
        "PORT_80_TCP_ADDR",
    ] {
        assert_eq!(ours(name), [""; 0], "{name}");
    }
    assert_eq!(warnings("OTHER_RUNNER_TIMEOUT"), [""; 0]);
}
