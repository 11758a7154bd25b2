//! The one assertion that holds for every ending.

use crate::Ended;

/// What a stranger sees of an ending.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// The exit code.
    pub code: i32,
    /// The outcome of the status.
    pub outcome: &'static str,
    /// Its reason.
    pub reason: &'static str,
}

/// Asserts code, status file and process table, whatever the ending is.
#[track_caller]
pub fn assert_ends(name: &str, ended: &Ended, wanted: &Ending) {
    assert_eq!(
        (ended.code, ended.outcome(), ended.reason()),
        (wanted.code, wanted.outcome, wanted.reason),
        "{name}: {}\n{}",
        ended.status,
        ended.stderr
    );
    let word = match wanted.outcome {
        "Completed" => "succeeded",
        "Cancelled" => "cancelled",
        _ => "failed",
    };
    assert_eq!(ended.status["status"], word, "{name}");
    assert_eq!(
        ended.full["outcome"], wanted.outcome,
        "{name}: {}",
        ended.full
    );
    assert_eq!(
        ended.error().is_empty(),
        wanted.code == 0,
        "{name}: {}",
        ended.error()
    );
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), [], "{name}");
}

/// Names an ending.
pub fn ends(code: i32, outcome: &'static str, reason: &'static str) -> Ending {
    Ending {
        code,
        outcome,
        reason,
    }
}
