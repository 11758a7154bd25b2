//! Of the run itself, and of what the controller was told.

use serde_json::{Value, json};

use super::End::{Objected, Refused};
use super::{PROVIDER, RUN, Row, World, run, task};
use crate::resolve::Reason;

pub(super) const ROWS: &[Row] = &[
    (
        || run("spec.goal.objective", "x".repeat(8193)),
        Refused,
        Reason::Invalid,
        RUN,
        "spec.goal.objective",
        "it has 8193 characters, at most 8192",
    ),
    (
        || task("text", "ä".repeat(131_073)),
        Refused,
        Reason::Invalid,
        RUN,
        "spec.implementation.inline.text",
        "it has 131073 characters, at most 131072",
    ),
    (
        || task("summary", "x".repeat(257)),
        Refused,
        Reason::Invalid,
        RUN,
        "spec.implementation.inline.summary",
        "it has 257 characters, at most 256",
    ),
    (
        || task("description", "x".repeat(131_073)),
        Refused,
        Reason::Invalid,
        RUN,
        "spec.implementation.inline.description",
        "it has 131073 characters, at most 131072",
    ),
    (
        || task("acceptanceCriteria", vec!["x"; 51]),
        Refused,
        Reason::Invalid,
        RUN,
        "spec.implementation.inline.acceptanceCriteria",
        "there are 51, at most 50",
    ),
    (
        || run("metadata.name", "x".repeat(64)),
        Refused,
        Reason::SubmitFailed,
        "AgentRun `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`",
        "metadata.name",
        "it has 64 characters, at most 63: it is the value of a label",
    ),
    (
        || run("spec.runtime", Value::Null),
        Objected,
        Reason::MissingRuntime,
        RUN,
        "spec.runtime.type",
        "it does not say its runtime, which is `job`",
    ),
    (
        || {
            run(
                "spec.parameters",
                (0..101)
                    .map(|n| (format!("p{n}"), "x".into()))
                    .collect::<serde_json::Map<_, _>>(),
            )
        },
        Refused,
        Reason::ParametersTooLarge,
        RUN,
        "spec.parameters",
        "there are 101 parameters, at most 100",
    ),
    (
        || run("spec.parameters", json!({ " Prompt": "x" })),
        Objected,
        Reason::ForbiddenParameterKey,
        RUN,
        "spec.parameters. Prompt",
        "a parameter may not be called `prompt`: what is to be done is `text` of the implementation",
    ),
    (
        || run("spec.parameters.a", "ä".repeat(1025)),
        Refused,
        Reason::ParameterValueTooLarge,
        RUN,
        "spec.parameters.a",
        "it has 2050 bytes, at most 2048",
    ),
    (
        || World::new().told(|told| told.labels.required = vec!["team".into()]),
        Refused,
        Reason::MissingRequiredLabels,
        RUN,
        "metadata.labels",
        "the controller demands the label `team`",
    ),
    (
        || {
            run("metadata.labels", json!({ "team": "a", "debug": "1" }))
                .told(|told| told.labels.denied = vec!["de*".into()])
        },
        Refused,
        Reason::LabelBlocked,
        RUN,
        "metadata.labels.debug",
        "the controller forbids this label",
    ),
    (
        || {
            run("metadata.labels", json!({ "team": "a", "debug": "1" }))
                .told(|told| told.labels.allowed = vec!["team".into()])
        },
        Refused,
        Reason::LabelNotAllowed,
        RUN,
        "metadata.labels.debug",
        "the controller does not permit this label",
    ),
    (
        || World::new().with("AgentProvider", "spec.workload", Value::Null),
        Refused,
        Reason::MissingWorkloadImage,
        RUN,
        "spec.workload.image",
        "neither run nor provider nor controller says an image",
    ),
    (
        || World::new().told(|told| told.images_denied = vec!["*/shell:*".into()]),
        Refused,
        Reason::ImageBlocked,
        PROVIDER,
        "spec.workload.image",
        "the controller forbids the image `registry.example.com/shell:1`",
    ),
    (
        || {
            run("spec.workload.image", "elsewhere/shell:1")
                .told(|told| told.images_allowed = vec!["registry.example.com/*".into()])
        },
        Refused,
        Reason::ImageNotAllowed,
        RUN,
        "spec.workload.image",
        "the controller does not permit the image `elsewhere/shell:1`",
    ),
    (
        || run("spec.runtime.type", "custom"),
        Refused,
        Reason::MissingEndpoint,
        RUN,
        "spec.runtime.config.endpoint",
        "it is missing or blank",
    ),
    (
        || {
            run(
                "spec.runtime",
                json!({ "type": "temporal", "config": { "workflowType": "w", "taskQueue": " " } }),
            )
        },
        Refused,
        Reason::MissingTemporalConfig,
        RUN,
        "spec.runtime.config.taskQueue",
        "it is missing or blank",
    ),
    (
        || {
            run(
                "spec.runtime",
                json!({ "type": "custom", "config": { "endpoint": "https://x" } }),
            )
        },
        Refused,
        Reason::UnsupportedRuntime,
        RUN,
        "spec.runtime.type",
        "a runtime of type `custom` starts no runner",
    ),
    (
        || {
            run(
                "spec.runtime",
                json!({ "type": "temporal", "config": { "workflowType": "w", "taskQueue": "q" } }),
            )
        },
        Refused,
        Reason::UnsupportedRuntime,
        RUN,
        "spec.runtime.type",
        "a runtime of type `temporal` starts no runner",
    ),
    (
        || run("spec.runtime.type", "workflow"),
        Refused,
        Reason::UnsupportedRuntime,
        RUN,
        "spec.runtime.type",
        "a runtime of type `workflow` is several Jobs, one after another",
    ),
    (
        || run("spec.runtime.type", "jobb"),
        Refused,
        Reason::SubmitFailed,
        RUN,
        "spec.runtime.type",
        "there is no runtime of type `jobb`",
    ),
];
