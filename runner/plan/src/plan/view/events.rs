//! What becomes of events, as others see it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Plan;
use crate::message::{self, Format};
use crate::plan::{Given, Login, NatsPlan, NatsServer};
use crate::record::Speaker;

/// What becomes of events.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsView {
    /// The journal; null: a private one, gone at the end.
    pub journal: Option<String>,
    /// Whether lines of output are events.
    pub output: bool,
    /// Whether records go to stdout.
    pub stdout: bool,
    /// Where they are published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats: Option<NatsView>,
    /// What others said, if that is fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextView>,
    /// Whether spans are exported.
    pub traces: bool,
    /// Who speaks.
    pub speaker: Speaker,
}

/// Where events are published.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NatsView {
    /// The servers.
    pub servers: Vec<String>,
    /// As whom: the kind of login and, if it is in a file, where.
    pub login: String,
    /// The subject that all messages of this run match.
    pub subject: String,
    /// The form of a payload: `plain` or `cloudevents`.
    pub format: &'static str,
    /// Whether the run fails without.
    pub required: bool,
}

/// Which messages of others are fetched.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContextView {
    /// The stream they are in.
    pub stream: String,
    /// The subject they are on.
    pub subject: String,
    /// The most of them.
    pub count: usize,
    /// The file they are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the run fails without.
    pub required: bool,
}

impl Plan {
    pub(super) fn events_view(&self, clean: &impl Fn(&str) -> String) -> EventsView {
        let events = &self.events;
        let lossy = |path: &std::path::Path| clean(&path.to_string_lossy());
        let speaker = events.speaker.map(clean);
        EventsView {
            journal: events.journal.as_deref().map(lossy),
            output: events.output,
            stdout: events.stdout,
            nats: events.nats.as_ref().map(|nats| NatsView {
                servers: nats.servers.iter().map(server).collect(),
                login: clean(&login(nats)),
                subject: message::subjects(&events.wire.prefix, &speaker),
                format: match events.wire.format {
                    Format::Plain => "plain",
                    Format::CloudEvents => "cloudevents",
                },
                required: events.required,
            }),
            context: events.context.as_ref().map(|context| ContextView {
                stream: clean(&context.stream),
                subject: clean(&context.subject),
                count: context.count,
                path: context.path.as_deref().map(lossy),
                required: context.required,
            }),
            traces: events.traces,
            speaker,
        }
    }
}

fn server(server: &NatsServer) -> String {
    let scheme = if server.tls { "tls" } else { "nats" };
    let host = &server.host;
    if host.contains(':') {
        format!("{scheme}://[{host}]:{}", server.port)
    } else {
        format!("{scheme}://{host}:{}", server.port)
    }
}

fn login(nats: &NatsPlan) -> String {
    let place = |given: &Given| match given {
        Given::Text(_) => String::new(),
        Given::File(path) => format!(" of `{}`", path.display()),
    };
    match &nats.login {
        Login::Nobody => "none".to_owned(),
        Login::Creds(given) => format!("credentials{}", place(given)),
        Login::User(_, password) => format!("user and password{}", place(password)),
        Login::Token(given) => format!("token{}", place(given)),
        Login::Nkey(given) => format!("nkey{}", place(given)),
    }
}
