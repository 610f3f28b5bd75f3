//! L7: what a person unlinked stays apart, until a person links it again: no rule puts the two into
//! one entity, and nothing that somebody edits in one of them afterwards comes into the other.

use super::Settled;
use crate::truth::{At, Violation, number_of};

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let truth = settled.world.truth.look();
    let name = |at: &At| format!("{}/{}", settled.world.drawn.systems[at.0].name, at.1);
    let mut found = Vec::new();
    for ((a, b), after) in &truth.apart {
        let who = settled.world.systems[a.0].row(&a.1).map(|row| row.who_is().to_string());
        let holds = |at: &At| {
            settled
                .entities
                .iter()
                .position(|all| all.iter().any(|(s, state, _)| (*s, &state.key) == (at.0, &at.1)))
        };
        if holds(a).is_some() && holds(a) == holds(b) {
            let all = settled.entities[holds(a).expect("it is linked")]
                .iter()
                .map(|(system, state, _)| name(&(*system, state.key.clone())));
            let all = all.collect::<Vec<_>>().join(" = ");
            let message = format!(
                "{} and {} are linked, which a person keeps apart: {all}",
                name(a),
                name(b)
            );
            found.push(Violation { checker: "linked again", message, who: who.clone() });
        }
        for (from, to) in [(a, b), (b, a)] {
            let Some(row) = settled.world.systems[to.0].row(&to.1) else { continue };
            // It may have come by way of others that somebody linked.
            if truth.joined.contains(row.who_is()) {
                continue;
            }
            // What a third one held when somebody took it from there is its own, and it may have
            // been linked with this one since.
            let taken_over = |number: u64| {
                let with = |at: &At| *at != *to && holds(at).is_some() && holds(at) == holds(to);
                let third = |(one, other): &(&At, &At)| {
                    *one == from && with(other) || *other == from && with(one)
                };
                truth
                    .apart
                    .iter()
                    .any(|((one, other), last)| number <= *last && third(&(one, other)))
            };
            for (_, text) in row.shown_texts() {
                let late = number_of(text).filter(|number| number > after && !taken_over(*number));
                let edited = |number| {
                    truth.edits.contains_key(&number) && truth.origins(number).all(|at| at == from)
                };
                if late.is_some_and(edited) {
                    let message = format!(
                        "{} holds {text:?}, edited in {} after they were unlinked",
                        name(to),
                        name(from)
                    );
                    found.push(Violation {
                        checker: "given though apart",
                        message,
                        who: who.clone(),
                    });
                }
            }
        }
    }
    found
}
