//! Trials of what is overwritten, and of what never is: the journal keeps every value that gave way
//! (P7), and what can only be read is never written (P10).

use lockstep_model::{Flow, PropertyPair};

use super::writer::{Side, Sides, Writer, added, held, see, shows};
use crate::trial::{Expect, LineRef, Step, Trial, Val};
use crate::values::Row;

impl Writer<'_> {
    /// P7: the value that an edit elsewhere has overwritten stands in the journal.
    pub(super) fn overwritten(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
        side: Side,
    ) -> Option<Trial> {
        let (here, there) = sides.ways(side);
        let name = format!(
            "what is overwritten in {} stands in the journal (P7)",
            sides.names(flow, side).1
        );
        let n = self.number();
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let (mut script, (from, to)) = match self.paired_and_kept(flow, &row, sides, n) {
            Ok(found) => found,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        let (edit, arrives) = if side == Side::From {
            (from, to)
        } else {
            (row.backward(&to).ok().map(|_| to.clone())?, row.backward(&to).ok()?)
        };
        // What the record shows before is what the pair was made with.
        let other = if side == Side::From { 1 } else { 0 };
        let before = added(&script, other).and_then(|values| held(values, there.path)).cloned()?;
        if before == arrives {
            let why = format!("each value comes to the same in {}", there.schema.path);
            return Some(Trial::not_tried(line, name, why));
        }
        script
            .push(Step::Edit { slot: here.slot, values: vec![(here.path.clone(), Val::Is(edit))] });
        script.push(Step::Run);
        script.push(shows(there.slot, there.path, arrives));
        script.push(see(Expect::InJournal {
            slot: there.slot,
            path: there.path.clone(),
            value: before,
        }));
        Some(Trial::new(line, name, script))
    }

    /// P10: what can only be read stays as it is.
    pub(super) fn only_read(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
        side: Side,
    ) -> Option<Trial> {
        let (here, there) = sides.ways(side);
        let (edited, kept) = sides.names(flow, side);
        if !there.schema.read_only || self.hands.cannot_edit(edited, here.schema).is_some() {
            return None;
        }
        let name = format!(
            "an edit in {edited} is not written to {} of {kept}, which can only be read (P10)",
            there.schema.path
        );
        let n = self.number();
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let script = self.paired_and_kept(flow, &row, sides, n).map(|(mut script, (from, to))| {
            let edit = if side == Side::From { from } else { to };
            script.push(Step::Edit {
                slot: here.slot,
                values: vec![(here.path.clone(), Val::Is(edit.clone()))],
            });
            script.push(Step::Run);
            // What it shows may have changed all the same, where the system takes it from
            // elsewhere.
            script.push(see(Expect::NotWritten { slot: there.slot, path: there.path.clone() }));
            script.push(shows(here.slot, here.path, edit));
            script.push(see(Expect::Quiet { slots: vec![0, 1] }));
            script
        });
        Some(Trial::scripted(line, name, script))
    }
}
