//! The verbs that print: plan, validate, schema, explain, install, completions.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use agent_plan::env::Environment;
use agent_plan::manifest::{self, ManifestError, Manifests};
use agent_plan::outcome::{Outcome, exit_code};
use agent_plan::plan::{PlanView, Publication, publication};
use agent_plan::record::Record;
use agent_plan::resource::Kind;
use agent_plan::spec::{self, ProviderDefinition, RunSpec, SpecError, Unknown};
use agent_plan::status::RunStatus;
use anyhow::Context;
use serde_json::Value;

use crate::cli::Format;
use crate::ledger::Ledger;
use crate::load::{self, LoadError, Reach, Request};
use crate::{credential, fake_app_server, install, kit, replay, report, telemetry};

/// Prints what a run would do; touches nothing.
///
/// # Errors
///
/// Returns [`LoadError`] inside, with the outcome that a run would have.
pub fn plan(request: &Request, format: Format) -> anyhow::Result<u8> {
    // The ledger of a dry run is never written.
    let environment = load::environment();
    let plan = match load::plan(request, &environment, &Ledger::new(), Reach::Files) {
        Ok(plan) => plan,
        Err(error) => return Ok(refused(&error)),
    };
    let view = plan.view();
    let text = match format {
        Format::Text => printable(&report::plan(&view)),
        Format::Json => serde_json::to_string_pretty(&view)? + "\n",
    };
    report::print(&text)?;
    Ok(0)
}

fn refused(error: &LoadError) -> u8 {
    let failure = error.failure();
    report::error(&printable(&failure.message));
    exit_code(failure.outcome)
}

/// Returns a text without what a terminal would obey: it may come from an agent or a stranger.
pub(crate) fn printable(text: &str) -> String {
    let harmless = |letter: char| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    text.chars().map(harmless).collect()
}

/// Returns JSON in which those control characters are escaped, too, that JSON lets stand.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}' => text.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => text.push(letter),
        }
    }
    text
}

/// Prints what was read from a file that nobody vouches for.
fn print_foreign(text: &str) -> io::Result<()> {
    report::print(&printable(&telemetry::redactor().text(text)))
}

/// Checks specs, provider definitions and manifests, and says of each what is wrong with it; `-` is stdin.
///
/// # Errors
///
/// Fails only if stdout does.
pub fn validate(files: &[PathBuf]) -> anyhow::Result<u8> {
    let mut worst = 0;
    let mut text = String::new();
    for path in files {
        match check(path) {
            Ok(Checked { errors, warnings }) => {
                for error in &errors {
                    report::error(&printable(&report::sentence(error, error.hint())));
                }
                if errors.is_empty() {
                    text.push_str(&format!("{}: ok\n", path.display()));
                } else {
                    worst = worst.max(exit_code(Outcome::SpecInvalid));
                }
                for warning in warnings {
                    text.push_str(&format!("{}: warning: {warning}\n", path.display()));
                }
            }
            Err(error) => worst = worst.max(refused(&error)),
        }
    }
    print_foreign(&text)?;
    Ok(worst)
}

/// What is to be said of a file that can be read.
#[derive(Debug, Default)]
struct Checked {
    /// Of manifests; what is wrong elsewhere is one error.
    errors: Vec<ManifestError>,
    warnings: Vec<String>,
}

