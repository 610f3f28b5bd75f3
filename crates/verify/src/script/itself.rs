//! What a document makes impossible, or says of a record type and itself: duplicates inside a
//! system (L6), blocks (P1c), required properties that no row gives (C4).

use lockstep_model::{Flow, MatchRow, PropertyPair, TypeName};

use super::writer::{Sides, Writer, plain, see};
use crate::trial::{Expect, LineRef, Step, Trial};

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

    /// C4: why nothing is ever created in a record type: no row gives what it requires.
    pub(super) fn requires_what_nothing_gives(&self, ty: &TypeName) -> Option<String> {
        let schema = self.hands.schema(ty)?;
        let collection = |name: &TypeName| name.system == ty.system && name.kind == ty.kind;
        let given = |path: &lockstep_model::Path| {
            self.flows.iter().any(|flow| {
                flow.properties.iter().any(|pair| {
                    let ends = [(&flow.from, &pair.from), (&flow.to, &pair.to)];
                    ends.into_iter().any(|(name, end)| {
                        let own = collection(name) && !end.is_followed();
                        own && end
                            .parts()
                            .any(|part| schema.resolve(&part.path).as_ref() == Some(path))
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
