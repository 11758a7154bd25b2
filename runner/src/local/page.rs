//! Lines in two columns, no wider than the terminal that they are for.

use std::io::{IsTerminal, stderr};

use agent_plan::env::Environment;
use terminal_size::{Width, terminal_size_of};

use crate::verbs;

/// Cells of the first column.
const NAMES: usize = 11;

/// Cells that the second column has at least; a terminal that is narrower cuts it itself.
const LEAST: usize = 30;

/// How a line is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As all others.
    Plain,
    /// What went well.
    Good,
    /// What did not.
    Bad,
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    /// Cells of the second column; as many as there are if nobody looks.
    width: Option<usize>,
    colours: bool,
}

impl Page {
    /// Begins a page for whoever reads stderr, with colours unless somebody wants none
    /// (<https://no-color.org>).
    pub(super) fn for_stderr(environment: &Environment) -> Self {
        let is_plain =
            environment.get("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb");
        let width = terminal_size_of(stderr()).map(|(Width(width), _)| usize::from(width));
        Self {
            text: String::new(),
            width: width.map(|width| width.saturating_sub(NAMES).max(LEAST)),
            colours: stderr().is_terminal() && !is_plain,
        }
    }

    /// Adds a line; what does not fit goes on below. A word is never broken: it may be a path that
    /// somebody wants to copy.
    pub(super) fn line(&mut self, name: &str, value: &str) {
        self.toned(name, value, Tone::Plain);
    }

    /// Adds a line in a tone.
    pub(super) fn toned(&mut self, name: &str, value: &str, tone: Tone) {
        let colour = match tone {
            Tone::Good => "\u{1b}[1;32m",
            Tone::Bad => "\u{1b}[1;31m",
            Tone::Plain => "",
        };
        let is_coloured = self.colours && !colour.is_empty();
        let (begin, end) = if is_coloured {
            (colour, "\u{1b}[0m")
        } else {
            ("", "")
        };
        let value = verbs::printable(value);
        let pieces = value.lines().flat_map(|line| wrapped(line, self.width));
        for (index, piece) in pieces.enumerate() {
            let name = if index == 0 { name } else { "" };
            let line = format!("{name:<10} {begin}{piece}{end}\n");
            self.text.push_str(&line);
        }
    }

    /// The page.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Breaks a line at spaces.
fn wrapped(line: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return vec![line.to_owned()];
    };
    let mut pieces = vec![String::new()];
    for word in line.split(' ') {
        let piece = pieces.last_mut().expect("there is one");
        let cells = piece.chars().count() + 1 + word.chars().count();
        if piece.is_empty() {
            piece.push_str(word);
        } else if cells <= width {
            piece.push(' ');
            piece.push_str(word);
        } else {
            pieces.push(word.to_owned());
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(width: Option<usize>, colours: bool) -> Page {
        Page {
            text: String::new(),
            width,
            colours,
        }
    }

    #[test]
    fn what_does_not_fit_goes_on_below_and_no_word_is_broken() {
        let mut page = page(Some(10), false);
        page.line("error", "one two three /a/long/path/to/copy four");
        page.line("", "more");
        assert_eq!(
            page.into_text(),
            "error      one two\n           three\n           /a/long/path/to/copy\n           \
             four\n           more\n"
        );
    }

    #[test]
    fn nothing_is_broken_where_nobody_looks() {
        let mut page = page(None, false);
        let long = "word ".repeat(100);
        page.line("error", long.trim());
        assert_eq!(page.into_text(), format!("error      {}\n", long.trim()));
    }

    #[test]
    fn an_outcome_has_a_colour_and_what_an_agent_said_has_none() {
        let mut page = page(None, true);
        page.toned("outcome", "Completed", Tone::Good);
        page.line("error", "\u{1b}[31mred");
        let text = page.into_text();
        assert!(text.starts_with("outcome    \u{1b}[1;32mCompleted\u{1b}[0m\n"));
        assert_eq!(text.matches('\u{1b}').count(), 2, "{text:?}");
    }
}
