//! Telling whether a file is still the one that was read, without reading it.
//!
//! Size and modification time would do, but for the file that is changed twice within one tick of
//! the file system's clock, or given back an older time by a copy. So the stamp also has the time
//! of the last change of the file's inode and the inode's number where there are such things, and a
//! stamp taken less than a tick after the file's own time is not trusted (what git calls a racily
//! clean entry).

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A file's outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
    pub changed_ns: i64,
    pub inode: u64,
}

impl Stamp {
    /// The stamp of a file.
    pub(super) fn of(metadata: &Metadata) -> Stamp {
        let modified_ns = metadata.modified().map_or(0, since_1970_ns);
        let (changed_ns, inode) = inode_of(metadata);
        Stamp { size: metadata.len(), modified_ns, changed_ns, inode }
    }

    /// How long to wait until a further change of the file would surely show in its stamp; zero if
    /// it would already.
    pub(super) fn unsettled_for(&self, now: SystemTime) -> Duration {
        // A time without a fraction comes from a file system that counts seconds, or two at once.
        let tick = if self.modified_ns % 1_000_000_000 == 0 {
            Duration::from_secs(2)
        } else {
            Duration::from_millis(20)
        };
        let age_ns = since_1970_ns(now).saturating_sub(self.modified_ns.max(self.changed_ns));
        tick.saturating_sub(Duration::from_nanos(age_ns.unsigned_abs()))
    }
}

#[cfg(unix)]
fn inode_of(metadata: &Metadata) -> (i64, u64) {
    use std::os::unix::fs::MetadataExt;
    (
        metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec()),
        metadata.ino(),
    )
}

#[cfg(not(unix))]
fn inode_of(_: &Metadata) -> (i64, u64) {
    (0, 0)
}

fn since_1970_ns(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_nanos() as i64)
}
