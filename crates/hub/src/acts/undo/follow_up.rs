//! What a plan of taking back would bring about elsewhere.

use std::collections::BTreeMap;

use lockstep_engine::Slice;
use lockstep_engine::undo::{Follows, follows};
use lockstep_model::flow::Policy;
use lockstep_model::value::shown;
use lockstep_model::{RecordId, RunId};

use crate::acts::undo::taking::TakingBack;
use crate::error::Result;
use crate::hub::Hub;
use crate::ledger::Ledger;
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
            &mut *self.ledger.store,
            focus,
            through,
            false,
            now,
            RunId(0),
        )?;
        let mut then: BTreeMap<(RecordName, String), Vec<String>> = BTreeMap::new();
        for one in follows(&self.ledger.plan, &mut slice, &taking.intents) {
            if let Some((of, line)) = self.ledger.follow_up_line(&slice, &one) {
                then.entry(of).or_default().push(line);
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

impl Ledger {
    /// One of the writes that follow, in words, and the property put back that it follows from.
    fn follow_up_line(
        &self,
        slice: &Slice,
        one: &Follows,
    ) -> Option<((RecordName, String), String)> {
        let record = slice.records.get(&one.record)?;
        let described = self.plan.prop(record.ty, one.prop);
        let value = shown(&one.value);
        if one.again {
            let why = match &described.policy {
                Policy::Latest => "as another edit is later".to_string(),
                Policy::OnlyFrom(system) => format!("by `only_from: {system}`"),
                Policy::Wins(wins) => format!("by `wins: {wins}`"),
                Policy::Prefer(systems) => format!("by `prefer: [{}]`", systems.join(", ")),
            };
            let line = format!("{value} is put there again, {why}");
            return Some(((self.name_of(record), described.name.clone()), line));
        }
        let from = slice.records.get(&one.claim.record)?;
        let held = shown(record.slot(one.prop).value(described.whole));
        let line = format!("{} {}: {held} → {value}", self.name_of(record), described.name);
        let path = self.plan.prop(from.ty, one.claim.prop).name.clone();
        Some(((self.name_of(from), path), line))
    }
}
