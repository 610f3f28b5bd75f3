//! Which record a creation made whose answer was lost (C2).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_engine::confirm;
use lockstep_engine::keys::{hashes, promised};
use lockstep_model::{
    Change, Intent, IntentId, IntentKind, IntentState, Presence, ReadRecord, RecordId, RecordState,
    TypeIx, Value,
};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::doubts::is_telling;
use crate::under_way::Underway;

/// What a creation has found instead of making it.
pub(crate) enum Found {
    /// The system names what it has, if it does; with what that shows, where it was read.
    Named(Option<String>, Option<ReadRecord>),
    /// R9: the system answered with a record that it had, and may have written what was sent over
    /// what that held.
    Overwritten(ReadRecord, Vec<(usize, Value)>),
}

impl Ledger {
    /// Creations of record types that were read to their end. A system that could not be read says
    /// nothing about what it does not hold; nor does one that had records and lists none all of a
    /// sudden, or whose list is not believed (G3).
    pub(crate) fn read_to_the_end(
        &self,
        under_way: &Underway,
        mut creations: Vec<Intent>,
    ) -> Vec<Intent> {
        creations.retain(|intent| {
            let status = &self.status[intent.ty.at()];
            let paused = under_way.paused.contains_key(&self.system_of(intent.ty));
            let vanished = under_way.listed_none.contains(&intent.ty) && status.records > 0;
            let believed = !vanished
                && !under_way.guards.stops(intent.ty)
                && !under_way.damages.stops(intent.ty);
            !paused && believed && status.reading_since.is_none()
        });
        creations
    }

