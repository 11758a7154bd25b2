//! Names and labels of what a controller makes (contract §3.1).

use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use crate::resource::API_VERSION;

use super::ask::Ask;
use super::said;

/// The longest name, and the longest value of a label, that Kubernetes takes.
pub(super) const LONGEST: usize = 63;

/// The name of something that belongs to `base`; one that is too long ends in a hash of itself.
pub(super) fn name(base: &str, suffix: &str) -> String {
    let name = format!("{}-{suffix}", dashed(base, |_| false));
    let name = name.trim_matches('-');
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let hash = hexadecimal(&Sha1::digest(name)[..4]);
    format!("{}-{hash}", &name[..LONGEST - hash.len() - 1])
}

/// The name of a volume for credentials of a repository; one that is too long is cut.
pub(super) fn cut_name(base: &str, suffix: &str) -> String {
    let name = dashed(&format!("{base}-{suffix}"), |_| false);
    let name = name.trim_matches('-');
    name[..name.len().min(LONGEST)].to_owned()
}

/// The value of a label that says what something is called.
pub(super) fn label(value: &str) -> String {
    let value = dashed(value, |letter| "_.".contains(letter));
    let value = value.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    match &value[..value.len().min(LONGEST)] {
        "" => "unknown".to_owned(),
        value => value.to_owned(),
    }
}

/// Lower case, with a dash for every run of letters that may not be there.
fn dashed(text: &str, also: impl Fn(char) -> bool) -> String {
    let mut dashed = String::new();
    let mut in_run = false;
    for letter in text.chars().flat_map(char::to_lowercase) {
        let fits = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let fits = fits || letter == '-' || also(letter);
        if fits {
            dashed.push(letter);
        } else if !in_run {
            dashed.push('-');
        }
        in_run = !fits;
    }
    dashed
}

/// Bytes as people write them.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// What the cluster calls the run; without a cluster, something of that form that is always the
/// same for the same run.
pub(super) fn uid(ask: &Ask<'_>) -> String {
    if let Some(uid) = said(ask.run.object.metadata.uid.as_deref()) {
        return uid.to_owned();
    }
    let run = format!("{API_VERSION}/AgentRun/{}/{}", ask.namespace(), ask.name());
    let mut bytes: [u8; 16] = Sha1::digest(run)[..16]
        .try_into()
        .expect("a SHA-1 has 20 bytes");
    // Version 5: made of a name with SHA-1.
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hexadecimal(&bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &text[part]);
    parts.join("-")
}

/// The labels of all that belongs to the run.
pub(super) fn labels(ask: &Ask<'_>, agent: &str, provider: &str) -> Map<String, Value> {
    let mut labels = Map::new();
    let mut set = |what: &str, value: String| {
        labels.insert(format!("agents.proompteng.ai/{what}"), value.into());
    };
    set("agent-run", ask.name().to_owned());
    set("agent", label(agent));
    set("provider", label(provider));
    let implementation = ask.spec().implementation_spec_ref.as_ref();
    if let Some(name) = implementation.and_then(|it| said(Some(&it.name))) {
        set("implementation", label(name));
    }
    labels
}

/// The metadata of all that belongs to the run.
pub(super) fn metadata(ask: &Ask<'_>, name: &str, labels: &Map<String, Value>, uid: &str) -> Value {
    json!({
        "name": name,
        "namespace": ask.namespace(),
        "labels": labels,
        "ownerReferences": [{
            "apiVersion": API_VERSION,
            "kind": "AgentRun",
            "name": ask.name(),
            "uid": uid,
        }],
    })
}
