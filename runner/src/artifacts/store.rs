//! Where objects are stored: S3, or a directory.

use std::path::{Path, PathBuf};

use agent_plan::plan::StorePlan;
use aws_lc_rs::digest::Digest;
use bytes::Bytes;

use crate::digest;

use super::directory::{self, Directory};
use super::s3::{self, S3};

/// A store.
#[derive(Debug)]
pub(super) enum Store {
    /// Over the network.
    S3(S3),
    /// For runs without a network.
    Directory(Directory),
}

/// What is said of an object.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// Its key.
    pub(super) key: String,
    /// Its media type.
    pub(super) content_type: String,
}

/// What tells one content from another.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// Its bytes.
    pub(super) size: u64,
    /// SHA-256 of them.
    pub(super) digest: Digest,
    /// SHA-256 of the SHA-256 of its parts, for what is stored in parts: S3's composite checksum.
    pub(super) composite: Option<Digest>,
}

/// What is sent at once.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// It.
    pub(super) bytes: Bytes,
    /// SHA-256 of it.
    pub(super) digest: Digest,
}

/// An object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// SHA-256 in lower-case hexadecimal, if whoever stored it said it.
    pub(super) sha256: Option<String>,
    /// SHA-256 in base64 as the store keeps it: of the bytes, or of the SHA-256 of their parts.
    pub(super) checksum: Option<String>,
    /// Its bytes.
    pub(super) size: u64,
    /// The store's own name of the content.
    pub(super) etag: Option<String>,
}

impl Stored {
    /// Whether it is what would be stored.
    pub(super) fn is(&self, content: &Identity) -> bool {
        let is_said = self.sha256 == Some(digest::hex(&content.digest));
        let is_kept = self.checksum.is_some()
            && self.checksum == content.composite.as_ref().map(digest::base64);
        self.size == content.size && (is_said || is_kept)
    }
}

/// An object of which parts are being stored.
#[derive(Debug)]
pub(super) enum Upload {
    /// In S3.
    S3(s3::Upload),
    /// In a directory.
    Directory(directory::Upload),
}

/// A part that is stored.
#[derive(Debug)]
pub(super) struct Part {
    /// From 1.
    pub(super) number: i32,
    /// The store's own name of it.
    pub(super) etag: Option<String>,
    /// SHA-256 of it.
    pub(super) digest: Digest,
    /// Whether the store was told that.
    pub(super) has_checksum: bool,
}

/// Why something could not be stored.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(super) struct Fault {
    /// In words, without secrets.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<&'static str>,
    /// Whether nothing else can be stored either.
    pub(super) is_general: bool,
    /// Whether it is the store that has trouble, and not this object.
    pub(super) is_trouble: bool,
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum StoreError {
    /// Of S3.
    #[error(transparent)]
    S3(#[from] s3::ClientError),
    /// Of a directory.
    #[error("the directory `{}` for artifacts cannot be used", path.display())]
    Directory {
        /// It.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Store {
    /// Makes it ready; asks nobody yet. Blocks: authorities and profiles are files.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`].
    pub(super) fn open(plan: &StorePlan) -> Result<Self, StoreError> {
        Ok(match plan {
            StorePlan::S3(plan) => Self::S3(S3::new(plan)?),
            StorePlan::Directory(path) => {
                let unusable = |source| StoreError::Directory {
                    path: path.clone(),
                    source,
                };
                Self::Directory(Directory::new(path).map_err(unusable)?)
            }
        })
    }

    /// Looks whether an object is there. Cancel safe.
    ///
    /// # Errors
    ///
    /// Returns [`Fault`]; that it is not there is none.
    pub(super) async fn look(&self, key: &str) -> Result<Option<Stored>, Fault> {
        match self {
            Self::S3(s3) => s3.look(key).await,
            Self::Directory(directory) => directory.look(key).await,
        }
    }

    /// Stores an object at once; returns its etag. Cancel safe: it is stored or not.
    ///
    /// # Errors
    ///
    /// Returns [`Fault`].
    pub(super) async fn put(&self, about: &About, body: Body) -> Result<Option<String>, Fault> {
        match self {
            Self::S3(s3) => s3.put(about, body).await,
            Self::Directory(directory) => directory.put(about, body).await,
        }
    }

    /// Begins an object of parts, whose SHA-256 is `digest` if that is known by now. `None`: without it
    /// the store would not know the object again, as is known of it; what it begins may turn out to be
    /// such an object, too. Not cancel safe: what is begun is to be ended.
    ///
    /// # Errors
    ///
    /// Returns [`Fault`].
    pub(super) async fn begin(
        &self,
        about: &About,
        digest: Option<&Digest>,
    ) -> Result<Option<Upload>, Fault> {
        match self {
            Self::S3(s3) => Ok(s3.begin(about, digest).await?.map(Upload::S3)),
            Self::Directory(directory) => {
                let upload = directory.begin(about).await?;
                Ok(Some(Upload::Directory(upload)))
            }
        }
    }

    /// The directory that it is, if it is one.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Self::S3(_) => None,
            Self::Directory(directory) => Some(directory.root()),
        }
    }

    /// The address of an object, or of the store for an empty key.
    pub(super) fn url(&self, key: &str) -> String {
        match self {
            Self::S3(s3) => s3.url(key),
            Self::Directory(directory) => directory.url(key),
        }
    }
}

impl Upload {
    /// Whether the object will be known again by who stores it once more.
    pub(super) fn is_known_again(&self) -> bool {
        match self {
            Self::S3(upload) => upload.is_known_again(),
            // Files are read.
            Self::Directory(_) => true,
        }
    }

    /// Stores a part, which begins at `offset`; all but the last are of one size. Cancel safe.
    ///
    /// # Errors
    ///
    /// Returns [`Fault`].
    pub(super) async fn part(&self, number: i32, offset: u64, body: Body) -> Result<Part, Fault> {
        match self {
            Self::S3(upload) => upload.part(number, body).await,
            Self::Directory(upload) => upload.part(number, offset, body).await,
        }
    }

    /// Makes all parts, in the order of their numbers, an object; returns its etag. Not cancel safe.
    ///
    /// # Errors
    ///
    /// Returns [`Fault`]; the upload is then to be given up.
    pub(super) async fn complete(&self, parts: Vec<Part>) -> Result<Option<String>, Fault> {
        match self {
            Self::S3(upload) => upload.complete(parts).await,
            Self::Directory(upload) => upload.complete().await,
        }
    }

    /// Gives it up: nothing of it stays.
    ///
    /// # Errors
    ///
    /// Returns [`Fault`]; parts may then stay, and cost.
    pub(super) async fn abort(&self) -> Result<(), Fault> {
        match self {
            Self::S3(upload) => upload.abort().await,
            Self::Directory(upload) => upload.abort().await,
        }
    }
}
