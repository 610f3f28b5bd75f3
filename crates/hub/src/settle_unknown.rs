//! C2: finding out. A write whose answer was lost may have landed, and is never simply sent again;
//! a creation that the system refuses as a duplicate has found the record that is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_connector::Trouble;
use lockstep_engine::Trust;
use lockstep_engine::confirm;
use lockstep_engine::keys::{hashes, promised, rekey};
use lockstep_engine::observe::{Reading, observe_as};
use lockstep_model::change::IntentEvent;
use lockstep_model::matching::reference_hash;
use lockstep_model::value::equal;
use lockstep_model::{
    Change, ClaimStamp, EntityId, Intent, IntentId, IntentKind, IntentState, NumberMap, Presence,
    PropIx, ReadRecord, Reason, RecordId, RecordState, Review, ReviewKind, Rule, Timestamp, TypeIx,
    Value,
};
use lockstep_store::{Commit, JournalEntry, JournalKind, ReviewKey};

use crate::deliver::{Before, PATIENCE_MS, step};
use crate::identity::Seen;
use crate::report::{Event, RecordName};
use crate::run::{Hub, Result, Underway};

/// How long a creation whose answer was lost may still be under way at least, where the system is
/// asked over a network.
const UNDER_WAY_MS: i64 = 1_000;
/// How long what a system has only accepted may take, where it states no delay.
const ACCEPTED_MS: i64 = 60_000;
/// A run waits so long to find out; what takes longer is found out by a later one.
pub(crate) const MOMENT_MS: i64 = 5_000;
/// So often a creation is sent whose outcome can't be found out; then a person is asked.
const SENT_AT_MOST: u32 = 2;
/// So often a record is asked for again whose answer can't be understood.
const MISREAD: usize = 2;
/// A text of so many letters tells one record from another, more or less.
const TELLING: usize = 8;

/// What a creation has found instead of making it.
pub(crate) enum Found {
    /// The system names what it has, if it does; with what that shows, where it was read.
    Named(Option<String>, Option<ReadRecord>),
    /// R9: the system answered with a record that it had, and may have written what was sent over
    /// what that held.
    Overwritten(ReadRecord, Vec<(usize, Value)>),
}

impl Hub {
    /// C2: a write that may have been done, or will be: nothing is concluded before the system's
    /// delay is over. What only was accepted takes a minute where no delay is stated.
    pub(crate) fn not_known(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        message: String,
        accepted: bool,
        known: &mut NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.clock.now();
        let delay = self.delay_ms(intent, accepted);
        let mut update = step(intent, IntentEvent::LoseAnswer, now, Some(message));
        update.not_before = (delay > 0).then(|| now.plus_ms(delay));
        commit.intents_changed.push(update);
        under_way.unknown = true;
        if intent.kind == IntentKind::Create {
            under_way.left.insert(intent.id);
        } else if let Some(state) =
            intent.record.and_then(|id| known.get_mut(&id)).filter(|_| delay > 0)
        {
            // P5a: what is read of it meanwhile may be from before the write, or be what it did.
            state.written_at = Some(now);
            let state = state.clone();
            self.facets_not_known(&state, commit)?;
            commit.changed_records.push(state);
        }
        Ok(())
    }

    /// How long after it was sent a write may still not be seen though it was done.
    fn delay_ms(&self, intent: &Intent, accepted: bool) -> i64 {
        let ty = self.plan.ty(intent.ty);
        let said = match intent.kind {
            IntentKind::Create
                if self.systems[self.system_of(intent.ty)].connector.knows_own_writes() =>
            {
                ty.unknown_ms
            }
            IntentKind::Create => ty.unknown_ms.max(UNDER_WAY_MS),
            IntentKind::Update | IntentKind::Delete => ty.settles_ms,
        };
        if accepted && ty.settles_ms == 0 { said.max(ACCEPTED_MS) } else { said }
    }

