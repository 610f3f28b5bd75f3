//! A run: read, decide, deliver, until quiet. And a plan: the same on a copy of the store, with
//! systems that are only read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use lockstep_connector::{
    Action, Answers, Connector, Outcome, Page, ReadRequest, Traffic, Trouble, Write,
};
use lockstep_engine::Plan;
use lockstep_engine::plan::{PlanCreate, PlanFlow};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{
    FlowIx, IntentId, IntentState, ReadRecord, RecordId, ReviewKind, RunId, Timestamp, TypeIx,
    TypeSchema, Value,
};
use lockstep_store::{BoundType, Commit, Store, StoreError, TypeStatus};
use serde_json::json;

use crate::clock::{Clock, SteadyClock};
use crate::damages::Damages;
use crate::guards::{Guards, Safeguards};
use crate::part::{Part, Portion};
use crate::report::{Event, Report, Requests};

/// Rounds of deciding and delivering after which a run leaves the rest to the next one; one more
/// for each record type, since a chain of flows may create one record a round (G8).
const MOST_ROUNDS: usize = 20;

/// So many references that wait are named by a run; all are counted.
const WAITING_SHOWN: usize = 50;

/// A clock that was set back by more than this is told.
const CLOCK_TOLD_MS: u128 = 5_000;

/// The mark that tells by which flows was decided last.
const FLOWS: &str = "flows";
/// The mark that the flows have changed, and not everything has been decided on by them yet.
const RECONSIDER: &str = "flows:reconsider";
/// Records put onto the agenda together.
const AT_ONCE: usize = 10_000;

/// A connected system.
#[derive(Clone)]
pub struct System {
    pub name: String,
    pub connector: Arc<dyn Connector>,
}

/// What keeps a run from going on.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A flow names a system that the project does not have.
    #[error("the flows name the system `{0}`, which is not connected")]
    NoSystem(String),
}

/// The result of a hub's call.
pub type Result<T> = std::result::Result<T, HubError>;

/// How far a run is, for who watches.
#[derive(Clone, Debug)]
pub enum Progress {
    Read { ty: String, records: usize },
    Decided { records: usize },
    Sending { ty: String, writes: usize },
}

/// Who watches a run.
pub trait Watcher {
    fn tell(&mut self, progress: Progress);
}

/// Watches nothing.
pub struct Unwatched;

impl Watcher for Unwatched {
    fn tell(&mut self, _: Progress) {}
}

/// What a run is to do.
pub struct RunOptions<'a> {
    /// Only these record types are read; all of them where nothing is said.
    pub only: Option<BTreeSet<TypeIx>>,
    /// Besides these, single records by their keys, of record types that are not read anyway (R4).
    pub named: BTreeMap<TypeIx, BTreeSet<String>>,
    /// Everything is listed, also where the system tells what changed: what is missing counts as
    /// deleted once it was looked up (R3).
    pub full: bool,
    /// What of all that is to be written is written.
    pub part: Part,
    /// Every event is kept for showing, however many there are.
    pub every_event: bool,
    pub watcher: Box<dyn Watcher + 'a>,
}

impl Default for RunOptions<'_> {
    fn default() -> Self {
        RunOptions {
            only: None,
            named: BTreeMap::new(),
            full: false,
            part: Part::default(),
            every_event: false,
            watcher: Box::new(Unwatched),
        }
    }
}

