//! Property rows: which pairs of properties are kept equal, in which direction and by which
//! conversions; what a row says of its two properties.

use std::collections::HashMap;

use lockstep_model::flow::{Direction, Policy, PropertyPair};
use lockstep_model::{Conversion, Flow, FlowIx, Kind, PlainType, TypeIx};

use super::build::Build;
use super::follow::{FollowedRows, WatchedRow};
use crate::bears::{Edge, Node};
use crate::groups::Grouped;
use crate::pair::Pair;
use crate::plan::{BlockedRow, convertible, matching_kind};

/// The rows of all flows, one pair for all that mean the same two properties.
#[derive(Default)]
pub struct Rows<'f> {
    pub edges: Vec<Edge>,
    pub pairs: Vec<Pair>,
    pair_of: HashMap<(Node, Node), usize>,
    pub blocked: Vec<BlockedRow>,
    pub grouped: Grouped<'f>,
}

impl<'f> Rows<'f> {
    /// The rows of one flow.
    pub fn add_flow(
        &mut self,
        build: &mut Build<'_>,
        (ix, flow): (FlowIx, &'f Flow),
        (from, to): (TypeIx, TypeIx),
        followed: &mut FollowedRows<'f>,
    ) {
        for (row, pair) in flow.properties.iter().enumerate() {
            if followed.add(build, (ix.at(), flow), (from, to), (row, pair)) {
                continue;
            }
            let (Some(p), Some(q)) =
                (build.prop(flow, from, &pair.from), build.prop(flow, to, &pair.to))
            else {
                continue;
            };
            self.add_row(build, (ix.at(), flow), (row, pair), [(from, p), (to, q)]);
        }
    }

    /// The rows about properties of what is referred to.
    pub fn add_followed(&mut self, build: &mut Build<'_>, rows: FollowedRows<'f>) {
        for WatchedRow { flow, row, of } in rows.watched(build) {
            self.add_row(build, flow, (row.0, &row.1), of);
        }
    }

    /// A row between two properties that are watched.
    fn add_row(
        &mut self,
        build: &mut Build<'_>,
        (ix, flow): (usize, &'f Flow),
        (row, pair): (usize, &PropertyPair),
        [one, other]: [Node; 2],
    ) {
        let ty = |(ty, prop): Node| build.types[ty.at()].props[prop.at()].ty;
        let is_plain =
            |c: &Option<Conversion>| c.as_ref().is_none_or(|c| matches!(c, Conversion::Plain(_)));
        if is_plain(&pair.conversion)
            && is_plain(&pair.back)
            && let Err(why) = convertible(ty(one), ty(other))
        {
            let row = format!("{} ↔ {}", pair.from, pair.to);
            self.blocked.push(BlockedRow { flow: FlowIx(ix as u16), row, why });
            return;
        }
        tell_properties(build, flow, pair, [one, other]);
        takes_whole_list(build, pair, [one, other]);
        // A section between a record type and itself keeps nothing equal but the records of an
        // entity of duplicates (L6).
        if one.0 == other.0 {
            return;
        }
        self.grouped.add(ix, flow, row, one, other);
        self.add_pair(flow, (row, pair), one, other);
    }

    /// Two rows (of this flow, or of the one the other way round) can mean the same two properties:
    /// they are one pair.
    fn add_pair(
        &mut self,
        flow: &Flow,
        (row, pair): (usize, &PropertyPair),
        one: Node,
        other: Node,
    ) {
        let (forward, backward) = pair.direction.ways();
        let pairs = &mut self.pairs;
        if let Some(known) = self.pair_of.get(&(one, other)).map(|at| &mut pairs[*at]) {
            known.forward |= forward;
            known.backward |= backward;
            known.clears &= pair.clears;
            known.on_create &= pair.on_create;
            known.each |= pair.each;
            known.as_one |= is_one_value(pair);
            state(&mut known.conversion, &pair.conversion);
            state(&mut known.back, &pair.back);
        } else if let Some(known) = self.pair_of.get(&(other, one)).map(|at| &mut pairs[*at]) {
            known.forward |= backward;
            known.backward |= forward;
            known.clears &= pair.clears;
            known.on_create &= pair.on_create;
            known.each |= pair.each;
            known.as_one |= is_one_value(pair);
            state(&mut known.back, &pair.conversion);
            state(&mut known.conversion, &pair.back);
        } else {
            self.pair_of.insert((one, other), pairs.len());
            self.edges.push(Edge { from: one, to: other, row, pair: pairs.len() });
            pairs.push(Pair {
                ends: [one, other],
                forward,
                backward,
                conversion: pair.conversion.clone(),
                back: pair.back.clone(),
                clears: pair.clears,
                kind: pair.kind.with(kind_told_by(pair.conversion.as_ref())),
                region: flow.region,
                on_create: pair.on_create,
                each: pair.each,
                as_one: is_one_value(pair),
            });
        }
    }

    /// P11: what a whole list is paired with, and of what nothing is known, holds the whole list.
    pub fn whole_lists(&self, build: &mut Build<'_>) {
        for edge in self.edges.iter().filter(|edge| {
            !matches!(self.pairs[edge.pair].conversion, Some(Conversion::Computed(_)))
        }) {
            for (one, other) in [(edge.from, edge.to), (edge.to, edge.from)] {
                let whole = build.types[one.0.at()].props[one.1.at()].whole;
                let other = &mut build.types[other.0.at()].props[other.1.at()];
                other.whole |= whole && other.unsure;
            }
        }
    }
}

impl Rows<'_> {
    /// P8, P11: which pairs are of lists whose elements come and go one by one: where a row says
    /// so, where both are lists of references, and where a list is paired with such a one.
    pub fn lists_by_element(&mut self, build: &mut Build<'_>) {
        let prop = |build: &Build<'_>, (ty, prop): Node| {
            let described = &build.types[ty.at()].props[prop.at()];
            let references = described.reference_target.is_some()
                && (described.list || described.ty == PlainType::List);
            (described.each, described.whole, references)
        };
        // Each step marks another pair, so it ends.
        loop {
            let mut marked = false;
            for edge in &self.edges {
                let pair = &mut self.pairs[edge.pair];
                let of = [prop(build, edge.from), prop(build, edge.to)];
                let references = of.iter().all(|(_, _, references)| *references);
                let whole = of.iter().all(|(_, whole, _)| *whole);
                let beside = whole && of.iter().any(|(each, ..)| *each);
                let computed = matches!(pair.conversion, Some(Conversion::Computed(_)))
                    || matches!(pair.back, Some(Conversion::Computed(_)));
                if pair.each || pair.as_one || computed || !(references || beside) {
                    continue;
                }
                pair.each = true;
                marked = true;
                for (ty, prop) in [edge.from, edge.to] {
                    build.types[ty.at()].props[prop.at()].each = true;
                }
            }
            if !marked {
                return;
            }
        }
    }
}

