//! S3, and what speaks its protocol.
//!
//! What is sent has its SHA-256 as a header, never as a trailer: it is in memory, so nothing has to be
//! known only afterwards. The header is signed; the payload is, too, but for parts that the server has
//! said it compares with it. By these checksums an object is known again, and by its metadata where its
//! SHA-256 was known when it was begun. A server that refuses checksums is asked again without, and one
//! that refuses or forgets them is not bothered with them any more.

mod credentials;
mod fault;
mod http;
mod payload;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agent_plan::plan::{Encryption, S3Plan};
use aws_config::provider_config::ProviderConfig;
use aws_lc_rs::digest::Digest;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    AppName, BehaviorVersion, Builder, Config, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
    StorageClass,
};

use crate::digest;

use super::store::{About, Body, Fault, Part, Stored};
pub(super) use http::ClientError;
use payload::Payload;

/// Attempts of a request, the first included: with the delays below, half a minute.
const ATTEMPTS: u32 = 7;

/// The first delay between two attempts; doubled each time, with jitter.
const FIRST_DELAY: Duration = Duration::from_millis(250);

/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// What an attempt may take besides its bytes: a slow server's answer.
const ANSWER: Duration = Duration::from_mins(1);

/// Bytes a second below which a connection is given up.
const SLOWEST: u64 = 16 << 10;

/// The metadata that tells whether an object is what would be stored.
const SHA256: &str = "sha256";

/// A bucket. Clones share its connections.
#[derive(Debug, Clone)]
pub(super) struct S3(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    client: Client,
    name: String,
    encryption: Encryption,
    storage_class: Option<StorageClass>,
    /// Whether the server takes checksums in headers, as far as is known.
    takes_checksums: AtomicBool,
    /// Whether it takes payloads that are not signed, as far as is known.
    takes_unsigned: AtomicBool,
}

/// A multipart upload.
#[derive(Debug)]
pub(super) struct Upload {
    s3: S3,
    key: String,
    id: String,
    /// Whether parts have checksums.
    has_checksums: AtomicBool,
    /// Whether the server has said that it compares them.
    is_checked: bool,
    /// Whether by them or by its metadata the object will be known again.
    is_known_again: bool,
}

