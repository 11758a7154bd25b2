//! Where a journal is published again: by the environment alone.

use std::path::Path;

use crate::env::Environment;
use crate::message::Wire;
use crate::settings;

use super::lookup::Lookup;
use super::nats::{self, NatsPlan};
use super::{PlanError, events};

/// Where something is published without a spec, and how it is worded there.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The server; `None` without `NATS_URL`.
    pub nats: Option<NatsPlan>,
    /// The words.
    pub wire: Wire,
}

/// Returns what the environment says of publishing; relative paths in it begin in `working_dir`.
///
/// # Errors
///
/// Returns [`PlanError`] for a variable that cannot be used; there is no secret in it.
pub fn publication(
    environment: &Environment,
    working_dir: &Path,
) -> Result<Publication, PlanError> {
    let settings = settings::resolve(&[], environment, &[])?;
    let lookup = Lookup::of(environment);
    Ok(Publication {
        nats: nats::plan(&lookup, working_dir)?,
        wire: events::wire(&settings.events.unwrap_or_default(), &lookup),
    })
}
