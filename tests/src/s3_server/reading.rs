//! Answers to who reads.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use s3s::dto::{
    CommonPrefix, ETag, GetObjectInput, GetObjectOutput, HeadObjectOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input, ListObjectsV2Output,
    ListPartsInput, ListPartsOutput, MultipartUpload, Object, Part, StreamingBlob,
};
use s3s::{S3Result, s3_error};

use super::store::{Entry, State};

/// Bytes that are read at once.
const PIECE: u64 = 1 << 18;

/// What is said of an object.
pub(super) fn head(entry: &Entry, with_checksum: bool) -> HeadObjectOutput {
    let attributes = &entry.attributes;
    let checksum = with_checksum.then(|| entry.checksum.clone());
    let checksum = checksum.unwrap_or_default();
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(entry.length().cast_signed()),
        content_type: attributes.content_type.clone(),
        e_tag: Some(ETag::Strong(entry.etag.clone())),
        last_modified: Some(entry.modified.into()),
        metadata: Some(attributes.metadata.clone().into_iter().collect()),
        server_side_encryption: attributes.encryption.clone().map(Into::into),
        ssekms_key_id: attributes.kms_key.clone(),
        storage_class: attributes.storage_class.clone().map(Into::into),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..Default::default()
    }
}

/// An object, or a range of it.
pub(super) fn get(entry: &Arc<Entry>, input: &GetObjectInput) -> S3Result<GetObjectOutput> {
    let length = entry.length();
    let range = match &input.range {
        Some(range) => range
            .check(length)
            .map_err(|error| s3_error!(error, InvalidRange))?,
        None => 0..length,
    };
    let whole = input.range.is_none();
    let said = head(entry, whole && input.checksum_mode.is_some());
    let content_range = format!(
        "bytes {}-{}/{length}",
        range.start,
        range.end.saturating_sub(1)
    );
    Ok(GetObjectOutput {
        accept_ranges: said.accept_ranges,
        content_length: Some((range.end - range.start).cast_signed()),
        content_range: (!whole).then_some(content_range),
        content_type: said.content_type,
        e_tag: said.e_tag,
        last_modified: said.last_modified,
        metadata: said.metadata,
        server_side_encryption: said.server_side_encryption,
        ssekms_key_id: said.ssekms_key_id,
        storage_class: said.storage_class,
        checksum_crc32: said.checksum_crc32,
        checksum_crc32c: said.checksum_crc32c,
        checksum_crc64nvme: said.checksum_crc64nvme,
        checksum_sha1: said.checksum_sha1,
        checksum_sha256: said.checksum_sha256,
        body: Some(body(Arc::clone(entry), range)),
        ..Default::default()
    })
}

/// The bytes of a range, piece by piece.
fn body(entry: Arc<Entry>, range: Range<u64>) -> StreamingBlob {
    StreamingBlob::wrap(stream::unfold(range, move |left| {
        let piece = (!left.is_empty()).then(|| piece(&entry, &left));
        let next = piece.map(|piece| match piece {
            Ok(piece) => {
                let rest = left.start + piece.len() as u64..left.end;
                (Ok(piece), rest)
            }
            Err(error) => (Err(error), 0..0),
        });
        std::future::ready(next)
    }))
}

/// The first bytes of a range, which is not empty: as many as one file has of them.
fn piece(entry: &Entry, range: &Range<u64>) -> std::io::Result<Bytes> {
    let mut before = 0;
    for blob in &entry.blobs {
        let end = before + blob.length;
        if range.start < end {
            let length = (range.end.min(end) - range.start).min(PIECE);
            let mut file = File::open(&blob.path)?;
            file.seek(SeekFrom::Start(range.start - before))?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes)?;
            return Ok(bytes.into());
        }
        before = end;
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

/// A page of the objects of a bucket.
pub(super) fn list(state: &State, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    state.has(&input.bucket)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.clone().filter(|text| !text.is_empty());
    let after = input
        .continuation_token
        .clone()
        .or(input.start_after.clone());
    let most = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap_or(0);
    let (mut contents, mut prefixes) = (Vec::new(), Vec::<String>::new());
    let (mut last, mut more) = (None, false);
    for ((bucket, key), entry) in &state.objects {
        let Some(rest) = key
            .strip_prefix(&prefix)
            .filter(|_| *bucket == input.bucket)
        else {
            continue;
        };
        let group = delimiter.as_deref().and_then(|delimiter| {
            let end = rest.find(delimiter)? + delimiter.len();
            Some(format!("{prefix}{}", &rest[..end]))
        });
        let place = group.as_ref().unwrap_or(key);
        if after.as_ref().is_some_and(|after| place <= after) || prefixes.last() == Some(place) {
            continue;
        }
        if contents.len() + prefixes.len() == most {
            more = true;
            break;
        }
        last = Some(place.clone());
        match group {
            Some(group) => prefixes.push(group),
            None => contents.push(Object {
                key: Some(key.clone()),
                size: Some(entry.length().cast_signed()),
                e_tag: Some(ETag::Strong(entry.etag.clone())),
                last_modified: Some(entry.modified.into()),
                ..Default::default()
            }),
        }
    }
    let prefixes = prefixes.into_iter();
    Ok(ListObjectsV2Output {
        key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
        contents: Some(contents),
        common_prefixes: Some(
            prefixes
                .map(|prefix| CommonPrefix {
                    prefix: Some(prefix),
                })
                .collect(),
        ),
        is_truncated: Some(more),
        next_continuation_token: last.filter(|_| more),
        name: Some(input.bucket),
        prefix: input.prefix,
        delimiter: input.delimiter,
        max_keys: input.max_keys,
        ..Default::default()
    })
}

/// The uploads of a bucket that are neither complete nor aborted, in one page.
pub(super) fn uploads(
    state: &State,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    state.has(&input.bucket)?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let uploads = state.uploads.iter();
    let uploads = uploads
        .filter(|(_, upload)| upload.bucket == input.bucket && upload.key.starts_with(prefix));
    let uploads = uploads.map(|(id, upload)| MultipartUpload {
        key: Some(upload.key.clone()),
        upload_id: Some(id.clone()),
        ..Default::default()
    });
    Ok(ListMultipartUploadsOutput {
        uploads: Some(uploads.collect()),
        is_truncated: Some(false),
        prefix: input.prefix,
        bucket: Some(input.bucket),
        ..Default::default()
    })
}

/// The parts of an upload, in one page.
pub(super) fn parts(state: &mut State, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let upload = state.upload(&input.upload_id, &input.bucket, &input.key)?;
    let parts = upload.parts.iter();
    let parts = parts.map(|(number, blob)| Part {
        part_number: Some(*number),
        size: Some(blob.length.cast_signed()),
        e_tag: Some(ETag::Strong(super::hex(&blob.md5))),
        checksum_sha256: blob.checksum.checksum_sha256.clone(),
        ..Default::default()
    });
    Ok(ListPartsOutput {
        parts: Some(parts.collect()),
        is_truncated: Some(false),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        ..Default::default()
    })
}
