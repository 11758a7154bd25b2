//! As whom objects are stored.

use std::path::{Path, PathBuf};

use super::StoreError;
use crate::env::Environment;
use crate::plan::lookup::Lookup;
use crate::secret::Secret;
use crate::settings::CredentialsMode;

/// The variables of a key; the first that is not blank counts.
pub(super) const ACCESS_KEY: [&str; 4] = [
    "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
    "MINIO_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "accesskey",
];
pub(super) const SECRET_KEY: [&str; 4] = [
    "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
    "MINIO_SECRET_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "secretkey",
];

/// What a web identity needs.
const ROLE: &str = "AWS_ROLE_ARN";
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// Where a container's credentials are; one of them is enough.
const CONTAINER: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/// What a session is called in AWS's records.
const SESSION: &str = "agent-runner";

/// As whom objects are stored.
#[derive(Debug, Clone)]
pub enum CredentialsPlan {
    /// With keys.
    Static {
        /// The public half; it stands in every request.
        access_key: String,
        /// The other half.
        secret_key: Secret<String>,
        /// What makes keys count that are only for a while.
        session_token: Option<Secret<String>>,
    },
    /// In a role, with a token of the cluster, whose file is read again when it is renewed.
    WebIdentity {
        /// The role's ARN.
        role: String,
        /// The file with the token.
        token_file: PathBuf,
        /// What the session is called.
        session: String,
    },
    /// With what the container's agent gives, as `AWS_CONTAINER_…` of our environment say.
    Container,
    /// With a profile of AWS's own files; `None`: the default one.
    Profile(Option<String>),
    /// With what the machine's metadata service gives; only when asked.
    Instance,
}

impl CredentialsPlan {
    /// Returns the word of the setting for their kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Static { .. } => "static",
            Self::WebIdentity { .. } => "web-identity",
            Self::Container => "container",
            Self::Profile(_) => "profile",
            Self::Instance => "instance",
        }
    }
}

/// The two halves of a key, as far as they are there.
pub(super) struct Keys {
    pub(super) access_key: Option<String>,
    pub(super) secret_key: Option<String>,
}

impl Keys {
    pub(super) fn of(lookup: &Lookup<'_>) -> Self {
        Self {
            access_key: lookup.first(&ACCESS_KEY),
            secret_key: lookup.first(&SECRET_KEY),
        }
    }

    pub(super) fn are_absent(&self) -> bool {
        self.access_key.is_none() && self.secret_key.is_none()
    }

    pub(super) fn into_plan(self, lookup: &Lookup<'_>) -> Option<CredentialsPlan> {
        let (access_key, secret_key) = (self.access_key?, self.secret_key?);
        // A token belongs to one key: that of somebody else's would make ours invalid.
        let of_aws = lookup.first(&["AWS_ACCESS_KEY_ID"]) == Some(access_key.clone());
        let token = lookup.first(&["AGENTS_ARTIFACTS_SESSION_TOKEN"]);
        let token = token.or_else(|| lookup.first(&["AWS_SESSION_TOKEN"]).filter(|_| of_aws));
        Some(CredentialsPlan::Static {
            access_key,
            secret_key: Secret::new(secret_key),
            session_token: token.map(Secret::new),
        })
    }
}

/// Returns credentials that are no keys, if they are asked for or are all that there is.
///
/// # Errors
///
/// Returns [`StoreError::NoCredentials`] if they are asked for and not there.
pub(super) fn ambient(
    mode: CredentialsMode,
    keys: &Keys,
    lookup: &Lookup<'_>,
    environment: &Environment,
    working_dir: &Path,
) -> Result<Option<CredentialsPlan>, StoreError> {
    let missing = |mode, missing| Err(StoreError::NoCredentials { mode, missing });
    let web_identity = || web_identity(lookup, working_dir);
    // The SDK asks for them itself, and knows nothing of what a template rendered.
    let of_environment = Lookup::of(environment);
    let container = || {
        of_environment
            .first(&CONTAINER)
            .map(|_| CredentialsPlan::Container)
    };
    let profile = lookup.first(&["AWS_PROFILE"]);
    match mode {
        CredentialsMode::Static => Ok(None),
        CredentialsMode::Auto if !keys.are_absent() => Ok(None),
        CredentialsMode::Auto => {
            let profile = || profile.map(|name| CredentialsPlan::Profile(Some(name)));
            Ok(web_identity().ok().or_else(container).or_else(profile))
        }
        CredentialsMode::WebIdentity => match web_identity() {
            Ok(credentials) => Ok(Some(credentials)),
            Err(absent) => missing("web-identity", absent),
        },
        CredentialsMode::Container => match container() {
            Some(credentials) => Ok(Some(credentials)),
            None => missing("container", vec![CONTAINER[0]]),
        },
        CredentialsMode::Profile => Ok(Some(CredentialsPlan::Profile(profile))),
        CredentialsMode::Instance => Ok(Some(CredentialsPlan::Instance)),
    }
}

/// Returns a web identity, or what it lacks.
fn web_identity(
    lookup: &Lookup<'_>,
    working_dir: &Path,
) -> Result<CredentialsPlan, Vec<&'static str>> {
    match (lookup.first(&[ROLE]), lookup.first(&[TOKEN_FILE])) {
        (Some(role), Some(file)) => Ok(CredentialsPlan::WebIdentity {
            role,
            token_file: working_dir.join(file),
            session: (lookup.first(&["AWS_ROLE_SESSION_NAME"]))
                .unwrap_or_else(|| SESSION.to_owned()),
        }),
        (None, None) => Err(vec![ROLE, TOKEN_FILE]),
        (None, Some(_)) => Err(vec![ROLE]),
        (Some(_), None) => Err(vec![TOKEN_FILE]),
    }
}
