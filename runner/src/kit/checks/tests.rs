use std::path::Path;

use super::*;

/// A provider without a fault, to which one is added.
const SOUND: &str = r#"apiVersion: agents.proompteng.ai/v1alpha1
kind: AgentProvider
metadata:
  name: sound
spec:
  binary: /usr/local/bin/agent-runner
  adapter:
    type: exec
    exec:
      binary: /bin/sh
      argsTemplate: [-c, 'cat; echo {{default inputs.x "{"}}']
      envTemplate:
        STAGE: "{{inputs.stage}} {{env.HOME}}"
    runner:
      prompt: "{{default run.prompt run.issueBody}}"
"#;

fn found(text: &str) -> Vec<(&'static str, Finding)> {
    let manifest = Manifest::parse(text, Path::new("sound.yaml")).expect("it is a provider");
    let each = CHECKS.iter().flat_map(|check| {
        let findings = (check.find)(&manifest).into_iter();
        findings.map(|finding| (check.name, finding))
    });
    each.collect()
}

fn names(text: &str) -> Vec<&'static str> {
    found(text).into_iter().map(|(name, _)| name).collect()
}

fn with(old: &str, new: &str) -> String {
    assert!(SOUND.contains(old), "`{old}` is in it");
    SOUND.replacen(old, new, 1)
}

#[test]
fn a_sound_provider_has_no_findings() {
    assert_eq!(names(SOUND), [""; 0]);
    let json = serde_json::to_string_pretty(
        &Manifest::parse(SOUND, Path::new("a"))
            .expect("it is a provider")
            .root
            .json(),
    );
    assert_eq!(names(&json.expect("it is JSON")), [""; 0]);
}

#[test]
fn each_fault_is_found_by_its_check_alone() {
    let runner = "    runner:\n";
    #[rustfmt::skip]
    let table: &[(&str, String)] = &[
        ("kind", with("v1alpha1", "v1")),
        ("kind", with("name: sound", "name: ''")),
        ("binary", with("binary: /usr/local/bin/agent-runner", "binary: /bin/sh")),
        ("adapter", with("type: exec", "type: claude")),
        ("adapter", with("      binary: /bin/sh\n", "")),
        ("arguments", with("  adapter:", "  argsTemplate: [spec.json]\n  adapter:")),
        ("arguments", with("  adapter:", "  argsTemplate: [--timeout-total, 5m]\n  adapter:")),
        ("arguments", with("  adapter:", "  argsTemplate: [validate, spec.json]\n  adapter:")),
        ("unknown-field", with("  adapter:", "  envTemplates: {}\n  adapter:")),
        ("unknown-field", with(runner, "    runner:\n      promt: x\n")),
        ("unknown-field", with(runner, "    runner:\n      timeouts: {total: soon}\n")),
        ("unknown-field", with("  adapter:", &["  envTemplate: {AGENT", "_RUNNER_TIMEOUT_IDLE: 1m}\n  adapter:"].concat())),
        ("unknown-field", with(runner, "    runner:\n      artifacts: {log: true}\n")),
        ("protocol", with(runner, "    runner:\n      protocol: codex-app-server\n")),
        ("protocol", with("/bin/sh", "/opt/codex/bin/codex")),
        ("template-root", with("inputs.stage", "inputz.stage")),
        ("template-root", with("run.issueBody", "env.HOME")),
        ("template-root", with("  adapter:", "  envTemplate: {A: \"{{default inputs.a 'b'}}\"}\n  adapter:")),
        ("secret-in-clear", with("STAGE: \"{{inputs.stage}} {{env.HOME}}\"", "API_KEY: hunter2hunter2")),
        ("secret-not-read", with("  adapter:", "  secretEnv: [{name: A, secretName: b}]\n  adapter:")),
        ("unquoted-word", with("  adapter:", "  envTemplate: {A: 5}\n  adapter:")),
        ("unquoted-word", with("STAGE:", "SEARCH: off\n        STAGE:")),
    ];
    for (name, text) in table {
        assert_eq!(names(text), [*name], "{text}");
    }
}

#[test]
fn a_finding_says_where_and_what_was_meant() {
    let (_, finding) = found(&with("envTemplate", "envTemplat")).remove(0);
    assert_eq!((finding.line, finding.column), (Some(12), Some(7)));
    assert_eq!(
        finding.path.as_deref(),
        Some("spec.adapter.exec.envTemplat")
    );
    assert_eq!(finding.change, "did you mean `envTemplate`?");
}

#[test]
fn a_finding_about_a_secret_does_not_repeat_it() {
    let text = with(
        "STAGE: \"{{inputs.stage}} {{env.HOME}}\"",
        "API_KEY: hunter2hunter2",
    );
    let found = format!("{:?}", found(&text));
    assert!(
        found.contains("API_KEY") && !found.contains("hunter2"),
        "{found}"
    );
}

#[test]
fn words_of_others_are_found_however_they_are_written() {
    for tag in [
        "{{run.prompt}}",
        "{{ inputs . prompt }}",
        "{{default run.issueTitle \"x\"}}",
        "{{#if run.prompt}}x{{/if}}",
        "{{json run}}",
        "{{implementation.text}}",
    ] {
        let text = with("cat;", &tag.replace('\'', "''"));
        assert_eq!(names(&text), ["prompt-in-arguments"], "{tag}");
    }
}

#[test]
fn a_definition_of_an_image_is_a_provider_too() {
    let definition = r#"{"binary": "/bin/sh", "argsTemplate": ["-c", "{{run.stage}}"]}"#;
    assert_eq!(names(definition), [""; 0]);
    let claude = r#"{"adapter": {"type": "claude", "claude": {"model": "sonnet"}}}"#;
    assert_eq!(names(claude), [""; 0]);
    let broken = r#"{"adapter": {"type": "claude", "claude": {"modle": "sonnet"}}}"#;
    assert_eq!(names(broken), ["unknown-field"]);
}
