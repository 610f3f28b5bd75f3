//! Bringing a known record up to date by a read: what of it is an edit (R2, R5, P1b, P5, C6).

use lockstep_model::value::{equal, is_empty, same};
use lockstep_model::{Claim, Presence, PropIx, ReadRecord, RecordState, Value};

use super::each::{Certainty, Shown};
use super::first_look::{FirstLook, first_look};
use super::gone::leave;
use super::reading::{Edit, Looks, NotKept, Reading, Trust};
use super::times::{edited_at, first_told, told};
use crate::confirm::not_replaced;
use crate::identity::Identity;
use crate::plan::{Plan, PlanProp};
use crate::{flips, identity};

/// What was seen of a record.
#[derive(Default)]
pub(super) struct Seen {
    pub edits: Vec<Edit>,
    pub not_kept: Vec<NotKept>,
}

/// What came of bringing a known record up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Update {
    Unchanged,
    /// It is to be stored.
    Changed,
    /// R9: it has been left as it was.
    Doubtful,
    /// R9: it has been left as it was; what was read is another record.
    Another,
}

/// Brings a known record up to date by a read that is not stale.
pub(super) fn update(
    plan: &Plan,
    reading: Reading,
    state: &mut RecordState,
    read: &ReadRecord,
    trust: Trust,
    seen: &mut Seen,
) -> Update {
    if read.deleted {
        let was_live = state.is_live();
        if was_live {
            leave(plan, state, reading.previous);
        }
        return if was_live { Update::Changed } else { Update::Unchanged };
    }
    // P5: what a system shows in the version that Lockstep's own write made of what Lockstep has
    // given it is no edit, however it differs.
    let own_write =
        state.written_at.is_some() && state.version.is_some() && state.version == read.version;
    let mut changed = false;
    let mut identified = own_write || !state.is_live() || trust == Trust::Same;
    if !state.is_live() {
        // It was gone and is back.
        state.presence = Presence::Live;
        changed = true;
    }
    let read_by = Compared { plan, reading, read, own_write };
    for (ix, (value, prop)) in read.values.iter().zip(&plan.ty(state.ty).props).enumerate() {
        // R5: what the record does not tell stays as it was.
        let Some(value) = value else { continue };
        if state.slots[ix].shadow.as_ref() == Some(value) {
            changed |= read_by.shown_again(state, prop, ix);
            continue;
        }
        changed = true;
        if reading.reindex && state.slots[ix].shadow.is_none() {
            read_by.newly_watched(state, prop, ix, value);
            continue;
        }
        if prop.tells_time {
            // When another property was edited is nobody's edit.
            state.slots[ix].show(value.clone());
            continue;
        }
        if !identified {
            // Only where something differs, which most records that are read never do (R2).
            match (identity::of_live(plan, state, read), trust) {
                (Identity::Same, Trust::Ask | Trust::Same) => identified = true,
                (Identity::Doubtful, Trust::Ask | Trust::Same) => return Update::Doubtful,
                (Identity::Another, _) | (_, Trust::Another) => return Update::Another,
            }
        }
        read_by.shown_anew(state, prop, ix, value, seen);
    }
    if read.version.is_some() && read.version != state.version {
        state.version = read.version.clone();
        changed = true;
    }
    if read.modified.is_some() && read.modified != state.modified {
        state.modified = read.modified;
        changed = true;
    }
    if changed { Update::Changed } else { Update::Unchanged }
}

/// A read that a known record is compared with, property by property.
struct Compared<'a> {
    plan: &'a Plan,
    reading: Reading,
    read: &'a ReadRecord,
    /// It shows the version that Lockstep's own write made.
    own_write: bool,
}

