//! YAML to trees.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, Options, Spanned};

use crate::manifest::shown;

use super::{
    Key, MAX_BYTES, MAX_DEPTH, MAX_VALUES, Node, Place, SyntaxError, Tree, too_deep, too_many,
    twice, whole,
};

/// The most bytes of texts, counting what aliases repeat each time.
const MAX_TEXT: usize = 4 * MAX_BYTES;

/// Reads every document of a YAML text.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, SyntaxError> {
    let read: Vec<Node> = serde_saphyr::from_multiple_with_options(text, options())
        .map_err(|error| refused(&error))?;
    Ok(read.into_iter().filter(|node| !node.is_null()).collect())
}

fn refused(error: &Error) -> SyntaxError {
    let problem = problem(error);
    match placed(&problem) {
        Some((place, problem)) => SyntaxError {
            place: Some(place),
            problem: problem.to_owned(),
        },
        None => SyntaxError {
            place: error.location().map(Place::from),
            problem,
        },
    }
}

/// Reads the place that a visitor says itself, as [`Place`] is written: serde's errors have none.
fn placed(problem: &str) -> Option<(Place, &str)> {
    let (line, rest) = problem.strip_prefix("line ")?.split_once(" column ")?;
    let (column, problem) = rest.split_once(": ")?;
    let place = Place {
        line: line.parse().ok()?,
        column: column.parse().ok()?,
    };
    Some((place, problem))
}

/// Says what is wrong, in one line and without the place, which is said first.
///
/// The parser's own words are passed on only where there can be no value in them.
fn problem(error: &Error) -> String {
    let words = match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => {
            return problem(error);
        }
        Error::Budget { breach, .. } => return exceeded(breach),
        // Ours, from the visitor below, and the scanner's, which are about marks.
        Error::Message { msg, .. } | Error::ExternalMessage { msg, .. } => {
            let line = msg.lines().next().unwrap_or_default();
            let (problem, _) = line.split_once(" at line ").unwrap_or((line, ""));
            return shown(problem);
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => return twice(key),
        Error::DuplicateMappingKey { .. } => "a name is there twice",
        Error::NonFiniteFloat { .. } => {
            "a number that is too large, or infinite, or none; write it in quotes"
        }
        Error::InvalidScalar { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::InvalidBooleanStrict { .. } => "a value that does not fit its tag",
        Error::InvalidBinaryBase64 { .. } => "what is tagged `!!binary` is no base64",
        Error::BinaryNotUtf8 { .. } => "what is tagged `!!binary` is no text; write it without",
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias within what it stands for",
        Error::UnknownAnchor { .. } => "an alias of what is not there; write a `*` in quotes",
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "`<<` takes an object, or a list of objects",
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => "too many aliases",
        Error::FoldedBlockScalarMustIndentContent { .. } => "a folded text that is not indented",
        Error::Eof { .. } => "it ends too early",
        Error::ContainerEndMismatch { .. }
        | Error::UnexpectedSequenceEnd { .. }
        | Error::UnexpectedMappingEnd { .. } => "a list or an object ends where none is",
        _ => "it is no YAML",
    };
    words.to_owned()
}

fn exceeded(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => too_many(),
        BudgetBreach::ScalarBytes { .. } => {
            format!("more than {MAX_TEXT} bytes of texts, with what aliases repeat")
        }
        BudgetBreach::Documents { .. } => "too many documents".to_owned(),
        _ => "too many aliases".to_owned(),
    }
}

/// The limits hold for what aliases stand for, too, each time that they do.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_VALUES,
            max_events: 3 * MAX_VALUES,
            max_total_scalar_bytes: MAX_TEXT,
            // Many aliases of one anchor are no attack: what they repeat is counted above.
            enforce_alias_anchor_ratio: false,
        },
        // As Kubernetes reads them, whose YAML is that of version 1.1. Words such as `yes` are taken
        // here in any case of their letters, which Kubernetes does not do with `yEs`.
        legacy_octal_numbers: true,
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self {
            tree: spanned.value,
            place: spanned.referenced.into(),
        })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape)
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Plain(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Plain(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        // The parser refuses what is not finite, such as `.inf`; it is what JSON has no number for.
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number that is none"))?;
        Ok(Tree::Plain(Value::Number(whole(number))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        // As values are read: `on` is `true`, and `1` and `"1"` are the same name.
        while let Some(key) = access.next_key::<Node>()? {
            let place = key.place;
            let refused = |problem: &str| A::Error::custom(format!("{place}: {problem}"));
            let name = name(key.tree).map_err(refused)?;
            if !names.insert(name.clone()) {
                return Err(refused(&twice(&name)));
            }
            fields.push((Key { name, place }, access.next_value()?));
        }
        Ok(Tree::Map(fields))
    }
}

/// What a key is called in JSON, as Kubernetes turns it into that.
fn name(key: Tree) -> Result<String, &'static str> {
    match key {
        Tree::Plain(Value::String(name)) => Ok(name),
        Tree::Plain(Value::Bool(word)) => Ok(word.to_string()),
        Tree::Plain(Value::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        Tree::Plain(Value::Number(_)) => Err("a name that is a fraction; write it in quotes"),
        Tree::Plain(_) => Err("a name that is nothing; write it in quotes"),
        Tree::List(_) | Tree::Map(_) => Err("a name that is a list or an object"),
    }
}
