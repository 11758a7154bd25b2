//! What a run is made of, and what of it the stage asks for.

use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use agent_plan::manifest::Manifests;
use agent_plan::plan;
use agent_plan::resolve::Resolved;
use agent_plan::template::pretty_json;
use serde_json::Value;

use super::arguments::{Asked, Player};
use super::marker::Tenant;
use super::pod::Surroundings;
use super::problem::Problem;
use super::remap::Remap;
use super::scratch::Scratch;
use super::secrets::{Missing, Secrets};
use super::{ambient, rehearsal, secrets, warn};

/// What a run is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Material<'m> {
    pub(super) asked: &'m Asked,
    pub(super) manifests: &'m Manifests,
    pub(super) namespace: &'m str,
    pub(super) resolved: &'m Resolved,
    /// Values of Secrets from the command line and the manifests.
    pub(super) given: &'m Secrets,
    /// The environment of this process.
    pub(super) ours: &'m Environment,
}

impl Material<'_> {
    /// Whose the directory is.
    pub(super) fn tenant(&self) -> Tenant {
        let run = &self.resolved.run;
        let name = run.pointer("/agentRun/name").and_then(Value::as_str);
        let run_name = format!("{}/{}", self.namespace, name.unwrap_or_default());
        let uid = plan::uid_of(run).unwrap_or(&run_name).to_owned();
        Tenant { run: run_name, uid }
    }

    /// The pod's paths: its workspace, its mounts, and the home of codex.
    pub(super) fn remap(&self, root: &Path, pod: &Value) -> Result<Remap, Problem> {
        let Some(text) = root.to_str() else {
            return Err(Problem::Pod {
                at: None,
                what: format!("`{}` is not UTF-8", root.display()),
                hint: "give it another `--workspace`, or another `TMPDIR`",
            });
        };
        let mut remap = Remap::new(text);
        let container = &pod["containers"][0];
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        let mounts = mounts.map(|mount| mount["mountPath"].as_str().unwrap_or_default());
        let variables = container["env"].as_array().into_iter().flatten();
        let homes = variables.filter(|variable| variable["name"] == env::CODEX_HOME);
        let homes = homes.filter_map(|variable| variable["value"].as_str());
        for path in mounts.chain(homes) {
            if !remap.also(path) {
                return Err(Problem::Pod {
                    at: self.resolved.mounts.get(path).cloned().map(Box::new),
                    what: format!("`{}` is no absolute path below `/`", path.escape_debug()),
                    hint: "write one without `..`, such as `/mnt/keys`",
                });
            }
        }
        Ok(remap)
    }

    /// Says whether the scripted agent plays; then nothing is published or stored elsewhere.
    pub(super) fn is_rehearsal(&self) -> bool {
        self.asked.agent == Some(Player::Fake)
    }

    /// The values of Secrets that the pod gets.
    pub(super) fn secrets(&self) -> Result<Secrets, Problem> {
        let needs = &self.resolved.secrets;
        let given = self.asked.given()?;
        for given in secrets::unneeded(&given, needs) {
            warn(&given.complaint(needs));
        }
        let mut secrets = self.given.clone().with_variables(self.ours, needs);
        let is_printed = self.asked.print.is_some();
        // Nobody is asked for anything with what is made up. A repository is cloned all the same.
        let is_made_up =
            |it: &Missing<'_>| is_printed || (self.is_rehearsal() && !it.is_for_repository());
        let (made_up, missing): (Vec<_>, Vec<_>) =
            secrets.missing(needs).into_iter().partition(is_made_up);
        if !missing.is_empty() {
            let each = missing.iter().map(|it| (it.problem(), it.hint()));
            return Err(Problem::Missing(each.collect()));
        }
        for missing in &made_up {
            warn(&format!("{}: {}", missing.problem(), missing.made_up()));
        }
        secrets.rehearse(&made_up);
        Ok(secrets)
    }

    /// The `ConfigMap`s of the run, with the paths of this machine.
    pub(super) fn config_maps(&self, remap: &Remap) -> Vec<Value> {
        let mut maps = self.resolved.config_maps.clone();
        let mut run = self.resolved.run.clone();
        remap.value(&mut run);
        for map in maps.iter_mut().skip(1) {
            remap.value(&mut map["data"]);
        }
        maps[0]["data"]["run.json"] = pretty_json(&run).into();
        maps
    }

    /// The agent that plays instead of the provider's.
    pub(super) fn agent(
        &self,
        spec: &mut Value,
        environment: &mut Environment,
        scratch: &mut Scratch,
        mounts: &[PathBuf],
    ) -> Result<Option<PathBuf>, Problem> {
        let Some(player) = self.asked.agent else {
            return Ok(None);
        };
        rehearsal::at_home(player, spec, environment, self.ours, mounts);
        let agent = match player {
            Player::Fake => rehearsal::stand_in(scratch, environment)?,
            Player::Claude | Player::Codex => rehearsal::of_machine(player, environment)?,
        };
        Ok(Some(agent))
    }

    /// Settings that only a local run has.
    pub(super) fn flags(&self, scratch: &Scratch) -> Vec<(String, String)> {
        let mut flags = vec![("workspace.localRemotes", "true".to_owned())];
        if self.is_rehearsal() {
            flags.push(("artifacts.endpoint", ambient::store(scratch.root())));
            flags.push(("events.sinks", "none".to_owned()));
            flags.push(("events.required", "false".to_owned()));
            flags.push(("events.context", "off".to_owned()));
            flags.push(("events.traces", "false".to_owned()));
        }
        let flags = flags.into_iter();
        flags.map(|(key, text)| (key.to_owned(), text)).collect()
    }

    /// What the pod is made of besides its Job; as yet without the `ConfigMap`s of the run.
    pub(super) fn surroundings<'s>(
        &'s self,
        secrets: &'s Secrets,
        remap: &'s Remap,
    ) -> Surroundings<'s> {
        Surroundings {
            manifests: self.manifests,
            namespace: self.namespace,
            secrets,
            needs: &self.resolved.secrets,
            spots: &self.resolved.mounts,
            remap,
            config_maps: &[],
        }
    }
}
