//! The catalogue as it was last seen, in the project's folder `.lockstep`: so that a database which
//! is down is a system that pauses alone, and not a project whose record types nobody knows; and so
//! that `check` needs no network. No secrets are in it.

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::table::Table;

/// The file for a database: which one it is, is in its name.
fn file(project_dir: &Path, place: &str, schema: Option<&str>) -> PathBuf {
    let which = xxh3_64(format!("{place} {}", schema.unwrap_or_default()).as_bytes());
    project_dir.join(".lockstep").join(format!("tables-{which:016x}.json"))
}

/// Keeps what was seen. That it can't be kept is no trouble: a folder may be read-only.
pub(super) fn keep(project_dir: &Path, place: &str, schema: Option<&str>, tables: &[Table]) {
    let file = file(project_dir, place, schema);
    let Ok(text) = serde_json::to_string(tables) else { return };
    if std::fs::read_to_string(&file).is_ok_and(|held| held == text) {
        return;
    }
    let _ = crate::private::replace(&file, text.as_bytes());
}

/// What was last seen, if anything was.
pub(super) fn recall(project_dir: &Path, place: &str, schema: Option<&str>) -> Option<Vec<Table>> {
    serde_json::from_str(&std::fs::read_to_string(file(project_dir, place, schema)).ok()?).ok()
}
