//! What a run declares, and what the settings add, is in the store afterwards, and the status says
//! so: in a real S3 server, and in a directory.

#[path = "artifacts/again.rs"]
mod again;
#[path = "artifacts/declared.rs"]
mod declared;
#[path = "artifacts/hostile.rs"]
mod hostile;
#[path = "artifacts/included.rs"]
mod included;
#[path = "artifacts/links.rs"]
mod links;
#[path = "artifacts/settings.rs"]
mod settings;
#[path = "artifacts/store.rs"]
mod store;
#[path = "artifacts/told.rs"]
mod told;
#[path = "artifacts/trees.rs"]
mod trees;
#[path = "artifacts/variables.rs"]
mod variables;