/// A run under way.
pub(crate) struct Underway<'a> {
    pub report: Report,
    /// Systems that are left alone for the rest of the run.
    pub paused: HashMap<usize, String>,
    /// When single records were last asked for: what they show is not newer than that for certain
    /// (P5a).
    pub asked: Timestamp,
    /// Records that are to be read by themselves, by their keys.
    pub named: BTreeMap<TypeIx, BTreeSet<String>>,
    /// There are open reviews, or have been in this run.
    pub reviews: bool,
    /// When a new record of a type was last seen in this run.
    pub newest: HashMap<TypeIx, Timestamp>,
    /// Record types in which so many records are being created that none is looked up before (L8).
    pub great_loads: BTreeSet<TypeIx>,
    /// Record types that were written to.
    pub written: BTreeSet<TypeIx>,
    /// Record types that listed no record at all when they were last read in this run: not much is
    /// concluded from that.
    pub listed_none: BTreeSet<TypeIx>,
    /// Record types that had not been read to the end when the run began.
    pub first_read: BTreeSet<TypeIx>,
    /// Record types that seem to have had another name before (L12).
    pub renamed: BTreeSet<TypeIx>,
    /// There are records of which a person must say whose they are (R9), or have been in this run.
    pub doubted: bool,
    /// The answer to some write was lost.
    pub unknown: bool,
    /// The flows have changed: what is linked is decided on anew.
    pub reconsider: bool,
    /// Creations of unknown outcome that were sent in this run: they are not sent again in it (C2).
    pub left: HashSet<IntentId>,
    /// Writes that met another version: they are not sent again before they have been decided on
    /// anew (P6).
    pub undecided: HashSet<IntentId>,
    /// How long the run has waited for writes that are to be tried again.
    pub waited_ms: i64,
    /// By system, whose writes have failed since the last one that was done (G4).
    pub failing: HashMap<usize, HashSet<RecordId>>,
    /// Record types to be listed to see what became of writes to them (R6), and whether that is
    /// being done.
    pub to_read: BTreeSet<TypeIx>,
    /// Records that were read back too soon after a write to tell what it left (R6), and have not
    /// been noted yet.
    pub too_early: BTreeSet<(TypeIx, String)>,
    /// Until when this run waits to look at them again.
    pub looks_again: Option<Timestamp>,
    pub reading_back: bool,
    pub guards: Guards,
    /// What of all that is to be written is written.
    pub part: Portion,
    /// What can't be read (R8).
    pub damages: Damages,
    pub progress: Box<dyn Watcher + 'a>,
}

impl Underway<'_> {
    /// Whether an intent that is due may be sent in this run.
    pub(crate) fn may_send(&self, id: IntentId) -> bool {
        !self.left.contains(&id) && !self.undecided.contains(&id)
    }

    /// How many may not at most.
    pub(crate) fn not_to_send(&self) -> usize {
        self.left.len() + self.undecided.len()
    }
}

/// Gives a number below the one given.
pub type Chance = dyn FnMut(usize) -> usize + Send + Sync;

/// A project at work: its plan, its systems, its store.
pub struct Hub {
    pub(crate) plan: Plan,
    pub(crate) systems: Vec<System>,
    pub(crate) store: Box<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) status: Vec<TypeStatus>,
    /// Each system has been asked whose account it is (R9).
    pub(crate) accounts_checked: bool,
    /// The store's own: part of every idempotency key (C2).
    pub(crate) identity: String,
    pub(crate) safeguards: Safeguards,
    system_of: Vec<usize>,
    pub(crate) pretends: bool,
    pub(crate) one_thread: bool,
    /// In one thread: which of the writes under way is carried out next, and how many are before an
    /// answer is recorded.
    pub(crate) chance: Option<Box<Chance>>,
    /// How long the journal is kept, in milliseconds; for ever where nothing is said.
    journal_ms: Option<i64>,
}

impl Hub {
    /// Puts a hub together. Every system that the plan names must be connected.
    pub fn new(
        plan: Plan,
        systems: Vec<System>,
        mut store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Hub> {
        let all = || (0..plan.types.len() as u16).map(TypeIx);
        let bound: Vec<BoundType> = all()
            .zip(plan.flows_between())
            .map(|(ix, flows)| {
                let ty = plan.ty(ix);
                BoundType {
                    name: ty.name.clone(),
                    properties: ty.props.iter().map(|prop| prop.name.clone()).collect(),
                    fingerprint: ty.fingerprint,
                    flows,
                }
            })
            .collect();
        let status = store.bind(&bound)?;
        let mut system_of = Vec::new();
        for ty in &plan.types {
            let at = systems.iter().position(|system| system.name == ty.name.system);
            system_of.push(at.ok_or_else(|| HubError::NoSystem(ty.name.system.clone()))?);
        }
        // No time that was recorded lies ahead: a clock that was set back goes on from there.
        let runs = store.runs(1)?;
        // C2: of a run that was killed, what it had sent is the latest that is known.
        let mut sent = store.intents_in(IntentState::Sent, usize::MAX >> 1)?;
        sent.extend(store.intents_in(IntentState::Unknown, usize::MAX >> 1)?);
        let recorded = runs.iter().map(|run| run.ended.unwrap_or(run.started));
        let recorded = recorded
            .chain(status.iter().filter_map(|s| s.read_from))
            .chain(sent.iter().map(|intent| intent.decided_at));
        let recorded = recorded.max();
        let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new(clock, recorded));
        let identity = store.identity()?;
        Ok(Hub {
            plan,
            systems,
            store,
            clock,
            status,
            accounts_checked: false,
            identity,
            safeguards: Safeguards::default(),
            system_of,
            pretends: false,
            one_thread: false,
            chance: None,
            journal_ms: None,
        })
    }

