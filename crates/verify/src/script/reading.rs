//! Trials of the first reading: nothing is created in a record type before both sides have been
//! read to the end once (L8).
//!
//! They need a hub that has read nothing yet, and first runs that read one side only. So all of
//! them together are given a few such runs before everything else: the first reads the record types
//! that no flow leads to, the next those that are one flow further, and so on.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::{Flow, TypeName, Value};

use super::statements;
use super::writer::{Writer, see, signs};
use crate::trial::{Expect, LineRef, Step, Trial, Val};

/// Record types further along than this are read together.
const MOST: usize = 3;

/// In which of the first runs each record type is read. Flows that lead back to where others came
/// from are left out.
pub(super) fn first_readings(flows: &[Flow]) -> BTreeMap<TypeName, usize> {
    let mut readings: BTreeMap<TypeName, usize> = BTreeMap::new();
    let mut leads: BTreeMap<&TypeName, Vec<&TypeName>> = BTreeMap::new();
    for flow in flows {
        for ty in [&flow.from, &flow.to] {
            readings.entry(ty.clone()).or_insert(0);
        }
        // Does the target lead to the source already?
        let (mut seen, mut open) = (BTreeSet::from([&flow.to]), vec![&flow.to]);
        while let Some(at) = open.pop() {
            open.extend(
                leads.get(at).into_iter().flatten().copied().filter(|next| seen.insert(*next)),
            );
        }
        if !seen.contains(&flow.from) {
            leads.entry(&flow.from).or_default().push(&flow.to);
        }
    }
    for _ in 0..MOST {
        for (from, targets) in &leads {
            let at = readings[*from];
            for to in targets {
                let known = readings.get_mut(*to).expect("every record type is in it");
                *known = (*known).max(at + 1).min(MOST);
            }
        }
    }
    readings
}

impl Writer<'_> {
    /// Trials also of what happens before everything has been read once: the hub begins with
    /// nothing.
    pub fn with_first_readings(mut self) -> Self {
        self.first_readings = first_readings(self.flows);
        self
    }

    /// L8. With a match rule, a record that is there already is found in time; without one, nothing
    /// is created too early.
    pub(super) fn read_first(&mut self, line: LineRef, flow: &Flow) -> Option<Trial> {
        let (from, to) =
            (*self.first_readings.get(&flow.from)?, *self.first_readings.get(&flow.to)?);
        if from >= to || !self.creates(flow) || self.never_creates(flow).is_some() {
            return None;
        }
        let name = format!("nothing is created in {} before it has been read once (L8)", flow.to);
        let (mut script, filled) = match self.filled(flow) {
            Ok(filled) => filled,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        let written = self.written(flow, &filled.to);
        let there =
            !self.united(flow).matches.is_empty() && self.hands.cannot_add(&flow.to).is_none();
        if there {
            script.push(Step::Add { slot: 1, ty: flow.to.clone(), values: filled.to.clone() });
        }
        script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: filled.from });
        script.push(Step::FirstReading(from));
        if !there {
            script.push(see(Expect::Alone {
                slot: 0,
                ty: flow.to.clone(),
                signs: signs(&filled.to),
            }));
            script.push(Step::Run);
            script.extend(statements::appears(flow, &written));
            return Some(Trial::new(line, name, script));
        }
        let one = |values: &[(lockstep_model::flow::PropertyRef, Val)]| {
            let told = values.iter().find_map(|(path, value)| match value {
                Val::Is(value @ Value::String(_)) => Some((path.clone(), value.clone())),
                _ => None,
            });
            told.map(|(path, value)| {
                see(Expect::Count { ty: flow.to.clone(), path, value, count: 1 })
            })
        };
        let signs: Vec<_> =
            signs(&filled.to).into_iter().map(|(path, value)| (path, Val::Is(value))).collect();
        script.extend(one(&signs));
        script.push(Step::Run);
        script.push(see(Expect::Linked { a: 0, b: 1 }));
        script.extend(one(&signs));
        Some(Trial::new(line, name, script))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_flows_lead_to_is_read_later() {
        let flow = |from: &str, to: &str| Flow {
            create: lockstep_model::Create::Always,
            ..Flow::between(TypeName::parse(from).unwrap(), TypeName::parse(to).unwrap())
        };
        let readings = first_readings(&[
            flow("a.A", "b.B"),
            flow("b.B", "c.C"),
            flow("c.C", "a.A"),
            flow("a.A", "c.C"),
        ]);
        let of = |name: &str| readings[&TypeName::parse(name).unwrap()];
        assert_eq!((of("a.A"), of("b.B"), of("c.C")), (0, 1, 2));
    }
}
