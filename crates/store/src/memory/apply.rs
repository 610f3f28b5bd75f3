//! What a commit makes of what is stored. It is given a copy, which is thrown away if it fails.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::{
    Intent, IntentId, IntentKind, KeyOwner, RecordId, RecordState, Review, Source,
};

use super::catalogue::Bound;
use super::numbering::{Numbering, source_by};
use super::state::{State, StoredIntent, StoredRecord};
use crate::{Commit, IntentUpdate, ReviewKey, TypeStatus};

/// Why a commit can't be recorded.
type Applied = Result<(), String>;

impl State {
    pub(super) fn apply(&mut self, bound: &Bound, commit: &Commit) -> Applied {
        for (ty, status) in &commit.types {
            let stored = Numbering::In(bound).ty(*ty).and_then(|row| self.catalogue.ty_mut(row));
            let stored = stored.ok_or_else(|| not_bound("record type", ty))?;
            let records = stored.status.records;
            stored.status = TypeStatus { records, ..status.clone() };
        }
        self.apply_records(bound, commit)?;
        self.count_again(bound, commit)?;
        self.apply_intents(bound, commit)?;
        self.apply_reviews(bound, commit)?;
        self.journal.extend(commit.journal.iter().cloned());
        for (name, value) in &commit.marks {
            match value {
                Some(value) => drop(self.marks.insert(name.clone(), value.clone())),
                None => drop(self.marks.remove(name)),
            }
        }
        Ok(())
    }

    fn apply_records(&mut self, bound: &Bound, commit: &Commit) -> Applied {
        for (id, key) in &commit.rekeyed {
            let Some(stored) = self.records.get_mut(id) else { continue };
            let row = stored.state.ty;
            let old = std::mem::replace(&mut stored.state.key, key.clone());
            self.by_key.remove(&(row, old));
            if self.by_key.insert((row, key.clone()), *id).is_some() {
                return Err(format!("there is a record `{key}` already"));
            }
        }
        for record in &commit.new_records {
            let row = Numbering::In(bound).ty(record.ty);
            let row = row.ok_or_else(|| not_bound("record type", &record.ty))?;
            let taken = self.by_key.insert((row, record.key.clone()), record.id).is_some();
            // So that claims of one that is new as well are known to be its own.
            let state = RecordState { ty: row, slots: vec![], ..record.clone() };
            let new = StoredRecord { state, carried: BTreeMap::new() };
            if self.records.insert(record.id, new).is_some() || taken {
                return Err(format!("there is a record {} or `{}`", record.id, record.key));
            }
        }
        for record in commit.new_records.iter().chain(&commit.changed_records) {
            self.write_record(bound, record)?;
        }
        for (id, entity) in &commit.relinked {
            if let Some(stored) = self.records.get_mut(id) {
                stored.state.entity = *entity;
            }
        }
        let owned = |keys: &[(u64, RecordId)], promises: &[(u64, IntentId)]| {
            let records = keys.iter().map(|(hash, id)| (*hash, KeyOwner::Record(*id)));
            let promised = promises.iter().map(|(hash, id)| (*hash, KeyOwner::Promise(*id)));
            records.chain(promised).collect::<Vec<_>>()
        };
        let removed = owned(&commit.keys_removed, &commit.promises_removed);
        self.hashes.retain(|key| !removed.contains(key));
        self.hashes.extend(owned(&commit.keys_added, &commit.promises_added));
        self.agenda.retain(|one| !commit.agenda_done.contains(one));
        self.agenda.extend(&commit.agenda_added);
        let in_order = |(a, b): &(RecordId, RecordId)| (*a.min(b), *a.max(b));
        for pair in commit.apart_removed.iter().map(in_order) {
            self.apart.remove(&pair);
        }
        self.apart.extend(commit.apart_added.iter().map(in_order));
        Ok(())
    }

    /// Counts the live records of each type of which the commit changes any.
    fn count_again(&mut self, bound: &Bound, commit: &Commit) -> Applied {
        let records = commit.new_records.iter().chain(&commit.changed_records);
        for ty in records.map(|record| record.ty).collect::<BTreeSet<_>>() {
            let row = Numbering::In(bound).ty(ty);
            let live = |one: &&StoredRecord| Some(one.state.ty) == row && one.state.is_live();
            let count = self.records.values().filter(live).count() as u64;
            let stored = row.and_then(|row| self.catalogue.ty_mut(row));
            stored.ok_or_else(|| not_bound("record type", &ty))?.status.records = count;
        }
        Ok(())
    }

