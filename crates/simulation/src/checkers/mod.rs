//! What must be true once everything has healed and settled. One property a file; each looks at the
//! systems themselves and at what the store remembers, and uses nothing that decides.

mod absence;
mod ambiguous;
mod apart;
mod equal;
mod explained;
mod facets;
mod groups;
mod latest;
mod lines;
mod maps;
mod sets;
mod strangers;

use std::collections::{BTreeMap, BTreeSet};

use lockstep_hub::Hub;
use lockstep_model::flow::Deletes;
use lockstep_model::{EntityId, RecordId, RecordState, Review, ReviewKind};
use lockstep_store::Result;

use crate::draw::{COMPANY, Kind, MAIL, is_about};
use crate::forms::{LAND, TAGS};
use crate::system::Row;
use crate::tags::number_set;
use crate::truth::{Violation, number_of};
use crate::world::World;

/// The settled world, side by side with what the store knows of it.
pub struct Settled<'a> {
    pub world: &'a World,
    /// The records of each entity, with the system that each is in and what it really holds there.
    pub entities: Vec<Vec<(usize, RecordState, Option<Row>)>>,
    pub reviews: Vec<Review>,
    /// The facet that each record type is, by its number.
    pub facets: Vec<Option<String>>,
    /// Properties that keep flipping and wait for a person (P5): of which entity, and its name. The
    /// record that a person is asked about may be gone, and its id another's.
    pub stopped: Vec<(EntityId, String)>,
    /// Records of which a person is asked about a value that is in no pair of the value list, and
    /// about nothing else.
    pub unmapped: BTreeSet<RecordId>,
}

impl Settled<'_> {
    /// Whether the records of an entity may rightly differ in a property: somebody is asked which
    /// side is right, or has said that they may differ, or that an older value is right (P5).
    pub fn may_differ(
        &self,
        members: &[(usize, RecordState, Option<Row>)],
        prop: &'static str,
    ) -> bool {
        let asked = |id: EntityId| {
            self.stopped.iter().any(|(stopped, path)| *stopped == id && path == prop)
        };
        let truth = self.world.truth.look();
        let said = |row: &Row| truth.said.contains(&(row.who_is().to_string(), prop));
        members.iter().any(|(_, state, row)| asked(state.entity) || row.as_ref().is_some_and(said))
    }

    /// F3, D1: one of these records was deleted, and of the others one was kept as another facet,
    /// and emptied of what only the deleted part was about, while a third, edited since, keeps what
    /// it holds.
    pub fn is_emptied_with_a_part(
        &self,
        members: &[(usize, RecordState, Option<Row>)],
        empty: bool,
    ) -> bool {
        let deleted = |(_, state, _): &(usize, RecordState, Option<Row>)| !state.is_live();
        empty
            && self.world.drawn.facets
            && self.world.drawn.deletes == Deletes::Propagate
            && members.iter().any(deleted)
    }

    /// R6: whether one of the two has acknowledged a value of this property and does not hold it.
    /// Then they may differ; and where they do, a person is asked.
    pub(crate) fn is_lost(
        &self,
        both: [(usize, &RecordState, &Row); 2],
        prop: &'static str,
        found: &mut Vec<Violation>,
    ) -> bool {
        let truth = self.world.truth.look();
        let lost = both
            .iter()
            .find(|(system, _, row)| truth.lost.contains(&((*system, row.id.clone()), prop)));
        let Some((system, state, row)) = lost else { return false };
        let value = |row: &Row| {
            if prop == MAIL { None } else { row.texts.get(prop).and_then(|text| number_of(text)) }
        };
        let differ = match prop {
            MAIL => !both[0]
                .2
                .mails
                .iter()
                .any(|x| both[1].2.mails.iter().any(|y| x.to_lowercase() == y.to_lowercase())),
            // What it refers to is looked at where the references are compared.
            COMPANY => false,
            TAGS => number_set(&both[0].2.tags) != number_set(&both[1].2.tags),
            _ => value(both[0].2) != value(both[1].2),
        };
        let asked = self.reviews.iter().any(|review| {
            review.about.is(state.id)
                && matches!(review.kind, ReviewKind::NotKept | ReviewKind::RejectedValue)
        });
        let asked = asked || prop == LAND && self.unmapped.contains(&state.id);
        if differ && !asked {
            let name = &self.world.drawn.systems[*system].name;
            let message = format!("{name}/{} has not kept its {prop}, and nobody is told", row.id);
            found.push(Violation {
                checker: "not told",
                message,
                who: Some(row.who_is().to_string()),
            });
        }
        true
    }

    /// Whether the flows of a record's facet are about a property (F1).
    pub fn is_about(&self, state: &RecordState, prop: &str) -> bool {
        is_about(self.facets[state.ty.at()].as_deref(), prop)
    }

    /// Whether a flow that holds for them pairs these records, of these systems.
    pub fn paired(&self, (a, a_row): (usize, &Row), (b, b_row): (usize, &Row)) -> bool {
        let suspended = self.world.drawn.suspended.filter(|_| a_row.kind == Kind::Person);
        let holds = match suspended {
            // The flow back asks its own source: of two who share an address it may be about one
            // and not the other.
            Some(pair) if !pair.by_city && ([(a, b), (b, a)].contains(&(pair.from, pair.to))) => {
                pair.holds(&a_row.texts) && pair.holds(&b_row.texts)
            }
            Some(pair) if (pair.from, pair.to) == (a, b) => pair.holds(&a_row.texts),
            Some(pair) if (pair.from, pair.to) == (b, a) => pair.holds(&b_row.texts),
            _ => true,
        };
        holds
            && self
                .world
                .drawn
                .flows
                .iter()
                .any(|(from, to, _)| (*from, *to) == (a, b) || (*from, *to) == (b, a))
    }

    /// The id of what is linked in another system with a record of this one.
    pub fn counterpart(&self, (system, id): (usize, &str), other: usize) -> Option<String> {
        let is = |(at, state, row): &(usize, RecordState, Option<Row>), system: usize| {
            *at == system
                && state.is_live()
                && row.as_ref().is_some_and(|row| !row.gone && row.hidden_until.is_none())
        };
        let members = self
            .entities
            .iter()
            .find(|all| all.iter().any(|one| is(one, system) && one.1.key == id))?;
        members.iter().find(|one| is(one, other)).map(|(_, state, _)| state.key.clone())
    }
}

