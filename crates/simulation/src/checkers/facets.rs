//! F2: two records that are linked by one facet are linked by the others that a flow is between,
//! too: nothing of a person's record is kept equal with one person's and the rest with another's.

use super::Settled;
use crate::system::Row;
use crate::truth::Violation;

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if !settled.world.drawn.facets {
        return found;
    }
    let is_there =
        |row: &Option<Row>| row.as_ref().is_some_and(|row| !row.gone && row.hidden_until.is_none());
    let systems = &settled.world.drawn.systems;
    let linked = |facet: &Option<String>, (a, x): (usize, &str), (b, y): (usize, &str)| {
        settled.entities.iter().any(|all| {
            let holds = |system: usize, key: &str| {
                all.iter().any(|(at, state, _)| {
                    *at == system && state.key == key && settled.facets[state.ty.at()] == *facet
                })
            };
            holds(a, x) && holds(b, y)
        })
    };
    let mut facets = settled.facets.clone();
    facets.sort();
    facets.dedup();
    for members in &settled.entities {
        let there: Vec<_> =
            members.iter().filter(|(_, state, row)| state.is_live() && is_there(row)).collect();
        for (n, (a, x, row)) in there.iter().enumerate() {
            for (b, y, other) in &there[n + 1..] {
                let (Some(row), Some(other)) = (row, other) else { continue };
                let apart = |facet: &&Option<String>| !linked(facet, (*a, &x.key), (*b, &y.key));
                if let Some(facet) =
                    facets.iter().find(apart).filter(|_| settled.paired((*a, row), (*b, other)))
                {
                    let (an, bn) = (&systems[*a].name, &systems[*b].name);
                    let message = format!(
                        "{an}/{} and {bn}/{} are linked, and not as {facet:?}",
                        x.key, y.key
                    );
                    found.push(Violation {
                        checker: "a facet apart",
                        message,
                        who: Some(row.who_is().to_string()),
                    });
                }
            }
        }
    }
    found
}
