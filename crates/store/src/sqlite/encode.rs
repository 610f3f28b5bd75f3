//! A record's state to a row of `records`, and back.
//!
//! A record that was only read has the same claim time on all its properties, and each claim's
//! value is what the shadow shows. So the time stands once in the row (`claimed_at`), and only what
//! differs from that is written out, in `claims`: `{path: null}` for no claim, else an object of
//! which each member is there only where it is needed: `at`, `value` (or `whole`: the value is the
//! whole list in the shadow, not its first element), `goes` (P1a), `claim: null`, `carries` (P3),
//! `displaced`, `pick` (P9), `given` (P3), `before` (R6), `flips` (P5: the value, how often in a
//! row, how often at all). A row without `claimed_at` has no claims but those in `claims`: so a
//! record that Lockstep made costs nothing either.
//!
//! What is decoded is exactly what was encoded, whatever the plan's rules make of it; only what the
//! plan does not name any more is left out.

use lockstep_model::value::{effective, is_empty};
use lockstep_model::{
    Claim, ClaimStamp, EntityId, Flips, Presence, PropIx, RecordId, RecordState, Slot, Timestamp,
    TypeIx, Value,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::Map;

use super::bound::{Bound, KnownType};
use super::fault::{Fallible, Fault};
use super::json::{self, Cursor};

/// What a row holds of a record's properties. One is used again and again, so that its texts need
/// not be made anew.
#[derive(Default)]
pub(super) struct Encoded {
    pub claimed_at: Option<i64>,
    pub shadow: Vec<u8>,
    pub claims: Option<String>,
    /// The plain time of each slot.
    times: Vec<Option<Timestamp>>,
}

/// The value that a claim on this shadow has, unless written otherwise; nothing where the shadow is
/// empty.
fn plain_value(shadow: Option<&Value>) -> Option<&Value> {
    shadow.filter(|value| !is_empty(value)).map(|value| effective(value, false))
}

/// The time of a claim that needs nothing but its time to be restored.
fn plain_time(slot: &Slot) -> Option<Timestamp> {
    let claim = slot.claim.as_ref()?;
    (claim.goes.is_empty() && plain_value(slot.shadow.as_ref()) == Some(&claim.value))
        .then_some(claim.at)
}

/// The time to write once for all: the commonest, if that saves more than it costs for those
/// without a claim. `times` are the plain times of the slots.
fn shared_time(slots: &[Slot], times: &[Option<Timestamp>]) -> Option<Timestamp> {
    let known = || times.iter().copied().flatten();
    let first = known().next()?;
    let unclaimed = slots
        .iter()
        .filter(|slot| slot.claim.is_none() && plain_value(slot.shadow.as_ref()).is_some())
        .count();
    let (time, count) = if known().all(|time| time == first) {
        (first, known().count())
    } else {
        known()
            .map(|time| (time, known().filter(|other| *other == time).count()))
            .max_by_key(|&(time, count)| (count, time))?
    };
    (count > unclaimed).then_some(time)
}

/// There is more to it than a shadow and a claim.
fn has_more(slot: &Slot) -> bool {
    slot.carries.is_some()
        || slot.displaced.is_some()
        || slot.pick.is_some()
        || slot.given.is_some()
        || slot.before.is_some()
        || slot.flips.is_some()
}

/// Nothing of the slot, whose plain time this is, needs to be written out.
fn is_plain(slot: &Slot, time: Option<Timestamp>, shared: Option<Timestamp>) -> bool {
    if has_more(slot) {
        return false;
    }
    match &slot.claim {
        None => shared.is_none() || plain_value(slot.shadow.as_ref()).is_none(),
        Some(_) => shared.is_some() && time == shared,
    }
}

impl Encoded {
    /// Fills in what the row holds of this record.
    pub(super) fn fill(
        &mut self,
        conn: &Connection,
        bound: &mut Bound,
        state: &RecordState,
    ) -> Fallible<()> {
        let ty = bound.ty(state.ty)?;
        if state.slots.len() > ty.properties.len() {
            let (name, has, more) = (&ty.name, ty.properties.len(), state.slots.len());
            return Err(Fault::Damaged(format!(
                "{name} has {has} properties in the plan that was bound, not {more}"
            )));
        }
        self.shadow.clear();
        self.shadow.push(b'{');
        for (slot, head) in state.slots.iter().zip(&ty.heads) {
            let Some(value) = &slot.shadow else { continue };
            if self.shadow.len() > 1 {
                self.shadow.push(b',');
            }
            self.shadow.extend_from_slice(head.as_bytes());
            serde_json::to_writer(&mut self.shadow, value)
                .map_err(|error| Fault::Damaged(error.to_string()))?;
        }
        self.shadow.push(b'}');

        self.times.clear();
        self.times.extend(state.slots.iter().map(plain_time));
        let shared = shared_time(&state.slots, &self.times);
        self.claimed_at = shared.map(|time| time.0);
        self.claims = None;
        let slots = || state.slots.iter().zip(&self.times);
        if slots().all(|(slot, time)| is_plain(slot, *time, shared)) {
            return Ok(());
        }
        let mut claims = Map::new();
        for (at, (slot, time)) in slots().enumerate() {
            if !is_plain(slot, *time, shared) {
                let path = bound.ty(state.ty)?.path(PropIx(at as u16))?.to_string();
                claims.insert(path, written_out(conn, bound, slot, shared)?);
            }
        }
        self.claims = Some(Value::Object(claims).to_string());
        Ok(())
    }
}

/// What differs from a plain slot.
fn written_out(
    conn: &Connection,
    bound: &mut Bound,
    slot: &Slot,
    shared: Option<Timestamp>,
) -> Fallible<Value> {
    let mut entry = Map::new();
    let plain = plain_value(slot.shadow.as_ref());
    match &slot.claim {
        None if shared.is_some() && plain.is_some() => {
            if !has_more(slot) {
                return Ok(Value::Null);
            }
            entry.insert("claim".into(), Value::Null);
        }
        None => {}
        Some(claim) => {
            if shared != Some(claim.at) || plain.is_none() {
                entry.insert("at".into(), claim.at.0.into());
            }
            if plain != Some(&claim.value) {
                if slot.shadow.as_ref() == Some(&claim.value) {
                    entry.insert("whole".into(), true.into());
                } else {
                    entry.insert("value".into(), claim.value.clone());
                }
            }
            if !claim.goes.is_empty() {
                entry.insert("goes".into(), goes_out(bound, &claim.goes)?);
            }
        }
    }
    if let Some(stamp) = slot.carries {
        entry.insert("carries".into(), stamp_out(conn, bound, stamp)?);
    }
    if let Some(value) = &slot.displaced {
        entry.insert("displaced".into(), (**value).clone());
    }
    if let Some(value) = &slot.pick {
        entry.insert("pick".into(), (**value).clone());
    }
    if let Some(value) = &slot.given {
        entry.insert("given".into(), (**value).clone());
    }
    if let Some(value) = &slot.before {
        entry.insert("before".into(), (**value).clone());
    }
    if let Some(flips) = &slot.flips {
        entry.insert("flips".into(), serde_json::json!([flips.to, flips.times, flips.rounds]));
    }
    Ok(Value::Object(entry))
}

fn goes_out(bound: &Bound, goes: &[(TypeIx, Vec<PropIx>)]) -> Fallible<Value> {
    let mut out = Map::new();
    for (ix, props) in goes {
        let ty = bound.ty(*ix)?;
        let paths = props
            .iter()
            .map(|prop| ty.path(*prop).map(Value::from))
            .collect::<Fallible<Vec<_>>>()?;
        out.insert(ty.name.clone(), Value::Array(paths));
    }
    Ok(Value::Object(out))
}

fn goes_in(bound: &Bound, goes: &Value) -> Vec<(TypeIx, Vec<PropIx>)> {
    let named = |(name, paths): (&String, &Value)| {
        let (ix, ty) = bound.named(name)?;
        Some((ix, paths.as_array()?.iter().filter_map(|path| ty.prop(path.as_str()?)).collect()))
    };
    let mut goes: Vec<_> = goes.as_object().into_iter().flatten().filter_map(named).collect();
    // By place in the plan, which may be another than when it was written.
    goes.sort_unstable_by_key(|(ix, _)| *ix);
    goes
}

fn stamp_out(conn: &Connection, bound: &mut Bound, stamp: ClaimStamp) -> Fallible<Value> {
    let (at, record) = (stamp.at.0, stamp.record.0);
    Ok(match bound.type_of(conn, stamp.record)? {
        Some(ix) => {
            let ty = bound.ty(ix)?;
            serde_json::json!({"at": at, "record": record, "type": ty.name, "path": ty.path(stamp.prop)?})
        }
        // Of a record that is not known, only the number can be kept.
        None => serde_json::json!({"at": at, "record": record, "prop": stamp.prop.0}),
    })
}

fn stamp_in(bound: &Bound, stamp: &Value) -> Option<ClaimStamp> {
    let at = stamp.get("at")?.as_i64()?;
    let record = stamp.get("record")?.as_i64()?;
    match stamp.get("prop").and_then(Value::as_u64) {
        Some(prop) => Some(ClaimStamp {
            at: Timestamp(at),
            record: RecordId(record),
            prop: PropIx(prop as u16),
        }),
        None => bound.stamp(at, record, stamp.get("type")?.as_str()?, stamp.get("path")?.as_str()?),
    }
}

/// Reads a row with the columns of the statements over `records`; `None` where the plan does not
/// name its record type.
pub(super) fn decode(bound: &Bound, row: &Row<'_>) -> Fallible<Option<RecordState>> {
    let id = RecordId(row.get(0)?);
    let Some((ty, known)) = bound.of_row(row.get(1)?) else { return Ok(None) };
    let damaged = |what: &str| Fault::Damaged(format!("{what} of record {id} can't be read"));
    let claimed_at: Option<i64> = row.get(9)?;
    let shadow = text(row, 10)?.ok_or_else(|| damaged("the shadow"))?;
    let mut slots = slots_in(known, shadow).ok_or_else(|| damaged("the shadow"))?;
    if let Some(at) = claimed_at {
        for slot in &mut slots {
            let claim =
                |value: &Value| Claim { value: value.clone(), at: Timestamp(at), goes: Vec::new() };
            slot.claim = plain_value(slot.shadow.as_ref()).map(claim);
        }
    }
    if let Some(claims) = text(row, 11)? {
        let claims: Map<String, Value> = json::parse(claims).map_err(|_| damaged("the claims"))?;
        for (path, entry) in &claims {
            if let Some(prop) = known.prop(path) {
                claim_in(bound, &mut slots[prop.at()], entry, claimed_at)
                    .ok_or_else(|| damaged("the claims"))?;
            }
        }
    }
    Ok(Some(RecordState {
        id,
        ty,
        key: text(row, 2)?.unwrap_or_default().to_string(),
        entity: EntityId(row.get(3)?),
        version: text(row, 4)?.map(str::to_string),
        modified: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        first_seen: Timestamp(row.get(6)?),
        presence: presence_in(row.get(7)?),
        written_at: row.get::<_, Option<i64>>(8)?.map(Timestamp),
        slots,
    }))
}

/// A column's text where it lies; `None` for NULL.
pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> Fallible<Option<&'r str>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        other => other
            .as_str()
            .map(Some)
            .map_err(|error| Fault::Damaged(format!("column {column} can't be read: {error}"))),
    }
}

