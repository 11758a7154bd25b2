//! Preparing the workspace before the agent starts.

mod files;

pub use files::{FileError, write};