    /// Looks for the records that unanswered creations may have made: those that were linked by a
    /// match key meanwhile, and new ones that are in no entity yet and hold all that was sent. New
    /// ones are on the agenda, as nothing has been decided since they were read. What is not found
    /// stays open, unless this is the last look.
    pub(crate) fn find_created(
        &mut self,
        under_way: &mut Underway,
        creations: Vec<Intent>,
        last: bool,
    ) -> Result<()> {
        if creations.is_empty() {
            return Ok(());
        }
        let agenda: Vec<RecordId> =
            self.store.agenda(usize::MAX >> 1)?.into_iter().map(|(_, id)| id).collect();
        let earliest =
            creations.iter().map(|intent| intent.decided_at).min().unwrap_or(self.clock.now());
        let mut fresh = self.store.records(&agenda)?;
        fresh.retain(|record: &RecordState| {
            let alone = record.entity.0 == record.id.0 && record.written_at.is_none();
            alone && record.first_seen >= earliest
        });
        // One that was read and deleted before that was known is there no more; it had been created
        // all the same (D1).
        let (mut fresh, gone): (Vec<RecordState>, Vec<RecordState>) =
            fresh.into_iter().partition(RecordState::is_live);
        let live = fresh.len();
        fresh.extend(gone);
        let apart = self.kept_apart(&creations, &fresh)?;
        // It is not what was there before, nor what a person keeps apart from whom it was made for
        // (L7).
        let could_make = |intent: &Intent, record: &RecordState| {
            record.first_seen >= intent.decided_at && !apart.contains(&(intent.id, record.id))
        };
        // Creations that sent the same are told apart by nothing: as many records, as many of them
        // landed.
        let mut alike: BTreeMap<(TypeIx, String), Vec<Intent>> = BTreeMap::new();
        for intent in creations {
            let sent: Vec<(usize, &Value)> = intent
                .changes
                .iter()
                .filter(|c| c.counterpart_of.is_none())
                .map(|c| (c.prop.at(), &c.value))
                .collect();
            alike.entry((intent.ty, likeness(&sent))).or_default().push(intent);
        }
        // What sent most comes first, so that a record that holds it is not taken for one that was
        // sent less.
        let mut alike: Vec<((TypeIx, String), Vec<Intent>)> = alike.into_iter().collect();
        alike.sort_by(|(a, x), (b, y)| (y[0].changes.len(), a).cmp(&(x[0].changes.len(), b)));
        let mut by_likeness: HashMap<(TypeIx, Vec<usize>), HashMap<String, Vec<usize>>> =
            HashMap::new();
        let (mut taken, mut left): (BTreeSet<usize>, Vec<Intent>) = (BTreeSet::new(), vec![]);
        for ((ty, sent), mut intents) in alike {
            let props: Vec<usize> = intents[0]
                .changes
                .iter()
                .filter(|c| c.counterpart_of.is_none())
                .map(|c| c.prop.at())
                .collect();
            let found = by_likeness.entry((ty, props.clone())).or_insert_with(|| {
                let mut found: HashMap<String, Vec<usize>> = HashMap::new();
                for (at, record) in fresh.iter().enumerate().filter(|(_, record)| record.ty == ty) {
                    let described = &self.plan.ty(ty).props;
                    let shown: Vec<(usize, &Value)> = props
                        .iter()
                        .map(|p| (*p, record.slots[*p].value(described[*p].whole)))
                        .collect();
                    found.entry(likeness(&shown)).or_default().push(at);
                }
                found
            });
            let made = |at: &usize| intents.iter().any(|intent| could_make(intent, &fresh[*at]));
            let mut found: Vec<usize> = found
                .remove(&sent)
                .unwrap_or_default()
                .into_iter()
                .filter(|at| !taken.contains(at) && made(at))
                .collect();
            prefer_live(&mut found, live, intents.len());
            taken.extend(&found);
            left.extend(intents.split_off(found.len().min(intents.len())));
            let found = found.into_iter().map(|at| fresh[at].clone()).collect();
            self.settle_alike(under_way, intents, found, &could_make, last)?;
        }
        // The system may have made something else of what it was sent (P3). Who is found so comes
        // before who is found by less.
        let mut edited = Vec::new();
        for intent in left {
            let sent = || intent.changes.iter().filter(|c| c.counterpart_of.is_none());
            let could_be = |record: &RecordState| {
                sent().all(|c| self.shows(record, &intent, c)) && could_make(&intent, record)
            };
            let fits = |(at, record): &(usize, &RecordState)| {
                record.ty == intent.ty
                    && !taken.contains(at)
                    && sent().next().is_some()
                    && could_be(record)
            };
            let mut found: Vec<usize> =
                fresh.iter().enumerate().filter(fits).map(|(at, _)| at).collect();
            prefer_live(&mut found, live, 1);
            if found.is_empty() {
                edited.push(intent);
                continue;
            }
            taken.extend(&found);
            let found = found.into_iter().map(|at| fresh[at].clone()).collect();
            self.settle_alike(under_way, vec![intent], found, &could_make, last)?;
        }
        for intent in edited {
            // Somebody has come upon it already, and edited it: its match key tells that it is the
            // one, also where it was deleted then.
            let keys = promised(&self.plan, intent.ty, &intent.changes);
            let is_it = |(at, record): &(usize, &RecordState)| {
                let fits = || {
                    let alive = RecordState { presence: Presence::Live, ..(*record).clone() };
                    hashes(&self.plan, &alive).iter().any(|hash| keys.contains(hash))
                };
                record.ty == intent.ty
                    && !taken.contains(at)
                    && could_make(&intent, record)
                    && fits()
            };
            let mut found: Vec<usize> =
                fresh.iter().enumerate().filter(is_it).map(|(at, _)| at).collect();
            let sure = !found.is_empty() || !last;
            if !sure && under_way.doubted && self.is_shown_in_doubt(&intent)? {
                // R9: a record shows it, and a person is asked whose that is.
                continue;
            }
            if !sure {
                // Without one, or where that was edited too, any new record could be it: one that
                // has something of it, else any at all. A person says; to send it again might make
                // it twice.
                let sent = || intent.changes.iter().filter(|c| c.counterpart_of.is_none());
                let has_some = |record: &RecordState| {
                    sent().any(|c| is_telling(&c.value) && self.shows(record, &intent, c))
                };
                let free = |(at, record): &(usize, &RecordState)| {
                    record.ty == intent.ty
                        && record.is_live()
                        && !taken.contains(at)
                        && could_make(&intent, record)
                };
                let all: Vec<(usize, &RecordState)> =
                    fresh.iter().enumerate().filter(free).collect();
                let some = all
                    .iter()
                    .filter(|(_, record)| has_some(record))
                    .map(|(at, _)| *at)
                    .collect::<Vec<_>>();
                found = match some.is_empty() && keys.is_empty() {
                    true => all.into_iter().map(|(at, _)| at).collect(),
                    false => some,
                };
            }
            prefer_live(&mut found, live, 1);
            if sure {
                taken.extend(&found);
            }
            let found: Vec<RecordState> = found.into_iter().map(|at| fresh[at].clone()).collect();
            match sure || found.is_empty() {
                true => self.settle_alike(under_way, vec![intent], found, &could_make, last)?,
                false => self.ask_which(under_way, intent, found)?,
            }
        }
        Ok(())
    }

