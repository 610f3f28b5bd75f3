//! Trials of links once made: a link stays (L4), it carries what rows name and nothing else, and at
//! linking a value beats an empty one (P2).

use lockstep_model::{Flow, PlainType, PropertyPair, TypeName, Value};

use super::writer::{Side, Sides, Writer, held, plain, see, shows};
use crate::trial::{Expect, LineRef, Slot, Step, Trial, Val, Values};
use crate::values::{Row, value};
use lockstep_model::flow::PropertyRef;

impl Writer<'_> {
    /// L4: a link stays when what matched differs later. For a match row whose properties no row
    /// keeps equal: those would follow.
    pub(super) fn link_stays(&mut self, line: LineRef, flow: &Flow) -> Option<Trial> {
        let united = self.united(flow);
        let kept = self.rows_between(flow);
        let row = united.matches.iter().find(|row| {
            row.pairs.iter().all(|(from, to)| {
                let sides = self.sides(flow, &plain(from, to));
                sides.is_ok_and(|sides| {
                    !kept.iter().any(|row| row.from == sides.from || row.to == sides.to)
                        && sides.from_schema.reference.is_none()
                        && sides.to_schema.reference.is_none()
                })
            })
        })?;
        let pairs: Vec<PropertyPair> = row.pairs.iter().map(|(from, to)| plain(from, to)).collect();
        let sides: Vec<Sides> =
            pairs.iter().filter_map(|pair| self.sides(flow, pair).ok()).collect();
        let (slot, end) = [(0, Side::From, &flow.from), (1, Side::To, &flow.to)]
            .into_iter()
            .find_map(|(slot, side, ty)| {
                let end = sides
                    .iter()
                    .map(|sides| sides.ways(side).0)
                    .find(|end| self.hands.cannot_edit(ty, end.schema).is_none())?;
                Some((slot, end))
            })?;
        let apart = !self.joined_otherwise(flow);
        let also = if apart { ", and nothing that no row names is carried over" } else { "" };
        let name = format!("the link stays when what matched differs later (L4){also}");
        if let Some(why) = self.hands.cannot_add(&flow.from).or(self.hands.cannot_add(&flow.to)) {
            return Some(Trial::not_tried(line, name, why));
        }
        let n = self.number();
        let other = value(end.schema.ty, end.schema, None, n);
        let path = end.path.clone();
        // Whichever rule links them: that is for the match rows to show.
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        script.push(Step::Remember { slot: 1 - slot });
        script.push(Step::Edit { slot, values: vec![(path.clone(), Val::Is(other.clone()))] });
        script.push(Step::Run);
        script.push(see(Expect::Linked { a: 0, b: 1 }));
        if apart {
            script.push(see(Expect::Same { slot: 1 - slot, but: vec![] }));
        }
        script.push(shows(slot, &path, other));
        Some(Trial::new(line, name, script))
    }

    /// A table without rows: an edit of a linked record arrives nowhere.
    pub(super) fn nothing_is_carried(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let name = "the table is empty";
        if !self.united(flow).properties.is_empty() || !self.rows_between(flow).is_empty() {
            let why =
                "the table is empty; the rows of these two record types stand in another section";
            return vec![Trial::not_tried(line, name, why)];
        }
        if self.joined_otherwise(flow) {
            let why = "the table is empty; what the two hold may come to each other by way of other record types, as the other documents say";
            return vec![Trial::not_tried(line, name, why)];
        }
        let mut trials = Vec::new();
        for (slot, here, there) in [(0, &flow.from, &flow.to), (1, &flow.to, &flow.from)] {
            let name = format!("the table is empty: an edit in {here} changes nothing in {there}");
            let n = self.number();
            let Some((path, edit)) = self.some_edit(here, n) else {
                trials.push(Trial::not_tried(
                    line,
                    name,
                    format!("the table is empty, and no property of {here} is known"),
                ));
                continue;
            };
            match self.paired(flow, 0, 1) {
                Err(why) => trials.push(Trial::not_tried(
                    line,
                    name,
                    format!("the table is empty, and {why}"),
                )),
                Ok(mut script) => {
                    let other: Slot = 1 - slot;
                    script.push(Step::Remember { slot: other });
                    script.push(Step::Edit {
                        slot,
                        values: vec![(path.clone(), Val::Is(edit.clone()))],
                    });
                    script.push(Step::Run);
                    script.push(see(Expect::There { slot: other, there: true }));
                    script.push(see(Expect::Same { slot: other, but: vec![] }));
                    script.push(shows(slot, &path, edit));
                    trials.push(Trial::new(line, name, script));
                }
            }
        }
        trials
    }

    /// Whether rows of other flows lead from the one record type to the other: where nothing is
    /// paired directly, values travel on (P0).
    fn joined_otherwise(&self, flow: &Flow) -> bool {
        let between = |known: &Flow| {
            [&known.from, &known.to].iter().all(|ty| **ty == flow.from || **ty == flow.to)
        };
        let rows: Vec<&Flow> = self
            .flows
            .iter()
            .filter(|known| !known.properties.is_empty() && !between(known))
            .collect();
        let (mut seen, mut open) = (vec![&flow.from], vec![&flow.from]);
        while let Some(at) = open.pop() {
            for known in rows.iter().filter(|known| known.from == *at || known.to == *at) {
                let next = if known.from == *at { &known.to } else { &known.from };
                if *next == flow.to {
                    return true;
                }
                if !seen.contains(&next) {
                    seen.push(next);
                    open.push(next);
                }
            }
        }
        false
    }

    /// An edit of a property that a person can write; best of one that has a name as people have.
    fn some_edit(&self, ty: &TypeName, n: u64) -> Option<(PropertyRef, Value)> {
        let schema = self.hands.schema(ty)?;
        let fits = |property: &&lockstep_model::PropertySchema| {
            let plain = !property.list
                && property.value.is_none()
                && property.derived_from.is_none()
                && property.reference.is_none();
            plain
                && property.ty == PlainType::String
                && self.hands.cannot_edit(ty, property).is_none()
        };
        let named = |property: &&lockstep_model::PropertySchema| {
            property.path.as_str().to_lowercase().contains("name")
        };
        let mut all = schema.properties.iter().filter(fits);
        let property = all.clone().find(named).or_else(|| all.next())?;
        let (path, described) =
            self.hands.property(ty, &PropertyRef::new(property.path.clone()))?;
        Some((path, value(described.ty, &described, None, n)))
    }

    /// P2: where the one side's value can't be edited, it arrives at least when the two are linked
    /// for the first time.
    pub(super) fn at_linking(
        &mut self,
        line: LineRef,
        flow: &Flow,
        sides: &Sides,
        side: Side,
        pair: &PropertyPair,
    ) -> Option<Trial> {
        let (here, there) = sides.ways(side);
        let (from, to) = sides.names(flow, side);
        if self.creates(flow) || there.schema.required {
            return None;
        }
        let name = format!("linked for the first time, the value in {from} comes to {to} (P2)");
        let (mut script, filled) = self.filled(flow).ok()?;
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let (mine, theirs, ty, other_ty) = match side {
            Side::From => (filled.from, filled.to, &flow.from, &flow.to),
            Side::To => (filled.to, filled.from, &flow.to, &flow.from),
        };
        let value = held(&mine, here.path)?.clone();
        let arrives =
            if side == Side::From { row.forward(&value) } else { row.backward(&value) }.ok()?;
        // The other record holds nothing by which the two could be matched, nor what the row is
        // about.
        let required = |path: &PropertyRef| {
            self.hands.property(other_ty, path).is_some_and(|(_, schema)| schema.required)
                || crate::practice::required_in_practice(
                    self.hands.kind_of(&other_ty.system),
                    &other_ty.kind,
                )
                .contains(&path.path.as_str())
        };
        let bare: Values =
            theirs.into_iter().filter(|(path, _)| required(path) && path != there.path).collect();
        script.push(Step::Add { slot: there.slot, ty: other_ty.clone(), values: bare });
        script.push(Step::Add { slot: here.slot, ty: ty.clone(), values: mine });
        script.push(Step::Run);
        script.push(see(Expect::Apart { a: 0, b: 1 }));
        script.push(Step::Link { a: 0, b: 1 });
        script.push(Step::Run);
        script.push(shows(there.slot, there.path, arrives));
        Some(Trial::new(line, name, script))
    }
}
