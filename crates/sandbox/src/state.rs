//! Tables of records in the vendor's own shape.
//!
//! A table keeps its records in the order of their ids (for UUIDs that is no order at all, which is
//! what a caller sees of such systems), an index of look-up keys for the uniqueness rules, and,
//! where lists are to lag behind writes, what each record was like a moment ago (a read replica or
//! a search index).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Numbers sort as numbers, everything else as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
}

fn key(id: &str) -> Key {
    id.parse().map_or_else(|_| Key::Text(id.to_owned()), Key::Number)
}

/// One record.
#[derive(Debug, Clone)]
struct Row {
    /// `None` once deleted, while lists may still show it.
    value: Option<Value>,
    /// Earlier states, oldest first, each with the time at which it *ended*.
    earlier: Vec<(Timestamp, Option<Value>)>,
}

/// The look-up keys of a record, such as `email:ada@example.no`.
pub(crate) type Keys = fn(&Value) -> Vec<String>;

/// The records of one collection.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: BTreeMap<Key, Row>,
    index: HashMap<String, BTreeSet<String>>,
    keys: Keys,
    lag: SignedDuration,
}

impl Table {
    /// `lag` is how far lists are behind writes; look-ups by id never are.
    pub fn new(keys: Keys, lag: SignedDuration) -> Self {
        Self { rows: BTreeMap::new(), index: HashMap::new(), keys, lag }
    }

    pub fn get(&self, id: &str) -> Option<&Value> {
        self.rows.get(&key(id)).and_then(|row| row.value.as_ref())
    }

    pub fn contains(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// Stores a record; says whether that changed anything.
    pub fn put(&mut self, id: &str, value: Value, now: Timestamp) -> bool {
        self.replace(id, Some(value), now)
    }

    /// Deletes a record for good; says whether it was there.
    pub fn remove(&mut self, id: &str, now: Timestamp) -> bool {
        self.contains(id) && self.replace(id, None, now)
    }

    fn replace(&mut self, id: &str, value: Option<Value>, now: Timestamp) -> bool {
        let known = self.rows.entry(key(id)).or_insert(Row { value: None, earlier: Vec::new() });
        if known.value == value {
            return false;
        }
        for old in known.value.iter().flat_map(self.keys) {
            if let Some(ids) = self.index.get_mut(&old) {
                ids.remove(id);
                if ids.is_empty() {
                    self.index.remove(&old);
                }
            }
        }
        for new in value.iter().flat_map(self.keys) {
            self.index.entry(new).or_default().insert(id.to_owned());
        }
        let before = std::mem::replace(&mut known.value, value);
        if self.lag > SignedDuration::ZERO {
            let limit = now - self.lag;
            known.earlier.retain(|(ended, _)| *ended > limit);
            known.earlier.push((now, before));
        } else if known.value.is_none() {
            self.rows.remove(&key(id));
        }
        true
    }

    /// Forgets all records, as if there had never been any.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.index.clear();
    }

    /// The records as they are now, in the order of their ids.
    pub fn current(&self) -> impl Iterator<Item = &Value> {
        self.rows.values().filter_map(|row| row.value.as_ref())
    }

    /// The records as a list shows them at `now`: behind by the table's lag.
    pub fn listed(&self, now: Timestamp) -> impl Iterator<Item = &Value> {
        let limit = now - self.lag;
        self.rows.values().filter_map(move |row| {
            row.earlier
                .iter()
                .find(|(ended, _)| *ended > limit)
                .map_or(row.value.as_ref(), |(_, value)| value.as_ref())
        })
    }

    /// Ids of the records that have this look-up key now.
    pub fn find(&self, key: &str) -> impl Iterator<Item = &str> {
        self.index.get(key).into_iter().flatten().map(String::as_str)
    }

    /// The first record with this look-up key other than `except`.
    pub fn other_with(&self, key: &str, except: &str) -> Option<&str> {
        self.find(key).find(|id| *id != except)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn by_email(value: &Value) -> Vec<String> {
        value["email"].as_str().map(str::to_owned).into_iter().collect()
    }

    #[test]
    fn the_index_follows_changes_and_numbers_sort_as_numbers() {
        let now = Timestamp::UNIX_EPOCH;
        let mut table = Table::new(by_email, SignedDuration::ZERO);
        assert!(table.put("10", json!({"email":"a"}), now));
        assert!(table.put("9", json!({"email":"b"}), now));
        assert!(!table.put("9", json!({"email":"b"}), now));
        assert_eq!(table.current().map(|v| &v["email"]).collect::<Vec<_>>(), ["b", "a"]);
        table.put("9", json!({"email":"a"}), now);
        assert_eq!(table.find("a").count(), 2);
        assert_eq!(table.find("b").count(), 0);
        assert_eq!(table.other_with("a", "10"), Some("9"));
        assert!(table.remove("9", now));
        assert!(!table.remove("9", now));
        assert_eq!(table.find("a").collect::<Vec<_>>(), ["10"]);
    }

    #[test]
    fn lists_lag_while_look_ups_do_not() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut table = Table::new(by_email, SignedDuration::from_secs(10));
        table.put("1", json!({"email":"a"}), at(100));
        table.put("1", json!({"email":"b"}), at(120));
        table.remove("1", at(125));
        assert_eq!(table.get("1"), None);
        let seen = |second| table.listed(at(second)).cloned().collect::<Vec<_>>();
        assert_eq!(seen(129), [json!({"email":"a"})]);
        assert_eq!(seen(130), [json!({"email":"b"})]);
        assert_eq!(seen(135), Vec::<Value>::new());
    }
}
