//! A conformance run: what a connector says it can is tried on the system itself, and a sheet tells what held.
//!
//! Reading is always tried. Writing only where it is asked for, on a record of its own that carries a mark, and that is deleted in the end
//! where the system can delete. Nothing else in the system is touched. Errors are provoked in [`errors`].

mod errors;

use std::borrow::Cow;
use std::collections::BTreeSet;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{PlainType, ReadRecord, TypeSchema, Value};
use serde::Serialize;
use serde_json::json;

use crate::vault::{hex, random};
use crate::{Action, Checkpoint, Connector, Outcome, ReadRequest, Settled, Write, WriteValue};

/// Small pages, so that a few records are several; and no more of them than this.
const PAGE: usize = 2;
const MOST_PAGES: usize = 4;

/// What came of one trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "kebab-case")]
pub enum Verdict {
    Holds,
    Fails(String),
    /// It is offered, and could not be tried.
    NotTried(String),
    NotOffered,
}

/// One line of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    pub what: Cow<'static, str>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What holds of one record type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sheet {
    pub record_type: String,
    pub trials: Vec<Trial>,
}

impl Sheet {
    /// What did not hold.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.trials.iter().filter_map(|trial| match &trial.verdict {
            Verdict::Fails(why) => Some((&*trial.what, why.as_str())),
            _ => None,
        })
    }
}

/// Asks what no document settles about a system, and this account may. `None` where there is nothing to ask.
pub fn settle_questions(connector: &dyn Connector) -> Option<Sheet> {
    let trial = |Settled { what, expected, came, holds }: Settled| match holds {
        Some(true) => Trial { what: format!("{what}: {came}").into(), verdict: Verdict::Holds },
        Some(false) => Trial { what: what.into(), verdict: Verdict::Fails(format!("expected {expected}; {came} came")) },
        None => Trial { what: what.into(), verdict: Verdict::NotTried(format!("expected {expected}; {came} came")) },
    };
    let trials: Vec<Trial> = connector.to_settle().into_iter().map(trial).collect();
    (!trials.is_empty()).then(|| Sheet { record_type: "What only a real account settles".into(), trials })
}

/// Tries everything that a connector offers for a record type.
pub fn try_type(connector: &dyn Connector, ty: &TypeSchema, writes: bool) -> Sheet {
    let mut run = Run { connector, ty, watch: vec![], trials: vec![] };
    run.watch = ty.properties.iter().map(|property| PropertyRef::new(property.path.as_str())).collect();
    let seen = run.reading();
    run.getting(seen.as_ref());
    run.finding(seen.as_ref());
    run.looking_for_nobody(seen.as_ref());
    if writes {
        run.writing(seen.as_ref());
    } else {
        let can = &ty.can;
        for (what, offered) in [
            ("create", can.create),
            ("duplicates are told", can.create),
            ("update", can.update),
            ("locking", can.update),
            ("refusals are told", can.create && can.update),
            ("delete", can.delete),
            ("a change of what is gone is told", can.update && can.delete),
        ] {
            let verdict = if offered { Verdict::NotTried("only with --write".into()) } else { Verdict::NotOffered };
            run.note(what, verdict);
        }
    }
    Sheet { record_type: ty.kind.clone(), trials: run.trials }
}

struct Run<'a> {
    connector: &'a dyn Connector,
    ty: &'a TypeSchema,
    watch: Vec<PropertyRef>,
    trials: Vec<Trial>,
}

