//! Delivering the outbox: each system in threads of its own (`lanes`), what others refer to first.
//!
//! An intent is durable before it is sent (C2), and marked as sent before the request leaves; what
//! the system answers is recorded with the record's new state in one commit (G5). A system that is
//! down pauses alone; one bad record never stops the others (G4).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::channel;

use lockstep_connector::{Action, Answers, Connector, Outcome, Trouble, Write, WriteValue};
use lockstep_engine::keys::{each_id, hashes, rekey};
use lockstep_engine::observe::{Reading, observe, retired_key};
use lockstep_engine::plan::{PlanProp, PlanType};
use lockstep_engine::settle::id_value;
use lockstep_engine::{Plan, confirm};
use lockstep_model::change::IntentEvent;
use lockstep_model::matching::reference_hash;
use lockstep_model::value::{effective, is_empty, same, shown};
use lockstep_model::{
    Change, EntityId, Intent, IntentKind, NumberMap, PropIx, ReadRecord, RecordId, RecordState,
    Review, ReviewKind, Rule, Slot, TypeIx, Value,
};
use lockstep_store::{Commit, Flush, IntentUpdate, JournalEntry, JournalKind};

use crate::carry::{Carried, Job, Parcel, carry_out, shows};
use crate::lanes::{self, Answered, Closing, Desk, Line, Needs};
use crate::report::{Event, PropertyChange, RecordName, timed};
use crate::run::{Chance, Hub, Progress, Result, Underway};
use crate::settle_unknown::Found;

/// So many answers are recorded together.
const ANSWERS: usize = 10_000;
/// What is put back until something else is known is not due before this time has passed.
pub(crate) const PATIENCE_MS: i64 = 65_000;
/// A run waits this long for a single write that is to be tried again, and no longer than this for
/// all of them together: everything else waits with it (G4). The rest is for the next run.
const WAIT_FOR_ONE_MS: i64 = 10_000;
const WAIT_IN_ALL_MS: i64 = 30_000;

/// A value that was written, acknowledged and not kept, with what its record shows instead.
pub(crate) struct Lost<'a> {
    pub(crate) state: &'a RecordState,
    pub(crate) prop: PropIx,
    pub(crate) value: Value,
    pub(crate) shown: Value,
}

/// What a look into the outbox came to.
enum Promised {
    Job(Flush, Job),
    /// All of it waits for answers.
    Waits,
    /// All of it turned out to be needless.
    Dropped,
}

/// The jobs of all systems where they are carried out in the hub's own thread.
#[derive(Default)]
struct Here {
    jobs: VecDeque<(usize, Job)>,
    stopped: BTreeMap<usize, Trouble>,
}

impl Here {
    /// Carries out the next job; by chance several ones, and others than the first.
    fn carry_some(
        &mut self,
        connectors: &[Arc<dyn Connector>],
        chance: Option<&mut Chance>,
    ) -> Vec<Answered> {
        let (mut answered, mut chance) = (Vec::new(), chance);
        let mut draw = |end: usize| chance.as_mut().map_or(0, |chance| chance(end));
        for _ in 0..=draw(self.jobs.len()) {
            let Some((system, job)) = self.jobs.remove(draw(self.jobs.len())) else { break };
            let (carried, stopped) =
                carry_out(connectors[system].as_ref(), job, self.stopped.get(&system).cloned());
            if let Some(trouble) = stopped {
                self.stopped.entry(system).or_insert(trouble);
            }
            answered.push(Answered { system, carried: Ok(Ok(carried)) });
        }
        answered
    }
}

/// What is asked of a record as it was before a write.
pub(crate) struct Before {
    pub(crate) hashes: Vec<u64>,
    /// What the properties showed that the intent changes, in its order.
    pub(crate) shown: Vec<Value>,
}

impl Before {
    pub(crate) fn of(plan: &Plan, state: &RecordState, intent: &Intent) -> Before {
        let shown = |change: &Change| {
            state.slot(change.prop).value(plan.prop(state.ty, change.prop).whole).clone()
        };
        Before { hashes: hashes(plan, state), shown: intent.changes.iter().map(shown).collect() }
    }
}

impl Hub {
    /// Sends what is due, until nothing is or every system with something due is paused. Gives
    /// whether anything was sent.
    pub(crate) fn deliver(&mut self, under_way: &mut Underway) -> Result<bool> {
        under_way.asked = self.clock.now();
        under_way.great_loads.clear();
        if !self.may_write(under_way)? {
            return Ok(false);
        }
        let connectors: Vec<_> =
            self.systems.iter().map(|system| system.connector.clone()).collect();
        let mut lines: Vec<Line> = connectors
            .iter()
            .map(|connector| Line::new(lanes::at_once(connector.as_ref())))
            .collect();
        let desks: Vec<Desk> = connectors.iter().map(|_| Desk::default()).collect();
        let mut sent_any = false;
        std::thread::scope(|scope| -> Result<()> {
            let _closing = Closing(&desks);
            let (answer, answers) = channel::<Answered>();
            let mut has_threads = vec![false; connectors.len()];
            let mut here = Here::default();
            loop {
                for (system, connector) in connectors.iter().enumerate() {
                    while let Some((flush, job)) =
                        self.promise(under_way, system, &mut lines[system])?
                    {
                        sent_any = true;
                        let at_once = lines[system].at_once;
                        let jobs = if at_once == 1 {
                            vec![job]
                        } else {
                            let size = connector.batch(&job.kind).max(1);
                            job.split(size)
                        };
                        if self.one_thread {
                            flush()?;
                            here.jobs.extend(jobs.into_iter().map(|job| (system, job)));
                            continue;
                        }
                        desks[system].put(flush, jobs);
                        if !std::mem::replace(&mut has_threads[system], true) {
                            for _ in 0..Desk::threads(at_once) {
                                let (desk, answer, connector) =
                                    (&desks[system], answer.clone(), connector.clone());
                                scope.spawn(move || {
                                    desk.work(system, connector.as_ref(), at_once, &answer)
                                });
                            }
                        }
                    }
                    if let Some(why) = under_way.paused.get(&system) {
                        let trouble = Trouble::Busy { retry_after_ms: None, message: why.clone() };
                        desks[system].stop(trouble.clone());
                        here.stopped.entry(system).or_insert(trouble);
                    }
                }
                if lines.iter().all(Line::is_idle) {
                    // Something may be due in a moment: a system that asked to come back.
                    let now = self.clock.now();
                    let Some(due) = self.next_due(under_way)? else { return Ok(()) };
                    let wait = (due.0 - now.0).max(1);
                    if wait > WAIT_FOR_ONE_MS || under_way.waited_ms + wait > WAIT_IN_ALL_MS {
                        return Ok(());
                    }
                    under_way.waited_ms += wait;
                    self.clock.wait(std::time::Duration::from_millis(wait.unsigned_abs()));
                    continue;
                }
                let mut came: BTreeMap<usize, Vec<Carried>> = BTreeMap::new();
                let mut take = |answered: Answered| -> Result<()> {
                    let carried = answered
                        .carried
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                    came.entry(answered.system).or_default().extend(carried);
                    Ok(())
                };
                if self.one_thread {
                    here.carry_some(&connectors, self.chance.as_deref_mut())
                        .into_iter()
                        .try_for_each(&mut take)?;
                } else {
                    let mut first = answers.try_recv().ok();
                    if first.is_none() {
                        timed(&mut under_way.report.shares.storing_ms, || self.store.meanwhile())?;
                        first = timed(&mut under_way.report.shares.delivering_ms, || {
                            answers.recv().ok()
                        });
                    }
                    // What has come meanwhile is recorded with it, in one commit.
                    first.into_iter().chain(answers.try_iter()).try_for_each(&mut take)?;
                }
                for (system, mut parcels) in came {
                    parcels.iter().for_each(|(parcel, _, _)| lines[system].end(parcel.intent.id));
                    while !parcels.is_empty() {
                        let rest = parcels.split_off(parcels.len().min(ANSWERS));
                        self.take_answers(under_way, system, parcels)?;
                        parcels = rest;
                    }
                    // Only a record type of it may be in trouble (R8): the others are worked with.
                    if lines[system].is_idle() && !under_way.paused.contains_key(&system) {
                        desks[system].go_on();
                        here.stopped.remove(&system);
                    }
                }
            }
        })?;
        Ok(sent_any)
    }

