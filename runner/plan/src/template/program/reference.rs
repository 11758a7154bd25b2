//! Paths as they are meant at their place in the blocks.

use std::ops::Range;

use crate::template::functions::Function;
use crate::template::path;
use crate::template::text;

/// Where a path begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// At the roots: outside of `each` and `with` there is nothing else.
    Roots,
    /// At the current value if that has the first name, else at the roots.
    Current,
    /// At the value of the block so many levels up; 0 is `this`.
    Scope(usize),
    /// At a variable of `each`, such as `@index`.
    Local(&'static str),
    /// Above the outermost block.
    Nowhere,
}

/// Which values of an argument are worth a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// None: its absence is expected.
    Ignore,
    /// None at all, but `null` is fine.
    Absent,
    /// None or `null`.
    Nothing,
}

impl Watch {
    /// How the arguments of `function` are watched where its result is watched like this.
    pub(crate) fn inside(self, function: Function) -> Self {
        match (self, function) {
            (Self::Ignore, _) | (_, Function::Default) => Self::Ignore,
            (_, Function::Json) => Self::Absent,
            _ => Self::Nothing,
        }
    }
}

/// A path in its place.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Where it begins.
    pub(crate) base: Base,
    /// The names after that.
    pub(crate) names: Vec<String>,
    /// As written.
    pub(crate) path: String,
    /// The tag it is in.
    pub(crate) tag: Range<usize>,
    /// When to report it.
    pub(crate) watch: Watch,
}

impl Reference {
    /// The reference `path` is inside of `scopes` blocks that have a value.
    pub(crate) fn new(path: &str, scopes: usize, tag: &Range<usize>, watch: Watch) -> Self {
        let (base, rest) = if scopes == 0 {
            (Base::Roots, path)
        } else {
            base(path, scopes)
        };
        let names: Vec<String> = path::names(rest).into_iter().map(str::to_owned).collect();
        let base = match base {
            // A blank tag names nothing, wherever it is.
            Base::Current if names.is_empty() => Base::Roots,
            base => base,
        };
        Self {
            base,
            names,
            path: path.to_owned(),
            tag: tag.clone(),
            watch,
        }
    }
}

fn base(path: &str, scopes: usize) -> (Base, &str) {
    if let Some(name) = path.strip_prefix('@') {
        let local = ["index", "key", "first", "last"]
            .into_iter()
            .find(|local| *local == name);
        return local.map_or((Base::Current, path), |local| (Base::Local(local), ""));
    }
    let mut levels = 0;
    let mut rest = path;
    while let Some(above) = rest.strip_prefix("..") {
        if above.is_empty() {
            (levels, rest) = (levels + 1, above);
            break;
        }
        let Some(above) = above.strip_prefix('/') else {
            break;
        };
        (levels, rest) = (levels + 1, above);
    }
    if levels > scopes {
        return (Base::Nowhere, rest);
    }
    match this(rest) {
        Some(rest) => (Base::Scope(levels), rest),
        None if levels > 0 => (Base::Scope(levels), rest),
        None => (Base::Current, rest),
    }
}

/// What follows `this`, if `path` begins with it.
fn this(path: &str) -> Option<&str> {
    if path == "." {
        return Some("");
    }
    if let Some(rest) = path.strip_prefix("./") {
        return Some(rest);
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    (text::trim(first) == "this").then_some(rest)
}
