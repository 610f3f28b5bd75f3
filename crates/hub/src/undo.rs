//! G7: taking Lockstep's own writes back. First a plan, which changes nothing: what would be
//! written where, and what can't be taken back and why. Then the plan is carried out as a run of
//! its own, so that it can be taken back in turn (`redo`).
//!
//! The before-images are in the journal, one for each property that was written. A property is put
//! back only if it still holds what the write left there: whoever has edited it since meant it.
//! What is put back is a new edit of that record, from the time of undoing, and the next run
//! carries it on like any edit; the plan says where to. Three cases are different, as a new edit
//! would destroy there what was never Lockstep's, or not hold: a property that was *empty* before
//! is emptied again; one that was overwritten by the run that *linked* its record held what nothing
//! had been equal with; and where `prefer` or `only_from` names another system, an edit here does
//! not count. These are kept apart: the property declines the value that it was given, and stays as
//! it was until somebody edits it on either side. A person can ask for the one or the other. See
//! docs/decisions/0005-what-undo-leaves.md.
//!
//! A creation is taken back by deleting the record, never one that existed before, and not one that
//! somebody has edited since, unless that is asked for. Its entity remembers it, so it is not
//! created anew (D1). Links stay; `unlink` ends them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_engine::keys::each_id;
use lockstep_engine::observe::differs;
use lockstep_engine::settle::{Entity, Wanted, wanted};
use lockstep_model::change::Counterpart;
use lockstep_model::flow::{Policy, PropertyRef};
use lockstep_model::value::{self, equal, is_added, is_empty, same, shown};
use lockstep_model::{
    Change, Claim, ClaimStamp, EntityId, FlowIx, Intent, IntentId, IntentKind, IntentState,
    Presence, PropIx, ReadRecord, Reason, RecordId, RecordState, Rule, RunId, Timestamp, TypeIx,
    TypeName, Value,
};
use lockstep_store::{JournalEntry, JournalKind, Store, StoreError, WrittenName};
use serde::Serialize;

use crate::acts::{ActError, ActResult};
use crate::explain::LookError;
use crate::fresh::as_shown;
use crate::report::RecordName;
use crate::run::{Hub, Result};

/// So many runs are looked through for the latest undo.
const RUNS_LOOKED_AT: usize = 10_000;
/// Records whose journal is looked up together.
const AT_ONCE: usize = 1_000;

/// Which writes are to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that a run decided.
    Run(RunId),
    /// Those that landed in this time.
    Time { since: Timestamp, until: Option<Timestamp> },
    /// All that went to a record, by its name, or to one property of it.
    Record { name: String, path: Option<String> },
}

/// What a value that is put back is to the other records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PutBackAs {
    /// Kept apart where an edit would destroy what was never Lockstep's, else an edit.
    #[default]
    AsFits,
    /// It stays, and the others stay as they are, until somebody edits any of them.
    Apart,
    /// An edit of now, which the next run carries on.
    Edit,
}

/// What a plan must watch besides its flows so that everything that a store has ever written can be
/// taken back, for [`lockstep_engine::Plan::compile_watching`].
pub fn ever_written(
    store: &mut dyn Store,
) -> std::result::Result<Vec<(TypeName, Option<PropertyRef>)>, StoreError> {
    let names = store.written_names((RunId(0), RunId(i64::MAX - 1)))?;
    let watched = |name: WrittenName| {
        Some((TypeName::parse(&name.ty)?, name.path.as_deref().map(PropertyRef::named)))
    };
    Ok(names.into_iter().filter_map(watched).collect())
}

/// A plan to take writes back.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TakingBack {
    /// What is taken back, in words.
    pub what: String,
    pub records: Vec<RecordBack>,
    /// What can't be taken back.
    pub not: Vec<NotBack>,
    /// Properties that hold already what they held before.
    pub as_before: usize,
    #[serde(skip)]
    pub(crate) intents: Vec<Intent>,
    /// Deleted by an undo: to be created again.
    #[serde(skip)]
    pub(crate) anew: Vec<RecordState>,
    /// Records that their systems show otherwise than they are known: somebody has edited them
    /// since the last reading. They are observed before anything is put back. The answer to the
    /// write shows those edits too, and would hide them otherwise (P5).
    #[serde(skip)]
    pub(crate) edited: Vec<(TypeIx, ReadRecord)>,
    /// The run that is taken back, where it was one.
    #[serde(skip)]
    pub(crate) run: Option<RunId>,
}

