//! The page at the end of a local run.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agent_plan::outcome::Outcome;
use agent_plan::plan::FULL_STATUS;
use agent_plan::provider::Usage;
use agent_plan::status::{GitStatus, RunStatus, StatusArtifacts};

use super::changes;
use super::page::{Page, Tone};
use super::scratch::Scratch;

/// Files that changed and are named; of more there is the number.
const NAMED: usize = 20;

/// Who else may play the agent, where the provider's is not on this machine.
const OTHERS: &str = "`--agent fake` rehearses with the scripted agent; `--agent claude` and `--agent codex` take the one in `PATH`";

/// Returns the `page` with what is to be said about a run whose status is at `status`.
pub(super) fn page(status: &Path, scratch: &Scratch, took: Duration, mut page: Page) -> String {
    let full = status.with_file_name(FULL_STATUS);
    let bytes = fs::read(full).or_else(|_| fs::read(status));
    let read = bytes.ok().and_then(|it| serde_json::from_slice(&it).ok());
    match read {
        Some(read) => tell(&read, scratch, took, &mut page),
        None => page.toned("outcome", "unknown: there is no status", Tone::Bad),
    }
    let root = scratch.root().display().to_string();
    if scratch.stays() {
        page.line("workspace", &root);
    } else {
        page.line(
            "workspace",
            "removed; `--keep` or `--workspace DIR` keeps it",
        );
    }
    page.into_text()
}

fn tell(status: &RunStatus, scratch: &Scratch, took: Duration, page: &mut Page) {
    let outcome = format!("{:?}", status.outcome);
    let tone = if status.outcome == Outcome::Completed {
        Tone::Good
    } else {
        Tone::Bad
    };
    page.toned("outcome", &outcome, tone);
    if !status.reason.is_empty() && status.reason != outcome {
        page.line("reason", &status.reason);
    }
    if let Some(error) = &status.error {
        page.line("error", error);
    }
    if status.reason == "BinaryMissing" {
        page.line("hint", OTHERS);
    }
    page.line("exit code", &status.exit_code.to_string());
    page.line("duration", &seconds(took));
    if let Some(usage) = &status.usage {
        page.line("cost", &cost(usage));
    }
    if let Some(git) = &status.git {
        changed(git, status.cwd.as_deref(), scratch, page);
    }
    if scratch.stays() {
        artifacts(&status.artifacts, page);
    }
    for warning in &status.warnings {
        page.line("warning", warning);
    }
}

/// Seconds with one digit, minutes from the first on.
fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn cost(usage: &Usage) -> String {
    let tokens = format!("{} tokens, {} tool calls", usage.tokens(), usage.tool_calls);
    match usage.cost_usd {
        Some(dollars) => format!("${dollars:.4}, {tokens}"),
        None => tokens,
    }
}

fn changed(git: &GitStatus, cwd: Option<&str>, scratch: &Scratch, page: &mut Page) {
    if git.commit.is_none() {
        return;
    }
    let commit = git.commit.as_deref().unwrap_or("no commit");
    let branch = git.branch.as_deref().unwrap_or("no branch");
    let ahead = match git.ahead {
        Some(0) | None => String::new(),
        Some(ahead) => format!(", {ahead} ahead"),
    };
    page.line("git", &format!("{commit} ({branch}{ahead})"));
    let Some(cwd) = cwd else { return };
    let base = git.base.as_deref();
    let Ok(files) = changes::since(Path::new(cwd), scratch.root(), base) else {
        return;
    };
    let title = match files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    page.line("changed", &title);
    for file in files.iter().take(NAMED) {
        page.line("", file);
    }
    if files.len() > NAMED {
        page.line("", &format!("and {} more", files.len() - NAMED));
    }
}

fn artifacts(artifacts: &StatusArtifacts, page: &mut Page) {
    for artifact in artifacts.output_artifacts.iter().flatten() {
        let stored = artifact
            .url
            .as_deref()
            .and_then(|url| url.strip_prefix("file://"));
        let there = |path: &&str| Path::new(path).exists();
        let own = artifact.path.as_deref().filter(there);
        let place = stored.or(own).or(artifact.url.as_deref());
        let place = place.unwrap_or("not there");
        page.line("artifact", &format!("{}: {place}", artifact.name));
    }
    for (name, path) in [
        ("status", &artifacts.status_path),
        ("log", &artifacts.log_path),
    ] {
        if let Some(path) = path {
            page.line(name, path);
        }
    }
}
