//! What others said: as a template root, and as a file (contract §8.4).

use serde_json::{Value, json};

use crate::settings::{RunnerSettings, Wanted};

use super::files::lexical;
use super::{ContextPlan, FilePlan, Inputs};

/// Others' words are for the agent's eyes; who else may see them was decided where they were said.
const MODE: u32 = 0o600;

/// Returns the template root, if this run wants one; empty where nothing has been fetched, in the
/// same form, so that a template needs to know only one.
///
/// Without the wish there is no root: in a prompt a stranger's `{{context.x}}` then stays text.
pub(super) fn root(inputs: &Inputs<'_>, settings: &RunnerSettings) -> Option<Value> {
    let wanted = settings.events.as_ref()?.context?;
    if wanted == Wanted::Off {
        return None;
    }
    Some(inputs.context.clone().unwrap_or_else(nothing))
}

/// Returns the file that they go to, if they were fetched and one was named.
pub(super) fn file(inputs: &Inputs<'_>, plan: Option<&ContextPlan>) -> Option<FilePlan> {
    let (said, path) = (inputs.context.as_ref()?, plan?.path.as_ref()?);
    Some(FilePlan {
        path: lexical(path),
        content: format!("{said:#}\n"),
        mode: MODE,
    })
}

fn nothing() -> Value {
    json!({ "stream": "", "subject": "", "count": 0, "fetched": 0, "filtered": 0, "messages": [] })
}
