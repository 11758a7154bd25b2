//! A directory as a store: the same rules, without a network. For local runs.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use tempfile::{Builder, NamedTempFile};
use tokio::task::spawn_blocking;

use crate::report;

use super::source::{self, SourceError};
use super::store::{About, Body, Fault, Part, Stored};
use crate::digest::hex;

/// What files of ours are called until they are whole.
const UNFINISHED: &str = ".agent-runner-";

/// As files are usually made; the umask of whoever reads them is not known here.
const MODE: u32 = 0o644;

/// A directory that exists. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    root: Arc<Path>,
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Upload {
    path: PathBuf,
    file: Arc<Mutex<Option<NamedTempFile>>>,
}

impl Directory {
    /// Makes it, and resolves its links.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be made.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let root = fs::canonicalize(path)?.into();
        Ok(Self { root })
    }

    /// Where it is, without links.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// As [`Store::url`](super::store::Store::url).
    pub(super) fn url(&self, key: &str) -> String {
        let root = self.root.display().to_string();
        match key {
            "" => format!("file://{root}"),
            key => format!("file://{}/{key}", root.trim_end_matches('/')),
        }
    }

    /// As [`Store::look`](super::store::Store::look).
    pub(super) async fn look(&self, key: &str) -> Result<Option<Stored>, Fault> {
        let path = self.root.join(key);
        blocking(key, move || look(&path)).await
    }

    /// As [`Store::put`](super::store::Store::put).
    pub(super) async fn put(&self, about: &About, body: Body) -> Result<Option<String>, Fault> {
        let (root, key) = (Arc::clone(&self.root), about.key.clone());
        let work = move || {
            let path = place(&root, &key)?;
            let mut file = unfinished(&path)?;
            file.write_all(&body.bytes)?;
            finish(file, &path)
        };
        blocking(&about.key, work).await?;
        Ok(None)
    }

    /// As [`Store::begin`](super::store::Store::begin).
    pub(super) async fn begin(&self, about: &About) -> Result<Upload, Fault> {
        let (root, key) = (Arc::clone(&self.root), about.key.clone());
        let work = move || {
            let path = place(&root, &key)?;
            let file = Arc::new(Mutex::new(Some(unfinished(&path)?)));
            Ok(Upload { path, file })
        };
        blocking(&about.key, work).await
    }
}

impl Upload {
    pub(super) async fn part(&self, number: i32, offset: u64, body: Body) -> Result<Part, Fault> {
        let (file, digest) = (Arc::clone(&self.file), body.digest);
        let work = move || {
            let file = file.lock().unwrap_or_else(PoisonError::into_inner);
            match &*file {
                Some(file) => file.as_file().write_all_at(&body.bytes, offset),
                None => Err(io::Error::other("it has been ended")),
            }
        };
        blocking(&self.path.display().to_string(), work).await?;
        Ok(Part {
            number,
            etag: None,
            digest,
            has_checksum: false,
        })
    }

    pub(super) async fn complete(&self) -> Result<Option<String>, Fault> {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        let work = move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.take().map_or(Ok(()), |file| finish(file, &path))
        };
        blocking(&self.path.display().to_string(), work).await?;
        Ok(None)
    }

    pub(super) async fn abort(&self) -> Result<(), Fault> {
        let file = Arc::clone(&self.file);
        let work = move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.take().map_or(Ok(()), NamedTempFile::close)
        };
        blocking(&self.path.display().to_string(), work).await
    }
}

fn look(path: &Path) -> io::Result<Option<Stored>> {
    let mut file = match source::open(path) {
        Ok(file) => file,
        Err(SourceError::Read { source, .. }) => return Err(source),
        // A link is no object, wherever it leads, nor is what has no end. Whether there is room for
        // one in its place is found when one is stored.
        Err(_) => return Ok(None),
    };
    let about = file.metadata()?;
    let mut digest = Context::new(&SHA256);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => digest.update(&buffer[..read]),
        }
    }
    Ok(Some(Stored {
        sha256: Some(hex(&digest.finish())),
        checksum: None,
        size: about.len(),
        etag: None,
    }))
}

/// Makes the directories for a key; none of them may lead elsewhere.
fn place(root: &Path, key: &str) -> io::Result<PathBuf> {
    let path = root.join(key);
    let parent = path.parent().unwrap_or(root);
    let is_inside = |path: &Path| fs::canonicalize(path).map(|path| path.starts_with(root));
    let there = parent
        .ancestors()
        .find(|path| path.is_symlink() || path.exists());
    // Asked before, too, so that nothing is made elsewhere.
    if is_inside(there.unwrap_or(root))? {
        fs::create_dir_all(parent)?;
        if is_inside(parent)? {
            return Ok(path);
        }
    }
    Err(io::Error::other("a link leads out of the directory"))
}

fn unfinished(path: &Path) -> io::Result<NamedTempFile> {
    let parent = path.parent().unwrap_or(path);
    Builder::new()
        .prefix(UNFINISHED)
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(parent)
}

fn finish(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

async fn blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    let done = match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(io::Error::other(error)),
    };
    done.map_err(|error| Fault {
        message: format!(
            "`{what}` cannot be stored: {}",
            report::sentence(&error, None)
        ),
        hint: (error.kind() == io::ErrorKind::StorageFull).then_some("the volume is full"),
        is_general: error.kind() == io::ErrorKind::StorageFull,
        is_trouble: false,
    })
}

#[cfg(test)]
mod tests;
