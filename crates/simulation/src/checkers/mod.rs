//! What must be true once everything has healed and settled. One property a file; each looks at the systems themselves and at what the
//! store remembers, and uses nothing that decides.

mod absence;
mod ambiguous;
mod apart;
mod equal;
mod explained;
mod latest;

use std::collections::BTreeMap;

use lockstep_hub::Hub;
use lockstep_model::{RecordId, RecordState, Review, ReviewKind};
use lockstep_store::Result;

use crate::system::Row;
use crate::truth::Violation;
use crate::world::World;

/// The settled world, side by side with what the store knows of it.
pub struct Settled<'a> {
    pub world: &'a World,
    /// The records of each entity, with the system that each is in and what it really holds there.
    pub entities: Vec<Vec<(usize, RecordState, Option<Row>)>>,
    pub reviews: Vec<Review>,
    /// Properties that keep flipping and wait for a person (P5): of which record, and its name.
    pub stopped: Vec<(RecordId, String)>,
}

impl Settled<'_> {
    /// Whether the records of an entity may rightly differ in a property: somebody is asked which side is right, or has said that they may
    /// differ, or that an older value is right (P5).
    pub fn may_differ(&self, members: &[(usize, RecordState, Option<Row>)], prop: &'static str) -> bool {
        let asked = |id: RecordId| self.stopped.iter().any(|(stopped, path)| *stopped == id && path == prop);
        let truth = self.world.truth.look();
        let said = |row: &Row| truth.said.contains(&(row.who_is().to_string(), prop));
        members.iter().any(|(_, state, row)| asked(state.id) || row.as_ref().is_some_and(said))
    }

    /// The pairs of systems that a flow pairs directly.
    pub fn paired(&self, a: usize, b: usize) -> bool {
        self.world.drawn.flows.iter().any(|(from, to, _)| (*from, *to) == (a, b) || (*from, *to) == (b, a))
    }
}

/// All violations.
pub fn all(world: &World, hub: &mut Hub) -> Result<Vec<Violation>> {
    let types: Vec<usize> = hub
        .plan_of_flows()
        .types
        .iter()
        .map(|ty| world.systems.iter().position(|system| system.drawn.name == ty.name.system).expect("a system of the world"))
        .collect();
    let mut entities: BTreeMap<i64, Vec<(usize, RecordState, Option<Row>)>> = BTreeMap::new();
    for (ty, system) in types.iter().enumerate() {
        let rows = world.systems[*system].rows();
        let keys: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        for state in hub.store().by_key(lockstep_model::TypeIx(ty as u16), &keys)? {
            let row = rows.iter().find(|row| row.id == state.key).cloned();
            entities.entry(state.entity.0).or_default().push((*system, state, row));
        }
    }
    let reviews = hub.store().reviews(usize::MAX >> 1)?;
    let stopped = reviews
        .iter()
        .filter(|review| review.kind == ReviewKind::FlipFlop)
        .filter_map(|review| Some((review.record, hub.plan_of_flows().prop(review.ty, review.prop?).name.clone())));
    let stopped = stopped.collect();
    let settled = Settled { world, stopped, entities: entities.into_values().collect(), reviews };
    let mut found = equal::check(&settled);
    found.extend(latest::check(&settled));
    found.extend(absence::check(&settled));
    found.extend(apart::check(&settled));
    found.extend(ambiguous::check(&settled));
    found.extend(explained::check(&settled, hub)?);
    Ok(found)
}
