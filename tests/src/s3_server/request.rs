//! What a server notes of a request.

use std::time::Instant;

use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::git_server::http::find;

/// A request, as it came, and what it got.
#[derive(Debug, Clone)]
pub struct S3Request {
    /// Which connection it came on; the first is 1.
    pub connection: usize,
    /// Its method.
    pub method: String,
    /// Its path, as it was sent.
    pub path: String,
    /// What came after `?`, as it was sent; empty if nothing did.
    pub query: String,
    /// What S3 takes it for.
    pub operation: S3Operation,
    /// The bucket, by the path or by the host; empty without one.
    pub bucket: String,
    /// The key, decoded; empty without one.
    pub key: String,
    /// All headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The length of its body as far as it was read, with the framing of `aws-chunked`.
    pub body_bytes: u64,
    /// The status that it got; `None` while there is none, and for ever if the connection broke.
    pub status: Option<u16>,
    /// When its head had come.
    pub started: Instant,
    /// When it was answered or given up; `None` while it runs.
    pub ended: Option<Instant>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Operation {
    /// An object in one piece.
    Put,
    /// The beginning of an upload in parts.
    Create,
    /// A part.
    Part,
    /// The end of an upload in parts.
    Complete,
    /// The end of an upload in parts that is given up.
    Abort,
    /// An object, without its bytes.
    Head,
    /// An object.
    Get,
    /// An object, to be gone.
    Delete,
    /// Anything else.
    Other,
}

impl S3Operation {
    /// Whether it changes what is stored.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Head | Self::Get | Self::Other)
    }
}

impl S3Request {
    pub(super) fn new(connection: usize, parts: &Parts) -> Self {
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let path = parts.uri.path();
        // Only the first slash is not of the key.
        let decoded = percent_decode_str(path.strip_prefix('/').unwrap_or(path));
        let decoded = decoded.decode_utf8_lossy().into_owned();
        let host = find(&headers, "host").unwrap_or_default();
        let (bucket, key) = match super::host::bucket(host) {
            Some(bucket) => (bucket, decoded.as_str()),
            None => decoded.split_once('/').unwrap_or((&decoded, "")),
        };
        let query = parts.uri.query().unwrap_or_default();
        Self {
            connection,
            method: parts.method.to_string(),
            operation: operation(parts.method.as_str(), key, query),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body_bytes: 0,
            status: None,
            started: Instant::now(),
            ended: None,
        }
    }

    /// Returns the value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns the decoded value of a parameter of the query; empty if it has none.
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.query, name)
    }

    /// Returns the region that it is signed for.
    pub fn region(&self) -> Option<&str> {
        self.header("authorization")?.split('/').nth(2)
    }

    /// Returns the length that its body was said to have.
    pub(super) fn declared_bytes(&self) -> u64 {
        let length = self.header("content-length");
        length.and_then(|length| length.parse().ok()).unwrap_or(0)
    }

    /// Returns whether it has a checksum of the kind that old servers do not know.
    pub fn has_checksum(&self) -> bool {
        self.headers.iter().any(|(name, value)| {
            name.starts_with("x-amz-checksum-")
                || name == "x-amz-sdk-checksum-algorithm"
                || name == "x-amz-trailer"
                || (name == "content-encoding" && value.contains("aws-chunked"))
                || (name == "x-amz-content-sha256" && value.starts_with("STREAMING-"))
        })
    }
}

fn operation(method: &str, key: &str, query: &str) -> S3Operation {
    let has = |name| parameter(query, name).is_some();
    if key.is_empty() {
        return S3Operation::Other;
    }
    match method {
        "POST" if has("uploads") => S3Operation::Create,
        "POST" if has("uploadId") => S3Operation::Complete,
        "PUT" if has("partNumber") => S3Operation::Part,
        "PUT" if query.is_empty() || query.starts_with("x-id=") => S3Operation::Put,
        "DELETE" if has("uploadId") => S3Operation::Abort,
        "DELETE" => S3Operation::Delete,
        "HEAD" => S3Operation::Head,
        "GET" if !has("uploadId") => S3Operation::Get,
        _ => S3Operation::Other,
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        (key == name).then_some(value)
    })
}
