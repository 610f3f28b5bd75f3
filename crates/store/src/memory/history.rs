//! Looking back at what is stored, and putting it under other names (L12).

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::detail::Wrote;
use lockstep_model::value::is_empty;
use lockstep_model::{
    Intent, IntentKind, IntentState, PropIx, RecordId, Rule, RunId, Slot, TypeIx, Value,
};

use super::state::State;
use crate::renaming::Names;
use crate::{JournalEntry, JournalKind, Renamed, Renaming, StoredType, WrittenName};

/// The first run and the last.
type Runs = (RunId, RunId);

pub(super) fn is_of(run: RunId, (first, last): Runs) -> bool {
    first <= run && run <= last
}

impl State {
    /// The journal of these records. A creation is told by its intent.
    pub(super) fn journal_of(&self, records: &[RecordId], limit: usize) -> Vec<JournalEntry> {
        let records: BTreeSet<RecordId> = records.iter().copied().collect();
        let of_them = self
            .journal
            .iter()
            .filter(|entry| entry.about.record().is_some_and(|id| records.contains(&id)));
        let mut found: Vec<JournalEntry> = of_them.cloned().collect();
        for record in records {
            let created = |stored: &&Intent| {
                stored.kind == IntentKind::Create
                    && stored.state == IntentState::Done
                    && stored.record == Some(record)
            };
            let creation = self.intents.values().map(|stored| &stored.intent).find(created);
            if let Some(entry) = creation.and_then(|creation| self.entry_of(record, creation)) {
                let at = entry.place_among(&found);
                found.insert(at, entry);
            }
        }
        found.truncate(limit);
        found
    }

