//! The run's own record: how it is changed, and what is compared after each change.

use std::time::{Duration, Instant};

use lockstep_model::value::{effective, is_empty};
use lockstep_model::{ReadRecord, Value};

use super::{Run, Verdict, brief};
use crate::{Action, Outcome, Trouble, Write, WriteValue};

/// What is not shown at once is looked for again after so long, in milliseconds.
const WAITS_MS: [u64; 3] = [0, 1_000, 2_000];
/// A stated delay is waited for, but not longer.
const LONGEST_WAIT_MS: u64 = 60_000;
pub(super) const LARGE_PAGE: usize = 10_000;
pub(super) const MOST_PAGES: usize = 50;

impl Run<'_> {
    pub(super) fn left_behind(&mut self, id: &str, mark: &str) {
        self.left.insert(id.to_string(), format!("made by the test, with the mark {mark}"));
    }

    /// Whether something about this property has failed already.
    pub(super) fn has_failed(&self, path: &str) -> bool {
        let key = format!("{path}:");
        self.trials.iter().any(|trial| {
            matches!(trial.verdict, Verdict::Fails(_)) && trial.place.last() == Some(&key)
        })
    }

    pub(super) fn can_change(&self, prop: usize) -> bool {
        !self.ty.properties[prop].create_only && self.is_writable(prop)
    }

    pub(super) fn change(
        &self,
        made: &ReadRecord,
        version: Option<String>,
        values: Vec<WriteValue>,
        token: String,
    ) -> Outcome {
        self.write(Write { action: Action::Update { id: made.id.clone(), version }, values, token })
    }

    /// A new value in the place of what is shown.
    pub(super) fn replacing(shown: &ReadRecord, prop: usize, value: Value) -> WriteValue {
        let held = shown.values[prop].clone().unwrap_or(Value::Null);
        let displaced = effective(&held, value.is_array()).clone();
        WriteValue { prop, value, displaced: displaced.into() }
    }

    /// Looks until it is there, as long as the system may lag behind. Gives after how long it was,
    /// beyond what is stated.
    pub(super) fn waits_for(
        &self,
        found: &mut dyn FnMut() -> Result<bool, Trouble>,
    ) -> Result<Option<u64>, Trouble> {
        let stated = u64::try_from(self.ty.settles_ms).unwrap_or(0).min(LONGEST_WAIT_MS);
        let began = Instant::now();
        loop {
            if found()? {
                return Ok(Some(0));
            }
            let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            if waited >= stated {
                break;
            }
            std::thread::sleep(Duration::from_millis((stated - waited).min(1_000)));
        }
        for wait in WAITS_MS.into_iter().skip(1) {
            std::thread::sleep(Duration::from_millis(wait));
            if found()? {
                return Ok(Some(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)));
            }
        }
        Ok(None)
    }

    pub(super) fn lags(&mut self, what: &'static str, late_ms: u64) {
        let why = format!(
            "it is shown only after {:.0} s: say `settles-ms: {}`, or a reading right after a write takes what was before for an edit",
            late_ms as f64 / 1000.0,
            late_ms.next_multiple_of(1_000) * 2
        );
        self.fails(what, &["settles-ms:"], why);
    }

    /// Compares what was written with what is shown.
    pub(super) fn kept(
        &mut self,
        what: &'static str,
        values: &[WriteValue],
        shown: &ReadRecord,
    ) -> bool {
        let lost: Vec<&WriteValue> = values
            .iter()
            .filter(|value| {
                !self.shows(value.prop, shown.values[value.prop].as_ref(), &value.value)
            })
            .collect();
        let word = if what == "create" { "create:" } else { "update:" };
        if values.len() > 1 && lost.len() == values.len() {
            let why = "nothing that was sent is shown: does the system look for the record where `wrap` puts it, and does nothing in `beside` \
                       take its place?";
            self.fails(what, &[word], why);
            return false;
        }
        let lost: Vec<(usize, Value)> =
            lost.into_iter().map(|value| (value.prop, value.value.clone())).collect();
        for (prop, value) in &lost {
            let path = self.path(*prop).to_string();
            let cut = match (value, shown.values[*prop].as_ref()) {
                (Value::String(sent), Some(Value::String(held))) if !held.is_empty() && sent.starts_with(held.as_str()) => {
                    format!("The system cuts it: say `max-chars: {}`", held.chars().count())
                }
                _ => "Is it read and written at the same place (`at`), and of this `type`? If the system sets it itself, say `read-only: \
                      true`; if it takes it only at creation, `create-only: true`"
                    .into(),
            };
            let why = format!(
                "{path} was written and is not shown: {} was sent, and {} is there. {cut}",
                brief(Some(value)),
                brief(shown.values[*prop].as_ref())
            );
            self.fails(what, &["properties:", &format!("{path}:")], why);
        }
        if lost.is_empty() {
            self.note(what, Verdict::Holds);
        }
        lost.is_empty()
    }

    /// What was written already by the creation, and failed there, is not told twice.
    pub(super) fn kept_after(
        &mut self,
        what: &'static str,
        values: &[WriteValue],
        shown: &ReadRecord,
    ) {
        let fresh: Vec<WriteValue> = values
            .iter()
            .filter(|value| !self.has_failed(self.path(value.prop)))
            .cloned()
            .collect();
        if fresh.len() == values.len() || !fresh.is_empty() {
            self.kept(what, &fresh, shown);
        }
    }

    /// Whether a record shows something of what was sent with the mark. One that shows nothing may
    /// be anybody's, and is left alone.
    pub(super) fn is_ours(&self, values: &[WriteValue], shown: &ReadRecord, mark: &str) -> bool {
        let marked = |value: &&WriteValue| value.value.to_string().contains(mark);
        let mut sent = values.iter().filter(marked).peekable();
        let holds = |value: &ReadRecord| {
            value.values.iter().flatten().any(|value| value.to_string().contains(mark))
        };
        let kept = |value: &WriteValue| {
            self.shows(value.prop, shown.values[value.prop].as_ref(), &value.value)
        };
        match sent.peek().is_some() {
            true => holds(shown) || sent.any(kept),
            false => values.is_empty() || values.iter().any(kept),
        }
    }

    /// Whether a record that an answer named is one of the run's own: it was not there before, and
    /// shows something of what was sent with the mark. Only then is it deleted, or told to be left
    /// behind: anything else may be somebody's.
    pub(super) fn is_own(&self, id: &str, values: &[WriteValue], mark: &str) -> bool {
        !self.seen.records.iter().any(|record| record.id == id)
            && matches!(self.get(id), Ok(Some(shown)) if self.is_ours(values, &shown, mark))
    }

    /// Deletes a record of the run's own; it stays named where that fails.
    pub(super) fn delete_own(&mut self, id: &str, mark: &str) -> Outcome {
        let action = Action::Delete { id: id.to_string(), version: None };
        let token = format!("lockstep-test-{mark}-x");
        let outcome = self.write(Write { action, values: vec![], token });
        if matches!(outcome, Outcome::Done(_)) {
            self.left.remove(id);
        }
        outcome
    }

    /// R3: whether a record that `get` shows is in the list as well. `None` where the list can't be
    /// read to its end.
    pub(super) fn is_listed(&self, id: &str) -> Option<bool> {
        let mut complete = true;
        let found = self.waits_for(&mut || {
            let listing = self.listing(None, LARGE_PAGE, MOST_PAGES)?;
            complete = listing.complete;
            Ok(listing.ids().contains(id))
        });
        match found {
            Ok(Some(_)) => Some(true),
            Ok(None) if complete => Some(false),
            _ => None,
        }
    }

    /// Whether a property is empty now: one that is left out is, where the manifest says so (R5).
    pub(super) fn left_out(&self, shown: &ReadRecord, prop: usize) -> bool {
        shown.values[prop].is_none() && !self.ty.absent_is_empty
    }

    pub(super) fn holds_something(shown: &ReadRecord, prop: usize) -> bool {
        shown.values[prop].as_ref().is_some_and(|value| !is_empty(value))
    }
}