/// What would be done to a record.
#[derive(Clone, Debug, Serialize)]
pub struct RecordBack {
    pub record: RecordName,
    /// A few words by which a person knows it.
    pub label: String,
    pub act: Back,
    pub properties: Vec<PropertyBack>,
}

/// How a write is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Back {
    /// Properties are put back.
    Update,
    /// Lockstep created the record; it is deleted.
    Delete,
    /// An undo deleted the record; the flows make another.
    CreateAnew,
}

/// A property that would be put back.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyBack {
    pub path: String,
    pub now: Value,
    pub back_to: Value,
    /// It is kept apart from the others until somebody edits any of them, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apart: Option<String>,
    /// What the next run makes of it in other records, or in this one.
    pub then: Vec<String>,
}

/// What is not taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotBack {
    pub record: RecordName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    pub why: String,
}

/// What Lockstep wrote into a property: what was there before the first write, and what the last
/// one left.
struct Written {
    before: Value,
    after: Value,
    last: IntentId,
    claim: ClaimStamp,
    flow: FlowIx,
    /// The run that first wrote there.
    first_run: RunId,
    /// P9: the first write added an element to a list; it took nobody's place.
    added: bool,
}

/// What Lockstep did to a record.
#[derive(Default)]
struct Touched {
    created: Option<Intent>,
    deleted: Option<Intent>,
    written: BTreeMap<PropIx, Written>,
}

impl TakingBack {
    /// There is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.intents.is_empty() && self.anew.is_empty()
    }
}

impl Hub {
    /// Plans to take writes back. Reads the records that it is about; changes nothing. `force` puts
    /// back also what was edited since.
    pub fn plan_undo(
        &mut self,
        which: &Which,
        force: bool,
        put_back: PutBackAs,
    ) -> ActResult<TakingBack> {
        let mut taking = TakingBack::default();
        let intents = self.chosen(which, &mut taking)?;
        let mut touched = self.touched(intents, |_, _| true)?;
        if let Which::Record { path: Some(path), name } = which {
            let record = self.find(name)?;
            let prop = self.property(&record, path)?;
            for one in touched.values_mut() {
                one.written.retain(|p, _| *p == prop);
                (one.created, one.deleted) = (None, None);
            }
        }
        self.weigh(touched, force, put_back, &mut taking)?;
        self.refer_anew(&mut taking)?;
        self.follow_up(&mut taking)?;
        Ok(taking)
    }

    /// Plans to take an undo back: that run, or the latest undo that still stands.
    pub fn plan_redo(&mut self, run: Option<RunId>, force: bool) -> ActResult<TakingBack> {
        let runs = self.store.runs(RUNS_LOOKED_AT)?;
        let redone: HashSet<i64> =
            runs.iter().filter_map(|row| row.summary["act"]["redo"].as_i64()).collect();
        let undoes = |summary: &Value| summary["act"]["undo"].as_bool() == Some(true);
        let found = match run {
            Some(run) => self.store.run(run)?,
            None => {
                runs.into_iter().find(|row| undoes(&row.summary) && !redone.contains(&row.id.0))
            }
        };
        match found {
            Some(row) if undoes(&row.summary) => {
                self.plan_undo(&Which::Run(row.id), force, PutBackAs::Edit)
            }
            Some(row) => Err(ActError::Refused(format!(
                "run {} was no undo; `lockstep undo {}` takes it back",
                row.id, row.id
            ))),
            None => Err(ActError::Refused(match run {
                Some(run) => format!("there is no run {run}; `lockstep status` lists the latest"),
                None => "no undo stands that could be taken back".into(),
            })),
        }
    }

    /// L7: plans to take a link back together with what came over it: each half gets back the
    /// values that it had before.
    pub fn plan_unlink(&mut self, a: &str, b: Option<&str>) -> ActResult<TakingBack> {
        let (one, other) = self.halves(a, b)?;
        let half_of =
            |id: RecordId| (one.iter().any(|m| m.id == id), other.iter().any(|m| m.id == id));
        let ids: Vec<RecordId> = one.iter().chain(&other).map(|member| member.id).collect();
        let mut intents = self.store.intents_of(&ids, usize::MAX >> 1)?;
        intents.retain(|intent| {
            intent.state == IntentState::Done && intent.kind == IntentKind::Update
        });
        let crossed = |intent: &Intent, change: &Change| match (
            intent.record.map(half_of),
            half_of(change.claim.record),
        ) {
            (Some((here, there)), (from_here, from_there)) => {
                here && from_there || there && from_here
            }
            (None, _) => false,
        };
        let touched = self.touched(intents, crossed)?;
        let b = b.map_or("what it is linked with".to_string(), String::from);
        let mut taking =
            TakingBack { what: format!("the link of {a} and {b}"), ..TakingBack::default() };
        self.weigh(touched, false, PutBackAs::Edit, &mut taking)?;
        Ok(taking)
    }

