//! What the server asks us. It waits for every answer, so each is given at once.

use serde_json::{Value, json};

use super::AppServer;

/// JSON-RPC: nothing that we know.
const METHOD_NOT_FOUND: i64 = -32601;

/// JSON-RPC: known, but not for us.
const SERVER_ERROR: i64 = -32000;

impl AppServer {
    pub(super) fn on_request(&mut self, method: &str, id: &Value) {
        let answer = answer(method, self.time_ms);
        match &answer {
            Err((METHOD_NOT_FOUND, _)) => {
                self.report.unknown_events += 1;
                self.report
                    .warn(format!("codex asked for `{method}`, which nobody knows"));
            }
            _ => self.report.known_events += 1,
        }
        let line = match answer {
            Ok(result) => json!({"id": id, "result": result}),
            Err((code, message)) => {
                json!({"id": id, "error": {"code": code, "message": message}})
            }
        };
        self.write(line.to_string());
    }
}

/// The answer, or code and message of an error. Nobody is there, so nothing is granted.
fn answer(method: &str, time_ms: Option<u64>) -> Result<Value, (i64, String)> {
    match method {
        "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => {
            Ok(json!({"decision": "decline"}))
        }
        "execCommandApproval" | "applyPatchApproval" => Ok(json!({"decision": "denied"})),
        "item/tool/requestUserInput" => Ok(json!({"answers": {}})),
        "item/tool/call" => Ok(json!({"contentItems": [], "success": false})),
        "mcpServer/elicitation/request" => {
            Ok(json!({"action": "decline", "content": null, "_meta": null}))
        }
        "item/permissions/requestApproval" => Ok(json!({"permissions": {}, "scope": "turn"})),
        "currentTime/read" => match time_ms {
            Some(time) => Ok(json!({"currentTimeAt": time / 1000})),
            None => Err((SERVER_ERROR, "the time is not known".to_owned())),
        },
        "account/chatgptAuthTokens/refresh" | "attestation/generate" => Err((
            SERVER_ERROR,
            format!("`{method}` is not available in a run without a person"),
        )),
        _ => Err((METHOD_NOT_FOUND, format!("`{method}` is not known"))),
    }
}
