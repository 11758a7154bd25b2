//! What went wrong, in words for whoever reads the status.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError as Error};

use crate::artifacts::store::Fault;
use crate::report;

/// An error of the SDK.
pub(super) type SdkError<E> = Error<E, HttpResponse>;

/// An error of an operation, which has S3's code and words.
pub(super) trait Coded: ProvideErrorMetadata + std::error::Error + 'static {}

impl<E: ProvideErrorMetadata + std::error::Error + 'static> Coded for E {}

/// The longest that a server is quoted, in characters.
const QUOTED: usize = 200;

/// Whether a server refused the checksum and nothing else: those that do not know the header say that
/// an argument is wrong, or that they have not implemented it.
pub(super) fn is_of_checksums<E: Coded>(error: &SdkError<E>) -> bool {
    matches!(status(error), Some(400 | 501))
        && matches!(
            code(error),
            None | Some(
                "NotImplemented"
                    | "InvalidArgument"
                    | "InvalidRequest"
                    | "InvalidHeader"
                    | "XNotImplemented"
            )
        )
}

/// Whether a server may have refused a request for the way it is signed.
pub(super) fn is_of_signature<E: Coded>(error: &SdkError<E>) -> bool {
    match (status(error), code(error)) {
        (Some(403), code) => matches!(code, None | Some("AccessDenied" | "SignatureDoesNotMatch")),
        (Some(400 | 501), code) => matches!(
            code,
            None | Some("InvalidRequest" | "NotImplemented" | "XAmzContentSHA256Mismatch")
        ),
        _ => false,
    }
}

/// HTTP's status of the answer, if there was one.
pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|raw| raw.status().as_u16())
}

/// S3's word for what was wrong, if there was one.
fn code<E: Coded>(error: &SdkError<E>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

/// Puts an error into words: what the server said, and what to do about it.
pub(super) fn fault<E: Coded>(error: &SdkError<E>, bucket: &str) -> Fault {
    let Some(answer) = error.as_service_error() else {
        return unanswered(error);
    };
    let status = status(error).unwrap_or_default();
    let code = answer.code().unwrap_or_default();
    let (hint, is_general) = advice(code, status);
    let words = answer.message().unwrap_or_default();
    let words = match (code, words) {
        ("", "") => String::new(),
        ("", words) => format!(": {words}"),
        (code, "") => format!(": {code}"),
        (code, words) => format!(": {code}: {words}"),
    };
    let message = format!("the object store answered {status} for bucket `{bucket}`{words}");
    Fault {
        message: agent_plan::status::cut(&message, QUOTED),
        hint,
        is_general,
        is_trouble: matches!(status, 429 | 500..),
    }
}

/// What to do about an answer, and whether every other request will have the same.
fn advice(code: &str, status: u16) -> (Option<&'static str>, bool) {
    match (code, status) {
        ("NoSuchBucket", _) => (
            Some("make the bucket, or look at `AGENTS_ARTIFACTS_BUCKET` and the region"),
            true,
        ),
        ("ExpiredToken" | "TokenRefreshRequired" | "InvalidToken", _) => (
            Some("the session's credentials have expired: renew them"),
            true,
        ),
        ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthorizationHeaderMalformed", _) => (
            Some("look at the access key, the secret key and the region"),
            true,
        ),
        ("RequestTimeTooSkewed", _) => (Some("the clock of this machine is wrong"), true),
        ("PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException", _)
        | (_, 301 | 307) => (
            Some("the bucket is in another region: set `AGENTS_ARTIFACTS_REGION`"),
            true,
        ),
        ("AccessDenied", _) | (_, 403) => (
            Some(
                "the credentials must be allowed `s3:PutObject`, `s3:GetObject` and `s3:AbortMultipartUpload` there",
            ),
            false,
        ),
        ("EntityTooLarge", _) | (_, 413) => (Some("the server takes no object that large"), false),
        (_, 429 | 500..) => (
            Some("it is the server's trouble: the run can be tried again"),
            false,
        ),
        ("", 400..) => (Some("look whether the endpoint speaks S3"), false),
        _ => (None, false),
    }
}

/// Nobody answered, or there was nothing to ask with.
fn unanswered<E: Coded>(error: &SdkError<E>) -> Fault {
    let (what, hint) = match error {
        Error::TimeoutError(_) => (
            "the object store did not answer in time",
            "look at its endpoint, and at network policies",
        ),
        Error::DispatchFailure(failure) if failure.is_user() || failure.is_other() => (
            "the request could not be made",
            "look at the credentials: where they should come from, and whether that answers",
        ),
        Error::DispatchFailure(_) => (
            "the object store could not be reached",
            "look at its endpoint, its certificate and at network policies",
        ),
        Error::ResponseError(_) => (
            "the answer of the object store cannot be read",
            "look whether the endpoint speaks S3",
        ),
        _ => (
            "the request could not be made",
            "look at the credentials, the bucket's name and the endpoint",
        ),
    };
    let why = std::error::Error::source(error).map(|source| report::sentence(source, None));
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    Fault {
        message: agent_plan::status::cut(&format!("{what}{why}"), 2 * QUOTED),
        hint: Some(hint),
        is_general: true,
        is_trouble: false,
    }
}

#[cfg(test)]
mod tests;
