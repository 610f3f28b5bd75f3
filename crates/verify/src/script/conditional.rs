//! Trials of a condition on creating: a record that meets it, one that does not, one that does no more.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Flow, Value};

use super::conditions::{Condition, put};
use super::statements;
use super::writer::{Side, Sides, Way, Writer, added, held, see, signs};
use crate::trial::{Expect, LineRef, Step, Trial, Val, Values};
use crate::values::Row;

impl Writer<'_> {
    /// `CONDITION, it will be synchronized with a B.`
    pub(super) fn conditional(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let united = self.united(flow);
        let name = "a record that meets the condition appears, another one does not";
        let Some(condition) = self.condition_of(united) else {
            let why = match &united.create {
                Create::When { filter: Some(filter), .. } => {
                    format!("`{}` reads what {} does not have", filter.expression, flow.from)
                }
                Create::When { .. } => {
                    "the condition is prose: nothing says how to tell. A `filter:` in the flow does, and without one nothing is created"
                        .into()
                }
                _ => "another section on the same record types says when it creates".to_string(),
            };
            return vec![Trial::not_tried(line, name, why)];
        };
        if let Some(why) = self.never_creates(flow) {
            return vec![Trial::not_tried(line, name, why)];
        }
        let mut trials = self.appearing(line, flow);
        trials.iter_mut().for_each(|trial| {
            trial.name =
                format!("a record that meets `{}` appears in {}", condition.expression(), flow.to)
        });
        trials.push(self.unmet(line, flow, &condition));
        trials.extend(self.met_no_more(line, flow, &condition));
        trials.extend(self.read_first(line, flow));
        trials
    }

    /// What does not meet it does not appear, until it does.
    fn unmet(&mut self, line: LineRef, flow: &Flow, condition: &Condition<'_>) -> Trial {
        let name =
            format!("one that does not meet it does not appear in {}, until it does", flow.to);
        if let Some(why) = self.created_otherwise(flow) {
            return Trial::not_tried(line, name, why);
        }
        let n = self.number();
        let (mut script, filled) = match self.filled(flow) {
            Ok(filled) => filled,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let Some(changes) = condition.missed(&filled.from, n) else {
            return Trial::not_tried(
                line,
                name,
                format!("no values were found that do not meet `{}`", condition.expression()),
            );
        };
        let mut unmet = filled.from.clone();
        let back: Values = changes
            .iter()
            .map(|(path, _)| {
                (path.clone(), Val::Is(held(&filled.from, path).cloned().unwrap_or(Value::Null)))
            })
            .collect();
        changes.into_iter().for_each(|(path, value)| put(&mut unmet, path, value));
        unmet.retain(|(_, value)| *value != Val::Is(Value::Null));
        script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: unmet });
        script.push(Step::Run);
        script.push(see(Expect::Alone { slot: 0, ty: flow.to.clone(), signs: signs(&filled.to) }));
        let cannot = |(path, _): &(PropertyRef, Val)| {
            let schema = self.hands.property(&flow.from, path).map(|(_, schema)| schema);
            schema.is_none_or(|schema| self.hands.cannot_edit(&flow.from, &schema).is_some())
        };
        if !back.iter().any(cannot) {
            script.push(Step::Edit { slot: 0, values: back });
            script.push(Step::Run);
            script.extend(statements::appears(flow, &self.written(flow, &filled.to)));
        }
        Trial::new(line, name, script)
    }

    /// L9: what does not meet it any more stops being kept equal, and nothing is deleted.
    fn met_no_more(
        &mut self,
        line: LineRef,
        flow: &Flow,
        condition: &Condition<'_>,
    ) -> Option<Trial> {
        let name =
            "one that does not meet it any more is not kept equal, and nothing is deleted (L9)"
                .to_string();
        let script = self.paired(flow, 0, 1);
        let n = self.number();
        let mut script = match script {
            Ok(script) => script,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        let before = added(&script, 0)?.clone();
        let changes = condition.missed(&before, n)?;
        let cannot = |path: &PropertyRef| {
            let schema = self.hands.property(&flow.from, path).map(|(_, schema)| schema);
            schema.is_none_or(|schema| self.hands.cannot_edit(&flow.from, &schema).is_some())
        };
        if changes.iter().any(|(path, _)| cannot(path)) {
            return Some(Trial::not_tried(
                line,
                name,
                "a tester can't edit what the condition reads",
            ));
        }
        // Another property is edited then, one that the condition does not read.
        let rows: Vec<(lockstep_model::PropertyPair, Sides)> = self
            .united(flow)
            .properties
            .iter()
            .filter_map(|pair| Some((pair.clone(), self.sides(flow, pair).ok()?)))
            .filter(|(pair, sides)| {
                matches!(self.way(flow, pair, sides, Side::From), Way::Open)
                    && !condition.reads(&sides.from)
            })
            .filter(|(_, sides)| !cannot(&sides.from) && sides.from_schema.reference.is_none())
            .collect();
        let (pair, sides) = rows.into_iter().next()?;
        let row = Row { pair: &pair, from: &sides.from_schema, to: &sides.to_schema };
        let (other, _) = row.values(n + 9).ok()?;
        let changes: Values =
            changes.into_iter().map(|(path, value)| (path, Val::Is(value))).collect();
        script.push(Step::Edit { slot: 0, values: changes });
        script.push(Step::Run);
        script.push(Step::Remember { slot: 1 });
        script.push(Step::Edit { slot: 0, values: vec![(sides.from.clone(), Val::Is(other))] });
        script.push(Step::Run);
        script.push(see(Expect::There { slot: 1, there: true }));
        script.push(see(Expect::Same { slot: 1, but: vec![] }));
        Some(Trial::new(line, name, script))
    }
}
