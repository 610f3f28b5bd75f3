//! P0–P3: every two linked records that a flow pairs hold the same in every property of its table, in each system's own terms.

use lockstep_model::ReviewKind;

use super::Settled;
use crate::draw::{EDITED, WHO};
use crate::truth::{Violation, number_of};
use crate::world::is_asked_about;

pub(super) fn check(settled: &Settled<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for members in &settled.entities {
        let live: Vec<_> = members.iter().filter_map(|(system, state, row)| Some((*system, state, row.as_ref()?))).collect();
        let asks = |kind| is_asked_about(kind) && kind != ReviewKind::FlipFlop;
        let asked = |id| settled.reviews.iter().any(|review| review.record == id && asks(review.kind));
        for (n, (a, a_state, a_row)) in live.iter().enumerate() {
            for (b, b_state, b_row) in &live[n + 1..] {
                if !settled.paired(*a, *b) || a_row.gone || b_row.gone || asked(a_state.id) || asked(b_state.id) {
                    continue;
                }
                let systems = &settled.world.drawn.systems;
                let both = |prop: &&&str| systems[*a].props.contains(prop) && systems[*b].props.contains(prop);
                for prop in EDITED.iter().filter(both).filter(|prop| !settled.may_differ(members, prop)) {
                    let value = |row: &crate::system::Row| row.texts.get(prop).and_then(|text| number_of(text));
                    if value(a_row) != value(b_row) {
                        let (an, bn) = (&systems[*a].name, &systems[*b].name);
                        found.push(Violation {
                            checker: "not equal",
                            message: format!(
                                "{an}/{} has {prop} {:?}, {bn}/{} has {:?}",
                                a_row.id,
                                a_row.texts.get(prop),
                                b_row.id,
                                b_row.texts.get(prop)
                            ),
                            who: a_row.texts.get(WHO).cloned(),
                        });
                    }
                }
                let same = a_row.mails.iter().any(|x| b_row.mails.iter().any(|y| x.to_lowercase() == y.to_lowercase()));
                if !same {
                    let (an, bn) = (&systems[*a].name, &systems[*b].name);
                    let message = format!("{an}/{} has {:?}, {bn}/{} has {:?}", a_row.id, a_row.mails, b_row.id, b_row.mails);
                    found.push(Violation { checker: "not equal", message, who: a_row.texts.get(WHO).cloned() });
                }
            }
        }
    }
    found
}