    /// The property of a record that a path names.
    pub(crate) fn property(
        &self,
        record: &RecordState,
        path: &str,
    ) -> std::result::Result<PropIx, LookError> {
        let ty = self.plan.ty(record.ty);
        let under = format!("{path}.");
        let at = ty
            .props
            .iter()
            .position(|p| p.name == path || p.reference.path.as_str().starts_with(&under));
        at.map(|at| PropIx(at as u16)).ok_or_else(|| LookError::NoProperty {
            path: path.into(),
            ty: ty.name.to_string(),
            known: ty
                .props
                .iter()
                .filter(|p| p.paired)
                .map(|p| p.name.clone())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// The writes that are meant and that landed, in the order of deciding.
    fn chosen(&mut self, which: &Which, taking: &mut TakingBack) -> ActResult<Vec<Intent>> {
        match which {
            Which::Run(run) => {
                let Some(row) = self.store.run(*run)? else {
                    return Err(ActError::Refused(format!(
                        "there is no run {run}; `lockstep status` lists the latest"
                    )));
                };
                let act = row.summary["act"]["what"]
                    .as_str()
                    .map_or(String::new(), |what| format!(" ({what})"));
                taking.what = format!("run {run} of {}{act}", row.started);
                taking.run = Some(*run);
                self.tell_unnamed((*run, *run), taking)?;
                self.done_in((*run, *run), |_| true)
            }
            Which::Time { since, until } => {
                let until = until.unwrap_or(self.clock.now());
                taking.what = format!("what was written from {since} to {until}");
                let Some((first, last)) = self.runs_since(*since)? else { return Ok(vec![]) };
                self.tell_unnamed((first, last), taking)?;
                let landed =
                    |at: Option<Timestamp>| at.is_some_and(|at| at >= *since && at <= until);
                let mut chosen = self.done_in((first, last), |intent| landed(intent.done_at))?;
                // Decided before, and delivered in this time.
                let mut known: HashSet<IntentId> = chosen.iter().map(|intent| intent.id).collect();
                for entry in self.store.journal_of_runs((first, last), usize::MAX >> 1)? {
                    if let Some(id) = entry
                        .intent
                        .filter(|id| entry.kind == JournalKind::Written && known.insert(*id))
                    {
                        chosen
                            .extend(self.store.intent(id)?.filter(|intent| landed(intent.done_at)));
                    }
                }
                chosen.sort_by_key(|intent| intent.id);
                Ok(chosen)
            }
            Which::Record { name, path } => {
                let record = self.find(name)?;
                taking.what = match path {
                    Some(path) => format!("what was written to {name} {path}"),
                    None => format!("what was written to {name}"),
                };
                let mut chosen = self.store.intents_of(&[record.id], usize::MAX >> 1)?;
                chosen.retain(|intent| {
                    intent.record == Some(record.id) && intent.state == IntentState::Done
                });
                Ok(chosen)
            }
        }
    }

    /// What these runs wrote and the plan does not name: the system or record type is gone from the
    /// project, or the property from its schema.
    fn tell_unnamed(&mut self, runs: (RunId, RunId), taking: &mut TakingBack) -> Result<()> {
        for name in self.store.written_names(runs)?.into_iter().filter(|name| name.writes > 0) {
            let ty = self.plan.types.iter().find(|ty| ty.name.to_string() == name.ty);
            let writes = if name.writes == 1 {
                "1 write".to_string()
            } else {
                format!("{} writes", name.writes)
            };
            let why = match (ty, &name.path) {
                (None, _) => format!(
                    "{writes}: neither the flows nor a system of the project have this record type any more"
                ),
                (Some(ty), Some(path)) if !ty.props.iter().any(|prop| prop.name == *path) => {
                    format!("{writes}: its record type does not have this property any more")
                }
                _ => continue,
            };
            taking.not.push(NotBack { record: RecordName(name.ty), path: name.path, why });
        }
        Ok(())
    }

    fn done_in(
        &mut self,
        runs: (RunId, RunId),
        wanted: impl Fn(&Intent) -> bool,
    ) -> ActResult<Vec<Intent>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.intents_of_runs(runs, after, 10_000)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.id);
            found.extend(
                page.into_iter()
                    .filter(|intent| intent.state == IntentState::Done && wanted(intent)),
            );
        }
    }

