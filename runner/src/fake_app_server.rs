//! A scripted `codex app-server`, for smoke tests of an image without a model (contract §5.2).
//!
//! Stock providers name it by its path, `/usr/local/bin/agents-fake-codex-app-server`; it is this
//! executable, which knows itself by that name.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;

use serde_json::{Value, json};

/// The name under which this executable is that server.
pub const NAME: &str = "agents-fake-codex-app-server";

/// The variable that names a file to write in each turn, as an agent would.
pub const ARTIFACT: &str = "AGENTS_FAKE_CODEX_APP_SERVER_ARTIFACT";

const THREAD: &str = "00000000-0000-7000-8000-000000000001";
const ITEM: &str = "msg_1";
const ANSWER: &str = "OK";

/// JSON-RPC: nothing that we know.
const METHOD_NOT_FOUND: i64 = -32601;

/// Says whether the executable was started as the scripted server.
pub fn is_named(argv0: &OsStr) -> bool {
    Path::new(argv0).file_name() == Some(OsStr::new(NAME))
}

/// Answers requests until the end of input; each turn says "OK" and writes the artifact.
///
/// What is no request is passed over, as the real server does.
///
/// # Errors
///
/// Fails if input or output does, or if the artifact cannot be written.
pub fn serve(
    input: impl BufRead,
    mut output: impl Write,
    artifact: Option<&Path>,
) -> io::Result<()> {
    let mut thread = THREAD.to_owned();
    let mut turns = 0;
    for line in input.lines() {
        let request: Value = serde_json::from_str(&line?).unwrap_or_default();
        let (Some(id), Some(method)) = (request.get("id"), request["method"].as_str()) else {
            continue;
        };
        let params = &request["params"];
        let mut later = Vec::new();
        let result = match method {
            "initialize" => {
                Ok(json!({"userAgent": format!("{NAME}/{}", env!("CARGO_PKG_VERSION"))}))
            }
            "thread/start" | "thread/resume" => {
                if let Some(resumed) = params["threadId"].as_str() {
                    resumed.clone_into(&mut thread);
                }
                let status = json!({"type": "idle"});
                Ok(json!({"thread": {"id": thread, "status": status}, "model": params["model"]}))
            }
            "thread/goal/set" => Ok(json!({"goal": params})),
            "turn/start" => {
                turns += 1;
                let turn = format!("turn-{turns}");
                if let Some(path) = artifact {
                    write_artifact(path)?;
                }
                later = events(&thread, &turn).into();
                Ok(json!({"turn": {"id": turn, "status": "inProgress"}}))
            }
            // A turn is over as soon as it has begun.
            "turn/interrupt" => Ok(json!({})),
            _ => Err(
                json!({"code": METHOD_NOT_FOUND, "message": format!("unknown method `{method}`")}),
            ),
        };
        let answer = match result {
            Ok(result) => json!({"id": id, "result": result}),
            Err(error) => json!({"id": id, "error": error}),
        };
        for message in std::iter::once(answer).chain(later) {
            writeln!(output, "{message}")?;
        }
        output.flush()?;
    }
    Ok(())
}

fn write_artifact(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, format!("{ANSWER}\n"))
}

/// What the real server tells of a turn with one message, in its order.
fn events(thread: &str, turn: &str) -> [Value; 7] {
    let event = |method: &str, mut params: Value| {
        params["threadId"] = thread.into();
        json!({"method": method, "params": params})
    };
    let status = |status: &str| json!({"status": {"type": status}});
    let item = |text: &str| {
        let item = json!({"type": "agentMessage", "id": ITEM, "text": text});
        json!({"turnId": turn, "item": item})
    };
    let turn_is = |status: &str| json!({"turn": {"id": turn, "status": status, "error": null}});
    let delta = json!({"turnId": turn, "itemId": ITEM, "delta": ANSWER});
    [
        event("thread/status/changed", status("active")),
        event("turn/started", turn_is("inProgress")),
        event("item/started", item("")),
        event("item/agentMessage/delta", delta),
        event("item/completed", item(ANSWER)),
        event("turn/completed", turn_is("completed")),
        event("thread/status/changed", status("idle")),
    ]
}

#[cfg(test)]
mod tests;
