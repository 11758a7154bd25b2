//! No secret is stored, and none of those that store is seen by anybody.

#[path = "artifacts_secrets/content.rs"]
mod content;
#[path = "artifacts_secrets/credentials.rs"]
mod credentials;
#[path = "artifacts/store.rs"]
mod store;
