//! What the attempt before this one left: its number, and a conversation to go on with.

mod rollout;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use agent_plan::outcome::Outcome;
use agent_plan::plan::{FULL_STATUS, Previous, ProcessPlan};
use agent_plan::provider::Usage;
use agent_plan::status::RunStatus;

use crate::home::{Cli, is_writable};

/// The largest complete status that is read back: far more than any run leaves.
const LARGEST: u64 = 16 << 20;

/// The most directories that are looked into for a conversation: a year of days, and then some.
const DIRECTORIES: usize = 2000;

/// The longest id that is looked for; those of the CLIs are UUIDs.
const ID_LIMIT: usize = 128;

/// Returns what the complete status beside `path` tells of an attempt of this very run.
///
/// What is there may be anything that an agent before us has left. Whether the conversation is still
/// where the agent looks for it, the plan must say first: see [`located`].
pub(super) fn previous(path: &Path, provider: &str, uid: Option<&str>) -> Option<Previous> {
    let status = read(&path.with_file_name(FULL_STATUS))?;
    let written_by = status.run_uid.as_deref();
    if let (Some(theirs), Some(ours)) = (written_by, uid)
        && theirs != ours
    {
        // A volume that outlives its run: what is there is nothing of ours.
        return None;
    }
    let goes_on =
        status.provider == provider && status.outcome != Outcome::Completed && written_by == uid;
    let session = status.session_id.filter(|id| goes_on && is_id(id));
    let usage = session
        .as_ref()
        .and_then(|_| sum(status.usage, status.usage_before));
    Some(Previous {
        attempt: status.attempt,
        session,
        usage,
    })
}

/// Returns what can be gone on with by an agent that is started so: its own environment says where
/// its state is.
pub(super) fn located(previous: Previous, process: &ProcessPlan) -> Previous {
    let id = previous.session.as_deref();
    let Some(state) = id.and_then(|id| state_of(id, process)) else {
        return Previous {
            attempt: previous.attempt,
            ..Previous::default()
        };
    };
    // `codex exec` tells at the end of a turn what it has cost, so that the status of an attempt
    // that was stopped in the middle of one has too little.
    let counted = rollout::usage(&state);
    Previous {
        usage: counted.or(previous.usage),
        ..previous
    }
}

fn read(path: &Path) -> Option<RunStatus> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    let file = File::open(path).ok()?;
    file.take(LARGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn sum(one: Option<Usage>, other: Option<Usage>) -> Option<Usage> {
    let (Some(one), Some(other)) = (&one, &other) else {
        return one.or(other);
    };
    Some(Usage {
        input_tokens: one.input_tokens.saturating_add(other.input_tokens),
        cached_input_tokens: one
            .cached_input_tokens
            .saturating_add(other.cached_input_tokens),
        output_tokens: one.output_tokens.saturating_add(other.output_tokens),
        reasoning_tokens: one.reasoning_tokens.saturating_add(other.reasoning_tokens),
        ..Usage::default()
    })
}

fn is_id(id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !id.is_empty() && id.len() <= ID_LIMIT && id.bytes().all(is_letter)
}

/// Returns the file in which the agent's CLI has a conversation, if it still has: a new pod has the
/// status on a volume, perhaps, and the home directory of the image.
fn state_of(id: &str, process: &ProcessPlan) -> Option<PathBuf> {
    let cli = Cli::of(&process.conversation)?;
    // What cannot be written is replaced before the agent starts.
    let state = cli.state(&process.env).filter(|state| is_writable(state))?;
    let (below, depth) = match cli {
        // <directory>/<id>.jsonl
        Cli::Claude => ("projects", 1),
        // <year>/<month>/<day>/rollout-<time>-<id>.jsonl
        Cli::Codex => ("sessions", 3),
    };
    let mut left = DIRECTORIES;
    file(state.join(below), depth, &format!("{id}.jsonl"), &mut left)
}

fn file(directory: PathBuf, depth: usize, end: &str, left: &mut usize) -> Option<PathBuf> {
    let mut waiting = vec![(directory, depth)];
    while let Some((directory, depth)) = waiting.pop() {
        if *left == 0 {
            return None;
        }
        *left -= 1;
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match depth.checked_sub(1) {
                Some(depth) if is_directory => waiting.push((entry.path(), depth)),
                None if !is_directory && entry.file_name().to_string_lossy().ends_with(end) => {
                    return Some(entry.path());
                }
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
