//! Trials of a row about a property of what a record refers to: `company > name -> company_name`
//! (P8).

use lockstep_config::convertible;
use lockstep_model::flow::{Policy, PropertyRef};
use lockstep_model::schema::OWN_ID;
use lockstep_model::{Flow, PropertyPair, PropertySchema, TypeName, Value};

use super::writer::{HELPERS, Side, Writer, shows};
use crate::trial::{LineRef, Slot, Step, Trial, Val};
use crate::values::Row;

/// The way to a property of another record.
struct Led {
    /// The record types on it: first the one that refers.
    types: Vec<TypeName>,
    /// The references, resolved.
    via: Vec<(PropertyRef, PropertySchema)>,
    held: (PropertyRef, PropertySchema),
}

impl Writer<'_> {
    pub(super) fn followed(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
    ) -> Vec<Trial> {
        let (side, named) = match pair.from.is_followed() {
            true => (Side::From, &pair.from),
            false => (Side::To, &pair.to),
        };
        let (own, there) = match side {
            Side::From => (&flow.from, &flow.to),
            Side::To => (&flow.to, &flow.from),
        };
        let name =
            format!("{named} of {own} arrives in {there}, and what it refers to is followed");
        vec![Trial::scripted(line, name, self.follows(flow, pair, side))]
    }

    /// A linked pair whose record comes to refer to another, which is edited then; and to a third.
    fn follows(
        &mut self,
        flow: &Flow,
        pair: &PropertyPair,
        side: Side,
    ) -> Result<Vec<Step>, String> {
        let (own, named, there, target) = match side {
            Side::From => (&flow.from, &pair.from, &flow.to, &pair.to),
            Side::To => (&flow.to, &pair.to, &flow.from, &pair.from),
        };
        if pair.on_create {
            return Err("it is given when a record is created, and never after".into());
        }
        if let Policy::OnlyFrom(system) = &pair.policy
            && *system != own.system
        {
            return Err(format!("by `only_from: {system}` an edit here does not count"));
        }
        let led = self.led_to(own, named)?;
        let (target, written) = self
            .hands
            .property(there, target)
            .ok_or_else(|| format!("{there} has no property {}", target.path))?;
        if written.read_only || written.create_only {
            return Err(format!("{} of {there} can't be changed", target.path));
        }
        let held = &led.held.1;
        if held.reference.is_some() || written.reference.is_some() || held.path.as_str() == OWN_ID {
            return Err("what it leads to is a reference itself".into());
        }
        let (from, to) = if side == Side::From { (held, &written) } else { (&written, held) };
        convertible(Some(from), Some(to), pair.conversion.as_ref())
            .map_err(|why| format!("the row is not kept. {why}"))?;
        let row = Row { pair, from, to };
        let n = self.number();
        let value = |n: u64| -> Result<(Value, Value), String> {
            let (from, to) = row.values(n)?;
            match side {
                Side::From => Ok((from, to)),
                Side::To => Ok((to.clone(), row.backward(&to)?)),
            }
        };
        let (refers, other): (Slot, Slot) = if side == Side::From { (0, 1) } else { (1, 0) };
        let mut script = self.paired(flow, 0, 1)?;
        let arrives = |value: Value| shows(other, &target, value);
        let [first, edited, another] = [value(n)?, value(n + 1)?, value(n + 2)?];
        let (one, two) = (HELPERS + 40, HELPERS + 60);
        script.extend(self.referred(&led, one, first.0, n + 3)?);
        let refer_to = |slot: Slot| Step::Edit {
            slot: refers,
            values: vec![(led.via[0].0.clone(), Val::IdOf(slot))],
        };
        script.extend([refer_to(one), Step::Run, arrives(first.1)]);
        let last = one + led.via.len() - 1;
        if self.hands.cannot_edit(&led.types[led.via.len()], held).is_none() {
            let values = vec![(led.held.0.clone(), Val::Is(edited.0))];
            script.extend([Step::Edit { slot: last, values }, Step::Run, arrives(edited.1)]);
        }
        script.extend(self.referred(&led, two, another.0, n + 30)?);
        script.extend([refer_to(two), Step::Run, arrives(another.1)]);
        Ok(script)
    }

    /// Adds the records that references lead to, the one that holds the value first; the first of
    /// the way stands in `slot`.
    fn referred(
        &mut self,
        led: &Led,
        slot: Slot,
        value: Value,
        n: u64,
    ) -> Result<Vec<Step>, String> {
        let (mut steps, mut value) = (Vec::new(), Val::Is(value));
        for at in (0..led.via.len()).rev() {
            let ty = &led.types[at + 1];
            if let Some(why) = self.hands.cannot_add(ty) {
                return Err(why);
            }
            let path = led.via.get(at + 1).map_or(&led.held.0, |(path, _)| path);
            let mut values = vec![(path.clone(), value)];
            let helper = slot + 10 + at;
            let (more, needed) = self.needs(ty, &values, n + 10 * at as u64, helper);
            steps.extend(more);
            values.extend(needed);
            steps.push(Step::Add { slot: slot + at, ty: ty.clone(), values });
            value = Val::IdOf(slot + at);
        }
        Ok(steps)
    }

    fn led_to(&self, own: &TypeName, named: &PropertyRef) -> Result<Led, String> {
        let (mut types, mut via) = (vec![own.clone()], Vec::new());
        for path in &named.via {
            let at = types.last().unwrap_or(own);
            let reference = PropertyRef::new(path.clone());
            let (reference, described) = self
                .hands
                .property(at, &reference)
                .ok_or_else(|| format!("{at} has no property {path}"))?;
            if let Some(why) = self.hands.cannot_edit(at, &described) {
                return Err(format!("a tester can't make the edit: {why}"));
            }
            let to = described
                .refers_to(&at.system)
                .ok_or_else(|| format!("nothing says what {path} of {at} refers to"))?;
            via.push((reference, described));
            types.push(to);
        }
        let last = types.last().unwrap_or(own);
        let own = PropertyRef { via: vec![], ..named.clone() };
        let held = self
            .hands
            .property(last, &own)
            .ok_or_else(|| format!("{last} has no property {}", own.path))?;
        Ok(Led { types, via, held })
    }
}
