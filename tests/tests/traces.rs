//! Spans of a real run, as a collector gets them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use agent_tests::{Collector, Ended, Run, Span};
use serde_json::json;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Neither what is said in a run nor what must stay secret may be exported.
const CONTENT: &str = "content-of-the-conversation";
const SECRET: &str = "hunter22-hunter22";

/// A run of an agent that calls two tools, one of which fails, and says what its trace is.
fn run(outcome: &str) -> Run {
    let line = |value: serde_json::Value| ["print".to_owned(), value.to_string()];
    let steps = [
        line(json!({"kind": "message", "content": CONTENT})),
        line(json!({"kind": "tool_call", "tool": "Bash", "content": CONTENT})),
        line(json!({"kind": "tool_result", "tool": "Bash", "content": SECRET})),
        line(json!({"kind": "tool_call", "tool": SECRET, "content": SECRET})),
        line(json!({"kind": "tool_result", "tool": SECRET, "content": CONTENT})),
        ["env".to_owned(), "TRACEPARENT".to_owned()],
        line(json!({"kind": "run-outcome", "status": outcome, "content": CONTENT})),
    ];
    Run::new()
        .agent(steps.into_iter().flatten())
        .setting("protocol", json!("jsonl"))
        .env("SOME_PASSWORD", SECRET)
        .env("AGENT_RUN_UID", "uid-1")
        .env("AGENT_RUN_NAME", "fix-7")
        .env("AGENT_RUN_NAMESPACE", "agents")
}

fn traced(outcome: &str, url: &str) -> Run {
    run(outcome)
        .setting("events/traces", json!(true))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .env("TRACEPARENT", format!("00-{TRACE}-{PARENT}-01"))
}

fn by_name(spans: Vec<Span>) -> BTreeMap<String, Span> {
    let count = spans.len();
    let named: BTreeMap<_, _> = spans
        .into_iter()
        .map(|span| (span.name.clone(), span))
        .collect();
    assert_eq!(named.len(), count, "{named:#?}");
    named
}

fn told_to_the_agent(ended: &Ended) -> String {
    let log = String::from_utf8_lossy(&ended.log).into_owned();
    let told = log.lines().find(|line| line.starts_with("00-"));
    told.unwrap_or_else(|| panic!("no traceparent in {log}"))
        .to_owned()
}

#[test]
fn a_run_is_a_tree_of_spans_below_its_traceparent() {
    let collector = Collector::new();
    let ended = traced("succeeded", &collector.url()).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let spans = by_name(collector.spans());
    let run = &spans["invoke_agent fake"];
    let agent = &spans["agent"];
    assert_eq!(run.parent, PARENT);
    assert_eq!(agent.parent, run.id);
    for span in spans.values() {
        assert_eq!(span.trace_id, TRACE, "{}", span.name);
        assert!(run.start <= span.start && span.end <= run.end, "{span:?}");
        assert!(span.start <= span.end, "{span:?}");
        assert!(!span.failed, "{span:?}");
        if span.name.starts_with("execute_tool ") {
            assert_eq!(span.parent, agent.id);
            assert_eq!(span.attributes["gen_ai.operation.name"], "execute_tool");
        }
    }
    assert!(spans.contains_key("execute_tool Bash"), "{spans:#?}");
    assert_eq!(
        spans
            .keys()
            .filter(|name| name.starts_with("execute_tool"))
            .count(),
        2
    );
    assert_eq!(run.attributes["gen_ai.operation.name"], "invoke_agent");
    assert_eq!(run.attributes["gen_ai.agent.name"], "fake");
    assert_eq!(run.attributes["process.exit.code"], "0");
    assert_eq!(run.resource["service.name"], "agent-runner");
    assert_eq!(run.resource["agent_run.uid"], "uid-1");
    assert_eq!(run.resource["agent_run.name"], "fix-7");
    assert_eq!(run.resource["k8s.namespace.name"], "agents");
    assert_eq!(run.schema, "https://opentelemetry.io/schemas/1.41.0");
    let told = told_to_the_agent(&ended);
    assert_eq!(told, format!("00-{TRACE}-{}-01", agent.id));
}

#[test]
fn a_run_that_fails_says_so_in_a_word() {
    let collector = Collector::new();
    let ended = traced("failed", &collector.url()).end();
    let spans = by_name(collector.spans());
    let run = &spans["invoke_agent fake"];
    assert!(run.failed);
    assert_eq!(run.attributes["error.type"], ended.status["reason"]);
}

#[test]
fn neither_content_nor_secrets_are_exported_or_logged() {
    let collector = Collector::new();
    let header = format!("authorization=Bearer%20{SECRET}");
    let ended = traced("failed", &collector.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", &header)
        .env("AGENT_RUNNER_LOG", "trace")
        .end();
    let exports = collector.exports();
    assert!(!exports.is_empty());
    for export in &exports {
        assert_eq!(export.line, "POST /v1/traces");
        assert_eq!(export.headers["authorization"], format!("Bearer {SECRET}"));
        let body = String::from_utf8_lossy(&export.body);
        assert!(!body.contains(CONTENT), "{body}");
        assert!(!body.contains(SECRET), "{body}");
    }
    assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
}

#[test]
fn nobody_connects_unless_spans_are_asked_for() {
    let collector = Collector::new();
    let variables = |run: Run| {
        run.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
            .env("TRACEPARENT", format!("00-{TRACE}-{PARENT}-01"))
    };
    let off = variables(run("succeeded")).end();
    let disabled = variables(run("succeeded"))
        .setting("events/traces", json!(true))
        .env("OTEL_SDK_DISABLED", "true")
        .end();
    for ended in [off, disabled] {
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        // What the pod says of the trace reaches the agent as it is.
        let told = told_to_the_agent(&ended);
        assert_eq!(told, format!("00-{TRACE}-{PARENT}-01"));
    }
    assert_eq!(collector.connections(), 0);
}

#[test]
fn a_parent_that_is_not_sampled_is_obeyed() {
    let collector = Collector::new();
    let ended = traced("succeeded", &collector.url())
        .env("TRACEPARENT", format!("00-{TRACE}-{PARENT}-00"))
        .end();
    assert_eq!(collector.connections(), 0);
    let told = told_to_the_agent(&ended);
    assert!(
        told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-00"),
        "{told}"
    );
    // A span of ours all the same, so that nobody takes the agent for a sibling of the run.
    assert!(!told.contains(PARENT), "{told}");
}

#[test]
fn a_collector_that_is_not_there_costs_a_warning() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let ended = traced("succeeded", &url).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
    let warnings = ended.stderr.matches("Spans cannot be exported").count();
    assert_eq!(warnings, 1, "{}", ended.stderr);
}

#[test]
fn a_collector_that_never_answers_does_not_keep_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let ended = traced("succeeded", &url).grace(10.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    // 30 % of the grace period, of which events get half, and what a busy machine adds.
    assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
    let missing = "The collector has not got every span.";
    assert!(ended.stderr.contains(missing), "{}", ended.stderr);
}

#[test]
fn a_collector_that_is_busy_is_asked_again() {
    let collector = Collector::refusing([503]);
    let ended = traced("succeeded", &collector.url()).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(by_name(collector.spans()).contains_key("invoke_agent fake"));
}
