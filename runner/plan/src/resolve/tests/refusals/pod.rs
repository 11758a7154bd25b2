//! Of the pod.

use serde_json::json;

use super::End::Refused;
use super::{AGENT, PROVIDER, RUN, Row, World, auth, hub, prompt_in, run, token};
use crate::resolve::{AuthSecret, Reason};

pub(super) const ROWS: &[Row] = &[
    (
        || {
            hub(
                "spec.auth",
                json!({ "ssh": {
                    "privateKeySecretRef": { "name": "key" },
                    "knownHostsConfigMapRef": { "name": "hosts" },
                } }),
            )
            .with("AgentRun", "metadata.name", "x".repeat(60))
        },
        Refused,
        Reason::SubmitFailed,
        "AgentRun `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`",
        "metadata.name",
        "there are two volumes `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-vc`",
    ),
    (
        || {
            let auth = AuthSecret {
                mount_path: "/workspace/.codex".to_owned(),
                ..auth()
            };
            prompt_in("ConfigMap")
                .with_data("ConfigMap", "prompt", "data", &json!({ "text": "x" }))
                .told(|told| told.auth_secret = Some(auth))
        },
        Refused,
        Reason::SubmitFailed,
        AGENT,
        "spec.defaults.systemPromptRef",
        "two volumes are mounted at `/workspace/.codex`",
    ),
    (
        || {
            World::new()
                .with(
                    "AgentProvider",
                    "spec.inputFiles",
                    json!([{ "path": "/root/.codex", "content": "x" }]),
                )
                .told(|told| told.auth_secret = Some(auth()))
        },
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.inputFiles",
        "two volumes are mounted at `/root/.codex`",
    ),
    (
        || token("audience", " "),
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.workload.serviceAccountToken.audience",
        "it is blank, or has more than 253 characters",
    ),
    (
        || token("mountPath", "//"),
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.workload.serviceAccountToken.mountPath",
        "it is no absolute path below `/`",
    ),
    (
        || token("expirationSeconds", 599),
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.workload.serviceAccountToken.expirationSeconds",
        "it is not from 600 to 3600",
    ),
    (
        || token("mountPath", "/a/../b"),
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.workload.serviceAccountToken.mountPath",
        "it is no absolute path below `/`",
    ),
    (
        || token("mountPath", "/workspace/run.json"),
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.workload.serviceAccountToken.mountPath",
        "something else is mounted there",
    ),
    (
        || {
            run(
                "spec.workload.volumes",
                json!([{ "name": "a", "type": "pvc", "mountPath": "/a" }]),
            )
        },
        Refused,
        Reason::SubmitFailed,
        RUN,
        "spec.workload.volumes[0].claimName",
        "it is missing or blank",
    ),
    (
        || {
            run(
                "spec.workload.volumes",
                json!([{ "name": "a", "type": "emptyDir", "mountPath": "/a" }, { "name": "a", "type": "emptyDir", "mountPath": "/b" }]),
            )
        },
        Refused,
        Reason::SubmitFailed,
        RUN,
        "spec.workload.volumes[1]",
        "there are two volumes `a`",
    ),
    (
        || {
            World::new().with(
                "AgentProvider",
                "spec.inputFiles",
                json!([{ "path": "/workspace/run.json", "content": "x" }]),
            )
        },
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.inputFiles",
        "two volumes are mounted at `/workspace/run.json`",
    ),
    (
        || {
            World::new().with(
                "AgentProvider",
                "spec.inputFiles",
                json!([{ "path": "/a", "content": "x" }, { "path": "/a", "content": "y" }]),
            )
        },
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.inputFiles",
        "two volumes are mounted at `/a`",
    ),
    (
        || {
            World::new().with(
                "AgentProvider",
                "spec.inputFiles",
                json!([{ "path": "/a", "content": "x".repeat((1 << 20) + 1) }]),
            )
        },
        Refused,
        Reason::SubmitFailed,
        PROVIDER,
        "spec.inputFiles",
        "what becomes of it has 1048577 bytes, and a ConfigMap at most 1048576",
    ),
];
