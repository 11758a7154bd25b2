//! Which files a delivery is of: one, those of a directory, or those that a pattern names.

use std::path::{Path, PathBuf};

use agent_plan::plan::{Delivery, KEY_LIMIT};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::WalkDir;

use super::source::{self, SourceError};

/// A file that is to be stored.
#[derive(Debug)]
pub(super) struct Item {
    /// Without links, to be opened as it is.
    pub(super) path: PathBuf,
    /// Its key.
    pub(super) key: String,
    /// Bytes, as it was listed.
    pub(super) size: u64,
}

/// What a delivery is of.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Files, in order of their names.
    pub(super) items: Vec<Item>,
    /// Whether it is a directory or a pattern: its key is that of a directory then.
    pub(super) is_tree: bool,
    /// Names that cannot be keys, as they may be shown, each with why.
    pub(super) unnamed: Vec<(String, &'static str)>,
    /// Directories that could not be read.
    pub(super) unread: Vec<SourceError>,
}

impl Selection {
    /// Notes what cannot be read; what vanished while it was listed is not a part of it.
    fn lost(&mut self, path: &Path, error: walkdir::Error) {
        let error = error.into_io_error();
        let source = error.unwrap_or_else(|| std::io::Error::other("it cannot be walked"));
        if source.kind() != std::io::ErrorKind::NotFound {
            let path = path.to_owned();
            self.unread.push(SourceError::Read { path, source });
        }
    }
}

/// Why there is nothing to select from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum SelectError {
    /// The file or directory is not there, or must not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Nothing has a name like that.
    #[error("nothing matches `{}`", pattern.display())]
    NoMatch {
        /// The path, with wildcards.
        pattern: PathBuf,
    },
    /// A directory has the key of a file.
    #[error("`{}` is a directory, and the key does not end in `/`", path.display())]
    Directory {
        /// It.
        path: PathBuf,
    },
    /// A pattern cannot be read.
    #[error("`{pattern}` is no pattern")]
    Pattern {
        /// It.
        pattern: String,
        /// Why.
        #[source]
        source: globset::Error,
    },
}

/// Looks for the files of a delivery; `roots` are the directories of the workspace. Blocks.
///
/// # Errors
///
/// Returns [`SelectError`].
pub(super) fn select(
    delivery: &Delivery,
    path: &Path,
    key: &str,
    roots: &[PathBuf],
) -> Result<Selection, SelectError> {
    let exclude = set(&delivery.exclude)?;
    let target = match source::resolve(path, roots) {
        Err(SourceError::Missing { .. }) if delivery.is_tree && has_wildcard(path) => {
            let (base, pattern) = split(path, roots);
            let matches = GlobBuilder::new(&pattern).literal_separator(true).build();
            let matches = matches.map_err(|source| SelectError::Pattern { pattern, source })?;
            let matches = matches.compile_matcher();
            let base = source::resolve(&base, roots)?;
            let selection = walk(&base, key, &exclude, |name| matches.is_match(name));
            let Selection {
                items,
                unnamed,
                unread,
                ..
            } = &selection;
            if items.is_empty() && unnamed.is_empty() && unread.is_empty() {
                return Err(SelectError::NoMatch {
                    pattern: path.to_owned(),
                });
            }
            return Ok(selection);
        }
        target => target?,
    };
    let about = target.metadata();
    let about = about.map_err(|error| SourceError::of(path, error))?;
    if about.is_dir() {
        if !delivery.is_tree {
            return Err(SelectError::Directory {
                path: path.to_owned(),
            });
        }
        return Ok(walk(&target, key, &exclude, |_| true));
    }
    Ok(Selection {
        items: vec![Item {
            path: target,
            key: key.to_owned(),
            size: about.len(),
        }],
        ..Selection::default()
    })
}

fn set(patterns: &[String]) -> Result<GlobSet, SelectError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let invalid = |source| SelectError::Pattern {
            pattern: pattern.clone(),
            source,
        };
        let name = pattern.trim_end_matches('/');
        // What is below a directory that is left out is left out, too.
        for glob in [name.to_owned(), format!("{name}/**")] {
            let glob = GlobBuilder::new(&glob).literal_separator(true).build();
            set.add(glob.map_err(invalid)?);
        }
    }
    let invalid = |source| SelectError::Pattern {
        pattern: patterns.join(","),
        source,
    };
    set.build().map_err(invalid)
}

/// Lists the regular files below a directory that are wanted by their names in it. What is left out
/// is not even looked into: whether it can be read does not matter.
fn walk(base: &Path, key: &str, exclude: &GlobSet, wanted: impl Fn(&Path) -> bool) -> Selection {
    let mut selection = Selection {
        is_tree: true,
        ..Selection::default()
    };
    let below = |path: &Path| path.strip_prefix(base).unwrap_or(path).to_owned();
    let entries = WalkDir::new(base).min_depth(1).sort_by_file_name();
    let entries = entries.into_iter();
    for entry in entries.filter_entry(|entry| !exclude.is_match(below(entry.path()))) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(base).to_owned();
                selection.lost(&path, error);
                continue;
            }
        };
        let name = below(entry.path());
        if !entry.file_type().is_file() || !wanted(&name) {
            continue;
        }
        let Some(text) = name.to_str() else {
            let shown = name.to_string_lossy().into_owned();
            selection.unnamed.push((shown, "its name is not UTF-8"));
            continue;
        };
        let key = format!("{key}/{text}");
        if key.len() > KEY_LIMIT {
            let shown = text.to_owned();
            selection
                .unnamed
                .push((shown, "its key has more than 1024 bytes"));
            continue;
        }
        let about = match entry.metadata() {
            Ok(about) => about,
            Err(error) => {
                selection.lost(entry.path(), error);
                continue;
            }
        };
        selection.items.push(Item {
            path: entry.path().to_owned(),
            key,
            size: about.len(),
        });
    }
    selection
}

fn is_wild(letter: char) -> bool {
    matches!(letter, '*' | '?' | '[' | '{')
}

fn has_wildcard(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.contains(is_wild))
}

/// Divides a pattern into the directory before the first wildcard, and the rest. In the name of a
/// directory of the workspace, nothing is a wildcard.
fn split(path: &Path, roots: &[PathBuf]) -> (PathBuf, String) {
    let above = roots.iter().filter(|root| path.starts_with(root));
    let above = above.max_by_key(|root| root.components().count());
    let mut base = above.cloned().unwrap_or_default();
    let mut rest = Vec::new();
    for part in path.strip_prefix(&base).unwrap_or(path).components() {
        let text = part.as_os_str().to_string_lossy();
        if rest.is_empty() && !text.contains(is_wild) {
            base.push(part);
        } else {
            rest.push(text.into_owned());
        }
    }
    (base, rest.join("/"))
}

#[cfg(test)]
mod tests;
