//! One process at a time works on a store.
//!
//! SQLite's own locks are held for a transaction only; a run is many, and two at once would decide
//! on each other's half-told state. So whoever opens a store for work takes the operating system's
//! lock on a file beside it, which ends with the process, however it ends. The file holds who it
//! is, for the message; it stays when the lock is given up, because deleting it would race.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lockstep_model::Timestamp;

use crate::{Result, StoreError};

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock for the store in this file, or says who has it.
    pub(super) fn take(store: &Path) -> Result<Lock> {
        let path = beside(store, ".lock");
        let unwritable = |error: std::io::Error| {
            let (place, message) = (path.display().to_string(), error.to_string());
            match error.kind() {
                std::io::ErrorKind::PermissionDenied => StoreError::Forbidden { place, message },
                _ => StoreError::Unwritable { place, message },
            }
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = private(&mut options).open(&path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Where others may not even read a locked file, the message must do without.
                if file.read_to_string(&mut holder).is_err() || holder.trim().is_empty() {
                    holder = "another process".into();
                }
                return Err(StoreError::Locked {
                    place: store.display().to_string(),
                    holder: holder.trim().to_string(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        // Only a message for people: the time in it decides nothing.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs() as i64 * 1_000);
        file.set_len(0).map_err(unwritable)?;
        writeln!(file, "process {}, since {}", std::process::id(), Timestamp(since))
            .map_err(unwritable)?;
        Ok(Lock { _file: file })
    }
}

/// Readable by its owner only, where it is made anew.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes the file of a store that is not there yet, so that nobody but its owner can read it at any
/// moment: SQLite would make it as any file is made. The log and its index get the permissions of
/// the store. Why it can't be made is told by who opens it.
pub(super) fn make_private(store: &Path) {
    let _ = private(OpenOptions::new().write(true).create_new(true)).open(store);
}

/// The file beside this one, with something at the end of its name.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}
