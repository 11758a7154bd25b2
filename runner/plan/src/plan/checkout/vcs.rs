//! What payload and environment say about version control (contract §1.5, §4.1).

use serde_json::Value;

use crate::env::{self, Environment};

/// A text, and where it stands, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) place: String,
    pub(super) text: String,
}

impl Told {
    /// `None` for a blank text, which counts as absent.
    pub(super) fn new(place: impl Into<String>, text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self {
            place: place.into(),
            text: text.to_owned(),
        })
    }
}

/// Answers what is known about version control, by the contract's precedence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vcs<'i> {
    pub(super) payload: Option<&'i Value>,
    pub(super) environment: &'i Environment,
}

impl Vcs<'_> {
    /// The kind of server, lower case.
    pub(super) fn provider(&self) -> Option<String> {
        let told = self.vcs("provider", env::VCS_PROVIDER)?;
        Some(told.text.to_ascii_lowercase())
    }

    pub(super) fn repository(&self) -> Option<Told> {
        self.vcs("repository", env::VCS_REPOSITORY)
            .or_else(|| self.of_run("repository"))
    }

    pub(super) fn clone_base(&self) -> Option<Told> {
        self.vcs("cloneBaseUrl", env::VCS_CLONE_BASE_URL)
    }

    pub(super) fn is_ssh(&self) -> bool {
        self.vcs("cloneProtocol", env::VCS_CLONE_PROTOCOL)
            .is_some_and(|told| told.text.eq_ignore_ascii_case("ssh"))
    }

    pub(super) fn ssh_host(&self) -> Option<Told> {
        self.vcs("sshHost", env::VCS_SSH_HOST)
    }

    pub(super) fn ssh_user(&self) -> Option<Told> {
        self.vcs("sshUser", env::VCS_SSH_USER)
    }

    pub(super) fn base(&self) -> Option<Told> {
        self.vcs("baseBranch", env::VCS_BASE_BRANCH)
            .or_else(|| self.of_run("base"))
    }

    pub(super) fn head(&self) -> Option<Told> {
        self.vcs("headBranch", env::VCS_HEAD_BRANCH)
            .or_else(|| self.of_run("head"))
    }

    /// Whether the run may push, if anybody says it; the payload before the environment.
    pub(super) fn may_write(&self) -> Option<bool> {
        let vcs = self.payload.and_then(|payload| payload.get("vcs"));
        let enabled = vcs.and_then(|vcs| vcs.get("writeEnabled")?.as_bool());
        let mode = self.of_vcs("mode").map(|told| told.text);
        if enabled.is_some() || mode.is_some() {
            return Some(enabled == Some(true) || mode.as_deref() == Some("read-write"));
        }
        let enabled = self.environment.get(env::VCS_WRITE_ENABLED);
        let mode = self.environment.get(env::VCS_MODE);
        (enabled.is_some() || mode.is_some())
            .then(|| enabled == Some("true") || mode == Some("read-write"))
    }

    /// Says whether a controller, or a person in its place, names a repository or its server.
    pub(super) fn is_known(&self) -> bool {
        let vcs = self.payload.and_then(|payload| payload.get("vcs"));
        vcs.is_some_and(Value::is_object)
            || [
                env::VCS_PROVIDER,
                env::VCS_REPOSITORY,
                env::VCS_CLONE_BASE_URL,
            ]
            .iter()
            .any(|name| self.environment.get(name).is_some())
    }

    fn vcs(&self, key: &str, variable: &str) -> Option<Told> {
        let of_variable = || Told::new(format!("${variable}"), self.environment.get(variable)?);
        self.of_vcs(key).or_else(of_variable)
    }

    fn of_vcs(&self, key: &str) -> Option<Told> {
        let text = self.payload?.get("vcs")?.get(key)?.as_str()?;
        Told::new(format!("run.json: vcs.{key}"), text)
    }

    /// A parameter of the run, or the run's own field of that name.
    fn of_run(&self, key: &str) -> Option<Told> {
        let payload = self.payload?;
        let of_parameters = || {
            let text = payload.get("parameters")?.get(key)?.as_str()?;
            Told::new(format!("run.json: parameters.{key}"), text)
        };
        let own = || Told::new(format!("run.json: {key}"), payload.get(key)?.as_str()?);
        of_parameters().or_else(own)
    }
}