    /// Talks to one system after the other, in the caller's thread: everything then happens in an
    /// order that a simulation can repeat.
    pub fn in_one_thread(mut self) -> Self {
        self.one_thread = true;
        self
    }

    /// In one thread: the order in which writes are carried out that are under way together is that
    /// of these numbers, each below the one given; and so is how many of them are carried out
    /// before their answers are recorded.
    pub fn carried_out_by(mut self, chance: Box<Chance>) -> Self {
        self.chance = Some(chance);
        self
    }

    /// The plan of flows.
    pub fn plan_of_flows(&self) -> &Plan {
        &self.plan
    }

    /// Keeps the journal for so many days only. What is older is forgotten at the end of each run.
    pub fn keep_journal_for(&mut self, days: Option<u32>) {
        self.journal_ms = days.map(|days| i64::from(days) * 86_400_000);
    }

    /// The first and the last run that can have anything of the time since.
    pub(crate) fn runs_since(&mut self, since: Timestamp) -> Result<Option<(RunId, RunId)>> {
        let Some(last) = self.store.runs(1)?.first().map(|run| run.id) else { return Ok(None) };
        // One that began before may have been under way.
        let first = self.store.run_from(since)?.map_or(last, |first| RunId(first.0 - 1));
        Ok(Some((first, last)))
    }

    fn forget_old(&mut self, now: Timestamp) -> Result<()> {
        let Some(ms) = self.journal_ms else { return Ok(()) };
        if let Some(first) = self.store.run_from(now.plus_ms(-ms))? {
            self.store.prune_journal(first)?;
        }
        Ok(())
    }

    /// The store, for looking.
    pub fn store(&mut self) -> &mut dyn Store {
        self.store.as_mut()
    }

    pub(crate) fn system_of(&self, ty: TypeIx) -> usize {
        self.system_of[ty.at()]
    }

