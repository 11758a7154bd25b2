//! What the standard `OTEL_` variables say about spans.
//!
//! They are read here and given to the libraries, which would look into the process's environment:
//! what a provider's `envTemplate` renders is not in that, and is the only place where an unmodified
//! controller lets anybody set them.

use std::path::PathBuf;
use std::time::Duration;

use agent_plan::secret::Secret;
use opentelemetry_sdk::trace::Sampler;
use reqwest::Url;

/// Where a collector listens beside us unless told (OTLP specification, "endpoint URLs").
const ENDPOINT: &str = "http://localhost:4318";

/// Between two exports, and for one: the defaults of the specification.
const DELAY: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);

/// How spans are exported.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Where they are posted; may have credentials in it.
    pub(super) endpoint: Secret<Url>,
    /// Headers of every request; usually credentials.
    pub(super) headers: Vec<(String, Secret<String>)>,
    /// How long a request may take.
    pub(super) timeout: Duration,
    /// Between two exports.
    pub(super) delay: Duration,
    /// PEM file of the only authorities that a collector's certificate may come from.
    pub(super) certificate: Option<PathBuf>,
    /// Whether this run is sampled.
    pub(super) sampler: Sampler,
    /// The trace that the run is part of: `traceparent` and `tracestate` (W3C Trace Context).
    pub(super) parent: Option<(String, String)>,
    /// What is said of us besides the run, in the order in which later ones win.
    pub(super) resource: Vec<(String, String)>,
}

/// Why no spans are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Off {
    /// The environment says so.
    Asked,
    /// What the environment asks for is not there; in words, without values that may be secret.
    Cannot(String),
}

impl Settings {
    /// Takes the variables, each looked up by its name.
    ///
    /// # Errors
    ///
    /// Returns [`Off`] where the environment wants no spans, or wants them as they cannot be had.
    pub(super) fn new<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Off> {
        let get = |name: &str| {
            variable(name)
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        // What is said of traces alone wins over what is said of all signals.
        let of_traces = |name: &'static str| {
            let special = format!("OTEL_EXPORTER_OTLP_TRACES_{name}");
            get(&special).or_else(|| get(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        if get("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Err(Off::Asked);
        }
        match get("OTEL_TRACES_EXPORTER") {
            None => {}
            Some("none") => return Err(Off::Asked),
            Some(list) if list.split(',').any(|name| name.trim() == "otlp") => {}
            Some(_) => return Err(cannot("`OTEL_TRACES_EXPORTER` does not name `otlp`")),
        }
        if !matches!(of_traces("PROTOCOL"), None | Some("http/protobuf")) {
            return Err(cannot(
                "`OTEL_EXPORTER_OTLP_TRACES_PROTOCOL` must be `http/protobuf`, which is the only \
                 protocol of the runner",
            ));
        }
        let millis = |text: Option<&str>, default| {
            let told = text.and_then(|text| text.parse().ok());
            told.filter(|millis| *millis > 0)
                .map_or(default, Duration::from_millis)
        };
        Ok(Self {
            endpoint: Secret::new(endpoint(&get)?),
            headers: pairs(of_traces("HEADERS").unwrap_or_default())
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
            timeout: millis(of_traces("TIMEOUT"), TIMEOUT),
            delay: millis(get("OTEL_BSP_SCHEDULE_DELAY"), DELAY),
            certificate: of_traces("CERTIFICATE").map(PathBuf::from),
            sampler: sampler(get("OTEL_TRACES_SAMPLER"), get("OTEL_TRACES_SAMPLER_ARG")),
            parent: get("TRACEPARENT").map(|parent| {
                let state = get("TRACESTATE").unwrap_or_default();
                (parent.to_owned(), state.to_owned())
            }),
            resource: resource(&get),
        })
    }
}

fn cannot(why: &str) -> Off {
    Off::Cannot(why.to_owned())
}

fn endpoint<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Url, Off> {
    let (name, text) = if let Some(whole) = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        // Of this one the whole path is told.
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole.to_owned())
    } else {
        let base = get("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or(ENDPOINT);
        let whole = format!("{}/v1/traces", base.trim_end_matches('/'));
        ("OTEL_EXPORTER_OTLP_ENDPOINT", whole)
    };
    let url = Url::parse(&text).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| Off::Cannot(format!("`{name}` is no URL of `http` or `https`")))
}

/// As the specification names them; what is not known is what holds without the variable.
fn sampler(name: Option<&str>, argument: Option<&str>) -> Sampler {
    let ratio = argument.and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let of_parent = |root| Sampler::ParentBased(Box::new(root));
    match name.unwrap_or_default() {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio),
        "parentbased_always_off" => of_parent(Sampler::AlwaysOff),
        "parentbased_traceidratio" => of_parent(Sampler::TraceIdRatioBased(ratio)),
        _ => of_parent(Sampler::AlwaysOn),
    }
}

fn resource<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Vec<(String, String)> {
    let said = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all = vec![
        said("service.name", "agent-runner"),
        said("service.version", env!("CARGO_PKG_VERSION")),
    ];
    // Elsewhere the name of a host is no pod's.
    if get("KUBERNETES_SERVICE_HOST").is_some() {
        all.extend(get("HOSTNAME").map(|pod| said("k8s.pod.name", pod)));
    }
    all.extend(pairs(get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()));
    all.extend(get("OTEL_SERVICE_NAME").map(|name| said("service.name", name)));
    all
}

/// Takes `name=value,name=value` apart (W3C Baggage without properties).
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim();
        (!name.is_empty()).then(|| (decoded(name), decoded(value.trim())))
    })
}

/// Replaces `%20` and its like by what they stand for; what is none stays.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests;
