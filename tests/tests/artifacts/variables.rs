//! Which store, by the variables of the contract (§6.2).

use agent_tests::{Run, S3Server, assert_ends, ends};
use serde_json::{Value, json};

use crate::store::{declaring, named, outputs, over, stores};

/// One artifact that can be stored.
fn one(run: Run) -> Run {
    let artifacts = json!([{ "name": "one", "path": "one", "key": "one" }]);
    declaring(run.shell("echo one > one"), artifacts)
}

/// The names of each setting, in their order.
const SETTINGS: [&[&str]; 4] = [
    &[
        "AGENTS_ARTIFACTS_ENDPOINT",
        "MINIO_ENDPOINT",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
    ],
    &[
        "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
        "MINIO_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "accesskey",
    ],
    &[
        "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
        "MINIO_SECRET_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "secretkey",
    ],
    &["AGENTS_ARTIFACTS_BUCKET", "MINIO_BUCKET", "ARTIFACT_BUCKET"],
];

/// What must not be asked, in the same order.
const WRONG: [&str; 4] = [
    "http://127.0.0.1:1",
    "AKIAOFNOBODYATALL",
    "not-the-secret",
    "not-the-bucket",
];

#[test]
fn the_first_variable_that_is_not_blank_counts() {
    let server = S3Server::new();
    let right = server.env();
    for (setting, names) in SETTINGS.iter().enumerate() {
        for first in 0..names.len() {
            let mut run = one(Run::new());
            for (other, (name, value)) in right.iter().enumerate() {
                if other != setting {
                    run = run.env(name, value);
                }
            }
            for (place, name) in names.iter().enumerate() {
                let value = match place {
                    _ if place < first => " \t",
                    _ if place == first => right[setting].1.as_str(),
                    _ => WRONG[setting],
                };
                run = run.env(name, value);
            }
            let ended = run.end();
            let name = names[first];
            assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
            assert!(server.remove("one"), "{name}");
            assert_eq!(outputs(&ended)[0]["url"], "s3://runs/one", "{name}");
        }
    }
}

#[test]
fn the_first_region_that_is_not_blank_is_signed_for() {
    let names = ["AGENTS_ARTIFACTS_REGION", "MINIO_REGION", "AWS_REGION"];
    for first in 0..=names.len() {
        let server = S3Server::new();
        let mut run = over(one(Run::new()), &server);
        for (place, name) in names.iter().enumerate() {
            let value = match place {
                _ if place < first => "",
                _ if place == first => "eu-west-3",
                _ => "us-west-2",
            };
            run = run.env(name, value);
        }
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let wanted = if first < names.len() {
            "eu-west-3"
        } else {
            "us-east-1"
        };
        assert_eq!(server.requests()[0].region(), Some(wanted));
    }
}

#[test]
fn an_endpoint_without_a_scheme_is_spoken_to_in_the_clear_unless_it_is_said_to_be_secure() {
    let server = S3Server::new();
    let at = |server: &S3Server| server.address().to_string();
    for not in ["", "0", "no", "on"] {
        let run = over(one(Run::new()), &server).env("MINIO_SECURE", not);
        let ended = run.env("AGENTS_ARTIFACTS_ENDPOINT", at(&server)).end();
        assert_eq!(ended.code, 0, "{not}: {}", ended.stderr);
        assert!(server.remove("one"), "{not}");
    }
    let server = S3Server::new().tls();
    for (name, value) in [
        ("AGENTS_ARTIFACTS_SECURE", "1"),
        ("AGENTS_ARTIFACTS_SECURE", " TRUE "),
        ("MINIO_SECURE", "yes"),
    ] {
        let run = over(one(Run::new()), &server)
            .env("AGENTS_ARTIFACTS_CA_FILE", server.ca_file())
            .env("AGENTS_ARTIFACTS_ENDPOINT", at(&server))
            .env(name, value);
        let ended = run.end();
        assert_eq!(ended.code, 0, "{name}={value}: {}", ended.stderr);
        assert!(server.remove("one"), "{name}={value}");
    }
}