    /// What these writes did to each record, from the journal; where that was pruned, from the
    /// writes themselves.
    fn touched(
        &mut self,
        intents: Vec<Intent>,
        meant: impl Fn(&Intent, &Change) -> bool,
    ) -> Result<BTreeMap<RecordId, Touched>> {
        let records: BTreeSet<RecordId> =
            intents.iter().filter_map(|intent| intent.record).collect();
        let chosen: HashSet<IntentId> = intents.iter().map(|intent| intent.id).collect();
        let mut journal: HashMap<IntentId, Vec<JournalEntry>> = HashMap::new();
        let records: Vec<RecordId> = records.into_iter().collect();
        for some in records.chunks(AT_ONCE) {
            for entry in self.store.journal(some, usize::MAX >> 1)? {
                let written = entry.kind == JournalKind::Written && entry.path.is_some();
                if let Some(id) = entry.intent.filter(|id| written && chosen.contains(id)) {
                    journal.entry(id).or_default().push(entry);
                }
            }
        }
        let mut touched: BTreeMap<RecordId, Touched> = BTreeMap::new();
        for intent in intents {
            let Some(record) = intent.record else { continue };
            let one = touched.entry(record).or_default();
            match intent.kind {
                IntentKind::Create => one.created = Some(intent),
                IntentKind::Delete => one.deleted = Some(intent),
                IntentKind::Update => {
                    let entries = journal.remove(&intent.id);
                    for change in intent.changes.iter().filter(|change| meant(&intent, change)) {
                        let name = &self.plan.prop(intent.ty, change.prop).name;
                        let (before, after) = match &entries {
                            Some(entries) => {
                                match entries.iter().find(|entry| entry.path.as_ref() == Some(name))
                                {
                                    Some(entry) => (entry.before.clone(), entry.after.clone()),
                                    // It was left out when the rest was sent.
                                    None => continue,
                                }
                            }
                            None => (change.displaced.clone().into(), change.value.clone()),
                        };
                        let (last, first_run) = (intent.id, intent.run);
                        let added = is_added(&change.displaced) && !is_empty(&change.value);
                        // P9: what the journal shows of a list is the element that stands for the
                        // property, before and after.
                        let described = self.plan.prop(intent.ty, change.prop);
                        let takes_out =
                            described.list && !described.whole && is_empty(&change.value);
                        let (before, after) =
                            match (added, takes_out && !is_empty(&change.displaced)) {
                                (true, _) => (Value::Null, change.value.clone()),
                                (_, true) => (change.displaced.clone().into(), Value::Null),
                                _ => (before, after),
                            };
                        let fresh = Written {
                            before,
                            after,
                            last,
                            claim: change.claim,
                            flow: intent.flow,
                            first_run,
                            added,
                        };
                        one.written
                            .entry(change.prop)
                            .and_modify(|known| {
                                (known.after, known.last, known.claim) =
                                    (fresh.after.clone(), fresh.last, fresh.claim);
                            })
                            .or_insert(fresh);
                    }
                }
            }
        }
        Ok(touched)
    }

