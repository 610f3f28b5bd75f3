//! Finishing the record types of a plan: what follows for each from all flows together.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::flow::PropertyRef;
use lockstep_model::matching::{FORM, Placeholders, seed};
use lockstep_model::schema::OWN_ID;
use lockstep_model::{FlowIx, Path, PropIx, TypeIx, TypeSchema};

use super::build::{Build, TypeUnderWay};
use super::ranks::{decide_ranks, send_ranks};
use crate::conditions;
use crate::graph::Bearings;
use crate::plan::{Bearing, MatchRule, MatchSide, PlanCreate, PlanFlow, PlanProp, PlanType};

/// What has been settled of all record types, by which each of them is finished.
pub struct Finishing<'a> {
    flows: &'a [PlanFlow],
    ends: &'a [(TypeIx, TypeIx)],
    /// How many properties of each are named by flows; the others are only watched.
    named: &'a [usize],
    rules: &'a [MatchRule],
    placeholders: &'a Placeholders,
    merging: &'a BTreeSet<TypeIx>,
    decide_rank: Vec<u16>,
    send_rank: Vec<u16>,
    /// The paths that rows of each give something to.
    mapped: Vec<BTreeSet<Path>>,
    facets: Vec<Vec<TypeIx>>,
}

/// What comes with a record type that is finished.
pub struct OfType {
    pub bearings: Vec<Vec<Bearing>>,
    pub groups: Vec<Vec<PropIx>>,
    pub match_sides: Vec<MatchSide>,
}

impl<'a> Finishing<'a> {
    pub fn new(
        build: &Build<'_>,
        (rules, sides): (&'a [MatchRule], &[(TypeIx, MatchSide)]),
        (flows, ends): (&'a [PlanFlow], &'a [(TypeIx, TypeIx)]),
        named: &'a [usize],
        placeholders: &'a Placeholders,
        merging: &'a BTreeSet<TypeIx>,
    ) -> Self {
        let mapped = |ty: &TypeUnderWay<'_>| {
            let paired = ty.props.iter().filter(|prop| prop.paired && prop.is_own());
            paired.map(|prop| prop.reference.path.clone()).collect()
        };
        Finishing {
            flows,
            ends,
            named,
            rules,
            placeholders,
            merging,
            decide_rank: decide_ranks(build, flows, sides),
            send_rank: send_ranks(build),
            mapped: build.types.iter().map(mapped).collect(),
            facets: (0..build.types.len() as u16).map(|ix| build.facets_of(TypeIx(ix))).collect(),
        }
    }

    /// A record type of the plan.
    pub fn plan_type(&self, ty: TypeIx, mut under_way: TypeUnderWay<'_>, own: OfType) -> PlanType {
        let in_conditions = conditions::read_of(self.flows, ty, &under_way.props);
        for (at, read) in in_conditions.into_iter().enumerate() {
            under_way.props[at].in_condition = read;
        }
        let schema = under_way.schema;
        PlanType {
            can: schema.map_or(TypeSchema::open("").can, |schema| schema.can),
            settles_ms: schema.map_or(0, |schema| schema.settles_ms),
            unknown_ms: schema.map_or(0, |schema| schema.unknown_ms.max(schema.settles_ms)),
            decide_rank: self.decide_rank[ty.at()],
            send_rank: self.send_rank[ty.at()],
            fingerprint: self.fingerprint(ty, &under_way.props, &own.match_sides),
            required_unmapped: schema.map_or(vec![], |schema| self.required_unmapped(ty, schema)),
            merges_duplicates: self.merging.contains(&ty),
            numeric_ids: schema.and_then(|schema| schema.numeric_ids),
            bearings: own.bearings,
            groups: own.groups,
            facets: self.facets[ty.at()].clone(),
            match_sides: own.match_sides,
            flows_out: (0..self.flows.len() as u16)
                .map(FlowIx)
                .filter(|f| self.flows[f.at()].from == ty)
                .collect(),
            partners: self.partners(ty),
            contested: self.is_contested(ty),
            own_id: place_of(&under_way.props, OWN_ID.into()),
            untold_wins: schema.is_some_and(|schema| schema.untold_wins),
            created: schema
                .and_then(|schema| schema.resolve(schema.created.as_ref()?))
                .and_then(|path| place_of(&under_way.props, path)),
            name: under_way.name,
            props: under_way.props,
        }
    }

