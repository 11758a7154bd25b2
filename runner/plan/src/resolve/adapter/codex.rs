//! The adapter for codex, which the controller makes anew (contract §1.4).

use serde_json::{Map, Value, json};

use crate::template::{json_text, pretty_json};

use super::super::field::Field;
use super::super::notes::Notes;
use super::super::refusal::Refusal;
use super::super::render::render;
use super::super::said;
use super::super::system_prompt::SystemPrompt;
use super::CODEX;

/// Where a system prompt is that is not in the Agent itself.
pub(in crate::resolve) const SYSTEM_PROMPT: &str = "/workspace/.codex/system-prompt.txt";

/// What becomes of a field.
enum Form {
    /// A template; what it is by default.
    Text(Option<&'static str>),
    /// Templates.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A number, also where it is text.
    Number,
    /// An object, not rendered here.
    Object,
    /// The configuration of a thread, which the runner renders.
    Thread,
    /// The prompt.
    Prompt,
}

/// The fields that there are, in their order; all others are dropped.
const FIELDS: [(&str, Form); 16] = [
    ("binaryPath", Form::Text(None)),
    ("cliConfigOverrides", Form::Texts),
    ("cwd", Form::Text(None)),
    ("model", Form::Text(Some("gpt-5.6-sol"))),
    ("effort", Form::Text(Some("high"))),
    ("sandbox", Form::Text(Some("danger-full-access"))),
    ("approval", Form::Text(Some("never"))),
    ("threadId", Form::Text(None)),
    ("threadConfig", Form::Thread),
    ("experimentalRawEvents", Form::Flag),
    ("persistExtendedHistory", Form::Flag),
    ("bootstrapTimeoutMs", Form::Number),
    ("baseInstructions", Form::Text(None)),
    ("developerInstructions", Form::Text(None)),
    ("prompt", Form::Prompt),
    ("goal", Form::Object),
];

/// Makes the adapter of what was written at `field`, if anything; `payload` is `run.json`.
pub(super) fn adapter(
    written: Option<&Map<String, Value>>,
    field: &Field<'_>,
    payload: &Value,
    system_prompt: &SystemPrompt,
    notes: &mut Notes,
) -> Result<Value, Refusal> {
    for key in ["runner", "exec"] {
        if written.is_some_and(|adapter| adapter.contains_key(key)) {
            notes.warn(&field.key(key), "the controller drops it from this type");
        }
    }
    let written = written.and_then(|adapter| adapter.get("codex"));
    let written = written.and_then(Value::as_object);
    let field = field.key("codex");
    let roots = roots(payload);
    let mut codex = Map::new();
    for (name, form) in &FIELDS {
        let value = written.and_then(|codex| codex.get(*name));
        let field = field.key(name);
        if let Some(value) = made(form, value, payload, &roots, &field, notes)? {
            codex.insert((*name).to_owned(), value);
        }
    }
    if system_prompt.reference.is_some() {
        codex.insert("systemPromptPath".to_owned(), SYSTEM_PROMPT.into());
    }
    let hash = system_prompt.hash.as_str();
    codex.insert("systemPromptExpectedHash".to_owned(), hash.into());
    Ok(json!({ "type": CODEX, "codex": codex }))
}

fn made(
    form: &Form,
    value: Option<&Value>,
    payload: &Value,
    roots: &Value,
    field: &Field<'_>,
    notes: &mut Notes,
) -> Result<Option<Value>, Refusal> {
    let text = said(value.and_then(Value::as_str));
    Ok(match form {
        Form::Text(default) => match text {
            Some(text) => Some(render(text, roots, field, notes)?.into()),
            None => default.map(Value::from),
        },
        Form::Texts => match value.and_then(Value::as_array) {
            Some(items) => Some(texts(items, roots, field, notes)?),
            None => None,
        },
        Form::Flag => value.filter(|value| value.is_boolean()).cloned(),
        Form::Number => match value {
            Some(Value::Number(number)) => Some(number.clone().into()),
            Some(Value::String(text)) => text.trim().parse().ok().map(Value::Number),
            _ => None,
        },
        Form::Object => value.filter(|value| value.is_object()).cloned(),
        Form::Thread => Some(match value {
            Some(value @ (Value::Object(_) | Value::Null)) => value.clone(),
            _ => json!({ "mcp_servers": {}, "web_search": "live" }),
        }),
        Form::Prompt => Some(prompt(text, payload, roots, field, notes)?.into()),
    })
}

fn texts(
    items: &[Value],
    roots: &Value,
    field: &Field<'_>,
    notes: &mut Notes,
) -> Result<Value, Refusal> {
    let mut texts = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let text = match item {
            Value::String(text) => text.clone(),
            other => json_text(other),
        };
        texts.push(render(&text, roots, &field.item(index), notes)?);
    }
    Ok(texts.into())
}

/// The first of these that says something: the provider's own, the run's, the task's, the whole run.
fn prompt(
    own: Option<&str>,
    payload: &Value,
    roots: &Value,
    field: &Field<'_>,
    notes: &mut Notes,
) -> Result<String, Refusal> {
    let own = match own {
        Some(own) => render(own, roots, field, notes)?,
        None => String::new(),
    };
    let others = [
        "/prompt",
        "/implementation/text",
        "/implementation/summary",
        "/issueBody",
    ];
    let others = others
        .iter()
        .filter_map(|path| payload.pointer(path)?.as_str());
    let mut all = [own.as_str()].into_iter().chain(others);
    let found = all.find_map(|text| said(Some(text)).map(str::to_owned));
    Ok(found.unwrap_or_else(|| pretty_json(payload)))
}

/// What its templates can name: all of `run.json`, and the parameters.
fn roots(payload: &Value) -> Value {
    let mut roots = payload.clone();
    roots["run"] = payload.clone();
    roots["inputs"] = payload["parameters"].clone();
    roots
}
