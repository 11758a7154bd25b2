//! What a task needs to be known (contract §1.5).

use crate::manifest::shown;
use crate::resource::Implementation;

use super::field::Field;
use super::metadata::Metadata;
use super::refusal::{Reason, Refusal};
use super::said;

/// The most keys that a message names.
const MOST_SAID: usize = 8;

/// Looks at the contract of the task at `field`.
pub(super) fn check(
    task: &Implementation,
    field: &Field<'_>,
    known: &Metadata,
) -> Result<(), Refusal> {
    let Some(contract) = &task.contract else {
        return Ok(());
    };
    let field = field.key("contract");
    let required = contract.required_keys.as_deref().unwrap_or_default();
    let invalid = |field: Field<'_>, message| Err(field.refused(Reason::InvalidContract, message));
    if let Some(index) = required.iter().position(|key| said(Some(key)).is_none()) {
        let field = field.key("requiredKeys").item(index);
        return invalid(field, "it is blank");
    }
    let mappings = contract.mappings.iter().flatten();
    for (index, mapping) in mappings.enumerate() {
        for (name, text) in [("from", &mapping.from), ("to", &mapping.to)] {
            if said(text.as_deref()).is_none() {
                let field = field.key("mappings").item(index).key(name);
                return invalid(field, "it is missing or blank");
            }
        }
    }
    let unknown = |key: &&str| known.map.get(key).unwrap_or_default().is_empty();
    let required = required.iter().enumerate();
    let required = required.filter_map(|(index, key)| Some((index, said(Some(key))?)));
    let missing: Vec<_> = required.filter(|(_, key)| unknown(key)).collect();
    let Some((first, _)) = missing.first() else {
        return Ok(());
    };
    let mut keys = Vec::new();
    for (_, key) in missing.iter().take(MOST_SAID) {
        let key = format!("`{}`", shown(key));
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let message = format!("nothing is known of {}", keys.join(", "));
    Err(field
        .key("requiredKeys")
        .item(*first)
        .refused(Reason::MissingRequiredMetadata, message)
        .hint("say it as a parameter of the run"))
}
