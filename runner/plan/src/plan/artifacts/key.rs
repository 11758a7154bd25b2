//! Keys: the names of objects in a store (contract §6.1).

use crate::plan::shown;
use crate::template::trim;

/// The most bytes of a key that a store takes.
pub const KEY_LIMIT: usize = 1024;

/// Why an artifact has no key that can be stored under.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("artifact `{artifact}` has the key `{key}`, {problem}")]
pub struct KeyError {
    /// The artifact's name.
    pub artifact: String,
    /// The key as it was rendered.
    pub key: String,
    /// What is wrong with it.
    pub problem: KeyProblem,
}

/// What is wrong with a key, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// A segment that URLs and directories resolve away.
    #[error(
        "which has a segment `{0}`, that clients and directories resolve away: write it without"
    )]
    Dots(&'static str),
    /// A NUL byte.
    #[error("which has a NUL byte in it: write it without")]
    Nul,
    /// Only slashes and white space.
    #[error("of which nothing is left without slashes and white space: write a name")]
    Nothing,
    /// So many bytes are more than [`KEY_LIMIT`].
    #[error("which has {0} bytes, and a store takes {KEY_LIMIT}: write a shorter one")]
    TooLong(usize),
}

/// Returns the key that an artifact's text stands for.
pub(super) fn of_artifact(artifact: &str, text: &str) -> Result<String, KeyError> {
    normal(text).map_err(|problem| KeyError {
        artifact: shown(artifact),
        key: shown(text),
        problem,
    })
}

/// Returns a text as the contract makes a key of it: its segments, trimmed as JavaScript trims,
/// without the empty ones.
pub(super) fn normal(text: &str) -> Result<String, KeyProblem> {
    let segments = text.split('/').map(trim);
    let segments: Vec<_> = segments.filter(|segment| !segment.is_empty()).collect();
    let is_dots = |dots: &&'static str| segments.contains(dots);
    if let Some(dots) = [".", ".."].into_iter().find(is_dots) {
        return Err(KeyProblem::Dots(dots));
    }
    let key = segments.join("/");
    match key.len() {
        0 => Err(KeyProblem::Nothing),
        bytes if bytes > KEY_LIMIT => Err(KeyProblem::TooLong(bytes)),
        _ if key.contains('\0') => Err(KeyProblem::Nul),
        _ => Ok(key),
    }
}

/// Says whether a text names many objects: it ends with a slash.
pub(super) fn is_of_many(text: &str) -> bool {
    trim(text).ends_with('/')
}

/// Returns a name as one segment of a key; `None` if nothing is left of it.
pub(super) fn segment(name: &str) -> Option<String> {
    // A name of Kubernetes has at most so many bytes.
    const LONGEST: usize = 253;
    let mut segment = String::new();
    for letter in trim(name).chars() {
        let letter = if matches!(letter, '/' | '\0') {
            '-'
        } else {
            letter
        };
        if segment.len() + letter.len_utf8() > LONGEST {
            break;
        }
        segment.push(letter);
    }
    let segment = trim(&segment);
    (!matches!(segment, "" | "." | "..")).then(|| segment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_its_trimmed_segments_without_the_empty_ones() {
        for (text, key) in [
            ("a/b", "a/b"),
            ("/a//b/", "a/b"),
            (" a / b c /\td\u{a0}", "a/b c/d"),
            ("\u{feff}a\u{2028}/b", "a/b"),
            // JavaScript does not trim it.
            ("\u{85}/a", "\u{85}/a"),
            ("a+b/%2e%2e/ü/日本", "a+b/%2e%2e/ü/日本"),
            ("...", "..."),
            ("a\\..\\b", "a\\..\\b"),
            ("a\nb", "a\nb"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(key), "{text:?}");
        }
    }

    #[test]
    fn a_key_that_no_store_keeps_as_it_is_is_refused_with_what_to_do() {
        for (text, words) in [
            (
                "a/../b",
                "artifact `report` has the key `a/../b`, which has a segment `..`, that clients and directories resolve away: write it without",
            ),
            (
                "a/ . /b",
                "artifact `report` has the key `a/ . /b`, which has a segment `.`, that clients and directories resolve away: write it without",
            ),
            (
                "a\0b",
                "artifact `report` has the key `a\\0b`, which has a NUL byte in it: write it without",
            ),
            (
                " / /",
                "artifact `report` has the key ` / /`, of which nothing is left without slashes and white space: write a name",
            ),
        ] {
            let error = of_artifact("report", text).expect_err(text);
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn a_key_may_have_1024_bytes_however_it_was_written() {
        let longest = "é".repeat(512);
        assert_eq!(normal(&format!("//{longest}/ ")), Ok(longest.clone()));
        assert_eq!(
            normal(&format!("{longest}x")),
            Err(KeyProblem::TooLong(1025))
        );
    }

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        for (name, expected) in [
            ("fix-login-7", Some("fix-login-7")),
            (" a/b\0c ", Some("a-b-c")),
            ("..", None),
            (" ", None),
            ("", None),
        ] {
            assert_eq!(segment(name).as_deref(), expected, "{name:?}");
        }
        assert_eq!(segment(&"é".repeat(500)).map(|name| name.len()), Some(252));
    }

    proptest! {
        #[test]
        fn a_key_is_normal_and_has_only_plain_segments(text in "[a./ \\t\\u{feff}\\u{a0}\\u{85}%é\\\\\0]{0,24}") {
            if let Ok(key) = normal(&text) {
                prop_assert_eq!(normal(&key), Ok(key.clone()));
                for segment in key.split('/') {
                    prop_assert!(!matches!(segment, "" | "." | ".."), "{:?}", key);
                    prop_assert_eq!(segment, trim(segment));
                }
                prop_assert!(!key.contains('\0') && key.len() <= KEY_LIMIT);
            }
        }

        #[test]
        fn a_segment_is_a_normal_key_of_its_own(name in "[a./ \\t\\u{feff}é\0]{0,24}") {
            if let Some(segment) = segment(&name) {
                prop_assert_eq!(normal(&segment), Ok(segment));
            }
        }
    }
}
