//! How the command line says why something is so, and what a person can do.

use lockstep_hub::explain::{Explanation, LinkedWith, PropertyExplanation, Waiting};
use lockstep_hub::report::Decided;
use lockstep_model::detail::Wrote;
use lockstep_model::{AnswerKind, Effect, Remedy};
use lockstep_wording::effect;
pub use lockstep_wording::{became, detail, linked_by, why};

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
        Remedy::Unlink { a, b } => format!("`lockstep unlink {a} {b}` takes them apart"),
        Remedy::Explain { record } => {
            format!("`lockstep explain {record}` tells what it is linked with")
        }
        Remedy::LookAtReviews => "`lockstep review` lists them".into(),
        Remedy::LookAtReview => "`lockstep review show N` has them".into(),
        Remedy::ChooseCandidate => "say which with `lockstep review link N RECORD`".into(),
        Remedy::AnswerGuards => "`lockstep release` answers all".into(),
        Remedy::LookAtRuns => "`lockstep status` lists the latest".into(),
        Remedy::Undo { run } => format!("`lockstep undo {run}` takes it back"),
        Remedy::Answer { answer: AnswerKind::Link, record: None, does } => {
            format!("`link` {} a record that you name", effect(*does, None))
        }
        Remedy::Answer { answer: AnswerKind::Link, record: Some(record), does } => {
            format!("`link {record}` {}", effect(*does, None))
        }
        Remedy::Answer { answer, record, does } => {
            format!("`{}` {}", answer.name(), effect(*does, record.as_deref()))
        }
        Remedy::MakeOne { system } => format!("make them one in {system}"),
        Remedy::SetInFlow { setting, values } => {
            let values: Vec<String> =
                values.iter().map(|value| format!("`{setting}: {value}`")).collect();
            format!("{} in the flow answers it for all", values.join(" or "))
        }
        Remedy::Connect { system } => {
            format!("`lockstep connect {system}` tries the keys, or signs in")
        }
        Remedy::UndoEdited => "`--force` takes it back all the same".into(),
    }
}

/// What a person can do where there is no project.
pub const NO_PROJECT: &str = "`lockstep init` makes a project; `-C DIR` names another folder";

/// The answers that the review of this number takes, as commands with what each does.
pub fn commands(number: i64, remedies: &[Remedy]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for remedy in remedies {
        let Remedy::Answer { answer, record, does } = remedy else { continue };
        let mut command = format!("lockstep review {} {number}", answer.name());
        if *answer == AnswerKind::Link {
            command.push(' ');
            command.push_str(record.as_deref().unwrap_or("RECORD"));
        }
        found.push((command, effect(*does, record.as_deref())));
    }
    found
}

/// A message with what a person can do.
pub fn with_remedies(message: &str, remedies: &[Remedy]) -> String {
    let mut text = message.to_string();
    for (at, remedy) in remedies.iter().enumerate() {
        let links = |remedy: &Remedy| {
            matches!(remedy, Remedy::Answer { answer: AnswerKind::Link, does: Effect::Link, .. })
        };
        // One of several records is linked: they are listed where they are to be chosen from.
        let several = links(remedy) && remedies.iter().filter(|one| links(one)).count() > 1;
        let first = remedies.iter().position(links) == Some(at);
        if several && !first {
            continue;
        }
        let asks = text.ends_with('?');
        let follows = at > 0 && is_answer(remedy) && is_answer(&remedies[at - 1]);
        text.push_str(match () {
            () if asks => " ",
            () if follows => ", ",
            () => "; ",
        });
        match several {
            true => text.push_str("`link` one of them"),
            false => text.push_str(&words(remedy)),
        }
    }
    text
}

fn is_answer(remedy: &Remedy) -> bool {
    matches!(remedy, Remedy::Answer { .. })
}

/// What is to be done but to answer.
pub fn but_answers(remedies: &[Remedy]) -> Vec<Remedy> {
    remedies.iter().filter(|remedy| !is_answer(remedy)).cloned().collect()
}

/// What decided about a property, where it was not simply the latest edit.
pub fn decided(why: Option<&Decided>) -> Option<String> {
    let why = why?;
    let of_flow = match &why.flow {
        Some(Wrote::PutIn(by)) => Some(lockstep_wording::put_in(*by).to_string()),
        Some(Wrote::Decided(by)) => lockstep_wording::decided_by(by),
        _ => None,
    };
    of_flow.or_else(|| lockstep_wording::reason(why.reason, &why.first))
}

/// Why a property holds what it holds.
pub fn sentences(of: &PropertyExplanation) -> Vec<String> {
    of.facts.iter().map(|fact| lockstep_wording::fact(&of.path, &of.value, fact)).collect()
}

/// What a record is linked with, and why.
pub fn link(of: &LinkedWith) -> String {
    let gone = if of.gone { " (deleted in its system)" } else { "" };
    match &of.since {
        Some((why, at)) => format!("{}{gone}: {} at {at}", of.record, detail(why)),
        None => format!("{}{gone}", of.record),
    }
}

/// What waits for a person about a record.
pub fn asked(explained: &Explanation) -> Vec<String> {
    let one = |review: &Waiting| {
        let (kind, rule) = (review.kind.name(), review.rule);
        format!("{kind}: {} ({rule}: {})", why(&review.why), rule.sentence())
    };
    explained.reviews.iter().map(one).collect()
}

/// What comes by itself.
pub fn waiting(explained: &Explanation) -> Vec<String> {
    let one = |waits: &Waiting| format!("{} ({})", why(&waits.why), waits.rule);
    explained.waits.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(answer: AnswerKind, record: Option<&str>, does: Effect) -> Remedy {
        Remedy::Answer { answer, record: record.map(Into::into), does }
    }

    #[test]
    fn answers_follow_a_message_and_are_commands_where_the_number_is_known() {
        let deletes = [
            answer(AnswerKind::Accept, Some("b.Person/8"), Effect::Delete),
            answer(AnswerKind::Reject, None, Effect::Keep),
        ];
        assert_eq!(
            with_remedies("a.Person/7 was deleted", &deletes),
            "a.Person/7 was deleted; `accept` deletes b.Person/8, `reject` keeps it"
        );
        let mut which = vec![
            answer(AnswerKind::Link, Some("b.Person/8"), Effect::Link),
            answer(AnswerKind::Separate, None, Effect::KeepApart),
        ];
        let text = "; `link b.Person/8` links it, `separate` keeps them apart for good; creation \
                    goes on";
        assert_eq!(with_remedies("one matches", &which), format!("one matches{text}"));
        which.insert(1, answer(AnswerKind::Link, Some("b.Person/9"), Effect::Link));
        let text = "; `link` one of them, `separate` keeps them apart for good; creation goes on";
        assert_eq!(with_remedies("2 match", &which), format!("2 match{text}"));
        let lines: Vec<String> = commands(3, &which).into_iter().map(|(line, _)| line).collect();
        assert_eq!(
            lines,
            [
                "lockstep review link 3 b.Person/8",
                "lockstep review link 3 b.Person/9",
                "lockstep review separate 3"
            ]
        );
        let both = [deletes[0].clone(), Remedy::LookAtPlan];
        assert_eq!(but_answers(&both), [Remedy::LookAtPlan]);
    }
}
