//! The runner's own credentials, which the agent and its tools do not get.

use crate::env::Environment;
use crate::pattern;

/// Credentials for events and artifacts, under the names that we read them by (contract §6.2, §8.3).
const OURS: [&str; 15] = [
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
    "MINIO_ACCESS_KEY",
    "MINIO_SECRET_KEY",
    "accesskey",
    "secretkey",
];

/// Credentials that everybody's SDK reads, and that artifacts are stored with where nothing more
/// special is set.
const AWS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Says whether a variable of this environment is a credential of the runner's own.
pub(super) fn is_ours(environment: &Environment, name: &str, value: Option<&str>) -> bool {
    if OURS.iter().any(|ours| pattern::matches(ours, name)) {
        return true;
    }
    if name == "NATS_URL" {
        // A server's address is no secret; the password in it is.
        return value.is_some_and(|url| url.contains('@'));
    }
    AWS.contains(&name) && are_for_artifacts(environment)
}

/// Says whether the general credentials are those of the artifact store, and not the agent's.
fn are_for_artifacts(environment: &Environment) -> bool {
    let any = |names: &[&str]| names.iter().any(|name| environment.get(name).is_some());
    let has_store = any(&["AGENTS_ARTIFACTS_BUCKET", "MINIO_BUCKET", "ARTIFACT_BUCKET"]);
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
            "MINIO_SECRET_KEY",
            "secretkey",
        ] {
            assert!(is_ours(&none, name, None), "{name}");
        }
        for name in ["PATH", "ANTHROPIC_API_KEY", "GH_TOKEN", "NATS_SUBJECT"] {
            assert!(!is_ours(&none, name, None), "{name}");
        }
    }

    #[test]
    fn a_url_is_withheld_only_for_the_password_in_it() {
        let none = environment(&[]);
        assert!(is_ours(
            &none,
            "NATS_URL",
            Some("nats://user:word@nats:4222")
        ));
        assert!(!is_ours(&none, "NATS_URL", Some("nats://nats:4222")));
    }

    #[test]
    fn general_credentials_are_the_agents_unless_artifacts_are_stored_with_them() {
        let name = "AWS_SECRET_ACCESS_KEY";
        let store = ("ARTIFACT_BUCKET", "runs");
        for (entries, ours) in [
            (&[][..], false),
            (&[store], true),
            (&[store, ("MINIO_ACCESS_KEY", "special")], false),
            (&[store, ("CLAUDE_CODE_USE_BEDROCK", "1")], false),
        ] {
            assert_eq!(
                is_ours(&environment(entries), name, None),
                ours,
                "{entries:?}"
            );
        }
    }
}
