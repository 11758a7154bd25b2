//! Every rule of every definition refuses something, in its own words: `testdata/crds/refused.yaml`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cluster::refusals;
use super::definition;
use super::examples::examples;

struct Row {
    example: String,
    pointer: String,
    value: Value,
    words: String,
}

fn rows() -> Vec<Row> {
    let mut files = definition::yaml_files("tests/testdata/crds");
    assert_eq!(files.len(), 1);
    let (_, mut documents) = files.remove(0);
    let rows = documents.remove(0);
    let word = |value: &Value| value.as_str().expect("it is text").to_owned();
    let row = |row: &Value| Row {
        example: word(&row[0]),
        pointer: word(&row[1]),
        value: meant(&row[2]),
        words: word(&row[3]),
    };
    rows.as_array()
        .expect("it is a list")
        .iter()
        .map(row)
        .collect()
}

/// What a row means by so many of something.
fn meant(value: &Value) -> Value {
    let many = |key: &str| usize::try_from(value.get(key)?.as_u64()?).ok();
    if let Some(count) = many("letters") {
        "a".repeat(count).into()
    } else if let Some(count) = many("items") {
        let item = value.get("of").cloned().unwrap_or_else(|| json!("a"));
        vec![item; count].into()
    } else if let Some(count) = many("fields") {
        (0..count)
            .map(|key| (key.to_string(), json!("a")))
            .collect()
    } else {
        value.clone()
    }
}

/// Writes `value` at `pointer`, whose parents are made where they are missing.
fn write(object: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("it has a parent");
    if object.pointer(parent).is_none() {
        write(object, parent, json!({}));
    }
    match object.pointer_mut(parent) {
        Some(Value::Array(items)) => items[key.parse::<usize>().expect("an index")] = value,
        Some(Value::Object(fields)) if value.is_null() => {
            fields.shift_remove(key).expect("it was there");
        }
        Some(Value::Object(fields)) => {
            fields.insert(key.to_owned(), value);
        }
        other => panic!("{pointer} is in {other:?}"),
    }
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let (definitions, examples) = (definition::all(), examples());
    for row in rows() {
        let file = format!("{}.yaml", row.example);
        let place = format!("{} {}", row.example, row.pointer);
        let found = examples.iter().find(|(name, _)| *name == file);
        let mut object = found.unwrap_or_else(|| panic!("no {file}")).1.clone();
        write(&mut object, &row.pointer, row.value);
        let definition = definitions.iter().find(|it| object["kind"] == *it.kind);
        let said = refusals(definition.expect("it has one"), &object);
        assert_eq!(said.len(), 1, "{place}: {said:?}");
        assert!(said[0].contains(&row.words), "{place}: {said:?}");
    }
}

#[test]
fn no_rule_refuses_nothing() {
    let mut messages = BTreeSet::new();
    for definition in definition::all() {
        collect(definition.schema(), &mut messages);
    }
    assert!(messages.len() >= 12, "{messages:?}");
    let rows = rows();
    for message in messages {
        let is_there = rows.iter().any(|row| message.contains(&row.words));
        assert!(is_there, "nothing is refused by: {message}");
    }
}

#[test]
fn every_kind_refuses_something() {
    let (rows, examples) = (rows(), examples());
    for definition in definition::all() {
        let is_of = |row: &&Row| {
            let file = format!("{}.yaml", row.example);
            let mut all = examples.iter();
            all.any(|(name, object)| *name == file && object["kind"] == *definition.kind)
        };
        assert!(rows.iter().any(|row| is_of(&row)), "{}", definition.kind);
    }
}

fn collect(schema: &Value, messages: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            let rules = fields.get("x-kubernetes-validations");
            for rule in rules.and_then(Value::as_array).into_iter().flatten() {
                messages.insert(rule["message"].as_str().expect("it has one").to_owned());
            }
            fields.values().for_each(|it| collect(it, messages));
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, messages)),
        _ => {}
    }
}
