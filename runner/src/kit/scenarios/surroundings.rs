//! What an agent finds around it: inputs, variables, places, a checkout.

use agent_plan::settings::Protocol;

use super::{Case, Scenario, unless};
use crate::kit::controller::secret_of;
use crate::kit::finding::Finding;
use crate::kit::sample::Sample;
use crate::kit::world::OURS;
use crate::scripted::Act;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "missing-inputs",
            "a run without issue, repository and parameters succeeds",
        )
        .sample(Sample::bare),
        Scenario::new("odd-inputs", "parameters of any kind do no harm").sample(odd),
        Scenario::new(
            "credentials",
            "every secret of the provider reaches the agent",
        )
        .skip(|manifest| {
            let none = agents(manifest.secrets()).is_empty();
            none.then_some("the provider has no secrets")
        })
        .judge(credentials),
        Scenario::new(
            "own-credentials",
            "the runner's credentials do not reach the agent",
        )
        .judge(own_credentials),
        Scenario::new(
            "redaction",
            "a secret that the agent says aloud is kept out of everything",
        )
        .act(Act::Leak)
        .judge(redaction),
        Scenario::new("places", "the agent can write where it works").judge(places),
        Scenario::new("checkout", "a run with a repository finds it checked out")
            .skip(|manifest| {
                let never = !manifest.wants_checkout();
                never.then_some("the provider asks for no checkout")
            })
            .sample(|| Sample {
                repository: true,
                ..Sample::default()
            })
            .judge(checkout),
    ]
}

fn odd() -> Sample {
    let odd = [
        ("stage", "--help"),
        ("ticket", "'; rm -rf / #\n\"$(id)\" 🦀 {{env.HOME}}"),
        ("a-b c", ""),
        ("äöü", "\t\\u0000"),
    ];
    let mut parameters: Vec<_> = odd.map(|(key, value)| (key.into(), value.into())).into();
    // The longest that the controller takes.
    parameters.push(("long".to_owned(), "x".repeat(2048)));
    Sample {
        parameters,
        ..Sample::default()
    }
}

/// The secrets that are the agent's: others of these names are the runner's own.
fn agents(secrets: Vec<String>) -> Vec<String> {
    let is_ours = |name: &String| {
        let starts = [
            "NATS_",
            "AGENTS_ARTIFACTS_",
            "MINIO_",
            "AWS_",
            "accesskey",
            "secretkey",
        ];
        starts.iter().any(|start| name.starts_with(start))
    };
    secrets.into_iter().filter(|name| !is_ours(name)).collect()
}

fn credentials(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let Some(call) = case.played.calls.last() else {
        return findings;
    };
    for name in agents(case.manifest.secrets()) {
        if call.env.get(&name) != Some(&secret_of(&name)) {
            let change = "add it to `adapter.runner.env.pass`, or remove it from `env.drop`";
            let expected = format!("`{name}` in the agent's environment");
            findings.push(Finding::new(expected, "none", change));
        }
    }
    findings
}

fn own_credentials(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let Some(call) = case.played.calls.last() else {
        return findings;
    };
    for name in OURS {
        let secret = secret_of(name);
        if call.env.values().any(|value| value.contains(&secret)) {
            let change = "remove it from `adapter.runner.env.pass`";
            findings.push(Finding::new(format!("no `{name}`"), "its value", change));
        }
    }
    findings
}

fn redaction(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let names = case.manifest.secrets().into_iter();
    // Who somebody is, is no secret.
    let is_secret = |name: &String| {
        !["_ID", "_USER", "_USERNAME"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    for name in names.chain(OURS.map(str::to_owned)).filter(is_secret) {
        let secret = secret_of(&name);
        for (sink, text) in case.sinks() {
            if text.contains(&secret) {
                let expected = format!("no value of `{name}` in {sink}");
                let change = "do not turn `redact` off; add its name to `redact.names`";
                findings.push(Finding::new(expected, "its value", change));
            }
        }
    }
    findings
}

fn places(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    for place in case
        .played
        .calls
        .last()
        .iter()
        .flat_map(|call| &call.unwritable)
    {
        let change = "set `adapter.runner.cwd`, `HOME` or `TMPDIR` to a place below `/workspace`";
        findings.push(Finding::new(
            "places that can be written",
            place.as_str(),
            change,
        ));
    }
    findings
}

fn checkout(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let branch = &case.played.status["git"]["branch"];
    findings.extend(unless(
        branch == "agent/login",
        "the head branch checked out",
        || {
            let change = if case.manifest.protocol() == Protocol::CodexAppServer {
                "set `adapter.codex.cwd`"
            } else {
                "set `AGENT_RUNNER_WORKSPACE_GIT_REF` to `{{vcs.baseBranch}}` in `spec.envTemplate`"
            };
            (branch.to_string(), change)
        },
    ));
    findings
}
