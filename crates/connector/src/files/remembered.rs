//! Which files a folder had, in the project's folder `.lockstep`: so that a file that was taken
//! away, or a folder that is not connected, is a record type that pauses (R8), and not a project
//! whose record types nobody knows.

use std::path::{Path, PathBuf};

use lockstep_model::{PlainType, PropertySchema, TypeSchema};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::table::Table;

/// A file as it was last seen whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub kind: String,
    pub file: String,
    pub is_csv: bool,
    properties: Vec<Property>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Property {
    path: String,
    ty: PlainType,
    list: bool,
    read_only: bool,
    create_only: bool,
}

impl Known {
    pub(super) fn properties(&self) -> Vec<PropertySchema> {
        let described = |known: &Property| {
            let mut property = PropertySchema::new(known.path.as_str(), known.ty);
            (property.list, property.read_only, property.create_only) =
                (known.list, known.read_only, known.create_only);
            property
        };
        self.properties.iter().map(described).collect()
    }
}

fn file(project_dir: &Path, folder: &str) -> PathBuf {
    project_dir.join(".lockstep").join(format!("files-{:016x}.json", xxh3_64(folder.as_bytes())))
}

/// What was last seen.
pub(super) fn recall(project_dir: &Path, folder: &str) -> Vec<Known> {
    let text = std::fs::read_to_string(file(project_dir, folder)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Keeps what is seen of the files that are `sound`; of the others, what was kept before. That it
/// can't be kept is no trouble: a folder may be read-only.
pub(super) fn keep<'a>(
    project_dir: &Path,
    folder: &str,
    before: &[Known],
    seen: impl Iterator<Item = (&'a Table, &'a TypeSchema)>,
    sound: &dyn Fn(&str) -> bool,
) {
    let known = |(table, schema): (&Table, &TypeSchema)| {
        if !sound(&table.kind) {
            return before.iter().find(|known| known.kind == table.kind).cloned();
        }
        let properties = schema.properties.iter().map(|property| Property {
            path: property.path.to_string(),
            ty: property.ty,
            list: property.list,
            read_only: property.read_only,
            create_only: property.create_only,
        });
        Some(Known {
            kind: table.kind.clone(),
            file: table.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            is_csv: table.is_csv,
            properties: properties.collect(),
        })
    };
    let now: Vec<Known> = seen.filter_map(known).collect();
    if now != before
        && let Ok(text) = serde_json::to_string(&now)
    {
        let _ = crate::private::replace(&file(project_dir, folder), text.as_bytes());
    }
}
