//! Cuts a template into text and tags.

use std::ops::Range;

use super::functions::Function;
use super::text;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Text between tags.
    Text(Range<usize>),
    /// A tag.
    Tag(Tag<'t>),
}

/// A tag of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag<'t> {
    /// All of it, braces included.
    pub(crate) range: Range<usize>,
    /// What is between the braces, trimmed.
    pub(crate) content: &'t str,
    /// What it is.
    pub(crate) kind: Kind<'t>,
}

/// What a tag asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'t> {
    /// The value at a path.
    Path,
    /// `#name arguments`.
    Open(&'t str, &'t str),
    /// `else`, or `else name arguments`.
    Else(Option<(&'t str, &'t str)>),
    /// `/name`.
    Close(&'t str),
    /// `function arguments`.
    Call(Function, &'t str),
}

/// Whether any tag asks for more than a path.
pub(crate) fn need_blocks(pieces: &[Piece<'_>]) -> bool {
    pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Tag(tag) if tag.kind != Kind::Path))
}

/// The parts of `template`, in order and without gaps.
///
/// A tag is the leftmost match of the incumbent's pattern `\{\{([^}]+)\}\}`. Linear in the length
/// of the template.
pub(crate) fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut text_start = 0;
    let mut from = 0;
    while let Some(open) = find(template, from, "{{") {
        let Some(close) = find(template, open + 2, "}") else {
            break;
        };
        let inner = &template[open + 2..close];
        if inner.is_empty() || !template[close + 1..].starts_with('}') {
            // Whatever opens before this `}` has it as its first, so nothing can match before it.
            from = close + 1;
            continue;
        }
        let (content, end) = unwrap_triple(inner, &template[close + 2..], close + 2);
        if text_start < open {
            pieces.push(Piece::Text(text_start..open));
        }
        pieces.push(Piece::Tag(Tag {
            range: open..end,
            content,
            kind: kind_of(content),
        }));
        text_start = end;
        from = end;
    }
    if text_start < template.len() {
        pieces.push(Piece::Text(text_start..template.len()));
    }
    pieces
}

fn find(template: &str, from: usize, what: &str) -> Option<usize> {
    template[from..].find(what).map(|at| from + at)
}

/// Makes `{{{x}}}` the same as `{{x}}`; only if there is something between exactly three braces.
fn unwrap_triple<'t>(inner: &'t str, rest: &str, end: usize) -> (&'t str, usize) {
    let whole = text::trim(inner);
    match inner.strip_prefix('{').map(text::trim) {
        Some(content)
            if rest.starts_with('}') && !content.is_empty() && !content.starts_with('{') =>
        {
            (content, end + 1)
        }
        _ => (whole, end),
    }
}

fn kind_of(content: &str) -> Kind<'_> {
    if let Some(rest) = content.strip_prefix('#') {
        let (name, arguments) = first_word(text::trim(rest));
        return Kind::Open(name, arguments);
    }
    if let Some(rest) = content.strip_prefix('/') {
        return Kind::Close(text::trim(rest));
    }
    let (word, arguments) = first_word(content);
    let chained = if word == "else" {
        Some(arguments)
    } else {
        content.strip_prefix('^').map(text::trim)
    };
    if let Some(chained) = chained {
        return Kind::Else((!chained.is_empty()).then(|| first_word(chained)));
    }
    match Function::named(word) {
        // `trim . x` is a path whose names have blanks around them.
        Some(function) if !arguments.is_empty() && !arguments.starts_with('.') => {
            Kind::Call(function, arguments)
        }
        _ => Kind::Path,
    }
}

fn first_word(text: &str) -> (&str, &str) {
    match text.split_once(text::is_blank) {
        Some((word, rest)) => (word, text::trim(rest)),
        None => (text, ""),
    }
}
