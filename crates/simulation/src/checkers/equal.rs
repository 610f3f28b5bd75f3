//! P0–P3: every two linked records that a flow pairs hold the same in every property of its table,
//! in each system's own terms.

use lockstep_model::{RecordState, ReviewKind};

use super::Settled;
use crate::draw::{COMPANY, COMPARED, Kind, MAIL, NAME, WHO};
use crate::forms::LAND;
use crate::system::Row;
use crate::truth::{Violation, number_of};
use crate::world::is_asked_about;

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for members in &settled.entities {
        let live: Vec<_> = members
            .iter()
            .filter_map(|(system, state, row)| Some((*system, state, row.as_ref()?)))
            .collect();
        let asks = |kind| is_asked_about(kind) && kind != ReviewKind::FlipFlop;
        let asked =
            |id| settled.reviews.iter().any(|review| review.about.is(id) && asks(review.kind));
        for (n, (a, a_state, a_row)) in live.iter().enumerate() {
            for (b, b_state, b_row) in &live[n + 1..] {
                if !settled.paired((*a, a_row), (*b, b_row))
                    || a_row.gone
                    || b_row.gone
                    || asked(a_state.id)
                    || asked(b_state.id)
                {
                    continue;
                }
                let systems = &settled.world.drawn.systems;
                let both = |prop: &&&str| {
                    systems[*a].props.contains(prop) && systems[*b].props.contains(prop)
                };
                for prop in COMPARED
                    .iter()
                    .filter(|prop| a_row.kind == Kind::Person || **prop == NAME)
                    .filter(both)
                    .filter(|prop| settled.is_about(a_state, prop))
                    .filter(|prop| !settled.may_differ(members, prop))
                {
                    if settled.is_lost(
                        [(*a, a_state, a_row), (*b, b_state, b_row)],
                        prop,
                        &mut found,
                    ) {
                        continue;
                    }
                    let value = |row: &crate::system::Row| {
                        row.texts.get(prop).and_then(|text| number_of(text))
                    };
                    let empty = |row: &Row| row.texts.get(prop).is_none_or(String::is_empty);
                    if value(a_row) != value(b_row)
                        && !(*prop == LAND && settled.is_in_no_pair(members, [a_row, b_row]))
                        && !settled.is_emptied_with_a_part(members, empty(a_row) || empty(b_row))
                    {
                        let (an, bn) = (&systems[*a].name, &systems[*b].name);
                        found.push(Violation {
                            checker: "not equal",
                            message: format!(
                                "{an}/{} has {prop} {:?}, {bn}/{} has {:?}",
                                a_row.id,
                                a_row.texts.get(prop),
                                b_row.id,
                                b_row.texts.get(prop)
                            ),
                            who: a_row.texts.get(WHO).cloned(),
                        });
                    }
                }
                found.extend(references(
                    settled,
                    members,
                    (*a, a_state, a_row),
                    (*b, b_state, b_row),
                ));
                if a_row.kind == Kind::Company || !settled.is_about(a_state, MAIL) {
                    continue;
                }
                let same = a_row
                    .mails
                    .iter()
                    .any(|x| b_row.mails.iter().any(|y| x.to_lowercase() == y.to_lowercase()));
                let none = a_row.mails.is_empty() && b_row.mails.is_empty();
                let empty = a_row.mails.is_empty() || b_row.mails.is_empty();
                if !same
                    && !none
                    && !settled.is_emptied_with_a_part(members, empty)
                    && !settled.is_lost(
                        [(*a, a_state, a_row), (*b, b_state, b_row)],
                        MAIL,
                        &mut found,
                    )
                {
                    let (an, bn) = (&systems[*a].name, &systems[*b].name);
                    let message = format!(
                        "{an}/{} has {:?}, {bn}/{} has {:?}",
                        a_row.id, a_row.mails, b_row.id, b_row.mails
                    );
                    found.push(Violation {
                        checker: "not equal",
                        message,
                        who: a_row.texts.get(WHO).cloned(),
                    });
                }
            }
        }
    }
    found
}

type Member<'a> = (usize, &'a RecordState, &'a Row);

/// P8: two linked people work for companies that are linked. A reference waits where that company
/// has no counterpart.
fn references(
    settled: &Settled<'_>,
    members: &[(usize, RecordState, Option<Row>)],
    one: Member<'_>,
    other: Member<'_>,
) -> Option<Violation> {
    let company =
        |(_, _, row): Member<'_>| row.texts.get(COMPANY).filter(|id| !id.is_empty()).cloned();
    if settled.may_differ(members, COMPANY) || settled.is_lost([one, other], COMPANY, &mut vec![]) {
        return None;
    }
    // Of a company that somebody took apart there may be several, and what refers to one of them
    // says of which (L7).
    let is_taken_apart = |from: Member<'_>| {
        let who = company(from)
            .and_then(|id| settled.world.systems[from.0].row(&id))
            .map(|row| row.who_is().to_string());
        let truth = settled.world.truth.look();
        who.is_some_and(|who| truth.divided.contains_key(&who) || truth.joined.contains(&who))
    };
    if is_taken_apart(one) || is_taken_apart(other) {
        return None;
    }
    let translated = |from: Member<'_>, to: usize| {
        company(from).map(|id| settled.counterpart((from.0, &id), to))
    };
    let (there, back) = (translated(one, other.0), translated(other, one.0));
    let waits = there == Some(None) || back == Some(None);
    if waits || there.flatten() == company(other) {
        return None;
    }
    let systems = &settled.world.drawn.systems;
    let (an, bn) = (&systems[one.0].name, &systems[other.0].name);
    let message = format!(
        "{an}/{} works for {:?}, {bn}/{} for {:?}, which are not linked",
        one.2.id,
        company(one),
        other.2.id,
        company(other)
    );
    Some(Violation { checker: "not equal", message, who: Some(one.2.who_is().to_string()) })
}
