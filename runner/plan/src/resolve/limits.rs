//! What the cluster itself does not take, by the schemas of its resources (contract §1.5).

use crate::resource::Implementation;

use super::ask::Ask;
use super::field::Field;
use super::names;
use super::refusal::{Reason, Refusal};

/// The most characters of a text or a description.
const TEXT: usize = 131_072;

/// The most characters of a summary.
const SUMMARY: usize = 256;

/// The most acceptance criteria.
const CRITERIA: usize = 50;

/// The most characters of an objective.
const OBJECTIVE: usize = 8192;

/// Looks at the name of the run, which no cluster takes as a label if it is too long.
pub(super) fn name(ask: &Ask<'_>) -> Result<(), Refusal> {
    let name = ask.name();
    if name.len() > names::LONGEST {
        let most = names::LONGEST;
        let message = format!(
            "it has {} characters, at most {most}: it is the value of a label",
            name.len()
        );
        return Err(ask
            .field("metadata.name")
            .refused(Reason::SubmitFailed, message)
            .hint("write a shorter one"));
    }
    Ok(())
}

/// Looks at what the run says of itself.
pub(super) fn run(ask: &Ask<'_>) -> Result<(), Refusal> {
    let goal = ask.spec().goal.as_ref();
    let objective = goal.and_then(|goal| goal.objective.as_deref());
    characters(objective, OBJECTIVE, &ask.field("spec.goal.objective"))?;
    let inline = ask.spec().implementation.as_ref();
    match inline.and_then(|implementation| implementation.inline.as_ref()) {
        Some(task) => self::task(task.read(), &ask.field("spec.implementation.inline")),
        None => Ok(()),
    }
}

/// Looks at what is to be done.
pub(super) fn task(task: &Implementation, field: &Field<'_>) -> Result<(), Refusal> {
    for (name, text, most) in [
        ("text", &task.text, TEXT),
        ("summary", &task.summary, SUMMARY),
        ("description", &task.description, TEXT),
    ] {
        characters(text.as_deref(), most, &field.key(name))?;
    }
    let criteria = task.acceptance_criteria.as_ref().map_or(0, Vec::len);
    if criteria > CRITERIA {
        let message = format!("there are {criteria}, at most {CRITERIA}");
        return Err(field
            .key("acceptanceCriteria")
            .refused(Reason::Invalid, message)
            .hint("remove some, or write them together"));
    }
    Ok(())
}

fn characters(text: Option<&str>, most: usize, field: &Field<'_>) -> Result<(), Refusal> {
    let count = text.map_or(0, |text| text.chars().count());
    if count > most {
        let message = format!("it has {count} characters, at most {most}");
        return Err(field.refused(Reason::Invalid, message));
    }
    Ok(())
}
