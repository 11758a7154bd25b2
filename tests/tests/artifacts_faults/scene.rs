//! Runs whose files go into a server, and what holds of all of them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use agent_tests::{Ended, Run, S3Server, assert_ends, ends};
use serde_json::{Value, json};

/// A mebibyte.
pub(crate) const MIB: u64 = 1 << 20;

/// Gives a run what it needs to store things in a server.
pub(crate) fn storing(mut run: Run, server: &S3Server) -> Run {
    for (name, value) in server.env() {
        run = run.env(name, value);
    }
    run
}

/// Declares files as `reports/<path>`.
pub(crate) fn declaring(run: Run, paths: &[&str]) -> Run {
    let artifact = |path: &&str| json!({ "name": path, "path": path, "key": key(path) });
    let all: Vec<Value> = paths.iter().map(artifact).collect();
    run.spec("/adapter/exec/outputArtifacts", json!(all))
}

/// The key of a declared file.
pub(crate) fn key(path: &str) -> String {
    format!("reports/{path}")
}

/// Makes a file of so many bytes of noise, each file another.
pub(crate) fn noise(path: &Path, size: u64) {
    let seed = path.as_os_str().as_encoded_bytes();
    let seed = seed.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |seed, byte| {
        (seed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut file = BufWriter::with_capacity(1 << 20, create(path));
    let (mut state, mut left) = (seed | 1, size);
    while left > 0 {
        // xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bytes = state.to_le_bytes();
        let taken = left.min(8);
        let taken_bytes = usize::try_from(taken).expect("it is at most 8");
        file.write_all(&bytes[..taken_bytes])
            .expect("it can be written");
        left -= taken;
    }
    file.flush().expect("it can be written");
}

fn create(path: &Path) -> File {
    let parent = path.parent().expect("it is in the run's directory");
    std::fs::create_dir_all(parent).expect("it can be made");
    File::create(path).expect("it can be made")
}

/// What the run says of its uploads.
pub(crate) fn uploads(ended: &Ended) -> &Value {
    &ended.full["artifacts"]["uploads"]
}

/// Checks that a run has succeeded and everything of it is stored, `objects` by it.
#[track_caller]
pub(crate) fn assert_stored(server: &S3Server, ended: &Ended, objects: u64) {
    assert_ends("stored", ended, &ends(0, "Completed", "Completed"));
    let uploads = uploads(ended);
    assert_eq!(uploads["objects"], objects, "{uploads}");
    for nothing in ["missing", "refused", "failed", "pending", "problem"] {
        assert_eq!(uploads[nothing], Value::Null, "{uploads}");
    }
    assert_clean(server, ended);
}

/// Checks that a run has failed of its artifacts, and says why and what to do, `words` among it.
#[track_caller]
pub(crate) fn assert_failed(server: &S3Server, ended: &Ended, words: &[&str]) {
    assert_ends(
        "not stored",
        ended,
        &ends(73, "ArtifactFailed", "NotDelivered"),
    );
    for word in words.iter().chain(&["artifact `", "; "]) {
        assert!(
            ended.error().contains(word),
            "`{word}` is not in: {}",
            ended.error()
        );
    }
    assert_clean(server, ended);
}

/// Checks what holds however it ends: nothing stays begun, no secret is told, and every request is
/// one that any server understands.
#[track_caller]
pub(crate) fn assert_clean(server: &S3Server, ended: &Ended) {
    assert_eq!(server.uploads_open(), 0, "{}", ended.stderr);
    assert_untold(ended, server.secret_key());
    for request in server.requests() {
        let header = |name| request.header(name).unwrap_or_default();
        assert!(!header("content-encoding").contains("aws-chunked"));
        assert!(!header("x-amz-content-sha256").starts_with("STREAMING-"));
        assert_eq!(request.header("x-amz-trailer"), None, "{request:?}");
        assert_eq!(request.header("x-amz-acl"), None, "{request:?}");
    }
}

/// Checks that a secret is nowhere where people look.
#[track_caller]
pub(crate) fn assert_untold(ended: &Ended, secret: &str) {
    let status = String::from_utf8_lossy(&ended.status_bytes);
    let log = String::from_utf8_lossy(&ended.log);
    let journal = ended.dir.path().join("agent/events.ndjson");
    let journal = std::fs::read_to_string(journal).unwrap_or_default();
    let full = ended.full.to_string();
    for text in [
        &*status,
        &full,
        &log,
        &journal,
        &ended.stderr,
        &ended.text(),
    ] {
        assert!(!text.contains(secret), "`{secret}` is in: {text}");
    }
}
