//! How to talk to each agent CLI: one module per protocol, pure.
//!
//! A session takes text and gives actions; it starts nothing, reads nothing and knows no clock.

mod jsonl;
mod raw;

use agent_plan::provider::Session;
use agent_plan::settings::Protocol;

pub use jsonl::Jsonl;
pub use raw::Raw;

/// Returns a new session for a protocol.
pub fn session(protocol: Protocol) -> Box<dyn Session> {
    match protocol {
        Protocol::Jsonl => Box::new(Jsonl::default()),
        _ => Box::new(Raw),
    }
}
