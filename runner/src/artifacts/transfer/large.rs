//! A file that is sent in parts.
//!
//! It is read once where that is enough: it is looked through, hashed and sent meanwhile, and what was
//! sent becomes an object if nobody wrote to the file. It is read before that where an object is there
//! already, which may be the same; where nothing that has a secret in it may leave us; and where the
//! store has to be told the digest of the whole first. Where the time of its last change does not tell
//! whether it was written to, it is read afterwards, too.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent_plan::plan::Delivery;
use aws_lc_rs::digest::{Context, Digest, SHA256};
use bytes::BytesMut;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::artifacts::account::Fate;
use crate::artifacts::content::{Content, Kind};
use crate::artifacts::select::Item;
use crate::artifacts::source::SourceError;
use crate::artifacts::store::{About, Body, Identity, Part, Upload};
use crate::digest;

use super::{CLEAN_UP, Carrier, MIB, MOST_PARTS, Outcome, POOL, Stop, Surveyed};

/// Bytes of a part, unless there would be too many: S3 takes at least 5 MiB of all but the last.
const PART: u64 = 6 << 20;

/// How long an upload may take to be given up while there is time: a few attempts.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 20;

/// What was sent.
struct Sent {
    parts: Vec<Part>,
    surveyed: Surveyed,
    /// Whether nobody wrote to the file meanwhile, for sure.
    is_as_opened: bool,
}

impl Carrier {
    /// Stores a file in parts. `None`: it changed while it was read.
    pub(super) async fn large(
        &self,
        item: &Item,
        delivery: &Delivery,
        mut content: Content,
        outcome: &mut Outcome,
    ) -> Result<Option<Fate>, Stop> {
        let size = content.size();
        let part = part_size(size).ok_or(Stop::TooManyParts(size))?;
        let kind = content.kind();
        let about = Self::about(item, delivery, kind, outcome);
        let mut there = self.in_time(self.store.look(&about.key)).await??;
        let may_leave = !self.fail_closed || kind == Kind::Text;
        let mut reads_first = there.is_some() || !may_leave;
        let (upload, before) = loop {
            let mut before = None;
            if reads_first {
                let surveyed = self.in_time(survey(content, &item.path, part)).await??;
                if surveyed.identity.size == 0 {
                    // It was emptied meanwhile, and an object has one part at least.
                    return Ok(None);
                }
                self.note(&surveyed, outcome)?;
                if let Some(fate) = self.keep(there.take(), &surveyed.identity, outcome) {
                    return Ok(Some(fate));
                }
                before = Some(surveyed.identity.digest);
                // What was added meanwhile belongs to the next attempt.
                content = self.in_time(self.open(&item.path, size)).await??;
                if content.kind() != kind {
                    // What was decided for the one does not hold for the other.
                    return Ok(None);
                }
            }
            match self.begin(&about, before.as_ref()).await? {
                Some(upload) if upload.is_known_again() => break (Arc::new(upload), before),
                Some(upload) => self.give_up(&upload, &about.key).await,
                None => {}
            }
            reads_first = true;
        };
        let mut sending = JoinSet::new();
        let sent = self.send(&mut sending, &upload, &item.path, content, part);
        let sent = self.in_time(sent).await.flatten();
        // A part that is still on its way could outlive the upload.
        sending.shutdown().await;
        let done = match sent {
            Ok(sent) => self.end(&upload, sent, before, (item, size), outcome).await,
            Err(stop) => Err(stop),
        };
        if !matches!(done, Ok(Some(_))) {
            self.give_up(&upload, &about.key).await;
        }
        done
    }

    /// Makes what was sent an object, if the file is what it was `before`, or did not change.
    async fn end(
        &self,
        upload: &Upload,
        sent: Sent,
        before: Option<Digest>,
        (item, size): (&Item, u64),
        outcome: &mut Outcome,
    ) -> Result<Option<Fate>, Stop> {
        self.note(&sent.surveyed, outcome)?;
        let identity = sent.surveyed.identity;
        let before = match before {
            None if !sent.is_as_opened => {
                let content = self.in_time(self.open(&item.path, size)).await??;
                let again = survey(content, &item.path, PART);
                Some(self.in_time(again).await??.identity.digest)
            }
            before => before,
        };
        let is_same = before.is_none_or(|before| before.as_ref() == identity.digest.as_ref());
        if !is_same || sent.parts.is_empty() {
            return Ok(None);
        }
        outcome.etag = self
            .complete(upload, sent.parts, &item.key, &identity)
            .await?;
        Ok(Some(Fate::Stored))
    }

    /// Makes the parts an object. An answer that is lost is asked for again by the client, and what is
    /// complete by then is no upload any more: whether the object is there counts.
    async fn complete(
        &self,
        upload: &Upload,
        parts: Vec<Part>,
        key: &str,
        identity: &Identity,
    ) -> Result<Option<String>, Stop> {
        let fault = match self.in_time(upload.complete(parts)).await? {
            Ok(etag) => return Ok(etag),
            Err(fault) => fault,
        };
        let there = self.in_time(self.store.look(key)).await?;
        let same = there.ok().flatten().filter(|there| there.is(identity));
        same.map(|there| there.etag).ok_or(fault.into())
    }

    /// Begins an object; what a server has begun when there is no time left is given up.
    /// `None`: the digest has to be known first.
    async fn begin(&self, about: &About, digest: Option<&Digest>) -> Result<Option<Upload>, Stop> {
        let begin = self.store.begin(about, digest);
        tokio::pin!(begin);
        if let Some(begun) = self.deadline.within(&mut begin).await {
            return Ok(begun?);
        }
        if let Ok(Ok(Some(upload))) = timeout(CLEAN_UP / 2, begin).await {
            give_up(&upload, &about.key, CLEAN_UP / 2).await;
        }
        Err(Stop::NoTime)
    }

