//! The runtime of one checkout, on the thread of libgit2.
//!
//! It is driven only while libgit2 waits for bytes, so that a byte comes to the thread that wants it
//! without waking another one: for a pack of 100 MiB that is a third of the time.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// The runtime that has the sockets of a checkout.
#[derive(Debug)]
pub(super) struct Sockets(Option<Runtime>);

impl Sockets {
    /// Makes the runtime; it starts nothing.
    ///
    /// # Errors
    ///
    /// Fails if the kernel gives no descriptors for it.
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Waits on this thread for work of the sockets.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.0.as_ref();
        runtime.expect("only `drop` takes it").block_on(work)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // The resolver may hang in a thread of its own, which nobody waits for any more.
            runtime.shutdown_background();
        }
    }
}
