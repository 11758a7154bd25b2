//! How claude is asked to end.

use agent_plan::provider::{Means, StopStep};
use std::time::Duration;

/// SIGTERM: claude ends its tools and itself. Never SIGINT, after which it exits with 0.
const TERM: i32 = 15;

/// The only stop after which claude says what the run has cost; twenty milliseconds, but for a tool
/// that does not listen.
const INTERRUPT: &str =
    r#"{"type":"control_request","request_id":"stop","request":{"subtype":"interrupt"}}"#;

/// Returns the steps of a stop.
pub(super) fn steps(stdin_open: bool) -> Vec<StopStep> {
    let step = |means, seconds| StopStep {
        means,
        patience: Duration::from_secs(seconds),
    };
    let mut steps = Vec::new();
    if stdin_open {
        steps.push(step(Means::Write(INTERRUPT.to_owned()), 5));
        steps.push(step(Means::CloseStdin, 5));
    }
    steps.push(step(Means::Signal(TERM), 3));
    steps
}
