//! Renders paths, and keeps what was rendered and what was missed.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use handlebars::Output;
use serde_json::Value;

use super::path::{self, Lookup};
use super::tags::{Kind, Piece};
use super::text::tag_text;
use super::{EmptyKind, EmptyTag, Rendered, TemplateError, UnknownRoot};

/// Longest text a template may become. A Linux process takes 2 MiB of arguments, a prompt of 16 MiB
/// is four million tokens: more is an accident, or somebody's attack on our memory.
pub(crate) const MAX_TEXT: usize = 16 * 1024 * 1024;

/// What is rendered, over what, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'t> {
    /// The template.
    pub(crate) template: &'t str,
    /// The values.
    pub(crate) roots: &'t Value,
    /// What an unknown root becomes.
    pub(crate) unknown: UnknownRoot,
}

/// Tags beyond which nobody looks for what was perhaps meant: nobody reads as many.
const MOST_NEAREST: usize = 50;

/// A text that refuses to grow past [`MAX_TEXT`].
#[derive(Debug, Default)]
pub(crate) struct Text(String);

/// The tags to report, by offset: a tag in a loop is reported once.
#[derive(Debug, Default)]
pub(crate) struct Log(BTreeMap<usize, EmptyTag>);

/// Renders every tag as a path, whatever else it may look like.
pub(crate) fn paths(source: &Source<'_>, pieces: &[Piece<'_>]) -> Result<Rendered, TemplateError> {
    let mut text = Text::default();
    let mut log = Log::default();
    for piece in pieces {
        match piece {
            Piece::Text(range) => text.write(&source.template[range.clone()]),
            Piece::Tag(tag) => {
                let names = path::names(tag.content);
                let lookup = path::look_up(source.roots, &names);
                if tag.kind != Kind::Path && !matches!(lookup, Lookup::Found(_)) {
                    log.report(tag.range.start, tag.content, EmptyKind::BrokenBlock, || {
                        None
                    });
                }
                let nearest = || path::nearest(source.roots, &names);
                log.note(source, &tag.range, tag.content, lookup, nearest);
                insert(source, &tag.range, lookup, &mut text)
            }
        }
        .map_err(|_| Text::too_long())?;
    }
    Ok(text.rendered(log))
}

/// Writes what a tag becomes.
pub(crate) fn insert(
    source: &Source<'_>,
    tag: &Range<usize>,
    lookup: Lookup<'_>,
    out: &mut dyn Output,
) -> io::Result<()> {
    match lookup {
        Lookup::Found(value) => out.write(&tag_text(value)),
        Lookup::UnknownRoot if source.unknown == UnknownRoot::Verbatim => {
            out.write(&source.template[tag.clone()])
        }
        Lookup::Missing | Lookup::UnknownRoot => Ok(()),
    }
}

impl Text {
    /// The text and the report.
    pub(crate) fn rendered(self, log: Log) -> Rendered {
        Rendered {
            text: self.0,
            empty: log.0.into_values().collect(),
        }
    }

    /// The error of a text that grew too long.
    pub(crate) fn too_long() -> TemplateError {
        TemplateError::TooLong { limit: MAX_TEXT }
    }
}

impl Output for Text {
    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.0.len() + text.len() > MAX_TEXT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.push_str(text);
        Ok(())
    }
}

impl Log {
    /// Reports the tag of a path if it became nothing.
    pub(crate) fn note(
        &mut self,
        source: &Source<'_>,
        tag: &Range<usize>,
        path: &str,
        lookup: Lookup<'_>,
        nearest: impl FnOnce() -> Option<String>,
    ) {
        let kind = match lookup {
            Lookup::Found(Value::Null) => EmptyKind::Null,
            Lookup::Found(_) => return,
            Lookup::UnknownRoot if source.unknown == UnknownRoot::Verbatim => return,
            Lookup::Missing | Lookup::UnknownRoot => EmptyKind::Missing,
        };
        // A comment is meant to become nothing.
        if !path.starts_with('!') {
            self.report(tag.start, path, kind, nearest);
        }
    }

    /// Reports the tag at `offset`, unless it is reported already.
    pub(crate) fn report(
        &mut self,
        offset: usize,
        path: &str,
        kind: EmptyKind,
        nearest: impl FnOnce() -> Option<String>,
    ) {
        let is_few = self.0.len() < MOST_NEAREST;
        self.0.entry(offset).or_insert_with(|| EmptyTag {
            path: path.to_owned(),
            offset,
            nearest: if is_few && kind == EmptyKind::Missing {
                nearest()
            } else {
                None
            },
            kind,
        });
    }
}
