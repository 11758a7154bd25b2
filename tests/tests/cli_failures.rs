//! What fails at the provider, on the way to it, or before anything is asked: every real CLI says it
//! in its own way, and the status says it in ours.

#[path = "cli_failures/network.rs"]
mod network;
#[path = "cli_failures/provider.rs"]
mod provider;
#[path = "cli_failures/silence.rs"]
mod silence;
#[path = "cli_failures/startup.rs"]
mod startup;
