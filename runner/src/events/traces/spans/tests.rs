use super::*;

use std::time::Duration;

use agent_plan::event::Event;
use agent_plan::record::Header;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::Sampler;

/// What nothing that leaves may contain.
const CONTENT: &str = "content-of-a-message";

/// A run whose records are written one by one, a second after another.
struct Told {
    spans: Spans,
    seq: u64,
    ended: Vec<SpanData>,
}

impl Told {
    fn new() -> Self {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = (parent.to_owned(), String::new());
        let speaker = Speaker {
            agent_id: "reviewer".to_owned(),
            ..Speaker::default()
        };
        let trace = Trace::new(Some(&parent), &Sampler::AlwaysOn);
        Self {
            spans: Spans::new(trace, &speaker),
            seq: 0,
            ended: Vec::new(),
        }
    }

    fn started(self) -> Self {
        let begun = Event::new(EventKind::RunStarted, Role::System, CONTENT)
            .with("provider", "claude-code")
            .with("protocol", "claude")
            .with("model", "model-1");
        self.event(begun)
    }

    fn event(mut self, event: Event) -> Self {
        self.seq += 1;
        let time = at(self.seq);
        let time = humantime::format_rfc3339_millis(time).to_string();
        let record = Header::default().record(self.seq, time, event);
        self.ended.extend(self.spans.take(&record));
        self
    }

    fn phase(self, name: &str) -> Self {
        let said = Event::new(EventKind::Status, Role::System, CONTENT);
        self.event(said.with("phase", name))
    }

    fn call(self, id: &str, name: &str) -> Self {
        self.event(Event::tool_call(tool(id, name, None)))
    }

    fn result(self, id: &str, name: &str, ok: Option<bool>) -> Self {
        self.event(Event::tool_result(tool(id, name, ok), CONTENT))
    }

    fn outcome(self, status: &str, reason: &str) -> Self {
        let said = Event::new(EventKind::RunOutcome, Role::System, CONTENT)
            .with("status", status)
            .with("reason", reason)
            .with("exit_code", 3);
        self.event(said)
    }

    fn names(&self) -> Vec<&str> {
        self.ended.iter().map(|span| span.name.as_ref()).collect()
    }

    fn span(&self, name: &str) -> &SpanData {
        let mut spans = self.ended.iter().filter(|span| span.name == name);
        let span = spans
            .next()
            .unwrap_or_else(|| panic!("no `{name}` in {:?}", self.names()));
        assert!(spans.next().is_none(), "more than one `{name}`");
        span
    }
}

fn at(seq: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seq)
}

fn tool(id: &str, name: &str, ok: Option<bool>) -> Tool {
    Tool {
        id: id.to_owned(),
        name: name.to_owned(),
        title: CONTENT.to_owned(),
        ok,
        exit_code: None,
    }
}