/// The shadows of an object `{path: value}`; `None` if it is none.
fn slots_in(known: &KnownType, text: &str) -> Option<Vec<Slot>> {
    let mut slots = vec![Slot::default(); known.properties.len()];
    let mut cursor = Cursor::new(text);
    if !cursor.take("{") {
        return None;
    }
    if cursor.take("}") {
        return cursor.is_done().then_some(slots);
    }
    let mut next = 0;
    loop {
        // Written in the plan's order: so the property is one of those that come next, unless the
        // plan was changed since.
        let place = match (next..known.heads.len()).find(|&at| cursor.take(&known.heads[at])) {
            Some(place) => Some(place),
            None => {
                let Value::String(path) = cursor.value()? else { return None };
                if !cursor.take(":") {
                    return None;
                }
                known.prop(&path).map(PropIx::at)
            }
        };
        let value = cursor.value()?;
        if let Some(place) = place {
            slots[place].shadow = Some(value);
            next = place + 1;
        }
        if cursor.take("}") {
            return cursor.is_done().then_some(slots);
        }
        if !cursor.take(",") {
            return None;
        }
    }
}

/// Applies what was written out of a slot that holds its shadow and, where the row says so, its
/// plain claim.
fn claim_in(bound: &Bound, slot: &mut Slot, entry: &Value, claimed_at: Option<i64>) -> Option<()> {
    let Value::Object(entry) = entry else {
        slot.claim = None;
        return entry.is_null().then_some(());
    };
    if entry.contains_key("claim") {
        slot.claim = None;
    } else if ["at", "value", "whole", "goes"].iter().any(|member| entry.contains_key(*member)) {
        let value = match (entry.get("value"), entry.contains_key("whole")) {
            (Some(value), _) => value.clone(),
            (None, true) => slot.shadow.clone()?,
            (None, false) => plain_value(slot.shadow.as_ref())?.clone(),
        };
        let at = entry.get("at").map_or(claimed_at, Value::as_i64)?;
        let goes = entry.get("goes").map(|goes| goes_in(bound, goes)).unwrap_or_default();
        slot.claim = Some(Claim { value, at: Timestamp(at), goes });
    }
    slot.carries = entry.get("carries").and_then(|stamp| stamp_in(bound, stamp));
    slot.displaced = entry.get("displaced").cloned().map(Box::new);
    slot.pick = entry.get("pick").cloned().map(Box::new);
    slot.given = entry.get("given").cloned().map(Box::new);
    slot.before = entry.get("before").cloned().map(Box::new);
    slot.flips = entry.get("flips").and_then(flips_in);
    Some(())
}

fn flips_in(entry: &Value) -> Option<Box<Flips>> {
    let count = |at: usize| {
        entry.get(at).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok())
    };
    Some(Box::new(Flips { to: entry.get(0)?.clone(), times: count(1)?, rounds: count(2)? }))
}

/// Whether a record is there, as the column `gone` has it: 0 for one that is, 1 for one that is
/// not, 2 for one whose place is free; and where it is still to be decided what that means for
/// others, when it was last there: its time, negated and one less than that, so that it is neither.
pub(super) fn presence_out(presence: Presence) -> i64 {
    match presence {
        Presence::Live => 0,
        Presence::Gone => 1,
        Presence::Replaceable => 2,
        Presence::Leaving { since } => -1 - since.0.max(0),
    }
}

fn presence_in(gone: i64) -> Presence {
    match gone {
        0 => Presence::Live,
        since if since < 0 => Presence::Leaving { since: Timestamp(-1 - since) },
        2 => Presence::Replaceable,
        _ => Presence::Gone,
    }
}
