//! P1, P7: no edit is lost but to a later one. Times are a matter of each system's clock and of
//! what it tells; but an edit that was made after a whole and undisturbed run is later than all
//! that this run saw, whatever the clocks say (P1b). And what was overwritten can be found again in
//! the journal, which `explained` looks at.

use std::collections::BTreeSet;

use super::Settled;
use crate::draw::{COMPARED, Kind, WHO, is_odd};
use crate::forms::{GROUP, LAND, TAGS};
use crate::lines::LINES;
use crate::truth::{Violation, number_of};

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let systems = &settled.world.drawn.systems;
    let mut found = Vec::new();
    for members in settled.entities.iter().filter(|members| members.len() > 1) {
        // Of a group one edit carries the whole, which `groups` looks at.
        for prop in COMPARED.into_iter().filter(|prop| !GROUP.contains(prop)) {
            if !hear_of_each_other(settled, members, prop)
                || prop == LAND && settled.holds_in_no_pair(members)
            {
                continue;
            }
            let at = |(system, state, _): &Member| (*system, state.key.clone());
            let places: Vec<_> = members.iter().map(at).collect();
            let truth = settled.world.truth.look();
            let edits = || {
                truth.edits.values().filter(|edit| edit.prop == prop && places.contains(&edit.at))
            };
            let Some(latest) = edits().map(|edit| edit.epoch).max() else { continue };
            // What was typed in before the records were linked has the time that each system tells.
            if latest < 3 || !edits().any(|edit| edit.epoch + 2 < latest) {
                continue;
            }
            for (system, _, row) in members {
                let Some(row) = row else { continue };
                let held = row
                    .texts
                    .get(prop)
                    .and_then(|text| number_of(text))
                    .and_then(|number| truth.edits.get(&number));
                let lost = truth.lost.contains(&((*system, row.id.clone()), prop));
                if let Some(held) = held.filter(|_| !lost)
                    && held.epoch + 1 < latest
                    && places.contains(&held.at)
                {
                    found.push(Violation {
                        checker: "an older edit won",
                        message: format!(
                            "{}/{} {prop} holds {:?} of run {}, and it was edited after run {latest}",
                            systems[*system].name,
                            row.id,
                            row.texts.get(prop),
                            held.epoch
                        ),
                        who: row.texts.get(WHO).cloned(),
                    });
                }
            }
        }
    }
    found
}

type Member = (usize, lockstep_model::RecordState, Option<crate::system::Row>);

/// Whether what is put into a property of one of these records comes to all of them.
pub(super) fn hear_of_each_other(
    settled: &Settled<'_>,
    members: &[Member],
    prop: &'static str,
) -> bool {
    let systems = &settled.world.drawn.systems;
    // Only where all are there: a value that has come by way of a record that is gone has no edit
    // here to be compared with.
    let are_there = members
        .iter()
        .all(|(_, state, row)| state.is_live() && row.as_ref().is_some_and(|row| !row.gone));
    let Some(flows) = flows_of(settled, members).filter(|_| are_there) else { return false };
    // A system without the property in between lets nothing through; nor is anything told by way of
    // one whom a person has taken out of between (L7).
    members.len() > 1
        && members.iter().all(|(system, state, _)| {
            let has = prop == TAGS || prop == LINES || systems[*system].props.contains(&prop);
            settled.is_about(state, prop) && has
        })
        && !settled.may_differ(members, prop)
        && connected(&flows, members.iter().map(|(system, _, _)| *system))
}

/// The flows that hold for these records (L11); `None` where which ones do has changed: what was
/// edited while a flow did not hold goes nowhere until it does.
fn flows_of(settled: &Settled<'_>, members: &[Member]) -> Option<Vec<(usize, usize, bool)>> {
    let drawn = &settled.world.drawn;
    let is_person = |row: &&crate::system::Row| row.kind == Kind::Person;
    let people: Vec<_> =
        members.iter().filter_map(|(_, _, row)| row.as_ref()).filter(is_person).collect();
    match drawn.suspended.filter(|_| !people.is_empty()) {
        Some(pair) if pair.by_city => None,
        Some(pair) if people.iter().any(|person| is_odd(person.who_is())) => {
            let cut = |from: usize, to: usize| {
                [(pair.from, pair.to), (pair.to, pair.from)].contains(&(from, to))
            };
            Some(drawn.flows.iter().copied().filter(|(from, to, _)| !cut(*from, *to)).collect())
        }
        _ => Some(drawn.flows.clone()),
    }
}

/// Whether flows between these systems alone connect them all.
fn connected(flows: &[(usize, usize, bool)], systems: impl Iterator<Item = usize>) -> bool {
    let all: BTreeSet<usize> = systems.collect();
    let mut reached: BTreeSet<usize> = all.iter().take(1).copied().collect();
    let mut before = 0;
    while before != reached.len() {
        before = reached.len();
        for (from, to, _) in
            flows.iter().filter(|(from, to, _)| all.contains(from) && all.contains(to))
        {
            if reached.contains(from) || reached.contains(to) {
                reached.extend([*from, *to]);
            }
        }
    }
    reached.len() == all.len()
}