    /// Leaves a system alone for the rest of the run, and says why. Its checkpoint stays; others go
    /// on (G4). Where the trouble is that of a record type alone, `ty`, only that one is left alone
    /// (R8).
    pub(crate) fn pause(
        &mut self,
        under_way: &mut Underway,
        system: usize,
        ty: Option<TypeIx>,
        trouble: &Trouble,
    ) {
        let name = self.systems[system].name.clone();
        let alone = matches!(trouble, Trouble::Malformed(_))
            || self.systems[system].connector.types_fail_alone();
        if alone {
            let unreachable = matches!(trouble, Trouble::Unreachable(_) | Trouble::Busy { .. });
            under_way.report.system(&name).unreachable |= unreachable;
            match ty {
                Some(ty) => self.stop_type(under_way, ty, trouble.to_string()),
                None => self.tell_damage(under_way, system, &name, &trouble.to_string()),
            }
            return;
        }
        let counts = under_way.report.system(&name);
        counts.unreachable = matches!(trouble, Trouble::Unreachable(_) | Trouble::Busy { .. });
        counts.paused = Some(trouble.to_string());
        under_way.paused.insert(system, trouble.to_string());
        under_way.report.event(|| Event::Paused { system: name, message: trouble.to_string() });
    }

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
        let started = self.clock.now();
        let run = self.store.begin_run(started)?;
        let counts = self.store.review_counts()?;
        let reviews = counts.iter().any(|(_, n)| *n > 0);
        let doubted = counts.iter().any(|(kind, n)| *kind == ReviewKind::AnotherRecord && *n > 0);
        let names = self.systems.iter().map(|s| s.name.clone());
        let mut report = Report::new(&self.plan, names, run, started, self.pretends);
        report.every_event = options.every_event;
        let guards = self.guards(started, options.full)?;
        let damages = self.damages()?;
        let count = self.plan.types.len() as u16;
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
            first_read: all_types().filter(|ty| !self.status[ty.at()].complete).collect(),
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
        let mut types = options.only.unwrap_or_else(|| self.types_for(&options.part));
        if let Some(behind) =
            self.clock.behind().filter(|behind| behind.as_millis() > CLOCK_TOLD_MS)
        {
            let message = format!(
                "it was set back by {} s: times are counted on from before, so that no edit counts as older than what it changes",
                behind.as_secs()
            );
            under_way
                .report
                .event(|| Event::Fault { place: "this machine's clock".into(), message });
        }
        let first = self.status.iter().any(|status| !status.complete);
        if first {
            self.store.bulk(true)?;
        }
        let result = work(self, &mut under_way, &mut types)
            .and_then(|()| self.pass_own_writes(&mut under_way));
        let ended = if first { self.store.bulk(false) } else { Ok(()) };
        // The first failure is the one to tell.
        result?;
        ended?;
        if under_way.doubted {
            self.close_needless_questions(None)?;
        }
        self.arm(&under_way)?;
        under_way.report.part = self.tell_part(&under_way)?;
        self.keep_damages(&mut under_way, act.is_null())?;
        self.tell_failing(&mut under_way)?;
        let mut report = under_way.report;
        report.ended = self.clock.now();
        for (system, before) in self.systems.iter().zip(asked_before) {
            let now = system.connector.traffic();
            let of_this_run = Requests {
                sent: now.sent - before.sent,
                refused: now.refused - before.refused,
                waited_ms: now.waited_ms - before.waited_ms,
            };
            report.system(&system.name).requests = (of_this_run.sent > 0).then_some(of_this_run);
        }
        for (kind, n) in self.store.review_counts()? {
            if kind.needs_a_person() {
                report.reviews.insert(kind.name().into(), n);
            } else if kind == ReviewKind::Incomplete {
                report.incomplete = n;
            } else {
                report.waiting_references = n;
            }
        }
        if report.waiting_references + report.incomplete > 0 {
            self.tell_what_waits(&mut report)?;
        }
        let waits =
            |state| matches!(state, IntentState::Queued | IntentState::Sent | IntentState::Unknown);
        report.outbox = self
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
        self.store.end_run(run, report.ended, &summary)?;
        self.forget_old(report.ended)?;
        Ok(report)
    }

    pub(crate) fn rounds(
        &mut self,
        under_way: &mut Underway,
        types: &mut BTreeSet<TypeIx>,
    ) -> Result<()> {
        self.check_accounts(under_way)?;
        if self.waits_for_a_name(under_way)? {
            return Ok(());
        }
        // What a killed run left: answers that never came, an agenda half worked off, records held
        // for a reading.
        self.settle_unknown(under_way)?;
        self.follow_flows(under_way)?;
        if under_way.part.is_whole() {
            self.decide(under_way)?;
        }
        self.release_held()?;
        self.look_again(under_way, types)?;
        self.read_named(under_way, types)?;
        self.read(under_way, types)?;
        if self.waits_for_a_name(under_way)? {
            return Ok(());
        }
        let behind = self.behind(under_way);
        self.read(under_way, &behind)?;
        self.ask_about_twins(under_way)?;
        self.ask_about_queued(under_way)?;
        let mut again: BTreeSet<TypeIx> = BTreeSet::new();
        let most = MOST_ROUNDS + self.plan.types.len();
        let mut before = BTreeMap::new();
        for _ in 0..most {
            before = under_way.report.writes_by_flow();
            again.extend(self.decide(under_way)?);
            self.flows_followed(under_way)?;
            let sent = self.deliver(under_way)?;
            // P5: what a write did whose answer was lost is found out before anything is read: read
            // as a page, it would be an edit.
            if std::mem::take(&mut under_way.unknown) {
                self.settle_unknown(under_way)?;
                continue;
            }
            if !under_way.to_read.is_empty() {
                self.read_back(under_way)?;
                continue;
            }
            if sent
                && self
                    .store
                    .agenda(1)?
                    .first()
                    .is_some_and(|(rank, _)| *rank < crate::decide::HELD)
            {
                continue;
            }
            // L8: the other side is read again, then what was held is decided.
            again.retain(|ty| {
                !under_way.paused.contains_key(&self.system_of(*ty))
                    && !under_way.damages.hides_records(*ty)
            });
            if again.is_empty() {
                if sent || self.look_again_soon(under_way, types)? {
                    continue;
                }
                return Ok(());
            }
            self.read(under_way, &std::mem::take(&mut again))?;
            self.release_held()?;
        }
        // G8: nothing is given up without a word. What is left stays on the agenda and in the
        // outbox.
        let left = self.store.agenda(1)?.iter().any(|(rank, _)| *rank < crate::decide::HELD);
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

    /// Names references that wait (P8) and records that lack what the target requires (C4), in
    /// every run until they have been written.
    fn tell_what_waits(&mut self, report: &mut Report) -> Result<()> {
        let mut waiting = self.store.reviews(usize::MAX >> 1)?;
        waiting.retain(|review| !review.kind.needs_a_person());
        waiting.truncate(WAITING_SHOWN);
        let ids: Vec<RecordId> = waiting.iter().map(|review| review.record).collect();
        let records = self.store.records(&ids)?;
        for review in waiting {
            let Some(record) = records.iter().find(|record| record.id == review.record) else {
                continue;
            };
            let (plan, name) = (&self.plan, self.name_of(record));
            let between =
                plan.flows.iter().position(|flow| flow.from == record.ty && flow.to == review.ty);
            let into = || plan.flows.iter().position(|flow| flow.to == record.ty);
            let flow = between
                .or_else(into)
                .or_else(|| plan.flows.iter().position(|flow| flow.from == record.ty))
                .unwrap_or(0);
            report.event(|| Event::Waits {
                flow: plan.flow_name(FlowIx(flow as u16)),
                record: name,
                message: review.message,
                rule: review.rule.to_string(),
            });
        }
        Ok(())
    }

    /// R6: lists what was written where records can't be read one by one, and the answers did not
    /// tell what became of the writes.
    fn read_back(&mut self, under_way: &mut Underway) -> Result<()> {
        let mut types = std::mem::take(&mut under_way.to_read);
        types.retain(|ty| !under_way.paused.contains_key(&self.system_of(*ty)));
        under_way.reading_back = true;
        let read = self.read(under_way, &types);
        under_way.reading_back = false;
        read
    }

    /// P1: what was decided and what waits to be sent followed the flows as they were then. Where
    /// they are others now, every record is decided on anew: a changed conversion or policy holds
    /// for what is linked already, and what is not asked for any more is not sent.
    fn follow_flows(&mut self, under_way: &mut Underway) -> Result<()> {
        let now = json!(format!("{:x}", self.plan.fingerprint_of_flows()));
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        under_way.reconsider = marks.contains_key(RECONSIDER);
        if marks.get(FLOWS) == Some(&now) {
            return Ok(());
        }
        let first = !marks.contains_key(FLOWS);
        let mut mark = Commit { marks: vec![(FLOWS.into(), Some(now))], ..Commit::default() };
        let mut waiting = self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
        waiting.extend(self.store.intents_in(IntentState::Refused, usize::MAX >> 1)?);
        let mut ids: Vec<_> = waiting
            .iter()
            .flat_map(|intent| [Some(intent.source), intent.record])
            .flatten()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let records = self.store.records(&ids)?;
        mark.agenda_added =
            records.iter().map(|record| (self.plan.ty(record.ty).decide_rank, record.id)).collect();
        if !first {
            for ty in (0..self.plan.types.len() as u16).map(TypeIx) {
                let rank = self.plan.ty(ty).decide_rank;
                let mut after: Option<String> = None;
                loop {
                    let page = self.store.live_keys(ty, after.as_deref(), AT_ONCE)?;
                    let Some((last, _)) = page.last() else { break };
                    after = Some(last.clone());
                    let agenda_added = page.iter().map(|(_, id)| (rank, *id)).collect();
                    self.store.commit(Commit { agenda_added, ..Commit::default() })?;
                }
            }
            mark.marks.push((RECONSIDER.into(), Some(json!(true))));
            under_way.reconsider = true;
        }
        Ok(self.store.commit(mark)?)
    }

    /// Everything has been decided on by the flows as they are now.
    fn flows_followed(&mut self, under_way: &mut Underway) -> Result<()> {
        // What is left on the agenda is to be decided on anew by the next run, too.
        if !under_way.part.is_whole()
            && self.store.agenda(1)?.first().is_some_and(|(rank, _)| *rank < crate::decide::HELD)
        {
            return Ok(());
        }
        if std::mem::take(&mut under_way.reconsider) {
            self.store
                .commit(Commit { marks: vec![(RECONSIDER.into(), None)], ..Commit::default() })?;
        }
        Ok(())
    }

    /// Moves the checkpoints of what was written past the run's own writes, where that costs next
    /// to nothing: the next run then has nothing to read.
    fn pass_own_writes(&mut self, under_way: &mut Underway) -> Result<()> {
        let written = std::mem::take(&mut under_way.written);
        let cheap = |ty: &TypeIx| {
            self.systems[self.system_of(*ty)].connector.knows_own_writes() && !self.pretends
        };
        let mut types: BTreeSet<TypeIx> = written.into_iter().filter(cheap).collect();
        types.retain(|ty| !under_way.damages.stops(*ty));
        self.read(under_way, &types)
    }

    /// L8: the record types in which something may be created for records that are newer than what
    /// has been read of them. Read again before deciding, which spares deciding twice.
    fn behind(&self, under_way: &Underway) -> BTreeSet<TypeIx> {
        let older = |ty: TypeIx, seen: Timestamp| {
            self.status[ty.at()].read_from.is_some_and(|from| from < seen)
        };
        // A row of the flow the other way round is a row of this one, too.
        let matches = |flow: &PlanFlow| {
            self.plan.ty(flow.from).match_sides.iter().any(|side| side.other == flow.to)
        };
        let creates = |flow: &&PlanFlow| flow.create != PlanCreate::Never && matches(flow);
        let flows = self.plan.flows.iter().filter(creates);
        let behind = flows
            .filter(|flow| {
                under_way.newest.get(&flow.from).is_some_and(|seen| older(flow.to, *seen))
            })
            .map(|flow| flow.to);
        behind
            .filter(|ty| {
                !under_way.paused.contains_key(&self.system_of(*ty))
                    && !under_way.damages.stops(*ty)
            })
            .collect()
    }

    /// G1: what a run would do, record by record and property by property. Reads the systems,
    /// writes nothing anywhere: all is decided in a copy of the store, with systems that only
    /// pretend to take what they are given.
    pub fn plan(&mut self, options: RunOptions<'_>) -> Result<Report> {
        let scratch = self.store.scratch()?;
        let systems = self
            .systems
            .iter()
            .map(|system| System {
                name: system.name.clone(),
                connector: Arc::new(Pretend::new(system.connector.clone())),
            })
            .collect();
        let plan = std::mem::take(&mut self.plan);
        let mut pretending = Hub {
            plan,
            systems,
            store: scratch,
            clock: self.clock.clone(),
            status: self.status.clone(),
            accounts_checked: self.accounts_checked,
            identity: self.identity.clone(),
            safeguards: self.safeguards.clone(),
            system_of: self.system_of.clone(),
            pretends: true,
            one_thread: self.one_thread,
            chance: None,
            journal_ms: None,
        };
        let result = pretending.run(options);
        self.plan = pretending.plan;
        result
    }

    /// Records a commit of the caller's, for `link`, `unlink` and their like.
    pub fn commit(&mut self, commit: Commit) -> Result<()> {
        Ok(self.store.commit(commit)?)
    }
}

