//! What a document makes impossible, or says of a record type and itself: duplicates inside a
//! system (L6), blocks (P1c), required properties that no row gives (C4).

use std::collections::HashSet;
use std::rc::Rc;

use lockstep_model::blocks::fill_rows;
use lockstep_model::flow::PropertyRef;
use lockstep_model::{Flow, MatchRow, PropertyPair, TypeName};

use super::{Sides, Writer, plain, see};
use crate::trial::{Expect, LineRef, Step, Trial};

/// A row of a block that only fills what is empty at the first link, with the two that belong
/// together instead.
pub(super) struct Filling {
    from: PropertyRef,
    to: PropertyRef,
    belongs: Option<(PropertyRef, PropertyRef)>,
}

impl Writer<'_> {
    /// Why a section between a record type and itself creates nothing.
    pub(super) fn creates_in_itself(&self, flow: &Flow) -> Option<String> {
        let same = flow.from.system == flow.to.system && flow.from.kind == flow.to.kind;
        let why = match flow.from == flow.to {
            true => format!(
                "the section is between {} and itself: it is about duplicates inside the system, and creates nothing (L6)",
                flow.from
            ),
            false => format!(
                "{} and {} are facets of the same records, so nothing is created",
                flow.from, flow.to
            ),
        };
        same.then_some(why)
    }

    /// L6: two records of one type that agree.
    pub(super) fn duplicates(&mut self, line: LineRef, flow: &Flow, row: &MatchRow) -> Vec<Trial> {
        if self.united(flow).compares_with_itself(row) {
            let why = format!("every record of {} satisfies it with itself alone", flow.from);
            return vec![Trial::impossible(line, "two records agree", why)];
        }
        let pairs: Vec<PropertyPair> = row.pairs.iter().map(|(from, to)| plain(from, to)).collect();
        let sides: Result<Vec<Sides>, String> =
            pairs.iter().map(|pair| self.sides(flow, pair)).collect();
        let name = "of two records that agree a person is asked, or they are linked";
        let merges = self.united(flow).merge_duplicates;
        let script = sides.and_then(|sides| {
            if let Some(why) = self.hands.cannot_add(&flow.from) {
                return Err(why);
            }
            if sides.iter().any(|sides| {
                sides.from_schema.reference.is_some() || sides.to_schema.reference.is_some()
            }) {
                return Err(
                    "records are matched by references only once those are linked".to_string()
                );
            }
            let (mut script, from, to) =
                self.meeting(flow, &pairs, &sides, |_, from, to| Ok((from, to)))?;
            script.push(Step::AddAlike { slot: 0, ty: flow.from.clone(), values: from });
            script.push(Step::AddAlike { slot: 1, ty: flow.to.clone(), values: to });
            script.push(Step::Run);
            script.push(see(match merges {
                true => Expect::Linked { a: 0, b: 1 },
                false => Expect::Review { slots: vec![0, 1] },
            }));
            Ok(script)
        });
        vec![Trial::scripted(line, name, script)]
    }

    /// A row between a record type and itself keeps duplicates equal, where they are merged.
    pub(super) fn duplicate_row(
        &mut self,
        line: LineRef,
        flow: &Flow,
        sides: &Sides,
    ) -> Vec<Trial> {
        let why = match (self.united(flow).merge_duplicates, sides.from == sides.to) {
            (true, true) => {
                return vec![Trial::not_tried(line, "the row", "duplicates that are linked hold the same in all rows")];
            }
            (true, false) => "duplicates are kept equal property by property, and these are two".to_string(),
            (false, _) => {
                "duplicates inside a system go to review, and are kept equal only with `duplicates: merge` (L6)".to_string()
            }
        };
        vec![Trial::impossible(line, "the row", why)]
    }

    /// P1c: why an edit does not go by this row, if it is one of a block that only fills.
    pub(super) fn only_fills(&self, flow: &Flow, sides: &Sides) -> Option<String> {
        let filling = self.filling(flow);
        let at = filling.iter().find(|row| row.from == sides.from && row.to == sides.to)?;
        let belongs = match &at.belongs {
            Some((from, to)) => format!(": {from} belongs to {to}"),
            None => String::new(),
        };
        Some(format!(
            "several properties are each paired with several, and the n-th belongs to the n-th{belongs}; this row only fills what is empty at \
             the first link (P1c)"
        ))
    }

    /// The rows between two record types that only fill, as this flow names their sides. They are
    /// looked for once.
    fn filling(&self, flow: &Flow) -> Rc<Vec<Filling>> {
        let key = (flow.from.clone(), flow.to.clone());
        if let Some(known) = self.filling.borrow().get(&key) {
            return known.clone();
        }
        let mut ends: Vec<(PropertyRef, PropertyRef)> = Vec::new();
        let mut seen = HashSet::new();
        let mut places: Vec<(usize, bool)> =
            [(&flow.from, &flow.to, false), (&flow.to, &flow.from, true)]
                .into_iter()
                .filter_map(|(from, to, turned)| Some((*self.places.get(from)?.get(to)?, turned)))
                .collect();
        places.sort_unstable();
        for (at, turned) in places {
            for pair in &self.flows[at].properties {
                let Ok(sides) = self.sides(&self.flows[at], pair) else { continue };
                let end = if turned { (sides.to, sides.from) } else { (sides.from, sides.to) };
                if seen.insert(end.clone()) {
                    ends.push(end);
                }
            }
        }
        let fills = fill_rows(&ends);
        let mate = |of: &dyn Fn(&(PropertyRef, PropertyRef)) -> bool| {
            ends.iter()
                .zip(&fills)
                .find(|(end, fills)| !**fills && of(end))
                .map(|(end, _)| end.clone())
        };
        let filling =
            ends.iter().zip(&fills).filter(|(_, fills)| **fills).map(|((from, to), _)| Filling {
                from: from.clone(),
                to: to.clone(),
                belongs: mate(&|(known, _)| known == from)
                    .or_else(|| mate(&|(_, known)| known == to)),
            });
        let filling = Rc::new(filling.collect::<Vec<_>>());
        self.filling.borrow_mut().insert(key, filling.clone());
        filling
    }

    /// C4: why nothing is ever created in a record type: no row gives what it requires.
    pub(super) fn requires_what_nothing_gives(&self, ty: &TypeName) -> Option<String> {
        let schema = self.hands.schema(ty)?;
        let collection = |name: &TypeName| name.system == ty.system && name.kind == ty.kind;
        let given = |path: &lockstep_model::Path| {
            self.flows.iter().any(|flow| {
                flow.properties.iter().any(|pair| {
                    let ends = [(&flow.from, &pair.from), (&flow.to, &pair.to)];
                    ends.into_iter().any(|(name, end)| {
                        collection(name) && schema.resolve(&end.path).as_ref() == Some(path)
                    })
                })
            })
        };
        let lacking = schema
            .properties
            .iter()
            .filter(|property| property.required && !property.read_only)
            .find(|property| schema.resolve(&property.path).is_some_and(|path| !given(&path)))?;
        Some(format!(
            "{ty} requires {}, which no row gives, so nothing can be created there (C4)",
            lacking.path
        ))
    }
}
