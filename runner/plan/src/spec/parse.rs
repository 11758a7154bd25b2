//! Bytes to spec: errors that name file, line, column and JSON path; the rest as warnings.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::locate;
use super::{ProviderDefinition, RunSpec, SCHEMA_VERSION};
use crate::document::{Step, display};
use crate::nearest::nearest;

/// The most bytes a spec, a payload or a definition may have: four times what a ConfigMap can
/// hold (1 MiB), so that only a mistake reaches it.
pub const MAX_BYTES: usize = 4 << 20;

/// How many fields that we do not know are told their places: each reads the text from its
/// beginning, and nobody reads a list that is longer.
const MAX_PLACED: usize = 100;

/// A parsed file: typed, raw, and what was in it that we do not know.
#[derive(Debug, Clone)]
pub struct Document<T> {
    /// The typed form.
    pub value: T,
    /// The document as it was, for template roots.
    pub raw: Value,
    /// Fields that the typed form does not have.
    pub unknown: Vec<Unknown>,
}

/// A field that we do not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Path such as `adapter.exec.argTemplate`.
    pub path: String,
    /// Where it is, if it can be said.
    pub at: Option<Located>,
    /// A field that was perhaps meant.
    pub nearest: Option<String>,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown field `{}`", self.path)?;
        if let Some(Located { line, column }) = self.at {
            write!(f, " at line {line} column {column}")?;
        }
        match &self.nearest {
            Some(nearest) => write!(f, ": did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

/// A place in a text, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// Why a spec, payload or definition could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The file is larger than [`MAX_BYTES`].
    #[error("`{origin}` has more than {MAX_BYTES} bytes")]
    TooLarge {
        /// The file.
        origin: String,
    },
    /// The file is not UTF-8.
    #[error("`{origin}` is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// The file.
        origin: String,
        /// How far it was.
        valid_up_to: usize,
    },
    /// The file is not JSON.
    #[error("`{origin}` line {} column {}: not JSON: {problem}", at.line, at.column)]
    Syntax {
        /// The file.
        origin: String,
        /// Where.
        at: Located,
        /// In the parser's words.
        problem: String,
    },
    /// A field has a value of the wrong type.
    #[error("`{origin}` line {} column {}: `{path}`: {problem}", at.line, at.column)]
    WrongType {
        /// The file.
        origin: String,
        /// Where.
        at: Located,
        /// The field.
        path: String,
        /// In the parser's words.
        problem: String,
    },
    /// `schemaVersion` names a version that is not ours.
    #[error("`{origin}`{}: unsupported schemaVersion `{found}`", place(*at))]
    Version {
        /// The file.
        origin: String,
        /// Where.
        at: Option<Located>,
        /// What it says.
        found: String,
    },
    /// A `ConfigMap` without the spec in it.
    #[error("`{origin}`: the ConfigMap has no text at `{key}`")]
    NoKey {
        /// The file.
        origin: String,
        /// Where the spec should be.
        key: &'static str,
    },
    /// `provider` is missing or empty.
    #[error("`{origin}`: `provider` is missing or empty")]
    NoProvider {
        /// The file.
        origin: String,
        /// A field that was perhaps meant to be it.
        nearest: Option<String>,
    },
}

impl SpecError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => {
                Some("a ConfigMap holds 1 MiB at most; pass large inputs as files".to_owned())
            }
            Self::Version { .. } => Some(format!("this runner reads `{SCHEMA_VERSION}`")),
            Self::NoProvider {
                nearest: Some(nearest),
                ..
            } => Some(format!(
                "there is a field `{nearest}`: did you mean `provider`?"
            )),
            Self::NoProvider { .. } => {
                Some("set `provider` to the name of the AgentProvider".to_owned())
            }
            _ => None,
        }
    }
}

fn place(at: Option<Located>) -> String {
    at.map_or(String::new(), |at| {
        format!(" line {} column {}", at.line, at.column)
    })
}

