//! C2: which record a creation made whose answer was lost.
//!
//! A creation is never simply sent again: what it made may be there. New records that are in no
//! entity yet are looked through for it: first for those that hold all that was sent, then for
//! those whose system made something else of it (P3), then for those that a match key tells. Where
//! none of that is certain, a person says which it is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_model::{
    Change, Intent, IntentId, IntentKind, Presence, RecordId, RecordState, TypeIx, Value,
};

use crate::confirm;
use crate::keys::{hashes, promised};
use crate::plan::Plan;

/// Minimum length of a text that identifies a record (a heuristic).
const TELLING: usize = 8;

/// So often a creation is sent whose outcome can't be found out; then a person is asked.
const SENT_AT_MOST: u32 = 2;

/// New records that creations may have made.
pub struct Candidates {
    /// Those that are there come first.
    records: Vec<RecordState>,
    live: usize,
    /// L7: of which of them a person has said that they are not whom a creation was meant for.
    apart: HashSet<(IntentId, RecordId)>,
}

/// What is concluded about creations.
#[derive(Debug)]
pub enum Conclusion {
    /// Creations that sent the same, and records that hold it: nothing tells them apart. As many
    /// records, as many of them landed.
    Alike(Vec<Intent>, Vec<RecordState>),
    /// Any of these records may be what the creation made. A person says; to send it again might
    /// make it twice.
    Unclear(Intent, Vec<RecordState>),
}

/// Of the records that are to be decided on, those that creations may have made: in no entity yet,
/// and not seen before.
pub fn may_be_made(mut records: Vec<RecordState>, creations: &[Intent]) -> Vec<RecordState> {
    let Some(earliest) = creations.iter().map(|intent| intent.decided_at).min() else {
        return vec![];
    };
    records.retain(|record| {
        let alone = record.entity.0 == record.id.0 && record.written_at.is_none();
        alone && record.first_seen >= earliest
    });
    records
}

impl Candidates {
    /// These records, of which a person has kept some apart from whom a creation was meant for.
    pub fn new(records: Vec<RecordState>, apart: HashSet<(IntentId, RecordId)>) -> Candidates {
        // One that was read and deleted before that was known is there no more; it had been created
        // all the same (D1).
        let (mut records, gone): (Vec<RecordState>, Vec<RecordState>) =
            records.into_iter().partition(RecordState::is_live);
        let live = records.len();
        records.extend(gone);
        Candidates { records, live, apart }
    }

    /// Whether a creation may have made a record: it is not what was there before, nor what a
    /// person keeps apart from whom it was made for (L7).
    pub fn could_make(&self, intent: &Intent, record: &RecordState) -> bool {
        record.first_seen >= intent.decided_at && !self.apart.contains(&(intent.id, record.id))
    }
}

/// Finds the records that creations have made. `last`: it is the last look, so that what is not
/// found is concluded not to be there. Of those in `doubted` a record shows what they sent of which
/// a person is asked whose it is (R9).
pub fn find(
    plan: &Plan,
    candidates: &Candidates,
    creations: Vec<Intent>,
    last: bool,
    doubted: &HashSet<IntentId>,
) -> Vec<Conclusion> {
    let mut search = Search { plan, candidates, taken: BTreeSet::new(), conclusions: Vec::new() };
    let left = search.by_all_that_was_sent(creations);
    let left = search.by_what_was_made_of_it(left);
    search.by_match_keys(left, last, doubted);
    search.conclusions
}

struct Search<'a> {
    plan: &'a Plan,
    candidates: &'a Candidates,
    /// The places of candidates that are taken for what some creation made.
    taken: BTreeSet<usize>,
    conclusions: Vec<Conclusion>,
}

