//! What codex itself has counted for a thread, in the file that it keeps of it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use agent_plan::provider::Usage;
use serde_json::Value;

/// How much of the end is looked at: codex counts after every answer of the model and what its
/// tools print, which it caps at 1 MiB each.
const END: u64 = 16 << 20;

/// Returns what a thread had cost when codex last counted; nothing if the file is none of codex's.
///
/// It is what codex goes on counting from.
pub(super) fn usage(path: &Path) -> Option<Usage> {
    let mut file = File::open(path).ok()?;
    let length = file
        .metadata()
        .ok()
        .filter(std::fs::Metadata::is_file)?
        .len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))
        .ok()?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end).ok()?;
    end.rsplit(|byte| *byte == b'\n').find_map(of_line)
}

fn of_line(line: &[u8]) -> Option<Usage> {
    const MARK: &[u8] = b"\"token_count\"";
    // Most lines are something else, and some are long.
    if !line.windows(MARK.len()).any(|window| window == MARK) {
        return None;
    }
    let line: Value = serde_json::from_slice(line).ok()?;
    if line.pointer("/payload/type")? != "token_count" {
        return None;
    }
    let total = line
        .pointer("/payload/info/total_token_usage")?
        .as_object()?;
    let count = |name: &str| total.get(name).and_then(Value::as_u64).unwrap_or_default();
    Some(Usage {
        input_tokens: count("input_tokens"),
        cached_input_tokens: count("cached_input_tokens"),
        output_tokens: count("output_tokens"),
        reasoning_tokens: count("reasoning_output_tokens"),
        ..Usage::default()
    })
}
