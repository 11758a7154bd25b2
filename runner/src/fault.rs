//! Faults that a test asks for, in debug builds only: a panic of ours cannot be had otherwise.

/// Panics if `AGENT_RUNNER_FAULT` names this point; does nothing in a release build.
pub(crate) fn point(name: &str) {
    #[cfg(debug_assertions)]
    {
        let wanted = std::env::vars_os().find(|(variable, _)| variable == "AGENT_RUNNER_FAULT");
        assert!(
            wanted.is_none_or(|(_, value)| value != name),
            "fault `{name}` was asked for"
        );
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}
