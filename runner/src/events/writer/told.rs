//! What the writer says of itself.

use std::path::PathBuf;

use crate::events::journal::Opened;

/// What became of events up to the backlog.
#[derive(Debug, Default)]
pub(in crate::events) struct Told {
    /// Records of this attempt.
    pub(in crate::events) emitted: u64,
    /// Records of earlier attempts that were not delivered.
    pub(in crate::events) left_over: u64,
    /// Output that was left out of a full journal.
    pub(in crate::events) dropped: u64,
    /// Records that nobody has.
    pub(in crate::events) lost: u64,
    /// The journal, if it outlives the run.
    pub(in crate::events) journal: Option<PathBuf>,
    /// What was wrong when it was opened.
    pub(in crate::events) opening: Option<String>,
    /// What is wrong with writing.
    pub(in crate::events) writing: Option<String>,
}

impl Told {
    pub(super) fn opened(&mut self, opened: &Opened) {
        if let Some(problem) = &opened.problem {
            tracing::warn!(%problem, "Journal not as it should be.");
        }
        self.opening.clone_from(&opened.problem);
        self.left_over = opened.found.left_over;
        let path = opened.journal.as_ref().and_then(|journal| journal.path());
        self.journal = path.map(ToOwned::to_owned);
    }

    pub(super) fn lost(&mut self, lost: u64) {
        if lost > self.lost {
            self.lost = lost;
            tracing::warn!(lost, "Events lost.");
        }
    }

    /// Everything that is wrong, in words.
    pub(in crate::events) fn problem(&self) -> Option<String> {
        let lost = (self.lost > 0).then(|| format!("{} events were lost", self.lost));
        let all = [self.opening.clone(), self.writing.clone(), lost];
        let all = all.into_iter().flatten().collect::<Vec<_>>();
        (!all.is_empty()).then(|| all.join("; "))
    }
}
