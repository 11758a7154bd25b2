//! What a test reads back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use s3s::crypto::{Checksum as _, Sha256};

use super::store::Entry;

/// An object as it is stored; its bytes are read only when they are asked for.
#[derive(Debug, Clone)]
pub struct S3Object {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub length: u64,
    /// `Content-Type`, if there was one.
    pub content_type: Option<String>,
    /// `x-amz-meta-*` by the rest of their names.
    pub metadata: BTreeMap<String, String>,
    /// `x-amz-checksum-sha256`, base64; of an upload in parts the one of all parts, with their number.
    pub checksum_sha256: Option<String>,
    /// The `ETag`, without quotes.
    pub etag: String,
    /// How many parts it came in; `None` if it came in one piece.
    pub parts: Option<usize>,
    /// `x-amz-server-side-encryption`.
    pub encryption: Option<String>,
    /// `x-amz-server-side-encryption-aws-kms-key-id`.
    pub kms_key: Option<String>,
    /// `x-amz-storage-class`.
    pub storage_class: Option<String>,
    /// The headers of the request that made it, names in lower case.
    pub headers: Vec<(String, String)>,
    entry: Arc<Entry>,
}

impl S3Object {
    pub(super) fn new(key: &str, entry: &Arc<Entry>) -> Self {
        let attributes = entry.attributes.clone();
        Self {
            key: key.to_owned(),
            length: entry.length(),
            content_type: attributes.content_type,
            metadata: attributes.metadata,
            checksum_sha256: entry.checksum.checksum_sha256.clone(),
            etag: entry.etag.clone(),
            parts: entry.multipart.then_some(entry.blobs.len()),
            encryption: attributes.encryption,
            kms_key: attributes.kms_key,
            storage_class: attributes.storage_class,
            headers: attributes.headers,
            entry: Arc::clone(entry),
        }
    }

    /// Returns the value of a header of the request that made it.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::git_server::http::find(&self.headers, name)
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read(|piece| bytes.write_all(piece).expect("memory is writable"));
        bytes
    }

    /// Its bytes as text, whatever is wrong with them replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// SHA-256 of its bytes, in lower-case hexadecimal, computed from what is stored.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        self.read(|piece| hash.update(piece));
        super::hex(&hash.finalize())
    }

    /// Returns whether a client can tell its content without reading it: by metadata that is true, or,
    /// of an upload in parts, by the checksum of their checksums, which were compared as they came.
    pub fn tells_its_content(&self) -> bool {
        match self.metadata.get("sha256") {
            Some(said) => *said == self.sha256(),
            None => self.parts.is_some() && self.checksum_sha256.is_some(),
        }
    }

    /// Reads it piece by piece, so that its size does not matter.
    fn read(&self, mut take: impl FnMut(&[u8])) {
        let mut piece = vec![0; 1 << 20];
        for blob in &self.entry.blobs {
            let mut file = File::open(&blob.path).expect("a blob has a file");
            loop {
                let length = file.read(&mut piece).expect("a blob can be read");
                if length == 0 {
                    break;
                }
                take(&piece[..length]);
            }
        }
    }
}
