//! What templates see, and one place that renders them all (design §5).

use serde_json::{Map, Value};

use crate::pattern;
use crate::settings::RunnerSettings;
use crate::template::{Engine, UnknownRoot};

use super::adapter::Exec;
use super::{Inputs, PlanError};

/// Parts of the payload that templates see under their own names, besides the whole as `run`.
const OF_PAYLOAD: [&str; 6] = [
    "parameters",
    "agentRun",
    "implementation",
    "vcs",
    "memory",
    "metadata",
];

/// Renders a run's templates, and remembers what rendered to nothing.
pub(super) struct Templates {
    engine: Engine,
    roots: Value,
    with_env: Value,
    strict: bool,
    warnings: Vec<String>,
}

impl Templates {
    pub(super) fn new(
        inputs: &Inputs<'_>,
        exec: &Exec,
        settings: &RunnerSettings,
        strict: bool,
    ) -> Self {
        let roots = roots(inputs);
        let mut with_env = roots.clone();
        with_env.insert("env".to_owned(), Value::Object(env(inputs, exec, settings)));
        Self {
            engine: Engine::new(),
            roots: Value::Object(roots),
            with_env: Value::Object(with_env),
            strict,
            warnings: Vec::new(),
        }
    }

    /// Renders a template of arguments, files or artifacts.
    pub(super) fn plain(&mut self, name: &str, template: &str) -> Result<String, PlanError> {
        let rendered = self
            .engine
            .render(template, &self.roots, UnknownRoot::Empty);
        self.keep(name, rendered)
    }

    /// Renders a template of the environment, the only one that sees the root `env`.
    pub(super) fn environment(&mut self, name: &str, template: &str) -> Result<String, PlanError> {
        let rendered = self
            .engine
            .render(template, &self.with_env, UnknownRoot::Empty);
        self.keep(name, rendered)
    }

    /// Renders a prompt: no `env`, and a tag with an unknown root stays as it is, because a
    /// prompt may hold text that somebody wrote into an issue.
    pub(super) fn prompt(&mut self, name: &str, template: &str) -> Result<String, PlanError> {
        let rendered = self
            .engine
            .render(template, &self.roots, UnknownRoot::Verbatim);
        self.keep(name, rendered)
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    fn keep(
        &mut self,
        name: &str,
        rendered: Result<crate::template::Rendered, crate::template::TemplateError>,
    ) -> Result<String, PlanError> {
        let rendered = rendered.map_err(|source| PlanError::Template {
            template: name.to_owned(),
            source,
        })?;
        for tag in rendered.empty {
            if self.strict {
                return Err(PlanError::EmptyTag {
                    template: name.to_owned(),
                    path: tag.path,
                    nearest: tag.nearest,
                });
            }
            let meant = tag.nearest.map_or(String::new(), |nearest| {
                format!(": did you mean `{nearest}`?")
            });
            self.warnings.push(format!(
                "`{name}`: `{{{{{}}}}}` rendered to nothing{meant}",
                tag.path
            ));
        }
        Ok(rendered.text)
    }
}

/// The contract's five roots, then ours; a root of the contract always wins.
fn roots(inputs: &Inputs<'_>) -> Map<String, Value> {
    let raw = &inputs.spec.raw;
    let mut roots = Map::new();
    for name in ["inputs", "payloads", "observability", "artifacts", "goal"] {
        let value = raw.get(name).filter(|value| !value.is_null()).cloned();
        roots.insert(
            name.to_owned(),
            value.unwrap_or_else(|| Value::Object(Map::new())),
        );
    }
    let payload = inputs
        .payload
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()));
    for name in OF_PAYLOAD {
        let value = payload.get(name).filter(|value| !value.is_null()).cloned();
        roots.insert(
            name.to_owned(),
            value.unwrap_or_else(|| Value::Object(Map::new())),
        );
    }
    if payload.get("parameters").is_none() {
        let inputs = roots["inputs"].clone();
        roots.insert("parameters".to_owned(), inputs);
    }
    roots.insert("run".to_owned(), payload);
    roots.insert(
        "provider".to_owned(),
        inputs.spec.value.provider.clone().into(),
    );
    roots
}

/// The root `env`: only names on the allow-list, by default those that the provider itself sets.
fn env(inputs: &Inputs<'_>, exec: &Exec, settings: &RunnerSettings) -> Map<String, Value> {
    let allowed: Vec<String> = match settings.env.as_ref().and_then(|env| env.templates.clone()) {
        Some(names) => names,
        None => exec
            .env_template
            .iter()
            .flat_map(Map::keys)
            .cloned()
            .collect(),
    };
    inputs
        .environment
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
        .filter(|(name, _)| {
            allowed
                .iter()
                .any(|allowed| pattern::matches(allowed, name))
        })
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}
