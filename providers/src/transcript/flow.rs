//! Texts that come in pieces, as a whole, or both; each ends its line.

use super::plain;
use crate::content::{self, CONTENT};

/// What was shown of one kind of text.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The pieces since the last whole, as they came, up to what a whole may hold.
    pieces: String,
    /// Whether more pieces came than are kept.
    long: bool,
    /// Whether the line that was shown last has no end.
    open: bool,
    /// The last whole, cut as a result is that repeats it.
    last: Option<String>,
}

impl Flow {
    /// Adds a piece.
    pub(super) fn piece(&mut self, piece: &str) -> String {
        if !self.long {
            let room = CONTENT - self.pieces.len();
            self.long = piece.len() > room;
            let kept = piece.floor_char_boundary(room);
            self.pieces.push_str(&piece[..kept]);
        }
        self.show(piece)
    }

    /// Adds a whole: what its pieces have not shown of it.
    pub(super) fn whole(&mut self, whole: &str) -> String {
        let told = self.long && self.is_of_pieces(whole);
        let pieces = std::mem::take(&mut self.pieces);
        self.long = false;
        self.last = Some(content::bounded(whole));
        if told {
            return self.close();
        }
        match whole.strip_prefix(&pieces) {
            Some(rest) => {
                let mut shown = self.show(rest);
                shown.push_str(&self.close());
                shown
            }
            None => self.anew(whole),
        }
    }

    /// Adds a whole that has nothing to do with the pieces before it.
    pub(super) fn anew(&mut self, whole: &str) -> String {
        let mut shown = self.close();
        shown.push_str(&self.show(whole));
        shown.push_str(&self.close());
        shown
    }

    /// Adds a line that is none of these texts; it is plain already.
    pub(super) fn line(&mut self, line: &str) -> String {
        format!("{}{line}\n", self.close())
    }

    /// Ends the line.
    pub(super) fn close(&mut self) -> String {
        let end = if self.open { "\n" } else { "" };
        self.open = false;
        end.to_owned()
    }

    /// Says whether a text is what was shown last.
    pub(super) fn was_last(&self, text: &str) -> bool {
        if self.long {
            return self.is_of_pieces(text);
        }
        let last = self.last.as_deref().unwrap_or_default();
        let shown = if self.pieces.is_empty() {
            last
        } else {
            &self.pieces
        };
        shown.trim_end() == text
    }

    /// Says whether a text is that of pieces too long to be kept. They have shown more of it than
    /// the text itself, which is cut; where exactly, only who cut it knows, so half of it decides.
    fn is_of_pieces(&self, text: &str) -> bool {
        let half = self.pieces.floor_char_boundary(CONTENT / 2);
        text.starts_with(&self.pieces[..half])
    }

    fn show(&mut self, text: &str) -> String {
        if let Some(last) = text.chars().last() {
            self.open = last != '\n';
        }
        plain::text(text)
    }
}
