//! What a session says, without secrets: it hears lines as the agent wrote them.

use std::borrow::Cow;

use agent_plan::event::Event;
use agent_plan::outcome::Verdict;
use agent_plan::provider::Report;
use agent_plan::secret::{End, Redactor};

/// How a text ends that a session has cut.
const CUT: &str = "...";

/// Nothing shorter is cut by a session.
const SHORTEST_CUT: usize = 100;

/// Between a session and everybody else.
#[derive(Debug)]
pub(super) struct Veil(Redactor);

impl Veil {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self(redactor)
    }

    /// Redacts an event; the values of its attributes too.
    pub(super) fn event(&self, event: &mut Event) {
        if self.0.is_empty() {
            return;
        }
        self.whole(&mut event.content);
        if let Some(tool) = &mut event.tool {
            self.whole(&mut tool.id);
            self.whole(&mut tool.name);
            self.cut(&mut tool.title);
        }
        event
            .attrs
            .values_mut()
            .for_each(|value| self.0.value(value));
    }

    /// Redacts a verdict.
    pub(super) fn verdict(&self, verdict: &mut Verdict) {
        self.whole(&mut verdict.reason);
        verdict.message.iter_mut().for_each(|text| self.cut(text));
    }

    /// Returns a redacted report.
    pub(super) fn report(&self, report: &Report) -> Report {
        let mut report = report.clone();
        let whole = [
            &mut report.session_id,
            &mut report.turn_id,
            &mut report.turn_status,
            &mut report.model,
            &mut report.effort,
            &mut report.version,
            &mut report.result,
        ];
        for text in whole.into_iter().flatten() {
            self.whole(text);
        }
        let cut = report.turn_error.iter_mut();
        for text in cut.chain(&mut report.warnings) {
            self.cut(text);
        }
        report
    }

    fn whole(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.0.text(text) {
            *text = clean;
        }
    }

    /// Redacts a text that may have been cut in the middle of a secret: whatever stands before the
    /// cut and could be the beginning of one goes too.
    fn cut(&self, text: &mut String) {
        let Some(body) = text.strip_suffix(CUT).filter(|_| text.len() > SHORTEST_CUT) else {
            return self.whole(text);
        };
        let mut clean = Vec::with_capacity(text.len());
        self.0
            .stream()
            .scan(body.as_bytes(), End::No, &mut |piece| {
                clean.extend_from_slice(piece);
            });
        clean.extend_from_slice(CUT.as_bytes());
        *text = String::from_utf8_lossy(&clean).into_owned();
    }
}

#[cfg(test)]
mod tests;
