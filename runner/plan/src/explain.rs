//! A status in words: cause, evidence, next step.

use crate::outcome::{Word, next_step};
use crate::status::{EventsStatus, GitStatus, RunStatus, UploadsStatus};

/// Explains a status to the person who asks why a run failed.
pub fn explain(status: &RunStatus) -> String {
    let ending = status.outcome.ending();
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("{name:<10} {value}\n");
        }
    };
    let word = match status.status {
        Word::Succeeded => "succeeded",
        Word::Failed => "failed",
        Word::Cancelled => "was cancelled",
    };
    line(
        "Run",
        &format!(
            "attempt {} of provider `{}` {word}: {:?} ({})",
            status.attempt, status.provider, status.outcome, status.reason
        ),
    );
    line("Cause", ending.meaning);
    line("Error", status.error.as_deref().unwrap_or_default());
    for evidence in evidence(status) {
        line("Evidence", &evidence);
    }
    for warning in &status.warnings {
        line("Warning", warning);
    }
    line("Next step", next_step(status.outcome, &status.reason));
    if status.status == Word::Succeeded {
        return text;
    }
    line(
        "Retry",
        if status.retryable {
            "the same run may well succeed later"
        } else {
            "not before something is changed"
        },
    );
    text
}

fn evidence(status: &RunStatus) -> Vec<String> {
    let mut found = vec![format!(
        "from {} to {}, exit code {}",
        status.started_at, status.finished_at, status.exit_code
    )];
    if let Some(process) = &status.process {
        let binary = status.binary.as_deref().unwrap_or("the agent");
        found.push(match (process.exit_code, &status.signal) {
            (Some(code), _) => format!(
                "`{binary}` exited with code {code} after {} bytes of output",
                process.output_bytes
            ),
            (None, Some(signal)) => format!(
                "`{binary}` was ended by {signal} after {} bytes of output",
                process.output_bytes
            ),
            (None, None) => format!("`{binary}` left no exit code"),
        });
        found.extend(
            process
                .stopped
                .as_ref()
                .map(|cause| format!("the runner stopped it because of {cause}")),
        );
        if process.killed {
            found.push("it had to be killed: it did not end within its grace".to_owned());
        }
        if process.leftover_count > 0 {
            found.push(format!(
                "{} process(es) outlived it and were stopped: {}",
                process.leftover_count,
                process.leftovers.join(", ")
            ));
        }
        if process.log_bytes_lost > 0 {
            found.push(format!("the log lacks {} bytes", process.log_bytes_lost));
        }
    }
    found.extend(status.git.as_ref().map(checkout));
    found.extend(
        status
            .git
            .as_ref()
            .and_then(|git| git.wip.as_ref())
            .map(|wip| format!("what the agent had not pushed is in `{}`", wip.directory)),
    );
    found.extend(
        status
            .artifacts
            .log_path
            .as_ref()
            .map(|path| format!("its output is in `{path}`")),
    );
    found.extend(status.events.as_ref().and_then(events));
    found.extend(status.artifacts.uploads.as_ref().and_then(uploads));
    if !status.truncated.is_empty() {
        found.push(format!(
            "shortened here, whole in `status.full.json`: {}",
            status.truncated.join(", ")
        ));
    }
    found
}

/// Says which events others have not got, if there are any.
fn events(events: &EventsStatus) -> Option<String> {
    let mut missing = Vec::new();
    if events.pending > 0 {
        missing.push(format!("{} not published", events.pending));
    }
    if events.unconfirmed > 0 {
        let count = events.unconfirmed;
        missing.push(format!("{count} published where nothing stores them"));
    }
    if events.dropped > 0 {
        missing.push(format!("{} dropped for want of room", events.dropped));
    }
    if missing.is_empty() && events.problem.is_none() {
        return None;
    }
    let mut text = "events".to_owned();
    if !missing.is_empty() {
        text += &format!(": {}", missing.join(", "));
    }
    if let Some(problem) = &events.problem {
        text += &format!(": {problem}");
    }
    if let Some(journal) = events.journal.as_ref().filter(|_| events.pending > 0) {
        text += &format!(" (`agent-runner replay --publish {journal}` publishes them again)");
    }
    Some(text)
}

/// Says what was stored and what was not, if anything was to be.
fn uploads(uploads: &UploadsStatus) -> Option<String> {
    let counts = [
        (uploads.unchanged, "there already"),
        (uploads.missing, "missing"),
        (uploads.refused, "refused"),
        (uploads.failed, "failed"),
        (uploads.pending, "left for want of time"),
    ];
    let is_idle = uploads.objects == 0 && counts.iter().all(|(count, _)| *count == 0);
    if is_idle && uploads.problem.is_none() {
        return None;
    }
    let mut text = match uploads.store.as_str() {
        "" => "artifacts are not stored".to_owned(),
        store => format!(
            "artifacts in `{store}`: {} stored ({} bytes)",
            uploads.objects, uploads.bytes
        ),
    };
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        text += &format!(", {count} {what}");
    }
    if let Some(problem) = &uploads.problem {
        text += &format!(": {problem}");
    }
    if let Some(manifest) = &uploads.manifest {
        text += &format!(" (`{manifest}` lists them)");
    }
    Some(text)
}

fn checkout(git: &GitStatus) -> String {
    let mut text = format!("`{}`", git.url);
    if let Some(commit) = &git.commit {
        let at = git.branch.as_deref().unwrap_or("no branch");
        text += &format!(" was left at {commit} on {at}");
    }
    if let Some(ahead) = git.ahead.filter(|ahead| *ahead > 0) {
        text += &format!(", {ahead} commit(s) ahead");
    }
    if git.dirty == Some(true) {
        text += ", with uncommitted changes";
    }
    if !git.quarantined.is_empty() {
        text += &format!(", {} file(s) quarantined", git.quarantined.len());
    }
    if let Some(error) = &git.error {
        text += &format!("; {error}");
    }
    text
}

#[cfg(test)]
mod tests;
