//! Where the spec comes from.

use crate::env::Environment;
use crate::spec::Source;

/// Each row: argument, path, inline, payload; then what is found.
#[test]
fn argument_then_path_then_inline_then_payload_and_empty_is_absent() {
    let path = "AGENT_RUNNER_SPEC_PATH";
    let file = |path: &str, by| Source::File(path.into(), by);
    let inline = || Source::Inline("{}".to_owned());
    let payload = || Source::Payload("/run.json".into());
    let rows = [
        (
            Some("/arg"),
            "/path",
            "{}",
            "/run.json",
            file("/arg", "argument"),
        ),
        (Some("/arg"), "", "", "", file("/arg", "argument")),
        (Some("-"), "/path", "", "", file("-", "argument")),
        (Some(""), "/path", "{}", "/run.json", file("/path", path)),
        (None, "/path", "{}", "/run.json", file("/path", path)),
        (None, "", "{}", "/run.json", inline()),
        (Some(""), "", "{}", "", inline()),
        (None, "", "", "/run.json", payload()),
        (Some(""), "", "", "", Source::Nowhere),
        (None, "", "", "", Source::Nowhere),
    ];
    for (argument, by_path, inline, payload, expected) in rows {
        let environment = Environment::new([
            (path.into(), by_path.into()),
            ("AGENT_RUNNER_SPEC".into(), inline.into()),
            ("AGENT_RUN_SPEC".into(), payload.into()),
        ]);
        assert_eq!(
            Source::find(argument.map(Into::into), &environment),
            expected,
            "{argument:?} {by_path:?} {inline:?} {payload:?}"
        );
    }
    assert_eq!(Source::find(None, &Environment::default()), Source::Nowhere);
}

#[test]
fn a_message_speaks_of_the_file_or_the_variable() {
    assert_eq!(Source::File("/a".into(), "argument").origin(), "/a");
    assert_eq!(
        Source::Inline("{\"token\":1}".to_owned()).origin(),
        "$AGENT_RUNNER_SPEC"
    );
    assert_eq!(Source::Payload("/run.json".into()).origin(), "/run.json");
    assert_eq!(Source::Nowhere.origin(), "no spec");
}
