//! Which store artifacts go to, and as whom (contract §6.2).

use std::path::Path;

use super::super::*;
use crate::plan::{CredentialsPlan, Encryption, S3Plan, StoreError, StorePlan};

/// What a store with keys needs, and nothing more.
pub(super) const WHOLE: [(&str, &str); 4] = [
    ("AGENTS_ARTIFACTS_ENDPOINT", "minio:9000"),
    ("AGENTS_ARTIFACTS_ACCESS_KEY_ID", "the-access-key"),
    ("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", "the-secret-key"),
    ("AGENTS_ARTIFACTS_BUCKET", "runs"),
];

pub(super) const IRSA: [(&str, &str); 2] = [
    ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
];

pub(super) const POD_IDENTITY: (&str, &str) = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "http://169.254.170.23/v1/credentials",
);

pub(super) fn with(asked: Asked, entries: &[(&str, &str)]) -> Asked {
    let set = |asked: Asked, (name, value): &(&str, &str)| asked.env(name, value);
    entries.iter().fold(asked, set)
}

pub(super) fn env(entries: &[(&str, &str)]) -> Asked {
    with(Asked::exec(), entries)
}

/// A whole store, over which some variables are set; a blank one is none.
pub(super) fn whole(entries: &[(&str, &str)]) -> Asked {
    with(env(&WHOLE), entries)
}

fn store(asked: &Asked) -> Result<StorePlan, StoreError> {
    asked.planned().artifacts.store
}

