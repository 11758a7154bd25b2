//! A store for the keyed artifacts of a case.

use agent_tests::S3Server;
use agent_tests::conformance::{Case, list, string};
use serde_json::{Value, json};

/// Expects of a case what the controller's own runner makes of its artifacts when there is a store:
/// keys are normal, and stored artifacts have a url (contract §6.1). Says which keys there are then.
pub(crate) fn expect_stored(case: &mut Case, server: &S3Server) -> Vec<String> {
    let mut keys = Vec::new();
    let artifacts = case.expected["outputArtifacts"].as_array_mut();
    for artifact in artifacts.into_iter().flatten() {
        if let Some(key) = artifact["key"].as_str() {
            let segments = key.split('/').map(str::trim);
            let segments: Vec<_> = segments.filter(|segment| !segment.is_empty()).collect();
            let key = segments.join("/");
            artifact["url"] = json!(format!("s3://{}/{key}", server.bucket()));
            artifact["key"] = json!(key);
            keys.push(key);
        }
    }
    keys.sort_unstable();
    keys
}

/// Asserts that the store has these keys and no others, and that the status counts them.
#[track_caller]
pub(crate) fn assert_stored(server: &S3Server, keys: &[String], status: &Value) {
    assert_eq!(server.keys(""), keys);
    let uploads = &status["artifacts"]["uploads"];
    assert_eq!(uploads["objects"], keys.len(), "{uploads}");
    assert_eq!(uploads.get("problem"), None, "{uploads}");
    for artifact in list(&status["artifacts"]["outputArtifacts"]) {
        if artifact.get("key").is_some() {
            let object = server.object(string(&artifact["key"]));
            assert!(object.is_some(), "{artifact}");
        }
    }
}
