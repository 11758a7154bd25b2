//! Codex: `exec --json`, one way, and `app-server`, both ways.

pub(crate) mod app_server;
pub(crate) mod exec;
mod offline;
