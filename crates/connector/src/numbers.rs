//! The largest number that was ever the id of a record, where Lockstep chooses the numbers of new
//! ones (R9).
//!
//! A number that was used means somebody: the next record after the one with the largest number was
//! deleted must not get it again. What is in the file or table then does not tell, so it is kept in
//! the project's folder `.lockstep`, beside what is known of tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The numbers that were used as ids of a record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Used {
    pub largest: i64,
    /// They are written as JSON numbers.
    #[serde(default)]
    pub as_number: bool,
}

/// The numbers of a system, by record type.
pub(crate) struct Numbers {
    file: PathBuf,
    /// Read when it is first asked for.
    known: Mutex<Option<BTreeMap<String, Used>>>,
}

impl Numbers {
    /// Those of the system at this place: a folder, or a database by its address without secrets.
    pub(crate) fn of(project_dir: &Path, place: &str) -> Numbers {
        let which = xxh3_64(place.as_bytes());
        Numbers {
            file: project_dir.join(".lockstep").join(format!("numbers-{which:016x}.json")),
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<BTreeMap<String, Used>>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let kept = std::fs::read_to_string(&self.file)
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok());
            *known = Some(kept.unwrap_or_default());
        }
        known
    }

    /// The largest number that a record of this type ever had, if any had one.
    pub(crate) fn used(&self, kind: &str) -> Option<Used> {
        self.known().as_ref()?.get(kind).copied()
    }

    /// Takes note of a number. It is on the disk when this returns, where the folder can be written
    /// to; else this process knows it.
    pub(crate) fn note(&self, kind: &str, used: Used) {
        let mut known = self.known();
        let Some(known) = known.as_mut() else { return };
        if known.get(kind).is_some_and(|before| before.largest >= used.largest) {
            return;
        }
        known.insert(kind.to_string(), used);
        if let Ok(text) = serde_json::to_string(known) {
            // A folder may be read-only; the checkpoint of a folder of files knows it too.
            let _ = crate::private::replace(&self.file, text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_the_largest_number_is_known_to_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let note = |largest| {
            Numbers::of(dir.path(), "data").note("People", Used { largest, as_number: true })
        };
        assert_eq!(Numbers::of(dir.path(), "data").used("People"), None);
        note(7);
        note(3);
        assert_eq!(
            Numbers::of(dir.path(), "data").used("People"),
            Some(Used { largest: 7, as_number: true })
        );
        assert_eq!(Numbers::of(dir.path(), "other").used("People"), None);
    }
}
