//! Trials of a row of a match table: what agrees is linked, and nothing else is (L1, L2, L3, L6).

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Flow, MatchRow, PropertyPair, PropertySchema, TypeName, Value};

use super::writer::{Side, Sides, Writer, matched, see};
use crate::practice::unique;
use crate::trial::{Expect, LineRef, Step, Trial, Val};
use crate::values::near;

impl Writer<'_> {
    pub(super) fn match_row(&mut self, line: LineRef, flow: &Flow, row: &MatchRow) -> Vec<Trial> {
        let pairs = matched(row);
        let sides: Result<Vec<Sides>, String> =
            pairs.iter().map(|pair| self.sides(flow, pair)).collect();
        let sides = match sides {
            Ok(sides) => sides,
            Err(why) => return vec![Trial::not_tried(line, "the row", why)],
        };
        if let Some(why) = self.hands.cannot_add(&flow.from).or(self.hands.cannot_add(&flow.to)) {
            return vec![Trial::not_tried(line, "the row", why)];
        }
        if sides.iter().any(|sides| {
            sides.from_schema.reference.is_some() || sides.to_schema.reference.is_some()
        }) {
            return vec![Trial::not_tried(
                line,
                "the row",
                "records are matched by references only once those are linked",
            )];
        }
        let mut trials = vec![];
        match self.meeting(flow, &pairs, &sides, |_, from, to| Ok((from, to))) {
            Err(why) => return vec![Trial::not_tried(line, "the row", why)],
            Ok((mut script, from, to)) => {
                script.push(Step::Add { slot: 1, ty: flow.to.clone(), values: to.clone() });
                script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: from });
                script.push(Step::Run);
                script.push(see(Expect::Linked { a: 0, b: 1 }));
                if let Some((path, Val::Is(value))) = to.first() {
                    let (ty, path, value) = (flow.to.clone(), path.clone(), value.clone());
                    script.push(see(Expect::Count { ty, path, value, count: 1 }));
                }
                trials.push(Trial::new(
                    line,
                    "records that agree are linked, and none is created beside them",
                    script,
                ));
            }
        }
        for at in 0..pairs.len() {
            let of = if pairs.len() > 1 {
                format!(" in {}", sides[at].from.path)
            } else {
                String::new()
            };
            if self.matches_without(flow, row, at) {
                let why = "another row links records that agree in the other properties (L1)";
                trials.push(Trial::not_tried(line, format!("a near miss{of} does not link"), why));
                continue;
            }
            let near_miss = self.meeting(flow, &pairs, &sides, |k, from, to| match k == at {
                true => near(&to)
                    .map(|to| (from, to))
                    .ok_or_else(|| "no value comes near this one".to_string()),
                false => Ok((from, to)),
            });
            trials.push(self.kept_apart(
                line,
                format!("a near miss{of} does not link"),
                flow,
                near_miss,
            ));
            let name = format!("an empty value{of} does not link");
            let required = [(&flow.from, &sides[at].from_schema), (&flow.to, &sides[at].to_schema)];
            if let Some((ty, property)) =
                required.into_iter().find(|(_, property)| property.required)
            {
                trials.push(Trial::not_tried(
                    line,
                    name,
                    format!("{} of {ty} is never empty: it is required", property.path),
                ));
                continue;
            }
            let empty = self.meeting(flow, &pairs, &sides, |k, from, to| match k == at {
                true => Ok((Value::Null, Value::Null)),
                false => Ok((from, to)),
            });
            trials.push(self.kept_apart(line, name, flow, empty));
        }
        trials.extend(self.any_element(line, flow, &pairs, &sides));
        trials.push(self.two_candidates(line, flow, &pairs, &sides));
        trials
    }

    /// L1: whether another match row between the two record types, either way, holds already where
    /// this one holds but for one of its pairs.
    fn matches_without(&self, flow: &Flow, row: &MatchRow, at: usize) -> bool {
        let rest: Vec<_> = row
            .pairs
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != at)
            .map(|(_, pair)| pair)
            .collect();
        let same = |a: &TypeName, b: &TypeName| a.system == b.system && a.kind == b.kind;
        self.flows.iter().any(|known| {
            let ahead = same(&known.from, &flow.from) && same(&known.to, &flow.to);
            let back = same(&known.from, &flow.to) && same(&known.to, &flow.from);
            let held = |(a, b): &(PropertyRef, PropertyRef)| {
                ahead && rest.iter().any(|(from, to)| from == a && to == b)
                    || back && rest.iter().any(|(from, to)| from == b && to == a)
            };
            known
                .matches
                .iter()
                .any(|other| !other.pairs.is_empty() && other.pairs.iter().all(held))
        })
    }

    fn two_candidates(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pairs: &[PropertyPair],
        sides: &[Sides],
    ) -> Trial {
        let name = "of two candidates none is taken; a person is asked";
        if self.united(flow).merge_duplicates {
            return Trial::not_tried(
                line,
                name,
                "the flow says `duplicates: merge`: all candidates are linked",
            );
        }
        // Which side takes two records alike is for the systems to say; the first that has no rule
        // of its own against it is tried.
        let unique = |ty: &TypeName, property: &PropertySchema| {
            unique(self.hands.kind_of(&ty.system), &ty.kind, property)
        };
        let twice = match sides {
            _ if !sides.iter().any(|sides| unique(&flow.to, &sides.to_schema)) => Side::To,
            _ if !sides.iter().any(|sides| unique(&flow.from, &sides.from_schema)) => Side::From,
            _ => {
                return Trial::not_tried(line, name, "neither system takes two records that agree");
            }
        };
        match self.meeting(flow, pairs, sides, |_, from, to| Ok((from, to))) {
            Err(why) => Trial::not_tried(line, name, why),
            Ok((mut script, from, to)) => {
                let alike = |slot, side| match side {
                    Side::From => {
                        Step::AddAlike { slot, ty: flow.from.clone(), values: from.clone() }
                    }
                    Side::To => Step::AddAlike { slot, ty: flow.to.clone(), values: to.clone() },
                };
                let (lone, twins) =
                    if twice == Side::To { (Side::From, Side::To) } else { (Side::To, Side::From) };
                script.extend([alike(1, twins), alike(2, twins), alike(0, lone), Step::Run]);
                script.push(see(Expect::Apart { a: 0, b: 1 }));
                script.push(see(Expect::Apart { a: 0, b: 2 }));
                script.push(see(Expect::Review { slots: vec![0, 1, 2] }));
                Trial::new(line, name, script)
            }
        }
    }
}
