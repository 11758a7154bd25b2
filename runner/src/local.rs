//! `local`: a whole `AgentRun` without a cluster.
//!
//! # Theory of operation
//!
//! What a user would apply (`sources`) becomes what a controller would make of it
//! ([`agent_plan::resolve`]), and that is printed (`print`, `yaml`), or carried out (`stage`, of what
//! `material` has). For the latter the Job's pod is had here (`pod`): its variables in their order,
//! with what they take from Secrets (`secrets`), its mounts as files (`mounts`), and the way in which
//! it starts the runner (`launch`). A pod has paths of its own, such as `/workspace`; here they are
//! below one directory (`scratch`), which says whose it is (`marker`), and wherever somebody names
//! them they are moved there (`remap`). From then on it is a run as any other, by the same function,
//! with the pod's variables as its environment and a few of ours. At its end there is a page about it
//! (`summary`).
//!
//! `rehearsal` puts another agent in the place of the provider's.
//!
//! Deliberately absent: images, and whatever else a cluster does for a pod: limits of memory, service
//! accounts, volumes that outlive it.

mod ambient;
mod arguments;
mod changes;
mod expansion;
mod launch;
mod marker;
mod material;
mod mounts;
mod page;
mod pod;
mod print;
mod problem;
mod rehearsal;
mod remap;
mod scratch;
mod secrets;
mod sources;
mod stage;
mod summary;
mod yaml;

pub use arguments::Asked;
pub(crate) use arguments::{asked, command};

use std::time::Instant;

use agent_plan::env::Environment;
use agent_plan::manifest::{Found, Manifests};
use agent_plan::nearest;
use agent_plan::outcome::exit_code;
use agent_plan::resolve::{Controller, Resolved, resolve};
use agent_plan::resource::AgentRun;
use serde_json::Value;

use crate::load::Request;
use crate::{report, shutdown, telemetry, verbs};

use arguments::Printed;
use material::Material;
use page::Page;
use problem::Problem;
use secrets::{Early, Secrets};
use stage::Stage;

/// Prints what a controller makes of a run, or carries the run out by `carry_out`; returns the code
/// to exit with.
pub fn local(
    asked: &Asked,
    environment: &Environment,
    carry_out: impl FnOnce(Request, Environment) -> u8,
) -> u8 {
    match answer(asked, environment, carry_out) {
        Ok(code) => code,
        Err(problem) => {
            for line in problem.lines() {
                report::error(&verbs::printable(&line));
            }
            exit_code(problem.outcome())
        }
    }
}

fn answer(
    asked: &Asked,
    environment: &Environment,
    carry_out: impl FnOnce(Request, Environment) -> u8,
) -> Result<u8, Problem> {
    let readings = sources::read_all(&asked.sources)?;
    // Also where something is wrong: what is odd may be the cause.
    let odd = readings.iter().flat_map(|reading| &reading.warnings);
    odd.for_each(warn);
    let manifests = Manifests::new(readings).map_err(Problem::Manifests)?;
    let run = chosen(&manifests, asked.name.as_deref())?;
    let controller = Controller::told(environment)?;
    let namespace = run.manifest.namespace();
    let given = Secrets::given(&manifests, namespace, asked.given()?, environment)?;
    let values = Early {
        given: &given,
        environment,
    };
    let resolved = resolve(&manifests, run, &controller, &asked.parameters, &values)?;
    complain(&resolved);
    let material = Material {
        asked,
        manifests: &manifests,
        namespace,
        resolved: &resolved,
        given: &given,
        ours: environment,
    };
    let documents = match asked.print {
        None => return Ok(run_here(Stage::of(&material)?, carry_out)),
        Some(Printed::Plan) => {
            let plan = planned(&Stage::of(&material)?)?;
            // Printing may wait for a reader, and is nothing that has to be ended in order.
            drop(shutdown::release());
            vec![plan]
        }
        Some(Printed::ConfigMap) => resolved.config_maps,
        Some(Printed::Job) => vec![resolved.job],
        Some(Printed::Spec) => vec![resolved.spec],
        Some(Printed::Run) => vec![resolved.run],
        Some(Printed::All) => {
            let maps = resolved.config_maps.into_iter();
            maps.chain([resolved.job]).collect()
        }
    };
    let text = print::documents(&documents, asked.notation);
    report::print(&text).map_err(Problem::Print)?;
    Ok(0)
}

/// Carries out a run that is prepared, and tells of it.
fn run_here(stage: Stage, carry_out: impl FnOnce(Request, Environment) -> u8) -> u8 {
    let Stage {
        scratch,
        request,
        environment,
        status,
    } = stage;
    let began = Instant::now();
    let page = Page::for_stderr(&environment);
    let code = carry_out(request, environment);
    let page = summary::page(&status, &scratch, began.elapsed(), page);
    telemetry::line(&page);
    code
}

/// What the runner would do, with the paths of the pod: the directory does not stay.
fn planned(stage: &Stage) -> Result<Value, Problem> {
    let view = stage.plan()?.view();
    let mut value = serde_json::to_value(&view).unwrap_or_default();
    let root = stage.scratch.root().display().to_string();
    as_in_pod(&mut value, &root);
    Ok(value)
}

fn as_in_pod(value: &mut Value, root: &str) {
    match value {
        Value::String(text) => *text = text.replace(root, ""),
        Value::Array(items) => items.iter_mut().for_each(|item| as_in_pod(item, root)),
        Value::Object(fields) => {
            for (key, mut value) in std::mem::take(fields) {
                as_in_pod(&mut value, root);
                fields.insert(key.replace(root, ""), value);
            }
        }
        _ => {}
    }
}

/// Finds the run that is meant.
fn chosen<'m>(
    manifests: &'m Manifests,
    name: Option<&str>,
) -> Result<Found<'m, AgentRun>, Problem> {
    let runs: Vec<_> = manifests.of::<AgentRun>().collect();
    let whole =
        |run: &Found<'_, AgentRun>| format!("{}/{}", run.manifest.namespace(), run.manifest.name());
    let is_meant = |run: &&Found<'_, AgentRun>| {
        name.is_none_or(|name| run.manifest.name() == name || whole(run) == name)
    };
    let meant: Vec<_> = runs.iter().filter(is_meant).collect();
    match (meant.as_slice(), name) {
        ([run], _) => Ok(**run),
        ([], Some(name)) => Err(Problem::NoSuchRun {
            name: name.to_owned(),
            nearest: nearest(name, runs.iter().map(|run| run.manifest.name())),
        }),
        ([], None) => Err(Problem::NoRun),
        (several, _) => {
            let names = several.iter().map(|run| whole(run));
            Err(Problem::Several(names.collect()))
        }
    }
}

/// Says what a controller would say, and what its author perhaps did not mean.
fn complain(resolved: &Resolved) {
    for refusal in &resolved.objections {
        let hint = refusal.hint.clone();
        let sentence = report::sentence(refusal, hint);
        warn(&format!("a controller refuses the run: {sentence}"));
    }
    resolved.conditions.iter().for_each(warn);
    resolved.warnings.iter().for_each(warn);
}

fn warn(what: &impl std::fmt::Display) {
    let line = verbs::printable(&what.to_string());
    telemetry::line(&format!("warning: {line}\n"));
}
