//! What there is to be seen: records as the systems show them, and of the hub what no system shows.

use std::collections::HashMap;

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{PropertySchema, ReadRecord, RecordState, Review, TypeName, Value};

use lockstep_store::JournalKind;

use super::{Player, Stop};
use crate::Error;
use crate::exchanges::exchanges;
use crate::trial::{Failure, Slot, Trial, Verdict};
use crate::values::{elements_show, shows};

impl Player<'_> {
    /// What ends a trial in which something else was found than was expected.
    pub(super) fn failed(&mut self, trial: &Trial, expected: String, found: String) -> Stop {
        let ids: Vec<&str> = trial.records.iter().flatten().map(|(_, id)| id.as_str()).collect();
        let exchanges = match &self.sandbox {
            Some(sandbox) => exchanges(&mut self.exchanges, sandbox, self.before_run, &ids),
            None => vec![],
        };
        Stop::Over(Verdict::Violated, Some(Failure { expected, found, exchanges }))
    }

    pub(super) fn property(&self, ty: &TypeName, path: &PropertyRef) -> PropertySchema {
        let known = self.hands.property(ty, path).map(|(_, property)| property);
        known.unwrap_or_else(|| {
            PropertySchema::new(path.path.clone(), lockstep_model::PlainType::Any)
        })
    }

    /// What a record type holds now, read once between two runs.
    pub(super) fn seen(&mut self, ty: &TypeName) -> &HashMap<String, ReadRecord> {
        if !self.seen.contains_key(ty) {
            let watch = self.watch.get(ty).cloned().unwrap_or_default();
            let records = self.hands.list(ty, &watch).unwrap_or_default();
            let by_id = records.into_iter().map(|record| (record.id.clone(), record)).collect();
            self.seen.insert(ty.clone(), by_id);
        }
        &self.seen[ty]
    }

    /// After an edit, what was seen of a type is stale.
    pub(super) fn forget(&mut self, ty: &TypeName) {
        self.seen.remove(ty);
        self.looked_at.clear();
    }

    /// A trial's record as it is now: by its id where the system can be asked so, as there may be
    /// many more of others' making.
    pub(super) fn record(&mut self, trial: &Trial, slot: Slot) -> Option<ReadRecord> {
        let (ty, id) = trial.records.get(slot)?.clone()?;
        if self.seen.contains_key(&ty)
            || !self.hands.schema(&ty).is_some_and(|schema| schema.can.get)
        {
            return self.seen(&ty).get(&id).cloned();
        }
        let key = (ty, id);
        if let Some(record) = self.looked_at.get(&key) {
            return record.clone();
        }
        let watch = self.watch.get(&key.0).cloned().unwrap_or_default();
        let record = self.hands.look(&key.0, &watch, &key.1).ok().flatten();
        self.looked_at.insert(key, record.clone());
        record
    }

    pub(super) fn holds(
        &mut self,
        trial: &Trial,
        slot: Slot,
        path: &PropertyRef,
        value: &Value,
    ) -> Result<(), String> {
        let Some((ty, id)) = trial.records.get(slot).cloned().flatten() else {
            return Err("there is no such record".into());
        };
        let at =
            self.watch.get(&ty).and_then(|watch| watch.iter().position(|watched| watched == path));
        let property = self.property(&ty, path);
        let Some(record) = self.record(trial, slot) else {
            return Err(format!("{ty}/{id} is not there"));
        };
        let held = at.and_then(|at| record.values.get(at)?.clone()).unwrap_or(Value::Null);
        if shows(&property, &held, value) {
            return Ok(());
        }
        Err(format!("{ty}/{id} shows {path} = {}", shown(&held)))
    }

    /// Whether a list holds these elements in this order, and no others.
    pub(super) fn elements(
        &mut self,
        trial: &Trial,
        slot: Slot,
        path: &PropertyRef,
        values: &[Value],
    ) -> Result<(), String> {
        let Some((ty, id)) = trial.records.get(slot).cloned().flatten() else {
            return Err("there is no such record".into());
        };
        let at =
            self.watch.get(&ty).and_then(|watch| watch.iter().position(|watched| watched == path));
        let property = self.property(&ty, path);
        let Some(record) = self.record(trial, slot) else {
            return Err(format!("{ty}/{id} is not there"));
        };
        let held = at.and_then(|at| record.values.get(at)?.clone()).unwrap_or(Value::Null);
        match elements_show(&property, &held, values) {
            true => Ok(()),
            false => Err(format!("{ty}/{id} shows {path} = {}", shown(&held))),
        }
    }

    /// Whether a path is this one, or one that the system derives from it.
    pub(super) fn means(&self, ty: &TypeName, path: &PropertyRef, named: &PropertyRef) -> bool {
        path == named
            || self.hands.property(ty, path).is_some_and(|(resolved, _)| resolved == *named)
    }

    /// Whether nothing was sent to a property: the journal tells of every write.
    pub(super) fn not_written(
        &mut self,
        trial: &Trial,
        slot: Slot,
        path: &PropertyRef,
    ) -> Result<Result<(), String>, Error> {
        let Some(state) = self.state(trial, slot)? else { return Ok(Ok(())) };
        let name = path.to_string();
        let entries = self.hub.ledger.store().journal(&[state.id], usize::MAX >> 1)?;
        let sent = entries.iter().find(|entry| {
            let write = matches!(entry.kind, JournalKind::Written | JournalKind::Refused);
            write && entry.path.as_deref() == Some(name.as_str())
        });
        Ok(match sent {
            None => Ok(()),
            Some(entry) => Err(format!("{} was sent to it", shown(&entry.after))),
        })
    }

    /// Whether the journal of a record knows that a property held a value (P7).
    pub(super) fn in_journal(
        &mut self,
        trial: &Trial,
        slot: Slot,
        path: &PropertyRef,
        value: &Value,
    ) -> Result<Result<(), String>, Error> {
        let Some(state) = self.state(trial, slot)? else {
            return Ok(Err("the hub does not know the record".into()));
        };
        let ty = self.hub.ledger.plan_of_flows().ty(state.ty).name.clone();
        let (property, name) = (self.property(&ty, path), path.to_string());
        let entries = self.hub.ledger.store().journal(&[state.id], usize::MAX >> 1)?;
        let of_it: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.path.as_deref() == Some(name.as_str()))
            .collect();
        let knows = of_it.iter().any(|entry| {
            shows(&property, &entry.before, value) || shows(&property, &entry.after, value)
        });
        Ok(match knows {
            true => Ok(()),
            false => {
                let told: Vec<String> = of_it
                    .iter()
                    .map(|entry| format!("{} to {}", shown(&entry.before), shown(&entry.after)))
                    .collect();
                Err(if told.is_empty() {
                    format!("it says nothing of {name}")
                } else {
                    format!("it says {}", told.join("; "))
                })
            }
        })
    }

    /// The records of a type that show a value.
    pub(super) fn with(&mut self, ty: &TypeName, path: &PropertyRef, value: &Value) -> Vec<String> {
        // A system that can be asked is not read whole, unless it is one of ours.
        if self.sandbox.is_none()
            && let Ok(Some(found)) = self.hands.find(ty, path, value)
        {
            return found;
        }
        let Some(at) =
            self.watch.get(ty).and_then(|watch| watch.iter().position(|watched| watched == path))
        else {
            return vec![];
        };
        let property = self.property(ty, path);
        let holds = |record: &&ReadRecord| {
            let held = record.values.get(at).and_then(Option::as_ref).unwrap_or(&Value::Null);
            !is_empty(held) && shows(&property, held, value)
        };
        let mut ids: Vec<String> =
            self.seen(ty).values().filter(holds).map(|record| record.id.clone()).collect();
        ids.sort();
        ids
    }

    /// The hub's record in a slot.
    pub(super) fn state(
        &mut self,
        trial: &Trial,
        slot: Slot,
    ) -> Result<Option<RecordState>, Error> {
        let Some((ty, id)) = trial.records.get(slot).cloned().flatten() else { return Ok(None) };
        let Some(ix) = self.hub.ledger.plan_of_flows().type_named(&ty) else { return Ok(None) };
        Ok(self.hub.ledger.store().by_key(ix, &[&id])?.pop())
    }

    /// The id of the record of this type that a slot's record is linked with.
    pub(super) fn linked(
        &mut self,
        trial: &Trial,
        slot: Slot,
        ty: &TypeName,
    ) -> Result<Option<String>, Error> {
        let Some(state) = self.state(trial, slot)? else { return Ok(None) };
        let Some(ix) = self.hub.ledger.plan_of_flows().type_named(ty) else { return Ok(None) };
        let members = self.hub.ledger.store().members(&[state.entity])?;
        Ok(members
            .into_iter()
            .find(|member| member.ty == ix && member.id != state.id && member.is_live())
            .map(|member| member.key))
    }

    /// What waits for a person about the trial's records.
    pub(super) fn reviews(&mut self, trial: &Trial) -> Result<Vec<Review>, Error> {
        let mut ids = Vec::new();
        for slot in 0..trial.records.len() {
            if let Some(state) = self.state(trial, slot)? {
                ids.extend(
                    self.hub
                        .ledger
                        .store()
                        .members(&[state.entity])?
                        .iter()
                        .map(|member| member.id),
                );
            }
        }
        Ok(self.hub.ledger.store().open_reviews(&ids)?)
    }

    /// What the hub says about it, where it says something.
    pub(super) fn why_not(&mut self, trial: &Trial) -> Result<Option<String>, Error> {
        Ok(self.reviews(trial)?.first().map(|review| lockstep_wording::why(&review.why)))
    }
}