#[track_caller]
pub(super) fn s3(asked: &Asked) -> S3Plan {
    match store(asked) {
        Ok(StorePlan::S3(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(super) fn refused(asked: &Asked) -> String {
    store(asked).expect_err("there is no store").to_string()
}

/// Credentials in words, their secrets open.
pub(super) fn words(plan: &S3Plan) -> String {
    match &plan.credentials {
        CredentialsPlan::Static {
            access_key,
            secret_key,
            session_token,
        } => {
            let token = session_token.as_ref().map_or("", |token| token.expose());
            format!("{access_key} {} {token}", secret_key.expose())
                .trim()
                .to_owned()
        }
        CredentialsPlan::WebIdentity {
            role,
            token_file,
            session,
        } => format!("{role} {} {session}", token_file.display()),
        CredentialsPlan::Profile(Some(profile)) => format!("profile {profile}"),
        other => other.kind().to_owned(),
    }
}

/// For each of some variables, that it counts before all behind it and after all before it.
#[track_caller]
fn the_first_that_is_not_blank_counts(names: &[&str], got: impl Fn(&S3Plan) -> String) {
    for first in 0..names.len() {
        let mut asked = whole(&[]);
        for (index, name) in names.iter().enumerate() {
            let value = format!("http://of-{index}");
            asked = asked.env(name, if index < first { " \t" } else { &value });
        }
        assert_eq!(got(&s3(&asked)), format!("http://of-{first}"), "{names:?}");
    }
}

#[test]
fn every_setting_has_its_variables_in_the_contracts_order() {
    the_first_that_is_not_blank_counts(
        &[
            "AGENTS_ARTIFACTS_ENDPOINT",
            "MINIO_ENDPOINT",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL",
        ],
        |plan| plan.endpoint.clone().expect("it is explicit"),
    );
    the_first_that_is_not_blank_counts(
        &["AGENTS_ARTIFACTS_REGION", "MINIO_REGION", "AWS_REGION"],
        |plan| plan.region.clone(),
    );
    let key = |plan: &S3Plan| match &plan.credentials {
        CredentialsPlan::Static {
            access_key,
            secret_key,
            ..
        } => (access_key.clone(), secret_key.expose().clone()),
        other => panic!("{other:?}"),
    };
    the_first_that_is_not_blank_counts(
        &[
            "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
            "MINIO_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "accesskey",
        ],
        |plan| key(plan).0,
    );
    the_first_that_is_not_blank_counts(
        &[
            "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
            "MINIO_SECRET_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "secretkey",
        ],
        |plan| key(plan).1,
    );
    let bucket = |asked: &Asked| s3(asked).bucket;
    let names = ["AGENTS_ARTIFACTS_BUCKET", "MINIO_BUCKET", "ARTIFACT_BUCKET"];
    for first in 0..names.len() {
        let mut asked = whole(&[]);
        for (index, name) in names.iter().enumerate() {
            let value = format!("of-{index}");
            asked = asked.env(name, if index < first { "" } else { &value });
        }
        assert_eq!(bucket(&asked), format!("of-{first}"));
    }
}

#[test]
fn a_whole_store_has_the_contracts_defaults() {
    let plan = s3(&whole(&[]));
    assert_eq!(plan.endpoint.as_deref(), Some("http://minio:9000"));
    assert_eq!(
        (plan.bucket.as_str(), plan.region.as_str()),
        ("runs", "us-east-1")
    );
    assert!(plan.path_style);
    assert_eq!(plan.encryption, Encryption::None);
    assert_eq!(plan.storage_class, None);
    assert_eq!((plan.ca_file, plan.ca_bundle), (None, None));
}

#[test]
fn an_endpoint_without_a_scheme_is_http_unless_it_is_said_to_be_secure() {
    let endpoint = |entries: &[(&str, &str)]| s3(&whole(entries)).endpoint.expect("explicit");
    for word in ["1", "true", " YES ", "True"] {
        assert_eq!(
            endpoint(&[("AGENTS_ARTIFACTS_SECURE", word)]),
            "https://minio:9000"
        );
        assert_eq!(endpoint(&[("MINIO_SECURE", word)]), "https://minio:9000");
    }
    for word in ["0", "on", "false", ""] {
        assert_eq!(
            endpoint(&[("MINIO_SECURE", word)]),
            "http://minio:9000",
            "{word}"
        );
    }
    let both = [("AGENTS_ARTIFACTS_SECURE", "no"), ("MINIO_SECURE", "true")];
    assert_eq!(endpoint(&both), "http://minio:9000");
    let told = [
        ("MINIO_SECURE", "true"),
        ("AGENTS_ARTIFACTS_ENDPOINT", "http://h:1"),
    ];
    assert_eq!(endpoint(&told), "http://h:1");
}

#[test]
fn settings_win_over_variables() {
    let asked = whole(&[("AGENTS_ARTIFACTS_REGION", "of-env")]).setting(
        "artifacts",
        json!({
            "endpoint": "https://s3.example.com/", "bucket": " other ", "region": "eu-central-1",
            "addressing": "virtual", "encryption": "kms", "kmsKey": "arn:aws:kms:k",
            "storageClass": "STANDARD_IA",
        }),
    );
    let plan = s3(&asked);
    assert_eq!(plan.endpoint.as_deref(), Some("https://s3.example.com"));
    assert_eq!(
        (plan.bucket.as_str(), plan.region.as_str()),
        ("other", "eu-central-1")
    );
    assert!(!plan.path_style);
    assert_eq!(
        plan.encryption,
        Encryption::Kms(Some("arn:aws:kms:k".to_owned()))
    );
    assert_eq!(plan.storage_class.as_deref(), Some("STANDARD_IA"));
    let kind = |setting: Value| s3(&whole(&[]).setting("artifacts", setting)).encryption;
    assert_eq!(kind(json!({ "encryption": "s3" })), Encryption::S3);
    assert_eq!(kind(json!({ "encryption": "kms" })), Encryption::Kms(None));
    let idle = whole(&[]).setting("artifacts", json!({ "encryption": "s3", "kmsKey": "k" }));
    assert_eq!(
        idle.planned().warnings,
        ["`artifacts.kmsKey` is ignored: `artifacts.encryption` is not `kms`"]
    );
}

#[test]
fn without_anything_there_is_no_store() {
    assert_eq!(refused(&Asked::exec()), "no object store is configured");
    let idle = env(&[
        ("AGENTS_ARTIFACTS_REGION", "r"),
        ("MINIO_SECURE", "1"),
        ("ARTIFACT_BUCKET", " "),
    ]);
    assert_eq!(refused(&idle), "no object store is configured");
    // Not even with credentials that everybody in the cluster has.
    assert_eq!(refused(&env(&IRSA)), "no object store is configured");
}

#[test]
fn a_store_that_is_configured_in_part_names_all_four_and_what_is_missing() {
    let needs = "the object store needs `AGENTS_ARTIFACTS_ENDPOINT`, `AGENTS_ARTIFACTS_ACCESS_KEY_ID`, \
                 `AGENTS_ARTIFACTS_SECRET_ACCESS_KEY` and `AGENTS_ARTIFACTS_BUCKET`, and ";
    for present in 1..15_usize {
        let is_there = |index: usize| present & (1 << index) != 0;
        let entries: Vec<_> = (0..4)
            .filter(|index| is_there(*index))
            .map(|index| WHOLE[index])
            .collect();
        let missing: Vec<_> = (0..4)
            .filter(|index| !is_there(*index))
            .map(|index| format!("`{}`", WHOLE[index].0))
            .collect();
        let names = match &missing[..] {
            [one] => format!("{one} is missing"),
            [rest @ .., last] => format!("{} and {last} are missing", rest.join(", ")),
            [] => panic!("something is missing"),
        };
        let hint = if is_there(0) {
            ""
        } else {
            "; for AWS's own endpoint write `aws`"
        };
        let said = refused(&env(&entries));
        assert_eq!(said, format!("{needs}{names}{hint}"));
        assert!(!said.contains("the-secret-key"), "{said}");
    }
}

#[test]
fn with_keys_awss_own_endpoint_must_be_asked_for_by_name() {
    let keys = [
        WHOLE[1],
        WHOLE[2],
        WHOLE[3],
        ("AGENTS_ARTIFACTS_ENDPOINT", "aws"),
    ];
    let plan = s3(&env(&keys));
    assert_eq!(plan.endpoint, None);
    assert!(!plan.path_style);
    assert_eq!(words(&plan), "the-access-key the-secret-key");
    let addressed = env(&keys[..3]).setting(
        "artifacts",
        json!({ "endpoint": "aws", "addressing": "path" }),
    );
    assert!(s3(&addressed).path_style);
}

#[test]
fn what_the_providers_template_renders_wins_but_a_codex_run_has_the_environment_alone() {
    let exec = whole(&[])
        .spec("/inputs", json!({ "team": "red" }))
        .env_template("AGENTS_ARTIFACTS_BUCKET", "of-{{inputs.team}}")
        .env_template("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", "rendered-secret")
        .env_template("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://rendered");
    let plan = s3(&exec);
    assert_eq!(plan.bucket, "of-red");
    assert_eq!(words(&plan), "the-access-key rendered-secret");
    // The SDK reads what the pod has, not what a template renders.
    let container = exec.setting("artifacts/credentials", json!("container"));
    assert!(refused(&container).ends_with("`AWS_CONTAINER_CREDENTIALS_FULL_URI` is missing"));
    let codex = with(Asked::bare(), &WHOLE)
        .spec(
            "/adapter",
            json!({ "type": "codex-app-server", "codex": { "prompt": "Go." } }),
        )
        .spec(
            "/providerSpec/envTemplate",
            json!({ "AGENTS_ARTIFACTS_BUCKET": "rendered" }),
        );
    assert_eq!(s3(&codex).bucket, "runs");
    let claude = with(Asked::bare(), &WHOLE).spec(
        "/adapter",
        json!({ "type": "claude", "claude": { "prompt": "Go.", "env": { "AGENTS_ARTIFACTS_BUCKET": "rendered" } } }),
    );
    assert_eq!(s3(&claude).bucket, "rendered");
}

#[test]
fn a_directory_needs_no_credentials_and_has_its_bucket_in_it() {
    let directory = |asked: &Asked| match store(asked) {
        Ok(StorePlan::Directory(path)) => path,
        other => panic!("{other:?}"),
    };
    let endpoint = ("AGENTS_ARTIFACTS_ENDPOINT", "file:///var/store/");
    assert_eq!(directory(&env(&[endpoint])), Path::new("/var/store"));
    let asked = env(&[endpoint, ("MINIO_BUCKET", "runs"), WHOLE[1]]);
    assert_eq!(directory(&asked), Path::new("/var/store/runs"));
    let told = whole(&[]).flag("artifacts.endpoint", "file:///here");
    assert_eq!(directory(&told), Path::new("/here/runs"));
    let up = env(&[endpoint, ("MINIO_BUCKET", "..")]);
    assert!(refused(&up).starts_with("the object store's bucket is `..`"));
}

#[test]
fn authorities_are_found_below_the_working_directory() {
    let asked = whole(&[("AWS_CA_BUNDLE", "/aws.pem"), ("SSL_CERT_FILE", "/all.pem")]);
    let plan = s3(&asked);
    assert_eq!(plan.ca_file.as_deref(), Some(Path::new("/aws.pem")));
    assert_eq!(plan.ca_bundle.as_deref(), Some(Path::new("/all.pem")));
    let plan = s3(&asked.env("AGENTS_ARTIFACTS_CA_FILE", "own.pem"));
    assert_eq!(
        plan.ca_file.as_deref(),
        Some(Path::new("/workspace/own.pem"))
    );
}

#[test]
fn what_cannot_stand_in_a_url_or_header_is_refused_by_its_name() {
    for (setting, value, words) in [
        (
            "bucket",
            "a/b",
            "the object store's bucket is `a/b`, which is no name",
        ),
        (
            "bucket",
            "a b",
            "the object store's bucket is `a b`, which is no name",
        ),
        (
            "region",
            "a b",
            "the object store's region is `a b`, which has more in it",
        ),
        (
            "storageClass",
            "A\r\nB",
            "the object store's storage class is `A\\r\\nB`, which has more in it",
        ),
        (
            "endpoint",
            "s3://x",
            "the object store's endpoint is `s3://x`, whose scheme",
        ),
    ] {
        let asked = whole(&[]).setting(&format!("artifacts/{setting}"), json!(value));
        let said = refused(&asked);
        assert!(said.starts_with(words), "{said}");
    }
}

#[test]
fn a_store_that_is_missing_only_counts_if_there_is_something_to_store() {
    let half = env(&WHOLE[..3]);
    assert_eq!(half.planned().warnings, [""; 0]);
    let artifact = |asked: Asked| {
        asked.spec(
            "/adapter/exec/outputArtifacts",
            json!([{ "name": "log", "path": "l" }, { "name": "report", "path": "r", "key": "k" }]),
        )
    };
    assert_eq!(
        artifact(Asked::exec()).planned().warnings,
        [
            "artifact `report` has a key, but no object store is configured: a run that succeeds will end ArtifactFailed"
        ]
    );
    let warnings = artifact(half).planned().warnings.join("\n");
    assert!(
        warnings.starts_with("artifact `report` has a key, but the object store needs"),
        "{warnings}"
    );
    let entries = |entries: Value| Asked::exec().setting("artifacts/files", entries);
    assert_eq!(
        entries(json!([{ "name": "a", "path": "/a", "optional": true }]))
            .planned()
            .warnings,
        ["artifact `a` is to be stored, but no object store is configured"]
    );
    let two =
        json!([{ "name": "a", "path": "/a", "when": "failure" }, { "name": "b", "path": "/b" }]);
    assert_eq!(
        entries(two).planned().warnings,
        [
            "artifact `b` is to be stored, but no object store is configured: a run that succeeds will end ArtifactFailed"
        ]
    );
    let own = Asked::exec().setting("artifacts/include", json!(["manifest"]));
    assert_eq!(
        own.planned().warnings,
        ["`artifacts.include` stores nothing: no object store is configured"]
    );
}
