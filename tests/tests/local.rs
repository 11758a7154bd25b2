//! `local`: what a controller writes without a controller, and a run as in a pod without a pod.

#[path = "local/bench.rs"]
mod bench;
#[path = "local/demo.rs"]
mod demo;
#[path = "local/hidden.rs"]
mod hidden;
#[path = "local/launch.rs"]
mod launch;
#[path = "local/pages.rs"]
mod pages;
#[path = "local/paths.rs"]
mod paths;
#[path = "local/players.rs"]
mod players;
#[path = "local/print.rs"]
mod print;
#[path = "local/real.rs"]
mod real;
#[path = "local/run.rs"]
mod run;
#[path = "local/same.rs"]
mod same;
#[path = "local/signals.rs"]
mod signals;
#[path = "local/workspace.rs"]
mod workspace;
