//! Pieces of texts that nobody has told whole yet.
//!
//! The log leaves pieces out, because the whole follows. After a stop or a crash none does: then
//! the pieces that came are joined, so that a secret that they cut in two is whole again.

use std::collections::BTreeMap;

use agent_plan::secret::{End, Redactor};

/// How much of all these texts is kept: their beginnings.
const KEPT: usize = 256 << 10;

/// What a text costs besides its letters; one of no letters is not free.
const ENTRY: usize = 64;

/// The beginnings of texts.
#[derive(Debug)]
pub(super) struct Pieces {
    redactor: Redactor,
    texts: BTreeMap<String, Text>,
    /// What all of them cost.
    weight: usize,
    /// Bytes of texts of which nothing is kept.
    left_out: usize,
}

#[derive(Debug, Default)]
struct Text {
    kept: String,
    left_out: usize,
}

/// A text without secrets, and how many bytes of it are missing at its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) text: String,
    pub(super) left_out: usize,
}

impl Pieces {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            texts: BTreeMap::new(),
            weight: 0,
            left_out: 0,
        }
    }

    /// Takes a piece of a text.
    pub(super) fn add(&mut self, of: String, text: &str) {
        if text.is_empty() {
            return;
        }
        let entry = of.len() + ENTRY;
        if !self.texts.contains_key(&of) {
            if self.weight + entry > KEPT {
                self.left_out += text.len();
                return;
            }
            self.weight += entry;
        }
        let known = self.texts.entry(of).or_default();
        let room = if known.left_out == 0 {
            text.floor_char_boundary(KEPT.saturating_sub(self.weight))
        } else {
            0
        };
        known.kept.push_str(&text[..room]);
        known.left_out += text.len() - room;
        self.weight += room;
    }

    /// Forgets the pieces of a text that was told whole.
    pub(super) fn settle(&mut self, of: &str) {
        if let Some(text) = self.texts.remove(of) {
            self.weight -= of.len() + ENTRY + text.kept.len();
        }
    }

    /// Joins what is left.
    pub(super) fn join(&mut self) -> Vec<Joined> {
        let texts = std::mem::take(&mut self.texts);
        let mut all: Vec<Joined> = texts.into_values().map(|text| self.clean(&text)).collect();
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            let text = String::new();
            all.push(Joined { text, left_out });
        }
        self.weight = 0;
        all
    }

    /// What may be the beginning of a secret is left out where the rest of it is.
    fn clean(&self, text: &Text) -> Joined {
        let end = if text.left_out > 0 { End::No } else { End::Yes };
        let mut clean = Vec::new();
        let bytes = text.kept.as_bytes();
        let done = self.redactor.stream().scan(bytes, end, &mut |piece| {
            clean.extend_from_slice(piece);
        });
        Joined {
            text: String::from_utf8_lossy(&clean).into_owned(),
            left_out: text.left_out + bytes.len() - done,
        }
    }
}

#[cfg(test)]
mod tests;
