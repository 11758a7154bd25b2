//! A path below the checkout.

use std::path::{Component, PathBuf};

use super::vcs::Told;
use crate::plan::{PlanError, shown};

/// Takes a path in a repository as hostile; `.` is none.
///
/// # Errors
///
/// Returns [`PlanError::BadSubdirectory`] for a path that is absolute, steps upwards, begins like
/// an option, has a NUL byte in it or leads into the repository's own files.
pub(super) fn below(told: Option<Told>) -> Result<Option<PathBuf>, PlanError> {
    let Some(Told { place, text }) = told else {
        return Ok(None);
    };
    let refuse = |problem| {
        Err(PlanError::BadSubdirectory {
            place: place.clone(),
            path: shown(&text),
            problem,
        })
    };
    if text.contains('\0') {
        return refuse("it has a NUL byte in it");
    }
    if text.starts_with('-') {
        return refuse("it begins with `-`, as an option does");
    }
    let mut path = PathBuf::new();
    for component in PathBuf::from(&text).components() {
        match component {
            Component::Normal(name) if name.eq_ignore_ascii_case(".git") => {
                return refuse("it leads into the repository's own files");
            }
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => return refuse("it has a `..` in it"),
            Component::RootDir | Component::Prefix(_) => return refuse("it is absolute"),
        }
    }
    Ok(Some(path).filter(|path| !path.as_os_str().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> Option<Told> {
        Told::new("place", text)
    }

    #[test]
    fn a_subdirectory_is_relative_and_plain() {
        for (text, expected) in [
            ("", None),
            (" ", None),
            (".", None),
            ("./", None),
            ("app", Some("app")),
            ("./packages//api/", Some("packages/api")),
            ("a/.gitignore", Some("a/.gitignore")),
            ("a..b", Some("a..b")),
        ] {
            let path = below(told(text)).expect("a fine path");
            assert_eq!(path, expected.map(PathBuf::from), "{text:?}");
        }
    }

    #[test]
    fn a_subdirectory_that_leaves_or_enters_git_is_refused() {
        for (text, problem) in [
            ("../..", "`..`"),
            ("a/../b", "`..`"),
            ("/etc", "absolute"),
            (".git/hooks", "own files"),
            ("a/.GIT", "own files"),
            ("-rf", "option"),
            ("a\0b", "NUL"),
        ] {
            let error = below(told(text)).expect_err("a foul path");
            assert_eq!(error.reason(), "BadPath", "{text:?}");
            assert!(error.to_string().contains(problem), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_stays_below(text in "[a./\\-\0gitGIT]{0,12}") {
            if let Ok(Some(path)) = below(told(&text)) {
                let is_plain = path.components().all(|part| match part {
                    Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
                    _ => false,
                });
                prop_assert!(is_plain, "{:?}", path);
            }
        }
    }
}