impl S3 {
    /// Makes it ready; asks nobody yet. Blocks: authorities are files.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`].
    pub(super) fn new(plan: &S3Plan) -> Result<Self, ClientError> {
        credentials::check(&plan.credentials)?;
        let http = SharedHttpClient::new(http::Connector::new(plan)?);
        let region = Region::new(plan.region.clone());
        let of_providers = ProviderConfig::empty()
            .with_region(Some(region.clone()))
            .with_http_client(http.clone());
        let retry = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_DELAY)
            .with_max_backoff(LONGEST_DELAY);
        // Thousands of objects share a client; each has its own right to be tried again.
        let partition =
            RetryPartition::custom("agent-runner").token_bucket(TokenBucket::unlimited());
        let mut config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .region(region)
            .credentials_provider(credentials::provider(&plan.credentials, &of_providers))
            .retry_config(retry)
            .retry_partition(partition.build())
            .force_path_style(plan.path_style)
            // Bodies are in memory: what stalls is a socket, and its attempt has a timeout.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .timeout_config(timeouts(0));
        if let Ok(name) = AppName::new("agent-runner") {
            config = config.app_name(name);
        }
        if let Some(endpoint) = &plan.endpoint {
            // A base path without a `/` would run into the bucket.
            config = config.endpoint_url(format!("{endpoint}/"));
        }
        Ok(Self(Arc::new(Bucket {
            client: Client::from_conf(config.build()),
            name: plan.bucket.clone(),
            encryption: plan.encryption.clone(),
            storage_class: plan.storage_class.as_deref().map(StorageClass::from),
            takes_checksums: AtomicBool::new(true),
            takes_unsigned: AtomicBool::new(true),
        })))
    }

    /// As [`Store::url`](super::store::Store::url).
    pub(super) fn url(&self, key: &str) -> String {
        match key {
            "" => format!("s3://{}", self.0.name),
            key => format!("s3://{}/{key}", self.0.name),
        }
    }

    /// As [`Store::look`](super::store::Store::look).
    pub(super) async fn look(&self, key: &str) -> Result<Option<Stored>, Fault> {
        let known = self.takes_checksums();
        let mut with = known;
        loop {
            let request = self.0.client.head_object().bucket(&self.0.name).key(key);
            let request = request.set_checksum_mode(with.then_some(ChecksumMode::Enabled));
            let sent = boxed(request.send()).await;
            let status = sent.as_ref().err().and_then(fault::status);
            // It was the checksums that were refused, and not the request.
            if known && !with && (sent.is_ok() || status == Some(404)) {
                self.without_checksums();
            }
            let error = match sent {
                Ok(there) => {
                    return Ok(Some(Stored {
                        sha256: there.metadata().and_then(|all| all.get(SHA256)).cloned(),
                        // Of parts it is followed by their number.
                        checksum: there
                            .checksum_sha256()
                            .and_then(|sum| Some(sum.split('-').next()?.to_owned())),
                        size: u64::try_from(there.content_length().unwrap_or(0)).unwrap_or(0),
                        etag: there.e_tag().map(unquoted),
                    }));
                }
                Err(error) if with && fault::is_of_checksums(&error) => {
                    with = false;
                    continue;
                }
                Err(error) => error,
            };
            // Who may write and not list is told 403 of what is not there. To any other refusal of this
            // request there are no words: the next one has them.
            return match status {
                Some(400..500) => Ok(None),
                _ => Err(self.fault(&error)),
            };
        }
    }

    /// As [`Store::put`](super::store::Store::put).
    pub(super) async fn put(&self, about: &About, body: Body) -> Result<Option<String>, Fault> {
        let checksum = digest::base64(&body.digest);
        loop {
            let with = self.takes_checksums();
            let request = self
                .0
                .client
                .put_object()
                .bucket(&self.0.name)
                .key(&about.key)
                .content_type(&about.content_type)
                .metadata(SHA256, digest::hex(&body.digest))
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.kms_key())
                .set_storage_class(self.0.storage_class.clone())
                .set_checksum_sha256(with.then(|| checksum.clone()))
                .body(ByteStream::from(body.bytes.clone()));
            let sent = request
                .customize()
                .interceptor(Payload::signed(&body))
                .config_override(patience(body.bytes.len()));
            match boxed(sent.send()).await {
                Ok(stored) => return Ok(stored.e_tag().map(unquoted)),
                Err(error) if with && fault::is_of_checksums(&error) => self.without_checksums(),
                Err(error) => return Err(self.fault(&error)),
            }
        }
    }

    /// As [`Store::begin`](super::store::Store::begin).
    pub(super) async fn begin(
        &self,
        about: &About,
        digest: Option<&Digest>,
    ) -> Result<Option<Upload>, Fault> {
        loop {
            let with = self.takes_checksums();
            if !with && digest.is_none() {
                return Ok(None);
            }
            let request = self
                .0
                .client
                .create_multipart_upload()
                .bucket(&self.0.name)
                .key(&about.key)
                .content_type(&about.content_type)
                .set_metadata(digest.map(|digest| {
                    let said = (SHA256.to_owned(), digest::hex(digest));
                    HashMap::from([said])
                }))
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.kms_key())
                .set_storage_class(self.0.storage_class.clone())
                .set_checksum_algorithm(with.then_some(ChecksumAlgorithm::Sha256));
            let begun = match boxed(request.send()).await {
                Ok(begun) => begun,
                Err(error) if with && fault::is_of_checksums(&error) => {
                    self.without_checksums();
                    continue;
                }
                Err(error) => return Err(self.fault(&error)),
            };
            // A server that keeps the checksums says so.
            let is_checked = with && begun.checksum_algorithm().is_some();
            if digest.is_none() && !is_checked {
                self.without_checksums();
            }
            return Ok(Some(Upload {
                s3: self.clone(),
                key: about.key.clone(),
                id: begun.upload_id().unwrap_or_default().to_owned(),
                has_checksums: AtomicBool::new(with),
                is_checked,
                is_known_again: digest.is_some() || is_checked,
            }));
        }
    }

    fn takes_checksums(&self) -> bool {
        self.0.takes_checksums.load(Ordering::Relaxed)
    }

    fn without_checksums(&self) {
        if self.0.takes_checksums.swap(false, Ordering::Relaxed) {
            tracing::info!("The object store keeps no checksums: going on without.");
        }
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        match &self.0.encryption {
            Encryption::None => None,
            Encryption::S3 => Some(ServerSideEncryption::Aes256),
            Encryption::Kms(_) => Some(ServerSideEncryption::AwsKms),
        }
    }

    fn kms_key(&self) -> Option<String> {
        match &self.0.encryption {
            Encryption::Kms(key) => key.clone(),
            Encryption::None | Encryption::S3 => None,
        }
    }

    fn fault<E>(&self, error: &fault::SdkError<E>) -> Fault
    where
        E: fault::Coded,
    {
        fault::fault(error, &self.0.name)
    }
}

