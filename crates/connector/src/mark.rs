//! D3: a mark that says that a record is deleted, in the systems whose records are rows: `files`
//! and `sql`. Which values fit is the same for the marks of manifests.
//!
//! `deleted: { at: archived, is: [true], set: true }`: where the record says so, by which values,
//! and what is put there where a deletion is passed on. Without `set` the row itself is removed.

use std::borrow::Cow;

use lockstep_model::Value;
use lockstep_model::value::{equal, is_empty, like, shown};
use serde::{Deserialize, Deserializer};

/// What stands for the moment of the deletion under `set`.
const NOW: &str = "$now";

/// As it is written.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Mark {
    /// The column, or property, that says it …
    pub at: String,
    /// … by being one of these …
    #[serde(default)]
    is: Vec<Value>,
    /// … or by holding something that is none of these.
    #[serde(default)]
    is_not: Vec<Value>,
    /// What is put there instead of removing the record.
    #[serde(default, deserialize_with = "given")]
    set: Option<Value>,
    /// What is put there where a deleted record is to be there again (D2).
    #[serde(default, deserialize_with = "given")]
    unset: Option<Value>,
}

/// `set: null` says something.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Mark {
    /// Whether a record that holds this there counts as deleted.
    pub(crate) fn fits(&self, found: &Value) -> bool {
        let one_of = |values: &[Value]| values.iter().any(|value| says(value, found));
        one_of(&self.is) || (!self.is_not.is_empty() && !is_empty(found) && !one_of(&self.is_not))
    }

    /// What is put there when a record is deleted; `None` where it is removed.
    pub(crate) fn set(&self, now: impl FnOnce() -> Value) -> Option<Cow<'_, Value>> {
        match self.set.as_ref()? {
            Value::String(word) if word == NOW => Some(Cow::Owned(now())),
            value => Some(Cow::Borrowed(value)),
        }
    }

    /// Whether a deletion is passed on by setting it.
    pub(crate) fn is_set(&self) -> bool {
        self.set.is_some()
    }

    /// D2: what is put there where a deleted record is brought back: what is said, or else the only
    /// value that plainly means that it is not deleted.
    pub(crate) fn unset(&self) -> Option<Value> {
        let opposite = || match self.is[..] {
            [Value::Bool(truth)] => Some(Value::Bool(!truth)),
            _ => None,
        };
        self.unset.clone().or_else(|| self.is_not.first().cloned()).or_else(opposite)
    }

    /// Whether Lockstep marks records with it, and can take it off again.
    pub(crate) fn can_be_taken_off(&self) -> bool {
        self.is_set() && self.unset().is_some()
    }

    /// What is wrong with it, whatever the records hold (G10). `taken` are the columns that mean
    /// something else already, each with the setting that names it.
    pub(crate) fn fault<'a>(
        &self,
        taken: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<String> {
        if self.is.is_empty() && self.is_not.is_empty() {
            return Some(
                "`deleted` says neither `is` nor `is-not`, so no record would ever count as deleted; for a time that is there once it is \
                 deleted write `is-not: [null]`"
                    .into(),
            );
        }
        if let Some((_, word)) = taken.into_iter().find(|(column, _)| *column == self.at) {
            return Some(format!(
                "`{}` is what `{word}` names, and can't be the mark of `deleted` as well",
                self.at
            ));
        }
        if let Some(unset) = &self.unset {
            if self.fits(unset) {
                return Some(format!(
                    "`unset` puts {} into `{}`, and a record that holds it counts as deleted by `is` and `is-not`",
                    shown(unset),
                    self.at
                ));
            }
            if self.set.is_none() {
                return Some(
                    "`unset` has no effect without `set`: a deletion that is passed on removes the record, and nothing is left to unmark".into(),
                );
            }
        }
        let sets = self.set(|| Value::String("2024-01-31T10:00:00Z".into()))?;
        (!self.fits(&sets)).then(|| {
            let written = self.set.as_ref().map(shown).unwrap_or_default();
            format!(
                "`set` puts {written} into `{}`, and a record that holds it does not count as deleted by `is` and `is-not`",
                self.at
            )
        })
    }
}

