//! Intents: what is to be sent, what is under way, and what became of it.
//!
//! The changes of an intent are a JSON list of objects: `path` and `value`, the claim's time `at`
//! and its `rule`; and only where they say something: `displaced`; `of` and `to` for a counterpart
//! (P8); `from` where the claim's property has another path, `record` and `type` where its record
//! is not the intent's source, `prop` where the claim's record is not known.

use std::borrow::Cow;
use std::collections::BTreeSet;

use lockstep_model::change::{
    Change, Counterpart, Intent, IntentEvent, IntentKind, IntentState, Reason,
};
use lockstep_model::{
    ClaimStamp, EntityId, IntentId, PropIx, RecordId, Rule, RunId, Timestamp, TypeIx, Value,
};
use rusqlite::{Connection, Row, Statement};
use serde::{Deserialize, Serialize};

use super::Database;
use super::bound::{Bound, KnownType};
use super::encode::text;
use super::fault::{Fallible, Fault};
use super::json::{self, Cursor};
use super::open::{Decided, Open, is_untried, parse};
use super::spans::Spans;
use super::statements as sql;
use crate::{Commit, IntentUpdate};

#[derive(Serialize)]
struct ChangeOut<'a> {
    path: &'a str,
    value: &'a Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    displaced: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<i64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prop: Option<u16>,
    rule: Rule,
    #[serde(skip_serializing_if = "Reason::is_latest")]
    why: Reason,
}

#[derive(Deserialize)]
struct ChangeIn<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    value: Value,
    #[serde(default)]
    displaced: Value,
    of: Option<i64>,
    #[serde(borrow)]
    to: Option<Cow<'a, str>>,
    at: i64,
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    record: Option<i64>,
    #[serde(rename = "type", borrow)]
    ty: Option<Cow<'a, str>>,
    prop: Option<u16>,
    rule: Rule,
    #[serde(default)]
    why: Reason,
}

impl Database {
    pub(super) fn open_intents(&mut self, entities: &[EntityId]) -> Fallible<Vec<Intent>> {
        self.look_at_open()?;
        let ids: Vec<i64> = self.open.of_entities(entities).collect();
        self.intents(ids.into_iter())
    }

    pub(super) fn outbox(
        &mut self,
        now: Timestamp,
        types: &[TypeIx],
        limit: usize,
    ) -> Fallible<Vec<Intent>> {
        self.look_at_open()?;
        let types: BTreeSet<TypeIx> = types.iter().copied().collect();
        let rows = types
            .into_iter()
            .map(|ty| self.bound.ty(ty).map(|ty| ty.row))
            .collect::<Fallible<Vec<_>>>()?;
        let due = self.open.due(now, rows.into_iter(), limit);
        let mut intents = self.intents(due.into_iter())?;
        intents.sort_by_key(|intent| (intent.rank, intent.kind == IntentKind::Create, intent.id));
        Ok(intents)
    }

    /// Intents by number, in rising order.
    pub(super) fn intents(&mut self, ids: impl Iterator<Item = i64>) -> Fallible<Vec<Intent>> {
        let spans = Spans::over(ids, 1);
        let mut found = Vec::with_capacity(spans.len());
        let mut statement = sql::INTENTS.prepare(&self.conn)?;
        for span in &spans.ranges {
            let mut rows = statement.query([span.low, span.high])?;
            while let Some(row) = rows.next()? {
                if spans.wants(row.get(0)?) {
                    found.extend(decode(&self.bound, &self.open, row)?);
                }
            }
        }
        Ok(found)
    }

    pub(super) fn intents_in(&mut self, state: IntentState, limit: usize) -> Fallible<Vec<Intent>> {
        let mut found = Vec::new();
        if state.is_open() {
            self.look_at_open()?;
            let ids: Vec<i64> = self.open.in_state(state).take(limit).collect();
            return self.intents(ids.into_iter());
        }
        let mut closed = sql::CLOSED_IN.prepare(&self.conn)?;
        let mut rows = closed.query((0, state.name(), limit as i64))?;
        while let Some(row) = rows.next()? {
            found.extend(decode(&self.bound, &self.open, row)?);
        }
        Ok(found)
    }

