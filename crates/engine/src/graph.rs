//! The graph of all property pairs, kept in the plan: what bears on what (P0) where all flows hold,
//! and, made when it is needed, where some do not hold for the records at hand (L9, L11).
//!
//! A value never travels by way of a flow that does not hold; what is left of the graph is looked
//! at anew. Which flows do not hold for an entity is one of a few sets in a project: each is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use lockstep_model::blocks::fill_rows;
use lockstep_model::value::is_empty;
use lockstep_model::{Conversion, PropIx, Timestamp, TypeIx, Value};

use crate::bears::{Edge, Node, Relations, Step, bears};
use crate::pair::{Pair, Way, terms};
use crate::plan::{Bearing, Part, Parts, PlanProp};
use crate::policies::Policies;

/// All pairs of all flows.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// The pairs that are kept equal.
    edges: Vec<Edge>,
    /// The rows of blocks that only fill what is empty at the first link (P1c).
    fills: Vec<Edge>,
    pairs: Vec<Pair>,
    /// Record types of which an entity may hold several.
    merging: BTreeSet<TypeIx>,
    /// Where another policy than the latest edit holds.
    pub policies: Policies,
}

/// For each property of some record types what bears on it.
pub(crate) type Bearings = BTreeMap<TypeIx, Vec<Vec<Bearing>>>;

/// Two record types, the lower one first, that a condition keeps apart.
pub(crate) type Apart = (TypeIx, TypeIx);

impl Graph {
    /// The graph of these pairs, in the order of the rows.
    pub fn new(edges: Vec<Edge>, pairs: Vec<Pair>, merging: BTreeSet<TypeIx>) -> Self {
        let mut between: BTreeMap<Apart, Vec<usize>> = BTreeMap::new();
        for (at, edge) in edges.iter().enumerate() {
            between.entry(apart(edge.from.0, edge.to.0)).or_default().push(at);
        }
        let mut fills = BTreeSet::new();
        for places in between.values() {
            // The two sides as the first row names them.
            let first = edges[places[0]].from.0;
            let ends = |edge: &Edge| {
                if edge.from.0 == first {
                    (edge.from.1, edge.to.1)
                } else {
                    (edge.to.1, edge.from.1)
                }
            };
            let rows: Vec<(PropIx, PropIx)> = places.iter().map(|at| ends(&edges[*at])).collect();
            fills.extend(
                places.iter().zip(fill_rows(&rows)).filter(|(_, fills)| *fills).map(|(at, _)| *at),
            );
        }
        let (filling, kept): (Vec<_>, Vec<_>) =
            edges.into_iter().enumerate().partition(|(at, _)| fills.contains(at));
        let edges = |all: Vec<(usize, Edge)>| all.into_iter().map(|(_, edge)| edge).collect();
        Graph {
            edges: edges(kept),
            fills: edges(filling),
            pairs,
            merging,
            policies: Policies::default(),
        }
    }

    /// Whether some row says that emptying does not pass (P2).
    pub fn ignores_clears(&self) -> bool {
        self.pairs.iter().any(|pair| !pair.clears)
    }

    /// Whether some row gives a value only when a record is created.
    pub fn gives_on_create(&self) -> bool {
        self.pairs.iter().any(|pair| pair.on_create)
    }

