//! `NO_PROXY`, as curl and git read it, ports and networks included.

use std::net::IpAddr;

use reqwest::Url;

/// Hosts that are reached without a proxy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Direct {
    what: What,
    /// `None`: on every port.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    /// `*`.
    All,
    /// An address, or `address/bits`.
    Network(IpAddr, u32),
    /// A name, and the names below it.
    Name(String),
}

impl Direct {
    pub(super) fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim();
        let of = |what| Some(Self { what, port: None });
        if entry.is_empty() {
            return None;
        }
        if entry == "*" {
            return of(What::All);
        }
        if let Some(address) = address(entry) {
            return of(What::Network(address, u32::MAX));
        }
        if let Some((network, bits)) = entry.split_once('/') {
            return of(What::Network(address(network)?, bits.parse().ok()?));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let name = host.trim_start_matches('*').trim_matches('.');
        let what = address(host).map_or_else(
            || What::Name(name.to_ascii_lowercase()),
            |address| What::Network(address, u32::MAX),
        );
        Some(Self { what, port })
    }

    pub(super) fn has(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_port = self.port.is_none() || self.port == url.port_or_known_default();
        is_port
            && match &self.what {
                What::All => true,
                What::Network(network, bits) => {
                    address(host).is_some_and(|address| is_within(address, *network, *bits))
                }
                What::Name(name) => {
                    let above = host.trim_end_matches('.').strip_suffix(name.as_str());
                    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
                }
            }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.unwrap_or(text).parse().ok()
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.leading_zeros() >= bits.min(u32::BITS)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.leading_zeros() >= bits.min(u128::BITS)
        }
        _ => false,
    }
}