    pub(super) fn tried(&mut self, limit: usize) -> Fallible<Vec<Intent>> {
        self.look_at_open()?;
        let ids: Vec<i64> = self.open.tried().take(limit).collect();
        self.intents(ids.into_iter())
    }

    pub(super) fn intents_of(
        &mut self,
        records: &[RecordId],
        limit: usize,
    ) -> Fallible<Vec<Intent>> {
        let mut ids = BTreeSet::new();
        for statement in [sql::INTENTS_TO, sql::INTENTS_THAT_MADE, sql::INTENTS_FROM] {
            let mut statement = statement.prepare(&self.conn)?;
            for record in records {
                let mut rows = statement.query((record.0, limit as i64))?;
                while let Some(row) = rows.next()? {
                    ids.insert(row.get(0)?);
                }
            }
        }
        let mut found = self.intents(ids.into_iter())?;
        found.truncate(limit);
        Ok(found)
    }

    pub(super) fn intent_counts(&mut self) -> Fallible<Vec<(IntentState, u64)>> {
        self.look_at_open()?;
        Ok(self.open.counts())
    }

    /// Where another process writes, what is open is looked at anew.
    pub(super) fn look_at_open(&mut self) -> Fallible<()> {
        if self.read_only {
            self.open = Open::load(&self.conn)?;
        }
        Ok(())
    }

    /// Writes what a commit says of intents: first the new ones, then what became of known ones.
    pub(super) fn write_intents(&mut self, commit: &Commit) -> Fallible<()> {
        let mut insert = sql::NEW_INTENT.prepare(&self.conn)?;
        let mut new = Vec::with_capacity(commit.intents_new.len());
        for intent in &commit.intents_new {
            let source_type = self.bound.type_of(&self.conn, intent.source)?;
            let changes = changes_out(&self.conn, &mut self.bound, intent, source_type)?;
            let source_row =
                source_type.map(|ty| self.bound.ty(ty).map(|ty| ty.row)).transpose()?;
            insert.raw_bind_parameter(1, intent.id.0)?;
            insert.raw_bind_parameter(2, intent.run.0)?;
            insert.raw_bind_parameter(3, intent.kind.name())?;
            insert.raw_bind_parameter(4, intent.rank)?;
            let row_of_type = self.bound.ty(intent.ty)?.row;
            insert.raw_bind_parameter(5, row_of_type)?;
            insert.raw_bind_parameter(6, intent.record.map(|id| id.0))?;
            insert.raw_bind_parameter(7, intent.entity.0)?;
            insert.raw_bind_parameter(8, intent.source.0)?;
            insert.raw_bind_parameter(9, source_row)?;
            insert.raw_bind_parameter(10, intent.base_version.as_deref())?;
            insert.raw_bind_parameter(11, intent.decided_at.0)?;
            insert.raw_bind_parameter(12, changes)?;
            insert.raw_execute()?;
            new.push((intent, row_of_type));
        }
        self.open.new_intents(&new);
        let mut set = sql::SET_OUTCOME.prepare(&self.conn)?;
        // Nothing has become of one that is queued and was never tried: that needs no row.
        let has_outcome =
            |intent: &&Intent| intent.state != IntentState::Queued || !is_untried(intent);
        for intent in commit.intents_new.iter().filter(has_outcome) {
            set_outcome(
                &mut set,
                intent.state,
                &outcome_of(intent),
                intent.kind == IntentKind::Create,
            )?;
        }
        let mut moving = sql::MOVE_INTENT.prepare(&self.conn)?;
        for (id, entity) in &commit.intents_moved {
            moving.execute([id.0, entity.0])?;
            self.open.moved(id.0, entity.0);
        }
        let mut in_order: Vec<&IntentUpdate> = commit.intents_changed.iter().collect();
        // Stable: of two updates of an intent the later one stays.
        in_order.sort_by_key(|update| update.id);
        for update in in_order {
            if self.open.hand_over(update) {
                continue;
            }
            let known = self.open.decided(update.id.0).zip(self.open.state(update.id.0));
            let (decided, was) = match known {
                Some(known) => known,
                None => closed(&self.conn, update.id)?,
            };
            let state = was
                .next(update.event)
                .map_err(|step| Fault::Damaged(format!("intent {}: {step}", update.id)))?;
            set_outcome(&mut set, state, update, decided.creates)?;
            self.open.changed(update, state, decided);
        }
        self.open.settle();
        let both = [
            (&mut self.open.numbers, sql::SET_OPEN, sql::END_OPEN),
            (&mut self.open.sending, sql::SET_SENDING, sql::END_SENDING),
        ];
        for (ranges, set, end) in both {
            for (first, last) in ranges.changes() {
                match last {
                    Some(last) => set.prepare(&self.conn)?.execute([first, last])?,
                    None => end.prepare(&self.conn)?.execute([first])?,
                };
            }
        }
        Ok(())
    }
}

