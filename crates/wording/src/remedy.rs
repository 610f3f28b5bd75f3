//! What a person can do, in words: apart from the command or the button that does it.

use lockstep_model::{AnswerKind, Effect, Remedy};

/// What an answer does, after the answer; `record` is the one that it is done to.
pub fn effect(does: Effect, record: Option<&str>) -> String {
    let it = record.unwrap_or("it");
    match does {
        Effect::Link => "links it".into(),
        Effect::KeepApart => "keeps them apart for good; creation goes on".into(),
        Effect::CreateAgain => "says that it was not created: it is created once more".into(),
        Effect::TryAgain => "tries it again".into(),
        Effect::Leave => "leaves it as it is, until the value changes".into(),
        Effect::DecideAgain => "decides on it again".into(),
        Effect::LeaveDecided => "leaves it as it is, until something changes".into(),
        Effect::Delete => format!("deletes {it}"),
        Effect::Keep => "keeps it".into(),
        Effect::LetThrough => "lets them through".into(),
        Effect::GiveUp => "gives them up".into(),
        Effect::Believe => "believes it".into(),
        Effect::ListAgain => "has it listed again".into(),
        Effect::SameRecord => "says that it is the same record, edited".into(),
        Effect::AnotherRecord => "says that its id belongs to another record now".into(),
        Effect::TakePutBack => {
            "says that what it was put back to is right, and goes to the others".into()
        }
        Effect::TakeWritten => "says that what was written is right, and is written again".into(),
        Effect::TakeThis => "says that this one is right".into(),
        Effect::LetDiffer => "lets each keep what it holds, until somebody edits it".into(),
    }
}

/// What can be done, for whoever has neither a terminal nor a button before them.
pub fn remedy(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Run => "the next run finds out".into(),
        Remedy::LookAtPlan => "the plan shows them".into(),
        Remedy::LetThrough { system, guard } => {
            format!(
                "let the writes to {system} through that the guard {guard} holds back, or give them up"
            )
        }
        Remedy::Believe { system, .. } => format!("believe what {system} lists"),
        Remedy::SameAccount { system } => format!("say that {system} is the same account"),
        Remedy::Rename { old, new } => format!("rename {old} to {new}: links and history are kept"),
        Remedy::NotRenamed { system } => format!("say that nothing of {system} was renamed"),
        Remedy::Unlink { a, b } => format!("take {a} and {b} apart"),
        Remedy::Explain { record } => format!("look at {record}: it tells what it is linked with"),
        Remedy::LookAtReviews => "look at what waits for a person".into(),
        Remedy::LookAtReview => "look at it with its records".into(),
        Remedy::ChooseCandidate => "say which candidate it is".into(),
        Remedy::AnswerGuards => "answer the guards".into(),
        Remedy::LookAtRuns => "look at the latest runs".into(),
        Remedy::Undo { run } => format!("take back run {run}"),
        Remedy::Answer { answer, record, does } => {
            let of = match (answer, record) {
                (AnswerKind::Link, Some(record)) => format!("{} {record}", answer.name()),
                _ => answer.name().to_string(),
            };
            format!("`{of}` {}", effect(*does, record.as_deref()))
        }
        Remedy::MakeOne { system } => format!("make them one in {system}"),
        Remedy::SetInFlow { setting, values } => {
            let values: Vec<String> =
                values.iter().map(|value| format!("`{setting}: {value}`")).collect();
            format!("{} in the flow answers it for all", values.join(" or "))
        }
        Remedy::Connect { system } => format!("sign in to {system} again, or give it other keys"),
        Remedy::UndoEdited => "take back what was edited since as well".into(),
    }
}
