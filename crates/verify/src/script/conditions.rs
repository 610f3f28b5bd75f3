//! Trials of a condition: what meets it appears, what does not does not, and what does not meet it
//! any more is not kept equal (C1, L9).
//!
//! A document's condition is prose; what decides is the filter of the flow. Values that meet it are
//! looked for among those that the expression itself names, the ones that stand beside them (a
//! number more, a number less, the other of yes and no, nothing at all) and fresh ones: few
//! expressions that people write have none among these. Whether a record meets it is asked of the
//! expression, evaluated here and not by the engine, with the record as the document names its
//! properties.

use lockstep_config::literals;
use lockstep_model::flow::{Filter, PropertyRef};
use lockstep_model::value::{coerce, is_empty};
use lockstep_model::{Create, Flow, PlainType, PropertySchema, TypeName, Value};
use serde_json::json;

use super::writer::{Side, Sides, Writer, added, held};
use crate::trial::{Slot, Step, Val, Values};
use crate::values::{Row, value};

/// Maximum number of combinations of values tried with an expression.
const MOST: usize = 20_000;

/// A filter with the properties that it reads.
pub(super) struct Condition<'a> {
    filter: &'a Filter,
    reads: Vec<Read>,
}

/// A property that a filter reads.
struct Read {
    /// As the expression names it.
    written: String,
    path: PropertyRef,
    schema: PropertySchema,
    /// The expression sees the whole list.
    list: bool,
}

impl Condition<'_> {
    pub fn expression(&self) -> &str {
        &self.filter.expression
    }

    /// Whether it reads this property.
    pub(super) fn reads(&self, path: &PropertyRef) -> bool {
        self.reads.iter().any(|read| read.path == *path)
    }

    /// Whether a record with these values meets it.
    pub fn holds(&self, values: &Values) -> Result<bool, String> {
        let of = |read: &Read| held(values, &read.path).cloned().unwrap_or(Value::Null);
        self.evaluated(&self.reads.iter().map(of).collect::<Vec<_>>())
    }

    fn evaluated(&self, values: &[Value]) -> Result<bool, String> {
        let mut root = json!({});
        for (read, value) in self.reads.iter().zip(values).filter(|(_, value)| !value.is_null()) {
            let value = match value {
                Value::Array(_) => value.clone(),
                one if read.list => json!([one]),
                one => one.clone(),
            };
            insert(&mut root, &read.written, value);
        }
        lockstep_model::filter::holds(self.filter, root)
    }

    /// Changes as few of the values as can be, so that they meet it.
    pub fn meet(&self, values: &mut Values, n: u64) -> Result<(), String> {
        let found = self.nearest(values, n, true);
        let found = found.ok_or_else(|| {
            format!("no values were found that meet `{}`", self.filter.expression)
        })?;
        found.into_iter().for_each(|(path, value)| put(values, path, value));
        Ok(())
    }

    /// What to change about a record that meets it, so that it does not.
    pub fn missed(&self, values: &Values, n: u64) -> Option<Vec<(PropertyRef, Value)>> {
        self.nearest(values, n, false).filter(|changes| !changes.is_empty())
    }

    /// The fewest changes after which it holds, or does not.
    fn nearest(&self, values: &Values, n: u64, holds: bool) -> Option<Vec<(PropertyRef, Value)>> {
        let literals = literals(&self.filter.expression);
        let choices: Vec<Vec<Value>> = self
            .reads
            .iter()
            .enumerate()
            .map(|(k, read)| {
                let first = held(values, &read.path).cloned().unwrap_or(Value::Null);
                let mut choices = vec![first];
                for choice in read.choices(&literals, n + k as u64) {
                    if !choices.contains(&choice) {
                        choices.push(choice);
                    }
                }
                choices
            })
            .collect();
        let all: usize = choices.iter().map(Vec::len).product::<usize>().min(MOST);
        let mut best: Option<(usize, Vec<usize>)> = None;
        for mut number in 0..all {
            let chosen: Vec<usize> = choices
                .iter()
                .map(|choices| {
                    let at = number % choices.len();
                    number /= choices.len();
                    at
                })
                .collect();
            // What is emptied counts for more than what is changed: a record that lacks a value
            // tells less.
            let weight = |(read, at): (usize, &usize)| match at {
                0 => 0,
                at if is_empty(&choices[read][*at]) => 3,
                _ => 2,
            };
            let changed = chosen.iter().enumerate().map(weight).sum();
            if best.as_ref().is_some_and(|(least, _)| *least <= changed) {
                continue;
            }
            let values: Vec<Value> =
                choices.iter().zip(&chosen).map(|(choices, at)| choices[*at].clone()).collect();
            if self.evaluated(&values) == Ok(holds) {
                best = Some((changed, chosen));
            }
        }
        let chosen = best?.1;
        let changes =
            self.reads.iter().zip(choices.iter().zip(&chosen)).filter(|(_, (_, at))| **at > 0);
        Some(
            changes
                .map(|(read, (choices, at))| (read.path.clone(), choices[*at].clone()))
                .collect(),
        )
    }
}

