//! A page of records, compared with what is known of them (R1, R2, R9).

use std::collections::{HashMap, HashSet};

use lockstep_model::matching::seed;
use lockstep_model::{NumberMap, ReadRecord, RecordId, RecordState, Value};

use super::first_seen::first_seen;
use super::gone::{leave, retired_key};
use super::reading::{Doubt, Observed, Reading, Trust};
use super::stale::{Staleness, differs, staleness};
use super::update::{Seen, Update, update};
use crate::identity;
use crate::keys::{hashes, rekey};
use crate::plan::Plan;

/// Compares a page with what is known of its records.
pub fn observe(
    plan: &Plan,
    reading: Reading,
    page: Vec<ReadRecord>,
    known: HashMap<String, RecordState>,
) -> Observed {
    observe_as(plan, reading, page, known, Trust::Ask)
}

/// The same, with what a person has said of the records in it (R9).
pub fn observe_as(
    plan: &Plan,
    reading: Reading,
    page: Vec<ReadRecord>,
    known: HashMap<String, RecordState>,
    trust: Trust,
) -> Observed {
    let absent: HashSet<RecordId> =
        known.values().filter(|state| !state.is_live()).map(|state| state.id).collect();
    let mut out = Observed::default();
    let new = page.len().saturating_sub(known.len());
    out.new.reserve(new);
    out.touched.reserve(new);
    out.keys_added.reserve(new);
    let known = known.into_iter().map(|(key, state)| (key, (state, None))).collect();
    let new_at = NumberMap::default();
    let mut observing = Page { plan, reading, trust, next: reading.first_id.0, known, new_at, out };
    for read in page {
        observing.take(read);
    }
    observing.finish(&absent)
}

/// A page that is being looked at.
struct Page<'a> {
    plan: &'a Plan,
    reading: Reading,
    trust: Trust,
    /// The number for the next new record.
    next: i64,
    /// What is known of the page's records, each with the hashes by which it was found before this
    /// page, if it has come in it.
    known: HashMap<String, (RecordState, Option<Vec<u64>>)>,
    /// Where each new record of the page is, by the hash of its key.
    new_at: NumberMap<u64, usize>,
    out: Observed,
}

impl Page<'_> {
    fn take(&mut self, mut read: ReadRecord) {
        let (plan, reading) = (self.plan, self.reading);
        if let Some(prop) = plan.ty(reading.ty).own_id {
            read.values[prop.at()] = Some(Value::String(read.id.clone()));
        }
        let hash = seed(&read.id);
        if let Some(at) = self.place_of_new(hash, &read.id) {
            return self.comes_again(at, &read);
        }
        if self.is_known(&read) || read.deleted {
            return;
        }
        let state = first_seen(plan, reading, RecordId(self.next), read);
        self.next += 1;
        let keys = hashes(plan, &state).into_iter().map(|hash| (hash, state.id));
        self.out.keys_added.extend(keys);
        self.out.touched.push(state.id);
        self.new_at.entry(hash).or_insert(self.out.new.len());
        self.out.new.push(state);
    }

    /// Where a record is among the new ones, if it has come in this page before. The hash is as
    /// good as the key, but for the one page in some billions in which two keys share it.
    fn place_of_new(&self, hash: u64, key: &str) -> Option<usize> {
        let at = *self.new_at.get(&hash)?;
        let new = &self.out.new;
        if new[at].key == key { Some(at) } else { new.iter().position(|state| state.key == key) }
    }

    /// A new record that comes twice in a page is compared with what its first coming left.
    fn comes_again(&mut self, at: usize, read: &ReadRecord) {
        let plan = self.plan;
        let out = &mut self.out;
        let state = &mut out.new[at];
        let before = hashes(plan, state);
        if update(plan, self.reading, state, read, Trust::Same, &mut Seen::default())
            == Update::Changed
        {
            rekey(plan, state, &before, &mut out.keys_added, &mut out.keys_removed);
            // What was queued for adding in this very page and is not wanted any more must not be
            // added.
            let removed = std::mem::take(&mut out.keys_removed);
            out.keys_added.retain(|key| !removed.contains(key));
        }
    }

    /// Whether a read is of a known record, which is brought up to date; else of one that is new.
    fn is_known(&mut self, read: &ReadRecord) -> bool {
        let (plan, reading, trust) = (self.plan, self.reading, self.trust);
        let out = &mut self.out;
        let Some((state, before)) = self.known.get_mut(&read.id) else { return false };
        // A second coming that brings nothing new leaves what the first one brought.
        let came = before.is_some();
        let old = before.take().unwrap_or_else(|| hashes(plan, state));
        let staleness = staleness(plan, reading, state, read);
        // P5a: what is from before Lockstep's own deletion shows nobody else.
        let mut another = !read.deleted
            && !state.is_live()
            && (staleness == Staleness::Fresh || trust != Trust::Ask)
            && !identity::is_back(plan, state, read);
        let mut changed = false;
        if !another {
            out.unsettled |= staleness == Staleness::Unsettled && differs(state, read);
            // What a person has been asked about is not stale any more.
            if staleness == Staleness::Fresh || trust != Trust::Ask {
                let mut seen = Seen::default();
                let came = update(plan, reading, state, read, trust, &mut seen);
                out.edits.append(&mut seen.edits);
                out.not_kept.append(&mut seen.not_kept);
                match came {
                    Update::Unchanged => {}
                    Update::Changed => changed = true,
                    Update::Doubtful => {
                        out.doubts.push(Doubt { known: state.clone(), read: read.clone() })
                    }
                    Update::Another => {
                        leave(plan, state, reading.previous);
                        (another, changed) = (true, true);
                    }
                }
            }
        }
        if changed || reading.reindex || came {
            *before = Some(old);
        } else if !another {
            out.unchanged += 1;
        }
        if another {
            // R9: what was read is a new record, which has been given the key of one that is gone.
            out.retired.push((state.id, retired_key(state)));
        }
        !another
    }

    /// What came of the page, its known records in order. `absent` are those that were not live
    /// before it.
    fn finish(self, absent: &HashSet<RecordId>) -> Observed {
        let Page { plan, reading, known, mut out, .. } = self;
        let mut changed: Vec<_> = known
            .into_values()
            .filter_map(|(state, before)| before.map(|before| (state, before)))
            .collect();
        changed.sort_by_key(|(state, _)| state.id);
        for (state, before) in changed {
            if reading.reindex {
                let keys = hashes(plan, &state).into_iter().map(|hash| (hash, state.id));
                out.keys_added.extend(keys);
            } else {
                rekey(plan, &state, &before, &mut out.keys_added, &mut out.keys_removed);
            }
            let was_live = !absent.contains(&state.id);
            match (was_live, state.is_live()) {
                (true, false) => out.gone.push(state.id),
                (false, true) => out.back.push(state.id),
                (true, true) | (false, false) => {}
            }
            if reading.reindex
                || was_live != state.is_live()
                || state.slots.iter().any(|slot| slot.displaced.is_some())
            {
                out.touched.push(state.id);
            }
            out.changed.push(state);
        }
        out
    }
}
