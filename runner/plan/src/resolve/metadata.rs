//! What is known of the work: the metadata map, and the keys of `run.json` that come of it
//! (contract §1.5).

use serde_json::{Map, Value, json};

use crate::resource::{Implementation, Strings};
use crate::template::trim;

use super::config_map;
use super::field::Field;
use super::notes::Notes;
use super::parameters::is_prompt;
use super::refusal::{Reason, Refusal};
use super::render::render_task;
use super::said;

/// Other names of keys: what is under the first is copied to the second, unless that is there.
const ALIASES: [(&str, &str); 16] = [
    ("repo", "repository"),
    ("issueRepository", "repository"),
    ("issue", "issueNumber"),
    ("issueId", "issueNumber"),
    ("issue_id", "issueNumber"),
    ("issue_number", "issueNumber"),
    ("title", "issueTitle"),
    ("body", "issueBody"),
    ("url", "issueUrl"),
    ("baseBranch", "base"),
    ("base_ref", "base"),
    ("baseRef", "base"),
    ("headBranch", "head"),
    ("head_ref", "head"),
    ("headRef", "head"),
    ("codexStage", "stage"),
];

/// What is known of the work.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    /// The map itself.
    pub(super) map: Strings,
    /// The keys of `run.json` that come of it, in their order.
    pub(super) event: Map<String, Value>,
}

impl Metadata {
    /// Makes it of the task at `field` and the parameters.
    pub(super) fn of(
        task: &Implementation,
        field: &Field<'_>,
        parameters: &Strings,
        notes: &mut Notes,
    ) -> Result<Self, Refusal> {
        let mut map = given(parameters);
        copy(&mut map, ALIASES.into_iter());
        let mut bytes = 0;
        for (from, to) in mappings(task) {
            bytes += copied(&mut map, from, to);
            if bytes > config_map::MOST {
                let message = format!(
                    "what they copy has more than the {} bytes of a ConfigMap",
                    config_map::MOST
                );
                let field = field.at("contract.mappings");
                let refusal = field.refused(Reason::SubmitFailed, message);
                return Err(refusal.hint("remove some"));
            }
        }
        let known = |map: &Strings, key: &str| map.get(key).unwrap_or_default().to_owned();

        let source = task.source.clone().unwrap_or_default();
        let (repository, number) = match said(source.external_id.as_deref()) {
            Some(id) if said(source.provider.as_deref()) == Some("github") => issue(id),
            _ => Default::default(),
        };
        set(&mut map, "repository", &repository);
        set(&mut map, "issueNumber", &number);
        let url = said(source.url.as_deref()).unwrap_or_default();
        set(&mut map, "issueUrl", url);
        let url = known(&map, "issueUrl");
        set(&mut map, "url", &url);

        let roots = roots(&map, parameters);
        let mut written = |name: &str, text: &Option<String>| {
            let text = said(text.as_deref()).unwrap_or_default();
            render_task(text, &roots, &field.key(name), notes)
        };
        let summary = written("summary", &task.summary)?;
        let text = written("text", &task.text)?;
        let numbered = !known(&map, "issueNumber").is_empty();
        let described = |key: &str, otherwise: &str| {
            let own = known(&map, key);
            let text = match (own.is_empty(), numbered) {
                (true, false) => "",
                (true, true) => otherwise,
                (false, _) => &own,
            };
            // A parameter, or a text for the second time: not for its author to be warned of.
            render_task(text, &roots, field, &mut Notes::default())
        };
        let title = described("issueTitle", &summary)?;
        let body = described("issueBody", &text)?;
        let prompt = if text.is_empty() { summary } else { text };
        for (key, text) in [
            ("issueTitle", &title),
            ("issueBody", &body),
            ("prompt", &prompt),
        ] {
            set(&mut map, key, text);
        }

        let event = [
            ("prompt", prompt),
            ("repository", known(&map, "repository")),
            ("issueNumber", known(&map, "issueNumber")),
            ("issueTitle", title),
            ("issueBody", body),
            ("issueUrl", url),
            ("base", known(&map, "base")),
            ("head", known(&map, "head")),
            ("stage", known(&map, "stage")),
        ];
        let said = event.into_iter().filter(|(_, text)| !text.is_empty());
        let mut event: Map<_, _> = said
            .map(|(key, text)| (key.to_owned(), Value::String(text)))
            .collect();
        if !map.is_empty() {
            event.insert("metadata".to_owned(), json!({ "map": map }));
        }
        Ok(Self { map, event })
    }

    /// Returns what is known under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        said(self.map.get(key))
    }
}

/// The parameters that say something, trimmed.
fn given(parameters: &Strings) -> Strings {
    let entries = parameters.iter();
    let entries = entries.filter(|(key, _)| !is_prompt(key));
    entries
        .filter_map(|(key, value)| Some((key, said(Some(value))?)))
        .collect()
}

fn mappings(task: &Implementation) -> impl Iterator<Item = (&str, &str)> {
    let contract = task.contract.iter();
    let mappings = contract.flat_map(|contract| contract.mappings.iter().flatten());
    mappings.filter_map(|it| Some((said(it.from.as_deref())?, said(it.to.as_deref())?)))
}

fn copy<'n>(map: &mut Strings, mappings: impl Iterator<Item = (&'n str, &'n str)>) {
    for (from, to) in mappings {
        copied(map, from, to);
    }
}

/// Copies what is under `from` to where nothing is yet; returns its bytes.
fn copied(map: &mut Strings, from: &str, to: &str) -> usize {
    let value = map.get(from).unwrap_or_default().to_owned();
    set(map, to, &value);
    value.len()
}

/// Puts what says something where nothing is yet.
fn set(map: &mut Strings, key: &str, value: &str) {
    if !value.is_empty() && map.get(key).unwrap_or_default().is_empty() {
        map.insert(key, value);
    }
}

/// Reads `owner/repository#number`.
fn issue(id: &str) -> (String, String) {
    let mut parts = id.split('#');
    match (parts.next(), parts.next()) {
        (Some(repository), Some(number)) if !repository.is_empty() && !number.is_empty() => {
            (trim(repository).to_owned(), trim(number).to_owned())
        }
        _ => Default::default(),
    }
}

/// What templates of a task can name.
fn roots(map: &Strings, parameters: &Strings) -> Value {
    let mut roots = flat(map, parameters);
    roots.insert("inputs".to_owned(), parameters.as_map().clone().into());
    roots.into()
}

/// What templates of a task, and of a branch, can name: everything that is known by its own name,
/// parameters as they are.
pub(super) fn flat(map: &Strings, parameters: &Strings) -> Map<String, Value> {
    let mut flat = map.as_map().clone();
    for (key, value) in parameters.as_map() {
        flat.insert(key.clone(), value.clone());
    }
    for (key, value) in [("metadata", map), ("parameters", parameters)] {
        flat.insert(key.to_owned(), value.as_map().clone().into());
    }
    flat
}
