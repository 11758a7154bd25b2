//! What S3 does with buckets and objects, of which `s3s` knows only how they are spoken of.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use s3s::crypto::{Checksum as _, Md5, Sha256};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Checksum, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateBucketInput, CreateBucketOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    ETag, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutObjectInput, PutObjectOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::receive::{Claims, value};
use super::store::{Attributes, Blob, Entry, State, Store, Upload};

/// The smallest part that is not the last.
const SMALLEST_PART: u64 = 5 << 20;

/// The store, as `s3s` serves it.
#[derive(Debug, Clone)]
pub(super) struct Service(pub(super) Arc<Store>);

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Service {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let claims = Claims::new(&request.headers, request.trailing_headers)?;
        let attributes = Attributes::new(&request.headers)?;
        let input = request.input;
        if input.if_match.is_some() || input.if_none_match.is_some() {
            return Err(s3_error!(NotImplemented, "this server knows no conditions"));
        }
        self.0.state().has(&input.bucket)?;
        let blob = Arc::new(self.0.receive(input.body, &claims).await?);
        let (etag, checksum) = (super::hex(&blob.md5), blob.checksum.clone());
        let output = PutObjectOutput {
            e_tag: Some(ETag::Strong(etag.clone())),
            checksum_crc32: checksum.checksum_crc32.clone(),
            checksum_crc32c: checksum.checksum_crc32c.clone(),
            checksum_crc64nvme: checksum.checksum_crc64nvme.clone(),
            checksum_sha1: checksum.checksum_sha1.clone(),
            checksum_sha256: checksum.checksum_sha256.clone(),
            server_side_encryption: attributes.encryption.clone().map(Into::into),
            ssekms_key_id: attributes.kms_key.clone(),
            ..Default::default()
        };
        let entry = Entry {
            attributes,
            blobs: vec![blob],
            etag,
            checksum,
            modified: SystemTime::now(),
            multipart: false,
        };
        let place = (input.bucket, input.key);
        self.0.state().objects.insert(place, Arc::new(entry));
        Ok(S3Response::new(output))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let attributes = Attributes::new(&request.headers)?;
        let input = request.input;
        let forgets = self.0.state().forgets_checksums;
        let algorithm = input.checksum_algorithm.filter(|_| !forgets);
        let id = self.0.upload_id();
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(id.clone()),
            checksum_algorithm: algorithm.clone(),
            server_side_encryption: attributes.encryption.clone().map(Into::into),
            ssekms_key_id: attributes.kms_key.clone(),
            ..Default::default()
        };
        let upload = Upload {
            algorithm: algorithm
                .as_ref()
                .map(|name| name.as_str().to_ascii_lowercase()),
            bucket: input.bucket,
            key: input.key,
            attributes,
            parts: std::collections::BTreeMap::new(),
        };
        let mut state = self.0.state();
        state.has(&upload.bucket)?;
        state.uploads.insert(id, upload);
        Ok(S3Response::new(output))
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        let claims = Claims::new(&request.headers, request.trailing_headers)?;
        let input = request.input;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        let wanted = {
            let mut state = self.0.state();
            let upload = state.upload(&input.upload_id, &input.bucket, &input.key)?;
            upload.algorithm.clone()
        };
        if wanted.as_deref() != claims.algorithm() {
            return Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                wanted.as_deref().unwrap_or("null"),
                claims.algorithm().unwrap_or("null")
            ));
        }
        let blob = Arc::new(self.0.receive(input.body, &claims).await?);
        let checksum = blob.checksum.clone();
        let output = UploadPartOutput {
            e_tag: Some(ETag::Strong(super::hex(&blob.md5))),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            ..Default::default()
        };
        let mut state = self.0.state();
        // It may have been aborted meanwhile.
        let upload = state.upload(&input.upload_id, &input.bucket, &input.key)?;
        upload.parts.insert(input.part_number, blob);
        Ok(S3Response::new(output))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let input = request.input;
        if input.if_match.is_some() || input.if_none_match.is_some() {
            return Err(s3_error!(NotImplemented, "this server knows no conditions"));
        }
        let named = input.multipart_upload.and_then(|upload| upload.parts);
        let mut state = self.0.state();
        let upload = state.upload(&input.upload_id, &input.bucket, &input.key)?;
        let entry = upload.complete(&named.unwrap_or_default())?;
        let output = CompleteMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            e_tag: Some(ETag::Strong(entry.etag.clone())),
            checksum_sha256: entry.checksum.checksum_sha256.clone(),
            ..Default::default()
        };
        state.uploads.remove(&input.upload_id);
        let place = (input.bucket, input.key);
        state.objects.insert(place, Arc::new(entry));
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        let mut state = self.0.state();
        state.upload(&input.upload_id, &input.bucket, &input.key)?;
        state.uploads.remove(&input.upload_id);
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let input = request.input;
        let entry = self.0.state().object(&input.bucket, &input.key)?;
        let output = super::reading::head(&entry, input.checksum_mode.is_some());
        Ok(S3Response::new(output))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let input = request.input;
        let entry = self.0.state().object(&input.bucket, &input.key)?;
        super::reading::get(&entry, &input).map(S3Response::new)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> Answer<DeleteObjectOutput> {
        let input = request.input;
        let mut state = self.0.state();
        state.has(&input.bucket)?;
        state.objects.remove(&(input.bucket, input.key));
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> Answer<CreateBucketOutput> {
        self.0.state().buckets.insert(request.input.bucket);
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.0.state().has(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        let output = super::reading::list(&self.0.state(), request.input)?;
        Ok(S3Response::new(output))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let output = super::reading::uploads(&self.0.state(), request.input)?;
        Ok(S3Response::new(output))
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        let output = super::reading::parts(&mut self.0.state(), request.input)?;
        Ok(S3Response::new(output))
    }
}

impl State {
    /// Refuses a bucket that is not there.
    pub(super) fn has(&self, bucket: &str) -> S3Result<()> {
        if self.buckets.contains(bucket) {
            return Ok(());
        }
        Err(s3_error!(
            NoSuchBucket,
            "The specified bucket does not exist"
        ))
    }

    /// Returns an object.
    pub(super) fn object(&self, bucket: &str, key: &str) -> S3Result<Arc<Entry>> {
        self.has(bucket)?;
        let place = (bucket.to_owned(), key.to_owned());
        match self.objects.get(&place) {
            Some(entry) => Ok(Arc::clone(entry)),
            None => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        }
    }

    /// Returns an upload that is neither complete nor aborted.
    pub(super) fn upload(&mut self, id: &str, bucket: &str, key: &str) -> S3Result<&mut Upload> {
        self.has(bucket)?;
        match self.uploads.get_mut(id) {
            Some(upload) if upload.bucket == bucket && upload.key == key => Ok(upload),
            _ => Err(s3_error!(
                NoSuchUpload,
                "The specified upload does not exist."
            )),
        }
    }
}

impl Upload {
    /// Returns the object that the named parts are.
    fn complete(&self, named: &[CompletedPart]) -> S3Result<Entry> {
        let mut blobs: Vec<Arc<Blob>> = Vec::new();
        let mut last = 0;
        for part in named {
            let number = part.part_number.unwrap_or_default();
            if number <= last {
                return Err(s3_error!(InvalidPartOrder));
            }
            last = number;
            blobs.push(self.part(number, part)?);
        }
        let Some((_, but_last)) = blobs.split_last() else {
            return Err(s3_error!(
                MalformedXML,
                "You must specify at least one part"
            ));
        };
        if but_last.iter().any(|blob| blob.length < SMALLEST_PART) {
            return Err(s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size"
            ));
        }
        let (mut md5, mut sha256) = (Md5::new(), Some(Sha256::new()));
        for blob in &blobs {
            md5.update(&blob.md5);
            let part = blob.checksum.checksum_sha256.as_deref();
            let part = part.and_then(|part| STANDARD.decode(part).ok());
            sha256 = sha256.zip(part).map(|(mut whole, part)| {
                whole.update(&part);
                whole
            });
        }
        let count = blobs.len();
        Ok(Entry {
            attributes: self.attributes.clone(),
            etag: format!("{}-{count}", super::hex(&md5.finalize())),
            checksum: Checksum {
                checksum_sha256: sha256
                    .map(|whole| format!("{}-{count}", STANDARD.encode(whole.finalize()))),
                ..Default::default()
            },
            blobs,
            modified: SystemTime::now(),
            multipart: true,
        })
    }

    /// Returns a part, if it is the one that is meant.
    fn part(&self, number: i32, meant: &CompletedPart) -> S3Result<Arc<Blob>> {
        let invalid = || {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found, or its entity tag did not match."
            )
        };
        let blob = self.parts.get(&number).ok_or_else(invalid)?;
        let etag = meant.e_tag.as_ref().map(ETag::value);
        if etag != Some(super::hex(&blob.md5).as_str()) {
            return Err(invalid());
        }
        if let Some(algorithm) = &self.algorithm {
            let claimed = Checksum {
                checksum_crc32: meant.checksum_crc32.clone(),
                checksum_crc32c: meant.checksum_crc32c.clone(),
                checksum_crc64nvme: meant.checksum_crc64nvme.clone(),
                checksum_sha1: meant.checksum_sha1.clone(),
                checksum_sha256: meant.checksum_sha256.clone(),
                ..Default::default()
            };
            let Some(claimed) = value(&claimed, algorithm) else {
                return Err(s3_error!(
                    InvalidRequest,
                    "The upload was created using a {algorithm} checksum. The complete request must \
                     include the checksum for each part. It was missing for part {number} in the request."
                ));
            };
            if Some(claimed) != value(&blob.checksum, algorithm) {
                return Err(invalid());
            }
        }
        Ok(Arc::clone(blob))
    }
}

impl Attributes {
    fn new(headers: &HeaderMap) -> S3Result<Self> {
        let mut all = Self::default();
        for (name, value) in headers {
            let name = name.as_str();
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            match name {
                "content-type" => all.content_type = Some(value.clone()),
                "x-amz-server-side-encryption" => all.encryption = Some(value.clone()),
                "x-amz-server-side-encryption-aws-kms-key-id" => all.kms_key = Some(value.clone()),
                "x-amz-storage-class" => all.storage_class = Some(value.clone()),
                // Buckets have had no lists since April 2023, unless somebody wants them.
                "x-amz-acl" if value != "bucket-owner-full-control" => {
                    return Err(s3_error!(
                        AccessControlListNotSupported,
                        "The bucket does not allow ACLs"
                    ));
                }
                _ => {
                    if let Some(name) = name.strip_prefix("x-amz-meta-") {
                        all.metadata.insert(name.to_owned(), value.clone());
                    }
                }
            }
            all.headers.push((name.to_owned(), value));
        }
        Ok(all)
    }
}
