//! Records as a person reads them.

use agent_plan::event::{EventKind, Tool};
use agent_plan::record::{Header, Record};

/// Returns a record: time, attempt and number, kind and who said it, then what; further lines are
/// indented.
pub(super) fn of(header: &Header, record: &Record) -> String {
    let mut words = Vec::new();
    if let Some(tool) = &record.tool {
        words.push(tool_line(record.kind, tool));
    }
    let content = record.content.trim_end();
    if !content.is_empty() {
        words.push(content.replace('\n', "\n    "));
    }
    let number = format!("{}.{}", header.attempt, record.seq);
    let kind = record.kind.name();
    let text = format!(
        "{} {number:<6} {kind:<12} {}",
        record.time,
        words.join("\n    ")
    );
    format!("{}\n", text.trim_end())
}

/// As a transcript shows a tool: `[Bash:failed] cargo test (exit 3)`.
fn tool_line(kind: EventKind, tool: &Tool) -> String {
    let state = match (kind, tool.ok) {
        (EventKind::ToolCall, _) => "started",
        (_, Some(true)) => "ok",
        (_, Some(false)) => "failed",
        (_, None) => "done",
    };
    let name = if tool.name.is_empty() {
        "tool"
    } else {
        &tool.name
    };
    let mut line = format!("[{name}:{state}]");
    if !tool.title.is_empty() {
        line.push_str(&format!(" {}", tool.title));
    }
    if let Some(code) = tool.exit_code.filter(|code| *code != 0) {
        line.push_str(&format!(" (exit {code})"));
    }
    line
}