    /// Weighs each record against how its system shows it now.
    fn weigh(
        &mut self,
        touched: BTreeMap<RecordId, Touched>,
        force: bool,
        put_back: PutBackAs,
        taking: &mut TakingBack,
    ) -> Result<()> {
        let ids: Vec<RecordId> = touched.keys().copied().collect();
        let records = self.store.records(&ids)?;
        let live: Vec<RecordState> =
            records.iter().filter(|record| record.is_live()).cloned().collect();
        let fresh = self.fresh(&live);
        let mut records: Vec<RecordState> = records;
        records.sort_by_key(|record| (record.ty, record.id));
        for record in records {
            let Some(one) = touched.get(&record.id) else { continue };
            let not = |path: Option<String>, why: String| NotBack {
                record: self.name_of(&record),
                path,
                why,
            };
            if !record.is_live() {
                match (&one.deleted, &one.created) {
                    (Some(deleted), _) if deleted.takes_back() => self.create_anew(&record, taking)?,
                    (Some(_), _) => taking.not.push(not(
                        None,
                        "Lockstep deleted it, as a flow says; a deleted record can't be brought back. `lockstep history` has what it \
                         held"
                            .into(),
                    )),
                    (None, Some(_)) => taking.as_before += 1,
                    (None, None) => taking.not.push(not(None, "it is gone from its system".into())),
                }
                continue;
            }
            let shown = match fresh.get(&record.id) {
                Some(Ok(Some(read))) => as_shown(&record, read),
                Some(Ok(None)) => {
                    taking.not.push(not(None, "it is gone from its system".into()));
                    continue;
                }
                Some(Err(trouble)) => {
                    taking.not.push(not(None, format!("it can't be read now: {trouble}")));
                    continue;
                }
                None => continue,
            };
            if let Some(Ok(Some(read))) = fresh.get(&record.id)
                && (force || differs(&record, read))
            {
                taking.edited.push((record.ty, read.clone()));
            }
            match &one.created {
                Some(created) => {
                    let edits = self.edits_since(&record, created)?;
                    self.delete_again(&record, &shown, created, edits.as_ref(), force, taking);
                }
                None => self.put_back_values(&record, &shown, one, (force, put_back), taking)?,
            }
        }
        Ok(())
    }

    /// What was deleted by an undo is created anew by the flows, once its entity does not remember
    /// it as deleted any more.
    fn create_anew(&mut self, record: &RecordState, taking: &mut TakingBack) -> Result<()> {
        let others = self.store.members(&[record.entity])?;
        let name = self.name_of(record);
        if !others.iter().any(|other| other.is_live()) {
            let why = "it was deleted, and nothing is left that it could be created from".into();
            taking.not.push(NotBack { record: name, path: None, why });
            return Ok(());
        }
        if others.iter().any(|other| other.is_live() && other.ty == record.ty) {
            taking.as_before += 1;
            return Ok(());
        }
        let label = self.label(record);
        taking.records.push(RecordBack {
            record: name,
            label,
            act: Back::CreateAnew,
            properties: vec![],
        });
        taking.anew.push(record.clone());
        Ok(())
    }

    /// P8: a reference to a record that is created anew leads to the new one, whose id is known
    /// once it is there.
    fn refer_anew(&mut self, taking: &mut TakingBack) -> Result<()> {
        for gone in &taking.anew {
            let members = self.store.members(&[gone.entity])?;
            let Some(of) = members.iter().find(|member| member.is_live()).map(|member| member.id)
            else {
                continue;
            };
            for intent in &mut taking.intents {
                for change in &mut intent.changes {
                    let described = &self.plan.ty(intent.ty).props[change.prop.at()];
                    let mut refers = false;
                    each_id(Some(&change.value), &mut |id| refers |= id == gone.key);
                    if refers && described.refers_to.contains(&gone.ty) {
                        (change.value, change.counterpart_of) =
                            (Value::Null, Some(Counterpart { of, ty: gone.ty }));
                    }
                }
            }
        }
        Ok(())
    }

    /// The properties of a record that Lockstep created which somebody has edited since; `None`
    /// where the journal does not reach back.
    fn edits_since(
        &mut self,
        record: &RecordState,
        created: &Intent,
    ) -> Result<Option<BTreeSet<String>>> {
        if !record.slots.iter().any(|slot| slot.claim.is_some()) {
            return Ok(None);
        }
        let journal = self.store.journal(&[record.id], usize::MAX >> 1)?;
        if !journal.iter().any(|entry| entry.intent == Some(created.id)) {
            return Ok(None);
        }
        let edits = journal.into_iter().filter(|entry| entry.kind == JournalKind::Edit);
        Ok(Some(edits.filter_map(|entry| entry.path).collect()))
    }

