//! Submodules: repositories that a repository names, at commits that it names.
//!
//! `.gitmodules` is a stranger's text ([`listed`]). A URL goes through the same checks as one of a
//! spec, and must not lead from a network into this machine; a path is where the tree has the
//! submodule; a name becomes a directory below `.git/modules` and may not step out of it, nor into
//! another's. Credentials go to the host that they are for, and to no other.
//!
//! What is left is what `git submodule update --init` leaves: repositories below `.git/modules`,
//! detached heads, and a URL for each in the configuration of its parent.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use agent_plan::plan::{Remote, Revision, Submodules, Trust};
use git2::{Repository, RepositoryInitOptions, RepositoryOpenFlags};

use super::fetch::Wanted;
use super::place::PlaceError;
use super::{GitError, Run, branches, failure, set_origin, tree, worktree};
use listed::Listed;

mod listed;

/// Submodules of submodules of …: deeper than anybody nests on purpose.
const DEEPEST: usize = 10;

/// In all; a few repositories that name each other twice would otherwise come to thousands.
const MOST: usize = 1000;

/// What checking out submodules came to.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Bytes over the network.
    pub(super) received: u64,
    /// What was moved aside, from the root of the outermost work tree.
    pub(super) quarantined: Vec<String>,
}

/// Checks out the submodules of `repo`.
pub(super) fn check_out(
    run: &Run<'_>,
    repo: &Repository,
    remote: &Remote,
    which: Submodules,
) -> Result<Fetched, GitError> {
    let mut fetched = Fetched::default();
    if which == Submodules::Off {
        return Ok(fetched);
    }
    let tree = Level {
        run,
        which,
        depth: 1,
        above: PathBuf::new(),
        count: &Cell::new(0),
    };
    tree.each(repo, remote, &mut fetched)?;
    Ok(fetched)
}

/// The submodules of one repository.
struct Level<'a> {
    run: &'a Run<'a>,
    which: Submodules,
    depth: usize,
    /// From the root of the outermost work tree to this one.
    above: PathBuf,
    /// How many there have been, on all levels.
    count: &'a Cell<usize>,
}

impl Level<'_> {
    fn each(
        &self,
        repo: &Repository,
        remote: &Remote,
        fetched: &mut Fetched,
    ) -> Result<(), GitError> {
        let is_quarantine = self.run.plan.trust == Trust::Quarantine;
        for listed in listed::listed(repo)? {
            let path = self.above.join(OsStr::from_bytes(&listed.path));
            // Where it would configure an agent, or where only a text names it that nobody trusts.
            if is_quarantine && (listed.configures() || listed.url.is_none()) {
                tracing::warn!(path = %path.display(), "Submodule left out.");
                continue;
            }
            let named = |source| named(&listed, source);
            self.count.set(self.count.get() + 1);
            if self.depth > DEEPEST || self.count.get() > MOST {
                return Err(named(GitError::TooManySubmodules));
            }
            let done = self.one(repo, remote, &listed, path, fetched);
            done.map_err(named)?;
        }
        Ok(())
    }

    fn one(
        &self,
        parent: &Repository,
        remote: &Remote,
        listed: &Listed,
        path: PathBuf,
        fetched: &mut Fetched,
    ) -> Result<(), GitError> {
        let url = listed.url.as_ref().ok_or(GitError::SubmoduleUnknown)?;
        let remote = remote.relative(url).map_err(GitError::SubmoduleUrl)?;
        let name = listed.name()?;
        let repo = open(parent, listed, &name)?;
        set_origin(&repo, &remote)?;
        fetched.received += fill(self.run, &repo, &remote, listed)?;
        register(parent, &name, &remote)?;
        // What a submodule would configure, nobody has vouched for.
        let moved = self
            .run
            .quarantine(&repo, None, &self.run.means.aside.join(&path))?;
        let shown = tree::printable(path.as_os_str().as_bytes());
        let moved = moved.iter().map(|moved| format!("{shown}/{moved}"));
        fetched.quarantined.extend(moved);
        if self.which != Submodules::Recursive {
            return Ok(());
        }
        let below = Level {
            depth: self.depth + 1,
            above: path,
            ..*self
        };
        below.each(&repo, &remote, fetched)
    }
}

