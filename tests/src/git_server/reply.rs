//! Sending an answer, with the faults that bodies have.

use std::io::{self, Read, Write};
use std::time::Duration;

use super::Shared;
use super::fault::What;
use super::http::Headers;
use super::listener::Life;

/// So often a slow body goes on.
const TICKS_PER_SECOND: u64 = 20;

/// An answer on its way.
pub(super) struct Reply<'a> {
    pub(super) shared: &'a Shared,
    pub(super) life: &'a Life,
    pub(super) stream: &'a mut dyn Write,
    /// The request's place in the log.
    pub(super) entry: usize,
    pub(super) target: &'a str,
    pub(super) keeps_alive: bool,
    /// An answer to HEAD has none.
    pub(super) has_body: bool,
    /// Bytes a second, if it is slow.
    pub(super) pace: Option<u64>,
    /// Faults that may strike in the body, by their place in the list, where they strike first.
    pub(super) limits: Vec<(u64, usize)>,
    pub(super) sent: u64,
}

impl Reply<'_> {
    /// Sends an answer whose length is known.
    pub(super) fn whole(&mut self, status: u16, headers: &Headers, body: &[u8]) -> io::Result<()> {
        let length = ("Content-Length".to_owned(), body.len().to_string());
        self.head(status, headers.iter().chain([&length]))?;
        if self.has_body {
            self.body(body)?;
        }
        self.stream.flush()
    }

    /// Sends an answer in chunks as they come.
    pub(super) fn chunked(
        &mut self,
        status: u16,
        headers: &Headers,
        body: &mut impl Read,
    ) -> io::Result<()> {
        let chunked = ("Transfer-Encoding".to_owned(), "chunked".to_owned());
        self.head(status, headers.iter().chain([&chunked]))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = body.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            write!(self.stream, "{length:x}\r\n")?;
            self.body(&buffer[..length])?;
            self.stream.write_all(b"\r\n")?;
        }
        self.stream.write_all(b"0\r\n\r\n")?;
        self.stream.flush()
    }

    fn head<'h>(
        &mut self,
        status: u16,
        headers: impl Iterator<Item = &'h (String, String)>,
    ) -> io::Result<()> {
        // Before the peer can know, so that a test that has the answer finds it in the log.
        self.shared
            .update(self.entry, |request| request.status = Some(status));
        let mut head = format!("HTTP/1.1 {status} \r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.keeps_alive {
            head += "Connection: close\r\n";
        }
        self.stream.write_all((head + "\r\n").as_bytes())
    }

    /// Sends bytes of the body, until a fault strikes.
    fn body(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(&(limit, fault)) = self.limits.first() {
            let left = usize::try_from(limit - self.sent).unwrap_or(usize::MAX);
            if bytes.len() <= left {
                break;
            }
            self.paced(&bytes[..left])?;
            bytes = &bytes[left..];
            self.limits.remove(0);
            let Some(what) = self.shared.strikes(fault, self.target) else {
                continue;
            };
            self.stream.flush()?;
            if let What::Stall(_) = what {
                self.life.wait_for_end();
            }
            return Err(io::Error::other("a fault of the test"));
        }
        self.paced(bytes)
    }

    fn paced(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(pace) = self.pace else {
            return self.count(bytes);
        };
        let piece = usize::try_from(pace.div_ceil(TICKS_PER_SECOND)).unwrap_or(usize::MAX);
        for piece in bytes.chunks(piece) {
            self.count(piece)?;
            self.stream.flush()?;
            let time = Duration::from_secs(piece.len() as u64);
            self.life
                .sleep(time / u32::try_from(pace).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sent += bytes.len() as u64;
        let sent = self.sent;
        self.shared
            .update(self.entry, |request| request.bytes_sent = sent);
        self.stream.write_all(bytes)
    }
}
