//! What is said of manifests that are not as they should be.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{errors, read, resource, warnings};
use crate::manifest::ManifestError;

const RUN: &str = concat!(
    "apiVersion: agents.proompteng.ai/v1alpha1\n",
    "kind: AgentRun\n",
    "metadata:\n",
    "  name: fix\n",
    "spec:\n",
    "  agentRef:\n",
    "    name: coder\n",
);

#[test]
fn everything_of_a_wrong_type_is_said_with_its_place() {
    let text = format!(
        "{RUN}  parameters:\n    issue: 42\n    draft: off\n    \"a.b\": [x]\n  secrets: token\n  vcsPolicy:\n    mode: write\n    required: \"yes\"\n"
    );
    assert_eq!(
        errors(&text),
        [
            "`run.yaml` line 9 column 5: `spec.parameters.issue` of AgentRun `fix` is a number, expected a text",
            "`run.yaml` line 10 column 5: `spec.parameters.draft` of AgentRun `fix` is a boolean, expected a text",
            "`run.yaml` line 11 column 5: `spec.parameters[\"a.b\"]` of AgentRun `fix` is a list, expected a text",
            "`run.yaml` line 12 column 3: `spec.secrets` of AgentRun `fix` is a text, expected a list",
            "`run.yaml` line 14 column 5: `spec.vcsPolicy.mode` of AgentRun `fix` is `write`, expected `read-write` or `read-only` or `none`",
            "`run.yaml` line 15 column 5: `spec.vcsPolicy.required` of AgentRun `fix` is a text, expected `true` or `false`",
        ]
    );
    let reading = read(text.as_bytes(), "run.yaml");
    assert!(reading.manifests.is_empty());
    assert_eq!(
        reading.errors[0].hint().as_deref(),
        Some("write it in quotes")
    );
    assert_eq!(reading.errors[2].hint(), None);
}

#[test]
fn an_item_of_a_list_is_said_with_its_number() {
    let text = format!(
        "{RUN}  workload:\n    volumes:\n      - {{name: a, type: emptyDir, mountPath: /a}}\n      - {{name: b, type: hostPath}}\n"
    );
    assert_eq!(
        errors(&text),
        [
            "`run.yaml` line 11 column 19: `spec.workload.volumes[1].type` of AgentRun `fix` is `hostPath`, expected `emptyDir` or `pvc` or `secret`",
            "`run.yaml` line 11 column 9: `spec.workload.volumes[1].mountPath` of AgentRun `fix` is missing",
        ]
    );
}

#[test]
fn what_is_missing_is_said_with_what_was_perhaps_meant() {
    let text = RUN.replace("agentRef", "agentref");
    let reading = read(text.as_bytes(), "run.yaml");
    assert_eq!(
        reading.errors[0].to_string(),
        "`run.yaml` line 6 column 3: `spec.agentRef` of AgentRun `fix` is missing"
    );
    assert_eq!(
        reading.errors[0].hint().as_deref(),
        Some("there is `agentref`: is it meant?")
    );
}

#[test]
fn a_manifest_without_version_kind_or_name_is_refused() {
    for (line, path, kind) in [
        (
            "apiVersion: agents.proompteng.ai/v1alpha1\n",
            "apiVersion",
            " of AgentRun `fix`",
        ),
        ("kind: AgentRun\n", "kind", ""),
        ("metadata:\n  name: fix\n", "metadata", " of AgentRun"),
        ("  name: fix\n", "metadata", " of AgentRun"),
    ] {
        let all = errors(&RUN.replace(line, ""));
        assert_eq!(all.len(), 1, "{all:?}");
        let expected = format!("`{path}`{kind} is missing");
        assert!(
            all.iter().any(|error| error.ends_with(&expected)),
            "{all:?}"
        );
    }
    let reading = read(
        RUN.replace("  name: fix", "  generateName: fix-")
            .as_bytes(),
        "run.yaml",
    );
    let hint = reading.errors[0].hint().expect("it has one");
    assert!(hint.contains("generateName"), "{hint}");
    let reading = read(RUN.replace("kind:", "Kind:").as_bytes(), "run.yaml");
    assert_eq!(
        reading.errors[0].hint().as_deref(),
        Some("there is `Kind`: is it meant?")
    );
    for (text, expected) in [
        (
            "7",
            "`run.yaml` line 1 column 1: the document is a number, expected an object",
        ),
        (
            "[[]]",
            "`run.yaml` line 1 column 2: the document is a list, expected an object",
        ),
        (
            "kind: \"\"",
            "`run.yaml` line 1 column 1: `kind` is empty, expected a text",
        ),
        (
            "kind: [x]",
            "`run.yaml` line 1 column 1: `kind` is a list, expected a text",
        ),
    ] {
        assert!(
            errors(text).contains(&expected.to_owned()),
            "{:?}",
            errors(text)
        );
    }
}

