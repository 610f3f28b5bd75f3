//! What entries of the journal say, in words.

use lockstep_model::detail::{Act, DecidedBy, Detail, Existence, LinkedBy, PutIn, Wrote};
use lockstep_model::why::Deleting;

use crate::reason::{policy, reason};
use crate::why::{deleting, unanswered, why};

/// What an entry says besides its records, values and rule; empty where they say it all.
pub fn detail(detail: &Detail) -> String {
    match detail {
        Detail::Nothing => String::new(),
        Detail::Said(text) => text.clone(),
        Detail::Because(reason) => why(reason),
        Detail::Read { system, at } => format!("read in {system} at {at}"),
        Detail::Linked(LinkedBy::Match { by }) => format!("they match by {by}"),
        Detail::Linked(by) => linked_by(by),
        Detail::Wrote(wrote) => wrote_what(wrote),
        Detail::Existence(of) => existence(of),
        Detail::Person(done) => act(done),
        Detail::By { person, act: done } => match act(done) {
            text if text.contains("a person") => text.replacen("a person", person, 1),
            text => format!("{text} by {person}"),
        },
    }
}

/// By what two records were linked: the properties by which they match, or how it was found out.
pub fn linked_by(by: &LinkedBy) -> String {
    match by {
        LinkedBy::Match { by } => by.clone(),
        LinkedBy::HadAlready => "the system has it already, and said so".into(),
        LinkedBy::FoundAgain { said } => {
            format!("{}; it was found again", unanswered(said.as_deref()))
        }
        LinkedBy::CreatedAndFound { said: Some(said) } => {
            format!("created; the answer does not tell ({said}), and it was found")
        }
        LinkedBy::CreatedAndFound { said: None } => {
            "created; the answer was lost, and it was found".into()
        }
    }
}

/// What decided for a value; `None` for the latest edit.
pub fn decided_by(by: &DecidedBy) -> Option<String> {
    match by {
        DecidedBy::Policy(of) => policy(of),
        DecidedBy::Reason { reason: of, first } => reason(*of, first),
    }
}

/// What a flow puts in of its own.
pub fn put_in(by: PutIn) -> &'static str {
    match by {
        PutIn::Constant => "the flow puts in this constant (`set`)",
        PutIn::Default => "the flow puts this in where there is no value",
    }
}

/// What became of a record, as a run tells it, with the rule.
pub fn became(of: &Existence) -> String {
    match of {
        Existence::Gone { passes: true } => "it is not there any more (D1)".into(),
        Existence::Gone { passes: false } => {
            "it is not there any more; the other records stay (D1)".into()
        }
        Existence::KeyGivenOn { .. } => format!("{} (R9)", existence(of)),
        Existence::MergedInto { .. } => format!("{} (D1)", existence(of)),
        Existence::CreationTakenBack => format!("{} (G7)", existence(of)),
        Existence::Back
        | Existence::CounterpartIsBack
        | Existence::MayBeRestored
        | Existence::MadeAnew { .. } => existence(of),
    }
}

fn wrote_what(wrote: &Wrote) -> String {
    match wrote {
        Wrote::Created { record } => format!("created {record}"),
        Wrote::Decided(by) => decided_by(by).unwrap_or_default(),
        Wrote::PutIn(by) => put_in(*by).into(),
        Wrote::Deleted { record, because } => format!("deleted {record}, as {}", why(because)),
        Wrote::TookCreationBack => "deleted again, as its creation was taken back".into(),
        Wrote::OverCreation => "its system wrote a creation over it".into(),
        Wrote::Through { of } => format!("written through {of}"),
    }
}

fn existence(of: &Existence) -> String {
    match of {
        Existence::Gone { passes: true } => "it is not in its system any more".into(),
        Existence::Gone { passes: false } => {
            "it is not in its system any more; the link ends, the other records stay".into()
        }
        Existence::Back => "it is in its system again".into(),
        Existence::KeyGivenOn { now, was } => format!(
            "{now} is another record now: the one that was gone is known as {was} from here on"
        ),
        Existence::CounterpartIsBack => "it was deleted after a record that is back: it is restored where its system can, else one is made in its \
             place (D2)"
            .into(),
        Existence::MayBeRestored => {
            "it is restored instead, where its system still has it (D2)".into()
        }
        Existence::MadeAnew { because } => format!("it is made anew: {because} (D2)"),
        Existence::MergedInto { record } => {
            format!("its system has merged it into {record}; nothing is deleted elsewhere for that")
        }
        Existence::CreationTakenBack => "its creation was taken back".into(),
    }
}

