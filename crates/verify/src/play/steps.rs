//! What a tester does in a trial: adds, edits and deletes records, and links them where nothing
//! else did.

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::shown;
use lockstep_model::{TypeName, Value};

use super::{Player, Stop, put};
use crate::Error;
use crate::trial::{Slot, Step, Trial, Val, Verdict};

impl Player<'_> {
    pub(super) fn add(
        &mut self,
        n: usize,
        trial: &mut Trial,
        slot: Slot,
        ty: &TypeName,
        values: &[(PropertyRef, Val)],
    ) -> Option<Stop> {
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
                let why = format!(
                    "a record of {ty} can't be added with {}: {}",
                    listed(&values),
                    refused.message
                );
                Some(Stop::Over(Verdict::NotTried(why), None))
            }
        }
    }

    pub(super) fn edit(
        &mut self,
        n: usize,
        trial: &mut Trial,
        slot: Slot,
        values: &[(PropertyRef, Val)],
    ) -> Option<Stop> {
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
                // What can only be read may be made of something else: then nobody edits it, in the
                // system neither.
                let read_only = |path: &PropertyRef| self.property(&ty, path).read_only;
                let made: Vec<&(PropertyRef, Value)> =
                    values.iter().filter(|(path, _)| read_only(path)).collect();
                let (path, value) = made
                    .into_iter()
                    .find(|(path, value)| self.holds(trial, slot, path, value).is_err())?;
                let why = format!(
                    "{ty} does not show {path} = {} after a person's edit: it makes it of something else",
                    shown(value)
                );
                Some(Stop::Over(Verdict::NotTried(why), None))
            }
            Err(refused) => {
                let why = format!(
                    "{ty} does not take {} from a person: {}",
                    listed(&values),
                    refused.message
                );
                Some(Stop::Over(Verdict::NotTried(why), None))
            }
        }
    }

    /// The record that another one is linked with; else one of a person's, linked by hand. That
    /// takes two runs more.
    pub(super) fn partner(
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
                // A flow the other way has made a counterpart of its own for it, since nothing
                // matches the two.
                let other = trial.records.get(of).cloned().flatten();
                if let Some((other, _)) = other
                    && self.linked(trial, slot, &other)?.is_some()
                {
                    let why = format!(
                        "nothing matches the two, and a record of {ty} that is added gets a counterpart of its own"
                    );
                    return Ok(Some(Stop::Over(Verdict::NotTried(why), None)));
                }
                self.at[n].1 = 2;
                let names: Vec<String> = [of, slot]
                    .iter()
                    .filter_map(|s| trial.records.get(*s)?.as_ref())
                    .map(|(ty, id)| format!("{ty}/{id}"))
                    .collect();
                match self.hub.link(&names[0], &names[1]) {
                    Ok(_) => {
                        trial.by_hand = true;
                        trial.told.push(format!(
                            "A person links {} with {}, which no rule did.",
                            names[0], names[1]
                        ));
                        Ok(Some(Stop::Run))
                    }
                    Err(error) => {
                        let expected = format!("{} and {} can be linked", names[0], names[1]);
                        Ok(Some(self.failed(trial, expected, error.to_string())))
                    }
                }
            }
            _ => Ok(Some(self.failed(
                trial,
                format!("{} stays linked", ty),
                "the link is gone".into(),
            ))),
        }
    }

    /// The values of a step, ids put in.
    pub(super) fn given(
        &self,
        trial: &Trial,
        values: &[(PropertyRef, Val)],
    ) -> Result<Vec<(PropertyRef, Value)>, String> {
        let one = |(path, value): &(PropertyRef, Val)| match value {
            Val::Is(value) => Ok((path.clone(), value.clone())),
            Val::IdOf(slot) => match trial.records.get(*slot).and_then(Option::as_ref) {
                Some((_, id)) => Ok((path.clone(), Value::String(id.clone()))),
                None => Err("the record to refer to is not there".to_string()),
            },
        };
        let mut given: Vec<(PropertyRef, Value)> =
            values.iter().map(one).collect::<Result<_, _>>()?;
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

    /// Deletes a record by hand. Whatever else the trial has is known to be its own from here on,
    /// also what was created for it: with the link that ends it could not be found any more.
    pub(super) fn delete(&mut self, trial: &mut Trial, slot: Slot) -> Option<Stop> {
        let (ty, id) = trial.records.get(slot).cloned().flatten()?;
        if let Some(added) = &mut self.added {
            trial.records.iter().flatten().for_each(|(ty, id)| added(ty, id));
        }
        match self.hands.remove(&ty, &id) {
            Ok(()) => {
                trial.told.push(format!("A person deletes {ty}/{id}."));
                self.forget(&ty);
                self.full = true;
                let kept = self.record(trial, slot).is_some_and(|record| !record.deleted);
                kept.then(|| {
                    Stop::Over(
                        Verdict::NotTried(format!(
                            "{} keeps records of {ty} that a person deletes",
                            ty.system
                        )),
                        None,
                    )
                })
            }
            Err(refused) => {
                let why = format!("{ty}/{id} can't be deleted: {}", refused.message);
                Some(Stop::Over(Verdict::NotTried(why), None))
            }
        }
    }

    /// Links two records by hand.
    pub(super) fn link(&mut self, trial: &mut Trial, a: Slot, b: Slot) -> Option<Stop> {
        let name =
            |slot: Slot| trial.records.get(slot)?.as_ref().map(|(ty, id)| format!("{ty}/{id}"));
        let (a, b) = (name(a)?, name(b)?);
        match self.hub.link(&a, &b) {
            Ok(_) => {
                trial.told.push(format!("A person links {a} with {b}."));
                None
            }
            Err(error) => {
                Some(self.failed(trial, format!("{a} and {b} can be linked"), error.to_string()))
            }
        }
    }
}

fn listed(values: &[(PropertyRef, Value)]) -> String {
    if values.is_empty() {
        return "nothing in it".into();
    }
    let one = |(path, value): &(PropertyRef, Value)| format!("{path} = {}", shown(value));
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}