    /// Whether a record holds all that a creation would send, references aside.
    pub(crate) fn holds_all(&self, record: &RecordState, intent: &Intent) -> bool {
        let mut sent =
            intent.changes.iter().filter(|change| change.counterpart_of.is_none()).peekable();
        sent.peek().is_some() && sent.all(|change| self.shows(record, intent, change))
    }

    /// Whether a record shows what its system may have made of a value that was sent.
    fn shows(&self, record: &RecordState, intent: &Intent, change: &Change) -> bool {
        let whole = self.plan.ty(intent.ty).props[change.prop.at()].whole;
        confirm::made_of(&change.value, record.slot(change.prop).value(whole))
    }

    /// L7: of which new records a person has said that they are not whom a creation was meant for.
    fn kept_apart(
        &mut self,
        creations: &[Intent],
        fresh: &[RecordState],
    ) -> Result<HashSet<(IntentId, RecordId)>> {
        let mut found = HashSet::new();
        let apart = self.store.apart(&fresh.iter().map(|record| record.id).collect::<Vec<_>>())?;
        for intent in creations.iter().filter(|_| !apart.is_empty()) {
            let Some(source) = self.store.records(&[intent.source])?.pop() else { continue };
            let members: Vec<RecordId> =
                self.store.members(&[source.entity])?.iter().map(|member| member.id).collect();
            let both = apart.iter().flat_map(|(a, b)| [(a, b), (b, a)]);
            found.extend(both.filter(|(a, _)| members.contains(a)).map(|(_, b)| (intent.id, *b)));
        }
        Ok(found)
    }

    /// Whether a record that is in no entity yet could have been made by a creation for somebody
    /// else, whose answer is not known.
    pub(crate) fn may_be_anothers(&mut self, intent: &Intent, found: &RecordState) -> Result<bool> {
        if found.entity.0 != found.id.0 || found.written_at.is_some() {
            return Ok(false);
        }
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        let keys = hashes(&self.plan, found);
        let made = |other: &Intent| {
            let of_its_type =
                other.kind == IntentKind::Create && other.ty == intent.ty && other.id != intent.id;
            let fits = || {
                promised(&self.plan, other.ty, &other.changes)
                    .iter()
                    .any(|hash| keys.contains(hash))
            };
            of_its_type && found.first_seen >= other.decided_at && fits()
        };
        Ok(open.iter().any(made))
    }
}

/// Leaves those that are gone out where those that are there are enough. The first `live` places
/// are of records that are there.
fn prefer_live(found: &mut Vec<usize>, live: usize, enough: usize) {
    if found.iter().filter(|at| **at < live).count() >= enough {
        found.retain(|at| *at < live);
    }
}

/// Values in a form in which those that a system would hold alike are the same text.
fn likeness(values: &[(usize, &Value)]) -> String {
    let one = |(prop, value): &(usize, &Value)| match value {
        Value::String(text) => format!("{prop}={:?}", text.trim()),
        Value::Null => format!("{prop}=\"\""),
        other => format!("{prop}={:?}", other.to_string()),
    };
    values.iter().map(one).collect::<Vec<_>>().join(",")
}