    /// Gives an upload up, with as much patience as there is time for.
    async fn give_up(&self, upload: &Upload, key: &str) {
        let within = if self.deadline.is_over() {
            CLEAN_UP
        } else {
            PATIENCE
        };
        give_up(upload, key, within).await;
    }

    /// Sends a file while it is read.
    async fn send(
        &self,
        sending: &mut JoinSet<Result<Part, Stop>>,
        upload: &Arc<Upload>,
        path: &Path,
        mut content: Content,
        part: u64,
    ) -> Result<Sent, Stop> {
        let length = usize::try_from(part).unwrap_or(usize::MAX);
        let room = u32::try_from(part.div_ceil(MIB)).unwrap_or(POOL);
        let mut whole = Context::new(&SHA256);
        let mut parts = Vec::new();
        let (mut number, mut size, mut is_as_opened) = (1_i32, 0, None);
        while is_as_opened.is_none() {
            let room = Arc::clone(&self.pool).acquire_many_owned(room).await;
            let from = path.to_owned();
            let mut bytes = self.spare.take(length);
            let read = move || {
                let read = content.fill(&mut bytes, length);
                read.map_err(|error| SourceError::of(&from, error))?;
                whole.update(&bytes);
                let is_end = bytes.len() < length;
                let as_opened = is_end.then(|| content.is_as_opened()).transpose();
                let as_opened = as_opened.map_err(|error| SourceError::of(&from, error))?;
                Ok::<_, SourceError>((content, whole, bytes, as_opened))
            };
            let bytes;
            (content, whole, bytes, is_as_opened) = spawn_blocking(read).await??;
            if bytes.is_empty() {
                break;
            }
            if u64::from(number.unsigned_abs()) > MOST_PARTS {
                return Err(Stop::TooManyParts(size));
            }
            let (from, length) = (size, bytes.len() as u64);
            size += length;
            let (upload, tally) = (Arc::clone(upload), Arc::clone(&self.tally));
            let spare = self.spare.clone();
            sending.spawn(async move {
                let hash = move || Body {
                    digest: digest::sha256(&bytes),
                    bytes: bytes.freeze(),
                };
                let body = spawn_blocking(hash).await?;
                let bytes = body.bytes.clone();
                let part = upload.part(number, from, body).await?;
                spare.give(bytes);
                drop(room);
                tally.stored(length);
                Ok::<_, Stop>(part)
            });
            number += 1;
            // A part that failed ends it all.
            while let Some(part) = sending.try_join_next() {
                parts.push(part??);
            }
        }
        while let Some(part) = sending.join_next().await {
            parts.push(part??);
        }
        parts.sort_by_key(|part| part.number);
        let mut composite = Context::new(&SHA256);
        for part in &parts {
            composite.update(part.digest.as_ref());
        }
        Ok(Sent {
            parts,
            surveyed: Surveyed {
                identity: Identity {
                    size,
                    digest: whole.finish(),
                    composite: Some(composite.finish()),
                },
                found: content.found(),
            },
            is_as_opened: is_as_opened.unwrap_or_default(),
        })
    }
}

async fn give_up(upload: &Upload, key: &str, within: Duration) {
    let problem = match timeout(within, upload.abort()).await {
        Ok(Ok(())) => return,
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => "the object store did not answer in time".to_owned(),
    };
    tracing::warn!(
        key,
        problem,
        "A multipart upload may stay in the object store."
    );
}

/// Reads a large file to its end, without keeping it; `part` bytes of it would be sent at once.
async fn survey(mut content: Content, path: &Path, part: u64) -> Result<Surveyed, Stop> {
    let path = path.to_owned();
    let read = move || {
        let [mut whole, mut composite, mut piece] = [(); 3].map(|()| Context::new(&SHA256));
        let mut size = 0;
        let mut bytes = BytesMut::new();
        loop {
            bytes.clear();
            let read = content.fill(&mut bytes, CHUNK);
            read.map_err(|error| SourceError::of(&path, error))?;
            let is_end = bytes.len() < CHUNK;
            whole.update(&bytes);
            piece.update(&bytes);
            size += bytes.len() as u64;
            let is_open = !size.is_multiple_of(part);
            if is_end == is_open {
                let piece = std::mem::replace(&mut piece, Context::new(&SHA256));
                composite.update(piece.finish().as_ref());
            }
            if is_end {
                break;
            }
        }
        Ok::<_, SourceError>(Surveyed {
            identity: Identity {
                size,
                digest: whole.finish(),
                composite: Some(composite.finish()),
            },
            found: content.found(),
        })
    };
    Ok(spawn_blocking(read).await??)
}

/// Bytes of a part, in whole MiB; `None` if parts would have to be larger than the pool.
fn part_size(size: u64) -> Option<u64> {
    let needed = size.div_ceil(MOST_PARTS).next_multiple_of(MIB);
    let part = needed.max(PART);
    (part <= u64::from(POOL) * MIB).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_many_as_s3_takes_and_fit_into_the_pool() {
        for size in [17 << 20, 5 << 30, 80 << 30, 200 << 30] {
            let part = part_size(size).expect("it fits");
            assert!(size.div_ceil(part) <= MOST_PARTS, "{size}: {part}");
            assert!(part >= PART && part.is_multiple_of(MIB), "{size}: {part}");
        }
        assert_eq!(part_size(1 << 40), None);
    }
}
