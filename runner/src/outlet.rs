//! A way out of the process that cannot hold it up for ever.
//!
//! Our stdout and stderr are pipes to the kubelet, or to whoever started us. A reader that stalls
//! must not keep us from handling a signal, so we never enter a write that may block without end.
//! Setting `O_NONBLOCK` on the descriptor itself would set it for everybody who shares the open
//! file description (a terminal, a sibling); so a pipe or terminal is opened anew through
//! `/proc/self/fd`, which gives a description of our own. Where that is refused (the pipe belongs
//! to another user), writes of at most `PIPE_BUF` bytes after a poll cannot block either: pipe(7).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, SFlag, fstat};

/// `PIPE_BUF` on Linux: a write of so many bytes to a pipe with room is whole.
const WHOLE_WRITE: usize = 4096;

/// One of our own descriptors, to write to without blocking.
#[derive(Debug)]
pub struct Outlet {
    fd: OwnedFd,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `O_NONBLOCK` is set on a description of our own.
    NonBlocking,
    /// A regular file or the like, which never blocks.
    File,
    /// A socket: non-blocking per call.
    Socket,
    /// A pipe that could not be opened anew.
    Borrowed,
}

impl Outlet {
    /// Takes our stdout.
    ///
    /// # Errors
    ///
    /// Fails if stdout is closed.
    pub fn stdout() -> io::Result<Self> {
        Self::of(io::stdout().as_fd())
    }

    /// Takes our stderr.
    ///
    /// # Errors
    ///
    /// Fails if stderr is closed.
    pub fn stderr() -> io::Result<Self> {
        Self::of(io::stderr().as_fd())
    }

    pub(crate) fn of(fd: BorrowedFd<'_>) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        let mode = SFlag::from_bits_truncate(fstat(fd)?.st_mode & SFlag::S_IFMT.bits());
        let own = || fd.try_clone_to_owned();
        if mode == SFlag::S_IFSOCK {
            return Ok(Self {
                fd: own()?,
                kind: Kind::Socket,
            });
        }
        if mode != SFlag::S_IFIFO && mode != SFlag::S_IFCHR {
            return Ok(Self {
                fd: own()?,
                kind: Kind::File,
            });
        }
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let (fd, kind) = match open(path.as_str(), flags, Mode::empty()) {
            Ok(fd) => (fd, Kind::NonBlocking),
            Err(_) => (own()?, Kind::Borrowed),
        };
        Ok(Self { fd, kind })
    }

    /// Writes what fits now, at least one byte.
    ///
    /// # Errors
    ///
    /// Returns `WouldBlock` if nothing fits now, `BrokenPipe` if nobody reads any more.
    pub fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.kind {
            Kind::NonBlocking | Kind::File => nix::unistd::write(&self.fd, bytes),
            Kind::Socket => {
                use std::os::fd::AsRawFd;
                send(
                    self.fd.as_raw_fd(),
                    bytes,
                    MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
                )
            }
            Kind::Borrowed => match self.ready(PollTimeout::ZERO) {
                Ok(true) => nix::unistd::write(&self.fd, &bytes[..bytes.len().min(WHOLE_WRITE)]),
                Ok(false) => Err(Errno::EAGAIN),
                Err(error) => Err(error),
            },
        };
        match written {
            // A zero-byte write would make a caller spin.
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => Ok(count),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes all of a short message, giving a slow reader at most `patience` milliseconds.
    ///
    /// # Errors
    ///
    /// Returns `WouldBlock` if the reader took longer: the rest of the message is dropped.
    pub fn write_soon(&self, mut bytes: &[u8], patience: u16) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_some(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.ready(patience.into())? {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn ready(&self, timeout: PollTimeout) -> Result<bool, Errno> {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, timeout).map(|count| count > 0)
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
