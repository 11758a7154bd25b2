//! Secrets reach the agent, and no subscriber, no journal, no log, no status and no argument.

#[path = "events_secrets/agent.rs"]
mod agent;
#[path = "events_secrets/credentials.rs"]
mod credentials;
#[path = "events_secrets/handed_over.rs"]
mod handed_over;
#[path = "events_secrets/runner.rs"]
mod runner;
#[path = "events_secrets/scan.rs"]
mod scan;

use std::fs;

use agent_tests::{Nats, NatsServer, Run};
use serde_json::json;

/// The stream of the real installation.
const STREAM: &str = "agent-comms";

/// In a variable; with characters that JSON, URLs and base64 each treat in their own way.
const VALUE: &str = "s3cr\"et/+value&with=more\\than words";

/// In a mounted file.
const MOUNTED: &str = "m0unted \"password\" of/a+data&base";

/// In a variable, over two lines, of which neither is long enough to be known alone.
const TWO_LINES: &str = "first-half\nother-half";

/// Known by its shape alone; put together so that no scanner finds it here.
fn token() -> String {
    format!("gh{}_{}", "p", "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5")
}

/// All of them, with the names that stand in their places.
fn secrets() -> [(&'static str, String); 4] {
    [
        ("SOME_API_KEY", VALUE.to_owned()),
        ("DB_PASSWORD_FILE", MOUNTED.to_owned()),
        ("SHARED_SECRET", TWO_LINES.to_owned()),
        ("github-token", token()),
    ]
}

/// Each in every form in which it is known; a token is known by its shape, which codes have not.
fn printed() -> Vec<String> {
    let [exact @ .., (_, token)] = secrets();
    let forms = exact.iter().flat_map(|(_, secret)| scan::forms(secret));
    forms.chain([token]).collect()
}

/// A server that has the stream.
fn with_stream(server: NatsServer) -> Nats {
    let nats = server.start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}

/// A run that publishes, knows all secrets, and says as much as it can.
fn secretive(nats: &Nats) -> Run {
    let run = Run::new();
    let mounted = run.path("mounted");
    fs::write(&mounted, format!("{MOUNTED}\n")).expect("the directory is ours");
    run.env("NATS_URL", nats.url())
        .env("AGENT_RUN_UID", "uid-1")
        .env("SOME_API_KEY", VALUE)
        .env("SHARED_SECRET", TWO_LINES)
        .env("DB_PASSWORD_FILE", mounted)
        .env("AGENT_RUNNER_LOG", "trace")
        .setting("protocol", json!("raw"))
}
