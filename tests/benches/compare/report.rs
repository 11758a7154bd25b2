//! Tables for people, and the targets that `--check` compares with.

use std::io::{self, Write};

use crate::spread::Spread;

/// Longest time that the runner may add to `/bin/true`, in milliseconds.
pub(crate) const START_MS: f64 = 5.0;
/// Largest resident set while the agent is silent, in MiB.
pub(crate) const IDLE_MIB: f64 = 8.0;
/// Growth of the peak from 1 MiB to 1 GiB of output, in MiB.
pub(crate) const SLOPE_MIB: f64 = 1.0;
/// Wall time over that of tee, without and with redaction.
pub(crate) const LOG_RATIO: [f64; 2] = [1.0, 2.0];

/// Wall time of a checkout over that of `git clone --depth 1`, and of the incumbent's way.
pub(crate) const CHECKOUT_RATIO: f64 = 1.0;

/// Time per event of the sink alone, over that of a client that does nothing else: 0.7 of its rate.
pub(crate) const EVENTS_TIME_RATIO: f64 = 1.0 / 0.7;
/// Median time from an agent's write to a subscriber, over that through a bare forwarder.
pub(crate) const EVENTS_LATENCY_RATIO: f64 = 1.5;
/// Largest resident set while the agent is silent, with a connection over TLS, in MiB.
pub(crate) const EVENTS_IDLE_MIB: f64 = 10.0;
/// Growth of the peak from 1,000 events to 200,000, in MiB: the window of records in memory.
pub(crate) const EVENTS_SLOPE_MIB: f64 = 8.0;

/// Wall time of storing, over that of a peer.
pub(crate) const UPLOAD_RATIO: f64 = 1.0;
/// Peak memory of storing, over that of a peer.
pub(crate) const UPLOAD_MEMORY_RATIO: f64 = 0.5;

/// What is printed, and what was promised.
pub(crate) struct Report {
    out: io::Stdout,
    checks: Vec<Check>,
}

struct Check {
    what: String,
    measured: Spread,
    target: f64,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            out: io::stdout(),
            checks: Vec::new(),
        }
    }

    /// Prints a text as it is.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        let mut out = self.out.lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Prints a heading and the head of a table.
    pub(crate) fn table(&self, heading: &str, columns: &[&str]) -> io::Result<()> {
        let rule = "---|".repeat(columns.len());
        self.say(&format!(
            "\n## {heading}\n\n| {} |\n|{rule}\n",
            columns.join(" | ")
        ))
    }

    /// Prints a row of a table.
    pub(crate) fn row(&self, cells: &[String]) -> io::Result<()> {
        self.say(&format!("| {} |\n", cells.join(" | ")))
    }

    /// Notes a number that has a target: its median is at most that.
    pub(crate) fn target(&mut self, what: impl Into<String>, measured: Spread, target: f64) {
        self.checks.push(Check {
            what: what.into(),
            measured,
            target,
        });
    }

    /// Prints each target, by how much it is kept or missed, and whether all rounds agree.
    ///
    /// Says whether all are kept. The median counts, and nothing above the target is tolerated.
    pub(crate) fn check(&self) -> io::Result<bool> {
        self.table("Targets", &["what", "measured", "at most", ""])?;
        for check in &self.checks {
            let (median, target) = (check.measured.median, check.target);
            let word = if check.is_kept() { "kept" } else { "MISSED" };
            let divided = if check.measured.has_on_both_sides(target) {
                ", not in all rounds"
            } else {
                ""
            };
            self.row(&[
                check.what.clone(),
                format!("{median:.2}"),
                format!("{target:.2}"),
                format!("{word} by {:.2}{divided}", (median - target).abs()),
            ])?;
        }
        Ok(self.checks.iter().all(Check::is_kept))
    }
}

impl Check {
    fn is_kept(&self) -> bool {
        self.measured.median <= self.target
    }
}

/// A spread of seconds as milliseconds.
pub(crate) fn milliseconds(seconds: &[f64]) -> Spread {
    Spread::of(seconds.iter().copied()).times(1e3)
}