/// A connector that reads for real and only pretends to write.
struct Pretend {
    real: Arc<dyn Connector>,
    made: std::sync::atomic::AtomicU64,
}

impl Pretend {
    fn new(real: Arc<dyn Connector>) -> Self {
        Pretend { real, made: std::sync::atomic::AtomicU64::new(1) }
    }
}

impl Connector for Pretend {
    fn types(&self) -> &[TypeSchema] {
        self.real.types()
    }

    fn answers(&self, _: &str, _: bool) -> Answers {
        Answers::Stored
    }

    fn test(&self) -> std::result::Result<String, Trouble> {
        self.real.test()
    }

    fn account(&self) -> std::result::Result<Option<String>, Trouble> {
        self.real.account()
    }

    fn read(&self, request: ReadRequest<'_>) -> std::result::Result<Page, Trouble> {
        self.real.read(request)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> std::result::Result<Option<ReadRecord>, Trouble> {
        self.real.get(kind, watch, id)
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> std::result::Result<Option<Vec<ReadRecord>>, Trouble> {
        self.real.find(kind, watch, prop, value)
    }

    fn write(&self, _: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let done = |write: &Write| {
            let mut values = vec![None; watch.len()];
            for value in &write.values {
                values[value.prop] = Some(value.value.clone());
            }
            let id = match &write.action {
                // No system has such an id: a number below none, that also a reference of type
                // integer can hold.
                Action::Create => {
                    format!("-{}", self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                }
                Action::Update { id, .. } | Action::Delete { id, .. } => id.clone(),
            };
            Outcome::Done(ReadRecord { id, version: None, modified: None, deleted: false, values })
        };
        writes.iter().map(done).collect()
    }

    fn types_fail_alone(&self) -> bool {
        self.real.types_fail_alone()
    }

    fn gone_is_certain(&self) -> bool {
        self.real.gone_is_certain()
    }

    fn tells_faults_each_time(&self) -> bool {
        self.real.tells_faults_each_time()
    }

    fn traffic(&self) -> Traffic {
        self.real.traffic()
    }

    fn batch(&self, kind: &str) -> usize {
        self.real.batch(kind)
    }

    fn at_once(&self) -> usize {
        self.real.at_once()
    }
}
