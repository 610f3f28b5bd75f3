//! Elements of lists that are records of their own: linked people have the same ones, by their
//! keys, each with the latest text and amount; none is there twice, none that nobody has put in,
//! none is lost that nobody has taken out, and none comes back that somebody has.

use std::collections::BTreeSet;

use lockstep_hub::Hub;
use lockstep_model::{RecordState, TypeIx};
use lockstep_store::Result;

use super::{Settled, latest};
use crate::draw::Kind;
use crate::lines::{AMOUNT, ELEMENTS, LINES, Line, TEXT, element, told};
use crate::system::Row;
use crate::truth::{At, LineEdit, OfLine, Violation};

type Member = (usize, RecordState, Option<Row>);

pub(super) fn check(settled: &Settled<'_>, hub: &mut Hub) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    if !settled.world.drawn.lines {
        return Ok(found);
    }
    let asked = asked_about(settled, hub)?;
    let is_person = |(_, _, row): &Member| row.as_ref().is_some_and(|row| row.kind == Kind::Person);
    for members in settled.entities.iter().filter(|all| all.iter().all(is_person)) {
        found.extend(unequal(settled, members, &asked));
        found.extend(lost_or_back(settled, members, &asked));
        found.extend(older(settled, members, &asked));
    }
    for system in &settled.world.systems {
        for row in system.rows().iter().filter(|row| !row.gone) {
            found.extend(from_nowhere(settled, &system.drawn.name, row));
        }
    }
    Ok(found)
}

/// The elements of which a person is asked something, each by its list's place and its key.
fn asked_about(settled: &Settled<'_>, hub: &mut Hub) -> Result<BTreeSet<(At, u64)>> {
    let mut asked = BTreeSet::new();
    let types: Vec<(TypeIx, usize)> = (0..hub.ledger.plan_of_flows().types.len() as u16)
        .map(TypeIx)
        .filter_map(|ty| {
            let name = &hub.ledger.plan_of_flows().ty(ty).name;
            let is_it = |system: &&std::sync::Arc<crate::system::SimulatedSystem>| {
                system.drawn.name == name.system
            };
            let system = settled.world.systems.iter().find(is_it)?;
            (name.kind == ELEMENTS).then_some((ty, system.number))
        })
        .collect();
    for review in &settled.reviews {
        let ids: Vec<_> =
            review.about.record().into_iter().chain(review.candidates.iter().copied()).collect();
        for state in hub.ledger.store().records(&ids)? {
            let system = types.iter().find(|(ty, _)| *ty == state.ty);
            asked.extend(
                system
                    .zip(element(&state.key))
                    .map(|((_, system), (parent, no))| ((*system, parent.to_string()), no)),
            );
        }
    }
    Ok(asked)
}

/// The members of an entity that are there.
fn live(members: &[Member]) -> Vec<(usize, &RecordState, &Row)> {
    members
        .iter()
        .filter_map(|(system, state, row)| Some((*system, state, row.as_ref()?)))
        .filter(|(_, state, row)| state.is_live() && !row.gone)
        .collect()
}

fn line(row: &Row, no: u64) -> Option<&Line> {
    row.lines.iter().find(|line| line.no == no)
}

/// D1: what somebody has taken out of one list and edited in another is kept there.
fn is_kept_by_an_edit(settled: &Settled<'_>, no: u64) -> bool {
    let truth = settled.world.truth.look();
    let of_it = || truth.lines.iter().filter(|edit| edit.no == no);
    let is_edit = |edit: &&LineEdit| matches!(edit.of, OfLine::Prop(_) | OfLine::In);
    of_it().filter(|edit| edit.of == OfLine::Out).any(|out| {
        of_it().filter(is_edit).any(|edit| edit.at != out.at && edit.epoch + 2 > out.epoch)
    })
}

/// Two linked people that a flow pairs, with different elements.
fn unequal(
    settled: &Settled<'_>,
    members: &[Member],
    asked: &BTreeSet<(At, u64)>,
) -> Option<Violation> {
    let live = live(members);
    for (n, (a, a_state, a_row)) in live.iter().enumerate() {
        for (b, b_state, b_row) in &live[n + 1..] {
            if !settled.paired((*a, a_row), (*b, b_row)) {
                continue;
            }
            let all: BTreeSet<u64> =
                a_row.lines.iter().chain(&b_row.lines).map(|line| line.no).collect();
            let differs = |no: &&u64| {
                let (one, other) = (line(a_row, **no), line(b_row, **no));
                let number =
                    |line: Option<&Line>, prop: &str| line.and_then(|line| line.number(prop));
                one.is_some() != other.is_some()
                    || [TEXT, AMOUNT].iter().any(|prop| number(one, prop) != number(other, prop))
            };
            let is_asked = |no: u64| {
                [(*a, &a_state.key), (*b, &b_state.key)]
                    .iter()
                    .any(|(system, key)| asked.contains(&((*system, key.to_string()), no)))
            };
            let wrong = all
                .iter()
                .filter(differs)
                .find(|no| !is_asked(**no) && !is_kept_by_an_edit(settled, **no));
            if let Some(no) = wrong {
                let name = |system: usize| &settled.world.drawn.systems[system].name;
                let message = format!(
                    "{}/{} has {LINES} {}, {}/{} has {}: {no}",
                    name(*a),
                    a_row.id,
                    told(&a_row.lines),
                    name(*b),
                    b_row.id,
                    told(&b_row.lines)
                );
                let who = Some(a_row.who_is().to_string());
                return Some(Violation { checker: "elements not equal", message, who });
            }
        }
    }
    None
}

