//! A span that has not ended.

use std::time::SystemTime;

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::Trace;

/// Which conventions names are from.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.41.0";

/// What has begun.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: SpanId,
    pub(super) parent: SpanId,
    name: String,
    start: SystemTime,
    attributes: Vec<KeyValue>,
    status: Status,
}

impl Open {
    pub(super) fn new(id: SpanId, parent: SpanId, name: String, start: SystemTime) -> Self {
        Self {
            id,
            parent,
            name,
            start,
            attributes: Vec::new(),
            status: Status::Unset,
        }
    }

    /// Sets an attribute; what was said of it before is forgotten.
    pub(super) fn say(&mut self, name: &'static str, value: impl Into<Value>) {
        self.attributes.retain(|said| said.key.as_str() != name);
        self.attributes.push(KeyValue::new(name, value));
    }

    /// Sets an attribute if there is something to say.
    pub(super) fn say_if(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.say(name, value);
        }
    }

    /// Says that it did not go well, in a word.
    pub(super) fn fail(&mut self, kind: impl Into<String>) {
        self.say("error.type", kind.into());
        self.status = Status::error("");
    }

    /// Ends it.
    pub(super) fn end(self, trace: &Trace, time: SystemTime) -> SpanData {
        SpanData {
            span_context: trace.context_of(self.id),
            parent_span_id: self.parent,
            // The run's is the only span whose parent is not one of ours.
            parent_span_is_remote: self.id == trace.run && self.parent != SpanId::INVALID,
            span_kind: SpanKind::Internal,
            name: self.name.into(),
            start_time: self.start,
            end_time: time,
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.status,
            instrumentation_scope: InstrumentationScope::builder("agent-runner")
                .with_version(env!("CARGO_PKG_VERSION"))
                .with_schema_url(SCHEMA)
                .build(),
        }
    }
}
