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

/// The leaves of the schema, as `a.b.c`, but for lists of objects, which no flag can say.
fn leaves() -> Vec<String> {
    fn collect(root: &Value, object: &Value, prefix: &str, leaves: &mut Vec<String>) {
        for (name, property) in object["properties"].as_object().into_iter().flatten() {
            let reference = property["anyOf"][0]["$ref"]
                .as_str()
                .and_then(|path| path.rsplit('/').next());
            let inner = reference.map_or(&Value::Null, |name| &root["$defs"][name]);
            let item = property["items"]["$ref"].as_str();
            let item = item.and_then(|path| path.rsplit('/').next());
            let item = item.map_or(&Value::Null, |name| &root["$defs"][name]);
            let path = format!("{prefix}{name}");
            if inner["properties"].is_object() {
                collect(root, inner, &format!("{path}."), leaves);
            } else if !item["properties"].is_object() {
                leaves.push(path);
            }
        }
    }
    let schema = schemars::schema_for!(RunnerSettings);
    let mut leaves = Vec::new();
    collect(schema.as_value(), schema.as_value(), "", &mut leaves);
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
        let flag = snake.to_lowercase().replace('_', "-");
        // What it asks for reads as a sentence: `--events stdout`.
        let flag = flag.strip_suffix("-sinks").unwrap_or(&flag);
        assert_eq!(setting.flag, flag);
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
        "`$AGENT_RUNNER_PROTOCOL` is set to `row`: unknown variant `row`, expected one of `raw`, `jsonl`, `claude`, `codex-exec`, `codex-app-server`: did you mean `raw`?"
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

#[test]
fn an_object_that_is_empty_is_not_one_that_is_absent() {
    let asks = |json: &str| {
        let layer = parsed(json);
        let resolved = resolve(&[Some(&layer)], &environment(&[]), &[]).expect("all valid");
        resolved.workspace.is_some_and(|all| all.git.is_some())
    };
    assert!(asks(r#"{"workspace":{"git":{}}}"#));
    assert!(!asks(r#"{"workspace":{"git":null}}"#));
    assert!(!asks(r#"{"workspace":{}}"#));
}

#[test]
fn depth_and_submodules_are_taken_from_text_and_from_json() {
    let of_spec = |json: &str| serde_json::from_str::<GitSettings>(json);
    for (json, depth) in [("0", 0), ("50", 50), ("1.0", 1), (r#""7""#, 7)] {
        let git = of_spec(&format!(r#"{{"depth":{json}}}"#)).expect("a number");
        assert_eq!(git.depth, Some(Depth(depth)), "{json}");
    }
    for json in ["-1", "1.5", "4294967296", "true", r#""all""#, "1e300"] {
        let error = of_spec(&format!(r#"{{"depth":{json}}}"#)).expect_err("no number");
        assert!(
            error.to_string().contains("a number of commits"),
            "{json}: {error}"
        );
    }
    let variables = environment(&[
        ("AGENT_RUNNER_WORKSPACE_GIT_DEPTH", "3"),
        ("AGENT_RUNNER_WORKSPACE_GIT_SUBMODULES", "recursive"),
    ]);
    let git = resolve(&[], &variables, &[]).expect("all valid").workspace;
    let git = git.and_then(|all| all.git).expect("it is set");
    assert_eq!(
        (git.depth, git.submodules),
        (Some(Depth(3)), Some(Submodules::Recursive))
    );
    let flags = [("workspace.git.submodules".to_owned(), "recursiv".to_owned())];
    let error = resolve(&[], &environment(&[]), &flags).expect_err("not a word of it");
    assert!(
        error.to_string().ends_with("did you mean `recursive`?"),
        "{error}"
    );
}

#[test]
fn a_list_of_files_is_of_the_spec_alone_and_replaces_that_of_the_provider() {
    let provider = parsed(
        r#"{"artifacts":{"bucket":"runs","when":"failure","files":[{"name":"a"},{"name":"b"}]}}"#,
    );
    let spec = parsed(r#"{"artifacts":{"files":[{"name":"c","maxBytes":1}]}}"#);
    let variables = environment(&[
        ("AGENT_RUNNER_ARTIFACTS_INCLUDE", "log, workspace-wip"),
        ("AGENT_RUNNER_ARTIFACTS_TIMEOUT", "5m"),
    ]);
    let flags = [("artifacts.when".to_owned(), "success".to_owned())];
    let resolved = resolve(&[Some(&provider), Some(&spec)], &variables, &flags).expect("all valid");
    let expected = parsed(
        r#"{"artifacts":{"bucket":"runs","when":"success","include":["log","workspace-wip"],"timeout":300,"files":[{"name":"c","maxBytes":1}]}}"#,
    );
    assert_eq!(resolved, expected);
    let flags = [("artifacts.include".to_owned(), "log,jurnal".to_owned())];
    let error = resolve(&[], &environment(&[]), &flags).expect_err("not a file of ours");
    assert!(error.to_string().contains("`jurnal`"), "{error}");
}

#[test]
fn the_schema_of_a_spec_has_the_settings_of_artifacts() {
    let schema = schemars::schema_for!(crate::spec::RunSpec);
    let of = |name: &str| schema.as_value()["$defs"][name]["properties"].clone();
    let entry = of("ArtifactEntry");
    let fields = entry.as_object().expect("an entry has fields");
    assert_eq!(fields.len(), 8, "{fields:?}");
    for field in [
        "name",
        "path",
        "key",
        "optional",
        "when",
        "maxBytes",
        "contentType",
        "exclude",
    ] {
        assert!(fields.contains_key(field), "{field}");
    }
    let files = &of("ArtifactSettings")["files"]["items"]["$ref"];
    assert_eq!(files, "#/$defs/ArtifactEntry");
    let runner = &of("RunnerSettings")["artifacts"]["anyOf"][0]["$ref"];
    assert_eq!(runner, "#/$defs/ArtifactSettings");
}
