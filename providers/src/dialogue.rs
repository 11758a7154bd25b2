//! What the sessions of agent CLIs have in common.

/// The methods of a session that reads lines, keeps its report in a field, and has a stop of its
/// own, which a signal to the runner begins.
macro_rules! translated {
    () => {
        fn signals(&self) -> agent_plan::provider::Signals {
            agent_plan::provider::Signals::Translated
        }

        fn reads_lines(&self) -> bool {
            true
        }

        fn report(&self) -> &agent_plan::provider::Report {
            &self.report
        }
    };
}

pub(crate) use translated;
