//! What the store is asked to do with what it keeps.

use agent_tests::{S3Object, S3Server};
use serde_json::json;

use crate::{assert_stores, run_with_keys};

#[test]
fn nothing_is_said_of_it_unless_somebody_says_it() {
    let server = S3Server::new();
    for object in assert_stores(&server, run_with_keys(&server), &[]) {
        assert_eq!((&object.encryption, &object.kms_key), (&None, &None));
        assert_eq!(object.storage_class, None);
        let is_acl = |(name, _): &(String, String)| {
            name.starts_with("x-amz-acl") || name.starts_with("x-amz-grant")
        };
        assert!(!object.headers.iter().any(is_acl), "{:?}", object.headers);
    }
}

#[test]
fn objects_are_encrypted_with_keys_of_the_store() {
    let server = S3Server::new();
    let run = run_with_keys(&server).setting("artifacts/encryption", json!("s3"));
    for object in assert_stores(&server, run, &[]) {
        assert_eq!(object.encryption.as_deref(), Some("AES256"));
        assert_eq!(object.kms_key, None);
    }
}

#[test]
fn objects_are_encrypted_with_a_key_of_the_key_service() {
    let key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd";
    for wanted in [Some(key), None] {
        let server = S3Server::new();
        let mut run = run_with_keys(&server).setting("artifacts/encryption", json!("kms"));
        if let Some(key) = wanted {
            run = run.setting("artifacts/kmsKey", json!(key));
        }
        for object in assert_stores(&server, run, &[]) {
            assert_eq!(object.encryption.as_deref(), Some("aws:kms"));
            assert_eq!(object.kms_key.as_deref(), wanted);
        }
    }
}

#[test]
fn objects_have_the_storage_class_that_is_asked_for() {
    let server = S3Server::new();
    let run = run_with_keys(&server).env("AGENT_RUNNER_ARTIFACTS_STORAGE_CLASS", "STANDARD_IA");
    let class = |object: &S3Object| object.storage_class.clone();
    let objects = assert_stores(&server, run, &[]);
    assert_eq!(
        objects.each_ref().map(class),
        ["STANDARD_IA"; 2].map(|class| Some(class.to_owned()))
    );
}
