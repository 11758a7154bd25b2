//! Which bytes are secret: what names, files and URLs say about values.

use serde_json::Value;

use super::{Found, SHORTEST};
use name::Kind;

mod name;
mod url;

/// Variables that programs agree to read a file from. Some also take the JSON itself.
const FILES: [&str; 3] = [
    "CODEX_AUTH",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// Variables of NATS that hold a credential or say which file does, and how one begins that holds it
/// itself.
const OF_NATS: [(&str, &str); 3] = [
    ("NATS_CREDS", "-----BEGIN"),
    ("NATS_KEY", "-----BEGIN"),
    ("NATS_NKEY", "SU"),
];

/// Bytes of a file that are searched for its parts. A credential is smaller; a file that is not is
/// no credential, and every line of it would be a pattern.
const LONGEST_FILE: usize = 64 * 1024;

/// Bytes that make a line of a multi-line secret a secret of its own: shorter ones are `}`, `---`,
/// the last line of a key.
const SHORTEST_LINE: usize = 16;

/// Finds the secrets of an environment.
///
/// A variable holds one if its name says so or one of `extra_names` (globs with `*`) fits, and
/// any variable may hold URLs with passwords. Values that are too short, numbers and paths where
/// the name promises a token, are none. What is structured, a key or JSON, is taken apart as by
/// [`in_file`].
pub fn in_environment<'a>(
    vars: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    extra_names: &[String],
) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, value) in vars {
        let is_secret = Kind::of(name).is_some_and(|kind| kind.fits(value))
            || (FILES.contains(&name) && value.trim_ascii_start().starts_with(b"{"))
            || extra_names.iter().any(|glob| name::matches(glob, name));
        if name == "NATS_URL" {
            url::logins(name, value, &mut found);
        } else if is_headers(name) {
            headers(name, value, &mut found);
        } else if is_secret {
            found.append(&mut in_file(name, value));
        } else if is_proxy(name) && !value.windows(3).any(|window| window == b"://") {
            // `user:password@host:port` is a proxy, too.
            url::passwords(name, &[b"://", value].concat(), &mut found);
        } else {
            url::passwords(name, value, &mut found);
        }
    }
    found
}

fn is_headers(name: &str) -> bool {
    name.starts_with("OTEL_EXPORTER_OTLP_") && name.ends_with("HEADERS")
}

/// Finds the values of `name=value,name=value`, which may be percent-encoded.
fn headers(name: &str, text: &[u8], found: &mut Vec<Found>) {
    for pair in text.split(|byte| *byte == b',') {
        let Some(at) = pair.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let value = pair[at + 1..].trim_ascii();
        found.append(&mut in_file(name, value));
        let decoded = percent_encoding::percent_decode(value).collect::<Vec<u8>>();
        if decoded != value {
            found.append(&mut in_file(name, &decoded));
        }
    }
}

fn is_proxy(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("_proxy")
}

/// Finds the secrets in the content of a file that is one.
///
/// They are: the whole content without the white space around it; what stands after the scheme of
/// an HTTP header (`Bearer …`); the passwords of URLs; of JSON, the strings under keys that look
/// like a secret; of other text of several lines, each line of 16 bytes or more (not the BEGIN and
/// END lines of keys, not comments) and the values of `key=value` and `key: value` lines whose key
/// looks like a secret.
pub fn in_file(name: &str, content: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let content = content.trim_ascii();
    add(name, content, &mut found);
    let content = &content[..content.len().min(LONGEST_FILE)];
    url::passwords(name, content, &mut found);
    for scheme in [b"Bearer ".as_slice(), b"Basic ", b"token "] {
        if let Some((start, credentials)) = content.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            add(name, credentials, &mut found);
        }
    }
    match serde_json::from_slice(content) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => in_json(name, &json, &mut found),
        _ if content.contains(&b'\n') => in_lines(name, content, &mut found),
        _ => {}
    }
    found
}

/// Finds the variables that say which file holds a secret, and the path that each gives.
///
/// These are the variables that end in `_FILE` or `_PATH` behind a name that looks like a secret,
/// some that programs agree on, and those of NATS that hold a path in the place of a credential.
pub fn files_named_by<'a>(
    vars: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Vec<(String, String)> {
    vars.into_iter()
        .filter_map(|(name, value)| {
            let path = str::from_utf8(value).ok()?.trim();
            let of_nats = OF_NATS.iter().find(|(of_nats, _)| *of_nats == name);
            let is_file = match of_nats {
                Some((_, credential)) => !path.starts_with(credential) && !path.contains('\n'),
                None => FILES.contains(&name) || name::is_file_of_secret(name),
            };
            (is_file && !path.is_empty() && !path.starts_with('{'))
                .then(|| (name.to_owned(), path.to_owned()))
        })
        .collect()
}

fn in_json(name: &str, json: &Value, found: &mut Vec<Found>) {
    match json {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) => {
                        if Kind::of(key).is_some_and(|kind| kind.fits(text.as_bytes())) {
                            // A leaf may be a key of several lines.
                            found.append(&mut in_file(name, text.as_bytes()));
                        } else {
                            url::passwords(name, text.as_bytes(), found);
                        }
                    }
                    _ => in_json(name, value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| in_json(name, value, found)),
        _ => {}
    }
}

fn in_lines(name: &str, content: &[u8], found: &mut Vec<Found>) {
    for line in content.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.starts_with(b"-----") || line.starts_with(b"#") {
            continue;
        }
        if line.len() >= SHORTEST_LINE {
            add(name, line, found);
        }
        let separator = line.iter().position(|byte| b"=:".contains(byte));
        if let Some((key, value)) = separator.and_then(|at| line.split_at_checked(at))
            && let Ok(key) = str::from_utf8(key.trim_ascii())
        {
            let value = value[1..].trim_ascii();
            let value = [b'"', b'\'']
                .into_iter()
                .find_map(|quote| value.strip_prefix(&[quote])?.strip_suffix(&[quote]))
                .unwrap_or(value);
            if Kind::of(key).is_some_and(|kind| kind.fits(value)) {
                add(name, value, found);
            }
        }
    }
}

/// Adds `value` unless it is too short or known.
fn add(name: &str, value: &[u8], found: &mut Vec<Found>) {
    let value = value.trim_ascii();
    if value.len() >= SHORTEST && !found.iter().any(|known| known.value == value) {
        found.push(Found {
            name: name.to_owned(),
            value: value.to_vec(),
        });
    }
}
