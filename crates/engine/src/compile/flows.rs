//! The flows of a plan: when they create, which records they are about.

use lockstep_model::flow::{Create, Filter, PropertyRef};
use lockstep_model::{Flow, PropIx, TypeIx};

use super::build::Build;
use crate::plan::{Condition, PlanCreate, PlanFlow};

/// A flow of the plan. `synchronizes` tells whether some property is kept equal between its ends.
pub fn plan_flow(
    build: &Build<'_>,
    flow: &Flow,
    (from, to): (TypeIx, TypeIx),
    synchronizes: bool,
) -> PlanFlow {
    PlanFlow {
        from,
        to,
        create: match &flow.create {
            Create::Never => PlanCreate::Never,
            Create::Always => PlanCreate::Always,
            Create::When { condition, .. } => PlanCreate::Filtered { condition: condition.clone() },
            Create::ConnectedTo(types) => {
                PlanCreate::ConnectedTo(types.iter().flat_map(|name| build.named(name)).collect())
            }
        },
        filter: match &flow.create {
            Create::When { filter, .. } => condition(build, filter, from),
            _ => None,
        },
        only: condition(build, &flow.only, from),
        only_to: condition(build, &flow.only_to, to),
        ceases: flow.ceases,
        extra: flow.extra,
        deletes: flow.deletes,
        synchronizes,
        create_empty: flow.create_empty,
        matches: !flow.matches.is_empty(),
        separates_duplicates: flow.separate_duplicates,
        place: flow.place.clone(),
        fingerprint: flow.fingerprint(),
    }
}

/// A condition of a flow on one of its sides.
fn condition(build: &Build<'_>, filter: &Option<Filter>, of: TypeIx) -> Option<Condition> {
    let filter = filter.clone()?;
    Some(Condition { reads: filter_reads(build, &filter, of), filter })
}

/// The properties that a filter names by another path than their own.
fn filter_reads(build: &Build<'_>, filter: &Filter, of: TypeIx) -> Vec<(String, PropIx, bool)> {
    let under_way = &build.types[of.at()];
    let Some(schema) = under_way.schema else { return vec![] };
    let reads = filter.reads.iter().filter_map(|written| {
        let reference = PropertyRef::new(schema.resolve(written)?);
        let ix = under_way.props.iter().position(|prop| prop.reference == reference)?;
        (reference.path != *written).then(|| {
            (written.as_str().to_string(), PropIx(ix as u16), build.is_derived(of, written))
        })
    });
    reads.collect()
}
