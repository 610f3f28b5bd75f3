//! P1e: the properties of a group move together: what a record's group holds is what somebody put
//! in somewhere, all of it, and no mixture; and no later one is lost to an earlier one.

use lockstep_model::RecordState;

use super::{Settled, latest};
use crate::forms::GROUP;
use crate::system::Row;
use crate::truth::{At, Truth, Violation};

type Member = (usize, RecordState, Option<Row>);

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if settled.world.drawn.forms.group == 0 {
        return found;
    }
    for members in &settled.entities {
        let differs = GROUP.iter().any(|prop| settled.may_differ(members, prop));
        let asked = |state: &RecordState| {
            settled.reviews.iter().any(|one| one.about.record() == Some(state.id))
        };
        let truth = settled.world.truth.look();
        for (system, state, row) in members {
            let Some(row) = row.as_ref().filter(|row| !row.gone && !differs && !asked(state))
            else {
                continue;
            };
            let at = (*system, row.id.clone());
            if !is_put_in(&truth, &at, row) {
                found.push(Violation {
                    checker: "a mixed group",
                    message: format!(
                        "{}/{} holds {:?} together, which nobody has put in so",
                        settled.world.drawn.systems[*system].name,
                        row.id,
                        row.group()
                    ),
                    who: Some(row.who_is().to_string()),
                });
            }
        }
        drop(truth);
        if !differs {
            found.extend(older(settled, members));
        }
    }
    found
}

/// Whether somebody has put in what the group of a record holds; what was not kept may be missing.
fn is_put_in(truth: &Truth, at: &At, row: &Row) -> bool {
    let is_lost = GROUP.iter().any(|prop| truth.lost.contains(&(at.clone(), *prop)));
    let numbers = row.group();
    is_lost
        || numbers.iter().all(Option::is_none)
        || truth.groups.iter().any(|put_in| put_in.numbers == numbers)
}

/// P1: of a group that was put in long after another one nothing older is left.
fn older(settled: &Settled<'_>, members: &[Member]) -> Option<Violation> {
    let hear = GROUP[..settled.world.drawn.forms.group]
        .iter()
        .all(|prop| latest::hear_of_each_other(settled, members, prop));
    if !hear {
        return None;
    }
    let places: Vec<At> =
        members.iter().map(|(system, state, _)| (*system, state.key.clone())).collect();
    let truth = settled.world.truth.look();
    let put_in = || truth.groups.iter().filter(|put_in| places.contains(&put_in.at));
    let last = put_in().map(|put_in| put_in.epoch).max()?;
    if last < 3 || !put_in().any(|put_in| put_in.epoch + 2 < last) {
        return None;
    }
    members.iter().find_map(|(system, state, row)| {
        let row = row.as_ref()?;
        let at = (*system, state.key.clone());
        let lost = GROUP.iter().any(|prop| truth.lost.contains(&(at.clone(), *prop)));
        let numbers = row.group();
        let held =
            put_in().filter(|one| one.numbers == numbers).map(|one| one.epoch).max()?;
        (!lost && held + 1 < last).then(|| Violation {
            checker: "an older edit won",
            message: format!(
                "{}/{} holds the group {numbers:?} of run {held}, and it was edited after run {last}",
                settled.world.drawn.systems[*system].name, row.id
            ),
            who: Some(row.who_is().to_string()),
        })
    })
}
