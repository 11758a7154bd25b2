//! The threads of a run's output, and how they come to an end together.

use std::task::Poll;
use std::time::{Duration, Instant};

use crate::process::Supervised;
use crate::process::conversation::Conversation;
use crate::process::output::{Pump, StreamReport};
use crate::process::watch::Watch;

/// What a thread that was asked to finish may still take for a write that is under way.
const LAST_WRITE: Duration = Duration::from_secs(1);

pub(super) struct Streams {
    pub(super) agent: [Pump; 2],
    pub(super) shown: Option<[Pump; 2]>,
    /// When they were asked to wait for nobody any more, or last got anywhere after that. A thread
    /// waits for the session while that takes its lines, and has no more of them than a pipe holds.
    pub(super) asked: Option<Instant>,
    /// Whether those that show were asked too.
    pub(super) over: bool,
}

impl Streams {
    fn all(&mut self) -> impl Iterator<Item = &mut Pump> {
        self.agent.iter_mut().chain(self.shown.iter_mut().flatten())
    }

    /// Whether all have come to their end.
    pub(super) fn ended(&mut self) -> bool {
        self.all().all(|pump| pump.ended())
    }

    /// Waits until one of them has; for ever if all have. Cancel safe.
    pub(super) async fn news(&mut self) {
        std::future::poll_fn(|context| {
            let mut news = Poll::Pending;
            for pump in self.all().filter(|pump| !pump.ended()) {
                if pump.poll(context).is_ready() {
                    news = Poll::Ready(());
                }
            }
            news
        })
        .await;
    }

    /// Asks them to end without waiting for anybody.
    ///
    /// What the agent's pipes still hold is read and reaches the session, so what is shown ends
    /// only after that; see [`Streams::on_over`].
    pub(super) fn finish(&mut self, conversation: &mut Conversation) {
        if self.asked.is_some() {
            return;
        }
        self.asked = Some(Instant::now());
        conversation.hurry();
        self.agent.iter().for_each(Pump::finish);
    }

    /// Ends what is shown, for there will be no more of it.
    pub(super) fn on_over(&mut self, conversation: &mut Conversation, watch: &mut Watch) {
        conversation.on_silence(watch);
        if self.asked.is_some() && !std::mem::replace(&mut self.over, true) {
            self.shown.iter().flatten().for_each(Pump::finish);
            self.on_progress();
        }
    }

    /// Is told that a line was taken, or that a thread has ended: those that are left do not hang.
    pub(super) fn on_progress(&mut self) {
        if let Some(since) = &mut self.asked {
            *since = Instant::now();
        }
    }

    /// Whether one that was asked to finish hangs in a write.
    pub(super) fn hang(&self, now: Instant) -> bool {
        self.asked.is_some_and(|since| now > since + LAST_WRITE)
    }

    /// Says what became of the output.
    pub(super) fn tell(self, result: &mut Supervised, conversation: &mut Conversation) {
        let [stdout, stderr] = self.agent.map(Pump::into_report);
        result.output_incomplete = stdout.incomplete || stderr.incomplete;
        result.output_bytes = stdout.bytes + stderr.bytes;
        result.mirror_lost = stdout.mirror_lost + stderr.mirror_lost;
        result.last_line = stderr.last_line.or(stdout.last_line);
        let mut redactions = [stdout.redactions, stderr.redactions].concat();
        if let Some(shown) = self.shown {
            let shown: [StreamReport; 2] = shown.map(Pump::into_report);
            result.mirror_lost += conversation.screen().lost(&shown);
            redactions.extend(shown.into_iter().flat_map(|report| report.redactions));
        }
        result.redactions = redactions;
    }
}
