//! Collecting what the run declared (contract §6).

use agent_plan::spec::OutputArtifact;

/// Says why declared artifacts were not delivered, if any were to be.
///
/// An entry without a key is only a name for a file and stays as it is. One with a key is to be
/// uploaded; without a store that is an error, as the contract has it (§6.2).
pub fn undelivered(artifacts: &[OutputArtifact]) -> Option<String> {
    let keyed = artifacts.iter().find(|artifact| artifact.has_key())?;
    Some(format!(
        "artifact `{}` has a key, but no object store is configured",
        keyed.name
    ))
}
