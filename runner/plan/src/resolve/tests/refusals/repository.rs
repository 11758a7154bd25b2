//! Of the repository.

use serde_json::{Value, json};

use super::End::{Refused, Skipped};
use super::{HUB, RUN, Row, World, allowing, blocking, hub, required};
use crate::resolve::Reason;

pub(super) const ROWS: &[Row] = &[
    (
        || required(World::new()),
        Refused,
        Reason::MissingVcsProvider,
        RUN,
        "spec.vcsRef",
        "neither run nor task nor Agent says a VersionControlProvider, and the run must have one",
    ),
    (
        || required(World::of_repository().without("VersionControlProvider")),
        Refused,
        Reason::MissingVcsProvider,
        RUN,
        "spec.vcsRef.name",
        "there is no VersionControlProvider `hub` in namespace `default`",
    ),
    (
        || World::of_repository().without("VersionControlProvider"),
        Skipped,
        Reason::MissingVcsProvider,
        RUN,
        "spec.vcsRef.name",
        "there is no VersionControlProvider `hub` in namespace `default`",
    ),
    (
        || required(World::of_repository().with("AgentRun", "spec.parameters", Value::Null)),
        Refused,
        Reason::MissingRepository,
        RUN,
        "spec.parameters",
        "nothing says which repository",
    ),
    (
        || World::of_repository().with("AgentRun", "spec.parameters", Value::Null),
        Skipped,
        Reason::MissingRepository,
        RUN,
        "spec.parameters",
        "nothing says which repository",
    ),
    (
        || {
            hub(
                "spec.repositoryPolicy",
                json!({ "allow": ["acme/*"], "deny": ["*/portal"] }),
            )
        },
        Refused,
        Reason::VcsPolicyDenied,
        HUB,
        "spec.repositoryPolicy.deny",
        "the repository `acme/portal` is forbidden",
    ),
    (
        || hub("spec.repositoryPolicy", json!({ "allow": ["acme/other"] })),
        Refused,
        Reason::VcsPolicyDenied,
        HUB,
        "spec.repositoryPolicy.allow",
        "the repository `acme/portal` is none of those that are permitted",
    ),
    (
        || {
            hub("spec.repositoryPolicy", json!({ "deny": ["*"] })).with(
                "AgentRun",
                "spec.vcsPolicy.mode",
                "none",
            )
        },
        Skipped,
        Reason::VcsPolicyDenied,
        HUB,
        "spec.repositoryPolicy.deny",
        "the repository `acme/portal` is forbidden",
    ),
    (
        || required(hub("spec.capabilities", json!({ "write": false }))),
        Refused,
        Reason::VcsCapabilityDenied,
        HUB,
        "spec.capabilities",
        "the provider cannot do `read-write` with `acme/portal`, only `read-only`",
    ),
    (
        || {
            hub("spec.capabilities", json!({ "read": false })).with(
                "AgentRun",
                "spec.vcsPolicy.mode",
                "read-only",
            )
        },
        Skipped,
        Reason::VcsDisabled,
        HUB,
        "spec.capabilities.read",
        "the provider can do nothing that the run wants",
    ),
    (
        || required(World::of_repository()).with("AgentRun", "spec.vcsPolicy.mode", "none"),
        Skipped,
        Reason::VcsDisabled,
        RUN,
        "spec.vcsPolicy.mode",
        "the run wants no repository",
    ),
    (
        || {
            required(hub("spec.provider", "gitlab").with(
                "VersionControlProvider",
                "spec.auth.method",
                "app",
            ))
        },
        Refused,
        Reason::UnsupportedVcsAuth,
        HUB,
        "spec.auth.method",
        "the method `app` is none of `gitlab`, which takes token, ssh, none",
    ),
    (
        || hub("spec.auth.token.type", "api"),
        Skipped,
        Reason::UnsupportedVcsAuth,
        HUB,
        "spec.auth.token.type",
        "the type `api_token` is none of `github`, which takes pat, fine_grained, access_token",
    ),
    (
        || required(hub("spec.auth", json!({ "method": "token" }))),
        Refused,
        Reason::MissingVcsAuth,
        HUB,
        "spec.auth.token.secretRef.name",
        "it is missing or blank",
    ),
    (
        || hub("spec.auth", json!({ "method": "ssh" })),
        Skipped,
        Reason::MissingVcsAuth,
        HUB,
        "spec.auth.ssh.privateKeySecretRef.name",
        "it is missing or blank",
    ),
    (
        || {
            required(hub(
                "spec.auth",
                json!({ "method": "app", "app": { "appId": 1, "installationId": " " } }),
            ))
        },
        Refused,
        Reason::MissingVcsAuth,
        HUB,
        "spec.auth.app.installationId",
        "it is missing or blank",
    ),
    (
        || blocking(required(World::of_repository()), "hub-token"),
        Refused,
        Reason::SecretBlocked,
        HUB,
        "spec.auth.token.secretRef.name",
        "the controller gives the Secret `hub-token` to no run",
    ),
    (
        || blocking(World::of_repository(), "hub-token"),
        Skipped,
        Reason::SecretBlocked,
        HUB,
        "spec.auth.token.secretRef.name",
        "the controller gives the Secret `hub-token` to no run",
    ),
    (
        || allowing(World::of_repository(), "a"),
        Skipped,
        Reason::SecretNotAllowed,
        HUB,
        "spec.auth.token.secretRef.name",
        "the Secret `hub-token` is not among `spec.security.allowedSecrets` of Agent `worker`",
    ),
    (
        || required(hub("spec.auth", Value::Null)),
        Refused,
        Reason::VcsAuthUnavailable,
        HUB,
        "spec.auth",
        "there is no way to authenticate, and the run must write",
    ),
    (
        || required(World::of_repository()).told(|told| told.repositories = false),
        Skipped,
        Reason::VcsProvidersDisabled,
        RUN,
        "spec.vcsRef",
        "the controller gives repositories to no run",
    ),
    (
        || {
            hub(
                "spec.auth",
                json!({ "token": { "secretRef": { "name": "s" } } }),
            )
            .with_data(
                "Secret",
                "s",
                "stringData",
                &json!({ "tok": "x", "token": " " }),
            )
        },
        Skipped,
        Reason::VcsAuthUnavailable,
        HUB,
        "spec.auth.token.secretRef.name",
        "there is nothing under `token` of Secret `s`",
    ),
    (
        || {
            required(
                hub(
                    "spec.auth",
                    json!({ "token": { "secretRef": { "name": "s" } } }),
                )
                .with_data(
                    "Secret",
                    "s",
                    "stringData",
                    &json!({ "tok": "x", "token": " " }),
                ),
            )
        },
        Refused,
        Reason::VcsAuthUnavailable,
        HUB,
        "spec.auth.token.secretRef.name",
        "there is nothing under `token` of Secret `s`",
    ),
    (
        || {
            required(hub("spec.auth", json!({ "app": { "appId": 1, "installationId": 2, "privateKeySecretRef": { "name": "s", "key": "pem" } } }))
                .with_data("Secret", "s", "stringData", &json!({ "tok": "x", "pem": " " })))
        },
        Refused,
        Reason::VcsAuthUnavailable,
        HUB,
        "spec.auth.app.privateKeySecretRef.name",
        "there is nothing under `pem` of Secret `s`",
    ),
    (
        || {
            required(
                hub(
                    "spec.auth",
                    json!({ "ssh": { "privateKeySecretRef": { "name": "s" } } }),
                )
                .with_data(
                    "Secret",
                    "s",
                    "stringData",
                    &json!({ "tok": "x", "privateKey": " " }),
                ),
            )
        },
        Refused,
        Reason::VcsAuthUnavailable,
        HUB,
        "spec.auth.ssh.privateKeySecretRef.name",
        "there is nothing under `privateKey` of Secret `s`",
    ),
];
