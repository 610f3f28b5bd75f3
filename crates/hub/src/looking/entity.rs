//! One entity for looking: the records of all systems side by side, and why each value is so.

use std::collections::HashMap;

use lockstep_model::fact::Fact;
use lockstep_model::{RecordId, RecordState, Slot, Timestamp, Value};

use crate::error::LookError;
use crate::explain::Explanation;
use crate::ledger::Ledger;
use crate::report::RecordName;

/// A record of the entity.
#[derive(Clone, Debug)]
pub struct Column {
    pub record: RecordName,
    pub label: String,
    /// It is in its system.
    pub live: bool,
    /// When it was last edited, as its system tells.
    pub modified: Option<Timestamp>,
    /// When Lockstep last wrote to it.
    pub written: Option<Timestamp>,
    pub explained: Explanation,
}

/// A property of one of the records.
#[derive(Clone, Debug)]
pub struct Cell {
    pub path: String,
    pub value: Value,
    /// When somebody put a value in here, where that is known.
    pub claimed: Option<Timestamp>,
    /// Why it is so.
    pub facts: Vec<Fact>,
}

/// Properties that bear on each other.
#[derive(Clone, Debug)]
pub struct Row {
    /// In the order of the columns; nothing where a record type has no such property.
    pub cells: Vec<Option<Cell>>,
    /// Not all that are there are equal.
    pub differs: bool,
}

/// An entity.
#[derive(Clone, Debug)]
pub struct EntityShown {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

impl Ledger {
    /// The entity of a record, by the record's name.
    ///
    /// # Errors
    /// There is no such record, or the store can't be read.
    pub fn entity(&mut self, name: &str) -> Result<EntityShown, LookError> {
        let record = self.find(name)?;
        let mut members = self.store.members(&[record.entity])?;
        members.sort_by_key(|member| (member.ty, member.id));
        let mut columns = Vec::new();
        for member in &members {
            let record = self.name_of(member);
            columns.push(Column {
                explained: self.explain(&record.0, None)?,
                label: self.label(member),
                live: member.is_live(),
                modified: member.modified,
                written: member.written_at,
                record,
            });
        }
        let all: Vec<&RecordState> = members.iter().collect();
        let rows = self.side_by_side(&all);
        let rows = rows.into_iter().map(|row| {
            let cells = row.cells.into_iter().enumerate();
            let cell = |(at, cell): (usize, Option<(String, Value)>)| {
                let (path, value) = cell?;
                let of = columns[at].explained.properties.iter().find(|one| one.path == path);
                let facts = of.map(|one| one.facts.clone()).unwrap_or_default();
                let claimed = self.claimed(&members[at], &path);
                Some(Cell { path, value, claimed, facts })
            };
            Row { cells: cells.map(cell).collect(), differs: row.differs }
        });
        let rows = rows.collect();
        Ok(EntityShown { columns, rows })
    }

    fn claimed(&self, record: &RecordState, path: &str) -> Option<Timestamp> {
        let props = &self.plan.ty(record.ty).props;
        let at = props.iter().position(|prop| prop.name == path)?;
        record.slots.get(at)?.claim.as_ref().map(|claim| claim.at).filter(|at| at.is_told())
    }

    /// Linked records after an entity, in pages.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn entities(
        &mut self,
        after: Option<i64>,
        limit: usize,
    ) -> lockstep_store::Result<Vec<EntityLine>> {
        let after = after.map(lockstep_model::EntityId);
        let ids = self.store.linked_entities(after, limit)?;
        let mut members: HashMap<i64, Vec<RecordState>> = HashMap::new();
        for member in self.store.members(&ids)? {
            members.entry(member.entity.0).or_default().push(member);
        }
        let mut ids: Vec<i64> = ids.into_iter().map(|id| id.0).collect();
        ids.sort_unstable();
        let line = |id: i64| {
            let mut of = members.remove(&id).unwrap_or_default();
            of.sort_by_key(|member| (member.ty, member.id));
            let named = of.iter().map(|member| (self.name_of(member), self.label(member)));
            EntityLine { entity: id, records: named.collect() }
        };
        Ok(ids.into_iter().map(line).collect())
    }

    /// Records that hold this text, or have this id: up to `limit` of them, of those that come after
    /// the record of this name. At most `most` are looked at. Gives also the last one that was
    /// looked at, where there may be more.
    ///
    /// # Errors
    /// There is no such record, or the store can't be read.
    pub fn search(
        &mut self,
        text: &str,
        after: Option<&str>,
        (limit, most): (usize, usize),
    ) -> Result<Found, LookError> {
        let wanted = text.to_lowercase();
        let begin = after.map(|name| self.find(name)).transpose()?;
        let (mut found, mut looked_at) = (Found::default(), 0);
        for ty in self.types() {
            if begin.as_ref().is_some_and(|begin| ty < begin.ty) {
                continue;
            }
            let of_this = begin.as_ref().filter(|begin| begin.ty == ty);
            let mut key = of_this.map(|begin| begin.key.clone());
            loop {
                let page = self.store.live_keys(ty, key.as_deref(), 1_000)?;
                let Some((last, _)) = page.last() else { break };
                key = Some(last.clone());
                let ids: Vec<RecordId> = page.iter().map(|(_, id)| *id).collect();
                let records = self.store.records(&ids)?.into_iter();
                let records: HashMap<RecordId, RecordState> =
                    records.map(|record| (record.id, record)).collect();
                for record in page.iter().filter_map(|(_, id)| records.get(id)) {
                    if found.records.len() == limit || looked_at == most {
                        return Ok(found);
                    }
                    looked_at += 1;
                    found.next = Some(self.name_of(record));
                    let holds = |slot: &Slot| {
                        slot.shadow.as_ref().is_some_and(|value| contains(value, &wanted))
                    };
                    if record.key == text || record.slots.iter().any(holds) {
                        found.records.push((self.name_of(record), self.label(record)));
                    }
                }
            }
        }
        found.next = None;
        Ok(found)
    }
}

/// Records that are linked with each other.
#[derive(Clone, Debug)]
pub struct EntityLine {
    pub entity: i64,
    /// With a few words by which a person knows each.
    pub records: Vec<(RecordName, String)>,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// With a few words by which a person knows each.
    pub records: Vec<(RecordName, String)>,
    /// The last record that was looked at, where there may be more.
    pub next: Option<RecordName>,
}

fn contains(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(wanted),
        Value::Number(number) => number.to_string().contains(wanted),
        Value::Array(items) => items.iter().any(|item| contains(item, wanted)),
        Value::Object(entries) => entries.values().any(|item| contains(item, wanted)),
        Value::Null | Value::Bool(_) => false,
    }
}
