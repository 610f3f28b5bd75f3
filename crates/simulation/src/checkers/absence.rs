//! R3, D1: no absence counts unverified, and nothing is deleted that no policy says is to be.

use lockstep_model::flow::Deletes;

use super::Settled;
use crate::draw::WHO;
use crate::truth::{Deed, Does, Violation};

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let systems = &settled.world.drawn.systems;
    for (system, state, row) in settled.entities.iter().flatten() {
        let Some(row) = row.as_ref().filter(|row| !row.gone && !state.is_live()) else { continue };
        let message =
            format!("{}/{} is there, and counts as deleted", systems[*system].name, row.id);
        found.push(Violation {
            checker: "absent unverified",
            message,
            who: row.texts.get(WHO).cloned(),
        });
    }
    let truth = settled.world.truth.look();
    let who = |deed: &Deed| {
        settled.world.systems[deed.at.0]
            .row(&deed.at.1)
            .map(|row| row.who_is().to_string())
            .unwrap_or_default()
    };
    let asked_for = |deed: &&Deed| match settled.world.drawn.deletes {
        Deletes::Propagate => true,
        Deletes::Review => truth.let_go.contains(&who(deed)),
        Deletes::Ignore => false,
    };
    for deed in truth.deeds.iter().filter(|deed| deed.kind == Does::Delete && !asked_for(deed)) {
        let message = format!(
            "{}/{} was deleted by the hub, which nothing asks for",
            systems[deed.at.0].name, deed.at.1
        );
        found.push(Violation { checker: "deleted", message, who: None });
    }
    found
}
