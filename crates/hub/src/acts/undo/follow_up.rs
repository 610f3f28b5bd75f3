//! What a plan of taking back would bring about elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_engine::settle::{Entity, Wanted, wanted};
use lockstep_model::flow::Policy;
use lockstep_model::value::shown;
use lockstep_model::{
    Claim, ClaimStamp, EntityId, IntentKind, Presence, PropIx, RecordId, RecordState, RunId,
};

use crate::acts::undo::taking::TakingBack;
use crate::error::Result;
use crate::hub::Hub;
use crate::report::RecordName;

impl Hub {
    /// What the next run would carry on into other records.
    pub(crate) fn follow_up(&mut self, taking: &mut TakingBack) -> Result<()> {
        let focus: Vec<RecordId> =
            taking.intents.iter().filter_map(|intent| intent.record).collect();
        if focus.is_empty() {
            return Ok(());
        }
        let (through, now) = (self.decider().through(), self.ledger.clock.now());
        let mut slice = crate::deciding::load::slice(
            &self.ledger.plan,
            self.ledger.store.as_mut(),
            focus,
            through,
            false,
            now,
            RunId(0),
        )?;
        let mut entities: BTreeSet<EntityId> = BTreeSet::new();
        let mut claims: HashMap<(RecordId, PropIx), ClaimStamp> = HashMap::new();
        for intent in &taking.intents {
            let Some(record) = intent.record.and_then(|id| slice.records.get_mut(&id)) else {
                continue;
            };
            entities.insert(record.entity);
            if intent.kind == IntentKind::Delete {
                record.presence = Presence::Gone;
            }
            for change in &intent.changes {
                let slot = &mut record.slots[change.prop.at()];
                (slot.shadow, slot.pick, slot.carries) =
                    (Some(change.value.clone()), None, Some(change.claim));
                slot.given = Some(Box::new(change.displaced.clone().into()));
                if change.claim.record == record.id {
                    slot.given = None;
                    slot.claim = Some(Claim {
                        value: change.value.clone(),
                        at: change.claim.at,
                        goes: vec![],
                    });
                    claims.insert((record.id, change.prop), change.claim);
                }
            }
        }
        let put_back: HashSet<(RecordId, PropIx)> = taking
            .intents
            .iter()
            .flat_map(|intent| {
                intent.changes.iter().filter_map(|change| Some((intent.record?, change.prop)))
            })
            .collect();
        let mut then: BTreeMap<(RecordName, String), Vec<String>> = BTreeMap::new();
        for entity in entities {
            let records: Vec<&RecordState> =
                slice.members(entity).iter().filter_map(|id| slice.records.get(id)).collect();
            let entity = Entity::of(&self.ledger.plan, records);
            for record in entity.records.iter().filter(|record| record.is_live()) {
                for prop in (0..record.slots.len() as u16).map(PropIx) {
                    let Wanted::Write { value, claim, .. } =
                        wanted(&self.ledger.plan, &slice, &entity, record, prop)
                    else {
                        continue;
                    };
                    if put_back.contains(&(record.id, prop)) {
                        let described = self.ledger.plan.prop(record.ty, prop);
                        let line = match &described.policy {
                            Policy::Latest => format!(
                                "{} is put there again, as another edit is later",
                                shown(&value)
                            ),
                            Policy::OnlyFrom(system) => format!(
                                "{} is put there again, by `only_from: {system}`",
                                shown(&value)
                            ),
                            Policy::Wins(wins) => {
                                format!("{} is put there again, by `wins: {wins}`", shown(&value))
                            }
                            Policy::Prefer(systems) => {
                                format!(
                                    "{} is put there again, by `prefer: [{}]`",
                                    shown(&value),
                                    systems.join(", ")
                                )
                            }
                        };
                        then.entry((self.ledger.name_of(record), described.name.clone()))
                            .or_default()
                            .push(line);
                        continue;
                    }
                    let Some(from) = slice
                        .records
                        .get(&claim.record)
                        .filter(|_| claims.get(&(claim.record, claim.prop)) == Some(&claim))
                    else {
                        continue;
                    };
                    let described = self.ledger.plan.prop(record.ty, prop);
                    let held = shown(record.slot(prop).value(described.whole));
                    let line = format!(
                        "{} {}: {held} → {}",
                        self.ledger.name_of(record),
                        described.name,
                        shown(&value)
                    );
                    let path = self.ledger.plan.prop(from.ty, claim.prop).name.clone();
                    then.entry((self.ledger.name_of(from), path)).or_default().push(line);
                }
            }
        }
        for back in &mut taking.records {
            for property in &mut back.properties {
                if let Some(lines) = then.remove(&(back.record.clone(), property.path.clone())) {
                    property.then = lines;
                }
            }
        }
        Ok(())
    }
}
