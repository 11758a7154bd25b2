//! After the agent's end: its last bytes, and the processes that outlive it.

mod streams;

use std::time::{Duration, Instant};

use agent_plan::plan::Budget;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::signal::unix::Signal as SignalStream;
use tokio::time::sleep;

use super::conversation::Conversation;
use super::output::{Activity, Pump};
use super::stop::{Found, Stop, kill_all};
use super::watch::Watch;
use super::{Process, Supervised, group};
use crate::shutdown::{Request, Shutdown};
use streams::Streams;

/// What a process that outlives the agent gets to finish by itself: a shell's last background job
/// writes its line within milliseconds; a daemon never ends.
const LINGER: Duration = Duration::from_secs(1);

/// What it gets between TERM and KILL.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);

/// What the kernel gets to end a group that was killed and cannot be looked at.
const GROUP_PATIENCE: Duration = Duration::from_millis(100);

/// A sink that takes no byte for so long is given up. The kubelet pauses for log rotation, which
/// takes a second or two on a busy node.
const STALLED: Duration = Duration::from_secs(10);

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What is left to drain.
pub(super) struct Remains<'a> {
    pub(super) group: Pid,
    /// Agent's stdout and stderr.
    pub(super) agent: [Pump; 2],
    /// What is shown on our stdout and stderr, for a conversation that is shown.
    pub(super) shown: Option<[Pump; 2]>,
    pub(super) activity: &'a Activity,
    pub(super) budget: Budget,
}

pub(super) async fn drain(
    result: &mut Supervised,
    remains: Remains<'_>,
    conversation: &mut Conversation,
    watch: &mut Watch,
    stop: &mut Stop,
    shutdown: &mut Shutdown,
    orphans: &mut SignalStream,
) {
    let Remains {
        group,
        agent,
        shown,
        activity,
        budget,
    } = remains;
    let mut leftovers = Leftovers {
        group,
        stage: Stage::Waiting(Instant::now() + LINGER),
    };
    let mut streams = Streams {
        agent,
        shown,
        asked: None,
        over: false,
    };
    let mut progress = (0, Instant::now());
    conversation.on_end();
    if stop.urgent() {
        leftovers.kill(result);
        streams.finish(conversation);
    }
    loop {
        let now = Instant::now();
        leftovers.look(now, result);
        if conversation.is_over() {
            streams.on_over(conversation, watch);
        }
        if streams.ended() && leftovers.gone() {
            break;
        }
        let delivered = activity.delivered() + conversation.screen().delivered();
        if delivered != progress.0 {
            progress = (delivered, now);
        }
        // After a stop the pod's clock runs; otherwise only a sink that takes nothing is given up.
        let spent = stop
            .since()
            .is_some_and(|since| now.duration_since(since) > budget.stop + budget.flush);
        let patience = leftovers.patience();
        let stalled = leftovers.gone() && now > progress.1 + patience;
        if spent && !leftovers.gone() {
            leftovers.kill(result);
        }
        if spent || stalled {
            streams.finish(conversation);
        }
        if streams.hang(now) && leftovers.gone() {
            break;
        }
        tokio::select! {
            biased;
            request = shutdown.recv() => match conversation.translate(request) {
                Some(Request::StopNow(_)) => {
                    leftovers.kill(result);
                    streams.finish(conversation);
                }
                Some(Request::Stop(_)) => {
                    // The agent has ended by itself; only the clock of the pod is new.
                    leftovers.hurry();
                    stop.start_clock();
                }
                Some(Request::Forward(_)) | None => {}
            },
            () = streams.news() => streams.on_progress(),
            _ = orphans.recv() => drop(group::reap(None)),
            () = sleep(LOOK) => {}
            turn = conversation.next() => {
                conversation.take(turn, watch);
                streams.on_progress();
            }
        }
    }
    conversation.catch_up(watch);
    conversation.on_silence(watch);
    streams.tell(result, conversation);
}

/// The processes that outlive the agent.
struct Leftovers {
    group: Pid,
    stage: Stage,
}

enum Stage {
    /// They may end by themselves until then.
    Waiting(Instant),
    /// They have had TERM, and get KILL then.
    Asked(Instant),
    /// Nothing is left.
    Gone,
    /// What is left cannot be found, or the kernel cannot end it; it may hold a pipe for ever.
    Abandoned,
}

impl Leftovers {
    fn gone(&self) -> bool {
        matches!(self.stage, Stage::Gone | Stage::Abandoned)
    }

    /// How long no byte may move before the rest is given up.
    fn patience(&self) -> Duration {
        match self.stage {
            Stage::Abandoned => LINGER,
            _ => STALLED,
        }
    }

    /// Moves on if it is time to.
    fn look(&mut self, now: Instant, result: &mut Supervised) {
        if self.gone() {
            return;
        }
        if !group::reap(None) {
            self.stage = Stage::Gone;
            return;
        }
        match self.stage {
            Stage::Waiting(until) if now >= until => {
                result.note_leftovers(group::sweep(Some(self.group), Signal::SIGTERM));
                group::sweep(Some(self.group), Signal::SIGCONT);
                self.stage = Stage::Asked(now + LEFTOVER_GRACE);
            }
            Stage::Asked(until) if now >= until => {
                self.kill(result);
            }
            _ => {}
        }
    }

    fn hurry(&mut self) {
        if let Stage::Waiting(until) = &mut self.stage {
            *until = Instant::now();
        }
    }

    /// Ends them at once; those that had no TERM yet are counted here.
    fn kill(&mut self, result: &mut Supervised) {
        if self.gone() {
            return;
        }
        if !group::reap(None) {
            self.stage = Stage::Gone;
            return;
        }
        if let Stage::Waiting(_) = self.stage {
            result.note_leftovers(group::descendants());
        }
        result.killed = true;
        let mut left = match kill_all(Some(self.group)) {
            Found::All => group::reap(None),
            Found::GroupOnly => {
                result.leftovers_unknown = true;
                true
            }
        };
        let until = Instant::now() + GROUP_PATIENCE;
        while left && Instant::now() < until {
            // Nothing tells of their end but their being there to reap.
            std::thread::sleep(Duration::from_millis(1));
            left = group::reap(None);
        }
        // Waiting longer for the others would not help.
        self.stage = if left { Stage::Abandoned } else { Stage::Gone };
    }
}

impl Supervised {
    fn note_leftovers(&mut self, found: Option<Vec<Process>>) {
        match found {
            Some(found) => self.leftovers = found,
            None => self.leftovers_unknown = true,
        }
    }
}
