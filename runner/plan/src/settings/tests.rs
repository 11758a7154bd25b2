use super::*;

fn environment(entries: &[(&str, &str)]) -> Environment {
    Environment::new(
        entries
            .iter()
            .map(|(name, value)| (name.into(), value.into())),
    )
}

fn parsed(json: &str) -> RunnerSettings {
    serde_json::from_str(json).expect("a test's own settings")
}

/// The leaves of the schema, as `a.b`.
fn leaves() -> Vec<String> {
    let schema = schemars::schema_for!(RunnerSettings);
    let root = schema.as_value();
    let mut leaves = Vec::new();
    let properties = |value: &Value| value["properties"].as_object().cloned().unwrap_or_default();
    for (name, property) in properties(root) {
        let reference = property["anyOf"][0]["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next());
        let inner = reference
            .map(|name| properties(&root["$defs"][name]))
            .unwrap_or_default();
        if inner.is_empty() {
            leaves.push(name);
        } else {
            leaves.extend(inner.keys().map(|inner| format!("{name}.{inner}")));
        }
    }
    leaves.sort();
    leaves
}

#[test]
fn the_table_has_every_field_and_no_other() {
    let mut keys: Vec<_> = SETTINGS
        .iter()
        .map(|setting| setting.key.to_owned())
        .collect();
    keys.sort();
    assert_eq!(keys, leaves());
}

#[test]
fn variable_and_flag_follow_from_the_key() {
    for setting in SETTINGS {
        let mut snake = String::new();
        for letter in setting.key.chars() {
            match letter {
                '.' => snake.push('_'),
                letter if letter.is_uppercase() => snake.extend(['_', letter]),
                letter => snake.push(letter.to_ascii_uppercase()),
            }
        }
        assert_eq!(setting.variable, format!("AGENT_RUNNER_{snake}"));
        assert_eq!(setting.flag, snake.to_lowercase().replace('_', "-"));
    }
}

#[test]
fn a_flag_wins_over_a_variable_over_the_spec_over_the_provider() {
    let provider =
        parsed(r#"{"timeouts":{"total":1,"idle":1},"cwd":"/provider","graceSeconds":1}"#);
    let spec = parsed(r#"{"timeouts":{"total":2,"firstEvent":"2s"},"cwd":"/spec"}"#);
    let variables = environment(&[
        ("AGENT_RUNNER_TIMEOUTS_TOTAL", "3m"),
        ("AGENT_RUNNER_REDACT_NAMES", "A*, B"),
    ]);
    let flags = [("timeouts.total".to_owned(), "4".to_owned())];
    let resolved = resolve(&[Some(&provider), Some(&spec)], &variables, &flags).expect("all valid");
    let expected = parsed(
        r#"{"timeouts":{"total":4,"idle":1,"firstEvent":2},"cwd":"/spec","graceSeconds":1,"redact":{"names":["A*","B"]}}"#,
    );
    assert_eq!(resolved, expected);
}

#[test]
fn a_bad_value_names_its_source_and_the_near_miss() {
    let error = resolve(&[], &environment(&[("AGENT_RUNNER_PROTOCOL", "row")]), &[])
        .expect_err("not a protocol");
    assert_eq!(
        error.to_string(),
        "`$AGENT_RUNNER_PROTOCOL` is set to `row`: unknown variant `row`, expected `raw` or `jsonl`: did you mean `raw`?"
    );
    let flags = [("timeouts.idle".to_owned(), "soon".to_owned())];
    let error = resolve(&[], &environment(&[]), &flags).expect_err("not a duration");
    assert!(
        error
            .to_string()
            .starts_with("`--timeouts-idle` is set to `soon`"),
        "{error}"
    );
    let flags = [("redact.enabled".to_owned(), "maybe".to_owned())];
    assert!(resolve(&[], &environment(&[]), &flags).is_err());
    let flags = [("timeouts.idle".to_owned(), "-1".to_owned())];
    assert!(resolve(&[], &environment(&[]), &flags).is_err());
}
