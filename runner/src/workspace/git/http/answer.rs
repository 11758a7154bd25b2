//! What a server answers.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};

use super::{HttpError, authority};

/// An answer that is being read.
#[derive(Debug)]
pub(in super::super) struct Body {
    response: Response,
    /// What came and was not taken yet.
    chunk: Bytes,
    host: String,
    received: u64,
}

impl Body {
    /// Puts the next bytes into `buffer` and returns their number; 0 is the end.
    ///
    /// Cancel safe.
    pub(in super::super) async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HttpError> {
        while self.chunk.is_empty() {
            let next = self.response.chunk().await;
            let next = next.map_err(|source| HttpError::Broken {
                host: self.host.clone(),
                received: self.received,
                source: source.without_url(),
            })?;
            let Some(next) = next else {
                return Ok(0);
            };
            self.received += next.len() as u64;
            self.chunk = next;
        }
        let count = self.chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.chunk.split_to(count));
        Ok(count)
    }
}

pub(super) fn redirection(response: &Response) -> Option<Result<String, HttpError>> {
    if !response.status().is_redirection() {
        return None;
    }
    let to = response
        .headers()
        .get(LOCATION)
        .and_then(|to| to.to_str().ok());
    Some(to.map(str::to_owned).ok_or_else(|| HttpError::Status {
        host: authority(response.url()),
        status: response.status(),
        retry_after: None,
    }))
}

pub(super) fn body(response: Response, expected: &str) -> Result<Body, HttpError> {
    let host = authority(response.url());
    let sent = response.headers().get(CONTENT_TYPE);
    let sent = sent.map(|sent| media_type(sent.as_bytes()));
    if sent.as_deref() != Some(expected) {
        return Err(HttpError::NotGit {
            host,
            content_type: sent.unwrap_or_else(|| "no content type".to_owned()),
        });
    }
    Ok(Body {
        response,
        chunk: Bytes::new(),
        host,
        received: 0,
    })
}

/// Returns what comes before the parameters, in lower case, and no more than any name needs.
pub(super) fn media_type(header: &[u8]) -> String {
    let text = String::from_utf8_lossy(header);
    let name = text.split(';').next().unwrap_or_default().trim();
    name.to_ascii_lowercase().chars().take(100).collect()
}

/// Seconds only: a date would need a clock that agrees with the server's.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.trim().parse().ok()?))
}
