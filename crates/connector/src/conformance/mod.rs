//! A conformance run: what a connector says it can is tried on the system itself, and a sheet tells
//! what held.
//!
//! Reading is always tried ([`reading`]). Writing only where it is asked for ([`writing`]), on
//! records of its own that carry a mark, and that are deleted in the end where the system can
//! delete; what stays is named. Nothing else in the system is touched. Errors are provoked in
//! [`errors`].
//!
//! A manifest may be wrong and look right: the interpreter leaves out of an answer what was not
//! asked for, so a look-up that ignores its value still finds the one record. So answers are looked
//! at by [`Connector::probe`], too.

mod errors;
mod last;
mod own;
mod reading;
mod samples;
mod writing;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{as_stored, equal, equal_as};
use lockstep_model::{PlainType, ReadRecord, TypeSchema, Value};
use serde::Serialize;

use crate::{Checkpoint, Connector, Outcome, Settled, Trouble, Write};

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
    /// The words that lead to what is wrong in the manifest: `types:`, `People:`, `changes:`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<String>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What holds of one record type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sheet {
    pub record_type: String,
    pub trials: Vec<Trial>,
    /// Records that the run made and could not delete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// A record that was listed, to try a wrong key on.
    #[serde(skip)]
    pub seen: Option<String>,
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

/// Asks what no document settles about a system, and this account may. `None` where there is
/// nothing to ask.
pub fn settle_questions(connector: &dyn Connector) -> Option<Sheet> {
    let trial = |Settled { what, expected, came, holds }: Settled| {
        let (what, verdict) = match holds {
            Some(true) => (format!("{what}: {came}"), Verdict::Holds),
            Some(false) => (what, Verdict::Fails(format!("expected {expected}; {came} came"))),
            None => (what, Verdict::NotTried(format!("expected {expected}; {came} came"))),
        };
        Trial { what: what.into(), place: vec![], verdict }
    };
    let trials: Vec<Trial> = connector.to_settle().into_iter().map(trial).collect();
    let record_type = "What only a real account settles".into();
    (!trials.is_empty()).then_some(Sheet { record_type, trials, left: vec![], seen: None })
}

/// Tries everything that a connector offers for a record type.
pub fn try_type(connector: &dyn Connector, ty: &TypeSchema, writes: bool) -> Sheet {
    let watch =
        ty.properties.iter().map(|property| PropertyRef::new(property.path.as_str())).collect();
    let mut run = Run {
        connector,
        ty,
        watch,
        trials: vec![],
        seen: Seen::default(),
        left: BTreeMap::new(),
        tried: BTreeSet::new(),
    };
    let refused = connector.traffic().refused;
    run.seen = run.reading();
    run.getting();
    run.finding();
    run.looking_for_nobody();
    if writes {
        run.writing();
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
            let verdict = if offered {
                Verdict::NotTried("nothing was to be written".into())
            } else {
                Verdict::NotOffered
            };
            run.note(what, verdict);
        }
    }
    run.rate(connector.traffic().refused.saturating_sub(refused));
    let left = run.left.iter().map(|(id, what)| format!("{} {id} ({what})", ty.kind)).collect();
    let seen = run.seen.records.first().map(|record| record.id.clone());
    Sheet { record_type: ty.kind.clone(), trials: run.trials, left, seen }
}

/// R3: with a wrong key nothing is "not there". A rule that takes a refused key for a record's end
/// would have everything deleted.
pub fn try_wrong_key(with_wrong_key: &dyn Connector, ty: &TypeSchema, sheet: &mut Sheet) {
    let what = "a refused key is no deletion";
    let Some(id) = &sheet.seen else { return };
    let verdict = if ty.can.get {
        match with_wrong_key.get(&ty.kind, &[], id) {
            Ok(None) => Verdict::Fails(format!(
                "with a wrong key {id} passes for deleted: a rule of `errors` takes the refusal for `means: gone`. Narrow it: name the place \
                 and the word by which the answer for a deleted record differs (`at`, `is`)"
            )),
            Ok(Some(_)) => Verdict::NotTried("it is shown with a wrong key, too".into()),
            Err(_) => Verdict::Holds,
        }
    } else {
        let request =
            crate::ReadRequest { kind: &ty.kind, watch: &[], checkpoint: None, page_size: 1 };
        match with_wrong_key.read(request) {
            Ok(page) if page.records.is_empty() => {
                Verdict::Fails("with a wrong key the list is empty, and not refused: its records would pass for deleted".into())
            }
            Ok(_) => Verdict::NotTried("it is listed with a wrong key, too".into()),
            Err(_) => Verdict::Holds,
        }
    };
    let place = if matches!(verdict, Verdict::Fails(_)) { vec!["errors:".into()] } else { vec![] };
    sheet.trials.push(Trial { what: what.into(), place, verdict });
}

