//! The plan of flows: compiled once from all flows of a project and the schemas of its systems.
//!
//! It settles which written paths are one property, what bears on what (P0) and by which
//! conversions, by which match rules records find each other, what must be created before what, and
//! which rows can't be kept and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::flow::{Ceases, Deletes, Filter, Policy, PropertyRef};
use lockstep_model::matching::{Normal, Placeholders};
use lockstep_model::value::Terms;
use lockstep_model::{
    Capabilities, Conversion, FlowIx, Path, PlainType, PropIx, TypeIx, TypeName, TypeSchema,
};

use crate::graph::{Graph, Partial};

/// The schemas of a project's systems, by the systems' names.
pub type Schemas = BTreeMap<String, Vec<TypeSchema>>;

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
    /// Some row says by `wins` which value counts.
    pub by_value: bool,
    /// Some rows move together (P1e).
    pub has_groups: bool,
    /// What values become before match rules compare them; [`MatchProp::converted`] counts them.
    pub match_conversions: Vec<Conversion>,
    pub(crate) graph: Graph,
    pub(crate) partial: Partial,
}

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

/// A watched property.
#[derive(Clone, Debug)]
pub struct PlanProp {
    /// As connectors are asked for it: the resolved path.
    pub reference: PropertyRef,
    /// As text: how the store and people name it.
    pub name: String,
    pub ty: PlainType,
    pub list: bool,
    /// The whole list is the value, not its first element.
    pub whole: bool,
    /// Nobody told its type: it may hold a list as well as a single value (P11).
    pub unsure: bool,
    /// The order of its list counts (P11).
    pub ordered: bool,
    /// A condition of some flow reads it (L9, L11).
    pub in_condition: bool,
    /// What its values are, and the country of telephone numbers that name none (R7).
    pub by: Normal,
    /// Some property that takes its values is a list: then it matters which value an edit displaced
    /// (P9).
    pub feeds_list: bool,
    /// P10
    pub read_only: bool,
    pub create_only: bool,
    /// C4
    pub required: bool,
    pub stored_as: lockstep_model::schema::StoredAs,
    /// It holds ids of records of these types: one collection, with or without facets (P8).
    pub refers_to: Vec<TypeIx>,
    /// The system and collection it refers to, also where the plan has no such record type.
    pub reference_target: Option<TypeName>,
    /// Some row maps it.
    pub paired: bool,
    /// The property that says when this one was put in; `None`: the time of the record counts (P1).
    pub told_by: Option<PropIx>,
    /// It says that of others, and no row maps it.
    pub tells_time: bool,
    /// In some other record type, several properties are paired with it (P1a).
    pub fans: bool,
    /// A row of a block fills it, or is filled by it, at the first link (P1c).
    pub fills: bool,
    /// It is this property only where the record holds a word elsewhere: the property that must
    /// hold it, and the word. A condition within a list is not told here: there it is an element
    /// that must hold it.
    pub depends: Option<(PropIx, String)>,
    pub policy: Policy,
    pub clears: bool,
    /// Record types in which conversions split this value over several properties (P1d).
    pub parts: Vec<Parts>,
}

/// P1d: a value that conversions split over several properties of another record type: a full name
/// over a first and a last name.
#[derive(Clone, Debug)]
pub struct Parts {
    pub other: TypeIx,
    /// In the order of the rows.
    pub parts: Vec<Part>,
}

/// One part of a value: the property that holds it, and how it is taken from the whole.
#[derive(Clone, Debug)]
pub struct Part {
    pub prop: PropIx,
    pub taken_by: Vec<Conversion>,
}

/// How one property of another record type bears on a property.
#[derive(Debug)]
pub struct Bearing {
    pub other: TypeIx,
    pub theirs: PropIx,
    /// How their value becomes mine; `Err` says why it can't.
    pub conversion: Result<Vec<Conversion>, String>,
    /// The way of my value to theirs, where the conversion from theirs to mine has lost something:
    /// equality is then judged there (P3).
    pub judged_by: Option<Vec<Conversion>>,
    /// The rows on the way let values pass in this direction.
    pub open: bool,
    /// Emptying passes (P2).
    pub clears: bool,
    /// Both hold references: the value is translated through links (P8).
    pub reference: bool,
    /// The conversion gives a value also for an empty one: a default, or a constant.
    pub defaults: bool,
    /// P1c: it only fills what is empty at the first link; a claim that goes this way says so
    /// ([`lockstep_model::Claim::goes`]).
    pub fills: bool,
    /// `on: create`: it gives a value to a record that is created, and to none that is there.
    pub on_create: bool,
    /// How a value that came this way is compared with mine (R7).
    pub terms: Terms,
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

/// A match rule: one row of a match table, the same for both directions.
#[derive(Debug)]
pub struct MatchRule {
    pub a: TypeIx,
    pub b: TypeIx,
    pub seed: u64,
    /// As it is written, for messages: `Emails.Value = email`.
    pub text: String,
    /// The flows that say it.
    pub flows: Vec<FlowIx>,
    /// F2: no row says it; it links facets of two records that are linked by other facets.
    pub by_facet: bool,
}

/// One side of a match rule.
#[derive(Debug)]
pub struct MatchSide {
    pub rule: usize,
    pub other: TypeIx,
    pub props: Vec<MatchProp>,
}

/// A property of a match rule.
#[derive(Clone, Copy, Debug)]
pub struct MatchProp {
    pub prop: PropIx,
    /// By which rule its values are normalised.
    pub by: Normal,
    /// Both sides of the pair are references: they are compared through links (L10).
    pub reference: bool,
    /// The row names what the system derives from the primary element of a list: only that one
    /// counts, not any (L3).
    pub primary: bool,
    /// The conversion of the plan by which its values are made comparable.
    pub converted: Option<u16>,
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

/// Whether a value can pass between two properties at all; `Err` says why not.
pub fn convertible(from: PlainType, to: PlainType) -> Result<(), String> {
    use PlainType::*;
    let moment = |ty| matches!(ty, Datetime | Date);
    let odd = |ty| matches!(ty, Minutes | Boolean | Float | Decimal);
    if (moment(from) && odd(to))
        || (odd(from) && moment(to))
        || (from == Boolean && to == Minutes)
        || (from == Minutes && to == Boolean)
    {
        return Err(format!("{} can't become {}", article(from), article(to)));
    }
    Ok(())
}

fn article(ty: PlainType) -> String {
    match ty {
        PlainType::Minutes => "a number of minutes".into(),
        PlainType::Datetime => "a point in time".into(),
        PlainType::Date => "a day".into(),
        PlainType::Boolean => "yes or no".into(),
        PlainType::Integer => "an integer".into(),
        other => format!("a {}", other.name()),
    }
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

    /// Whether these record types hold the same collection (they differ in the facet only).
    pub fn same_collection(&self, a: TypeIx, b: TypeIx) -> bool {
        let (a, b) = (&self.ty(a).name, &self.ty(b).name);
        a.system == b.system && a.kind == b.kind
    }
}

impl MatchSide {
    /// Some pair of the row is compared through links (L10).
    pub fn has_references(&self) -> bool {
        self.props.iter().any(|prop| prop.reference)
    }
}

impl PlanProp {
    /// How two of its values are compared (R7).
    pub fn terms(&self) -> Terms {
        Terms { ty: self.ty, by: [self.by; 2], ordered: self.ordered }
    }
}

impl PlanType {
    /// The properties that connectors are asked for.
    pub fn watch(&self) -> Vec<PropertyRef> {
        self.props.iter().map(|prop| prop.reference.clone()).collect()
    }
}
