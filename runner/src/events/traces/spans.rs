//! Spans, made out of records: one of the run, one of each phase, one of each call of a tool.
//!
//! A record that begins something opens a span and the one that ends it gives it away; times are the
//! records'. What is said in a run is in no span: no message, nothing that a tool was given or gave.
//! Names and attributes are those of the semantic conventions 1.41.0, in which generative AI is in
//! development; later versions may name them otherwise.

mod open;
mod usage;

use std::time::SystemTime;

use agent_plan::event::{EventKind, Role, Tool};
use agent_plan::record::{Record, Speaker};
use agent_plan::status::cut;
use opentelemetry_sdk::trace::SpanData;
use serde_json::Value;

use super::trace::Trace;
use open::Open;
use usage::Usage;

/// The phase whose span the agent is told before it begins.
const AGENT: &str = "agent";

/// Calls that run at once; of an agent that never ends any, the rest are not followed.
const CALLS: usize = 512;

/// The longest text of an attribute, in characters: agents name tools and models.
const TEXT: usize = 128;

/// What is going on, as far as the records tell.
#[derive(Debug)]
pub(super) struct Spans {
    trace: Trace,
    agent_id: String,
    run: Option<Open>,
    phase: Option<Open>,
    calls: Vec<Call>,
    usage: Usage,
    agent_began: bool,
    ended: bool,
    last: SystemTime,
}

/// A tool under way.
#[derive(Debug)]
struct Call {
    id: String,
    tool: String,
    span: Open,
}

impl Spans {
    /// Begins with nothing; what is in no record is the speaker's.
    pub(super) fn new(trace: Trace, speaker: &Speaker) -> Self {
        Self {
            trace,
            agent_id: speaker.agent_id.clone(),
            run: None,
            phase: None,
            calls: Vec::new(),
            usage: Usage::default(),
            agent_began: false,
            ended: false,
            last: SystemTime::UNIX_EPOCH,
        }
    }

    /// Takes the next record; returns the spans that end with it, children first.
    pub(super) fn take(&mut self, record: &Record) -> Vec<SpanData> {
        if self.ended {
            return Vec::new();
        }
        // A clock that is set back must not end a span before it began.
        let time = humantime::parse_rfc3339(&record.time).unwrap_or(self.last);
        self.last = self.last.max(time);
        match record.kind {
            EventKind::RunStarted => self.begin(record),
            EventKind::Status if record.role == Role::System => return self.on_status(record),
            EventKind::ToolCall => self.on_call(record.tool.as_ref()),
            EventKind::ToolResult => return self.on_result(record.tool.as_ref()),
            EventKind::Usage => self.usage.take(&record.attrs),
            EventKind::RunOutcome => return self.on_outcome(record),
            _ => {}
        }
        Vec::new()
    }

    /// Ends what is still open, for a run whose outcome nobody will tell.
    pub(super) fn end(&mut self) -> Vec<SpanData> {
        self.finish(|_| {})
    }

    fn begin(&mut self, record: &Record) {
        let said = |name| text(record, name);
        let name = said("provider").unwrap_or_else(|| self.agent_id.clone());
        let (id, parent) = (self.trace.run, self.trace.parent);
        let mut run = Open::new(id, parent, format!("invoke_agent {name}"), self.last);
        run.say("gen_ai.operation.name", "invoke_agent");
        run.say("gen_ai.agent.name", name);
        run.say("gen_ai.agent.id", self.agent_id.clone());
        // Whose models they are is a matter of the protocol; of any other agent nobody knows.
        match said("protocol").as_deref() {
            Some("claude") => run.say("gen_ai.provider.name", "anthropic"),
            Some("codex-exec" | "codex-app-server") => run.say("gen_ai.provider.name", "openai"),
            _ => {}
        }
        run.say_if("gen_ai.request.model", said("model"));
        self.run = Some(run);
    }