    /// C4: what a creation needs and no row maps. F1: what a row of another facet gives is given.
    fn required_unmapped(&self, ty: TypeIx, schema: &TypeSchema) -> Vec<Path> {
        let given = |path: &Path| {
            let resolved = schema.resolve(path);
            let given =
                |ty: &TypeIx| resolved.as_ref().is_some_and(|p| self.mapped[ty.at()].contains(p));
            given(&ty) || self.facets[ty.at()].iter().any(given)
        };
        let required = schema.properties.iter().filter(|p| p.required && !p.read_only);
        required.filter(|p| !given(&p.path)).map(|p| p.path.clone()).collect()
    }

    /// Changes when what is watched, or how it is matched, changes.
    fn fingerprint(&self, ty: TypeIx, props: &[PlanProp], sides: &[MatchSide]) -> u64 {
        let mut text = String::new();
        for prop in props.iter().take(self.named.get(ty.at()).copied().unwrap_or(0)) {
            text.push_str(&prop.name);
            // What comes to be kept equal is read anew, as nothing is claimed of it yet.
            text.push_str(if prop.paired { "\n" } else { " (watched)\n" });
            // What is claimed of it is one element, and a row takes all of them now (P9).
            text.push_str(if prop.whole_for_some { " (whole)\n" } else { "" });
        }
        for side in sides {
            text.push_str(&format!("{:x} form {FORM}", self.rules[side.rule].seed));
            for prop in &side.props {
                text.push_str(&format!(
                    " {:?} {:?} {}",
                    prop.by.kind, prop.by.region, prop.reference
                ));
            }
            self.placeholders.added().for_each(|added| text.push_str(&format!(" {added:?}")));
            text.push('\n');
        }
        seed(&text)
    }

    /// Record types that a flow pairs it with.
    fn partners(&self, ty: TypeIx) -> BTreeSet<TypeIx> {
        let both_ways = self.ends.iter().flat_map(|&(from, to)| [(from, to), (to, from)]);
        both_ways.filter(|(mine, _)| *mine == ty).map(|(_, other)| other).collect()
    }

    /// C2: whether flows from several record types create in it, or in other facets of its
    /// collection.
    fn is_contested(&self, ty: TypeIx) -> bool {
        let facets = &self.facets[ty.at()];
        let creates = |flow: &&PlanFlow| {
            (flow.to == ty || facets.contains(&flow.to)) && flow.create != PlanCreate::Never
        };
        let sources: BTreeSet<TypeIx> =
            self.flows.iter().filter(creates).map(|flow| flow.from).collect();
        sources.len() > 1
    }
}

/// What bears on properties tells of them whether several are paired with one (P1a), are filled by
/// it (P1c), or give it their values for a list (P9).
pub fn mark_by_bearings(build: &mut Build<'_>, bearings: &Bearings) {
    for (ty, own) in bearings {
        for (prop, bearings) in own.iter().enumerate().filter(|(_, bearings)| !bearings.is_empty())
        {
            let described = &mut build.types[ty.at()].props[prop];
            described.fills = bearings.iter().any(|bearing| bearing.fills);
            let mut others: Vec<TypeIx> = bearings
                .iter()
                .filter(|bearing| !bearing.fills && bearing.other != *ty)
                .map(|bearing| bearing.other)
                .collect();
            others.sort_unstable();
            described.fans = others.windows(2).any(|two| two[0] == two[1]);
            let (list, giving) = (described.list || described.whole, |by: &&Bearing| {
                by.defaults && by.open && by.on_create.is_empty()
            });
            for source in bearings.iter().filter(giving) {
                build.types[source.other.at()].props[source.theirs.at()].gives_default = true;
            }
            if list {
                for source in bearings {
                    build.types[source.other.at()].props[source.theirs.at()].feeds_list = true;
                }
            }
        }
    }
}

/// The sides of match rules, by record type.
pub fn sides_by_type(sides: Vec<(TypeIx, MatchSide)>) -> BTreeMap<TypeIx, Vec<MatchSide>> {
    let mut by_type: BTreeMap<TypeIx, Vec<MatchSide>> = BTreeMap::new();
    for (ty, side) in sides {
        by_type.entry(ty).or_default().push(side);
    }
    by_type
}

/// The place of the property of this path.
fn place_of(props: &[PlanProp], path: Path) -> Option<PropIx> {
    let reference = PropertyRef::new(path);
    props.iter().position(|prop| prop.reference == reference).map(|at| PropIx(at as u16))
}
