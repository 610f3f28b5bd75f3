//! Which records were written since, and by which writes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_model::value::{is_added, is_empty};
use lockstep_model::{Change, Intent, IntentId, IntentKind, RecordId, Value};
use lockstep_store::{JournalEntry, JournalKind};

use crate::acts::undo::taking::{AT_ONCE, Touched, Written};
use crate::error::Result;
use crate::ledger::Ledger;

impl Ledger {
    /// What these writes did to each record, from the journal; where that was pruned, from the
    /// writes themselves.
    pub(crate) fn touched(
        &mut self,
        intents: Vec<Intent>,
        meant: impl Fn(&Intent, &Change) -> bool,
    ) -> Result<BTreeMap<RecordId, Touched>> {
        let records: BTreeSet<RecordId> =
            intents.iter().filter_map(|intent| intent.record).collect();
        let chosen: HashSet<IntentId> = intents.iter().map(|intent| intent.id).collect();
        let mut journal: HashMap<IntentId, Vec<JournalEntry>> = HashMap::new();
        let records: Vec<RecordId> = records.into_iter().collect();
        for some in records.chunks(AT_ONCE) {
            for entry in self.store.journal(some, usize::MAX >> 1)? {
                let written = entry.kind == JournalKind::Written && entry.path.is_some();
                if let Some(id) = entry.intent.filter(|id| written && chosen.contains(id)) {
                    journal.entry(id).or_default().push(entry);
                }
            }
        }
        let mut touched: BTreeMap<RecordId, Touched> = BTreeMap::new();
        for intent in intents {
            let Some(record) = intent.record else { continue };
            let one = touched.entry(record).or_default();
            match intent.kind {
                IntentKind::Create => one.created = Some(intent),
                IntentKind::Delete => one.deleted = Some(intent),
                IntentKind::Update => {
                    let entries = journal.remove(&intent.id);
                    for change in intent.changes.iter().filter(|change| meant(&intent, change)) {
                        let name = &self.plan.prop(intent.ty, change.prop).name;
                        let (before, after) = match &entries {
                            Some(entries) => {
                                match entries.iter().find(|entry| entry.path.as_ref() == Some(name))
                                {
                                    Some(entry) => (entry.before.clone(), entry.after.clone()),
                                    // It was left out when the rest was sent.
                                    None => continue,
                                }
                            }
                            None => (change.displaced.clone().into(), change.value.clone()),
                        };
                        let (last, first_run) = (intent.id, intent.run);
                        let added = is_added(&change.displaced) && !is_empty(&change.value);
                        // P9: what the journal shows of a list is the element that stands for the
                        // property, before and after.
                        let described = self.plan.prop(intent.ty, change.prop);
                        let takes_out =
                            described.list && !described.whole && is_empty(&change.value);
                        let (before, after) =
                            match (added, takes_out && !is_empty(&change.displaced)) {
                                (true, _) => (Value::Null, change.value.clone()),
                                (_, true) => (change.displaced.clone().into(), Value::Null),
                                _ => (before, after),
                            };
                        let fresh = Written {
                            before,
                            after,
                            last,
                            claim: change.claim,
                            flow: intent.flow,
                            first_run,
                            added,
                        };
                        one.written
                            .entry(change.prop)
                            .and_modify(|known| {
                                (known.after, known.last, known.claim) =
                                    (fresh.after.clone(), fresh.last, fresh.claim);
                            })
                            .or_insert(fresh);
                    }
                }
            }
        }
        Ok(touched)
    }
}