#[test]
fn a_field_that_nobody_knows_is_a_warning_with_what_was_perhaps_meant() {
    let text = format!(
        "{RUN}  vcsref: {{name: github}}\n  implementation:\n    inline:\n      texts: x\n      zzzz: y\n"
    );
    let reading = read(text.as_bytes(), "run.yaml");
    assert_eq!(reading.errors, []);
    assert_eq!(reading.manifests.len(), 1);
    assert_eq!(
        warnings(&reading),
        [
            "`run.yaml` line 8 column 3: `spec.vcsref` of AgentRun `fix` is no field that is known: did you mean `vcsRef`?",
            "`run.yaml` line 11 column 7: `spec.implementation.inline.texts` of AgentRun `fix` is no field that is known: did you mean `text`?",
            "`run.yaml` line 12 column 7: `spec.implementation.inline.zzzz` of AgentRun `fix` is no field that is known",
        ]
    );
}

#[test]
fn an_adapter_is_read_as_the_runner_does() {
    let provider = |adapter: Value| {
        let text = resource("AgentProvider", "claude", &json!({ "adapter": adapter }));
        let text = serde_json::to_string_pretty(&text).expect("it is JSON");
        let reading = read(text.as_bytes(), "run.yaml");
        assert_eq!(reading.errors, []);
        assert_eq!(reading.manifests.len(), 1);
        warnings(&reading)
    };
    assert_eq!(
        provider(json!({ "type": "exec", "exec": { "argTemplate": ["x"] } })),
        [
            "`run.yaml` line 11 column 9: `spec.adapter.exec.argTemplate` of AgentProvider `claude` is no field that is known: did you mean `argsTemplate`?"
        ]
    );
    let wrong = provider(json!({ "type": "exec", "exec": { "argsTemplate": "x" } }));
    assert!(wrong[0].starts_with("`run.yaml` line 11 column 9: `spec.adapter.exec.argsTemplate` of AgentProvider `claude`: "), "{wrong:?}");
    assert_eq!(
        provider(json!({ "type": "codex-app-server", "codex": { "secretEnv": [] } })),
        [""; 0]
    );
}

#[test]
fn a_kind_that_nobody_knows_is_left_alone() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\napiVersion: agents.proompteng.ai/v1alpha1\nkind: AgentRunn\n---\napiVersion: example.com/v1\nkind: Agent\n---\napiVersion: agents.proompteng.io/v1alpha1\nkind: AgentRun\n";
    let reading = read(text.as_bytes(), "run.yaml");
    assert_eq!(reading.errors, []);
    assert!(reading.manifests.is_empty());
    assert_eq!(
        warnings(&reading),
        [
            "`run.yaml` line 2 column 1: `Deployment` of `apps/v1` means nothing to a run; it is left alone",
            "`run.yaml` line 6 column 1: `AgentRunn` of `agents.proompteng.ai/v1alpha1` means nothing to a run; it is left alone: did you mean `AgentRun`?",
            "`run.yaml` line 9 column 1: `Agent` of `example.com/v1` means nothing to a run; it is left alone",
            "`run.yaml` line 12 column 1: `AgentRun` of `agents.proompteng.io/v1alpha1` means nothing to a run; it is left alone: did you mean `agents.proompteng.ai/v1alpha1`?",
        ]
    );
}

#[test]
fn another_version_of_a_known_kind_is_refused() {
    assert_eq!(
        errors(&RUN.replace("v1alpha1", "v1")),
        [
            "`run.yaml` line 1 column 1: `apiVersion` of AgentRun `fix` is `agents.proompteng.ai/v1`, expected `agents.proompteng.ai/v1alpha1`"
        ]
    );
}

