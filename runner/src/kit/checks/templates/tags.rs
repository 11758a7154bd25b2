//! The tags of a template, as far as it takes to see which names they want.

/// Functions with arguments (docs/templates.md).
const FUNCTIONS: [&str; 7] = [
    "json", "default", "quote", "lower", "upper", "trim", "truncate",
];

/// A tag.
pub(super) struct Tag {
    /// What is between the braces, without blanks around it.
    pub(super) content: String,
    /// Whether it is a block or a call, and no path.
    pub(super) is_code: bool,
    /// The paths in it.
    pub(super) paths: Vec<String>,
}

impl Tag {
    /// As it stands in the template.
    pub(super) fn written(&self) -> String {
        format!("{{{{{}}}}}", self.content)
    }
}

/// Returns the tags of a template, in order.
pub(super) fn of(template: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some(end) = after.find('}') else {
            break;
        };
        rest = &after[end..];
        if rest.starts_with("}}") && end > 0 {
            tags.extend(tag(after[..end].trim_start_matches('{').trim()));
            rest = &rest[2..];
        }
    }
    tags
}

/// A comment and the end of a block want nothing.
fn tag(content: &str) -> Option<Tag> {
    let first = content.split_whitespace().next().unwrap_or_default();
    if content.is_empty() || content.starts_with(['/', '!', '^']) || content == "else" {
        return None;
    }
    let is_call = FUNCTIONS.contains(&first) && content.len() > first.len();
    let is_code = is_call || content.starts_with('#') || first == "else";
    let paths = if is_code {
        let (_, arguments) = content.split_once(char::is_whitespace).unwrap_or_default();
        arguments_in(arguments)
    } else {
        // Blanks around names do not matter, nor do empty names.
        let names = content.split('.').map(str::trim);
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        vec![names.join(".")]
    };
    Some(Tag {
        content: content.to_owned(),
        is_code,
        paths,
    })
}

/// The arguments that are paths: no texts, numbers, words of the language, functions.
fn arguments_in(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    // What is between quotes is every second part.
    for (index, part) in text.split(['"', '\'']).enumerate() {
        if index % 2 == 0 {
            words
                .extend(part.split(|letter: char| letter.is_whitespace() || "()".contains(letter)));
        }
    }
    let is_path = |word: &&str| {
        word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
            && !word.contains('=')
            && !FUNCTIONS.contains(word)
            && !["true", "false", "null", "if", "this"].contains(word)
            && !word.starts_with("this.")
    };
    let paths = words.into_iter().filter(is_path);
    paths.map(str::to_owned).collect()
}

/// The first name of a path.
pub(super) fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}
