//! One file on its way into the store.
//!
//! A small file is sent from memory, a large one in parts while it is read ([`large`]). Whoever reads
//! takes room in a pool first, so memory is bounded whatever the sizes are.

mod large;
mod spare;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent_plan::plan::Delivery;
use agent_plan::secret::Redactor;
use bytes::BytesMut;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::{digest, report};

use super::account::Fate;
use super::content::{Content, Found, Kind};
use super::deadline::Deadline;
use super::media::media_type;
use super::select::Item;
use super::source::{self, SourceError};
use super::store::{About, Body, Fault, Identity, Store, Stored};
use super::tally::Tally;
pub(super) use spare::Spare;

/// The largest file that is sent at once.
const SINGLE: u64 = 16 << 20;

/// S3 takes 10,000 parts.
const MOST_PARTS: u64 = 10_000;

/// Unit of the pool.
const MIB: u64 = 1 << 20;

/// What is in memory at once, in MiB: a small file at its largest and others, or four parts.
const POOL: u32 = 24;

/// How long what was begun may take to be given up, when there is no time left.
pub(super) const CLEAN_UP: Duration = Duration::from_secs(1);

/// What carries files.
#[derive(Debug)]
pub(super) struct Carrier {
    pub(super) store: Arc<Store>,
    pub(super) redactor: Redactor,
    /// Whether what holds a secret and is not text is refused.
    pub(super) fail_closed: bool,
    /// Whether an earlier attempt may have stored small files, too.
    pub(super) looks_first: bool,
    pub(super) deadline: Deadline,
    pub(super) pool: Arc<Semaphore>,
    pub(super) spare: Spare,
    pub(super) tally: Arc<Tally>,
}

/// What became of a file.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) fate: Fate,
    pub(super) error: Option<String>,
    /// Whether nothing else can be stored either.
    pub(super) is_general: bool,
    /// Whether nothing else can be stored either if this goes on.
    pub(super) is_trouble: bool,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) found: Found,
}

/// Why a file is not stored.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("it has {size} bytes, more than the {most} of `maxBytes`")]
    TooLong { size: u64, most: u64 },
    #[error("it holds the secret {}, and is no text in which that could be replaced", .0.join(", "))]
    Secret(Vec<String>),
    #[error("it has {0} bytes, more than fit into {MOST_PARTS} parts in bounded memory")]
    TooManyParts(u64),
    #[error("it changed while it was read, twice; end what writes to it before the agent ends")]
    Changed,
    #[error("the reading of it panicked")]
    Panic(#[from] tokio::task::JoinError),
    #[error("{}", super::account::NOT_REACHED)]
    NoTime,
}

/// What is known of a file after it was read.
struct Surveyed {
    identity: Identity,
    found: Found,
}

/// Returns the pool that carriers share.
pub(super) fn pool() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(POOL as usize))
}

impl Carrier {
    /// Stores a file. Not cancel safe: what was begun is given up here, at the deadline.
    pub(super) async fn carry(&self, item: &Item, delivery: &Delivery) -> Outcome {
        let mut outcome = Outcome::default();
        match self.try_carry(item, delivery, &mut outcome).await {
            Ok(fate) => outcome.fate = fate,
            Err(stop) => {
                let fault = match &stop {
                    Stop::Fault(fault) => Some(fault),
                    _ => None,
                };
                outcome.is_general = fault.is_some_and(|fault| fault.is_general);
                outcome.is_trouble = fault.is_some_and(|fault| fault.is_trouble);
                outcome.fate = match &stop {
                    Stop::Source(SourceError::Missing { .. }) => Fate::Missing,
                    Stop::Source(SourceError::Outside { .. } | SourceError::NotAFile { .. })
                    | Stop::TooLong { .. }
                    | Stop::TooManyParts(_)
                    | Stop::Secret(_) => Fate::Refused,
                    Stop::NoTime => Fate::Pending,
                    Stop::Source(_) | Stop::Fault(_) | Stop::Changed | Stop::Panic(_) => {
                        Fate::Failed
                    }
                };
                let hint = fault.and_then(|fault| fault.hint);
                outcome.error = Some(report::sentence(&stop, hint.map(str::to_owned)));
            }
        }
        outcome
    }

