//! L6: while somebody is asked which of several it is, nothing is written for it: no record is
//! linked with two of a type, and who waits for that answer has no counterpart made meanwhile.

use lockstep_model::ReviewKind;

use super::Settled;
use crate::truth::{Does, Violation};

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let systems = &settled.world.drawn.systems;
    for members in &settled.entities {
        let live: Vec<_> = members
            .iter()
            .filter(|(_, state, row)| state.is_live() && row.as_ref().is_some_and(|row| !row.gone))
            .collect();
        for (n, (system, state, row)) in live.iter().enumerate() {
            if let Some((_, other, _)) = live[n + 1..].iter().find(|(other, _, _)| other == system)
            {
                let message = format!(
                    "{}/{} and {} are linked with each other",
                    systems[*system].name, state.key, other.key
                );
                found.push(Violation {
                    checker: "two of a type",
                    message,
                    who: row.as_ref().map(|row| row.who_is().to_string()),
                });
            }
        }
    }
    let truth = settled.world.truth.look();
    for review in settled.reviews.iter().filter(|review| review.kind == ReviewKind::AmbiguousMatch)
    {
        let Some(members) = settled
            .entities
            .iter()
            .find(|all| all.iter().any(|(_, state, _)| review.about.is(state.id)))
        else {
            continue;
        };
        // Who is asked about was there before.
        let is_asked_about = |id| review.about.is(id) || review.candidates.contains(&id);
        let there = members.iter().filter(|(_, state, row)| {
            !is_asked_about(state.id)
                && state.ty == review.ty
                && state.is_live()
                && row.as_ref().is_some_and(|row| row.by_hub && !row.gone)
        });
        for (system, state, row) in there {
            let made = truth
                .deeds
                .iter()
                .any(|deed| deed.kind == Does::Create && deed.at == (*system, state.key.clone()));
            if made {
                let message = format!(
                    "{}/{} was created, and it is still asked: {:?}",
                    systems[*system].name, state.key, review.why
                );
                found.push(Violation {
                    checker: "written while asked",
                    message,
                    who: row.as_ref().map(|row| row.who_is().to_string()),
                });
            }
        }
    }
    found
}
