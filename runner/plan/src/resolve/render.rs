//! Templates that the controller renders (contract §2.3).

use serde_json::{Map, Value};

use crate::manifest::shown;
use crate::template::{TemplateError, render_dollars, render_paths};

use super::field::Field;
use super::notes::Notes;
use super::refusal::{Reason, Refusal};
use super::said;

/// What to do about a text that explodes.
const SHORTER: &str = "name less, or less often, in templates";

/// Renders a template over `roots`; of every tag that becomes nothing there is a warning.
pub(super) fn render(
    template: &str,
    roots: &Value,
    field: &Field<'_>,
    notes: &mut Notes,
) -> Result<String, Refusal> {
    let rendered = render_paths(template, roots).map_err(|error| too_much(field, &error))?;
    if !notes.afford(rendered.text.len()) {
        let message = "what templates became up to here is more than a cluster takes";
        return Err(field.refused(Reason::SubmitFailed, message).hint(SHORTER));
    }
    for tag in rendered.empty {
        let path = shown(&tag.path);
        let meant = tag.nearest.map_or(String::new(), |nearest| {
            format!(": did you mean `{}`?", shown(&nearest))
        });
        notes.warn(
            field,
            format!("`{path}` is nothing to the controller{meant}"),
        );
    }
    Ok(rendered.text)
}

/// Renders a template of a task: tags first, then `${path}`.
pub(super) fn render_task(
    template: &str,
    roots: &Value,
    field: &Field<'_>,
    notes: &mut Notes,
) -> Result<String, Refusal> {
    let text = render(template, roots, field, notes)?;
    render_dollars(&text, roots).map_err(|error| too_much(field, &error))
}

fn too_much(field: &Field<'_>, error: &TemplateError) -> Refusal {
    field
        .refused(Reason::SubmitFailed, error.to_string())
        .hint(SHORTER)
}

/// Renders the texts of an object under the keys that it has of `keys`; blank ones are left out.
pub(super) fn render_fields(
    written: &Map<String, Value>,
    keys: &[&str],
    roots: &Value,
    field: &Field<'_>,
    notes: &mut Notes,
) -> Result<Map<String, Value>, Refusal> {
    let mut rendered = Map::new();
    for key in keys {
        if let Some(text) = said(written.get(*key).and_then(Value::as_str)) {
            let text = render(text, roots, &field.key(key), notes)?;
            rendered.insert((*key).to_owned(), text.into());
        }
    }
    Ok(rendered)
}
