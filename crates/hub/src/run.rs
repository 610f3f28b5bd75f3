//! A run: read, decide, send, until quiet.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_model::{IntentState, ReviewKind, TypeIx, Value};

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
        let started = self.ledger.clock.now();
        let run = self.ledger.store.begin_run(started)?;
        let counts = self.ledger.store.review_counts()?;
        let reviews = counts.iter().any(|(_, n)| *n > 0);
        let doubted = counts.iter().any(|(kind, n)| *kind == ReviewKind::AnotherRecord && *n > 0);
        let names = self.systems.iter().map(|s| s.name.clone());
        let mut report = Report::new(&self.ledger.plan, names, run, started, self.ledger.pretends);
        report.every_event = options.every_event;
        let guards = self.ledger.guards(started, options.full)?;
        let damages = self.ledger.damages()?;
        let count = self.ledger.plan.types.len() as u16;
        let all_types = || (0..count).map(TypeIx);
        let asked_before: Vec<_> =
            self.systems.iter().map(|system| system.connector.traffic()).collect();
        let mut under_way = Underway {
            asked: started,
            report,
            paused: HashMap::new(),
            named: options.named,
            reviews,
            newest: HashMap::new(),
            great_loads: BTreeSet::new(),
            written: BTreeSet::new(),
            listed_none: BTreeSet::new(),
            first_read: all_types().filter(|ty| !self.ledger.status[ty.at()].complete).collect(),
            renamed: BTreeSet::new(),
            doubted,
            unknown: false,
            reconsider: false,
            left: HashSet::new(),
            undecided: HashSet::new(),
            waited_ms: 0,
            failing: HashMap::new(),
            to_read: BTreeSet::new(),
            too_early: BTreeSet::new(),
            looks_again: None,
            reading_back: false,
            guards,
            part: Portion::new(options.part.clone()),
            damages,
            progress: options.watcher,
        };
        let mut types = options.only.unwrap_or_else(|| self.ledger.types_for(&options.part));
        if let Some(behind) =
            self.ledger.clock.behind().filter(|behind| behind.as_millis() > CLOCK_TOLD_MS)
        {
            let message = format!(
                "it was set back by {} s: times are counted on from before, so that no edit counts as older than what it changes",
                behind.as_secs()
            );
            under_way
                .report
                .event(|| Event::Fault { place: "this machine's clock".into(), message });
        }
        let first = self.ledger.status.iter().any(|status| !status.complete);
        if first {
            self.ledger.store.bulk(true)?;
        }
        let result = work(self, &mut under_way, &mut types)
            .and_then(|()| match under_way.report.stopped {
                true => Ok(()),
                false => self.reader().pass_own_writes(&mut under_way),
            });
        let ended = if first { self.ledger.store.bulk(false) } else { Ok(()) };
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
        for (kind, n) in self.ledger.store.review_counts()? {
            if kind.needs_a_person() {
                report.reviews.insert(kind.name().into(), n);
            } else if kind == ReviewKind::Incomplete {
                report.incomplete = n;
            } else {
                report.waiting_references = n;
            }
        }
        if report.waiting_references + report.incomplete > 0 {
            self.ledger.tell_what_waits(&mut report)?;
        }
        let waits =
            |state| matches!(state, IntentState::Queued | IntentState::Sent | IntentState::Unknown);
        report.outbox = self
            .ledger
            .store
            .intent_counts()?
            .into_iter()
            .filter(|(state, _)| waits(*state))
            .map(|(_, n)| n)
            .sum();
        report.forget_findings();
        let mut summary = serde_json::json!({"systems": report.systems, "flows": report.flows});
        if !act.is_null() {
            summary["act"] = act;
        }
        self.ledger.store.end_run(run, report.ended, &summary)?;
        self.ledger.forget_old(report.ended)?;
        Ok(report)
    }

    pub(crate) fn rounds(
        &mut self,
        under_way: &mut Underway,
        types: &mut BTreeSet<TypeIx>,
    ) -> Result<()> {
        self.reader().check_accounts(under_way)?;
        if self.ledger.waits_for_a_name(under_way)? {
            return Ok(());
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
            return Ok(());
        }
        let behind = self.decider().behind(under_way);
        self.reader().read(under_way, &behind)?;
        if under_way.stops() {
            return Ok(());
        }
        self.ledger.ask_about_twins(under_way)?;
        self.ledger.ask_about_queued(under_way)?;
        let mut again: BTreeSet<TypeIx> = BTreeSet::new();
        let most = MOST_ROUNDS + self.ledger.plan.types.len();
        let mut before = BTreeMap::new();
        for _ in 0..most {
            if under_way.stops() {
                return Ok(());
            }
            before = under_way.report.writes_by_flow();
            again.extend(self.decider().decide(under_way)?);
            if under_way.stops() {
                return Ok(());
            }
            self.decider().flows_followed(under_way)?;
            let sent = self.sender().deliver(under_way)?;
            if under_way.stops() {
                return Ok(());
            }
            // P5: what a write did whose answer was lost is found out before anything is read: read
            // as a page, it would be an edit.
            if std::mem::take(&mut under_way.unknown) {
                self.reader().settle_unknown(under_way)?;
                continue;
            }
            if !under_way.to_read.is_empty() {
                self.reader().read_back(under_way)?;
                continue;
            }
            if sent
                && self
                    .ledger
                    .store
                    .agenda(1)?
                    .first()
                    .is_some_and(|(rank, _)| *rank < crate::ledger::agenda::HELD)
            {
                continue;
            }
            // L8: the other side is read again, then what was held is decided.
            again.retain(|ty| {
                !under_way.paused.contains_key(&self.ledger.system_of(*ty))
                    && !under_way.damages.hides_records(*ty)
            });
            if again.is_empty() {
                if sent || self.reader().look_again_soon(under_way, types)? {
                    continue;
                }
                return Ok(());
            }
            self.reader().read(under_way, &std::mem::take(&mut again))?;
            self.decider().release_held()?;
        }
        // G8: nothing is given up without a word. What is left stays on the agenda and in the
        // outbox.
        let left = self
            .ledger
            .store
            .agenda(1)?
            .iter()
            .any(|(rank, _)| *rank < crate::ledger::agenda::HELD);
        let now = under_way.report.writes_by_flow();
        let wrote = now.iter().filter(|(flow, n)| before.get(*flow) != Some(n));
        let wrote: Vec<String> = wrote.map(|(flow, _)| format!("`{flow}`")).collect();
        if left || !wrote.is_empty() {
            let why = match wrote.is_empty() {
                true => "records are still to be decided on".to_string(),
                false => format!("still writing were the flows {}", wrote.join(", ")),
            };
            let message = format!(
                "the run did not come to rest in {most} rounds: {why}. The next run goes on"
            );
            under_way.report.unfinished = Some(message.clone());
            under_way.report.event(|| Event::Fault { place: "this run".into(), message });
        }
        Ok(())
    }
}
