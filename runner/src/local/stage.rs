//! A run, prepared: everything that a pod has, on this machine.

use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use agent_plan::plan::{self, Plan};
use agent_plan::template::pretty_json;
use serde_json::Value;

use super::arguments::Player;
use super::material::Material;
use super::problem::Problem;
use super::remap::WORKSPACE;
use super::scratch::Scratch;
use super::{ambient, launch, mounts, rehearsal};
use crate::ledger::Ledger;
use crate::load::{self, LoadError, Reach, Request};
use crate::{executable, shutdown, telemetry};

/// Where a checkout goes of which nobody says where.
const REPOSITORY: &str = "/workspace/repo";

/// A run, prepared.
#[derive(Debug)]
pub(super) struct Stage {
    /// Where it takes place.
    pub(super) scratch: Scratch,
    /// What the runner is asked for.
    pub(super) request: Request,
    /// Its environment.
    pub(super) environment: Environment,
    /// Where its status will be.
    pub(super) status: PathBuf,
}

impl Stage {
    /// Prepares the run, and makes its workspace the working directory of this process. Signals are
    /// held back from then on.
    ///
    /// # Errors
    ///
    /// Returns [`Problem`]; a directory of our own is then removed.
    pub(super) fn of(material: &Material<'_>) -> Result<Self, Problem> {
        let asked = material.asked;
        let secrets = material.secrets()?;
        // From here on there are files, with secrets in them, that have to be removed. A signal waits
        // until the run handles it. There are no threads yet.
        shutdown::hold().map_err(Problem::Signals)?;
        let mut scratch = Scratch::new(asked.workspace.as_deref(), &material.tenant())?;
        let pod = &material.resolved.job["spec"]["template"]["spec"];
        let remap = material.remap(scratch.root(), pod)?;
        let workspace = remap.path(WORKSPACE);
        make_places(&mut scratch, &workspace)?;

        let mut spec = material.resolved.spec.clone();
        remap.value(&mut spec);
        let mut config_maps = material.config_maps(&remap);
        let mut surroundings = material.surroundings(&secrets, &remap);
        let container = &pod["containers"][0];
        let mut environment = surroundings.variables(container)?;
        let arguments = surroundings.arguments(container, &environment);
        ambient::move_places(&mut spec, &mut environment, &remap);
        let is_rehearsal = material.is_rehearsal();
        let root = scratch.root();
        ambient::furnish(&mut environment, &spec, root, material.ours, is_rehearsal);
        let given = secrets.found();
        let everywhere = [&environment, material.ours];
        telemetry::redact_with(plan::redactor(None, given.clone(), &everywhere));
        let mounted = mounts::paths(pod, &secrets);
        let agent = material.agent(&mut spec, &mut environment, &mut scratch, &mounted)?;
        if let (Some(agent), Some(adapter)) = (agent, spec.get_mut("adapter")) {
            executable::set(adapter, &agent);
        }
        config_maps[0]["data"]["agent-runner.json"] = pretty_json(&spec).into();
        surroundings.config_maps = &config_maps;
        for mounted in surroundings.mounts(pod)? {
            mounts::put(&mut scratch, &remap, &mounted)?;
        }
        make_homes(&mut scratch, &environment)?;
        std::env::set_current_dir(&workspace).map_err(Problem::making(&workspace))?;

        let mut request = launch::request(container, &arguments)?;
        let status = status_path(&request, &environment, &spec);
        let status = scratch.inside(&workspace.join(status));
        request.status_path = Some(status.clone());
        request.flags.extend(material.flags(&scratch));
        request.secrets = given;
        let mut stage = Self {
            scratch,
            request,
            environment,
            status,
        };
        stage.look_ahead(asked.agent)?;
        if asked.keep {
            stage.scratch.keep();
        }
        Ok(stage)
    }

    /// Decides what will be done, as the run will.
    ///
    /// # Errors
    ///
    /// Returns [`LoadError`].
    pub(super) fn plan(&self) -> Result<Plan, LoadError> {
        load::plan(
            &self.request,
            &self.environment,
            &Ledger::new(),
            Reach::Files,
        )
    }

    /// Sets what can only be known when there is a plan. One that fails says so when it is carried
    /// out.
    fn look_ahead(&mut self, player: Option<Player>) -> Result<(), Problem> {
        let Ok(plan) = self.plan() else {
            return Ok(());
        };
        let outside = plan.checkout.as_ref().map(|checkout| &checkout.dir);
        if outside.is_some_and(|dir| dir == Path::new(REPOSITORY)) {
            let dir = self.scratch.root().join(REPOSITORY.trim_start_matches('/'));
            let flag = ("cwd".to_owned(), dir.display().to_string());
            self.request.flags.push(flag);
        }
        let Some(player) = player else {
            return Ok(());
        };
        let protocol = plan.process.conversation.protocol();
        rehearsal::check(player, protocol)?;
        if player == Player::Fake {
            let root = self.scratch.root().to_owned();
            let files = rehearsal::declared(&plan, &root);
            rehearsal::set_script(&mut self.scratch, protocol, files)?;
        }
        Ok(())
    }
}

/// Where the pod's status goes, in the order in which the runner asks.
fn status_path(request: &Request, environment: &Environment, spec: &Value) -> PathBuf {
    let declared = spec.pointer("/artifacts/statusPath");
    let declared = || declared.and_then(Value::as_str).map(PathBuf::from);
    let told = request.status_path.clone();
    let told = told.or_else(|| environment.path(env::STATUS_PATH));
    told.or_else(declared)
        .unwrap_or_else(|| ".agent/status.json".into())
}

/// Makes what a pod has of its own.
fn make_places(scratch: &mut Scratch, workspace: &Path) -> Result<(), Problem> {
    let root = scratch.root().to_owned();
    let own = ["home", "tmp", "artifacts"].map(|name| root.join(name));
    for place in own.iter().map(PathBuf::as_path).chain([workspace]) {
        scratch.directory(place).map_err(Problem::making(place))?;
    }
    // Ours, too: nothing is written elsewhere. There is one stage in a process.
    drop(tempfile::env::override_temp_dir(&root.join("tmp")));
    Ok(())
}

/// Makes the homes that an image may have; here they are as new.
fn make_homes(scratch: &mut Scratch, environment: &Environment) -> Result<(), Problem> {
    let root = scratch.root().to_owned();
    for name in [env::CODEX_HOME].iter().chain(&ambient::HOMES) {
        let home = environment.path(name);
        if let Some(home) = home.filter(|home| home.starts_with(&root)) {
            scratch.directory(&home).map_err(Problem::making(&home))?;
        }
    }
    Ok(())
}
