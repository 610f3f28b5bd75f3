//! The steps of compiling, in their order: rows, match rows, what else is watched, the graph, the
//! record types.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::flow::{Policy, PropertyRef};
use lockstep_model::{Flow, FlowIx, PropIx, TypeIx, TypeName};

use super::build::Build;
use super::flows::plan_flow;
use super::follow::FollowedRows;
use super::matches::Matches;
use super::rows::Rows;
use super::types::{Finishing, OfType, mark_by_bearings, sides_by_type};
use super::watch::{watch_besides, watch_conditions, watch_for_rules};
use crate::graph::{Graph, Partial};
use crate::plan::{Plan, PlanCreate, PlanError, PlanFlow, PlanProp, PlanType, Schemas};
use crate::policies::Policies;

impl Plan {
    /// Compiles flows.
    pub fn compile(flows: &[Flow], schemas: &Schemas) -> Result<Plan, Vec<PlanError>> {
        Plan::compile_watching(flows, schemas, &[])
    }

    /// Compiles flows, with properties to be watched besides that no flow names (any more). They
    /// are kept equal with nothing, and change no fingerprint. Those that no schema has are left
    /// out.
    pub fn compile_watching(
        flows: &[Flow],
        schemas: &Schemas,
        watched: &[(TypeName, Option<PropertyRef>)],
    ) -> Result<Plan, Vec<PlanError>> {
        let mut build = Build::new(schemas);
        let plan = plan(&mut build, flows, watched);
        if build.errors.is_empty() { Ok(plan) } else { Err(build.errors) }
    }
}

/// The plan of these flows; where errors have been told meanwhile, not to be decided by.
fn plan(
    build: &mut Build<'_>,
    flows: &[Flow],
    watched: &[(TypeName, Option<PropertyRef>)],
) -> Plan {
    let ends: Vec<(TypeIx, TypeIx)> = flows
        .iter()
        .map(|flow| (build.type_of(flow, &flow.from), build.type_of(flow, &flow.to)))
        .collect();
    let (mut rows, mut matches, followed) = rows_of(build, flows, &ends);
    watch_for_rules(build, flows, &ends);
    let named: Vec<usize> = build.types.iter().map(|ty| ty.props.len()).collect();
    watch_besides(build, watched);
    rows.add_followed(build, followed);
    matches.add_facet_rules(build, &ends);
    rows.whole_lists(build);
    rows.lists_by_element(build);
    let merging = merging(flows, &ends);
    let mut graph = Graph::new(rows.edges, rows.pairs, merging.clone());
    graph.policies = policies(build, &graph);
    let (relations, mut bearings) = {
        let props: Vec<&[PlanProp]> = build.types.iter().map(|ty| ty.props.as_slice()).collect();
        graph.whole(&props)
    };
    mark_by_bearings(build, &bearings);
    let mut groups = rows.grouped.by_type(&bearings);
    for ((ty, prop), parts) in graph.parts(&relations) {
        build.types[ty.at()].props[prop.at()].parts.push(parts);
    }
    let synchronize = |ends: (TypeIx, TypeIx)| relations.contains_key(&ends);
    let one = |(flow, &ends)| plan_flow(build, flow, ends, synchronize(ends));
    let plan_flows: Vec<PlanFlow> = flows.iter().zip(&ends).map(one).collect();
    let placeholders = build.placeholders();
    let by_flows = (plan_flows.as_slice(), ends.as_slice());
    let rules = (matches.rules.as_slice(), matches.sides.as_slice());
    let finishing = Finishing::new(build, rules, by_flows, &named, &placeholders, &merging);
    let mut sides = sides_by_type(matches.sides);
    let under_way = std::mem::take(&mut build.types).into_iter().enumerate();
    let finished = |(ix, under_way)| {
        let ty = TypeIx(ix as u16);
        let own = OfType {
            bearings: bearings.remove(&ty).unwrap_or_default(),
            groups: groups.remove(&ty).unwrap_or_default(),
            match_sides: sides.remove(&ty).unwrap_or_default(),
        };
        finishing.plan_type(ty, under_way, own)
    };
    let types: Vec<_> = under_way.map(finished).collect();
    let any = |is: fn(&PlanProp) -> bool| types.iter().flat_map(|ty| &ty.props).any(is);
    Plan {
        conditional: plan_flows.iter().any(is_conditional),
        creates_from_several: creates_from_several(&types, &plan_flows),
        has_facets: types.iter().any(|ty| !ty.facets.is_empty()),
        by_value: any(|prop| matches!(prop.policy, Policy::Wins(_))),
        has_each: any(|prop| prop.each),
        combines: any(|prop| !prop.combines.is_empty()),
        follow_depth: follow_depth(&types),
        ignores_clears: graph.ignores_clears(),
        gives_on_create: graph.gives_on_create(),
        has_groups: types.iter().any(|ty| !ty.groups.is_empty()),
        match_conversions: matches.conversions,
        types,
        flows: plan_flows,
        rules: matches.rules,
        placeholders,
        blocked: rows.blocked,
        graph,
        partial: Partial::default(),
    }
}