/// All violations.
pub fn all(world: &World, hub: &mut Hub) -> Result<Vec<Violation>> {
    let types: Vec<usize> = hub
        .ledger
        .plan_of_flows()
        .types
        .iter()
        .map(|ty| {
            world
                .systems
                .iter()
                .position(|system| system.drawn.name == ty.name.system)
                .expect("a system of the world")
        })
        .collect();
    let mut entities: BTreeMap<i64, Vec<(usize, RecordState, Option<Row>)>> = BTreeMap::new();
    for (ty, system) in types.iter().enumerate() {
        let rows = world.systems[*system].rows();
        let kind = Kind::named(&hub.ledger.plan_of_flows().types[ty].name.kind);
        let keys: Vec<&str> =
            rows.iter().filter(|row| row.kind == kind).map(|row| row.id.as_str()).collect();
        for state in hub.ledger.store().by_key(lockstep_model::TypeIx(ty as u16), &keys)? {
            let row = rows.iter().find(|row| row.id == state.key).cloned();
            entities.entry(state.entity.0).or_default().push((*system, state, row));
        }
    }
    let mut reviews = hub.ledger.store().reviews(usize::MAX >> 1)?;
    let plan = hub.ledger.plan_of_flows();
    let is_mapped = |review: &mut Review| {
        review.kind == ReviewKind::Unconvertible
            && review.prop.is_some_and(|prop| plan.prop(review.ty, prop).name == LAND)
    };
    let unmapped =
        reviews.extract_if(.., is_mapped).filter_map(|review| review.about.record()).collect();
    let mut stopped = Vec::new();
    for review in reviews.iter().filter(|review| review.kind == ReviewKind::FlipFlop) {
        let entity = hub
            .ledger
            .store()
            .records(review.about.record().as_slice())?
            .pop()
            .map(|record| record.entity);
        stopped.extend(
            entity.zip(review.prop).map(|(id, prop)| {
                (id, hub.ledger.plan_of_flows().prop(review.ty, prop).name.clone())
            }),
        );
    }
    let facets = hub.ledger.plan_of_flows().types.iter().map(|ty| ty.name.facet.clone()).collect();
    let settled = Settled {
        world,
        stopped,
        unmapped,
        facets,
        entities: entities.into_values().collect(),
        reviews,
    };
    let mut found = equal::check(&settled);
    found.extend(latest::check(&settled));
    found.extend(groups::check(&settled));
    found.extend(maps::check(&settled));
    found.extend(sets::check(&settled));
    found.extend(lines::check(&settled, hub)?);
    found.extend(strangers::check(&settled));
    found.extend(absence::check(&settled));
    found.extend(apart::check(&settled));
    found.extend(ambiguous::check(&settled));
    found.extend(facets::check(&settled));
    found.extend(explained::check(&settled, hub)?);
    Ok(found)
}
