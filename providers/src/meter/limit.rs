//! What can be limited, and how a run stands to it.

use agent_plan::plan::CostLimits;
use agent_plan::provider::Usage;

/// One thing that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Tokens,
    Cost,
    Turns,
    ToolCalls,
    Wall,
}

/// Those that show in the usage, in the order in which they are looked at.
pub(super) const LIMITS: [Limit; 4] = [Limit::Tokens, Limit::Cost, Limit::Turns, Limit::ToolCalls];

/// How a run stands to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Below four fifths, or there is no limit.
    Far,
    /// At four fifths or more.
    Near,
    /// Above it.
    Over,
}

impl Limit {
    /// The reason of the verdict.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Tokens => "TokenBudget",
            Self::Cost => "CostBudget",
            Self::Turns => "TurnBudget",
            Self::ToolCalls => "ToolCallBudget",
            Self::Wall => "WallBudget",
        }
    }

    /// Says how a usage stands to this limit.
    pub(super) fn standing(self, usage: &Usage, limits: &CostLimits) -> Standing {
        let (used, allowed) = match self {
            Self::Tokens => (Some(usage.tokens()), limits.tokens),
            Self::Turns => (Some(usage.turns), limits.turns),
            Self::ToolCalls => (Some(usage.tool_calls), limits.tool_calls),
            Self::Cost => return cost_standing(usage.cost_usd, limits.cost_usd),
            Self::Wall => (None, None),
        };
        match (used, allowed) {
            (Some(used), Some(allowed)) if used > allowed => Standing::Over,
            (Some(used), Some(allowed)) if u128::from(used) * 5 >= u128::from(allowed) * 4 => {
                Standing::Near
            }
            _ => Standing::Far,
        }
    }

    /// Says how much is used, in words.
    pub(super) fn used(self, usage: &Usage, limits: &CostLimits) -> String {
        let of = |used: u64, allowed: Option<u64>, what: &str| {
            format!("used {used} of {} {what}", allowed.unwrap_or_default())
        };
        match self {
            Self::Tokens => of(usage.tokens(), limits.tokens, "tokens"),
            Self::Turns => of(usage.turns, limits.turns, "turns"),
            Self::ToolCalls => of(usage.tool_calls, limits.tool_calls, "tool calls"),
            Self::Cost => format!(
                "used {:.4} of {:.4} US dollars",
                usage.cost_usd.unwrap_or_default(),
                limits.cost_usd.unwrap_or_default()
            ),
            Self::Wall => format!("ran longer than {:?}", limits.wall.unwrap_or_default()),
        }
    }
}

fn cost_standing(used: Option<f64>, allowed: Option<f64>) -> Standing {
    match (used, allowed) {
        (Some(used), Some(allowed)) if used > allowed => Standing::Over,
        (Some(used), Some(allowed)) if used >= allowed * 0.8 => Standing::Near,
        _ => Standing::Far,
    }
}
