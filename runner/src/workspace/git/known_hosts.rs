//! What a `known_hosts` file says about one host (sshd(8), `SSH_KNOWN_HOSTS FILE FORMAT`).
//!
//! Keys are compared as the bytes that travel, and never decoded: an entry of a type that nobody
//! here can verify still counts as one that was expected. Nothing is ever added to the file.

use aws_lc_rs::hmac;
use russh::keys::ssh_encoding::base64::{Base64, Encoding as _};

/// The port that a name without one stands for.
pub(super) const DEFAULT_PORT: u16 = 22;

/// What `ssh-keygen -H` makes of a name: 20 bytes of salt, and as many of HMAC-SHA1.
const HASH_LEN: usize = 20;

/// The entries about one host.
#[derive(Debug, Default)]
pub(super) struct HostKeys {
    /// Of the name with this port.
    named: Vec<Entry>,
    /// Of the name alone, if the port is not ssh's own. As for OpenSSH, a key among them is good
    /// for every port, but another key than theirs is only unknown, not changed.
    portless: Vec<Entry>,
    /// Keys that must not be used, for either name.
    revoked: Vec<Entry>,
    /// Authorities for this host. Certificates are not supported.
    authorities: usize,
    /// Lines that could not be read.
    skipped: usize,
}

/// One key.
#[derive(Debug)]
struct Entry {
    line: usize,
    key_type: String,
    blob: Vec<u8>,
}

/// What the file says about a key that a host offers; with the line that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The host has it.
    Known,
    /// Nothing about this host.
    Unknown,
    /// The host has others.
    Changed(usize),
    /// It must not be used.
    Revoked(usize),
}

impl HostKeys {
    /// Reads what `text` says about `host`, which is lower case and has no brackets.
    pub(super) fn read(text: &[u8], host: &str, port: u16) -> Self {
        let mut keys = Self::default();
        let own_port = port == DEFAULT_PORT;
        let name = if own_port {
            host.to_owned()
        } else {
            format!("[{host}]:{port}")
        };
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((marker, names, entry)) = parse(line, index + 1) else {
                keys.skipped += 1;
                continue;
            };
            let exact = names.contain(&name);
            let bare = !own_port && names.contain(host);
            match marker {
                Marker::None if exact => keys.named.push(entry),
                Marker::None if bare => keys.portless.push(entry),
                Marker::Revoked if exact || bare => keys.revoked.push(entry),
                Marker::Authority if exact || bare => keys.authorities += 1,
                _ => {}
            }
        }
        keys
    }

    /// Says how an offered key stands, given as the bytes that travel.
    pub(super) fn standing(&self, key_type: &str, blob: &[u8]) -> Standing {
        let find = |entries: &[Entry]| {
            let found = entries.iter().find(|entry| entry.blob == blob);
            found.map(|entry| entry.line)
        };
        if let Some(line) = find(&self.revoked) {
            return Standing::Revoked(line);
        }
        if find(&self.named).or(find(&self.portless)).is_some() {
            return Standing::Known;
        }
        // A key of another type than the known ones is a change too: the known types are asked for
        // first, so that only a server that has none of them comes with another.
        let same_type = self.named.iter().find(|entry| entry.key_type == key_type);
        match same_type.or(self.named.first()) {
            Some(entry) => Standing::Changed(entry.line),
            None => Standing::Unknown,
        }
    }

    /// Returns the types of the keys that the host is known to have, in the order of the file.
    pub(super) fn key_types(&self) -> impl Iterator<Item = &str> {
        let known = self.named.iter().chain(&self.portless);
        known.map(|entry| entry.key_type.as_str())
    }

    /// Returns how many `@cert-authority` lines there are for the host; they count for nothing.
    pub(super) fn authorities(&self) -> usize {
        self.authorities
    }

    /// Returns how many lines of the file could not be read.
    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    Authority,
}

/// Reads a line: `[@marker] names type base64 [comment]`, separated by spaces or tabs.
fn parse(line: &str, number: usize) -> Option<(Marker, Names, Entry)> {
    let mut fields = line.split_ascii_whitespace();
    let mut names = fields.next()?;
    let marker = match names {
        "@revoked" => Marker::Revoked,
        "@cert-authority" => Marker::Authority,
        _ if names.starts_with('@') => return None,
        _ => Marker::None,
    };
    if marker != Marker::None {
        names = fields.next()?;
    }
    let key_type = fields.next()?;
    let blob = Base64::decode_vec(fields.next()?).ok()?;
    // A key names its own type; a line that says another was not written by any tool.
    let (length, rest) = blob.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    if rest.get(..length)? != key_type.as_bytes() {
        return None;
    }
    let entry = Entry {
        line: number,
        key_type: key_type.to_owned(),
        blob,
    };
    Some((marker, Names::parse(names)?, entry))
}

/// Which hosts a line is about.
enum Names {
    /// `git.example.com,*.example.org,!ci.example.org,[git.example.com]:2222`.
    Patterns(String),
    /// `|1|salt|hash`: one name, which only who knows it can recognise.
    Hashed { salt: Vec<u8>, tag: Vec<u8> },
}

impl Names {
    fn parse(text: &str) -> Option<Self> {
        let Some(hashed) = text.strip_prefix('|') else {
            return Some(Self::Patterns(text.to_ascii_lowercase()));
        };
        let (salt, tag) = hashed.strip_prefix("1|")?.split_once('|')?;
        let salt = Base64::decode_vec(salt).ok()?;
        let tag = Base64::decode_vec(tag).ok()?;
        (salt.len() == HASH_LEN && tag.len() == HASH_LEN).then_some(Self::Hashed { salt, tag })
    }

    fn contain(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, tag } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                hmac::verify(&key, name.as_bytes(), tag).is_ok()
            }
            Self::Patterns(patterns) => {
                let mut found = false;
                for pattern in patterns.split(',') {
                    match pattern.strip_prefix('!') {
                        // A negated name outweighs whatever else matches.
                        Some(pattern) if matches(pattern.as_bytes(), name.as_bytes()) => {
                            return false;
                        }
                        Some(_) => {}
                        None => found |= matches(pattern.as_bytes(), name.as_bytes()),
                    }
                }
                found
            }
        }
    }
}

/// Matches with `*` (any number of characters) and `?` (exactly one); nothing else is special.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on when what follows the last star does not match: one character later.
    let mut retry: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, from));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[from] => {
                at += 1;
                from += 1;
            }
            _ => match &mut retry {
                Some((after_star, start)) => {
                    *start += 1;
                    (at, from) = (*after_star, *start);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests;
