//! Collecting what the run declared, and storing it (contract §6, design §11).
//!
//! # Theory of operation
//!
//! [`Artifacts::deliver`] comes after the agent, however that ended. [`mod@select`] lists the files of
//! each delivery of the plan, on paths that [`source`] takes as hostile. The smallest go first,
//! several at a time, each by [`transfer`]: read through the redactor ([`content`], which also knows by a
//! stamp whether somebody wrote to it), at once or in parts whose buffers go round, and sent to a
//! [`store`], which is [`s3`] or a [`directory`]. What became of each is in an [`account`] from the
//! beginning, so that whenever there is no more time ([`mod@deadline`]), what is said is true.
//! [`Artifacts::last`] stores what is only complete at the very end: the journal, the status, and a
//! [`manifest`] of everything.
//!
//! Deliberately absent: going on with a multipart upload of an earlier attempt, which would leave
//! parts behind that cost and that nobody sees. An object is stored whole or not at all; the next
//! attempt stores those that are missing.

mod account;
mod content;
mod deadline;
mod directory;
mod manifest;
mod media;
mod s3;
mod select;
mod source;
mod store;
mod tally;
mod transfer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_plan::event::Event;
use agent_plan::plan::{Delivery, Plan};
use agent_plan::settings::{Included, When};
use agent_plan::spec::OutputArtifact;
use agent_plan::status::{RunStatus, UploadsStatus};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::iter;
use tokio::task::spawn_blocking;

use crate::{digest, report};

use account::{Account, Fate, Object};
pub(crate) use deadline::{Deadline, Hurry, deadline};
use manifest::Manifest;
use select::{Item, select};
use source::SourceError;
use store::{About, Body, Store};
pub(crate) use tally::Say;
use tally::Tally;
use transfer::{Carrier, Spare};

/// How many files are on their way at once.
const AT_ONCE: usize = 8;

/// After so many files in a row that a store failed to take, it is not asked for others: as many as
/// are on their way at once, each asked for often enough.
const TROUBLES: usize = AT_ONCE;

/// How long what was begun takes to be given up, after the deadline.
pub(crate) const CLEAN_UP: Duration = transfer::CLEAN_UP;

/// Name of the stored status below the run's prefix.
const STATUS: &str = "status.json";

/// How much is shown of a name that is no key, in characters: it may be long for just that.
const SHOWN: usize = 120;

/// A file on its way.
struct Errand {
    /// Index of its artifact.
    entry: usize,
    /// Its own.
    object: usize,
    item: Item,
}

/// The artifacts of a run.
#[derive(Debug)]
pub(crate) struct Artifacts {
    plan: Arc<Plan>,
    store: Option<Arc<Store>>,
    account: Account,
}

/// What became of them, for the status.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// The artifacts that the status shows.
    pub(crate) outputs: Vec<OutputArtifact>,
    /// Counts; `None`: there was nothing to store.
    pub(crate) uploads: Option<UploadsStatus>,
    /// What keeps a run that succeeded from being one.
    pub(crate) undelivered: Option<String>,
    /// Replacements in text by name of the secret.
    pub(crate) redactions: BTreeMap<String, u64>,
    /// What the run coped with.
    pub(crate) warnings: Vec<String>,
}

impl Artifacts {
    /// Notes what there is to store after a run that `succeeded` or did not; nothing is touched.
    ///
    /// `log` is where the log is, should it not be where the plan has it.
    pub(crate) fn new(plan: Arc<Plan>, succeeded: bool, log: Option<PathBuf>) -> Self {
        let account = Account::default();
        let own = own(&plan, log, &[Included::Log, Included::WorkspaceWip]);
        for delivery in plan.artifacts.deliveries.iter().cloned().chain(own) {
            let mut books = account.books();
            if delivery.when.applies(succeeded) {
                books.enter(delivery);
            } else {
                books.skipped.push((delivery.name, delivery.when));
            }
        }
        Self {
            plan,
            store: None,
            account,
        }
    }

