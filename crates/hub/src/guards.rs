//! Guards: what keeps a run from writing more than a person would believe (G3), and a flow from its
//! first run before a person has seen the plan (G2).
//!
//! Writes are counted per system and kind as they are decided, before the first of them is sent.
//! Over a limit nothing is sent, what was decided waits in the outbox, and a review names the
//! guard; it stays tripped, also for later runs, until a person releases it, discards what waits,
//! or nothing waits any more. The counting of creations and updates begins once both record types
//! have been through a whole run: a first run legitimately writes much, and has a plan to be looked
//! at. Deletions are counted always.
//!
//! Two kinds of change do more harm than their number of writes tells, and are counted for each
//! property: values that are emptied (a key whose scope no longer shows telephone numbers empties
//! all of them elsewhere), counted always, and values by which records are matched, overwritten by
//! others.
//!
//! What was released, approved and armed is remembered in the store's marks: `release:SYSTEM:KIND`
//! the number of the last intent that is let through, `release:vanished:TYPE` and
//! `release:lost:TYPE` that the next reading is believed, `armed:TYPE` and `approved:FLOW` the
//! fingerprint of what was armed and approved, `full:TYPE` when it was last listed whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::limits::{GuardKind, Limits};
use lockstep_model::value::{equal, is_empty};
use lockstep_model::{
    Change, FlowIx, Intent, IntentId, IntentKind, IntentState, Presence, PropIx, RecordId,
    RecordState, Review, ReviewKind, Rule, Timestamp, TypeIx, Value,
};
use lockstep_store::{Commit, JournalEntry, JournalKind, ReviewKey, TypeStatus};
use serde::Serialize;
use serde_json::json;

use crate::deliver::step;
use crate::run::{Hub, Result, Underway};

/// Where a system does not tell of deletions, everything is listed this often unless the project
/// says otherwise (R3).
pub const FULL_SCAN_MS: i64 = 24 * 3_600_000;

/// What a project sets of guards.
#[derive(Clone, Debug, Default)]
pub struct Safeguards {
    /// By system; the defaults for those that are not named.
    pub limits: BTreeMap<String, Limits>,
    /// By record type, `system.Type`: how often everything is listed, in milliseconds.
    pub full_scans_ms: BTreeMap<String, i64>,
}

/// A guard that has tripped, or would.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrippedGuard {
    pub system: String,
    /// `creates`, `updates`, `deletes`, `vanished`, `lost`, `clears`, `match_values`
    pub guard: &'static str,
    /// The record type, for a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_type: Option<String>,
    /// In words, with what to do.
    pub message: String,
}

/// How many values of a property are to be changed.
type Values = BTreeMap<(GuardKind, TypeIx, PropIx), u64>;

/// The guards of a run under way.
#[derive(Default)]
pub(crate) struct Guards {
    /// Writes that this run has decided, or found waiting, and that no person has let through.
    planned: HashMap<(usize, IntentKind), u64>,
    /// The same of values of single properties.
    values: Values,
    /// Up to these numbers, intents are let through.
    through: HashMap<(usize, GuardKind), IntentId>,
    /// The last intents that were not counted, as they are of a first run.
    first_runs: HashMap<(usize, GuardKind), IntentId>,
    /// A person has seen what this run writes: nothing of it is counted.
    pub approved: bool,
    /// Guards of writes that have tripped.
    tripped: BTreeSet<(usize, GuardKind)>,
    /// Record types whose last reading is not believed, and by which guard: nothing is written
    /// there.
    pub stopped: BTreeSet<(TypeIx, GuardKind)>,
    /// Record types that have been through a whole run.
    armed: Vec<bool>,
    /// How many records of a system were known when the run began.
    known: Vec<u64>,
    /// Record types of which everything is to be listed in this run (R3).
    pub full: BTreeSet<TypeIx>,
    /// Record types whose next reading is believed whatever a guard says.
    pub believed: BTreeSet<(TypeIx, GuardKind)>,
}

impl Guards {
    /// Nothing is written to the record type.
    pub(crate) fn stops(&self, ty: TypeIx) -> bool {
        self.stopped.iter().any(|(stopped, _)| *stopped == ty)
    }
}

