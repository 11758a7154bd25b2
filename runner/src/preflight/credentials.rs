//! Credentials of the CLIs: whether there are any, and whether they can be read.

mod sources;

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use agent_plan::plan::ProcessPlan;
use serde_json::Value;

use super::{Cli, PreflightError, Ready};
use crate::report;

/// The longest file of credentials; the CLIs' own have a few KB.
const LONGEST: u64 = 1 << 20;

/// Variables with which claude needs no file.
const OF_CLAUDE: [&str; 7] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE",
];

/// Variables with which codex needs no file.
const OF_CODEX: [&str; 1] = ["CODEX_API_KEY"];

/// Looks at the credentials; certain to fail is only the CLI itself, and no wrapper of it, that has
/// nothing but a broken file.
pub(super) fn check(
    cli: Cli,
    plan: &ProcessPlan,
    state: &Path,
    ready: &mut Ready,
) -> Result<(), PreflightError> {
    let (variables, file) = match cli {
        Cli::Claude => (&OF_CLAUDE[..], ".credentials.json"),
        Cli::Codex => (&OF_CODEX[..], "auth.json"),
    };
    let has_variable = variables.iter().any(|name| plan.env.get(name).is_some());
    if has_variable || sources::has_other(cli, plan, state, variables) {
        return Ok(());
    }
    let path = state.join(file);
    let problem = match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ready.warnings.push(missing(cli, plan, &path));
            return Ok(());
        }
        Err(error) => Some(format!("cannot be read: {error}")),
        Ok(bytes) => match serde_json::from_slice::<Value>(&bytes) {
            Ok(json) if json.is_object() => {
                if cli == Cli::Claude && is_over(&json) {
                    ready.warnings.push(format!(
                        "the token in `{}` is over its time, and there is none to renew it with",
                        path.display()
                    ));
                }
                None
            }
            Ok(_) => Some("are not a JSON object".to_owned()),
            // The parser's words would repeat what is there.
            Err(_) => Some("are not JSON".to_owned()),
        },
    };
    let Some(problem) = problem else {
        return Ok(());
    };
    let error = PreflightError::Credentials { path, problem };
    let is_itself = plan.program.file_name() == Some(cli.name().as_ref());
    if is_itself && !sources::may_have_other(cli, plan) {
        return Err(error);
    }
    // A wrapper may bring its own, and what only speaks the protocol may need none.
    ready.warnings.push(report::sentence(&error, None));
    Ok(())
}

fn missing(cli: Cli, plan: &ProcessPlan, path: &Path) -> String {
    let path = path.display();
    match cli {
        Cli::Claude => format!(
            "no credentials for claude were found: neither `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN` or `CLAUDE_CODE_OAUTH_TOKEN` nor `{path}`"
        ),
        Cli::Codex if plan.env.get("OPENAI_API_KEY").is_some() => format!(
            "no credentials for codex were found: neither `CODEX_API_KEY` nor `{path}`; codex does not read `OPENAI_API_KEY`"
        ),
        Cli::Codex => {
            format!("no credentials for codex were found: neither `CODEX_API_KEY` nor `{path}`")
        }
    }
}

/// Says whether an OAuth token has expired and cannot be renewed.
fn is_over(json: &Value) -> bool {
    let token = &json["claudeAiOauth"];
    let can_renew = token["refreshToken"]
        .as_str()
        .is_some_and(|text| !text.is_empty());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_millis());
    let until = token["expiresAt"].as_u64();
    !can_renew && until.is_some_and(|until| u128::from(until) < now)
}

pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A FIFO or a device could hold us up for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LONGEST)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