/// How many references lead at most to a property of a row (P8).
fn follow_depth(types: &[PlanType]) -> usize {
    let followed = types.iter().flat_map(|ty| &ty.props).flat_map(|prop| &prop.follows);
    followed.map(|follows| follows.depth).max().unwrap_or(0)
}

/// Whether a flow may not hold for some records (L9, L11).
fn is_conditional(flow: &PlanFlow) -> bool {
    flow.filter.is_some() || flow.only.is_some() || flow.only_to.is_some()
}

/// P1: the policies that rows state hold for all that they keep equal.
fn policies(build: &mut Build<'_>, graph: &Graph) -> Policies {
    let mut told = BTreeMap::new();
    for (ty, under_way) in build.types.iter().enumerate() {
        for (prop, described) in under_way.props.iter().enumerate() {
            if described.policy != Policy::Latest {
                told.insert((TypeIx(ty as u16), PropIx(prop as u16)), described.policy.clone());
            }
        }
    }
    let policies = Policies::new(&told, graph.both_ways());
    for ((ty, prop), policy) in policies.each() {
        build.types[ty.at()].props[prop.at()].policy = policy.clone();
    }
    policies
}

/// The record types of which an entity may hold several (L6).
fn merging(flows: &[Flow], ends: &[(TypeIx, TypeIx)]) -> BTreeSet<TypeIx> {
    let merging = flows.iter().zip(ends).filter(|(flow, _)| flow.merge_duplicates);
    merging.flat_map(|(_, &(from, to))| [from, to]).collect()
}

/// The rows of all flows, and what each of them makes watched, flow by flow.
fn rows_of<'f>(
    build: &mut Build<'_>,
    flows: &'f [Flow],
    ends: &[(TypeIx, TypeIx)],
) -> (Rows<'f>, Matches, FollowedRows<'f>) {
    let (mut rows, mut matches) = (Rows::default(), Matches::default());
    let mut followed = FollowedRows::default();
    for (ix, (flow, &ends)) in flows.iter().zip(ends).enumerate() {
        let flow_ix = FlowIx(ix as u16);
        rows.add_flow(build, (flow_ix, flow), ends, &mut followed);
        for row in &flow.matches {
            matches.add_row(build, (flow_ix, flow), ends, row);
        }
        watch_conditions(build, flow, ends);
    }
    (rows, matches, followed)
}

/// Whether several record types create in one, or in facets of one record.
fn creates_from_several(types: &[PlanType], flows: &[PlanFlow]) -> bool {
    let creating = |flow: &&PlanFlow| !matches!(flow.create, PlanCreate::Never);
    let same = |to: TypeIx, other: TypeIx| to == other || types[to.at()].facets.contains(&other);
    let others = |one: &PlanFlow| {
        flows.iter().filter(creating).any(|flow| flow.from != one.from && same(one.to, flow.to))
    };
    flows.iter().filter(creating).any(others)
}