    async fn try_carry(
        &self,
        item: &Item,
        delivery: &Delivery,
        outcome: &mut Outcome,
    ) -> Result<Fate, Stop> {
        let (mut changed, mut grew) = (0, false);
        while changed < 2 {
            let content = self.in_time(self.open(&item.path, u64::MAX)).await??;
            let size = content.size();
            if let Some(most) = delivery.max_bytes.filter(|most| size > *most) {
                return Err(Stop::TooLong { size, most });
            }
            if size <= SINGLE && !grew {
                match self.small(item, delivery, content, outcome).await? {
                    Some(fate) => return Ok(fate),
                    None => grew = true,
                }
                continue;
            }
            if let Some(fate) = self.large(item, delivery, content, outcome).await? {
                return Ok(fate);
            }
            tracing::info!(path = %item.path.display(), "File changed while it was read.");
            changed += 1;
        }
        Err(Stop::Changed)
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.deadline.within(work).await.ok_or(Stop::NoTime)
    }

    /// Opens a file, of which no more than `most` bytes count.
    async fn open(&self, path: &Path, most: u64) -> Result<Content, Stop> {
        let (path, redactor) = (path.to_owned(), self.redactor.clone());
        let open = move || {
            let file = source::open(&path)?;
            let content = Content::new(file, most, &redactor);
            content.map_err(|error| SourceError::of(&path, error))
        };
        Ok(spawn_blocking(open).await??)
    }

    /// What the object is to be, and noted to be.
    fn about(item: &Item, delivery: &Delivery, kind: Kind, outcome: &mut Outcome) -> About {
        let told = delivery.content_type.clone();
        let content_type = told.unwrap_or_else(|| media_type(&item.path, kind).to_owned());
        outcome.content_type = Some(content_type.clone());
        About {
            key: item.key.clone(),
            content_type,
        }
    }

    /// Notes what was read; what must not be stored is refused.
    fn note(&self, surveyed: &Surveyed, outcome: &mut Outcome) -> Result<(), Stop> {
        outcome.size = Some(surveyed.identity.size);
        outcome.sha256 = Some(digest::hex(&surveyed.identity.digest));
        outcome.found = surveyed.found.clone();
        let left = &surveyed.found.left;
        if self.fail_closed && !left.is_empty() {
            return Err(Stop::Secret(left.clone()));
        }
        Ok(())
    }

    /// What is there already, if it is the same.
    fn keep(
        &self,
        there: Option<Stored>,
        identity: &Identity,
        outcome: &mut Outcome,
    ) -> Option<Fate> {
        let same = there.filter(|there| there.is(identity))?;
        self.tally.stored(identity.size);
        outcome.etag = same.etag;
        Some(Fate::Unchanged)
    }

    /// Stores a file at once. `None`: it has no room, because what stands for its secrets is longer
    /// than they are.
    async fn small(
        &self,
        item: &Item,
        delivery: &Delivery,
        mut content: Content,
        outcome: &mut Outcome,
    ) -> Result<Option<Fate>, Stop> {
        let size = content.size();
        let room = u32::try_from(size.div_ceil(MIB)).unwrap_or(POOL).max(1);
        let _room = self.in_time(self.pool.acquire_many(room)).await?;
        self.spare.clear();
        let about = Self::about(item, delivery, content.kind(), outcome);
        let path = item.path.clone();
        // Not made by the thread that reads: allocators keep a freed buffer for each that made one.
        let mut bytes = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
        let read = move || {
            let most = usize::try_from(u64::from(room) * MIB).unwrap_or(usize::MAX);
            let read = content.fill(&mut bytes, most.saturating_add(1));
            read.map_err(|error| SourceError::of(&path, error))?;
            if bytes.len() > most {
                return Ok(None);
            }
            let surveyed = Surveyed {
                identity: Identity {
                    size: bytes.len() as u64,
                    digest: digest::sha256(&bytes),
                    composite: None,
                },
                found: content.found(),
            };
            Ok::<_, SourceError>(Some((bytes.freeze(), surveyed)))
        };
        let Some((bytes, surveyed)) = self.in_time(spawn_blocking(read)).await??? else {
            return Ok(None);
        };
        self.note(&surveyed, outcome)?;
        let identity = surveyed.identity;
        if self.looks_first {
            let there = self.in_time(self.store.look(&about.key)).await??;
            if let Some(fate) = self.keep(there, &identity, outcome) {
                return Ok(Some(fate));
            }
        }
        let body = Body {
            bytes,
            digest: identity.digest,
        };
        outcome.etag = self.in_time(self.store.put(&about, body)).await??;
        self.tally.stored(identity.size);
        Ok(Some(Fate::Stored))
    }
}
