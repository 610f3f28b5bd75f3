//! Trials of a row of a property table: an edit arrives, a clearing does, both sides may be edited
//! at once, and what the other type can't hold waits for a person.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Conversion, Flow, PlainType, PropertyPair, TypeName, Value};

use super::writer::{Side, Sides, Way, Writer, added, held, see, shows};
use crate::trial::{Expect, LineRef, Step, Trial, Val};
use crate::values::Row;

impl Writer<'_> {
    pub(super) fn plain_row(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
    ) -> Vec<Trial> {
        let mut trials = Vec::new();
        let (mut open, mut editable) = ([false; 2], [false; 2]);
        for (at, side) in [Side::From, Side::To].into_iter().enumerate() {
            let (here, there) = sides.names(flow, side);
            let name = format!("an edit in {here} arrives in {there}");
            match self.way(flow, pair, sides, side) {
                Way::Open => {}
                Way::Unsaid => continue,
                Way::Closed(why) => {
                    trials.push(Trial::not_tried(line, name, why));
                    trials.extend(self.only_read(line, flow, pair, sides, side));
                    continue;
                }
            }
            open[at] = true;
            let source = if side == Side::From { &sides.from_schema } else { &sides.to_schema };
            if let Some(why) = self.hands.cannot_edit(here, source) {
                trials.push(Trial::not_tried(
                    line,
                    name,
                    format!("a tester can't make the edit: {why}"),
                ));
                trials.extend(self.at_linking(line, flow, sides, side, pair));
                continue;
            }
            editable[at] = true;
            trials.push(self.edited(line, name, flow, pair, sides, side, false));
            trials.extend(self.other_elements(line, flow, pair, sides, side));
            if pair.clears {
                let name = format!("emptied in {here}, it is emptied in {there}");
                match sides.required() {
                    Some(why) => trials.push(Trial::not_tried(line, name, why)),
                    None => trials.push(self.edited(line, name, flow, pair, sides, side, true)),
                }
            }
        }
        // Of yes and no, or of a few values, one of two edits may be none.
        let listed =
            pair.conversion.as_ref().is_some_and(|conversion| !conversion.samples().is_empty());
        let few = listed
            || [&sides.from_schema, &sides.to_schema]
                .iter()
                .any(|property| property.ty == PlainType::Boolean);
        let both = open == [true, true] && editable == [true, true];
        if both && (pair.each || !few) {
            trials.push(self.both_edited(line, flow, pair, sides));
        }
        if open[0] && editable[0] {
            trials.extend(self.unheld(line, flow, pair, sides));
        }
        let either = [Side::From, Side::To]
            .into_iter()
            .enumerate()
            .find(|(at, _)| open[*at] && editable[*at]);
        if let Some((_, side)) = either.filter(|_| !pair.each) {
            trials.extend(self.overwritten(line, flow, pair, sides, side));
        }
        if both {
            trials.extend(self.moves_together(line, flow, pair, sides));
        }
        trials.extend(self.by_policy(line, flow, pair, sides));
        trials
    }

    /// P1e: of two edits of a group, each of another property of it, the later one carries the
    /// whole group. Tried once for a group, at its first row.
    fn moves_together(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
    ) -> Option<Trial> {
        let group = pair.group.as_ref()?;
        let rows: Vec<&PropertyPair> =
            flow.properties.iter().filter(|row| row.group.as_ref() == Some(group)).collect();
        let (first, other) = (*rows.first()?, *rows.get(1)?);
        if (&first.from, &first.to) != (&pair.from, &pair.to) {
            return None;
        }
        let name = format!("a later edit in {} carries the whole of `{group}`", flow.to);
        let theirs = self.sides(flow, other).ok()?;
        let mine = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let row = Row { pair: other, from: &theirs.from_schema, to: &theirs.to_schema };
        if self.hands.cannot_edit(&flow.to, &theirs.to_schema).is_some()
            || theirs.to_schema.read_only
        {
            return None;
        }
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        let (one, two) = (self.number(), self.number());
        let values = self.kept_values(flow, &mine, sides, &script, one, None);
        let later = self.kept_values(flow, &row, &theirs, &script, two, None);
        let (Ok((edit, _)), Ok((_, later))) = (values, later) else {
            return Some(Trial::not_tried(line, name, "no values could be found to try it with"));
        };
        let Ok(arrives) = row.backward(&later) else { return None };
        script.extend([Step::Remember { slot: 0 }, Step::Remember { slot: 1 }]);
        script.push(Step::Edit { slot: 0, values: vec![(sides.from.clone(), Val::Is(edit))] });
        script.push(Step::Later);
        script.push(Step::Edit { slot: 1, values: vec![(theirs.to.clone(), Val::Is(later))] });
        script.push(Step::Run);
        script.push(shows(0, &theirs.from, arrives));
        script.push(see(Expect::Same { slot: 0, but: vec![theirs.from.clone()] }));
        script.push(see(Expect::Same { slot: 1, but: vec![theirs.to.clone()] }));
        Some(Trial::new(line, name, script))
    }

    /// A linked pair, then an edit (or a clearing) on one side.
    #[allow(clippy::too_many_arguments)]
    fn edited(
        &mut self,
        line: LineRef,
        name: String,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
        side: Side,
        clears: bool,
    ) -> Trial {
        if side == Side::To
            && let Some(why) = self.is_a_part(flow, pair)
        {
            return Trial::not_tried(line, name, why);
        }
        let n = self.number();
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let (from, to) = match (clears, self.kept_values(flow, &row, sides, &script, n, None)) {
            (true, _) if side == Side::To && row.default().is_some() => {
                return Trial::not_tried(
                    line,
                    name,
                    "what is emptied is filled again: the conversion makes something of nothing",
                );
            }
            (true, _) => {
                let nothing = Value::Null;
                if let Some(why) = self.falls_out(
                    flow,
                    &script,
                    &[(0, &sides.from, &nothing), (1, &sides.to, &nothing)],
                ) {
                    return Trial::not_tried(line, name, why);
                }
                (Value::Null, row.default().unwrap_or_default())
            }
            (false, Ok(values)) => values,
            (false, Err(why)) => {
                return Trial::not_tried(
                    line,
                    name,
                    format!("no value could be found to try it with: {why}"),
                );
            }
        };
        let (slot, path, edit, other, other_path, expected) = match side {
            Side::From => (0, &sides.from, from, 1, &sides.to, to),
            Side::To => {
                let back = if clears { Ok(Value::Null) } else { row.backward(&to) };
                match back {
                    Ok(back) => (1, &sides.to, to, 0, &sides.from, back),
                    Err(why) => return Trial::not_tried(line, name, why),
                }
            }
        };
        script.extend([Step::Remember { slot }, Step::Remember { slot: other }]);
        script.push(Step::Edit { slot, values: vec![(path.clone(), Val::Is(edit.clone()))] });
        script.push(Step::Run);
        script.push(see(Expect::Shows {
            slot: other,
            path: other_path.clone(),
            value: Val::Is(expected.clone()),
            refusable: clears,
        }));
        script.push(shows(slot, path, edit));
        // P10: written where it comes from, a derived property shows it too.
        let derived = match side {
            Side::From => self.derived(&flow.to, &pair.to),
            Side::To => self.derived(&flow.from, &pair.from),
        };
        if let (Some(derived), false) = (derived, clears) {
            script.push(shows(other, &derived, expected));
        }
        // What other rows pair with these two may follow.
        let (from_too, to_too) = self.beside(flow, sides);
        script.push(see(Expect::Same { slot: 0, but: from_too }));
        script.push(see(Expect::Same { slot: 1, but: to_too }));
        Trial::new(line, name, script)
    }

    /// P1d: why an edit of the target can't be foretold from the row alone: it is one of several
    /// parts of a whole, of which an edit of one makes the whole anew from all.
    fn is_a_part(&self, flow: &Flow, pair: &PropertyPair) -> Option<String> {
        let computed =
            |pair: &PropertyPair| matches!(pair.conversion, Some(Conversion::Computed(_)));
        let others = self
            .united(flow)
            .properties
            .iter()
            .filter(|other| other.from == pair.from && other.to != pair.to);
        let is_part = others.into_iter().any(|other| computed(other) || computed(pair));
        is_part
            .then(|| format!("{} stands in several properties, as parts: an edit of one makes it anew from all (P1d)", pair.from))
    }

    /// The property as the row names it, where the system derives it from another one.
    fn derived(&self, ty: &TypeName, named: &PropertyRef) -> Option<PropertyRef> {
        let own = self.hands.schema(ty)?.property(&named.path)?;
        own.derived_from.is_some().then(|| PropertyRef::new(named.path.clone()))
    }

    /// The properties of both sides that are connected with this row's by any rows.
    fn beside(&self, flow: &Flow, sides: &Sides) -> (Vec<PropertyRef>, Vec<PropertyRef>) {
        let (mut from, mut to) = (vec![sides.from.clone()], vec![sides.to.clone()]);
        let rows = self.rows_between(flow);
        // One place of a record under two names: with a condition on the record and without one, or
        // with two.
        let ends =
            rows.iter().flat_map(|row| [(&row.from, &row.from_schema), (&row.to, &row.to_schema)]);
        let listed: Vec<PropertyRef> =
            ends.filter(|(_, schema)| schema.list).map(|(path, _)| path.clone()).collect();
        let known: Vec<(PropertyRef, PropertyRef)> =
            rows.into_iter().map(|row| (row.from, row.to)).collect();
        let is_one = |a: &PropertyRef, b: &PropertyRef| {
            a == b
                || a.path == b.path && (!listed.contains(a) || a.when.is_none() || b.when.is_none())
        };
        loop {
            let before = from.len() + to.len();
            for row in &known {
                if from.iter().any(|one| is_one(one, &row.0))
                    || to.iter().any(|one| is_one(one, &row.1))
                {
                    if !from.contains(&row.0) {
                        from.push(row.0.clone());
                    }
                    if !to.contains(&row.1) {
                        to.push(row.1.clone());
                    }
                }
            }
            if from.len() + to.len() == before {
                return (from, to);
            }
        }
    }

    fn both_edited(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
    ) -> Trial {
        if pair.each {
            return self.elements_merge(line, flow, pair, sides);
        }
        let name = format!("edited in {} and in {}, both end equal", flow.from, flow.to);
        if let Some(why) = self.is_a_part(flow, pair) {
            return Trial::not_tried(line, name, why);
        }
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let (one, two) = (self.number(), self.number());
        let (mut script, first) = match self.paired_and_kept(flow, &row, sides, one) {
            Ok(found) => found,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let later = match self.kept_values(flow, &row, sides, &script, two + 1, Some(&first)) {
            Ok(later) if first.0 == later.0 || first.1 == later.1 => {
                return Trial::not_tried(line, name, "no two values could be found to try it with");
            }
            Ok(later) => later,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let Ok(back) = row.backward(&later.1) else {
            return Trial::not_tried(line, name, "there is no way back for the value");
        };
        script.push(Step::Edit {
            slot: 0,
            values: vec![(sides.from.clone(), Val::Is(first.0.clone()))],
        });
        script.push(Step::Later);
        script.push(Step::Edit {
            slot: 1,
            values: vec![(sides.to.clone(), Val::Is(later.1.clone()))],
        });
        script.push(Step::Run);
        let (first, later) = (Box::new(first), Box::new((back, later.1)));
        let (a_path, b_path) = (sides.from.clone(), sides.to.clone());
        let (one, other) = ((a_path.clone(), first.clone()), (b_path.clone(), later.clone()));
        script.push(see(Expect::OneWins {
            a: 0,
            a_path: one.0,
            b: 1,
            b_path: other.0,
            first: one.1,
            later: other.1,
        }));
        script.push(see(Expect::LoserInJournal { a: 0, a_path, b: 1, b_path, first, later }));
        Trial::new(line, name, script)
    }

    fn unheld(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
    ) -> Option<Trial> {
        let n = self.number();
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let odd = row.unholdable(n)?;
        let name = format!("what {} of {} can't hold waits for a person", sides.to.path, flow.to);
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        if let Some(why) = self.falls_out(flow, &script, &[(0, &sides.from, &odd)]) {
            return Some(Trial::not_tried(line, name, why));
        }
        script.push(Step::Remember { slot: 1 });
        script.push(Step::Edit { slot: 0, values: vec![(sides.from.clone(), Val::Is(odd))] });
        script.push(Step::Run);
        script.push(see(Expect::Same { slot: 1, but: vec![] }));
        script.push(see(Expect::Review { slots: vec![0, 1] }));
        Some(Trial::new(line, name, script))
    }
}

/// Times are a minute apart from one number to the next; a day is this many numbers.
const A_DAY: u64 = 1_441;

/// Values that the records of the pair do not hold yet, nor these: of yes and no, the other; of
/// moments that only their day is kept of, another day's.
pub(super) fn other_values(
    row: &Row<'_>,
    n: u64,
    script: &[Step],
    sides: &Sides,
    nor: Option<&(Value, Value)>,
) -> Result<(Value, Value), String> {
    let holds = |slot, path| added(script, slot).and_then(|values| held(values, path));
    let known = [
        (holds(0, &sides.from), holds(1, &sides.to)),
        (nor.map(|nor| &nor.0), nor.map(|nor| &nor.1)),
    ];
    let is_known = |values: &(Value, Value)| {
        known.iter().any(|known| known.0 == Some(&values.0) || known.1 == Some(&values.1))
    };
    let first = row.values(n)?;
    if !is_known(&first) {
        return Ok(first);
    }
    let others = [1, A_DAY, 2 * A_DAY].into_iter().filter_map(|more| row.values(n + more).ok());
    Ok(others.into_iter().find(|values| !is_known(values)).unwrap_or(first))
}
