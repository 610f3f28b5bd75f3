//! Words of the pages.

use lockstep_hub::answers::Answer as Said;
use lockstep_hub::explain::LinkedWith;
use lockstep_model::{AnswerKind, Effect, Timestamp, Value};

use crate::problem::Problem;

/// What can be done, in words.
pub use lockstep_wording::{effect, remedy};

/// What a record is linked with, and why.
pub fn link(of: &LinkedWith) -> String {
    let gone = if of.gone { " (deleted in its system)" } else { "" };
    match &of.since {
        Some((why, at)) => {
            format!("{}{gone}: {} at {at}", of.record, lockstep_wording::detail(why))
        }
        None => format!("{}{gone}", of.record),
    }
}

/// What an answer's button says.
pub fn button(answer: AnswerKind, does: Effect) -> &'static str {
    match (does, answer) {
        (Effect::Link, _) => "Link",
        (Effect::KeepApart, _) => "Keep apart",
        (Effect::CreateAgain, _) => "Create it once more",
        (Effect::TryAgain, _) => "Try again",
        (Effect::Leave | Effect::LeaveDecided, _) => "Leave it as it is",
        (Effect::DecideAgain, _) => "Decide again",
        (Effect::Delete, _) => "Delete",
        (Effect::Keep, _) => "Keep",
        (Effect::LetThrough, _) => "Let through",
        (Effect::GiveUp, _) => "Give up",
        (Effect::Believe, _) => "Believe it",
        (Effect::ListAgain, _) => "List again",
        (Effect::SameRecord, _) => "The same record",
        (Effect::AnotherRecord, _) => "Another record",
        (Effect::TakePutBack, _) => "What it was put back to",
        (Effect::TakeWritten, _) => "What was written",
        (Effect::TakeThis, _) => "This one is right",
        (Effect::LetDiffer, _) => "Let them differ",
    }
}

/// A kind of review as a heading.
pub fn review_kind(kind: &str) -> String {
    let mut text = kind.replace('-', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// A value as a person reads it.
pub fn value(value: &Value) -> String {
    lockstep_model::visible::visible(&lockstep_model::value::shown(value)).into_owned()
}

/// A time, shortly: to the second.
pub fn time(at: Timestamp) -> String {
    short(&at.to_string())
}

/// A time that is a text already.
pub fn short(at: &str) -> String {
    match (at.get(..10), at.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => at.into(),
    }
}

/// The answer of this word; `record` is the one that it names.
///
/// # Errors
/// There is no such answer, or it does not fit the record.
pub fn answer(answer: &str, record: Option<&str>) -> Result<Said, Problem> {
    match (answer, record) {
        ("accept", None) => Ok(Said::Accept),
        ("reject", None) => Ok(Said::Reject),
        ("separate", None) => Ok(Said::Separate),
        ("link", Some(record)) => Ok(Said::Link(record.into())),
        ("link", None) => Err(Problem::wrong("`link` names a record: give it as `record`")),
        ("accept" | "reject" | "separate", Some(_)) => {
            Err(Problem::wrong(format!("`{answer}` names no record: leave `record` out")))
        }
        _ => Err(Problem::wrong(format!(
            "`{answer}` is no answer; there are: accept, reject, separate, link"
        ))),
    }
}
