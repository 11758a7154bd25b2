//! What both APIs have: events of a stream, names of offered tools, ids.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// A server-sent event.
pub(super) struct Event {
    name: &'static str,
    data: Value,
    /// Whether it carries a piece of the answer.
    pub(super) is_piece: bool,
}

impl Event {
    pub(super) fn new(name: &'static str, data: Value) -> Self {
        Self {
            name,
            data,
            is_piece: false,
        }
    }

    pub(super) fn piece(mut self) -> Self {
        self.is_piece = true;
        self
    }

    /// Returns it as it is sent.
    pub(super) fn wire(&self) -> String {
        format!("event: {}\ndata: {}\n\n", self.name, self.data)
    }
}

/// Returns the tools that a request offers, by name, or by type where they have none.
pub(super) fn offered(request: &Value) -> impl Iterator<Item = &str> {
    let tools = request["tools"].as_array().into_iter().flatten();
    tools.filter_map(|tool| tool["name"].as_str().or_else(|| tool["type"].as_str()))
}

/// Returns an id that no other server has given, because a resumed session sees those of several.
pub(super) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{:08x}{number:012x}", std::process::id())
}
