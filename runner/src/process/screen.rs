//! What people see of a conversation: the transcript, on our own stdout and stderr.
//!
//! Events become text here, and the text goes through a pipe to a [`Pump`] per stream, as the
//! output of any agent does: that one redacts, writes, waits for a slow reader and gives up on a
//! dead one. Redaction is done anew because a secret may have come in pieces, which no redactor of
//! lines can know; the stream holds back only what may still become a secret, so nothing else waits.

use std::io;
use std::sync::Arc;

use agent_plan::event::Event;
use agent_plan::secret::Redactor;
use agent_providers::{Stream, Transcript};

use super::feed::Feed;
use super::log::Log;
use super::output::{Activity, Mirror, Pump, Sinks, StreamReport};
use crate::outlet::Outlet;

/// A transcript and the two pipes that it is written to.
#[derive(Debug)]
pub(super) struct Screen {
    transcript: Transcript,
    stdout: Feed,
    stderr: Feed,
    activity: Arc<Activity>,
    ended: bool,
}

impl Screen {
    /// Returns a screen that shows nothing.
    pub(super) fn none() -> Self {
        Self {
            transcript: Transcript::new(false),
            stdout: Feed::none("transcript"),
            stderr: Feed::none("transcript"),
            activity: Arc::new(Activity::new()),
            ended: true,
        }
    }

    /// Returns a screen and the pumps that write it to `outlets`, of which one that could not be
    /// had loses all; must be called inside the runtime.
    pub(super) fn start(
        redactor: &Redactor,
        reasoning: bool,
        outlets: [io::Result<Outlet>; 2],
    ) -> io::Result<(Self, [Pump; 2])> {
        let activity = Arc::new(Activity::new());
        let log = Arc::new(Log::none());
        let pump = |name, outlet: io::Result<Outlet>| {
            let (pipe, end) = io::pipe()?;
            let sinks = Sinks {
                log: Arc::clone(&log),
                mirror: Mirror::to(outlet),
                recorder: None,
                tap: None,
            };
            let pump = Pump::start(name, pipe, None, sinks, redactor, Arc::clone(&activity))?;
            Ok::<_, io::Error>((Feed::to("transcript", end)?, pump))
        };
        let [out, err] = outlets;
        let (stdout, first) = pump("shown-out", out)?;
        let (stderr, second) = pump("shown-err", err)?;
        let screen = Self {
            transcript: Transcript::new(reasoning),
            stdout,
            stderr,
            activity,
            ended: false,
        };
        Ok((screen, [first, second]))
    }

    /// Shows an event.
    pub(super) fn show(&mut self, event: &Event) {
        for shown in self.transcript.show(event) {
            self.push(shown.stream, &shown.text);
        }
    }

    pub(super) fn push(&mut self, stream: Stream, text: &str) {
        let feed = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        feed.push(text.as_bytes());
    }

    /// Whether whoever looks keeps up.
    pub(super) fn has_room(&self) -> bool {
        self.stdout.has_room() && self.stderr.has_room()
    }

    /// Waits until some text has left for a pump; for ever if there is none. Cancel safe.
    pub(super) async fn progress(&mut self) {
        tokio::select! {
            () = self.stdout.progress() => {}
            () = self.stderr.progress() => {}
        }
    }

    /// Ends both streams behind what was shown, and the result if it was not. Idempotent.
    pub(super) fn close(&mut self, result: Option<&str>) {
        if !std::mem::replace(&mut self.ended, true) {
            for shown in self.transcript.end(result) {
                self.push(shown.stream, &shown.text);
            }
        }
        self.stdout.close();
        self.stderr.close();
    }

    /// Counts what has left us, for telling a slow reader from a dead one.
    pub(super) fn delivered(&self) -> u64 {
        self.activity.delivered()
    }

    /// Bytes that never reached anybody, given what became of the two streams.
    pub(super) fn lost(&self, reports: &[StreamReport; 2]) -> u64 {
        let unread = |feed: &Feed, report: &StreamReport| {
            feed.pushed().saturating_sub(report.bytes) + report.mirror_lost
        };
        unread(&self.stdout, &reports[0]) + unread(&self.stderr, &reports[1])
    }
}

#[cfg(test)]
pub(super) mod tests;