impl Compared<'_> {
    /// A property shows what is known of it. Gives whether something is to be remembered of that.
    fn shown_again(&self, state: &mut RecordState, prop: &PlanProp, ix: usize) -> bool {
        let mut changed = false;
        let slot = &mut state.slots[ix];
        if slot.is_unseen(prop.whole) {
            // It is kept just as it was given.
            (slot.given, slot.before) = (None, None);
            changed = true;
        }
        if self.reading.reindex && prop.paired && slot.claim.is_none() && slot.carries.is_none() {
            changed |= self.comes_to_be_paired(state, prop, ix);
        }
        changed
            | (self.reading.reindex && prop.whole_for_some && claims_whole(&mut state.slots[ix]))
    }

    /// A property that has not been watched before: whatever it holds was there, and nobody has
    /// just put it in.
    fn newly_watched(&self, state: &mut RecordState, prop: &PlanProp, ix: usize, value: &Value) {
        state.slots[ix].show(value.clone());
        if prop.paired {
            self.comes_to_be_paired(state, prop, ix);
            state.slots[ix].displaced = (prop.fans && !prop.each).then(|| Box::new(Value::Null));
        }
    }

    /// A property that no row had paired until now: what it holds is claimed like what a record
    /// holds that is read for the first time. Where Lockstep has written to the record, its time
    /// tells nothing of this property. Gives whether it holds anything.
    fn comes_to_be_paired(&self, state: &mut RecordState, prop: &PlanProp, ix: usize) -> bool {
        let told = told(prop, self.read, &state.slots).filter(|_| state.written_at.is_none());
        let slot = &mut state.slots[ix];
        let value = slot.value(prop.whole);
        if is_empty(value) {
            return false;
        }
        let at = first_told(self.plan, self.reading, told);
        slot.claim = Some(Claim { value: value.clone(), at, goes: vec![] });
        true
    }

    /// A property shows another value than is known: it is an edit, unless it is another form of
    /// the same (R7, P11) or what became of Lockstep's own write (P3, P5, R6).
    fn shown_anew(
        &self,
        state: &mut RecordState,
        prop: &PlanProp,
        ix: usize,
        value: &Value,
        seen: &mut Seen,
    ) {
        if prop.each {
            return self.elements_shown(state, prop, ix, value, seen);
        }
        let own_write = self.own_write;
        let slot = &mut state.slots[ix];
        let unseen = slot.is_unseen(prop.whole);
        // C6: of the version that a creation made, a property that was neither sent nor shown by
        // the answer was filled by the system.
        let assigned = prop.reference_target.is_none()
            && slot.shadow.is_none()
            && slot.carries.is_none()
            && slot.claim.is_none();
        let old = slot.value(prop.whole).clone();
        if prop.list && !prop.whole && !prop.ordered {
            slot.stand_by(&old, value);
        }
        let left = match (&slot.before, value) {
            (Some(before), Value::Array(now)) if unseen && !prop.whole => {
                not_replaced(prop.terms(), &old, before, now).map(|place| now[place].clone())
            }
            _ => None,
        };
        slot.show(value.clone());
        if let Some(left) = left.filter(|left| !equal(left, slot.value(prop.whole))) {
            slot.pick = Some(Box::new(left));
        }
        let new = slot.value(prop.whole).clone();
        if same(prop.terms(), &old, &new) {
            if let Some(claim) = slot.claim.as_mut().filter(|claim| claim.value == old) {
                claim.value = new;
            }
            return;
        }
        if unseen {
            let before = slot.before.take().map_or(Value::Null, |before| *before);
            let terms = (prop.terms(), self.reading.looks);
            match first_look(terms, state, self.read, (&old, &before, &new)) {
                FirstLook::StoredSo => return,
                FirstLook::Edited => {}
                FirstLook::NotKept => return not_kept(state, prop, ix, (old, new), seen),
            }
        } else if own_write && !assigned && slot.carries.is_some() {
            return;
        }
        self.edited(state, prop, ix, (old, new), seen);
    }

    /// P11: a list whose elements come and go one by one shows others than are known.
    fn elements_shown(
        &self,
        state: &mut RecordState,
        prop: &PlanProp,
        ix: usize,
        value: &Value,
        seen: &mut Seen,
    ) {
        let slot = &mut state.slots[ix];
        let sure = Certainty {
            own_write: self.own_write && slot.carries.is_some(),
            after_writes: self.reading.looks == Looks::AfterWrites,
            changed_since: self
                .read
                .modified
                .zip(state.modified)
                .is_some_and(|(read, known)| known < read),
            unseen: slot.is_unseen(prop.whole),
        };
        let shown = Shown::of(slot, prop, value, sure);
        let undecided = slot.displaced.take().map(|older| *older);
        let displaced = shown.displaced(prop, undecided.as_ref());
        let desired = shown.desired(prop, slot);
        let alone = shown.alone(slot);
        let old = slot.value(prop.whole).clone();
        let carries = slot.carries;
        slot.before = None;
        slot.show(value.clone());
        if shown.refused {
            let (record, prop) = (state.id, PropIx(ix as u16));
            let (sent, shown) = (desired.clone(), value.clone());
            seen.not_kept.push(NotKept { record, prop, sent, shown });
        }
        let desired = alone.clone().unwrap_or(desired);
        if let Some((claim, alone)) = slot.claim.as_mut().zip(alone) {
            claim.value = alone;
        }
        if shown.is_edit() {
            self.edited(state, prop, ix, (old, value.clone()), seen);
            let claim = state.slots[ix].claim.as_mut();
            claim.into_iter().for_each(|claim| claim.value = desired.clone());
            state.slots[ix].displaced = Some(Box::new(displaced));
        } else {
            state.slots[ix].displaced = undecided.map(Box::new);
        }
        state.slots[ix].given = shown.given();
        state.slots[ix].carries = carries;
    }

    /// Somebody has put in another value.
    fn edited(
        &self,
        state: &mut RecordState,
        prop: &PlanProp,
        ix: usize,
        (old, new): (Value, Value),
        seen: &mut Seen,
    ) {
        let reading = self.reading;
        let at = edited_at(reading, told(prop, self.read, &state.slots));
        let slot = &mut state.slots[ix];
        // P1b: over what Lockstep wrote, an edit was made after that write, whatever time it names.
        let at = match state.written_at.filter(|_| slot.carries.is_some() || slot.claim.is_none()) {
            Some(written_at) => at.max(written_at.plus_ms(1).min(reading.now)),
            None => at,
        };
        slot.given = None;
        seen.edits.push(Edit {
            record: state.id,
            prop: PropIx(ix as u16),
            before: old.clone(),
            after: new.clone(),
            at,
        });
        if prop.paired {
            slot.flips =
                flips::after_edit(slot, state.written_at, reading.previous, reading.now, &new);
            // Two edits of a property are two claims, also where both were moved to the same edge
            // (P1b): who carries the first must see that there is another.
            let at =
                slot.claim.as_ref().filter(|claim| claim.at == at).map_or(at, |_| at.plus_ms(1));
            slot.claim = Some(Claim { value: new, at, goes: vec![] });
            slot.carries = None;
        }
        slot.displaced = Some(Box::new(old));
    }
}

