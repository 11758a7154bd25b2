//! `raw`: the agent's output means nothing to us; its exit code is the verdict.

use agent_plan::provider::{Action, Report, Session};

/// The session of an agent that speaks no protocol.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    report: Report,
}

impl Session for Raw {
    fn on_line(&mut self, _line: &str) -> Vec<Action> {
        Vec::new()
    }

    fn reads_lines(&self) -> bool {
        false
    }

    fn report(&self) -> &Report {
        &self.report
    }
}