/// What a new intent says of its outcome, as if it had been told later.
fn outcome_of(intent: &Intent) -> IntentUpdate {
    IntentUpdate {
        id: intent.id,
        // Its state is told beside it.
        event: IntentEvent::Delay,
        record: intent.record,
        attempts: intent.attempts,
        not_before: intent.not_before,
        message: intent.message.clone(),
        done_at: intent.done_at,
    }
}

fn set_outcome(
    set: &mut Statement<'_>,
    state: IntentState,
    update: &IntentUpdate,
    creates: bool,
) -> Fallible<()> {
    set.raw_bind_parameter(1, update.id.0)?;
    set.raw_bind_parameter(2, state.name())?;
    set.raw_bind_parameter(3, update.attempts)?;
    set.raw_bind_parameter(4, update.not_before.map(|at| at.0))?;
    set.raw_bind_parameter(5, update.message.as_deref())?;
    set.raw_bind_parameter(6, update.done_at.map(|at| at.0))?;
    // Any other write's record stands in its row.
    set.raw_bind_parameter(7, update.record.filter(|_| creates).map(|id| id.0))?;
    set.raw_execute()?;
    Ok(())
}

/// What the row of an intent says that is not open, and its state.
fn closed(conn: &Connection, id: IntentId) -> Fallible<(Decided, IntentState)> {
    let mut statement = sql::CLOSED.prepare(conn)?;
    let mut rows = statement.query([id.0])?;
    let Some(row) = rows.next()? else {
        return Err(Fault::Damaged(format!("intent {id} is to be changed and is not there")));
    };
    let creates = text(row, 3)? == Some(IntentKind::Create.name());
    let state = parse(text(row, 4)?.unwrap_or(IntentState::Dropped.name()))?;
    Ok((Decided { entity: row.get(0)?, ty: row.get(1)?, rank: row.get(2)?, creates }, state))
}

fn changes_out(
    conn: &Connection,
    bound: &mut Bound,
    intent: &Intent,
    source_type: Option<TypeIx>,
) -> Fallible<String> {
    let mut out = Vec::with_capacity(80 * intent.changes.len() + 2);
    out.push(b'[');
    for change in &intent.changes {
        // Nearly always the source's own claim.
        let by_source = change.claim.record == intent.source && source_type.is_some();
        let claimed_type =
            if by_source { source_type } else { bound.type_of(conn, change.claim.record)? };
        let claimed = claimed_type.map(|ty| bound.ty(ty)).transpose()?;
        let from = claimed.map(|ty| ty.path(change.claim.prop)).transpose()?;
        let path = bound.ty(intent.ty)?.path(change.prop)?;
        let entry = ChangeOut {
            path,
            value: &change.value,
            displaced: &change.displaced,
            of: change.counterpart_of.map(|other| other.of.0),
            to: change
                .counterpart_of
                .map(|other| bound.ty(other.ty).map(|ty| ty.name.as_str()))
                .transpose()?,
            at: change.claim.at.0,
            from: from.filter(|from| *from != path),
            record: (!by_source).then_some(change.claim.record.0),
            ty: claimed.filter(|_| !by_source).map(|ty| ty.name.as_str()),
            prop: claimed.is_none().then_some(change.claim.prop.0),
            rule: change.rule,
            why: change.reason,
        };
        if out.len() > 1 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, &entry)
            .map_err(|error| Fault::Damaged(error.to_string()))?;
    }
    out.push(b']');
    String::from_utf8(out).map_err(|error| Fault::Damaged(error.to_string()))
}

