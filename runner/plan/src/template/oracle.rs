//! Every template the incumbent was watched rendering, and what it printed.

use serde_json::Value;

use super::{Engine, UnknownRoot};

/// The rows where we differ on purpose, with our text; `docs/templates.md` says why.
const DIFFERENT: [(&str, &str); 2] = [("{{ }}", ""), ("{{{inputs.html}}}", "<&>\"'")];

fn rows() -> Vec<(String, Value, String)> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("../../testdata/templates.json"))
        .expect("the test data is JSON");
    let text = |row: &Value, key: &str| row[key].as_str().expect("a string").to_owned();
    rows.iter()
        .map(|row| {
            (
                text(row, "template"),
                row["context"].clone(),
                text(row, "expected"),
            )
        })
        .collect()
}

fn rendered(template: &str, context: &Value) -> String {
    Engine::new()
        .render(template, context, UnknownRoot::Empty)
        .expect("no row calls a function")
        .text
}

#[test]
fn all_rows_but_the_named_ones_render_as_in_the_incumbent() {
    let rows = rows();
    assert_eq!(rows.len(), 37);
    for (template, context, expected) in &rows {
        if DIFFERENT.iter().all(|(differing, _)| differing != template) {
            assert_eq!(&rendered(template, context), expected, "{template}");
        }
    }
}

#[test]
fn the_named_rows_differ_as_documented() {
    let rows = rows();
    for (differing, ours) in DIFFERENT {
        let (template, context, theirs) = rows
            .iter()
            .find(|(template, ..)| template == differing)
            .expect("a row that is listed exists");
        assert_eq!(rendered(template, context), ours, "{template}");
        assert_ne!(ours, theirs, "{template} is listed but does not differ");
    }
}
