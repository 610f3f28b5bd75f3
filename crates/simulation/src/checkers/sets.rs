//! P11: the elements of a list come and go one by one: linked records hold the same ones; none is
//! lost that nobody has taken out; and what somebody has taken out long after all had it is in none
//! of them.

use std::collections::BTreeSet;

use lockstep_model::RecordState;

use super::{Settled, latest};
use crate::draw::Kind;
use crate::forms::TAGS;
use crate::system::Row;
use crate::tags::number_set;
use crate::truth::{At, Violation};

type Member = (usize, RecordState, Option<Row>);

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if !settled.world.drawn.forms.sets {
        return found;
    }
    for members in &settled.entities {
        let is_person = |row: &Row| row.kind == Kind::Person;
        if members.iter().all(|(_, _, row)| row.as_ref().is_some_and(is_person)) {
            found.extend(unequal(settled, members));
            found.extend(lost_or_back(settled, members));
        }
    }
    found
}

/// Two linked records that a flow pairs, with different elements.
fn unequal(settled: &Settled<'_>, members: &[Member]) -> Vec<Violation> {
    let mut found = Vec::new();
    let asked = |state: &RecordState| {
        settled.reviews.iter().any(|one| one.about.record() == Some(state.id))
    };
    let live: Vec<(usize, &RecordState, &Row)> = members
        .iter()
        .filter_map(|(system, state, row)| Some((*system, state, row.as_ref()?)))
        .filter(|(_, state, row)| !row.gone && !asked(state) && settled.is_about(state, TAGS))
        .collect();
    for (n, one) in live.iter().enumerate() {
        for other in &live[n + 1..] {
            let same = number_set(&one.2.tags) == number_set(&other.2.tags);
            let empty = one.2.tags.is_empty() || other.2.tags.is_empty();
            if same
                || !settled.paired((one.0, one.2), (other.0, other.2))
                || settled.may_differ(members, TAGS)
                || settled.is_emptied_with_a_part(members, empty)
                || settled.is_lost([*one, *other], TAGS, &mut found)
            {
                continue;
            }
            let name = |system: usize| &settled.world.drawn.systems[system].name;
            let message = format!(
                "{}/{} has {TAGS} {:?}, {}/{} has {:?}",
                name(one.0),
                one.2.id,
                one.2.tags,
                name(other.0),
                other.2.id,
                other.2.tags
            );
            let who = Some(one.2.who_is().to_string());
            found.push(Violation { checker: "not equal", message, who });
        }
    }
    found
}

/// An element that is missing though nobody has taken it out, or there though somebody has.
fn lost_or_back(settled: &Settled<'_>, members: &[Member]) -> Option<Violation> {
    if !latest::hear_of_each_other(settled, members, TAGS) {
        return None;
    }
    let truth = settled.world.truth.look();
    let who = members.iter().find_map(|(_, _, row)| Some(row.as_ref()?.who_is().to_string()))?;
    let told_apart = !truth.joined.contains(&who)
        && !truth.divided.contains_key(&who)
        && !truth.sharing.contains(&who);
    let places: Vec<At> =
        members.iter().map(|(system, state, _)| (*system, state.key.clone())).collect();
    let not_kept =
        truth.deeds.iter().any(|deed| places.contains(&deed.at) && deed.lost.contains(&TAGS));
    if !told_apart || not_kept {
        return None;
    }
    let edits = || truth.tags.iter().filter(|edit| places.contains(&edit.at));
    let numbers: BTreeSet<u64> = edits().map(|edit| edit.number).collect();
    for number in numbers {
        let of_it = || edits().filter(|edit| edit.number == number);
        // Whoever has taken it out, also from a record whose id is another's by now.
        let outs = truth.tags.iter().filter(|edit| edit.number == number && !edit.puts_in);
        let outs: Vec<_> = outs.collect();
        // What was done in a record that was deleted after it may have been seen by nobody.
        let stands = |at: &At| {
            let mut members = members.iter();
            members.any(|(system, state, row)| {
                (*system, &state.key) == (at.0, &at.1) && row.as_ref().is_some_and(|row| !row.gone)
            })
        };
        let out = outs.iter().filter(|edit| stands(&edit.at)).map(|edit| edit.epoch).max();
        let last_in = of_it().filter(|edit| edit.puts_in).map(|edit| edit.epoch).max();
        let holds = |(_, _, row): &&Member| {
            row.as_ref().is_some_and(|row| number_set(&row.tags).contains(&number))
        };
        let (there, missing): (Vec<&Member>, Vec<&Member>) = members.iter().partition(holds);
        let (checker, which) = match out {
            None if outs.is_empty() && !missing.is_empty() => ("an element lost", missing[0]),
            Some(out) if last_in.is_some_and(|last| last + 2 <= out) && !there.is_empty() => {
                ("an element back", there[0])
            }
            _ => continue,
        };
        let row = which.2.as_ref()?;
        let message = format!(
            "{}/{} has {TAGS} {:?}; {number} was put in after run {last_in:?} and taken out after {out:?}",
            settled.world.drawn.systems[which.0].name, row.id, row.tags
        );
        return Some(Violation { checker, message, who: Some(who) });
    }
    None
}
