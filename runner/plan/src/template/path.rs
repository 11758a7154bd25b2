//! Dotted paths: what they name, and what was perhaps meant.

use serde_json::Value;

use super::text;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Lookup<'v> {
    /// A value; perhaps `null`.
    Found(&'v Value),
    /// The first name exists, the rest does not.
    Missing,
    /// Not even the first name exists.
    UnknownRoot,
}

/// The names in `path`: split at dots, trimmed, empty ones dropped.
pub(crate) fn names(path: &str) -> Vec<&str> {
    path.split('.')
        .map(text::trim)
        .filter(|name| !name.is_empty())
        .collect()
}

/// What is at `names` below `base`, through objects only.
///
/// No names at all are an unknown root: the incumbent printed all it had, secrets included.
pub(crate) fn look_up<'v, S: AsRef<str>>(base: &'v Value, names: &[S]) -> Lookup<'v> {
    let mut names = names.iter().map(AsRef::as_ref);
    let Some(mut value) = names.next().and_then(|name| member(base, name)) else {
        return Lookup::UnknownRoot;
    };
    for name in names {
        match member(value, name) {
            Some(next) => value = next,
            None => return Lookup::Missing,
        }
    }
    Lookup::Found(value)
}

/// What `name` is in `value`, if that is an object.
pub(crate) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object().and_then(|map| map.get(name))
}

/// The path of the existing value that is most like `names`: the first wrong name is replaced by
/// the nearest right one, and what follows is kept if it exists there.
pub(crate) fn nearest<S: AsRef<str>>(base: &Value, names: &[S]) -> Option<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut value = base;
    for (index, name) in names.iter().map(AsRef::as_ref).enumerate() {
        if let Some(next) = member(value, name) {
            path.push(name);
            value = next;
            continue;
        }
        let (key, near) = nearest_key(value, name)?;
        path.push(key);
        let rest = &names[index + 1..];
        if matches!(look_up(near, rest), Lookup::Found(_)) {
            path.extend(rest.iter().map(AsRef::as_ref));
        }
        return Some(path.join("."));
    }
    None
}

fn nearest_key<'v>(value: &'v Value, name: &str) -> Option<(&'v str, &'v Value)> {
    let length = name.chars().count();
    // A third of the letters may be wrong; a longer name than this was not typed by a person.
    let allowed = (length / 3).max(1);
    if length > 64 {
        return None;
    }
    value
        .as_object()?
        .iter()
        .filter(|(key, _)| key.len() <= 4 * (length + allowed) && !key.contains(['.', '}']))
        .filter_map(|(key, value)| {
            let wrong = if key.eq_ignore_ascii_case(name) {
                0
            } else {
                strsim::damerau_levenshtein(key, name)
            };
            // Two one-letter names are always one letter apart, and have nothing in common.
            (wrong <= allowed && wrong < length).then_some((wrong, key, value))
        })
        .min_by_key(|(wrong, _, _)| *wrong)
        .map(|(_, key, value)| (key.as_str(), value))
}