impl Upload {
    /// As [`store::Upload::is_known_again`](super::store::Upload::is_known_again).
    pub(super) fn is_known_again(&self) -> bool {
        self.is_known_again
    }

    /// As [`store::Upload::part`](super::store::Upload::part).
    pub(super) async fn part(&self, number: i32, body: Body) -> Result<Part, Fault> {
        let Self { s3, key, id, .. } = self;
        loop {
            let with = self.has_checksums.load(Ordering::Relaxed);
            let is_unsigned =
                with && self.is_checked && s3.0.takes_unsigned.load(Ordering::Relaxed);
            let payload = if is_unsigned {
                Payload::unsigned()
            } else {
                Payload::signed(&body)
            };
            let request =
                s3.0.client
                    .upload_part()
                    .bucket(&s3.0.name)
                    .key(key)
                    .upload_id(id)
                    .part_number(number)
                    .set_checksum_sha256(with.then(|| digest::base64(&body.digest)))
                    .body(ByteStream::from(body.bytes.clone()));
            let sent = request
                .customize()
                .interceptor(payload)
                .config_override(patience(body.bytes.len()));
            match boxed(sent.send()).await {
                Ok(stored) => {
                    return Ok(Part {
                        number,
                        etag: stored.e_tag().map(str::to_owned),
                        digest: body.digest,
                        has_checksum: with,
                    });
                }
                // A bucket's policy may forbid it.
                Err(error) if is_unsigned && fault::is_of_signature(&error) => {
                    if s3.0.takes_unsigned.swap(false, Ordering::Relaxed) {
                        tracing::info!("The object store wants payloads signed.");
                    }
                }
                Err(error) if with && fault::is_of_checksums(&error) => {
                    s3.without_checksums();
                    self.has_checksums.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(s3.fault(&error)),
            }
        }
    }

    /// As [`store::Upload::complete`](super::store::Upload::complete).
    pub(super) async fn complete(&self, parts: Vec<Part>) -> Result<Option<String>, Fault> {
        let Self { s3, key, id, .. } = self;
        let parts = parts.into_iter().map(|part| {
            CompletedPart::builder()
                .part_number(part.number)
                .set_e_tag(part.etag)
                .set_checksum_sha256(part.has_checksum.then(|| digest::base64(&part.digest)))
                .build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect()));
        let request =
            s3.0.client
                .complete_multipart_upload()
                .bucket(&s3.0.name)
                .key(key)
                .upload_id(id)
                .multipart_upload(parts.build());
        let stored = boxed(request.send())
            .await
            .map_err(|error| s3.fault(&error))?;
        Ok(stored.e_tag().map(unquoted))
    }

    /// As [`store::Upload::abort`](super::store::Upload::abort).
    pub(super) async fn abort(&self) -> Result<(), Fault> {
        let Self { s3, key, id, .. } = self;
        let client = &s3.0.client;
        let request = client.abort_multipart_upload().bucket(&s3.0.name);
        let aborted = boxed(request.key(key).upload_id(id).send()).await;
        aborted.map(drop).map_err(|error| s3.fault(&error))
    }
}

/// The client's futures have 20 KB each: where they are awaited is no place for that.
fn boxed<T>(future: impl Future<Output = T>) -> std::pin::Pin<Box<impl Future<Output = T>>> {
    Box::pin(future)
}

/// What an attempt at sending so many bytes may take.
fn timeouts(bytes: usize) -> TimeoutConfig {
    let transfer = Duration::from_secs(bytes as u64 / SLOWEST);
    TimeoutConfig::builder()
        .operation_attempt_timeout(ANSWER + transfer)
        .build()
}

fn patience(bytes: usize) -> Builder {
    Config::builder().timeout_config(timeouts(bytes))
}

/// An etag without its quotes.
fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}
