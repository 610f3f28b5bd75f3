//! Plays trials: all of them through the same few runs.
//!
//! A round lets every trial do its steps up to its next run, then the hub runs once. So the number of runs is that of the longest trial, not
//! of all trials, and what is kept in memory is one list of each record type at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockstep_hub::{Hub, Report, RunOptions};
use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{PropertySchema, ReadRecord, RecordState, Review, TypeName, Value};
use lockstep_sandbox::{Running, Setting};

use crate::Error;
use crate::exchanges::exchanges;
use crate::hands::Hands;
use crate::trial::{Expect, Failure, Slot, Step, Trial, Val, Verdict};
use crate::values::shows;

/// Clocks that show seconds tell two edits apart after this.
const LATER: Duration = Duration::from_millis(1100);
/// So many runs in a row are disturbed before the systems behave again, and so many more are made until nothing waits.
const RUNS_WITH_FAULTS: usize = 3;
const RUNS_TO_SETTLE: usize = 20;

/// Who is told of every record that a trial has added.
pub type Added<'a> = Box<dyn FnMut(&TypeName, &str) + 'a>;

/// Everything that is to play.
pub struct Player<'a> {
    pub hub: &'a mut Hub,
    pub hands: &'a Hands,
    pub sandbox: Option<Arc<Running>>,
    /// The paths that the trials look at, by record type.
    watch: BTreeMap<TypeName, Vec<PropertyRef>>,
    /// What the types hold now; emptied with every run and edit.
    seen: BTreeMap<TypeName, HashMap<String, ReadRecord>>,
    /// Single records as they are now; emptied likewise.
    looked_at: HashMap<(TypeName, String), Option<ReadRecord>>,
    /// Where each trial stands, and how far it is with a partner.
    at: Vec<(usize, u8)>,
    /// Which of them wait for the next run.
    waits: Vec<bool>,
    remembered: HashMap<(usize, Slot), Vec<Option<Value>>>,
    /// What goes wrong while the hub runs, where something is to.
    pub faults: Option<Setting>,
    /// Says that no more is to be begun.
    pub stop: Option<Arc<AtomicBool>>,
    /// Is told of every record that a trial has added, at once.
    pub added: Option<Added<'a>>,
    /// The last request before the run under way.
    before_run: u64,
    edits: u64,
}

/// Why a trial stops for now.
enum Stop {
    Run,
    Later,
    Over(Verdict, Option<Failure>),
}

impl<'a> Player<'a> {
    /// Somebody to play these trials.
    pub fn new(hub: &'a mut Hub, hands: &'a Hands, sandbox: Option<Arc<Running>>, trials: &[Trial]) -> Self {
        let mut watch: BTreeMap<TypeName, Vec<PropertyRef>> = BTreeMap::new();
        for trial in trials {
            watched(&trial.script, &mut watch);
        }
        let (at, waits) = (vec![(0, 0); trials.len()], vec![false; trials.len()]);
        Player {
            hub,
            hands,
            sandbox,
            watch,
            seen: BTreeMap::new(),
            looked_at: HashMap::new(),
            at,
            waits,
            remembered: HashMap::new(),
            before_run: 0,
            edits: 0,
            faults: None,
            stop: None,
            added: None,
        }
    }

