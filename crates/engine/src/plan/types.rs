//! The record types and flows of a plan.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::flow::{Ceases, Deletes, Extra, Filter, PropertyRef};
use lockstep_model::{Capabilities, FlowIx, Path, PropIx, TypeIx, TypeName, TypeSchema};

use super::matching::MatchSide;
use super::property::{Bearing, PlanProp};

/// The schemas of a project's systems, by the systems' names.
pub type Schemas = BTreeMap<String, Vec<TypeSchema>>;

/// A record type of the plan.
#[derive(Debug)]
pub struct PlanType {
    pub name: TypeName,
    pub can: Capabilities,
    pub settles_ms: i64,
    pub unknown_ms: i64,
    pub props: Vec<PlanProp>,
    /// Lower ranks are decided first: what decides whether others are created.
    pub decide_rank: u16,
    /// Lower ranks are sent first: what others refer to.
    pub send_rank: u16,
    /// Changes when what is watched, or how it is matched, changes.
    pub fingerprint: u64,
    /// Properties that a creation needs and no row maps (C4).
    pub required_unmapped: Vec<Path>,
    /// An entity may hold several of it (L6).
    pub merges_duplicates: bool,
    /// Ids of its records are JSON numbers, and so are references to them (R7); nothing where
    /// nobody knows.
    pub numeric_ids: Option<bool>,
    /// For each property what bears on it where all flows hold, in the order of record types and
    /// rows.
    pub bearings: Vec<Vec<Bearing>>,
    /// The properties that move together (P1e).
    pub groups: Vec<Vec<PropIx>>,
    /// The other facets of its collection (F1). All facets of a collection have the same properties
    /// at the same places; which of them rows of a facet are about, [`PlanProp::paired`] tells.
    pub facets: Vec<TypeIx>,
    /// The sides of match rules that this record type has.
    pub match_sides: Vec<MatchSide>,
    pub flows_out: Vec<FlowIx>,
    /// Record types that a flow pairs it with.
    pub partners: BTreeSet<TypeIx>,
    /// The property that holds the record's own id, which rows name `$id` (C6).
    pub own_id: Option<PropIx>,
    /// P1: at the first link, what no time is told of counts as put in when the run began.
    pub untold_wins: bool,
    /// The property that says when a record was created, where the system tells (R9).
    pub created: Option<PropIx>,
    /// Flows from several record types create in it: two of them may be about to create the same
    /// thing (C2).
    pub contested: bool,
}

impl PlanType {
    /// The properties that connectors are asked for: all but those of other records, which stand
    /// behind them.
    pub fn watch(&self) -> Vec<PropertyRef> {
        let own = self.props.iter().take_while(|prop| prop.is_own());
        own.map(|prop| prop.reference.clone()).collect()
    }
}

/// A flow of the plan.
#[derive(Debug)]
pub struct PlanFlow {
    pub from: TypeIx,
    pub to: TypeIx,
    pub create: PlanCreate,
    /// Of which records of the source it creates.
    pub filter: Option<Condition>,
    /// L11: which records of the source it is about, and which of the target.
    pub only: Option<Condition>,
    pub only_to: Option<Condition>,
    pub ceases: Ceases,
    /// D1: what becomes of a record of the target that has no counterpart in the source.
    pub extra: Extra,
    pub deletes: Deletes,
    /// Between the two, some property is kept equal (C3).
    pub synchronizes: bool,
    pub create_empty: bool,
    /// It has match rows.
    pub matches: bool,
    /// `duplicates: separate`: records that match each other and have no counterpart get one each
    /// (L6).
    pub separates_duplicates: bool,
    pub place: String,
    /// What it says, in one number (G2).
    pub fingerprint: u64,
}

/// A condition on a record.
#[derive(Debug)]
pub struct Condition {
    pub filter: Filter,
    /// What it reads under another path than the property's own, with whether it means the primary
    /// element of a list only: `primaryInfo.email` is the first of `info.emails.email`.
    pub reads: Vec<(String, PropIx, bool)>,
}

/// When a flow creates.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanCreate {
    Never,
    Always,
    /// By the flow's filter; without one, never, and it says so.
    Filtered {
        condition: String,
    },
    ConnectedTo(Vec<TypeIx>),
}
