use super::*;

#[test]
fn what_is_no_provider_is_said_with_its_place() {
    let error = |text: &str| {
        let error = test(text, Path::new("a.yaml")).expect_err("it is none");
        error.to_string()
    };
    assert_eq!(
        error("a: 1\n"),
        "`a.yaml` is neither an AgentProvider nor a provider definition"
    );
    let syntax = error("kind: [\n");
    assert!(syntax.starts_with("`a.yaml` line "), "{syntax}");
}

#[test]
fn scenarios_wait_until_the_findings_are_mended() {
    let text = "kind: AgentProvider\nspec: {}\n";
    let summary = test(text, Path::new("a.yaml")).expect("it is a provider");
    assert!(!summary.ok);
    let played = scenarios::all();
    let skipped = summary.results.iter().rev().take(played.len());
    assert!(
        skipped
            .into_iter()
            .all(|result| result.verdict == Verdict::Skip)
    );
}

#[test]
fn every_scenario_has_a_name_of_its_own_and_builds_on_one_that_exists() {
    let scenarios = scenarios::all();
    let mut names: Vec<_> = scenarios.iter().map(|scenario| scenario.name).collect();
    names.extend(CHECKS.iter().map(|check| check.name));
    for scenario in &scenarios {
        assert!(scenario.after.is_none_or(|after| names.contains(&after)));
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_definition_gets_what_a_controller_sends_that_knows_no_adapters() {
    let text = r#"{"binary": "/bin/sh", "secretEnv": [{"name": "API_KEY"}]}"#;
    let manifest = Manifest::parse(text, Path::new("local.json")).expect("it is a definition");
    let pod = controller::Pod::of(&manifest, &sample::Sample::default());
    let pod = pod.expect("the sample is taken");
    let names: Vec<_> = pod.env.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "AGENT_RUN_SPEC",
        "AGENT_RUNNER_SPEC_PATH",
        "AGENT_PROVIDER",
        "API_KEY",
    ];
    assert_eq!(names, expected);
    for newer in ["schemaVersion", "adapter", "providerSpec"] {
        assert_eq!(pod.spec.get(newer), None);
    }
    assert_eq!(pod.spec["provider"], "local");
    assert_eq!(pod.payload["provider"], "local");
}
