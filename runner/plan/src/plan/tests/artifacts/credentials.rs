//! As whom artifacts are stored (contract §6.2).

use super::super::*;
use super::store::{IRSA, POD_IDENTITY, WHOLE, env, refused, s3, whole, with, words};

#[test]
fn a_session_token_belongs_to_its_key() {
    let aws = [
        ("AWS_ACCESS_KEY_ID", "of-aws"),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-aws"),
        ("AWS_SESSION_TOKEN", "token-of-aws"),
    ];
    let bare = with(env(&[WHOLE[0], WHOLE[3]]), &aws);
    assert_eq!(words(&s3(&bare)), "of-aws secret-of-aws token-of-aws");
    // Somebody else's token would make our own key invalid.
    assert_eq!(words(&s3(&whole(&aws))), "the-access-key the-secret-key");
    let own = ("AGENTS_ARTIFACTS_SESSION_TOKEN", "own-token");
    assert_eq!(
        words(&s3(&whole(&[own]))),
        "the-access-key the-secret-key own-token"
    );
    assert_eq!(
        words(&s3(&with(bare, &[own]))),
        "of-aws secret-of-aws own-token"
    );
}

#[test]
fn without_keys_a_web_identity_counts_before_a_container_and_that_before_a_profile() {
    let bucket = WHOLE[3];
    let profile = ("AWS_PROFILE", "ci");
    let session = ("AWS_ROLE_SESSION_NAME", "mine");
    for (entries, wanted) in [
        (
            vec![IRSA[0], IRSA[1], POD_IDENTITY, profile],
            "arn:aws:iam::1:role/r /var/run/token agent-runner",
        ),
        (
            vec![IRSA[0], IRSA[1], session],
            "arn:aws:iam::1:role/r /var/run/token mine",
        ),
        (vec![IRSA[0], POD_IDENTITY, profile], "container"),
        (
            vec![("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")],
            "container",
        ),
        (vec![IRSA[1], profile], "profile ci"),
    ] {
        let asked = with(env(&[bucket]), &entries);
        let plan = s3(&asked);
        assert_eq!(words(&plan), wanted, "{entries:?}");
        assert_eq!((plan.endpoint, plan.path_style), (None, false));
        let explicit = s3(&with(asked.clone(), &[WHOLE[0]]));
        assert!(explicit.path_style && explicit.endpoint.is_some());
        // One key, or a half of it, is who we are to be.
        let keys = s3(&with(asked.clone(), &[WHOLE[0], WHOLE[1], WHOLE[2]]));
        assert_eq!(words(&keys), "the-access-key the-secret-key");
        let half = refused(&with(asked, &[WHOLE[2]]));
        assert!(
            half.contains(
                "and `AGENTS_ARTIFACTS_ENDPOINT` and `AGENTS_ARTIFACTS_ACCESS_KEY_ID` are missing"
            ),
            "{half}"
        );
    }
    let relative = env(&[bucket, IRSA[0], ("AWS_WEB_IDENTITY_TOKEN_FILE", "token")]);
    assert!(words(&s3(&relative)).contains(" /workspace/token "));
}

#[test]
fn credentials_without_keys_need_a_bucket_all_the_same() {
    let error = refused(&env(&[WHOLE[0], IRSA[0], IRSA[1]]));
    assert_eq!(
        error,
        "the object store has no bucket: set `AGENTS_ARTIFACTS_BUCKET`, or `runner.artifacts.bucket`"
    );
}

#[test]
fn credentials_that_are_asked_for_are_those_that_count() {
    let everything = with(whole(&IRSA), &[POD_IDENTITY, ("AWS_PROFILE", "ci")]);
    for (mode, wanted) in [
        ("auto", "the-access-key the-secret-key"),
        ("static", "the-access-key the-secret-key"),
        (
            "web-identity",
            "arn:aws:iam::1:role/r /var/run/token agent-runner",
        ),
        ("container", "container"),
        ("profile", "profile ci"),
        ("instance", "instance"),
    ] {
        let asked = everything
            .clone()
            .setting("artifacts/credentials", json!(mode));
        let plan = s3(&asked);
        assert_eq!(words(&plan), wanted);
        assert_eq!(
            plan.credentials.kind(),
            if mode == "auto" { "static" } else { mode }
        );
    }
    let bare = |mode: &str| env(&[WHOLE[3]]).setting("artifacts/credentials", json!(mode));
    assert_eq!(words(&s3(&bare("profile"))), "profile");
    assert_eq!(words(&s3(&bare("instance"))), "instance");
    for (asked, wanted) in [
        (
            bare("web-identity"),
            "`runner.artifacts.credentials` is `web-identity`, and `AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE` are missing",
        ),
        (
            with(bare("web-identity"), &IRSA[..1]),
            "`runner.artifacts.credentials` is `web-identity`, and `AWS_WEB_IDENTITY_TOKEN_FILE` is missing",
        ),
        (
            with(bare("web-identity"), &IRSA[1..]),
            "`runner.artifacts.credentials` is `web-identity`, and `AWS_ROLE_ARN` is missing",
        ),
        (
            bare("container"),
            "`runner.artifacts.credentials` is `container`, and `AWS_CONTAINER_CREDENTIALS_FULL_URI` is missing",
        ),
    ] {
        assert_eq!(refused(&asked), wanted);
    }
    // The keys of a mode that has none are not looked at, nor are others where keys are asked for.
    let keyless = with(bare("static"), &IRSA);
    assert!(refused(&keyless).contains("`AGENTS_ARTIFACTS_SECRET_ACCESS_KEY` are missing"));
    // The machine's are nobody's unless they are asked for.
    assert!(refused(&bare("auto")).starts_with("the object store needs"));
}

#[test]
fn no_secret_shows_when_a_store_is_printed_and_the_agent_gets_none() {
    let asked = whole(&[("AGENTS_ARTIFACTS_SESSION_TOKEN", "the-token")]);
    let plan = asked.planned();
    let printed = format!("{:?} {:?}", plan.artifacts, plan.view());
    assert!(
        !printed.contains("the-secret-key") && !printed.contains("the-token"),
        "{printed}"
    );
    let names: Vec<_> = plan
        .process
        .env
        .iter()
        .map(|(name, _)| name.to_string_lossy())
        .collect();
    assert_eq!(
        names,
        ["AGENTS_ARTIFACTS_ENDPOINT", "AGENTS_ARTIFACTS_BUCKET"]
    );
    // Credentials of AWS are the store's where a setting, too, says that there is one.
    let role = env(&IRSA).env(POD_IDENTITY.0, POD_IDENTITY.1);
    assert!(variable(&role.planned(), "AWS_ROLE_ARN").is_some());
    let bucket = role.setting("artifacts/bucket", json!("runs")).planned();
    assert_eq!(bucket.process.env.iter().count(), 0);
}