    /// What a killed run had under way: nobody knows when it was sent.
    fn take_over_sent(&mut self) -> Result<()> {
        let sent = self.store.intents_in(IntentState::Sent, usize::MAX >> 1)?;
        if sent.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut commit = Commit::default();
        for intent in sent {
            let delay = self.delay_ms(&intent, false);
            let mut update = step(
                &intent,
                IntentEvent::LoseAnswer,
                now,
                Some("the process that sent it has ended".into()),
            );
            update.not_before = (delay > 0).then(|| now.plus_ms(delay));
            commit.intents_changed.push(update);
        }
        Ok(self.store.commit(commit)?)
    }

    /// Finds out what became of writes whose answer was lost, also of those that a killed run had
    /// under way.
    pub(crate) fn settle_unknown(&mut self, under_way: &mut Underway) -> Result<()> {
        self.take_over_sent()?;
        // All of them: one that is left would be decided on, and sent again, as if nothing were
        // known of it.
        let mut open = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.retain(|intent| !under_way.paused.contains_key(&self.system_of(intent.ty)));
        if open.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let left = open.iter().filter_map(|intent| intent.not_before).map(|at| at.0 - now.0);
        if let Some(ms) = left.filter(|ms| (1..=MOMENT_MS).contains(ms)).max() {
            self.clock.wait(std::time::Duration::from_millis(ms.unsigned_abs()));
        }
        let (creations, others): (Vec<Intent>, Vec<Intent>) =
            open.into_iter().partition(|i| i.kind == IntentKind::Create);
        for intent in others {
            if !under_way.paused.contains_key(&self.system_of(intent.ty)) {
                self.settle_one(under_way, intent)?;
            }
        }
        if creations.is_empty() {
            return Ok(());
        }
        // What is new in the target since: one of the new records may be the one that was created.
        self.read(under_way, &creations.iter().map(|i| i.ty).collect())?;
        let known = self.read_to_the_end(under_way, creations);
        self.find_created(under_way, known.clone(), false)?;
        // That it is not there is believed when its delay is over, and two lists say so: one that
        // is empty by mistake, or left it out, looks the same.
        let known: BTreeSet<IntentId> = known.iter().map(|intent| intent.id).collect();
        let now = self.clock.now();
        let mut left = self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        left.retain(|intent| known.contains(&intent.id) && is_due(intent, now));
        if left.is_empty() {
            return Ok(());
        }
        self.read(under_way, &left.iter().map(|intent| intent.ty).collect())?;
        let left = self.read_to_the_end(under_way, left);
        self.find_created(under_way, left, true)
    }

    /// Finds out about an update or a deletion by its record. Nothing is made twice by sending it
    /// again.
    fn settle_one(&mut self, under_way: &mut Underway, intent: Intent) -> Result<()> {
        let now = self.clock.now();
        let mut again = Ok(None);
        if let Some(target) = self.store.records(intent.record.as_slice())?.pop() {
            under_way.asked = now;
            again = self.get_now(&intent, &target);
            // What can't be understood now may be the next moment; what is sent again unseen may be
            // written for nothing (P4).
            for _ in 0..MISREAD {
                if matches!(again, Err(Trouble::Malformed(_))) {
                    again = self.get_now(&intent, &target);
                }
            }
            // R3: nobody is gone by one look that shows nothing: a copy that is behind shows
            // nothing either.
            if matches!(again, Ok(None)) && target.is_live() {
                again = self.get_now(&intent, &target);
            }
        }
        let again = match again {
            Ok(again) => again,
            // G4: this one is found out about by the next run, or by a list that shows it; the
            // others are not kept from being read. It may have been done: sent again unseen, what
            // it did would be taken for somebody's edit when it is seen (P5).
            Err(Trouble::Malformed(_) | Trouble::Busy { .. }) => return Ok(()),
            // Nothing of the system is read before that is known.
            Err(trouble) => {
                self.pause(under_way, self.system_of(intent.ty), None, &trouble);
                return Ok(());
            }
        };
        self.settle_shown(under_way, &intent, again, now)?;
        Ok(())
    }

    /// C2, P5: settles updates and deletions of a record by what a list shows of it. Before that is
    /// done, nothing else is concluded from what it shows: a value that the write has brought there
    /// would be taken for somebody's edit. Gives whether all are settled.
    pub(crate) fn settle_listed(
        &mut self,
        under_way: &mut Underway,
        intents: Vec<Intent>,
        read: &ReadRecord,
        asked: Timestamp,
    ) -> Result<bool> {
        let mut settled = true;
        under_way.asked = asked;
        for intent in intents {
            settled &= self.settle_shown(under_way, &intent, Some(read.clone()), asked)?;
        }
        Ok(settled)
    }

