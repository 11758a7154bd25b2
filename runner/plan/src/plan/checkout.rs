//! What to clone, from where, as whom, and what the agent finds there (contract §4.4, design §6).
//!
//! Every text that comes from a spec or a payload is taken as hostile: a [`Remote`] has one of a
//! few schemes and no password, a [`Revision`] is a well-formed name that no program could take for
//! an option, a path stays below the checkout. They are made once, here, and never checked again.
//!
//! `coordinates` says what is asked for, `vcs` what payload and environment know, `derive` which
//! URL follows from that, and `access` to whom which credentials may go.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod access;
mod coordinates;
mod derive;
mod path;
mod remote;
mod revision;
mod vcs;

pub use access::{Access, Identity, Proxies, SshAccess, TokenSource};
pub use remote::{Remote, RemoteError, Scheme, Where};
pub use revision::{Branch, Revision, RevisionError};

use super::roots::Templates;
use super::{Inputs, PlanError};
use crate::settings::{RunnerSettings, Span, WorkspaceSettings};
pub use crate::settings::{Submodules, Trust};
use coordinates::Coordinates;
use vcs::{Told, Vcs};

/// Where the work tree goes, unless `cwd` says it: where the controller's own codex providers have
/// theirs.
const DEFAULT_DIR: &str = "/workspace/repo";

/// The base of a repository that nobody names a base for, as for the incumbent.
const DEFAULT_BASE: &str = "main";

/// A handshake with a far server takes one second; a proxy that wakes up first, ten.
const CONNECT: Duration = Duration::from_secs(30);

/// A server that counts the objects of a large repository says nothing for half a minute.
const TRANSFER: Duration = Duration::from_mins(1);

/// Tens of gigabytes at the speed of a slow volume.
const TOTAL: Duration = Duration::from_mins(30);

/// What to clone and what the agent finds there.
#[derive(Debug, Clone)]
pub struct CheckoutPlan {
    /// From where.
    pub remote: Remote,
    /// The root of the work tree, absolute.
    pub dir: PathBuf,
    /// Below `dir`, without `..`: the directory that becomes the agent's.
    pub path: Option<PathBuf>,
    /// Where the work starts.
    pub base: Revision,
    /// Whether the base is what the run is meant for, and not a reference that somebody asked for
    /// instead, such as a pull request: only then a quarantine restores files from it.
    pub trusted_base: bool,
    /// The local branch that the agent works on, in write mode; `None`: as `on_base` says.
    pub head: Option<Branch>,
    /// What is checked out when there is no head.
    pub on_base: OnBase,
    /// How much history is fetched; `None`: all of it.
    pub depth: Option<NonZeroU32>,
    /// Whether submodules are checked out too.
    pub submodules: Submodules,
    /// Whether the repository may configure the agent.
    pub trust: Trust,
    /// How long things may take.
    pub timeouts: CheckoutTimeouts,
    /// With which credentials, through which proxies.
    pub access: Access,
}

/// What is checked out when no head branch is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBase {
    /// The commit, detached: read-only runs (contract §4.4).
    Detached,
    /// A local branch of the same name, if the base is a branch; otherwise the commit, detached.
    Branch,
}

/// How long a checkout may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckoutTimeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Without a single byte.
    pub transfer: Duration,
    /// From the first attempt to the last file; `None`: no limit.
    pub total: Option<Duration>,
}

/// What a run has of git.
#[derive(Debug, Default)]
pub(super) struct Git {
    pub(super) checkout: Option<CheckoutPlan>,
    /// The agent's own git has credentials without a checkout, too.
    pub(super) access: Option<Access>,
}

/// When a checkout is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// If something asks for it, and then it must be known of what.
    IfAsked,
    /// Also if a repository is known: a codex adapter with a `cwd` (contract §4.4).
    IfKnown,
}

/// Decides what is cloned into `cwd`, or the default place, and what the agent's own git may use.
pub(super) fn plan(
    inputs: &Inputs<'_>,
    settings: &RunnerSettings,
    cwd: Option<&Path>,
    need: Need,
    templates: &mut Templates,
    warnings: &mut Vec<String>,
) -> Result<Git, PlanError> {
    let workspace = settings.workspace.clone().unwrap_or_default();
    let vcs = Vcs {
        payload: inputs.payload,
        environment: inputs.environment,
    };
    let without = || Git {
        checkout: None,
        access: Access::without_remote(&vcs, &workspace),
    };
    let asked = Coordinates::asked(inputs, settings, templates, warnings)?;
    let is_asked = asked.is_some();
    let asked = match (asked, need) {
        (Some(asked), _) => asked,
        (None, Need::IfKnown) => Coordinates::default(),
        (None, Need::IfAsked) => return Ok(without()),
    };
    let dir = cwd.unwrap_or(Path::new(DEFAULT_DIR)).to_owned();
    let checkout = CheckoutPlan::new(asked, dir, &vcs, &workspace, warnings)?;
    match checkout {
        Some(checkout) => Ok(Git {
            access: Some(checkout.access.clone()),
            checkout: Some(checkout),
        }),
        None if is_asked => Err(PlanError::NoRepository),
        None => Ok(without()),
    }
}