/// Says in which submodule it was; nested ones as a path.
fn named(listed: &Listed, source: GitError) -> GitError {
    let path = tree::printable(&listed.path);
    match source {
        GitError::Submodule { name, source } => GitError::Submodule {
            name: format!("{path}/{name}"),
            source,
        },
        source => GitError::Submodule {
            name: path,
            source: Box::new(source),
        },
    }
}

/// Makes the repository of a submodule, or opens the one that is there.
fn open(parent: &Repository, listed: &Listed, name: &str) -> Result<Repository, GitError> {
    let git = parent.path().join("modules").join(name);
    let dir = directory(parent, &listed.path)?;
    let failed = |what| {
        let dir = &dir;
        move |error| failure::of_git(what, dir, error)
    };
    if dir.join(".git").symlink_metadata().is_ok() {
        let none: [&Path; 0] = [];
        let repo = Repository::open_ext(&dir, RepositoryOpenFlags::NO_SEARCH, none);
        let repo = repo.map_err(failed("opened"))?;
        branches::is_at(&repo, &dir, &git)?;
        return Ok(repo);
    }
    let mut options = RepositoryInitOptions::new();
    options
        .mkpath(true)
        .no_dotgit_dir(true)
        .external_template(false)
        .workdir_path(&dir);
    let repo = Repository::init_opts(&git, &options).map_err(failed("made"))?;
    // Where an earlier attempt removed the files, its index would take that for a wish.
    match fs::remove_file(git.join("index")) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(GitError::Place(PlaceError::Io {
                what: "removed",
                path: git.join("index"),
                source,
            }));
        }
        _ => {}
    }
    relocatable(&repo, &dir, &git)?;
    Ok(repo)
}

/// Makes both name each other by relative paths, as git does: a volume may be mounted elsewhere.
fn relocatable(repo: &Repository, dir: &Path, git: &Path) -> Result<(), GitError> {
    let file = dir.join(".git");
    let text = [
        b"gitdir: ",
        relative(dir, git).as_os_str().as_bytes(),
        b"\n",
    ]
    .concat();
    fs::write(&file, text).map_err(|source| PlaceError::Io {
        what: "written",
        path: file,
        source,
    })?;
    let back = relative(git, dir);
    let write = || {
        repo.config()?
            .set_str("core.worktree", &back.to_string_lossy())
    };
    write().map_err(|error| failure::of_git("configured", git, error))
}

/// Returns the way from one directory to another; both begin at the same root.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// Makes the directory at `path`; nothing on the way there may be a link.
fn directory(parent: &Repository, path: &[u8]) -> Result<PathBuf, GitError> {
    let mut dir = parent.workdir().unwrap_or(parent.path()).to_owned();
    for part in Path::new(OsStr::from_bytes(path)) {
        dir.push(part);
        let made = match fs::symlink_metadata(&dir) {
            Ok(seen) if seen.is_dir() => Ok(()),
            Ok(_) => return Err(PlaceError::NotADirectory { path: dir }.into()),
            Err(_) => fs::create_dir(&dir),
        };
        made.map_err(|source| PlaceError::Io {
            what: "made",
            path: dir.clone(),
            source,
        })?;
    }
    Ok(dir)
}

/// Tells the parent's configuration what `git submodule init` tells it.
fn register(parent: &Repository, name: &str, remote: &Remote) -> Result<(), GitError> {
    let write = || {
        let mut config = parent.config()?;
        config.set_bool(&format!("submodule.{name}.active"), true)?;
        config.set_str(&format!("submodule.{name}.url"), &remote.url())
    };
    write().map_err(|error: git2::Error| failure::of_git("configured", parent.path(), error))
}

fn fill(
    run: &Run<'_>,
    repo: &Repository,
    remote: &Remote,
    listed: &Listed,
) -> Result<u64, GitError> {
    let failed = |error| failure::of_git("read", repo.path(), error);
    let wanted = Revision::Commit(listed.commit.to_string());
    let wanted = Wanted {
        base: &wanted,
        head: None,
        depth: run.plan.depth,
    };
    let (fetched, received) = run.fetch_patiently(repo, remote, wanted)?;
    let commit = repo.find_commit(fetched.base).map_err(failed)?;
    let tree = commit.tree().map_err(failed)?;
    run.accept(repo, &tree, None)?;
    if repo.index().is_ok_and(|index| index.is_empty()) {
        worktree::fill(repo, &tree, &run.limits)?;
    } else {
        branches::move_files(repo, &commit, &run.limits)?;
    }
    repo.set_head_detached(commit.id()).map_err(failed)?;
    Ok(received)
}
