//! A run: read, decide, send, until quiet.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::{ReviewKind, TypeIx, Value};

use crate::error::Result;
use crate::hub::Hub;
use crate::part::Portion;
use crate::report::{Event, Report, Requests};
use crate::under_way::{RunOptions, Underway};

/// Rounds of deciding and delivering after which a run leaves the rest to the next one; one more
/// for each record type, since a chain of flows may create one record a round (G8).
const MOST_ROUNDS: usize = 20;

/// A clock that was set back by more than this is told.
const CLOCK_TOLD_MS: u128 = 5_000;

impl Hub {
    /// One run: reads, decides and delivers until quiet.
    pub fn run(&mut self, options: RunOptions<'_>) -> Result<Report> {
        self.within_run(options, Value::Null, |hub, under_way, types| hub.rounds(under_way, types))
    }

    /// Does something as a run of its own, which the journal knows by its number: `rounds`, or what
    /// a person asked for. `act` tells what that was, and is kept with the run.
    pub(crate) fn within_run<'a>(
        &mut self,
        options: RunOptions<'a>,
        act: Value,
        work: impl FnOnce(&mut Hub, &mut Underway<'a>, &mut BTreeSet<TypeIx>) -> Result<()>,
    ) -> Result<Report> {
        let asked_before: Vec<_> =
            self.systems.iter().map(|system| system.connector.traffic()).collect();
        let (mut under_way, mut types) = self.begin(options)?;
        let first = self.ledger.status.iter().any(|status| !status.complete);
        if first {
            self.ledger.store.bulk_load(true)?;
        }
        let result =
            work(self, &mut under_way, &mut types).and_then(|()| match under_way.report.stopped {
                true => Ok(()),
                false => self.reader().pass_own_writes(&mut under_way),
            });
        let ended = if first { self.ledger.store.bulk_load(false) } else { Ok(()) };
        // The first failure is the one to tell.
        result?;
        ended?;
        if under_way.doubted {
            self.ledger.close_needless_questions(None)?;
        }
        self.ledger.arm(&under_way)?;
        under_way.report.part = self.ledger.tell_part(&under_way)?;
        self.ledger.keep_damages(&mut under_way, act.is_null())?;
        self.ledger.tell_failing(&mut under_way)?;
        let mut report = under_way.report;
        report.ended = self.ledger.clock.now();
        for (system, before) in self.systems.iter().zip(asked_before) {
            let now = system.connector.traffic();
            let of_this_run = Requests {
                sent: now.sent - before.sent,
                refused: now.refused - before.refused,
                waited_ms: now.waited_ms - before.waited_ms,
            };
            report.system(&system.name).requests = (of_this_run.sent > 0).then_some(of_this_run);
        }
        self.ledger.count_what_is_left(&mut report)?;
        report.forget_findings();
        let mut summary = serde_json::json!({"systems": report.systems, "flows": report.flows});
        if !act.is_null() {
            summary["act"] = act;
        }
        if let Some(person) = &self.ledger.person {
            summary["by"] = serde_json::json!(person);
        }
        self.ledger.store.end_run(report.run, report.ended, &summary)?;
        self.ledger.add_to_totals(&report)?;
        self.ledger.forget_old(report.ended)?;
        Ok(report)
    }

