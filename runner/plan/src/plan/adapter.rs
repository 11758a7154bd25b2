//! Which adapter a run has, and its fields as one value (contract §1.3).

use std::path::PathBuf;

use crate::env::{self, Environment};
use crate::nearest::nearest;
use crate::spec::{
    Adapter, ClaudeSpec, CodexSpec, ExecSpec, InputFile, OutputArtifact, ProviderDefinition,
    RunSpec, Texts,
};

use super::PlanError;

/// The adapter types that specs name.
const KINDS: [&str; 3] = [EXEC, CODEX, CLAUDE];
const EXEC: &str = "exec";
const CODEX: &str = "codex-app-server";
const CLAUDE: &str = "claude";

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

impl Talk {
    /// The adapter's type, as the status names it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Exec => EXEC,
            Self::Codex(_) => CODEX,
            Self::Claude(_) => CLAUDE,
        }
    }
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

/// How the agent is talked to, as far as the adapter's type says it.
#[derive(Debug, Clone)]
pub(super) enum Talk {
    /// As the setting `protocol` says.
    Exec,
    /// `codex app-server`.
    Codex(Box<CodexSpec>),
    /// `claude`, whose whole command line we write.
    Claude(Box<ClaudeSpec>),
}

/// Resolves by the contract's order: explicit type, then the provider's name, then the image.
pub(super) fn resolve(
    spec: &RunSpec,
    definition: Option<ProviderDefinition>,
    environment: &Environment,
) -> Result<(Exec, Talk), PlanError> {
    let explicit = spec.adapter.clone();
    let kind = explicit.as_ref().and_then(|adapter| adapter.kind.clone());
    let by_name =
        matches!(spec.provider.as_str(), "codex" | "codex-runner") && definition.is_none();
    match (kind.as_deref(), definition) {
        (Some(kind), _) if KINDS.contains(&kind) => {
            of_kind(kind, spec, explicit.unwrap_or_default(), environment)
        }
        _ if by_name => of_kind(CODEX, spec, explicit.unwrap_or_default(), environment),
        (Some(kind), _) => Err(unknown(kind)),
        (None, Some(definition)) => {
            let adapter = definition.into_adapter();
            let kind = adapter.kind.clone();
            of_kind(kind.as_deref().unwrap_or(EXEC), spec, adapter, environment)
        }
        (None, None) => match explicit {
            Some(adapter) if adapter.has_body() => Err(PlanError::NoAdapterType),
            _ => Err(PlanError::NoAdapter {
                provider: spec.provider.clone(),
            }),
        },
    }
}

fn of_kind(
    kind: &str,
    spec: &RunSpec,
    adapter: Adapter,
    environment: &Environment,
) -> Result<(Exec, Talk), PlanError> {
    match kind {
        EXEC => Ok((exec(spec, adapter)?, Talk::Exec)),
        CODEX => {
            let codex = adapter.codex.unwrap_or_default();
            let binary = codex_binary(&codex, environment);
            Ok((of_artifacts(spec, binary), Talk::Codex(codex)))
        }
        CLAUDE => {
            let claude = adapter.claude.unwrap_or_default();
            let named = claude.binary_path.clone();
            let binary = named.unwrap_or_else(|| PathBuf::from("claude"));
            let mut exec = of_artifacts(spec, binary);
            exec.env_template.clone_from(&claude.env);
            Ok((exec, Talk::Claude(claude)))
        }
        other => Err(unknown(other)),
    }
}

fn unknown(kind: &str) -> PlanError {
    PlanError::UnknownAdapter {
        kind: kind.to_owned(),
        nearest: nearest(kind, KINDS),
    }
}

/// The contract's order (§1.2).
fn codex_binary(codex: &CodexSpec, environment: &Environment) -> PathBuf {
    let named = codex.binary_path.clone();
    let named = named.filter(|path| !path.as_os_str().is_empty());
    named
        .or_else(|| environment.path(env::AGENTS_CODEX_BINARY))
        .or_else(|| environment.path(env::CODEX_BINARY))
        .unwrap_or_else(|| PathBuf::from("/usr/local/bin/codex"))
}

/// Of an adapter that is no command only files and artifacts count in `providerSpec`.
fn of_artifacts(spec: &RunSpec, binary: PathBuf) -> Exec {
    let base = spec.provider_spec.clone().unwrap_or_default();
    Exec {
        binary,
        args_template: None,
        env_template: None,
        input_files: base.input_files,
        output_artifacts: base.output_artifacts,
        own: ExecSpec::default(),
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
