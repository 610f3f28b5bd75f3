//! Rows about properties of what is referred to (`company > name`), or about several properties
//! together (`first + last`): the references and properties that they need are watched, and each
//! becomes a property of the record.
//!
//! Such properties stand behind all others, as no connector is asked for them:
//!
//! ```text
//! crm.People   company, email | company > name          from crm.Companies/7, by `company`
//! ```

use lockstep_model::flow::{PropertyPair, PropertyRef};
use lockstep_model::{Flow, PropIx, TypeIx, TypeName};

use super::build::Build;
use super::combined;
use crate::bears::Node;
use crate::plan::{Follows, PlanProp};

/// Rows that wait until all other properties are known, each with its flow and its place in it.
#[derive(Default)]
pub struct FollowedRows<'f> {
    rows: Vec<FollowedRow<'f>>,
}

struct FollowedRow<'f> {
    flow_at: usize,
    flow: &'f Flow,
    ends: (TypeIx, TypeIx),
    at: usize,
    pair: &'f PropertyPair,
}

impl<'f> FollowedRows<'f> {
    /// Watches what a row needs, if it is one of these. Gives whether it is.
    pub fn add(
        &mut self,
        build: &mut Build<'_>,
        (flow_at, flow): (usize, &'f Flow),
        ends: (TypeIx, TypeIx),
        (at, pair): (usize, &'f PropertyPair),
    ) -> bool {
        let is_plain = |property: &PropertyRef| !property.is_followed() && !property.is_combined();
        if is_plain(&pair.from) && is_plain(&pair.to) {
            return false;
        }
        for (ty, property) in [(ends.0, &pair.from), (ends.1, &pair.to)] {
            if property.is_followed() {
                watch(build, flow, ty, property);
                continue;
            }
            // What is known of its times must be watched like that of any other row.
            for part in property.parts() {
                if let Some(prop) = build.prop(flow, ty, &part) {
                    build.types[ty.at()].props[prop.at()].paired = true;
                }
            }
        }
        self.rows.push(FollowedRow { flow_at, flow, ends, at, pair });
        true
    }

    /// The rows with their properties, once no more are added that connectors are asked for.
    pub fn watched(self, build: &mut Build<'_>) -> Vec<WatchedRow<'f>> {
        let mut watched = |row: &FollowedRow<'f>, pair: PropertyPair| {
            let mut prop = |ty: TypeIx, property: &PropertyRef| match () {
                () if property.is_followed() => followed(build, row.flow, ty, property),
                () if property.is_combined() => combined::property(build, row.flow, ty, property),
                () => build.prop(row.flow, ty, property),
            };
            let (one, other) = (prop(row.ends.0, &pair.from)?, prop(row.ends.1, &pair.to)?);
            let of = [(row.ends.0, one), (row.ends.1, other)];
            Some(WatchedRow { flow: (row.flow_at, row.flow), row: (row.at, pair), of })
        };
        let mut all = Vec::new();
        let mut errors = Vec::new();
        for row in &self.rows {
            match combined::rows(row.pair) {
                Ok(pairs) => all.extend(pairs.into_iter().filter_map(|pair| watched(row, pair))),
                Err(error) => errors.push((row.flow, error.message)),
            }
        }
        errors.into_iter().for_each(|(flow, message)| build.error(flow, message));
        all
    }
}

/// A row with the two properties that it pairs.
pub struct WatchedRow<'f> {
    pub flow: (usize, &'f Flow),
    pub row: (usize, PropertyPair),
    pub of: [Node; 2],
}

/// Watches the references on the way, and the property that they lead to.
fn watch(build: &mut Build<'_>, flow: &Flow, ty: TypeIx, property: &PropertyRef) {
    let Some(reference) = property.via.first() else {
        build.prop(flow, ty, property);
        return;
    };
    let Some(by) = build.prop(flow, ty, &PropertyRef::new(reference.clone())) else { return };
    let Some(target) = build.types[ty.at()].props[by.at()].reference_target.clone() else {
        let message = format!(
            "`{reference}` of {} is not known to refer to records",
            build.types[ty.at()].name
        );
        return build.error(flow, message);
    };
    for to in referred(build, flow, &target) {
        watch(build, flow, to, &property.after_first_reference());
    }
}

/// The record types that a reference to this one leads to: all facets of a collection, and one that
/// is in no flow.
fn referred(build: &mut Build<'_>, flow: &Flow, target: &TypeName) -> Vec<TypeIx> {
    match build.named(target) {
        none if none.is_empty() => vec![build.type_of(flow, target)],
        types => types,
    }
}

/// The property of a record type that holds what another record has.
fn followed(
    build: &mut Build<'_>,
    flow: &Flow,
    ty: TypeIx,
    property: &PropertyRef,
) -> Option<PropIx> {
    let reference = property.via.first()?;
    let by = build.prop(flow, ty, &PropertyRef::new(reference.clone()))?;
    let target = build.types[ty.at()].props[by.at()].reference_target.clone()?;
    let rest = property.after_first_reference();
    let mut of = Vec::new();
    for to in referred(build, flow, &target) {
        let prop = match rest.is_followed() {
            true => followed(build, flow, to, &rest)?,
            false => build.prop(flow, to, &rest)?,
        };
        build.types[to.at()].props[prop.at()].followed = true;
        of.push((to, prop));
    }
    let (to, prop) = *of.first()?;
    let held = build.types[to.at()].props[prop.at()].clone();
    let via = std::iter::once(build.types[ty.at()].props[by.at()].reference.path.clone());
    let reference = PropertyRef {
        via: via.chain(held.reference.via.iter().cloned()).collect(),
        ..held.reference.clone()
    };
    let known = build.types[ty.at()].props.iter().position(|prop| prop.reference == reference);
    if let Some(known) = known {
        return Some(PropIx(known as u16));
    }
    let depth = held.follows.as_ref().map_or(0, |follows| follows.depth) + 1;
    let prop = PlanProp {
        name: reference.to_string(),
        reference,
        // P10: it is written where it stands.
        read_only: true,
        create_only: false,
        required: false,
        follows: Some(Follows { by, of, depth }),
        combines: vec![],
        followed: false,
        paired: false,
        told_by: None,
        tells_time: false,
        depends: None,
        policy: lockstep_model::Policy::Latest,
        clears: true,
        ..held
    };
    build.add(flow, ty, prop)
}
