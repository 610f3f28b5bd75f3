//! Which writes go out next, and with what in them.

use lockstep_connector::{Action, Write};
use lockstep_model::change::IntentEvent;
use lockstep_model::{
    Intent, IntentKind, IntentState, NumberMap, RecordId, RecordState, Rule, Timestamp, TypeIx,
    Value, Why,
};
use lockstep_store::{Commit, Flush, IntentUpdate};

use crate::error::Result;
use crate::ledger::journal::step;
use crate::recover::PATIENCE_MS;
use crate::report::{Event, RecordName, timed};
use crate::sending::carry::Job;
use crate::sending::lanes::{Line, Needs};
use crate::sending::sender::Sender;
use crate::under_way::{Progress, Underway};

/// What a look into the outbox came to.
enum Promised {
    Job(Flush, Job),
    /// All of it waits for answers.
    Waits,
    /// All of it turned out to be needless.
    Dropped,
}

impl Sender<'_> {
    /// The record types of a system that may be written to.
    pub(crate) fn types_of(&self, under_way: &Underway, system: usize) -> Vec<TypeIx> {
        let stops = |ty: TypeIx| {
            under_way.guards.stops(ty)
                || under_way.damages.stops(ty)
                || !under_way.part.may_write_to(&self.ledger.plan, ty)
        };
        let all = (0..self.ledger.plan.types.len() as u16).map(TypeIx);
        all.filter(|ty| self.ledger.system_of(*ty) == system && !stops(*ty)).collect()
    }

    /// Takes the next intents of a system from the outbox and marks them as sent; to be flushed
    /// before they are (C2). Nothing while what is next has to wait for an answer.
    pub(crate) fn promise(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        line: &mut Line,
    ) -> Result<Option<(Flush, Job)>> {
        if line.is_full() || under_way.paused.contains_key(&system) {
            return Ok(None);
        }
        let types = self.types_of(under_way, system);
        let now = self.ledger.clock.now();
        // C2: what was sent in this run and is not known to have been done is not sent again in it.
        // A batch of which nothing is to be sent is dropped from the outbox, so this comes to an
        // end.
        loop {
            let due = self.ledger.may_be_sent(under_way, now, &types, 1)?;
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
        let now = self.ledger.clock.now();
        let ty = head.ty;
        under_way.written.insert(ty);
        let mut intents = self.next_together(under_way, (system, types), head, line, now)?;
        if intents.is_empty() {
            return Ok(Promised::Waits);
        }
        let targets = self.targets(under_way, &intents)?;
        let counterparts = self.ledger.counterparts(&intents)?;
        self.add_other_facets(ty, &mut intents)?;
        let mut batch = PromisedBatch::new(now, intents.len());
        for mut intent in intents {
            let values = self.ledger.values(&intent, &counterparts);
            let key = targets.key(&intent);
            if intent.kind != IntentKind::Create && under_way.damages.leaves_alone(ty, &key) {
                batch.wait_for_record(under_way, &intent)?;
                line.end(intent.id);
                continue;
            }
            let lacks = self.ledger.lacks_required(&intent, &values);
            if values.is_empty() && intent.kind == IntentKind::Update || lacks.is_some() {
                self.drop_needless(under_way, &intent, lacks, &mut batch)?;
                line.end(intent.id);
                continue;
            }
            batch.commit.intents_changed.push(step(&intent, IntentEvent::Send, now, None)?);
            intent.state = IntentState::Sent;
            if targets.looks {
                batch.known.push(targets.known_of(&intent));
            }
            let token = self.token(&intent);
            batch.writes.push(Write { action: action(&intent, key), values, token });
            under_way.part.begin(&intent);
            if line.at_once == 1 {
                line.begin((ty, head.rank, false), intent.id, Needs::default());
            }
            batch.intents.push(intent);
        }
        self.seal(under_way, system, ty, batch)
    }

    /// The next intents of the outbox that are sent together: of one record type, in the order of
    /// the outbox. None where all of them have to wait.
    fn next_together(
        &mut self,
        under_way: &mut Underway,
        (system, types): (usize, &[TypeIx]),
        head: &Intent,
        line: &mut Line,
        now: Timestamp,
    ) -> Result<Vec<Intent>> {
        let ty = head.ty;
        let kind = &self.ledger.plan.ty(ty).name.kind;
        // Large batches spare a folder of files from being replaced often; they are held in memory
        // whole, so they stay in proportion.
        let most = usize::try_from(self.ledger.status[ty.at()].records / 5)
            .unwrap_or(0)
            .clamp(10_000, 75_000);
        let size = line.room(self.systems[system].connector.batch(kind).max(1), most);
        let mut intents = self.ledger.may_be_sent(under_way, now, types, size)?;
        intents.truncate(size);
        let together = intents.iter().take_while(|i| i.ty == ty && i.rank == head.rank).count();
        intents.truncate(together);
        under_way.part.truncate(&mut intents);
        if line.at_once > 1 {
            // What is there already is written first: it may hold what is to be created.
            let phase = (ty, head.rank, head.kind == IntentKind::Create);
            intents.retain(|intent| (intent.kind == IntentKind::Create) == phase.2);
            line.take(&self.ledger.plan, phase, &mut intents);
        }
        // The store has what lies together written together when the answers come. What is to be
        // created still comes last.
        intents.sort_by_key(|intent| (intent.kind == IntentKind::Create, intent.record));
        Ok(intents)
    }

    /// Loads what is asked of the records that are to be written.
    fn targets(&mut self, under_way: &mut Underway, intents: &[Intent]) -> Result<Targets> {
        let targets: Vec<RecordId> = intents.iter().filter_map(|i| i.record).collect();
        let looked_at: Vec<RecordId> = intents
            .iter()
            .filter(|intent| intent.kind == IntentKind::Delete || intent.looks_first())
            .filter_map(|intent| intent.record)
            .collect();
        let shares = &mut under_way.report.shares;
        let keys = timed(&mut shares.loading_ms, || self.ledger.store.keys_of(&targets))?;
        Ok(Targets {
            keys: keys.into_iter().collect(),
            looks: !looked_at.is_empty(),
            looked_at: self
                .ledger
                .store
                .records(&looked_at)?
                .into_iter()
                .map(|record| (record.id, record))
                .collect(),
        })
    }

    /// F1: updates of a record with facets are written with what its other facets hold.
    fn add_other_facets(&mut self, ty: TypeIx, intents: &mut [Intent]) -> Result<()> {
        if !self.ledger.has_facets(ty) {
            return Ok(());
        }
        let targets: Vec<RecordId> = intents.iter().filter_map(|i| i.record).collect();
        let known = self.ledger.store.records(&targets)?;
        let known = known.into_iter().map(|record| (record.id, record)).collect();
        let updates = intents.iter_mut().filter(|intent| intent.kind == IntentKind::Update);
        updates.for_each(|intent| self.ledger.with_other_facets(intent, &known));
        Ok(())
    }

    /// Nothing is to be written, or a reference has no counterpart yet: then it waits, and is
    /// decided again when that is linked (P8, C4).
    fn drop_needless(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        lacks: Option<String>,
        batch: &mut PromisedBatch,
    ) -> Result<()> {
        let drops = step(intent, IntentEvent::Drop, batch.now, lacks.clone())?;
        batch.commit.intents_changed.push(drops);
        let Some(message) = lacks else { return Ok(()) };
        let name = self.ledger.plan.ty(intent.ty).name.to_string();
        let flow = self.ledger.plan.flow_name(intent.flow);
        under_way.report.event(|| Event::Waits {
            flow,
            record: RecordName(name),
            why: Why::Said(message),
            rule: Rule::C4.to_string(),
        });
        Ok(())
    }

    /// C2: the same at every try, in whatever process; another after yesterday's store was put
    /// back, which hands out numbers again.
    fn token(&self, intent: &Intent) -> String {
        format!("lockstep-{}-{:x}-{}", self.ledger.identity, intent.decided_at.0, intent.id)
    }

    /// Records that a batch is about to be sent.
    fn seal(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        ty: TypeIx,
        batch: PromisedBatch,
    ) -> Result<Promised> {
        let PromisedBatch { commit, intents, writes, known, .. } = batch;
        let flush = timed(&mut under_way.report.shares.storing_ms, || {
            self.ledger.store.commit_unflushed(commit)
        })?;
        if intents.is_empty() {
            return Ok(Promised::Dropped);
        }
        under_way.progress.tell(Progress::Sending {
            ty: self.ledger.plan.ty(ty).name.to_string(),
            writes: intents.len(),
        });
        let look_ups = self.look_ups(under_way, system, ty, &intents)?;
        let described = self.ledger.plan.ty(ty);
        let (kind, watch) = (described.name.kind.clone(), described.watch());
        let can_get = described.can.get;
        let lags = described.settles_ms > 0;
        let restores = self.restores(ty, &intents)?;
        let job = Job { kind, watch, intents, writes, known, can_get, lags, look_ups, restores };
        Ok(Promised::Job(flush, job))
    }
}

