//! What can be said of a provider without a run: only what breaks one.

mod agent;
mod fields;
mod secrets;
mod shape;
mod templates;
mod words;

use super::finding::Finding;
use super::manifest::Manifest;

/// One check.
pub(super) struct Check {
    /// Its name in the report.
    pub(super) name: &'static str,
    /// What holds if it finds nothing.
    pub(super) promise: &'static str,
    /// Returns what it finds.
    pub(super) find: fn(&Manifest) -> Vec<Finding>,
}

macro_rules! checks {
    ($($name:literal $promise:literal $find:path;)*) => {
        /// Every check.
        pub(super) const CHECKS: &[Check] = &[$(Check { name: $name, promise: $promise, find: $find }),*];
    };
}

checks! {
    "kind" "it is an AgentProvider of a version that the controller knows" shape::kind;
    "binary" "the container's command is the runner" shape::binary;
    "adapter" "the adapter is one that the controller passes on" shape::adapter;
    "arguments" "the container's arguments name no spec" shape::arguments;
    "unknown-field" "every field is known" fields::unknown;
    "dropped" "nothing is written where the controller drops it" fields::dropped;
    "protocol" "the output is read as the agent writes it" agent::protocol;
    "permissions" "the agent asks nobody for permission" agent::permissions;
    "template-root" "every template is rendered by somebody who knows its names" templates::roots;
    "unrendered-file" "no template is mounted as it is" templates::unrendered;
    "prompt-in-arguments" "nobody's words become arguments" templates::prompt_in_arguments;
    "prompt-in-script" "nobody's words become commands" templates::prompt_in_script;
    "secret-in-clear" "no secret is in the file" secrets::in_clear;
    "secret-not-read" "every secret is where the controller reads it" secrets::not_read;
    "unquoted-word" "every word is one to Kubernetes too" words::unquoted;
}

#[cfg(test)]
mod tests;