#[test]
fn a_name_that_a_cluster_refuses_is_refused() {
    for name in [
        "Fix",
        "../fix",
        "-fix",
        "fix.",
        "a..b",
        "\"\"",
        "a/b",
        "é",
        &"a".repeat(254),
    ] {
        let all = errors(&RUN.replace("name: fix", &format!("name: {name}")));
        assert!(
            all.len() == 1 && all[0].contains("`metadata.name`"),
            "{name}: {all:?}"
        );
    }
    for namespace in ["a.b", "..", &"a".repeat(64)] {
        let all =
            errors(&RUN.replace("name: fix", &format!("name: fix\n  namespace: {namespace}")));
        assert!(
            all.len() == 1 && all[0].contains("`metadata.namespace`"),
            "{namespace}: {all:?}"
        );
    }
    for name in ["a", "fix-7.x", &"a".repeat(253)] {
        assert_eq!(
            errors(&RUN.replace("name: fix", &format!("name: {name}"))),
            [""; 0]
        );
    }
}

#[test]
fn what_is_no_yaml_has_a_next_step() {
    for (text, step) in [
        (
            "a: [1\n",
            "look there, and before it, for what is not closed, not in quotes or not indented alike",
        ),
        ("a: 1\na: 2", "remove one, or give it another name"),
        ("&a [*a]", "write out what it stands for"),
        (
            &format!("{}{}", "[".repeat(100), "]".repeat(100)),
            "split it into several files, or write less of it",
        ),
    ] {
        let reading = read(text.as_bytes(), "run.yaml");
        assert_eq!(reading.errors[0].hint().as_deref(), Some(step), "{text}");
    }
    let said = &errors("a: 1e999")[0];
    assert!(said.ends_with("write it in quotes"), "{said}");
}

#[test]
fn the_rule_that_a_name_breaks_is_said() {
    let long = "a".repeat(254);
    for (name, words) in [
        (
            "Fix",
            "is a name with `F` in it, expected lower-case letters, digits, `-` and `.`",
        ),
        (
            "fix-",
            "is `fix-`, expected that between dots every part begins and ends with a letter or a digit",
        ),
        (
            "a..b",
            "is `a..b`, expected that between dots every part begins and ends with a letter or a digit",
        ),
        (
            "a.-b",
            "is `a.-b`, expected that between dots every part begins and ends with a letter or a digit",
        ),
        (
            long.as_str(),
            "is a name of 254 characters, expected at most 253",
        ),
        ("\"\"", "is empty, expected a name"),
    ] {
        let all = errors(&RUN.replace("name: fix", &format!("name: {name}")));
        assert!(all.len() == 1 && all[0].ends_with(words), "{name}: {all:?}");
    }
}

#[test]
fn an_adapter_shows_no_value_and_no_word_of_a_parser() {
    for (adapter, words) in [
        (
            json!({ "exec": { "argsTemplate": "--key=hunter22" } }),
            "`spec.adapter.exec.argsTemplate` of AgentProvider `a`: the runner expects a list, not a text",
        ),
        (
            json!({ "codex": "hunter22" }),
            "`spec.adapter.codex` of AgentProvider `a`: the runner expects an object, not a text",
        ),
        (
            json!({ "exec": { "inputFiles": [{ "path": "/a", "content": 22 }] } }),
            "`spec.adapter.exec.inputFiles[0].content` of AgentProvider `a`: the runner expects a text, not a number",
        ),
    ] {
        let text = resource("AgentProvider", "a", &json!({ "adapter": adapter })).to_string();
        let reading = read(text.as_bytes(), "run.yaml");
        let said = warnings(&reading);
        assert!(said.len() == 1 && said[0].ends_with(words), "{said:?}");
    }
}

#[test]
fn many_unknown_fields_of_an_adapter_do_not_take_long() {
    let fields: serde_json::Map<_, _> = (0..40_000)
        .map(|n| (format!("zz{n}zz"), json!(1)))
        .collect();
    let text = resource(
        "AgentProvider",
        "a",
        &json!({ "adapter": { "exec": fields } }),
    )
    .to_string();
    let reading = read(text.as_bytes(), "run.yaml");
    assert_eq!(reading.warnings.len(), 51);
    assert_eq!(
        reading.warnings[50].to_string(),
        "`run.yaml` has 39950 more warnings"
    );
}

