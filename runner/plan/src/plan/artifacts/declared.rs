//! What the provider declared, rendered (contract §6.1).

use crate::plan::PlanError;
use crate::plan::adapter::Exec;
use crate::plan::roots::Templates;
use crate::spec::OutputArtifact;

pub(super) fn render(
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