    fn delete_again(
        &self,
        record: &RecordState,
        shown_now: &RecordState,
        created: &Intent,
        edits: Option<&BTreeSet<String>>,
        force: bool,
        taking: &mut TakingBack,
    ) {
        let ty = self.plan.ty(record.ty);
        let not = |path, why| NotBack { record: self.name_of(record), path, why };
        if !ty.can.delete {
            let why = format!(
                "Lockstep created it, and {} can't be deleted through the API: delete it there by hand",
                ty.name
            );
            taking.not.push(not(None, why));
            return;
        }
        // What Lockstep wrote is no claim: one that is there was made by somebody, or by the system
        // itself when it made the record (C6): of such a one no edit is told. One without a time is
        // of a property that was not kept equal when the record was made.
        let edited = ty.props.iter().enumerate().find(|(ix, prop)| {
            let (known, now) = (&record.slots[*ix], &shown_now.slots[*ix]);
            let by_somebody = || edits.is_none_or(|edits| edits.contains(&prop.name));
            known.claim.as_ref().is_some_and(|claim| claim.at.is_told()) && by_somebody()
                || !same(prop.terms(), known.value(prop.whole), now.value(prop.whole))
        });
        if let Some((ix, prop)) = edited.filter(|_| !force) {
            let holds = shown(shown_now.slots[ix].value(prop.whole));
            let why = format!(
                "Lockstep created it, and somebody has edited it since: it holds {holds} now; `--force` deletes it all the same"
            );
            taking.not.push(not(Some(prop.name.clone()), why));
            return;
        }
        let label = self.label(record);
        taking.records.push(RecordBack {
            record: self.name_of(record),
            label,
            act: Back::Delete,
            properties: vec![],
        });
        let intent =
            self.taking_intent(record, shown_now, IntentKind::Delete, created.flow, vec![]);
        // What refers to others is deleted before them, and all of it after everything else.
        taking.intents.push(Intent { rank: 0x3fff - ty.send_rank.min(0x1fff), ..intent });
    }

    fn put_back_values(
        &mut self,
        record: &RecordState,
        shown_now: &RecordState,
        touched: &Touched,
        (force, put_back): (bool, PutBackAs),
        taking: &mut TakingBack,
    ) -> Result<()> {
        let now = self.clock.now();
        let at_first_link: BTreeSet<PropIx> = match put_back {
            PutBackAs::AsFits => self.at_the_first_link(record, touched)?,
            PutBackAs::Apart | PutBackAs::Edit => BTreeSet::new(),
        };
        let (mut changes, mut properties, mut flow) = (vec![], vec![], FlowIx(0));
        for (prop, written) in &touched.written {
            let out_again = written.added && self.was_taken_out(record, *prop, written)?;
            let described = self.plan.prop(record.ty, *prop);
            let slot = shown_now.slot(*prop);
            let list = slot
                .shadow
                .as_ref()
                .and_then(Value::as_array)
                .filter(|_| described.list && !described.whole);
            let element = |value: &Value| {
                let mut elements = list.into_iter().flatten().filter(|_| !is_empty(value));
                elements.find(|element| same(described.terms(), element, value))
            };
            // P9: an element that was added is taken out again, and one that was taken out is added
            // again; others stay in their places.
            let taken_out = !written.added
                && list.is_some()
                && is_empty(&written.after)
                && !is_empty(&written.before);
            let present = match list {
                Some(_) if written.added => {
                    element(&written.after).unwrap_or(slot.value(described.whole))
                }
                Some(_) if taken_out => element(&written.before).unwrap_or(&Value::Null),
                _ => slot.value(described.whole),
            };
            let gone_again = written.added && element(&written.after).is_none();
            if equal(present, &written.before) || gone_again && out_again {
                taking.as_before += 1;
                continue;
            }
            let left = !gone_again && same(described.terms(), present, &written.after);
            let mut refuse = None;
            if described.read_only || described.create_only {
                refuse = Some("it can't be written once the record is there (P10)".to_string());
            } else if !left && (!force || gone_again) {
                refuse = Some(self.changed_since(record, *prop, written, present)?);
            }
            let described = self.plan.prop(record.ty, *prop);
            if let Some(why) = refuse {
                taking.not.push(NotBack {
                    record: self.name_of(record),
                    path: Some(described.name.clone()),
                    why,
                });
                continue;
            }
            // An edit of this record's own, or one that declines what it was given: see the head of
            // this file.
            let system = &self.plan.ty(record.ty).name.system;
            let policy = match &described.policy {
                Policy::OnlyFrom(only) if only != system => {
                    Some(format!("`only_from: {only}`: an edit here does not count"))
                }
                Policy::Prefer(systems) if systems.first().is_some_and(|first| first != system) => {
                    Some(format!("`prefer: [{}]`: an edit here may not count", systems.join(", ")))
                }
                Policy::Wins(wins) => Some(format!("`wins: {wins}`: an edit here may not count")),
                _ => None,
            };
            let apart = match put_back {
                _ if is_empty(&written.before) => Some("it was empty before".to_string()),
                PutBackAs::Apart => Some("as asked".into()),
                PutBackAs::Edit => None,
                PutBackAs::AsFits if at_first_link.contains(prop) => {
                    Some("it was overwritten when its record was linked".into())
                }
                PutBackAs::AsFits => policy,
            };
            let claim = match apart {
                Some(_) => record.slot(*prop).carries.unwrap_or(written.claim),
                None => ClaimStamp { at: now, record: record.id, prop: *prop },
            };
            properties.push(PropertyBack {
                path: described.name.clone(),
                now: present.clone(),
                back_to: written.before.clone(),
                apart,
                then: vec![],
            });
            let value =
                if is_empty(&written.before) { Value::Null } else { written.before.clone() };
            changes.push(Change {
                prop: *prop,
                value,
                displaced: if taken_out { value::adds() } else { present.clone() }.into(),
                counterpart_of: None,
                claim,
                rule: Rule::G7,
                reason: Reason::Latest,
            });
            flow = written.flow;
        }
        if !changes.is_empty() {
            let label = self.label(record);
            taking.records.push(RecordBack {
                record: self.name_of(record),
                label,
                act: Back::Update,
                properties,
            });
            taking.intents.push(self.taking_intent(
                record,
                shown_now,
                IntentKind::Update,
                flow,
                changes,
            ));
        }
        Ok(())
    }

