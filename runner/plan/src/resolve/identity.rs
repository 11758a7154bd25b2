//! A token of the pod's service account for somebody else than the cluster (contract §3.4).

use serde_json::{Value, json};

use crate::manifest::Found;
use crate::resource::AgentProvider;

use super::field::Field;
use super::names;
use super::refusal::{Reason, Refusal};
use super::said;
use super::volumes::{Mounted, Volumes};

/// The most characters of an audience.
const AUDIENCE: usize = 253;

/// Mounts the token that the provider wants: the path of its file, if it wants one.
pub(super) fn mount<'m>(
    provider: Found<'m, AgentProvider>,
    volumes: &mut Volumes<'m>,
) -> Result<Option<String>, Refusal> {
    let workload = provider.object.spec.workload.as_ref();
    let Some(token) = workload.and_then(|it| it.service_account_token.as_ref()) else {
        return Ok(None);
    };
    let field = Field::of(provider.manifest, "spec.workload.serviceAccountToken");
    let wrong = |key: &str, message: &str| {
        let refusal = field.key(key).refused(Reason::SubmitFailed, message);
        Err(refusal.hint("change it, or do without `serviceAccountToken`"))
    };
    let audience = said(token.audience.as_deref()).unwrap_or_default();
    if audience.is_empty() || audience.encode_utf16().count() > AUDIENCE {
        return wrong("audience", "it is blank, or has more than 253 characters");
    }
    let seconds = token.expiration_seconds.unwrap_or_default();
    if !(600..=3600).contains(&seconds) {
        return wrong("expirationSeconds", "it is not from 600 to 3600");
    }
    let path = said(token.mount_path.as_deref()).unwrap_or_default();
    let path = path.trim_end_matches('/');
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return wrong("mountPath", "it is no absolute path below `/`");
    }
    if volumes.is_taken(path) {
        return wrong("mountPath", "something else is mounted there");
    }
    let name = names::name(provider.manifest.name(), "mcp-identity");
    let source = source(audience, seconds);
    volumes.add(
        Mounted::read_only(name, source, path),
        Some(&field.key("mountPath")),
    )?;
    Ok(Some(format!("{path}/token")))
}

fn source(audience: &str, seconds: i64) -> Value {
    json!({
        "projected": {
            // 0644.
            "defaultMode": 420,
            "sources": [{
                "serviceAccountToken": {
                    "audience": audience,
                    "expirationSeconds": seconds,
                    "path": "token",
                },
            }],
        },
    })
}
