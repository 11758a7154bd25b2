//! Secrets are referred to and nowhere else.

use serde_json::json;

use super::super::{Reason, SecretNeed, SecretPurpose};
use super::{Values, World, container, env};

const VALUE: &str = "hunter22-as-a-prompt";

/// A run with everything from Secrets that there is.
fn world() -> World {
    let coded = "aHVudGVyMjItYXMtYS1wcm9tcHQ=";
    World::of_repository()
        .with("AgentRun", "spec.secrets", json!(["own", "prompt"]))
        .with(
            "Agent",
            "spec.defaults.systemPromptRef",
            json!({ "kind": "Secret", "name": "prompt", "key": "text" }),
        )
        .with(
            "AgentProvider",
            "spec.secretEnv",
            json!([
                { "name": "KEY", "secretName": "own", "key": "k", "optional": true },
            ]),
        )
        .with_data("Secret", "own", "stringData", &json!({ "k": VALUE }))
        .with_data("Secret", "prompt", "data", &json!({ "text": coded }))
        .with_data(
            "Secret",
            "hub-token",
            "stringData",
            &json!({ "token": VALUE }),
        )
}

#[test]
fn no_value_is_in_what_is_made() {
    let made = world().made();
    let all = format!("{made:?} {} {} {}", made.run, made.spec, made.job);
    let coded = "aHVudGVyMjI";
    assert!(!all.contains("hunter22") && !all.contains(coded));
    // But for the hash of the prompt.
    let hash = "a79e7e232951eb42a84edaaee3875040bcfd1fceb2a88b0b17d561d7df7d0dba";
    assert!(made.job.to_string().contains(hash));
    assert_eq!(made.run.get("systemPrompt"), None);
}

#[test]
fn all_that_a_pod_gets_is_listed_be_it_there_or_not() {
    let need = |secret: &str, key: Option<&str>, purpose, optional| SecretNeed {
        secret: secret.to_owned(),
        key: key.map(str::to_owned),
        purpose,
        optional,
        opens_repository: secret == "hub-token",
        at: None,
    };
    let variable = |name: &str| SecretPurpose::Variable(name.to_owned());
    let file = SecretPurpose::File("/workspace/.codex/system-prompt.txt".to_owned());
    let expected = [
        need("hub-token", Some("token"), variable("VCS_TOKEN"), false),
        need("hub-token", Some("token"), variable("GITHUB_TOKEN"), false),
        need("hub-token", Some("token"), variable("GH_TOKEN"), false),
        need("prompt", Some("text"), file, false),
        need("own", Some("k"), variable("KEY"), true),
        need("own", None, SecretPurpose::Variables, false),
        need("prompt", None, SecretPurpose::Variables, false),
    ];
    let needs = |world: World| {
        let needs = world.made().secrets.into_iter();
        needs
            .map(|it| SecretNeed { at: None, ..it })
            .collect::<Vec<_>>()
    };
    assert_eq!(needs(world()), expected);
    let made = world().made();
    let places = made.secrets.iter().map(|it| it.at.as_ref());
    let places: Vec<_> = places
        .map(|it| it.map_or("", |spot| spot.path.as_str()))
        .collect();
    let token = "spec.auth.token.secretRef.name";
    let expected_places = [
        token,
        token,
        token,
        "spec.defaults.systemPromptRef",
        "spec.secretEnv[0]",
        "spec.secrets",
        "spec.secrets",
    ];
    assert_eq!(places, expected_places);
    let mut bare = world();
    bare.all
        .retain(|it| it["kind"] != "Secret" || it["metadata"]["name"] == "prompt");
    assert_eq!(needs(bare), expected);
}

#[test]
fn every_key_of_the_runs_own_is_a_variable() {
    let made = world().made();
    let expected =
        json!([{ "secretRef": { "name": "own" } }, { "secretRef": { "name": "prompt" } }]);
    assert_eq!(container(&made)["envFrom"], expected);
    assert_eq!(container(&World::new().made()).get("envFrom"), None);
}

#[test]
fn what_a_provider_takes_is_not_held_against_the_lists() {
    let world = World::new()
        .with(
            "AgentProvider",
            "spec.secretEnv",
            json!([{ "name": "A", "secretName": "s", "key": "k" }]),
        )
        .with("Agent", "spec.security.allowedSecrets", json!(["other"]))
        .told(|told| told.blocked_secrets = vec!["s".into()]);
    assert_eq!(world.made().secrets.len(), 1);
}

#[test]
fn a_system_prompt_is_the_value_that_the_pod_finds() {
    let hash = |world: &World| env(&world.made(), "CODEX_SYSTEM_PROMPT_EXPECTED_HASH").clone();
    let of = |value: &str| {
        let own = World::new().with("Agent", "spec.defaults.systemPrompt", value);
        hash(&own)
    };
    let mut manifest = world();
    assert_eq!(hash(&manifest), of(VALUE));
    manifest.values = Some(Values(vec![("prompt", "text", "another one")]));
    assert_eq!(hash(&manifest), of("another one"));
    let mut none = manifest
        .without("Secret")
        .without("Secret")
        .without("Secret");
    assert_eq!(hash(&none), of("another one"));
    none.values = Some(Values(vec![("prompt", "texts", "another one")]));
    let refusal = none.refused();
    assert_eq!(refusal.reason, Reason::MissingSystemPromptRef);
}

#[test]
fn credentials_of_a_repository_are_looked_for_where_values_are() {
    let world = |key: &'static str| {
        let mut world = World::of_repository().with_data(
            "Secret",
            "hub-token",
            "stringData",
            &json!({ "a": "b" }),
        );
        world.values = Some(Values(vec![("hub-token", key, "t")]));
        world.made().conditions.len()
    };
    assert_eq!((world("token"), world("tokens")), (0, 1));
}