    fn entry_of(&self, record: RecordId, creation: &Intent) -> Option<JournalEntry> {
        let state = &self.records.get(&record)?.state;
        let name = &self.catalogue.ty(state.ty)?.name;
        Some(JournalEntry {
            at: creation.done_at?,
            run: creation.run,
            kind: JournalKind::Written,
            about: record.into(),
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::C1),
            other: creation.source.record(),
            intent: Some(creation.id),
            detail: Wrote::Created { record: format!("{name}/{}", state.key) }.into(),
        })
    }

    pub(super) fn written_names(&self, runs: Runs) -> Vec<WrittenName> {
        let mut names: BTreeMap<(String, Option<String>), u64> = BTreeMap::new();
        let named = |row: TypeIx, prop: Option<PropIx>| {
            let ty = self.catalogue.ty(row)?;
            let path = prop.and_then(|prop| ty.properties.get(prop.at()).cloned());
            Some((ty.name.clone(), path))
        };
        for stored in self.intents.values().filter(|stored| is_of(stored.intent.run, runs)) {
            let intent = &stored.intent;
            if intent.changes.is_empty()
                && let Some(name) = named(intent.ty, None)
            {
                *names.entry(name).or_default() += 1;
            }
            for (change, claimed) in intent.changes.iter().zip(&stored.claimed) {
                if let Some(name) = named(intent.ty, Some(change.prop)) {
                    *names.entry(name).or_default() += 1;
                }
                if let Some(row) = claimed
                    && let Some(name) = named(*row, Some(change.claim.prop))
                {
                    names.entry(name).or_default();
                }
            }
        }
        names.into_iter().map(|((ty, path), writes)| WrittenName { ty, path, writes }).collect()
    }

    pub(super) fn record_types(&self) -> Vec<StoredType> {
        let named = |(row, ty): (usize, &Option<super::catalogue::NamedType>)| {
            let ty = ty.as_ref()?;
            let (name, records) = (ty.name.clone(), ty.status.records);
            Some(StoredType { row: row as i64, name, records })
        };
        self.catalogue.0.iter().enumerate().filter_map(named).collect()
    }

    /// How many record keys two record types share.
    pub(super) fn shared_keys(&self, a: &str, b: &str) -> u64 {
        let (Some(a), Some(b)) = (self.catalogue.named(a), self.catalogue.named(b)) else {
            return 0;
        };
        let of_a = self.by_key.keys().filter(|(row, _)| *row == a);
        of_a.filter(|(_, key)| self.by_key.contains_key(&(b, key.clone()))).count() as u64
    }

    pub(super) fn rename(&mut self, renaming: &Renaming) -> Result<Renamed, String> {
        let stored = self.record_types();
        let names = Names::of(renaming, &stored)?;
        self.make_room(&names, &stored)?;
        if names.property.as_ref().is_some_and(|(of, _, new)| self.is_property_in_use(of, new)) {
            return Err(names.property_taken());
        }
        let mut renamed = Renamed { records: 0, names: vec![] };
        for ty in &stored {
            let Some(known) = self.catalogue.ty_mut(TypeIx(ty.row as u16)) else { continue };
            if let Some(new) = names.types.get(&ty.name) {
                known.name.clone_from(new);
                renamed.names.push((ty.name.clone(), new.clone()));
                renamed.records += ty.records;
            }
            let Some((_, old, new)) = names.property.as_ref().filter(|(of, _, _)| *of == ty.name)
            else {
                continue;
            };
            let Some(at) = known.properties.iter().position(|path| path == old) else {
                return Err(format!("nothing is known of a property `{old}` of {}", ty.name));
            };
            // What was watched under the new name, and held nothing, gives way to what is stored.
            known.properties.iter_mut().filter(|path| *path == new).for_each(String::clear);
            known.properties[at].clone_from(new);
            renamed.names.push((format!("{}.{old}", ty.name), format!("{}.{new}", ty.name)));
            renamed.records += ty.records;
            self.rename_in_journal(TypeIx(ty.row as u16), old, new);
        }
        let marks = std::mem::take(&mut self.marks).into_iter();
        self.marks =
            marks.map(|(name, value)| (names.mark(&name).unwrap_or(name), value)).collect();
        Ok(renamed)
    }

    /// Whether records of a type hold something under this name, or have.
    fn is_property_in_use(&self, ty: &str, path: &str) -> bool {
        let Some(row) = self.catalogue.named(ty) else { return false };
        let properties = self.catalogue.ty(row).map_or(&[][..], |ty| &ty.properties);
        let at = properties.iter().position(|known| known == path);
        let is_told = |entry: &JournalEntry| {
            let one = entry.about.record().and_then(|id| self.records.get(&id));
            one.is_some_and(|one| one.state.ty == row) && entry.path.as_deref() == Some(path)
        };
        let holds = |slot: &Slot| {
            let shown = slot.shadow.as_ref().is_some_and(|value| !is_empty(value));
            shown || slot.claim.is_some() || slot.carries.is_some()
        };
        let mut of_it = self.records.values().filter(|one| one.state.ty == row);
        of_it.any(|one| at.and_then(|at| one.state.slots.get(at)).is_some_and(holds))
            || self.journal.iter().any(is_told)
    }

    fn rename_in_journal(&mut self, row: TypeIx, old: &str, new: &str) {
        for entry in &mut self.journal {
            let one = entry.about.record().and_then(|id| self.records.get(&id));
            let is_of_it = one.is_some_and(|one| one.state.ty == row);
            if is_of_it && entry.path.as_deref() == Some(old) {
                entry.path = Some(new.to_string());
            }
        }
    }

    /// What was read under the new name, and is linked with nothing, makes room.
    fn make_room(&mut self, names: &Names, stored: &[StoredType]) -> Result<(), String> {
        for there in stored.iter().filter(|ty| names.is_of_new(&ty.name)) {
            let row = TypeIx(there.row as u16);
            let of_it = |id: &RecordId| self.records.get(id).is_some_and(|one| one.state.ty == row);
            let linked = self.records.values().any(|one| {
                let founder = RecordId(one.state.entity.0);
                let joined = founder != one.state.id && (of_it(&one.state.id) || of_it(&founder));
                joined || one.state.ty == row && one.state.written_at.is_some()
            });
            if linked {
                return Err(names.taken(&there.name));
            }
            if names.types.values().any(|new| *new == there.name) {
                self.records.retain(|_, one| one.state.ty != row);
                self.by_key.retain(|(ty, _), _| *ty != row);
                self.reviews.retain(|_, review| review.ty != row);
                let records = &self.records;
                self.hashes
                    .retain(|(_, of)| of.record().is_none_or(|id| records.contains_key(&id)));
                self.catalogue.0[row.at()] = None;
            }
        }
        Ok(())
    }
}
