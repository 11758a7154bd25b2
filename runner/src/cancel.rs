//! Asking work on another thread to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Asks work on another thread to end. Clones share the question.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    asked: AtomicBool,
    waiting: Notify,
}

impl Cancel {
    /// Asks. Idempotent; there is no way back.
    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::Release);
        self.0.waiting.notify_waiters();
    }

    /// Says whether anybody asked; for loops that compute.
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Acquire)
    }

    /// Waits until somebody asks; for work that waits.
    ///
    /// Cancel safe: a question is never lost.
    pub async fn asked(&self) {
        // Listens before it looks, so that a question in between is heard.
        let mut heard = std::pin::pin!(self.0.waiting.notified());
        heard.as_mut().enable();
        if !self.is_asked() {
            heard.await;
        }
    }
}
