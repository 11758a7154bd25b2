//! What a result means.

use agent_plan::outcome::{Outcome, RetryAfter, Verdict};
use serde_json::Value;

use super::{Claude, Phase, list, text, tools};
use crate::class::Class;
use crate::content::bounded;

impl Claude {
    /// Returns what a result means for the run.
    pub(super) fn verdict(&self, result: &Value) -> Verdict {
        let subtype = text(result, "/subtype");
        let failed = result.get("is_error").and_then(Value::as_bool);
        if !failed.unwrap_or(true) && subtype == Some("success") {
            return self.success(result);
        }
        let words = words(result);
        let class = self.class(result, &words);
        match &self.hopeless {
            // It was given up for a reason that an interrupted conversation does not know.
            Some(verdict) if class == Class::Interrupted => verdict.clone(),
            None if self.stopping => Class::Interrupted.verdict(Some(&words), None),
            _ => class.verdict(Some(&words), self.resets.or_else(|| epoch(&words))),
        }
    }

    fn success(&self, result: &Value) -> Verdict {
        if self.schema && result.get("structured_output").is_none_or(Value::is_null) {
            let message =
                "the agent ended well, but its answer has not the form that was asked for";
            let message = Some(message.to_owned());
            return Verdict::new(Outcome::NoResult, "NoStructuredOutput", message);
        }
        Verdict::completed()
    }

    fn class(&self, result: &Value, words: &str) -> Class {
        let ending = text(result, "/terminal_reason").unwrap_or_default();
        match (text(result, "/subtype").unwrap_or_default(), ending) {
            ("error_max_turns", _) | (_, "max_turns") => return Class::MaxTurns,
            ("error_max_budget_usd", _) | (_, "budget_exhausted") => return Class::Budget,
            (_, ending) if ending.starts_with("aborted_") => return Class::Interrupted,
            ("error_during_execution", _) if self.phase == Phase::Starting => {
                return Class::Startup;
            }
            _ => {}
        }
        let told = Class::of_text(words);
        let http = result.get("api_error_status").and_then(Value::as_u64);
        if let Some(http) = http.and_then(|http| u16::try_from(http).ok()) {
            return match (Class::of_status(http), told) {
                // Some providers have one status for all that a client can be blamed for.
                (Class::BadRequest, Class::Auth | Class::RateLimit) => told,
                (class, _) => class,
            };
        }
        match self.failure.as_deref() {
            Some("authentication_failed") => Class::Auth,
            Some("rate_limit") => Class::RateLimit,
            Some("overloaded") => Class::Overloaded,
            Some("model_not_found") => Class::ModelNotFound,
            Some("invalid_request") => Class::BadRequest,
            _ if words.contains("Not logged in") => Class::Auth,
            _ if told != Class::Unknown => told,
            // A failure of the API without a status is one without an answer.
            _ if ending == "api_error" => Class::Network,
            _ => Class::Unknown,
        }
    }
}

/// Returns the answer of the agent: in the form that was asked for, if there was one.
pub(super) fn answer(result: &Value) -> Option<String> {
    match result.get("structured_output") {
        None | Some(Value::Null) => text(result, "/result").map(bounded),
        Some(structured) => Some(bounded(structured.to_string())),
    }
}

/// Returns a failure in the provider's own words.
fn words(result: &Value) -> String {
    if let Some(words) = text(result, "/result") {
        return words.to_owned();
    }
    // What is in these brackets is for claude's own makers.
    let errors = list(result, "/errors").iter().filter_map(Value::as_str);
    let errors: Vec<&str> = errors
        .filter(|error| !error.starts_with("[ede_diagnostic]"))
        .collect();
    if !errors.is_empty() {
        return errors.join("; ");
    }
    let ending = text(result, "/terminal_reason").or(text(result, "/subtype"));
    format!(
        "claude ended with {}",
        tools::one_line(ending.unwrap_or("a failure"))
    )
}

/// Some messages end with the time of another try: `… usage limit reached|1767225600`.
fn epoch(words: &str) -> Option<RetryAfter> {
    let (_, seconds) = words.trim_end().rsplit_once('|')?;
    let digits = seconds.len() == 10 && seconds.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| seconds.parse().ok().map(RetryAfter::At))
        .flatten()
}
