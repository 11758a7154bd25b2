//! A body on its way into a file, with all that is said of it compared with what came.

use std::fs::File;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use hyper::HeaderMap;
use hyper::http::StatusCode;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};

use super::store::{Blob, Store};

/// The checksums that S3 knows, as headers name them.
const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// What the head of a request says of its body.
#[derive(Debug)]
pub(super) struct Claims {
    /// Algorithms, with what was claimed, or `None` where that comes in a trailer.
    checksums: Vec<(&'static str, Option<String>)>,
    md5: Option<String>,
    trailers: Option<TrailingHeaders>,
}

impl Claims {
    /// Reads them, and refuses what S3 refuses.
    pub(super) fn new(headers: &HeaderMap, trailers: Option<TrailingHeaders>) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let in_trailer = text("x-amz-trailer").unwrap_or_default();
        let mut checksums = Vec::new();
        for algorithm in ALGORITHMS {
            let name = header(algorithm);
            if let Some(value) = text(&name) {
                checksums.push((algorithm, Some(value.to_owned())));
            } else if in_trailer.trim() == name {
                checksums.push((algorithm, None));
            }
        }
        if text("x-amz-sdk-checksum-algorithm").is_some() && checksums.is_empty() {
            return Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or \
                 x-amz-trailer headers were found."
            ));
        }
        Ok(Self {
            checksums,
            md5: text("content-md5").map(str::to_owned),
            trailers,
        })
    }

    /// The first algorithm.
    pub(super) fn algorithm(&self) -> Option<&'static str> {
        self.checksums.first().map(|(algorithm, _)| *algorithm)
    }

    fn hasher(&self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        for (algorithm, _) in &self.checksums {
            match *algorithm {
                "crc32" => hasher.crc32 = Some(s3s::crypto::Crc32::default()),
                "crc32c" => hasher.crc32c = Some(s3s::crypto::Crc32c::default()),
                "crc64nvme" => hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::default()),
                "sha1" => hasher.sha1 = Some(s3s::crypto::Sha1::default()),
                _ => hasher.sha256 = Some(s3s::crypto::Sha256::default()),
            }
        }
        hasher
    }

    /// Compares them with what came.
    fn compare(&self, md5: &[u8; 16], came: &Checksum) -> S3Result<()> {
        if let Some(claimed) = &self.md5
            && *claimed != STANDARD.encode(md5)
        {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match."
            ));
        }
        let trailers = self.trailers.as_ref().and_then(TrailingHeaders::take);
        for (algorithm, claimed) in &self.checksums {
            let in_trailer = trailers
                .as_ref()
                .and_then(|trailers| trailers.get(header(algorithm))?.to_str().ok());
            let claimed = claimed.as_deref().or(in_trailer);
            if claimed.is_none() || claimed != value(came, algorithm) {
                return Err(s3_error!(
                    BadDigest,
                    "The {algorithm} you specified did not match the calculated checksum."
                ));
            }
        }
        Ok(())
    }
}

impl Store {
    /// Takes a body in; nothing is left of one that breaks off or is not what it claims to be.
    pub(super) async fn receive(
        &self,
        body: Option<StreamingBlob>,
        claims: &Claims,
    ) -> S3Result<Blob> {
        let (mut blob, mut file) = self.blob().map_err(S3Error::internal_error)?;
        let mut md5 = Md5::new();
        let mut hasher = claims.hasher();
        if let Some(mut body) = body {
            while let Some(piece) = body.next().await {
                let piece = piece.map_err(|error| broken(&error.to_string()))?;
                md5.update(&piece);
                hasher.update(&piece);
                blob.length += piece.len() as u64;
                write(&mut file, &piece)?;
            }
        }
        blob.md5 = md5.finalize();
        blob.checksum = hasher.finalize();
        claims.compare(&blob.md5, &blob.checksum)?;
        Ok(blob)
    }
}

/// Returns one of the checksums by the name of its algorithm.
pub(super) fn value<'a>(checksum: &'a Checksum, algorithm: &str) -> Option<&'a str> {
    match algorithm {
        "crc32" => checksum.checksum_crc32.as_deref(),
        "crc32c" => checksum.checksum_crc32c.as_deref(),
        "crc64nvme" => checksum.checksum_crc64nvme.as_deref(),
        "sha1" => checksum.checksum_sha1.as_deref(),
        _ => checksum.checksum_sha256.as_deref(),
    }
}

fn header(algorithm: &str) -> String {
    format!("x-amz-checksum-{algorithm}")
}

/// Writes in place: a thread for each piece would cost more than the page cache does.
fn write(file: &mut File, piece: &[u8]) -> S3Result<()> {
    file.write_all(piece).map_err(S3Error::internal_error)
}

/// Returns what S3 says of a body that is not what its head said; `s3s` tells only in words.
fn broken(error: &str) -> S3Error {
    if error.contains("Sha256Mismatch") {
        let code = S3ErrorCode::from_bytes(b"XAmzContentSHA256Mismatch");
        let mut error = S3Error::with_message(
            code.unwrap_or(S3ErrorCode::InvalidDigest),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        error.set_status_code(StatusCode::BAD_REQUEST);
        return error;
    }
    if error.contains("SignatureMismatch") {
        return s3_error!(SignatureDoesNotMatch);
    }
    S3Error::with_message(
        S3ErrorCode::IncompleteBody,
        format!("The body broke off: {error}"),
    )
}
