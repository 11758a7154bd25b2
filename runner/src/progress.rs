//! How far something is that people wait for: a bar where somebody watches, and now and then a word
//! for everybody else.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::telemetry;

/// When it is said first: what takes longer is something that somebody waits for.
const FIRST: Duration = Duration::from_secs(1);

/// How often it is said then: of a minute there are seven lines.
const EVERY: Duration = Duration::from_secs(10);

/// How often a terminal is drawn on.
const FRAME: Duration = Duration::from_millis(100);

/// Cells of the bar.
const WIDTH: u32 = 30;

/// When to draw, and when to say something.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Mutex<Shown>,
    terminal: bool,
}

#[derive(Debug)]
struct Shown {
    due: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// Starts; draws on stderr if `terminal`.
    pub(crate) fn new(terminal: bool) -> Self {
        let due = Instant::now() + FIRST;
        let shown = Mutex::new(Shown { due, drawn: None });
        Self { shown, terminal }
    }

    /// Starts; draws on stderr if that is a terminal.
    pub(crate) fn on_stderr() -> Self {
        Self::new(stderr().is_terminal())
    }

    /// Draws `done` of `all`, with `count` behind the bar, if it is time to; called often.
    ///
    /// Says whether it is time for a word, too.
    pub(crate) fn advance(&self, done: u64, all: u64, count: impl FnOnce() -> String) -> bool {
        // Somebody else is drawing; there will be another call.
        let Ok(mut shown) = self.shown.try_lock() else {
            return false;
        };
        if self.terminal && shown.drawn.is_none_or(|at| at.elapsed() >= FRAME) {
            shown.drawn = Some(Instant::now());
            telemetry::draw(&bar(done, all, &count()));
        }
        let is_due = Instant::now() >= shown.due;
        if is_due {
            shown.due = Instant::now() + EVERY;
        }
        is_due
    }

    /// Whether there is a bar, so that the log need not say it.
    pub(crate) fn is_drawn(&self) -> bool {
        self.terminal
    }

    /// Removes the bar, if there is one.
    pub(crate) fn end(&self) {
        if self.terminal {
            telemetry::erase();
        }
    }
}

fn bar(done: u64, all: u64, count: &str) -> String {
    let cells = done.saturating_mul(u64::from(WIDTH)).checked_div(all);
    let cells = cells.map_or(0, |cells| usize::try_from(cells).unwrap_or(usize::MAX));
    let width = WIDTH as usize;
    let cells = cells.min(width);
    let rest = width - cells;
    format!("[{}{}] {count}", "#".repeat(cells), " ".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_never_leaves_its_cells() {
        for (done, all, cells) in [(0, 0, 0), (1, 2, 15), (2, 2, 30), (9, 2, 30)] {
            let bar = bar(done, all, "x");
            assert_eq!(bar.matches('#').count(), cells, "{bar}");
            assert_eq!(bar.len(), 34, "{bar}");
        }
    }

    #[test]
    fn what_is_over_within_a_second_is_not_talked_about() {
        let progress = Progress::new(false);
        assert!(!progress.advance(1, 2, String::new));
        progress.shown.lock().expect("nobody panicked").due = Instant::now();
        assert!(progress.advance(1, 2, String::new));
        assert!(!progress.advance(2, 2, String::new));
    }
}
