//! Why a property holds what it holds, in sentences (G7).

use lockstep_model::detail::{DecidedBy, Detail, Wrote};
use lockstep_model::fact::{Came, Fact, Happened, Origin, Owner, Past, Place, Way};
use lockstep_model::value::shown;
use lockstep_model::{Reason, Rule, Timestamp, Value};

use crate::detail::{decided_by, detail, put_in};

/// One fact about the property of this name, which holds this value.
pub fn fact(name: &str, value: &Value, fact: &Fact) -> String {
    let holds = shown(value);
    match fact {
        Fact::PutIn(by) => format!("{name} is {holds}: {}.", put_in(*by)),
        Fact::Nobody { made_with: false } => {
            format!("{name} is {holds}: nobody has put anything there.")
        }
        Fact::Nobody { made_with: true } => format!(
            "{name} is {holds}: it was there when the record was made, and nobody has edited it since."
        ),
        Fact::Comes(origin) => comes(name, &holds, origin),
        Fact::ReadOnly => "It is read-only in this system, so it is never written (P10).".into(),
        Fact::Rival { value, place: of, at, came } => {
            let came = match came {
                Came::Lost => "lost to it",
                Came::Same => "says the same",
                Came::CountsNoMore => "counts no more",
            };
            format!("{} from {} {} {came}.", shown(value), place(of), when(*at))
        }
        Fact::StoredOtherwise => {
            "It was given that value, and holds another: the system stores it so (P3), or a person left or put it so (G7).".into()
        }
        Fact::ByElement => format!("{name} is {holds}: its elements come and go one by one (P11)."),
        Fact::Takes { place: of, holds } => format!(
            "What is put into {} or taken out there is so here as well; it holds {}.",
            place(of),
            shown(holds)
        ),
        Fact::Due { value } => format!("It should hold {}.", shown(value)),
        Fact::Past(past) => happened(past),
    }
}

fn comes(name: &str, holds: &str, origin: &Origin) -> String {
    let (of, at) = (place(&origin.place), when(origin.at));
    let (theirs, rule) = (shown(&origin.value), by_rule(origin.decided.as_ref()));
    match &origin.by {
        Way::Group => format!(
            "{name} is {holds} because it moves together with others (P1e): of that group something was put into {} {at}, where {} holds {theirs}{rule}.",
            record(&origin.place),
            origin.place.property
        ),
        Way::Follows(of) => {
            format!("{name} is {holds} because that is {}, to which it refers.", owner(of))
        }
        Way::Here => format!("{name} is {holds} because it was put in here {at}{rule}."),
        Way::LeftEmpty => format!("{name} is nothing, though {theirs} was put into {of} {at}."),
        Way::Written => format!("{name} is {holds} because {theirs} was put into {of} {at}{rule}."),
    }
}

/// By what a value won, to follow what it was put into.
fn by_rule(decided: Option<&DecidedBy>) -> String {
    match decided {
        None => String::new(),
        Some(DecidedBy::Reason { reason: Reason::Latest, .. }) => {
            " by rule P1, the latest edit wins".into()
        }
        Some(by) => {
            decided_by(by).map_or_else(String::new, |words| format!(" by rule P1: {words}"))
        }
    }
}

fn record(place: &Place) -> &str {
    place.record.as_deref().unwrap_or("a record")
}

fn place(place: &Place) -> String {
    let of = place.of.as_ref().map_or_else(String::new, |of| format!(" ({})", owner(of)));
    format!("{} {}{of}", record(place), place.property)
}

fn owner(of: &Owner) -> String {
    format!("{} of {}", of.property, of.record)
}

/// When a value was put in, as far as anybody tells.
fn when(at: Timestamp) -> String {
    if at.is_told() { format!("at {at}") } else { "at a time that nobody tells".into() }
}

