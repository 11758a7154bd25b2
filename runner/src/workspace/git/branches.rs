//! What `HEAD` is, and what becomes of work that an earlier attempt left (contract §4.4).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use agent_plan::plan::{CheckoutPlan, OnBase};
use git2::build::CheckoutBuilder;
use git2::{
    BranchType, CheckoutNotificationType, Commit, Delta, Error, ObjectType, Oid, Repository,
};

use super::GitError;
use super::failure;
use super::fetch::Fetched;
use super::link::Limits;
use super::place::PlaceError;

/// As many conflicting files are named; the rest is counted.
const NAMED_CONFLICTS: usize = 5;

/// What `HEAD` will be.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) commit: Oid,
    /// A local branch; `None`: detached.
    pub(super) branch: Option<String>,
    /// Whether the remote has a branch of this name, which the local one then follows.
    pub(super) follows: bool,
}

/// Decides: in write mode the head branch, at the remote's if it has one and the base is a branch
/// too, otherwise at the base; without a head the base itself.
///
/// A base that is a tag or a commit was pinned by somebody: then a branch of the remote does not
/// win over it.
pub(super) fn target(plan: &CheckoutPlan, fetched: &Fetched) -> Target {
    if let Some(head) = &plan.head {
        let at_remote = fetched.head.filter(|_| fetched.base_branch.is_some());
        return Target {
            commit: at_remote.unwrap_or(fetched.base),
            branch: Some(head.name().to_owned()),
            follows: fetched.head.is_some(),
        };
    }
    let branch = fetched
        .base_branch
        .clone()
        .filter(|_| plan.on_base == OnBase::Branch);
    Target {
        commit: fetched.base,
        follows: branch.is_some(),
        branch,
    }
}

/// Points `HEAD`, and the branch if there is one, to the target.
pub(super) fn point(repo: &Repository, target: &Target) -> Result<(), Error> {
    let Some(branch) = &target.branch else {
        return repo.set_head_detached(target.commit);
    };
    let name = format!("refs/heads/{branch}");
    repo.reference(&name, target.commit, true, "agent-runner: checkout")?;
    repo.set_head(&name)?;
    if target.follows {
        let mut config = repo.config()?;
        config.set_str(&format!("branch.{branch}.remote"), "origin")?;
        config.set_str(&format!("branch.{branch}.merge"), &name)?;
    }
    Ok(())
}

/// Keeps the commits that pointing to the target would leave without a name, under names of ours;
/// says which.
pub(super) fn keep(repo: &Repository, target: &Target) -> Result<Option<String>, Error> {
    let mut left = Vec::new();
    if let Some(branch) = &target.branch
        && let Ok(local) = repo.find_branch(branch, BranchType::Local)
    {
        left.push((branch.as_str(), local.get().peel_to_commit()?.id()));
    }
    // An unborn branch has no commits.
    if repo.head_detached()?
        && let Ok(head) = repo.head()
    {
        left.push(("HEAD", head.peel_to_commit()?.id()));
    }
    let known = known(repo, target)?;
    let mut names = Vec::new();
    for (of, old) in left {
        if known
            .iter()
            .any(|id| *id == old || repo.graph_descendant_of(*id, old).unwrap_or(false))
        {
            continue;
        }
        let short = &old.to_string()[..12];
        let name = format!("refs/agent-runner/kept/{of}/{short}");
        repo.reference(&name, old, true, "agent-runner: work of an earlier attempt")?;
        names.push(name);
    }
    Ok(Some(names.join("`, `")).filter(|names| !names.is_empty()))
}