impl Read {
    /// Values to try the expression with.
    fn choices(&self, literals: &[Value], n: u64) -> Vec<Value> {
        let mut choices = Vec::new();
        let fits =
            |value: &Value| coerce(value, self.schema.ty).ok().filter(|value| !is_empty(value));
        for literal in literals {
            choices.extend(fits(literal));
            if let Some(number) = literal.as_f64() {
                // The next numbers up and down, for what is compared by size.
                let whole = number.fract() == 0.0;
                let beside = if whole {
                    [json!(number as i64 + 1), json!(number as i64 - 1)]
                } else {
                    [json!(number + 1.0), json!(number - 1.0)]
                };
                choices.extend(beside.iter().filter_map(fits));
            }
        }
        choices.push(value(self.schema.ty, &self.schema, None, n));
        if matches!(self.schema.ty, PlainType::Boolean | PlainType::Any) {
            choices.extend([json!(true), json!(false)]);
        }
        choices.push(Value::Null);
        choices
    }
}

fn insert(root: &mut Value, path: &str, value: Value) {
    lockstep_model::Path::new(path).put(root, value);
}

pub(super) fn put(values: &mut Values, path: PropertyRef, value: Value) {
    match values.iter_mut().find(|(known, _)| *known == path) {
        Some(known) => known.1 = Val::Is(value),
        None => values.push((path, Val::Is(value))),
    }
}

