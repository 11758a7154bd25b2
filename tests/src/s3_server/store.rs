//! Bodies in files, and an index of them in memory: every key that S3 takes can be stored, and an
//! upload in parts becomes an object without a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use s3s::dto::Checksum;

/// All buckets of a server.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    next: AtomicU64,
    state: Mutex<State>,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) buckets: BTreeSet<String>,
    /// By bucket and key.
    pub(super) objects: BTreeMap<(String, String), Arc<Entry>>,
    /// Those that are neither complete nor aborted, by their ids.
    pub(super) uploads: BTreeMap<String, Upload>,
    /// Whether uploads have no checksums, whatever is asked for.
    pub(super) forgets_checksums: bool,
}

/// An object.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) attributes: Attributes,
    /// In their order; one if it came in one piece.
    pub(super) blobs: Vec<Arc<Blob>>,
    pub(super) etag: String,
    pub(super) checksum: Checksum,
    pub(super) modified: SystemTime,
    /// Whether it came in parts.
    pub(super) multipart: bool,
}

/// What a request says of an object, besides its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) content_type: Option<String>,
    pub(super) encryption: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) storage_class: Option<String>,
    /// As they came, names in lower case.
    pub(super) headers: Vec<(String, String)>,
}

/// An upload in parts.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) attributes: Attributes,
    /// In lower case, such as `sha256`.
    pub(super) algorithm: Option<String>,
    pub(super) parts: BTreeMap<i32, Arc<Blob>>,
}

/// A file, gone when nothing refers to it any more.
#[derive(Debug)]
pub(super) struct Blob {
    pub(super) path: PathBuf,
    pub(super) length: u64,
    pub(super) md5: [u8; 16],
    /// Those that were given and are right.
    pub(super) checksum: Checksum,
}

impl Store {
    /// Keeps its files in a directory that exists.
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            next: AtomicU64::new(1),
            state: Mutex::default(),
        }
    }

    /// The index, locked.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty blob, and its file.
    pub(super) fn blob(&self) -> io::Result<(Blob, std::fs::File)> {
        let path = self.dir.join(format!("{}.blob", self.number()));
        let file = std::fs::File::create_new(&path)?;
        let blob = Blob {
            path,
            length: 0,
            md5: [0; 16],
            checksum: Checksum::default(),
        };
        Ok((blob, file))
    }

    /// The id of an upload.
    pub(super) fn upload_id(&self) -> String {
        // As opaque as those of S3, which must be encoded in a query.
        format!("upload/{}+{:x}==", self.number(), std::process::id())
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

impl Entry {
    /// Its length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.length).sum()
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        // Its directory may be gone already, which is as good.
        drop(std::fs::remove_file(&self.path));
    }
}
