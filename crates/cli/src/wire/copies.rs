//! What `backup` and `restore` print.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

/// A copy of the store.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BackedUp {
    file: String,
    bytes: u64,
    /// In hexadecimal digits.
    sha256: String,
    /// The file with the checksum.
    checksum: String,
}

/// A store that was restored from a copy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RestoredStore {
    store: String,
    /// The copy had a checksum, which was right.
    verified: bool,
    /// Where the store is that was there before.
    replaced: Option<String>,
    /// Writes that may have been sent since the copy was made: the next run finds out about them
    /// before it writes anything.
    open: Vec<OpenWrites>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct OpenWrites {
    record_type: String,
    /// `create`, `update` or `delete`
    kind: String,
    count: u64,
}

impl BackedUp {
    pub fn new(file: &Path, made: &lockstep_service::BackedUp) -> Self {
        BackedUp {
            file: file.display().to_string(),
            bytes: made.bytes,
            sha256: made.sha256.clone(),
            checksum: made.checksum.display().to_string(),
        }
    }
}

impl RestoredStore {
    pub fn new(store: &Path, restored: &lockstep_service::Restored) -> Self {
        let open = restored.store.open.iter().map(|one| OpenWrites {
            record_type: one.ty.clone(),
            kind: one.kind.name().into(),
            count: one.count,
        });
        RestoredStore {
            store: store.display().to_string(),
            verified: restored.verified,
            replaced: restored.store.replaced.as_ref().map(|path| path.display().to_string()),
            open: open.collect(),
        }
    }
}