    /// The updates and deletions of known records whose answer was lost, by record.
    pub(crate) fn unanswered(&mut self) -> Result<HashMap<RecordId, Vec<Intent>>> {
        let mut found: HashMap<RecordId, Vec<Intent>> = HashMap::new();
        for intent in self.store.intents_in(IntentState::Unknown, usize::MAX >> 1)? {
            if let (Some(record), IntentKind::Update | IntentKind::Delete) =
                (intent.record, intent.kind)
            {
                found.entry(record).or_default().push(intent);
            }
        }
        Ok(found)
    }

    /// Those of these writes whose outcome is not known yet.
    pub(crate) fn still_unanswered(&mut self, intents: Vec<Intent>) -> Result<Vec<Intent>> {
        let mut left = Vec::with_capacity(intents.len());
        for intent in intents {
            left.extend(
                self.store.intent(intent.id)?.filter(|intent| intent.state == IntentState::Unknown),
            );
        }
        Ok(left)
    }

    /// Concludes from what a record showed that was asked for at `asked`, and takes it in. `None`
    /// if it was not there. Gives whether anything could be concluded.
    fn settle_shown(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        again: Option<ReadRecord>,
        asked: Timestamp,
    ) -> Result<bool> {
        let now = self.clock.now();
        let ids: Vec<RecordId> = intent.record.into_iter().chain([intent.source]).collect();
        let mut known: NumberMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r)).collect();
        let mut commit = Commit::default();
        if let Some(record) = intent.record.filter(|_| again.is_none()) {
            self.facets_gone(Some(record), &mut commit)?;
            match intent.kind {
                IntentKind::Delete if intent.takes_back() => {
                    self.creation_taken_back(under_way, intent, &mut known, &mut commit)
                }
                IntentKind::Delete => self.deleted(under_way, intent, &mut known, &mut commit),
                _ => {
                    commit.intents_changed.push(step(
                        intent,
                        IntentEvent::Drop,
                        now,
                        Some("its record is not there any more".into()),
                    ));
                    self.gone(under_way, intent, &mut known, &mut commit);
                }
            }
        } else if !self.recognise(under_way, intent, again.as_ref(), &mut commit)? {
            if !is_due(intent, asked) {
                return Ok(false);
            }
            // What speaks against it is decided from what the record shows now.
            let message = intent.message.clone().unwrap_or_else(|| "its answer was lost".into());
            let sent = self.sent(intent)?;
            self.put_off(
                under_way,
                intent,
                &format!("{message}; it was not done"),
                None,
                &sent,
                &known,
                &mut commit,
            );
        }
        // What else the record shows is compared with what is recorded here, so this is recorded
        // first.
        self.read_again(under_way, intent, None, &mut commit)?;
        self.store.commit(commit)?;
        let mut commit = Commit::default();
        self.read_again(under_way, intent, again, &mut commit)?;
        self.store.commit(commit)?;
        Ok(true)
    }

    /// Creations of record types that were read to their end. A system that could not be read says
    /// nothing about what it does not hold; nor does one that had records and lists none all of a
    /// sudden, or whose list is not believed (G3).
    fn read_to_the_end(&self, under_way: &Underway, mut creations: Vec<Intent>) -> Vec<Intent> {
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

    /// What the intent's record shows now.
    fn get_now(
        &self,
        intent: &Intent,
        record: &RecordState,
    ) -> std::result::Result<Option<ReadRecord>, Trouble> {
        let ty = self.plan.ty(intent.ty);
        let connector = &self.systems[self.system_of(intent.ty)].connector;
        match connector.get(&ty.name.kind, &ty.watch(), &record.key)? {
            // What another record shows says nothing of this write.
            Some(other) if other.id != record.key => Err(Trouble::Malformed(format!(
                "asked for {}/{}, the system shows {}",
                ty.name, record.key, other.id
            ))),
            found => Ok(found),
        }
    }

    /// P5: an update that landed is Lockstep's own write and no edit, though nobody heard of it.
    /// Gives whether it was one.
    fn recognise(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        again: Option<&ReadRecord>,
        commit: &mut Commit,
    ) -> Result<bool> {
        let (Some(again), Some(id), IntentKind::Update) = (again, intent.record, intent.kind)
        else {
            return Ok(false);
        };
        let mut known: NumberMap<RecordId, RecordState> = self
            .store
            .records(&[id, intent.source])?
            .into_iter()
            .map(|record| (record.id, record))
            .collect();
        let sent = self.sent(intent)?;
        let Some(mut state) = known.remove(&id).filter(|_| !again.deleted) else {
            return Ok(false);
        };
        let before = Before::of(&self.plan, &state, intent);
        let own = confirm::landed(&self.plan, &mut state, intent, &again.values, &sent);
        if own.is_empty() {
            return Ok(false);
        }
        if self.has_facets(intent.ty) {
            self.facets_landed(
                under_way.report.run,
                intent,
                &state,
                &again.values,
                (&sent, &own),
                commit,
            )?;
        }
        self.updated(under_way, intent, &before, state, &own, &known, commit)?;
        Ok(true)
    }

    /// The values that an intent was sent with.
    fn sent(&mut self, intent: &Intent) -> Result<Vec<(usize, Value)>> {
        let counterparts = self.counterparts(std::slice::from_ref(intent))?;
        Ok(self
            .values(intent, &counterparts)
            .into_iter()
            .map(|value| (value.prop, value.value))
            .collect())
    }

    /// Looks for the records that unanswered creations may have made: those that were linked by a
    /// match key meanwhile, and new ones that are in no entity yet and hold all that was sent. New
    /// ones are on the agenda, as nothing has been decided since they were read. What is not found
    /// stays open, unless this is the last look.
    fn find_created(
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

    /// Settles creations that sent the same, with the new records that hold it.
    fn settle_alike(
        &mut self,
        under_way: &mut Underway,
        intents: Vec<Intent>,
        mut found: Vec<RecordState>,
        could_make: &dyn Fn(&Intent, &RecordState) -> bool,
        last: bool,
    ) -> Result<()> {
        let now = self.clock.now();
        let (mut open, mut lost) = (Vec::new(), Vec::new());
        let mut commit = Commit::default();
        for intent in intents {
            let source = self.store.records(&[intent.source])?.pop();
            let members = match &source {
                Some(source) => self.store.members(&[source.entity])?,
                None => vec![],
            };
            match members.iter().find(|member| member.ty == intent.ty && member.is_live()) {
                // It landed, was read, and was linked by its match key.
                Some(member) => {
                    if member.written_at.is_none() && member.first_seen >= intent.decided_at {
                        self.facets_found(&intent, member, &mut commit)?;
                        commit.changed_records.push(self.found_again(&intent, member.clone())?);
                    }
                    let mut update = step(
                        &intent,
                        IntentEvent::Confirm,
                        now,
                        Some("its answer was lost; it had been created".into()),
                    );
                    update.record = Some(member.id);
                    commit.intents_changed.push(update);
                    commit.reviews_closed.push(question_of(&intent));
                    commit.agenda_added.push((self.plan.ty(member.ty).decide_rank, member.id));
                }
                // A person has been asked which record it is; until then it is neither sent again
                // nor guessed at.
                None => match self.asked(&intent)? {
                    // Where nothing was found when a person was asked, what is found now is news.
                    Some(asked) if found.is_empty() || !asked.candidates.is_empty() => {}
                    _ => open.push(intent),
                },
            }
        }
        if found.len() > open.len() {
            self.store.commit(commit)?;
            return open
                .into_iter()
                .try_for_each(|intent| self.ask_which(under_way, intent, found.clone()));
        }
        for intent in open {
            let it = found.iter().position(|record| could_make(&intent, record));
            match it.map(|it| found.remove(it)) {
                Some(record) => {
                    let mut update = step(
                        &intent,
                        IntentEvent::Confirm,
                        now,
                        Some("its answer was lost; found again by what was sent".into()),
                    );
                    update.record = Some(record.id);
                    commit.intents_changed.push(update);
                    commit.reviews_closed.push(question_of(&intent));
                    self.facets_found(&intent, &record, &mut commit)?;
                    commit.changed_records.push(self.found_again(&intent, record.clone())?);
                    self.join(
                        under_way,
                        &intent,
                        &record,
                        "its answer was lost; it was found again",
                        &mut commit,
                    )?;
                }
                None if !last => {}
                None if intent.attempts + 1 >= SENT_AT_MOST => lost.push(intent),
                None => {
                    // It did not land: the target has been read since, and holds no such record.
                    let mut update = step(
                        &intent,
                        IntentEvent::PutBack,
                        now,
                        Some("its answer was lost; it had not been created".into()),
                    );
                    update.attempts += 1;
                    commit.intents_changed.push(update);
                    // What was edited while nobody knew could not become part of it.
                    self.read_again(under_way, &intent, None, &mut commit)?;
                }
            }
        }
        self.store.commit(commit)?;
        lost.into_iter().try_for_each(|intent| self.ask_which(under_way, intent, vec![]))
    }

    /// C2: a person is asked which of some new records a creation made whose answer was lost, if
    /// any.
    pub(crate) fn ask_which(
        &mut self,
        under_way: &mut Underway,
        intent: Intent,
        found: Vec<RecordState>,
    ) -> Result<()> {
        let candidates: Vec<RecordId> = found.iter().map(|record| record.id).collect();
        if self
            .asked(&intent)?
            .is_some_and(|asked| asked.candidates == candidates || candidates.is_empty())
        {
            return Ok(());
        }
        under_way.reviews = true;
        let name = &self.plan.ty(intent.ty).name;
        let message = match found.len() {
            0 => format!(
                "it was to be created in {name} and was sent {} times; no answer told what came of it ({}), and no record is found that could be \
                 it: link the one that is, or reject to have it created once more",
                intent.attempts + 1,
                intent.message.as_deref().unwrap_or("the answers were lost")
            ),
            1 => format!(
                "the answer to a creation was lost, and a new record of {name} could be it: link the one that is"
            ),
            n => format!(
                "the answer to a creation was lost, and {n} new records of {name} could be it: link the one that is"
            ),
        };
        let review = Review {
            kind: ReviewKind::UnknownOutcome,
            record: intent.source,
            ty: intent.ty,
            prop: None,
            rule: Rule::C2,
            candidates,
            value: Value::Null,
            message,
            opened_at: self.clock.now(),
        };
        Ok(self.store.commit(Commit { reviews_opened: vec![review], ..Commit::default() })?)
    }

    pub(crate) fn found_again(
        &mut self,
        intent: &Intent,
        mut record: RecordState,
    ) -> Result<RecordState> {
        let (sent, presence) = (self.sent(intent)?, record.presence);
        confirm::found_again(&self.plan, &mut record, intent, &sent);
        record.presence = presence;
        Ok(record)
    }

    /// Whether a record that is in no entity yet could have been made by a creation for somebody
    /// else, whose answer is not known.
    fn may_be_anothers(&mut self, intent: &Intent, found: &RecordState) -> Result<bool> {
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

    /// What a person has been asked about a creation of unknown outcome, if anything.
    pub(crate) fn asked(&mut self, intent: &Intent) -> Result<Option<Review>> {
        let open = self.store.open_reviews(&[intent.source])?;
        Ok(open
            .into_iter()
            .find(|review| review.kind == ReviewKind::UnknownOutcome && review.ty == intent.ty))
    }

    /// P5: what a record shows while the answer to a write of it is lost is looked at when that is
    /// found out about. Whether there is such a write besides this one.
    pub(crate) fn is_being_written(&mut self, intent: &Intent) -> Result<bool> {
        let Some(record) = intent.record else { return Ok(false) };
        if self.has_unanswered(intent.entity, record, intent.id)? {
            return Ok(true);
        }
        if !self.has_facets(intent.ty) {
            return Ok(false);
        }
        // F3: or one by way of another of its facets.
        let Some(state) = self.store.records(&[record])?.pop() else { return Ok(false) };
        for facet in self.other_facets(&state)? {
            if self.has_unanswered(facet.entity, facet.id, intent.id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has_unanswered(
        &mut self,
        entity: EntityId,
        record: RecordId,
        besides: IntentId,
    ) -> Result<bool> {
        let unanswered =
            |intent: &Intent| matches!(intent.state, IntentState::Sent | IntentState::Unknown);
        let open = self.store.open_intents(&[entity])?;
        Ok(open
            .iter()
            .any(|open| open.record == Some(record) && open.id != besides && unanswered(open)))
    }

    /// C2: a target that refuses a creation as a duplicate and names the record it has, or answers
    /// with one that is known, has made a match.
    pub(crate) fn adopt(
        &mut self,
        under_way: &mut Underway,
        intent: Intent,
        found: Found,
        message: String,
    ) -> Result<()> {
        let now = self.clock.now();
        let mut commit = Commit::default();
        let (id, record) = match found {
            Found::Named(id, record) => (id, record),
            Found::Overwritten(answer, sent) => {
                let id = answer.id.clone();
                self.put_back_overwritten(under_way, &intent, answer, &sent)?;
                (Some(id), None)
            }
        };
        let known = match &record {
            Some(record) => self.store.by_key(intent.ty, &[&record.id])?.pop(),
            None => None,
        };
        let unanswered = known
            .map(|known| self.has_unanswered(known.entity, known.id, intent.id))
            .transpose()?;
        if let Some(record) = record
            && unanswered != Some(true)
        {
            self.observe_one(under_way, intent.ty, record, &mut commit)?;
            self.store.commit(std::mem::take(&mut commit))?;
        }
        let found = match &id {
            Some(id) => self.store.by_key(intent.ty, &[id])?.pop(),
            None => None,
        };
        let source = self.store.records(&[intent.source])?.pop();
        if let (Some(found), Some(source)) = (&found, &source) {
            if self.may_be_anothers(&intent, found)? {
                let why = "what the system has may be what another creation made; asked again when that is known";
                let mut update = step(&intent, IntentEvent::PutBack, now, Some(why.into()));
                update.not_before = Some(now.plus_ms(PATIENCE_MS));
                commit.intents_changed.push(update);
                return Ok(self.store.commit(commit)?);
            }
            if found.entity == source.entity {
                // Linked meanwhile: there is nothing left to create.
                commit.intents_changed.push(step(&intent, IntentEvent::Drop, now, Some(message)));
                return Ok(self.store.commit(commit)?);
            }
            let theirs = self.store.members(&[found.entity])?;
            let mine = self.store.members(&[source.entity])?;
            let merges = |ty: TypeIx| self.plan.ty(ty).merges_duplicates;
            let clash = theirs
                .iter()
                .filter(|t| t.is_live() && !merges(t.ty))
                .any(|t| mine.iter().any(|m| m.is_live() && m.ty == t.ty));
            // L7: what a person unlinked is not linked again, whatever the system takes for the
            // same.
            let all: Vec<RecordId> = mine.iter().map(|m| m.id).collect();
            let apart = self
                .store
                .apart(&all)?
                .iter()
                .any(|(a, b)| theirs.iter().any(|t| t.id == *a || t.id == *b));
            if !clash && !apart {
                commit.intents_changed.push(step(&intent, IntentEvent::Drop, now, Some(message)));
                self.join(
                    under_way,
                    &intent,
                    found,
                    "the system has it already, and said so",
                    &mut commit,
                )?;
                return Ok(self.store.commit(commit)?);
            }
        }
        commit.intents_changed.push(step(&intent, IntentEvent::Refuse, now, Some(message.clone())));
        let text = match &found {
            Some(record) => format!(
                "{message} ({}/{}, which belongs to another)",
                self.plan.ty(record.ty).name,
                record.key
            ),
            None => message,
        };
        let review = Review {
            kind: ReviewKind::DisputedEntity,
            record: intent.source,
            ty: intent.ty,
            prop: None,
            rule: Rule::C2,
            candidates: found.iter().map(|r| r.id).collect(),
            value: Value::Null,
            message: text.clone(),
            opened_at: now,
        };
        under_way.reviews = true;
        commit.reviews_opened.push(review);
        under_way.report.flow(intent.flow).review += 1;
        let name = source.map_or_else(
            || RecordName(String::new()),
            |s| RecordName::of(&self.plan, s.ty, &s.key),
        );
        let (kind, rule) = (ReviewKind::DisputedEntity.name().to_string(), Rule::C2.to_string());
        let flow = self.plan.flow_name(intent.flow);
        under_way.report.event(|| Event::Review { flow, kind, record: name, message: text, rule });
        Ok(self.store.commit(commit)?)
    }

    /// R9: a creation that was answered with a record that is known has written over what that
    /// held. It was no edit of anybody's, and is put back; whether the two are linked, and which
    /// values hold then, is decided afterwards.
    fn put_back_overwritten(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        mut answer: ReadRecord,
        sent: &[(usize, Value)],
    ) -> Result<()> {
        let Some(mut state) = self.store.by_key(intent.ty, &[&answer.id])?.pop() else {
            return Ok(());
        };
        let (now, mut commit) = (self.clock.now(), Commit::default());
        let before = hashes(&self.plan, &state);
        if !state.is_live() {
            // It shows what identified it: it is back.
            state.presence = Presence::Live;
            self.tell_back(under_way, state.ty, &[state.id], &mut commit)?;
        }
        let ty = self.plan.ty(state.ty);
        let mut changes = Vec::new();
        for (prop, value) in sent {
            let (slot, described) = (&mut state.slots[*prop], &ty.props[*prop]);
            let old = slot.value(described.whole).clone();
            slot.show(answer.values[*prop].take().unwrap_or_else(|| value.clone()));
            let new = slot.value(described.whole).clone();
            if equal(&old, &new) {
                continue;
            }
            let prop = PropIx(*prop as u16);
            let at = slot
                .claim
                .as_ref()
                .map(|claim| claim.at)
                .or(slot.carries.map(|carried| carried.at));
            let claim = ClaimStamp { at: at.unwrap_or(state.first_seen), record: state.id, prop };
            commit.journal.push(JournalEntry {
                at: now,
                run: under_way.report.run,
                kind: JournalKind::Written,
                record: state.id,
                path: Some(described.name.clone()),
                before: old.clone(),
                after: new.clone(),
                rule: Some(Rule::R9),
                other: Some(intent.source),
                intent: Some(intent.id),
                text: "its system wrote a creation over it".into(),
            });
            if ty.can.update && !described.read_only && !described.create_only {
                let displaced = new.into();
                changes.push(Change {
                    prop,
                    value: old,
                    displaced,
                    counterpart_of: None,
                    claim,
                    rule: Rule::R9,
                    reason: Reason::Latest,
                });
            }
        }
        state.version = answer.version.take().or(state.version.take());
        state.modified = answer.modified.or(state.modified);
        state.written_at = Some(now);
        rekey(&self.plan, &state, &before, &mut commit.keys_added, &mut commit.keys_removed);
        if !changes.is_empty() {
            let id = self.store.take_intent_ids(1)?;
            commit.intents_new = vec![Intent {
                id,
                run: under_way.report.run,
                kind: IntentKind::Update,
                rank: ty.send_rank,
                ty: state.ty,
                record: Some(state.id),
                entity: state.entity,
                // Its own source: it takes back what Lockstep wrote.
                source: state.id,
                flow: intent.flow,
                base_version: state.version.clone(),
                changes,
                state: IntentState::Queued,
                attempts: 0,
                not_before: None,
                message: None,
                decided_at: now,
                done_at: None,
            }];
        }
        commit.agenda_added.push((ty.decide_rank, state.id));
        commit.changed_records.push(state);
        Ok(self.store.commit(commit)?)
    }

    /// Puts a record into the entity of an intent's source.
    fn join(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        record: &RecordState,
        why: &str,
        commit: &mut Commit,
    ) -> Result<()> {
        let Some(source) = self.store.records(&[intent.source])?.pop() else { return Ok(()) };
        let (into, gone) = (source.entity.min(record.entity), source.entity.max(record.entity));
        for member in self.store.members(&[gone])? {
            commit.relinked.push((member.id, into));
        }
        for open in self.store.open_intents(&[gone])? {
            commit.intents_moved.push((open.id, into));
        }
        for member in [&source, record] {
            commit.agenda_added.push((self.plan.ty(member.ty).decide_rank, member.id));
        }
        commit.journal.push(JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind: JournalKind::Link,
            record: source.id,
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::C2),
            other: Some(record.id),
            intent: Some(intent.id),
            text: why.into(),
        });
        // P8: what refers to either has been waiting for this.
        let referred = [&source, record]
            .map(|record| reference_hash(&self.plan.ty(record.ty).name, &record.key));
        if self.plan.has_references() {
            self.wake(&referred, commit)?;
        }
        under_way.report.flow(intent.flow).linked += 1;
        let (a, b) = (
            RecordName::of(&self.plan, source.ty, &source.key),
            RecordName::of(&self.plan, record.ty, &record.key),
        );
        let flow = self.plan.flow_name(intent.flow);
        under_way.report.event(|| Event::Linked { flow, a, b, by: why.into() });
        Ok(())
    }

    /// Takes in a record that was read by itself, and puts the intent's records back onto the
    /// agenda.
    pub(crate) fn read_again(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        again: Option<ReadRecord>,
        commit: &mut Commit,
    ) -> Result<()> {
        if let Some(record) = again {
            self.observe_one(under_way, intent.ty, record, commit)?;
        }
        let ids: Vec<RecordId> = intent.record.into_iter().chain([intent.source]).collect();
        for record in self.store.records(&ids)? {
            commit.agenda_added.push((self.plan.ty(record.ty).decide_rank, record.id));
        }
        Ok(())
    }

    pub(crate) fn observe_one(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        record: ReadRecord,
        commit: &mut Commit,
    ) -> Result<()> {
        let known: HashMap<String, RecordState> = self
            .store
            .by_key(ty, &[&record.id])?
            .into_iter()
            .map(|state| (state.key.clone(), state))
            .collect();
        self.observe_one_as(under_way, ty, record, known, (Trust::Ask, Seen::default()), commit)
    }

    /// The same, with what a person has said of it (R9).
    pub(crate) fn observe_one_as(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        record: ReadRecord,
        known: HashMap<String, RecordState>,
        (trust, seen): (Trust, Seen),
        commit: &mut Commit,
    ) -> Result<()> {
        let first_id = self.store.take_record_ids(1)?;
        let previous = self.status[ty.at()].read_from;
        let asked = under_way.asked;
        // P1b: what was seen before was put in before that.
        let no_later = |at: Timestamp| seen.at.map_or(at, |seen| at.min(seen));
        let reading = Reading {
            ty,
            now: no_later(self.clock.now()),
            asked,
            untold: no_later(under_way.report.started),
            previous: seen.at.map_or(previous, |_| seen.after),
            first_id,
            after_writes: under_way.reading_back,
            reindex: false,
        };
        let observed = observe_as(&self.plan, reading, vec![record], known, trust);
        let status = &mut self.status[ty.at()];
        status.records += observed.new.len() as u64;
        status.records = status.records.saturating_sub(observed.gone.len() as u64);
        self.remember(under_way, ty, observed, commit)
    }
}

/// The question that a person is asked about a creation of unknown outcome.
pub(crate) fn question_of(intent: &Intent) -> ReviewKey {
    ReviewKey { kind: ReviewKind::UnknownOutcome, record: intent.source, ty: intent.ty, prop: None }
}

/// Whether the delay after which something can be concluded is over.
fn is_due(intent: &Intent, now: Timestamp) -> bool {
    intent.not_before.is_none_or(|at| at <= now)
}

/// Leaves those that are gone out where those that are there are enough. The first `live` places
/// are of records that are there.
fn prefer_live(found: &mut Vec<usize>, live: usize, enough: usize) {
    if found.iter().filter(|at| **at < live).count() >= enough {
        found.retain(|at| *at < live);
    }
}

/// Whether hardly anybody else has this value: a given name is shared by many.
pub(crate) fn is_telling(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.trim().chars().count() >= TELLING)
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
