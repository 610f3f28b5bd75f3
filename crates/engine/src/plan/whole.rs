//! The plan as a whole, and what is asked of it: by which flow values come, what is kept apart.

use std::collections::HashMap;

use lockstep_model::matching::Placeholders;
use lockstep_model::{Conversion, FlowIx, PropIx, RecordState, TypeIx, TypeName};

use super::matching::{MatchRule, MatchSide};
use super::property::PlanProp;
use super::types::{PlanFlow, PlanType};
use crate::graph::{Apart, Bearings, Graph, Partial};

/// A project's flows, ready to decide by.
#[derive(Debug, Default)]
pub struct Plan {
    pub types: Vec<PlanType>,
    pub flows: Vec<PlanFlow>,
    pub rules: Vec<MatchRule>,
    /// What stands for nothing besides the usual words (L2).
    pub placeholders: Placeholders,
    /// Rows that can't be kept, with the reason; shown by `check`, `plan` and every run.
    pub blocked: Vec<BlockedRow>,
    /// Some flow holds for some records only (L9, L11).
    pub conditional: bool,
    /// Some record type has facets.
    pub has_facets: bool,
    /// Several record types create in one, or in facets of one record.
    pub creates_from_several: bool,
    /// Some row says by `wins` which value counts.
    pub by_value: bool,
    /// Some row says that emptying does not pass (P2).
    pub ignores_clears: bool,
    /// Some row gives a value only when a record is created (C1).
    pub gives_on_create: bool,
    /// Some rows move together (P1e).
    pub has_groups: bool,
    /// Some lists are kept in step element by element (P11).
    pub has_each: bool,
    /// How many references lead at most to a property of a row: `company > owner > mail` has two.
    pub follow_depth: usize,
    /// Some row is about several properties together.
    pub combines: bool,
    /// What values become before match rules compare them; [`MatchProp::converted`] counts them.
    pub match_conversions: Vec<Conversion>,
    pub(crate) graph: Graph,
    pub(crate) partial: Partial,
}

impl Plan {
    /// The record type of this name.
    pub fn type_named(&self, name: &TypeName) -> Option<TypeIx> {
        self.types.iter().position(|ty| ty.name == *name).map(|ix| TypeIx(ix as u16))
    }

    /// A record type of the plan.
    pub fn ty(&self, ix: TypeIx) -> &PlanType {
        &self.types[ix.at()]
    }

    /// Whether a record has as many slots as its record type has properties. All that pairs the two
    /// relies on it.
    pub fn fits(&self, record: &RecordState) -> bool {
        record.slots.len() == self.ty(record.ty).props.len()
    }

    /// A property of the plan.
    pub fn prop(&self, ty: TypeIx, prop: PropIx) -> &PlanProp {
        &self.types[ty.at()].props[prop.at()]
    }

    /// Whether a property moves together with others (P1e).
    pub fn is_grouped(&self, ty: TypeIx, prop: PropIx) -> bool {
        self.has_groups && self.types[ty.at()].groups.iter().any(|group| group.contains(&prop))
    }

    /// Whether some match row compares references (L10).
    pub fn matches_by_references(&self) -> bool {
        self.types.iter().any(|ty| ty.match_sides.iter().any(MatchSide::has_references))
    }

    /// Whether any property refers to other records.
    pub fn has_references(&self) -> bool {
        self.types.iter().any(|ty| ty.props.iter().any(|prop| prop.reference_target.is_some()))
    }

    /// Whether each record must be decided on in its turn: where records refer to each other or
    /// wait for each other's counterparts, what is recorded between two turns bears on the second
    /// (C2, C5, P8). Elsewhere what an entity has of all types is decided together.
    pub fn decides_in_turn(&self) -> bool {
        self.has_references() || self.types.iter().any(|ty| ty.contested)
    }

