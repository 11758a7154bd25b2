//! What the run is to achieve (contract §1.5).

use serde_json::{Value, json};

use super::ask::Ask;
use super::said;

/// The goal, if it has an objective; a budget is a whole number above zero, or none.
pub(super) fn goal(ask: &Ask<'_>) -> Option<Value> {
    let goal = ask.spec().goal.as_ref()?;
    let objective = said(goal.objective.as_deref())?;
    let budget = goal
        .token_budget
        .as_ref()
        .and_then(serde_json::Number::as_f64);
    let budget = budget.filter(|budget| budget.is_finite() && *budget > 0.0);
    let mut made = json!({ "objective": objective });
    if let Some(budget) = budget {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "finite and above zero; what is too large becomes the largest"
        )]
        let whole = budget.trunc() as u64;
        made["tokenBudget"] = whole.into();
    }
    Some(made)
}