    /// The record types of a system that may be written to.
    fn types_of(&self, under_way: &Underway, system: usize) -> Vec<TypeIx> {
        let stops = |ty: TypeIx| {
            under_way.guards.stops(ty)
                || under_way.damages.stops(ty)
                || !under_way.part.may_write_to(&self.plan, ty)
        };
        let all = (0..self.plan.types.len() as u16).map(TypeIx);
        all.filter(|ty| self.system_of(*ty) == system && !stops(*ty)).collect()
    }

    /// When the next queued intent of a system that is not paused is due, where none is due now.
    fn next_due(&mut self, under_way: &Underway) -> Result<Option<lockstep_model::Timestamp>> {
        let far = self.clock.now().plus_ms(PATIENCE_MS);
        let mut next = None;
        for system in
            (0..self.systems.len()).filter(|system| !under_way.paused.contains_key(system))
        {
            let types = self.types_of(under_way, system);
            for intent in self.may_be_sent(under_way, far, &types, 100)? {
                next = match (next, intent.not_before) {
                    (None, due) => due,
                    (Some(known), Some(due)) => Some(due.min(known)),
                    (known, None) => known,
                };
            }
        }
        Ok(next)
    }

    /// Takes the next intents of a system from the outbox and marks them as sent; to be flushed
    /// before they are (C2). Nothing while what is next has to wait for an answer.
    fn promise(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        line: &mut Line,
    ) -> Result<Option<(Flush, Job)>> {
        if line.is_full() || under_way.paused.contains_key(&system) {
            return Ok(None);
        }
        let types = self.types_of(under_way, system);
        let now = self.clock.now();
        // C2: what was sent in this run and is not known to have been done is not sent again in it.
        // A batch of which nothing is to be sent is dropped from the outbox, so this comes to an
        // end.
        loop {
            let due = self.may_be_sent(under_way, now, &types, 1)?;
            let Some(head) = due.into_iter().next() else { return Ok(None) };
            if !line.takes((head.ty, head.rank, head.kind == IntentKind::Create)) {
                return Ok(None);
            }
            match self.promise_batch(under_way, system, &types, &head, line)? {
                Promised::Job(flush, job) => return Ok(Some((flush, job))),
                Promised::Waits => return Ok(None),
                Promised::Dropped => {}
            }
        }
    }

