//! Ports that stay a server's own while it is down.

use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Ports that the kernel gives to no client: by default those begin with 32768. A client that tries
/// a port in their range, on which nobody listens, can be given that very port and reach itself.
const RANGE: std::ops::Range<u16> = 14_000..32_000;

/// A port that no other server of the tests has, in whatever process.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    /// A name in the kernel, gone with the process that has it.
    _reserved: Option<UnixDatagram>,
}

impl Port {
    /// Takes a free one of 127.0.0.1.
    pub(super) fn reserve() -> Self {
        // Processes begin at different ones, so that they seldom try the same.
        let offset = std::process::id() % u32::from(RANGE.end - RANGE.start);
        let start = RANGE.start + u16::try_from(offset).expect("it is less than the range");
        let free = (start..RANGE.end)
            .chain(RANGE.start..start)
            .find_map(|number| {
                let name = format!("agent-tests-nats-{number}");
                let name = SocketAddr::from_abstract_name(name).expect("the name is short");
                let reserved = UnixDatagram::bind_addr(&name).ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                Some(Self {
                    number,
                    _reserved: Some(reserved),
                })
            });
        free.expect("127.0.0.1 has a free port")
    }

    /// The usual one, in a namespace in which nobody else is.
    pub(super) fn of_a_namespace() -> Self {
        Self {
            number: 4222,
            _reserved: None,
        }
    }

    /// Its number.
    pub(super) fn number(&self) -> u16 {
        self.number
    }
}