impl Search<'_> {
    /// New records that hold what was sent. Gives the creations for which there is none.
    fn by_all_that_was_sent(&mut self, creations: Vec<Intent>) -> Vec<Intent> {
        let mut by_likeness: HashMap<(TypeIx, Vec<usize>), HashMap<String, Vec<usize>>> =
            HashMap::new();
        let mut left = Vec::new();
        for ((ty, text), mut intents) in alike(creations) {
            let props: Vec<usize> = sent(&intents[0]).map(|change| change.prop.at()).collect();
            let by_text = by_likeness.entry((ty, props)).or_insert_with_key(|(ty, props)| {
                by_likeness_in(self.plan, self.candidates, *ty, props)
            });
            let mut found = by_text.remove(&text).unwrap_or_default();
            found.retain(|at| {
                let record = &self.candidates.records[*at];
                let made = |intent: &Intent| self.candidates.could_make(intent, record);
                !self.taken.contains(at) && intents.iter().any(made)
            });
            self.prefer_live(&mut found, intents.len());
            left.extend(intents.split_off(found.len().min(intents.len())));
            if !intents.is_empty() {
                self.conclude_alike(intents, found);
            }
        }
        left
    }

    /// The system may have made something else of what it was sent (P3). Who is found so comes
    /// before who is found by less. Gives the creations for which there is none.
    fn by_what_was_made_of_it(&mut self, creations: Vec<Intent>) -> Vec<Intent> {
        let mut edited = Vec::new();
        for intent in creations {
            let mut found = self.places(&intent, |record| holds_all(self.plan, record, &intent));
            self.prefer_live(&mut found, 1);
            if found.is_empty() {
                edited.push(intent);
                continue;
            }
            self.conclude_alike(vec![intent], found);
        }
        edited
    }

    /// Somebody has come upon it already, and edited it: its match key tells that it is the one,
    /// also where it was deleted then.
    fn by_match_keys(&mut self, creations: Vec<Intent>, last: bool, doubted: &HashSet<IntentId>) {
        for intent in creations {
            let keys = promised(self.plan, intent.ty, &intent.changes);
            let has_a_key = |record: &RecordState| {
                let alive = RecordState { presence: Presence::Live, ..record.clone() };
                hashes(self.plan, &alive).iter().any(|hash| keys.contains(hash))
            };
            let mut found = self.places(&intent, has_a_key);
            if !found.is_empty() || !last {
                self.prefer_live(&mut found, 1);
                self.conclude_alike(vec![intent], found);
                continue;
            }
            if doubted.contains(&intent.id) {
                // R9: a record shows it, and a person is asked whose that is.
                continue;
            }
            match self.could_be(&intent, keys.is_empty()) {
                found if found.is_empty() => self.conclude_alike(vec![intent], found),
                found => {
                    let records = self.records(found);
                    self.conclusions.push(Conclusion::Unclear(intent, records));
                }
            }
        }
    }

    /// Without a match key, or where that was edited too, any new record could be it: one that has
    /// something of it, else any at all.
    fn could_be(&self, intent: &Intent, has_no_key: bool) -> Vec<usize> {
        let all = self.places(intent, RecordState::is_live);
        let has_some = |at: &usize| {
            let record = &self.candidates.records[*at];
            sent(intent)
                .any(|change| is_telling(&change.value) && shows(self.plan, record, intent, change))
        };
        let some: Vec<usize> = all.iter().copied().filter(has_some).collect();
        if some.is_empty() && has_no_key { all } else { some }
    }

    /// The places of the candidates that a creation could have made, and that are like this.
    fn places(&self, intent: &Intent, fits: impl Fn(&RecordState) -> bool) -> Vec<usize> {
        let records = self.candidates.records.iter().enumerate();
        let could_be = |(at, record): &(usize, &RecordState)| {
            record.ty == intent.ty
                && !self.taken.contains(at)
                && self.candidates.could_make(intent, record)
                && fits(record)
        };
        records.filter(could_be).map(|(at, _)| at).collect()
    }

    /// Leaves those that are gone out where those that are there are enough.
    fn prefer_live(&self, found: &mut Vec<usize>, enough: usize) {
        let live = self.candidates.live;
        if found.iter().filter(|at| **at < live).count() >= enough {
            found.retain(|at| *at < live);
        }
    }

    fn conclude_alike(&mut self, intents: Vec<Intent>, found: Vec<usize>) {
        self.taken.extend(&found);
        let records = self.records(found);
        self.conclusions.push(Conclusion::Alike(intents, records));
    }

    fn records(&self, found: Vec<usize>) -> Vec<RecordState> {
        found.into_iter().map(|at| self.candidates.records[at].clone()).collect()
    }
}

/// What is known of a creation among some that nothing tells apart.
pub struct Unanswered {
    pub intent: Intent,
    /// The record of the type that is linked with what it was made for.
    pub linked: Option<RecordState>,
    pub asked: Option<AskedWhich>,
}

/// A person has been asked which record a creation made; until then it is neither sent again nor
/// guessed at.
pub struct AskedWhich {
    pub candidates: Vec<RecordId>,
    /// The records of these candidates.
    pub records: Vec<RecordState>,
}

/// What is concluded of a creation.
#[derive(Debug)]
pub enum Settled {
    /// It landed, its record was read, and was linked by its match key.
    Linked(Intent, RecordState),
    /// It landed, and this is its record, found by what was sent.
    Made(Intent, RecordState),
    /// It did not land: the target has been read since, and holds no such record.
    NotMade(Intent),
    /// A person says which of these it made, if any.
    Unclear(Intent, Vec<RecordState>),
}

