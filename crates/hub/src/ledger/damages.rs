//! R8: what can't be read is told in every run and by `status`, until it is mended; what it
//! concerns is left alone, and the rest goes on.
//!
//! A reading that comes to its end says what is damaged now. What a reading of changes does not
//! show again (a record without an id, seen by the last listing of everything) is still damaged.
//! Between runs the damages are marks of the store, `damage:TYPE`; why a system could not be worked
//! with is one as well, `trouble:SYSTEM`.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use lockstep_connector::RecordFault;
use lockstep_model::{IntentState, Timestamp, TypeIx, Value};
use lockstep_store::Commit;
use serde_json::json;

use crate::damages::{Damage, DamageLine, Damages, Fault, MOST_TOLD, TroubleLine};
use crate::error::Result;
use crate::ledger::Ledger;
use crate::report::Event;
use crate::under_way::Underway;

impl Ledger {
    fn damage_mark(&self, ty: TypeIx) -> String {
        format!("damage:{}", self.plan.ty(ty).name)
    }

    fn trouble_mark(&self, system: usize) -> String {
        format!("trouble:{}", self.names[system])
    }

    /// The damages as the last run left them.
    pub(crate) fn damages(&mut self) -> Result<Damages> {
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let mut damages = Damages::default();
        for ty in (0..self.plan.types.len() as u16).map(TypeIx) {
            let mark = marks.get(&self.damage_mark(ty)).cloned();
            if let Some(damage) = mark.and_then(|mark| serde_json::from_value::<Damage>(mark).ok())
            {
                // Whether it still can't be read at all, this run finds out.
                damages.types.insert(
                    ty,
                    Damage { stops: false, stranger: damage.stranger || damage.stops, ..damage },
                );
            }
        }
        Ok(damages)
    }

    /// Tells of a damage, once a run.
    pub(crate) fn tell_damage(
        &self,
        under_way: &mut Underway,
        system: usize,
        place: &str,
        message: &str,
    ) {
        if !under_way.damages.told.insert((place.to_string(), message.to_string())) {
            return;
        }
        let name = self.names[system].clone();
        under_way.report.system(&name).refused += 1;
        under_way
            .report
            .event(|| Event::Fault { place: place.to_string(), message: message.to_string() });
    }

    /// R8: a record type can't be read. It is left alone, others of its system are not.
    pub(crate) fn stop_type(&mut self, under_way: &mut Underway, ty: TypeIx, message: String) {
        let now = self.clock.now().0;
        let place = self.plan.ty(ty).name.to_string();
        self.tell_damage(under_way, self.system_of(ty), &place, &message);
        let since = under_way.damages.types.get(&ty).map_or(now, |damage| damage.since);
        let faults = vec![Fault { place, message, id: None, part: false }];
        under_way.damages.types.insert(ty, Damage { since, stops: true, stranger: true, faults });
    }

    /// A reading has come to its end, with these faults. `all`: it would have told of every damage
    /// there is. `read` are the keys of what it could read.
    pub(crate) fn damages_found(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        faults: Vec<RecordFault>,
        all: bool,
        read: &HashSet<u64>,
    ) -> Result<()> {
        let before = under_way.damages.types.remove(&ty);
        let now = self.clock.now().0;
        let mut found: Vec<Fault> = faults.into_iter().map(Fault::from).collect();
        if let Some(before) = before.as_ref().filter(|_| !all) {
            let mended = |fault: &Fault| {
                fault
                    .id
                    .as_ref()
                    .is_some_and(|id| read.contains(&lockstep_model::matching::seed(id)))
            };
            let left = before
                .faults
                .iter()
                .filter(|fault| !mended(fault) && !found.contains(fault))
                .cloned()
                .collect::<Vec<_>>();
            found.extend(left);
        }
        if found.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = found.iter().filter_map(|fault| fault.id.as_deref()).collect();
        let known: BTreeSet<String> = self
            .store
            .by_key(ty, &ids)?
            .into_iter()
            .filter(|r| r.is_live())
            .map(|r| r.key)
            .collect();
        let stranger = found
            .iter()
            .any(|fault| !fault.part && fault.id.as_ref().is_none_or(|id| !known.contains(id)));
        let since = before.map_or(now, |before| before.since);
        under_way.damages.types.insert(ty, Damage { since, stops: false, stranger, faults: found });
        Ok(())
    }

