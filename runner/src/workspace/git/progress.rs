//! How far a checkout is: a line in the log now and then, and a bar where somebody watches.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::workspace::Say;

/// When the log says it first: a clone that takes longer is one that somebody waits for.
const FIRST: Duration = Duration::from_secs(1);

/// How often the log says it then: a clone of a minute has seven lines.
const EVERY: Duration = Duration::from_secs(10);

/// How often a terminal is drawn on.
const FRAME: Duration = Duration::from_millis(100);

/// Cells of the bar.
const WIDTH: usize = 30;

/// How far a checkout is.
pub(super) struct Progress {
    shown: Mutex<Shown>,
    terminal: bool,
    say: Say,
}

struct Shown {
    /// When the log has its next line, and events their next.
    due: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// Starts; `terminal`: whether stderr is one, on which a bar may be drawn; `say` is told what the
    /// log is.
    pub(super) fn new(terminal: bool, say: Say) -> Self {
        Self {
            shown: Mutex::new(Shown {
                due: Instant::now() + FIRST,
                drawn: None,
            }),
            terminal,
            say,
        }
    }

    /// Tells of a transfer; called often.
    pub(super) fn received(&self, stats: &git2::Progress<'_>) {
        let (done, all, bytes) = (
            stats.received_objects(),
            stats.total_objects(),
            stats.received_bytes(),
        );
        // Somebody else is drawing; there will be another call.
        let Ok(mut shown) = self.shown.try_lock() else {
            return;
        };
        if self.terminal && shown.drawn.is_none_or(|at| at.elapsed() >= FRAME) {
            shown.drawn = Some(Instant::now());
            crate::telemetry::draw(&bar(done, all, bytes));
        }
        if Instant::now() >= shown.due {
            shown.due = Instant::now() + EVERY;
            (self.say)(format!(
                "receiving the repository: {done} of {all} objects, {bytes} bytes"
            ));
            if !self.terminal {
                tracing::info!(objects = done, of = all, bytes, "Receiving the repository.");
            }
        }
    }

    /// Removes the bar, if there is one.
    pub(super) fn end(&self) {
        if self.terminal {
            crate::telemetry::erase();
        }
    }
}

fn bar(done: usize, all: usize, bytes: usize) -> String {
    let cells = (done * WIDTH).checked_div(all).unwrap_or(0);
    format!(
        "[{}{}] {done}/{all} objects, {} MiB",
        "#".repeat(cells),
        " ".repeat(WIDTH - cells),
        bytes >> 20
    )
}
