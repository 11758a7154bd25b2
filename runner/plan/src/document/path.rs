//! The way to a value: `spec.adapter.exec.argsTemplate[2]`, `metadata.labels["a.b/c"]`.

/// One step of a path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To a field of an object.
    Key(String),
    /// To an item of a list, from 0.
    Index(usize),
}

/// Writes a path the way people write it, so that [`steps`] reads it back.
pub(crate) fn display(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if !is_plain(key) => {
                let quoted = serde_json::Value::from(key.as_str());
                text.push_str(&format!("[{quoted}]"));
            }
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// Says whether a key can stand in a path as it is: it separates nothing, and moves no cursor.
fn is_plain(key: &str) -> bool {
    let marks = |letter: char| letter.is_control() || ".[]\"".contains(letter);
    !key.is_empty() && !key.contains(marks)
}

/// Reads a path. What is no path is read as far as it is one.
pub fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        rest = rest.trim_start_matches('.');
        if let Some(inside) = rest.strip_prefix('[') {
            let Some((step, after)) = bracket(inside) else {
                return steps;
            };
            steps.push(step);
            rest = after;
        } else if rest.is_empty() {
            return steps;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        }
    }
}

/// Reads what is between brackets, and what is after them.
fn bracket(inside: &str) -> Option<(Step, &str)> {
    if inside.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let key = values.next()?.ok()?;
        let after = inside.get(values.byte_offset()..)?.strip_prefix(']')?;
        return Some((Step::Key(key), after));
    }
    let (index, after) = inside.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), after))
}
