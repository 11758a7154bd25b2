//! Nothing of a run is lost on its way into the stream, and nothing is there twice: whatever happens
//! to the server, to the network between, and to the runner itself.

#[path = "events_faults/flood.rs"]
mod flood;
#[path = "events_faults/limits.rs"]
mod limits;
#[path = "events_faults/network.rs"]
mod network;
#[path = "events_faults/random.rs"]
mod random;
#[path = "events_faults/restarts.rs"]
mod restarts;
#[path = "events_faults/runner_kills.rs"]
mod runner_kills;
#[path = "events_faults/scene.rs"]
mod scene;
#[path = "events_faults/server_kills.rs"]
mod server_kills;
#[path = "events_faults/stream.rs"]
mod stream;

use agent_tests::{Nats, NatsServer};
use scene::STREAM;

/// A server with the stream of the real installation.
fn server() -> Nats {
    with_stream(NatsServer::new())
}

fn with_stream(nats: NatsServer) -> Nats {
    let nats = nats.start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}
