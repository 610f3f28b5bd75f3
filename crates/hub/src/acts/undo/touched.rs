//! Which records were written since, and by which writes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_engine::undo::Written;
use lockstep_model::{Change, Intent, IntentId, IntentKind, RecordId, Value};
use lockstep_store::{JournalEntry, JournalKind};

use crate::acts::undo::taking::{AT_ONCE, Touched};
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
                        let shown = match &entries {
                            Some(entries) => self.told_of(entries, &intent, change),
                            None => Some((change.displaced.clone().into(), change.value.clone())),
                        };
                        // Else it was left out when the rest was sent.
                        let Some(shown) = shown else { continue };
                        let fresh = Written::by(&self.plan, &intent, change, shown);
                        match one.written.entry(change.prop) {
                            Entry::Vacant(place) => _ = place.insert(fresh),
                            Entry::Occupied(mut known) => known.get_mut().and_then(fresh),
                        }
                    }
                }
            }
        }
        Ok(touched)
    }

    /// What the journal tells of one change: the value before, and after.
    fn told_of(
        &self,
        entries: &[JournalEntry],
        intent: &Intent,
        change: &Change,
    ) -> Option<(Value, Value)> {
        let name = &self.plan.prop(intent.ty, change.prop).name;
        let entry = entries.iter().find(|entry| entry.path.as_ref() == Some(name))?;
        Some((entry.before.clone(), entry.after.clone()))
    }
}
