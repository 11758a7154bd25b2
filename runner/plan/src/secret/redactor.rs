//! Everything that is looked for, made ready once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::encodings::forms;
use super::glance::Glance;
use super::patterns::RULES;
use super::search::{Pattern, Search};
use super::stream::{End, Stream};
use super::tail::Shape;
use super::{Found, encodings};

/// Whether tokens are also known by their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patterns {
    /// Exact secrets and tokens of known shapes.
    On,
    /// Exact secrets only.
    Off,
}

/// Replaces secrets by `[REDACTED:<name>]`. A clone is the same redactor and costs nothing.
///
/// ```
/// use agent_plan::secret::{Found, Patterns, Redactor};
///
/// let secrets = vec![Found { name: "NATS_PASSWORD".into(), value: b"hunter22".into() }];
/// let redactor = Redactor::new(secrets, Patterns::On);
/// assert_eq!(redactor.text("pass=hunter22"), "pass=[REDACTED:NATS_PASSWORD]");
/// ```
#[derive(Clone)]
pub struct Redactor {
    known: Arc<Known>,
}

/// What the streams of one redactor share.
pub(super) struct Known {
    /// `None` if there is nothing to look for.
    pub(super) search: Option<Search>,
    /// Whether there is an exact secret somewhere, and no more than that.
    pub(super) glance: Option<Glance>,
    /// By pattern.
    pub(super) targets: Vec<Target>,
    pub(super) names: Vec<Name>,
    longest: usize,
}

/// What a pattern of the search stands for.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A form of a secret.
    Exact {
        /// Index of its name.
        name: usize,
    },
    /// The start of a token.
    Token {
        /// Index of its name.
        name: usize,
        shape: Shape,
    },
}

/// A name, and what stands in the text for it.
pub(super) struct Name {
    pub(super) name: String,
    pub(super) marker: Vec<u8>,
}

impl Redactor {
    /// Prepares the replacement of `secrets` in all their forms, and of tokens if `patterns` says.
    ///
    /// Values shorter than [`SHORTEST`](super::SHORTEST) without the white space around them are
    /// ignored. Of a value, the first 16 KiB are looked for, in pieces of 1 KiB. If two secrets
    /// have a form in common, it has the name of the first.
    pub fn new(secrets: Vec<Found>, patterns: Patterns) -> Self {
        let mut names = Names::default();
        let mut exact = BTreeMap::new();
        for secret in secrets {
            let forms = forms(&secret.value);
            if !forms.is_empty() {
                let name = names.index(&secret.name);
                for form in forms {
                    exact.entry(form).or_insert(name);
                }
            }
        }
        let rules = match patterns {
            Patterns::On => RULES,
            Patterns::Off => &[],
        };
        let mut targets: Vec<Target> = exact.values().map(|&name| Target::Exact { name }).collect();
        let glance = Glance::new(exact.keys());
        let mut looked_for: Vec<Pattern<'_>> = exact
            .keys()
            .map(|bytes| Pattern {
                bytes,
                follows: &|_| true,
            })
            .collect();
        let shapes: Vec<_> = rules
            .iter()
            .map(|rule| move |byte| rule.shape.starts_with(byte))
            .collect();
        for (rule, follows) in rules.iter().zip(&shapes) {
            let name = names.index(rule.name);
            for prefix in rule.prefixes {
                let shape = rule.shape;
                targets.push(Target::Token { name, shape });
                let bytes = prefix.as_bytes();
                looked_for.push(Pattern { bytes, follows });
            }
        }
        let longest = looked_for
            .iter()
            .zip(&targets)
            .map(|(pattern, target)| match target {
                Target::Exact { .. } => pattern.bytes.len(),
                Target::Token { shape, .. } => pattern.bytes.len() + shape.lookahead(),
            })
            .max()
            .unwrap_or(0);
        let search = (!looked_for.is_empty()).then(|| Search::new(&looked_for));
        Self {
            known: Arc::new(Known {
                search,
                glance,
                targets,
                names: names.names,
                longest,
            }),
        }
    }

