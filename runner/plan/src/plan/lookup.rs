//! Variables of the runner's own business, of which a provider's author may set some.

use crate::env::Environment;

use super::ProcessPlan;

/// What `envTemplate` rendered, before the environment: a provider's template is where the chart
/// tells its users to set `NATS_URL` (contract §8.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup<'a> {
    rendered: &'a [String],
    agents: &'a Environment,
    ours: &'a Environment,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(process: &'a ProcessPlan, ours: &'a Environment) -> Self {
        Self {
            rendered: &process.rendered,
            agents: &process.env,
            ours,
        }
    }

    /// Looks into an environment alone, where there is no provider.
    pub(super) fn of(environment: &'a Environment) -> Self {
        Self {
            rendered: &[],
            agents: environment,
            ours: environment,
        }
    }

    /// Returns the value of a variable if it is not blank.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let rendered = self.rendered.iter().any(|rendered| rendered == name);
        let told = rendered.then(|| self.agents.get(name)).flatten();
        let value = told.or_else(|| self.ours.get(name))?;
        (!value.trim().is_empty()).then_some(value)
    }

    /// Returns the value of the first of some variables that has one.
    pub(super) fn first(&self, names: &[&str]) -> Option<String> {
        let value = names.iter().find_map(|name| self.get(name))?;
        Some(value.trim().to_owned())
    }
}
