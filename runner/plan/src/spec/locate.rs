//! Where in a JSON text a value is, for messages about files that a person writes.

use crate::document::Step;

/// Returns line and column (from 1, in characters) of the key or element that `path` names.
///
/// `text` must be valid JSON up to there; otherwise, and for a path that does not exist, `None`.
pub(super) fn locate(text: &str, path: &[Step]) -> Option<(usize, usize)> {
    let mut cursor = Cursor {
        text: text.as_bytes(),
        at: 0,
    };
    let mut found = 0;
    for step in path {
        found = match step {
            Step::Key(key) => cursor.enter_key(key)?,
            Step::Index(index) => cursor.enter_index(*index)?,
        };
    }
    let before = text.get(..found)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next()?.chars().count() + 1;
    Some((line, column))
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        self.space();
        (self.peek()? == expected).then(|| self.at += 1)
    }

    /// Moves to the value of `wanted`; returns where its key begins.
    fn enter_key(&mut self, wanted: &str) -> Option<usize> {
        self.take(b'{')?;
        loop {
            self.space();
            let start = self.at;
            let key = self.string()?;
            self.take(b':')?;
            if key == wanted {
                return Some(start);
            }
            self.skip()?;
            self.take(b',')?;
        }
    }

    /// Moves to element `wanted`; returns where it begins.
    fn enter_index(&mut self, wanted: usize) -> Option<usize> {
        self.take(b'[')?;
        for _ in 0..wanted {
            self.skip()?;
            self.take(b',')?;
        }
        self.space();
        Some(self.at)
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_string()?;
        serde_json::from_slice(self.text.get(start..self.at)?).ok()
    }

    fn skip_string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Steps over one value, without recursion: brackets are counted, strings are respected.
    fn skip(&mut self) -> Option<()> {
        self.space();
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ if depth == 0 => {
                    while self
                        .peek()
                        .is_some_and(|byte| !b",}] \n\r\t".contains(&byte))
                    {
                        self.at += 1;
                    }
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
