//! The connection that others' words are fetched over.

use std::time::Duration;

use agent_plan::plan::NatsPlan;
use async_nats::{Client, Event, ServerError};
use tokio::sync::watch;

use super::ContextError;
use crate::nats;

/// What the server says, beside requests, of one that it does not take.
const DENIED: &str = "permissions violation";

/// Connects, and tells the first thing that the server forbids from then on.
///
/// Cancel safe.
pub(super) async fn connect(
    plan: &NatsPlan,
    timeout: Duration,
    tell: watch::Sender<Option<String>>,
) -> Result<Client, ContextError> {
    let options = nats::options(plan)
        .map_err(ContextError::Login)?
        .name("agent-runner: context")
        .connection_timeout(plan.connect.min(timeout))
        .request_timeout(Some(timeout))
        .event_callback(move |event| {
            if let Event::ServerError(ServerError::Other(problem)) = event
                && problem.to_lowercase().contains(DENIED)
            {
                tell.send_if_modified(|told| {
                    let is_first = told.is_none();
                    told.get_or_insert(problem);
                    is_first
                });
            }
            std::future::ready(())
        });
    let connected = options.connect(nats::addresses(plan)).await;
    connected.map_err(|source| ContextError::Connect {
        servers: nats::names(plan),
        source,
    })
}
