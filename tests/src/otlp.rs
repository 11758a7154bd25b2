//! A collector of spans: OTLP over HTTP with protobuf, and nothing else.
//!
//! ```no_run
//! use agent_tests::{Collector, Run};
//! use serde_json::json;
//!
//! let collector = Collector::new();
//! Run::new()
//!     .setting("events/traces", json!(true))
//!     .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
//!     .end();
//! assert_eq!(collector.spans()[0].trace_id.len(), 32);
//! ```

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{self as proto, status::StatusCode};
use prost::Message;

use crate::git_server::http::Head;
use crate::git_server::listener::Listener;

/// A collector on 127.0.0.1; gone with all its connections when dropped.
#[derive(Debug)]
pub struct Collector {
    listener: Listener,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    exports: Vec<Export>,
    connections: usize,
    /// Answers before those that say that all is well.
    refusals: Vec<u16>,
}

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Export {
    /// Method and path.
    pub line: String,
    /// Its headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body, encoded.
    pub body: Vec<u8>,
    /// What the collector answered.
    pub answer: u16,
}

/// A span, with all that is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Hexadecimal, as the ids below.
    pub trace_id: String,
    /// Its own.
    pub id: String,
    /// Empty if it has none.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Likewise.
    pub end: u64,
    /// Whether its status is an error.
    pub failed: bool,
    /// Attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Attributes of its resource, as text.
    pub resource: BTreeMap<String, String>,
    /// The conventions that its names are from.
    pub schema: String,
}

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector {
    /// Starts one that takes everything.
    pub fn new() -> Self {
        Self::refusing([])
    }

    /// Starts one that answers its first requests with these statuses.
    pub fn refusing(statuses: impl IntoIterator<Item = u16>) -> Self {
        let state = Arc::new(Mutex::new(State {
            refusals: statuses.into_iter().collect(),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let listener = Listener::new(move |stream, _| {
            lock(&shared).connections += 1;
            // A peer that goes away in the middle has not exported anything.
            drop(serve(stream, &shared));
        });
        Self { listener, state }
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// How many have connected.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// What was asked so far, in order.
    pub fn exports(&self) -> Vec<Export> {
        lock(&self.state).exports.clone()
    }

    /// Returns the spans that were taken, in order.
    pub fn spans(&self) -> Vec<Span> {
        let taken = self.exports().into_iter();
        let taken = taken.filter(|export| export.answer == 200);
        taken.flat_map(|export| spans(&export.body)).collect()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut client = BufReader::new(stream);
    while let Some(head) = Head::read(&mut client)? {
        let mut body = Vec::new();
        head.read_body(&mut client, &mut body)?;
        let answer = {
            let mut state = lock(state);
            let refusal = (!state.refusals.is_empty()).then(|| state.refusals.remove(0));
            let answer = refusal.unwrap_or(200);
            let headers = head.headers.iter();
            let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
            state.exports.push(Export {
                line: format!("{} {}", head.method, head.target),
                headers: headers.collect(),
                body,
                answer,
            });
            answer
        };
        let client = client.get_mut();
        write!(
            client,
            "HTTP/1.1 {answer} \r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
        )?;
    }
    Ok(())
}

fn spans(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).expect("the body is an export of spans");
    let mut all = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.unwrap_or_default();
        let resource = said(resource.attributes);
        for of_scope in of_resource.scope_spans {
            let schema = of_scope.schema_url;
            let spans = of_scope.spans.into_iter();
            all.extend(spans.map(|span| of(span, resource.clone(), schema.clone())));
        }
    }
    all
}

fn of(span: proto::Span, resource: BTreeMap<String, String>, schema: String) -> Span {
    let status = span.status.unwrap_or_default();
    Span {
        trace_id: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        failed: status.code == StatusCode::Error as i32,
        attributes: said(span.attributes),
        resource,
        schema,
    }
}

fn said(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let attributes = attributes.into_iter();
    attributes
        .map(|said| (said.key, text(said.value)))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
