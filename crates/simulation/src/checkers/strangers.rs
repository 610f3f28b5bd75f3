//! R9: a key is not a person. What was edited in one person's record is never in another's,
//! whatever ids were given on, and whatever a single reading showed; but for those whom a person
//! has linked, and for two who share an address (L1).

use std::collections::BTreeSet;

use super::Settled;
use crate::draw::{Drawn, is_odd};
use crate::truth::{Violation, number_of};

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let truth = settled.world.truth.look();
    let may_be = |who: &str| truth.sharing.contains(who) || truth.joined.contains(who);
    let mut found = Vec::new();
    for system in &settled.world.systems {
        for row in system.rows().iter().filter(|row| !row.gone && !may_be(row.who_is())) {
            for (prop, text) in row.shown_texts() {
                let number = number_of(text).unwrap_or_default();
                let Some(edit) = truth.edits.get(&number) else {
                    continue;
                };
                // L11, P0: nothing travels by way of a flow that is not about this person, and the
                // systems have no other way.
                let across = settled.world.drawn.suspended.is_some_and(|pair| {
                    !pair.by_city
                        && is_odd(row.who_is())
                        && truth
                            .origins(number)
                            .all(|at| are_parted(&settled.world.drawn, at.0, system.number))
                });
                if across {
                    let message = format!(
                        "{}/{} has {text:?}, which no flow that is about {} gave it",
                        system.drawn.name,
                        row.id,
                        row.who_is()
                    );
                    found.push(Violation {
                        checker: "past a condition",
                        message,
                        who: Some(row.who_is().to_string()),
                    });
                }
                if edit.who != row.who_is() && !may_be(&edit.who) {
                    let message = format!(
                        "{}/{} of {} has the {prop} of {}: {text:?}",
                        system.drawn.name,
                        row.id,
                        row.who_is(),
                        edit.who
                    );
                    found.push(Violation {
                        checker: "a stranger's value",
                        message,
                        who: Some(row.who_is().to_string()),
                    });
                }
            }
        }
    }
    found
}

/// Whether the flows that hold for nobody odd are the only ones between two systems.
fn are_parted(drawn: &Drawn, a: usize, b: usize) -> bool {
    let Some(pair) = drawn.suspended else { return false };
    let cut =
        |from: usize, to: usize| [(pair.from, pair.to), (pair.to, pair.from)].contains(&(from, to));
    let mut reached = BTreeSet::from([a]);
    for _ in 0..drawn.systems.len() {
        for (from, to, _) in drawn.flows.iter().filter(|(from, to, _)| !cut(*from, *to)) {
            if reached.contains(from) || reached.contains(to) {
                reached.extend([*from, *to]);
            }
        }
    }
    !reached.contains(&b)
}
