//! A file that is sent in parts.
//!
//! It is read twice: what its checksum is the object is begun with, and by it an object that is there
//! already is known, and a file that changes while it is read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent_plan::plan::Delivery;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::artifacts::account::Fate;
use crate::artifacts::content::Content;
use crate::artifacts::select::Item;
use crate::artifacts::source::SourceError;
use crate::artifacts::store::{About, Body, Fault, Part, Upload};
use crate::digest;

use super::{CLEAN_UP, Carrier, MIB, MOST_PARTS, Outcome, POOL, Stop, Surveyed};

/// Bytes of a part, unless there would be too many: S3 takes at least 5 MiB of all but the last.
const PART: u64 = 8 << 20;

/// How long an upload may take to be given up while there is time: a few attempts.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 20;

impl Carrier {
    /// Stores a file in parts, as far as it has `size` bytes. `None`: it changed while it was read.
    pub(super) async fn large(
        &self,
        item: &Item,
        delivery: &Delivery,
        (content, size): (Content, u64),
        outcome: &mut Outcome,
    ) -> Result<Option<Fate>, Stop> {
        // Redaction makes it a little longer or shorter, so this is asked again.
        part_size(size).ok_or(Stop::TooManyParts(size))?;
        let surveyed = self.in_time(survey(content, &item.path)).await??;
        if surveyed.size == 0 {
            // It was emptied meanwhile, and an object has one part at least.
            return Ok(None);
        }
        let about = self.about(item, delivery, surveyed, outcome)?;
        if self.is_there(&about, outcome).await? {
            return Ok(Some(Fate::Unchanged));
        }
        let part = part_size(about.size).ok_or(Stop::TooManyParts(about.size))?;
        // What was added meanwhile belongs to the next attempt.
        let content = self.in_time(self.open(&item.path, size)).await??.0;
        let upload = Arc::new(self.begin(&about).await?);
        let mut sending = JoinSet::new();
        let sent = self.parts(&mut sending, &upload, &item.path, content, part, &about);
        let sent = self.in_time(sent).await.flatten();
        // A part that is still on its way could outlive the upload.
        sending.shutdown().await;
        let done = match sent {
            Ok(Some(parts)) => self.complete(&upload, parts, &about).await.map(Some),
            Ok(None) => Ok(None),
            Err(stop) => Err(stop),
        };
        match done {
            Ok(Some(etag)) => {
                outcome.etag = etag;
                Ok(Some(Fate::Stored))
            }
            Ok(None) => {
                self.give_up(&upload, &about.key).await;
                Ok(None)
            }
            Err(stop) => {
                self.give_up(&upload, &about.key).await;
                Err(stop)
            }
        }
    }

    /// Makes the parts an object. An answer that is lost is asked for again by the client, and what is
    /// complete by then is no upload any more: whether the object is there counts.
    async fn complete(
        &self,
        upload: &Upload,
        parts: Vec<Part>,
        about: &About,
    ) -> Result<Option<String>, Stop> {
        let fault = match self.in_time(upload.complete(parts)).await? {
            Ok(etag) => return Ok(etag),
            Err(fault) => fault,
        };
        let there = self.in_time(self.store.look(&about.key)).await?;
        let same = there.ok().flatten().filter(|there| there.is(about));
        same.map(|there| there.etag).ok_or(fault.into())
    }

    /// Begins an object; what a server has begun when there is no time left is given up.
    async fn begin(&self, about: &About) -> Result<Upload, Stop> {
        let begin = self.store.begin(about);
        tokio::pin!(begin);
        if let Some(begun) = self.deadline.within(&mut begin).await {
            return Ok(begun?);
        }
        if let Ok(Ok(upload)) = timeout(CLEAN_UP / 2, begin).await {
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

    /// Sends the parts of a file. `None`: they are not what was surveyed.
    async fn parts(
        &self,
        sending: &mut JoinSet<Result<Part, Fault>>,
        upload: &Arc<Upload>,
        path: &Path,
        mut content: Content,
        size: u64,
        about: &About,
    ) -> Result<Option<Vec<Part>>, Stop> {
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let room = u32::try_from(size.div_ceil(MIB)).unwrap_or(POOL);
        let mut whole = Context::new(&SHA256);
        let mut parts = Vec::new();
        let (mut number, mut offset) = (1, 0);
        while offset < about.size {
            let room = Arc::clone(&self.pool).acquire_many_owned(room).await;
            let from = path.to_owned();
            // Not made by the thread that reads: allocators keep a freed buffer for each that made one.
            let mut bytes = Vec::with_capacity(length);
            let read = move || {
                let read = content.fill(&mut bytes, length);
                read.map_err(|error| SourceError::of(&from, error))?;
                whole.update(&bytes);
                let body = Body {
                    digest: digest::sha256(&bytes),
                    bytes: Bytes::from(bytes),
                };
                Ok::<_, SourceError>((content, whole, body))
            };
            let body;
            (content, whole, body) = spawn_blocking(read).await??;
            if body.bytes.is_empty() {
                return Ok(None);
            }
            let from = offset;
            offset += body.bytes.len() as u64;
            let (upload, tally) = (Arc::clone(upload), Arc::clone(&self.tally));
            sending.spawn(async move {
                let bytes = body.bytes.len() as u64;
                let part = upload.part(number, from, body).await?;
                drop(room);
                tally.stored(bytes);
                Ok::<_, Fault>(part)
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
        let same = whole.finish().as_ref() == about.digest.as_ref() && offset == about.size;
        Ok(same.then_some(parts))
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

/// Reads a large file to its end, without keeping it.
async fn survey(mut content: Content, path: &Path) -> Result<Surveyed, Stop> {
    let path = path.to_owned();
    let read = move || {
        let mut digest = Context::new(&SHA256);
        let mut size = 0;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = content.fill(&mut bytes, CHUNK);
            read.map_err(|error| SourceError::of(&path, error))?;
            if bytes.is_empty() {
                break;
            }
            digest.update(&bytes);
            size += bytes.len() as u64;
        }
        Ok::<_, SourceError>(Surveyed {
            digest: digest.finish(),
            size,
            kind: content.kind(),
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
        for size in [17 << 20, 5 << 30, 80 << 30, 300 << 30] {
            let part = part_size(size).expect("it fits");
            assert!(size.div_ceil(part) <= MOST_PARTS, "{size}: {part}");
            assert!(part >= PART && part.is_multiple_of(MIB), "{size}: {part}");
        }
        assert_eq!(part_size(1 << 40), None);
    }
}