    /// The properties that rows keep equal both ways.
    pub fn both_ways(&self) -> impl Iterator<Item = [Node; 2]> + '_ {
        let pairs = self.edges.iter().map(|edge| &self.pairs[edge.pair]);
        pairs.filter(|pair| pair.forward && pair.backward && !pair.on_create).map(|pair| pair.ends)
    }

    /// What bears on what where all flows hold.
    pub fn whole(&self, props: &[&[PlanProp]]) -> (Relations, Bearings) {
        let types: BTreeSet<TypeIx> = (0..props.len() as u16).map(TypeIx).collect();
        let relations = bears(&self.edges, |(ty, prop)| &props[ty.at()][prop.at()].name);
        let bearings = self.bearings(&relations, &self.fills, &types, props);
        (relations, bearings)
    }

    /// P1d: the properties that conversions split over several of another record type.
    pub fn parts(&self, relations: &Relations) -> Vec<((TypeIx, PropIx), Parts)> {
        parts(relations, &self.pairs)
    }

    /// What bears on what where these record types are kept apart: of all that are connected with
    /// one of them.
    pub fn without(&self, gone: &[Apart], props: &[&[PlanProp]]) -> Bearings {
        let types = self.connected(gone);
        let left = |edge: &&Edge| {
            types.contains(&edge.from.0) && !gone.contains(&apart(edge.from.0, edge.to.0))
        };
        let edges: Vec<Edge> = self.edges.iter().filter(left).copied().collect();
        let fills: Vec<Edge> = self.fills.iter().filter(left).copied().collect();
        let relations = bears(&edges, |(ty, prop)| &props[ty.at()][prop.at()].name);
        self.bearings(&relations, &fills, &types, props)
    }

    /// The record types that are connected with one of these by any rows.
    fn connected(&self, with: &[Apart]) -> BTreeSet<TypeIx> {
        let mut neighbours: BTreeMap<TypeIx, BTreeSet<TypeIx>> = BTreeMap::new();
        for edge in self.edges.iter().chain(&self.fills) {
            neighbours.entry(edge.from.0).or_default().insert(edge.to.0);
            neighbours.entry(edge.to.0).or_default().insert(edge.from.0);
        }
        let mut found: BTreeSet<TypeIx> = with.iter().flat_map(|(a, b)| [*a, *b]).collect();
        let mut open: Vec<TypeIx> = found.iter().copied().collect();
        while let Some(ty) = open.pop() {
            open.extend(
                neighbours
                    .get(&ty)
                    .into_iter()
                    .flatten()
                    .copied()
                    .filter(|other| found.insert(*other)),
            );
        }
        found
    }

    fn bearings(
        &self,
        relations: &Relations,
        fills: &[Edge],
        types: &BTreeSet<TypeIx>,
        props: &[&[PlanProp]],
    ) -> Bearings {
        let mut all: Bearings = types
            .iter()
            .map(|ty| (*ty, props[ty.at()].iter().map(|_| Vec::new()).collect()))
            .collect();
        for (mine, own) in &mut all {
            if self.merging.contains(mine) {
                for (ix, bearings) in own.iter_mut().enumerate() {
                    let described = &props[mine.at()][ix];
                    if described.paired {
                        bearings.push(Bearing {
                            other: *mine,
                            theirs: PropIx(ix as u16),
                            conversion: Ok(vec![]),
                            judged_by: None,
                            open: true,
                            clears: described.clears,
                            reference: false,
                            defaults: false,
                            fills: false,
                            on_create: vec![],
                            each: described.each,
                            contests: vec![],
                            terms: described.terms(),
                        });
                    }
                }
            }
        }
        for ((mine, other), related) in relations {
            for one in related {
                let bearing =
                    self.bearing((*mine, one.mine), (*other, one.theirs), &one.way, false, props);
                all.get_mut(mine).expect("relations are of the types")[one.mine.at()].push(bearing);
            }
        }
        for edge in fills {
            let step = |forward| [Step { pair: edge.pair, forward }];
            for (mine, theirs, way) in
                [(edge.from, edge.to, step(true)), (edge.to, edge.from, step(false))]
            {
                let bearing = self.bearing(mine, theirs, &way, true, props);
                all.get_mut(&mine.0).expect("fills are of the types")[mine.1.at()].push(bearing);
            }
        }
        all
    }

    /// How `theirs` bears on `mine`, by a way that is told from mine to theirs; values come the
    /// other way.
    fn bearing(
        &self,
        mine: Node,
        theirs: Node,
        way: &[Step],
        fills: bool,
        props: &[&[PlanProp]],
    ) -> Bearing {
        let prop = |node: Node| &props[node.0.at()][node.1.at()];
        let (p, q) = (prop(mine), prop(theirs));
        let reference = p.is_translated_from(q);
        let (conversion, lossy) = along(way, &self.pairs, true);
        let judged_by = if lossy { along(way, &self.pairs, false).0.ok() } else { None };
        let pair = |step: &Step| &self.pairs[step.pair];
        let defaults =
            !reference && !fills && conversion.as_ref().is_ok_and(|way| gives_default(way));
        Bearing {
            other: theirs.0,
            theirs: theirs.1,
            conversion: if reference { Ok(vec![]) } else { conversion },
            judged_by,
            open: way
                .iter()
                .all(|step| if step.forward { pair(step).backward } else { pair(step).forward }),
            clears: way.iter().all(|step| pair(step).clears),
            reference,
            defaults,
            fills,
            on_create: way
                .iter()
                .filter(|step| pair(step).on_create)
                .map(|step| pair(step).ends[usize::from(!step.forward)].0)
                .collect(),
            each: way.iter().all(|step| pair(step).each),
            contests: self
                .policies
                .along(mine, way.iter().map(|step| pair(step).ends[usize::from(step.forward)])),
            terms: terms(q, p, way.iter().map(pair)),
        }
    }
}

