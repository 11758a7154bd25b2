//! What is wrong with a provider.

use serde::Serialize;

use super::manifest::Place;

/// What is wrong with a provider, and how to mend it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What should be.
    pub expected: String,
    /// What is.
    pub seen: String,
    /// What to change in the file.
    pub change: String,
    /// Where in the file, if that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

impl Finding {
    pub(super) fn new(
        expected: impl Into<String>,
        seen: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self {
            expected: expected.into(),
            seen: seen.into(),
            change: change.into(),
            path: None,
            line: None,
            column: None,
        }
    }

    #[must_use]
    pub(super) fn at(mut self, path: impl Into<String>, place: Place) -> Self {
        self.path = Some(path.into());
        self.line = Some(place.line);
        self.column = Some(place.column);
        self
    }
}