/// What a person has said or done.
pub fn act(done: &Act) -> String {
    match done {
        Act::Linked => "a person linked them".into(),
        Act::Unlinked => "a person unlinked them".into(),
        Act::KeptApart => "a person keeps them apart".into(),
        Act::NotCreated => "a person says that its creation did not land".into(),
        Act::CreatedAndDeleted => {
            "a person says that it had been created; it has been deleted since".into()
        }
        Act::Left => "a person leaves it as it is".into(),
        Act::TriedAgain => "a person has it tried again".into(),
        Act::TookAnswerBack => "a person takes back what was answered".into(),
        Act::SideIsRight => "a person says that this side of the flip-flop is right".into(),
        Act::SidesMayDiffer => "a person lets the sides of the flip-flop differ".into(),
        Act::SameRecord => "a person says that it is the same record, with other values".into(),
        Act::AnotherRecord => "a person says that its id belongs to another record now".into(),
        Act::LetDelete { because: Deleting::Deleted { record } } => {
            format!("a person lets it be deleted, as {record} was")
        }
        Act::LetDelete { because: Deleting::Ceased { record } } => {
            format!("a person lets it be deleted, as {record} is not what its flow is about")
        }
        Act::LetDelete { because } => {
            format!("a person lets it be deleted, as {}", deleting(because))
        }
        Act::Kept { though: Deleting::Ceased { record } } => {
            format!("a person keeps it, though {record} is not what its flow is about")
        }
        Act::Kept { though } => format!("a person keeps it, though {}", deleting(though)),
        Act::Guard { guard, system, discarded } => {
            let word = if *discarded { "discarded" } else { "released" };
            format!("the guard of {} in {system} was {word}", guard.name())
        }
        Act::Discarded { write, system } => {
            format!("a person discarded the {} that waited for {system}", write.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::flow::Wins;
    use lockstep_model::{GuardKind, IntentKind, Policy, Reason, Rule, Timestamp};

    fn all() -> Vec<(Detail, &'static str)> {
        let gone = |passes| Detail::Existence(Existence::Gone { passes });
        let deleted = || Deleting::Deleted { record: "a.Person/7".into() };
        let policy = Policy::Wins(Wins::AnyOf(vec!["gold".into(), 7.into()]));
        vec![
            (Detail::Nothing, ""),
            (Detail::Said("“x” is refused".into()), "“x” is refused"),
            (
                Detail::Read { system: "crm".into(), at: Timestamp(0) },
                "read in crm at 1970-01-01T00:00:00Z",
            ),
            (
                Detail::Linked(LinkedBy::Match { by: "mail = email".into() }),
                "they match by mail = email",
            ),
            (
                Detail::Linked(LinkedBy::FoundAgain { said: None }),
                "the answer to an earlier try was lost; it was found again",
            ),
            (
                Detail::Linked(LinkedBy::CreatedAndFound { said: Some("504".into()) }),
                "created; the answer does not tell (504), and it was found",
            ),
            (Detail::Wrote(Wrote::Created { record: "b.User/1".into() }), "created b.User/1"),
            (
                Detail::Wrote(Wrote::Decided(DecidedBy::Policy(policy))),
                "`wins: any-of [\"gold\",7]` says that the first of these that any has wins, whoever put it there and when",
            ),
            (
                Detail::Wrote(Wrote::Decided(DecidedBy::Reason {
                    reason: Reason::Tie,
                    first: "a.Person".into(),
                })),
                "both were put in at the same time, so a.Person, which is named first, wins",
            ),
            (
                Detail::Wrote(Wrote::PutIn(PutIn::Constant)),
                "the flow puts in this constant (`set`)",
            ),
            (
                Detail::Wrote(Wrote::Deleted {
                    record: "b.Person/8".into(),
                    because: deleted().into(),
                }),
                "deleted b.Person/8, as a.Person/7 was deleted",
            ),
            (gone(true), "it is not in its system any more"),
            (
                gone(false),
                "it is not in its system any more; the link ends, the other records stay",
            ),
            (
                Detail::Person(Act::LetDelete { because: deleted() }),
                "a person lets it be deleted, as a.Person/7 was",
            ),
            (
                Detail::Person(Act::Kept { though: deleted() }),
                "a person keeps it, though a.Person/7 was deleted",
            ),
            (
                Detail::Person(Act::Guard {
                    guard: GuardKind::Deletes,
                    system: "crm".into(),
                    discarded: true,
                }),
                "the guard of deletes in crm was discarded",
            ),
            (
                Detail::Person(Act::Discarded { write: IntentKind::Delete, system: "b".into() }),
                "a person discarded the delete that waited for b",
            ),
        ]
    }

    #[test]
    fn g7_what_an_entry_says_is_the_same_after_it_was_stored_and_has_its_words() {
        for (value, words) in all() {
            let stored = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Detail>(&stored).unwrap(), value, "{stored}");
            assert_eq!(detail(&value), words, "{stored}");
        }
    }

    #[test]
    fn what_a_run_tells_of_a_record_names_the_rule() {
        for of in [
            Existence::Gone { passes: true },
            Existence::Gone { passes: false },
            Existence::KeyGivenOn { now: "a.P/1".into(), was: "a.P/1~".into() },
            Existence::MergedInto { record: "a.P/2".into() },
            Existence::MayBeRestored,
            Existence::MadeAnew { because: "it is not shown yet".into() },
            Existence::CreationTakenBack,
        ] {
            let words = became(&of);
            let rule = words.strip_suffix(')').and_then(|words| words.rsplit_once('('));
            assert!(rule.is_some_and(|(_, rule)| Rule::parse(rule).is_some()), "{words}");
        }
    }
}
