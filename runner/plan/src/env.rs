//! The environment, read once, as a value.
//!
//! `load.rs` takes the snapshot; everything else asks this one. The names that we read ourselves
//! are in [`VARIABLES`], which is also what `docs/reference.md` is generated from; the variables
//! that are settings are in [`crate::settings::SETTINGS`].

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::nearest::nearest;
use crate::settings::SETTINGS;

/// A snapshot of the process environment, in its original order.
#[derive(Clone, Default)]
pub struct Environment {
    entries: Vec<(OsString, OsString)>,
}

impl std::fmt::Debug for Environment {
    // Values may be secrets; names may not.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.entries.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Environment {
    /// Takes the entries as they are. Of two entries with one name the later one counts.
    pub fn new(entries: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in entries {
            environment.set(name, value);
        }
        environment
    }

    /// Returns the value of `name` if it is set, UTF-8 and not empty.
    ///
    /// An empty string counts as unset, as for the incumbent (contract §1.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name)
            .and_then(OsStr::to_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns the value of `name` as a path, which need not be UTF-8, if it is set and not empty.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.raw(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    }

    /// Returns the value of `name` byte for byte, empty or not.
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.entries
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_os_str())
    }

    /// Sets or replaces one variable; a replaced one keeps its place.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let (name, value) = (name.into(), value.into());
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((name, value)),
        }
    }

    /// Returns the environment with only the entries that `keep` says yes to.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self {
            entries: self
                .entries
                .iter()
                .filter(|(name, _)| keep(&name.to_string_lossy()))
                .cloned()
                .collect(),
        }
    }

    /// Lists names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl Environment {
    /// Says of each variable with our prefix that nobody reads it, and which was perhaps meant.
    pub fn unknown_of_ours(&self) -> Vec<String> {
        let known = || {
            let settings = SETTINGS.iter().map(|setting| setting.variable);
            VARIABLES
                .iter()
                .map(|variable| variable.name)
                .chain(settings)
        };
        let unknown = |name: &&str| {
            name.starts_with("AGENT_RUNNER_")
                && !known().any(|known| known == *name)
                && !is_of_a_service(name)
                // Faults for our own tests.
                && *name != "AGENT_RUNNER_FAULT"
        };
        self.entries
            .iter()
            .filter_map(|(name, _)| name.to_str())
            .filter(unknown)
            .map(|name| match nearest(name, known()) {
                Some(meant) => {
                    format!("the variable `{name}` is not read: did you mean `{meant}`?")
                }
                None => format!("the variable `{name}` is not read"),
            })
            .collect()
    }
}

/// Says whether Kubernetes makes such a name for a Service that is called like us.
fn is_of_a_service(name: &str) -> bool {
    ["_SERVICE_HOST", "_PORT"]
        .iter()
        .any(|end| name.ends_with(end))
        || ["_SERVICE_PORT", "_PORT_"]
            .iter()
            .any(|part| name.contains(part))
}

/// One environment variable that the runner reads besides its settings.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// Who sets it: the controller, the kubelet, or a person.
    pub set_by: &'static str,
}

/// Path of the run spec; the controller sets it.
pub const SPEC_PATH: &str = "AGENT_RUNNER_SPEC_PATH";
/// The run spec itself, as JSON.
pub const SPEC_INLINE: &str = "AGENT_RUNNER_SPEC";
/// Path of the run payload, `run.json`.
pub const RUN_PAYLOAD: &str = "AGENT_RUN_SPEC";
/// Name of the provider, for payloads that do not say it.
pub const PROVIDER: &str = "AGENT_PROVIDER";
/// A provider definition file.
pub const PROVIDER_PATH: &str = "AGENT_PROVIDER_PATH";
/// A directory of provider definition files.
pub const PROVIDER_DIR: &str = "AGENT_PROVIDER_DIR";
/// The pod's `terminationGracePeriodSeconds`.
pub const TERMINATION_GRACE: &str = "AGENT_RUNNER_TERMINATION_GRACE_SECONDS";
/// Level of our own log.
pub const LOG_LEVEL: &str = "AGENT_RUNNER_LOG";
/// Form of our own log.
pub const LOG_FORMAT: &str = "AGENT_RUNNER_LOG_FORMAT";
/// Where the status goes; wins over the spec.
pub const STATUS_PATH: &str = "AGENT_RUNNER_STATUS_PATH";
/// The number of this attempt.
pub const ATTEMPT: &str = "AGENT_RUNNER_ATTEMPT";

/// Every variable that the runner reads besides its settings.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: SPEC_PATH,
        meaning: "Path of the run spec, unless a first argument names one.",
        set_by: "controller",
    },
    Variable {
        name: SPEC_INLINE,
        meaning: "The run spec itself as JSON, if neither an argument nor a path is given.",
        set_by: "person",
    },
    Variable {
        name: RUN_PAYLOAD,
        meaning: "Path of the run payload `run.json`; used for a spec without `payloads.eventFilePath`, and, with a provider definition, instead of a spec.",
        set_by: "controller",
    },
    Variable {
        name: PROVIDER,
        meaning: "Name of the provider, for a payload that does not say it.",
        set_by: "controller",
    },
    Variable {
        name: PROVIDER_PATH,
        meaning: "File with the provider definition for a spec without an adapter; wins over the directory.",
        set_by: "image",
    },
    Variable {
        name: PROVIDER_DIR,
        meaning: "Directory of provider definitions `<provider>.json`; default `/etc/agent-providers`.",
        set_by: "image",
    },
    Variable {
        name: TERMINATION_GRACE,
        meaning: "The pod's `terminationGracePeriodSeconds`, which the grace budget divides; default 30.",
        set_by: "chart",
    },
    Variable {
        name: LOG_LEVEL,
        meaning: "Level of the runner's own log on stderr: `off`, `error`, `warn`, `info` (default), `debug`, `trace`.",
        set_by: "person",
    },
    Variable {
        name: LOG_FORMAT,
        meaning: "Form of the runner's own log: `text` (default) or `json`.",
        set_by: "person",
    },
    Variable {
        name: STATUS_PATH,
        meaning: "Where the status file goes; wins over `artifacts.statusPath`, and is the only place for a run whose spec cannot be read.",
        set_by: "person",
    },
    Variable {
        name: ATTEMPT,
        meaning: "The number of this attempt, from 1; without it, one more than the last status file beside ours says.",
        set_by: "controller",
    },
    Variable {
        name: "PATH",
        meaning: "Where a provider binary without a `/` is looked for; the child's own value counts.",
        set_by: "image",
    },
    Variable {
        name: "TMPDIR",
        meaning: "Where the private scratch directory is made; default `/tmp`.",
        set_by: "image",
    },
];
