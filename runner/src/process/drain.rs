//! After the agent's end: its last bytes, and the processes that outlive it.

use std::time::{Duration, Instant};

use agent_plan::plan::Budget;
use agent_plan::provider::Session;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::signal::unix::Signal as SignalStream;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::output::{Activity, Pump, StreamReport};
use super::stop::{Found, Stop, Watch, kill_all};
use super::{Process, Supervised, group};
use crate::shutdown::{Request, Shutdown};

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

/// What a thread that was asked to finish may still take for a write that is under way.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Limits<'a> {
    pub(super) group: Pid,
    pub(super) stop: &'a mut Stop,
    pub(super) budget: Budget,
    pub(super) activity: &'a Activity,
}

#[expect(
    clippy::too_many_arguments,
    reason = "the other half of the supervisor's loop, with its state"
)]
pub(super) async fn drain(
    result: &mut Supervised,
    pumps: [Pump; 2],
    lines: &mut mpsc::Receiver<String>,
    session: &mut dyn Session,
    watch: &mut Watch,
    limits: Limits<'_>,
    shutdown: &mut Shutdown,
    orphans: &mut SignalStream,
) {
    let Limits {
        group,
        stop,
        budget,
        activity,
    } = limits;
    let mut leftovers = Leftovers {
        group,
        stage: Stage::Waiting(Instant::now() + LINGER),
    };
    let mut progress = (activity.delivered(), Instant::now());
    let mut asked = None;
    let [mut stdout, mut stderr] = pumps;
    let mut reports: [Option<StreamReport>; 2] = [None, None];
    if stop.urgent() {
        leftovers.kill(result);
        stdout.finish();
        stderr.finish();
        asked = Some(Instant::now());
    }
    loop {
        let now = Instant::now();
        leftovers.look(now, result);
        let drained = reports.iter().all(Option::is_some);
        if drained && leftovers.gone() {
            break;
        }
        if activity.delivered() != progress.0 {
            progress = (activity.delivered(), now);
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
        if asked.is_none() && (spent || stalled) {
            stdout.finish();
            stderr.finish();
            asked = Some(now);
        }
        if asked.is_some_and(|asked| now > asked + LAST_WRITE) && leftovers.gone() {
            break;
        }
        tokio::select! {
            biased;
            request = shutdown.recv() => match request {
                Request::StopNow(_) => {
                    leftovers.kill(result);
                    stdout.finish();
                    stderr.finish();
                    asked.get_or_insert(now);
                }
                Request::Stop(_) => {
                    // The agent has ended by itself; only the clock of the pod is new.
                    leftovers.hurry();
                    stop.start_clock();
                }
                Request::Forward(_) => {}
            },
            report = &mut stdout.report, if reports[0].is_none() => {
                reports[0] = Some(report.unwrap_or_else(|_| stdout.so_far()));
            }
            report = &mut stderr.report, if reports[1].is_none() => {
                reports[1] = Some(report.unwrap_or_else(|_| stderr.so_far()));
            }
            Some(line) = lines.recv() => result.take(session.on_line(&line), watch),
            _ = orphans.recv() => drop(group::reap(None)),
            () = sleep(LOOK) => {}
        }
    }
    while let Ok(line) = lines.try_recv() {
        result.take(session.on_line(&line), watch);
    }
    let [first, second] = reports;
    let stdout = first.unwrap_or_else(|| stdout.so_far());
    let stderr = second.unwrap_or_else(|| stderr.so_far());
    result.output_incomplete = stdout.incomplete || stderr.incomplete;
    result.output_bytes = stdout.bytes + stderr.bytes;
    result.mirror_lost = stdout.mirror_lost + stderr.mirror_lost;
    result.last_line = stderr.last_line.or(stdout.last_line);
    result.redactions = stdout
        .redactions
        .into_iter()
        .chain(stderr.redactions)
        .collect();
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