    /// Whether a run that succeeded is none before everything is stored.
    pub(crate) fn is_required(&self) -> bool {
        self.account.books().undelivered().is_some()
    }

    /// Whether there is anything to store, now or at the end.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.account.books().entries.is_empty() || !self.plan.artifacts.include.is_empty()
    }

    /// Stores what there is, until `deadline`, and a second longer to give up what was begun.
    ///
    /// `say` hears how far it is. May be dropped: what became of everything is known all the same, but
    /// a multipart upload may stay.
    pub(crate) async fn deliver(&mut self, deadline: &Deadline, say: &Say) {
        match self.open().await {
            Ok(store) => self.store = Some(store),
            Err(problem) => {
                let mut books = self.account.books();
                books.fail_all(&problem);
                if books.entries.is_empty() {
                    books
                        .warnings
                        .push(format!("no artifacts are stored: {problem}"));
                }
                return;
            }
        }
        let Some(errands) = deadline.within(self.list()).await else {
            return;
        };
        self.send(errands, deadline, say).await;
    }

    async fn open(&self) -> Result<Arc<Store>, String> {
        let plan = self.plan.artifacts.store.clone();
        let plan = plan.map_err(|error| report::sentence(&error, None))?;
        let opened = spawn_blocking(move || Store::open(&plan)).await;
        let opened = opened.map_err(|error| report::sentence(&error, None))?;
        let store = opened.map_err(|error| report::sentence(&error, None))?;
        Ok(Arc::new(store))
    }

    /// Lists the files of every delivery, and enters them as pending.
    async fn list(&self) -> Vec<Errand> {
        let mut errands = Vec::new();
        let count = self.account.books().entries.len();
        for index in 0..count {
            let delivery = self.account.books().entries[index].delivery.clone();
            let roots = self.plan.roots.clone();
            let listed = spawn_blocking(move || listed(&delivery, &roots)).await;
            let listed =
                listed.unwrap_or_else(|error| Err((Fate::Failed, report::sentence(&error, None))));
            errands.extend(self.enter(index, listed));
        }
        // What is small is worth as much, and soonest safe.
        errands.sort_by_key(|errand| errand.item.size);
        errands
    }

    fn enter(
        &self,
        index: usize,
        listed: Result<select::Selection, (Fate, String)>,
    ) -> Vec<Errand> {
        let url = |key: &str| self.store.as_ref().map(|store| store.url(key));
        let mut books = self.account.books();
        let books = &mut *books;
        let entry = &mut books.entries[index];
        let mut selection = match listed {
            Ok(selection) => selection,
            Err(problem) => {
                entry.problem = Some(problem);
                return Vec::new();
            }
        };
        entry.problem = None;
        // What a run stores below its own work tree is no part of the next run's.
        if let Some(root) = self.store.as_ref().and_then(|store| store.directory()) {
            let had = selection.items.len();
            selection.items.retain(|item| !item.path.starts_with(root));
            if !selection.is_tree && selection.items.len() < had {
                let why = "it lies in the directory that artifacts are stored in";
                entry.problem = Some((Fate::Refused, why.to_owned()));
                return Vec::new();
            }
        }
        if selection.is_tree {
            entry.key.push('/');
        }
        entry.url = url(&entry.key).unwrap_or_default();
        let unnamed = selection.unnamed.iter();
        let unnamed = unnamed.map(|(name, why)| {
            let name = name.escape_debug().to_string();
            format!("`{}`: {why}", agent_plan::status::cut(&name, SHOWN))
        });
        let unread = selection.unread.iter();
        let unread = unread.map(|error| report::sentence(error, None));
        let problems: Vec<String> = unnamed.chain(unread).collect();
        if let Some(first) = problems.first() {
            let more = match problems.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            entry.problem = Some((Fate::Failed, format!("{first}{more}")));
        }
        let mut errands = Vec::with_capacity(selection.items.len());
        for item in selection.items {
            let object = books.objects.len();
            entry.objects.push(object);
            books.objects.push(Object {
                artifact: entry.delivery.name.clone(),
                path: item.path.display().to_string(),
                key: item.key.clone(),
                url: url(&item.key).unwrap_or_default(),
                size: item.size,
                sha256: None,
                etag: None,
                content_type: None,
                result: Fate::Pending,
                error: None,
            });
            errands.push(Errand {
                entry: index,
                object,
                item,
            });
        }
        errands
    }

    async fn send(&self, errands: Vec<Errand>, deadline: &Deadline, say: &Say) {
        let Some(store) = self.store.clone() else {
            return;
        };
        let sizes = errands.iter().map(|errand| errand.item.size);
        let bytes = sizes.fold(0, u64::saturating_add);
        let carrier = Carrier {
            store,
            redactor: self.plan.redactor.clone(),
            fail_closed: self.plan.artifacts.fail_closed,
            looks_first: self.plan.identity.attempt > 1,
            deadline: deadline.clone(),
            pool: transfer::pool(),
            spare: Spare::default(),
            tally: Arc::new(Tally::new(errands.len(), bytes, say)),
        };
        let carrier = &carrier;
        let done = iter(errands).for_each_concurrent(AT_ONCE, |errand| async move {
            // Once nothing can be stored, nobody is asked thousands of times.
            if !deadline.is_over() && self.account.books().general.is_none() {
                self.carry(carrier, &errand).await;
            }
            carrier.tally.ended();
        });
        done.await;
        carrier.tally.end();
        self.account.books().give_general();
    }

    async fn carry(&self, carrier: &Carrier, errand: &Errand) {
        let item = &errand.item;
        let delivery = self.account.books().entries[errand.entry].delivery.clone();
        let outcome = carrier.carry(item, &delivery).await;
        let mut books = self.account.books();
        if outcome.is_trouble {
            books.troubles += 1;
        } else if outcome.fate.is_there() {
            books.troubles = 0;
        }
        let is_general = outcome.is_general || books.troubles >= TROUBLES;
        if let (Some(why), true) = (&outcome.error, is_general) {
            books.general.get_or_insert_with(|| why.clone());
        }
        for (name, count) in outcome.found.replaced {
            *books.redactions.entry(name).or_default() += count;
        }
        if outcome.fate.is_there() && !outcome.found.left.is_empty() {
            let names = outcome.found.left.join(", ");
            let path = item.path.display();
            books.warnings.push(format!(
                "`{path}` was stored and holds the secret {names}: it is no text in which that could be replaced (hint: `redact.failClosed` refuses such files)"
            ));
        }
        let object = &mut books.objects[errand.object];
        object.size = outcome.size.unwrap_or(object.size);
        object.sha256 = outcome.sha256;
        object.etag = outcome.etag;
        object.content_type = outcome.content_type;
        object.error = outcome.error;
        object.result = outcome.fate;
    }

    /// Stores what is only complete at the end: the journal, the status `status`, whose
    /// complete form is `bytes`, and the manifest.
    /// None of it makes a run fail. May be dropped.
    pub(crate) async fn last(
        &self,
        status: &RunStatus,
        bytes: Vec<u8>,
        deadline: &Deadline,
        say: &Say,
    ) {
        if self.store.is_none() {
            return;
        }
        self.account.books().hope();
        let journal = own(&self.plan, None, &[Included::Journal]).next();
        if let Some(journal) = journal {
            let index = self.account.books().enter(journal);
            let delivery = self.account.books().entries[index].delivery.clone();
            let roots = self.plan.roots.clone();
            let listed = spawn_blocking(move || listed(&delivery, &roots));
            let Some(Ok(listed)) = deadline.within(listed).await else {
                return;
            };
            let errands = self.enter(index, listed);
            self.send(errands, deadline, say).await;
        }
        let includes = |what| self.plan.artifacts.include.contains(&what);
        if includes(Included::Status) {
            self.put(STATUS, bytes, deadline).await;
        }
        if includes(Included::Manifest) {
            let manifest = {
                let books = self.account.books();
                let run = self.plan.events.speaker.run_name.as_deref();
                Manifest::new(run.unwrap_or_default(), status, &books).bytes()
            };
            self.put(manifest::NAME, manifest, deadline).await;
        }
    }

    /// Stores something of ours, redacted like everything else.
    async fn put(&self, name: &str, bytes: Vec<u8>, deadline: &Deadline) {
        let Some(store) = &self.store else { return };
        if self.account.books().general.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let bytes = Bytes::from(self.plan.redactor.text(&text).into_owned());
        let digest = digest::sha256(&bytes);
        let about = About {
            key: format!("{}{name}", self.plan.artifacts.prefix),
            content_type: "application/json".to_owned(),
        };
        let stored = deadline
            .within(store.put(&about, Body { bytes, digest }))
            .await;
        let problem = match stored {
            Some(Ok(_)) => {
                let url = store.url(&about.key);
                self.account
                    .books()
                    .own
                    .push((name.to_owned(), about.key, url));
                return;
            }
            Some(Err(fault)) => {
                let problem = fault.to_string();
                if fault.is_trouble || fault.is_general {
                    self.account.books().general = Some(problem.clone());
                }
                problem
            }
            None => account::NOT_REACHED.to_owned(),
        };
        let mut books = self.account.books();
        books
            .warnings
            .push(format!("`{name}` is not stored: {problem}"));
    }

    /// What became of everything so far; replacements and warnings that were not told yet.
    pub(crate) fn delivered(&self) -> Delivered {
        let mut books = self.account.books();
        let store = self.store.as_ref().map(|store| store.url(""));
        Delivered {
            outputs: books.outputs(&self.plan.artifacts.declared),
            uploads: self
                .is_known(&books)
                .then(|| books.status(store.unwrap_or_default())),
            undelivered: books.undelivered(),
            redactions: std::mem::take(&mut books.redactions),
            warnings: std::mem::take(&mut books.warnings),
        }
    }

    fn is_known(&self, books: &account::Books) -> bool {
        self.store.is_some() || !books.entries.is_empty()
    }

    /// What is said of each artifact.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.account.books().events()
    }
}

