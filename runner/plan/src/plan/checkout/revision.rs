//! Names of commits that are safe to ask for.

/// Where the work starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// Whatever the remote's `HEAD` is.
    Default,
    /// A branch, a tag, or the beginning of a commit's id; in this order.
    Name(String),
    /// A full reference, beginning with `refs/`.
    Reference(String),
    /// 40 hexadecimal digits, lower case.
    Commit(String),
}

/// A branch's short name, well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch(pub(super) String);

/// Why a text is not the name of a commit or a branch, by the rules of `git check-ref-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevisionError {
    /// It says nothing.
    #[error("the name is empty")]
    Empty,
    /// It is longer than a file's name can be.
    #[error("the name has more than {LONGEST} bytes")]
    TooLong,
    /// It begins with `-`.
    #[error("the name begins with `-`, as an option does")]
    Option,
    /// There is a character that no reference has.
    #[error("there is a space, a control character or one of `~^:?*[\\` in the name")]
    Character,
    /// There is `..`, `@{` or `//` in it, or it is `@`.
    #[error("there is a `..`, `@{{` or `//` in the name, or it is `@`")]
    Sequence,
    /// It begins or ends with `/` or `.`, or a part does with `.` or `.lock`.
    #[error("a part of the name begins with `.`, or ends with `.` or `.lock`, or is empty")]
    Part,
    /// A branch is asked for by its full reference.
    #[error("a branch is called by its short name, without `refs/`, and not `HEAD`")]
    NotShort,
}

/// `NAME_MAX`: git keeps a reference in a file.
const LONGEST: usize = 255;

impl Revision {
    /// Takes a name as hostile. Nothing, and `HEAD`, are the remote's default.
    ///
    /// # Errors
    ///
    /// Returns the first [`RevisionError`].
    pub fn parse(text: &str) -> Result<Self, RevisionError> {
        if text.is_empty() || text == "HEAD" {
            return Ok(Self::Default);
        }
        well_formed(text)?;
        if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::Commit(text.to_ascii_lowercase()));
        }
        Ok(if text.starts_with("refs/") {
            Self::Reference(text.to_owned())
        } else {
            Self::Name(text.to_owned())
        })
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Default => "HEAD",
            Self::Name(text) | Self::Reference(text) | Self::Commit(text) => text,
        })
    }
}

impl Branch {
    /// Takes a short name as hostile.
    ///
    /// # Errors
    ///
    /// Returns the first [`RevisionError`].
    pub fn parse(text: &str) -> Result<Self, RevisionError> {
        if text.is_empty() {
            return Err(RevisionError::Empty);
        }
        if text.starts_with("refs/") || text == "HEAD" {
            return Err(RevisionError::NotShort);
        }
        well_formed(text)?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the short name: `agent/42`.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The rules of git-check-ref-format(1), and ours: no option, no name longer than a file's.
fn well_formed(text: &str) -> Result<(), RevisionError> {
    if text.len() > LONGEST {
        return Err(RevisionError::TooLong);
    }
    // The short name becomes an argument of the agent's own git.
    let short = ["refs/heads/", "refs/tags/"]
        .into_iter()
        .find_map(|prefix| text.strip_prefix(prefix));
    if text.starts_with('-') || short.is_some_and(|short| short.starts_with('-')) {
        return Err(RevisionError::Option);
    }
    let is_foul = |letter: char| letter.is_control() || " ~^:?*[\\".contains(letter);
    if text.contains(is_foul) {
        return Err(RevisionError::Character);
    }
    if text == "@" || ["..", "@{", "//"].iter().any(|part| text.contains(part)) {
        return Err(RevisionError::Sequence);
    }
    let is_foul = |part: &str| {
        part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some()
    };
    if text.ends_with('.') || text.split('/').any(is_foul) {
        return Err(RevisionError::Part);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
