//! What is wrong with manifests, or odd.

use std::fmt;

use super::Origin;
use crate::document::{MAX_BYTES, Place};
use crate::resource::Kind;

/// Where something in a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file, as whoever read it calls it.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// Which manifest, such as ``AgentRun `fix-login` ``; as far as it says.
    pub manifest: String,
    /// The field, such as `spec.agentRef.name`; empty for the manifest itself.
    pub path: String,
}

impl fmt::Display for Spot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            place,
            manifest,
            path,
        } = self;
        write!(out, "`{file}` {place}: ")?;
        match (manifest.is_empty(), path.is_empty()) {
            (true, true) => out.write_str("the document"),
            (true, false) => write!(out, "`{path}`"),
            (false, true) => out.write_str(manifest),
            (false, false) => write!(out, "`{path}` of {manifest}"),
        }
    }
}

/// Why a manifest could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is larger than [`MAX_BYTES`].
    #[error("`{file}` has more than {MAX_BYTES} bytes")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// The text is not UTF-8.
    #[error("`{file}` is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// The file.
        file: String,
        /// How far it was.
        valid_up_to: usize,
    },
    /// The text is neither YAML nor JSON.
    #[error("`{file}`{}: {problem}", place.map_or(String::new(), |place| format!(" {place}")))]
    Syntax {
        /// The file.
        file: String,
        /// Where, if it can be said.
        place: Option<Place>,
        /// In the parser's words.
        problem: String,
    },
    /// A value is not of the type that it should be.
    #[error("{at} is {found}, expected {expected}")]
    WrongType {
        /// Where.
        at: Spot,
        /// What should be there.
        expected: String,
        /// What is there: its type, or one of a few words that may be there.
        found: String,
    },
    /// Something is missing.
    #[error("{at} is missing")]
    Missing {
        /// What, and where.
        at: Spot,
        /// A field that was perhaps meant to be it.
        nearest: Option<String>,
    },
    /// A kind that we know has a version that we do not know.
    #[error("{at} is `{found}`, expected `{}`", kind.api_version())]
    Version {
        /// Where.
        at: Spot,
        /// The kind.
        kind: Kind,
        /// The version.
        found: String,
    },
    /// A kind, namespace and name is there twice.
    #[error("{manifest} in namespace `{namespace}` is there twice: {second}, and before {first}")]
    Twice {
        /// Which.
        manifest: String,
        /// Its namespace.
        namespace: String,
        /// Where it is first.
        first: Origin,
        /// Where it is again.
        second: Origin,
    },
    /// There is more that is wrong than is worth saying.
    #[error("`{file}` has {count} more errors")]
    More {
        /// The file.
        file: String,
        /// How many.
        count: usize,
    },
}

impl ManifestError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::WrongType {
                expected, found, ..
            } if expected == TEXT && ["a number", "a boolean"].contains(&found.as_str()) => {
                Some("write it in quotes".to_owned())
            }
            Self::Missing {
                nearest: Some(nearest),
                ..
            } => Some(format!("there is `{nearest}`: is it meant?")),
            Self::Missing { at, .. } if at.path == "metadata.name" => Some(
                "without a cluster nobody makes a name: write one, also beside `generateName`"
                    .to_owned(),
            ),
            Self::Syntax { problem, .. } => syntax_hint(problem).map(str::to_owned),
            Self::TooLarge { .. } => Some("split it into several files".to_owned()),
            Self::NotUtf8 { .. } => Some("save it as UTF-8".to_owned()),
            Self::Twice { .. } => Some("remove one, or give it another name".to_owned()),
            _ => None,
        }
    }
}

/// What to do about a text that is neither YAML nor JSON, unless the problem says it itself.
fn syntax_hint(problem: &str) -> Option<&'static str> {
    if problem.contains("; ") {
        None
    } else if problem.starts_with("more than") {
        Some("split it into several files, or write less of it")
    } else if ["`apiVersion` is there twice", "`kind` is there twice"].contains(&problem) {
        Some("write `---` between two manifests")
    } else if problem.ends_with("is there twice") {
        Some("remove one, or give it another name")
    } else if problem.contains("alias") {
        Some("write out what it stands for")
    } else {
        Some(
            "look there, and before it, for what is not closed, not in quotes or not indented alike",
        )
    }
}

/// Shows what somebody wrote where a word was expected: not all of it, and nothing that moves a
/// cursor.
pub(crate) fn shown(text: &str) -> String {
    let letters = text.chars().take(253);
    letters
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}

/// What a text is called where one is expected.
pub(super) const TEXT: &str = "a text";

/// What is odd with a manifest; it is taken all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestWarning {
    /// A field that nobody reads. A cluster may drop it; without one it stays where a controller hands
    /// on what it was given.
    UnknownField {
        /// Which.
        at: Spot,
        /// A field that was perhaps meant.
        nearest: Option<String>,
    },
    /// A kind that means nothing to a run; it is left alone.
    UnknownKind {
        /// Where.
        at: Spot,
        /// Its version.
        api_version: String,
        /// Its kind.
        kind: String,
        /// A kind, or a version of this one, that was perhaps meant.
        nearest: Option<String>,
    },
    /// Something in an adapter that a cluster takes and the runner will not.
    Adapter {
        /// Where.
        at: Spot,
        /// In the reader's words.
        problem: String,
    },
    /// There is more that is odd than is worth saying.
    More {
        /// The file.
        file: String,
        /// How many.
        count: usize,
    },
}

impl fmt::Display for ManifestWarning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nearest = match self {
            Self::UnknownField { at, nearest } => {
                write!(out, "{at} is no field that is known")?;
                nearest
            }
            Self::UnknownKind {
                at,
                api_version,
                kind,
                nearest,
            } => {
                write!(
                    out,
                    "`{}` {}: `{kind}` of `{api_version}` means nothing to a run; it is left alone",
                    at.file, at.place
                )?;
                nearest
            }
            Self::Adapter { at, problem } => return write!(out, "{at}: {problem}"),
            Self::More { file, count } => return write!(out, "`{file}` has {count} more warnings"),
        };
        match nearest {
            Some(nearest) => write!(out, ": did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}
