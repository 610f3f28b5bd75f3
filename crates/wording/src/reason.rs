//! What decided between two values (P1).

use lockstep_model::flow::Wins;
use lockstep_model::{Policy, Reason};

/// What decided, to follow the rule; `None` for the latest edit. `first` is the record type that
/// was named first.
pub fn reason(reason: Reason, first: &str) -> Option<String> {
    Some(match reason {
        Reason::Latest => return None,
        Reason::Told => {
            "a system tells when it was put in, and nobody does of the other value".into()
        }
        Reason::Tie => {
            format!("both were put in at the same time, so {first}, which is named first, wins")
        }
        Reason::Untold => {
            format!("nobody tells when either was put in, so {first}, which is named first, wins")
        }
        Reason::OneWay => {
            "neither is known to be the later one, and values go this way only (P12)".into()
        }
        Reason::Policy => "by the row's `prefer`, `only_from` or `wins`".into(),
    })
}

/// The policy of a property and what it does; `None` where the latest edit wins.
pub fn policy(policy: &Policy) -> Option<String> {
    Some(match policy {
        Policy::Latest => return None,
        Policy::Prefer(systems) => format!(
            "`prefer: [{}]` says that the first of these systems that has a value wins",
            systems.join(", ")
        ),
        Policy::OnlyFrom(system) => {
            format!("`only_from: {system}` says that only what is put in there counts")
        }
        Policy::Wins(wins) => {
            let how = match wins {
                Wins::Truth(true) => "yes wins over no",
                Wins::Truth(false) => "no wins over yes",
                Wins::Min => "the smallest wins",
                Wins::Max => "the largest wins",
                Wins::Longest => "the longest text wins",
                Wins::AnyOf(_) => "the first of these that any has wins",
            };
            format!("`wins: {wins}` says that {how}, whoever put it there and when")
        }
    })
}

#[test]
fn the_latest_edit_needs_no_words_and_a_tie_names_who_is_named_first() {
    assert_eq!(reason(Reason::Latest, "a.Person"), None);
    let tie = reason(Reason::Tie, "a.Person").unwrap();
    assert!(tie.ends_with("so a.Person, which is named first, wins"), "{tie}");
}

#[test]
fn p1_a_policy_is_named_as_it_is_written() {
    assert_eq!(policy(&Policy::Latest), None);
    let said = |of: Policy| policy(&of).unwrap();
    assert!(
        said(Policy::Prefer(vec!["crm".into(), "erp".into()])).starts_with("`prefer: [crm, erp]`")
    );
    assert!(said(Policy::OnlyFrom("crm".into())).starts_with("`only_from: crm`"));
    assert!(said(Policy::Wins(Wins::Truth(false))).starts_with("`wins: false` says that no wins"));
    assert!(
        said(Policy::Wins(Wins::AnyOf(vec!["a".into()]))).starts_with("`wins: any-of [\"a\"]`")
    );
}
