//! What one agent run is, before anything is touched.
//!
//! This crate is pure: it reads no file, no clock and no environment, starts nothing and writes
//! nothing.

pub mod secret;
pub mod template;
