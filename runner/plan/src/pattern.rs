//! Names with `*` for any run of characters, as in lists of variables.

/// Says whether `name` is meant by `pattern`; letters count as they are.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    // The earliest place of each middle part leaves the most room for the ones behind it.
    let rest = parts.iter().try_fold(rest, |rest, part| {
        rest.split_once(part).map(|(_, after)| after)
    });
    rest.is_some_and(|rest| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, name, expected) in [
            ("A", "A", true),
            ("A", "AB", false),
            ("A*", "AB", true),
            ("*_TOKEN", "GH_TOKEN", true),
            ("*_TOKEN", "GH_TOKENS", false),
            ("A*C*E", "ABCDE", true),
            ("A*C*E", "ACD", false),
            ("*", "", true),
            ("AB*B", "AB", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
