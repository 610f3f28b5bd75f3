//! Why something is so.

use lockstep_model::Why;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::why::{
    Changed, Deleting, Kept, Lacking, Linking, MOST_COUNTED, Mirrored, NotCreated, NotYet,
    OfReference, OfValue, Sending, WhichRecord,
};

use crate::guarding::guarding;

/// A reason in words: the end of a sentence whose subject is the record or the property.
pub fn why(why: &Why) -> String {
    match why {
        Why::Said(text) => text.clone(),
        Why::Linking(why) => linking(why),
        Why::NotCreated(why) => not_created(why),
        Why::NotYet(why) => not_yet(why),
        Why::OfReference(why) => reference(why),
        Why::OfValue(why) => value(why),
        Why::Deleting(why) => deleting(why),
        Why::Sending(why) => sending(why),
        Why::WhichRecord(why) => which_record(why),
        Why::Guarding(why) => guarding(why),
    }
}

fn linking(why: &Linking) -> String {
    match why {
        Linking::SeveralMatch { of, records } => {
            format!("{} records of {of} match it", counted(*records))
        }
        Linking::SeveralClaim { record, of, records } => {
            format!("{} records of {of} match {record}", counted(*records))
        }
        Linking::Duplicates { of, records: 1, by } => format!("another {of} matches it by {by}"),
        Linking::Duplicates { of, records, by } => {
            format!("{} other records of {of} match it by {by}", counted(*records))
        }
        Linking::Alike { of, records, by, lacking } => format!(
            "{records} records of {of} match each other by `{by}` and have no counterpart in {lacking}"
        ),
        Linking::LinkedWithAnother { record, of } => {
            format!("{record} matches it, but is linked to another {of} already")
        }
        Linking::TwoOfAType { of } => {
            format!("linking it would put two records of {of} into one entity")
        }
        Linking::KeptApart => "linking it would join records that a person keeps apart".into(),
    }
}

fn not_created(why: &NotCreated) -> String {
    match why {
        NotCreated::SameCollection => {
            "it is a record of the same collection, which is its own counterpart".into()
        }
        NotCreated::LinksOnly => "the flow links only".into(),
        NotCreated::NotConnected { to, system } => {
            format!("not connected to a {} that is synchronized into {system}", to.join(" or "))
        }
        NotCreated::ConditionFails => "its condition does not hold".into(),
        NotCreated::NoFilter { condition } => format!(
            "the condition “{condition}” has no filter in the flow, so nothing is created by it"
        ),
        NotCreated::NotAbout { setting, condition } => {
            format!("the flow is not about it: `{setting}: {condition}` does not hold")
        }
        NotCreated::NotAboutMade { condition } => format!(
            "the flow would not be about the record it makes: `only_to: {condition}` does not hold"
        ),
        NotCreated::CanNotBeCreated { of } => format!("{of} can't be created through its API"),
        NotCreated::NothingSynchronized => {
            "the flow synchronizes no property, so it does not create (C3)".into()
        }
        NotCreated::NothingToCreateFrom => {
            "every mapped property is empty, so there is nothing to create from (C3)".into()
        }
    }
}