/// Whether everybody can tell what belongs to whom: nobody has taken these apart or put them
/// together, and what is edited in one comes to all.
fn hear_of_each_other(settled: &Settled<'_>, members: &[Member]) -> bool {
    let truth = settled.world.truth.look();
    let is_told_apart = |row: &Row| {
        let who = row.who_is();
        !truth.joined.contains(who)
            && !truth.divided.contains_key(who)
            && !truth.sharing.contains(who)
    };
    let are_told_apart = members.iter().all(|(_, _, row)| row.as_ref().is_some_and(is_told_apart));
    drop(truth);
    are_told_apart && latest::hear_of_each_other(settled, members, LINES)
}

fn places(members: &[Member]) -> Vec<At> {
    members.iter().map(|(system, state, _)| (*system, state.key.clone())).collect()
}

/// An element that is missing though nobody has taken it out, or there though somebody has.
fn lost_or_back(
    settled: &Settled<'_>,
    members: &[Member],
    asked: &BTreeSet<(At, u64)>,
) -> Option<Violation> {
    if !hear_of_each_other(settled, members) {
        return None;
    }
    let places = places(members);
    let put_in: BTreeSet<u64> = {
        let truth = settled.world.truth.look();
        let here = |edit: &&LineEdit| places.contains(&edit.at) && edit.of == OfLine::In;
        truth.lines.iter().filter(here).map(|edit| edit.no).collect()
    };
    for no in put_in {
        let (out, last_in) = {
            let truth = settled.world.truth.look();
            let last = |of: OfLine| {
                let of_it = truth.lines.iter().filter(|edit| edit.no == no && edit.of == of);
                of_it.map(|edit| edit.epoch).max()
            };
            (last(OfLine::Out), last(OfLine::In))
        };
        let is_there =
            |(_, _, row): &&Member| row.as_ref().is_some_and(|row| line(row, no).is_some());
        let (there, missing): (Vec<&Member>, Vec<&Member>) = members.iter().partition(is_there);
        let is_asked = places.iter().any(|at| asked.contains(&(at.clone(), no)));
        let (checker, which) = match out {
            _ if is_asked => continue,
            None if !missing.is_empty() => ("an element lost", missing[0]),
            Some(out)
                if last_in.is_some_and(|last| last + 2 <= out)
                    && !there.is_empty()
                    && !is_kept_by_an_edit(settled, no) =>
            {
                ("an element back", there[0])
            }
            _ => continue,
        };
        let row = which.2.as_ref()?;
        let message = format!(
            "{}/{} has {LINES} {}; {no} was put in after run {last_in:?} and taken out after {out:?}",
            settled.world.drawn.systems[which.0].name,
            row.id,
            told(&row.lines)
        );
        let who = Some(row.who_is().to_string());
        return Some(Violation { checker, message, who });
    }
    None
}

/// A text or an amount that a later edit should have replaced.
fn older(
    settled: &Settled<'_>,
    members: &[Member],
    asked: &BTreeSet<(At, u64)>,
) -> Option<Violation> {
    if !hear_of_each_other(settled, members) {
        return None;
    }
    let places = places(members);
    let truth = settled.world.truth.look();
    for (system, state, row) in members {
        let row = row.as_ref()?;
        for line in &row.lines {
            if asked.contains(&((*system, state.key.clone()), line.no)) {
                continue;
            }
            for prop in [TEXT, AMOUNT] {
                let edits = || {
                    truth.lines.iter().filter(|edit| {
                        edit.no == line.no
                            && edit.of == OfLine::Prop(prop)
                            && places.contains(&edit.at)
                    })
                };
                let Some(latest) = edits().map(|edit| edit.epoch).max() else { continue };
                let held = edits().find(|edit| Some(edit.number) == line.number(prop));
                // What was typed in before the two were linked has the time that each system
                // tells.
                if latest < 3 || held.is_some_and(|held| held.epoch + 2 >= latest) {
                    continue;
                }
                let message = format!(
                    "{}/{} {LINES} {} holds {prop} {:?} of run {:?}, and it was edited after run {latest}",
                    settled.world.drawn.systems[*system].name,
                    row.id,
                    line.no,
                    line.number(prop),
                    held.map(|held| held.epoch)
                );
                let who = Some(row.who_is().to_string());
                return Some(Violation { checker: "an older edit won", message, who });
            }
        }
    }
    None
}

/// An element that stands in a list twice, or that nobody has put into this person's.
fn from_nowhere(settled: &Settled<'_>, system: &str, row: &Row) -> Option<Violation> {
    let truth = settled.world.truth.look();
    let name = || format!("{system}/{} has {LINES} {}", row.id, told(&row.lines));
    let nos: BTreeSet<u64> = row.lines.iter().map(|line| line.no).collect();
    let who = Some(row.who_is().to_string());
    if nos.len() < row.lines.len() {
        return Some(Violation { checker: "an element twice", message: name(), who });
    }
    let may_be = |who: &str| truth.sharing.contains(who) || truth.joined.contains(who);
    if may_be(row.who_is()) {
        return None;
    }
    let is_put_in = |no: u64, who: &str| {
        truth.lines.iter().any(|edit| {
            edit.no == no && edit.of == OfLine::In && (edit.who == who || may_be(&edit.who))
        })
    };
    let nobodys = nos.iter().find(|no| !is_put_in(**no, row.who_is()))?;
    let message = format!("{}; {nobodys} is nobody's or another's", name());
    Some(Violation { checker: "an element from nowhere", message, who })
}
