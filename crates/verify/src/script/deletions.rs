//! Trials of deletions (D1): they are not passed on, or are, or wait for a person, as the flow that
//! runs says; and an edit beats them.
//!
//! No document speaks of deletions, so the line stands beside those of the document, as “a run with
//! nothing to do” does.

use lockstep_model::flow::{Deletes, Extra, PropertyRef};
use lockstep_model::{Flow, Value};

use super::writer::{Side, Sides, Way, Writer, added, see, shows, signs};
use crate::trial::{Expect, LineRef, Slot, Step, Trial, Val};
use crate::values::Row;

impl Writer<'_> {
    /// The line, and its trials: a deletion on either side.
    pub(super) fn deleted(&mut self, line: LineRef, flow: &Flow) -> (String, Vec<Trial>) {
        let same = |known: &&Flow| known.from == flow.from && known.to == flow.to;
        let runs = self.runs.iter().find(same).unwrap_or(self.united(flow));
        let (deletes, extra) = (runs.deletes, runs.extra);
        let text = match deletes {
            Deletes::Ignore if extra == Extra::Delete => {
                "What the second has and the first does not is deleted; what is deleted in the second stays in the first."
            }
            Deletes::Ignore if extra == Extra::Review => {
                "What the second has and the first does not waits for a person; what is deleted in the second stays in the first."
            }
            Deletes::Ignore => {
                "What is deleted on one side stays on the other, and is not created anew."
            }
            Deletes::Propagate => {
                "What is deleted on one side is deleted on the other, unless it was edited there."
            }
            Deletes::Review => "What is deleted on one side waits for a person on the other.",
        };
        let mut trials = Vec::new();
        for side in [Side::From, Side::To] {
            // What has lost its counterpart is extra, where nothing else is said of it.
            let follows = match (side, deletes, extra) {
                (Side::From, Deletes::Ignore, Extra::Delete) => Deletes::Propagate,
                (Side::From, Deletes::Ignore, Extra::Review) => Deletes::Review,
                _ => deletes,
            };
            trials.push(self.deletion_on(line, flow, side, follows));
            if deletes != Deletes::Ignore {
                trials.push(self.edit_beats(line, flow, side));
            }
        }
        if extra != Extra::Ignore {
            trials.push(self.extra(line, flow, extra));
        }
        (text.into(), trials)
    }

    /// D1: a record that the source does not have.
    fn extra(&mut self, line: LineRef, flow: &Flow, extra: Extra) -> Trial {
        let (from, to) = (&flow.from, &flow.to);
        let deletes = extra == Extra::Delete;
        let then = if deletes { "is deleted" } else { "waits for a person" };
        let name = format!("what {from} does not have {then} in {to} (D1)");
        if let Some(why) = self.hands.cannot_add(to) {
            return Trial::not_tried(line, name, why);
        }
        let script = self.filled(flow).map(|(mut script, filled)| {
            script.push(Step::Add { slot: 0, ty: to.clone(), values: filled.to });
            script.push(Step::Run);
            script.push(see(Expect::There { slot: 0, there: !deletes }));
            if !deletes {
                script.push(see(Expect::Review { slots: vec![0] }));
            }
            script
        });
        Trial::scripted(line, name, script)
    }

    fn deletion_on(&mut self, line: LineRef, flow: &Flow, side: Side, deletes: Deletes) -> Trial {
        let (here, there) =
            if side == Side::From { (&flow.from, &flow.to) } else { (&flow.to, &flow.from) };
        let (gone, other): (Slot, Slot) = if side == Side::From { (0, 1) } else { (1, 0) };
        let name = match deletes {
            Deletes::Ignore => {
                format!("deleted in {here}, it stays in {there} and is not created anew (D1)")
            }
            Deletes::Propagate => format!("deleted in {here}, it is deleted in {there} (D1)"),
            Deletes::Review => format!("deleted in {here}, it waits for a person in {there} (D1)"),
        };
        if let Some(why) = self.hands.cannot_remove(here) {
            return Trial::not_tried(line, name, why);
        }
        if deletes != Deletes::Ignore
            && self.hands.schema(there).is_some_and(|schema| !schema.can.delete)
        {
            return Trial::not_tried(
                line,
                name,
                format!("records of {there} can't be deleted through its interface, so they stay"),
            );
        }
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let told = added(&script, gone).map(signs).unwrap_or_default();
        script.push(Step::Remember { slot: other });
        script.push(Step::Delete { slot: gone });
        script.push(Step::Run);
        match deletes {
            Deletes::Propagate => script.push(see(Expect::There { slot: other, there: false })),
            Deletes::Review => {
                script.push(see(Expect::There { slot: other, there: true }));
                script.push(see(Expect::Review { slots: vec![other] }));
            }
            Deletes::Ignore => {
                script.push(see(Expect::There { slot: other, there: true }));
                script.push(see(Expect::Same { slot: other, but: vec![] }));
                script.push(Step::Run);
                script.push(see(Expect::There { slot: gone, there: false }));
                // Derived values would be found in records that have nothing to do with it; the
                // first sign tells enough.
                if let Some((path, value)) = told.into_iter().next() {
                    script.push(see(Expect::Count { ty: here.clone(), path, value, count: 0 }));
                }
            }
        }
        Trial::new(line, name, script)
    }

    /// D1: an edit beats a deletion.
    fn edit_beats(&mut self, line: LineRef, flow: &Flow, side: Side) -> Trial {
        let (here, there) =
            if side == Side::From { (&flow.from, &flow.to) } else { (&flow.to, &flow.from) };
        let (gone, other): (Slot, Slot) = if side == Side::From { (0, 1) } else { (1, 0) };
        let name = format!("deleted in {here}, it stays in {there} where it was edited there (D1)");
        if let Some(why) = self.hands.cannot_remove(here) {
            return Trial::not_tried(line, name, why);
        }
        let n = self.number();
        let edit = self.united(flow).properties.iter().find_map(|pair| {
            let sides: Sides = self.sides(flow, pair).ok()?;
            let back = if side == Side::From { Side::To } else { Side::From };
            let (end, _) = sides.ways(back);
            let plain = end.schema.reference.is_none()
                && self.hands.cannot_edit(there, end.schema).is_none();
            let open = matches!(self.way(flow, pair, &sides, back), Way::Open);
            let (from, to) =
                Row { pair, from: &sides.from_schema, to: &sides.to_schema }.values(n).ok()?;
            let edit: (PropertyRef, Value) =
                (end.path.clone(), if side == Side::From { to } else { from });
            (plain && open).then_some(edit)
        });
        let Some((path, value)) = edit else {
            return Trial::not_tried(line, name, format!("no row carries an edit of {there}"));
        };
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        script
            .push(Step::Edit { slot: other, values: vec![(path.clone(), Val::Is(value.clone()))] });
        script.push(Step::Delete { slot: gone });
        script.push(Step::Run);
        script.push(see(Expect::There { slot: other, there: true }));
        script.push(shows(other, &path, value));
        Trial::new(line, name, script)
    }
}
