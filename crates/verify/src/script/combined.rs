//! Trials of rows about several properties together: `first + last <-> name`.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Conversion, Flow, PlainType, PropertyPair, Timestamp, Value};
use serde_json::json;

use super::writer::{Side, Writer, closed_by_policy, shows};
use crate::trial::{LineRef, Slot, Step, Trial, Val};

/// The two sides of such a row.
struct Ends<'a> {
    /// The properties together, each with where their record stands in a pair.
    parts: (Slot, Vec<PropertyRef>),
    whole: (Slot, &'a PropertyRef),
    /// What makes one value of them.
    joins: Conversion,
    /// The row carries values from them, and to them.
    ways: (bool, bool),
}

impl<'a> Ends<'a> {
    fn of(pair: &'a PropertyPair) -> Ends<'a> {
        let (forward, backward) = pair.direction.ways();
        match pair.from.is_combined() {
            true => Ends {
                parts: (0, pair.from.parts().collect()),
                whole: (1, &pair.to),
                joins: Conversion::joining(pair.conversion.as_ref(), pair.back.as_ref()),
                ways: (forward, backward),
            },
            false => Ends {
                parts: (1, pair.to.parts().collect()),
                whole: (0, &pair.from),
                joins: Conversion::joining(pair.back.as_ref(), pair.conversion.as_ref()),
                ways: (backward, forward),
            },
        }
    }

    fn joined(&self, values: &[Value]) -> Result<Value, String> {
        self.joins.apply(&Value::from(values.to_vec()), Timestamp(0)).map_err(|error| error.message)
    }
}

impl Writer<'_> {
    pub(super) fn combined(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
    ) -> Vec<Trial> {
        let ends = Ends::of(pair);
        let mut trials = Vec::new();
        let named: Vec<String> = ends.parts.1.iter().map(ToString::to_string).collect();
        let (of_parts, of_whole) =
            if ends.parts.0 == 0 { (Side::From, Side::To) } else { (Side::To, Side::From) };
        let closed = |side| match pair.on_create {
            true => Some("it is given when a record is created, and never after".to_string()),
            false => closed_by_policy(flow, pair, side),
        };
        if ends.ways.0 {
            let name = format!("edits of {} arrive in {}", named.join(" and "), ends.whole.1);
            trials.push(match closed(of_parts) {
                Some(why) => Trial::not_tried(line, name, why),
                None => Trial::scripted(line, name, self.joins(flow, &ends)),
            });
        }
        if ends.ways.1 {
            let name = format!("an edit of {} arrives in {}", ends.whole.1, named.join(" and "));
            trials.push(match closed(of_whole) {
                Some(why) => Trial::not_tried(line, name, why),
                None => Trial::scripted(line, name, self.splits(flow, &ends)),
            });
        }
        trials
    }

    /// Values for the parts, in words that stand in no other value.
    fn values(&mut self, flow: &Flow, ends: &Ends<'_>) -> Result<Vec<Value>, String> {
        let ty = if ends.parts.0 == 0 { &flow.from } else { &flow.to };
        let mut values = Vec::new();
        for part in &ends.parts.1 {
            let (_, described) = self
                .hands
                .property(ty, part)
                .ok_or_else(|| format!("{ty} has no property {}", part.path))?;
            if let Some(why) = self.hands.cannot_edit(ty, &described) {
                return Err(format!("a tester can't make the edit: {why}"));
            }
            let n = self.number();
            values.push(match described.ty {
                PlainType::String | PlainType::Any => Value::from(format!("Ask{n}")),
                PlainType::Integer | PlainType::Float => json!(n % 1_000 + 2),
                PlainType::Decimal => json!(format!("{}.5", n % 1_000)),
                ty => return Err(format!("{} holds {}", part.path, ty.name())),
            });
        }
        Ok(values)
    }

    fn joins(&mut self, flow: &Flow, ends: &Ends<'_>) -> Result<Vec<Step>, String> {
        let values = self.values(flow, ends)?;
        let whole = ends.joined(&values)?;
        let mut script = self.paired(flow, 0, 1)?;
        let (slot, parts) = &ends.parts;
        let edits = parts.iter().cloned().zip(values.iter().cloned().map(Val::Is)).collect();
        script.extend([Step::Edit { slot: *slot, values: edits }, Step::Run]);
        script.push(shows(ends.whole.0, ends.whole.1, whole));
        Ok(script)
    }

    fn splits(&mut self, flow: &Flow, ends: &Ends<'_>) -> Result<Vec<Step>, String> {
        let values = self.values(flow, ends)?;
        let whole = ends.joined(&values)?;
        let mut script = self.paired(flow, 0, 1)?;
        let edit = vec![(ends.whole.1.clone(), Val::Is(whole.clone()))];
        script.extend([Step::Edit { slot: ends.whole.0, values: edit }, Step::Run]);
        for (part, value) in ends.parts.1.iter().zip(values) {
            script.push(shows(ends.parts.0, part, value));
        }
        script.push(shows(ends.whole.0, ends.whole.1, whole));
        Ok(script)
    }
}
