//! How the pod starts the runner.

use std::path::Path;

use serde_json::Value;

use super::problem::Problem;
use super::warn;
use crate::cli;
use crate::load::Request;

/// What the pod asks the runner for by its arguments; the spec is in a variable if they do not say
/// it.
///
/// # Errors
///
/// Returns [`Problem::Arguments`] if they start no run.
pub(super) fn request(container: &Value, arguments: &[String]) -> Result<Request, Problem> {
    let command = container["command"][0].as_str().unwrap_or_default();
    if Path::new(command).file_name() != Some("agent-runner".as_ref()) {
        warn(&format!(
            "a controller starts `{}` in the pod, and not the runner, as here: it is the provider's `binary`",
            command.escape_debug()
        ));
        return Ok(Request::default());
    }
    cli::parse_for_run(arguments).map_err(Problem::Arguments)
}
