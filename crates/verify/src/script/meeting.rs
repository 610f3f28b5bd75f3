//! Two records that a match row links, and two that it must not.

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::is_empty;
use lockstep_model::{Flow, PropertyPair, Value};

use super::writer::{HELPERS, Side, Sides, Writer, see};
use crate::trial::{Expect, LineRef, Step, Trial, Val, Values};
use crate::values::Row;

impl Writer<'_> {
    /// The values with which two records meet (or do not): those of the row's pairs as `of` gives
    /// them, and what is required.
    pub(super) fn meeting(
        &mut self,
        flow: &Flow,
        pairs: &[PropertyPair],
        sides: &[Sides],
        of: impl Fn(usize, Value, Value) -> Result<(Value, Value), String>,
    ) -> Result<(Vec<Step>, Values, Values), String> {
        let n = self.number();
        let (mut from, mut to): (Values, Values) = (vec![], vec![]);
        for (k, (pair, sides)) in pairs.iter().zip(sides).enumerate() {
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            let (a, b) = row.values(n + k as u64)?;
            let (a, b) = of(k, a, b)?;
            from.push((sides.from.clone(), Val::Is(a)));
            to.push((sides.to.clone(), Val::Is(b)));
        }
        let (mut steps, needed) = self.needs(&flow.from, &from, n + 20, HELPERS);
        let (more, needed_there) = self.needs(&flow.to, &to, n + 30, HELPERS + 5);
        steps.extend(more);
        from.extend(needed);
        to.extend(needed_there);
        // L11: only what the flow is about is matched.
        for (side, condition) in self.about(flow) {
            condition.meet(if side == Side::From { &mut from } else { &mut to }, n + 40)?;
        }
        let empty =
            |(_, value): &(PropertyRef, Val)| !matches!(value, Val::Is(value) if is_empty(value));
        from.retain(empty);
        to.retain(empty);
        Ok((steps, from, to))
    }

    /// Two records that nothing says are the same.
    pub(super) fn kept_apart(
        &self,
        line: LineRef,
        name: String,
        flow: &Flow,
        meeting: Result<(Vec<Step>, Values, Values), String>,
    ) -> Trial {
        match meeting {
            Err(why) => Trial::not_tried(line, name, why),
            Ok((mut script, from, to)) => {
                script.push(Step::Add { slot: 1, ty: flow.to.clone(), values: to });
                script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: from });
                script.push(Step::Run);
                script.push(see(Expect::Apart { a: 0, b: 1 }));
                Trial::new(line, name, script)
            }
        }
    }
}
