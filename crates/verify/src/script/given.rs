//! Trials of what is given to a record when it is created: a constant (`set`), and the value of a
//! row with `on: create`.

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::OWN_ID;
use lockstep_model::{Flow, PropertyPair, PropertySchema, Timestamp, Value};

use super::statements::appears;
use super::writer::{Sides, Writer, held, shows};
use crate::trial::{LineRef, Step, Trial, Val};
use crate::values::{Row, value};

/// The constant that a row gives: it looks at nothing of the record.
fn constant_of(pair: &PropertyPair) -> Option<Value> {
    let conversion = pair.conversion.as_ref().filter(|_| pair.from.path.as_str() == OWN_ID)?;
    let of = |text: &str| conversion.apply(&Value::from(text), Timestamp(0)).ok();
    of("1").filter(|constant| of("ab").as_ref() == Some(constant))
}

impl Writer<'_> {
    /// A constant is in every record that is created. Edited there, it stays edited, or is put
    /// back where the row says `on: always`.
    pub(super) fn constant(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
    ) -> Option<Vec<Trial>> {
        let constant = constant_of(pair)?;
        let name = format!("a new record of {} has the constant in {}", flow.to, pair.to);
        let Some((to, schema)) = self.hands.property(&flow.to, &pair.to) else {
            let why = format!("{} has no property {}", flow.to, pair.to.path);
            return Some(vec![Trial::not_tried(line, name, why)]);
        };
        if let Some(why) = self.not_made(flow, &schema) {
            return Some(vec![Trial::not_tried(line, name, why)]);
        }
        let other = self.another(&schema, &constant);
        let can_edit = self.hands.cannot_edit(&flow.to, &schema).is_none();
        let script = self.made(flow).map(|(mut script, _)| {
            script.push(shows(1, &to, constant.clone()));
            if let (Some(other), true) = (other, can_edit) {
                let stays = if pair.on_create { other.clone() } else { constant };
                script.push(edit(1, &to, other));
                script.extend([Step::Run, shows(1, &to, stays)]);
            }
            script
        });
        Some(vec![Trial::scripted(line, name, script)])
    }

    /// `on: create`: a new record has the value, and edits of neither side reach the other.
    pub(super) fn given_once(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
    ) -> Option<Trial> {
        if !pair.on_create || pair.direction.ways() != (true, false) {
            return None;
        }
        let name = format!(
            "a new record of {} has {} of {} at once, and later edits stay where they are",
            flow.to, sides.to, flow.from
        );
        if let Some(why) = self.not_made(flow, &sides.to_schema) {
            return Some(Trial::not_tried(line, name, why));
        }
        let n = self.number();
        let script = self.made(flow).and_then(|(mut script, filled)| {
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            let given = held(&filled, &sides.from).ok_or("no value could be made up for it")?;
            let given = row.forward(given)?;
            script.push(shows(1, &sides.to, given.clone()));
            let (theirs, mine) = row.values(n)?;
            if self.hands.cannot_edit(&flow.from, &sides.from_schema).is_none() && mine != given {
                script.push(edit(0, &sides.from, theirs.clone()));
                script.extend([Step::Run, shows(1, &sides.to, given)]);
                if self.hands.cannot_edit(&flow.to, &sides.to_schema).is_none() {
                    let own = self.another(&sides.to_schema, &mine).unwrap_or(mine);
                    script.push(edit(1, &sides.to, own.clone()));
                    script.extend([Step::Run, shows(0, &sides.from, theirs)]);
                    script.push(shows(1, &sides.to, own));
                }
            }
            Ok(script)
        });
        Some(Trial::scripted(line, name, script))
    }

    /// Why no record is made in which the property could be looked at.
    fn not_made(&self, flow: &Flow, to: &PropertySchema) -> Option<String> {
        let united = &self.united(flow).create;
        if *united == lockstep_model::Create::Never {
            return Some("the section creates nothing".into());
        }
        if to.read_only {
            return Some(format!("{} of {} can only be read (P10)", to.path, flow.to));
        }
        self.never_creates(flow)
            .or_else(|| self.requires_what_nothing_gives(&flow.to))
            .or_else(|| self.creates_on_a_condition(flow))
    }

    /// A record of the source, and its counterpart that a run has made; with the values of the
    /// former.
    fn made(&mut self, flow: &Flow) -> Result<(Vec<Step>, crate::trial::Values), String> {
        let (mut script, filled) = self.filled(flow)?;
        let values = filled.from.clone();
        script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: filled.from });
        script.push(Step::Run);
        script.extend(appears(flow, &self.written(flow, &filled.to)));
        Ok((script, values))
    }

    /// Another value that the property can hold.
    fn another(&mut self, schema: &PropertySchema, but: &Value) -> Option<Value> {
        (0..3).map(|_| value(schema.ty, schema, None, self.number())).find(|other| other != but)
    }
}

fn edit(slot: crate::trial::Slot, path: &PropertyRef, value: Value) -> Step {
    Step::Edit { slot, values: vec![(path.clone(), Val::Is(value))] }
}
