//! Parameters, as far as a controller takes them (contract §1.5).

use crate::manifest::shown;
use crate::nearest::nearest;
use crate::resource::Strings;
use crate::template::trim;

use super::ask::Ask;
use super::field::Field;
use super::notes::Notes;
use super::refusal::{Reason, Refusal};
use super::said;

/// The most parameters.
const MOST: usize = 100;

/// The most bytes of one.
const MOST_BYTES: usize = 2048;

/// The parameters of the run with `overrides` laid over them: one that is there keeps its place, one
/// that is not comes last.
pub(super) fn asked(
    ask: &Ask<'_>,
    overrides: &[(String, String)],
    notes: &mut Notes,
) -> Result<Strings, Refusal> {
    let mut parameters = ask.spec().parameters.clone().unwrap_or_default();
    for (name, value) in overrides {
        if parameters.get(name).is_none()
            && let Some(meant) = nearest(name, parameters.iter().map(|(name, _)| name))
        {
            let message = format!(
                "the run has no parameter `{}` yet; did you mean `{meant}`?",
                shown(name)
            );
            notes.warn(&ask.field("spec.parameters"), message);
        }
        parameters.insert(name, value);
    }
    check(&parameters, &ask.field("spec.parameters"), notes)?;
    Ok(parameters)
}

fn check(parameters: &Strings, field: &Field<'_>, notes: &mut Notes) -> Result<(), Refusal> {
    if parameters.len() > MOST {
        let message = format!("there are {} parameters, at most {MOST}", parameters.len());
        return Err(field.refused(Reason::ParametersTooLarge, message));
    }
    for (name, value) in parameters.iter() {
        let field = field.key(name);
        if is_prompt(name) {
            notes.object(
                &field,
                Reason::ForbiddenParameterKey,
                "a parameter may not be called `prompt`: what is to be done is `text` of the implementation",
            );
        }
        if value.len() > MOST_BYTES {
            let message = format!("it has {} bytes, at most {MOST_BYTES}", value.len());
            return Err(field.refused(Reason::ParameterValueTooLarge, message));
        }
    }
    Ok(())
}

/// Says whether a parameter is called as what is to be done, which it is not.
pub(super) fn is_prompt(name: &str) -> bool {
    trim(name).eq_ignore_ascii_case("prompt")
}

/// Adds the branches of the repository, unless the run says them under one of their names.
pub(super) fn with_branches(mut parameters: Strings, base: &str, head: &str) -> Strings {
    let bases = ["base", "baseBranch", "base_ref", "baseRef"].as_slice();
    let heads = ["head", "headBranch", "head_ref", "headRef", "branch"].as_slice();
    for (name, branch, names) in [("base", base, bases), ("head", head, heads)] {
        if !branch.is_empty() && first(&parameters, names).is_none() {
            parameters.insert(name, branch);
        }
    }
    parameters
}

/// The first of the parameters that is there and says something.
pub(super) fn first<'p>(parameters: &'p Strings, names: &[&str]) -> Option<&'p str> {
    names.iter().find_map(|name| said(parameters.get(name)))
}
