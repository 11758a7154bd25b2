//! Buckets in the name of the host.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Takes `<bucket>.localhost` for a bucket; with any other host, the bucket is in the path.
#[derive(Debug)]
pub(super) struct Localhost;

impl S3Host for Localhost {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let whole = VirtualHost::new(host);
        Ok(match bucket(host) {
            Some(bucket) => whole.with_bucket(bucket),
            None => whole,
        })
    }
}

/// Returns the bucket in a host with or without a port.
pub(super) fn bucket(host: &str) -> Option<&str> {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.strip_suffix(".localhost")
}
