//! Where a store listens.

use std::path::{Component, Path, PathBuf};

use url::Url;

use super::StoreError;
use crate::plan::shown;

/// Where a store listens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Where AWS's own does, by region and bucket.
    Aws,
    /// At a URL without a final `/`.
    Url(String),
    /// Nowhere: it is a directory, absolute.
    Directory(PathBuf),
}

impl Endpoint {
    /// Takes a text for an endpoint; one without a scheme is `secure`, or not.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Endpoint`] for a text that is none.
    pub(super) fn of(text: &str, secure: bool) -> Result<Self, StoreError> {
        if text == "aws" {
            return Ok(Self::Aws);
        }
        if let Some(path) = text.strip_prefix("file://") {
            return directory(path).map_err(|problem| refuse(text, problem));
        }
        let scheme = if secure { "https" } else { "http" };
        let whole = match text.split_once("://") {
            Some(_) => text.to_owned(),
            None => format!("{scheme}://{text}"),
        };
        url(&whole).map_err(|problem| refuse(text, problem))
    }
}

fn url(text: &str) -> Result<Endpoint, &'static str> {
    let url = Url::parse(text).map_err(|_| "which is no URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("whose scheme is none of `http`, `https` and `file`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("which has credentials in it: give them as access key and secret key");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("which has a `?` or `#` in it: write scheme, host, port and path alone");
    }
    let url = url.as_str().trim_end_matches('/');
    Ok(Endpoint::Url(url.to_owned()))
}

/// The path stands as it is: nothing in it is decoded, as nothing in the URLs below it is encoded.
fn directory(path: &str) -> Result<Endpoint, &'static str> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return Err("which must name an absolute path: `file:///directory`");
    }
    let mut components = path.components();
    if components.any(|component| component == Component::ParentDir) {
        return Err("which has a `..` in it: write the path without");
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err("which has a NUL byte in it");
    }
    // Without what is doubled, so that URLs below it read well.
    Ok(Endpoint::Directory(path.components().collect()))
}

/// Refuses a text and shows it without what may be a secret.
fn refuse(text: &str, problem: &'static str) -> StoreError {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    StoreError::Endpoint {
        endpoint: shown(&format!("{scheme}{rest}")),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_a_directory_or_aws() {
        let url = |url: &str| Endpoint::Url(url.to_owned());
        let directory = |path: &str| Endpoint::Directory(PathBuf::from(path));
        for (text, secure, expected) in [
            ("aws", false, Endpoint::Aws),
            ("minio:9000", false, url("http://minio:9000")),
            ("minio:9000", true, url("https://minio:9000")),
            ("http://minio:9000/", true, url("http://minio:9000")),
            (
                "HTTPS://S3.example.com//",
                false,
                url("https://s3.example.com"),
            ),
            ("http://h/base/path/", false, url("http://h/base/path")),
            ("[::1]:9000", false, url("http://[::1]:9000")),
            ("localhost", false, url("http://localhost")),
            ("file:///var/store", true, directory("/var/store")),
            ("file:///a//b c/%20/./", false, directory("/a/b c/%20")),
        ] {
            assert_eq!(Endpoint::of(text, secure), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_without_its_secrets() {
        for (text, words) in [
            (
                "s3://bucket",
                "the object store's endpoint is `s3://bucket`, whose scheme is none of `http`, `https` and `file`",
            ),
            (
                "http://",
                "the object store's endpoint is `http://`, which is no URL",
            ),
            (
                "a b",
                "the object store's endpoint is `a b`, which is no URL",
            ),
            (
                "http://me:hunter22@h",
                "the object store's endpoint is `http://h`, which has credentials in it: give them as access key and secret key",
            ),
            (
                "https://h/?token=hunter22",
                "the object store's endpoint is `https://h/`, which has a `?` or `#` in it: write scheme, host, port and path alone",
            ),
            (
                "file://store",
                "the object store's endpoint is `file://store`, which must name an absolute path: `file:///directory`",
            ),
            (
                "file:///a/../b",
                "the object store's endpoint is `file:///a/../b`, which has a `..` in it: write the path without",
            ),
        ] {
            let error = Endpoint::of(text, false).expect_err(text);
            assert_eq!(error.to_string(), words);
        }
    }
}
