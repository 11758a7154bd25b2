//! Git, in process: a plan becomes a work tree, and at the end a work tree becomes a report.
//!
//! # Theory of operation
//!
//! libgit2 does what git is: objects, references, packs, indexes. Around it:
//!
//! - `place` says what the directory is; `link` (over `http`, `ssh`) is what libgit2 speaks over, on
//!   `sockets` of its own thread;
//!   `references` and `fetch` decide what to ask for and get it;
//! - `tree` refuses what a hostile repository has in it before a file is written; `worktree` writes
//!   the files; `branches` says what `HEAD` is; `submodules` does the same again for each of them;
//! - `quarantine` takes away what would configure an agent;
//! - `summary` and `wip` look at the work tree when the agent is done.
//!
//! A failure that another attempt may mend is tried again, with growing pauses, until the time for
//! the checkout is over. Whatever fails, the directory is afterwards as it was, or marked as not
//! complete. Deliberately absent: pushing, the process's environment, `$HOME`, global and system
//! configuration of git, and any other program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_plan::plan::{CheckoutPlan, Remote, Trust};
use git2::{Repository, RepositoryInitOptions};

mod branches;
mod failure;
mod fetch;
mod http;
mod known_hosts;
mod link;
mod place;
mod progress;
mod quarantine;
mod references;
mod sockets;
mod ssh;
mod submodules;
mod summary;
mod tree;
mod wip;
mod worktree;

pub use failure::GitError;
pub use summary::{Start, Summary, SummaryError, summarise};
pub use wip::{Wip, WipError, save};

use crate::cancel::Cancel;
use crate::workspace::Say;
use fetch::{FetchError, Fetched, Wanted};
use link::{Limits, Link};
use place::{Fresh, Place};
use progress::Progress;
use sockets::Sockets;

/// Attempts in all: the pauses between them are 0.5, 1 and 2 seconds, longer than most restarts of
/// a server behind a balancer.
const ATTEMPTS: u32 = 4;

/// The first pause; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(500);

/// As many files in quarantine are named in a line of the log; the status has all of them.
const NAMED_FILES: usize = 50;

/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What was checked out.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// From where, without credentials.
    pub url: String,
    /// The commit that the work starts from.
    pub commit: String,
    /// The local branch; `None`: detached.
    pub branch: Option<String>,
    /// Where a branch was kept that had commits of its own: an older attempt's work.
    pub kept: Option<String>,
    /// What was moved aside or restored because the repository is not trusted.
    pub quarantined: Vec<String>,
    /// Where what was moved aside is, if anything was.
    pub aside: Option<PathBuf>,
    /// Bytes that came over the network.
    pub received: u64,
}

/// What a checkout needs besides its plan.
pub struct Means {
    /// Ends the checkout early.
    pub cancel: Cancel,
    /// A private directory for what is moved aside.
    pub aside: PathBuf,
    /// Whether stderr is a terminal.
    pub terminal: bool,
    /// Tells others how far it is.
    pub say: Say,
}

impl std::fmt::Debug for Means {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Means").finish_non_exhaustive()
    }
}

/// Makes libgit2 independent of the machine; idempotent, and first of all.
fn isolate() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // Without it the configuration of the machine counts, which is bad luck and no danger.
        drop(summary::isolate());
        // Every object came through the indexer, which hashed it.
        git2::opts::strict_hash_verification(false);
        #[expect(unsafe_code, reason = "options are global in libgit2")]
        // SAFETY: `Once` keeps other calls away, and nothing of libgit2 runs before.
        let set = unsafe { git2::opts::set_verify_owner_validation(false) };
        // A volume may belong to another user than ours; it is the run's own all the same.
        drop(set);
    });
}