fn not_yet(reason: &NotYet) -> String {
    match reason {
        NotYet::BeingCreated => "a counterpart is being created".into(),
        NotYet::NotReadToTheEnd { of } => format!("{of} has not been read to the end yet"),
        NotYet::ListingNotBelieved { of } => format!("a listing of {of} is not believed"),
        NotYet::NotReadSince { of, seen_as: None } => {
            format!("{of} has not been read since this record was first seen")
        }
        NotYet::NotReadSince { of, seen_as: Some(facet) } => {
            format!("{of} has not been read since this record was first seen as {facet}")
        }
        NotYet::UnreadMayBeIt { of } => {
            format!("what can't be read of {of} may be its counterpart")
        }
        NotYet::NotReadAs { of } => format!("the record has not been read as {of} yet"),
        NotYet::MatchBeingCreated { of, facet: false } => {
            format!("a record of {of} that matches it is being created")
        }
        NotYet::MatchBeingCreated { of, facet: true } => {
            format!("a record of {of} that matches another facet of it is being created")
        }
        NotYet::MatchInDoubt { of } => format!(
            "a record of {of} shows what would match it, and a person is asked whether it is another than it was"
        ),
        NotYet::AnotherWaits => {
            "another record of the same entity waits for a person's answer there".into()
        }
        NotYet::FacetWaits { facet } => format!("{facet} waits for a person's answer there"),
        NotYet::CreatedForFacet { facet } => {
            format!("its counterpart is being created for {facet}")
        }
        NotYet::LinkedByFacet { record } => {
            format!("{record} is linked by another facet, and is still to be read")
        }
        NotYet::MayNotBeAll { of } => format!("what is known of {of} may not be all there is"),
        NotYet::NotReadSinceEdit { of } => {
            format!("{of} has not been read since this record was last edited")
        }
        NotYet::AskedFirst(first) => format!("a person is asked first: {}", why(first)),
        NotYet::CounterpartBeingCreated { of } => {
            format!("its counterpart in {of} is being created")
        }
        NotYet::Matches { record } => format!("{record} matches it"),
        NotYet::AskedWhose { of } => {
            format!("a person is asked first whose record of {of} it is that matches it")
        }
        NotYet::Lacks { of, properties } => lacks(of, properties),
        NotYet::Incomplete { of, properties } => format!("waits: {}", lacks(of, properties)),
    }
}

fn lacks(of: &str, properties: &[Lacking]) -> String {
    let one = |lacking: &Lacking| match &lacking.waits {
        Some(waits) => format!("{} ({})", lacking.property, why(waits)),
        None => lacking.property.clone(),
    };
    let properties: Vec<String> = properties.iter().map(one).collect();
    format!("{of} requires {}, which the record lacks", properties.join(" and "))
}

fn reference(why: &OfReference) -> String {
    let of = |property: &Option<String>| {
        property.as_ref().map_or(String::new(), |property| format!("{property} "))
    };
    match why {
        OfReference::WaitsForCounterpart { property, record, lacking } => {
            let of = of(property);
            format!("{of}waits for {record}, which has no counterpart in {lacking} yet")
        }
        OfReference::WaitsForAnswer { property, record } => {
            let of = of(property);
            format!(
                "{of}waits until a person has said whether {record} is the record that it was (R9)"
            )
        }
        OfReference::LeftForLater { property, record } => {
            format!("{property} waits for {record}, whose counterpart is left for a later run")
        }
        OfReference::WaitsForUnread { property, record } => {
            let of = of(property);
            format!("{of}waits for {record}, which has not been read, or is in no flow")
        }
        OfReference::ElementsWait { property, records, more } => {
            let more = if *more == 0 { String::new() } else { format!(" and {more} more") };
            format!(
                "{property}: of its elements these wait for a counterpart: {}{more}",
                records.join(", ")
            )
        }
    }
}

pub(crate) fn deleting(reason: &Deleting) -> String {
    match reason {
        Deleting::Deleted { record } => format!("{record} was deleted"),
        Deleting::Ceased { record } => format!("{record} is not what its flow is about any more"),
        Deleting::Extra { record, lacking, besides } => {
            let besides =
                besides.as_ref().map_or(String::new(), |besides| format!(", and {}", why(besides)));
            let lacking = match lacking {
                Some(Mirrored { of, extra }) => format!(" in {of} (extra: {extra})"),
                None => String::new(),
            };
            let record = record.as_deref().unwrap_or("it");
            format!("{record} has no counterpart{lacking}{besides}")
        }
        Deleting::IsThereStill { record, deleted } => {
            format!("{record} was deleted, as {}, and is there all the same", deleting(deleted))
        }
        Deleting::Kept { gone, ceased, kept: why } => {
            let what = match ceased {
                true => "is not what its flow is about any more",
                false => "was deleted",
            };
            format!("it is kept, though {gone} {what}: {}", kept(*why))
        }
        Deleting::KeptApartFrom { of } => format!("a person keeps it apart from a record of {of}"),
        Deleting::CounterpartIsBack => {
            "its counterpart was deleted after a record that is back".into()
        }
        Deleting::Linked { record } => format!("{record} is linked with it"),
    }
}

