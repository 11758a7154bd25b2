//! What the controller itself was told (contract §3.2, §3.5, §10.3).

use serde_json::{Map, Value};

use crate::env::{Environment, Variable};
use crate::template::trim;

/// Seconds that a controller says logs are kept, unless it is told another number.
const LOG_RETENTION_SECONDS: u64 = 7 * 24 * 60 * 60;

/// What the controller itself was told: what a run does not say, and what it may say.
#[derive(Debug, Clone, PartialEq)]
pub struct Controller {
    /// Image of a container of which neither run nor provider says one.
    pub image: Option<String>,
    /// Service account of a pod of which neither run nor provider says one; default `default`.
    pub service_account: Option<String>,
    /// Seconds for `artifacts.logRetentionSeconds`; nobody reads it.
    pub log_retention_seconds: u64,
    /// How often a Job tries again; default 0.
    pub backoff_limit: Option<u64>,
    /// Compute resources, below those of provider and run.
    pub resources: Option<Map<String, Value>>,
    /// What pods have that do not say it themselves.
    pub scheduling: Scheduling,
    /// The Secret with the credentials of codex.
    pub auth_secret: Option<AuthSecret>,
    /// Which labels a run must, may and may not have; `*` stands for anything.
    pub labels: LabelPolicy,
    /// Images that are permitted; none: all.
    pub images_allowed: Vec<String>,
    /// Images that are not.
    pub images_denied: Vec<String>,
    /// Names of Secrets that no run gets.
    pub blocked_secrets: Vec<String>,
    /// Whether runs get repositories at all.
    pub repositories: bool,
    /// By kind of git server, the types of tokens that are only taken with a warning.
    pub deprecated_tokens: Map<String, Value>,
    /// Becomes the variable `VCS_PR_RATE_LIMITS`.
    pub pull_request_rates: Option<Map<String, Value>>,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            image: None,
            service_account: None,
            log_retention_seconds: LOG_RETENTION_SECONDS,
            backoff_limit: None,
            resources: None,
            scheduling: Scheduling::default(),
            auth_secret: None,
            labels: LabelPolicy::default(),
            images_allowed: Vec::new(),
            images_denied: Vec::new(),
            blocked_secrets: Vec::new(),
            repositories: true,
            deprecated_tokens: Map::new(),
            pull_request_rates: None,
        }
    }
}

/// Where a pod may run, as Kubernetes has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scheduling {
    /// `nodeSelector`.
    pub node_selector: Option<Map<String, Value>>,
    /// `tolerations`.
    pub tolerations: Option<Vec<Value>>,
    /// `topologySpreadConstraints`.
    pub topology_spread_constraints: Option<Vec<Value>>,
    /// `affinity`.
    pub affinity: Option<Map<String, Value>>,
    /// `securityContext` of the pod.
    pub security_context: Option<Map<String, Value>>,
    /// `imagePullSecrets`: names, or objects with one.
    pub image_pull_secrets: Option<Vec<Value>>,
    /// `priorityClassName`.
    pub priority_class: Option<String>,
    /// `schedulerName`.
    pub scheduler: Option<String>,
}

/// The Secret with the credentials of codex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSecret {
    /// Its name.
    pub name: String,
    /// Key in it; default `auth.json`.
    pub key: String,
    /// Directory of the file; default `/root/.codex`.
    pub mount_path: String,
}

impl AuthSecret {
    /// Returns where the file is.
    pub(super) fn path(&self) -> String {
        let directory = self
            .mount_path
            .strip_suffix('/')
            .unwrap_or(&self.mount_path);
        format!("{directory}/{}", self.key)
    }
}

/// Which labels a run must, may and may not have; `*` stands for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelPolicy {
    /// It must have these.
    pub required: Vec<String>,
    /// It may have these; none: all.
    pub allowed: Vec<String>,
    /// It may not have these.
    pub denied: Vec<String>,
}

