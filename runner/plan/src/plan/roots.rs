//! What templates see, and one place that renders them all (design §5).

use serde_json::{Map, Value};

use crate::pattern;
use crate::settings::RunnerSettings;
use crate::template::{Engine, UnknownRoot};

use super::adapter::{Exec, Talk};
use super::{Inputs, PlanError, context, withheld};

/// Parts of the spec that templates see under their own names: the contract's five roots.
const OF_SPEC: [&str; 5] = ["inputs", "payloads", "observability", "artifacts", "goal"];

/// Parts of the payload that templates see under their own names, besides the whole as `run`.
const OF_PAYLOAD: [&str; 6] = [
    "parameters",
    "agentRun",
    "implementation",
    "vcs",
    "memory",
    "metadata",
];

/// What others said. Only where `runner.events.context` asks for it: a stranger's `{{context.x}}` in
/// a prompt stays text everywhere else.
const CONTEXT: &str = "context";

/// The names that templates see, in groups; some templates see `env`, too.
pub const TEMPLATE_ROOTS: [&[&str]; 3] = [&OF_SPEC, &OF_PAYLOAD, &["run", "provider", CONTEXT]];

/// Renders a run's templates, and remembers what rendered to nothing.
pub(super) struct Templates {
    engine: Engine,
    roots: Value,
    with_env: Value,
    thread_config: Value,
    of_artifacts: Value,
    strict: bool,
    warnings: Vec<String>,
}

impl Templates {
    pub(super) fn new(
        inputs: &Inputs<'_>,
        exec: &Exec,
        talk: &Talk,
        settings: &RunnerSettings,
        strict: bool,
    ) -> Self {
        let mut roots = roots(inputs);
        if let Some(said) = context::root(inputs, settings) {
            roots.insert(CONTEXT.to_owned(), said);
        }
        let allowed = settings.env.as_ref().and_then(|env| env.templates.clone());
        let with = |env: Map<String, Value>| {
            let mut roots = roots.clone();
            roots.insert("env".to_owned(), Value::Object(env));
            Value::Object(roots)
        };
        let set_by_provider = || exec.env_template.iter().flat_map(Map::keys).cloned();
        let own = allowed
            .clone()
            .unwrap_or_else(|| set_by_provider().collect());
        let with_env = with(env(inputs, |name| {
            own.iter().any(|allowed| pattern::matches(allowed, name))
        }));
        // What its author set, the controller has put among all the rest (contract §2.3).
        let all = inputs.environment;
        let thread_config = with(env(inputs, |name| match &allowed {
            Some(allowed) => allowed
                .iter()
                .any(|allowed| pattern::matches(allowed, name)),
            None => !withheld::is_ours(all, settings, name, all.get(name)),
        }));
        Self {
            engine: Engine::new(),
            with_env,
            thread_config,
            of_artifacts: of_artifacts(roots.clone(), inputs, talk),
            roots: Value::Object(roots),
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

    /// Renders a template of an artifact.
    pub(super) fn artifact(&mut self, name: &str, template: &str) -> Result<String, PlanError> {
        let rendered = self
            .engine
            .render(template, &self.of_artifacts, UnknownRoot::Empty);
        self.keep(name, rendered)
    }

    /// Renders a leaf of codex's `threadConfig`, which sees the environment as its author knows it.
    pub(super) fn thread_config(
        &mut self,
        name: &str,
        template: &str,
    ) -> Result<String, PlanError> {
        let rendered = self
            .engine
            .render(template, &self.thread_config, UnknownRoot::Empty);
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
    for name in OF_SPEC {
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

/// Of a codex run, artifacts see every key of the payload as a root (contract §2.3).
fn of_artifacts(mut roots: Map<String, Value>, inputs: &Inputs<'_>, talk: &Talk) -> Value {
    let payload = inputs.payload.and_then(Value::as_object);
    if let (Talk::Codex(_), Some(payload)) = (talk, payload) {
        for (key, value) in payload {
            roots.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    Value::Object(roots)
}

/// The root `env`: only names that are allowed.
fn env(inputs: &Inputs<'_>, allowed: impl Fn(&str) -> bool) -> Map<String, Value> {
    inputs
        .environment
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
        .filter(|(name, _)| allowed(name))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}
