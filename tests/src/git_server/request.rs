//! What a server notes of a request.

use super::http::{Head, credentials, find};

/// A request, as it came, and what it got.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which connection it came on; the first is 1.
    pub connection: usize,
    /// Its method.
    pub method: String,
    /// Its path, as it was sent.
    pub path: String,
    /// What came after `?`; empty if nothing did.
    pub query: String,
    /// The value of `Authorization`, as it was sent.
    pub authorization: Option<String>,
    /// All headers in their order.
    pub headers: Vec<(String, String)>,
    /// The length of its body, without framing.
    pub body_bytes: u64,
    /// The status that it got; `None` while there is none.
    pub status: Option<u16>,
    /// Bytes of the answer's body so far, without framing.
    pub bytes_sent: u64,
}

impl Request {
    pub(super) fn new(connection: usize, head: &Head) -> Self {
        let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
        Self {
            connection,
            method: head.method.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            authorization: head.header("authorization").map(str::to_owned),
            headers: head.headers.clone(),
            body_bytes: 0,
            status: None,
            bytes_sent: 0,
        }
    }

    /// Returns the value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns user and password of a `Basic` authorization.
    pub fn credentials(&self) -> Option<(String, String)> {
        credentials(self.authorization.as_deref()?)
    }
}
