//! What is to be done: in the run, or in an `ImplementationSpec`.

use crate::manifest::shown;
use crate::resource::{Implementation, ImplementationSpec, Kind, Verbatim};

use super::ask::Ask;
use super::field::Field;
use super::limits;
use super::refusal::{Reason, Refusal};
use super::said;

/// What is to be done, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Task<'m> {
    pub(super) written: &'m Verbatim<Implementation>,
    pub(super) field: Field<'m>,
}

impl<'m> Task<'m> {
    /// Finds it: what is in the run wins.
    pub(super) fn of(ask: &Ask<'m>) -> Result<Self, Refusal> {
        if let Some(task) = Self::inline(ask) {
            return Ok(task);
        }
        let task = Self::referred(ask)?;
        limits::task(task.spec(), &task.field)?;
        Ok(task)
    }

    pub(super) fn spec(&self) -> &'m Implementation {
        self.written.read()
    }

    fn inline(ask: &Ask<'m>) -> Option<Self> {
        let implementation = ask.spec().implementation.as_ref()?;
        Some(Self {
            written: implementation.inline.as_ref()?,
            field: ask.field("spec.implementation.inline"),
        })
    }

    fn referred(ask: &Ask<'m>) -> Result<Self, Refusal> {
        let reference = ask.spec().implementation_spec_ref.as_ref();
        let Some(name) = reference.and_then(|it| said(Some(&it.name))) else {
            let refusal = ask.field("spec").refused(
                Reason::MissingImplementation,
                "it says neither `implementation.inline` nor `implementationSpecRef`",
            );
            return Err(match ask.spec().implementation_ref {
                Some(_) => refusal.hint("write `implementationSpecRef` for `implementationRef`"),
                None => refusal,
            });
        };
        let namespace = ask.namespace();
        let Some(found) = ask.manifests.get::<ImplementationSpec>(namespace, name) else {
            let kind = Kind::ImplementationSpec;
            return Err(ask
                .field("spec.implementationSpecRef.name")
                .refused(Reason::MissingImplementation, absent(kind, name, namespace))
                .meant(ask.manifests.nearest(kind, namespace, name)));
        };
        Ok(Self {
            written: &found.object.spec,
            field: Field::of(found.manifest, "spec"),
        })
    }
}

/// Says that something is not there.
pub(super) fn absent(kind: Kind, name: &str, namespace: &str) -> String {
    let name = shown(name);
    format!("there is no {kind} `{name}` in namespace `{namespace}`")
}
