//! What is stored is whole, and what is not is said: whatever the files are like, whatever the server
//! does, and whatever happens to the files in the meantime.

#[path = "artifacts_faults/changing.rs"]
mod changing;
#[path = "artifacts_faults/checksums.rs"]
mod checksums;
#[path = "artifacts_faults/memory.rs"]
mod memory;
#[path = "artifacts_faults/refusals.rs"]
mod refusals;
#[path = "artifacts_faults/retries.rs"]
mod retries;
#[path = "artifacts_faults/scene.rs"]
mod scene;
#[path = "artifacts_faults/silence.rs"]
mod silence;
#[path = "artifacts_faults/sizes.rs"]
mod sizes;
