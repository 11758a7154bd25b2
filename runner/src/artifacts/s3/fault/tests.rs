use super::*;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::ErrorMetadata;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::result::ConnectorError;

type Answer = SdkError<PutObjectError>;

/// What a server answered.
fn answer(status: u16, code: Option<&str>, message: Option<&str>) -> Answer {
    let mut about = ErrorMetadata::builder();
    if let Some(code) = code {
        about = about.code(code);
    }
    if let Some(message) = message {
        about = about.message(message);
    }
    let status = status.try_into().expect("it is a status");
    let raw = HttpResponse::new(status, SdkBody::empty());
    Answer::service_error(PutObjectError::generic(about.build()), raw)
}

#[test]
fn what_a_server_said_is_told_with_what_to_do() {
    for (status, code, message, words, hint, is_general) in [
        (
            404,
            Some("NoSuchBucket"),
            Some("The specified bucket does not exist"),
            "the object store answered 404 for bucket `runs`: NoSuchBucket: The specified bucket does not exist",
            Some("make the bucket"),
            true,
        ),
        (
            400,
            Some("ExpiredToken"),
            None,
            "the object store answered 400 for bucket `runs`: ExpiredToken",
            Some("renew"),
            true,
        ),
        (
            403,
            Some("SignatureDoesNotMatch"),
            None,
            "the object store answered 403 for bucket `runs`: SignatureDoesNotMatch",
            Some("secret key"),
            true,
        ),
        (
            403,
            Some("RequestTimeTooSkewed"),
            None,
            "the object store answered 403 for bucket `runs`: RequestTimeTooSkewed",
            Some("clock"),
            true,
        ),
        (
            301,
            None,
            None,
            "the object store answered 301 for bucket `runs`",
            Some("another region"),
            true,
        ),
        (
            403,
            None,
            Some("no"),
            "the object store answered 403 for bucket `runs`: no",
            Some("s3:PutObject"),
            false,
        ),
        (
            503,
            Some("SlowDown"),
            None,
            "the object store answered 503 for bucket `runs`: SlowDown",
            Some("tried again"),
            false,
        ),
        (
            413,
            Some("EntityTooLarge"),
            None,
            "the object store answered 413 for bucket `runs`: EntityTooLarge",
            Some("that large"),
            false,
        ),
        (
            400,
            Some("KeyTooLongError"),
            None,
            "the object store answered 400 for bucket `runs`: KeyTooLongError",
            None,
            false,
        ),
    ] {
        let fault = fault(&answer(status, code, message), "runs");
        assert_eq!(fault.message, words);
        assert_eq!(fault.is_general, is_general, "{words}");
        match (fault.hint, hint) {
            (Some(told), Some(hint)) => assert!(told.contains(hint), "{words}: {told}"),
            (told, hint) => assert_eq!(told, hint, "{words}"),
        }
    }
}

#[test]
fn a_server_is_not_quoted_without_end() {
    let essay = "ü".repeat(10_000);
    let fault = fault(&answer(500, Some("InternalError"), Some(&essay)), "runs");
    assert!(fault.message.chars().count() <= QUOTED, "{}", fault.message);
    assert!(fault.message.starts_with("the object store answered 500"));
}

#[test]
fn a_server_without_checksums_is_known_by_its_answer() {
    for (status, code, expected) in [
        (501, Some("NotImplemented"), true),
        (400, Some("InvalidArgument"), true),
        (400, Some("InvalidRequest"), true),
        (400, None, true),
        (501, None, true),
        (400, Some("ExpiredToken"), false),
        (400, Some("BadDigest"), false),
        (403, Some("InvalidArgument"), false),
        (503, None, false),
    ] {
        let is_of_checksums = is_of_checksums(&answer(status, code, None));
        assert_eq!(is_of_checksums, expected, "{status} {code:?}");
    }
}

#[test]
fn who_gets_no_answer_is_told_where_to_look() {
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into();
    let raw = HttpResponse::new(200.try_into().expect("it is a status"), SdkBody::empty());
    for (error, words, hint) in [
        (
            Answer::timeout_error("30 s"),
            "the object store did not answer in time: 30 s",
            "network policies",
        ),
        (
            Answer::dispatch_failure(ConnectorError::io(refused())),
            "the object store could not be reached: ",
            "certificate",
        ),
        (
            Answer::dispatch_failure(ConnectorError::user(refused())),
            "the request could not be made: ",
            "credentials",
        ),
        (
            Answer::response_error("no XML", raw),
            "the answer of the object store cannot be read: no XML",
            "speaks S3",
        ),
        (
            Answer::construction_failure("no key"),
            "the request could not be made: no key",
            "bucket's name",
        ),
    ] {
        let fault = fault(&error, "runs");
        assert!(fault.message.starts_with(words), "{}", fault.message);
        assert!(fault.is_general, "{words}");
        let told = fault.hint.expect("there is always something to look at");
        assert!(told.contains(hint), "{words}: {told}");
        assert!(!is_of_checksums(&error), "{words}");
    }
}
