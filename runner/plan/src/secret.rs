//! What must not be shown, and how it is kept out of everything that is shown.
//!
//! # Theory of operation
//!
//! Two steps. [`in_environment`], [`in_file`] and [`files_named_by`] say which bytes are secret; a
//! [`Redactor`] is built from them once, before anything fans out, and every stream of bytes that
//! leaves the run gets its own [`Stream`].
//!
//! What is replaced is defined on the whole text, so that reads cannot change it:
//!
//! - a *match* is an occurrence of a secret in any of its forms (`encodings`), or a token of a
//!   known shape (`patterns`) that nothing alphanumeric stands in front of;
//! - a token that starts inside another token is part of that one;
//! - matches that overlap are one span, named after the match that starts first: of two that start
//!   together, the exact one before the token, then the longer;
//! - a span becomes `[REDACTED:<name>]`, all else stays as it is, byte for byte.
//!
//! `search` finds matches in one pass, linear in the text whatever the text is: a table of
//! trigrams (`filter`) rules out nearly all of it, an Aho-Corasick automaton walks the rest and
//! knows how many trailing bytes could still become a match. `stream` holds back just these, and
//! `tail` follows a token of unknown length from read to read. What is known to be replaced is not
//! held, only remembered: the held bytes have a bound, [`Redactor::hold_max`].
//!
//! Deliberately absent: compression, hexadecimal, base64 that is broken into lines (the lines of
//! a multi-line secret are secrets themselves, which covers most of it), and any wish to stop an
//! agent that wants to leak. This protects from accidents.

use std::fmt;

mod discover;
mod redactor;
mod stream;

mod encodings;
mod filter;
mod glance;
mod patterns;
mod search;
mod tail;

#[cfg(test)]
mod tests;

pub use discover::{files_named_by, in_environment, in_file};
pub use redactor::{Patterns, Redactor};
pub use stream::{End, Stream};

/// Length in bytes under which a value is no secret: replacing it would ruin ordinary text.
pub const SHORTEST: usize = 6;

/// A value that prints as `[secret]` and cannot be serialized.
///
/// ```
/// use agent_plan::secret::Secret;
///
/// let password = Secret::new("hunter22");
/// assert_eq!(format!("{password:?} {password}"), "[secret] [secret]");
/// assert_eq!(*password.expose(), "hunter22");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value` from everything that prints.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value to the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[secret]")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[secret]")
    }
}

/// One exact secret and the name that stands in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it was found: a variable or a file. Appears in the output.
    pub name: String,
    /// The secret itself. Never printed.
    pub value: Vec<u8>,
}

impl fmt::Debug for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Found")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
