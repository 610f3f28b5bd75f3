//! Trials of lists: a record is found by any element (L3), and a value written into a list leaves
//! the other elements alone (P9).

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Flow, PlainType, PropertyPair, PropertySchema, TypeName, Value};
use serde_json::json;

use super::writer::{Side, Sides, Writer, added, held, see, shows};
use crate::trial::{Expect, LineRef, Step, Trial, Val};
use crate::values::Row;

/// A list of single values, of which one stands for the property.
fn is_list(schema: &PropertySchema) -> bool {
    schema.list && schema.ty != PlainType::List
}

impl Writer<'_> {
    /// The row names what the system derives from the primary element: only that one counts.
    fn names_primary(&self, ty: &TypeName, named: &PropertyRef) -> bool {
        let own = self.hands.schema(ty).and_then(|schema| schema.property(&named.path));
        own.is_some_and(|own| own.derived_from.is_some())
    }

    /// L3, for each side of each pair that is a list.
    pub(super) fn any_element(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pairs: &[PropertyPair],
        sides: &[Sides],
    ) -> Vec<Trial> {
        let mut trials = Vec::new();
        for at in 0..pairs.len() {
            for side in [Side::From, Side::To] {
                let (schema, ty, named) = match side {
                    Side::From => (&sides[at].from_schema, &flow.from, &pairs[at].from),
                    Side::To => (&sides[at].to_schema, &flow.to, &pairs[at].to),
                };
                if !is_list(schema) || schema.read_only {
                    continue;
                }
                let primary = self.names_primary(ty, named);
                let name = match primary {
                    false => format!("any element of {} of {ty} links (L3)", schema.path),
                    true => format!("of {} of {ty} only the primary element links", schema.path),
                };
                let row = Row {
                    pair: &pairs[at],
                    from: &sides[at].from_schema,
                    to: &sides[at].to_schema,
                };
                let n = self.number();
                let others = row.values(n + 3).map(|(a, b)| if side == Side::From { a } else { b });
                let meeting = others.and_then(|other| {
                    self.meeting(flow, pairs, sides, |k, a, b| {
                        Ok(match (k == at, side) {
                            (false, _) => (a, b),
                            (true, Side::From) => (json!([other.clone(), a]), b),
                            (true, Side::To) => (a, json!([other.clone(), b])),
                        })
                    })
                });
                if primary {
                    trials.push(self.kept_apart(line, name, flow, meeting));
                    continue;
                }
                trials.push(match meeting {
                    Err(why) => Trial::not_tried(line, name, why),
                    Ok((mut script, from, to)) => {
                        script.push(Step::Add { slot: 1, ty: flow.to.clone(), values: to });
                        script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: from });
                        script.push(Step::Run);
                        script.push(see(Expect::Linked { a: 0, b: 1 }));
                        Trial::new(line, name, script)
                    }
                });
            }
        }
        trials
    }

    /// P11: of lists whose elements come and go one by one, what is put in on both sides at once is
    /// kept on both.
    pub(super) fn elements_merge(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
    ) -> Trial {
        let name = format!(
            "elements put into {} of {} and {} of {} at once are kept on both sides (P11)",
            pair.from, flow.from, pair.to, flow.to
        );
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let n = self.number();
        let found = self.paired_and_kept(flow, &row, sides, n);
        let found = found.and_then(|(script, one)| Ok((script, one, row.values(n + 5)?)));
        let (mut script, one, two) = match found {
            Ok(found) => found,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let list = |values: &[&Value]| {
            let each = values.iter().flat_map(|value| match value {
                Value::Array(list) => list.clone(),
                single => vec![(*single).clone()],
            });
            Value::Array(each.filter(|one| !one.is_null()).collect())
        };
        let before = |slot, path: &PropertyRef| {
            added(&script, slot).and_then(|values| held(values, path)).cloned().unwrap_or_default()
        };
        let (mine, theirs) = (before(0, &sides.from), before(1, &sides.to));
        let ends = [
            (0, &sides.from, list(&[&mine, &one.0]), list(&[&mine, &one.0, &two.0])),
            (1, &sides.to, list(&[&theirs, &two.1]), list(&[&theirs, &one.1, &two.1])),
        ];
        for (slot, path, put_in, _) in &ends {
            let values = vec![((*path).clone(), Val::Is(put_in.clone()))];
            script.push(Step::Edit { slot: *slot, values });
        }
        script.push(Step::Run);
        script.extend(ends.map(|(slot, path, _, merged)| shows(slot, path, merged)));
        Trial::new(line, name, script)
    }

    /// P9: an edit that arrives in a list replaces the element it came from; the others stay.
    pub(super) fn other_elements(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
        side: Side,
    ) -> Option<Trial> {
        let (here, there) = sides.ways(side);
        let (_, list) = sides.names(flow, side);
        if !is_list(there.schema)
            || there.path.when.is_some()
            || self.hands.cannot_edit(list, there.schema).is_some()
        {
            return None;
        }
        let name = format!("the other elements of {} of {list} stay (P9)", there.schema.path);
        let n = self.number();
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let of =
            |values: (Value, Value)| if side == Side::From { values } else { (values.1, values.0) };
        let found = self.paired_and_kept(flow, &row, sides, n);
        let found =
            found.and_then(|(script, values)| Ok((script, of(values), of(row.values(n + 5)?))));
        let (mut script, (edit, arrives), (_, extra)) = match found {
            Ok(found) => found,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        let before =
            added(&script, there.slot).and_then(|values| held(values, there.path)).cloned()?;
        script.push(Step::Edit {
            slot: there.slot,
            values: vec![(there.path.clone(), Val::Is(json!([before, extra.clone()])))],
        });
        script.push(Step::Run);
        script
            .push(Step::Edit { slot: here.slot, values: vec![(here.path.clone(), Val::Is(edit))] });
        script.push(Step::Run);
        script.push(see(Expect::Elements {
            slot: there.slot,
            path: there.path.clone(),
            values: vec![arrives, extra],
        }));
        Some(Trial::new(line, name, script))
    }
}