/// What reading has shown.
#[derive(Default)]
struct Seen {
    records: Vec<ReadRecord>,
    /// The records are all that there are.
    complete: bool,
    checkpoint: Option<Checkpoint>,
}

struct Run<'a> {
    connector: &'a dyn Connector,
    ty: &'a TypeSchema,
    watch: Vec<PropertyRef>,
    trials: Vec<Trial>,
    seen: Seen,
    /// Records that this run has made and not deleted, each with its mark.
    left: BTreeMap<String, String>,
    /// Properties to which something was written.
    tried: BTreeSet<usize>,
}

impl Run<'_> {
    fn note(&mut self, what: &'static str, verdict: Verdict) {
        self.trials.push(Trial { what: what.into(), place: vec![], verdict });
    }

    /// Notes what does not hold. `words` lead on from the record type to the place in the manifest.
    fn fails(&mut self, what: &'static str, words: &[&str], why: impl Into<String>) {
        let place = match words {
            ["errors:" | "rate:", ..] => words.iter().map(|word| (*word).to_string()).collect(),
            _ => {
                let own = ["types:".to_string(), format!("{}:", self.ty.kind)];
                own.into_iter().chain(words.iter().map(|word| (*word).to_string())).collect()
            }
        };
        self.trials.push(Trial { what: what.into(), place, verdict: Verdict::Fails(why.into()) });
    }

    fn verdict(&mut self, what: &'static str, words: &[&str], verdict: Verdict) {
        match verdict {
            Verdict::Fails(why) => self.fails(what, words, why),
            verdict => self.note(what, verdict),
        }
    }

    fn held(&mut self, what: &'static str, words: &[&str], result: Result<(), String>) -> bool {
        let held = result.is_ok();
        self.verdict(what, words, result.map_or_else(Verdict::Fails, |()| Verdict::Holds));
        held
    }

    /// G4: a system that refuses requests as too many gets fewer of them.
    fn rate(&mut self, refused: u64) {
        if refused > 0 {
            let why = format!(
                "{refused} requests were refused as too many: state under `rate` what the system allows (`per-second`, `per-minute`, `at-once`)"
            );
            self.fails("the rate is stated", &["rate:"], why);
        }
    }

    fn get(&self, id: &str) -> Result<Option<ReadRecord>, Trouble> {
        self.connector.get(&self.ty.kind, &self.watch, id)
    }

    fn write(&self, write: Write) -> Outcome {
        let mut outcomes = self.connector.write(&self.ty.kind, &self.watch, &[write]);
        outcomes.pop().unwrap_or(Outcome::Unknown { message: "nothing was told".into() })
    }

    fn path(&self, prop: usize) -> &str {
        self.watch[prop].path.as_str()
    }

    /// Whether a property shows what was written to it, in the system's own terms (P3).
    fn shows(&self, prop: usize, shown: Option<&Value>, written: &Value) -> bool {
        let property = &self.ty.properties[prop];
        let Some(shown) = shown else { return false };
        let stored = match written {
            Value::Array(list) => Value::Array(
                list.iter().map(|one| as_stored(one.clone(), property.stored_as)).collect(),
            ),
            one => as_stored(one.clone(), property.stored_as),
        };
        let plain = |value: &Value| match value {
            Value::Array(list) if property.reference.is_some() => {
                Value::Array(list.iter().map(as_id).collect())
            }
            one if property.reference.is_some() => as_id(one),
            one => one.clone(),
        };
        let folded = |value: &Value| match value {
            Value::String(text) => Value::String(text.to_lowercase()),
            one => one.clone(),
        };
        equal(&plain(shown), &plain(&stored))
            || property.stored_as.caseless && equal(&folded(shown), &folded(&stored))
            || equal_as(property.ty, shown, &stored)
            || equal_as(PlainType::Any, shown, &stored)
    }
}

/// A reference as text: a number and its digits are one id.
fn as_id(value: &Value) -> Value {
    lockstep_model::id_text::id_text(value).map_or(value.clone(), Value::String)
}

/// A value for a message: not longer than helps.
fn brief(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".into() };
    let told = value.to_string();
    if told.chars().count() <= 60 {
        told
    } else {
        told.chars().take(57).chain("…".chars()).collect()
    }
}

/// Names in a row: `a`, `b` and 3 more.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const MOST: usize = 12;
    let names: Vec<&str> = names.collect();
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
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