fn said(span: &SpanData) -> Vec<(String, String)> {
    let mut said: Vec<_> = span
        .attributes
        .iter()
        .map(|said| (said.key.to_string(), said.value.to_string()))
        .collect();
    said.sort();
    said
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn a_run_is_a_tree_of_spans_with_the_times_of_its_records() {
    let told = Told::new()
        .started()
        .phase("checkout")
        .phase("agent")
        .call("t1", "Bash")
        .result("t1", "Bash", Some(true))
        .phase("workspace")
        .outcome("succeeded", "Completed");
    let names = ["checkout", "execute_tool Bash", "agent", "workspace"];
    assert_eq!(told.names()[..4], names);
    assert_eq!(told.names()[4..], ["invoke_agent claude-code"]);
    let run = told.span("invoke_agent claude-code");
    let agent = told.span("agent");
    assert_eq!(run.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(run.parent_span_is_remote);
    assert_eq!(run.span_context.span_id(), told.spans.trace.run);
    assert_eq!(agent.span_context.span_id(), told.spans.trace.agent);
    for phase in ["checkout", "agent", "workspace"] {
        assert_eq!(
            told.span(phase).parent_span_id,
            told.spans.trace.run,
            "{phase}"
        );
        assert!(!told.span(phase).parent_span_is_remote, "{phase}");
    }
    let call = told.span("execute_tool Bash");
    assert_eq!(call.parent_span_id, told.spans.trace.agent);
    for (span, times) in [
        (run, (1, 7)),
        (told.span("checkout"), (2, 3)),
        (agent, (3, 6)),
        (call, (4, 5)),
        (told.span("workspace"), (6, 7)),
    ] {
        let wanted = (at(times.0), at(times.1));
        assert_eq!((span.start_time, span.end_time), wanted, "{}", span.name);
    }
    let mut traces: Vec<_> = told
        .ended
        .iter()
        .map(|span| span.span_context.trace_id())
        .collect();
    traces.dedup();
    assert_eq!(traces.len(), 1);
    assert_eq!(traces[0].to_string(), "0af7651916cd43dd8448eb211c80319c");
}

#[test]
fn spans_say_what_the_conventions_name() {
    let usage = Event::new(EventKind::Usage, Role::System, "");
    let told = Told::new()
        .started()
        .event(
            Event::new(EventKind::Status, Role::System, "")
                .with("sessionId", "session-1")
                .with("model", "model-2"),
        )
        .phase("agent")
        .call("t1", "Bash")
        .result("t1", "Bash", Some(false))
        .event(
            usage
                .clone()
                .with("inputTokens", 10)
                .with("outputTokens", 1),
        )
        .event(usage.with("inputTokens", 20).with("outputTokens", 2))
        .outcome("failed", "RateLimited");
    let run = told.span("invoke_agent claude-code");
    let wanted = [
        ("error.type", "RateLimited"),
        ("gen_ai.agent.id", "reviewer"),
        ("gen_ai.agent.name", "claude-code"),
        ("gen_ai.conversation.id", "session-1"),
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.request.model", "model-2"),
        ("gen_ai.usage.input_tokens", "20"),
        ("gen_ai.usage.output_tokens", "2"),
        ("process.exit.code", "3"),
    ];
    assert_eq!(said(run), pairs(&wanted));
    assert_eq!(run.status, Status::error(""));
    let call = told.span("execute_tool Bash");
    let wanted = [
        ("error.type", "tool_error"),
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.call.id", "t1"),
        ("gen_ai.tool.name", "Bash"),
    ];
    assert_eq!(said(call), pairs(&wanted));
    assert_eq!(call.status, Status::error(""));
    assert_eq!(told.span("agent").status, Status::Unset);
}

#[test]
fn a_run_that_succeeded_has_no_error() {
    let told = Told::new().started().outcome("succeeded", "Completed");
    let run = told.span("invoke_agent claude-code");
    assert_eq!(run.status, Status::Unset);
    assert!(said(run).iter().all(|(name, _)| name != "error.type"));
}

#[test]
fn nothing_that_was_said_is_in_a_span() {
    let handed = Event::new(EventKind::RunSummary, Role::Assistant, CONTENT);
    let message = Event::new(EventKind::Message, Role::Assistant, CONTENT);
    let told = Told::new()
        .started()
        .phase("agent")
        .event(message.with("phase", CONTENT))
        .event(handed.with("model", CONTENT))
        .event(Event::new(EventKind::Status, Role::Assistant, CONTENT).with("phase", CONTENT))
        .event(Event::new(EventKind::Error, Role::System, CONTENT).with("reason", CONTENT))
        .call("t1", "Bash")
        .result("t1", "Bash", Some(true))
        .result("t2", "Read", Some(true))
        .outcome("failed", "AgentFailed");
    assert_eq!(told.ended.len(), 4);
    let all = format!("{:?}", told.ended);
    assert!(!all.contains(CONTENT), "{all}");
}

#[test]
fn calls_that_run_at_once_are_told_apart_by_id_and_in_order_without() {
    let told = Told::new()
        .started()
        .call("a", "Bash")
        .call("b", "Read")
        .call("a", "Bash")
        .result("a", "Bash", None)
        .result("b", "Read", None);
    assert_eq!(told.names(), ["execute_tool Bash", "execute_tool Read"]);
    assert_eq!(told.span("execute_tool Bash").start_time, at(2));

    let told = Told::new()
        .started()
        .call("", "Bash")
        .call("", "Read")
        .call("", "Bash")
        .result("", "Read", None)
        .result("", "Bash", None);
    assert_eq!(told.names(), ["execute_tool Read", "execute_tool Bash"]);
    assert_eq!(told.span("execute_tool Bash").start_time, at(2));
    assert_eq!(told.span("execute_tool Read").start_time, at(3));
}

#[test]
fn a_call_without_result_ends_with_its_phase_and_a_result_without_call_is_one() {
    let told = Told::new()
        .started()
        .phase("agent")
        .call("a", "Bash")
        .result("b", "Read", Some(true))
        .phase("workspace");
    assert_eq!(
        told.names(),
        ["execute_tool Read", "execute_tool Bash", "agent"]
    );
    let (read, bash) = (
        told.span("execute_tool Read"),
        told.span("execute_tool Bash"),
    );
    assert_eq!((read.start_time, read.end_time), (at(4), at(4)));
    assert_eq!((bash.start_time, bash.end_time), (at(3), at(5)));
    assert!(said(bash).contains(&("error.type".to_owned(), "interrupted".to_owned())));
}

#[test]
fn an_agent_that_calls_and_calls_is_followed_so_far() {
    let mut told = Told::new().started();
    for number in 0..CALLS + 10 {
        told = told.call(&number.to_string(), &"n".repeat(100_000));
    }
    let told = told.outcome("succeeded", "Completed");
    assert_eq!(told.ended.len(), CALLS + 1);
    assert!(told.ended.iter().all(|span| span.name.len() < 2 * TEXT));
}

#[test]
fn nothing_begins_after_the_outcome_or_before_the_start() {
    let told = Told::new()
        .phase("early")
        .call("a", "Bash")
        .result("a", "Bash", None)
        .started()
        .outcome("succeeded", "Completed")
        .phase("end")
        .call("b", "Bash")
        .result("b", "Bash", None)
        .outcome("failed", "Again");
    assert_eq!(told.names(), ["invoke_agent claude-code"]);
}

#[test]
fn a_run_whose_outcome_nobody_tells_ends_with_its_last_record() {
    let mut told = Told::new().started().phase("agent").call("a", "Bash");
    let ended = told.spans.end();
    told.ended.extend(ended);
    let names = ["execute_tool Bash", "agent", "invoke_agent claude-code"];
    assert_eq!(told.names(), names);
    assert!(told.ended.iter().all(|span| span.end_time == at(3)));
    assert!(told.spans.end().is_empty());
}

#[test]
fn a_clock_that_is_set_back_ends_no_span_before_it_began() {
    let mut told = Told::new().started().phase("agent");
    told.seq = 0;
    let told = told.outcome("succeeded", "Completed");
    assert!(
        told.ended
            .iter()
            .all(|span| span.start_time <= span.end_time)
    );
}

#[test]
fn a_second_phase_of_the_agent_has_an_id_of_its_own() {
    let told = Told::new()
        .started()
        .phase("agent")
        .phase("pause")
        .phase("agent")
        .outcome("succeeded", "Completed");
    let ids = told.ended.iter().filter(|span| span.name == "agent");
    let ids: Vec<_> = ids.map(|span| span.span_context.span_id()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], told.spans.trace.agent);
    assert_ne!(ids[0], ids[1]);
}