    /// The batch of writes that begins with `head`.
    fn promise_batch(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        types: &[TypeIx],
        head: &Intent,
        line: &mut Line,
    ) -> Result<Promised> {
        let now = self.clock.now();
        let ty = head.ty;
        let kind = self.plan.ty(ty).name.kind.clone();
        // Large batches spare a folder of files from being replaced often; they are held in memory
        // whole, so they stay in proportion.
        let most =
            usize::try_from(self.status[ty.at()].records / 5).unwrap_or(0).clamp(10_000, 75_000);
        let size = line.room(self.systems[system].connector.batch(&kind).max(1), most);
        under_way.written.insert(ty);
        let mut intents = self.may_be_sent(under_way, now, types, size)?;
        intents.truncate(size);
        // One record type at a time, in the order of the outbox.
        let together = intents.iter().take_while(|i| i.ty == ty && i.rank == head.rank).count();
        intents.truncate(together);
        under_way.part.truncate(&mut intents);
        if line.at_once > 1 {
            // What is there already is written first: it may hold what is to be created.
            let phase = (ty, head.rank, head.kind == IntentKind::Create);
            intents.retain(|intent| (intent.kind == IntentKind::Create) == phase.2);
            line.take(&self.plan, phase, &mut intents);
            if intents.is_empty() {
                return Ok(Promised::Waits);
            }
        }
        // The store has what lies together written together when the answers come. What is to be
        // created still comes last.
        intents.sort_by_key(|intent| (intent.kind == IntentKind::Create, intent.record));
        let targets: Vec<RecordId> = intents.iter().filter_map(|i| i.record).collect();
        let looked_at = intents
            .iter()
            .filter(|intent| intent.kind == IntentKind::Delete || intent.looks_first());
        let looked_at: Vec<RecordId> = looked_at.filter_map(|intent| intent.record).collect();
        let shares = &mut under_way.report.shares;
        let keys: NumberMap<RecordId, String> =
            timed(&mut shares.loading_ms, || self.store.keys_of(&targets))?.into_iter().collect();
        let looks = !looked_at.is_empty();
        let looked_at: NumberMap<RecordId, RecordState> =
            self.store.records(&looked_at)?.into_iter().map(|r| (r.id, r)).collect();
        let counterparts = self.counterparts(&intents)?;
        if self.has_facets(ty) {
            let known = self
                .store
                .records(&targets)?
                .into_iter()
                .map(|record| (record.id, record))
                .collect();
            let updates = intents.iter_mut().filter(|intent| intent.kind == IntentKind::Update);
            updates.for_each(|intent| self.with_other_facets(intent, &known));
        }
        let mut commit = Commit::default();
        let mut known = Vec::new();
        let mut promised = Vec::with_capacity(intents.len());
        let mut writes = Vec::with_capacity(intents.len());
        for intent in intents {
            let values = self.values(&intent, &counterparts);
            let key = || intent.record.and_then(|id| keys.get(&id).cloned()).unwrap_or_default();
            let action = match intent.kind {
                IntentKind::Create => Action::Create,
                IntentKind::Update => {
                    Action::Update { id: key(), version: intent.version().cloned() }
                }
                IntentKind::Delete => {
                    Action::Delete { id: key(), version: intent.base_version.clone() }
                }
            };
            if intent.kind != IntentKind::Create && under_way.damages.leaves_alone(ty, &key()) {
                // R8: it waits until its record can be read again.
                let waits = IntentUpdate {
                    id: intent.id,
                    event: IntentEvent::Delay,
                    record: intent.record,
                    attempts: intent.attempts,
                    not_before: Some(now.plus_ms(2 * PATIENCE_MS)),
                    message: Some("its record can't be read just now".into()),
                    done_at: None,
                };
                under_way.damages.waiting.push(IntentUpdate { not_before: None, ..waits.clone() });
                commit.intents_changed.push(waits);
                line.end(intent.id);
                continue;
            }
            let needless = values.is_empty() && intent.kind == IntentKind::Update;
            let lacks = self.lacks_required(&intent, &values);
            if needless || lacks.is_some() {
                // Its reference has no counterpart yet: it waits, and is decided again when that is
                // linked (P8, C4).
                commit.intents_changed.push(step(&intent, IntentEvent::Drop, now, lacks.clone()));
                line.end(intent.id);
                if let Some(message) = lacks {
                    let name = self.plan.ty(intent.ty).name.to_string();
                    let flow = self.plan.flow_name(intent.flow);
                    under_way.report.event(|| Event::Waits {
                        flow,
                        record: RecordName(name),
                        message,
                        rule: Rule::C4.to_string(),
                    });
                }
                continue;
            }
            commit.intents_changed.push(step(&intent, IntentEvent::Send, now, None));
            if looks {
                let target = intent.record.and_then(|id| looked_at.get(&id));
                known.push(target.map(crate::deletes::known_of).unwrap_or_default());
            }
            // C2: the same at every try, in whatever process; another after yesterday's store was
            // put back, which hands out numbers again.
            let token =
                format!("lockstep-{}-{:x}-{}", self.identity, intent.decided_at.0, intent.id);
            let write = Write { action, values, token };
            writes.push(write);
            under_way.part.begin(&intent);
            if line.at_once == 1 {
                line.begin((ty, head.rank, false), intent.id, Needs::default());
            }
            promised.push(intent);
        }
        let flush =
            timed(&mut under_way.report.shares.storing_ms, || self.store.commit_unflushed(commit))?;
        if promised.is_empty() {
            return Ok(Promised::Dropped);
        }
        under_way.progress.tell(Progress::Sending {
            ty: self.plan.ty(ty).name.to_string(),
            writes: promised.len(),
        });
        let watch = self.plan.ty(ty).watch();
        let look_ups = self.look_ups(under_way, system, ty, &promised)?;
        let can_get = self.plan.ty(ty).can.get;
        Ok(Promised::Job(
            flush,
            Job { kind, watch, intents: promised, writes, known, can_get, look_ups },
        ))
    }

