//! Who is let in: access keys, the secrets that sign for them, and the tokens that some need.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

/// Keys that a client signs with.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Keys {
    /// The name of the secret.
    pub access_key: String,
    /// The secret.
    pub secret_key: String,
    /// What must be sent beside a signature by temporary keys.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("S3Keys").field(&self.access_key).finish()
    }
}

/// The keys of a server; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keyring(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    keys: BTreeMap<String, Known>,
    issued: u32,
}

#[derive(Debug)]
struct Known {
    keys: S3Keys,
    expired: bool,
}

impl Keyring {
    /// Lets keys in.
    pub(super) fn add(&self, keys: S3Keys) {
        let known = Known {
            keys,
            expired: false,
        };
        self.state()
            .keys
            .insert(known.keys.access_key.clone(), known);
    }

    /// Makes temporary keys, and lets them in.
    pub(crate) fn issue(&self) -> S3Keys {
        let number = {
            let mut state = self.state();
            state.issued += 1;
            state.issued
        };
        let keys = S3Keys {
            access_key: format!("ASIATEMPORARY{number:07}"),
            secret_key: format!("temporary/secret+{number:023}"),
            session_token: Some(format!("session//token+{number:032}==")),
        };
        self.add(keys.clone());
        keys
    }

    /// Expires all temporary keys so far.
    pub(super) fn expire_issued(&self) {
        for known in self.state().keys.values_mut() {
            known.expired |= known.keys.session_token.is_some();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl S3Auth for Keyring {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let state = self.state();
        let Some(known) = state.keys.get(access_key) else {
            return Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            ));
        };
        Ok(SecretKey::from(known.keys.secret_key.as_str()))
    }
}

#[async_trait::async_trait]
impl S3Access for Keyring {
    /// Looks at what `s3s` does not, after it has looked at the signature: the token, and that
    /// whatever S3 wants signed is signed.
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = cx.credentials() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        let header = |name: &str| cx.headers().get(name).and_then(|value| value.to_str().ok());
        let signed = header("authorization").and_then(signed_headers);
        for name in cx.headers().keys().map(http_name) {
            let must = name == "host" || name.starts_with("x-amz-");
            if must
                && signed
                    .as_ref()
                    .is_some_and(|signed| !signed.contains(&name))
            {
                return Err(s3_error!(
                    AccessDenied,
                    "There were headers present in the request which were not signed: {name}"
                ));
            }
        }
        let state = self.state();
        let Some(known) = state.keys.get(&credentials.access_key) else {
            return Err(s3_error!(InvalidAccessKeyId));
        };
        let given = header("x-amz-security-token");
        if given != known.keys.session_token.as_deref() {
            return Err(if known.keys.session_token.is_some() && given.is_none() {
                // Without their token S3 does not know temporary keys at all.
                s3_error!(InvalidAccessKeyId)
            } else {
                s3_error!(
                    InvalidToken,
                    "The provided token is malformed or otherwise invalid."
                )
            });
        }
        if known.expired {
            return Err(s3_error!(ExpiredToken, "The provided token has expired."));
        }
        Ok(())
    }
}

fn http_name(name: &hyper::header::HeaderName) -> &str {
    name.as_str()
}

/// The names in `SignedHeaders`; `None` if the request is signed in its query.
fn signed_headers(authorization: &str) -> Option<Vec<&str>> {
    let (_, rest) = authorization.split_once("SignedHeaders=")?;
    let names = rest.split(',').next()?;
    Some(names.trim().split(';').collect())
}
