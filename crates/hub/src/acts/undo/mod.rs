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

pub(crate) mod follow_up;
pub(crate) mod records;
pub mod taking;
pub(crate) mod touched;
pub(crate) mod values;

pub use lockstep_engine::undo::PutBackAs;

pub use crate::acts::undo::taking::{
    Back, NotBack, PropertyBack, RecordBack, TakingBack, Which, ever_written,
};

use std::collections::{BTreeMap, HashSet};

use lockstep_engine::observe::differs;
use lockstep_model::{
    Change, Intent, IntentKind, IntentState, RecordId, RecordState, Remedy, RunId, Timestamp, Value,
};

use crate::acts::undo::taking::{RUNS_LOOKED_AT, Touched};
use crate::error::{ActError, ActResult, Result};
use crate::hub::Hub;
use crate::reading::fresh::{as_shown, nothing_told};
use crate::report::RecordName;

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
        let mut touched = self.ledger.touched(intents, |_, _| true)?;
        if let Which::Record { path: Some(path), name } = which {
            let record = self.ledger.find(name)?;
            let prop = self.ledger.property(&record, path)?;
            for one in touched.values_mut() {
                one.written.retain(|p, _| *p == prop);
                (one.created, one.deleted) = (None, None);
            }
        }
        self.weigh(touched, force, put_back, &mut taking)?;
        self.ledger.refer_anew(&mut taking)?;
        self.follow_up(&mut taking)?;
        Ok(taking)
    }

    /// Plans to take an undo back: that run, or the latest undo that still stands.
    pub fn plan_redo(&mut self, run: Option<RunId>, force: bool) -> ActResult<TakingBack> {
        let runs = self.ledger.store.runs(RUNS_LOOKED_AT)?;
        let redone: HashSet<i64> =
            runs.iter().filter_map(|row| row.summary["act"]["redo"].as_i64()).collect();
        let undoes = |summary: &Value| summary["act"]["undo"].as_bool() == Some(true);
        let found = match run {
            Some(run) => self.ledger.store.run(run)?,
            None => {
                runs.into_iter().find(|row| undoes(&row.summary) && !redone.contains(&row.id.0))
            }
        };
        match found {
            Some(row) if undoes(&row.summary) => {
                self.plan_undo(&Which::Run(row.id), force, PutBackAs::Edit)
            }
            Some(row) => Err(ActError::advised(
                format!("run {} was no undo", row.id),
                Remedy::Undo { run: row.id.0 },
            )),
            None => Err(match run {
                Some(run) => no_run(run),
                None => ActError::Refused("no undo stands that could be taken back".into()),
            }),
        }
    }

    /// L7: plans to take a link back together with what came over it: each half gets back the
    /// values that it had before.
    pub fn plan_unlink(&mut self, a: &str, b: Option<&str>) -> ActResult<TakingBack> {
        let (one, other) = self.ledger.halves(a, b)?;
        let half_of =
            |id: RecordId| (one.iter().any(|m| m.id == id), other.iter().any(|m| m.id == id));
        let ids: Vec<RecordId> = one.iter().chain(&other).map(|member| member.id).collect();
        let mut intents = self.ledger.store.intents_of(&ids, usize::MAX >> 1)?;
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
        let touched = self.ledger.touched(intents, crossed)?;
        let b = b.map_or("what it is linked with".to_string(), String::from);
        let mut taking =
            TakingBack { what: format!("the link of {a} and {b}"), ..TakingBack::default() };
        self.weigh(touched, false, PutBackAs::Edit, &mut taking)?;
        Ok(taking)
    }

    /// The writes that are meant and that landed, in the order of deciding.
    fn chosen(&mut self, which: &Which, taking: &mut TakingBack) -> ActResult<Vec<Intent>> {
        match which {
            Which::Run(run) => {
                let Some(row) = self.ledger.store.run(*run)? else {
                    return Err(no_run(*run));
                };
                let act = row.summary["act"]["what"]
                    .as_str()
                    .map_or(String::new(), |what| format!(" ({what})"));
                taking.what = format!("run {run} of {}{act}", row.started);
                taking.run = Some(*run);
                self.tell_unnamed((*run, *run), taking)?;
                let mut chosen = self.decided_earlier(*run, row.started, row.ended)?;
                chosen.extend(self.done_in((*run, *run), |_| true)?);
                Ok(chosen)
            }
            Which::Time { since, until } => {
                let until = until.unwrap_or(self.ledger.clock.now());
                taking.what = format!("what was written from {since} to {until}");
                let Some((first, last)) = self.ledger.runs_since(*since)? else {
                    return Ok(vec![]);
                };
                self.tell_unnamed((first, last), taking)?;
                let landed =
                    |at: Option<Timestamp>| at.is_some_and(|at| at >= *since && at <= until);
                let mut chosen = self.done_in((first, last), |intent| landed(intent.done_at))?;
                chosen.extend(self.decided_earlier(first, *since, Some(until))?);
                chosen.sort_by_key(|intent| intent.id);
                Ok(chosen)
            }
            Which::Record { name, path } => {
                let record = self.ledger.find(name)?;
                taking.what = match path {
                    Some(path) => format!("what was written to {name} {path}"),
                    None => format!("what was written to {name}"),
                };
                let mut chosen = self.ledger.store.intents_of(&[record.id], usize::MAX >> 1)?;
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
        for name in
            self.ledger.store.written_names(runs)?.into_iter().filter(|name| name.writes > 0)
        {
            let ty = self.ledger.plan.types.iter().find(|ty| ty.name.to_string() == name.ty);
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
            taking.not.push(NotBack::new(RecordName(name.ty), name.path, why));
        }
        Ok(())
    }

    /// What was decided before this run, and delivered in this time: it waited for a guard, an answer,
    /// or its next try.
    fn decided_earlier(
        &mut self,
        run: RunId,
        since: Timestamp,
        until: Option<Timestamp>,
    ) -> ActResult<Vec<Intent>> {
        let until = until.unwrap_or(self.ledger.clock.now());
        let before = RunId(run.0 - 1);
        self.done_in((RunId(0), before), |intent| {
            intent.done_at.is_some_and(|at| at >= since && at <= until)
        })
    }

    fn done_in(
        &mut self,
        runs: (RunId, RunId),
        wanted: impl Fn(&Intent) -> bool,
    ) -> ActResult<Vec<Intent>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.ledger.store.intents_of_runs(runs, after, 10_000)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.id);
            found.extend(
                page.into_iter()
                    .filter(|intent| intent.state == IntentState::Done && wanted(intent)),
            );
        }
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
        let records = self.ledger.store.records(&ids)?;
        let is_unasked = |record: &RecordState| {
            self.unasked.contains(&self.ledger.plan.ty(record.ty).name.system)
        };
        let live = records.iter().filter(|record| record.is_live());
        let (unasked, asked): (Vec<RecordState>, Vec<RecordState>) =
            live.cloned().partition(is_unasked);
        let system = |record: &RecordState| self.ledger.plan.ty(record.ty).name.system.clone();
        taking.unasked.extend(unasked.iter().map(system));
        let mut fresh = self.reader().fresh(&asked);
        fresh.extend(unasked.iter().map(|record| (record.id, Ok(Some(nothing_told(record))))));
        let mut records: Vec<RecordState> = records;
        records.sort_by_key(|record| (record.ty, record.id));
        for record in records {
            let Some(one) = touched.get(&record.id) else { continue };
            if !record.is_live() {
                self.weigh_gone(&record, one, taking)?;
                continue;
            }
            let not = |why: String| NotBack::new(self.ledger.name_of(&record), None, why);
            let read = match fresh.get(&record.id) {
                Some(Ok(Some(read))) => read,
                Some(Ok(None)) => {
                    taking.not.push(not("it is gone from its system".into()));
                    continue;
                }
                Some(Err(trouble)) => {
                    taking.not.push(not(format!("it can't be read now: {trouble}")));
                    continue;
                }
                None => continue,
            };
            let shown = as_shown(&record, read);
            if force || differs(&record, read) {
                taking.edited.push((record.ty, read.clone()));
            }
            let ledger = &mut self.ledger;
            match &one.created {
                Some(created) => {
                    let edits = ledger.edits_since(&record, created)?;
                    let edits = edits.as_ref();
                    ledger.delete_again(&record, &shown, created, edits, force, taking);
                }
                None => ledger.put_back_values(&record, &shown, one, (force, put_back), taking)?,
            }
        }
        Ok(())
    }

    /// What was written to a record that is not there any more.
    fn weigh_gone(
        &mut self,
        record: &RecordState,
        one: &Touched,
        taking: &mut TakingBack,
    ) -> Result<()> {
        let why = match (&one.deleted, &one.created) {
            (Some(deleted), _) if deleted.takes_back() => {
                return self.ledger.create_anew(record, taking);
            }
            (Some(_), _) => {
                "Lockstep deleted it, as a flow says; a deleted record can't be brought back. The journal has what it held"
            }
            (None, Some(_)) => {
                taking.as_before += 1;
                return Ok(());
            }
            (None, None) => "it is gone from its system",
        };
        let record = self.ledger.name_of(record);
        taking.not.push(NotBack::new(record, None, why));
        Ok(())
    }
}

fn no_run(run: RunId) -> ActError {
    ActError::advised(format!("there is no run {run}"), Remedy::LookAtRuns)
}
