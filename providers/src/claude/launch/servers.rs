//! MCP servers, without their secrets.
//!
//! Arguments can be read by every process of the machine. Claude replaces `${NAME}` in command,
//! arguments, environment, address and headers of a server, once; so what stands there literally
//! goes into the environment, and the argument only names it.

use agent_plan::env::Environment;
use serde_json::Value;

/// The fields of a server in which claude replaces names, and which may hold secrets.
const FIELDS: [&str; 4] = ["args", "env", "headers", "url"];

/// Returns the value of `--mcp-config`: a path, or an object.
pub(super) fn argument(
    config: &Value,
    env: &mut Environment,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let mut config = match config {
        Value::String(text) if !text.trim_start().starts_with('{') => return Some(text.clone()),
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        config => config.clone(),
    };
    let servers = config.get_mut("mcpServers").and_then(Value::as_object_mut);
    let Some(servers) = servers else {
        // It may hold secrets all the same, so it is not passed on.
        warnings.push("`mcpConfig` is no object with `mcpServers` and was left out".to_owned());
        return None;
    };
    let mut count = 0;
    for server in servers.values_mut() {
        for field in FIELDS {
            if let Some(value) = server.get_mut(field) {
                hide(value, env, &mut count);
            }
        }
    }
    Some(config.to_string())
}

fn hide(value: &mut Value, env: &mut Environment, count: &mut u32) {
    match value {
        // What names a variable was written by somebody who knows.
        Value::String(text) if !text.is_empty() && !text.contains("${") => {
            *count += 1;
            let name = format!("CLAUDE_MCP_{count}");
            let reference = format!("${{{name}}}");
            env.set(name, std::mem::replace(text, reference));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| hide(value, env, count)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| hide(value, env, count)),
        _ => {}
    }
}
