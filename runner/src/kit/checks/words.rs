//! Words that Kubernetes reads as something else: its YAML is that of version 1.1, and where it wants
//! texts it takes nothing else.

use crate::kit::finding::Finding;
use crate::kit::manifest::{Form, Manifest, Node, Place};

/// Booleans of YAML 1.1 that are words since.
const BOOLEANS: [&str; 8] = ["on", "off", "yes", "no", "On", "Off", "Yes", "No"];

/// Where only texts are taken.
const TEXTS: [&str; 2] = ["argsTemplate", "envTemplate"];

pub(super) fn unquoted(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    if manifest.form == Form::Definition {
        return findings;
    }
    for path in TEXTS {
        let Some(node) = manifest.at(path) else {
            continue;
        };
        node.leaves(&manifest.path(path), &mut |path, leaf| {
            if leaf.text().is_none() {
                let word = leaf.json().to_string();
                let change = format!("write \"{word}\"");
                let finding = Finding::new("a text", format!("`{word}`, which is none"), change);
                findings.push(finding.at(path, leaf.place));
            }
        });
    }
    let Some(adapter) = manifest.at("adapter") else {
        return findings;
    };
    adapter.leaves("spec.adapter", &mut |path, leaf: &Node| {
        let word = word_at(&manifest.text, leaf.place);
        if BOOLEANS.contains(&word) {
            let finding = Finding::new(
                "a word in quotes, or `true` or `false`",
                format!("`{word}`, a boolean to Kubernetes"),
                format!("write \"{word}\" if the word is meant"),
            );
            findings.push(finding.at(path, leaf.place));
        }
    });
    findings
}

/// The word that stands in a place; what stands in quotes is none.
fn word_at(text: &str, place: Place) -> &str {
    let from_zero = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.lines().nth(from_zero(place.line)).unwrap_or_default();
    let start = line.char_indices().nth(from_zero(place.column));
    let rest = start.map_or("", |(start, _)| &line[start..]);
    let end = rest.find(|letter: char| !letter.is_alphanumeric());
    &rest[..end.unwrap_or(rest.len())]
}
