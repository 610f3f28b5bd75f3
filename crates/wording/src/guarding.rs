//! Why a guard stops what it stops, in words (G3).

use lockstep_model::GuardKind;
use lockstep_model::guarding::{Guarding, ValuesOf};

/// What a guard has counted, or seen, and what is left undone for that.
pub(crate) fn guarding(why: &Guarding) -> String {
    const LOOKED: &str = "nothing is written before a person has looked";
    match why {
        Guarding::Writes { guard, system, waiting, known, limit } => format!(
            "{waiting} {} in {system} wait, the limit is {limit} of {known} records known: {LOOKED}",
            guard.name()
        ),
        Guarding::FirstMirroring { guard, system, waiting } => format!(
            "{waiting} {} in {system} wait, more than half of the records of a type that is mirrored for the first time: {LOOKED}",
            guard.name()
        ),
        Guarding::Values { guard, counted, limit } => format!(
            "{}, the limit is {limit} of the records of its type: {LOOKED}",
            values(*guard, counted)
        ),
        Guarding::Listing { of, known, lists } => {
            let lists = match lists {
                0 => "lists none".to_string(),
                lists => format!("lists {lists} of them"),
            };
            format!(
                "{of} had {known} records and {lists} now: nothing is taken as deleted from that, and nothing is written to {of}"
            )
        }
        Guarding::Lost { property, of, lost, held } => format!(
            "`{property}` has no value any more in {lost} of the {held} records of {of} that held one: nothing is taken as emptied from that, \
             and nothing is written to {of}. Was it renamed, or a permission withdrawn?"
        ),
        Guarding::Unidentified { of, records, by } => {
            let by: Vec<String> = by.iter().map(|property| format!("`{property}`")).collect();
            format!(
                "none of the {records} records of {of} shows {}, by which they are matched: whoever is on the other side already would \
                 be created once more, so nothing is created in {of} or from it. Does the key let Lockstep read it, and does the match row \
                 name the right property?",
                by.join(" or ")
            )
        }
        Guarding::Strangers { of, system, strangers, known } => format!(
            "of {known} known records of {of}, {strangers} show nothing of what identified them: under their ids stand others, as in \
             another account. Nothing of that is taken in, and nothing is written to {system}. Put the settings of {system} right, or give the new \
             account a name of its own. If it is the same account, you are asked about each of these records by itself"
        ),
        Guarding::OtherAccount { system, account, known } => format!(
            "the key belongs to the account {account} now; the records that are known of {system} are those of {known}: nothing is read \
             from it or written to it. Put the settings of {system} right, or give the new account a name of its own"
        ),
        Guarding::LooksRenamed { of, old } => format!(
            "{of} holds records of the ids that are known of {old}, which no flow names any more: nothing is created or written. Is it \
             the same under another name, or not?"
        ),
    }
}

/// `400 of 400 values of `phone` in shop.Customers would be emptied`
fn values(guard: GuardKind, counted: &[ValuesOf]) -> String {
    let what = match guard {
        GuardKind::Clears => "would be emptied",
        _ => "by which records are matched would be overwritten",
    };
    let one = |of: &ValuesOf| {
        format!("{} of {} values of `{}` in {}", of.count, of.known, of.property, of.of)
    };
    format!("{} {what}", counted.iter().map(one).collect::<Vec<_>>().join(", "))
}

#[test]
fn g3_a_guard_says_what_it_counted_and_the_limit() {
    let of = |property: &str, count| ValuesOf {
        property: property.into(),
        of: "b.Person".into(),
        count,
        known: 40,
    };
    let counted = vec![of("phone", 40), of("mail", 7)];
    assert_eq!(
        guarding(&Guarding::Values { guard: GuardKind::Clears, counted, limit: "10 %".into() }),
        "40 of 40 values of `phone` in b.Person, 7 of 40 values of `mail` in b.Person would be emptied, \
         the limit is 10 % of the records of its type: nothing is written before a person has looked"
    );
    let listing = |lists| guarding(&Guarding::Listing { of: "a.P".into(), known: 60, lists });
    assert!(listing(22).starts_with("a.P had 60 records and lists 22 of them now"));
    assert!(listing(0).starts_with("a.P had 60 records and lists none now"));
}
