mod blocks;
mod broken;
mod functions;
mod numbers;
mod paths;

use serde_json::{Value, json};

use super::{EmptyKind, Engine, Rendered, TemplateError, UnknownRoot};

fn roots() -> Value {
    json!({
        "inputs": {
            "a": "x",
            "n": 3,
            "zero": 0,
            "yes": true,
            "no": false,
            "falseText": "false",
            "nil": null,
            "blank": "",
            "a-b": "dash",
            "with space": "sp",
            "tag": "{{secret}}{{#if secret}}{{secret}}{{/if}}",
            "list": ["one", {"name": "two", "inputs": {"a": "inner"}}],
            "none": [],
            "map": {"k1": 1, "k2": {"x": "deep"}},
            "grid": [[1, 2], [3]]
        },
        "secret": "hunter2",
        "artifacts": {"statusPath": "/s"}
    })
}

fn render(template: &str) -> Result<Rendered, TemplateError> {
    Engine::new().render(template, &roots(), UnknownRoot::Empty)
}

fn text(template: &str) -> String {
    render(template).expect(template).text
}

fn verbatim(template: &str) -> Rendered {
    Engine::new()
        .render(template, &roots(), UnknownRoot::Verbatim)
        .expect(template)
}

fn empty(rendered: &Rendered) -> Vec<(&str, usize, EmptyKind)> {
    rendered
        .empty
        .iter()
        .map(|tag| (tag.path.as_str(), tag.offset, tag.kind))
        .collect()
}

/// Asserts that each template renders to the text beside it.
fn table(rows: &[(&str, &str)]) {
    for (template, expected) in rows {
        assert_eq!(text(template), *expected, "{template}");
    }
}