/// What a row says of the two properties that it pairs.
fn tell_properties(build: &mut Build<'_>, flow: &Flow, pair: &PropertyPair, of: [Node; 2]) {
    let takes = [pair.direction != Direction::Forward, pair.direction != Direction::Backward];
    for ((ty, prop), takes) in of.into_iter().zip(takes) {
        let prop = &mut build.types[ty.at()].props[prop.at()];
        prop.paired = true;
        prop.by.kind = prop.by.kind.with(pair.kind);
        prop.by.region = flow.region.or(prop.by.region);
        prop.clears &= pair.clears;
        // Whose claim wins is asked where values come in.
        if takes && prop.policy == Policy::Latest {
            prop.policy = pair.policy.clone();
        }
        prop.each |= pair.each;
        if pair.each || pair.conversion == Some(Conversion::Plain(PlainType::List)) {
            (prop.whole, prop.whole_for_some) = (true, false);
        }
    }
}

/// P9: a conversion that says something of a list as a whole takes all of it, and one that puts it in
/// order gives all of it.
fn takes_whole_list(
    build: &mut Build<'_>,
    pair: &PropertyPair,
    [(ty, prop), (to, into)]: [Node; 2],
) {
    let ways = [(&pair.conversion, (ty, prop), (to, into)), (&pair.back, (to, into), (ty, prop))];
    for (conversion, taken, given) in ways {
        let Some(conversion) = conversion else { continue };
        let mut whole = |(ty, prop): Node, is: bool| {
            let prop = &mut build.types[ty.at()].props[prop.at()];
            prop.whole_for_some |= is && !prop.whole;
            prop.whole |= is;
        };
        whole(taken, conversion.takes_whole_list());
        whole(given, conversion.gives_whole_list());
    }
}

/// What another row of a pair says of a way: a conversion counts before a type's name.
fn state(known: &mut Option<Conversion>, said: &Option<Conversion>) {
    let is_computed = |one: &Option<Conversion>| matches!(one, Some(Conversion::Computed(_)));
    if known.is_none() || is_computed(said) && !is_computed(known) {
        known.clone_from(said);
    }
}

/// Whether a row says what can only be said of a value as a whole.
fn is_one_value(pair: &PropertyPair) -> bool {
    let by_policy = matches!(pair.policy, Policy::OnlyFrom(_) | Policy::Wins(_));
    by_policy || pair.on_create || pair.group.is_some()
}

/// What a row's type says of the values.
fn kind_told_by(conversion: Option<&Conversion>) -> Kind {
    match conversion {
        Some(Conversion::Plain(ty)) => matching_kind(*ty).unwrap_or_default(),
        _ => Kind::Seen,
    }
}