impl Run<'_> {
    fn note(&mut self, what: &'static str, verdict: Verdict) {
        self.trials.push(Trial { what: what.into(), verdict });
    }

    fn held(&mut self, what: &'static str, result: Result<(), String>) -> bool {
        let held = result.is_ok();
        self.note(what, result.map_or_else(Verdict::Fails, |()| Verdict::Holds));
        held
    }

    /// Lists, page by page; then what changed since. Gives a record to go on with.
    fn reading(&mut self) -> Option<ReadRecord> {
        let (mut checkpoint, mut ids, mut pages): (Option<Checkpoint>, BTreeSet<String>, usize) = (None, BTreeSet::new(), 0);
        let (mut twice, mut some, mut all) = (false, None::<ReadRecord>, false);
        while pages < MOST_PAGES {
            let request =
                ReadRequest { kind: &self.ty.kind, watch: &self.watch, checkpoint: checkpoint.as_ref(), page_size: PAGE };
            match self.connector.read(request) {
                Ok(page) => {
                    pages += 1;
                    if let Some(fault) = page.faults.first() {
                        self.note("list", Verdict::Fails(format!("{}: {}", fault.place, fault.message)));
                        return some;
                    }
                    for record in page.records.into_iter().filter(|record| !record.deleted) {
                        twice |= !ids.insert(record.id.clone());
                        some.get_or_insert(record);
                    }
                    checkpoint = Some(page.checkpoint);
                    if !page.more {
                        all = true;
                        break;
                    }
                }
                Err(trouble) => {
                    self.note("list", Verdict::Fails(trouble.to_string()));
                    return some;
                }
            }
        }
        self.note("list", Verdict::Holds);
        self.note(
            "paging",
            match (pages, twice) {
                (0 | 1, _) => Verdict::NotTried("one page has all the records".into()),
                (_, true) => {
                    Verdict::Fails("a record is on two pages: does the request name the page, and is the list sorted?".into())
                }
                _ => Verdict::Holds,
            },
        );
        if let Some(record) = &some {
            let told = record.values.iter().filter(|value| value.as_ref().is_some_and(|value| !value.is_null())).count();
            let verdict = if told > 0 {
                Verdict::Holds
            } else {
                Verdict::Fails("the first record shows none of the properties: are they where the manifest says?".into())
            };
            self.note("properties", verdict);
        }
        let verdict = match (self.ty.can.since, all) {
            (false, _) => Verdict::NotOffered,
            (true, false) => Verdict::NotTried(format!("there are more than {MOST_PAGES} pages")),
            (true, true) => {
                let request =
                    ReadRequest { kind: &self.ty.kind, watch: &self.watch, checkpoint: checkpoint.as_ref(), page_size: PAGE };
                match self.connector.read(request) {
                    Ok(page) if page.everything => {
                        Verdict::Fails("everything is listed again: the answers have no Date header".into())
                    }
                    Ok(_) => Verdict::Holds,
                    Err(trouble) => Verdict::Fails(trouble.to_string()),
                }
            }
        };
        self.note("changes", verdict);
        some
    }

    fn getting(&mut self, seen: Option<&ReadRecord>) {
        if !self.ty.can.get {
            return self.note("get", Verdict::NotOffered);
        }
        let Some(seen) = seen else { return self.note("get", Verdict::NotTried("there is no record".into())) };
        let verdict = match self.connector.get(&self.ty.kind, &self.watch, &seen.id) {
            Ok(Some(record)) if record.id != seen.id => {
                Verdict::Fails(format!("{} was asked for, and {} came", seen.id, record.id))
            }
            Ok(Some(record)) => {
                let other =
                    self.watch.iter().zip(seen.values.iter().zip(&record.values)).find(|(_, (listed, got))| listed != got);
                match other {
                    Some((property, _)) => Verdict::Fails(format!("{property} is not the same in the list and by itself")),
                    None => Verdict::Holds,
                }
            }
            Ok(None) => Verdict::Fails(format!("{} is listed and is not there by itself", seen.id)),
            Err(trouble) => Verdict::Fails(trouble.to_string()),
        };
        self.note("get", verdict);
    }

    fn finding(&mut self, seen: Option<&ReadRecord>) {
        if !self.ty.can.find {
            return self.note("find", Verdict::NotOffered);
        }
        let mut tried = 0;
        for prop in 0..self.watch.len() {
            let value = seen.and_then(|seen| seen.values[prop].clone()).filter(|value| !value.is_null());
            let (Some(value), Some(seen)) = (value.map(|value| value.get(0).cloned().unwrap_or(value)), seen) else { continue };
            if value.as_str().is_some_and(str::is_empty) || value.is_array() {
                continue;
            }
            match self.connector.find(&self.ty.kind, &self.watch, prop, &value) {
                Ok(None) => {}
                Ok(Some(found)) if found.iter().any(|record| record.id == seen.id) => tried += 1,
                Ok(Some(_)) => {
                    let why = format!("{} is not found by its {}", seen.id, self.watch[prop]);
                    return self.note("find", Verdict::Fails(why));
                }
                Err(trouble) => return self.note("find", Verdict::Fails(trouble.to_string())),
            }
        }
        let none = || Verdict::NotTried("no record holds a value to look for".into());
        self.note("find", if tried > 0 { Verdict::Holds } else { none() });
    }

    /// One record of its own, from its creation to its end.
    fn writing(&mut self, seen: Option<&ReadRecord>) {
        if !self.ty.can.create {
            return self.note("create", Verdict::NotOffered);
        }
        let mark = match random::<4>() {
            Ok(bytes) => hex(&bytes),
            Err(trouble) => return self.note("create", Verdict::NotTried(trouble.to_string())),
        };
        let mut values = self.marked(&mark, seen);
        let made = loop {
            let create = Write { action: Action::Create, values: values.clone(), token: format!("lockstep-test-{mark}") };
            match self.write(create) {
                Outcome::Done(made) => break made,
                // One of a few words is wanted there, or something that only people know: it is tried without.
                Outcome::Rejected { prop: Some(prop), .. }
                    if values.len() > 1 && values.iter().any(|v| v.prop == prop) && !self.ty.properties[prop].required =>
                {
                    values.retain(|value| value.prop != prop);
                }
                other => return self.note("create", Verdict::Fails(told(&other))),
            }
        };
        let kept = match self.connector.get(&self.ty.kind, &self.watch, &made.id) {
            Ok(Some(record)) => {
                let lost =
                    values.iter().find(|value| record.values[value.prop].as_ref().is_none_or(|held| !holds(held, &value.value)));
                lost.map_or(Ok(()), |lost| Err(format!("{} was written and is not shown", self.watch[lost.prop])))
            }
            Ok(None) => Err(format!("{} was created and is not there", made.id)),
            Err(trouble) => Err(trouble.to_string()),
        };
        self.held("create", kept);
        self.duplicating(&values, &mark, &made);
        self.updating(&values, &mark, &made);
        self.refusing(&values, &made);
        if !self.ty.can.delete {
            return self
                .note("delete", Verdict::Fails(format!("not offered: the marked record {} stays; delete it by hand", made.id)));
        }
        let delete = || Write {
            action: Action::Delete { id: made.id.clone(), version: None },
            values: vec![],
            token: format!("lockstep-test-{mark}-d"),
        };
        let deleted = match self.write(delete()) {
            Outcome::Done(_) => match self.connector.get(&self.ty.kind, &self.watch, &made.id) {
                Ok(None) => match self.write(delete()) {
                    Outcome::Done(_) => Ok(()),
                    other => Err(format!("what is gone already can't be deleted again: {}", told(&other))),
                },
                Ok(Some(_)) => Err(format!("{} was deleted and is still there", made.id)),
                Err(trouble) => Err(trouble.to_string()),
            },
            other => Err(format!("{}; the marked record {} stays: delete it by hand", told(&other), made.id)),
        };
        if self.held("delete", deleted) {
            self.changing_what_is_gone(&values, &made);
        }
    }

    /// C2: whether a second one with the same values is refused; where it is not, Lockstep must look before it creates, and does.
    fn duplicating(&mut self, values: &[WriteValue], mark: &str, made: &ReadRecord) {
        let again = Write { action: Action::Create, values: values.to_vec(), token: format!("lockstep-test-{mark}-2") };
        let verdict = match self.write(again) {
            Outcome::Duplicate { id: Some(id), .. } if id == made.id => Verdict::Holds,
            Outcome::Duplicate { id: Some(id), .. } => {
                Verdict::Fails(format!("{} is there already, and {id} was named", made.id))
            }
            Outcome::Duplicate { id: None, .. } => Verdict::Fails("the record that is there is neither named nor found".into()),
            Outcome::Done(second) if second.id == made.id => {
                Verdict::Fails("a second creation wrote over the first record".into())
            }
            Outcome::Done(second) => {
                let delete = Action::Delete { id: second.id, version: None };
                self.write(Write { action: delete, values: vec![], token: format!("lockstep-test-{mark}-3") });
                Verdict::NotOffered
            }
            other => Verdict::Fails(format!("a second creation: {}", told(&other))),
        };
        self.note("duplicates are told", verdict);
    }

    fn updating(&mut self, values: &[WriteValue], mark: &str, made: &ReadRecord) {
        if !self.ty.can.update {
            return self.note("update", Verdict::NotOffered);
        }
        let creates_only = |prop: usize| self.ty.properties[prop].create_only || self.ty.properties[prop].reference.is_some();
        let Some(value) = values.iter().find(|value| !creates_only(value.prop)) else {
            return self.note("update", Verdict::NotTried("no property can be changed".into()));
        };
        let stale = self.connector.get(&self.ty.kind, &self.watch, &made.id).ok().flatten();
        let (prop, before) = (value.prop, value.value.clone());
        let change = |to: &Value, displaced: &Value, version: Option<String>, n: usize| Write {
            action: Action::Update { id: made.id.clone(), version },
            values: vec![WriteValue { prop, value: to.clone(), displaced: displaced.clone().into() }],
            token: format!("lockstep-test-{mark}-u{n}"),
        };
        let after = self.sample(prop, &format!("{mark}b"));
        let version = stale.as_ref().and_then(|record| record.version.clone());
        let outcome = self.write(change(&after, &before, version.clone(), 1));
        let shown = self.connector.get(&self.ty.kind, &self.watch, &made.id).ok().flatten().and_then(|r| r.values[prop].clone());
        let done = match outcome {
            Outcome::Done(_) if shown.as_ref().is_some_and(|shown| holds(shown, &after)) => Ok(()),
            Outcome::Done(_) => Err(format!("{} was written and is not shown", self.watch[prop])),
            other => Err(told(&other)),
        };
        if self.held("update", done) {
            // P6: decided on what has changed since.
            let outcome = self.write(change(&self.sample(prop, &format!("{mark}c")), &before, version, 2));
            let refused = match outcome {
                Outcome::Conflict { .. } => Ok(()),
                Outcome::Done(_) => {
                    Err("an edit made meanwhile was written over: add `read-before`, a version, or a lock".into())
                }
                other => Err(told(&other)),
            };
            self.held("locking", refused);
        }
    }

    fn write(&self, write: Write) -> Outcome {
        let mut outcomes = self.connector.write(&self.ty.kind, &self.watch, &[write]);
        outcomes.pop().unwrap_or(Outcome::Unknown { message: "nothing was told".into() })
    }

    /// Values for a record that anyone can see is a test.
    fn marked(&self, mark: &str, seen: Option<&ReadRecord>) -> Vec<WriteValue> {
        let writable = self.ty.properties.iter().enumerate().filter(|(_, p)| {
            !p.read_only
                && p.derived_from.is_none()
                && (p.reference.is_none() || p.required)
                && !p.list
                && (p.ty == PlainType::String || p.required)
        });
        let value = |prop: usize| match self.ty.properties[prop].reference {
            // It belongs to whom another one belongs to.
            Some(_) => seen.and_then(|seen| seen.values[prop].clone()),
            None => Some(self.sample(prop, mark)),
        };
        writable.filter_map(|(prop, _)| Some(WriteValue { prop, value: value(prop)?, displaced: Value::Null.into() })).collect()
    }

    fn sample(&self, prop: usize, mark: &str) -> Value {
        let property = &self.ty.properties[prop];
        let path = property.path.as_str().to_lowercase();
        let text = if path.contains("mail") {
            format!("lockstep-{mark}@example.com")
        } else if path.contains("phone") {
            format!("+47 22 {:06}", xxhash_rust::xxh3::xxh3_64(mark.as_bytes()) % 1_000_000)
        } else if path.contains("login") {
            format!("lockstep-{mark}")
        } else {
            format!("Lockstep test {mark}")
        };
        match property.ty {
            PlainType::Integer | PlainType::Minutes => json!(1),
            PlainType::Float | PlainType::Decimal => json!(1.5),
            PlainType::Boolean => json!(true),
            PlainType::Date => json!("2001-02-03"),
            PlainType::Datetime => json!("2001-02-03T04:05:06Z"),
            _ => json!(text.chars().take(property.stored_as.max_chars.unwrap_or(usize::MAX)).collect::<String>()),
        }
    }
}

fn holds(shown: &Value, written: &Value) -> bool {
    lockstep_model::value::equal(shown, written) || lockstep_model::value::equal_as(PlainType::Any, shown, written)
}

/// An outcome in words.
fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(record) => format!("done ({})", record.id),
        Outcome::Conflict { message } => format!("refused as changed meanwhile: {message}"),
        Outcome::Duplicate { message, .. } => format!("refused as a duplicate: {message}"),
        Outcome::Rejected { message, .. } => format!("refused: {message}"),
        Outcome::Gone { message } => format!("gone: {message}"),
        Outcome::Later { message, .. } => format!("put off: {message}"),
        Outcome::Accepted { message } => format!("accepted, and not done yet: {message}"),
        Outcome::Unknown { message } => format!("not known whether it was done: {message}"),
        Outcome::Stopped(trouble) => trouble.to_string(),
    }
}