    fn on_status(&mut self, record: &Record) -> Vec<SpanData> {
        if let Some(run) = &mut self.run {
            let session = text(record, "sessionId").or_else(|| text(record, "session_id"));
            run.say_if("gen_ai.conversation.id", session);
            run.say_if("gen_ai.request.model", text(record, "model"));
        }
        let Some(name) = text(record, "phase").filter(|_| self.run.is_some()) else {
            return Vec::new();
        };
        let ended = self.end_phase();
        let is_agent = name == AGENT && !std::mem::replace(&mut self.agent_began, name == AGENT);
        let id = if is_agent {
            self.trace.agent
        } else {
            Trace::another()
        };
        self.phase = Some(Open::new(id, self.trace.run, name, self.last));
        ended
    }

    fn on_call(&mut self, tool: Option<&Tool>) {
        let Some(tool) = tool.filter(|_| self.run.is_some() && self.calls.len() < CALLS) else {
            return;
        };
        // Some agents tell of a call again while it is under way.
        if tool.id.is_empty() || self.calls.iter().all(|call| call.id != tool.id) {
            let call = self.call(tool);
            self.calls.push(call);
        }
    }

    fn call(&self, tool: &Tool) -> Call {
        let name = cut(&tool.name, TEXT);
        let parent = self.phase.as_ref().map_or(self.trace.run, |phase| phase.id);
        let of_tool = format!("execute_tool {name}");
        let mut span = Open::new(Trace::another(), parent, of_tool, self.last);
        span.say("gen_ai.operation.name", "execute_tool");
        span.say("gen_ai.tool.name", name);
        if !tool.id.is_empty() {
            span.say("gen_ai.tool.call.id", cut(&tool.id, TEXT));
        }
        Call {
            id: tool.id.clone(),
            tool: tool.name.clone(),
            span,
        }
    }

    fn on_result(&mut self, tool: Option<&Tool>) -> Vec<SpanData> {
        let Some(tool) = tool.filter(|_| self.run.is_some()) else {
            return Vec::new();
        };
        // A result whose call was never told is a call all the same.
        let mut call = match self.place_of(tool) {
            Some(place) => self.calls.remove(place),
            None => self.call(tool),
        };
        if tool.ok == Some(false) {
            call.span.fail("tool_error");
        }
        vec![call.span.end(&self.trace, self.last)]
    }

    /// Which call a result is of: by id; without one, the first of the same tool.
    fn place_of(&self, tool: &Tool) -> Option<usize> {
        let mut calls = self.calls.iter();
        calls.position(|call| call.id == tool.id && (!tool.id.is_empty() || call.tool == tool.name))
    }

    fn on_outcome(&mut self, record: &Record) -> Vec<SpanData> {
        let reason = text(record, "reason").unwrap_or_else(|| "_OTHER".to_owned());
        let succeeded = text(record, "status").is_some_and(|status| status == "succeeded");
        let code = record.attrs.get("exit_code").and_then(Value::as_i64);
        self.finish(|run| {
            run.say_if("process.exit.code", code);
            if !succeeded {
                run.fail(reason);
            }
        })
    }

    fn finish(&mut self, last_words: impl FnOnce(&mut Open)) -> Vec<SpanData> {
        self.ended = true;
        let mut ended = self.end_phase();
        if let Some(mut run) = self.run.take() {
            self.usage.tell(&mut run);
            last_words(&mut run);
            ended.push(run.end(&self.trace, self.last));
        }
        ended
    }

    /// Ends the phase, and with it the calls whose results never came.
    fn end_phase(&mut self) -> Vec<SpanData> {
        let calls = std::mem::take(&mut self.calls).into_iter().map(|call| {
            let mut span = call.span;
            span.fail("interrupted");
            span
        });
        calls
            .chain(self.phase.take())
            .map(|span| span.end(&self.trace, self.last))
            .collect()
    }
}

/// The text of an attribute, bounded.
fn text(record: &Record, name: &str) -> Option<String> {
    let text = record.attrs.get(name)?.as_str()?;
    (!text.is_empty()).then(|| cut(text, TEXT))
}

#[cfg(test)]
mod tests;