impl Guards {
    /// A person has said that the next listing of the record type is to be believed, whatever it
    /// lacks and shows.
    pub(crate) fn believes_all_of(&self, ty: TypeIx) -> bool {
        self.believed.contains(&(ty, GuardKind::Vanished))
    }
}

impl Hub {
    /// Sets the limits and how often everything is listed.
    pub fn set_safeguards(&mut self, safeguards: Safeguards) {
        self.safeguards = safeguards;
    }

    pub(crate) fn limits(&self, system: &str) -> Limits {
        self.safeguards.limits.get(system).copied().unwrap_or_default()
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = TypeIx> + use<> {
        (0..self.plan.types.len() as u16).map(TypeIx)
    }

    /// A review belongs to a record type: for a system's guard, the first one it has.
    pub(crate) fn type_for(&self, system: usize) -> TypeIx {
        self.types().find(|ty| self.system_of(*ty) == system).unwrap_or(TypeIx(0))
    }

    fn release_mark(&self, system: usize, guard: GuardKind) -> String {
        format!("release:{}:{}", self.systems[system].name, guard.name())
    }

    /// Which guards of single values count this change of a record.
    fn values_changed(&self, intent: &Intent) -> impl Iterator<Item = (GuardKind, PropIx)> {
        let ty = self.plan.ty(intent.ty);
        let matched = move |prop: PropIx| {
            ty.match_sides.iter().any(|side| side.props.iter().any(|one| one.prop == prop))
        };
        let guard = move |change: &Change| {
            let before: &Value = &change.displaced;
            match () {
                _ if is_empty(before) || change.counterpart_of.is_some() => None,
                _ if is_empty(&change.value) => Some((GuardKind::Clears, change.prop)),
                _ if matched(change.prop) && !equal(before, &change.value) => {
                    Some((GuardKind::MatchValues, change.prop))
                }
                _ => None,
            }
        };
        let updates = intent.kind == IntentKind::Update;
        intent.changes.iter().filter(move |_| updates).filter_map(guard)
    }

    /// The mark by which a person lets the next reading of a record type pass a guard.
    pub(crate) fn release_type_mark(&self, ty: TypeIx, kind: GuardKind) -> String {
        self.type_mark(&format!("release:{}", kind.name()), ty)
    }

    fn type_mark(&self, what: &str, ty: TypeIx) -> String {
        format!("{what}:{}", self.plan.ty(ty).name)
    }

    /// The guards as earlier runs and persons have left them. `full` asks for everything to be
    /// listed.
    pub(crate) fn guards(&mut self, now: Timestamp, full: bool) -> Result<Guards> {
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let mut guards = Guards { known: vec![0; self.systems.len()], ..Guards::default() };
        for ty in self.types() {
            let fingerprint = format!("{:x}", self.plan.ty(ty).fingerprint);
            guards.armed.push(marks.get(&self.type_mark("armed", ty)) == Some(&json!(fingerprint)));
            guards.known[self.system_of(ty)] += self.status[ty.at()].records;
            for kind in [GuardKind::Vanished, GuardKind::Lost] {
                if marks.contains_key(&self.release_type_mark(ty, kind)) {
                    guards.believed.insert((ty, kind));
                }
            }
            let (can, name) = (self.plan.ty(ty).can, self.plan.ty(ty).name.to_string());
            let usual = (can.since && !can.tells_deletions).then_some(FULL_SCAN_MS);
            let every = self.safeguards.full_scans_ms.get(&name).copied().or(usual);
            let last = marks.get(&self.type_mark("full", ty));
            let at = last.and_then(|last| last["at"].as_i64());
            let owed = last.is_some_and(|last| last["owed"] == true);
            let is_due = every.is_some_and(|every| at.is_none_or(|at| now.0 - at >= every));
            if full || owed || is_due {
                guards.full.insert(ty);
            }
        }
        for system in 0..self.systems.len() {
            for guard in GuardKind::ALL.into_iter().filter(|guard| guard.writes().is_some()) {
                if let Some(id) =
                    marks.get(&self.release_mark(system, guard)).and_then(Value::as_i64)
                {
                    guards.through.insert((system, guard), IntentId(id));
                }
            }
        }
        if self
            .store
            .intent_counts()?
            .iter()
            .any(|(state, n)| *state == IntentState::Queued && *n > 0)
        {
            for system in 0..self.systems.len() {
                for kind in [IntentKind::Create, IntentKind::Update, IntentKind::Delete] {
                    let waiting = self.waiting(&guards, system, kind)?;
                    guards.planned.insert((system, kind), waiting);
                }
            }
            guards.values = self.values_waiting(&guards)?;
        }
        for review in self.open_guard_reviews()? {
            match GuardKind::of_stand_in(review.record) {
                Some(kind) if kind.writes().is_none() => {
                    guards.stopped.insert((review.ty, kind));
                }
                Some(kind) => {
                    guards.tripped.insert((self.system_of(review.ty), kind));
                }
                None => {}
            }
        }
        Ok(guards)
    }

    fn open_guard_reviews(&mut self) -> Result<Vec<Review>> {
        if !self.store.review_counts()?.iter().any(|(kind, n)| *kind == ReviewKind::Guard && *n > 0)
        {
            return Ok(vec![]);
        }
        let mut reviews = self.store.reviews(usize::MAX >> 1)?;
        reviews.retain(|review| review.kind == ReviewKind::Guard);
        Ok(reviews)
    }

    /// How many writes of a kind wait for a system and have not been let through.
    fn waiting(&mut self, guards: &Guards, system: usize, kind: IntentKind) -> Result<u64> {
        let after =
            guards.through.get(&(system, GuardKind::of(kind))).copied().unwrap_or(IntentId(0));
        let mut waiting = 0;
        let counts = |ty: TypeIx| kind == IntentKind::Delete || guards.armed[ty.at()];
        let types: Vec<TypeIx> =
            self.types().filter(|ty| self.system_of(*ty) == system && counts(*ty)).collect();
        for ty in types {
            waiting += self.store.queued(ty, kind, after)?;
        }
        Ok(waiting)
    }

    /// How many values of each property wait to be changed and have not been let through.
    fn values_waiting(&mut self, guards: &Guards) -> Result<Values> {
        let mut updates = 0;
        for ty in self.types() {
            updates += self.store.queued(ty, IntentKind::Update, IntentId(0))?;
        }
        let mut values = Values::new();
        if updates > 0 {
            for intent in self.store.intents_in(IntentState::Queued, usize::MAX >> 1)? {
                for (guard, prop) in self
                    .values_changed(&intent)
                    .filter(|(guard, _)| guards.counts_value(*guard, &intent))
                {
                    let through = guards.through.get(&(self.system_of(intent.ty), guard));
                    if through.is_none_or(|through| intent.id > *through) {
                        *values.entry((guard, intent.ty, prop)).or_default() += 1;
                    }
                }
            }
        }
        Ok(values)
    }

    /// Counts what has just been decided.
    pub(crate) fn count_for_guards(
        &self,
        under_way: &mut Underway,
        new: &[Intent],
        dropped: &[&Intent],
        type_of: impl Fn(RecordId) -> Option<TypeIx>,
    ) {
        if under_way.guards.approved {
            for intent in new {
                for guard in
                    GuardKind::ALL.into_iter().filter(|guard| guard.writes() == Some(intent.kind))
                {
                    under_way
                        .guards
                        .first_runs
                        .insert((self.system_of(intent.ty), guard), intent.id);
                }
            }
            return;
        }
        for intent in new {
            for (guard, prop) in self.values_changed(intent) {
                if under_way.guards.counts_value(guard, intent) {
                    *under_way.guards.values.entry((guard, intent.ty, prop)).or_default() += 1;
                } else {
                    under_way
                        .guards
                        .first_runs
                        .insert((self.system_of(intent.ty), guard), intent.id);
                }
            }
        }
        for intent in dropped {
            for (guard, prop) in self.values_changed(intent) {
                let through =
                    under_way.guards.through.get(&(self.system_of(intent.ty), guard)).copied();
                let counted = under_way.guards.counts_value(guard, intent)
                    && through.is_none_or(|through| intent.id > through);
                if let Some(count) =
                    under_way.guards.values.get_mut(&(guard, intent.ty, prop)).filter(|_| counted)
                {
                    *count = count.saturating_sub(1);
                }
            }
        }
        let Guards { planned, through, armed, first_runs, .. } = &mut under_way.guards;
        let counts = |intent: &Intent| {
            let armed = |ty: TypeIx| armed[ty.at()];
            intent.kind == IntentKind::Delete
                || armed(intent.ty) && type_of(intent.source).is_none_or(armed)
        };
        for intent in new {
            let key = (self.system_of(intent.ty), intent.kind);
            if counts(intent) {
                *planned.entry(key).or_default() += 1;
            } else {
                first_runs.insert((key.0, GuardKind::of(intent.kind)), intent.id);
            }
        }
        for intent in dropped.iter().filter(|intent| counts(intent)) {
            let key = (self.system_of(intent.ty), intent.kind);
            if through
                .get(&(key.0, GuardKind::of(key.1)))
                .is_none_or(|through| intent.id > *through)
                && let Some(planned) = planned.get_mut(&key)
            {
                *planned = planned.saturating_sub(1);
            }
        }
    }

    /// G3: whether anything may be written now. Where a guard has tripped, nothing may, and the
    /// report and a review say so. A plan goes on, to show what would be written.
    pub(crate) fn may_write(&mut self, under_way: &mut Underway) -> Result<bool> {
        if self.pretends && under_way.report.guards.iter().any(|line| line.record_type.is_none()) {
            return Ok(true);
        }
        let mut commit = Commit::default();
        let over: Vec<(usize, IntentKind)> = (under_way.guards.planned.iter())
            .filter(|((system, kind), planned)| {
                let limit = self.limits(&self.systems[*system].name).of(GuardKind::of(*kind));
                limit.most(under_way.guards.known[*system]).is_some_and(|most| **planned > most)
            })
            .map(|(key, _)| *key)
            .collect();
        let mut fresh: BTreeSet<_> =
            over.iter().map(|(system, kind)| (*system, GuardKind::of(*kind))).collect();
        let too_many = self.values_over(under_way);
        fresh.extend(too_many.iter().map(|((guard, ty, _), _)| (self.system_of(*ty), *guard)));
        let all: BTreeSet<_> = under_way.guards.tripped.union(&fresh).copied().collect();
        under_way.report.guards.retain(|line| line.record_type.is_some());
        for (system, guard) in all {
            let Some(kind) = guard.writes() else { continue };
            let of_properties: Option<Values> = match guard.is_of_a_property() {
                true => {
                    let mut values = self.values_waiting(&under_way.guards)?;
                    values.retain(|(of, ty, _), _| *of == guard && self.system_of(*ty) == system);
                    Some(values)
                }
                false => None,
            };
            let waiting = match &of_properties {
                Some(values) => values.values().copied().max().unwrap_or(0),
                None => self.waiting(&under_way.guards, system, kind)?,
            };
            let ty = self.type_for(system);
            if waiting == 0 {
                // Nothing waits any more: what was to be written has been decided otherwise.
                if under_way.guards.tripped.remove(&(system, guard)) {
                    let key = ReviewKey {
                        kind: ReviewKind::Guard,
                        record: guard.stand_in(),
                        ty,
                        prop: None,
                    };
                    commit.reviews_closed.push(key);
                }
                continue;
            }
            under_way.guards.tripped.insert((system, guard));
            let name = self.systems[system].name.clone();
            let limit = self.limits(&name).of(guard);
            let known = under_way.guards.known[system];
            let answers = format!(
                "`lockstep plan` shows them, `lockstep release --system {name}` lets them through, with `--discard` they are given up"
            );
            let message = match &of_properties {
                None => format!(
                    "{waiting} {} in {name} wait, the limit is {limit} of {known} records known: nothing is written before a person \
                     has looked. {answers}",
                    guard.name()
                ),
                Some(values) => format!(
                    "{}, the limit is {limit} of the records of its type: nothing is written before a person has looked. {answers}",
                    self.values_in_words(guard, values)
                ),
            };
            commit.reviews_opened.push(Review {
                kind: ReviewKind::Guard,
                record: guard.stand_in(),
                ty,
                prop: None,
                rule: Rule::G3,
                candidates: vec![],
                value: json!({"system": name, "guard": guard.name(), "waiting": waiting, "known": known, "limit": limit.to_string()}),
                message: message.clone(),
                opened_at: self.clock.now(),
            });
            under_way.report.guards.push(TrippedGuard {
                system: name,
                guard: guard.name(),
                record_type: None,
                message,
            });
        }
        if commit != Commit::default() {
            self.store.commit(commit)?;
        }
        Ok(under_way.guards.tripped.is_empty() || self.pretends)
    }

    /// The properties of which more values are to be changed than the limits let through.
    fn values_over(&self, under_way: &Underway) -> Vec<((GuardKind, TypeIx, PropIx), u64)> {
        let over = |(guard, ty, _): (GuardKind, TypeIx, PropIx), count: u64| {
            let limit = self.limits(&self.plan.ty(ty).name.system).of(guard);
            limit.most(self.status[ty.at()].records).is_some_and(|most| count > most)
        };
        under_way
            .guards
            .values
            .iter()
            .map(|(of, count)| (*of, *count))
            .filter(|(of, count)| over(*of, *count))
            .collect()
    }

    /// `400 of 400 values of `phone` in shop.Customers would be emptied`
    fn values_in_words(&self, guard: GuardKind, values: &Values) -> String {
        let what = if guard == GuardKind::Clears {
            "would be emptied"
        } else {
            "by which records are matched would be overwritten"
        };
        let one = |(&(_, ty, prop), count): (&(GuardKind, TypeIx, PropIx), &u64)| {
            let known = self.status[ty.at()].records;
            format!(
                "{count} of {known} values of `{}` in {}",
                self.plan.prop(ty, prop).name,
                self.plan.ty(ty).name
            )
        };
        format!("{} {what}", values.iter().map(one).collect::<Vec<_>>().join(", "))
    }

    /// G3: whether a listing that lacks so many records is to be believed. `known` is how many
    /// there were.
    pub(crate) fn believes(
        &self,
        under_way: &Underway,
        ty: TypeIx,
        lacking: u64,
        known: u64,
    ) -> bool {
        if lacking == 0 || under_way.guards.believed.contains(&(ty, GuardKind::Vanished)) {
            return true;
        }
        let limit = self.limits(&self.plan.ty(ty).name.system).vanished;
        limit.most(known).is_none_or(|most| lacking <= most && lacking < known)
    }

    /// A listing is not believed: the record type stays as it was before the reading, and the next
    /// reading begins there too.
    pub(crate) fn stop_listing(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        before: TypeStatus,
        lacking: u64,
        known: u64,
    ) -> Result<()> {
        let name = self.plan.ty(ty).name.clone();
        let lists = if lacking >= known {
            "lists none".into()
        } else {
            format!("lists {} of them", known - lacking)
        };
        let message = format!(
            "{name} had {known} records and {lists} now: nothing is taken as deleted from that, and nothing is written to {name}. \
             `lockstep release --system {}` believes it",
            name.system
        );
        self.status[ty.at()] = TypeStatus { records: self.status[ty.at()].records, ..before };
        let review = Review {
            kind: ReviewKind::Guard,
            record: GuardKind::Vanished.stand_in(),
            ty,
            prop: None,
            rule: Rule::G3,
            candidates: vec![],
            value: json!({"system": name.system, "guard": "vanished", "type": name.to_string(), "lacking": lacking, "known": known}),
            message: message.clone(),
            opened_at: self.clock.now(),
        };
        under_way.guards.stopped.insert((ty, GuardKind::Vanished));
        under_way.report.guards.retain(|line| {
            line.record_type.as_ref() != Some(&name.to_string()) || line.guard != "vanished"
        });
        under_way.report.guards.push(TrippedGuard {
            system: name.system.clone(),
            guard: GuardKind::Vanished.name(),
            record_type: Some(name.to_string()),
            message,
        });
        let mut commit = Commit {
            types: vec![(ty, self.status[ty.at()].clone())],
            reviews_opened: vec![review],
            ..Commit::default()
        };
        self.listed_whole(ty, false, &mut commit);
        Ok(self.store.commit(commit)?)
    }

    /// A listing was believed: what stood against the record type is settled.
    pub(crate) fn listing_believed(
        &self,
        under_way: &mut Underway,
        ty: TypeIx,
        commit: &mut Commit,
    ) {
        if under_way.guards.stopped.remove(&(ty, GuardKind::Vanished)) {
            let record = GuardKind::Vanished.stand_in();
            commit.reviews_closed.push(ReviewKey {
                kind: ReviewKind::Guard,
                record,
                ty,
                prop: None,
            });
        }
        if under_way.guards.believed.remove(&(ty, GuardKind::Vanished)) {
            commit.marks.push((self.release_type_mark(ty, GuardKind::Vanished), None));
        }
    }

    /// Remembers that everything of a record type has been listed, or that it is still owed: a
    /// listing that a killed run had begun says nothing about what is absent, nor does one that is
    /// not believed, or a record that could not be looked up.
    pub(crate) fn listed_whole(&self, ty: TypeIx, whole: bool, commit: &mut Commit) {
        let mark = if whole { json!({"at": self.clock.now().0}) } else { json!({"owed": true}) };
        commit.marks.push((self.type_mark("full", ty), Some(mark)));
    }

    /// A run has come to its end: what it read whole is armed from now on, and its flows have had
    /// their first run.
    pub(crate) fn arm(&mut self, under_way: &Underway) -> Result<()> {
        let mut marks = Vec::new();
        let not_whole = self.not_whole(under_way)?;
        let ended = |ty: &TypeIx| {
            let whole = self.status[ty.at()].complete && !not_whole.contains(ty);
            whole && !under_way.guards.armed[ty.at()] && !under_way.renamed.contains(ty)
        };
        for ty in self.types().filter(ended) {
            marks.push((
                self.type_mark("armed", ty),
                Some(json!(format!("{:x}", self.plan.ty(ty).fingerprint))),
            ));
        }
        // What a first run leaves over is not counted by the next one either.
        for ((system, guard), id) in &under_way.guards.first_runs {
            if !under_way.guards.tripped.contains(&(*system, *guard)) {
                marks.push((self.release_mark(*system, *guard), Some(json!(id.0))));
            }
        }
        let complete = |ty: TypeIx| self.status[ty.at()].complete && !not_whole.contains(&ty);
        let ran: BTreeSet<String> = (0..self.plan.flows.len() as u16)
            .map(FlowIx)
            .filter(|flow| {
                complete(self.plan.flows[flow.at()].from) && complete(self.plan.flows[flow.at()].to)
            })
            .map(|flow| self.plan.flow_name(flow))
            .collect();
        let approved = self.approval()?.into_iter().filter(|(_, _, name)| ran.contains(name));
        marks.extend(approved.map(|(mark, fingerprint, _)| (mark, Some(fingerprint))));
        if marks.is_empty() {
            return Ok(());
        }
        Ok(self.store.commit(Commit { marks, ..Commit::default() })?)
    }

    /// Flows that are not approved as they are: their marks, fingerprints and names.
    fn approval(&mut self) -> Result<Vec<(String, Value, String)>> {
        let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
        let flows = (0..self.plan.flows.len() as u16).map(FlowIx).map(|flow| {
            let name = self.plan.flow_name(flow);
            (
                format!("approved:{name}"),
                json!(format!("{:x}", self.plan.flows[flow.at()].fingerprint)),
                name,
            )
        });
        Ok(flows.filter(|(mark, fingerprint, _)| marks.get(mark) != Some(fingerprint)).collect())
    }

    /// G2: the flows that have not run as they are now, and that no person has approved.
    pub fn unapproved(&mut self) -> Result<Vec<String>> {
        Ok(self.approval()?.into_iter().map(|(_, _, name)| name).collect())
    }

    /// G2: a person has seen the plan, and lets every flow run as it is now. Gives those that had
    /// not been approved.
    pub fn approve(&mut self) -> Result<Vec<String>> {
        let flows = self.approval()?;
        let marks = flows
            .iter()
            .map(|(mark, fingerprint, _)| (mark.clone(), Some(fingerprint.clone())))
            .collect();
        self.store.commit(Commit { marks, durable: true, ..Commit::default() })?;
        Ok(flows.into_iter().map(|(_, _, name)| name).collect())
    }

    /// The guards that wait for a person.
    pub fn tripped_guards(&mut self) -> Result<Vec<TrippedGuard>> {
        let reviews = self.open_guard_reviews()?;
        let line = |review: Review| {
            let kind = GuardKind::of_stand_in(review.record)?;
            let name = &self.plan.ty(review.ty).name;
            Some(TrippedGuard {
                system: name.system.clone(),
                guard: kind.name(),
                record_type: kind.writes().is_none().then(|| name.to_string()),
                message: review.message,
            })
        };
        let mut lines: Vec<TrippedGuard> = reviews.into_iter().filter_map(line).collect();
        lines.extend(self.lookalike_lines()?);
        Ok(lines)
    }

    /// A person lets through what a guard holds back, as it is now: the next run writes it, or
    /// believes the listing. Gives how many guards of this system and kind there were.
    pub fn release(&mut self, system: &str, kind: GuardKind) -> Result<usize> {
        self.answer_guard(system, kind, false)
    }

    /// A person gives up what a guard holds back: those writes are not made. They are decided anew
    /// when one of their records changes; a record whose deletion was to be passed on is kept for
    /// good. A listing is simply read again. Of values that were to be emptied or overwritten only
    /// these are given up, not what else is written with them.
    pub fn discard(&mut self, system: &str, kind: GuardKind) -> Result<usize> {
        self.answer_guard(system, kind, true)
    }

    /// How many writes a guard that has tripped holds back; `None` for one that is about a listing.
    pub(crate) fn held_back(&mut self, system: &str, kind: GuardKind) -> Result<Option<u64>> {
        let Some(write) = kind.writes() else { return Ok(None) };
        let Some(at) = self.systems.iter().position(|known| known.name == system) else {
            return Ok(Some(0));
        };
        let guards = self.guards(self.clock.now(), false)?;
        if kind.is_of_a_property() {
            let waiting = guards
                .values
                .iter()
                .filter(|((guard, ty, _), _)| *guard == kind && self.system_of(*ty) == at);
            return Ok(Some(waiting.map(|(_, count)| *count).max().unwrap_or(0)));
        }
        Ok(Some(self.waiting(&guards, at, write)?))
    }

    fn answer_guard(&mut self, system: &str, kind: GuardKind, discard: bool) -> Result<usize> {
        let now = self.clock.now();
        let run = self.store.runs(1)?.first().map_or(lockstep_model::RunId(0), |run| run.id);
        let names =
            if kind == GuardKind::Vanished && !discard { self.are_not_renamed(system)? } else { 0 };
        let mut reviews = self.open_guard_reviews()?;
        reviews.retain(|review| {
            review.record == kind.stand_in() && self.plan.ty(review.ty).name.system == system
        });
        if reviews.is_empty() {
            return Ok(names);
        }
        let mut commit = Commit { durable: true, ..Commit::default() };
        commit.reviews_closed = reviews.iter().map(ReviewKey::of).collect();
        let word = if discard { "discarded" } else { "released" };
        let line = |record: RecordId, other, intent, text: String| JournalEntry {
            at: now,
            run,
            kind: JournalKind::Person,
            record,
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::G3),
            other,
            intent,
            text,
        };
        commit.journal.push(line(
            kind.stand_in(),
            None,
            None,
            format!("the guard of {} in {system} was {word}", kind.name()),
        ));
        let at = self.systems.iter().position(|known| known.name == system).unwrap_or(0);
        match kind.writes() {
            None if !discard => {
                let marks = reviews
                    .iter()
                    .map(|review| (self.release_type_mark(review.ty, kind), Some(json!(true))));
                commit.marks = marks.collect();
            }
            None => {}
            Some(_) if !discard => {
                let through = self.store.take_intent_ids(1)?;
                commit.marks.push((self.release_mark(at, kind), Some(json!(through.0))));
            }
            Some(write) => {
                let marks: BTreeMap<String, Value> = self.store.marks()?.into_iter().collect();
                let through =
                    marks.get(&self.release_mark(at, kind)).and_then(Value::as_i64).unwrap_or(0);
                let mut waiting = self.store.intents_in(IntentState::Queued, usize::MAX >> 1)?;
                waiting
                    .retain(|i| i.kind == write && i.id.0 > through && self.system_of(i.ty) == at);
                if kind.is_of_a_property() {
                    waiting.retain(|intent| {
                        self.values_changed(intent).any(|(guard, _)| guard == kind)
                    });
                }
                if kind.is_of_a_property() {
                    self.decline(kind, &waiting, &mut commit)?;
                }
                let mut sources = BTreeSet::new();
                for intent in &waiting {
                    let text = "a person discarded it".to_string();
                    commit.intents_changed.push(step(
                        intent,
                        lockstep_model::change::IntentEvent::Drop,
                        now,
                        Some(text),
                    ));
                    let subject = intent.record.unwrap_or(intent.source);
                    let text =
                        format!("a person discarded the {} that waited for {system}", write.name());
                    commit.journal.push(line(subject, Some(intent.source), Some(intent.id), text));
                    sources.insert(intent.source);
                }
                if write == IntentKind::Delete {
                    let sources: Vec<RecordId> = sources.into_iter().collect();
                    for mut gone in self.store.records(&sources)? {
                        if matches!(gone.presence, Presence::Leaving { .. }) {
                            gone.presence = Presence::Gone;
                            commit.changed_records.push(gone);
                        }
                    }
                }
            }
        }
        self.store.commit(commit)?;
        Ok(reviews.len() + names)
    }

