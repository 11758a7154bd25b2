//! Plays the scenarios, a few at a time, those that others build on first.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use super::controller::{Pod, PodError, secret_of};
use super::finding::Finding;
use super::manifest::Manifest;
use super::played::{Played, named, play};
use super::scenarios::{self, Case, Mode, Scenario};
use super::summary::{Judgement, Verdict};
use super::world::{self, OURS, World};
use crate::scripted::{Act, Script};

/// Runs at a time: each is two small processes that mostly wait.
const AT_ONCE: usize = 4;

/// How the reason of a scenario begins that was skipped because of another.
const BUILDS_ON: &str = "it builds on";

/// Plays every scenario; the results are in the order of the scenarios.
pub(super) fn play_all(manifest: &Manifest) -> Vec<Judgement> {
    let scenarios = scenarios::all();
    let mut results: Vec<Option<Judgement>> = scenarios.iter().map(|_| None).collect();
    loop {
        let mut ready = Vec::new();
        for (index, scenario) in scenarios.iter().enumerate() {
            if results[index].is_some() {
                continue;
            }
            match before(scenario, &scenarios, &results) {
                Before::Passed => ready.push(index),
                Before::Missing(why) => results[index] = Some(skipped(scenario, &why)),
                Before::Open => {}
            }
        }
        if ready.is_empty() {
            break;
        }
        for (index, result) in round(manifest, &scenarios, &ready) {
            results[index] = Some(result);
        }
    }
    results.into_iter().flatten().collect()
}

/// What has become of the scenario that one builds on.
enum Before {
    Passed,
    Missing(String),
    Open,
}

fn before(scenario: &Scenario, all: &[Scenario], results: &[Option<Judgement>]) -> Before {
    let Some(name) = scenario.after else {
        return Before::Passed;
    };
    let index = all.iter().position(|other| other.name == name);
    match index.and_then(|index| results[index].as_ref()) {
        None => Before::Open,
        Some(result) if result.verdict == Verdict::Fail => {
            Before::Missing(format!("{BUILDS_ON} `{name}`"))
        }
        // What was skipped because of another says as little as that one.
        Some(result)
            if result
                .why
                .as_deref()
                .is_some_and(|why| why.starts_with(BUILDS_ON)) =>
        {
            Before::Missing(result.why.clone().unwrap_or_default())
        }
        Some(_) => Before::Passed,
    }
}

fn skipped(scenario: &Scenario, why: &str) -> Judgement {
    Judgement::skipped(scenario.name, scenario.promise, why)
}

/// Plays some scenarios at once.
fn round(manifest: &Manifest, all: &[Scenario], ready: &[usize]) -> Vec<(usize, Judgement)> {
    let waiting = Mutex::new(ready.iter().copied());
    let done = Mutex::new(Vec::new());
    let worker = || {
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next();
            let Some(index) = next else {
                return;
            };
            let began = Instant::now();
            let mut result = one(manifest, &all[index]);
            result.seconds = began.elapsed().as_secs_f64();
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(ready.len()) {
            scope.spawn(worker);
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn one(manifest: &Manifest, scenario: &Scenario) -> Judgement {
    if let Some(why) = (scenario.skip)(manifest) {
        return skipped(scenario, why);
    }
    let mut sample = (scenario.sample)();
    // Where one is known, these providers check it out, or have no runs without one.
    let of_issue = manifest.at("adapter.codex.cwd").is_some() && sample.issue;
    sample.repository |= of_issue || manifest.demands_checkout();
    let findings = match perform(manifest, scenario, &sample) {
        Ok(played) => {
            let case = Case {
                manifest,
                sample: &sample,
                played: &played,
            };
            (scenario.judge)(&case)
        }
        Err(Unplayed::Pod(error)) => vec![error.finding()],
        Err(Unplayed::Place(error)) => {
            let seen = format!("none: {error}");
            vec![Finding::new(
                "a run",
                seen,
                "make `TMPDIR` writable, and leave this executable in its place meanwhile",
            )]
        }
    };
    Judgement::judged(scenario.name, scenario.promise, findings)
}

/// Why a scenario could not be played.
#[derive(Debug, thiserror::Error)]
enum Unplayed {
    /// The controller starts no pod.
    #[error(transparent)]
    Pod(#[from] PodError),
    /// This machine has no place for it.
    #[error(transparent)]
    Place(#[from] io::Error),
}

fn perform(
    manifest: &Manifest,
    scenario: &Scenario,
    sample: &super::sample::Sample,
) -> Result<Played, Unplayed> {
    let names = manifest.secrets().into_iter();
    let mut script = Script {
        protocol: manifest.protocol(),
        act: scenario.act,
        records: true,
        leaks: names
            .chain(OURS.map(str::to_owned))
            .map(|name| secret_of(&name))
            .collect(),
        files: Vec::new(),
    };
    let pod = Pod::of(manifest, sample)?;
    let world = World::new(manifest, pod, &script)
        .map_err(|error| named(Path::new("the private place"), &error))?;
    if scenario.act == Act::WriteFiles {
        script.files = world.paths(world::paths_declared(manifest));
        world.set_script(&script)?;
    }
    let spec = world.spec().display().to_string();
    let mut args = vec![spec];
    if scenario.mode == Mode::Plan {
        args.splice(0..0, ["plan", "--output", "json"].map(str::to_owned));
    }
    args.extend(scenario.flags.iter().map(|flag| (*flag).to_owned()));
    let stop = matches!(scenario.mode, Mode::Stop | Mode::StopAndRun);
    let played = play(&world, &args, stop)?;
    if scenario.mode != Mode::StopAndRun {
        return Ok(played);
    }
    script.act = Act::Answer;
    world.set_script(&script)?;
    Ok(play(&world, &args, false)?)
}