/// Commits that have a name, or that the remote has had.
///
/// A shallow history does not show that a branch of the remote has moved on from a commit; the log
/// of the reference does.
fn known(repo: &Repository, target: &Target) -> Result<Vec<Oid>, Error> {
    let replaced = target
        .branch
        .as_ref()
        .map(|branch| format!("refs/heads/{branch}"));
    let mut known = vec![target.commit];
    for reference in repo.references()?.flatten() {
        let Ok(name) = reference.name() else { continue };
        if replaced.as_deref() == Some(name) {
            continue;
        }
        known.extend(reference.peel_to_commit().map(|commit| commit.id()));
        if name.starts_with("refs/remotes/")
            && let Ok(log) = repo.reflog(name)
        {
            known.extend(
                log.iter()
                    .flat_map(|entry| [entry.id_old(), entry.id_new()]),
            );
        }
    }
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

/// Changes the files of an existing work tree to those of a commit; what was changed there and
/// would be lost is refused, as `git checkout` does.
///
/// Only files that differ between the two commits are looked at, so that the others keep every
/// change, even their absence.
pub(super) fn move_files(
    repo: &Repository,
    commit: &Commit<'_>,
    limits: &Limits,
) -> Result<(), GitError> {
    let root = repo.workdir().unwrap_or(repo.path());
    let failed = |error| failure::of_git("brought up to date", root, error);
    let Moves { other, there } = moves(repo, commit, root).map_err(failed)?;
    // First what may be refused.
    write(repo, commit, &other, OnConflict::Refuse, limits)?;
    write(repo, commit, &there, OnConflict::Replace, limits)
}

/// What differs between `HEAD` and a commit.
struct Moves {
    /// Files that are the commit's already, and that no index knows: whoever wrote them was killed.
    there: Vec<Vec<u8>>,
    /// All others.
    other: Vec<Vec<u8>>,
}

fn moves(repo: &Repository, commit: &Commit<'_>, root: &Path) -> Result<Moves, Error> {
    let old = repo.head().and_then(|head| head.peel_to_tree()).ok();
    let diff = repo.diff_tree_to_tree(old.as_ref(), Some(&commit.tree()?), None)?;
    let index = repo.index()?;
    let (mut there, mut other) = (Vec::new(), Vec::new());
    for delta in diff.deltas() {
        let (from, to) = (delta.old_file(), delta.new_file());
        let Some(path) = to.path_bytes() else {
            continue;
        };
        let file = Path::new(OsStr::from_bytes(path));
        let is_there = delta.status() == Delta::Added
            && index.get_path(file, 0).is_none()
            && root
                .join(file)
                .symlink_metadata()
                .is_ok_and(|seen| seen.is_file())
            && Oid::hash_file(ObjectType::Blob, root.join(file)).is_ok_and(|id| id == to.id());
        let list = if is_there { &mut there } else { &mut other };
        list.push(path.to_vec());
        list.extend(
            from.path_bytes()
                .filter(|old| *old != path)
                .map(<[u8]>::to_vec),
        );
    }
    Ok(Moves { there, other })
}

/// What becomes of a file that `HEAD` does not explain.
#[derive(Clone, Copy)]
enum OnConflict {
    Refuse,
    Replace,
}

/// Writes some files of a commit.
fn write(
    repo: &Repository,
    commit: &Commit<'_>,
    paths: &[Vec<u8>],
    on_conflict: OnConflict,
    limits: &Limits,
) -> Result<(), GitError> {
    if paths.is_empty() {
        return Ok(());
    }
    let mut conflicts = Vec::new();
    let mut count = 0_usize;
    let mut options = CheckoutBuilder::new();
    match on_conflict {
        OnConflict::Refuse => options.safe().recreate_missing(true),
        OnConflict::Replace => options.force(),
    };
    options
        .disable_pathspec_match(true)
        .notify_on(CheckoutNotificationType::CONFLICT | CheckoutNotificationType::UPDATED)
        .notify(|why, path, _, _, _| {
            if why.is_conflict() {
                count += 1;
                let name = path.map(|path| path.display().to_string());
                conflicts.extend(name.filter(|_| count <= NAMED_CONFLICTS));
            }
            limits.over().is_none()
        });
    for path in paths {
        options.path(path);
    }
    let done = repo.checkout_tree(commit.as_object(), Some(&mut options));
    drop(options);
    if let Some(over) = limits.over() {
        return Err(over.into());
    }
    let path = repo.workdir().unwrap_or(repo.path());
    match done {
        Err(error) if error.code() == git2::ErrorCode::Conflict => Err(GitError::Conflicts {
            path: path.to_owned(),
            count,
            first: conflicts,
        }),
        done => done.map_err(|error| failure::of_git("brought up to date", path, error)),
    }
}

/// Refuses a repository whose files are elsewhere: `core.worktree` of a stranger.
pub(super) fn is_own(repo: &Repository, dir: &Path) -> Result<(), PlaceError> {
    is_at(repo, dir, &dir.join(".git"))
}

/// Refuses a repository whose files are not in `dir`, or which is not itself at `git`.
pub(super) fn is_at(repo: &Repository, dir: &Path, git: &Path) -> Result<(), PlaceError> {
    let same = |one: &Path, other: &Path| match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    let own = repo.workdir().is_some_and(|workdir| same(workdir, dir)) && same(repo.path(), git);
    if own {
        Ok(())
    } else {
        Err(PlaceError::ForeignGit {
            path: dir.join(".git"),
        })
    }
}
