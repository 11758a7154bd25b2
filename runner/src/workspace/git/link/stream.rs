//! The streams that libgit2 reads and writes, over a [`Link`].

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::http;
use super::super::ssh;
use super::{Link, Way};

/// What libgit2 asks for a stream.
pub(super) struct Asked(pub(super) Arc<Link>);

impl SmartSubtransport for Asked {
    fn action(
        &self,
        _url: &str,
        service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        // The URL is that of the link: one repository, one link.
        match service {
            Service::UploadPackLs | Service::UploadPack => Ok(Box::new(Stream {
                link: Arc::clone(&self.0),
                service,
                written: Vec::new(),
                state: Opening,
            })),
            Service::ReceivePackLs | Service::ReceivePack => {
                Err(git2::Error::from_str("the runner never pushes"))
            }
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One stream of libgit2's.
struct Stream {
    link: Arc<Link>,
    service: Service,
    /// What libgit2 wrote and we have not sent: an HTTP request is sent as a whole.
    written: Vec<u8>,
    state: Open,
}

use Open::Opening;
enum Open {
    /// Nothing was sent.
    Opening,
    Http(http::Body),
    Ssh(Box<ssh::Channel>),
    Tcp(TcpStream),
}

impl Stream {
    fn open(&mut self) -> io::Result<()> {
        if !matches!(self.state, Open::Opening) {
            return Ok(());
        }
        let link = Arc::clone(&self.link);
        let written = std::mem::take(&mut self.written);
        self.state = match (&link.way, self.service) {
            (Way::Http(http), Service::UploadPackLs) => {
                let body = link.wait(async { Ok(http.advertise().await?) })?;
                Open::Http(body)
            }
            (Way::Http(http), _) => {
                let body = link.wait(async { Ok(http.upload_pack(written).await?) })?;
                Open::Http(body)
            }
            (Way::Ssh(access), _) => {
                let opened = ssh::open(&link.remote, access, link.limits.connect);
                let channel = link.wait(async { Ok(opened.await?) })?;
                Open::Ssh(Box::new(channel))
            }
            (Way::Tcp, _) => Open::Tcp(link.wait(link.tcp())?),
        };
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.open()?;
        let link = Arc::clone(&self.link);
        let count = match &mut self.state {
            Open::Opening => 0,
            Open::Http(body) => link.wait(async { Ok(body.read(buffer).await?) })?,
            Open::Ssh(channel) => link.wait(async { Ok(channel.read(buffer).await?) })?,
            Open::Tcp(stream) => link.wait(async {
                stream
                    .read(buffer)
                    .await
                    .map_err(|source| link.broken(source))
            })?,
        };
        link.received.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.link.way, Way::Http(_)) {
            self.written.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        self.open()?;
        let link = Arc::clone(&self.link);
        match &mut self.state {
            Open::Ssh(channel) => link.wait(async { Ok(channel.write_all(bytes).await?) })?,
            Open::Tcp(stream) => {
                link.wait(async {
                    stream
                        .write_all(bytes)
                        .await
                        .map_err(|source| link.broken(source))
                })?;
            }
            Open::Opening | Open::Http(..) => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, Opening);
        if let Open::Ssh(channel) = state
            && self.link.limits.over().is_none()
        {
            self.link.sockets.wait(channel.finish());
        }
    }
}
