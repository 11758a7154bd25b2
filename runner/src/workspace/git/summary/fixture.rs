//! Repositories that the git program makes and judges.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Start;

/// An origin with a few commits and a clone of it.
pub(in super::super) struct Fixture {
    pub(in super::super) dir: TempDir,
    pub(in super::super) work: PathBuf,
    pub(in super::super) start: Start,
}

impl Fixture {
    pub(in super::super) fn new() -> Self {
        Self::cloned(&[])
    }

    /// A clone with these options of `git clone`.
    pub(in super::super) fn cloned(options: &[&str]) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let origin = dir.path().join("origin");
        let work = dir.path().join("work");
        fs::create_dir(&origin).expect("a directory");
        git(&origin, ["init", "-q", "-b", "main"]);
        for (number, name) in ["a", "b b", "dir/c"].iter().enumerate() {
            write(&origin, name, format!("{name} {number}\nsecond\nthird\n"));
            git(&origin, ["add", "-A"]);
            git(&origin, ["commit", "-qm", &format!("subject {number}")]);
        }
        let url = format!("file://{}", origin.display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend(options);
        arguments.extend([url.as_str(), "work"]);
        git(dir.path(), arguments);
        let commit = git(&work, ["rev-parse", "HEAD"]);
        Self {
            dir,
            work,
            start: Start { commit },
        }
    }

    pub(in super::super) fn git<const N: usize>(&self, arguments: [&str; N]) -> String {
        git(&self.work, arguments)
    }

    pub(in super::super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        write(&self.work, name, content);
    }

    pub(in super::super) fn commit(&self, name: &str) {
        self.write(name, name);
        self.git(["add", "-A"]);
        self.git(["commit", "-qm", name]);
    }

    pub(in super::super) fn path(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }
}

pub(in super::super) fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("below a directory")).expect("a directory");
    fs::write(path, content).expect("a file");
}

/// Runs git with no configuration but the repository's; returns what it prints.
pub(in super::super) fn git<A: AsRef<OsStr>>(
    dir: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> String {
    let (ok, out) = try_git(dir, arguments, &[]);
    assert!(ok, "{out}");
    out
}

pub(in super::super) fn try_git<A: AsRef<OsStr>>(
    dir: &Path,
    arguments: impl IntoIterator<Item = A>,
    variables: &[(&str, &Path)],
) -> (bool, String) {
    let mut command = Command::new("git");
    command
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(dir)
        .envs(variables.iter().copied())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Somebody")
            .env(format!("GIT_{who}_EMAIL"), "somebody@example.org");
    }
    let output = command.output().expect("git is installed");
    let mut text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() {
        text.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    (output.status.success(), text)
}