impl CheckoutPlan {
    /// Decides what is cloned into `dir`; `None` if neither a URL is asked for nor a repository
    /// known.
    fn new(
        asked: Coordinates,
        dir: PathBuf,
        vcs: &Vcs<'_>,
        workspace: &WorkspaceSettings,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Self>, PlanError> {
        let place = match workspace.local_remotes {
            Some(true) => Where::Local,
            _ => Where::Pod,
        };
        let derived = derive::remote(vcs, place);
        let (remote, is_of_vcs) = match &asked.url {
            None => match derived? {
                Some(remote) => (remote, true),
                None => return Ok(None),
            },
            Some(url) => {
                let remote = explicit(url, place, warnings)?;
                // What the run works on by default may be broken; this one was asked for instead.
                let derived = derived.ok().flatten();
                let is_same = derived.is_some_and(|derived| derived.is_same_repository(&remote));
                (remote, is_same)
            }
        };
        let is_explicit = asked.url.is_some();
        let told = |told: Option<Told>| told.filter(|_| is_of_vcs);
        let may_write = vcs.may_write();
        let head = told(vcs.head()).filter(|_| may_write == Some(true));
        let on_base = match may_write {
            Some(true) => OnBase::Branch,
            None if is_explicit && !vcs.is_known() => OnBase::Branch,
            _ => OnBase::Detached,
        };
        let access = Access::of_remote(&remote, is_explicit, vcs, workspace, warnings);
        let of_run = told(vcs.base());
        let trusted_base = match (&asked.reference, &of_run) {
            (None, _) => true,
            (Some(asked), Some(of_run)) => asked.text == of_run.text,
            (Some(_), None) => false,
        };
        Ok(Some(Self {
            trusted_base,
            base: match asked.reference.or(of_run) {
                Some(told) => revision(&told)?,
                None if is_explicit => Revision::Default,
                None => Revision::Name(DEFAULT_BASE.to_owned()),
            },
            head: head.as_ref().map(branch).transpose()?,
            on_base,
            remote,
            dir,
            path: path::below(asked.path)?,
            depth: NonZeroU32::new(asked.depth.map_or(1, |depth| depth.0)),
            submodules: asked.submodules.unwrap_or_default(),
            trust: workspace.trust.unwrap_or_default(),
            timeouts: timeouts(workspace)?,
            access,
        }))
    }

    /// Returns the agent's working directory.
    pub fn cwd(&self) -> PathBuf {
        match &self.path {
            Some(path) => self.dir.join(path),
            None => self.dir.clone(),
        }
    }
}

fn explicit(url: &Told, place: Where, warnings: &mut Vec<String>) -> Result<Remote, PlanError> {
    let remote = Remote::parse(&url.text, place).map_err(|source| bad_remote(url, source))?;
    let authority = url.text.split_once("://").map_or("", |(_, rest)| rest);
    let has_user = authority
        .split('/')
        .next()
        .is_some_and(|text| text.contains('@'));
    if has_user && remote.user.is_none() {
        warnings.push(format!(
            "`{}`: the user in the URL is not used; `VCS_USERNAME` is",
            url.place
        ));
    }
    Ok(remote)
}

fn bad_remote(told: &Told, source: RemoteError) -> PlanError {
    PlanError::BadRemote {
        place: told.place.clone(),
        source,
    }
}

fn bad_ref(told: &Told, source: RevisionError) -> PlanError {
    PlanError::BadRef {
        place: told.place.clone(),
        name: super::shown(&told.text),
        source,
    }
}

fn revision(told: &Told) -> Result<Revision, PlanError> {
    Revision::parse(&told.text).map_err(|source| bad_ref(told, source))
}

fn branch(told: &Told) -> Result<Branch, PlanError> {
    Branch::parse(&told.text).map_err(|source| bad_ref(told, source))
}

fn timeouts(workspace: &WorkspaceSettings) -> Result<CheckoutTimeouts, PlanError> {
    let told = workspace.timeouts.clone().unwrap_or_default();
    let some = |key: &str, told: Option<Span>, default| match told {
        Some(Span(Duration::ZERO)) => Err(PlanError::NoTime {
            setting: format!("workspace.timeouts.{key}"),
        }),
        told => Ok(told.map_or(default, |span| span.0)),
    };
    Ok(CheckoutTimeouts {
        connect: some("connect", told.connect, CONNECT)?,
        transfer: some("transfer", told.transfer, TRANSFER)?,
        // Zero is how people write "no limit".
        total: Some(told.total.map_or(TOTAL, |span| span.0)).filter(|total| !total.is_zero()),
    })
}
