//! Observing: what in a page of records is an edit, and what is not.
//!
//! Each record is judged by itself, against its own shadow; what an edit means for other records is
//! decided later, with the whole entity at hand. So pages can come in any order, overlap, and come
//! twice.

use std::collections::{HashMap, HashSet};

use lockstep_model::matching::seed;
use lockstep_model::value::{Terms, effective, is_empty, same};
use lockstep_model::{
    Claim, EntityId, NumberMap, Presence, PropIx, ReadRecord, RecordId, RecordState, Slot,
    Timestamp, TypeIx, Value,
};

use crate::confirm::{is_kept, made_of};
use crate::deletes::passes_deletions;
use crate::flips;
use crate::identity::{self, Identity};
use crate::keys::{hashes, rekey};
use crate::plan::{Plan, PlanProp};

/// The circumstances of a reading.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub ty: TypeIx,
    pub now: Timestamp,
    /// When the system was asked for it, which may have been long before it is looked at now (P5a).
    pub asked: Timestamp,
    /// When an edit counts as made whose time the system does not tell: when the run began. One
    /// time for all systems of a run, so that it is no race which of two such values is the later
    /// one.
    pub untold: Timestamp,
    /// When the previous reading of the record type began, by Lockstep's clock (P1b); `None` before
    /// the first.
    pub previous: Option<Timestamp>,
    /// The number for the first new record; they rise from there.
    pub first_id: RecordId,
    /// It is read for what became of Lockstep's own writes, right after them (R6).
    pub after_writes: bool,
    /// What is watched has changed: known records are indexed anew even where nothing differs.
    pub reindex: bool,
}

/// R9: what is made of a live record that shows nothing any more of what identified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A person is asked.
    Ask,
    /// A person has said that it is the same record.
    Same,
    /// A person has said that it is another one, which has been given the key.
    Another,
}

/// R9: a live record that shows nothing any more of what identified it. It stays as it was known
/// until a person has said whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// As it is known, and stays.
    pub known: RecordState,
    /// What it shows now.
    pub read: ReadRecord,
}

/// A value that changed in a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub record: RecordId,
    pub prop: PropIx,
    pub before: Value,
    pub after: Value,
    pub at: Timestamp,
}

/// A value that Lockstep wrote and its system has not kept (R6).
#[derive(Clone, Debug, PartialEq)]
pub struct NotKept {
    pub record: RecordId,
    pub prop: PropIx,
    pub sent: Value,
    /// What it shows instead: what was there before, or nothing.
    pub shown: Value,
}

