//! Fetching the commits that a run starts from: one connection, as little history as will do.
//!
//! libgit2 speaks version 0 and 1 of the protocol and has no partial clone, so a commit that no
//! reference points to can be had alone only where the server allows it; otherwise its history is
//! fetched, the default branch's first.

use git2::{AutotagOption, Direction, FetchOptions, Oid, RemoteCallbacks, Repository};

use agent_plan::plan::{Branch, Revision};

use super::link::{Limits, LinkError};
use super::progress::Progress;
use super::references::{self, Absent, Advertised, Base};

/// What to fetch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Where the work starts.
    pub(super) base: &'a Revision,
    /// A branch that is fetched too, if the remote has it.
    pub(super) head: Option<&'a Branch>,
    /// Commits of history; `None`: all.
    pub(super) depth: Option<std::num::NonZeroU32>,
}

/// What was fetched.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    /// The commit that the work starts from.
    pub(super) base: Oid,
    /// The branch that the base is, by its short name.
    pub(super) base_branch: Option<String>,
    /// Where the remote has the head branch, if it has it.
    pub(super) head: Option<Oid>,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The remote has no reference at all.
    #[error("the repository is empty: it has no branch to start from")]
    Empty,
    /// Nothing on the remote has this name.
    #[error("no branch, tag or commit `{name}` in the repository")]
    NotFound {
        /// The name.
        name: String,
        /// The one that was perhaps meant.
        nearest: Option<String>,
    },
    /// Several commits begin so.
    #[error("several commits begin with `{0}`")]
    Ambiguous(String),
    /// The reference points to something that is no commit.
    #[error("`{0}` is not a commit")]
    NotACommit(String),
    /// The repository's own configuration leads to another URL.
    #[error("the configuration of the repository leads its remote elsewhere (`insteadOf`)")]
    Rewritten,
    /// libgit2 gave up.
    #[error("git: {}", .0.message())]
    Git(git2::Error),
    /// What libgit2 speaks over gave up.
    #[error(transparent)]
    Link(LinkError),
}

impl From<Absent> for FetchError {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Empty => Self::Empty,
            Absent::Name(name, nearest) => Self::NotFound { name, nearest },
            Absent::Ambiguous(begin) => Self::Ambiguous(begin),
        }
    }
}

impl From<git2::Error> for FetchError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// Fetches into `repo`, whose remote `origin` is reached by the link of this thread.
///
/// # Errors
///
/// Returns [`FetchError`]; what was there before is as it was.
pub(super) fn fetch(
    repo: &Repository,
    wanted: Wanted<'_>,
    limits: &Limits,
    progress: &Progress,
) -> Result<Fetched, FetchError> {
    let mut remote = repo.find_remote("origin")?;
    refuse_rewritten(repo, &remote)?;
    let mut connection =
        remote.connect_auth(Direction::Fetch, Some(watched(limits, progress)), None)?;
    let all: Vec<Advertised> = connection.list()?.iter().filter_map(advertised).collect();
    let base = references::resolve(wanted.base, &all)?;
    let head = wanted.head.map(Branch::name);
    let has_head = head.filter(|head| {
        let name = format!("refs/heads/{head}");
        all.iter().any(|one| one.name == name)
    });

    let mut specs: Vec<String> = Vec::new();
    // libgit2 reads files whole; it says no to a depth.
    let is_local = remote_url_is_file(connection.remote());
    // What has all of its history keeps it.
    let may_cut = !is_local && (repo.is_shallow() || repo.is_empty()?);
    let mut depth = wanted.depth.filter(|_| may_cut);
    match &base {
        Base::Branch(name) => specs.push(spec(&format!("refs/heads/{name}"))),
        Base::Reference(name) | Base::Tip(name, _) => specs.push(spec(name)),
        Base::Commit(id) => specs.push(format!("+{id}:{STARTED}")),
        Base::Short(_) => (specs, depth) = (everything(&all), None),
    }
    specs.extend(has_head.map(|head| spec(&format!("refs/heads/{head}"))));
    specs.sort_unstable();
    specs.dedup();
    let remote = connection.remote();
    let done = remote.fetch(&specs, Some(&mut options(depth, limits, progress)), None);
    if let (Err(error), Base::Commit(id)) = (&done, &base)
        && is_refusal(error)
    {
        tracing::warn!(commit = %id, reason = error.message(), "The server gives no single commit: fetching whole branches.");
        let mut options = options(None, limits, progress);
        remote.fetch(&everything(&all), Some(&mut options), None)?;
    } else {
        done?;
    }
    drop(connection);

    let default = all.iter().find(|one| one.name == "HEAD");
    remember_default(repo, default.and_then(|head| head.target.as_deref()))?;
    Ok(Fetched {
        base: commit(repo, &base, &all)?,
        base_branch: match base {
            Base::Branch(name) => Some(name),
            _ => None,
        },
        head: has_head
            .map(|head| repo.refname_to_id(&format!("refs/remotes/origin/{head}")))
            .transpose()?,
    })
}

/// Keeps a commit that no reference of the remote points to.
const STARTED: &str = "refs/agent-runner/start";

fn spec(name: &str) -> String {
    format!("+{name}:{}", references::kept(name))
}