    /// Begins a run. Gives it with the record types that are to be read.
    fn begin<'a>(&mut self, options: RunOptions<'a>) -> Result<(Underway<'a>, BTreeSet<TypeIx>)> {
        let started = self.ledger.clock.now();
        let run = self.ledger.store.begin_run(started)?;
        let counts = self.ledger.store.review_counts()?;
        let names = self.systems.iter().map(|s| s.name.clone());
        let mut report = Report::new(&self.ledger.plan, names, run, started, self.ledger.pretends);
        report.every_event = options.every_event;
        let guards = self.ledger.guards(started, options.full)?;
        let damages = self.ledger.damages()?;
        let types = options.only.unwrap_or_else(|| self.ledger.types_for(&options.part));
        let part = Portion::new(options.part);
        let mut under_way = Underway::begun(report, guards, part, damages, options.watcher);
        under_way.named = options.named;
        under_way.reviews = counts.iter().any(|(_, n)| *n > 0);
        under_way.doubted =
            counts.iter().any(|(kind, n)| *kind == ReviewKind::AnotherRecord && *n > 0);
        let all_types = self.ledger.types();
        under_way.first_read =
            all_types.filter(|ty| !self.ledger.status[ty.at()].complete).collect();
        if let Some(behind) =
            self.ledger.clock.behind().filter(|behind| behind.as_millis() > CLOCK_TOLD_MS)
        {
            let message = format!(
                "it was set back by {} s: times are counted on from before, so that no edit counts as older than what it changes",
                behind.as_secs()
            );
            let place = "this machine's clock".into();
            under_way.report.event(|| Event::Fault { place, message });
        }
        Ok((under_way, types))
    }

    pub(crate) fn rounds(
        &mut self,
        under_way: &mut Underway,
        types: &mut BTreeSet<TypeIx>,
    ) -> Result<()> {
        if !self.read_what_changed(under_way, types)? {
            return Ok(());
        }
        let mut again: BTreeSet<TypeIx> = BTreeSet::new();
        let most = MOST_ROUNDS + self.ledger.plan.types.len();
        let mut before = BTreeMap::new();
        for _ in 0..most {
            before = under_way.report.writes_by_flow();
            if self.round(under_way, types, &mut again)? || under_way.stops() {
                return Ok(());
            }
        }
        self.tell_unfinished(under_way, most, &before)
    }

    /// What comes before the first round: what an earlier run has left, and what the systems show
    /// now. Gives whether anything may be decided on.
    fn read_what_changed(
        &mut self,
        under_way: &mut Underway,
        types: &mut BTreeSet<TypeIx>,
    ) -> Result<bool> {
        self.reader().check_accounts(under_way)?;
        if self.ledger.waits_for_a_name(under_way)? {
            return Ok(false);
        }
        // What a killed run left: answers that never came, an agenda half worked off, records held
        // for a reading.
        self.reader().settle_unknown(under_way)?;
        self.decider().follow_flows(under_way)?;
        if under_way.part.is_whole() {
            self.decider().decide(under_way)?;
        }
        self.decider().release_held()?;
        self.reader().look_again(under_way, types)?;
        self.reader().read_named(under_way, types)?;
        self.reader().read(under_way, types)?;
        if under_way.stops() || self.ledger.waits_for_a_name(under_way)? {
            return Ok(false);
        }
        let behind = self.decider().behind(under_way);
        self.reader().read(under_way, &behind)?;
        if under_way.stops() {
            return Ok(false);
        }
        self.ledger.ask_about_unidentified(under_way)?;
        self.ledger.ask_about_twins(under_way)?;
        self.ledger.ask_about_queued(under_way)?;
        Ok(true)
    }

    /// Decides and delivers, and reads again what that calls for. `again` are the record types that
    /// must be read before what is held can be decided (L8). Gives whether nothing is left to do.
    fn round(
        &mut self,
        under_way: &mut Underway,
        types: &mut BTreeSet<TypeIx>,
        again: &mut BTreeSet<TypeIx>,
    ) -> Result<bool> {
        again.extend(self.decider().decide(under_way)?);
        if under_way.stops() {
            return Ok(true);
        }
        self.decider().flows_followed(under_way)?;
        let sent = self.sender().deliver(under_way)?;
        if under_way.stops() {
            return Ok(true);
        }
        // P5: what a write did whose answer was lost is found out before anything is read: read
        // as a page, it would be an edit.
        if std::mem::take(&mut under_way.unknown) {
            self.reader().settle_unknown(under_way)?;
            return Ok(false);
        }
        if !under_way.to_read.is_empty() {
            self.reader().read_back(under_way)?;
            return Ok(false);
        }
        if sent && self.ledger.has_more_to_decide()? {
            return Ok(false);
        }
        // L8: the other side is read again, then what was held is decided.
        again.retain(|ty| {
            !under_way.paused.contains_key(&self.ledger.system_of(*ty))
                && !under_way.damages.hides_records(*ty)
        });
        if again.is_empty() {
            return Ok(!sent && !self.reader().look_again_soon(under_way, types)?);
        }
        self.reader().read(under_way, &std::mem::take(again))?;
        self.decider().release_held()?;
        Ok(false)
    }

    /// G8: nothing is given up without a word. What is left stays on the agenda and in the outbox.
    fn tell_unfinished(
        &mut self,
        under_way: &mut Underway,
        rounds: usize,
        before: &BTreeMap<String, u64>,
    ) -> Result<()> {
        let left = self.ledger.has_more_to_decide()?;
        let now = under_way.report.writes_by_flow();
        let wrote = now.iter().filter(|(flow, n)| before.get(*flow) != Some(n));
        let wrote: Vec<String> = wrote.map(|(flow, _)| format!("`{flow}`")).collect();
        if left || !wrote.is_empty() {
            let why = match wrote.is_empty() {
                true => "records are still to be decided on".to_string(),
                false => format!("still writing were the flows {}", wrote.join(", ")),
            };
            let message = format!(
                "the run did not come to rest in {rounds} rounds: {why}. The next run goes on"
            );
            under_way.report.unfinished = Some(message.clone());
            under_way.report.event(|| Event::Fault { place: "this run".into(), message });
        }
        Ok(())
    }
}
