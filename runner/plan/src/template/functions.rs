//! The functions a tag can call.

use serde_json::Value;

use super::text::{self, json_text, tag_text};

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// JSON text.
    Json,
    /// The first argument that is not `null` or empty.
    Default,
    /// One word for a POSIX shell.
    Quote,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Without blanks at both ends.
    Trim,
    /// The first so many characters.
    Truncate,
}

impl Function {
    const ALL: [Self; 7] = [
        Self::Json,
        Self::Default,
        Self::Quote,
        Self::Lower,
        Self::Upper,
        Self::Trim,
        Self::Truncate,
    ];

    /// The function called `name` in templates.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name() == name)
    }

    /// Its name in templates.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Default => "default",
            Self::Quote => "quote",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Trim => "trim",
            Self::Truncate => "truncate",
        }
    }

    /// The arguments it takes, in words.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Default => "a value and at least one replacement",
            Self::Truncate => "a value and a number of characters",
            _ => "one value",
        }
    }

    /// The result, or nothing if these are not arguments it takes.
    pub(crate) fn apply(self, arguments: &[&Value]) -> Option<Value> {
        let text = match (self, arguments) {
            (Self::Default, [_, .., last]) => {
                let first = arguments.iter().find(|value| !is_nothing(value));
                return Some((*first.unwrap_or(last)).clone());
            }
            (Self::Truncate, [value, count]) => {
                let count = count_of(count)?;
                tag_text(value).chars().take(count).collect()
            }
            (Self::Json, [value]) => json_text(value),
            (Self::Quote, [value]) => shell_word(&tag_text(value)),
            (Self::Lower, [value]) => tag_text(value).to_lowercase(),
            (Self::Upper, [value]) => tag_text(value).to_uppercase(),
            (Self::Trim, [value]) => text::trim(&tag_text(value)).to_owned(),
            _ => return None,
        };
        Some(Value::String(text))
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// The inputs of a run are strings, so `"80"` is as good a number as `80`.
fn count_of(value: &Value) -> Option<usize> {
    let number = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text::trim(text).parse().ok()?,
        _ => return None,
    };
    Some(usize::try_from(number).unwrap_or(usize::MAX))
}

fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
