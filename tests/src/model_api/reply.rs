//! Sending an answer, whole or in part.

use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::{SockaddrIn, connect};
use serde_json::Value;

use super::event::{Event, unique};
use super::step::{Answer, Ending};
use crate::git_server::listener::Life;

/// An answer on its way; whoever gets an error closes the connection.
pub(super) struct Reply<'a> {
    pub(super) stream: &'a mut BufReader<TcpStream>,
    pub(super) life: &'a Life,
    /// An answer to HEAD has none.
    pub(super) has_body: bool,
}

impl Reply<'_> {
    /// Sends a JSON document.
    pub(super) fn json(
        &mut self,
        status: u16,
        headers: &[(String, String)],
        body: &Value,
    ) -> io::Result<()> {
        let body = body.to_string();
        self.json_head(status, headers, body.len())?;
        if self.has_body {
            self.stream.get_mut().write_all(body.as_bytes())?;
        }
        Ok(())
    }

    /// Sends an answer as a JSON document; one that ends early does so in the middle.
    pub(super) fn document(&mut self, answer: &Answer, body: &Value) -> io::Result<()> {
        if matches!(answer.ending, Ending::Whole) {
            return self.json(200, &[], body);
        }
        let body = body.to_string();
        self.json_head(200, &[], body.len())?;
        self.stream
            .get_mut()
            .write_all(&body.as_bytes()[..body.len() / 2])?;
        self.end_early(answer.ending)
    }

    /// Sends an answer as a stream, with its pace and its ending.
    pub(super) fn stream(&mut self, answer: &Answer, events: &[Event]) -> io::Result<()> {
        self.stream_head()?;
        let mut pieces = 0;
        for event in events {
            self.event(event)?;
            if !event.is_piece {
                continue;
            }
            pieces += 1;
            match answer.ending {
                Ending::Cut(last) | Ending::Silence(last) if pieces >= last => {
                    return self.end_early(answer.ending);
                }
                _ => self.life.sleep(answer.delay),
            }
        }
        self.stream_end()
    }

    /// Sends a stream of one event.
    pub(super) fn stream_of(&mut self, event: &Event) -> io::Result<()> {
        self.stream_head()?;
        self.event(event)?;
        self.stream_end()
    }

    /// Says nothing until the peer has left or the server is dropped, which is an error.
    pub(super) fn silence(&mut self) -> io::Result<()> {
        io::copy(&mut self.stream, &mut io::sink())?;
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Resets the connection, which is an error.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        // Dissolving the association resets it at once; a close would say first, by FIN, that
        // all is well, because the listener shuts down what it closes.
        let mut address: libc::sockaddr_in = SockaddrIn::new(0, 0, 0, 0, 0).into();
        address.sin_family = libc::sa_family_t::try_from(libc::AF_UNSPEC).expect("it is 0");
        let socket = self.stream.get_ref().as_raw_fd();
        connect(socket, &SockaddrIn::from(address))?;
        Err(io::ErrorKind::ConnectionReset.into())
    }

    fn end_early(&mut self, ending: Ending) -> io::Result<()> {
        match ending {
            Ending::Silence(_) => self.silence(),
            Ending::Cut(_) | Ending::Whole => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    fn json_head(
        &mut self,
        status: u16,
        headers: &[(String, String)],
        length: usize,
    ) -> io::Result<()> {
        let mut all = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("content-length".to_owned(), length.to_string()),
        ];
        all.extend_from_slice(headers);
        self.head(status, &all)
    }

    fn stream_head(&mut self) -> io::Result<()> {
        let headers = [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            // In chunks, so that a client can tell a stream that was cut from one that ended.
            ("transfer-encoding", "chunked"),
        ];
        self.head(
            200,
            &headers.map(|(name, value)| (name.to_owned(), value.to_owned())),
        )
    }

    fn head(&mut self, status: u16, headers: &[(String, String)]) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {status} \r\nrequest-id: {}\r\n", unique("req_"));
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.stream.get_mut().write_all((head + "\r\n").as_bytes())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let wire = event.wire();
        let chunk = format!("{:x}\r\n{wire}\r\n", wire.len());
        self.stream.get_mut().write_all(chunk.as_bytes())
    }

    fn stream_end(&mut self) -> io::Result<()> {
        self.stream.get_mut().write_all(b"0\r\n\r\n")
    }
}