    /// `superoffice.Person to wix.Contacts`
    pub fn flow_name(&self, flow: FlowIx) -> String {
        // Of a flow that is gone nothing is known.
        let name =
            |flow: &PlanFlow| format!("{} to {}", self.ty(flow.from).name, self.ty(flow.to).name);
        self.flows.get(flow.at()).map_or_else(String::new, name)
    }

    /// Changes when any flow says something else, one is added or one is taken away; not with their
    /// order.
    pub fn fingerprint_of_flows(&self) -> u64 {
        let name =
            |flow: &PlanFlow| format!("{} to {}", self.ty(flow.from).name, self.ty(flow.to).name);
        let mut flows: Vec<String> = self
            .flows
            .iter()
            .map(|flow| format!("{}: {:x}", name(flow), flow.fingerprint))
            .collect();
        flows.sort_unstable();
        lockstep_model::matching::seed(&flows.join("\n"))
    }

    /// The flow by which a record type's values come to another: the one that says so, one that has
    /// the two the other way round, or the first that touches the target, to which they come by way
    /// of others (P0).
    pub fn flow_between(&self, from: TypeIx, to: TypeIx) -> FlowIx {
        let first = |is: &dyn Fn(&PlanFlow) -> bool| self.flows.iter().position(is);
        let found = first(&|flow| (flow.from, flow.to) == (from, to))
            .or_else(|| first(&|flow| (flow.from, flow.to) == (to, from)))
            .or_else(|| first(&|flow| flow.from == to || flow.to == to));
        FlowIx(found.unwrap_or(0) as u16)
    }

    /// For each record type `to`, in order, the flow by which the values of each other come to it;
    /// as [`Plan::flow_between`], of all at once.
    pub fn flows_between(&self) -> Vec<Vec<FlowIx>> {
        let mut said: HashMap<(TypeIx, TypeIx), FlowIx> = HashMap::new();
        let mut touching: Vec<Option<FlowIx>> = vec![None; self.types.len()];
        for (ix, flow) in self.flows.iter().enumerate() {
            let ix = FlowIx(ix as u16);
            said.entry((flow.from, flow.to)).or_insert(ix);
            for ty in [flow.from, flow.to] {
                touching[ty.at()].get_or_insert(ix);
            }
        }
        let types = || (0..self.types.len() as u16).map(TypeIx);
        let between = |from, to: TypeIx| {
            let found = said.get(&(from, to)).or_else(|| said.get(&(to, from))).copied();
            found.or(touching[to.at()]).unwrap_or(FlowIx(0))
        };
        types().map(|to| types().map(|from| between(from, to)).collect()).collect()
    }

    /// The rule by which two facets are linked because other facets of the same two records are
    /// (F2); `None` where no flow is between the two.
    pub fn facet_rule(&self, a: TypeIx, b: TypeIx) -> Option<usize> {
        self.rules.iter().position(|rule| {
            rule.by_facet && ((rule.a, rule.b) == (a, b) || (rule.a, rule.b) == (b, a))
        })
    }

    /// What bears on what where these record types are kept apart.
    pub(crate) fn without(&self, gone: &[Apart]) -> &Bearings {
        self.partial.get(gone, &|| {
            let props: Vec<&[PlanProp]> = self.types.iter().map(|ty| ty.props.as_slice()).collect();
            self.graph.without(gone, &props)
        })
    }

    /// Whether these record types hold the same collection (they differ in the facet only).
    pub fn same_collection(&self, a: TypeIx, b: TypeIx) -> bool {
        let (a, b) = (&self.ty(a).name, &self.ty(b).name);
        a.system == b.system && a.kind == b.kind
    }
}

/// A row that can't be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedRow {
    pub flow: FlowIx,
    pub row: String,
    pub why: String,
}

/// What keeps flows from being compiled: they name what is not there. `config` checks all of this
/// with places before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    pub flow: String,
    pub message: String,
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.flow, self.message)
    }
}

impl std::error::Error for PlanError {}
