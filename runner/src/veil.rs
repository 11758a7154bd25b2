//! What a session and the runner itself say, without secrets: a session hears lines as the agent
//! wrote them.

use std::borrow::Cow;
use std::ops::Deref;

use agent_plan::event::Event;
use agent_plan::outcome::Verdict;
use agent_plan::provider::Report;
use agent_plan::secret::{End, Redactor};
use serde_json::Value;

/// How a text ends that a session has cut.
const CUT: &str = "...";

/// Nothing shorter is cut by a session.
const SHORTEST_CUT: usize = 100;

/// How the end of a text begins and ends of which a session has left out what was longer than it
/// carries.
const BOUND: &str = "\n[cut: ";
const BOUND_END: &str = " bytes more]";

/// No text is cut at fewer bytes: a MiB, and then no character of up to four bytes.
const SHORTEST_BOUND: usize = (1 << 20) - 3;

/// An event without secrets; only a [`Veil`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clean(Event);

impl Clean {
    /// Gives the event away.
    pub(crate) fn into_event(self) -> Event {
        self.0
    }
}

impl Deref for Clean {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.0
    }
}

/// Between a session and everybody else.
#[derive(Debug, Clone)]
pub(crate) struct Veil(Redactor);

impl Veil {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self(redactor)
    }

    /// Redacts an event; names and values of its attributes too.
    pub(crate) fn event(&self, mut event: Event) -> Clean {
        if !self.0.is_empty() {
            self.redact(&mut event);
        }
        if let Some(tool) = &mut event.tool {
            one_line(&mut tool.title);
        }
        Clean(event)
    }

    fn redact(&self, event: &mut Event) {
        self.bounded(&mut event.content);
        if let Some(tool) = &mut event.tool {
            self.whole(&mut tool.id);
            self.cut(&mut tool.name);
            self.cut(&mut tool.title);
        }
        let mut attrs = Value::Object(std::mem::take(&mut event.attrs));
        self.0.value(&mut attrs);
        if let Value::Object(attrs) = attrs {
            event.attrs = attrs;
        }
    }

    /// Redacts a verdict.
    pub(crate) fn verdict(&self, verdict: &mut Verdict) {
        self.whole(&mut verdict.reason);
        verdict.message.iter_mut().for_each(|text| self.cut(text));
    }

    /// Returns a redacted report.
    pub(crate) fn report(&self, report: &Report) -> Report {
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

    /// Redacts a text that may have been cut in the middle of a secret, which ends with dots.
    fn cut(&self, text: &mut String) {
        match text.strip_suffix(CUT).filter(|_| text.len() > SHORTEST_CUT) {
            Some(body) => *text = self.without_beginnings(body) + CUT,
            None => self.bounded(text),
        }
    }

    /// Redacts a text that may have been cut to what an event may hold.
    fn bounded(&self, text: &mut String) {
        let is_mark = |at: &usize| {
            let number = text[at + BOUND.len()..].strip_suffix(BOUND_END);
            // Anything else behind it is the agent's own, and is redacted with the rest.
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let at = text.rfind(BOUND).filter(|at| *at >= SHORTEST_BOUND);
        let at = at.filter(is_mark);
        match at.map(|at| text.split_at(at)) {
            Some((body, mark)) => *text = self.without_beginnings(body) + mark,
            None => self.whole(text),
        }
    }

    /// Redacts what stands before a cut: what could be the beginning of a secret goes too.
    fn without_beginnings(&self, body: &str) -> String {
        let mut clean = Vec::with_capacity(body.len() + CUT.len());
        self.0
            .stream()
            .scan(body.as_bytes(), End::No, &mut |piece| {
                clean.extend_from_slice(piece);
            });
        String::from_utf8_lossy(&clean).into_owned()
    }
}

/// Makes one line of a title that is several, now that nothing in it is a secret.
fn one_line(title: &mut String) {
    if title.contains(char::is_control) {
        *title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

#[cfg(test)]
mod tests;