/// Checks out what the plan says. Blocking; call it on a thread that may block.
///
/// # Errors
///
/// Returns [`GitError`]; the directory is then as it was before, or, if even that failed, marked as
/// not complete, so that a later run removes it.
pub fn checkout(plan: &CheckoutPlan, means: &Means) -> Result<Checkout, GitError> {
    isolate();
    let limits = Limits {
        cancel: means.cancel.clone(),
        connect: plan.timeouts.connect,
        transfer: plan.timeouts.transfer,
        deadline: plan
            .timeouts
            .total
            .map(|total| (Instant::now() + total, total)),
    };
    let sockets = Arc::new(Sockets::new().map_err(GitError::Sockets)?);
    let run = Run {
        plan,
        means,
        sockets,
        limits,
        progress: Progress::new(means.terminal, Arc::clone(&means.say)),
    };
    let done = match place::look(&plan.dir)? {
        Place::Checkout => run.again(),
        Place::Fresh(fresh) => run.fresh(fresh),
    };
    run.progress.end();
    done
}

/// A checkout under way.
struct Run<'a> {
    plan: &'a CheckoutPlan,
    means: &'a Means,
    sockets: Arc<Sockets>,
    limits: Limits,
    progress: Progress,
}

impl Run<'_> {
    /// Clones into an empty directory.
    fn fresh(&self, fresh: Fresh) -> Result<Checkout, GitError> {
        let done = self.clone_into(&fresh);
        match done {
            Ok(checkout) => {
                fresh.complete()?;
                Ok(checkout)
            }
            Err(error) => {
                fresh.abandon();
                Err(error)
            }
        }
    }

    fn clone_into(&self, fresh: &Fresh) -> Result<Checkout, GitError> {
        let plan = self.plan;
        let failed = |what| move |error| failure::of_git(what, &plan.dir, error);
        fresh.begin()?;
        let mut options = RepositoryInitOptions::new();
        options.no_reinit(true).external_template(false);
        let repo = Repository::init_opts(&plan.dir, &options).map_err(failed("initialised"))?;
        set_origin(&repo, &plan.remote)?;
        let (fetched, received) = self.fetch_patiently(&repo, &plan.remote, self.wanted())?;

        let target = branches::target(plan, &fetched);
        let commit = repo.find_commit(target.commit).map_err(failed("read"))?;
        let tree = commit.tree().map_err(failed("read"))?;
        self.accept(&repo, &tree, plan.path.as_deref())?;
        worktree::fill(&repo, &tree, &self.limits)?;
        branches::point(&repo, &target).map_err(failed("pointed to its branch"))?;
        self.finish(&repo, &fetched, target, None, received)
    }

    /// Brings a checkout up to date that a container before this one left.
    fn again(&self) -> Result<Checkout, GitError> {
        let plan = self.plan;
        let failed = |what| move |error| failure::of_git(what, &plan.dir, error);
        let flags = git2::RepositoryOpenFlags::NO_SEARCH;
        let none: [&Path; 0] = [];
        let repo = Repository::open_ext(&plan.dir, flags, none).map_err(failed("opened"))?;
        branches::is_own(&repo, &plan.dir)?;
        set_origin(&repo, &plan.remote)?;
        let (fetched, received) = self.fetch_patiently(&repo, &plan.remote, self.wanted())?;
        let target = branches::target(plan, &fetched);
        let commit = repo.find_commit(target.commit).map_err(failed("read"))?;
        let tree = commit.tree().map_err(failed("read"))?;
        self.accept(&repo, &tree, plan.path.as_deref())?;
        branches::move_files(&repo, &commit, &self.limits)?;
        let kept = branches::keep(&repo, &target).map_err(failed("kept"))?;
        branches::point(&repo, &target).map_err(failed("pointed to its branch"))?;
        self.finish(&repo, &fetched, target, kept, received)
    }

    /// What comes after the files, the same for both.
    fn finish(
        &self,
        repo: &Repository,
        fetched: &Fetched,
        target: branches::Target,
        kept: Option<String>,
        mut received: u64,
    ) -> Result<Checkout, GitError> {
        // First, so that a `.gitmodules` that nobody trusts names no submodule.
        // Without a head branch the base itself is what nobody trusts, and a reference that somebody
        // asked for may be a stranger's.
        let has_base = self.plan.head.is_some() && self.plan.trusted_base;
        let trusted = has_base.then_some(fetched.base);
        let mut quarantined = self.quarantine(repo, trusted, &self.means.aside)?;
        let below = submodules::check_out(self, repo, &self.plan.remote, self.plan.submodules)?;
        quarantined.extend(below.quarantined);
        received += below.received;
        Ok(Checkout {
            url: self.plan.remote.url(),
            commit: target.commit.to_string(),
            branch: target.branch,
            kept,
            quarantined,
            aside: Some(self.means.aside.clone()).filter(|aside| aside.is_dir()),
            received,
        })
    }

    /// Refuses a tree that must not become files, before one does; `path` is to be a directory of it.
    fn accept(
        &self,
        repo: &Repository,
        tree: &git2::Tree<'_>,
        path: Option<&Path>,
    ) -> Result<(), GitError> {
        tree::hostile_names(repo, tree)?;
        if let Some(path) = path {
            tree::subdirectory(repo, tree, path)?;
        }
        if self.plan.trust == Trust::Quarantine {
            tree::refuse(&tree::leaving_links(repo, tree)?)?;
        }
        Ok(())
    }

    /// Takes away what would configure an agent, unless the base has it too; says what.
    fn quarantine(
        &self,
        repo: &Repository,
        base: Option<git2::Oid>,
        aside: &Path,
    ) -> Result<Vec<String>, GitError> {
        if self.plan.trust == Trust::Trusted {
            return Ok(Vec::new());
        }
        let over = || self.limits.over().is_some();
        let done = quarantine::apply(repo, base, aside, &over);
        let done = done.map_err(|error| match self.limits.over() {
            Some(over) => GitError::Over(over),
            None => error.into(),
        })?;
        let all = [done.moved, done.restored].concat();
        if !all.is_empty() {
            let named = all[..all.len().min(NAMED_FILES)].join(", ");
            tracing::warn!(count = all.len(), files = %named, aside = %aside.display(), "Files that configure agents or git quarantined.");
        }
        for empty in aside.ancestors() {
            // Refused where something is in it: that stays, for whoever wants to see it.
            let is_ours = empty.starts_with(&self.means.aside);
            if !is_ours || std::fs::remove_dir(empty).is_err() {
                break;
            }
        }
        Ok(all)
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            base: &self.plan.base,
            head: self.plan.head.as_ref(),
            depth: self.plan.depth,
        }
    }

    /// Fetches, and tries again what may be mended by it; gives what came and how many bytes.
    fn fetch_patiently(
        &self,
        repo: &Repository,
        remote: &Remote,
        wanted: Wanted<'_>,
    ) -> Result<(Fetched, u64), GitError> {
        let mut received = 0;
        for attempt in 1.. {
            let unreachable = |source: FetchError| GitError::Fetch {
                url: remote.url(),
                attempts: attempt,
                source,
            };
            let link = Link::new(&self.sockets, self.plan, remote, self.limits.clone())
                .map_err(|error| unreachable(FetchError::Link(error)))?;
            let done = link.during(|| fetch::fetch(repo, wanted, &self.limits, &self.progress));
            received += link.received();
            let error = match done {
                Ok(fetched) => return Ok((fetched, received)),
                // Ours says more than what libgit2 made of it.
                Err(error) => link
                    .failure()
                    .or_else(|| self.limits.over())
                    .map_or(error, FetchError::Link),
            };
            let pause = failure::pause(&error, attempt);
            // An attempt that could only come too late would hide why this one failed.
            let Some(pause) = pause.filter(|pause| self.limits.allow(*pause)) else {
                return Err(unreachable(error));
            };
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                attempt,
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                "Fetching failed; trying again."
            );
            let cancel = &self.limits.cancel;
            let woken = self
                .sockets
                .wait(async { tokio::time::timeout(pause, cancel.asked()).await });
            // Whoever wakes us early wants the end; the limits say so.
            drop(woken);
            if let Some(over) = self.limits.over() {
                return Err(unreachable(FetchError::Link(over)));
            }
        }
        unreachable!("the last attempt returns")
    }
}

/// Sets the remote as a clone leaves it; an existing one gets the URL of the plan (contract §4.4).
fn set_origin(repo: &Repository, remote: &Remote) -> Result<(), GitError> {
    let url = remote.url();
    let set = match repo.find_remote("origin") {
        Ok(_) => repo.remote_set_url("origin", &url),
        Err(_) => repo.remote("origin", &url).map(drop),
    };
    set.map_err(|error| failure::of_git("configured", repo.path(), error))
}
