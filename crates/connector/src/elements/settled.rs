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
        let Some(lately) = lists.get_mut(&key) else { return parent };
        let shown = parent.values.first().and_then(Option::as_ref);
        if parent.version.is_some() || lately.until <= Instant::now() {
            lists.remove(&key);
            return parent;
        }
        let is_from_before = lately.before.iter().any(|list| list.as_ref() == shown);
        if !is_from_before || shown == Some(&lately.newest) {
            // What the system has made of it, or what somebody else has: what was before may still
            // be shown after that.
            lately.newest = shown.cloned().unwrap_or_default();
            return parent;
        }
        ReadRecord { values: vec![Some(lately.newest.clone())], ..parent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn p6_what_was_before_a_write_is_not_believed_after_what_the_system_made_of_it_was_shown() {
        let order = |lines: Value| ReadRecord {
            id: "1".into(),
            version: None,
            modified: None,
            deleted: false,
            values: vec![Some(lines)],
        };
        let (before, sent) = (json!([{"no": 1}]), json!([{"no": 1}, {"no": 2}]));
        let made = json!([{"no": 1, "total": 5}, {"no": 2, "total": 5}]);
        let written = Written::default();
        written.note("Orders", &order(before.clone()), &sent, 60_000);
        assert_eq!(written.newest("Orders", order(made.clone())).values, [Some(made.clone())]);
        assert_eq!(written.newest("Orders", order(before.clone())).values, [Some(made)]);
        assert_eq!(written.newest("Deals", order(before.clone())).values, [Some(before)]);
    }
}
