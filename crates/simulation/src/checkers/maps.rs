//! P3, value lists: each system holds a mapped property in its own terms; and what is in no pair of
//! the list is left where it is, passed on or emptied, as the row says, and never turned into
//! another one.

use lockstep_model::RecordState;

use super::Settled;
use crate::forms::{Else, LAND};
use crate::system::Row;
use crate::truth::Violation;

type Member = (usize, RecordState, Option<Row>);

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let drawn = &settled.world.drawn;
    let mut found = Vec::new();
    for members in settled.entities.iter().filter(|_| drawn.forms.map.is_some()) {
        for (system, _, row) in members {
            let Some(row) = row.as_ref().filter(|row| !row.gone) else { continue };
            let mut violation = |checker, message| {
                found.push(Violation { checker, message, who: Some(row.who_is().to_string()) });
            };
            let (name, text) = (&drawn.systems[*system].name, row.texts.get(LAND));
            if let Some(text) = text.filter(|text| !drawn.is_in_terms(*system, text)) {
                let message = format!("{name}/{} has {LAND} {text:?}, in another's terms", row.id);
                violation("in the wrong terms", message);
            }
        }
    }
    found
}

impl Settled<'_> {
    /// Whether one of these records holds what another of them can't have.
    pub(super) fn holds_in_no_pair(&self, members: &[Member]) -> bool {
        let drawn = &self.world.drawn;
        members.iter().any(|(from, _, row)| {
            let text = row.as_ref().and_then(|row| row.texts.get(LAND));
            members.iter().any(|(to, _, _)| {
                drawn.flows.iter().any(|(a, b, _)| [(*a, *b), (*b, *a)].contains(&(*from, *to)))
                    && text.is_some_and(|text| !drawn.is_mapped(*from, *to, text))
            })
        })
    }

    /// Whether two linked records rightly hold different values of a value list: one of their
    /// entity is in no pair, and a person is asked; or the list says that nothing comes of it.
    pub(super) fn is_in_no_pair(&self, members: &[Member], both: [&Row; 2]) -> bool {
        let is_empty = |row: &Row| row.texts.get(LAND).is_none_or(String::is_empty);
        let all_there = members.iter().all(|(_, _, row)| row.as_ref().is_some_and(|row| !row.gone));
        let asked = members.iter().any(|(_, state, _)| self.unmapped.contains(&state.id));
        let all_asked = members.iter().all(|(_, state, _)| self.unmapped.contains(&state.id));
        let holds = self.holds_in_no_pair(members);
        match self.world.drawn.forms.map {
            // What a deleted record held is asked about at all of the others.
            Some(Else::Review) => holds && (!all_there || asked) || all_asked,
            Some(Else::Empty) => holds && both.into_iter().any(is_empty),
            Some(Else::Pass) | None => false,
        }
    }
}
