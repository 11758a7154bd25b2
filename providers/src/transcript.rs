//! A conversation as a person reads it.
//!
//! Messages and tools on stdout, problems and reasoning on stderr. What tools print is not shown:
//! it is in the log. Plain text: a model, or a file that it reads, must not play with a terminal.

mod flow;
mod plain;

use agent_plan::event::{Event, EventKind, Tool};

use crate::memory::Memory;
use flow::Flow;

/// Where a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Messages, tools, the final result.
    Stdout,
    /// Reasoning and problems.
    Stderr,
}

/// A text and where it is shown; line breaks included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Where.
    pub stream: Stream,
    /// What.
    pub text: String,
}

/// Renders events; knows what it has shown already.
#[derive(Debug, Default)]
pub struct Transcript {
    reasoning: bool,
    messages: Flow,
    thoughts: Flow,
    /// Tools that run, by id: not every CLI says again what has ended.
    tools: Memory<Tool>,
}

impl Transcript {
    /// Returns a transcript that shows reasoning or not.
    pub fn new(reasoning: bool) -> Self {
        Self {
            reasoning,
            ..Self::default()
        }
    }

    /// Returns what an event adds.
    pub fn show(&mut self, event: &Event) -> Vec<Shown> {
        let content = event.content.as_str();
        match event.kind {
            EventKind::MessageDelta => shown(Stream::Stdout, self.messages.piece(content)),
            EventKind::Message => shown(Stream::Stdout, self.messages.whole(content)),
            EventKind::ReasoningDelta if self.reasoning => {
                shown(Stream::Stderr, self.thoughts.piece(content))
            }
            EventKind::Reasoning if self.reasoning => {
                shown(Stream::Stderr, self.thoughts.whole(content))
            }
            EventKind::ToolCall | EventKind::ToolResult => {
                let line = self.tool(event);
                shown(Stream::Stdout, self.messages.line(&line))
            }
            EventKind::Status | EventKind::RateLimit if !content.is_empty() => {
                self.aside("status", content)
            }
            EventKind::Error => self.aside("error", content),
            _ => Vec::new(),
        }
    }

    /// Ends the transcript: with the final result, unless it was the last message.
    pub fn end(&mut self, result: Option<&str>) -> Vec<Shown> {
        let mut all = shown(Stream::Stderr, self.thoughts.close());
        let result = result
            .map(str::trim_end)
            .filter(|result| !self.messages.was_last(result));
        let rest = match result {
            Some(result) => self.messages.anew(result),
            None => self.messages.close(),
        };
        all.extend(shown(Stream::Stdout, rest));
        all
    }

    fn aside(&mut self, kind: &str, content: &str) -> Vec<Shown> {
        let line = format!("[{kind}] {}", plain::text(content.trim_end()));
        shown(Stream::Stderr, self.thoughts.line(&line))
    }

    /// Returns the line of a tool: `[Bash:failed] cargo test (exit 3)`.
    fn tool(&mut self, event: &Event) -> String {
        let mut tool = event.tool.clone().unwrap_or_default();
        let mut state = "started";
        if event.kind == EventKind::ToolCall {
            self.tools.insert(&tool.id, tool.clone());
        } else {
            let started = self.tools.remove(&tool.id).unwrap_or_default();
            tool.name = or(tool.name, started.name);
            tool.title = or(tool.title, started.title);
            state = match tool.ok {
                Some(true) => "ok",
                Some(false) => "failed",
                None => "done",
            };
        }
        let name = or(tool.name, "tool".to_owned());
        let head = format!("[{}:{state}]", plain::line(&name));
        let title = Some(plain::line(&tool.title)).filter(|title| !title.is_empty());
        let code = tool.exit_code.filter(|code| *code != 0);
        let code = code.map(|code| format!("(exit {code})"));
        let parts = [Some(head), title, code];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn or(text: String, otherwise: String) -> String {
    if text.is_empty() { otherwise } else { text }
}

fn shown(stream: Stream, text: String) -> Vec<Shown> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![Shown { stream, text }]
}

#[cfg(test)]
mod tests;