    /// The ids of counterparts that did not exist when the intents were decided.
    pub(crate) fn counterparts(
        &mut self,
        intents: &[Intent],
    ) -> Result<HashMap<(RecordId, TypeIx), String>> {
        let wanted: Vec<_> = intents
            .iter()
            .flat_map(|i| &i.changes)
            .filter_map(|change| change.counterpart_of)
            .collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<RecordId> = wanted.iter().map(|w| w.of).collect();
        let sources: HashMap<RecordId, EntityId> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r.entity)).collect();
        let entities: Vec<EntityId> = sources.values().copied().collect();
        let members = self.store.members(&entities)?;
        let mut found = HashMap::new();
        for want in wanted {
            let Some(entity) = sources.get(&want.of) else { continue };
            if let Some(member) =
                members.iter().find(|m| m.entity == *entity && m.ty == want.ty && m.is_live())
            {
                found.insert((want.of, want.ty), member.key.clone());
            }
        }
        Ok(found)
    }

    pub(crate) fn values(
        &self,
        intent: &Intent,
        counterparts: &HashMap<(RecordId, TypeIx), String>,
    ) -> Vec<WriteValue> {
        let mut values = Vec::with_capacity(intent.changes.len());
        for change in &intent.changes {
            let value = match change.counterpart_of {
                None => change.value.clone(),
                Some(counterpart) => {
                    let described = self.plan.prop(intent.ty, change.prop);
                    let id = counterparts.get(&(counterpart.of, counterpart.ty));
                    match id.map(|id| id_value(&self.plan, described, id, &change.displaced)) {
                        Some(Ok(id)) => id,
                        _ => continue,
                    }
                }
            };
            values.push(WriteValue {
                prop: change.prop.at(),
                value,
                displaced: change.displaced.clone(),
            });
        }
        values
    }

    /// C4 for references that were to be filled in now and can't be.
    fn lacks_required(&self, intent: &Intent, values: &[WriteValue]) -> Option<String> {
        if intent.kind != IntentKind::Create {
            return None;
        }
        let missing = intent.changes.iter().find(|change| {
            self.plan.prop(intent.ty, change.prop).required
                && !values.iter().any(|value| value.prop == change.prop.at())
        })?;
        Some(format!(
            "{} is required and refers to a record that has no counterpart yet",
            self.plan.prop(intent.ty, missing.prop).name
        ))
    }

    fn take_answers(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        parcels: Vec<Carried>,
    ) -> Result<()> {
        let now = self.clock.now();
        let mut commit = Commit { durable: false, ..Commit::default() };
        // What a write came from is only looked up where something is to be said about it, or
        // refers to it: not a million times.
        let all_done = parcels.iter().all(|(_, outcome, _)| matches!(outcome, Outcome::Done(_)));
        let sources = !all_done || under_way.report.has_room() || self.plan.has_references();
        let ids =
            |intent: &Intent| intent.record.into_iter().chain(sources.then_some(intent.source));
        let mut targets: Vec<RecordId> =
            parcels.iter().flat_map(|(parcel, _, _)| ids(&parcel.intent)).collect();
        if under_way.report.has_room() && self.plan.has_references() {
            // What is told of a reference names the record that it stands for (P8).
            let changes = parcels.iter().flat_map(|(parcel, _, _)| &parcel.intent.changes);
            targets.extend(
                changes
                    .filter_map(|change| change.counterpart_of.map(|counterpart| counterpart.of)),
            );
        }
        let shares = &mut under_way.report.shares;
        let known = timed(&mut shares.loading_ms, || self.store.records(&targets))?;
        let known = known.into_iter();
        let mut known: NumberMap<RecordId, RecordState> =
            known.map(|record| (record.id, record)).collect();
        // Nothing else is looked for in what is known than each write's own record.
        let once = !sources && known.len() == targets.len();
        let creations = parcels
            .iter()
            .filter(|(p, o, _)| {
                p.intent.kind == IntentKind::Create && matches!(o, Outcome::Done(_))
            })
            .count();
        let mut next_id = if creations > 0 { self.store.take_record_ids(creations)?.0 } else { 0 };
        commit.intents_changed.reserve(parcels.len());
        commit.new_records.reserve(creations);
        commit.keys_added.reserve(creations);
        commit.changed_records.reserve(known.len());
        let mut wake = Vec::new();
        let mut adopt = Vec::new();
        let there = self.known_already(&parcels)?;
        // What is answered in this very batch belongs to the first creation that it was the answer
        // to.
        let mut answered: HashSet<(TypeIx, String)> = HashSet::new();
        for (parcel, outcome, again) in parcels {
            let (Parcel { mut intent, sent }, mut again) = (parcel, again.map(|again| *again));
            if let Some(source) = known.get(&intent.source) {
                // The entity may have become part of another since.
                intent.entity = source.entity;
            }
            if !matches!(
                outcome,
                Outcome::Later { .. } | Outcome::Unknown { .. } | Outcome::Stopped(_)
            ) {
                // The system takes writes.
                under_way.failing.remove(&system);
            }
            let outcome = match outcome {
                Outcome::Done(answer) if intent.kind == IntentKind::Create => Outcome::Done(
                    self.became(under_way, &intent, answer, again.take(), &sent, None),
                ),
                other => other,
            };
            match outcome {
                // C2: by its idempotency key the system gave what it had made at an earlier try,
                // and what has been read since.
                Outcome::Done(answer) if self.made_before(&intent, &answer, &there, &sent) => {
                    let message = "its system had made it at an earlier try".to_string();
                    adopt.push((intent, Found::Named(Some(answer.id), None), message));
                }
                // R9: the key of a record that is known as somebody else, who has nothing of what
                // was sent: that one may be gone, and its key be given on. What the record shows
                // decides it, or a person.
                Outcome::Done(answer)
                    if intent.kind == IntentKind::Create
                        && !answered.contains(&(intent.ty, answer.id.clone()))
                        && there.get(&(intent.ty, answer.id.clone())).is_some_and(|known| {
                            known.is_live() && self.has_nothing_of(known, &sent)
                        }) =>
                {
                    let message = format!(
                        "its system answered the creation with {}, which is known as another record",
                        answer.id
                    );
                    self.not_known(under_way, &intent, message, false, &mut known, &mut commit)?;
                    under_way.to_read.insert(intent.ty);
                }
                // R9: what is known already has not been made by this, but found; and perhaps
                // overwritten.
                Outcome::Done(answer)
                    if intent.kind == IntentKind::Create
                        && (answered.contains(&(intent.ty, answer.id.clone()))
                            || there
                                .get(&(intent.ty, answer.id.clone()))
                                .is_some_and(|known| self.is_it(known, &answer, &sent))) =>
                {
                    let message =
                        "its system answered the creation with a record that it had already"
                            .to_string();
                    adopt.push((intent, Found::Overwritten(answer, sent), message));
                }
                Outcome::Done(answer) if intent.kind == IntentKind::Create => {
                    if let Some(gone) = there.get(&(intent.ty, answer.id.clone())) {
                        self.give_key_on(under_way, gone, RecordId(next_id), &mut commit);
                        self.facets_retired(intent.ty, &answer.id, &mut commit)?;
                    }
                    answered.insert((intent.ty, answer.id.clone()));
                    let for_facets = self.has_facets(intent.ty).then(|| answer.clone());
                    let (state, not_kept) = confirm::created(
                        &self.plan,
                        &intent,
                        RecordId(next_id),
                        answer,
                        &sent,
                        now,
                    );
                    next_id += 1;
                    self.not_kept(under_way, &intent, &state, &not_kept, &sent, &mut commit);
                    if let Some(answer) = for_facets {
                        self.facets_made(&intent, &state, &answer, &sent, &mut commit)?;
                    }
                    self.created(under_way, &intent, state, &known, &mut commit, &mut wake);
                }
                Outcome::Done(answer) if intent.kind == IntentKind::Update => {
                    let Some(mut state) = intent.record.and_then(|id| known.remove(&id)) else {
                        continue;
                    };
                    let before = Before::of(&self.plan, &state, &intent);
                    let answer =
                        self.became(under_way, &intent, answer, again, &sent, Some(&state));
                    if self.has_facets(intent.ty) {
                        self.facets_written(
                            under_way.report.run,
                            &intent,
                            &state,
                            &answer,
                            &sent,
                            &mut commit,
                        )?;
                    }
                    let edited = confirm::shows_an_edit(&self.plan, &state, &answer, &sent)
                        .then(|| answer.clone());
                    let not_kept =
                        confirm::written(&self.plan, &mut state, &intent, answer, &sent, now);
                    self.not_kept(under_way, &intent, &state, &not_kept, &sent, &mut commit);
                    if let Some(answer) = edited {
                        self.take_in_answer(under_way, &mut state, answer, &mut commit)?;
                    }
                    let mut kept = sent;
                    kept.retain(|(prop, _)| not_kept.iter().all(|lost| lost.at() != *prop));
                    if !once {
                        known.insert(state.id, state.clone());
                    }
                    self.updated(under_way, &intent, &before, state, &kept, &known, &mut commit)?;
                }
                Outcome::Done(_) => {
                    self.facets_gone(intent.record, &mut commit)?;
                    match intent.takes_back() {
                        true => {
                            self.creation_taken_back(under_way, &intent, &mut known, &mut commit)
                        }
                        false => self.deleted(under_way, &intent, &mut known, &mut commit),
                    }
                }
                Outcome::Conflict { .. } if self.is_being_written(&intent)? => {
                    // P5: what it was read again for may be what the other write did. Asked after
                    // first, then tried again.
                    let why = "the answer to another write of it was lost; tried again when that is known";
                    let mut update = step(&intent, IntentEvent::PutBack, now, Some(why.into()));
                    update.not_before = Some(now.plus_ms(PATIENCE_MS));
                    commit.intents_changed.push(update);
                }
                // What somebody has changed since is not put back over their heads.
                Outcome::Conflict { message } if intent.takes_back() => {
                    self.not_taken_back(under_way, &intent, &message, &known, &mut commit);
                    self.read_again(under_way, &intent, again, &mut commit)?;
                }
                Outcome::Conflict { message } => {
                    // P6: neither edit is lost. It is read again and decided again; what conflicts
                    // for ever is told (G4).
                    let message = format!("it meets another version each time: {message}");
                    under_way.undecided.insert(intent.id);
                    match intent.attempts {
                        0 => {
                            let mut update =
                                step(&intent, IntentEvent::PutBack, now, Some(message));
                            update.attempts = 1;
                            commit.intents_changed.push(update);
                        }
                        _ => self.put_off(
                            under_way,
                            &intent,
                            &message,
                            None,
                            &sent,
                            &known,
                            &mut commit,
                        ),
                    }
                    self.read_again(under_way, &intent, again, &mut commit)?;
                }
                // It counts as sent until what it is a duplicate of is settled: a killed run would
                // leave it refused, and nobody asked.
                Outcome::Duplicate { id, message } => {
                    adopt.push((intent, Found::Named(id, again), message))
                }
                Outcome::Rejected { prop, message } => {
                    self.rejected(under_way, &intent, prop, &sent, &message, &known, &mut commit)
                }
                Outcome::Gone { .. }
                    if intent.kind == IntentKind::Delete && intent.takes_back() =>
                {
                    self.facets_gone(intent.record, &mut commit)?;
                    self.creation_taken_back(under_way, &intent, &mut known, &mut commit)
                }
                Outcome::Gone { message } => {
                    self.facets_gone(intent.record, &mut commit)?;
                    commit.intents_changed.push(step(
                        &intent,
                        IntentEvent::Drop,
                        now,
                        Some(message),
                    ));
                    self.gone(under_way, &intent, &mut known, &mut commit);
                }
                Outcome::Later { retry_after_ms, message } => {
                    self.put_off(
                        under_way,
                        &intent,
                        &message,
                        retry_after_ms,
                        &sent,
                        &known,
                        &mut commit,
                    );
                    self.one_failed(under_way, system, &intent, &message);
                }
                Outcome::Unknown { message } => {
                    self.not_known(
                        under_way,
                        &intent,
                        message.clone(),
                        false,
                        &mut known,
                        &mut commit,
                    )?;
                    self.one_failed(under_way, system, &intent, &message);
                }
                Outcome::Accepted { message } => {
                    self.not_known(under_way, &intent, message, true, &mut known, &mut commit)?;
                }
                Outcome::Stopped(trouble) => {
                    commit.intents_changed.push(step(
                        &intent,
                        IntentEvent::PutBack,
                        now,
                        Some(trouble.to_string()),
                    ));
                    if !under_way.paused.contains_key(&system) {
                        self.pause(under_way, system, Some(intent.ty), &trouble);
                    }
                }
            }
        }
        wake.sort_unstable();
        wake.dedup();
        self.wake(&wake, &mut commit)?;
        // How many there are now is known of a system also where nothing of it is read any more.
        let counted =
            commit.new_records.iter().chain(&commit.changed_records).map(|record| record.ty);
        let counted: BTreeSet<TypeIx> = counted.collect();
        commit.counts = counted.into_iter().map(|ty| (ty, self.status[ty.at()].records)).collect();
        self.to_be_looked_at_again(under_way, now, &mut commit);
        timed(&mut under_way.report.shares.storing_ms, || self.store.commit(commit))?;
        for (intent, found, message) in adopt {
            self.adopt(under_way, intent, found, message)?;
        }
        Ok(())
    }

    /// P6: what an answer shows beside what was written, in the version that is known from now on,
    /// is taken in at once: until it were read again, that version would let every write pass over
    /// it.
    fn take_in_answer(
        &mut self,
        under_way: &mut Underway,
        state: &mut RecordState,
        answer: ReadRecord,
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.clock.now();
        let reading = Reading {
            ty: state.ty,
            now,
            asked: now,
            untold: under_way.report.started,
            previous: self.status[state.ty.at()].read_from,
            first_id: RecordId(0),
            after_writes: false,
            reindex: false,
        };
        let known = HashMap::from([(state.key.clone(), state.clone())]);
        let mut observed = observe(&self.plan, reading, vec![answer], known);
        // By what it is found is compared with what it was before the write.
        (observed.keys_added, observed.keys_removed) = (vec![], vec![]);
        self.remember(under_way, state.ty, observed, commit)?;
        if let Some(at) = commit.changed_records.iter().rposition(|changed| changed.id == state.id)
        {
            *state = commit.changed_records.remove(at);
        }
        Ok(())
    }

    /// R6: what is known of a record after a write: what it showed when it was read then, else what
    /// the answer told. What neither shows for certain is left untold.
    fn became(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        mut answer: ReadRecord,
        read: Option<ReadRecord>,
        sent: &[(usize, Value)],
        before: Option<&RecordState>,
    ) -> ReadRecord {
        let ty = self.plan.ty(intent.ty);
        let worth = self.systems[self.system_of(intent.ty)]
            .connector
            .answers(&ty.name.kind, before.is_none());
        if worth == Answers::Stored {
            return answer;
        }
        let shown =
            |shown: Option<&Value>, value: &Value| shown.is_some_and(|shown| shows(shown, value));
        let Some(read) = read else {
            let mut unsure = false;
            for (prop, value) in sent {
                if worth == Answers::Unsure || !shown(answer.values[*prop].as_ref(), value) {
                    (answer.values[*prop], unsure) = (None, true);
                }
            }
            if unsure && !ty.can.get {
                // Only a listing shows it.
                under_way.to_read.insert(intent.ty);
            }
            return answer;
        };
        let mut others = Vec::new();
        let other_version = worth == Answers::Believed
            && answer.version.is_some()
            && read.version.is_some()
            && answer.version != read.version;
        let mut apart = false;
        for (prop, now) in read.values.into_iter().enumerate() {
            let Some((_, value)) = sent.iter().find(|(sent, _)| *sent == prop) else {
                others.push((prop, now));
                continue;
            };
            let described = &ty.props[prop];
            let held =
                before.map_or(&Value::Null, |state| state.slots[prop].value(described.whole));
            let now = match now {
                Some(now) => Some(now),
                // Believed where it shows what was sent.
                None if worth == Answers::Believed
                    && shown(answer.values[prop].as_ref(), value) =>
                {
                    answer.values[prop].take()
                }
                // Some systems leave out what is empty, false or none; a property for creations
                // only is shown by few.
                None if described.create_only
                    || is_empty(value)
                    || *value == Value::Bool(false)
                    || value.as_f64() == Some(0.0) =>
                {
                    None
                }
                None => Some(Value::Null),
            };
            // P5a: within the delay that the system states this may be the state from before the
            // write.
            let may_be_older = |now: &Value| {
                let first = effective(now, described.whole);
                ty.settles_ms > 0
                    && !shows(now, value)
                    && (is_empty(first) || same(described.terms(), first, held))
            };
            if now.as_ref().is_some_and(may_be_older) {
                under_way.too_early.insert((intent.ty, answer.id.clone()));
            }
            // P5: of another version than the write left, and neither what was there nor made of
            // what was sent: somebody's edit since.
            let is_later = |now: &Value| {
                let first = effective(now, described.whole);
                let kept = shows(now, value) || confirm::made_of(value, first);
                other_version && !kept && !is_empty(first) && !same(described.terms(), first, held)
            };
            let not_ours = now.as_ref().is_some_and(|now| may_be_older(now) || is_later(now));
            apart |= not_ours;
            answer.values[prop] = now.filter(|_| !not_ours);
        }
        if apart || other_version {
            // P5, P5a: then its version, its time and what else it shows may not be those that the
            // write left, either. Taken for them, what the system has made of the value (P3) would
            // be an edit when it is seen, or somebody's edit none: of another property, too.
            return answer;
        }
        for (prop, now) in others {
            answer.values[prop] = now.or(answer.values[prop].take());
        }
        answer.version = read.version.or(answer.version);
        answer.modified = read.modified.or(answer.modified);
        answer
    }

    /// R6: what a system acknowledged and does not hold is told, and not written again until it is
    /// another value or a person says so.
    pub(crate) fn not_kept(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        state: &RecordState,
        not_kept: &[PropIx],
        sent: &[(usize, Value)],
        commit: &mut Commit,
    ) {
        for prop in not_kept {
            let described = self.plan.prop(state.ty, *prop);
            let value = sent
                .iter()
                .find(|(at, _)| *at == prop.at())
                .map_or(Value::Null, |(_, value)| value.clone());
            let lost = Lost {
                state,
                prop: *prop,
                value,
                shown: state.slot(*prop).value(described.whole).clone(),
            };
            self.tell_not_kept(under_way, Some(intent), lost, commit);
        }
    }

    pub(crate) fn tell_not_kept(
        &self,
        under_way: &mut Underway,
        intent: Option<&Intent>,
        lost: Lost<'_>,
        commit: &mut Commit,
    ) {
        let Lost { state, prop, value, shown: shows } = lost;
        let (ty, described) = (self.plan.ty(state.ty), self.plan.prop(state.ty, prop));
        let still = if is_empty(&shows) {
            "it shows nothing there".to_string()
        } else {
            format!("it still shows {}", shown(&shows))
        };
        let message = match is_empty(&value) {
            true => format!("that it was emptied was acknowledged and is not kept: {still}"),
            false => format!("{} was acknowledged and is not kept: {still}", shown(&value)),
        };
        under_way.report.system(&ty.name.system).refused += 1;
        let flow = intent.map(|intent| intent.flow).or_else(|| {
            let touches = |flow: &lockstep_engine::plan::PlanFlow| {
                flow.to == state.ty || flow.from == state.ty
            };
            self.plan.flows.iter().position(touches).map(|at| lockstep_model::FlowIx(at as u16))
        });
        let text = format!("{}: {message}", described.name);
        let record = RecordName::of(&self.plan, state.ty, &state.key);
        if let Some(flow) = flow {
            under_way.report.flow(flow).review += 1;
            let flow = self.plan.flow_name(flow);
            under_way.report.event(|| Event::Review {
                flow,
                kind: ReviewKind::NotKept.name().into(),
                record,
                message: text,
                rule: Rule::R6.to_string(),
            });
        }
        commit.journal.push(JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind: JournalKind::Refused,
            record: state.id,
            path: Some(described.name.clone()),
            before: shows,
            after: value.clone(),
            rule: Some(Rule::R6),
            other: intent.map(|intent| intent.source),
            intent: intent.map(|intent| intent.id),
            text: message.clone(),
        });
        if intent.is_some_and(Intent::takes_back) {
            return;
        }
        under_way.reviews = true;
        commit.reviews_opened.push(Review {
            kind: ReviewKind::NotKept,
            record: state.id,
            ty: state.ty,
            prop: Some(prop),
            rule: Rule::R6,
            candidates: vec![],
            value,
            message,
            opened_at: self.clock.now(),
        });
    }

    /// The records known already that creations were answered with.
    fn known_already(
        &mut self,
        parcels: &[Carried],
    ) -> Result<HashMap<(TypeIx, String), RecordState>> {
        let mut keys: HashMap<TypeIx, Vec<&str>> = HashMap::new();
        for (parcel, outcome, _) in parcels {
            if let (IntentKind::Create, Outcome::Done(answer)) = (parcel.intent.kind, outcome) {
                keys.entry(parcel.intent.ty).or_default().push(&answer.id);
            }
        }
        let mut found = HashMap::new();
        for (ty, keys) in keys {
            found.extend(
                self.store
                    .by_key(ty, &keys)?
                    .into_iter()
                    .map(|record| ((ty, record.key.clone()), record)),
            );
        }
        Ok(found)
    }

    /// R9: whether a record holds nothing of what was sent that tells one record from another.
    fn has_nothing_of(&self, known: &RecordState, sent: &[(usize, Value)]) -> bool {
        let props = &self.plan.ty(known.ty).props;
        sent.iter().all(|(prop, value)| {
            let described = &props[*prop];
            let says_nothing =
                is_empty(value) || value.is_boolean() || !described.refers_to.is_empty();
            says_nothing
                || !same(described.terms(), known.slots[*prop].value(described.whole), value)
        })
    }

    /// C2: whether a creation that had been tried before was answered with what that try made, and
    /// what has been read since. What belongs to somebody, and has nothing of what was sent, is
    /// another (R9).
    fn made_before(
        &self,
        intent: &Intent,
        answer: &ReadRecord,
        there: &HashMap<(TypeIx, String), RecordState>,
        sent: &[(usize, Value)],
    ) -> bool {
        let may_be_it = |known: &RecordState| {
            let alone =
                known.is_live() && known.entity.0 == known.id.0 && known.written_at.is_none();
            known.first_seen >= intent.decided_at && (alone || !self.has_nothing_of(known, sent))
        };
        let known = there.get(&(intent.ty, answer.id.clone()));
        intent.kind == IntentKind::Create
            && intent.message.is_some()
            && known.is_some_and(may_be_it)
    }

    /// R9: whether a record that a creation was answered with is the one that is known by that key.
    /// One that is there surely is; the key of one that is gone may have been given to the new one.
    fn is_it(&self, known: &RecordState, answer: &ReadRecord, sent: &[(usize, Value)]) -> bool {
        let mut answer = answer.clone();
        for (prop, value) in sent {
            answer.values[*prop].get_or_insert_with(|| value.clone());
        }
        known.is_live() || lockstep_engine::is_back(&self.plan, known, &answer)
    }

    /// R9: the key of a record that is gone belongs to one that has just been created.
    fn give_key_on(
        &self,
        under_way: &mut Underway,
        gone: &RecordState,
        heir: RecordId,
        commit: &mut Commit,
    ) {
        let key = retired_key(gone);
        let (was, now) = (
            RecordName::of(&self.plan, gone.ty, &key),
            RecordName::of(&self.plan, gone.ty, &gone.key),
        );
        self.tell_key_given_on(under_way, (gone.id, &was), (Some(heir), &now), commit);
        commit.rekeyed.push((gone.id, key));
    }

    /// Records a creation that the system confirmed. A record that Lockstep created is linked by
    /// that alone (L4).
    pub(crate) fn created(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        state: RecordState,
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
        wake: &mut Vec<u64>,
    ) {
        let now = self.clock.now();
        let ty = self.plan.ty(intent.ty);
        let mut update = step(intent, IntentEvent::Confirm, now, None);
        update.record = Some(state.id);
        commit.intents_changed.push(update);
        self.fails_no_more(intent, commit);
        // The journal tells of a creation by its intent.
        commit
            .keys_added
            .extend(hashes(&self.plan, &state).into_iter().map(|hash| (hash, state.id)));
        if ty.contested {
            let promised = lockstep_engine::keys::promised(&self.plan, intent.ty, &intent.changes);
            // Who waits for it.
            wake.extend(&promised);
            commit
                .keys_removed
                .extend(promised.into_iter().map(|hash| (hash, RecordId(-intent.id.0))));
        }
        // Other record types may want a counterpart of their own now, or values that the system
        // filled in; and what it was made from may have been deleted meanwhile (D1).
        if ty.partners.len() > 1
            || known.get(&intent.source).is_some_and(|source| !source.is_live())
            // What was edited between two tries of it is not in it.
            || intent.attempts > 0
            || ty.flows_out.iter().any(|f| self.plan.flows[f.at()].to != self.plan.flows[intent.flow.at()].from)
            || has_more_to_settle(ty, &state)
            || intent.changes.iter().any(|change| ty.props[change.prop.at()].in_condition)
        {
            commit.agenda_added.push((ty.decide_rank, state.id));
        }
        if self.plan.has_references() {
            if let Some(source) = known.get(&intent.source) {
                wake.push(reference_hash(&self.plan.ty(source.ty).name, &source.key));
            }
            wake.push(reference_hash(&ty.name, &state.key));
        }
        let system = ty.name.system.clone();
        under_way.report.system(&system).created += 1;
        under_way.report.flow(intent.flow).created += 1;
        let status = &mut self.status[state.ty.at()];
        status.records += 1;
        let (plan, source) = (&self.plan, known.get(&intent.source));
        // P8: a reference is in the creation only if what it names had a counterpart by then.
        let given = |change: &Change| {
            let whole = plan.prop(intent.ty, change.prop).whole;
            change.counterpart_of.is_none() || !is_empty(state.slot(change.prop).value(whole))
        };
        if !under_way.part.is_whole() {
            for waits in property_changes(plan, intent, known, |change| !given(change)) {
                let named = waits.counterpart_of.map_or(String::new(), |name| name.0);
                under_way.report.event(|| Event::Waits {
                    flow: plan.flow_name(intent.flow),
                    record: RecordName::of(plan, state.ty, &state.key),
                    message: format!(
                        "{} waits for {named}, whose counterpart is left for a later run",
                        waits.path
                    ),
                    rule: Rule::P8.to_string(),
                });
            }
        }
        under_way.report.event(|| Event::Created {
            flow: plan.flow_name(intent.flow),
            source: source
                .map_or_else(|| RecordName(String::new()), |s| RecordName::of(plan, s.ty, &s.key)),
            record: RecordName::of(plan, state.ty, &state.key),
            properties: property_changes(plan, intent, known, |change| {
                let lost = |review: &Review| {
                    (review.kind, review.record, review.prop)
                        == (ReviewKind::NotKept, state.id, Some(change.prop))
                };
                given(change) && !commit.reviews_opened.iter().any(lost)
            }),
        });
        commit.new_records.push(state);
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn updated(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        before: &Before,
        state: RecordState,
        sent: &[(usize, Value)],
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        let now = self.clock.now();
        commit.intents_changed.push(step(intent, IntentEvent::Confirm, now, None));
        self.fails_no_more(intent, commit);
        let ty = self.plan.ty(state.ty);
        let written = intent.changes.iter().zip(&before.shown);
        for (change, shown_before) in
            written.filter(|(change, _)| sent.iter().any(|(prop, _)| *prop == change.prop.at()))
        {
            let prop = self.plan.prop(state.ty, change.prop);
            let shown = state.slot(change.prop).value(prop.whole).clone();
            let mut entry = self.entry(
                under_way,
                JournalKind::Written,
                &state,
                intent,
                String::new(),
                Some(change.rule),
            );
            entry.path = Some(prop.name.clone());
            entry.before = shown_before.clone();
            entry.after = shown;
            entry.other = Some(change.claim.record);
            commit.journal.push(entry);
        }
        let (added, mut removed) = (commit.keys_added.len(), Vec::new());
        rekey(&self.plan, &state, &before.hashes, &mut commit.keys_added, &mut removed);
        let matches_otherwise =
            !ty.match_sides.is_empty() && (commit.keys_added.len() > added || !removed.is_empty());
        let rank = ty.decide_rank;
        // A changed match value can make a match elsewhere: of this record, and of those that
        // shared its old one. A value that was put back is an edit, which the next run carries on
        // (G7). And a flow may hold now that did not before, or the other way (L9).
        let in_condition =
            intent.changes.iter().any(|change| ty.props[change.prop.at()].in_condition);
        if intent.takes_back() || in_condition || matches_otherwise {
            commit.agenda_added.push((rank, state.id));
        }
        self.wake_old_rivals(&removed, rank, commit)?;
        commit.keys_removed.extend(removed);
        // C5: what a reference leads to now, and what it led to before.
        let mut referred: BTreeMap<TypeIx, BTreeSet<String>> = BTreeMap::new();
        for (change, shown_before) in intent.changes.iter().zip(&before.shown) {
            let prop = self.plan.prop(state.ty, change.prop);
            for to in &prop.refers_to {
                for value in [shown_before, state.slot(change.prop).value(prop.whole)] {
                    each_id(Some(value), &mut |id| {
                        referred.entry(*to).or_default().insert(id.to_string());
                    });
                }
            }
        }
        self.wake_by_key(referred, commit)?;
        let system = self.plan.ty(state.ty).name.system.clone();
        let (plan, source) = (&self.plan, known.get(&intent.source));
        let kept = |change: &Change| sent.iter().any(|(prop, _)| *prop == change.prop.at());
        if intent.changes.iter().any(kept) {
            under_way.report.system(&system).updated += 1;
            under_way.report.flow(intent.flow).updated += 1;
            under_way.report.event(|| Event::Updated {
                flow: plan.flow_name(intent.flow),
                source: source.map_or_else(
                    || RecordName(String::new()),
                    |s| RecordName::of(plan, s.ty, &s.key),
                ),
                record: RecordName::of(plan, state.ty, &state.key),
                properties: property_changes(plan, intent, known, kept),
            });
        }
        commit.changed_records.push(state);
        Ok(())
    }

    /// G4: where the target names the property that it refuses, the rest is written without it;
    /// else the whole write waits.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn rejected(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        prop: Option<usize>,
        sent: &[(usize, Value)],
        message: &str,
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) {
        let now = self.clock.now();
        if intent.takes_back() {
            return self.not_taken_back(under_way, intent, message, known, commit);
        }
        under_way.reviews = true;
        let subject = intent.record.unwrap_or(intent.source);
        let change =
            prop.and_then(|prop| intent.changes.iter().find(|change| change.prop.at() == prop));
        let system = self.plan.ty(intent.ty).name.system.clone();
        under_way.report.system(&system).refused += 1;
        under_way.report.flow(intent.flow).review += 1;
        let name = known.get(&subject).map_or_else(
            || RecordName(String::new()),
            |r| RecordName::of(&self.plan, r.ty, &r.key),
        );
        let flow = self.plan.flow_name(intent.flow);
        under_way.report.event(|| Event::Refused {
            flow,
            record: name,
            message: message.to_string(),
        });
        let review = |prop, value| Review {
            kind: ReviewKind::RejectedValue,
            record: subject,
            ty: intent.ty,
            prop,
            rule: Rule::G4,
            candidates: vec![],
            value,
            message: message.to_string(),
            opened_at: now,
        };
        match change {
            Some(change) => {
                // Decided again, without what was refused. A reference is remembered as the id it
                // was sent as.
                let value = sent
                    .iter()
                    .find(|(p, _)| *p == change.prop.at())
                    .map_or(change.value.clone(), |(_, value)| value.clone());
                commit.intents_changed.push(step(
                    intent,
                    IntentEvent::Drop,
                    now,
                    Some(message.to_string()),
                ));
                commit.reviews_opened.push(review(Some(change.prop), value));
                if let Some(record) = known.get(&subject) {
                    commit.agenda_added.push((self.plan.ty(record.ty).decide_rank, record.id));
                }
            }
            None => {
                commit.intents_changed.push(step(
                    intent,
                    IntentEvent::Refuse,
                    now,
                    Some(message.to_string()),
                ));
                commit.reviews_opened.push(review(None, Value::Null));
            }
        }
        if let Some(record) = known.get(&subject) {
            let mut entry = self.entry(
                under_way,
                JournalKind::Refused,
                record,
                intent,
                message.to_string(),
                Some(Rule::G4),
            );
            entry.path = change.map(|change| self.plan.prop(intent.ty, change.prop).name.clone());
            commit.journal.push(entry);
        }
    }

    pub(crate) fn entry(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        record: &RecordState,
        intent: &Intent,
        text: String,
        rule: Option<Rule>,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind,
            record: record.id,
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule,
            other: Some(intent.source),
            intent: Some(intent.id),
            text,
        }
    }
}