fn value(why: &OfValue) -> String {
    match why {
        OfValue::Unconvertible { property, because, more: 0 } => {
            format!("a value can't be brought to {property}: {because}")
        }
        OfValue::Unconvertible { property, because, more } => format!(
            "a value can't be brought to {property}: {because} (and {more} more of its elements)"
        ),
        OfValue::Flips { to, times, against, others } => format!(
            "was put to {} {times} times, each time right after it had been written, against {} in {}; it is written no more until \
             a person says which side is right",
            shown(to),
            shown(against),
            others.join(", ")
        ),
    }
}

/// A number of candidates, which are not all counted.
fn counted(records: u64) -> String {
    match records > MOST_COUNTED {
        true => format!("more than {MOST_COUNTED}"),
        false => records.to_string(),
    }
}

fn sending(why: &Sending) -> String {
    match why {
        Sending::KeepsFailing { times, since, not_before, because } => format!(
            "it fails: tried {times} times since {since}, the next time not before {not_before}: {because}"
        ),
        Sending::NotKept { property, value, shows } => {
            let of = property.as_ref().map_or(String::new(), |property| format!("{property}: "));
            let still = match is_empty(shows) {
                true => "it shows nothing there".to_string(),
                false => format!("it still shows {}", shown(shows)),
            };
            match is_empty(value) {
                true => {
                    format!("{of}that it was emptied was acknowledged and is not kept: {still}")
                }
                false => format!("{of}{} was acknowledged and is not kept: {still}", shown(value)),
            }
        }
        Sending::StoredOtherwise { property, value, shows } => {
            format!(
                "{property}: it was given {}, and its system stores {}",
                shown(value),
                shown(shows)
            )
        }
    }
}

fn kept(why: Kept) -> &'static str {
    match why {
        Kept::Edited => "it was edited, and that edit never reached the deleted one",
        Kept::ElementEdited => {
            "an element of it was edited, and that edit never reached a deleted one"
        }
        Kept::Unqualified => "the flow's condition does not hold for it any more",
        Kept::CanNot => "it can't be deleted through its system's API",
        Kept::Facets => {
            "other facets of it stand for something still; what only this facet is about was \
             emptied (F3)"
        }
    }
}

fn which_record(why: &WhichRecord) -> String {
    match why {
        WhichRecord::ShowsOthers { changes, more } => {
            let one = |changed: &Changed| {
                let (before, now) = (shown(&changed.before), shown(&changed.now));
                format!("{} {before} → {now}", changed.property)
            };
            let mut changes: Vec<String> = changes.iter().map(one).collect();
            if *more > 0 {
                changes.push(format!("{more} more"));
            }
            format!("it shows other values all at once: {}", changes.join(", "))
        }
        WhichRecord::NotFound { of, times, said } => format!(
            "it was to be created in {of} and was sent {times} times; no answer told what came of it ({}), and no record is found that \
             could be it",
            said.as_deref().unwrap_or("the answers were lost")
        ),
        WhichRecord::MayBeMade { of, records, said } => {
            let answer = unanswered(said.as_deref());
            let records = match records {
                1 => format!("a new record of {of}"),
                records => format!("{records} new records of {of}"),
            };
            format!("{answer}, which was to create one, and {records} could be it")
        }
        WhichRecord::HoldsTheSame { of, records } => {
            let records = match records {
                1 => format!("a record of {of}"),
                records => format!("each of {records} records of {of}"),
            };
            format!("nothing identifies it, and {records} holds the same and is as new")
        }
        WhichRecord::BelongsToAnother { said, record: None } => said.clone(),
        WhichRecord::BelongsToAnother { said, record: Some(record) } => {
            format!("{said} ({record}, which belongs to another)")
        }
        WhichRecord::Circles { with, flows } => {
            let with = match with.is_empty() {
                true => String::new(),
                false => format!(", in turns with {}", with.join(", ")),
            };
            let flows: Vec<String> = flows.iter().map(|flow| format!("`{flow}`")).collect();
            format!(
                "each decision about it calls for another one{with}. What was decided last stands, and no more is tried in this run. \
                 The cause lies in the flows {}: look for one that creates in dependence on what it creates itself",
                flows.join(", ")
            )
        }
    }
}