    /// The values that a guard of single values holds back are given up: each property carries the
    /// claim that it would have taken, so that it is not given that again. What else these writes
    /// hold is decided on anew by the next run.
    fn decline(&mut self, kind: GuardKind, intents: &[Intent], commit: &mut Commit) -> Result<()> {
        let ids: Vec<RecordId> = intents.iter().filter_map(|intent| intent.record).collect();
        let mut records: BTreeMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|record| (record.id, record)).collect();
        for intent in intents {
            let given_up: Vec<PropIx> = self
                .values_changed(intent)
                .filter(|(guard, _)| *guard == kind)
                .map(|(_, prop)| prop)
                .collect();
            let Some(record) = intent.record.and_then(|id| records.get_mut(&id)) else { continue };
            for change in intent.changes.iter().filter(|change| given_up.contains(&change.prop)) {
                let slot = &mut record.slots[change.prop.at()];
                slot.carries = Some(change.claim);
                slot.given = Some(Box::new(change.value.clone()));
            }
        }
        self.decide_on(records.values(), commit)?;
        commit.changed_records.extend(records.into_values());
        Ok(())
    }

    /// Deletions that a person has just accepted one by one are let through, unless the guard has
    /// tripped for others.
    pub(crate) fn let_through(&mut self, intents: &[Intent], commit: &mut Commit) -> Result<()> {
        let tripped: BTreeSet<(usize, RecordId)> = self
            .open_guard_reviews()?
            .iter()
            .map(|review| (self.system_of(review.ty), review.record))
            .collect();
        for intent in intents {
            let system = self.system_of(intent.ty);
            for guard in
                GuardKind::ALL.into_iter().filter(|guard| guard.writes() == Some(intent.kind))
            {
                if !tripped.contains(&(system, guard.stand_in())) {
                    commit.marks.push((self.release_mark(system, guard), Some(json!(intent.id.0))));
                }
            }
        }
        Ok(())
    }
}

impl Guards {
    /// Whether a guard of single values counts those of this intent: of a first run only what is
    /// emptied, which none does by itself.
    fn counts_value(&self, guard: GuardKind, intent: &Intent) -> bool {
        guard == GuardKind::Clears || self.armed[intent.ty.at()]
    }
}
