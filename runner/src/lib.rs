//! The shell around `agent-plan`: it reads what there is to read and does what the plan says.
//!
//! Leaves never import each other; `run` is the only module that knows all of them. In reading
//! order:

pub mod cli;
pub mod load;
pub mod run;

pub mod artifacts;
pub mod context;
pub mod events;
pub mod preflight;
pub mod process;
pub mod shutdown;
pub mod status;
pub mod workspace;

pub mod blocking;
pub mod cancel;
pub mod credential;
pub mod fake_app_server;
pub mod install;
pub mod kit;
pub mod ledger;
pub mod local;
pub mod nats;
pub mod outlet;
pub mod replay;
pub mod report;
pub mod scripted;
pub mod telemetry;
pub mod verbs;

pub mod guard;

mod digest;
mod executable;
mod fault;
mod home;
mod progress;
mod short_file;
mod trust;
mod veil;
