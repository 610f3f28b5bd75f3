//! What has been written to lists a moment ago, for systems that show for a while what was before a
//! write and have no versions: such a list, written again with one more change, would take the
//! earlier change back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockstep_model::{ReadRecord, Value};

/// Added to the delay that a system states: a reading takes its time, too.
const MARGIN: Duration = Duration::from_secs(1);

/// The lists that were written, by their kind and the id of the record that they stand in.
#[derive(Debug, Default)]
pub(super) struct Written(Mutex<HashMap<(String, String), Lately>>);

/// What a list held before it was written, and what was written last.
#[derive(Debug)]
struct Lately {
    before: Vec<Option<Value>>,
    newest: Value,
    until: Instant,
}

impl Written {
    /// A list was written, of a system that may show what was before for so long.
    pub fn note(&self, kind: &str, parent: &ReadRecord, list: &Value, settles_ms: i64) {
        if parent.version.is_some() || settles_ms <= 0 {
            return;
        }
        let until = Instant::now() + Duration::from_millis(settles_ms.unsigned_abs()) + MARGIN;
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|_, lately| lately.until > Instant::now());
        let lately = lists.entry((kind.to_string(), parent.id.clone())).or_insert_with(|| Lately {
            before: vec![],
            newest: list.clone(),
            until,
        });
        lately.before.push(parent.values.first().cloned().flatten());
        lately.newest.clone_from(list);
        lately.until = until;
    }

    /// The record with its list as it was written last, where the list is one from before that.
    pub fn newest(&self, kind: &str, parent: ReadRecord) -> ReadRecord {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (kind.to_string(), parent.id.clone());
        let Some(lately) = lists.get(&key) else { return parent };
        let shown = parent.values.first().and_then(Option::as_ref);
        if shown == Some(&lately.newest) {
            return parent;
        }
        let is_from_before = lately.before.iter().any(|list| list.as_ref() == shown);
        if parent.version.is_some() || !is_from_before || lately.until <= Instant::now() {
            // Somebody else has written it.
            lists.remove(&key);
            return parent;
        }
        ReadRecord { values: vec![Some(lately.newest.clone())], ..parent }
    }
}
