//! Where a path begins in a text, and does not only go on.

use super::is_name;

/// What stands between a URL and what follows it.
const BEHIND_URL: &str = "\"'`<>|;,)";

/// What stands in front of a word.
const BEFORE_WORD: &str = "\"'`=,(";

/// Says whether a path begins where `before` ends and `path` goes on.
pub(super) fn is_one(before: &str, path: &str) -> bool {
    // Needless slashes are those of the path.
    let before = before.trim_end_matches('/');
    let Some(last) = before.chars().next_back() else {
        return true;
    };
    match last {
        '}' => before_block(before).is_some_and(|before| is_one(before, path)),
        ':' => !is_host(before),
        // `c++/a`, and not the line `+/a` of a patch.
        '+' => !before.trim_end_matches('+').ends_with(is_name),
        '*' => is_emphasis(before, path),
        '~' | ')' | ']' => false,
        letter if is_name(letter) => is_option(before),
        _ => true,
    }
}

/// Returns what of `url`, which begins with its slashes, is the URL.
pub(super) fn url(url: &str) -> &str {
    let ends = |letter: char| letter.is_whitespace() || BEHIND_URL.contains(letter);
    url.split(ends).next().unwrap_or(url)
}

/// Returns what a path behind the block tag at the end is behind of: what is before the tag, nothing
/// for `else`. A tag with a value is the beginning of a path itself.
fn before_block(text: &str) -> Option<&str> {
    let (before, tag) = text.strip_suffix("}}")?.rsplit_once("{{")?;
    let tag = tag.trim_matches(|letter: char| letter == '~' || letter.is_whitespace());
    if tag == "^" || tag == "else" || tag.starts_with("else ") {
        return Some("");
    }
    tag.starts_with(['#', '/', '^', '!']).then_some(before)
}

/// Says whether `git@host:` is at the end.
fn is_host(text: &str) -> bool {
    let is_before = |letter: char| letter.is_whitespace() || BEFORE_WORD.contains(letter);
    let word = text.rsplit(is_before).next().unwrap_or(text);
    word.contains('@') && !word.contains('/')
}

/// Says whether what is at the end makes the path bold, and is no glob.
fn is_emphasis(text: &str, path: &str) -> bool {
    let stars = &text[text.trim_end_matches('*').len()..];
    let word = path.split(char::is_whitespace).next().unwrap_or(path);
    word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')'])
        .ends_with(stars)
}

/// Says whether an option without its value is at the end: `-C`, `-rf`.
fn is_option(text: &str) -> bool {
    let begin = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let Some(before) = begin.strip_suffix('-') else {
        return false;
    };
    let is_before = |letter: char| letter.is_whitespace() || BEFORE_WORD.contains(letter);
    begin.len() < text.len() && (before.is_empty() || before.ends_with(is_before))
}
