//! What a pod reads, as one ConfigMap or two (contract §3.1).

use serde_json::{Map, Value, json};

use crate::manifest::{Found, shown};
use crate::resource::AgentProvider;
use crate::template::pretty_json;

use super::field::Field;
use super::notes::Notes;
use super::refusal::{Reason, Refusal};
use super::said;

/// The most bytes of all texts in one; a cluster does not count their keys.
pub(super) const MOST: usize = 1 << 20;

/// What to do about too much, where there is no longest.
const SHORTEN: &str = "shorten it";

/// A file that is mounted before the agent starts.
#[derive(Debug, Clone)]
pub(super) struct InputFile {
    pub(super) path: String,
    pub(super) content: String,
}

/// The files of a provider that have both path and content.
pub(super) fn input_files(provider: Found<'_, AgentProvider>, notes: &mut Notes) -> Vec<InputFile> {
    let files = provider.object.spec.input_files.iter().flatten();
    let mut inputs = Vec::new();
    for (index, file) in files.enumerate() {
        match (said(Some(&file.path)), said(Some(&file.content))) {
            (Some(path), Some(content)) => inputs.push(InputFile {
                path: path.to_owned(),
                content: content.to_owned(),
            }),
            _ => notes.warn(
                &Field::of(provider.manifest, "spec.inputFiles").item(index),
                "its path or content is blank, and it is left out",
            ),
        }
    }
    inputs
}

/// The ConfigMap with `run.json` and `agent-runner.json`.
pub(super) fn of_spec(
    metadata: &Value,
    run: &Value,
    spec: &Value,
    field: &Field<'_>,
) -> Result<Value, Refusal> {
    let texts = [("run.json", run), ("agent-runner.json", spec)];
    let data = texts.map(|(key, value)| (key.to_owned(), pretty_json(value)));
    config_map(metadata, data.into(), field, || {
        let longest = longest(run).into_iter().chain(longest(spec));
        match longest.max_by_key(|(_, bytes)| *bytes) {
            Some((path, bytes)) => format!("shorten `{}`, which has {bytes} bytes", shown(&path)),
            None => SHORTEN.to_owned(),
        }
    })
}

/// The ConfigMap with input files.
pub(super) fn of_inputs(
    metadata: &Value,
    files: &[InputFile],
    field: &Field<'_>,
) -> Result<Value, Refusal> {
    let data = files.iter().enumerate();
    let data = data.map(|(index, file)| (format!("input-{index}"), file.content.clone()));
    let longest = || {
        let longest = files.iter().max_by_key(|file| file.content.len());
        longest.map_or(SHORTEN.to_owned(), |file| {
            let bytes = file.content.len();
            format!("shorten `{}`, which has {bytes} bytes", shown(&file.path))
        })
    };
    config_map(metadata, data.collect(), field, longest)
}

/// The longest text, by its path, and how long it is.
fn longest(value: &Value) -> Option<(String, usize)> {
    let below = |step: String, value: &Value| {
        let (path, bytes) = longest(value)?;
        let dot = if path.is_empty() { "" } else { "." };
        Some((format!("{step}{dot}{path}"), bytes))
    };
    let all: Vec<_> = match value {
        Value::String(text) => return Some((String::new(), text.len())),
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| below(key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(index, value)| below(index.to_string(), value))
            .collect(),
        _ => return None,
    };
    all.into_iter().max_by_key(|(_, bytes)| *bytes)
}

fn config_map(
    metadata: &Value,
    data: Vec<(String, String)>,
    field: &Field<'_>,
    longest: impl FnOnce() -> String,
) -> Result<Value, Refusal> {
    let bytes: usize = data.iter().map(|(_, text)| text.len()).sum();
    if bytes > MOST {
        let message =
            format!("what becomes of it has {bytes} bytes, and a ConfigMap at most {MOST}");
        let refusal = field.refused(Reason::SubmitFailed, message);
        return Err(refusal.hint(longest()));
    }
    let data: Map<String, Value> = data
        .into_iter()
        .map(|(key, text)| (key, text.into()))
        .collect();
    Ok(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": data,
    }))
}