/// Whether a value that is found is the one that is meant: a cell of a CSV file is a text, and many
/// databases keep truth as 0 and 1.
pub(crate) fn says(meant: &Value, found: &Value) -> bool {
    let truth =
        |value: &Value| value.as_i64().filter(|n| matches!(n, 0 | 1)).map(|n| Value::Bool(n == 1));
    match (meant, found) {
        (Value::Bool(_), Value::Number(_)) => truth(found).as_ref() == Some(meant),
        (Value::Number(_), Value::Bool(_)) => truth(meant).as_ref() == Some(found),
        (Value::Bool(_) | Value::Number(_), Value::String(_)) => {
            equal(meant, &like(found.clone(), meant))
        }
        (Value::String(meant), Value::String(found)) => meant.trim() == found.trim(),
        (Value::String(_), _) => equal(&like(meant.clone(), found), found),
        _ => equal(meant, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mark(written: Value) -> Mark {
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn d3_a_mark_is_one_of_these_values_or_none_of_those() {
        let truth = mark(json!({"at": "archived", "is": [true]}));
        for found in [json!(true), json!("true"), json!("TRUE"), json!(" True "), json!(1)] {
            assert!(truth.fits(&found), "{found}");
        }
        for found in
            [json!(false), json!("false"), json!(""), json!(null), json!(0), json!(2), json!("yes")]
        {
            assert!(!truth.fits(&found), "{found}");
        }
        let time = mark(json!({"at": "deleted_at", "is-not": [null]}));
        assert!(time.fits(&json!("2024-01-31")) && time.fits(&json!(0)));
        assert!(!time.fits(&json!(null)) && !time.fits(&json!("")) && !time.fits(&json!("  ")));
        let active = mark(json!({"at": "active", "is-not": ["yes", 1]}));
        assert!(
            active.fits(&json!("no"))
                && active.fits(&json!(0))
                && !active.fits(&json!("1"))
                && !active.fits(&json!(null))
        );
        assert!(mark(json!({"at": "state", "is": [3, "x"]})).fits(&json!("3")));
    }

    #[test]
    fn d2_a_mark_is_taken_off_by_what_plainly_means_that_a_record_is_not_deleted() {
        let unset = |written: Value| mark(written).unset();
        assert_eq!(unset(json!({"at": "gone", "is": [true], "set": true})), Some(json!(false)));
        let time = json!({"at": "gone", "is-not": [null], "set": "$now"});
        assert_eq!(unset(time), Some(Value::Null));
        // Of several states none is plain.
        assert_eq!(unset(json!({"at": "state", "is": ["closed"], "set": "closed"})), None);
        let said = json!({"at": "state", "is": ["closed"], "set": "closed", "unset": "open"});
        assert_eq!(unset(said), Some(json!("open")));
        assert!(!mark(json!({"at": "gone", "is": [true]})).can_be_taken_off());
    }

    #[test]
    fn g10_a_mark_that_marks_nothing_is_refused() {
        let fault = |written: Value| mark(written).fault([("id", "id")]);
        assert_eq!(fault(json!({"at": "gone", "is": [true], "set": true})), None);
        assert_eq!(fault(json!({"at": "gone", "is-not": [null], "set": "$now"})), None);
        assert_eq!(fault(json!({"at": "state", "is": [null], "set": null})), None);
        assert!(
            fault(json!({"at": "gone"}))
                .is_some_and(|fault| fault.contains("neither `is` nor `is-not`"))
        );
        assert!(
            fault(json!({"at": "id", "is": [1]}))
                .is_some_and(|fault| fault.contains("is what `id` names"))
        );
        assert!(
            fault(json!({"at": "gone", "is": [true], "unset": false}))
                .is_some_and(|fault| fault.contains("no effect without `set`"))
        );
        for written in [
            json!({"at": "gone", "is": [true], "set": false}),
            json!({"at": "gone", "is": [true], "set": "$now"}),
            json!({"at": "gone", "is": [true], "set": true, "unset": true}),
        ] {
            assert!(
                fault(written)
                    .is_some_and(|fault| fault.contains("as deleted by `is` and `is-not`"))
            );
        }
    }
}
