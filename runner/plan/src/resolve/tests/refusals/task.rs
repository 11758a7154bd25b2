//! Of what is to be done.

use serde_json::{Value, json};

use super::End::Refused;
use super::{RUN, Row, run, task};
use crate::resolve::Reason;

pub(super) const ROWS: &[Row] = &[
    (
        || run("spec.implementation", Value::Null),
        Refused,
        Reason::MissingImplementation,
        RUN,
        "spec",
        "it says neither `implementation.inline` nor `implementationSpecRef`",
    ),
    (
        || {
            run("spec.implementation", Value::Null).with(
                "AgentRun",
                "spec.implementationSpecRef.name",
                "login",
            )
        },
        Refused,
        Reason::MissingImplementation,
        RUN,
        "spec.implementationSpecRef.name",
        "there is no ImplementationSpec `login` in namespace `default`",
    ),
    (
        || task("contract", json!({ "requiredKeys": ["a", " "] })),
        Refused,
        Reason::InvalidContract,
        RUN,
        "spec.implementation.inline.contract.requiredKeys[1]",
        "it is blank",
    ),
    (
        || task("contract", json!({ "mappings": [{ "from": "a" }] })),
        Refused,
        Reason::InvalidContract,
        RUN,
        "spec.implementation.inline.contract.mappings[0].to",
        "it is missing or blank",
    ),
    (
        || {
            task(
                "contract",
                json!({ "requiredKeys": ["stage", "a", "b", "a"] }),
            )
            .with("AgentRun", "spec.parameters.stage", "x")
        },
        Refused,
        Reason::MissingRequiredMetadata,
        RUN,
        "spec.implementation.inline.contract.requiredKeys[1]",
        "nothing is known of `a`, `b`",
    ),
];
