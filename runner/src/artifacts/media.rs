//! Media types, for whoever opens an object in a browser.

use std::path::Path;

use super::content::Kind;

/// By the end of a file's name, where it says more than its content does.
const BY_NAME: [(&str, &str); 20] = [
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("html", "text/html; charset=utf-8"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("jsonl", "application/x-ndjson"),
    ("md", "text/markdown; charset=utf-8"),
    ("ndjson", "application/x-ndjson"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tgz", "application/gzip"),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("zip", "application/zip"),
];

/// Returns the media type of a file by its name, and by what it holds.
pub(super) fn media_type(path: &Path, kind: Kind) -> &'static str {
    let end = path.extension().and_then(|end| end.to_str());
    let end = end.unwrap_or_default().to_ascii_lowercase();
    let known = BY_NAME.iter().find(|(known, _)| *known == end);
    match (known, kind) {
        (Some((_, media_type)), _) => media_type,
        (None, Kind::Text) => "text/plain; charset=utf-8",
        (None, Kind::Binary) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
