//! Parses what follows the name of a block or function.

use serde_json::{Number, Value};

use super::functions::Function;
use super::text;

/// Calls in calls that a tag may hold. Far more than a person reads, far less than the stack.
const MAX_DEPTH: usize = 16;

/// An argument.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument<'t> {
    /// A string, number, boolean or null.
    Literal(Value),
    /// A path.
    Path(&'t str),
    /// A call in parentheses.
    Call(Function, Vec<Argument<'t>>),
    /// `name=argument`, with a literal.
    Option(&'t str, Value),
}

enum Token<'t> {
    End,
    Open,
    Close,
    Literal(Value),
    Option(&'t str, Value),
    Word(&'t str),
}

/// The arguments in `source`, or nothing if they are not well formed.
pub(crate) fn parse(source: &str) -> Option<Vec<Argument<'_>>> {
    let mut rest = source;
    // The calls that are open, and under them the arguments of the tag itself.
    let mut calls: Vec<(Function, Vec<Argument<'_>>)> = Vec::new();
    let mut arguments = Vec::new();
    loop {
        let (token, after) = next_token(rest)?;
        rest = after;
        match token {
            Token::End => return calls.is_empty().then_some(arguments),
            Token::Open => {
                let (Token::Word(name), after) = next_token(rest)? else {
                    return None;
                };
                if calls.len() == MAX_DEPTH {
                    return None;
                }
                let function = Function::named(name)?;
                calls.push((function, std::mem::take(&mut arguments)));
                rest = after;
            }
            Token::Close => {
                let (function, outer) = calls.pop()?;
                let inner = std::mem::replace(&mut arguments, outer);
                arguments.push(Argument::Call(function, inner));
            }
            Token::Literal(value) => arguments.push(Argument::Literal(value)),
            Token::Option(name, value) => arguments.push(Argument::Option(name, value)),
            Token::Word(word) => arguments.push(Argument::Path(word)),
        }
    }
}

/// The first token and what follows it, or nothing if the text is malformed.
fn next_token(source: &str) -> Option<(Token<'_>, &str)> {
    let source = text::trim(source);
    let Some(first) = source.chars().next() else {
        return Some((Token::End, source));
    };
    let after = &source[first.len_utf8()..];
    Some(match first {
        '(' => (Token::Open, after),
        ')' => (Token::Close, after),
        '"' | '\'' => {
            let (string, after) = string(after, first)?;
            (Token::Literal(Value::String(string)), after)
        }
        _ => {
            let end = source
                .find(|c| text::is_blank(c) || matches!(c, '(' | ')' | '"' | '\''))
                .unwrap_or(source.len());
            (word(&source[..end])?, &source[end..])
        }
    })
}

fn word(word: &str) -> Option<Token<'_>> {
    if let Some((name, value)) = word.split_once('=') {
        return literal(value).map(|value| Token::Option(name, value));
    }
    if word == "as" || word.contains('|') {
        // Block parameters, which are not part of the language.
        return None;
    }
    Some(literal(word).map_or(Token::Word(word), Token::Literal))
}

fn literal(word: &str) -> Option<Value> {
    match word {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ => word.parse::<Number>().ok().map(Value::Number),
    }
}

/// The string that starts `source`, after its opening quote, and what follows the closing one.
fn string(source: &str, quote: char) -> Option<(String, &str)> {
    let mut string = String::new();
    let mut chars = source.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => string.push('\n'),
                't' => string.push('\t'),
                escaped if matches!(escaped, '\\' | '"' | '\'') => string.push(escaped),
                other => string.extend(['\\', other]),
            },
            c if c == quote => return Some((string, &source[at + c.len_utf8()..])),
            c => string.push(c),
        }
    }
    None
}
