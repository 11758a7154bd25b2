//! The command line of the server.

use agent_plan::plan::{CodexPlan, ProcessPlan, Stdin};

/// Completes the process: arguments in the contract's order, stdin by the session.
pub(crate) fn equip(plan: &CodexPlan, process: &mut ProcessPlan) -> Vec<String> {
    let mut args = vec!["--sandbox".to_owned(), plan.sandbox.word().to_owned()];
    for value in &plan.overrides {
        args.extend(["-c".to_owned(), value.clone()]);
    }
    // Nobody is there to approve; the spec allows no other policy.
    args.extend(["--ask-for-approval".to_owned(), "never".to_owned()]);
    if let Some(model) = &plan.model {
        args.extend(["--model".to_owned(), model.clone()]);
    }
    args.push("app-server".to_owned());
    process.args = args;
    process.stdin = Stdin::Session;
    Vec::new()
}
