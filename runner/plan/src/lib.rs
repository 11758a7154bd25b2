//! What one agent run is, before anything is touched.
//!
//! This crate is pure: it reads no file, no clock and no environment, starts nothing and writes
//! nothing. The shell (`agent-runner`) reads what there is to read, gives it to [`plan::Plan`],
//! and does what the plan says. So what a run will do can be printed, compared and tested as a
//! value; `clippy.toml` beside this crate keeps it so.
//!
//! In reading order:

pub mod document;
pub mod env;
pub mod event;
pub mod explain;
pub mod handover;
pub mod manifest;
pub mod message;
pub mod outcome;
pub mod plan;
pub mod provider;
pub mod record;
pub mod resolve;
pub mod resource;
pub mod secret;
pub mod settings;
pub mod spec;
pub mod status;
pub mod template;

mod nearest;
mod pattern;

pub use nearest::nearest;
