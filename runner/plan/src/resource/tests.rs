use serde_json::{Map, Value, json};

use super::{AgentRun, Implementation, Kind, RunGoal, Sealed, SecretObject, Strings, Verbatim};

/// Calls `look` with every object of a schema that has properties, and its path.
fn objects(schema: &Value, path: &str, look: &mut dyn FnMut(&str, &Map<String, Value>)) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Object(properties)) = fields.get("properties") {
                look(path, properties);
            }
            for (name, below) in fields {
                objects(below, &format!("{path}/{name}"), look);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, path, look)),
        _ => {}
    }
}

#[test]
fn every_field_of_every_kind_is_described() {
    for kind in Kind::ALL {
        let schema = kind.schema();
        assert_eq!(schema["title"], kind.name());
        objects(&schema, kind.name(), &mut |path, properties| {
            for (name, field) in properties {
                let words = field["description"].as_str().unwrap_or_default();
                assert!(words.ends_with('.'), "{path}/{name}: {words:?}");
            }
        });
    }
}

#[test]
fn fields_are_called_as_the_controller_calls_them() {
    for kind in Kind::ALL {
        objects(&kind.schema(), kind.name(), &mut |path, properties| {
            for name in properties.keys() {
                let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let begins = name
                    .bytes()
                    .next()
                    .is_some_and(|byte| byte.is_ascii_lowercase());
                assert!(plain && begins, "{path}/{name}");
            }
        });
    }
}

#[test]
fn every_kind_has_its_own_schema() {
    for kind in Kind::ALL {
        let schema = kind.shape();
        assert_eq!(*schema, kind.schema());
        assert_eq!(schema["properties"]["kind"]["const"], kind.name());
        assert_eq!(
            schema["properties"]["apiVersion"]["const"],
            kind.api_version()
        );
        assert_eq!(Kind::named(kind.name()), Some(kind));
    }
}

#[test]
fn what_a_run_needs_is_required() {
    let required = |kind: Kind, path: &str| kind.schema().pointer(path).cloned();
    assert_eq!(
        required(Kind::AgentRun, "/required"),
        Some(json!(["apiVersion", "kind", "metadata", "spec"]))
    );
    assert_eq!(
        required(Kind::AgentRun, "/$defs/RunResourceSpec/required"),
        Some(json!(["agentRef"]))
    );
    assert_eq!(
        required(Kind::Agent, "/$defs/AgentSpec/required"),
        Some(json!(["providerRef"]))
    );
    assert_eq!(
        required(
            Kind::VersionControlProvider,
            "/$defs/VersionControlSpec/required"
        ),
        Some(json!(["provider"]))
    );
    assert_eq!(
        required(Kind::AgentProvider, "/$defs/ProviderSpec/required"),
        None
    );
}

#[test]
fn what_is_handed_on_is_what_was_written() {
    let text = r#"{"zzz":{"b":1,"a":2},"text":"x","labels":[],"summary":null}"#;
    let verbatim: Verbatim<Implementation> = serde_json::from_str(text).expect("it is one");
    assert_eq!(verbatim.read().text.as_deref(), Some("x"));
    assert_eq!(verbatim.read().labels.as_deref(), Some([].as_slice()));
    assert_eq!(serde_json::to_string(&verbatim).expect("it is JSON"), text);
    let wrong = serde_json::from_str::<Verbatim<Implementation>>(r#"{"text": 1}"#);
    assert!(wrong.is_err());
}

#[test]
fn texts_keep_their_order_and_numbers_are_none() {
    let text = r#"{"b":"1","a":"2"}"#;
    let mut strings: Strings = serde_json::from_str(text).expect("they are texts");
    assert_eq!(serde_json::to_string(&strings).expect("it is JSON"), text);
    strings.insert("b", "3");
    strings.insert("c", "4");
    assert_eq!(
        strings.iter().collect::<Vec<_>>(),
        [("b", "3"), ("a", "2"), ("c", "4")]
    );
    assert_eq!(
        (strings.len(), strings.get("c"), strings.get("d")),
        (3, Some("4"), None)
    );
    assert!(serde_json::from_str::<Strings>(r#"{"a":1}"#).is_err());
}

#[test]
fn a_budget_is_written_as_it_was() {
    for text in [r#"{"tokenBudget":200000}"#, r#"{"tokenBudget":1.5}"#] {
        let goal: RunGoal = serde_json::from_str(text).expect("it is one");
        assert_eq!(serde_json::to_string(&goal).expect("it is JSON"), text);
    }
}

#[test]
fn null_is_as_good_as_nothing() {
    let run = json!({
        "apiVersion": "x", "kind": "AgentRun", "metadata": { "name": "a", "uid": null },
        "spec": { "agentRef": { "name": "b" }, "parameters": null, "vcsPolicy": null },
        "status": null,
    });
    let run: AgentRun = serde_json::from_value(run).expect("it is one");
    assert_eq!(
        (run.metadata.uid, run.spec.parameters, run.status),
        (None, None, None)
    );
}

#[test]
fn a_secret_serializes_without_its_values() {
    let data: Strings = [("key", "hunter22")].into_iter().collect();
    let secret = SecretObject {
        data: Some(Sealed::new(data)),
        ..SecretObject::default()
    };
    let shown = serde_json::to_value(&secret).expect("it is JSON");
    assert_eq!(shown["data"], json!({ "key": "[secret]" }));
    assert!(!format!("{secret:?}").contains("hunter22"));
}