/// What is asked of the records that are to be written.
struct Targets {
    keys: NumberMap<RecordId, String>,
    /// Some are looked at before they are written.
    looks: bool,
    looked_at: NumberMap<RecordId, RecordState>,
}

impl Targets {
    fn key(&self, intent: &Intent) -> String {
        intent.record.and_then(|id| self.keys.get(&id).cloned()).unwrap_or_default()
    }

    /// What the record of an intent is known to hold, where it is looked at before.
    fn known_of(&self, intent: &Intent) -> Vec<(usize, Value)> {
        let target = intent.record.and_then(|id| self.looked_at.get(&id));
        target.map(crate::ledger::deletes::known_of).unwrap_or_default()
    }
}

/// Writes that are about to be sent, with their intents in the same order.
struct PromisedBatch {
    now: Timestamp,
    commit: Commit,
    intents: Vec<Intent>,
    writes: Vec<Write>,
    known: Vec<Vec<(usize, Value)>>,
}

impl PromisedBatch {
    fn new(now: Timestamp, size: usize) -> PromisedBatch {
        PromisedBatch {
            now,
            commit: Commit::default(),
            intents: Vec::with_capacity(size),
            writes: Vec::with_capacity(size),
            known: Vec::new(),
        }
    }

    /// R8: a write waits until its record can be read again.
    fn wait_for_record(&mut self, under_way: &mut Underway, intent: &Intent) -> Result<()> {
        let message = "its record can't be read just now".to_string();
        let mut waits = step(intent, IntentEvent::Delay, self.now, Some(message))?;
        waits.not_before = Some(self.now.plus_ms(2 * PATIENCE_MS));
        under_way.damages.waiting.push(IntentUpdate { not_before: None, ..waits.clone() });
        self.commit.intents_changed.push(waits);
        Ok(())
    }
}

fn action(intent: &Intent, key: String) -> Action {
    match intent.kind {
        IntentKind::Create => Action::Create,
        IntentKind::Update => Action::Update { id: key, version: intent.version().cloned() },
        IntentKind::Delete => Action::Delete { id: key, version: intent.version().cloned() },
    }
}
