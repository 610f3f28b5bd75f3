//! What a tester looks for in a trial, and what is said when it is not there.

use lockstep_model::value::shown;
use lockstep_model::{TypeName, Value};
use lockstep_wording::why as words;

use super::{Player, Stop, put};
use crate::Error;
use crate::trial::{Expect, Slot, Trial, Verdict};

impl Player<'_> {
    pub(super) fn expect(
        &mut self,
        n: usize,
        trial: &mut Trial,
        expect: &Expect,
    ) -> Result<Option<Stop>, Error> {
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
                    let why = format!(
                        "the system does not take it; that waits in review (G4): {}",
                        words(&review.why)
                    );
                    return Ok(Some(Stop::Over(Verdict::NotTried(why), None)));
                }
                (expected, found)
            }
            Expect::Same { slot, but } => {
                let before = self.remembered.get(&(n, *slot)).cloned().unwrap_or_default();
                let Some((ty, _)) = trial.records.get(*slot).cloned().flatten() else {
                    return Ok(None);
                };
                let watch = self.watch.get(&ty).cloned().unwrap_or_default();
                let now = self.record(trial, *slot).map(|record| record.values).unwrap_or_default();
                let differs =
                    watch.iter().zip(before.iter().zip(&now)).find(|(path, (before, now))| {
                        let (before, now) = (
                            before.as_ref().unwrap_or(&Value::Null),
                            now.as_ref().unwrap_or(&Value::Null),
                        );
                        !but.iter().any(|but| self.means(&ty, path, but))
                            && !lockstep_model::value::equal(before, now)
                    });
                let found = match differs {
                    None => Ok(()),
                    Some((path, (before, now))) => {
                        let text =
                            |value: &Option<Value>| shown(value.as_ref().unwrap_or(&Value::Null));
                        Err(format!("{path} was {} and is {}", text(before), text(now)))
                    }
                };
                (format!("nothing else of {} changes", name(*slot)), found)
            }
            Expect::Linked { a, b } => {
                let (ty, id) = trial
                    .records
                    .get(*b)
                    .cloned()
                    .flatten()
                    .unwrap_or_else(|| (TypeName::new("", ""), String::new()));
                let linked = self.linked(trial, *a, &ty)?;
                let found = match linked {
                    Some(other) if other == id => Ok(()),
                    Some(other) => Err(format!("it is linked with {ty}/{other}")),
                    None => Err("they are not linked".into()),
                };
                (format!("{} and {} are linked", name(*a), name(*b)), found)
            }
            Expect::Apart { a, b } => {
                let (ty, id) = trial
                    .records
                    .get(*b)
                    .cloned()
                    .flatten()
                    .unwrap_or_else(|| (TypeName::new("", ""), String::new()));
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
                        let many = once
                            .iter()
                            .map(|(path, value)| (path, value, self.with(ty, path, value)))
                            .find(|m| m.2.len() > 1);
                        put(trial, *to, ty, &id);
                        match many {
                            Some((path, value, ids)) => Err(format!(
                                "{} show {path} = {}: {}",
                                ids.len(),
                                shown(value),
                                ids.join(", ")
                            )),
                            None => Ok(()),
                        }
                    }
                };
                (expected, found)
            }
            Expect::Count { ty, path, value, count } => {
                let ids = self.with(ty, path, value);
                let found = if ids.len() == *count {
                    Ok(())
                } else {
                    Err(format!("{} do: {}", ids.len(), ids.join(", ")))
                };
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
            Expect::Quiet { slots } => {
                let names: Vec<String> = slots.iter().map(|slot| name(*slot)).collect();
                let found = match self.reviews(trial)?.first() {
                    None => Ok(()),
                    Some(review) => Err(format!("in review: {}", words(&review.why))),
                };
                (format!("nothing waits for a person about {}", names.join(" and ")), found)
            }
            Expect::There { slot, there } => {
                let found = match (
                    self.record(trial, *slot).is_some_and(|record| !record.deleted),
                    there,
                ) {
                    (true, true) | (false, false) => Ok(()),
                    (true, false) => Err("it is there".to_string()),
                    (false, true) => Err("it is gone".to_string()),
                };
                (format!("{} is {}", name(*slot), if *there { "there" } else { "gone" }), found)
            }
            Expect::Elements { slot, path, values } => {
                let text = values.iter().map(shown).collect::<Vec<_>>().join(", ");
                (
                    format!("{} shows {path} = {text}", name(*slot)),
                    self.elements(trial, *slot, path, values),
                )
            }
            Expect::NotWritten { slot, path } => (
                format!("{path} of {} was not written", name(*slot)),
                self.not_written(trial, *slot, path)?,
            ),
            Expect::InJournal { slot, path, value } => {
                let found = self.in_journal(trial, *slot, path, value)?;
                (format!("the journal of {} has {path} = {}", name(*slot), shown(value)), found)
            }
            Expect::LoserInJournal { a, a_path, b, b_path, first, later } => {
                // The edit of `a` lost, unless it is what `b` shows.
                let (slot, path, value) = match self.holds(trial, *b, b_path, &later.1) {
                    Ok(()) => (*a, a_path, &first.0),
                    Err(_) => (*b, b_path, &later.1),
                };
                let found = self.in_journal(trial, slot, path, value)?;
                (
                    format!(
                        "the journal of {} has the edit that lost, {path} = {}",
                        name(slot),
                        shown(value)
                    ),
                    found,
                )
            }
            Expect::OneWins { a, a_path, b, b_path, first, later } => {
                let timed = [a, b].iter().all(|slot| {
                    self.record(trial, **slot).is_some_and(|record| record.modified.is_some())
                });
                let holds = |player: &mut Self, trial: &Trial, values: &(Value, Value)| {
                    player
                        .holds(trial, *a, a_path, &values.0)
                        .and_then(|()| player.holds(trial, *b, b_path, &values.1))
                };
                let found = match holds(self, trial, later) {
                    Err(why) if timed => Err(why),
                    Err(_) => holds(self, trial, first),
                    Ok(()) => Ok(()),
                };
                let expected = match timed {
                    true => format!("both show the later edit, {}", shown(&later.1)),
                    false => format!(
                        "both show the same edit, {} or {}",
                        shown(&first.0),
                        shown(&later.1)
                    ),
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
}
