//! `$(NAME)` as the kubelet expands it in a container's variables and arguments.

/// Returns a text in which `$(NAME)` is what `value` has for the name and `$$` is `$`; a name that
/// nobody knows, and whatever else follows a `$`, stays.
pub(super) fn expanded(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let name = after.strip_prefix('(').and_then(|it| it.split_once(')'));
        let Some((name, after)) = name else {
            expanded.push('$');
            rest = after;
            continue;
        };
        match value(name) {
            Some(value) => expanded.push_str(&value),
            None => expanded.push_str(&format!("$({name})")),
        }
        rest = after;
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_values_and_all_else_stays() {
        let value = |name: &str| (name == "A").then(|| "x$(A)".to_owned());
        for (text, result) in [
            ("$(A)", "x$(A)"),
            ("a$(A)b$(A)", "ax$(A)bx$(A)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$x$(A)"),
            ("$(B)", "$(B)"),
            ("$(A", "$(A"),
            ("$A ${A} $", "$A ${A} $"),
            ("$()", "$()"),
        ] {
            assert_eq!(expanded(text, value), result, "{text}");
        }
    }
}
