//! Where the agent keeps what it learns (contract §1.5).

use serde_json::{Value, json};

use crate::manifest::Found;
use crate::resource::{Agent, Kind, Memory, NameRef};

use super::ask::Ask;
use super::field::Field;
use super::refusal::{Reason, Refusal};
use super::said;
use super::secrets::SecretPolicy;
use super::task::absent;

/// Finds the Memory: that of the run, else that of the Agent, else the one that says it is the
/// default.
pub(super) fn memory<'m>(
    ask: &Ask<'m>,
    agent: Found<'m, Agent>,
) -> Result<Option<Found<'m, Memory>>, Refusal> {
    let name = |reference: &'m Option<NameRef>| said(Some(&reference.as_ref()?.name));
    let run = name(&ask.spec().memory_ref).map(|name| (name, ask.run.manifest));
    let named = run.or_else(|| Some((name(&agent.object.spec.memory_ref)?, agent.manifest)));
    let namespace = ask.namespace();
    let Some((name, manifest)) = named else {
        let mut all = ask.manifests.of::<Memory>();
        return Ok(all.find(|memory| {
            memory.manifest.namespace() == namespace && memory.object.spec.default == Some(true)
        }));
    };
    match ask.manifests.get::<Memory>(namespace, name) {
        Some(found) => Ok(Some(found)),
        None => Err(Field::of(manifest, "spec.memoryRef.name")
            .refused(Reason::MissingMemory, absent(Kind::Memory, name, namespace))
            .meant(ask.manifests.nearest(Kind::Memory, namespace, name))),
    }
}

/// The name of its Secret.
fn secret(memory: Found<'_, Memory>) -> Option<&str> {
    let connection = memory.object.spec.connection.as_ref()?;
    said(Some(&connection.secret_ref.as_ref()?.name))
}

/// Looks whether the run may have its Secret.
pub(super) fn unblock(memory: Found<'_, Memory>, policy: &SecretPolicy<'_>) -> Result<(), Refusal> {
    let field = secret_field(memory);
    secret(memory).map_or(Ok(()), |name| policy.unblock(name, &field))
}

/// Looks whether Agent and run permit its Secret.
pub(super) fn allow(memory: Found<'_, Memory>, policy: &SecretPolicy<'_>) -> Result<(), Refusal> {
    let field = secret_field(memory);
    let Some(name) = secret(memory) else {
        return Ok(());
    };
    policy.allow(name, &field)?;
    if policy.own.is_empty() {
        return Ok(());
    }
    policy.own(name, &field)
}

fn secret_field(memory: Found<'_, Memory>) -> Field<'_> {
    Field::of(memory.manifest, "spec.connection.secretRef.name")
}

/// What `run.json` says of it.
pub(super) fn payload(memory: Option<Found<'_, Memory>>) -> Value {
    let Some(memory) = memory else {
        return Value::Null;
    };
    json!({
        "type": said(memory.object.spec.kind.as_deref()).unwrap_or("custom"),
        "connectionRef": secret(memory).unwrap_or_default(),
    })
}