/// What came of a page.
#[derive(Debug, Default)]
pub struct Observed {
    pub new: Vec<RecordState>,
    pub changed: Vec<RecordState>,
    pub keys_added: Vec<(u64, RecordId)>,
    pub keys_removed: Vec<(u64, RecordId)>,
    /// Records to decide on.
    pub touched: Vec<RecordId>,
    pub edits: Vec<Edit>,
    /// What turned out not to have been kept of what was written.
    pub not_kept: Vec<NotKept>,
    /// Records that the system tells are gone.
    pub gone: Vec<RecordId>,
    /// Records that were gone and are there again (D1).
    pub back: Vec<RecordId>,
    /// Records whose keys belong to others now (R9), with the keys by which they are known from
    /// here on.
    pub retired: Vec<(RecordId, String)>,
    /// Records of which a person must say whether they are still the same (R9).
    pub doubts: Vec<Doubt>,
    /// R2: dropped at once.
    pub unchanged: usize,
    /// Some record was not shown as Lockstep's own write had left it, so soon after it that this
    /// may be the state of before it or an edit since (P5a): it must be shown again.
    pub unsettled: bool,
}

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
    let mut out = Observed::default();
    let absent: HashSet<RecordId> =
        known.values().filter(|state| !state.is_live()).map(|state| state.id).collect();
    let mut next = reading.first_id.0;
    let new = page.len().saturating_sub(known.len());
    out.new.reserve(new);
    out.touched.reserve(new);
    out.keys_added.reserve(new);
    let mut known: HashMap<String, (RecordState, Option<Vec<u64>>)> =
        known.into_iter().map(|(key, state)| (key, (state, None))).collect();
    // A record that comes twice in a page is compared with what its first coming left.
    let mut new_at: NumberMap<u64, usize> = NumberMap::default();
    let own_id = plan.ty(reading.ty).own_id;
    for mut read in page {
        if let Some(prop) = own_id {
            read.values[prop.at()] = Some(Value::String(read.id.clone()));
        }
        let hash = seed(&read.id);
        let came = new_at.get(&hash).copied();
        // The hash is as good as the key, but for the one page in some billions in which two keys
        // share it.
        let came = came
            .filter(|&at| out.new[at].key == read.id)
            .or_else(|| came.and_then(|_| out.new.iter().position(|state| state.key == read.id)));
        if let Some(at) = came {
            let state = &mut out.new[at];
            let before = hashes(plan, state);
            if update(plan, reading, state, &read, Trust::Same, &mut Seen::default())
                == Update::Changed
            {
                rekey(plan, state, &before, &mut out.keys_added, &mut out.keys_removed);
                // What was queued for adding in this very page and is not wanted any more must not
                // be added.
                let removed = std::mem::take(&mut out.keys_removed);
                out.keys_added.retain(|key| !removed.contains(key));
            }
            continue;
        }
        if let Some((state, before)) = known.get_mut(&read.id) {
            // A second coming that brings nothing new leaves what the first one brought.
            let came = before.is_some();
            let old = before.take().unwrap_or_else(|| hashes(plan, state));
            let mut another =
                !read.deleted && !state.is_live() && !identity::is_back(plan, state, &read);
            let mut changed = false;
            if !another {
                let staleness = staleness(plan, reading, state, &read);
                out.unsettled |= staleness == Staleness::Unsettled && differs(state, &read);
                // What a person has been asked about is not stale any more.
                if staleness == Staleness::Fresh || trust != Trust::Ask {
                    let mut seen = Seen::default();
                    let came = update(plan, reading, state, &read, trust, &mut seen);
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
            if !another {
                continue;
            }
            // R9: what follows is a new record, which has been given the key of one that is gone.
            out.retired.push((state.id, retired_key(state)));
        }
        if read.deleted {
            continue;
        }
        let state = first_seen(plan, reading, RecordId(next), read);
        next += 1;
        out.keys_added.extend(hashes(plan, &state).into_iter().map(|hash| (hash, state.id)));
        out.touched.push(state.id);
        new_at.entry(hash).or_insert(out.new.len());
        out.new.push(state);
    }
    let mut changed: Vec<_> = known
        .into_values()
        .filter_map(|(state, before)| before.map(|before| (state, before)))
        .collect();
    changed.sort_by_key(|(state, _)| state.id);
    for (state, before) in changed {
        if reading.reindex {
            out.keys_added.extend(hashes(plan, &state).into_iter().map(|hash| (hash, state.id)));
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

/// R9: by what a record is known whose key belongs to another one now.
pub fn retired_key(state: &RecordState) -> String {
    format!("{}~{}", state.key, state.id)
}

/// D1, R3: a record that is not there any more. Its match keys go, its place in its entity stays.
/// `seen` is when it was last known to be there: when the previous reading of its record type
/// began.
pub fn mark_gone(
    plan: &Plan,
    state: &mut RecordState,
    seen: Option<Timestamp>,
) -> Vec<(u64, RecordId)> {
    let keys = hashes(plan, state).into_iter().map(|hash| (hash, state.id)).collect();
    leave(plan, state, seen);
    keys
}

fn leave(plan: &Plan, state: &mut RecordState, seen: Option<Timestamp>) {
    let since = seen.unwrap_or(state.first_seen);
    state.presence =
        if passes_deletions(plan, state.ty) { Presence::Leaving { since } } else { Presence::Gone };
}

/// P1: when what a record holds counts as put in, of which nothing was known before. What no system
/// tells is later than nothing, unless the project says that it wins.
fn first_told(plan: &Plan, reading: Reading, modified: Option<Timestamp>) -> Timestamp {
    let untold = if plan.ty(reading.ty).untold_wins { reading.untold } else { Timestamp::UNTOLD };
    modified.map_or(untold, |at| at.min(reading.now).max(Timestamp(1)))
}

/// P1: when the system says that a property was put in: by a time of its own, if it has one, else
/// by the record's. One that is empty, or no time, tells nothing.
fn told(prop: &PlanProp, read: &ReadRecord, held: &[Slot]) -> Option<Timestamp> {
    let Some(by) = prop.told_by else { return read.modified };
    let time = read.values[by.at()].as_ref().or_else(|| held.get(by.at())?.shadow.as_ref())?;
    Timestamp::read(time).ok().flatten().map(|reported| reported.at)
}

/// P1b: an edit happened between the previous read of its record and this one, by Lockstep's own
/// clock.
fn edited_at(reading: Reading, modified: Option<Timestamp>) -> Timestamp {
    let at = modified.unwrap_or(reading.untold).min(reading.now);
    reading.previous.map_or(at, |previous| at.max(previous.min(reading.now)))
}

fn first_seen(plan: &Plan, reading: Reading, id: RecordId, read: ReadRecord) -> RecordState {
    let of_record = first_told(plan, reading, read.modified);
    let props = &plan.ty(reading.ty).props;
    let times: Vec<(usize, Timestamp)> = props
        .iter()
        .enumerate()
        .filter(|(_, prop)| prop.told_by.is_some())
        .map(|(at, prop)| (at, first_told(plan, reading, told(prop, &read, &[]))))
        .collect();
    let slots = read
        .values
        .into_iter()
        .zip(props)
        .enumerate()
        .map(|(ix, (value, prop))| {
            let at = times.iter().find(|(at, _)| *at == ix).map_or(of_record, |(_, own)| *own);
            let claim = value
                .as_ref()
                .filter(|_| prop.paired)
                .map(|v| effective(v, prop.whole))
                .filter(|v| !is_empty(v));
            let claim = claim.map(|value| Claim { value: value.clone(), at, goes: vec![] });
            let displaced = (claim.is_some() && prop.fans).then(|| Box::new(Value::Null));
            Slot { shadow: value, claim, displaced, ..Slot::default() }
        })
        .collect();
    RecordState {
        id,
        ty: reading.ty,
        key: read.id,
        entity: EntityId(id.0),
        version: read.version,
        modified: read.modified,
        first_seen: reading.now,
        presence: Presence::Live,
        written_at: None,
        slots,
    }
}

/// F1: another facet of a record that has been read as one facet only, as if it had been read at
/// the same time.
pub fn read_as(plan: &Plan, record: &RecordState, ty: TypeIx, id: RecordId) -> RecordState {
    let reading = Reading {
        ty,
        now: record.first_seen,
        asked: record.first_seen,
        untold: record.first_seen,
        previous: None,
        first_id: id,
        after_writes: false,
        reindex: false,
    };
    let read = ReadRecord {
        id: record.key.clone(),
        version: record.version.clone(),
        modified: record.modified,
        deleted: false,
        values: record.slots.iter().map(|slot| slot.shadow.clone()).collect(),
    };
    RecordState { presence: record.presence, ..first_seen(plan, reading, id, read) }
}

/// A property that no row had paired until now: what it holds is claimed like what a record holds
/// that is read for the first time. Where Lockstep has written to the record, its time tells
/// nothing of this property.
fn comes_to_be_paired(
    slot: &mut Slot,
    whole: bool,
    written_at: Option<Timestamp>,
    told: impl FnOnce(bool) -> Timestamp,
) -> bool {
    let value = slot.value(whole);
    if is_empty(value) {
        return false;
    }
    let at = told(written_at.is_none());
    slot.claim = Some(Claim { value: value.clone(), at, goes: vec![] });
    true
}

/// How a read stands to Lockstep's own last write to the record (P5a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Staleness {
    /// It is from after the write.
    Fresh,
    /// It may be from before: it is looked at again.
    Unsettled,
}

fn staleness(plan: &Plan, reading: Reading, state: &RecordState, read: &ReadRecord) -> Staleness {
    let Some(written_at) = state.written_at else { return Staleness::Fresh };
    // Where the answer to the write told nothing, the version that is known is the one from before
    // it.
    let told = state.slots.iter().all(|slot| slot.before.is_none());
    if told && state.version.is_some() && state.version == read.version {
        return Staleness::Fresh;
    }
    // What was asked for after the write, and after the delay that the system states, is from after
    // the write, whatever time it names: a spreadsheet's column, a clock that steps back.
    if reading.asked >= written_at.plus_ms(plan.ty(state.ty).settles_ms) {
        return Staleness::Fresh;
    }
    match (read.modified, state.modified) {
        (Some(read), Some(known)) if read > known => Staleness::Fresh,
        _ => Staleness::Unsettled,
    }
}

/// R5: the properties that a record held and that a read shows without a value, each with whether
/// the read tells that it is empty or does not tell of it at all.
pub fn losses(
    plan: &Plan,
    reading: Reading,
    state: &RecordState,
    read: &ReadRecord,
) -> Vec<(PropIx, bool)> {
    if read.deleted || !state.is_live() {
        return vec![];
    }
    let lost = |(ix, value): (usize, &Option<Value>)| {
        let slot = &state.slots[ix];
        let told = match value {
            None => false,
            Some(value) if is_empty(value) => true,
            Some(_) => return None,
        };
        let held = slot.shadow.as_ref().is_some_and(|held| !is_empty(held));
        held.then_some((PropIx(ix as u16), told))
    };
    let lost: Vec<_> = read.values.iter().enumerate().filter_map(lost).collect();
    // What is from before Lockstep's own write, or is what the system made of it, is judged
    // elsewhere (P5a, R6).
    let own =
        state.written_at.is_some() && state.version.is_some() && state.version == read.version;
    match !lost.is_empty() && (own || staleness(plan, reading, state, read) != Staleness::Fresh) {
        true => vec![],
        false => lost,
    }
}

/// Whether a read shows something else than is known.
pub fn differs(state: &RecordState, read: &ReadRecord) -> bool {
    let shown = state.slots.iter().zip(&read.values);
    read.deleted == state.is_live()
        || shown.into_iter().any(|(slot, value)| value.is_some() && slot.shadow != *value)
}

/// What was seen of a record.
#[derive(Default)]
struct Seen {
    edits: Vec<Edit>,
    not_kept: Vec<NotKept>,
}

/// Whether a read names the very time of change that the answer to Lockstep's write named. Whole
/// seconds are too coarse to say so.
fn at_same_time(state: &RecordState, read: &ReadRecord) -> bool {
    let untold = state.version.is_none() || read.version.is_none();
    untold && read.modified.is_some_and(|at| state.modified == Some(at) && at.0 % 1000 != 0)
}

/// What the first look at a value shows that Lockstep has written and nothing has shown since (R6).
enum FirstLook {
    /// What the system made of it when it stored it (P3).
    StoredSo,
    NotKept,
    /// Somebody has edited it since.
    Edited,
}

fn first_look(
    (terms, after_writes): (Terms, bool),
    state: &RecordState,
    read: &ReadRecord,
    (sent, before, shown): (&Value, &Value, &Value),
) -> FirstLook {
    // Nothing but the value itself tells a system's own making from a person's edit.
    let untold = state.modified.is_none()
        || read.version.is_none() && read.modified.is_none_or(|at| state.modified == Some(at));
    match () {
        () if !is_kept(terms, sent, before, shown) => FirstLook::NotKept,
        () if after_writes
            || at_same_time(state, read)
            || state.version.is_some() && state.version == read.version =>
        {
            FirstLook::StoredSo
        }
        () if untold && made_of(sent, shown) => FirstLook::StoredSo,
        // P3: whoever has edited something else of the record meanwhile has not taken the blanks
        // out, nor put this in capitals.
        () if has_the_same_words(sent, shown) => FirstLook::StoredSo,
        () => FirstLook::Edited,
    }
}

/// Whether two texts are the same but for blanks at their ends, for how many there are between
/// words, and for capitals.
fn has_the_same_words(sent: &Value, shown: &Value) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    match (sent, shown) {
        (Value::String(sent), Value::String(shown)) => words(sent) == words(shown),
        _ => false,
    }
}

/// What came of bringing a known record up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Update {
    Unchanged,
    /// It is to be stored.
    Changed,
    /// R9: it has been left as it was.
    Doubtful,
    /// R9: it has been left as it was; what was read is another record.
    Another,
}

/// Brings a known record up to date by a read that is not stale.
fn update(
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
    let of_record = edited_at(reading, read.modified);
    let mut changed = false;
    let mut identified = own_write || !state.is_live() || trust == Trust::Same;
    if !state.is_live() {
        // It was gone and is back.
        state.presence = Presence::Live;
        changed = true;
    }
    for (ix, (value, prop)) in read.values.iter().zip(&plan.ty(state.ty).props).enumerate() {
        // R5: what the record does not tell stays as it was.
        let Some(value) = value else { continue };
        let own = if reading.reindex { told(prop, read, &state.slots) } else { None };
        let slot = &mut state.slots[ix];
        let unseen = slot.is_unseen(prop.whole);
        if slot.shadow.as_ref() == Some(value) {
            if unseen {
                // It is kept just as it was given.
                (slot.given, slot.before) = (None, None);
                changed = true;
            }
            if reading.reindex && prop.paired && slot.claim.is_none() && slot.carries.is_none() {
                changed |= comes_to_be_paired(slot, prop.whole, state.written_at, |unwritten| {
                    first_told(plan, reading, own.filter(|_| unwritten))
                });
            }
            continue;
        }
        if reading.reindex && slot.shadow.is_none() {
            // It has not been watched before: whatever it holds was there, and nobody has just put
            // it in.
            slot.show(value.clone());
            if prop.paired {
                comes_to_be_paired(slot, prop.whole, state.written_at, |unwritten| {
                    first_told(plan, reading, own.filter(|_| unwritten))
                });
                slot.displaced = prop.fans.then(|| Box::new(Value::Null));
            }
            changed = true;
            continue;
        }
        if prop.tells_time {
            // When another property was edited is nobody's edit.
            state.slots[ix].show(value.clone());
            changed = true;
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
        let slot = &mut state.slots[ix];
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
        slot.show(value.clone());
        let new = slot.value(prop.whole).clone();
        changed = true;
        // R7, P11: another form, or another order, is no edit.
        if same(prop.terms(), &old, &new) {
            if let Some(claim) = slot.claim.as_mut().filter(|claim| claim.value == old) {
                claim.value = new;
            }
            continue;
        }
        if unseen {
            let before = slot.before.take().map_or(Value::Null, |before| *before);
            match first_look(
                (prop.terms(), reading.after_writes),
                state,
                read,
                (&old, &before, &new),
            ) {
                FirstLook::StoredSo => continue,
                FirstLook::Edited => {}
                FirstLook::NotKept => {
                    let slot = &mut state.slots[ix];
                    (slot.given, slot.carries) = (None, None);
                    // L7: what a half came to claim when it was unlinked, and never held, is
                    // nobody's value.
                    if let Some(claim) =
                        slot.claim.as_mut().filter(|claim| same(prop.terms(), &claim.value, &old))
                    {
                        claim.value = new.clone();
                    }
                    seen.not_kept.push(NotKept {
                        record: state.id,
                        prop: PropIx(ix as u16),
                        sent: old,
                        shown: new,
                    });
                    continue;
                }
            }
        } else if own_write && !assigned && slot.carries.is_some() {
            continue;
        }
        let at = if prop.told_by.is_some() {
            edited_at(reading, told(prop, read, &state.slots))
        } else {
            of_record
        };
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