#[test]
fn nothing_that_is_said_moves_a_cursor() {
    let wild = "\u{1b}[2J";
    let mut run = resource(
        "AgentRun",
        wild,
        &json!({ wild: 1, "agentRef": { "name": wild } }),
    );
    run["spec"]["vcsPolicy"] = json!({ "mode": wild });
    run["metadata"]["namespace"] = wild.into();
    let mut kind = resource(wild, wild, &json!({}));
    let mut version = kind.clone();
    version["apiVersion"] = format!("agents.proompteng.ai/{wild}").into();
    version["kind"] = "AgentRun".into();
    kind["apiVersion"] = wild.into();
    let near = json!({ "kin\u{1b}": wild, "apiVersion": wild });
    let provider = json!({ "adapter": { "runner": { "events": wild } } });
    let provider = resource("AgentProvider", "a", &provider);
    let text = json!([run, kind, version, near, { "kind": wild }, provider]).to_string();
    let reading = read(text.as_bytes(), "run.yaml");
    let hints = reading
        .errors
        .iter()
        .filter_map(ManifestError::hint)
        .collect();
    let said = [warnings(&reading), errors(&text), hints].concat();
    assert_eq!(said.len(), 8, "{said:#?}");
    for words in said {
        assert!(!words.contains(char::is_control), "{words:?}");
    }
}

#[test]
fn findings_without_number_are_counted() {
    let fields: Vec<_> = (0..2000)
        .map(|field| format!("  zz{field}zz: 1\n"))
        .collect();
    let fields = fields.concat();
    let reading = read(format!("{RUN}{fields}").as_bytes(), "run.yaml");
    assert_eq!(reading.warnings.len(), 51);
    assert_eq!(
        reading.warnings[50].to_string(),
        "`run.yaml` has 1950 more warnings"
    );
    let fields: Vec<_> = (0..2000)
        .map(|field| format!("    zz{field}zz: 1\n"))
        .collect();
    let fields = fields.concat();
    let reading = read(
        format!("{RUN}  parameters:\n{fields}").as_bytes(),
        "run.yaml",
    );
    assert_eq!(reading.errors.len(), 51);
    assert_eq!(
        reading.errors[50].to_string(),
        "`run.yaml` has 1950 more errors"
    );
}

#[test]
fn a_value_that_is_out_of_range_is_refused_with_its_place() {
    assert_eq!(
        errors(&format!(
            "{RUN}  ttlSecondsAfterFinished: 18446744073709551615\n"
        )),
        [
            "`run.yaml` line 8 column 3: `spec.ttlSecondsAfterFinished` of AgentRun `fix` is larger than any, expected an integer of at most 9223372036854775807"
        ]
    );
}

/// Any JSON, of few words so that some of them are fields.
fn anything() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "name",
        "namespace",
        "items",
        "data",
        "inline",
        "implementation",
        "adapter",
        "exec",
        "agentRef",
        "parameters",
        "auth",
        "List",
        "v1",
        "Secret",
        "AgentRun",
        "AgentProvider",
        "agents.proompteng.ai/v1alpha1",
        "",
        "a.b",
        "é\u{0}\n",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let key = words.clone().prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_it_holds_it_is_read_or_refused(
        value in anything(),
        spec in anything(),
        kind in prop::sample::select(crate::resource::Kind::ALL.to_vec()),
        cut in 0_usize..400,
    ) {
        let mut text = resource(kind.name(), "a", &spec);
        text["apiVersion"] = kind.api_version().into();
        text["data"] = spec.clone();
        let pretty = serde_json::to_string_pretty(&text).expect("it is JSON");
        let short: String = pretty.chars().take(cut).collect();
        for text in [value.to_string(), text.to_string(), pretty, short, format!("{value}\n---\n{text}")] {
            let reading = read(text.as_bytes(), "x");
            for error in &reading.errors {
                prop_assert!(error.to_string().starts_with("`x`"), "{error}");
            }
        }
    }
}
