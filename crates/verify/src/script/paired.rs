//! Steps after which two slots hold a pair of linked records.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Flow, TypeName, Value};

use super::writer::{HELPERS, Sides, Writer};
use crate::trial::{Slot, Step, Val};
use crate::values::Row;

impl Writer<'_> {
    /// Steps after which slot `a` and slot `b` hold a pair of records linked by the flow, with the
    /// same values.
    pub(super) fn paired(&mut self, flow: &Flow, a: Slot, b: Slot) -> Result<Vec<Step>, String> {
        let (mut steps, filled) = self.filled(flow)?;
        let united = self.united(flow);
        let creates = self.creates(flow);
        let meets = !united.matches.is_empty();
        if let Some(why) = self.hands.cannot_add(&flow.from) {
            return Err(why);
        }
        let cannot_add_to = self.hands.cannot_add(&flow.to);
        if creates
            && let Some(why) = self
                .hands
                .fails(&flow.to, "create")
                .or_else(|| self.hands.fails(&flow.to, "delete"))
        {
            return Err(why);
        }
        if let (Some(why), false) = (&cannot_add_to, creates) {
            return Err(why.clone());
        }
        // Where only a connection creates, the pair comes about by one.
        if let (Create::ConnectedTo(types), false) = (&united.create, meets)
            && let Some(connection) = types
                .iter()
                .find_map(|c| self.connection(flow, c, a, (HELPERS + 30, HELPERS + 31)).ok())
        {
            steps.push(Step::Add { slot: a, ty: flow.from.clone(), values: filled.from });
            steps.extend(connection);
            let marked = self.marked(flow, b, &filled.to);
            steps.push(Step::Partner { of: a, slot: b, ty: flow.to.clone(), values: filled.to });
            steps.extend(marked);
            return Ok(steps);
        }
        if meets || !creates {
            steps.push(Step::Add { slot: b, ty: flow.to.clone(), values: filled.to.clone() });
        }
        steps.push(Step::Add { slot: a, ty: flow.from.clone(), values: filled.from });
        steps.push(Step::Run);
        let marked = if creates && !meets { self.marked(flow, b, &filled.to) } else { vec![] };
        steps.push(Step::Partner { of: a, slot: b, ty: flow.to.clone(), values: filled.to });
        steps.extend(marked);
        Ok(steps)
    }

    /// Whether the flow gives every record that `filled` makes up a counterpart.
    pub(super) fn creates(&self, flow: &Flow) -> bool {
        let united = self.united(flow);
        let says = match &united.create {
            Create::Always => true,
            Create::When { .. } => self.condition_of(united).is_some(),
            Create::Never | Create::ConnectedTo(_) => false,
        };
        says && !united.properties.is_empty()
    }

    /// Steps after which the record in slot `a` is connected to one of `c` that has come into the
    /// target's system, and a run has seen it.
    pub(super) fn connection(
        &mut self,
        flow: &Flow,
        c: &TypeName,
        a: Slot,
        (c_slot, d_slot): (Slot, Slot),
    ) -> Result<Vec<Step>, String> {
        let refers = |ty: &TypeName, to: &TypeName| {
            let schema = self.hands.schema(ty)?;
            let property = schema.properties.iter().find(|property| {
                ty.system == to.system
                    && property.reference.as_deref() == Some(&to.kind)
                    && self.hands.cannot_edit(ty, property).is_none()
            })?;
            self.hands.property(ty, &PropertyRef::new(property.path.clone())).map(|(path, _)| path)
        };
        let into =
            self.flows.iter().find(|known| known.from == *c && known.to.system == flow.to.system);
        let into = into.ok_or_else(|| format!("no flow leads from {c} to {}", flow.to.system))?;
        if !matches!(into.create, Create::Always) && into.matches.is_empty() {
            return Err(format!("no rule brings records of {c} into {} by itself", flow.to.system));
        }
        let (from_a, from_c) = (refers(&flow.from, c), refers(c, &flow.from));
        if from_a.is_none() && from_c.is_none() {
            return Err(format!("neither of {} and {c} has a reference to the other", flow.from));
        }
        // The reference is there from the first, where it is C's.
        let with_reference = |step| match (step, &from_c) {
            (Step::Add { slot, ty, mut values }, Some(path)) if slot == c_slot => {
                values.push((path.clone(), Val::IdOf(a)));
                Step::Add { slot, ty, values }
            }
            (step, _) => step,
        };
        let mut steps: Vec<Step> =
            self.paired(into, c_slot, d_slot)?.into_iter().map(with_reference).collect();
        if let (None, Some(path)) = (&from_c, &from_a) {
            steps.push(Step::Edit { slot: a, values: vec![(path.clone(), Val::IdOf(c_slot))] });
            steps.push(Step::Run);
        }
        Ok(steps)
    }

    /// A linked pair, with other values of a row for it.
    pub(super) fn paired_and_kept(
        &mut self,
        flow: &Flow,
        row: &Row<'_>,
        sides: &Sides,
        n: u64,
    ) -> Result<(Vec<Step>, (Value, Value)), String> {
        let script = self.paired(flow, 0, 1)?;
        let values = self.kept_values(flow, row, sides, &script, n, None)?;
        Ok((script, values))
    }
}
