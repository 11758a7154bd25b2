use super::*;

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};

fn settings(variables: &[(&str, &'static str)]) -> Result<Settings, Off> {
    Settings::new(|name| {
        let mut found = variables.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| *value)
    })
}

fn off(variables: &[(&str, &'static str)]) -> Off {
    match settings(variables) {
        Err(off) => off,
        Ok(settings) => panic!("{variables:?}: {settings:?}"),
    }
}

#[test]
fn nothing_said_is_a_collector_beside_us() {
    let settings = settings(&[]).expect("defaults");
    let endpoint = settings.endpoint.expose().as_str();
    assert_eq!(endpoint, "http://localhost:4318/v1/traces");
    assert_eq!(settings.timeout, Duration::from_secs(10));
    assert_eq!(settings.delay, Duration::from_secs(5));
    assert_eq!(settings.headers, []);
    assert_eq!(settings.parent, None);
    assert_eq!(settings.resource[0].1, "agent-runner");
}

#[test]
fn what_is_said_of_traces_wins_over_what_is_said_of_all() {
    let all = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://all:1/base/"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "a=1, authorization = Bearer%20x%2C+%zz ",
        ),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/all.pem"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250"),
    ];
    let of_all = settings(&all).expect("they are usable");
    assert_eq!(
        of_all.endpoint.expose().as_str(),
        "https://all:1/base/v1/traces"
    );
    assert_eq!(of_all.timeout, Duration::from_millis(100));
    assert_eq!(of_all.delay, Duration::from_millis(250));
    assert_eq!(of_all.certificate, Some("/all.pem".into()));
    let header = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    let wanted = [header("a", "1"), header("authorization", "Bearer x,+%zz")];
    assert_eq!(of_all.headers, wanted);

    let mut special = all.to_vec();
    special.extend([
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/whole"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/traces.pem"),
    ]);
    let special = settings(&special).expect("they are usable");
    assert_eq!(special.endpoint.expose().as_str(), "http://traces/whole");
    assert_eq!(special.timeout, Duration::from_millis(7));
    assert_eq!(special.headers, [header("b", "2")]);
    assert_eq!(special.certificate, Some("/traces.pem".into()));
}

#[test]
fn the_environment_can_turn_spans_off() {
    assert_eq!(off(&[("OTEL_SDK_DISABLED", "TRUE")]), Off::Asked);
    assert_eq!(off(&[("OTEL_TRACES_EXPORTER", "none")]), Off::Asked);
    assert!(settings(&[("OTEL_SDK_DISABLED", "false")]).is_ok());
    assert!(settings(&[("OTEL_TRACES_EXPORTER", "console, otlp")]).is_ok());
}

#[test]
fn what_cannot_be_had_is_said_without_its_value() {
    for (name, value) in [
        ("OTEL_TRACES_EXPORTER", "zipkin-secret"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc-secret"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json-secret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "secret:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "unix:/secret"),
    ] {
        let Off::Cannot(why) = off(&[(name, value)]) else {
            panic!("{name} is silent");
        };
        assert!(!why.contains("secret"), "{why}");
    }
}

#[test]
fn secrets_do_not_print() {
    let settings = settings(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:secret@host"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret"),
    ]);
    let printed = format!("{settings:?}");
    assert!(
        !printed.contains("secret@") && !printed.contains("=secret"),
        "{printed}"
    );
    assert!(
        !printed.replace("[secret]", "").contains("secret"),
        "{printed}"
    );
}

#[test]
fn samplers_are_those_of_the_specification() {
    for (name, argument, sampled) in [
        (None, None, true),
        (Some("always_on"), None, true),
        (Some("always_off"), None, false),
        (Some("traceidratio"), Some("0"), false),
        (Some("traceidratio"), Some("1"), true),
        (Some("parentbased_always_off"), None, false),
        (Some("parentbased_traceidratio"), Some("0"), false),
        (Some("parentbased_traceidratio"), Some("nonsense"), true),
        (Some("unheard_of"), None, true),
    ] {
        let kind = opentelemetry::trace::SpanKind::Internal;
        let sampler = sampler(name, argument);
        let result = sampler.should_sample(None, TraceId::from(7), "", &kind, &[], &[]);
        let is_sampled = result.decision == SamplingDecision::RecordAndSample;
        assert_eq!(is_sampled, sampled, "{name:?} {argument:?}");
    }
}

#[test]
fn what_the_environment_says_of_us_comes_last() {
    let last = |variables: &[(&str, &'static str)], name: &str| {
        let settings = settings(variables).expect("they are usable");
        let mut said = settings.resource.into_iter().rev();
        said.find(|(known, _)| known == name)
            .map(|(_, value)| value)
    };
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=a%20b,team=x,broken,=y",
    );
    let name = ("OTEL_SERVICE_NAME", "mine");
    assert_eq!(last(&[attributes], "service.name").as_deref(), Some("a b"));
    assert_eq!(
        last(&[attributes, name], "service.name").as_deref(),
        Some("mine")
    );
    assert_eq!(last(&[attributes], "team").as_deref(), Some("x"));
    assert_eq!(last(&[attributes], ""), None);
    let host = ("HOSTNAME", "pod-1");
    let cluster = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    assert_eq!(last(&[host], "k8s.pod.name"), None);
    assert_eq!(
        last(&[host, cluster], "k8s.pod.name").as_deref(),
        Some("pod-1")
    );
}