/// Settles creations that sent the same, with the new records that hold it. Those of which nothing
/// is concluded stay open.
pub fn settle(
    creations: Vec<Unanswered>,
    mut found: Vec<RecordState>,
    candidates: &Candidates,
    last: bool,
) -> Vec<Settled> {
    let (mut settled, mut open, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
    for Unanswered { intent, linked, asked } in creations {
        match (linked, asked) {
            (Some(member), _) => settled.push(Settled::Linked(intent, member)),
            // What is found now, and was not when a person was asked, is news.
            (None, Some(asked))
                if !asked.candidates.is_empty()
                    && found.iter().all(|new| asked.candidates.contains(&new.id)) =>
            {
                let all = asked.candidates.len();
                let left = still_possible(asked.records);
                if left.len() < all {
                    unclear.push(Settled::Unclear(intent, left));
                }
            }
            (None, Some(_)) if found.is_empty() => {}
            (None, _) => open.push(intent),
        }
    }
    if found.len() > open.len() {
        let all = |intent| Settled::Unclear(intent, found.clone());
        unclear.extend(open.drain(..).map(all));
    }
    for intent in open {
        let it = found.iter().position(|record| candidates.could_make(&intent, record));
        match it.map(|it| found.remove(it)) {
            Some(record) => settled.push(Settled::Made(intent, record)),
            None if !last => {}
            None if intent.attempts + 1 >= SENT_AT_MOST => {
                unclear.push(Settled::Unclear(intent, vec![]))
            }
            None => settled.push(Settled::NotMade(intent)),
        }
    }
    settled.extend(unclear);
    settled
}

/// Of the records that a question names those that are nobody's yet: the others can't be its answer
/// any more.
fn still_possible(mut records: Vec<RecordState>) -> Vec<RecordState> {
    records.retain(|record| record.is_live() && record.entity.0 == record.id.0);
    records
}

/// Creations that sent the same are told apart by nothing. Most specific creations first, so that a
/// record that holds what they sent is not taken for one that was sent less.
fn alike(creations: Vec<Intent>) -> Vec<((TypeIx, String), Vec<Intent>)> {
    let mut alike: BTreeMap<(TypeIx, String), Vec<Intent>> = BTreeMap::new();
    for intent in creations {
        let values: Vec<(usize, &Value)> =
            sent(&intent).map(|change| (change.prop.at(), &change.value)).collect();
        alike.entry((intent.ty, likeness(&values))).or_default().push(intent);
    }
    let mut alike: Vec<((TypeIx, String), Vec<Intent>)> = alike.into_iter().collect();
    alike.sort_by(|(a, x), (b, y)| (y[0].changes.len(), a).cmp(&(x[0].changes.len(), b)));
    alike
}

/// The places of the candidates of a record type, by what they show of these properties.
fn by_likeness_in(
    plan: &Plan,
    candidates: &Candidates,
    ty: TypeIx,
    props: &[usize],
) -> HashMap<String, Vec<usize>> {
    let described = &plan.ty(ty).props;
    let mut found: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, record) in candidates.records.iter().enumerate().filter(|(_, record)| record.ty == ty)
    {
        let shown: Vec<(usize, &Value)> =
            props.iter().map(|p| (*p, record.slots[*p].value(described[*p].whole))).collect();
        found.entry(likeness(&shown)).or_default().push(at);
    }
    found
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

/// What a creation sends, references aside: what they were sent as is not known here.
fn sent(intent: &Intent) -> impl Iterator<Item = &Change> {
    intent.changes.iter().filter(|change| change.counterpart_of.is_none())
}

/// Whether a record holds all that a creation would send, references aside.
pub fn holds_all(plan: &Plan, record: &RecordState, intent: &Intent) -> bool {
    let mut sent = sent(intent).peekable();
    sent.peek().is_some() && sent.all(|change| shows(plan, record, intent, change))
}

/// Whether a record shows what its system may have made of a value that was sent.
fn shows(plan: &Plan, record: &RecordState, intent: &Intent, change: &Change) -> bool {
    let whole = plan.ty(intent.ty).props[change.prop.at()].whole;
    confirm::made_of(&change.value, record.slot(change.prop).value(whole))
}

/// Whether a record is in no entity yet and could have been made by a creation for somebody else:
/// by one of those in `open`, whose answers are not known.
pub fn may_be_anothers(plan: &Plan, intent: &Intent, found: &RecordState, open: &[Intent]) -> bool {
    if found.entity.0 != found.id.0 || found.written_at.is_some() {
        return false;
    }
    let keys = hashes(plan, found);
    let fits = |other: &Intent| {
        let promised = promised(plan, other.ty, &other.changes);
        match promised.is_empty() {
            true => holds_all(plan, found, other),
            false => promised.iter().any(|hash| keys.contains(hash)),
        }
    };
    let made = |other: &Intent| {
        let of_its_type =
            other.kind == IntentKind::Create && other.ty == intent.ty && other.id != intent.id;
        of_its_type && found.first_seen >= other.decided_at && fits(other)
    };
    open.iter().any(made)
}

/// Whether hardly anybody else has this value: a given name is shared by many.
pub fn is_telling(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.trim().chars().count() >= TELLING)
}
