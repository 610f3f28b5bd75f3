//! References by another property than the id (`reference-by`): to the hub they are ids like any
//! others (P8).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::written::{PropertyYaml, TypeYaml};

/// A name is looked up anew after so long: another record may have it by then.
const GOOD_FOR: Duration = Duration::from_secs(300);
/// Maximum number of entries.
const MOST: usize = 100_000;

/// Ids by record type and name.
#[derive(Default)]
pub(super) struct Names(Mutex<BTreeMap<(String, String), (Instant, String)>>);

impl Names {
    pub(super) fn known(&self, kind: &str, name: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&(kind.to_string(), name.to_string()))
            .filter(|(at, _)| at.elapsed() < GOOD_FOR)
            .map(|(_, id)| id.clone())
    }

    pub(super) fn learn(&self, kind: &str, name: &str, id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((kind.to_string(), name.to_string()), (Instant::now(), id.to_string()));
    }
}

/// The record type and the property by which a property refers.
pub(super) fn by(property: &PropertyYaml) -> Option<(&str, &str)> {
    property.reference.as_deref().zip(property.reference_by.as_deref())
}

pub(super) fn refers_by_name(ty: &TypeYaml) -> bool {
    ty.properties.values().any(|property| by(property).is_some())
}