    /// A redactor that replaces nothing.
    pub fn none() -> Self {
        Self::new(Vec::new(), Patterns::Off)
    }

    /// Lists the names of the exact secrets, each once, in order.
    pub fn secret_names(&self) -> Vec<&str> {
        let exact = self.known.targets.iter().filter_map(|target| match target {
            Target::Exact { name } => Some(self.known.names[*name].name.as_str()),
            Target::Token { .. } => None,
        });
        exact
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Whether it replaces nothing.
    pub fn is_empty(&self) -> bool {
        self.known.search.is_none()
    }

    /// Replaces all secrets in `text`, which is complete. Text without secrets is not copied.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut clean = Vec::new();
        let mut is_whole = text.is_empty();
        self.stream()
            .scan(text.as_bytes(), End::Yes, &mut |piece: &[u8]| {
                if std::ptr::eq(piece, text.as_bytes()) {
                    is_whole = true;
                } else {
                    clean.extend_from_slice(piece);
                }
            });
        if is_whole {
            return Cow::Borrowed(text);
        }
        // A secret that is not UTF-8 itself may have ended inside a character.
        Cow::Owned(
            String::from_utf8(clean)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        )
    }

    /// Replaces all secrets in the strings and keys of `value`, each looked at alone.
    ///
    /// A number that is a secret, digit by digit, becomes the text that stands for it. Numbers with
    /// a secret somewhere in them stay: a string in their place would break whoever reads them. Of
    /// keys that become equal the last one wins.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.text(text) {
                    *text = clean;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.value(value));
                if fields
                    .keys()
                    .any(|key| matches!(self.text(key), Cow::Owned(_)))
                {
                    *fields = std::mem::take(fields)
                        .into_iter()
                        .map(|(key, value)| (self.text(&key).into_owned(), value))
                        .collect();
                }
            }
            Value::Number(number) => {
                if let Cow::Owned(clean) = self.text(&number.to_string())
                    && self.is_marker(&clean)
                {
                    *value = Value::String(clean);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Says whether a text is what stands for one secret, and nothing else.
    fn is_marker(&self, text: &str) -> bool {
        let names = &self.known.names;
        names.iter().any(|name| name.marker == text.as_bytes())
    }

    /// Starts a stream of bytes. It may move to another thread and outlive the redactor.
    pub fn stream(&self) -> Stream {
        Stream::new(Arc::clone(&self.known))
    }

    /// Bytes of the longest thing that has to be seen in one piece: a form of a secret, or as much
    /// of a token as makes it one.
    ///
    /// At most 8 KiB: a piece of 1 KiB whose every byte is escaped twice.
    pub fn longest(&self) -> usize {
        self.known.longest
    }

    /// Bytes that [`Stream::scan`] leaves unconsumed at most, whatever the text.
    pub fn hold_max(&self) -> usize {
        self.known.longest.saturating_sub(1)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Redactor")
            .field("names", &self.known.names.len())
            .field("forms", &self.known.targets.len())
            .finish_non_exhaustive()
    }
}

/// Names, each once.
#[derive(Default)]
struct Names {
    names: Vec<Name>,
}

impl Names {
    /// The index of `name`, without the characters that a reader of markers could stumble over.
    fn index(&mut self, name: &str) -> usize {
        let keep = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let name: String = name
            .chars()
            .map(|c| if keep(c) { c } else { '_' })
            .collect();
        if let Some(index) = self.names.iter().position(|known| known.name == name) {
            return index;
        }
        let marker = format!("[REDACTED:{name}]").into_bytes();
        self.names.push(Name { name, marker });
        self.names.len() - 1
    }
}

const _: () = assert!(
    encodings::PIECE <= 1024,
    "`longest` promises a bound of 8 KiB"
);
