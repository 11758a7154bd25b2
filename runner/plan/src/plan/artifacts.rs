//! What to collect after the agent's end (contract §6).

use crate::spec::OutputArtifact;

use super::PlanError;
use super::adapter::Exec;
use super::roots::Templates;

pub(super) fn plan(
    exec: &Exec,
    templates: &mut Templates,
) -> Result<Vec<OutputArtifact>, PlanError> {
    let declared = exec.output_artifacts.as_deref().unwrap_or_default();
    let mut rendered = Vec::with_capacity(declared.len());
    for (index, artifact) in declared.iter().enumerate() {
        let mut field = |name: &str, text: &str| {
            templates.artifact(
                &exec.name(&format!("outputArtifacts[{index}].{name}")),
                text,
            )
        };
        let mut optional = |name: &str, text: &Option<String>| {
            text.as_deref().map(|text| field(name, text)).transpose()
        };
        let (path, key, url) = (
            optional("path", &artifact.path)?,
            optional("key", &artifact.key)?,
            optional("url", &artifact.url)?,
        );
        rendered.push(OutputArtifact {
            name: field("name", &artifact.name)?,
            path,
            key,
            url,
        });
    }
    Ok(rendered)
}

/// Says early that a key cannot be honoured; the run itself fails only when it would have succeeded.
pub(super) fn undeliverable(artifacts: &[OutputArtifact]) -> Option<String> {
    let keyed = artifacts.iter().find(|artifact| artifact.has_key())?;
    Some(format!(
        "artifact `{}` has a key, but no object store is configured: a run that succeeds will end ArtifactFailed",
        keyed.name
    ))
}
