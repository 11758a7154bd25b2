//! Who speaks, where events are kept and where they go (contract §8.6, design §9).

use super::*;
use crate::message::{Format, Prefix};
use crate::plan::ContextPlan;
use crate::record::Speaker;
use std::time::Duration;

const URL: (&str, &str) = ("NATS_URL", "nats://nats");

fn published() -> Asked {
    Asked::exec().env(URL.0, URL.1)
}

fn payload() -> Value {
    json!({
        "agentRun": { "name": "fix-7", "uid": "0f7c", "namespace": "agents" },
        "vcs": { "repository": "acme/portal", "headBranch": "codex/fix-7" },
        "repository": "other/repository",
        "issueNumber": "42",
        "stage": "implementation",
    })
}

#[test]
fn the_payload_says_who_speaks() {
    let asked = Asked::exec()
        .payload(payload())
        .env("HOSTNAME", "fix-7-x2k9p");
    let speaker = asked.plan().expect("a plan").events.speaker;
    let wanted = Speaker {
        run_uid: "0f7c".to_owned(),
        run_name: Some("fix-7".to_owned()),
        run_namespace: Some("agents".to_owned()),
        run_id: None,
        agent_id: "fake".to_owned(),
        agent_role: None,
        step_id: Some("fix-7-x2k9p".to_owned()),
        stage: Some("implementation".to_owned()),
        repository: Some("acme/portal".to_owned()),
        branch: Some("codex/fix-7".to_owned()),
        issue_number: Some(42),
    };
    assert_eq!(speaker, wanted);
}

#[test]
fn the_environment_overrides_what_the_payload_says() {
    let names = [
        ("AGENT_RUN_NAME", "n"),
        ("AGENT_RUN_UID", "u"),
        ("AGENT_RUN_NAMESPACE", "ns"),
        ("AGENT_RUN_STAGE", "verify"),
        ("AGENT_RUN_STEP", "step"),
        ("STEP_ID", "not this"),
        ("AGENT_ID", "agent-1"),
        ("AGENT_ROLE", "reviewer"),
        ("RUN_ID", "r-1"),
        ("CODEX_REPOSITORY", "acme/other"),
        ("HEAD_BRANCH", "b"),
        ("ISSUE_NUMBER", "7"),
    ];
    let asked = Asked::exec().payload(payload());
    let asked = names
        .iter()
        .fold(asked, |asked, (name, value)| asked.env(name, value));
    let some = |text: &str| Some(text.to_owned());
    let wanted = Speaker {
        run_uid: "u".to_owned(),
        run_name: some("n"),
        run_namespace: some("ns"),
        run_id: some("r-1"),
        agent_id: "agent-1".to_owned(),
        agent_role: some("reviewer"),
        step_id: some("step"),
        stage: some("verify"),
        repository: some("acme/other"),
        branch: some("b"),
        issue_number: Some(7),
    };
    assert_eq!(asked.plan().expect("a plan").events.speaker, wanted);
}

#[test]
fn an_issue_that_is_no_number_is_left_out() {
    let asked = Asked::exec().payload(json!({ "issueNumber": "PORT-42" }));
    assert_eq!(
        asked.plan().expect("a plan").events.speaker.issue_number,
        None
    );
}

#[test]
fn the_journal_is_beside_the_status_unless_told() {
    let status = |asked: Asked| asked.spec("/artifacts/statusPath", json!("/w/.agent/status.json"));
    let journal = |asked: Asked| asked.plan().expect("a plan").events.journal;
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(journal(Asked::exec()), None);
    assert_eq!(
        journal(status(Asked::exec())),
        path("/w/.agent/events.ndjson")
    );
    let told = status(Asked::exec()).setting("events/journal", json!("mine.ndjson"));
    assert_eq!(journal(told), path("/workspace/mine.ndjson"));
    let off = status(Asked::exec()).setting("events/journal", json!("off"));
    assert_eq!(journal(off), None);
    let device = Asked::exec().spec("/artifacts/statusPath", json!("/dev/termination-log"));
    assert_eq!(journal(device), None);
}

#[test]
fn events_go_where_they_are_wanted() {
    let to = |asked: Asked| {
        let events = asked.plan().expect("a plan").events;
        (events.nats.is_some(), events.stdout, events.output)
    };
    assert_eq!(to(Asked::exec()), (false, false, false));
    assert_eq!(to(published()), (true, false, true));
    assert_eq!(
        to(published().flag("events.sinks", "stdout")),
        (false, true, true)
    );
    assert_eq!(
        to(published().flag("events.sinks", "stdout,nats")),
        (true, true, true)
    );
    assert_eq!(
        to(published().flag("events.sinks", "none")),
        (false, false, false)
    );
    let silent = published().setting("events/output", json!(false));
    assert_eq!(to(silent), (true, false, false));
}

#[test]
fn no_sink_and_a_sink_are_refused() {
    let error = published()
        .flag("events.sinks", "nats,none")
        .plan()
        .expect_err("they contradict each other");
    assert_eq!(error.reason(), "BadSetting");
    let words = std::error::Error::source(&error).map(ToString::to_string);
    let wanted = "`runner.events.sinks` is set to `nats,none`: `none` stands alone";
    assert_eq!(words.as_deref(), Some(wanted));
}

#[test]
fn a_journal_s_place_is_told_or_it_is_not() {
    let is_told = |asked: Asked| asked.plan().expect("a plan").events.journal_is_told;
    assert!(!is_told(published()));
    assert!(is_told(
        published().setting("events/journal", json!("mine.ndjson"))
    ));
}

