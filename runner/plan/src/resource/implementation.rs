//! What is to be done: `ImplementationSpec`, and the same inline in a run (contract §1.5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NameRef;

/// What is to be done. `run.json` has it as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Implementation {
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Origin>,
    /// The `VersionControlProvider`, unless a run names another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcs_ref: Option<NameRef>,
    /// The task, at most 131072 characters. `{{path}}` and `${path}` are rendered by the controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The task in a sentence of at most 256 characters; rendered as `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// More about it, at most 131072 characters; not rendered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What must hold afterwards; at most 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceptance_criteria: Option<Vec<String>>,
    /// Labels of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// What a run's metadata must have for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
}

/// Where a task comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// `github`, `linear`, `manual` or `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What it is called there; `owner/repo#n` of github fills repository and issue number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Where to read it; fills the address of the issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a run's metadata must have for a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    /// Keys that must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_keys: Option<Vec<String>>,
    /// Keys that are filled from others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mappings: Option<Vec<Mapping>>,
}

/// One key filled from another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    /// The key that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The key that is filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}