/// Reads changes that are as nearly all are: each of a property of the plan, by the source's own
/// claim, and no reference. `None` where one says more than that. A first run reads a million of
/// them.
fn plain_changes(
    text: &str,
    target: &KnownType,
    source_type: &KnownType,
    source: RecordId,
) -> Option<Vec<Change>> {
    let mut changes = Vec::with_capacity(target.heads.len());
    let mut cursor = Cursor::new(text);
    let mut next = 0;
    let mut before = "[{\"path\":";
    while cursor.take(before) {
        before = ",{\"path\":";
        // Without the colon.
        let named = |at: &usize| {
            target.heads.get(*at).is_some_and(|head| cursor.take(&head[..head.len() - 1]))
        };
        let at = (next..target.heads.len()).chain(0..next).find(named)?;
        next = at + 1;
        cursor.take(",\"value\":").then_some(())?;
        let value = cursor.value()?;
        let displaced = if cursor.take(",\"displaced\":") { cursor.value()? } else { Value::Null };
        cursor.take(",\"at\":").then_some(())?;
        let time = Timestamp(cursor.value()?.as_i64()?);
        let from = if cursor.take(",\"from\":") { Some(cursor.value()?) } else { None };
        let claimed = source_type
            .prop(from.as_ref().map_or(Some(target.properties[at].as_str()), Value::as_str)?)?;
        cursor.take(",\"rule\":").then_some(())?;
        let rule = Rule::parse(cursor.value()?.as_str()?)?;
        let reason = if cursor.take(",\"why\":") {
            Reason::parse(cursor.value()?.as_str()?)?
        } else {
            Reason::Latest
        };
        cursor.take("}").then_some(())?;
        changes.push(Change {
            prop: PropIx(at as u16),
            value,
            displaced: displaced.into(),
            counterpart_of: None,
            claim: ClaimStamp { at: time, record: source, prop: claimed },
            rule,
            reason,
        });
    }
    (cursor.take("]") && cursor.is_done()).then_some(changes)
}

/// Reads the changes; those of properties that the plan does not name any more are left out.
fn changes_in(
    bound: &Bound,
    changes: &str,
    ty: TypeIx,
    source: RecordId,
    source_row: Option<i64>,
) -> Option<Vec<Change>> {
    let target = bound.ty(ty).ok()?;
    let source_type = source_row.and_then(|row| bound.of_row(row)).map(|(_, ty)| ty);
    let plain =
        source_type.and_then(|source_type| plain_changes(changes, target, source_type, source));
    plain.or_else(|| any_changes(bound, changes, target, source_type, source))
}

fn any_changes(
    bound: &Bound,
    changes: &str,
    target: &KnownType,
    source_type: Option<&KnownType>,
    source: RecordId,
) -> Option<Vec<Change>> {
    let entries: Vec<ChangeIn<'_>> = json::parse(changes).ok()?;
    let change = |entry: ChangeIn<'_>| {
        let prop = target.prop(&entry.path)?;
        let claimed = match (entry.prop, &entry.ty) {
            (Some(number), _) => PropIx(number),
            (None, Some(name)) => {
                bound.named(name)?.1.prop(entry.from.as_deref().unwrap_or(&entry.path))?
            }
            (None, None) => source_type?.prop(entry.from.as_deref().unwrap_or(&entry.path))?,
        };
        let counterpart_of = match (entry.of, &entry.to) {
            (Some(of), Some(name)) => {
                Some(Counterpart { of: RecordId(of), ty: bound.named(name)?.0 })
            }
            _ => None,
        };
        let record = entry.record.map_or(source, RecordId);
        let claim = ClaimStamp { at: Timestamp(entry.at), record, prop: claimed };
        let (value, displaced) = (entry.value, entry.displaced.into());
        Some(Change {
            prop,
            value,
            displaced,
            counterpart_of,
            claim,
            rule: entry.rule,
            reason: entry.why,
        })
    };
    Some(entries.into_iter().filter_map(change).collect())
}

fn kind_in(name: &str) -> Option<IntentKind> {
    [IntentKind::Create, IntentKind::Update, IntentKind::Delete]
        .into_iter()
        .find(|kind| kind.name() == name)
}