/// Why a variable of the controller cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// It is not what it should be.
    #[error("the variable `{variable}` is not {expected}")]
    Wrong {
        /// Which.
        variable: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

macro_rules! variables {
    ($($constant:ident = $name:literal, $meaning:literal;)*) => {
        $(const $constant: &str = $name;)*

        /// The variables that say what a controller was told, in the controller's own names.
        pub const VARIABLES: &[Variable] = &[$(Variable {
            name: $name,
            meaning: $meaning,
            set_by: "person",
        },)*];
    };
}

variables! {
    IMAGE = "AGENTS_AGENT_RUNNER_IMAGE", "Image of a container of which neither run nor provider says one.";
    SERVICE_ACCOUNT = "AGENTS_AGENT_RUNNER_SERVICE_ACCOUNT", "Service account of a pod of which neither run nor provider says one; default `default`.";
    LOG_RETENTION = "AGENTS_AGENT_RUNNER_LOG_RETENTION_SECONDS", "Seconds for `artifacts.logRetentionSeconds`; default 604800.";
    BACKOFF_LIMIT = "AGENTS_AGENT_RUNNER_BACKOFF_LIMIT", "How often a Job tries again; default 0.";
    RESOURCES = "AGENTS_AGENT_RUNNER_RESOURCES", "JSON: compute resources, below those of provider and run.";
    NODE_SELECTOR = "AGENTS_AGENT_RUNNER_NODE_SELECTOR", "JSON: `nodeSelector` of pods.";
    TOLERATIONS = "AGENTS_AGENT_RUNNER_TOLERATIONS", "JSON: `tolerations` of pods.";
    TOPOLOGY_SPREAD = "AGENTS_AGENT_RUNNER_TOPOLOGY_SPREAD_CONSTRAINTS", "JSON: `topologySpreadConstraints` of pods.";
    AFFINITY = "AGENTS_AGENT_RUNNER_AFFINITY", "JSON: `affinity` of pods.";
    SECURITY_CONTEXT = "AGENTS_AGENT_RUNNER_POD_SECURITY_CONTEXT", "JSON: `securityContext` of pods.";
    PULL_SECRETS = "AGENTS_AGENT_RUNNER_IMAGE_PULL_SECRETS", "JSON: `imagePullSecrets` of pods, as names or objects.";
    PRIORITY_CLASS = "AGENTS_AGENT_RUNNER_PRIORITY_CLASS", "`priorityClassName` of pods.";
    SCHEDULER = "AGENTS_AGENT_RUNNER_SCHEDULER_NAME", "`schedulerName` of pods.";
    AUTH_SECRET = "AGENTS_CONTROLLER_AUTH_SECRET_NAME", "Secret with the credentials of codex.";
    AUTH_KEY = "AGENTS_CONTROLLER_AUTH_SECRET_KEY", "Key in it; default `auth.json`.";
    AUTH_MOUNT = "AGENTS_CONTROLLER_AUTH_SECRET_MOUNT_PATH", "Directory of the file; default `/root/.codex`.";
    LABELS_REQUIRED = "AGENTS_CONTROLLER_LABELS_REQUIRED", "Labels that a run must have; JSON or by commas, as the lists below.";
    LABELS_ALLOWED = "AGENTS_CONTROLLER_LABELS_ALLOWED", "Labels that a run may have; default all.";
    LABELS_DENIED = "AGENTS_CONTROLLER_LABELS_DENIED", "Labels that a run may not have.";
    IMAGES_ALLOWED = "AGENTS_CONTROLLER_IMAGES_ALLOWED", "Images that a run may have; default all.";
    IMAGES_DENIED = "AGENTS_CONTROLLER_IMAGES_DENIED", "Images that a run may not have.";
    BLOCKED_SECRETS = "AGENTS_CONTROLLER_BLOCKED_SECRETS", "Secrets that no run gets.";
    VCS_ENABLED = "AGENTS_CONTROLLER_VCS_PROVIDERS_ENABLED", "Whether runs get repositories; default `true`.";
    VCS_DEPRECATED = "AGENTS_CONTROLLER_VCS_DEPRECATED_TOKEN_TYPES", "JSON: by kind of git server, the types of tokens that are only taken with a warning; default `{\"github\":[\"pat\"]}`.";
    VCS_RATES = "AGENTS_CONTROLLER_VCS_PR_RATE_LIMITS", "JSON object for the agent's `VCS_PR_RATE_LIMITS`.";
}

impl Controller {
    /// Takes from the environment what a controller takes from its own, under the same names.
    ///
    /// # Errors
    ///
    /// Returns [`ControllerError::Wrong`] for a variable that is not what it should be; a
    /// controller would go on without it.
    pub fn told(environment: &Environment) -> Result<Self, ControllerError> {
        let told = Told(environment);
        let default = Self::default();
        Ok(Self {
            image: told.text(IMAGE),
            service_account: told.text(SERVICE_ACCOUNT),
            log_retention_seconds: told
                .number(LOG_RETENTION)?
                .unwrap_or(default.log_retention_seconds),
            backoff_limit: told.number(BACKOFF_LIMIT)?,
            resources: told.object(RESOURCES)?,
            scheduling: Scheduling {
                node_selector: told.object(NODE_SELECTOR)?,
                tolerations: told.list(TOLERATIONS)?,
                topology_spread_constraints: told.list(TOPOLOGY_SPREAD)?,
                affinity: told.object(AFFINITY)?,
                security_context: told.object(SECURITY_CONTEXT)?,
                image_pull_secrets: told.list(PULL_SECRETS)?,
                priority_class: told.text(PRIORITY_CLASS),
                scheduler: told.text(SCHEDULER),
            },
            auth_secret: told.text(AUTH_SECRET).map(|name| AuthSecret {
                name,
                key: told.text(AUTH_KEY).unwrap_or("auth.json".to_owned()),
                mount_path: told.text(AUTH_MOUNT).unwrap_or("/root/.codex".to_owned()),
            }),
            labels: LabelPolicy {
                required: told.names(LABELS_REQUIRED)?,
                allowed: told.names(LABELS_ALLOWED)?,
                denied: told.names(LABELS_DENIED)?,
            },
            images_allowed: told.names(IMAGES_ALLOWED)?,
            images_denied: told.names(IMAGES_DENIED)?,
            blocked_secrets: told.names(BLOCKED_SECRETS)?,
            repositories: told.flag(VCS_ENABLED)?.unwrap_or(default.repositories),
            deprecated_tokens: told.object(VCS_DEPRECATED)?.unwrap_or_default(),
            pull_request_rates: told.object(VCS_RATES)?.filter(|rates| !rates.is_empty()),
        })
    }
}

/// An environment, read as the controller reads its own: blank is not set.
struct Told<'e>(&'e Environment);

