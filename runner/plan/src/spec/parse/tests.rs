use super::*;

#[test]
fn a_wrong_type_names_file_line_column_and_path() {
    let text = "{\n  \"provider\": \"p\",\n  \"adapter\": {\"type\": \"exec\",\n    \"exec\": {\"binary\": \"/b\", \"argsTemplate\": [\"-p\", 5]}}\n}";
    let error = parse(text.as_bytes(), "spec.json").expect_err("5 is not a string");
    assert_eq!(
        error.to_string(),
        "`spec.json` line 4 column 53: `adapter.exec.argsTemplate[1]`: invalid type: integer `5`, expected a string"
    );
}

#[test]
fn an_unknown_field_is_a_warning_with_a_suggestion() {
    let text = "{\"provider\": \"p\",\n \"adapter\": {\"exec\": {\"argTemplate\": []}}}";
    let document = parse(text.as_bytes(), "spec.json").expect("unknown fields are accepted");
    assert_eq!(
        document.unknown[0].to_string(),
        "unknown field `adapter.exec.argTemplate` at line 2 column 23: did you mean `argsTemplate`?"
    );
}

#[test]
fn a_syntax_error_names_its_place() {
    let error = parse(b"{\n \"provider\": }", "spec.json").expect_err("not JSON");
    assert_eq!(
        error.to_string(),
        "`spec.json` line 2 column 14: not JSON: expected value"
    );
}

#[test]
fn another_version_is_refused_where_it_stands() {
    let error = parse(b"{\n \"schemaVersion\": \"v2\", \"provider\": \"p\"}", "s").expect_err("v2");
    assert_eq!(
        error.to_string(),
        "`s` line 2 column 2: unsupported schemaVersion `v2`"
    );
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains(SCHEMA_VERSION))
    );
}

#[test]
fn a_missing_provider_names_the_field_that_was_meant() {
    let error = parse(b"{\"provder\": \"p\"}", "s").expect_err("no provider");
    assert_eq!(
        error.hint().as_deref(),
        Some("there is a field `provder`: did you mean `provider`?")
    );
}

#[test]
fn a_spec_of_a_0_9_controller_is_enough() {
    let text = br#"{"provider":"codex","inputs":{"a":"b"},"payloads":{"eventFilePath":"/workspace/run.json"},
        "artifacts":{"statusPath":"/s","logPath":"/l","logRetentionSeconds":604800}}"#;
    let document = parse(text, "s").expect("the 0.9.1 subset is accepted");
    assert!(document.unknown.is_empty(), "{:?}", document.unknown);
    assert!(document.value.adapter.is_none());
}

#[test]
fn null_means_absent() {
    let text = br#"{"provider":"p","inputs":null,"payloads":null,"observability":null,"artifacts":null,"goal":null,
        "providerSpec":null,"adapter":{"type":"exec","exec":{"binary":"/b","argsTemplate":null}}}"#;
    parse(text, "s").expect("null and absent are the same");
}

#[test]
fn too_large_and_not_utf8_say_so() {
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(
        parse(&large, "s").expect_err("too large").to_string(),
        "`s` has more than 4194304 bytes"
    );
    assert_eq!(
        parse(b"{\"\xff\"}", "s")
            .expect_err("not UTF-8")
            .to_string(),
        "`s` is not UTF-8 from byte 2 on"
    );
}

#[test]
fn only_the_first_fields_that_nobody_knows_are_told_their_places() {
    let fields: Vec<_> = (0..20_000)
        .map(|field| format!(",\"zz{field}\":1"))
        .collect();
    let text = format!("{{\"provider\":\"a\"{}}}", fields.concat());
    let unknown = parse(text.as_bytes(), "a.json")
        .expect("it is a spec")
        .unknown;
    assert_eq!(unknown.len(), 20_000);
    assert_eq!(
        unknown.iter().filter(|field| field.at.is_some()).count(),
        100
    );
    assert!(unknown[99].at.is_some());
}