impl<'a> Writer<'a> {
    /// The condition of a flow: its own, or that of the flow that runs where the document says it
    /// in prose.
    pub(super) fn condition_of(&self, flow: &Flow) -> Option<Condition<'a>> {
        let filter = |flows: &'a [Flow]| {
            let same = flows.iter().find(|known| known.from == flow.from && known.to == flow.to)?;
            match &same.create {
                Create::When { filter, .. } => filter.as_ref(),
                _ => None,
            }
        };
        let said = &self.flows[*self.places.get(&flow.from)?.get(&flow.to)?];
        let Create::When { .. } = said.create else { return None };
        let filter = filter(self.flows).or_else(|| filter(self.runs))?;
        self.condition_on(filter, &flow.from)
    }

    /// A filter on records of a type.
    fn condition_on(&self, filter: &'a Filter, ty: &TypeName) -> Option<Condition<'a>> {
        let mut reads = Vec::new();
        for path in &filter.reads {
            let (named, schema) = self.hands.property(ty, &PropertyRef::new(path.clone()))?;
            let derived =
                self.hands.schema(ty)?.property(path).is_some_and(|own| own.derived_from.is_some());
            reads.push(Read {
                written: path.as_str().into(),
                path: named,
                list: schema.list && !derived,
                schema,
            });
        }
        Some(Condition { filter, reads })
    }

    /// L11: what the flows that run say of the records that they are about, each side's own.
    pub(super) fn about(&self, flow: &Flow) -> Vec<(Side, Condition<'a>)> {
        let mut found = Vec::new();
        for known in self.runs {
            let ends = [(&known.from, &known.only), (&known.to, &known.only_to)];
            let is_it = known.from == flow.from && known.to == flow.to
                || known.from == flow.to && known.to == flow.from;
            for (ty, filter) in ends.into_iter().filter(|_| is_it) {
                let side = if *ty == flow.from { Side::From } else { Side::To };
                let condition = filter.as_ref().and_then(|filter| self.condition_on(filter, ty));
                found.extend(condition.map(|condition| (side, condition)));
            }
        }
        found
    }

    /// What the records of a pair must meet to be kept equal, each side's own.
    pub(super) fn conditions(&self, flow: &Flow) -> Vec<(Side, Condition<'a>)> {
        let back = self
            .places
            .get(&flow.to)
            .and_then(|places| places.get(&flow.from))
            .map(|at| &self.flows[*at]);
        let from = self.condition_of(flow).map(|condition| (Side::From, condition));
        let back =
            back.and_then(|back| self.condition_of(back)).map(|condition| (Side::To, condition));
        from.into_iter().chain(back).chain(self.about(flow)).collect()
    }

    /// Why a pair is not kept equal once it holds these values in these slots, if it is not.
    pub(super) fn falls_out(
        &self,
        flow: &Flow,
        script: &[Step],
        edits: &[(Slot, &PropertyRef, &Value)],
    ) -> Option<String> {
        self.conditions(flow).into_iter().find_map(|(side, condition)| {
            let slot = if side == Side::From { 0 } else { 1 };
            let mut values = added(script, slot)?.clone();
            let mine = edits.iter().filter(|(of, path, _)| *of == slot && condition.reads(path));
            let before = values.clone();
            mine.for_each(|(_, path, value)| put(&mut values, (*path).clone(), (*value).clone()));
            (values != before && condition.holds(&values) != Ok(true))
                .then(|| format!("the record would not meet `{}` any more", condition.expression()))
        })
    }

    /// Other values of a row, with which both records still meet their conditions: a number's, or
    /// those that a condition names.
    pub(super) fn kept_values(
        &self,
        flow: &Flow,
        row: &Row<'_>,
        sides: &Sides,
        script: &[Step],
        n: u64,
        nor: Option<&(Value, Value)>,
    ) -> Result<(Value, Value), String> {
        let fresh = super::rows::other_values(row, n, script, sides, nor);
        let falls = |values: &(Value, Value)| {
            self.falls_out(flow, script, &[(0, &sides.from, &values.0), (1, &sides.to, &values.1)])
        };
        let why = match &fresh {
            Ok(values) => match falls(values) {
                None => return fresh,
                Some(why) => why,
            },
            Err(_) => return fresh,
        };
        let holds = added(script, 0).and_then(|values| held(values, &sides.from)).cloned();
        for (side, condition) in self.conditions(flow) {
            let end = if side == Side::From { &sides.from } else { &sides.to };
            let Some(read) = condition.reads.iter().find(|read| read.path == *end) else {
                continue;
            };
            for choice in read.choices(&literals(condition.expression()), n) {
                let pair = match side {
                    Side::From => row.forward(&choice).map(|made| (choice.clone(), made)),
                    Side::To => row.backward(&choice).map(|made| (made, choice.clone())),
                };
                if let Ok(pair) = pair
                    && Some(&pair.0) != holds.as_ref()
                    && nor != Some(&pair)
                    && !is_empty(&pair.0)
                    && falls(&pair).is_none()
                {
                    return Ok(pair);
                }
            }
        }
        Err(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, ty: PlainType) -> Read {
        let (schema, path_of) = (PropertySchema::new(path, ty), PropertyRef::new(path));
        Read { written: path.into(), path: path_of, schema, list: false }
    }

    fn changes(expression: &str, reads: Vec<Read>, holds: bool) -> Vec<(String, Value)> {
        let paths = reads.iter().map(|read| read.path.path.clone()).collect();
        let filter = Filter { expression: expression.into(), reads: paths };
        let condition = Condition { filter: &filter, reads };
        let mut values: Values = vec![];
        condition.meet(&mut values, 7).unwrap();
        assert_eq!(condition.holds(&values), Ok(true), "{expression}: {values:?}");
        let found = if holds {
            values
                .into_iter()
                .filter_map(
                    |(path, value)| {
                        if let Val::Is(value) = value { Some((path, value)) } else { None }
                    },
                )
                .collect()
        } else {
            condition.missed(&values, 9).unwrap()
        };
        found.into_iter().map(|(path, value)| (path.to_string(), value)).collect()
    }

    #[test]
    fn what_meets_an_expression_is_found_among_what_it_names() {
        let one = |expression: &str, ty| changes(expression, vec![read("a", ty)], true);
        assert_eq!(one("a == \"Customer\"", PlainType::String), [("a".into(), json!("Customer"))]);
        assert_eq!(one("a > 17", PlainType::Integer), [("a".into(), json!(18))]);
        assert_eq!(one("not a", PlainType::Boolean), []);
        assert_eq!(one("a is defined and a", PlainType::Boolean), [("a".into(), json!(true))]);
        assert_eq!(one("a in ['x', 'y']", PlainType::String), [("a".into(), json!("x"))]);
        let both = changes(
            "a == 'x' and b.c > 3 and b.c < 5",
            vec![read("a", PlainType::String), read("b.c", PlainType::Float)],
            true,
        );
        assert_eq!(both, [("a".into(), json!("x")), ("b.c".into(), json!(4))]);
    }

    #[test]
    fn what_misses_it_does_so_by_little() {
        let both = changes(
            "a == 'x' and b",
            vec![read("a", PlainType::String), read("b", PlainType::Boolean)],
            false,
        );
        assert_eq!(both.len(), 1, "{both:?}");
        assert!(!is_empty(&both[0].1), "{both:?}");
    }
}