/// Reads a run spec.
///
/// # Errors
///
/// Returns a [`SpecError`] that names file, place and path.
pub fn parse(bytes: &[u8], origin: &str) -> Result<Document<RunSpec>, SpecError> {
    let document: Document<RunSpec> = read(bytes, origin)?;
    if let Some(found) = document
        .value
        .schema_version
        .as_deref()
        .filter(|found| *found != SCHEMA_VERSION)
    {
        return Err(SpecError::Version {
            origin: origin.to_owned(),
            at: at_path(bytes, &[Step::Key("schemaVersion".to_owned())]),
            found: found.to_owned(),
        });
    }
    if document.value.provider.trim().is_empty() {
        let meant = document
            .unknown
            .iter()
            .find(|unknown| unknown.nearest.as_deref() == Some("provider"));
        return Err(SpecError::NoProvider {
            origin: origin.to_owned(),
            nearest: meant.map(|unknown| unknown.path.clone()),
        });
    }
    Ok(document)
}

/// Reads a provider definition.
///
/// # Errors
///
/// Returns a [`SpecError`] that names file, place and path.
pub fn parse_definition(
    bytes: &[u8],
    origin: &str,
) -> Result<Document<ProviderDefinition>, SpecError> {
    read(bytes, origin)
}

/// Reads a run payload; any JSON object will do.
///
/// # Errors
///
/// Returns a [`SpecError`] that names file and place.
pub fn parse_payload(bytes: &[u8], origin: &str) -> Result<Value, SpecError> {
    let document: Document<serde_json::Map<String, Value>> = read(bytes, origin)?;
    Ok(document.raw)
}

fn read<T: DeserializeOwned + schemars::JsonSchema>(
    bytes: &[u8],
    origin: &str,
) -> Result<Document<T>, SpecError> {
    if bytes.len() > MAX_BYTES {
        return Err(SpecError::TooLarge {
            origin: origin.to_owned(),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| SpecError::NotUtf8 {
        origin: origin.to_owned(),
        valid_up_to: error.valid_up_to(),
    })?;
    let raw: Value = serde_json::from_str(text).map_err(|error| SpecError::Syntax {
        origin: origin.to_owned(),
        at: Located {
            line: error.line(),
            column: error.column(),
        },
        problem: words(&error),
    })?;
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let value = serde_ignored::deserialize(tracked, |path| unknown.push(steps(&path)));
    let value = value.map_err(|error| {
        let path = steps_of_error(&track.path());
        let at = locate::locate(text, &path).map_or((error.line(), error.column()), |found| found);
        SpecError::WrongType {
            origin: origin.to_owned(),
            at: Located {
                line: at.0,
                column: at.1,
            },
            path: display(&path),
            problem: words(&error),
        }
    })?;
    let names = if unknown.is_empty() {
        Vec::new()
    } else {
        field_names::<T>()
    };
    let unknown = unknown
        .into_iter()
        .enumerate()
        .map(|(index, path)| Unknown {
            path: display(&path),
            at: (index < MAX_PLACED)
                .then(|| at_path(bytes, &path))
                .flatten(),
            nearest: match path.last() {
                Some(Step::Key(key)) if index < MAX_PLACED => {
                    nearest(key, names.iter().map(String::as_str))
                }
                _ => None,
            },
        })
        .collect();
    Ok(Document {
        value,
        raw,
        unknown,
    })
}

fn at_path(bytes: &[u8], path: &[Step]) -> Option<Located> {
    let (line, column) = locate::locate(std::str::from_utf8(bytes).ok()?, path)?;
    Some(Located { line, column })
}

/// The parser's message without the place, which is said first.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.clone(), |(problem, _)| problem.to_owned())
}

fn steps(path: &serde_ignored::Path<'_>) -> Vec<Step> {
    use serde_ignored::Path;
    let (parent, step) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, Some(Step::Index(*index))),
        Path::Map { parent, key } => (parent, Some(Step::Key(key.clone()))),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => (parent, None),
    };
    let mut all = steps(parent);
    all.extend(step);
    all
}

fn steps_of_error(path: &serde_path_to_error::Path) -> Vec<Step> {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Every field name that the schema of `T` knows, anywhere in it.
fn field_names<T: schemars::JsonSchema>() -> Vec<String> {
    fn collect(value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::Object(properties)) = map.get("properties") {
                    names.extend(properties.keys().cloned());
                }
                map.values().for_each(|value| collect(value, names));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, names)),
            _ => {}
        }
    }
    let mut names = Vec::new();
    collect(schemars::schema_for!(T).as_value(), &mut names);
    names
}

#[cfg(test)]
mod tests;
