//! The runner's own credentials, which the agent and its tools do not get.

use crate::env::Environment;
use crate::pattern;
use crate::settings::RunnerSettings;

/// Credentials for events and artifacts, under the names that we read them by (contract §6.2, §8.3).
const OURS: [&str; 16] = [
    "NATS_USER*",
    "NATS_PASSWORD*",
    "NATS_TOKEN*",
    "NATS_CREDS*",
    "NATS_CERT*",
    "NATS_KEY*",
    "NATS_NKEY*",
    "NATS_*_PASSWORD",
    "NATS_*_TOKEN",
    "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
    "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
    "AGENTS_ARTIFACTS_SESSION_TOKEN",
    "MINIO_ACCESS_KEY",
    "MINIO_SECRET_KEY",
    "accesskey",
    "secretkey",
];

/// Credentials that everybody's SDK reads, and that artifacts are stored with where nothing more
/// special is set.
const AWS: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_*",
];

/// Says whether a variable of this environment is a credential of the runner's own.
pub(super) fn is_ours(
    environment: &Environment,
    settings: &RunnerSettings,
    name: &str,
    value: Option<&str>,
) -> bool {
    if OURS.iter().any(|ours| pattern::matches(ours, name)) {
        return true;
    }
    if name == "NATS_URL" {
        // A server's address is no secret; the password in it is.
        return value.is_some_and(|url| url.contains('@'));
    }
    AWS.iter().any(|aws| pattern::matches(aws, name)) && are_for_artifacts(environment, settings)
}

/// Says whether the general credentials are those of the artifact store, and not the agent's.
fn are_for_artifacts(environment: &Environment, settings: &RunnerSettings) -> bool {
    let is_set = |name: &&str| {
        let value = environment.get(name);
        value.is_some_and(|value| !value.trim().is_empty())
    };
    let any = |names: &[&str]| names.iter().any(is_set);
    let told = settings.artifacts.as_ref();
    let has_store = told.is_some_and(|told| told.bucket.is_some())
        || any(&["AGENTS_ARTIFACTS_BUCKET", "MINIO_BUCKET", "ARTIFACT_BUCKET"]);
    let has_special = any(&["AGENTS_ARTIFACTS_ACCESS_KEY_ID", "MINIO_ACCESS_KEY"]);
    // The agent reaches its model through AWS with them.
    let of_model = any(&[
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_MANTLE",
        "AWS_BEARER_TOKEN_BEDROCK",
    ]);
    has_store && !has_special && !of_model
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ArtifactSettings;

    fn environment(entries: &[(&str, &str)]) -> Environment {
        let entries = entries
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Environment::new(entries)
    }

    #[test]
    fn credentials_for_events_and_artifacts_are_ours() {
        let none = environment(&[]);
        for name in [
            "NATS_PASSWORD",
            "NATS_PASSWORD_FILE",
            "NATS_CREDS_FILE",
            "NATS_KEY_FILE",
            "NATS_NKEY_SEED",
            "NATS_CONTEXT_TOKEN",
            "AGENTS_ARTIFACTS_SESSION_TOKEN",
            "MINIO_SECRET_KEY",
            "secretkey",
        ] {
            assert!(
                is_ours(&none, &RunnerSettings::default(), name, None),
                "{name}"
            );
        }
        for name in ["PATH", "ANTHROPIC_API_KEY", "GH_TOKEN", "NATS_SUBJECT"] {
            assert!(
                !is_ours(&none, &RunnerSettings::default(), name, None),
                "{name}"
            );
        }
    }

    #[test]
    fn a_url_is_withheld_only_for_the_password_in_it() {
        let none = environment(&[]);
        assert!(is_ours(
            &none,
            &RunnerSettings::default(),
            "NATS_URL",
            Some("nats://user:word@nats:4222")
        ));
        assert!(!is_ours(
            &none,
            &RunnerSettings::default(),
            "NATS_URL",
            Some("nats://nats:4222")
        ));
    }

    #[test]
    fn general_credentials_are_the_agents_unless_artifacts_are_stored_with_them() {
        let names = [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ];
        let store = ("ARTIFACT_BUCKET", "runs");
        for (entries, ours) in [
            (&[][..], false),
            (&[store], true),
            (&[store, ("MINIO_ACCESS_KEY", "special")], false),
            (&[store, ("CLAUDE_CODE_USE_BEDROCK", "1")], false),
        ] {
            for name in names {
                let environment = environment(entries);
                let is_ours = is_ours(&environment, &RunnerSettings::default(), name, None);
                assert_eq!(is_ours, ours, "{name} {entries:?}");
            }
        }
        let settings = RunnerSettings {
            artifacts: Some(ArtifactSettings {
                bucket: Some("runs".to_owned()),
                ..ArtifactSettings::default()
            }),
            ..RunnerSettings::default()
        };
        assert!(is_ours(&environment(&[]), &settings, names[0], None));
        assert!(!is_ours(&environment(&[]), &settings, "AWS_REGION", None));
    }
}
