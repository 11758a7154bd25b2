//! The files that a provider wants to be collected (contract §6, §1.5).

use serde_json::{Map, Value};

use crate::manifest::Found;
use crate::resource::AgentProvider;

use super::field::Field;
use super::notes::Notes;
use super::refusal::Refusal;
use super::render::render_fields;
use super::said;

const KEYS: [&str; 4] = ["name", "path", "key", "url"];

/// What the provider wrote, for the runner to render: without what a cluster drops.
pub(super) fn declared(provider: Found<'_, AgentProvider>) -> Vec<Map<String, Value>> {
    let written = provider.manifest.written("spec.outputArtifacts");
    let Some(Value::Array(items)) = written else {
        return Vec::new();
    };
    let known = |(key, value): &(String, Value)| KEYS.contains(&key.as_str()) && !value.is_null();
    let items = items.into_iter().filter_map(|item| match item {
        Value::Object(fields) => Some(fields.into_iter().filter(known).collect()),
        _ => None,
    });
    items.collect()
}

/// The same, rendered by the controller, for `run.json`; one without a name is left out.
///
/// There is no warning of what became nothing, because the runner knows more than the controller,
/// and renders them again.
pub(super) fn rendered(
    provider: Found<'_, AgentProvider>,
    roots: &Value,
) -> Result<Vec<Value>, Refusal> {
    let field = Field::of(provider.manifest, "spec.outputArtifacts");
    let mut rendered = Vec::new();
    let mut scratch = Notes::default();
    for (index, artifact) in declared(provider).iter().enumerate() {
        let Some(name) = said(artifact.get("name").and_then(Value::as_str)) else {
            continue;
        };
        let mut made = Map::new();
        made.insert("name".to_owned(), name.into());
        let field = field.item(index);
        made.extend(render_fields(
            artifact,
            &KEYS[1..],
            roots,
            &field,
            &mut scratch,
        )?);
        rendered.push(Value::Object(made));
    }
    Ok(rendered)
}
