//! Files and directories to manifests.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use agent_plan::manifest::{Reading, read};

/// Bytes of one file; a byte more tells that there are more. A manifest that a cluster takes has at
/// most 1.5 MiB, and a file some of them.
const MOST: u64 = 16 << 20;

/// Bytes of all files: they are in memory at once, as trees.
const MOST_OF_ALL: u64 = 64 << 20;

/// Files of a directory.
const MOST_FILES: usize = 1000;

/// How the files of a directory end that are manifests.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What messages call stdin.
const STDIN: &str = "stdin";

/// Why manifests could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum SourceError {
    /// A file or directory cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory has no manifests.
    #[error("the directory `{}` has no *.yaml, *.yml or *.json", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// A directory has too many of them.
    #[error("the directory `{}` has more than {MOST_FILES} files with manifests", path.display())]
    Many {
        /// Which.
        path: PathBuf,
    },
    /// All together are too large.
    #[error("the files have more than {MOST_OF_ALL} bytes together")]
    Large,
}

/// Reads manifests from files, from the files of directories in the order of their names, and from
/// stdin (`-`).
///
/// What is wrong in a text is in its [`Reading`].
///
/// # Errors
///
/// Returns [`SourceError`] for the first that cannot be read at all.
pub(super) fn read_all(sources: &[PathBuf]) -> Result<Vec<Reading>, SourceError> {
    let mut readings = Vec::new();
    let mut left = MOST_OF_ALL;
    for source in sources {
        for path in files(source)? {
            let bytes = bytes(&path).map_err(|source| SourceError::Read {
                path: path.clone(),
                source,
            })?;
            left = left
                .checked_sub(bytes.len() as u64)
                .ok_or(SourceError::Large)?;
            readings.push(read(&bytes, &called(&path)));
        }
    }
    Ok(readings)
}

/// What messages call a file: a name may hold what a terminal obeys.
fn called(path: &Path) -> String {
    if is_stdin(path) {
        return STDIN.to_owned();
    }
    let name = path.display().to_string();
    let harmless = |letter: char| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    };
    name.chars().map(harmless).collect()
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file itself, or the manifests of a directory, but not those of directories in it.
fn files(source: &Path) -> Result<Vec<PathBuf>, SourceError> {
    if is_stdin(source) || !source.is_dir() {
        return Ok(vec![source.to_owned()]);
    }
    let failed = |error| SourceError::Read {
        path: source.to_owned(),
        source: error,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(source).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) && path.is_file() {
            found.push(path);
        }
        if found.len() > MOST_FILES {
            return Err(SourceError::Many {
                path: source.to_owned(),
            });
        }
    }
    if found.is_empty() {
        return Err(SourceError::Empty {
            path: source.to_owned(),
        });
    }
    found.sort();
    Ok(found)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_stdin(path) {
        io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