/// Whether a record that was just created has something that others want (C6), or lacks a reference
/// (P8).
fn has_more_to_settle(ty: &PlanType, state: &RecordState) -> bool {
    let settles = |(prop, slot): (&PlanProp, &Slot)| {
        slot.claim.is_some()
            || prop.paired
                && !prop.refers_to.is_empty()
                && slot.shadow.as_ref().is_none_or(is_empty)
    };
    ty.props.iter().zip(&state.slots).any(settles)
}

/// A step of an intent. Whether it is legal is for the store to say, which knows the intent's
/// state.
pub(crate) fn step(
    intent: &Intent,
    event: IntentEvent,
    now: lockstep_model::Timestamp,
    message: Option<String>,
) -> IntentUpdate {
    let ends = matches!(event, IntentEvent::Confirm | IntentEvent::Drop);
    IntentUpdate {
        id: intent.id,
        event,
        record: intent.record,
        attempts: intent.attempts,
        not_before: None,
        message,
        done_at: ends.then_some(now),
    }
}

/// How an intent's changes are shown.
pub(crate) fn property_changes(
    plan: &lockstep_engine::Plan,
    intent: &Intent,
    known: &NumberMap<RecordId, RecordState>,
    done: impl Fn(&Change) -> bool,
) -> Vec<PropertyChange> {
    intent
        .changes
        .iter()
        .filter(|change| done(change))
        .map(|change| PropertyChange {
            path: plan.prop(intent.ty, change.prop).name.clone(),
            before: change.displaced.clone().into(),
            after: change.value.clone(),
            rule: change.rule.to_string(),
            why: {
                let ty = known.get(&change.claim.record).map(|record| record.ty);
                let ty = ty
                    .or_else(|| plan.flows.get(intent.flow.at()).map(|flow| flow.from))
                    .unwrap_or(intent.ty);
                change.reason.words(&plan.ty(ty).name)
            },
            counterpart_of: change.counterpart_of.map(|c| match known.get(&c.of) {
                Some(record) => RecordName::of(plan, record.ty, &record.key),
                None => RecordName(format!("record {}", c.of)),
            }),
        })
        .collect()
}