/// Two record types, the lower one first.
pub(crate) fn apart(a: TypeIx, b: TypeIx) -> Apart {
    (a.min(b), a.max(b))
}

/// The conversions on a way: from theirs to mine, or back. Also whether something is lost on it.
fn along(way: &[Step], pairs: &[Pair], to_mine: bool) -> (Result<Vec<Conversion>, String>, bool) {
    let mut conversions = Vec::new();
    let mut lossy = false;
    let steps: Vec<Step> = if to_mine { way.iter().rev().copied().collect() } else { way.to_vec() };
    for step in steps {
        // The way is told from mine to theirs: a step that it walks forward is walked backward by
        // values that come.
        match pairs[step.pair].way(step.forward != to_mine) {
            Way::AsIs => {}
            Way::Exact(conversion) => conversions.push(conversion),
            Way::Lossy(conversion) => {
                lossy = true;
                conversions.push(conversion);
            }
            Way::None(why) => return (Err(why), lossy),
        }
    }
    (Ok(conversions), lossy)
}

/// Whether these conversions give a value for an empty one. No clock is needed to see that.
fn gives_default(conversions: &[Conversion]) -> bool {
    let mut value = Value::Null;
    for conversion in conversions {
        match conversion.apply(&value, Timestamp(0)) {
            Ok(converted) => value = converted,
            Err(_) => return false,
        }
    }
    !is_empty(&value)
}

/// P1d: the properties that conversions split over several of another record type, each part by a
/// conversion of its own.
fn parts(relations: &Relations, pairs: &[Pair]) -> Vec<((TypeIx, PropIx), Parts)> {
    let mut found = Vec::new();
    for ((mine, other), related) in relations {
        let mut wholes: Vec<PropIx> = related.iter().map(|relation| relation.mine).collect();
        wholes.sort_unstable();
        wholes.dedup();
        for whole in wholes {
            let mut parts: Vec<Part> = Vec::new();
            // In the order in which the rows name them.
            let mut of_whole: Vec<_> =
                related.iter().filter(|relation| relation.mine == whole).collect();
            of_whole.sort_by_key(|relation| {
                relation.way.iter().map(|step| step.pair).collect::<Vec<_>>()
            });
            for relation in of_whole {
                let (taken_by, _) = along(&relation.way, pairs, false);
                let taken_by = taken_by.unwrap_or_default();
                let computed =
                    taken_by.iter().any(|conversion| matches!(conversion, Conversion::Computed(_)));
                if !computed || parts.iter().any(|part| part.taken_by == taken_by) {
                    parts.clear();
                    break;
                }
                parts.push(Part { prop: relation.theirs, taken_by });
            }
            if parts.len() > 1 {
                found.push(((*mine, whole), Parts { other: *other, parts }));
            }
        }
    }
    found
}

/// What bears on what where some flows do not hold, by the record types that are kept apart; made
/// once for each set of them.
#[derive(Debug, Default)]
pub(crate) struct Partial(OnceLock<Box<Kept>>);

#[derive(Debug)]
struct Kept {
    gone: Vec<Apart>,
    bearings: Bearings,
    next: Partial,
}

impl Partial {
    /// What bears on what without these, sorted and each once. `make` makes it.
    pub fn get(&self, gone: &[Apart], make: &dyn Fn() -> Bearings) -> &Bearings {
        let mut here = self;
        loop {
            let kept = here.0.get_or_init(|| {
                Box::new(Kept { gone: gone.to_vec(), bearings: make(), next: Partial::default() })
            });
            if kept.gone == gone {
                return &kept.bearings;
            }
            here = &kept.next;
        }
    }
}
