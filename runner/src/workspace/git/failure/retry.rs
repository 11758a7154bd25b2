//! Whether another attempt may mend a failure, and when it is made.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use git2::{ErrorClass, ErrorCode};

use super::super::fetch::FetchError;
use super::super::http::HttpError;
use super::super::link::LinkError;
use super::super::{ATTEMPTS, LONGEST_PAUSE, PAUSE};
use super::is_full;
use super::link::is_tls;

/// Returns how long to wait before another attempt; `None`: there is no use in one.
pub(in super::super) fn pause(error: &FetchError, attempt: u32) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let told = match error {
        FetchError::Link(error) => match error {
            LinkError::Http(HttpError::Unreachable { source, .. }) => {
                // A certificate does not get better by waiting.
                (!is_tls(source)).then_some(None)?
            }
            LinkError::Http(HttpError::Broken { .. })
            | LinkError::Tcp { .. }
            | LinkError::Stalled { .. } => None,
            LinkError::Http(HttpError::Status {
                status,
                retry_after,
                ..
            }) if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) => {
                *retry_after
            }
            LinkError::Ssh(error) if error.is_transient() => None,
            _ => return None,
        },
        FetchError::Git(error) if is_broken_off(error) => None,
        _ => return None,
    };
    let grown = PAUSE * 2_u32.saturating_pow(attempt - 1);
    // A server that wants us back at once has been asked already, and failed.
    Some(
        told.map_or(Duration::ZERO, |told| told.min(LONGEST_PAUSE))
            .max(jittered(grown)),
    )
}

/// A stream that ended in the middle without an error of the link: the server's git died.
fn is_broken_off(error: &git2::Error) -> bool {
    error.code() == ErrorCode::Eof
        || (matches!(
            error.class(),
            ErrorClass::Net | ErrorClass::Indexer | ErrorClass::Zlib | ErrorClass::Http
        ) && error.code() == ErrorCode::GenericError
            && !is_full(error))
}

/// Between three quarters and five quarters: a hundred pods that failed together come back apart.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 512;
    pause * (768 + u32::try_from(random).unwrap_or(256)) / 1024
}
