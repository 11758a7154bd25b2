//! JSON to trees.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    Key, MAX_DEPTH, MAX_VALUES, Node, Place, SyntaxError, Tree, too_deep, too_many, twice, whole,
};

/// Reads every value of a text that is JSON; nothing of one that is not.
///
/// A text that begins as JSON and breaks off may still be YAML, which is asked next; its message is
/// then the one that counts.
pub(super) fn documents(text: &str) -> Option<Result<Vec<Node>, SyntaxError>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    if !values.all(|value| value.is_ok()) {
        return None;
    }
    let mut reader = Reader {
        text,
        at: 0,
        place: Place { line: 1, column: 1 },
        values: 0,
    };
    let mut documents = Vec::new();
    loop {
        reader.space();
        if reader.peek().is_none() {
            return Some(Ok(documents));
        }
        match reader.value(0) {
            Ok(node) => documents.push(node),
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Reads what is known to be JSON.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    place: Place,
    values: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over the next `bytes`.
    fn skip(&mut self, bytes: usize) {
        let end = self.at.saturating_add(bytes).min(self.text.len());
        for letter in self.text[self.at..end].chars() {
            if letter == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.at = end;
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.skip(1);
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        self.space();
        let place = self.place;
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(refused(place, &too_many()));
        }
        if depth > MAX_DEPTH {
            return Err(refused(place, &too_deep()));
        }
        let tree = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            _ => Tree::Plain(self.plain(place)?),
        };
        Ok(Node { tree, place })
    }

    fn object(&mut self, depth: usize) -> Result<Tree, SyntaxError> {
        self.skip(1);
        let mut fields: Vec<(Key, Node)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while self.more(b'}') {
            let place = self.place;
            let name: String = match self.plain(place)? {
                Value::String(name) => name,
                _ => return Err(refused(place, "a name was expected")),
            };
            if !names.insert(name.clone()) {
                return Err(refused(place, &twice(&name)));
            }
            self.space();
            self.skip(1);
            let node = self.value(depth + 1)?;
            fields.push((Key { name, place }, node));
        }
        Ok(Tree::Map(fields))
    }

    fn list(&mut self, depth: usize) -> Result<Tree, SyntaxError> {
        self.skip(1);
        let mut items = Vec::new();
        while self.more(b']') {
            items.push(self.value(depth + 1)?);
        }
        Ok(Tree::List(items))
    }

    /// Steps to the next item, over a comma; or over the end.
    fn more(&mut self, end: u8) -> bool {
        self.space();
        if self.peek() == Some(b',') {
            self.skip(1);
            self.space();
        }
        let more = self.peek().is_some_and(|byte| byte != end);
        if !more {
            self.skip(1);
        }
        more
    }

    /// Reads what is neither list nor object.
    fn plain(&mut self, place: Place) -> Result<Value, SyntaxError> {
        let rest = &self.text[self.at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let value = values.next().and_then(Result::ok);
        let value = value.ok_or_else(|| {
            // That it is JSON was found out before; what of that is no value is one of two things.
            let problem = if rest.starts_with('"') {
                "half of a character that is written in two parts (`\\ud800`)"
            } else {
                "a number that is too large; write it in quotes"
            };
            refused(place, problem)
        })?;
        let bytes = values.byte_offset();
        self.skip(bytes);
        Ok(match value {
            Value::Number(number) => Value::Number(whole(number)),
            other => other,
        })
    }
}

fn refused(place: Place, problem: &str) -> SyntaxError {
    SyntaxError {
        place: Some(place),
        problem: problem.to_owned(),
    }
}
