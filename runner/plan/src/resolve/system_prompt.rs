//! The system prompt, which only an Agent has (contract §3.5).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::manifest::{Found, shown};
use crate::resource::{Agent, ConfigMap, Kind, PromptKind, PromptRef};

use super::ask::Ask;
use super::field::Field;
use super::names::hexadecimal;
use super::refusal::{Reason, Refusal};
use super::said;
use super::secrets::SecretPolicy;
use super::task::absent;

/// The most UTF-16 units of one that is in the Agent itself, which is how JavaScript counts.
const INLINE: usize = 16_384;

/// The system prompt.
#[derive(Debug, Clone)]
pub(super) struct SystemPrompt {
    /// The text, if it is in the Agent itself.
    pub(super) inline: Option<String>,
    /// Where else it is.
    pub(super) reference: Option<PromptRef>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(super) hash: String,
}

impl SystemPrompt {
    /// Finds it: a reference wins.
    pub(super) fn of(
        ask: &Ask<'_>,
        agent: Found<'_, Agent>,
        policy: &SecretPolicy<'_>,
    ) -> Result<Self, Refusal> {
        let own = [
            ("spec.systemPrompt", ask.spec().system_prompt.is_some()),
            (
                "spec.systemPromptRef",
                ask.spec().system_prompt_ref.is_some(),
            ),
        ];
        if let Some((path, _)) = own.iter().find(|(_, there)| *there) {
            return Err(ask
                .field(path)
                .refused(
                    Reason::SystemPromptOverrideNotAllowed,
                    "a run has no system prompt of its own",
                )
                .hint("write it to `spec.defaults` of the Agent"));
        }
        let defaults = agent.object.spec.defaults.as_ref();
        let field = Field::of(agent.manifest, "spec.defaults");
        if let Some(reference) = defaults.and_then(|it| it.system_prompt_ref.as_ref()) {
            return Self::referred(ask, reference, &field.key("systemPromptRef"), policy);
        }
        let inline = defaults.and_then(|it| it.system_prompt.as_deref());
        match inline.filter(|text| said(Some(text)).is_some()) {
            Some(text) => Self::inline(text, &field.key("systemPrompt")),
            None => Err(field
                .refused(
                    Reason::MissingSystemPromptConfiguration,
                    "the Agent has no system prompt",
                )
                .hint("write `systemPrompt` or `systemPromptRef`")),
        }
    }

    fn inline(text: &str, field: &Field<'_>) -> Result<Self, Refusal> {
        let units = text.encode_utf16().count();
        if units > INLINE {
            let message = format!("it has {units} units of UTF-16, at most {INLINE}");
            return Err(field
                .refused(Reason::SystemPromptTooLong, message)
                .hint("write it to a ConfigMap, and `systemPromptRef`"));
        }
        Ok(Self {
            inline: Some(text.to_owned()),
            reference: None,
            hash: hash(text.as_bytes()),
        })
    }

    fn referred(
        ask: &Ask<'_>,
        reference: &PromptRef,
        field: &Field<'_>,
        policy: &SecretPolicy<'_>,
    ) -> Result<Self, Refusal> {
        let told = |key: &str, text: &str| match said(Some(text)) {
            Some(text) => Ok(text.to_owned()),
            None => Err(field
                .key(key)
                .refused(Reason::InvalidSystemPromptRef, "it is blank")),
        };
        let (name, key) = (told("name", &reference.name)?, told("key", &reference.key)?);
        let (namespace, manifests) = (ask.namespace(), ask.manifests);
        let (kind, bytes) = match reference.kind {
            PromptKind::Secret => {
                policy.own(&name, &field.key("name"))?;
                policy.allow(&name, &field.key("name"))?;
                let value = ask.secret(&name, &key);
                let value = value.map(|bytes| bytes.expose().clone());
                let is_there = value.is_some() || ask.has_secret(&name);
                (Kind::Secret, is_there.then_some(value))
            }
            PromptKind::ConfigMap => {
                let found = manifests.get::<ConfigMap>(namespace, &name);
                // A controller reads texts only.
                let text = |map: &ConfigMap| map.data.as_ref()?.get(&key).map(str::to_owned);
                let bytes = found.map(|found| text(found.object).map(String::into_bytes));
                (Kind::ConfigMap, bytes)
            }
        };
        let Some(bytes) = bytes else {
            return Err(field
                .key("name")
                .refused(
                    Reason::MissingSystemPromptRef,
                    absent(kind, &name, namespace),
                )
                .meant(manifests.nearest(kind, namespace, &name)));
        };
        let blank = |bytes: &Vec<u8>| said(Some(&String::from_utf8_lossy(bytes))).is_none();
        let Some(bytes) = bytes.filter(|bytes| !blank(bytes)) else {
            let message = format!(
                "there is nothing under `{}` of {kind} `{}`",
                shown(&key),
                shown(&name)
            );
            return Err(field
                .key("key")
                .refused(Reason::MissingSystemPromptRef, message));
        };
        Ok(Self {
            inline: None,
            // A controller decodes what it hashes as text.
            hash: hash(String::from_utf8_lossy(&bytes).as_bytes()),
            reference: Some(PromptRef {
                kind: reference.kind,
                name,
                key,
            }),
        })
    }

    /// The volume with the one that is not in the Agent itself.
    pub(super) fn volume(reference: &PromptRef) -> Value {
        let items = json!([{ "key": reference.key, "path": "system-prompt.txt" }]);
        match reference.kind {
            PromptKind::Secret => json!({
                "secret": { "secretName": reference.name, "items": items },
            }),
            PromptKind::ConfigMap => json!({
                "configMap": { "name": reference.name, "items": items },
            }),
        }
    }
}

fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}
