//! Match rows: by which rules records of two types find each other (L1), the same for both
//! directions; and the rules that no row says (F2).

use std::collections::BTreeMap;

use lockstep_model::flow::PropertyRef;
use lockstep_model::kind::Kind;
use lockstep_model::matching::{Normal, seed};
use lockstep_model::{Conversion, Flow, FlowIx, MatchRow, TypeIx};

use super::build::Build;
use crate::plan::{MatchProp, MatchRule, MatchSide, PlanProp, matching_kind};

/// The match rules of all flows, with their sides by record type.
#[derive(Default)]
pub struct Matches {
    pub rules: Vec<MatchRule>,
    pub sides: Vec<(TypeIx, MatchSide)>,
    /// What values become before rules compare them.
    pub conversions: Vec<Conversion>,
}

/// A pair of a match row, with how its two sides are called in messages.
struct ResolvedPair {
    mine: MatchProp,
    theirs: MatchProp,
    names: (String, String),
}

impl Matches {
    /// A match row of a flow.
    pub fn add_row(
        &mut self,
        build: &mut Build<'_>,
        (flow_ix, flow): (FlowIx, &Flow),
        (from, to): (TypeIx, TypeIx),
        row: &MatchRow,
    ) {
        // A row that every record satisfies with itself says nothing.
        if from == to && flow.compares_with_itself(row) {
            return;
        }
        let pairs = row.pairs.iter().map(|(a, b)| self.pair(build, flow, row, (from, a), (to, b)));
        let Some(mut resolved) = pairs.collect::<Option<Vec<ResolvedPair>>>() else { return };
        resolved.sort_by(|a, b| a.names.cmp(&b.names));
        let text = resolved
            .iter()
            .map(|pair| format!("{} = {}", pair.names.0, pair.names.1))
            .collect::<Vec<_>>()
            .join(" and ");
        let names = |of: TypeIx| build.types[of.at()].name.to_string();
        let halves = halves(&mut resolved, names(from), names(to));
        let seed = seed(&format!("{halves:?}"));
        if let Some(known) = self.rules.iter_mut().find(|rule| rule.seed == seed && !rule.by_facet)
        {
            if !known.flows.contains(&flow_ix) {
                known.flows.push(flow_ix);
            }
            return;
        }
        let rule = self.rules.len();
        let flows = vec![flow_ix];
        self.rules.push(MatchRule { a: from, b: to, seed, text, flows, by_facet: false });
        let props = resolved.iter().map(|pair| pair.mine).collect();
        self.sides.push((from, MatchSide { rule, other: to, props }));
        // Duplicates inside a system by one and the same property have one side.
        if from != to || halves[0].1 != halves[1].1 {
            let props = resolved.iter().map(|pair| pair.theirs).collect();
            self.sides.push((to, MatchSide { rule, other: from, props }));
        }
    }

    /// A pair of a row; `None` where one of its properties is not there, which has been told.
    fn pair(
        &mut self,
        build: &mut Build<'_>,
        flow: &Flow,
        row: &MatchRow,
        (from, a): (TypeIx, &PropertyRef),
        (to, b): (TypeIx, &PropertyRef),
    ) -> Option<ResolvedPair> {
        let (p, q) = (build.prop(flow, from, a), build.prop(flow, to, b));
        let (p, q) = (p?, q?);
        let (of_a, of_b) =
            (&build.types[from.at()].props[p.at()], &build.types[to.at()].props[q.at()]);
        // The same on both sides, or equal values would come into different forms: what the row
        // says, else what a schema says of either side, else what the values show.
        let types_agree = matching_kind(of_a.ty)
            .filter(|kind| matching_kind(of_b.ty) == Some(*kind))
            .unwrap_or_default();
        let kind = row.kind.with(of_a.by.kind.with(of_b.by.kind)).with(types_agree);
        let normal = |prop: &PlanProp, of: TypeIx| {
            let system = build.types[of.at()].schema.and_then(|schema| schema.region);
            Normal { kind, region: flow.region.or(system).or(prop.by.region) }
        };
        let reference = of_a.is_translated_from(of_b);
        let mine = MatchProp {
            prop: p,
            by: normal(of_a, from),
            numeric: matching_kind(of_a.ty) == Some(Kind::Number),
            reference,
            primary: build.is_derived(from, &a.path),
            converted: row
                .conversion
                .clone()
                .filter(|_| !reference)
                .map(|conversion| self.conversion(conversion)),
        };
        let theirs = MatchProp {
            prop: q,
            by: normal(of_b, to),
            numeric: matching_kind(of_b.ty) == Some(Kind::Number),
            reference,
            primary: build.is_derived(to, &b.path),
            converted: None,
        };
        let marked =
            |name: &str, primary| if primary { format!("{name} (primary)") } else { name.into() };
        let by = |name: String| match &row.conversion {
            Some(by) => format!("{name} by {}", by.to_json()),
            None => name,
        };
        let names = (by(marked(&of_a.name, mine.primary)), marked(&of_b.name, theirs.primary));
        Some(ResolvedPair { mine, theirs, names })
    }

    /// The number of a conversion among those of all rules.
    fn conversion(&mut self, conversion: Conversion) -> u16 {
        let known = self.conversions.iter().position(|known| *known == conversion);
        known.unwrap_or_else(|| {
            self.conversions.push(conversion);
            self.conversions.len() - 1
        }) as u16
    }

    /// F2: rules without rows, by which facets are linked because other facets of the same two
    /// records are.
    pub fn add_facet_rules(&mut self, build: &Build<'_>, ends: &[(TypeIx, TypeIx)]) {
        let mut said: BTreeMap<(TypeIx, TypeIx), Vec<FlowIx>> = BTreeMap::new();
        for (ix, &(from, to)) in ends.iter().enumerate() {
            said.entry((from.min(to), from.max(to))).or_default().push(FlowIx(ix as u16));
        }
        for ((a, b), flows) in said {
            let (mine, theirs) = (build.facets_of(a), build.facets_of(b));
            if !mine.is_empty() && !theirs.is_empty() && !mine.contains(&b) && a != b {
                let text = "other facets of the same two records".to_string();
                self.rules.push(MatchRule { a, b, seed: 0, text, flows, by_facet: true });
            }
        }
    }
}

/// A row's two sides by name, each with its properties, in an order that does not depend on the
/// direction in which the row is said: the same row, said in either direction, is one rule. The
/// pairs are left in that order.
fn halves(resolved: &mut [ResolvedPair], from: String, to: String) -> [(String, Vec<String>); 2] {
    let mine = |pairs: &[ResolvedPair]| pairs.iter().map(|pair| pair.names.0.clone()).collect();
    let theirs = |pairs: &[ResolvedPair]| pairs.iter().map(|pair| pair.names.1.clone()).collect();
    let as_said: [(String, Vec<String>); 2] = [(from, mine(resolved)), (to, theirs(resolved))];
    if as_said[0] <= as_said[1] {
        return as_said;
    }
    resolved.sort_by(|a, b| (&a.names.1, &a.names.0).cmp(&(&b.names.1, &b.names.0)));
    let [(from, _), (to, _)] = as_said;
    [(to, theirs(resolved)), (from, mine(resolved))]
}
