//! What decided between two values (P1).

use lockstep_model::Reason;

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

#[test]
fn the_latest_edit_needs_no_words_and_a_tie_names_who_is_named_first() {
    assert_eq!(reason(Reason::Latest, "a.Person"), None);
    let tie = reason(Reason::Tie, "a.Person").unwrap();
    assert!(tie.ends_with("so a.Person, which is named first, wins"), "{tie}");
}
