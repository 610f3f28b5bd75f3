//! Values for the two records of a linked pair, and what a record requires beyond them.

use std::collections::HashMap;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Flow, PropertyPair, TypeName};

use super::writer::{Filled, HELPERS, Needs, Side, Writer, held, matched};
use crate::practice::required_in_practice;
use crate::trial::{Slot, Step, Val, Values};
use crate::values::{Row, value};

impl Writer<'_> {
    /// Values for a pair of records that are linked by this flow and hold the same, and what has to
    /// be there before. References only where a record can't be without. A record meets the
    /// condition of its flow; `Err` says why none can be made up that does.
    pub(super) fn filled(&mut self, flow: &Flow) -> Result<(Vec<Step>, Filled), String> {
        let n = self.number();
        let united = self.united(flow);
        let mut filled = Filled { from: vec![], to: vec![] };
        // Properties that rows connect hold one value, whichever rows that are.
        let mut numbers: HashMap<(bool, PropertyRef), u64> = HashMap::new();
        let mut next = n;
        let matches = united.matches.iter().flat_map(matched);
        let rows: Vec<PropertyPair> = united.properties.iter().cloned().chain(matches).collect();
        let markers = self.markers(flow, &rows);
        for pair in &rows {
            let Ok(sides) = self.sides(flow, pair) else { continue };
            if sides.from_schema.reference.is_some() || sides.to_schema.reference.is_some() {
                continue;
            }
            // What only fills carries nothing from one to the other (P1c); what is on another
            // condition is not there.
            if self.only_fills(flow, &sides).is_some() {
                continue;
            }
            let there = (markers.allow(false, &sides.from), markers.allow(true, &sides.to));
            let (a, b) = ((false, sides.from.clone()), (true, sides.to.clone()));
            let number = numbers.get(&a).or(numbers.get(&b)).copied().unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            // Of properties that several rows connect, the later ones hold what the first one's
            // value becomes there.
            let known = |values: &Values, path: &PropertyRef| held(values, path).cloned();
            let made = match (known(&filled.from, &sides.from), known(&filled.to, &sides.to)) {
                (Some(from), None) => row.forward(&from).map(|to| (from, to)),
                (None, Some(to)) => row.backward(&to).map(|from| (from, to)),
                _ => row.values(number),
            };
            let Ok((from, to)) = made.or_else(|_| row.values(number)) else { continue };
            if there.0 && numbers.insert(a, number).is_none() {
                filled.from.push((sides.from.clone(), Val::Is(from)));
            }
            if there.1 && numbers.insert(b, number).is_none() {
                filled.to.push((sides.to.clone(), Val::Is(to)));
            }
        }
        for (to_side, path, word) in markers.words() {
            let (side, own, other) = match to_side {
                false => (Side::From, &mut filled.from, &mut filled.to),
                true => (Side::To, &mut filled.to, &mut filled.from),
            };
            match own.iter_mut().find(|(known, _)| *known == path) {
                Some(known) => known.1 = Val::Is(word),
                None => own.push((path, Val::Is(word))),
            }
            self.follow(flow, &rows, side, own, other);
        }
        let conditions = self.conditions(flow);
        for (side, condition) in &conditions {
            let (own, other) = match side {
                Side::From => (&mut filled.from, &mut filled.to),
                Side::To => (&mut filled.to, &mut filled.from),
            };
            condition.meet(own, next)?;
            self.follow(flow, &rows, *side, own, other);
        }
        let mut steps = Vec::new();
        for (ty, values, helpers) in
            [(&flow.from, &mut filled.from, HELPERS), (&flow.to, &mut filled.to, HELPERS + 5)]
        {
            let (more, needed) = self.needs(ty, values, next + 1, helpers);
            next += 5;
            steps.extend(more);
            values.extend(needed);
            self.leave_out(ty, values);
        }
        for (side, condition) in &conditions {
            let own = if *side == Side::From { &filled.from } else { &filled.to };
            if !condition.holds(own)? {
                return Err(format!(
                    "no record could be made up that meets `{}`",
                    condition.expression()
                ));
            }
        }
        Ok((steps, filled))
    }

    /// Lets the other side hold what this one's values become there.
    pub(super) fn follow(
        &self,
        flow: &Flow,
        rows: &[PropertyPair],
        side: Side,
        own: &Values,
        other: &mut Values,
    ) {
        let held = |values: &Values, path: &PropertyRef| {
            values.iter().find(|(known, _)| known == path).map(|(_, value)| value.clone())
        };
        for pair in rows {
            let Ok(sides) = self.sides(flow, pair) else { continue };
            if self.only_fills(flow, &sides).is_some() {
                continue;
            }
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            let (mine, theirs) = if side == Side::From {
                (&sides.from, &sides.to)
            } else {
                (&sides.to, &sides.from)
            };
            let Some(Val::Is(value)) = held(own, mine) else { continue };
            let made = if side == Side::From { row.forward(&value) } else { row.backward(&value) };
            if let (Ok(made), Some(place)) =
                (made, other.iter_mut().find(|(known, _)| known == theirs))
            {
                place.1 = Val::Is(made);
            }
        }
    }

    /// What the interface does not let be written and no person could write there either.
    pub(super) fn leave_out(&self, ty: &TypeName, values: &mut Values) {
        let add = self.hands.schema(ty).is_some_and(|schema| schema.can.create);
        values.retain(|(path, _)| {
            let property = self.hands.property(ty, path).map(|(_, property)| property);
            property.is_some_and(|property| {
                !property.read_only || (!add && self.hands.emulated_as(&ty.system).is_some())
            })
        });
    }

    /// What a record of this type requires beyond these values.
    pub(super) fn needs(&self, ty: &TypeName, values: &Values, n: u64, helper: Slot) -> Needs {
        let (mut steps, mut needed) = (Vec::new(), Vec::new());
        let Some(schema) = self.hands.schema(ty) else { return (steps, needed) };
        let required =
            schema.properties.iter().filter(|property| property.required && !property.read_only);
        let also = required_in_practice(self.hands.kind_of(&ty.system), &ty.kind);
        let also = also.iter().filter_map(|path| schema.property(&(*path).into()));
        let there =
            |path: &lockstep_model::Path| values.iter().any(|(known, _)| known.path == *path);
        for (k, property) in required.chain(also).enumerate() {
            let Some((path, described)) =
                self.hands.property(ty, &PropertyRef::new(property.path.clone()))
            else {
                continue;
            };
            if there(&path.path) {
                continue;
            }
            let Some(to) = described.refers_to(&ty.system) else {
                needed.push((path, Val::Is(value(described.ty, &described, None, n + k as u64))));
                continue;
            };
            let slot = helper + k;
            let (more, fields) = match helper < HELPERS + 20 {
                true => self.needs(&to, &vec![], n + 40 + k as u64, helper + 10),
                false => (vec![], vec![]),
            };
            steps.extend(more);
            steps.push(Step::Add { slot, ty: to, values: fields });
            needed.push((path, Val::IdOf(slot)));
        }
        (steps, needed)
    }
}