    /// Plays them to the end. Gives the report of a last run that has nothing to do.
    pub fn play(&mut self, trials: &mut [Trial]) -> Result<Report, Error> {
        // L8: nothing is created before both sides have been read once.
        self.run()?;
        loop {
            if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                let left = trials.iter_mut().filter(|trial| trial.verdict.is_none());
                left.for_each(|trial| trial.verdict = Some(Verdict::NotTried("it was interrupted".into())));
                return self.run();
            }
            let (mut runs, mut later) = (false, false);
            for (n, trial) in trials.iter_mut().enumerate() {
                if trial.verdict.is_some() {
                    continue;
                }
                if self.waits[n] {
                    runs = true;
                    continue;
                }
                match self.go_on(n, trial)? {
                    Stop::Run => (runs, self.waits[n]) = (true, true),
                    Stop::Later => later = true,
                    Stop::Over(verdict, failure) => {
                        (trial.verdict, trial.failure) = (Some(verdict), failure);
                        trial.script = vec![];
                        self.remembered.retain(|(of, _), _| *of != n);
                    }
                }
            }
            match (later, runs) {
                // Those that wait for a run do so until nobody waits for time to pass.
                (true, _) => {
                    std::thread::sleep(LATER);
                    self.pass(trials, &Step::Later);
                }
                (false, true) => {
                    // An edit is later than all that was done before the run before it.
                    std::thread::sleep(Duration::from_millis(5));
                    self.run()?;
                    self.waits.fill(false);
                    self.pass(trials, &Step::Run);
                }
                (false, false) => break,
            }
        }
        // What trials left half done is settled first: only then there is nothing to do.
        self.run()?;
        self.run()
    }

    /// Moves all trials that wait for this on.
    fn pass(&mut self, trials: &[Trial], waited_for: &Step) {
        for (trial, at) in trials.iter().zip(&mut self.at) {
            let here = trial.script.get(at.0);
            if trial.verdict.is_none()
                && here.is_some_and(|step| std::mem::discriminant(step) == std::mem::discriminant(waited_for))
            {
                at.0 += 1;
            }
        }
    }

    fn run(&mut self) -> Result<Report, Error> {
        self.seen.clear();
        self.looked_at.clear();
        if let Some(sandbox) = &self.sandbox {
            self.before_run = sandbox.last_request();
        }
        let Some((faults, sandbox)) = self.faults.clone().zip(self.sandbox.clone()) else {
            let report = self.hub.run(RunOptions::default())?;
            return match report.guards.first() {
                Some(guard) => Err(Error::Guard(guard.message.clone())),
                None => Ok(report),
            };
        };
        // People are not disturbed: things go wrong while the hub runs. In the end all systems behave, and what waits is done.
        for system in sandbox.systems() {
            sandbox.set_faults(&system, faults.clone()).map_err(|error| Error::Stage(error.to_string()))?;
        }
        for _ in 0..RUNS_WITH_FAULTS {
            let report = self.hub.run(RunOptions::default())?;
            if report.outbox == 0 && report.systems.iter().all(|system| system.paused.is_none()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        for system in sandbox.systems() {
            sandbox.clear_faults(&system).map_err(|error| Error::Stage(error.to_string()))?;
        }
        let mut report = self.hub.run(RunOptions::default())?;
        for _ in 0..RUNS_TO_SETTLE {
            if report.outbox == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
            report = self.hub.run(RunOptions::default())?;
        }
        Ok(report)
    }

    /// A trial's steps up to where it has to wait.
    fn go_on(&mut self, n: usize, trial: &mut Trial) -> Result<Stop, Error> {
        loop {
            let Some(step) = trial.script.get(self.at[n].0).cloned() else { return Ok(Stop::Over(Verdict::Proved, None)) };
            let stop = match step {
                Step::Run => {
                    trial.told.push("A run.".into());
                    return Ok(Stop::Run);
                }
                Step::Later => return Ok(Stop::Later),
                Step::Add { slot, ty, values } => self.add(n, trial, slot, &ty, &values),
                Step::AddAlike { slot, ty, values } => self.add(n, trial, slot, &ty, &values),
                Step::Edit { slot, values } => self.edit(n, trial, slot, &values),
                Step::Partner { of, slot, ty, values } => self.partner(n, trial, of, slot, &ty, &values)?,
                Step::Remember { slot } => {
                    let shown = self.record(trial, slot).map(|record| record.values);
                    self.remembered.insert((n, slot), shown.unwrap_or_default());
                    None
                }
                Step::Expect(expect) => self.expect(n, trial, &expect)?,
            };
            match stop {
                Some(stop) => return Ok(stop),
                None => self.at[n] = (self.at[n].0 + 1, 0),
            }
        }
    }

    fn add(&mut self, n: usize, trial: &mut Trial, slot: Slot, ty: &TypeName, values: &[(PropertyRef, Val)]) -> Option<Stop> {
        let values = match self.given(trial, values) {
            Ok(values) => values,
            Err(why) => return Some(Stop::Over(Verdict::NotTried(why), None)),
        };
        self.edits += 1;
        match self.hands.add(ty, &values, &format!("verify-{n}-{slot}-{}", self.edits)) {
            Ok(id) => {
                trial.told.push(format!("A person adds {ty}/{id}: {}.", listed(&values)));
                if let Some(added) = &mut self.added {
                    added(ty, &id);
                }
                self.forget(ty);
                put(trial, slot, ty, &id);
                None
            }
            Err(refused) => {
                let why = format!("a record of {ty} can't be added with {}: {}", listed(&values), refused.message);
                Some(Stop::Over(Verdict::NotTried(why), None))
            }
        }
    }

    fn edit(&mut self, n: usize, trial: &mut Trial, slot: Slot, values: &[(PropertyRef, Val)]) -> Option<Stop> {
        let (ty, id) = trial.records.get(slot).cloned().flatten()?;
        let values = match self.given(trial, values) {
            Ok(values) => values,
            Err(why) => return Some(Stop::Over(Verdict::NotTried(why), None)),
        };
        self.edits += 1;
        match self.hands.edit(&ty, &id, &values, &format!("verify-{n}-{slot}-{}", self.edits)) {
            Ok(()) => {
                trial.told.push(format!("A person edits {ty}/{id}: {}.", listed(&values)));
                self.forget(&ty);
                None
            }
            Err(refused) => {
                let why = format!("{ty} does not take {} from a person: {}", listed(&values), refused.message);
                Some(Stop::Over(Verdict::NotTried(why), None))
            }
        }
    }

    /// The record that another one is linked with; else one of a person's, linked by hand. That takes two runs more.
    fn partner(
        &mut self,
        n: usize,
        trial: &mut Trial,
        of: Slot,
        slot: Slot,
        ty: &TypeName,
        values: &[(PropertyRef, Val)],
    ) -> Result<Option<Stop>, Error> {
        if let Some(id) = self.linked(trial, of, ty)? {
            let other = trial.records.get(slot).cloned().flatten();
            if other.is_none_or(|(_, known)| known == id) {
                if self.at[n].1 == 0 {
                    trial.told.push(format!("It is linked with {ty}/{id}."));
                }
                put(trial, slot, ty, &id);
                return Ok(None);
            }
        }
        match self.at[n].1 {
            0 if trial.records.get(slot).is_none_or(Option::is_none) => {
                let stop = self.add(n, trial, slot, ty, values);
                self.at[n].1 = 1;
                Ok(Some(stop.unwrap_or(Stop::Run)))
            }
            0 | 1 => {
                self.at[n].1 = 2;
                let names: Vec<String> = [of, slot]
                    .iter()
                    .filter_map(|s| trial.records.get(*s)?.as_ref())
                    .map(|(ty, id)| format!("{ty}/{id}"))
                    .collect();
                match self.hub.link(&names[0], &names[1]) {
                    Ok(_) => {
                        trial.told.push(format!("A person links {} with {}, which no rule did.", names[0], names[1]));
                        Ok(Some(Stop::Run))
                    }
                    Err(error) => {
                        let expected = format!("{} and {} can be linked", names[0], names[1]);
                        Ok(Some(self.failed(trial, expected, error.to_string())))
                    }
                }
            }
            _ => Ok(Some(self.failed(trial, format!("{} stays linked", ty), "the link is gone".into()))),
        }
    }

    fn expect(&mut self, n: usize, trial: &mut Trial, expect: &Expect) -> Result<Option<Stop>, Error> {
        let name = |slot: Slot| match trial.records.get(slot).and_then(Option::as_ref) {
            Some((ty, id)) => format!("{ty}/{id}"),
            None => "a record".into(),
        };
        let (expected, found): (String, Result<(), String>) = match expect {
            Expect::Shows { slot, path, value, refusable } => {
                let value = match self.given(trial, &[(path.clone(), value.clone())]) {
                    Ok(values) => values[0].1.clone(),
                    Err(why) => return Ok(Some(Stop::Over(Verdict::NotTried(why), None))),
                };
                let expected = format!("{} shows {path} = {}", name(*slot), shown(&value));
                let found = self.holds(trial, *slot, path, &value);
                if found.is_err()
                    && *refusable
                    && let Some(review) = self.reviews(trial)?.first()
                {
                    let why = format!("the system does not take it; that waits in review (G4): {}", review.message);
                    return Ok(Some(Stop::Over(Verdict::NotTried(why), None)));
                }
                (expected, found)
            }
            Expect::Same { slot, but } => {
                let before = self.remembered.get(&(n, *slot)).cloned().unwrap_or_default();
                let Some((ty, _)) = trial.records.get(*slot).cloned().flatten() else { return Ok(None) };
                let watch = self.watch.get(&ty).cloned().unwrap_or_default();
                let now = self.record(trial, *slot).map(|record| record.values).unwrap_or_default();
                let differs = watch.iter().zip(before.iter().zip(&now)).find(|(path, (before, now))| {
                    let (before, now) = (before.as_ref().unwrap_or(&Value::Null), now.as_ref().unwrap_or(&Value::Null));
                    !but.contains(path) && !lockstep_model::value::equal(before, now)
                });
                let found = match differs {
                    None => Ok(()),
                    Some((path, (before, now))) => {
                        let text = |value: &Option<Value>| shown(value.as_ref().unwrap_or(&Value::Null));
                        Err(format!("{path} was {} and is {}", text(before), text(now)))
                    }
                };
                (format!("nothing else of {} changes", name(*slot)), found)
            }
            Expect::Linked { a, b } => {
                let (ty, id) = trial.records.get(*b).cloned().flatten().unwrap_or_else(|| (TypeName::new("", ""), String::new()));
                let linked = self.linked(trial, *a, &ty)?;
                let found = match linked {
                    Some(other) if other == id => Ok(()),
                    Some(other) => Err(format!("it is linked with {ty}/{other}")),
                    None => Err("they are not linked".into()),
                };
                (format!("{} and {} are linked", name(*a), name(*b)), found)
            }
            Expect::Apart { a, b } => {
                let (ty, id) = trial.records.get(*b).cloned().flatten().unwrap_or_else(|| (TypeName::new("", ""), String::new()));
                let found = match self.linked(trial, *a, &ty)? {
                    Some(other) if other == id => Err("they are linked".into()),
                    _ => Ok(()),
                };
                (format!("{} and {} are not linked", name(*a), name(*b)), found)
            }
            Expect::Alone { slot, ty, signs } => {
                let mut found = match self.linked(trial, *slot, ty)? {
                    Some(other) => Err(format!("it is linked with {ty}/{other}")),
                    None => Ok(()),
                };
                for (path, value) in signs {
                    if found.is_ok()
                        && let Some(id) = self.with(ty, path, value).first()
                    {
                        found = Err(format!("{ty}/{id} shows {path} = {}", shown(value)));
                    }
                }
                (format!("nothing is created in {ty} for {}", name(*slot)), found)
            }
            Expect::Appears { of, to, ty, once } => {
                let expected = format!("one record appears in {ty} for {}", name(*of));
                let found = match self.linked(trial, *of, ty)? {
                    None => Err(self.why_not(trial)?.unwrap_or_else(|| "none is there".into())),
                    Some(id) => {
                        let many =
                            once.iter().map(|(path, value)| (path, value, self.with(ty, path, value))).find(|m| m.2.len() > 1);
                        put(trial, *to, ty, &id);
                        match many {
                            Some((path, value, ids)) => {
                                Err(format!("{} show {path} = {}: {}", ids.len(), shown(value), ids.join(", ")))
                            }
                            None => Ok(()),
                        }
                    }
                };
                (expected, found)
            }
            Expect::Count { ty, path, value, count } => {
                let ids = self.with(ty, path, value);
                let found = if ids.len() == *count { Ok(()) } else { Err(format!("{} do: {}", ids.len(), ids.join(", "))) };
                (format!("{count} of {ty} shows {path} = {}", shown(value)), found)
            }
            Expect::Review { slots } => {
                let names: Vec<String> = slots.iter().map(|slot| name(*slot)).collect();
                let found = match self.reviews(trial)?.is_empty() {
                    true => Err("nothing waits".into()),
                    false => Ok(()),
                };
                (format!("{} waits for a person", names.join(" or ")), found)
            }
            Expect::OneWins { a, a_path, b, b_path, first, later } => {
                let timed = [a, b].iter().all(|slot| self.record(trial, **slot).is_some_and(|record| record.modified.is_some()));
                let holds = |player: &mut Self, trial: &Trial, values: &(Value, Value)| {
                    player.holds(trial, *a, a_path, &values.0).and_then(|()| player.holds(trial, *b, b_path, &values.1))
                };
                let found = match holds(self, trial, later) {
                    Err(why) if timed => Err(why),
                    Err(_) => holds(self, trial, first),
                    Ok(()) => Ok(()),
                };
                let expected = match timed {
                    true => format!("both show the later edit, {}", shown(&later.1)),
                    false => format!("both show the same edit, {} or {}", shown(&first.0), shown(&later.1)),
                };
                (expected, found)
            }
        };
        Ok(match found {
            Ok(()) => {
                trial.told.push(format!("Seen: {expected}."));
                None
            }
            Err(found) => {
                let found = match self.why_not(trial)? {
                    Some(why) if !found.contains(&why) => format!("{found}; in review: {why}"),
                    _ => found,
                };
                Some(self.failed(trial, expected, found))
            }
        })
    }

    fn failed(&self, trial: &Trial, expected: String, found: String) -> Stop {
        let ids: Vec<&str> = trial.records.iter().flatten().map(|(_, id)| id.as_str()).collect();
        let exchanges = match &self.sandbox {
            Some(sandbox) => exchanges(sandbox, self.before_run, &ids),
            None => vec![],
        };
        Stop::Over(Verdict::Violated, Some(Failure { expected, found, exchanges }))
    }

    /// The values of a step, ids put in.
    fn given(&self, trial: &Trial, values: &[(PropertyRef, Val)]) -> Result<Vec<(PropertyRef, Value)>, String> {
        let one = |(path, value): &(PropertyRef, Val)| match value {
            Val::Is(value) => Ok((path.clone(), value.clone())),
            Val::IdOf(slot) => match trial.records.get(*slot).and_then(Option::as_ref) {
                Some((_, id)) => Ok((path.clone(), Value::String(id.clone()))),
                None => Err("the record to refer to is not there".to_string()),
            },
        };
        let mut given: Vec<(PropertyRef, Value)> = values.iter().map(one).collect::<Result<_, _>>()?;
        // Ids that are numbers are written as numbers where the property holds them so.
        for ((path, value), (_, from)) in given.iter_mut().zip(values) {
            if let (Val::IdOf(_), Value::String(id)) = (from, &*value)
                && let Ok(number) = id.parse::<i64>()
                && self.is_integer(path, trial)
            {
                *value = Value::from(number);
            }
        }
        Ok(given)
    }

    fn is_integer(&self, path: &PropertyRef, trial: &Trial) -> bool {
        let types = trial.script.iter().filter_map(|step| match step {
            Step::Add { ty, .. } | Step::AddAlike { ty, .. } | Step::Partner { ty, .. } => Some(ty),
            _ => None,
        });
        let mut known = types.filter_map(|ty| self.hands.schema(ty)?.describe(&path.path).cloned());
        known.any(|property| property.ty == lockstep_model::PlainType::Integer)
    }

    fn property(&self, ty: &TypeName, path: &PropertyRef) -> PropertySchema {
        let known = self.hands.property(ty, path).map(|(_, property)| property);
        known.unwrap_or_else(|| PropertySchema::new(path.path.clone(), lockstep_model::PlainType::Any))
    }

    /// What a record type holds now, read once between two runs.
    fn seen(&mut self, ty: &TypeName) -> &HashMap<String, ReadRecord> {
        if !self.seen.contains_key(ty) {
            let watch = self.watch.get(ty).cloned().unwrap_or_default();
            let records = self.hands.list(ty, &watch).unwrap_or_default();
            let by_id = records.into_iter().map(|record| (record.id.clone(), record)).collect();
            self.seen.insert(ty.clone(), by_id);
        }
        &self.seen[ty]
    }

    /// After an edit, what was seen of a type is stale.
    fn forget(&mut self, ty: &TypeName) {
        self.seen.remove(ty);
        self.looked_at.clear();
    }

    /// A trial's record as it is now: by its id where the system can be asked so, as there may be many more of others' making.
    fn record(&mut self, trial: &Trial, slot: Slot) -> Option<ReadRecord> {
        let (ty, id) = trial.records.get(slot)?.clone()?;
        if self.seen.contains_key(&ty) || !self.hands.schema(&ty).is_some_and(|schema| schema.can.get) {
            return self.seen(&ty).get(&id).cloned();
        }
        let key = (ty, id);
        if let Some(record) = self.looked_at.get(&key) {
            return record.clone();
        }
        let watch = self.watch.get(&key.0).cloned().unwrap_or_default();
        let record = self.hands.look(&key.0, &watch, &key.1).ok().flatten();
        self.looked_at.insert(key, record.clone());
        record
    }

    fn holds(&mut self, trial: &Trial, slot: Slot, path: &PropertyRef, value: &Value) -> Result<(), String> {
        let Some((ty, id)) = trial.records.get(slot).cloned().flatten() else { return Err("there is no such record".into()) };
        let at = self.watch.get(&ty).and_then(|watch| watch.iter().position(|watched| watched == path));
        let property = self.property(&ty, path);
        let Some(record) = self.record(trial, slot) else { return Err(format!("{ty}/{id} is not there")) };
        let held = at.and_then(|at| record.values.get(at)?.clone()).unwrap_or(Value::Null);
        if shows(&property, &held, value) {
            return Ok(());
        }
        Err(format!("{ty}/{id} shows {path} = {}", shown(&held)))
    }

    /// The records of a type that show a value.
    fn with(&mut self, ty: &TypeName, path: &PropertyRef, value: &Value) -> Vec<String> {
        // A system that can be asked is not read whole, unless it is one of ours.
        if self.sandbox.is_none()
            && let Ok(Some(found)) = self.hands.find(ty, path, value)
        {
            return found;
        }
        let Some(at) = self.watch.get(ty).and_then(|watch| watch.iter().position(|watched| watched == path)) else {
            return vec![];
        };
        let property = self.property(ty, path);
        let holds = |record: &&ReadRecord| {
            let held = record.values.get(at).and_then(Option::as_ref).unwrap_or(&Value::Null);
            !is_empty(held) && shows(&property, held, value)
        };
        let mut ids: Vec<String> = self.seen(ty).values().filter(holds).map(|record| record.id.clone()).collect();
        ids.sort();
        ids
    }

    /// The hub's record in a slot.
    fn state(&mut self, trial: &Trial, slot: Slot) -> Result<Option<RecordState>, Error> {
        let Some((ty, id)) = trial.records.get(slot).cloned().flatten() else { return Ok(None) };
        let Some(ix) = self.hub.plan_of_flows().type_named(&ty) else { return Ok(None) };
        Ok(self.hub.store().by_key(ix, &[&id])?.pop())
    }

    /// The id of the record of this type that a slot's record is linked with.
    fn linked(&mut self, trial: &Trial, slot: Slot, ty: &TypeName) -> Result<Option<String>, Error> {
        let Some(state) = self.state(trial, slot)? else { return Ok(None) };
        let Some(ix) = self.hub.plan_of_flows().type_named(ty) else { return Ok(None) };
        let members = self.hub.store().members(&[state.entity])?;
        Ok(members
            .into_iter()
            .find(|member| member.ty == ix && member.id != state.id && member.is_live())
            .map(|member| member.key))
    }

    /// What waits for a person about the trial's records.
    fn reviews(&mut self, trial: &Trial) -> Result<Vec<Review>, Error> {
        let mut ids = Vec::new();
        for slot in 0..trial.records.len() {
            if let Some(state) = self.state(trial, slot)? {
                ids.extend(self.hub.store().members(&[state.entity])?.iter().map(|member| member.id));
            }
        }
        Ok(self.hub.store().open_reviews(&ids)?)
    }

    /// What the hub says about it, where it says something.
    fn why_not(&mut self, trial: &Trial) -> Result<Option<String>, Error> {
        Ok(self.reviews(trial)?.first().map(|review| review.message.clone()))
    }
}

fn put(trial: &mut Trial, slot: Slot, ty: &TypeName, id: &str) {
    if trial.records.len() <= slot {
        trial.records.resize(slot + 1, None);
    }
    trial.records[slot] = Some((ty.clone(), id.to_string()));
}

fn listed(values: &[(PropertyRef, Value)]) -> String {
    if values.is_empty() {
        return "nothing in it".into();
    }
    let one = |(path, value): &(PropertyRef, Value)| format!("{path} = {}", shown(value));
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The paths that a script looks at or writes.
fn watched(script: &[Step], watch: &mut BTreeMap<TypeName, Vec<PropertyRef>>) {
    let mut types: HashMap<Slot, TypeName> = HashMap::new();
    let mut add = |ty: &TypeName, paths: &mut dyn Iterator<Item = &PropertyRef>| {
        let known = watch.entry(ty.clone()).or_default();
        for path in paths {
            if !known.contains(path) {
                known.push(path.clone());
            }
        }
    };
    for step in script {
        match step {
            Step::Add { slot, ty, values } | Step::AddAlike { slot, ty, values } | Step::Partner { slot, ty, values, .. } => {
                types.insert(*slot, ty.clone());
                add(ty, &mut values.iter().map(|(path, _)| path));
            }
            Step::Expect(expect) => match &**expect {
                Expect::Appears { to, ty, once, .. } => {
                    types.insert(*to, ty.clone());
                    add(ty, &mut once.iter().map(|(path, _)| path));
                }
                Expect::Alone { ty, signs, .. } => add(ty, &mut signs.iter().map(|(path, _)| path)),
                Expect::Count { ty, path, .. } => add(ty, &mut std::iter::once(path)),
                _ => {}
            },
            _ => {}
        }
    }
    for step in script {
        let mut looks: Vec<(&Slot, Vec<&PropertyRef>)> = vec![];
        match step {
            Step::Edit { slot, values } => looks.push((slot, values.iter().map(|(path, _)| path).collect())),
            Step::Expect(expect) => match &**expect {
                Expect::Shows { slot, path, .. } => looks.push((slot, vec![path])),
                Expect::OneWins { a, a_path, b, b_path, .. } => looks.extend([(a, vec![a_path]), (b, vec![b_path])]),
                _ => {}
            },
            _ => {}
        }
        for (slot, paths) in looks {
            if let Some(ty) = types.get(slot) {
                add(ty, &mut paths.into_iter());
            }
        }
    }
}
