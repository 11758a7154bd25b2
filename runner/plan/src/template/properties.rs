//! What holds for any template and any document.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Engine, UnknownRoot};

const PARTS: [&str; 44] = [
    "{{",
    "}}",
    "{",
    "}",
    "{{{",
    "}}}",
    "#if ",
    "#each ",
    "#with ",
    "#unless ",
    "/if",
    "/each",
    "/with",
    "{{else}}",
    "{{^}}",
    "{{else if a}}",
    "{{/if}}",
    "{{/each}}",
    "{{/with}}",
    "{{#if a}}",
    "{{#each a}}",
    "{{#with a}}",
    "{{#each this}}",
    "this",
    "a",
    "b",
    "a.b",
    "../a",
    "@index",
    "{{this}}",
    "{{a}}",
    "{{b}}",
    "{{@key}}",
    "{{../a}}",
    "json ",
    "default ",
    "truncate ",
    "(",
    ")",
    "\"x\"",
    "'",
    "\\",
    "\n",
    " 3 ",
];

fn template() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        9 => prop::sample::select(PARTS.as_slice()).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        template().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[ab01]", inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn unknown() -> impl Strategy<Value = UnknownRoot> {
    prop_oneof![Just(UnknownRoot::Empty), Just(UnknownRoot::Verbatim)]
}

/// Every string becomes a tag of each kind that would print the secret if it was rendered.
fn with_tags(value: Value) -> Value {
    match value {
        Value::String(_) => json!("{{secret}}{{{secret}}}{{#if secret}}{{secret}}{{/if}}"),
        Value::Array(items) => items.into_iter().map(with_tags).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, with_tags(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

proptest! {
    #[test]
    fn nothing_panics(template in template(), a in value(), b in value(), unknown in unknown()) {
        let roots = json!({"a": a, "b": b});
        let result = Engine::new().render(&template, &roots, unknown);
        prop_assert!(unknown == UnknownRoot::Empty || result.is_ok());
    }

    #[test]
    fn any_text_is_a_template(template in "\\PC*", roots in value(), unknown in unknown()) {
        let result = Engine::new().render(&template, &roots, unknown);
        prop_assert!(result.is_ok(), "{:?}", result);
    }

    #[test]
    fn text_without_tags_is_unchanged(text in "[^{]*(\\{[^{]+)*", unknown in unknown()) {
        let result = Engine::new().render(&text, &json!({}), unknown).map(|rendered| rendered.text);
        prop_assert_eq!(result.ok(), Some(text));
    }

    #[test]
    fn a_value_is_never_rendered(template in template(), a in value(), b in value()) {
        let roots = json!({"a": with_tags(a), "b": with_tags(b), "secret": "hunter2"});
        let result = Engine::new().render(&template, &roots, UnknownRoot::Empty);
        // `this` outside of a block is no path, and no part of a template names the secret.
        let printed = format!("{result:?}");
        prop_assert!(!printed.contains("hunter2"), "{}", printed);
    }
}
