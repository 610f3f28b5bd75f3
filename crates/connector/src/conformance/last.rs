//! What is tried last, right before the record is deleted: properties that may hide it, and words
//! that nobody is known to have used. A refusal, or a record that hides, then spoils nothing. And
//! what is tried on records of its own: several at once, and one that is brought back.

use lockstep_model::{PlainType, ReadRecord, Value};
use serde_json::json;

use super::{Run, Verdict, listed, told};
use crate::{Action, Outcome, Write, WriteValue};

impl Run<'_> {
    /// Values of our own for properties of which no record shows any, each by itself.
    pub(super) fn unknown_words(&mut self, mark: &str, made: &ReadRecord) {
        if !self.ty.can.update {
            return;
        }
        let open: Vec<usize> = (0..self.watch.len())
            .filter(|prop| self.can_change(*prop) && !self.may_hide(*prop))
            .filter(|prop| !self.tried.contains(prop))
            .collect();
        let (mut untried, mut failed) = (vec![], false);
        for prop in open {
            match self.first_taken(prop, mark, made) {
                None => untried.push(self.path(prop).to_string()),
                Some((value, now)) if self.shows(prop, now.values[prop].as_ref(), &value.value) => {
                }
                Some((value, now)) => {
                    self.kept_after("every property is kept", &[value], &now);
                    failed = true;
                }
            }
        }
        if !untried.is_empty() && !failed {
            let names = listed(untried.iter().map(String::as_str));
            let why = format!("{names}: no record shows a value there, and ours are refused");
            self.note("every property is tried", Verdict::NotTried(why));
        }
    }

    /// The first of our own values that the system takes, with the record as it is then.
    fn first_taken(
        &self,
        prop: usize,
        mark: &str,
        made: &ReadRecord,
    ) -> Option<(WriteValue, ReadRecord)> {
        for (n, value) in self.own_words(prop, mark).into_iter().enumerate() {
            let shown = self.get(&made.id).ok().flatten()?;
            let value = Self::replacing(&shown, prop, value);
            let token = format!("lockstep-test-{mark}-l{prop}-{n}");
            let outcome = self.change(made, shown.version.clone(), vec![value.clone()], token);
            if matches!(outcome, Outcome::Done(_)) {
                return Some((value, self.get(&made.id).ok().flatten()?));
            }
        }
        None
    }

    /// P6, R3: what may hide a record is changed, and changed back: it is kept, and the record is
    /// still listed.
    pub(super) fn hiding(&mut self, mark: &str, made: &ReadRecord) {
        let what = "what may hide it";
        let open: Vec<usize> = (0..self.watch.len())
            .filter(|prop| self.ty.can.update && self.can_change(*prop) && self.may_hide(*prop))
            .collect();
        if open.is_empty() {
            return;
        }
        let tried: Vec<Result<(), String>> =
            open.into_iter().map(|prop| self.hiding_by(prop, mark, made)).collect();
        let untried: Vec<String> = tried.into_iter().filter_map(Result::err).collect();
        if !untried.is_empty() {
            self.note(what, Verdict::NotTried(untried.join(", ")));
        } else if !self.trials.iter().any(|trial| trial.what == what) {
            self.note(what, Verdict::Holds);
        }
    }

    /// The same for one property.
    ///
    /// # Errors
    /// Why it could not be tried.
    fn hiding_by(&mut self, prop: usize, mark: &str, made: &ReadRecord) -> Result<(), String> {
        let what = "what may hide it";
        let path = self.path(prop).to_string();
        let before = match self.get(&made.id) {
            Ok(Some(before)) => before,
            Ok(None) => return Err(format!("`{path}` ({} is not there any more)", made.id)),
            Err(trouble) => return Err(format!("`{path}` ({trouble})")),
        };
        let was = before.values[prop].clone().unwrap_or(Value::Null);
        let other = json!(was != json!(true));
        let back = if was.is_null() { json!(false) } else { was };
        let change = Self::replacing(&before, prop, other.clone());
        let token = format!("lockstep-test-{mark}-h{prop}");
        match self.change(made, before.version.clone(), vec![change.clone()], token) {
            Outcome::Done(_) => {}
            outcome => return Err(format!("`{path}` was not changed ({})", told(&outcome))),
        }
        let mut tried = Ok(());
        let shown = self.get(&made.id);
        match &shown {
            Err(trouble) => {
                self.fails(what, &["get:"], format!("with `{path}` {other}: {trouble}"))
            }
            Ok(None) => {
                let why = format!(
                    "with `{path}` {other} the record is not there for `get`: it would count as deleted. Ask for such records as well (a \
                     parameter of the request), or say with `deleted` that this is how a deleted record looks, or `read-only: true`"
                );
                self.fails(what, &["get:"], why);
            }
            Ok(Some(now)) if !self.shows(prop, now.values[prop].as_ref(), &other) => {
                self.kept_after("every property is kept", &[change], now);
                tried = Err(format!("`{path}` does not keep {other}"));
            }
            Ok(Some(_)) => match self.is_listed(&made.id) {
                Some(true) => {}
                Some(false) => {
                    let why = format!(
                        "with `{path}` {other} the record is shown by `get` and not listed: it would count as deleted. List such records as \
                         well (a parameter of the request), or say with `deleted` that this is how a deleted record looks"
                    );
                    self.fails(what, &["list:"], why);
                }
                None => tried = Err(format!("`{path}` (the list can't be read to its end here)")),
            },
        }
        let is_seen = matches!(shown, Ok(Some(_)));
        let shown = shown.ok().flatten().unwrap_or(before);
        let back = Self::replacing(&shown, prop, back);
        let token = format!("lockstep-test-{mark}-i{prop}");
        match self.change(made, shown.version.clone(), vec![back], token) {
            Outcome::Done(_) => {}
            // What is hidden may not be reached; that has been told.
            _ if !is_seen => {}
            outcome => {
                let why = format!(
                    "`{path}` was changed to {other} and can't be changed back: {}",
                    told(&outcome)
                );
                self.fails(what, &["update:"], why);
            }
        }
        tried
    }

    /// Records are made by one request where the manifest says so, each with its own values.
    pub(super) fn several(&mut self, values: &[WriteValue], mark: &str) {
        if self.connector.batch(&self.ty.kind) < 2 {
            return;
        }
        let what = "several at once";
        let marks = [format!("{mark}s"), format!("{mark}t")];
        let writes: Vec<Write> = marks
            .iter()
            .map(|own| {
                let mut sent = self.marked(own);
                sent.retain(|value| values.iter().any(|known| known.prop == value.prop));
                let token = format!("lockstep-test-{own}");
                Write { action: Action::Create, values: sent, token }
            })
            .collect();
        let outcomes = self.connector.write(&self.ty.kind, &self.watch, &writes);
        let mut wrong = None;
        let mut made = vec![];
        for ((write, outcome), own) in writes.iter().zip(&outcomes).zip(&marks) {
            let Outcome::Done(record) = outcome else {
                wrong.get_or_insert(format!("one of two: {}", told(outcome)));
                continue;
            };
            if !self.is_own(&record.id, &write.values, mark) {
                wrong.get_or_insert(format!(
                    "one of two was answered with {}, which shows nothing of what was sent: are the results in the order in which the records \
                     were sent (`results`, `item`)?",
                    record.id
                ));
                continue;
            }
            self.left_behind(&record.id, own);
            made.push(record.id.clone());
            let shown = self.get(&record.id).ok().flatten();
            let lost = write.values.iter().find(|value| {
                let shown = shown.as_ref().and_then(|shown| shown.values[value.prop].as_ref());
                !self.shows(value.prop, shown, &value.value)
            });
            if let Some(lost) = lost.filter(|lost| !self.has_failed(self.path(lost.prop))) {
                let path = self.path(lost.prop);
                wrong.get_or_insert(format!(
                    "{} was made with `{path}` of its own and does not show it: are the results in the order in which the records were sent \
                     (`results`, `item`)?",
                    record.id
                ));
            }
        }
        if made.len() == 2 && made[0] == made[1] {
            wrong = Some(format!("two were made, and both are {}", made[0]));
        }
        for id in &made {
            if self.ty.can.delete {
                self.delete_own(id, mark);
            }
        }
        self.held(what, &["create:", "bulk:"], wrong.map_or(Ok(()), Err));
    }

    /// D2: a deleted record is brought back as it was, and deleted again.
    pub(super) fn restoring(&mut self, values: &[WriteValue], mark: &str, before: &ReadRecord) {
        if !self.ty.can.restore {
            return;
        }
        let what = "restore";
        let action = Action::Restore { id: before.id.clone() };
        let token = format!("lockstep-test-{mark}-r");
        match self.write(Write { action, values: vec![], token }) {
            Outcome::Done(_) => self.left_behind(&before.id, mark),
            Outcome::Gone { message } => {
                let why = format!(
                    "{} was deleted a moment ago and can't be brought back ({message}): is `restore` the request for it, with the id that the \
                     record had?",
                    before.id
                );
                return self.fails(what, &["restore:"], why);
            }
            other => return self.fails(what, &["restore:"], told(&other)),
        }
        let verdict = match self.get(&before.id) {
            Ok(Some(now)) => values
                .iter()
                .find(|value| {
                    Self::holds_something(before, value.prop)
                        && before.values[value.prop] != now.values[value.prop]
                })
                .map_or(Ok(()), |lost| {
                    Err(format!(
                        "it is there again, and `{}` is not as it was",
                        self.path(lost.prop)
                    ))
                }),
            Ok(None) => Err(format!("{} was brought back and is not there", before.id)),
            Err(trouble) => Err(trouble.to_string()),
        };
        self.held(what, &["restore:"], verdict);
        self.delete_own(&before.id, mark);
    }

    /// Values of our own where no record shows any: what most systems know by that name, then a
    /// text, a number, a yes or no.
    fn own_words(&self, prop: usize, mark: &str) -> Vec<Value> {
        let property = &self.ty.properties[prop];
        if property.reference.is_some() {
            return vec![];
        }
        let known: &[&str] = match self.code_of(prop) {
            Some("country") => &["NO", "Norway"],
            Some("lang" | "locale") => &["en", "en-US"],
            Some("currency") => &["NOK", "EUR"],
            Some("timezone" | "time_zone") => &["Europe/Oslo"],
            _ => &[],
        };
        let mut all: Vec<Value> = known.iter().map(|word| json!(word)).collect();
        all.push(json!(format!("Lockstep test {mark}l")));
        if property.ty == PlainType::Any {
            all.extend([json!(1), json!(true)]);
        }
        if property.list || property.ty == PlainType::List {
            all = all.into_iter().map(|value| json!([value])).collect();
        }
        all
    }
}
