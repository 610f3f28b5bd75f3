//! Deciding: the agenda, batch by batch, through the engine.

pub(crate) mod decider;
mod elements;
pub(crate) mod load;
mod members;
pub(crate) mod reconsider;
pub(crate) mod record;
pub(crate) mod turns;

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::slice::ReadThrough;
use lockstep_engine::{Decision, Slice, decide};
use lockstep_model::{
    EntityId, IntentKind, IntentState, NumberSet, RecordId, RecordState, ReviewKind, Timestamp,
    TypeIx,
};
use lockstep_store::{AgendaEntry, Commit};

use crate::deciding::decider::Decider;
use crate::deciding::record::Decided;
use crate::deciding::turns::Turns;
use crate::error::Result;
use crate::report::timed;
use crate::under_way::{Progress, Underway};

/// Records decided on together. Large batches write a page of the store once where small ones write
/// it often.
const BATCH: usize = 10_000;

impl Decider<'_> {
    /// Decides until nothing but what is held is left on the agenda. Gives the record types that
    /// must be read again for those.
    ///
    /// Recording a batch takes as long as deciding on the next, so both are done at once. What the
    /// next slice does not know rightly then is left for the batch after it; where records refer to
    /// each other it is not so easily told, and the one waits for the other.
    pub(crate) fn decide(&mut self, under_way: &mut Underway) -> Result<BTreeSet<TypeIx>> {
        under_way.undecided.clear();
        let mut reread = BTreeSet::new();
        let mut decided: Option<Decided> = None;
        let mut turns = Turns::new(self.ledger.status.iter().map(|status| status.records).sum());
        self.hold_what_may_be_made()?;
        let mut urgent = self.ledger.decided_on_less(under_way)?;
        loop {
            if under_way.stops() {
                if let Some(last) = decided {
                    self.record(under_way, last.commit)?;
                }
                return Ok(reread);
            }
            let mut batch = self.next_batch(under_way, decided.as_ref(), &mut urgent)?;
            let rank = batch.first().filter(|entry| !entry.held).map(|entry| entry.rank);
            if let Some(last) = decided.take_if(|last| last.comes_before(rank)) {
                self.record(under_way, last.commit)?;
                continue;
            }
            let Some(rank) = rank else { return Ok(reread) };
            batch.retain(|entry| !entry.held && entry.rank == rank);
            let mut slice = self.slice(under_way, &batch)?;
            let waits = |last: &mut Decided| {
                let unknown = last.leave_out_unknown(&mut slice, &mut batch);
                // Facets of one record are decided on together, in whatever entities they are (F2).
                let promises =
                    !last.commit.promises_added.is_empty() || self.ledger.plan.has_facets;
                promises || unknown && (batch.is_empty() || self.ledger.plan.has_references())
            };
            if let Some(last) = decided.take_if(waits) {
                self.record(under_way, last.commit)?;
                continue;
            }
            under_way.progress.tell(Progress::Decided { records: batch.len() });
            let before: Vec<EntityId> = slice
                .focus
                .iter()
                .filter_map(|id| slice.records.get(id))
                .map(|r| r.entity)
                .collect();
            let decision = self.decide_while_recording(under_way, &mut slice, decided.take())?;
            reread.extend(&decision.reread);
            let entities = before
                .into_iter()
                .chain(decision.merged.iter().flat_map(|(gone, into)| [*gone, *into]))
                .collect();
            batch.extend(decision.along.iter().map(|(rank, id)| AgendaEntry::new(*rank, *id)));
            let in_batch: NumberSet<RecordId> = batch.iter().map(|entry| entry.record).collect();
            urgent.retain(|id| !in_batch.contains(id));
            let circling = turns.count(batch.iter().map(|entry| entry.record));
            let mut commit = self.record_decision(under_way, batch, decision, &slice)?;
            self.stop_circling(under_way, &turns, &circling, &slice, &mut commit);
            decided = Some(Decided { rank, batch: in_batch, commit, entities, slice });
        }
    }

    /// What is next on the agenda beside what has been decided and is not recorded yet.
    fn next_batch(
        &mut self,
        under_way: &Underway,
        decided: Option<&Decided>,
        urgent: &mut NumberSet<RecordId>,
    ) -> Result<Vec<AgendaEntry>> {
        let most = under_way.part.batch(BATCH);
        let skip = decided.map_or(0, |decided| decided.batch.len());
        let mut batch = self.ledger.ahead(urgent, skip + most)?;
        if urgent.is_empty() && under_way.part.has_enough() {
            batch.clear();
        }
        if let Some(decided) = decided {
            batch.retain(|entry| !decided.batch.contains(&entry.record));
            batch.truncate(most);
        }
        Ok(batch)
    }

    fn record(&mut self, under_way: &mut Underway, commit: Commit) -> Result<()> {
        timed(&mut under_way.report.shares.storing_ms, || self.ledger.store.commit(commit))?;
        Ok(())
    }

    /// Decides on a slice, beside recording what was decided last.
    fn decide_while_recording(
        &mut self,
        under_way: &mut Underway,
        slice: &mut Slice,
        last: Option<Decided>,
    ) -> Result<Decision> {
        let (plan, store, shares) =
            (&self.ledger.plan, &mut self.ledger.store, &mut under_way.report.shares);
        let Some(last) = last else {
            return Ok(timed(&mut shares.deciding_ms, || decide(plan, slice)));
        };
        Ok(std::thread::scope(|scope| {
            let (commit, decided_on) = (last.commit, last.slice);
            let recording = scope.spawn(move || {
                let recorded = store.commit(commit);
                // Letting go of it takes a third of the time that deciding takes.
                drop(decided_on);
                recorded
            });
            let decision = timed(&mut shares.deciding_ms, || decide(plan, slice));
            let recorded = timed(&mut shares.storing_ms, || recording.join());
            recorded.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(|()| decision)
        })?)
    }

    fn slice(&mut self, under_way: &mut Underway, batch: &[AgendaEntry]) -> Result<Slice> {
        let focus: Vec<RecordId> = batch.iter().map(|entry| entry.record).collect();
        let through = self.through_now(under_way);
        let (now, run, reviews) =
            (self.ledger.clock.now(), under_way.report.run, under_way.reviews);
        let load = || {
            load::slice(
                &self.ledger.plan,
                &mut *self.ledger.store,
                focus,
                through,
                reviews,
                now,
                run,
            )
        };
        let mut slice = timed(&mut under_way.report.shares.loading_ms, load)?;
        slice.reconsider = under_way.reconsider;
        if under_way.doubted {
            slice.doubted = self.ledger.doubted()?;
        }
        Ok(slice)
    }

    /// C2: a new record may be what a creation made whose answer is still unknown. Until that is
    /// known nothing is decided for it: it would be somebody's whom nobody else knows, and be
    /// passed on.
    fn hold_what_may_be_made(&mut self) -> Result<()> {
        let mut open = self.ledger.store.intents_in(IntentState::Unknown, usize::MAX >> 1)?;
        open.extend(self.ledger.store.intents_in(IntentState::Sent, usize::MAX >> 1)?);
        open.retain(|intent| intent.kind == IntentKind::Create);
        if open.is_empty() {
            return Ok(());
        }
        let mut since: BTreeMap<TypeIx, Timestamp> = BTreeMap::new();
        let mut asked: NumberSet<RecordId> = NumberSet::default();
        for intent in &open {
            let reviews = self.ledger.store.open_reviews(intent.source.record().as_slice())?;
            match reviews
                .iter()
                .find(|review| review.kind == ReviewKind::UnknownOutcome && review.ty == intent.ty)
            {
                // A person has been asked, and is not to keep everything waiting.
                Some(review) => {
                    asked.extend(&review.candidates);
                    for candidate in self.ledger.store.records(&review.candidates)? {
                        asked.extend(
                            self.ledger.other_facets(&candidate)?.iter().map(|facet| facet.id),
                        );
                    }
                }
                // F1: it was made with all its facets.
                None => {
                    for ty in
                        std::iter::once(&intent.ty).chain(&self.ledger.plan.ty(intent.ty).facets)
                    {
                        let earliest = since.entry(*ty).or_insert(intent.decided_at);
                        *earliest = (*earliest).min(intent.decided_at);
                    }
                }
            }
        }
        let mut agenda = self.ledger.store.agenda(i32::MAX as usize)?;
        agenda.retain(|entry| !entry.held);
        let ids: Vec<RecordId> = agenda.iter().map(|entry| entry.record).collect();
        let may_be_made = |record: &RecordState| {
            let alone = record.entity.0 == record.id.0 && record.written_at.is_none();
            let new = since.get(&record.ty).is_some_and(|since| record.first_seen >= *since);
            alone && (new || asked.contains(&record.id))
        };
        let held: NumberSet<RecordId> = self
            .ledger
            .store
            .records(&ids)?
            .into_iter()
            .filter(may_be_made)
            .map(|r| r.id)
            .collect();
        if held.is_empty() {
            return Ok(());
        }
        agenda.retain(|entry| held.contains(&entry.record));
        let agenda_added = agenda.iter().map(|entry| entry.to_hold()).collect();
        Ok(self.ledger.store.commit(Commit {
            agenda_done: agenda,
            agenda_added,
            ..Commit::default()
        })?)
    }

    /// What is held comes back onto the agenda.
    pub(crate) fn release_held(&mut self) -> Result<()> {
        let mut held = self.ledger.store.agenda(i32::MAX as usize)?;
        held.retain(|entry| entry.held);
        if held.is_empty() {
            return Ok(());
        }
        let agenda_added =
            held.iter().map(|entry| AgendaEntry::new(entry.rank, entry.record)).collect();
        Ok(self.ledger.store.commit(Commit {
            agenda_done: held,
            agenda_added,
            ..Commit::default()
        })?)
    }

    pub(crate) fn through(&self) -> Vec<ReadThrough> {
        self.ledger
            .status
            .iter()
            .map(|status| ReadThrough {
                complete: status.complete,
                from: status.read_from,
                in_doubt: false,
                not_believed: false,
            })
            .collect()
    }

    /// The same for a run under way: what can't be read of a record type may be what would be
    /// created there (L8, R8).
    fn through_now(&self, under_way: &Underway) -> Vec<ReadThrough> {
        let mut through = self.through();
        for (at, read) in through.iter_mut().enumerate() {
            let ty = TypeIx(at as u16);
            read.from = read.from.filter(|_| !under_way.damages.hides_records(ty));
            read.in_doubt = self.ledger.is_in_doubt(under_way, ty);
            read.not_believed = under_way.guards.stops(ty);
        }
        through
    }
}