/// Lists the files of a delivery. Blocks.
fn listed(delivery: &Delivery, roots: &[PathBuf]) -> Result<select::Selection, (Fate, String)> {
    let key = delivery.key.as_ref();
    // Whoever says it has the artifact's name already.
    let key = key.map_err(|error| {
        let why = format!("it has the key `{}`, {}", error.key, error.problem);
        (Fate::Refused, why)
    })?;
    let Some(path) = &delivery.path else {
        let why = "it has a key and no path, so there is nothing to store";
        return Err((Fate::Missing, why.to_owned()));
    };
    select(delivery, path, key, roots).map_err(|error| {
        let fate = match &error {
            select::SelectError::Source(SourceError::Missing { .. })
            | select::SelectError::NoMatch { .. } => Fate::Missing,
            select::SelectError::Source(SourceError::Read { .. }) => Fate::Failed,
            _ => Fate::Refused,
        };
        (fate, report::sentence(&error, None))
    })
}

/// Files of ours that are to be stored, as deliveries that make no run fail.
fn own<'a>(
    plan: &'a Plan,
    log: Option<PathBuf>,
    which: &'a [Included],
) -> impl Iterator<Item = Delivery> + 'a {
    let include = plan.artifacts.include.iter();
    let wanted = include.filter(|include| which.contains(include));
    wanted.filter_map(move |include| {
        let path: Option<&Path> = match include {
            Included::Log => log.as_deref().or(plan.paths.log.as_deref()),
            Included::Journal => plan.events.journal.as_deref(),
            Included::WorkspaceWip => plan.wip.as_deref(),
            Included::Status | Included::Manifest => None,
        };
        let path = path?;
        let name = path.file_name()?.to_str()?;
        Some(Delivery {
            declared: None,
            name: name.to_owned(),
            path: Some(path.to_owned()),
            key: Ok(format!("{}{name}", plan.artifacts.prefix)),
            is_tree: *include == Included::WorkspaceWip,
            when: When::Always,
            optional: true,
            max_bytes: None,
            content_type: None,
            exclude: Vec::new(),
        })
    })
}
