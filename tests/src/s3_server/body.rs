//! The body of a request on its way to `s3s`: counted, held up, or broken off.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::connection::Fate;
use super::fault::Pace;
use super::log::Entry;

/// A body with what is done to it.
#[derive(Debug)]
pub(super) struct Gauge {
    pub(super) body: Incoming,
    pub(super) entry: Arc<Entry>,
    pub(super) pace: Option<Pace>,
    /// Bytes until the connection is reset.
    pub(super) reset: Option<u64>,
    pub(super) fate: Arc<Fate>,
    pub(super) read: u64,
    /// What has come but is held up, and until when.
    pub(super) held: Option<(Bytes, Pin<Box<Sleep>>)>,
}

impl Body for Gauge {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        loop {
            if let Some((_, sleep)) = &mut this.held {
                ready!(sleep.as_mut().poll(cx));
                let held = this.held.take().map(|(bytes, _)| Ok(Frame::data(bytes)));
                return Poll::Ready(held);
            }
            if this.reset.is_some_and(|bytes| this.read >= bytes) {
                this.fate.reset();
                // The connection is dropped, and this with it.
                return Poll::Pending;
            }
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            let Some(data) = frame.data_ref() else {
                return Poll::Ready(Some(Ok(frame)));
            };
            this.read += data.len() as u64;
            this.entry.has_read(this.read);
            match (&this.pace, frame.into_data()) {
                (Some(pace), Ok(data)) => {
                    let wait = pace.wait(data.len());
                    this.held = Some((data, Box::pin(tokio::time::sleep(wait))));
                }
                (None, Ok(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                (_, Err(frame)) => return Poll::Ready(Some(Ok(frame))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, |(bytes, _)| bytes.len());
        let hint = self.body.size_hint();
        match hint.exact() {
            Some(rest) => SizeHint::with_exact(rest + held as u64),
            None => hint,
        }
    }
}
