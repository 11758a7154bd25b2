//! Texts that people write, as trees in which every value knows its place.
//!
//! # Theory of operation
//!
//! A text is JSON if it is, all of it, one JSON value after another; else it is YAML, documents
//! between lines of `---`. `json` and `yaml` make the same [`Node`]s of both, so that who reads them
//! cannot tell which it was. JSON has a reader of its own because YAML's does not take all of
//! it: values that follow each other, names of more than 1024 letters, some control characters.
//!
//! What a text can cost is bounded: its bytes by whoever calls ([`MAX_BYTES`] is a good bound), its
//! depth, its values, and what aliases repeat.
//!
//! Deliberately absent: comments, and the spelling of a value beyond what it means.

mod json;
mod node;
mod path;
mod yaml;

#[cfg(test)]
mod tests;

pub use node::{Key, Node, Tree};
pub(crate) use path::display;
pub use path::{Step, steps};

use std::fmt;

use serde_json::Number;

use crate::manifest::shown;

/// The most bytes of a text of several documents: what a chart with all its definitions is, several
/// times over.
pub const MAX_BYTES: usize = 8 << 20;

/// The most lists and objects within each other: definitions of resources have about 30, and a
/// thread's stack of 2 MiB holds 50 also without optimization.
const MAX_DEPTH: usize = 48;

/// The most values: lists, objects and all else.
const MAX_VALUES: usize = 500_000;

/// A place in a text, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {} column {}", self.line, self.column)
    }
}

/// Why a text is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
#[non_exhaustive]
pub struct SyntaxError {
    /// Where, if it can be said.
    pub place: Option<Place>,
    /// What: a fragment with no value in it.
    pub problem: String,
}

/// Reads every document of a text, JSON or YAML; those that are empty are left out.
///
/// # Errors
///
/// Returns [`SyntaxError`] for a text that is neither, or that costs too much.
pub fn documents(text: &str) -> Result<Vec<Node>, SyntaxError> {
    match json::documents(text) {
        Some(read) => read,
        None => yaml::documents(text),
    }
}

fn too_deep() -> String {
    format!("more than {MAX_DEPTH} lists and objects within each other")
}

/// Says that two fields of an object have one name.
fn twice(name: &str) -> String {
    format!("`{}` is there twice", shown(name))
}

fn too_many() -> String {
    format!("more than {MAX_VALUES} values")
}

/// A number as a cluster writes it: `1.0` is `1`, because it knows only one kind of number.
fn whole(number: Number) -> Number {
    /// 2 to the 53rd: up to there every integer is a float, too.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and in range")]
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
            (float as i64).into()
        }
        _ => number,
    }
}

impl Node {
    /// Reads a text of one document, JSON or YAML.
    ///
    /// # Errors
    ///
    /// Returns [`SyntaxError`] for a text that is neither, that has several documents, or that costs
    /// too much.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut documents = documents(text)?;
        if let Some(second) = documents.get(1) {
            return Err(SyntaxError {
                place: Some(second.place),
                problem: "a second document begins here; one was expected".to_owned(),
            });
        }
        Ok(documents.pop().unwrap_or(Self {
            tree: Tree::Plain(serde_json::Value::Null),
            place: Place { line: 1, column: 1 },
        }))
    }
}