/// What is known of the answer to an earlier try whose outcome nobody knows: none came, or one that
/// does not tell what was done.
pub fn unanswered(said: Option<&str>) -> String {
    match said {
        Some(said) => format!("no answer told what came of an earlier try ({said})"),
        None => "the answer to an earlier try was lost".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_same_after_it_was_stored_and_has_its_words() {
        let waits = OfReference::WaitsForCounterpart {
            property: None,
            record: "a.Company/7".into(),
            lacking: "b.Company".into(),
        };
        let lacking = |property: &str, waits: Option<OfReference>| Lacking {
            property: property.into(),
            waits: waits.map(|waits| Box::new(waits.into())),
        };
        let mirrored = Mirrored { of: "a.Person".into(), extra: "review".into() };
        let extra = Deleting::Extra {
            record: Some("b.Person/8".into()),
            lacking: Some(mirrored),
            besides: Some(Box::new(Deleting::Linked { record: "c.Person/7".into() }.into())),
        };
        let all: [(Why, &str, &str); 10] = [
            (
                Deleting::Kept { gone: "a.Person/7".into(), ceased: false, kept: Kept::Edited }
                    .into(),
                "kept",
                "it is kept, though a.Person/7 was deleted: it was edited, and that edit never \
                 reached the deleted one",
            ),
            (
                WhichRecord::MayBeMade { of: "b.Person".into(), records: 1, said: None }.into(),
                "may-be-made",
                "the answer to an earlier try was lost, which was to create one, and a new record \
                 of b.Person could be it",
            ),
            (Why::said("“x” is refused"), "said", "“x” is refused"),
            (NotYet::BeingCreated.into(), "being-created", "a counterpart is being created"),
            (
                Linking::SeveralMatch { of: "b.Person".into(), records: 2 }.into(),
                "several-match",
                "2 records of b.Person match it",
            ),
            (
                NotYet::Lacks {
                    of: "b.Person".into(),
                    properties: vec![lacking("mail", None), lacking("company", Some(waits))],
                }
                .into(),
                "lacks",
                "b.Person requires mail and company (waits for a.Company/7, which has no \
                 counterpart in b.Company yet), which the record lacks",
            ),
            (
                extra.into(),
                "extra",
                "b.Person/8 has no counterpart in a.Person (extra: review), and c.Person/7 is \
                 linked with it",
            ),
            (
                OfValue::Flips {
                    to: "Nordvik AS".into(),
                    times: 3,
                    against: "NORDVIK".into(),
                    others: vec!["b.Company/1".into()],
                }
                .into(),
                "flips",
                "was put to “Nordvik AS” 3 times, each time right after it had been written, \
                 against “NORDVIK” in b.Company/1; it is written no more until a person says \
                 which side is right",
            ),
            (
                Sending::NotKept {
                    property: Some("phone".into()),
                    value: 12.into(),
                    shows: serde_json::Value::Null,
                }
                .into(),
                "not-kept",
                "phone: 12 was acknowledged and is not kept: it shows nothing there",
            ),
            (
                Sending::StoredOtherwise {
                    property: "phone".into(),
                    value: "41234567".into(),
                    shows: "N/A".into(),
                }
                .into(),
                "stored-otherwise",
                "phone: it was given “41234567”, and its system stores “N/A”",
            ),
        ];
        for (reason, name, words) in all {
            let stored = serde_json::to_string(&reason).unwrap();
            assert_eq!(serde_json::from_str::<Why>(&stored).unwrap(), reason, "{stored}");
            assert_eq!((reason.name().as_str(), why(&reason).as_str()), (name, words), "{stored}");
        }
    }
}
