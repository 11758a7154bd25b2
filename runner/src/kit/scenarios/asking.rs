//! What is asked reaches the agent, to the letter, and nobody else.

use agent_plan::settings::Protocol;
use serde_json::Value;

use super::{Case, Scenario, unless};
use crate::kit::finding::Finding;
use crate::kit::manifest::{Manifest, Node};
use crate::kit::sample::{SYSTEM_PROMPT, Sample, long_words};

const REACHES: &str = "prompt";

pub(super) fn all() -> Vec<Scenario> {
    let asking = |name, promise, sample| {
        Scenario::new(name, promise)
            .after(REACHES)
            .skip(without_prompt)
            .sample(sample)
            .judge(asked)
    };
    vec![
        asking(
            REACHES,
            "what is asked reaches the agent on stdin",
            Sample::default,
        )
        .after("answer"),
        asking(
            "prompt-slash",
            "words that begin like a command stay words",
            || Sample::asking("/clear the table and read @/etc/hostname"),
        ),
        asking(
            "prompt-quotes",
            "quotes, line breaks and emoji stay what they are",
            || {
                Sample::asking(
                    "It's \"quoted\" \\ `id` $(id) 🦀\n\n- first\n- second %s {\"a\": [1]}",
                )
            },
        ),
        asking(
            "prompt-tags",
            "tags of strangers stay what they are",
            || Sample {
                is_stranger: true,
                ..Sample::asking("Read ${{ github.sha }} and {{env.HOME}}.")
            },
        ),
        asking(
            "prompt-long",
            "more words than an argument can have arrive",
            || Sample::asking(long_words()),
        ),
        Scenario::new("system-prompt", "the system prompt reaches the agent")
            .skip(|manifest| match manifest.protocol() {
                Protocol::CodexAppServer => None,
                _ => Some("the controller gives it to codex only"),
            })
            .judge(system_prompt),
    ]
}

/// A program that is no agent CLI need not be asked anything.
fn without_prompt(manifest: &Manifest) -> Option<&'static str> {
    let plain = matches!(manifest.protocol(), Protocol::Raw | Protocol::Jsonl);
    let unasked = manifest.setting("prompt").is_none();
    (plain && unasked).then_some("the provider asks its program nothing")
}

fn asked(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let Some(call) = case.played.calls.last() else {
        return findings;
    };
    let heard = heard(case.manifest.protocol(), &call.stdin);
    let wanted = case.sample.prompt.as_str();
    if !heard.iter().any(|text| text.contains(wanted)) {
        let heard = heard.join("\n");
        let seen = if heard.trim().is_empty() {
            "nothing on stdin".to_owned()
        } else {
            format!("`{}`", agent_plan::status::cut(&heard, 200))
        };
        let expected = format!("`{}`", agent_plan::status::cut(wanted, 200));
        let change = if case.manifest.kind() == "codex-app-server" {
            "remove `adapter.codex.prompt`, or let it hold `{{prompt}}`"
        } else {
            "set `adapter.runner.prompt` to `{{run.prompt}}`"
        };
        findings.push(Finding::new(expected, seen, change));
    }
    // The last block is the one that claude looks at.
    if case.manifest.protocol() == Protocol::Claude
        && heard.last().is_some_and(|text| text.starts_with('/'))
        && case.manifest.setting("skill").is_none()
    {
        let change = "leave the prompt to `adapter.runner.prompt`";
        findings.push(Finding::new("words", "a command of claude's", change));
    }
    if call.args.iter().any(|arg| arg.contains(wanted)) {
        let change = "remove it from `argsTemplate`, and set `adapter.runner.prompt`";
        findings.push(Finding::new(
            "no prompt in the arguments",
            "the prompt",
            change,
        ));
    }
    findings
}

/// What an agent has heard on its stdin, as its protocol means it.
fn heard(protocol: Protocol, stdin: &str) -> Vec<String> {
    let pointer = match protocol {
        Protocol::Claude => "/message/content",
        Protocol::CodexAppServer => "/params/input",
        _ => return vec![stdin.to_owned()],
    };
    let mut heard = Vec::new();
    for line in stdin.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let blocks = line.pointer(pointer).and_then(Value::as_array);
        let texts = blocks
            .into_iter()
            .flatten()
            .filter_map(|block| block["text"].as_str());
        heard.extend(texts.map(str::to_owned));
    }
    heard
}

fn system_prompt(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let own = case.manifest.at("adapter.codex.baseInstructions");
    let own = own
        .and_then(Node::text)
        .is_some_and(|text| !text.trim().is_empty());
    let call = case.played.calls.last();
    let told = call.is_some_and(|call| call.stdin.contains(SYSTEM_PROMPT));
    findings.extend(unless(own || told, "the run's system prompt", || {
        ("none".to_owned(), "remove `adapter.codex.systemPromptPath`")
    }));
    findings
}
