//! Which adapter a run has, and its fields as one value (contract §1.3).

use std::path::PathBuf;

use crate::nearest::nearest;
use crate::spec::{
    Adapter, ExecSpec, InputFile, OutputArtifact, ProviderDefinition, RunSpec, Texts,
};

use super::PlanError;

/// The adapter types that specs name.
const KINDS: [&str; 2] = ["exec", "codex-app-server"];

/// An exec adapter, its fields merged over those of `providerSpec`.
#[derive(Debug, Clone)]
pub(super) struct Exec {
    pub(super) binary: PathBuf,
    pub(super) args_template: Option<Vec<String>>,
    pub(super) env_template: Option<Texts>,
    pub(super) input_files: Option<Vec<InputFile>>,
    pub(super) output_artifacts: Option<Vec<OutputArtifact>>,
    /// Fields that come from `adapter.exec`, for messages.
    own: ExecSpec,
}

impl Exec {
    /// Returns the name under which a message speaks of a template: `adapter.exec.argsTemplate[1]`.
    pub(super) fn name(&self, field: &str) -> String {
        let own = match field.split(['[', '.']).next() {
            Some("binary") => self.own.binary.is_some(),
            Some("argsTemplate") => self.own.args_template.is_some(),
            Some("envTemplate") => self.own.env_template.is_some(),
            Some("inputFiles") => self.own.input_files.is_some(),
            _ => self.own.output_artifacts.is_some(),
        };
        format!(
            "{}.{field}",
            if own { "adapter.exec" } else { "providerSpec" }
        )
    }
}

/// Resolves by the contract's order: explicit type, then the provider's name, then the image.
pub(super) fn resolve(
    spec: &RunSpec,
    definition: Option<ProviderDefinition>,
) -> Result<Exec, PlanError> {
    let explicit = spec.adapter.clone();
    let kind = explicit.as_ref().and_then(|adapter| adapter.kind.clone());
    match kind.as_deref() {
        Some("exec") => exec(spec, explicit.unwrap_or_default()),
        Some("codex-app-server") => Err(codex()),
        _ if matches!(spec.provider.as_str(), "codex" | "codex-runner") && definition.is_none() => {
            Err(codex())
        }
        Some(kind) => Err(PlanError::UnknownAdapter {
            kind: kind.to_owned(),
            nearest: nearest(kind, KINDS),
        }),
        None => match definition {
            Some(definition) => of_definition(spec, definition),
            None if explicit
                .is_some_and(|adapter| adapter.exec.is_some() || adapter.codex.is_some()) =>
            {
                Err(PlanError::NoAdapterType)
            }
            None => Err(PlanError::NoAdapter {
                provider: spec.provider.clone(),
            }),
        },
    }
}

fn of_definition(spec: &RunSpec, definition: ProviderDefinition) -> Result<Exec, PlanError> {
    let adapter = definition.into_adapter();
    match adapter.kind.as_deref() {
        Some("codex-app-server") => Err(codex()),
        Some("exec") | None => exec(spec, adapter),
        Some(kind) => Err(PlanError::UnknownAdapter {
            kind: kind.to_owned(),
            nearest: nearest(kind, KINDS),
        }),
    }
}

fn codex() -> PlanError {
    PlanError::NotBuilt {
        what: "adapter codex-app-server".to_owned(),
    }
}

/// Whole fields replace, arrays are not joined (contract §1.3).
fn exec(spec: &RunSpec, adapter: Adapter) -> Result<Exec, PlanError> {
    let own = adapter.exec.unwrap_or_default();
    let base = spec.provider_spec.clone().unwrap_or_default();
    let over = own.clone();
    let binary = over
        .binary
        .or(base.binary)
        .filter(|binary| !binary.as_os_str().is_empty());
    Ok(Exec {
        binary: binary.ok_or(PlanError::NoBinary)?,
        args_template: over.args_template.or(base.args_template),
        env_template: over.env_template.or(base.env_template),
        input_files: over.input_files.or(base.input_files),
        output_artifacts: over.output_artifacts.or(base.output_artifacts),
        own,
    })
}
