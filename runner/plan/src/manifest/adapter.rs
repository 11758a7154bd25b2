//! What in an adapter a cluster takes and the runner does not.
//!
//! A cluster takes any object as an adapter; what reaches the runner is read as [`crate::spec`] does.

use serde_json::json;

use crate::document::{Node, Step, display, steps};
use crate::resource::Kind;
use crate::spec::{self, ProviderDefinition, SpecError};

use super::check::{Flaw, What, check, found};

/// What is odd.
pub(super) enum Oddity {
    /// A field that nobody knows; one that was perhaps meant.
    Unknown(Option<String>),
    /// A value that the runner would refuse, in its words.
    Wrong(String),
}

/// Finds what is odd, by its path in the manifest.
pub(super) fn oddities(kind: Kind, node: &Node) -> Vec<(String, Oddity)> {
    let adapter = node.at("spec.adapter").filter(|node| !node.is_null());
    let Some(adapter) = adapter.filter(|_| kind == Kind::AgentProvider) else {
        return Vec::new();
    };
    let text = json!({ "adapter": adapter.json() }).to_string();
    match spec::parse_definition(text.as_bytes(), "adapter") {
        Ok(document) => {
            let unknown = document.unknown.into_iter();
            // The controller takes these out before the runner sees them.
            unknown
                .filter(|field| field.path != "adapter.codex.secretEnv")
                .map(|field| (below_spec(&field.path), Oddity::Unknown(field.nearest)))
                .collect()
        }
        Err(SpecError::WrongType { path, .. }) => {
            let path = below_spec(&path);
            let problem = wrong(node, &path);
            vec![(path, Oddity::Wrong(problem))]
        }
        Err(_) => vec![(
            "spec.adapter".to_owned(),
            Oddity::Wrong("the runner cannot read it".to_owned()),
        )],
    }
}

/// Says what is wrong at `path`, in types: the runner's own words could have the value in them, and
/// that could be secret.
fn wrong(node: &Node, path: &str) -> String {
    let schema = schemars::schema_for!(ProviderDefinition);
    let at_path = |flaw: &Flaw| below_spec(&flaw.path) == path;
    let flaws = check(node.at("spec").unwrap_or(node), schema.as_value());
    match flaws.into_iter().find(at_path).map(|flaw| flaw.what) {
        Some(What::Wrong { expected, found }) => {
            format!("the runner expects {expected}, not {found}")
        }
        Some(What::Missing(_)) => "the runner expects it, and it is missing".to_owned(),
        _ => {
            let found = node
                .at(path)
                .map_or("nothing".to_owned(), |it| found(it, &[]));
            format!("the runner does not take {found} here")
        }
    }
}

fn below_spec(path: &str) -> String {
    let mut below = vec![Step::Key("spec".to_owned())];
    below.extend(steps(path));
    display(&below)
}
