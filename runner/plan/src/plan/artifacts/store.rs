//! Which object store artifacts go to, and as whom (contract §6.2).

use std::path::{Path, PathBuf};

use super::credentials::{self, CredentialsPlan, Keys};
use super::endpoint::Endpoint;
use crate::env::Environment;
use crate::plan::lookup::Lookup;
use crate::plan::shown;
use crate::settings::{Addressing, ArtifactSettings, EncryptionMode};

/// The variables of a setting; the first that is not blank counts.
const ENDPOINT: [&str; 4] = [
    "AGENTS_ARTIFACTS_ENDPOINT",
    "MINIO_ENDPOINT",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
];
const BUCKET: [&str; 3] = ["AGENTS_ARTIFACTS_BUCKET", "MINIO_BUCKET", "ARTIFACT_BUCKET"];
const REGION: [&str; 3] = ["AGENTS_ARTIFACTS_REGION", "MINIO_REGION", "AWS_REGION"];
const SECURE: [&str; 2] = ["AGENTS_ARTIFACTS_SECURE", "MINIO_SECURE"];
const CA_FILE: [&str; 2] = ["AGENTS_ARTIFACTS_CA_FILE", "AWS_CA_BUNDLE"];

/// What requests are signed for where nobody names a region.
const DEFAULT_REGION: &str = "us-east-1";

/// Where artifacts go.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a plan, and most plans have the large one"
)]
pub enum StorePlan {
    /// Over the network.
    S3(S3Plan),
    /// Into a directory of this machine, absolute.
    Directory(PathBuf),
}

/// A store that speaks S3.
#[derive(Debug, Clone)]
pub struct S3Plan {
    /// Scheme and all, without a final `/`; `None`: AWS's own.
    pub endpoint: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket stands in the path of a URL, not in its host.
    pub path_style: bool,
    /// As whom.
    pub credentials: CredentialsPlan,
    /// How the store encrypts.
    pub encryption: Encryption,
    /// The class of what is stored.
    pub storage_class: Option<String>,
    /// PEM file of authorities that count besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Replaces the system's authorities: `SSL_CERT_FILE`.
    pub ca_bundle: Option<PathBuf>,
}

/// How the store encrypts what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// As it does by itself.
    None,
    /// With keys of its own (SSE-S3).
    S3,
    /// With a key of its key service (SSE-KMS); `None`: the account's own.
    Kms(Option<String>),
}

/// Why nothing can be stored. Nothing in it is a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nobody names one.
    #[error("no object store is configured")]
    None,
    /// Of the four things that a store with keys needs, some are there and some are not.
    #[error(
        "the object store needs `AGENTS_ARTIFACTS_ENDPOINT`, `AGENTS_ARTIFACTS_ACCESS_KEY_ID`, \
         `AGENTS_ARTIFACTS_SECRET_ACCESS_KEY` and `AGENTS_ARTIFACTS_BUCKET`, and {} missing{}",
        are(missing),
        of_aws(missing)
    )]
    Partial {
        /// The variables that have no value, and nothing in their place has.
        missing: Vec<&'static str>,
    },
    /// There are credentials that need no keys, and no bucket.
    #[error(
        "the object store has no bucket: set `AGENTS_ARTIFACTS_BUCKET`, or `runner.artifacts.bucket`"
    )]
    NoBucket,
    /// There are credentials that are AWS's alone, or none can be told, and no endpoint.
    #[error(
        "`runner.artifacts.credentials` is `{mode}`, and {} missing",
        are(missing)
    )]
    NoCredentials {
        /// The setting's word.
        mode: &'static str,
        /// The variables that it needs.
        missing: Vec<&'static str>,
    },
    /// The endpoint is no URL of a store.
    #[error("the object store's endpoint is `{endpoint}`, {problem}")]
    Endpoint {
        /// What it says, without credentials.
        endpoint: String,
        /// What is wrong with it, and what to do about it.
        problem: &'static str,
    },
    /// A text that becomes a part of a URL or a header cannot be one.
    #[error("the object store's {what} is `{text}`, {problem}")]
    BadText {
        /// What it should be.
        what: &'static str,
        /// What it is.
        text: String,
        /// Why it cannot be that.
        problem: &'static str,
    },
}

/// Says of some variables that they are, in words.
fn are(missing: &[&'static str]) -> String {
    let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
    let names = match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, names)) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    };
    let verb = if missing.len() == 1 { "is" } else { "are" };
    format!("{names} {verb}")
}

