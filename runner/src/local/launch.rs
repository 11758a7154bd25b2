//! How the pod starts the runner.

use std::path::Path;

use serde_json::Value;

use super::warn;
use crate::cli::{self, Verb};
use crate::load::Request;

/// What the pod asks the runner for by its arguments; the spec is in a variable if they do not say
/// it.
pub(super) fn request(container: &Value, arguments: &[String]) -> Request {
    let command = container["command"][0].as_str().unwrap_or_default();
    if Path::new(command).file_name() != Some("agent-runner".as_ref()) {
        warn(&format!(
            "a controller starts `{}` in the pod, and not the runner, as here: it is the provider's `binary`",
            command.escape_debug()
        ));
        return Request::default();
    }
    let words = [command].into_iter().map(str::to_owned);
    let words = words.chain(arguments.iter().cloned()).map(Into::into);
    let Ok(Verb::Run(request)) = cli::parse(words) else {
        warn(&"the provider's `argsTemplate` becomes no arguments of a run, and is left out");
        return Request::default();
    };
    request
}
