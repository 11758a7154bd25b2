//! What is asked for: the setting `workspace.git`, over `execution.coordinates.git` of the spec,
//! over that of the payload (design §4).

use serde_json::Value;

use super::vcs::Told;
use crate::nearest::nearest;
use crate::plan::roots::Templates;
use crate::plan::{Inputs, PlanError};
use crate::settings::{Depth, GitSettings, RunnerSettings, Submodules};
use crate::spec::{Coordinates as Written, Execution};

/// What is asked for, rendered; every text with its place.
#[derive(Debug, Clone, Default)]
pub(in crate::plan) struct Coordinates {
    pub(super) url: Option<Told>,
    pub(super) reference: Option<Told>,
    pub(super) path: Option<Told>,
    pub(super) depth: Option<Depth>,
    pub(super) submodules: Option<Submodules>,
}

/// The keys of `execution.coordinates.git`.
const KEYS: [&str; 5] = ["url", "ref", "path", "depth", "submodules"];

impl Coordinates {
    /// Returns what the run asks to clone; `None` if it asks for nothing.
    ///
    /// Templates of settings are rendered; coordinates are values, which nobody renders again.
    pub(in crate::plan) fn asked(
        inputs: &Inputs<'_>,
        settings: &RunnerSettings,
        templates: &mut Templates,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Self>, PlanError> {
        let written = |execution: Option<&Execution>| {
            let Written { git } = execution?.coordinates.clone()?;
            git
        };
        let of_spec = written(inputs.spec.value.execution.as_ref());
        let of_payload = written(of_payload(inputs.payload, warnings)?.as_ref());
        let of_settings = settings.workspace.as_ref().and_then(|all| all.git.clone());
        if !asks(inputs, of_settings.as_ref()) && of_spec.is_none() && of_payload.is_none() {
            return Ok(None);
        }
        let mut asked = Self::default();
        let own = of_settings.unwrap_or_default();
        let mut render = |key: &str, template: Option<&String>| {
            let place = format!("runner.workspace.git.{key}");
            let text = template.map(|template| templates.plain(&place, template));
            Ok::<_, PlanError>(text.transpose()?.and_then(|text| Told::new(place, &text)))
        };
        asked.url = render("url", own.url.as_ref())?;
        asked.reference = render("ref", own.reference.as_ref())?;
        asked.path = render("path", own.path.as_ref())?;
        (asked.depth, asked.submodules) = (own.depth, own.submodules);
        asked.fill("", of_spec);
        asked.fill("run.json: ", of_payload);
        Ok(Some(asked))
    }

    /// Takes from `under` what is not said yet.
    fn fill(&mut self, place: &str, under: Option<GitSettings>) {
        let under = under.unwrap_or_default();
        let told = |key: &str, text: Option<String>| {
            let place = format!("{place}execution.coordinates.git.{key}");
            Told::new(place, &text?)
        };
        self.url = self.url.take().or_else(|| told("url", under.url));
        self.reference = (self.reference.take()).or_else(|| told("ref", under.reference));
        self.path = self.path.take().or_else(|| told("path", under.path));
        self.depth = self.depth.or(under.depth);
        self.submodules = self.submodules.or(under.submodules);
    }
}

/// Says whether the settings ask for a checkout: a spec by having the object at all; a flag or a
/// variable, which may be there for every run of an image, by naming something.
fn asks(inputs: &Inputs<'_>, settings: Option<&GitSettings>) -> bool {
    let spec = &inputs.spec.value;
    let defined = inputs
        .definition
        .as_ref()
        .and_then(|all| all.adapter.as_ref());
    let adapter = spec.adapter.as_ref().or(defined);
    let written = [
        spec.runner.as_ref(),
        adapter.and_then(|adapter| adapter.runner.as_ref()),
    ];
    let is_written = written
        .into_iter()
        .flatten()
        .filter_map(|settings| settings.workspace.as_ref())
        .any(|workspace| workspace.git.is_some());
    let names = |git: &GitSettings| {
        [&git.url, &git.reference, &git.path]
            .into_iter()
            .flatten()
            .any(|text| !text.trim().is_empty())
    };
    is_written || settings.is_some_and(names)
}

fn of_payload(
    payload: Option<&Value>,
    warnings: &mut Vec<String>,
) -> Result<Option<Execution>, PlanError> {
    let Some(execution) = payload.and_then(|payload| payload.get("execution")) else {
        return Ok(None);
    };
    let git = execution.pointer("/coordinates/git");
    for key in git
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|git| git.keys())
    {
        if !KEYS.contains(&key.as_str()) {
            let meant = nearest(key, KEYS)
                .map(|meant| format!(": did you mean `{meant}`?"))
                .unwrap_or_default();
            warnings.push(format!(
                "run.json: unknown field `execution.coordinates.git.{key}`{meant}"
            ));
        }
    }
    serde_path_to_error::deserialize(execution).map_err(|error| PlanError::WrongType {
        place: match error.path().to_string().as_str() {
            "." => "run.json: execution".to_owned(),
            path => format!("run.json: execution.{path}"),
        },
        problem: error.into_inner().to_string(),
    })
}