    /// A record, whole but for its number, record type and key.
    fn write_record(&mut self, bound: &Bound, record: &RecordState) -> Applied {
        let Some(known) = self.records.get(&record.id) else {
            return Err(format!("record {} is to be changed and is not there", record.id));
        };
        let (ty, key) = (known.state.ty, known.state.key.clone());
        let stamps = record.slots.iter().filter_map(|slot| slot.carries);
        let carried: BTreeMap<_, _> = stamps
            .filter_map(|stamp| Some((stamp.record, self.named_type_of(bound, stamp.record)?)))
            .collect();
        // By the plan's numbers, which a stamp in the commit has.
        let in_plan = |record| bound.of_row.get(carried.get(&record)?).copied();
        let state = Numbering::In(bound).record(record, &in_plan);
        let state = state.ok_or_else(|| not_bound("record type", &record.ty))?;
        let state = RecordState { ty, key, ..state };
        self.records.insert(record.id, StoredRecord { state, carried });
        Ok(())
    }

    fn apply_intents(&mut self, bound: &Bound, commit: &Commit) -> Applied {
        for intent in &commit.intents_new {
            let stored = self.stored_intent(bound, intent)?;
            if self.intents.insert(intent.id, stored).is_some() {
                return Err(format!("there is an intent {} already", intent.id));
            }
        }
        for (id, entity) in &commit.intents_moved {
            if let Some(stored) = self.intents.get_mut(id) {
                stored.intent.entity = *entity;
            }
        }
        let mut in_order: Vec<&IntentUpdate> = commit.intents_changed.iter().collect();
        // Stable: of two updates of an intent the later one stays.
        in_order.sort_by_key(|update| update.id);
        for update in in_order {
            let Some(stored) = self.intents.get_mut(&update.id) else {
                return Err(format!("intent {} is to be changed and is not there", update.id));
            };
            let intent = &mut stored.intent;
            let next = intent.state.next(update.event);
            intent.state = next.map_err(|step| format!("intent {}: {step}", update.id))?;
            (intent.attempts, intent.not_before) = (update.attempts, update.not_before);
            (intent.message, intent.done_at) = (update.message.clone(), update.done_at);
            if intent.kind == IntentKind::Create {
                intent.record = update.record.or(intent.record);
            }
        }
        Ok(())
    }

    fn stored_intent(&self, bound: &Bound, intent: &Intent) -> Result<StoredIntent, String> {
        let into = Numbering::In(bound);
        let ty = into.ty(intent.ty).ok_or_else(|| not_bound("record type", &intent.ty))?;
        let claimed: Vec<_> = intent
            .changes
            .iter()
            .map(|change| self.named_type_of(bound, change.claim.record))
            .collect();
        let changes = intent.changes.iter().zip(&claimed).map(|(change, claimed)| {
            let in_plan = |_| bound.of_row.get(claimed.as_ref()?).copied();
            let stored = into.change(intent.ty, change, &in_plan);
            stored.ok_or_else(|| not_bound("property", &change.prop))
        });
        let changes = changes.collect::<Result<Vec<_>, String>>()?;
        let source = match intent.source {
            Source::Lack => source_by(bound, intent.ty, intent.flow),
            Source::Record(id) | Source::TakesBack(id) => self.named_type_of(bound, id),
        };
        Ok(StoredIntent { intent: Intent { ty, changes, ..intent.clone() }, source, claimed })
    }

    fn apply_reviews(&mut self, bound: &Bound, commit: &Commit) -> Applied {
        let into = Numbering::In(bound);
        for closed in &commit.reviews_closed {
            let Some(ty) = into.ty(closed.ty) else { continue };
            let prop = closed.prop.and_then(|prop| into.prop(closed.ty, prop));
            let key = ReviewKey { ty, prop, ..*closed };
            self.reviews.retain(|_, review| ReviewKey::of(review) != key);
        }
        for opened in &commit.reviews_opened {
            let ty = into.ty(opened.ty).ok_or_else(|| not_bound("record type", &opened.ty))?;
            let prop = opened.prop.and_then(|prop| into.prop(opened.ty, prop));
            let review = Review { ty, prop, ..opened.clone() };
            let known = self
                .reviews
                .values_mut()
                .find(|known| ReviewKey::of(known) == ReviewKey::of(&review));
            match known {
                // It keeps the time since when it waits.
                Some(known) => *known = Review { opened_at: known.opened_at, ..review },
                None => {
                    self.reviews.insert(self.next_review, review);
                    self.next_review += 1;
                }
            }
        }
        Ok(())
    }
}

fn not_bound(what: &str, number: &dyn std::fmt::Display) -> String {
    format!("the plan that was bound has no {what} number {number}")
}