    /// Which first writes of these properties were of the first link: in the run that linked the
    /// record, or in a later one to which nobody had edited anything in any of the linked records
    /// (a person had linked them).
    fn at_the_first_link(
        &mut self,
        record: &RecordState,
        touched: &Touched,
    ) -> Result<BTreeSet<PropIx>> {
        let members: Vec<RecordId> =
            self.store.members(&[record.entity])?.iter().map(|member| member.id).collect();
        let journal = self.store.journal(&members, usize::MAX >> 1)?;
        let links = journal.iter().filter(|entry| entry.kind == JournalKind::Link);
        let links: Vec<RunId> = links
            .filter(|entry| entry.record == record.id || entry.other == Some(record.id))
            .map(|entry| entry.run)
            .collect();
        let changes =
            |entry: &&JournalEntry| matches!(entry.kind, JournalKind::Edit | JournalKind::Written);
        let of_the_link = |first: RunId| {
            let nothing_since = |link: RunId| {
                !journal.iter().filter(changes).any(|entry| {
                    entry.run > link
                        && entry.run <= first
                        && entry.rule != Some(Rule::G7)
                        && (entry.run < first || entry.kind == JournalKind::Edit)
                })
            };
            links.iter().any(|link| *link == first || *link < first && nothing_since(*link))
        };
        Ok(touched
            .written
            .iter()
            .filter(|(_, written)| of_the_link(written.first_run))
            .map(|(prop, _)| *prop)
            .collect())
    }

    /// Whether the element that a write added was taken out again by an undo (P9).
    fn was_taken_out(
        &mut self,
        record: &RecordState,
        prop: PropIx,
        written: &Written,
    ) -> Result<bool> {
        let name = &self.plan.prop(record.ty, prop).name;
        let journal = self.store.journal(&[record.id], usize::MAX >> 1)?;
        Ok(journal.iter().any(|entry| {
            (entry.kind, entry.rule) == (JournalKind::Written, Some(Rule::G7))
                && entry.path.as_ref() == Some(name)
                && entry.intent.is_some_and(|id| id > written.last)
        }))
    }

    /// Why a property does not hold any more what the write left there.
    fn changed_since(
        &mut self,
        record: &RecordState,
        prop: PropIx,
        written: &Written,
        present: &Value,
    ) -> Result<String> {
        let name = self.plan.prop(record.ty, prop).name.clone();
        let journal = self.store.journal(&[record.id], usize::MAX >> 1)?;
        let later = journal.iter().rev().find(|entry| {
            entry.kind == JournalKind::Written
                && entry.path.as_ref() == Some(&name)
                && entry.intent.is_some_and(|id| id > written.last)
        });
        let (holds, left) = (shown(present), shown(&written.after));
        Ok(match later {
            Some(entry) if equal(&entry.after, present) => {
                format!(
                    "run {} wrote {holds} over it since; undo that first, or the whole record",
                    entry.run
                )
            }
            _ => {
                format!("it has been edited since: it holds {holds}, and Lockstep had left {left}")
            }
        })
    }

