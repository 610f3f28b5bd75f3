//! Trials of statements: when a record appears in the other system, and when it does not (C1, C3,
//! C5).

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Direction, Flow, PropertyPair, TypeName, Value};

use super::writer::{Sides, Writer, held, see, signs};
use crate::trial::{Expect, LineRef, Slot, Step, Trial, Val, Values};
use crate::values::Row;

impl Writer<'_> {
    pub(super) fn appearing(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let name =
            format!("a new record of {} appears in {}, complete and once", flow.from, flow.to);
        if let Some(why) = self.never_creates(flow) {
            return vec![Trial::not_tried(line, name, why)];
        }
        if let Some(why) = self.requires_what_nothing_gives(&flow.to) {
            return vec![Trial::impossible(line, name, why)];
        }
        let script = self.filled(flow).map(|(mut script, filled)| {
            script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: filled.from });
            // The second run: and it stays one.
            for _ in 0..2 {
                script.push(Step::Run);
                script.extend(appears(flow, &self.written(flow, &filled.to)));
            }
            script
        });
        vec![Trial::scripted(line, name, script)]
    }

    /// `create: both`: what is new on the second side appears on the first.
    pub(super) fn appearing_back(&mut self, line: LineRef, flow: &Flow) -> Trial {
        let name =
            format!("a new record of {} appears in {}, complete and once", flow.to, flow.from);
        let fails = |act: &str| self.hands.fails(&flow.from, act);
        let closed = self.hands.schema(&flow.from).is_some_and(|schema| !schema.can.create);
        let closed = closed
            .then(|| format!("records can't be created in {} through its interface", flow.from));
        if let Some(why) = closed
            .or_else(|| fails("create"))
            .or_else(|| fails("delete"))
            .or_else(|| self.hands.cannot_add(&flow.to))
        {
            return Trial::not_tried(line, name, why);
        }
        if let Some(why) = self.requires_what_nothing_gives(&flow.from) {
            return Trial::impossible(line, name, why);
        }
        let script = self.filled(flow).and_then(|(mut script, filled)| {
            let written = self.written_back(flow, &filled.to);
            if written.is_empty() && !flow.create_empty {
                return Err("no row gives it a value, so nothing is created (C3)".into());
            }
            script.push(Step::Add { slot: 0, ty: flow.to.clone(), values: filled.to });
            for _ in 0..2 {
                script.push(Step::Run);
                let once = once(&written);
                script.push(see(Expect::Appears { of: 0, to: 1, ty: flow.from.clone(), once }));
                script.extend(complete(1, &written));
            }
            Ok(script)
        });
        Trial::scripted(line, name, script)
    }

    /// What the flow's rows give a record of the first side that is created from these values.
    fn written_back(&self, flow: &Flow, values: &Values) -> Values {
        let made = |pair: &PropertyPair| {
            let sides = self.sides(flow, pair).ok()?;
            let is_owed = pair.direction != Direction::Forward
                && !sides.from_schema.read_only
                && self.marker(&flow.from, &sides.from).is_none()
                && self.only_fills(flow, &sides).is_none();
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            let value = held(values, &sides.to).filter(|_| is_owed)?;
            Some((sides.from.clone(), Val::Is(row.backward(value).ok()?)))
        };
        let mut written: Values = vec![];
        for (path, value) in self.united(flow).properties.iter().filter_map(made) {
            if written.iter().all(|(known, _)| *known != path) {
                written.push((path, value));
            }
        }
        written
    }

    pub(super) fn never_appearing(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let name =
            format!("a record of {} that matches none does not appear in {}", flow.from, flow.to);
        if let Some(why) =
            self.hands.cannot_add(&flow.from).or_else(|| self.created_otherwise(flow))
        {
            return vec![Trial::not_tried(line, name, why)];
        }
        let script = self.filled(flow).map(|(mut script, filled)| {
            script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: filled.from });
            script.push(Step::Run);
            script.push(see(Expect::Alone {
                slot: 0,
                ty: flow.to.clone(),
                signs: signs(&filled.to),
            }));
            script
        });
        vec![Trial::scripted(line, name, script)]
    }

    pub(super) fn merged_or_created(
        &mut self,
        line: LineRef,
        flow: &Flow,
        merges: bool,
        creates: bool,
    ) -> Vec<Trial> {
        let mut trials = Vec::new();
        if merges {
            let united = self.united(flow);
            let name = format!(
                "a record of {} that matches one of {} is merged with it",
                flow.from, flow.to
            );
            match united.matches.first() {
                None => trials.push(Trial::not_tried(
                    line,
                    name,
                    "nothing says what matches: there is no match row",
                )),
                Some(row) => {
                    let row = row.clone();
                    let mut found = self.match_row(line, united, &row);
                    found.truncate(1);
                    found.iter_mut().for_each(|trial| trial.name = name.clone());
                    trials.extend(found);
                }
            }
        }
        if creates {
            match self.creates_on_a_condition(flow) {
                Some(why) => trials.push(Trial::not_tried(
                    line,
                    "a record that matches none is created",
                    why,
                )),
                None => trials.extend(self.appearing(line, flow)),
            }
        }
        trials
    }

    /// Why a record need not be created though nothing matches it: another statement of the section
    /// says on what condition.
    pub(super) fn creates_on_a_condition(&self, flow: &Flow) -> Option<String> {
        let united = self.united(flow);
        match &united.create {
            Create::When { .. } if self.condition_of(united).is_none() => Some(
                "only where the condition holds, and nothing says how to tell: it is prose".into(),
            ),
            Create::ConnectedTo(_) => Some(
                "only once it is connected, as another statement says, where that is tried".into(),
            ),
            _ => None,
        }
    }

    /// Why nothing is ever created by the flow, where that follows from what is written.
    pub(super) fn never_creates(&self, flow: &Flow) -> Option<String> {
        let united = self.united(flow);
        if united.properties.is_empty() && !united.create_empty {
            return Some(
                "no property is synchronized, so nothing is created rather than empty records (C3)"
                    .into(),
            );
        }
        let schema = self.hands.schema(&flow.to)?;
        if !schema.can.create {
            return Some(format!("records can't be created in {} through its interface", flow.to));
        }
        let fails =
            self.hands.fails(&flow.to, "create").or_else(|| self.hands.fails(&flow.to, "delete"));
        fails.or_else(|| self.hands.cannot_add(&flow.from))
    }

    /// That other statements create a counterpart by way of other record types, whatever this one
    /// says.
    pub(super) fn created_otherwise(&self, flow: &Flow) -> Option<String> {
        let united = &self.united(flow).create;
        if *united != flow.create && !matches!(united, Create::Never) {
            return Some("another section on the same record types creates it".into());
        }
        let (mut reached, mut open) = (vec![&flow.from], vec![&flow.from]);
        while let Some(at) = open.pop() {
            let creates = |known: &&Flow| {
                known.from == *at
                    && !matches!(known.create, Create::Never)
                    && (known.from != flow.from || known.to != flow.to)
                    && !known.properties.is_empty()
            };
            for next in self.flows.iter().filter(creates) {
                if next.to == flow.to {
                    return Some(format!("other statements create it, by way of {at}"));
                }
                if !reached.contains(&&next.to) {
                    reached.push(&next.to);
                    open.push(&next.to);
                }
            }
        }
        None
    }

    /// What the flow's rows give a record that is created.
    pub(super) fn written(&self, flow: &Flow, values: &Values) -> Values {
        let rows: Vec<Sides> = self
            .united(flow)
            .properties
            .iter()
            .filter(|pair| pair.direction != Direction::Backward)
            .filter_map(|pair| self.sides(flow, pair).ok())
            .collect();
        let owed = |row: &Sides| !row.to_schema.read_only && self.not_owed(flow, row).is_none();
        values
            .iter()
            .filter(|(path, _)| rows.iter().any(|row| row.to == *path && owed(row)))
            .cloned()
            .collect()
    }

    pub(super) fn connected_to(&mut self, line: LineRef, flow: &Flow, c: &TypeName) -> Trial {
        let name = format!(
            "a record of {} appears in {} once it is connected to one of {c}, and not before",
            flow.from, flow.to
        );
        let otherwise = self.created_otherwise(flow);
        if let Some(why) =
            self.never_creates(flow).or_else(|| self.hands.cannot_add(c)).or(otherwise)
        {
            return Trial::not_tried(line, name, why);
        }
        if let Some(why) = self.requires_what_nothing_gives(&flow.to) {
            return Trial::impossible(line, name, why);
        }
        let (mut script, filled) = match self.filled(flow) {
            Ok(filled) => filled,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let (a_slot, b_slot) = (0, 1);
        script.push(Step::Add { slot: a_slot, ty: flow.from.clone(), values: filled.from });
        script.push(Step::Run);
        script.push(see(Expect::Alone {
            slot: a_slot,
            ty: flow.to.clone(),
            signs: signs(&filled.to),
        }));
        match self.connection(flow, c, a_slot, (2, 3)) {
            Ok(connection) => script.extend(connection),
            Err(why) => return Trial::not_tried(line, name, why),
        }
        let written = self.written(flow, &filled.to);
        script.push(see(Expect::Appears {
            of: a_slot,
            to: b_slot,
            ty: flow.to.clone(),
            once: once(&written),
        }));
        script.extend(complete(b_slot, &written));
        Trial::new(line, name, script)
    }
}

fn once(values: &Values) -> Vec<(PropertyRef, Value)> {
    signs(values)
}

pub(super) fn appears(flow: &Flow, written: &Values) -> Vec<Step> {
    let mut steps =
        vec![see(Expect::Appears { of: 0, to: 1, ty: flow.to.clone(), once: once(written) })];
    steps.extend(complete(1, written));
    steps
}

/// C1: a created record is complete.
fn complete(slot: Slot, written: &Values) -> Vec<Step> {
    let shows = |(path, value): &(PropertyRef, Val)| {
        see(Expect::Shows { slot, path: path.clone(), value: value.clone(), refusable: false })
    };
    written.iter().map(shows).collect()
}
