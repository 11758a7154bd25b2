//! The few switches of a repository's configuration that say how its files are compared.
//!
//! Read by a reader of our own, because libgit2's follows includes to wherever they lead.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;

use git2::Config;
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::SummaryError;
use super::repository::contents;

/// Bytes that are read of a file of settings at most.
pub(super) const SMALL_FILE: u64 = 16 * 1024 * 1024;

/// Switches with the values that may be handed on.
const KNOWN: [(&str, &[&str]); 5] = [
    ("autocrlf", &["true", "false", "input"]),
    ("eol", &["lf", "crlf", "native"]),
    ("filemode", &["true", "false"]),
    ("ignorecase", &["true", "false"]),
    ("symlinks", &["true", "false"]),
];

/// What packs are built with. The delta cache also is the size from which no deltas are sought
/// (libgit2 reads that threshold from the same key), so 8 MiB bound both.
const PACKING: &str = "[pack]\n\twindowMemory = 64m\n\tdeltaCacheSize = 8m\n";

/// Files of a repository's own that hold rules, and the key under which libgit2 is to find them:
/// it does not know the directory that they are in. The keys rank lower than the files do in git,
/// which for ignore rules is no difference as no other file is named by them.
const RULES: [(&str, &str); 2] = [
    ("info/exclude", "excludesfile"),
    ("info/attributes", "attributesfile"),
];

/// A configuration that has nothing but what we put into it.
pub(super) struct Settings {
    pub(super) config: Config,
    /// The files behind `config`, which libgit2 may read again.
    _files: Vec<File>,
}

/// Makes a configuration for libgit2 from a few files below `git`.
///
/// Its files lie in memory: there may be no directory that can be written to.
pub(super) fn settings(git: &Path) -> Result<Settings, SummaryError> {
    let own = contents(&git.join("config"), SMALL_FILE)?.unwrap_or_default();
    let mut text = format!("{PACKING}[core]\n");
    for (key, value) in wanted(&own)? {
        text.push_str(&format!("\t{key} = {value}\n"));
    }
    let mut files = Vec::new();
    for (name, key) in RULES {
        if let Some(rules) = contents(&git.join(name), SMALL_FILE)? {
            let (file, path) = in_memory(&rules)?;
            text.push_str(&format!("\t{key} = {path}\n"));
            files.push(file);
        }
    }
    let (file, path) = in_memory(text.as_bytes())?;
    files.push(file);
    let config =
        Config::open(Path::new(&path)).map_err(SummaryError::damaged("the configuration"))?;
    Ok(Settings {
        config,
        _files: files,
    })
}

/// A file without a directory, and a path that leads to it for as long as it is open.
fn in_memory(content: &[u8]) -> Result<(File, String), SummaryError> {
    let failed = SummaryError::read(Path::new("/proc/self/fd"));
    let fd = memfd_create("git", MFdFlags::MFD_CLOEXEC).map_err(|error| failed(error.into()))?;
    let mut file = File::from(fd);
    file.write_all(content).map_err(&failed)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok((file, path))
}

fn wanted(own: &[u8]) -> Result<Vec<(&'static str, &'static str)>, SummaryError> {
    let own = String::from_utf8_lossy(own);
    let mut section = String::new();
    let mut switches: Vec<(&str, &str)> = Vec::new();
    for line in own.lines() {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix('[')
            && let Some((name, rest)) = rest.split_once(']')
        {
            section = name.trim().to_ascii_lowercase();
            line = rest.trim();
        }
        let line = line.split(['#', ';']).next().unwrap_or_default();
        if line.is_empty() {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        let key = key.trim().to_ascii_lowercase();
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        match (section.as_str(), key.as_str(), value.as_str()) {
            ("extensions", "objectformat", value) if value != "sha1" => {
                return Err(SummaryError::Unsupported {
                    what: "SHA-256 objects",
                });
            }
            ("extensions", "refstorage", value) if value != "files" => {
                return Err(SummaryError::Unsupported {
                    what: "references in a reftable",
                });
            }
            ("core", key, value) => {
                let value = match value {
                    "yes" | "on" | "1" => "true",
                    "no" | "off" | "0" | "" => "false",
                    other => other,
                };
                switches.extend(KNOWN.iter().filter(|(known, _)| *known == key).filter_map(
                    |(known, values)| {
                        let value = values.iter().find(|known| **known == value)?;
                        Some((*known, *value))
                    },
                ));
            }
            _ => {}
        }
    }
    Ok(switches)
}