/// Says what may stand in an endpoint's place.
fn of_aws(missing: &[&'static str]) -> &'static str {
    if missing.contains(&ENDPOINT[0]) {
        "; for AWS's own endpoint write `aws`"
    } else {
        ""
    }
}

/// Returns where artifacts go.
///
/// What `lookup` finds may come from the provider; what only AWS's own software reads is in
/// `environment`.
///
/// # Errors
///
/// Returns [`StoreError`], which only counts if there is something to store.
pub(super) fn plan(
    settings: &ArtifactSettings,
    lookup: &Lookup<'_>,
    environment: &Environment,
    working_dir: &Path,
) -> Result<StorePlan, StoreError> {
    let bucket = told(settings.bucket.as_ref()).or_else(|| lookup.first(&BUCKET));
    let bucket = bucket.map(checked_bucket).transpose()?;
    let endpoint = told(settings.endpoint.as_ref()).or_else(|| lookup.first(&ENDPOINT));
    let endpoint = endpoint.map(|text| Endpoint::of(&text, is_secure(lookup)));
    let endpoint = match endpoint.transpose()? {
        Some(Endpoint::Directory(directory)) => {
            let below = bucket.map(|bucket| directory.join(bucket));
            return Ok(StorePlan::Directory(below.unwrap_or(directory)));
        }
        endpoint => endpoint,
    };
    let keys = Keys::of(lookup);
    if bucket.is_none() && endpoint.is_none() && keys.are_absent() {
        return Err(StoreError::None);
    }
    let mode = settings.credentials.unwrap_or_default();
    let (bucket, credentials) =
        match credentials::ambient(mode, &keys, lookup, environment, working_dir)? {
            Some(credentials) => (bucket.ok_or(StoreError::NoBucket)?, credentials),
            None => whole(bucket, endpoint.is_some(), keys, lookup)?,
        };
    let endpoint = match endpoint {
        Some(Endpoint::Url(url)) => Some(url),
        _ => None,
    };
    let file = |path: String| working_dir.join(path);
    Ok(StorePlan::S3(S3Plan {
        bucket,
        region: header(
            "region",
            told(settings.region.as_ref()).or_else(|| lookup.first(&REGION)),
        )?
        .unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        path_style: match settings.addressing {
            Some(addressing) => addressing == Addressing::Path,
            None => endpoint.is_some(),
        },
        endpoint,
        credentials,
        encryption: match settings.encryption.unwrap_or_default() {
            EncryptionMode::None => Encryption::None,
            EncryptionMode::S3 => Encryption::S3,
            EncryptionMode::Kms => {
                Encryption::Kms(header("KMS key", told(settings.kms_key.as_ref()))?)
            }
        },
        storage_class: header("storage class", told(settings.storage_class.as_ref()))?,
        ca_file: lookup.first(&CA_FILE).map(file),
        ca_bundle: lookup.first(&["SSL_CERT_FILE"]).map(file),
    }))
}

/// Takes the four things that the contract knows, all of them or none.
fn whole(
    bucket: Option<String>,
    has_endpoint: bool,
    keys: Keys,
    lookup: &Lookup<'_>,
) -> Result<(String, CredentialsPlan), StoreError> {
    let has_bucket = bucket.is_some();
    let there = [
        (ENDPOINT[0], has_endpoint),
        (credentials::ACCESS_KEY[0], keys.access_key.is_some()),
        (credentials::SECRET_KEY[0], keys.secret_key.is_some()),
        (BUCKET[0], has_bucket),
    ];
    let missing = there.iter().filter(|(_, is_there)| !is_there);
    let missing: Vec<_> = missing.map(|(name, _)| *name).collect();
    match (bucket, keys.into_plan(lookup)) {
        (Some(bucket), Some(credentials)) if has_endpoint => Ok((bucket, credentials)),
        _ => Err(StoreError::Partial { missing }),
    }
}

/// The text of a setting, trimmed, if it is not blank.
fn told(text: Option<&String>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether an endpoint without a scheme is spoken to over TLS.
fn is_secure(lookup: &Lookup<'_>) -> bool {
    let word = lookup.first(&SECURE).unwrap_or_default();
    ["1", "true", "yes"].contains(&word.to_ascii_lowercase().as_str())
}

/// Takes a bucket's name as hostile: it becomes a part of a URL, or of a path.
fn checked_bucket(bucket: String) -> Result<String, StoreError> {
    let is_odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, '/' | '\\' | '?' | '#')
    };
    if matches!(bucket.as_str(), "." | "..") || bucket.contains(is_odd) {
        return Err(StoreError::BadText {
            what: "bucket",
            text: shown(&bucket),
            problem: "which is no name: a part of a bucket belongs into keys or `runner.artifacts.prefix`",
        });
    }
    Ok(bucket)
}

/// Takes a text that becomes a part of a header.
fn header(what: &'static str, text: Option<String>) -> Result<Option<String>, StoreError> {
    let is_plain = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
    match text {
        Some(text) if !is_plain(&text) => Err(StoreError::BadText {
            what,
            text: shown(&text),
            problem: "which has more in it than letters, digits and signs",
        }),
        text => Ok(text),
    }
}