impl From<Vec<Unknown>> for Checked {
    fn from(unknown: Vec<Unknown>) -> Self {
        Self {
            errors: Vec::new(),
            warnings: unknown.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A file is what it says it is: a provider definition has no `provider`, a ConfigMap has `data`, and
/// a manifest has a kind or is YAML.
fn check(path: &Path) -> Result<Checked, LoadError> {
    let bytes = load::read(path)?;
    let origin = path.display().to_string();
    let raw = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
    if raw.get("kind").is_some_and(|kind| kind == "ConfigMap") {
        let inner = raw
            .pointer("/data/agent-runner.json")
            .and_then(Value::as_str)
            .ok_or_else(|| SpecError::NoKey {
                origin: origin.clone(),
                key: "data.agent-runner.json",
            })?;
        return check_spec(
            inner.as_bytes(),
            &format!("{origin}: data.agent-runner.json"),
        );
    }
    if is_manifests(path, &raw, &bytes) {
        let reading = manifest::read(&bytes, &origin);
        let mut warnings: Vec<_> = reading.warnings.iter().map(ToString::to_string).collect();
        if reading.manifests.is_empty() && reading.errors.is_empty() {
            warnings.push("there is no manifest of a kind that is known".to_owned());
        }
        let errors = Manifests::new([reading]).err().unwrap_or_default();
        return Ok(Checked { errors, warnings });
    }
    let is_spec = [
        "provider",
        "inputs",
        "payloads",
        "artifacts",
        "schemaVersion",
    ]
    .iter()
    .any(|key| raw.get(key).is_some());
    if raw.is_object() && !is_spec && (raw.get("binary").is_some() || raw.get("adapter").is_some())
    {
        let definition = spec::parse_definition(&bytes, &origin)?;
        return Ok(definition.unknown.into());
    }
    check_spec(&bytes, &origin)
}

/// Says whether a file is for a cluster: a spec and a definition are JSON, and have no kind.
fn is_manifests(path: &Path, raw: &Value, bytes: &[u8]) -> bool {
    if !raw.is_null() {
        return raw.is_array() || (raw.get("kind").is_some() && raw.get("apiVersion").is_some());
    }
    if path
        .extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml")
    {
        return true;
    }
    let lines = || bytes.split(|byte| *byte == b'\n');
    lines().any(|line| line.starts_with(b"kind:") || line.starts_with(b"apiVersion:"))
}

fn check_spec(bytes: &[u8], origin: &str) -> Result<Checked, LoadError> {
    Ok(spec::parse(bytes, origin)?.unknown.into())
}

/// Tests a provider: prints what was found, and returns 1 if anything is wrong.
///
/// # Errors
///
/// Fails if the file cannot be read or is no provider, and if stdout fails.
pub fn provider_test(path: &Path, format: Format) -> anyhow::Result<u8> {
    let bytes = match load::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(refused(&error)),
    };
    let text =
        String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", path.display()))?;
    let summary = match kit::test(&text, path) {
        Ok(summary) => summary,
        Err(error) => {
            report::error(&printable(&report::sentence(&error, None)));
            return Ok(exit_code(Outcome::SpecInvalid));
        }
    };
    let text = match format {
        Format::Text => summary.text(),
        Format::Json => serde_json::to_string_pretty(&summary)? + "\n",
    };
    print_foreign(&text)?;
    Ok(u8::from(!summary.ok))
}

/// Prints the JSON Schema of one of our formats.
///
/// # Errors
///
/// Fails only if stdout does.
pub fn schema(name: &str) -> anyhow::Result<u8> {
    let mut kinds = Kind::ALL.into_iter();
    let kind = kinds.find(|kind| kind.name().eq_ignore_ascii_case(name));
    if let Some(kind) = kind {
        report::print(&(serde_json::to_string_pretty(&kind.schema())? + "\n"))?;
        return Ok(0);
    }
    let schema = match name {
        "status" => schemars::schema_for!(RunStatus),
        "event" => schemars::schema_for!(Record),
        "plan" => schemars::schema_for!(PlanView),
        "provider" => schemars::schema_for!(ProviderDefinition),
        _ => schemars::schema_for!(RunSpec),
    };
    report::print(&(serde_json::to_string_pretty(&schema)? + "\n"))?;
    Ok(0)
}

/// Explains a status file in words.
///
/// # Errors
///
/// Fails if the file is not a status.
pub fn explain(path: &Path) -> anyhow::Result<u8> {
    let bytes = load::read(path)?;
    let status: RunStatus = serde_json::from_slice(&bytes)
        .with_context(|| format!("`{}` is not a status file", path.display()))?;
    print_foreign(&agent_plan::explain::explain(&status))?;
    Ok(0)
}

/// Prints a journal, or publishes it again; says on stderr how much of it.
///
/// # Errors
///
/// Fails if stdout does, or if there is no working directory.
pub fn replay(request: &replay::Request, environment: &Environment) -> anyhow::Result<u8> {
    let refused = |problem: &str, outcome| {
        report::error(&printable(problem));
        Ok(exit_code(outcome))
    };
    let Publication { nats, wire } = match publication(environment, &std::env::current_dir()?) {
        Ok(publication) => publication,
        Err(error) => return refused(&report::sentence(&error, None), error.outcome()),
    };
    let said = |replayed: replay::Replayed| match replayed.damaged {
        0 => format!("{} events", replayed.events),
        1 => format!("{} events, 1 damaged line", replayed.events),
        damaged => format!("{} events, {damaged} damaged lines", replayed.events),
    };
    let done = match (request.publish, nats) {
        (None, _) => replay::render(request, &wire, |text| match request.format {
            Format::Text => print_foreign(text),
            Format::Json => report::print(&escaped(&telemetry::redactor().text(text))),
        })
        .map(|replayed| (said(replayed), None)),
        (Some(_), None) => {
            let problem = "`NATS_URL` is not set: there is no server to publish to";
            return refused(problem, Outcome::Usage);
        }
        (Some(patience), Some(nats)) => replay::publish(request, nats, wire, patience)
            .map(|(replayed, published)| (said(replayed), Some(published))),
    };
    let (said, published) = match done {
        Ok(done) => done,
        Err(error) => return refused(&report::sentence(&error, None), error.outcome()),
    };
    let Some(published) = published else {
        telemetry::line(&format!("{said}\n"));
        return Ok(0);
    };
    let summary = format!("{said}: {published}");
    if published.is_complete() {
        telemetry::line(&format!("{summary}\n"));
        return Ok(0);
    }
    refused(&summary, Outcome::ProviderUnavailable)
}

/// Copies this executable into a directory, and prints where it is.
///
/// # Errors
///
/// Fails only if stdout does.
pub fn install(directory: &Path) -> anyhow::Result<u8> {
    match install::install(directory) {
        Ok(path) => {
            report::print(&printable(&format!("{}\n", path.display())))?;
            Ok(0)
        }
        Err(error) => {
            report::error(&printable(&report::sentence(&error, error.hint())));
            Ok(exit_code(Outcome::WorkspaceFailed))
        }
    }
}

/// Prints a completion script.
///
/// # Errors
///
/// Fails if the shell is unknown or stdout fails.
pub fn completions(shell: &str) -> anyhow::Result<u8> {
    let shell: clap_complete::Shell = shell
        .parse()
        .map_err(|problem: String| anyhow::anyhow!(problem))?;
    let mut script = Vec::new();
    clap_complete::generate(
        shell,
        &mut crate::cli::command(),
        "agent-runner",
        &mut script,
    );
    report::print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Answers git's credential protocol on stdin and stdout.
///
/// # Errors
///
/// Fails if the access file or the request cannot be read; git then goes on without.
pub fn git_credential(
    access: &Path,
    operation: &str,
    environment: &Environment,
) -> anyhow::Result<u8> {
    let answer = credential::git_credential(access, operation, io::stdin().lock(), environment)?;
    if let Some(answer) = answer {
        report::print(answer.expose())?;
    }
    Ok(0)
}

/// Answers a prompt of git or another tool; exit code 1 says that there is no answer.
///
/// # Errors
///
/// Fails if the access file cannot be read.
pub fn askpass(name: &OsStr, prompt: &str, environment: &Environment) -> anyhow::Result<u8> {
    match credential::askpass(name, prompt, environment)? {
        Some(answer) => {
            report::print(answer.expose())?;
            Ok(0)
        }
        None => Ok(1),
    }
}

/// Serves as the scripted app server until stdin ends.
///
/// # Errors
///
/// Fails if stdin, stdout or the artifact does.
pub fn fake_app_server(environment: &Environment) -> anyhow::Result<u8> {
    let artifact = environment.path(fake_app_server::ARTIFACT);
    fake_app_server::serve(io::stdin().lock(), io::stdout().lock(), artifact.as_deref())?;
    Ok(0)
}
