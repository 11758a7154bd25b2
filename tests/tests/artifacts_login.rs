//! As whom artifacts are stored, where the bucket's name stands, and what the connection is.

#[path = "artifacts_login/addresses.rs"]
mod addresses;
#[path = "artifacts_login/container.rs"]
mod container;
#[path = "artifacts_login/encryption.rs"]
mod encryption;
#[path = "artifacts_login/keys.rs"]
mod keys;
#[path = "artifacts_login/profile.rs"]
mod profile;
#[path = "artifacts_faults/scene.rs"]
mod scene;
#[path = "artifacts_login/tls.rs"]
mod tls;
#[path = "artifacts_login/web_identity.rs"]
mod web_identity;

use agent_tests::{Run, S3Object, S3Server};
use scene::uploads;
use scene::{MIB, assert_failed, assert_stored, assert_untold, declaring, key, noise, storing};

/// What every run stores: a file of one request, and one of three parts.
const FILES: [(&str, u64); 2] = [("small", 1_000), ("large", 17 * MIB)];

/// Declares the files, makes them, and names the server and its bucket, without any keys.
fn run_at(server: &S3Server) -> Run {
    let run = declaring(Run::new(), &FILES.map(|(name, _)| name));
    for (name, size) in FILES {
        noise(&run.path(name), size);
    }
    run.env("AGENTS_ARTIFACTS_ENDPOINT", server.url())
        .env("AGENTS_ARTIFACTS_BUCKET", server.bucket())
}

/// The same with keys.
fn run_with_keys(server: &S3Server) -> Run {
    storing(run_at(server), server)
}

/// Lets a run end, and checks that both files are stored and none of the secrets is told.
#[track_caller]
fn assert_stores(server: &S3Server, run: Run, secrets: &[&str]) -> [S3Object; 2] {
    let ended = run.end();
    assert_stored(server, &ended, 2);
    for secret in secrets {
        assert_untold(&ended, secret);
    }
    FILES.map(|(name, size)| {
        let object = server.object(&key(name)).expect("it is stored");
        assert_eq!(object.length, size);
        object
    })
}

/// Lets a run end, and checks that nothing is stored, that it says why, and none of the secrets.
#[track_caller]
fn assert_fails(server: &S3Server, run: Run, words: &[&str], secrets: &[&str]) {
    let ended = run.end();
    assert_failed(server, &ended, words);
    for secret in secrets {
        assert_untold(&ended, secret);
    }
    assert_eq!(uploads(&ended)["failed"], 2, "{}", uploads(&ended));
    assert_eq!(server.keys(""), [""; 0]);
    // Half a minute of attempts, at most.
    assert!(ended.took.as_secs() < 35, "{:?}", ended.took);
}
