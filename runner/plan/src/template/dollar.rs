//! `${path}`: the controller's second dialect, of tasks only (contract §1.5).

use handlebars::Output as _;
use serde_json::Value;

use super::TemplateError;
use super::output::{Log, Text};
use super::path::{self, Lookup};
use super::text::{tag_text, trim};

/// Renders every `${path}` of `template` over `roots`; one that names nothing, or null, stays as it
/// is. Values are inserted as they are.
///
/// # Errors
///
/// Returns [`TemplateError::TooLong`] if the text explodes.
pub(crate) fn render_dollars(template: &str, roots: &Value) -> Result<String, TemplateError> {
    let mut text = Text::default();
    let mut rest = template;
    while let Some((before, inside, after)) = next(rest) {
        let tag = &rest[before.len()..rest.len() - after.len()];
        let insert = match value(roots, inside) {
            Some(value) => text
                .write(before)
                .and_then(|()| text.write(&tag_text(value))),
            None => text.write(before).and_then(|()| text.write(tag)),
        };
        insert.map_err(|_| Text::too_long())?;
        rest = after;
    }
    text.write(rest).map_err(|_| Text::too_long())?;
    Ok(text.rendered(Log::default()).text)
}

/// Finds the next `${…}` with something in it: what is before, in and after it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("${")?;
        let inside = &text[start + 2..];
        let end = inside.find('}')?;
        if end > 0 {
            return Some((&text[..start], &inside[..end], &inside[end + 1..]));
        }
        from = start + 2;
    }
}

fn value<'v>(roots: &'v Value, inside: &str) -> Option<&'v Value> {
    let path = trim(inside);
    let found = match path::look_up(roots, &path::names(path)) {
        Lookup::Found(value) if !value.is_null() => Some(value),
        // A name with dots in it is one, too.
        _ => path::member(roots, path),
    };
    found.filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_names_something_is_replaced_and_all_else_stays() {
        let roots = json!({
            "a": "x", "n": 3, "map": {"k": ["v"]}, "a.b": "dotted", "nil": null, "tag": "${a}",
        });
        for (template, expected) in [
            ("${a}-${ a }-${\na\n}", "x-x-x"),
            ("${n} ${map.k} ${map}", "3 [\"v\"] {\"k\":[\"v\"]}"),
            ("${a.b}", "dotted"),
            (
                "${nope} ${nil} ${a.c} ${} ${ } $a ${a",
                "${nope} ${nil} ${a.c} ${} ${ } $a ${a",
            ),
            ("${tag}", "${a}"),
            ("$${a}} ${}${a}", "$x} ${}x"),
            ("${ ${a}", "${ ${a}"),
        ] {
            assert_eq!(
                render_dollars(template, &roots).expect("it is short"),
                expected,
                "{template}"
            );
        }
    }

    #[test]
    fn a_text_that_explodes_is_an_error() {
        let roots = json!({ "a": "x".repeat(1 << 20) });
        let error = render_dollars(&"${a}".repeat(17), &roots).expect_err("it is too long");
        assert!(matches!(error, TemplateError::TooLong { .. }));
    }
}
