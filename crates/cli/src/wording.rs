//! How the command line says what a person can do.

use lockstep_model::Remedy;

/// One remedy in words.
pub fn words(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Run => "`lockstep sync` finds out".into(),
        Remedy::LookAtPlan => "`lockstep plan` shows them".into(),
        Remedy::LetThrough { system, guard } => format!(
            "`lockstep release --system {system} --guard {guard}` lets them through, with `--discard` they are given up"
        ),
        Remedy::Believe { system, guard: None } => {
            format!("`lockstep release --system {system}` believes it")
        }
        Remedy::Believe { system, guard: Some(guard) } => {
            format!("`lockstep release --system {system} --guard {guard}` believes it")
        }
        Remedy::SameAccount { system } => {
            format!("`lockstep release --system {system}` says that it is the same account")
        }
        Remedy::Rename { old, new } => {
            format!("`lockstep rename {old} {new}` keeps links and history")
        }
        Remedy::NotRenamed { system } => {
            format!("`lockstep release --system {system}` lets the run go on")
        }
        Remedy::Unlink { a, b } => format!("`lockstep unlink {a} {b}`"),
        Remedy::Explain { record } => {
            format!("`lockstep explain {record}` tells what it is linked with")
        }
        Remedy::LookAtReviews => "`lockstep review` lists them".into(),
        Remedy::LookAtReview => "`lockstep review show N` has them".into(),
        Remedy::ChooseCandidate => "say which with `lockstep review link N RECORD`".into(),
        Remedy::AnswerGuards => "`lockstep release` answers all".into(),
        Remedy::LookAtRuns => "`lockstep status` lists the latest".into(),
        Remedy::Undo { run } => format!("`lockstep undo {run}` takes it back"),
    }
}

/// A message with what a person can do.
pub fn with_remedies(message: &str, remedies: &[Remedy]) -> String {
    let mut text = message.to_string();
    for remedy in remedies {
        let asks = text.ends_with('?');
        text.push_str(if asks { " " } else { "; " });
        text.push_str(&words(remedy));
    }
    text
}
