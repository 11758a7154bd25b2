//! The provider's rate limits, as it tells them piece by piece.

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::outcome::RetryAfter;
use serde_json::Value;

use super::{AppServer, fields};

/// A window that is used up.
const FULL: f64 = 100.0;

/// One window of usage.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    used_percent: f64,
    resets_at: Option<u64>,
}

/// What is known of the limits; an update that leaves something out does not clear it.
#[derive(Debug, Default)]
pub(super) struct RateLimits {
    windows: [Option<Window>; 2],
}

impl RateLimits {
    /// Returns when the provider may be asked again: when the last window that is used up begins
    /// anew, or, if none says that it is, the first.
    pub(super) fn retry_after(&self) -> Option<RetryAfter> {
        let known = || self.windows.iter().flatten();
        let full = known().filter(|window| window.used_percent >= FULL);
        let full = full.filter_map(|window| window.resets_at).max();
        let any = || known().filter_map(|window| window.resets_at).min();
        full.or_else(any).map(RetryAfter::At)
    }
}

impl AppServer {
    pub(super) fn on_rate_limits(&mut self, params: &Value) {
        let limits = params.get("rateLimits").unwrap_or(&Value::Null);
        let mut words = Vec::new();
        for (index, name) in ["primary", "secondary"].into_iter().enumerate() {
            let told = limits.get(name).unwrap_or(&Value::Null);
            let Some(used_percent) = told.get("usedPercent").and_then(Value::as_f64) else {
                continue;
            };
            words.push(format!("{name} {used_percent} % used"));
            self.limits.windows[index] = Some(Window {
                used_percent,
                resets_at: fields::number(told, "resetsAt"),
            });
        }
        if let Some(reached) = fields::text(limits, "rateLimitReachedType") {
            words.push(format!("reached: {reached}"));
        }
        // Providers without such limits tell of them after every request nevertheless.
        if words.is_empty() {
            return;
        }
        let event = Event::new(EventKind::RateLimit, Role::System, words.join(", "));
        let resets_at = match self.limits.retry_after() {
            Some(RetryAfter::At(time)) => Value::from(time),
            _ => Value::Null,
        };
        self.emit(event.with("resetsAt", resets_at));
    }
}