fn everything(all: &[Advertised]) -> Vec<String> {
    let mut specs = vec![
        "+refs/heads/*:refs/remotes/origin/*".to_owned(),
        // Without force: a tag that an agent made here before stays.
        "refs/tags/*:refs/tags/*".to_owned(),
    ];
    let is_detached = |one: &Advertised| one.name == "HEAD" && one.target.is_none();
    if all.iter().any(is_detached) {
        specs.push(spec("HEAD"));
    }
    specs
}

/// Says whether the server, or libgit2 for it, gives no commit by its id alone.
fn is_refusal(error: &git2::Error) -> bool {
    let words = error.message();
    // libgit2's own words, and what it makes of a server's (`upload-pack: not our ref`): the second
    // while it negotiates, the third where it waits for the end of a shallow history.
    let refusals = [
        "cannot fetch a specific object",
        "remote error",
        "unexpected packet type",
    ];
    refusals.iter().any(|refusal| words.contains(refusal))
}

fn remote_url_is_file(remote: &git2::Remote<'_>) -> bool {
    remote.url().is_ok_and(|url| url.starts_with("file://"))
}

/// Reads one reference of the remote; `None` if its name is not UTF-8, which no plan can ask for.
fn advertised(head: &git2::RemoteHead<'_>) -> Option<Advertised> {
    // git2 has no other way to a name, and panics over such a one.
    let read = || Advertised {
        name: head.name().to_owned(),
        id: head.oid(),
        target: head.symref_target().map(str::to_owned),
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).ok()
}

/// Refuses a repository whose own configuration leads its remote elsewhere (`url.….insteadOf`).
fn refuse_rewritten(repo: &Repository, remote: &git2::Remote<'_>) -> Result<(), FetchError> {
    let told = repo.config()?.get_string("remote.origin.url")?;
    if remote.url().is_ok_and(|url| url == told) {
        return Ok(());
    }
    Err(FetchError::Rewritten)
}

fn watched<'a>(limits: &'a Limits, progress: &'a Progress) -> RemoteCallbacks<'a> {
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(move |stats| {
        progress.received(&stats);
        limits.over().is_none()
    });
    callbacks
}

fn options<'a>(
    depth: Option<std::num::NonZeroU32>,
    limits: &'a Limits,
    progress: &'a Progress,
) -> FetchOptions<'a> {
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(watched(limits, progress))
        .download_tags(AutotagOption::None)
        .update_fetchhead(false);
    if let Some(depth) = depth {
        // libgit2 counts in `i32`; no history is longer.
        options.depth(i32::try_from(depth.get()).unwrap_or(i32::MAX));
    }
    options
}

/// `refs/remotes/origin/HEAD`, as a clone leaves it, if its branch was fetched.
fn remember_default(repo: &Repository, target: Option<&str>) -> Result<(), FetchError> {
    let Some(target) = target.map(references::kept) else {
        return Ok(());
    };
    if repo.find_reference(&target).is_ok() {
        repo.reference_symbolic("refs/remotes/origin/HEAD", &target, true, "clone")?;
    }
    Ok(())
}

/// The commit that was asked for, now that it is here.
fn commit(repo: &Repository, base: &Base, all: &[Advertised]) -> Result<Oid, FetchError> {
    let of_name = |name: &str| {
        let reference = repo.find_reference(&references::kept(name))?;
        let commit = reference.peel_to_commit();
        Ok(commit
            .map_err(|_| FetchError::NotACommit(name.to_owned()))?
            .id())
    };
    let absent = |name: &str| FetchError::from(references::absent(name, all));
    let of_id = |id: Oid| {
        let object = repo.find_object(id, None);
        let commit = object
            .map_err(|_| absent(&id.to_string()))?
            .peel_to_commit();
        Ok(commit
            .map_err(|_| FetchError::NotACommit(id.to_string()))?
            .id())
    };
    match base {
        Base::Branch(name) => of_name(&format!("refs/heads/{name}")),
        Base::Reference(name) => of_name(name),
        Base::Tip(_, id) | Base::Commit(id) => of_id(*id),
        Base::Short(begin) => match repo.find_object_by_prefix(begin, None) {
            Ok(object) => of_id(object.id()),
            Err(error) if error.code() == git2::ErrorCode::Ambiguous => only(repo, begin),
            Err(_) => Err(absent(begin)),
        },
    }
}

/// The only commit whose id begins so, among objects of other kinds.
fn only(repo: &Repository, begin: &str) -> Result<Oid, FetchError> {
    let mut ids = Vec::new();
    repo.odb()?.foreach(|id| {
        if id.to_string().starts_with(begin) {
            ids.push(*id);
        }
        true
    })?;
    let mut commits: Vec<Oid> = ids
        .into_iter()
        .filter_map(|id| repo.find_object(id, None).ok()?.peel_to_commit().ok())
        .map(|commit| commit.id())
        .collect();
    commits.sort_unstable();
    commits.dedup();
    match commits[..] {
        [id] => Ok(id),
        [] => Err(FetchError::NotACommit(begin.to_owned())),
        _ => Err(FetchError::Ambiguous(begin.to_owned())),
    }
}
