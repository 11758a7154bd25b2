//! What a file's attributes make of its content on the way to the work tree (gitattributes(5)).
//!
//! libgit2's own conversion differs from git's: it expands one `$Id$` of a file, knows no encoding,
//! and leaves an index that the first `git status` writes anew. Filter drivers are configuration,
//! of which there is none.

use std::borrow::Cow;
use std::path::Path;

use git2::{AttrCheckFlags, AttrValue, Error, Oid, Repository};

/// What is done to one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    ident: bool,
    ends: Ends,
    encoding: Option<Encoding>,
}

/// What becomes of line feeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Ends {
    #[default]
    Kept,
    /// All become CRLF.
    Windows,
    /// All become CRLF, in a text that has no carriage return.
    WindowsIfText,
}

/// Unicode in units of two bytes; what else there is stays UTF-8, as where `iconv` is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Encoding {
    has_mark: bool,
    is_big_endian: bool,
}

impl Conversion {
    /// Reads the attributes of a path from the index of the repository, never from files.
    pub(super) fn of(repo: &Repository, path: &Path) -> Result<Self, Error> {
        let attribute = |name| {
            let value = repo.get_attr_bytes(path, name, AttrCheckFlags::INDEX_ONLY)?;
            Ok::<_, Error>(AttrValue::always_bytes(value))
        };
        let text = match attribute("text")? {
            AttrValue::Unspecified => attribute("crlf")?,
            text => text,
        };
        let ends = match (text, attribute("eol")?) {
            (AttrValue::False | AttrValue::Bytes(b"input"), _) => Ends::Kept,
            (AttrValue::Bytes(b"auto"), AttrValue::Bytes(b"crlf")) => Ends::WindowsIfText,
            (_, AttrValue::Bytes(b"crlf")) => Ends::Windows,
            _ => Ends::Kept,
        };
        Ok(Self {
            ident: matches!(attribute("ident")?, AttrValue::True),
            ends,
            encoding: match attribute("working-tree-encoding")? {
                AttrValue::Bytes(name) => Encoding::named(name),
                _ => None,
            },
        })
    }

    /// Returns what is written for a blob.
    pub(super) fn apply(self, id: Oid, content: &[u8]) -> Cow<'_, [u8]> {
        let mut content = Cow::Borrowed(content);
        if self.ident
            && let Some(expanded) = expanded(id, &content)
        {
            content = Cow::Owned(expanded);
        }
        if self.ends.change(&content) {
            content = Cow::Owned(windows(&content));
        }
        if let Some(encoding) = self.encoding
            && let Ok(text) = str::from_utf8(&content)
            && !text.is_empty()
        {
            content = Cow::Owned(encoding.encode(text));
        }
        content
    }
}

/// The content with every `$Id$`, and every `$Id: something $`, expanded; `None` without one.
fn expanded(id: Oid, content: &[u8]) -> Option<Vec<u8>> {
    let mut rest = content;
    let mut done = Vec::new();
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        done.extend_from_slice(&rest[..dollar]);
        rest = &rest[dollar..];
        let word = Word::first(rest);
        let (word, after) = match word {
            Word::Keyword(length) => {
                done.extend_from_slice(format!("$Id: {id} $").as_bytes());
                (&[][..], &rest[length..])
            }
            Word::Other(length) => rest.split_at(length),
        };
        done.extend_from_slice(word);
        rest = after;
    }
    done.extend_from_slice(rest);
    (done != content).then_some(done)
}

/// What begins with a dollar, and how long it is.
enum Word {
    Keyword(usize),
    /// Git has looked at it, and does not look at any of it again: `$$Id$` is no keyword.
    Other(usize),
}

impl Word {
    fn first(text: &[u8]) -> Self {
        let begin = b"$Id";
        let same = text
            .iter()
            .zip(begin)
            .take_while(|(one, other)| one == other);
        let same = same.count();
        let other = Self::Other(text.len().min(same + 1));
        match text.get(begin.len()) {
            Some(b'$') if same == begin.len() => Self::Keyword(begin.len() + 1),
            Some(b':') if same == begin.len() => {
                let is_end = |byte: &u8| matches!(byte, b'$' | b'\n');
                let Some(end) = text.iter().skip(1).position(is_end).map(|at| at + 2) else {
                    return Self::Other(text.len());
                };
                if text[end - 1] == b'$' && !is_foreign(&text[..end]) {
                    Self::Keyword(end)
                } else {
                    Self::Other(end)
                }
            }
            _ => other,
        }
    }
}

/// Says whether a keyword is another version control's: it has a space between two words.
fn is_foreign(keyword: &[u8]) -> bool {
    let Some(words) = keyword.strip_prefix(b"$Id: ") else {
        return false;
    };
    words
        .windows(2)
        .any(|pair| b" \t\n\r".contains(&pair[0]) && pair[1] != b'$')
}

impl Ends {
    /// Says whether a content is changed.
    fn change(self, content: &[u8]) -> bool {
        match self {
            Self::Kept => false,
            Self::Windows => content.contains(&b'\n'),
            Self::WindowsIfText => {
                content.contains(&b'\n') && !content.contains(&b'\r') && !is_binary(content)
            }
        }
    }
}

/// Says what git takes for binary: a NUL, or more than one in 128 that nobody can print.
fn is_binary(content: &[u8]) -> bool {
    // The end of file of old systems counts for nothing.
    let content = content.strip_suffix(b"\x1a").unwrap_or(content);
    let (mut printable, mut other) = (0_usize, 0_usize);
    for byte in content {
        match byte {
            0 => return true,
            b'\n' | b'\r' => {}
            0x08 | b'\t' | 0x0c | 0x1b => printable += 1,
            1..0x20 | 0x7f => other += 1,
            _ => printable += 1,
        }
    }
    printable / 128 < other
}

/// Puts a carriage return before every line feed that has none.
fn windows(content: &[u8]) -> Vec<u8> {
    let mut done = Vec::with_capacity(content.len() + content.len() / 32);
    let mut before = 0;
    for byte in content {
        if *byte == b'\n' && before != b'\r' {
            done.push(b'\r');
        }
        done.push(*byte);
        before = *byte;
    }
    done
}

impl Encoding {
    fn named(name: &[u8]) -> Option<Self> {
        let of = |has_mark, is_big_endian| {
            Some(Self {
                has_mark,
                is_big_endian,
            })
        };
        match name.to_ascii_uppercase().as_slice() {
            b"UTF-16" | b"UTF16" | b"UTF-16LE-BOM" => of(true, false),
            b"UTF-16BE-BOM" => of(true, true),
            b"UTF-16LE" | b"UTF16LE" => of(false, false),
            b"UTF-16BE" | b"UTF16BE" => of(false, true),
            _ => None,
        }
    }

    fn encode(self, text: &str) -> Vec<u8> {
        let mark = self.has_mark.then_some(0xfeff);
        let units = mark.into_iter().chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if self.is_big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
