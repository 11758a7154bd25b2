//! Failures told in words only: the CLIs pass on what the provider wrote.
//!
//! Messages are compared word by word, in lower case: `usage_limit`, `usageLimit` and `Usage limit`
//! are the same two words. Phrases that name a cause come before the HTTP status, because providers
//! send one status for many causes; phrases that only name a symptom come after it.

mod phrases;
mod words;

use super::Class;
use phrases::{CAPACITY, CAUSES, SYMPTOMS};
use words::{contains, words_of};

/// How many words may stand between a status and the word that makes a number one:
/// `status code is 429`, `HTTP/1.1 502`.
const STATUS_REACH: usize = 3;

/// Returns the class that a message speaks of.
pub(super) fn class_of(message: &str) -> Class {
    let words = words_of(message);
    named_in(&words, CAUSES)
        .or_else(|| status_in(&words))
        .or_else(|| named_in(&words, SYMPTOMS))
        .unwrap_or(Class::Unknown)
}

/// Says whether the controller sees in a message that the provider has no capacity left.
pub(super) fn names_capacity(message: &str) -> bool {
    let message = message.to_lowercase();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    CAPACITY.iter().any(|phrase| {
        let mut found = message.match_indices(phrase);
        found.any(|(at, _)| {
            !message[..at].ends_with(is_word) && !message[at + phrase.len()..].starts_with(is_word)
        })
    })
}

fn named_in(words: &[String], phrases: &[(&str, Class)]) -> Option<Class> {
    let row = phrases.iter().find(|(phrase, _)| contains(words, phrase));
    row.map(|(_, class)| *class)
}

fn status_in(words: &[String]) -> Option<Class> {
    let statuses = words.iter().enumerate().filter_map(|(index, word)| {
        let status = word
            .parse()
            .ok()
            .filter(|status| (400..600).contains(status))?;
        announces_status(&words[..index]).then_some(status)
    });
    let mut classes = statuses.map(Class::of_status);
    classes.find(|class| *class != Class::Unknown)
}

/// Says whether words end in such a way that a number after them is a status.
fn announces_status(before: &[String]) -> bool {
    let nearest = before.iter().rev().take(STATUS_REACH);
    let mut nearest = nearest
        .skip_while(|word| matches!(word.as_str(), "code" | "is" | "was") || word.len() == 1);
    nearest
        .next()
        .is_some_and(|word| matches!(word.as_str(), "status" | "http" | "error"))
}

#[cfg(test)]
mod tests;
