//! The pairs of a `map`: which value becomes which, and which comes back.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalogue::near;
use crate::decimal::Decimal;
use crate::value::{is_empty, shown};

/// More pairs than this are no value list but data.
const MOST_PAIRS: usize = 10_000;

/// Pairs of values, each with the one that it becomes. No value stands on the left twice.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pairs: Vec<(Value, Value)>,
    /// In order: a flow's fingerprint is made of it (G2).
    by_left: BTreeMap<String, usize>,
}

/// What becomes of a value that is in no pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Else {
    /// It can't be converted, and a person is asked.
    Review,
    /// It stays as it is.
    Pass,
    /// Nothing comes of it.
    Empty,
}

/// The words for what becomes of other values, the first where nothing is said.
pub(super) const ELSE: [(&str, Else); 3] =
    [("review", Else::Review), ("pass", Else::Pass), ("empty", Else::Empty)];

impl Else {
    pub(super) fn named(name: &str) -> Option<Else> {
        ELSE.iter().find(|(known, _)| *known == name).map(|(_, other)| *other)
    }
}

/// What a value is looked up by: numbers by value, texts by their characters without blanks around
/// them (R7).
fn left(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(
            Decimal::of(number).map_or_else(|| number.to_string(), |number| number.to_string()),
        ),
        Value::String(text) => Some(text.trim().to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

impl Table {
    /// Reads `[["Norway","NO"],["Denmark","DK"]]`. `Err` says what would be right.
    pub(super) fn read(json: &Value) -> Result<Table, String> {
        let right = "pairs are written [[FROM, TO], …]";
        let Value::Array(list) = json else {
            return Err(format!("{} is no list of pairs; {right}", shown(json)));
        };
        if list.is_empty() {
            return Err(format!("there is no pair; {right}"));
        }
        if list.len() > MOST_PAIRS {
            return Err(format!("there are {} pairs, more than {MOST_PAIRS}", list.len()));
        }
        let mut table = Table { pairs: vec![], by_left: BTreeMap::new() };
        for pair in list {
            let Some([from, to]) = pair.as_array().map(Vec::as_slice) else {
                return Err(format!("{} is no pair; {right}", shown(pair)));
            };
            if to.is_array() || to.is_object() {
                return Err(format!("{} is no single value, so nothing can become it", shown(to)));
            }
            let Some(key) = left(from).filter(|key| !key.is_empty()) else {
                return Err(format!(
                    "{} can't be looked up: a text, a number, true or false must stand there",
                    shown(from)
                ));
            };
            if table.by_left.insert(key, table.pairs.len()).is_some() {
                return Err(format!(
                    "{} stands in two pairs, and could become either",
                    shown(from)
                ));
            }
            table.pairs.push((from.clone(), to.clone()));
        }
        Ok(table)
    }

    /// What a value becomes.
    pub(super) fn mapped(&self, value: &Value, other: Else) -> Result<Value, String> {
        if is_empty(value) {
            return Ok(Value::Null);
        }
        let found = left(value).and_then(|key| self.by_left.get(&key));
        match (found, other) {
            (Some(at), _) => Ok(self.pairs[*at].1.clone()),
            (None, Else::Pass) => Ok(value.clone()),
            (None, Else::Empty) => Ok(Value::Null),
            (None, Else::Review) => {
                let known = self.pairs.iter().filter_map(|(from, _)| from.as_str());
                let meant = value.as_str().and_then(|value| near(value, known.clone()));
                let meant = meant.or_else(|| {
                    known.clone().find(|known| {
                        Some(known.to_lowercase()) == value.as_str().map(str::to_lowercase)
                    })
                });
                let hint =
                    meant.map_or(String::new(), |meant| format!("; did you mean “{meant}”?"));
                Err(format!("{} is in no pair of the map{hint}", shown(value)))
            }
        }
    }

    /// The pairs the other way round, and which values on the left do not come back; several become
    /// one, and the first is the way back.
    pub(super) fn reversed(&self) -> Result<(Table, Vec<&Value>), String> {
        let mut back = Table { pairs: vec![], by_left: BTreeMap::new() };
        let mut lost = Vec::new();
        for (from, to) in &self.pairs {
            let key = left(to).filter(|key| !key.is_empty());
            match key {
                Some(key) if !back.by_left.contains_key(&key) => {
                    back.by_left.insert(key, back.pairs.len());
                    back.pairs.push((to.clone(), from.clone()));
                }
                _ => lost.push(from),
            }
        }
        if back.pairs.is_empty() {
            Err("“map” makes nothing of everything".into())
        } else {
            Ok((back, lost))
        }
    }

    /// As it is written.
    pub(super) fn to_json(&self) -> Value {
        let pair = |(from, to): &(Value, Value)| Value::Array(vec![from.clone(), to.clone()]);
        Value::Array(self.pairs.iter().map(pair).collect())
    }

    pub(super) fn left_side(&self) -> impl Iterator<Item = &Value> {
        self.pairs.iter().map(|(from, _)| from)
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn right_side(&self) -> impl Iterator<Item = &Value> {
        self.pairs.iter().map(|(_, to)| to)
    }

    pub(super) fn has_left(&self, value: &Value) -> bool {
        left(value).is_some_and(|key| self.by_left.contains_key(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g2_a_table_says_the_same_of_itself_each_time_it_is_read() {
        let pairs: Vec<[String; 2]> =
            (0..40).map(|n| [format!("land {n}"), n.to_string()]).collect();
        let text = |()| format!("{:?}", Table::read(&serde_json::json!(pairs)).unwrap());
        assert!((0..8).all(|_| text(()) == text(())));
    }
}
