//! Heads and bodies of HTTP/1.1 messages; `httparse` reads what is hard to read.

use std::io::{self, BufRead, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest head of a message.
const LONGEST_HEAD: u64 = 1 << 16;

/// The most headers of a message.
const MOST_HEADERS: usize = 100;

/// The head of a request.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// As it was sent: a path, a whole URL for a proxy, or host and port.
    pub(crate) target: String,
    /// Of HTTP/1.x, what x is.
    pub(crate) minor: u8,
    pub(crate) headers: Headers,
}

/// Names and values, in their order.
pub(crate) type Headers = Vec<(String, String)>;

impl Head {
    /// Reads the next head; `None` if the peer has closed the connection before one.
    pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let bytes = head_bytes(reader)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(&bytes).map_err(invalid)?;
        let (Some(method), Some(target), Some(minor), true) = (
            request.method,
            request.path,
            request.version,
            parsed.is_complete(),
        ) else {
            return Err(invalid("an incomplete head"));
        };
        Ok(Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            minor,
            headers: owned(request.headers),
        }))
    }

    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns whether the connection is to be kept for a further request.
    pub(crate) fn keeps_alive(&self) -> bool {
        let close = self
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.minor == 1 && !close
    }

    /// Reads the body, whichever way it is framed, into a sink; returns its length.
    ///
    /// The peer is told to continue if it wants to be.
    pub(crate) fn read_body<S: Read + Write>(
        &self,
        stream: &mut io::BufReader<S>,
        sink: &mut impl Write,
    ) -> io::Result<u64> {
        if self.header("expect").is_some() {
            stream
                .get_mut()
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            stream.get_mut().flush()?;
        }
        let chunked = self
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        if !chunked {
            let length = self
                .header("content-length")
                .map_or(Ok(0), str::parse)
                .map_err(invalid)?;
            return copy_exactly(stream, length, sink);
        }
        let mut total = 0;
        loop {
            let mut line = Vec::new();
            stream.take(LONGEST_HEAD).read_until(b'\n', &mut line)?;
            let Ok(httparse::Status::Complete((_, size))) = httparse::parse_chunk_size(&line)
            else {
                return Err(invalid("a bad chunk"));
            };
            if size == 0 {
                // Trailers and the blank line.
                head_bytes(stream)?;
                return Ok(total);
            }
            total += copy_exactly(stream, size, sink)?;
            copy_exactly(stream, 2, &mut io::sink())?;
        }
    }
}

/// Reads headers up to a blank line, as a CGI program writes them.
pub(crate) fn read_headers(reader: &mut impl BufRead) -> io::Result<Headers> {
    let bytes = head_bytes(reader)?;
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    match httparse::parse_headers(&bytes, &mut headers).map_err(invalid)? {
        httparse::Status::Complete((_, headers)) => Ok(owned(headers)),
        httparse::Status::Partial => Err(invalid("incomplete headers")),
    }
}

/// Returns the value of a header.
pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// Returns the user and the password of a `Basic` authorization.
pub(crate) fn credentials(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Reads up to and with the next blank line; nothing at the end of the stream.
fn head_bytes(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut reader = reader.take(LONGEST_HEAD);
    loop {
        let before = bytes.len();
        reader.read_until(b'\n', &mut bytes)?;
        match &bytes[before..] {
            b"\r\n" | b"\n" => return Ok(bytes),
            [.., b'\n'] => {}
            [] if before == 0 => return Ok(bytes),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn copy_exactly(reader: &mut impl Read, length: u64, sink: &mut impl Write) -> io::Result<u64> {
    if io::copy(&mut reader.take(length), sink)? == length {
        Ok(length)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_owned(), value)
        })
        .collect()
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