impl Told<'_> {
    fn said(&self, variable: &str) -> Option<&str> {
        let text = self.0.get(variable).map(trim);
        text.filter(|text| !text.is_empty())
    }

    fn text(&self, variable: &str) -> Option<String> {
        self.said(variable).map(str::to_owned)
    }

    fn number(&self, variable: &'static str) -> Result<Option<u64>, ControllerError> {
        self.read(variable, "a number", |text| text.parse().ok())
    }

    fn flag(&self, variable: &'static str) -> Result<Option<bool>, ControllerError> {
        self.read(variable, "`true` or `false`", |text| {
            match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "y" | "on" | "enabled" => Some(true),
                "0" | "false" | "no" | "n" | "off" | "disabled" => Some(false),
                _ => None,
            }
        })
    }

    fn object(
        &self,
        variable: &'static str,
    ) -> Result<Option<Map<String, Value>>, ControllerError> {
        self.read(variable, "a JSON object", |text| {
            serde_json::from_str(text).ok()
        })
    }

    fn list(&self, variable: &'static str) -> Result<Option<Vec<Value>>, ControllerError> {
        self.read(variable, "a JSON list", |text| {
            serde_json::from_str(text).ok()
        })
    }

    /// A JSON list of texts, or texts between commas.
    fn names(&self, variable: &'static str) -> Result<Vec<String>, ControllerError> {
        let names = self.read(variable, "a list of names", |text| {
            if text.starts_with('[') {
                return serde_json::from_str(text).ok();
            }
            Some(text.split(',').map(str::to_owned).collect::<Vec<_>>())
        })?;
        let names = names.unwrap_or_default();
        let names = names.iter().map(|name| trim(name).to_owned());
        Ok(names.filter(|name| !name.is_empty()).collect())
    }

    fn read<T>(
        &self,
        variable: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ControllerError> {
        let Some(text) = self.said(variable) else {
            return Ok(None);
        };
        match read(text) {
            Some(value) => Ok(Some(value)),
            None => Err(ControllerError::Wrong { variable, expected }),
        }
    }
}