fn happened(past: &Past) -> String {
    let Past { at, run, .. } = past;
    let (before, after) = (shown(&past.before), shown(&past.after));
    let words = detail(&past.detail);
    let rule = past.rule.map_or(String::new(), |rule| {
        let why = match past.what == Happened::Write && !words.is_empty() {
            true => &words,
            false => rule.sentence(),
        };
        format!(", by rule {rule}: {why}")
    });
    match past.what {
        Happened::Edit => {
            format!("Somebody changed {before} to {after} here at {at} (run {run} read it).")
        }
        Happened::Write if past.rule == Some(Rule::G7) => format!(
            "Lockstep wrote {after} over {before} at {at} (run {run}), as a person took a write back (G7)."
        ),
        Happened::Write if matches!(past.detail, Detail::Wrote(Wrote::PutIn(_))) => {
            format!("Lockstep wrote {after} over {before} at {at} (run {run}): {words}.")
        }
        Happened::Write => {
            let from = past.from.as_ref().map_or(String::new(), |name| format!(", from {name}"));
            format!("Lockstep wrote {after} over {before} at {at} (run {run}){from}{rule}.")
        }
        Happened::Refusal => format!("The system refused a value at {at}: {words}{rule}."),
        Happened::Answer => format!("At {at}: {words}{rule}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::detail::{Act, PutIn};
    use lockstep_model::{Policy, RunId};

    fn at_place() -> Place {
        Place { record: Some("b.Person/8".into()), property: "mobile".into(), of: None }
    }

    fn origin(by: Way, decided: Option<DecidedBy>) -> Fact {
        let (place, value) = (at_place(), Value::from("2"));
        Fact::Comes(Origin { place, at: Timestamp(1_000), value, by, decided })
    }

    fn past(what: Happened, rule: Rule, detail: Detail) -> Fact {
        let (before, after) = ("1".into(), "2".into());
        let from = Some("b.Person/8".into());
        let (at, run) = (Timestamp(1_000), RunId(7));
        Fact::Past(Past { what, at, run, before, after, rule: Some(rule), from, detail })
    }

    #[test]
    fn g7_a_fact_is_the_same_after_it_was_sent_and_is_a_sentence() {
        let reason = |reason| DecidedBy::Reason { reason, first: "a.Person".into() };
        let owner = || Owner { property: "name".into(), record: "a.Company/7".into() };
        let company = Place { of: Some(owner()), record: None, property: "company.name".into() };
        let only = DecidedBy::Policy(Policy::OnlyFrom("b".into()));
        let put_in = Detail::Wrote(Wrote::PutIn(PutIn::Default));
        let then = "1970-01-01T00:00:01Z";
        let all = [
            (
                Fact::PutIn(PutIn::Constant),
                "phone is “2”: the flow puts in this constant (`set`).".to_string(),
            ),
            (
                Fact::Nobody { made_with: true },
                "phone is “2”: it was there when the record was made, and nobody has edited it since.".into(),
            ),
            (
                origin(Way::Here, Some(reason(Reason::Latest))),
                format!("phone is “2” because it was put in here at {then} by rule P1, the latest edit wins."),
            ),
            (
                origin(Way::Written, Some(only)),
                format!(
                    "phone is “2” because “2” was put into b.Person/8 mobile at {then} by rule P1: `only_from: b` says that only what is put in there counts."
                ),
            ),
            (
                origin(Way::LeftEmpty, None),
                format!("phone is nothing, though “2” was put into b.Person/8 mobile at {then}."),
            ),
            (
                origin(Way::Group, None),
                format!(
                    "phone is “2” because it moves together with others (P1e): of that group something was put into b.Person/8 at {then}, where mobile holds “2”."
                ),
            ),
            (
                origin(Way::Follows(owner()), None),
                "phone is “2” because that is name of a.Company/7, to which it refers.".into(),
            ),
            (
                Fact::Rival {
                    value: "3".into(),
                    place: company,
                    at: Timestamp::UNTOLD,
                    came: Came::Lost,
                },
                "“3” from a record company.name (name of a.Company/7) at a time that nobody tells lost to it.".into(),
            ),
            (
                past(Happened::Write, Rule::P1, Detail::Nothing),
                format!(
                    "Lockstep wrote “2” over “1” at {then} (run 7), from b.Person/8, by rule P1: {}.",
                    Rule::P1.sentence()
                ),
            ),
            (
                past(Happened::Write, Rule::P1, put_in),
                format!(
                    "Lockstep wrote “2” over “1” at {then} (run 7): the flow puts this in where there is no value."
                ),
            ),
            (
                past(Happened::Refusal, Rule::G4, Detail::Said("too long".into())),
                format!(
                    "The system refused a value at {then}: too long, by rule G4: {}.",
                    Rule::G4.sentence()
                ),
            ),
            (
                past(Happened::Answer, Rule::P5, Act::SideIsRight.into()),
                format!(
                    "At {then}: a person says that this side of the flip-flop is right, by rule P5: {}.",
                    Rule::P5.sentence()
                ),
            ),
        ];
        for (value, words) in all {
            let sent = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&sent).unwrap(), value, "{sent}");
            assert_eq!(fact("phone", &"2".into(), &value), words);
        }
    }
}