/// R6: a property shows that its system has not kept what it was sent.
/// P9: a row says something of a list as a whole that was one of its elements before: a claim of
/// that element becomes one of the list. Gives whether it has.
fn claims_whole(slot: &mut lockstep_model::Slot) -> bool {
    let list = slot.value(true).clone();
    let element = slot.value(false).clone();
    let of_element =
        |claim: &&mut Claim| list.is_array() && !claim.value.is_array() && claim.value == element;
    let Some(claim) = slot.claim.as_mut().filter(of_element) else { return false };
    claim.value = list;
    true
}

fn not_kept(
    state: &mut RecordState,
    prop: &PlanProp,
    ix: usize,
    (sent, shown): (Value, Value),
    seen: &mut Seen,
) {
    let slot = &mut state.slots[ix];
    (slot.given, slot.carries) = (None, None);
    // L7: what a half came to claim when it was unlinked, and never held, is nobody's value.
    if let Some(claim) = slot.claim.as_mut().filter(|claim| same(prop.terms(), &claim.value, &sent))
    {
        claim.value = shown.clone();
        // P4: who was given what it claimed is given this.
        claim.at = claim.at.plus_ms(i64::from(claim.at.is_told()));
    }
    seen.not_kept.push(NotKept { record: state.id, prop: PropIx(ix as u16), sent, shown });
}