#[test]
fn a_base_path_stands_before_the_bucket() {
    let server = S3Server::new();
    let run = over(one(Run::new()), &server);
    let url = format!("{}/base/path/", server.url());
    let ended = run.env("AGENTS_ARTIFACTS_ENDPOINT", url).end();
    assert_eq!(
        server.requests()[0].path,
        "/base/path/runs/one",
        "{}",
        ended.stderr
    );
    // To this server it is the name of a bucket.
    assert_eq!(ended.outcome(), "ArtifactFailed");
    assert!(ended.error().contains("NoSuchBucket"), "{}", ended.error());
}

#[test]
fn the_provider_s_template_names_the_store_and_wins_over_the_environment() {
    let server = S3Server::new();
    let template: Value = (server.env().into_iter())
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    for with_others in [false, true] {
        let mut run = one(Run::new()).spec("/adapter/exec/envTemplate", template.clone());
        if with_others {
            for (names, wrong) in SETTINGS.iter().zip(WRONG) {
                run = run.env(names[0], wrong);
            }
        }
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(server.remove("one"));
    }
}

#[test]
fn settings_win_over_variables() {
    let server = S3Server::new().with_bucket("other");
    let run = over(named(one(Run::new())), &server)
        .env("AGENTS_ARTIFACTS_ENDPOINT", WRONG[0])
        .env("AGENTS_ARTIFACTS_REGION", "us-west-2")
        .setting("artifacts/endpoint", json!(server.url()))
        .setting("artifacts/bucket", json!("other"))
        .setting("artifacts/region", json!("eu-west-3"));
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(server.object_in("other", "one").is_some());
    assert_eq!(server.requests()[0].region(), Some("eu-west-3"));
    assert_eq!(outputs(&ended)[0]["url"], "s3://other/one");
}

/// Runs with some of the four things that a store needs.
fn partly(run: Run, server: &S3Server, which: u32) -> Run {
    let there = |(place, _): &(usize, _)| which & (1 << place) != 0;
    let variables = server.env().into_iter().enumerate().filter(there);
    variables.fold(run, |run, (_, (name, value))| run.env(name, value))
}

#[test]
fn a_store_that_is_configured_in_part_fails_the_run_and_names_the_four_variables() {
    let server = S3Server::new();
    for which in 1..15 {
        let ended = partly(one(Run::new()), &server, which).end();
        let name = format!("{which:04b}");
        assert_ends(&name, &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        let error = ended.error();
        let (needed, missing) = error.split_once(", and ").expect("it says what is missing");
        for (place, (variable, value)) in server.env().iter().enumerate() {
            let quoted = format!("`{variable}`");
            assert!(needed.contains(&quoted), "{name}: {error}");
            let is_missing = which & (1 << place) == 0;
            assert_eq!(missing.contains(&quoted), is_missing, "{name}: {error}");
            // An endpoint and a bucket may be named.
            if place == 1 || place == 2 {
                assert!(!error.contains(value), "{name}: {error}");
            }
        }
        let artifact = json!([{ "name": "one", "path": "one", "key": "one" }]);
        assert_eq!(outputs(&ended), &artifact);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn no_store_at_all_fails_a_run_with_a_keyed_artifact_only() {
    let ended = one(Run::new()).end();
    assert_ends("keyed", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
    let error = ended.error();
    assert!(
        error.contains("artifact `one`") && error.contains("no object store is configured"),
        "{error}"
    );
    let ended = one(Run::new()).shell("exit 3").end();
    assert_ends("failed", &ended, &ends(3, "AgentFailed", "NonZeroExit"));
}

#[test]
fn nobody_cares_for_half_a_store_when_nothing_has_a_key() {
    let server = S3Server::new();
    let unkeyed = json!([{ "name": "one", "path": "one" }]);
    for which in 0..15 {
        let run = partly(declaring(Run::new(), unkeyed.clone()), &server, which);
        let ended = run.end();
        assert_eq!(ended.code, 0, "{which:04b}: {}", ended.stderr);
        assert_eq!(outputs(&ended), &unkeyed);
        assert_eq!(ended.status.get("warnings"), None, "{}", ended.status);
    }
}

#[test]
fn a_bucket_is_a_directory_below_a_directory() {
    let [_, store] = stores();
    let run = one(store.run()).env("MINIO_BUCKET", "ours");
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(store.keys(), ["ours/one"]);
    assert_eq!(outputs(&ended)[0]["url"], store.url("ours/one"));
}
