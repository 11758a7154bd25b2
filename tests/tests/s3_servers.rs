//! The S3 server that tests run against does what S3 does, or what a fault says, with a client whose
//! signatures are made by the signer of AWS's own.

#[path = "s3_servers/client.rs"]
mod client;
#[path = "s3_servers/credentials.rs"]
mod credentials;
#[path = "s3_servers/faults.rs"]
mod faults;
#[path = "s3_servers/objects.rs"]
mod objects;
#[path = "s3_servers/signatures.rs"]
mod signatures;
#[path = "s3_servers/uploads.rs"]
mod uploads;

use agent_tests::{S3Object, S3Server};

/// An object that must be there.
#[track_caller]
fn stored(server: &S3Server, key: &str) -> S3Object {
    let object = server.object(key);
    object.unwrap_or_else(|| panic!("`{key}` is not stored"))
}
