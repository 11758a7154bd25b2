//! Waiting for a network, which codex does for ever, after 5, 10, 20 … seconds.

/// So many notices of it in a row are too many: two and a half minutes, which is about as long as
/// claude tries.
const TOO_MANY: u32 = 6;

/// How often in a row codex has said that there is no network.
#[derive(Debug, Default)]
pub(super) struct Offline(u32);

impl Offline {
    /// Takes the message of an attempt that failed; says whether it is time to give up.
    pub(super) fn on_retry(&mut self, message: &str) -> bool {
        if message.starts_with("Reconnecting... waiting for network") {
            self.0 += 1;
        } else {
            self.0 = 0;
        }
        self.0 >= TOO_MANY
    }

    /// Codex got on.
    pub(super) fn on_progress(&mut self) {
        self.0 = 0;
    }
}
