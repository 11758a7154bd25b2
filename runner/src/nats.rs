//! Connections to NATS, for what publishes and what fetches: to whom, as whom, trusting whom.
//!
//! Files with credentials and authorities are read for every connection, because a mounted secret
//! may be renewed. The library's own list of neighbours is ignored: credentials go to the hosts
//! that they are for.

mod login;
mod quiet;
mod source;
mod tls;

use agent_plan::plan::NatsPlan;
use async_nats::{ConnectOptions, ServerAddr};

pub(crate) use quiet::dispatch as quiet;

/// Why nobody can be logged in; there is no secret in it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LoginError(#[from] Problem);

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Login(#[from] login::LoginError),
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// Returns the options of a connection: login, TLS, and no neighbours.
///
/// Reads files.
///
/// # Errors
///
/// Returns [`LoginError`] for a file that cannot be used.
pub(crate) fn options(plan: &NatsPlan) -> Result<ConnectOptions, LoginError> {
    let tls = tls::client_config(&plan.tls).map_err(Problem::from)?;
    let options = ConnectOptions::new()
        .connection_timeout(plan.connect)
        .ignore_discovered_servers()
        .tls_client_config(tls);
    Ok(login::add(options, &plan.login).map_err(Problem::from)?)
}

/// Returns the servers, as the library wants them; without credentials, which it would not read.
pub(crate) fn addresses(plan: &NatsPlan) -> Vec<ServerAddr> {
    let hosts = hosts(plan).into_iter().zip(&plan.servers);
    let addresses = hosts.filter_map(|(host, server)| {
        let scheme = if server.tls { "tls" } else { "nats" };
        format!("{scheme}://{host}").parse().ok()
    });
    addresses.collect()
}

/// Names the servers, for messages.
pub(crate) fn names(plan: &NatsPlan) -> String {
    hosts(plan).join(", ")
}

fn hosts(plan: &NatsPlan) -> Vec<String> {
    let host = |host: &str, port| {
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    };
    let servers = plan.servers.iter();
    servers.map(|it| host(&it.host, it.port)).collect()
}
