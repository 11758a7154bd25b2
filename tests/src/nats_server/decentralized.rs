//! An operator, an account and users, as tokens that each signs for the next.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

use super::Permissions;

/// What the server trusts, and what two users of one account show it.
#[derive(Debug)]
pub(super) struct Decentralized {
    /// Lines of the configuration.
    pub(super) config: String,
    /// The credentials file of the user with the permissions.
    pub(super) creds: PathBuf,
    /// The content of one for the test's own questions.
    pub(super) admin_creds: String,
}

impl Decentralized {
    /// Makes keys and tokens, and `user.creds` in a directory.
    pub(super) fn new(dir: &Path, permissions: &Permissions) -> Self {
        let operator = KeyPair::new_operator();
        let (system, account) = (KeyPair::new_account(), KeyPair::new_account());
        let operator_token = token(
            &operator,
            &operator,
            "operator",
            json!({ "system_account": system.public_key() }),
        );
        // The system account may have no JetStream, and the other has none unless told.
        let mut preload =
            json!({ system.public_key(): account_token(&operator, &system, &json!({})) });
        let jetstream =
            json!({ "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1 });
        preload[account.public_key()] = account_token(&operator, &account, &jetstream).into();
        let config = format!(
            "operator: \"{operator_token}\"\nsystem_account: \"{}\"\nresolver: MEMORY\n\
             resolver_preload: {preload}\n",
            system.public_key()
        );
        let creds = dir.join("user.creds");
        std::fs::write(&creds, user(&account, permissions))
            .expect("a temporary directory is writable");
        Self {
            config,
            creds,
            admin_creds: user(&account, &Permissions::all()),
        }
    }
}

fn account_token(operator: &KeyPair, account: &KeyPair, jetstream: &Value) -> String {
    let mut limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1,
    });
    for (name, value) in jetstream.as_object().into_iter().flatten() {
        limits[name] = value.clone();
    }
    token(operator, account, "account", json!({ "limits": limits }))
}

/// Returns the content of a credentials file for a new user of an account.
fn user(account: &KeyPair, permissions: &Permissions) -> String {
    let key = KeyPair::new_user();
    let mut claims = json!({ "subs": -1, "data": -1, "payload": -1 });
    if let Some((publish, subscribe)) = &permissions.subjects {
        claims["pub"] = json!({ "allow": publish });
        claims["sub"] = json!({ "allow": subscribe });
    }
    let token = token(account, &key, "user", claims);
    let seed = key.seed().expect("a new key has its seed");
    format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
}

/// Returns a JWT about a key, by another.
fn token(issuer: &KeyPair, subject: &KeyPair, kind: &str, mut claims: Value) -> String {
    claims["type"] = kind.into();
    claims["version"] = 2.into();
    let body = json!({
        // It says that it was made before anybody can look at it.
        "iat": 1_700_000_000,
        "iss": issuer.public_key(),
        "jti": subject.public_key(),
        "name": kind,
        "nats": claims,
        "sub": subject.public_key(),
    });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let head = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let signed = format!("{}.{}", encode(&head), encode(&body));
    let signature = issuer
        .sign(signed.as_bytes())
        .expect("a new key has its seed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