    fn taking_intent(
        &self,
        record: &RecordState,
        shown_now: &RecordState,
        kind: IntentKind,
        flow: FlowIx,
        changes: Vec<Change>,
    ) -> Intent {
        Intent {
            id: IntentId(0),
            run: RunId(0),
            kind,
            rank: self.plan.ty(record.ty).send_rank,
            ty: record.ty,
            record: Some(record.id),
            entity: record.entity,
            // By this it is known as one that takes back.
            source: record.id,
            flow,
            base_version: shown_now.version.clone(),
            changes,
            state: IntentState::Queued,
            attempts: 0,
            not_before: None,
            message: None,
            decided_at: self.clock.now(),
            done_at: None,
        }
    }

    /// What the next run would carry on into other records.
    fn follow_up(&mut self, taking: &mut TakingBack) -> Result<()> {
        let focus: Vec<RecordId> =
            taking.intents.iter().filter_map(|intent| intent.record).collect();
        if focus.is_empty() {
            return Ok(());
        }
        let (through, now) = (self.through(), self.clock.now());
        let mut slice = crate::load::slice(
            &self.plan,
            self.store.as_mut(),
            focus,
            through,
            false,
            now,
            RunId(0),
        )?;
        let mut entities: BTreeSet<EntityId> = BTreeSet::new();
        let mut claims: HashMap<(RecordId, PropIx), ClaimStamp> = HashMap::new();
        for intent in &taking.intents {
            let Some(record) = intent.record.and_then(|id| slice.records.get_mut(&id)) else {
                continue;
            };
            entities.insert(record.entity);
            if intent.kind == IntentKind::Delete {
                record.presence = Presence::Gone;
            }
            for change in &intent.changes {
                let slot = &mut record.slots[change.prop.at()];
                (slot.shadow, slot.pick, slot.carries) =
                    (Some(change.value.clone()), None, Some(change.claim));
                slot.given = Some(Box::new(change.displaced.clone().into()));
                if change.claim.record == record.id {
                    slot.given = None;
                    slot.claim = Some(Claim {
                        value: change.value.clone(),
                        at: change.claim.at,
                        goes: vec![],
                    });
                    claims.insert((record.id, change.prop), change.claim);
                }
            }
        }
        let put_back: HashSet<(RecordId, PropIx)> = taking
            .intents
            .iter()
            .flat_map(|intent| {
                intent.changes.iter().filter_map(|change| Some((intent.record?, change.prop)))
            })
            .collect();
        let mut then: BTreeMap<(RecordName, String), Vec<String>> = BTreeMap::new();
        for entity in entities {
            let records: Vec<&RecordState> =
                slice.members(entity).iter().filter_map(|id| slice.records.get(id)).collect();
            let entity = Entity::of(&self.plan, records);
            for record in entity.records.iter().filter(|record| record.is_live()) {
                for prop in (0..record.slots.len() as u16).map(PropIx) {
                    let Wanted::Write { value, claim, .. } =
                        wanted(&self.plan, &slice, &entity, record, prop)
                    else {
                        continue;
                    };
                    if put_back.contains(&(record.id, prop)) {
                        let described = self.plan.prop(record.ty, prop);
                        let line = match &described.policy {
                            Policy::Latest => format!(
                                "{} is put there again, as another edit is later",
                                shown(&value)
                            ),
                            Policy::OnlyFrom(system) => format!(
                                "{} is put there again, by `only_from: {system}`",
                                shown(&value)
                            ),
                            Policy::Wins(wins) => {
                                format!("{} is put there again, by `wins: {wins}`", shown(&value))
                            }
                            Policy::Prefer(systems) => {
                                format!(
                                    "{} is put there again, by `prefer: [{}]`",
                                    shown(&value),
                                    systems.join(", ")
                                )
                            }
                        };
                        then.entry((self.name_of(record), described.name.clone()))
                            .or_default()
                            .push(line);
                        continue;
                    }
                    let Some(from) = slice
                        .records
                        .get(&claim.record)
                        .filter(|_| claims.get(&(claim.record, claim.prop)) == Some(&claim))
                    else {
                        continue;
                    };
                    let described = self.plan.prop(record.ty, prop);
                    let held = shown(record.slot(prop).value(described.whole));
                    let line = format!(
                        "{} {}: {held} → {}",
                        self.name_of(record),
                        described.name,
                        shown(&value)
                    );
                    let path = self.plan.prop(from.ty, claim.prop).name.clone();
                    then.entry((self.name_of(from), path)).or_default().push(line);
                }
            }
        }
        for back in &mut taking.records {
            for property in &mut back.properties {
                if let Some(lines) = then.remove(&(back.record.clone(), property.path.clone())) {
                    property.then = lines;
                }
            }
        }
        Ok(())
    }
}