/// Reads a row with the columns of the statements over `intents`; `None` where the plan does not
/// name its record type.
pub(super) fn decode(bound: &Bound, open: &Open, row: &Row<'_>) -> Fallible<Option<Intent>> {
    let id = IntentId(row.get(0)?);
    let Some((ty, target)) = bound.of_row(row.get(4)?) else { return Ok(None) };
    let damaged = |what: &str| Fault::Damaged(format!("the {what} of intent {id} can't be read"));
    let source = RecordId(row.get(7)?);
    let source_row: Option<i64> = row.get(8)?;
    let changes =
        text(row, 16)?.and_then(|changes| changes_in(bound, changes, ty, source, source_row));
    Ok(Some(Intent {
        id,
        run: RunId(row.get(1)?),
        kind: text(row, 2)?.and_then(kind_in).ok_or_else(|| damaged("kind"))?,
        rank: row.get(3)?,
        ty,
        record: row.get::<_, Option<i64>>(5)?.map(RecordId),
        entity: EntityId(row.get(6)?),
        source,
        flow: target.flow(ty, source_row.and_then(|row| bound.of_row(row)).map(|(ix, _)| ix)),
        base_version: text(row, 9)?.map(str::to_string),
        changes: changes.ok_or_else(|| damaged("changes"))?,
        state: open.state(id.0).map_or_else(|| parse(text(row, 10)?.unwrap_or_default()), Ok)?,
        attempts: row.get::<_, Option<u32>>(11)?.unwrap_or_default(),
        not_before: row.get::<_, Option<i64>>(12)?.map(Timestamp),
        message: text(row, 13)?.map(str::to_string),
        decided_at: Timestamp(row.get(14)?),
        done_at: row.get::<_, Option<i64>>(15)?.map(Timestamp),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BoundType;
    use lockstep_model::TypeName;

    #[test]
    fn plain_changes_are_read_like_any_others_and_all_others_are_left_to_the_slower_way() {
        let bound_type = |name: &str, properties: &[&str]| BoundType {
            name: TypeName::parse(name).unwrap(),
            properties: properties.iter().map(|path| (*path).to_string()).collect(),
            fingerprint: 1,
            flows: vec![],
        };
        let target = KnownType::new(1, &bound_type("a.Person", &["name", "e\"mail", "phones"]));
        let other = KnownType::new(2, &bound_type("b.Contact", &["name", "mail", "phones"]));
        let bound = Bound::new(vec![target, other]);
        let (target, other) = (bound.ty(TypeIx(0)).unwrap(), bound.ty(TypeIx(1)).unwrap());
        let both = |text: &str| {
            let any = any_changes(&bound, text, target, Some(other), RecordId(7));
            (plain_changes(text, target, other, RecordId(7)), any)
        };
        for text in [
            r#"[{"path":"name","value":"Åse \"q\"","at":5,"rule":"P1"}]"#,
            r#"[{"path":"name","value":null,"displaced":["x",{"y":1.5}],"at":-5,"rule":"P9"},{"path":"phones","value":["1"],"at":0,"rule":"P2"}]"#,
            r#"[{"path":"phones","value":1,"at":5,"rule":"P1","why":"untold"},{"path":"e\"mail","value":"a@example.com","at":5,"from":"mail","rule":"P1"}]"#,
        ] {
            let (plain, any) = both(text);
            assert!(plain.is_some() && plain == any, "{text}: {plain:?}, {any:?}");
        }
        for text in [
            "[]",
            r#"[{"path":"name","value":1,"of":3,"to":"b.Contact","at":5,"rule":"P8"}]"#,
            r#"[{"path":"name","value":1,"at":5,"record":9,"type":"b.Contact","rule":"P1"}]"#,
            r#"[{"path":"name","value":1,"at":5,"record":9,"prop":2,"rule":"P1"}]"#,
            r#"[{"path":"name","value":1,"at":5,"rule":"P1"},{"path":"is not watched any more","value":1,"at":5,"rule":"P1"}]"#,
        ] {
            let (plain, any) = both(text);
            assert!(plain.is_none() && any.is_some(), "{text}: {plain:?}, {any:?}");
        }
        assert_eq!(both(r#"[{"path":"name","value":1,"at":5,"rule":"P1"}"#), (None, None));
    }
}
