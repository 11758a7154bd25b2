//! Templates: text with `{{…}}` tags, rendered over a JSON document.
//!
//! # Theory of operation
//!
//! The dialect is the one the controller's users already write: a tag holds a dotted path, and the
//! text of the value replaces it. Blocks and functions come on top. `docs/templates.md` is the
//! manual and lists every difference from the incumbent.
//!
//! `tags` cuts a template into text and tags with the incumbent's own pattern. A template of
//! paths alone is rendered by `output` directly. Anything else is compiled by `program` into a
//! Handlebars syntax tree, which `steps` then renders. The tree is built, never parsed: text,
//! paths and literals stay in our hands and reach Handlebars as numbered steps, so nothing that a
//! user or a value contains can be read as Handlebars syntax, and its parser, which reads each
//! template in quadratic time, is not involved.
//!
//! A template whose blocks make no sense is not an error, because the incumbent rendered it too:
//! its block and function tags are then paths like all others, and [`Rendered::empty`] says so.
//!
//! Deliberately absent: partials, decorators, block parameters, HTML escaping, rendering a value
//! a second time.

mod arguments;
mod dollar;
mod functions;
mod output;
mod path;
mod pretty;
mod program;
mod steps;
mod tags;
mod text;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use handlebars::Handlebars;
use serde_json::Value;

pub(crate) use self::dollar::render_dollars;
pub use self::pretty::pretty_json;
pub(crate) use self::text::trim;
pub use self::text::{json_text, tag_text};

/// What a path becomes whose first name is not a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownRoot {
    /// Nothing, as in the incumbent; it is reported.
    Empty,
    /// The tag as it was written. For prompts: `${{ github.sha }}` in an issue must survive.
    Verbatim,
}

/// A template engine; made once, used for all templates.
#[derive(Debug)]
pub struct Engine {
    blocks: Handlebars<'static>,
}

/// A rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The tags that rendered to nothing or were not understood, once each, in template order.
    pub empty: Vec<EmptyTag>,
}

/// A tag that did not give what its author meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmptyTag {
    /// What the tag names: its trimmed content, or the argument of a function that has no value.
    pub path: String,
    /// Where the tag starts, in bytes of the template.
    pub offset: usize,
    /// The full dotted path of the nearest name that exists, if one is near.
    pub nearest: Option<String>,
    /// What is wrong with it.
    pub kind: EmptyKind,
}

/// Why a tag is in [`Rendered::empty`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmptyKind {
    /// No such path.
    Missing,
    /// The path exists and is `null`.
    Null,
    /// A block or function tag in a template whose structure is broken: it was treated as a path.
    BrokenBlock,
}

/// Why a template could not be rendered at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A function was called with arguments it cannot work on.
    #[error("failed to call `{function}` in `{tag}`: it takes {expected}")]
    Arguments {
        /// The function.
        function: &'static str,
        /// The whole tag, as written.
        tag: String,
        /// Where the tag starts, in bytes of the template.
        offset: usize,
        /// The arguments it takes.
        expected: &'static str,
    },
    /// The text grew past the limit.
    #[error("failed to keep the rendered text under {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The blocks repeat more often than any honest template does.
    #[error("failed to render in {limit} steps, blocks are nested too deep over too large lists")]
    TooManySteps {
        /// The limit.
        limit: usize,
    },
    /// Handlebars refused a tree that we built: a bug of ours.
    #[error("failed to render the blocks of the template")]
    Blocks {
        /// Why.
        #[source]
        source: Box<handlebars::RenderError>,
    },
}

/// Renders every tag of `template` as a path, whatever else it may look like: that is all that the
/// controller knows (contract §2.3).
///
/// # Errors
///
/// Returns [`TemplateError::TooLong`] if the text explodes.
pub fn render_paths(template: &str, roots: &Value) -> Result<Rendered, TemplateError> {
    let source = output::Source {
        template,
        roots,
        unknown: UnknownRoot::Empty,
    };
    output::paths(&source, &tags::pieces(template))
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine with the blocks and functions of the manual.
    pub fn new() -> Self {
        let mut blocks = Handlebars::new();
        blocks.register_escape_fn(handlebars::no_escape);
        Self { blocks }
    }

    /// Renders `template` over `roots`, a JSON object whose keys are the names a path can begin
    /// with. Anything else than an object has no names.
    ///
    /// Values are inserted as they are and never rendered again. With [`UnknownRoot::Verbatim`]
    /// the text may be a stranger's, who must not be able to fail the run: blocks and calls that
    /// cannot be rendered are then broken, not errors.
    ///
    /// # Errors
    ///
    /// Returns [`TemplateError::Arguments`] if a function is called with wrong arguments,
    /// [`TemplateError::TooLong`] or [`TemplateError::TooManySteps`] if the template explodes.
    pub fn render(
        &self,
        template: &str,
        roots: &Value,
        unknown: UnknownRoot,
    ) -> Result<Rendered, TemplateError> {
        let pieces = tags::pieces(template);
        let source = output::Source {
            template,
            roots,
            unknown,
        };
        if !tags::need_blocks(&pieces) {
            return output::paths(&source, &pieces);
        }
        let Some(program) = program::compile(template, &pieces) else {
            return output::paths(&source, &pieces);
        };
        match steps::run(&self.blocks, &source, &program) {
            Err(
                TemplateError::Arguments { .. }
                | TemplateError::TooLong { .. }
                | TemplateError::TooManySteps { .. },
            ) if unknown == UnknownRoot::Verbatim => output::paths(&source, &pieces),
            result => result,
        }
    }
}