#[test]
fn events_that_are_required_need_a_server() {
    let required = |asked: Asked| asked.setting("events/required", json!(true)).plan();
    assert!(required(published()).expect("a plan").events.required);
    for asked in [Asked::exec(), published().flag("events.sinks", "none")] {
        let error = required(asked).expect_err("nowhere to publish to");
        assert_eq!(error.reason(), "NoServer");
    }
}

#[test]
fn a_prefix_and_a_format_are_told() {
    let wire = |asked: Asked| asked.plan().expect("a plan").events.wire;
    assert_eq!(wire(published()).prefix, Prefix::AgentRun);
    let least = wire(published().flag("events.maxContent", "1"));
    assert_eq!(least.max_content, 256);
    let old = wire(published().env("NATS_SUBJECT_PREFIX", "workflow"));
    assert_eq!(old.prefix, Prefix::Workflow);
    let other = published()
        .env("NATS_SUBJECT_PREFIX", "acme.runs")
        .flag("events.format", "cloudevents")
        .flag("events.maxContent", "1000")
        .env("TRACEPARENT", "00-1-2-01");
    let other = wire(other);
    assert_eq!(other.prefix, Prefix::Other("acme.runs".to_owned()));
    assert_eq!(
        (other.format, other.max_content),
        (Format::CloudEvents, 1000)
    );
    assert_eq!(other.traceparent.as_deref(), Some("00-1-2-01"));
}

#[test]
fn context_of_others_is_about_what_this_run_is_about() {
    let asked = published()
        .payload(payload())
        .setting("events/context", json!("optional"));
    let wanted = ContextPlan {
        required: false,
        stream: "agent-comms".to_owned(),
        subject: "agentrun.general.>".to_owned(),
        count: 50,
        timeout: Duration::from_secs(15),
        path: None,
        repository: Some("acme/portal".to_owned()),
        branch: Some("codex/fix-7".to_owned()),
        issue_number: Some(42),
    };
    let plan = asked.clone().plan().expect("a plan");
    assert_eq!(plan.events.context, Some(wanted.clone()));
    let told = [
        ("NATS_STREAM", "s"),
        ("NATS_CONTEXT_SUBJECT", "x.>"),
        ("NATS_CONTEXT_COUNT", "3"),
        ("NATS_CONTEXT_TIMEOUT_MS", "250"),
        ("NATS_CONTEXT_PATH", "context.json"),
    ];
    let asked = told
        .iter()
        .fold(asked, |asked, (name, value)| asked.env(name, value));
    let asked = asked.setting("events/context", json!("required"));
    let wanted = ContextPlan {
        required: true,
        stream: "s".to_owned(),
        subject: "x.>".to_owned(),
        count: 3,
        timeout: Duration::from_millis(250),
        path: Some(PathBuf::from("/workspace/context.json")),
        ..wanted
    };
    assert_eq!(asked.plan().expect("a plan").events.context, Some(wanted));
}

#[test]
fn context_of_others_is_below_the_prefix() {
    for (prefix, subject) in [
        ("workflow", "workflow.general.>"),
        ("acme.runs", "acme.runs.general.>"),
        ("agentrun", "agentrun.general.>"),
    ] {
        let asked = published()
            .env("NATS_SUBJECT_PREFIX", prefix)
            .setting("events/context", json!("optional"));
        let context = asked.plan().expect("a plan").events.context;
        assert_eq!(context.expect("it is wanted").subject, subject);
    }
}

#[test]
fn a_number_about_context_is_one_and_within_reason() {
    let asked = |count: &str, timeout: &str| {
        let asked = published()
            .env("NATS_CONTEXT_COUNT", count)
            .env("NATS_CONTEXT_TIMEOUT_MS", timeout)
            .setting("events/context", json!("optional"));
        let plan = asked.plan().expect("a plan");
        let context = plan.events.context.expect("it is wanted");
        (context.count, context.timeout, plan.warnings)
    };
    let hour = Duration::from_hours(1);
    assert_eq!(asked("1001", "3600001"), (1000, hour, vec![]));
    let longest = "9".repeat(40);
    assert_eq!(asked(&longest, &longest), (1000, hour, vec![]));
    for bad in ["many", "-1", "1.5"] {
        let (count, timeout, warnings) = asked(bad, bad);
        assert_eq!((count, timeout), (50, Duration::from_secs(15)));
        let wanted = [
            "`NATS_CONTEXT_COUNT` is no whole number: 50 counts",
            "`NATS_CONTEXT_TIMEOUT_MS` is no whole number: 15000 counts",
        ];
        assert_eq!(warnings, wanted);
    }
}

#[test]
fn context_without_a_server_is_a_warning_or_an_error() {
    let asked = |word: &str| Asked::exec().setting("events/context", json!(word)).plan();
    let plan = asked("optional").expect("a plan");
    let warning = "`events.context` fetches nothing: `NATS_URL` is not set";
    assert_eq!(plan.warnings, [warning]);
    assert_eq!(
        asked("required").expect_err("no server").reason(),
        "NoServer"
    );
    assert_eq!(asked("off").expect("a plan").events.context, None);
}

#[test]
fn an_attempt_that_was_told_is_the_only_one_of_its_number() {
    let told = |asked: Asked| asked.plan().expect("a plan").events.attempt_is_told;
    assert!(!told(Asked::exec()));
    assert!(told(Asked::exec().env("AGENT_RUNNER_ATTEMPT", "3")));
}
