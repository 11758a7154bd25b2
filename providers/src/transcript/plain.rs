//! Text that cannot play with a terminal.

/// What stands for a character that is not shown.
const PLACEHOLDER: char = '\u{FFFD}';

/// Returns a text of many lines; line breaks and tabs stay.
pub(super) fn text(text: &str) -> String {
    let shown = |letter| {
        if matches!(letter, '\n' | '\t') {
            letter
        } else {
            visible(letter)
        }
    };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

/// Returns a text on one line.
pub(super) fn line(text: &str) -> String {
    let shown = |letter| {
        if matches!(letter, '\n' | '\t') {
            ' '
        } else {
            visible(letter)
        }
    };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

/// Replaces controls, and what changes the order in which letters are shown.
fn visible(letter: char) -> char {
    let reorders = matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if letter.is_control() || reorders {
        PLACEHOLDER
    } else {
        letter
    }
}
