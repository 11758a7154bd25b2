//! What a work tree looks like to git, to compare one with another.

use std::collections::BTreeMap;
use std::path::Path;

use super::git::{Git, git};

/// What `HEAD` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// It names this ref, such as `refs/heads/main`, which may not exist yet.
    Ref(String),
    /// It is a commit.
    Detached,
}

/// What git says of a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOut {
    /// What `HEAD` is.
    pub head: Head,
    /// The commit that is checked out; none in a repository without one.
    pub commit: Option<String>,
    /// The URL of the remote `origin`, as the configuration has it.
    pub origin_url: Option<String>,
    /// The refs of remotes, `refs/remotes/origin/main` for one, with their ids. A symbolic one
    /// (`refs/remotes/origin/HEAD`) has `ref: ` and the ref that it names.
    pub remote_refs: BTreeMap<String, String>,
    /// Local branches with their ids.
    pub branches: BTreeMap<String, String>,
    /// `git status --porcelain`, all untracked files listed; empty if it is clean.
    pub status: String,
    /// Whether `git fsck` had nothing to say against it.
    pub fsck_ok: bool,
    /// What `git fsck` said.
    pub fsck: String,
    /// Whether history ends at a graft.
    pub shallow: bool,
    /// The text of its `config` file.
    pub config_text: String,
}

/// Asks git about a work tree, without writing to it.
///
/// # Panics
///
/// Panics if it is not the work tree of a repository.
pub fn checked_out(dir: impl AsRef<Path>) -> CheckedOut {
    let dir = dir.as_ref();
    let top = git(dir, ["rev-parse", "--show-prefix"]);
    assert!(
        top.is_empty(),
        "`{}` is not the top of a work tree",
        dir.display()
    );
    let cli = Git::new(dir);
    let answer = |args: &[&str]| {
        let ended = cli.end(args);
        ended.success.then(|| ended.succeeded())
    };
    let fsck = cli.end(["fsck", "--full", "--no-dangling", "--no-progress"]);
    let git_dir = dir.join(git(dir, ["rev-parse", "--git-dir"]));
    CheckedOut {
        head: answer(&["symbolic-ref", "--quiet", "HEAD"]).map_or(Head::Detached, Head::Ref),
        commit: answer(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]),
        origin_url: answer(&["config", "--local", "--get", "remote.origin.url"]),
        remote_refs: refs(dir, "refs/remotes"),
        branches: refs(dir, "refs/heads"),
        // Without optional locks it does not refresh the index, so that looking changes nothing.
        status: git(
            dir,
            [
                "--no-optional-locks",
                "status",
                "--porcelain",
                "--untracked-files=all",
            ],
        ),
        fsck_ok: fsck.success && !fsck.stderr.contains("error"),
        fsck: format!("{}{}", String::from_utf8_lossy(&fsck.stdout), fsck.stderr),
        shallow: git(dir, ["rev-parse", "--is-shallow-repository"]) == "true",
        config_text: std::fs::read_to_string(git_dir.join("config"))
            .expect("a repository has a configuration"),
    }
}

/// Lists the refs below a prefix.
pub(super) fn refs(dir: &Path, below: &str) -> BTreeMap<String, String> {
    let format =
        "--format=%(refname) %(if)%(symref)%(then)ref: %(symref)%(else)%(objectname)%(end)";
    git(dir, ["for-each-ref", format, below])
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, id)| (name.to_owned(), id.to_owned()))
        .collect()
}