    /// At the end of a run: tells what this run had no occasion to tell, and keeps it all for the
    /// next one. What a person did (`tells` is false) is no occasion.
    pub(crate) fn keep_damages(&mut self, under_way: &mut Underway, tells: bool) -> Result<()> {
        let before: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let mut marks = Vec::new();
        for ty in (0..self.plan.types.len() as u16).map(TypeIx) {
            let damage = under_way.damages.types.get(&ty).cloned();
            for fault in damage
                .iter()
                .filter(|_| tells)
                .flat_map(|damage| damage.faults.iter().take(MOST_TOLD))
            {
                self.tell_damage(under_way, self.system_of(ty), &fault.place, &fault.message);
            }
            let mark = damage.map(|damage| {
                let faults = damage.faults.into_iter().take(10 * MOST_TOLD).collect();
                serde_json::to_value(Damage { faults, ..damage }).unwrap_or(Value::Null)
            });
            let name = self.damage_mark(ty);
            if before.get(&name) != mark.as_ref() {
                marks.push((name, mark));
            }
        }
        let now = self.clock.now().0;
        for system in 0..self.names.len() {
            let name = self.trouble_mark(system);
            let was = before.get(&name);
            let mark = match under_way.paused.get(&system) {
                Some(message) => Some(json!({
                    "since": was.and_then(|was| was["since"].as_i64()).unwrap_or(now),
                    "message": message,
                    "remedies": under_way.report.system(&self.names[system]).remedies,
                })),
                None if under_way.damages.asked.contains(&system) => None,
                None => continue,
            };
            if was != mark.as_ref() {
                marks.push((name, mark));
            }
        }
        let mut waiting = std::mem::take(&mut under_way.damages.waiting);
        let mut intents_changed = Vec::new();
        for update in waiting.drain(..) {
            if self
                .store
                .intent(update.id)?
                .is_some_and(|intent| intent.state == IntentState::Queued)
            {
                intents_changed.push(update);
            }
        }
        if marks.is_empty() && intents_changed.is_empty() {
            return Ok(());
        }
        Ok(self.store.commit(Commit { marks, intents_changed, ..Commit::default() })?)
    }

    /// What can't be read, as the last run left it, and why systems could not be worked with.
    pub fn what_is_damaged(&mut self) -> Result<(Vec<DamageLine>, Vec<TroubleLine>)> {
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let (mut damages, mut troubles) = (vec![], vec![]);
        for ty in (0..self.plan.types.len() as u16).map(TypeIx) {
            let mark = marks.get(&self.damage_mark(ty)).cloned();
            let Some(damage) = mark.and_then(|mark| serde_json::from_value::<Damage>(mark).ok())
            else {
                continue;
            };
            damages.extend(damage.faults.into_iter().map(|fault| DamageLine {
                record_type: self.plan.ty(ty).name.to_string(),
                since: Timestamp(damage.since).to_string(),
                stops: damage.stops,
                place: fault.place,
                message: fault.message,
            }));
        }
        for system in 0..self.names.len() {
            let Some(mark) = marks.get(&self.trouble_mark(system)) else { continue };
            troubles.push(TroubleLine {
                system: self.names[system].clone(),
                since: Timestamp(mark["since"].as_i64().unwrap_or_default()).to_string(),
                message: mark["message"].as_str().unwrap_or_default().to_string(),
                remedies: serde_json::from_value(mark["remedies"].clone()).unwrap_or_default(),
            });
        }
        Ok((damages, troubles))
    }
}
