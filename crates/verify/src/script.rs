//! From the statements and rows of a document to the trials that would convince a tester.
//!
//! What a document says is taken from its checked flows; what the systems can do, from their schemas. What follows from the two without a
//! trial (a property that can only be read, a row whose types do not fit) is said instead of tried.

use std::collections::HashMap;

use lockstep_config::convertible;
use lockstep_model::flow::PropertyRef;
use lockstep_model::value::is_empty;
use lockstep_model::{Create, Direction, Flow, MatchRow, PlainType, PropertyPair, PropertySchema, TypeName, Value};

use crate::checklist::Tester;
use crate::hands::Hands;
use crate::practice::{referable, required_in_practice, unique};
use crate::trial::{Expect, LineRef, Slot, Step, Trial, Val, Values};
use crate::values::{MARK, Row, near, value};

/// So many numbers are kept for the values of one trial.
const NUMBERS: u64 = 64;
/// The first slot of records that are only there to be referred to.
const HELPERS: Slot = 10;

/// Writes trials. One for all documents, so that no two trials use the same values.
pub struct Writer<'a> {
    pub hands: &'a Hands,
    /// All flows that the documents state, each two record types once in each direction.
    pub flows: &'a [Flow],
    next: u64,
}

/// Values for both records of a linked pair.
struct Filled {
    from: Values,
    to: Values,
}

/// What has to be there before a record can be added, and what then goes into it.
type Needs = (Vec<Step>, Values);

/// A side of a flow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    From,
    To,
}

/// What keeps a value from going one way.
enum Way {
    Open,
    /// The document does not say that it goes this way.
    Unsaid,
    Closed(String),
}

impl<'a> Writer<'a> {
    /// A writer of trials for these flows.
    pub fn new(hands: &'a Hands, flows: &'a [Flow], seed: u64) -> Self {
        Writer { hands, flows, next: seed }
    }

    fn number(&mut self) -> u64 {
        self.next += NUMBERS;
        self.next
    }

    fn united(&self, flow: &Flow) -> &'a Flow {
        let same = |known: &&Flow| known.from == flow.from && known.to == flow.to;
        self.flows.iter().find(same).expect("every section is part of a united flow")
    }

    /// A row with what is known of its properties; `Err` says what is not there.
    fn sides(&self, flow: &Flow, pair: &PropertyPair) -> Result<Sides, String> {
        let find = |ty: &TypeName, named: &PropertyRef| {
            self.hands.property(ty, named).ok_or_else(|| format!("{ty} has no property {}", named.path))
        };
        let ((from, from_schema), (to, to_schema)) = (find(&flow.from, &pair.from)?, find(&flow.to, &pair.to)?);
        convertible(Some(&from_schema), Some(&to_schema), pair.conversion.as_ref())
            .map_err(|why| format!("the row is not kept. {why}"))?;
        Ok(Sides { from, from_schema, to, to_schema })
    }

    /// Values for a pair of records that are linked by this flow and hold the same, and what has to be there before. References only where
    /// a record can't be without.
    fn filled(&mut self, flow: &Flow) -> (Vec<Step>, Filled) {
        let n = self.number();
        let united = self.united(flow);
        let mut filled = Filled { from: vec![], to: vec![] };
        // Properties that rows connect hold one value, whichever rows that are.
        let mut numbers: HashMap<(bool, PropertyRef), u64> = HashMap::new();
        let mut next = n;
        let matches = united.matches.iter().flat_map(|row| &row.pairs).map(|(from, to)| plain(from, to));
        let rows: Vec<PropertyPair> = united.properties.iter().cloned().chain(matches).collect();
        for pair in &rows {
            let Ok(sides) = self.sides(flow, pair) else { continue };
            if sides.from_schema.reference.is_some() || sides.to_schema.reference.is_some() {
                continue;
            }
            let (a, b) = ((false, sides.from.clone()), (true, sides.to.clone()));
            let number = numbers.get(&a).or(numbers.get(&b)).copied().unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            let Ok((from, to)) = row.values(number) else { continue };
            if numbers.insert(a, number).is_none() {
                filled.from.push((sides.from.clone(), Val::Is(from)));
            }
            if numbers.insert(b, number).is_none() {
                filled.to.push((sides.to.clone(), Val::Is(to)));
            }
        }
        let mut steps = Vec::new();
        for (ty, values, helpers) in [(&flow.from, &mut filled.from, HELPERS), (&flow.to, &mut filled.to, HELPERS + 5)] {
            let (more, needed) = self.needs(ty, values, next + 1, helpers);
            next += 5;
            steps.extend(more);
            values.extend(needed);
            self.leave_out(ty, values);
        }
        (steps, filled)
    }

    /// What the interface does not let be written and no person could write there either.
    fn leave_out(&self, ty: &TypeName, values: &mut Values) {
        let add = self.hands.schema(ty).is_some_and(|schema| schema.can.create);
        values.retain(|(path, _)| {
            let property = self.hands.property(ty, path).map(|(_, property)| property);
            property.is_some_and(|property| !property.read_only || (!add && self.hands.emulated_as(&ty.system).is_some()))
        });
    }

    /// What a record of this type requires beyond these values.
    fn needs(&self, ty: &TypeName, values: &Values, n: u64, helper: Slot) -> Needs {
        let (mut steps, mut needed) = (Vec::new(), Vec::new());
        let Some(schema) = self.hands.schema(ty) else { return (steps, needed) };
        let required = schema.properties.iter().filter(|property| property.required && !property.read_only);
        let also = required_in_practice(self.hands.emulated_as(&ty.system), &ty.kind);
        let also = also.iter().filter_map(|path| schema.property(&(*path).into()));
        let there = |path: &lockstep_model::Path| values.iter().any(|(known, _)| known.path == *path);
        for (k, property) in required.chain(also).enumerate() {
            let Some((path, described)) = self.hands.property(ty, &PropertyRef::new(property.path.clone())) else { continue };
            if there(&path.path) {
                continue;
            }
            let Some(to) = &described.reference else {
                needed.push((path, Val::Is(value(described.ty, &described, None, n + k as u64))));
                continue;
            };
            let to = TypeName::new(&ty.system, to);
            let slot = helper + k;
            let (more, fields) = match helper < HELPERS + 20 {
                true => self.needs(&to, &vec![], n + 40 + k as u64, helper + 10),
                false => (vec![], vec![]),
            };
            steps.extend(more);
            steps.push(Step::Add { slot, ty: to, values: fields });
            needed.push((path, Val::IdOf(slot)));
        }
        (steps, needed)
    }

    /// Steps after which slot `a` and slot `b` hold a pair of records linked by the flow, with the same values.
    fn paired(&mut self, flow: &Flow, a: Slot, b: Slot) -> Result<Vec<Step>, String> {
        let (mut steps, filled) = self.filled(flow);
        let united = self.united(flow);
        let creates = matches!(united.create, Create::Always) && !united.properties.is_empty();
        let meets = !united.matches.is_empty();
        if let Some(why) = self.hands.cannot_add(&flow.from) {
            return Err(why);
        }
        let cannot_add_to = self.hands.cannot_add(&flow.to);
        if let (Some(why), false) = (&cannot_add_to, creates) {
            return Err(why.clone());
        }
        if meets || !creates {
            steps.push(Step::Add { slot: b, ty: flow.to.clone(), values: filled.to.clone() });
        }
        steps.push(Step::Add { slot: a, ty: flow.from.clone(), values: filled.from });
        steps.push(Step::Run);
        steps.push(Step::Partner { of: a, slot: b, ty: flow.to.clone(), values: filled.to });
        Ok(steps)
    }

    /// Whether an edit of the source arrives in the target, by what the row and the schemas say.
    fn way(&self, flow: &Flow, pair: &PropertyPair, sides: &Sides, side: Side) -> Way {
        let (said, ty, target) = match side {
            Side::From => (pair.direction != Direction::Backward, &flow.to, &sides.to_schema),
            Side::To => (pair.direction != Direction::Forward, &flow.from, &sides.from_schema),
        };
        if !said {
            return Way::Unsaid;
        }
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        if let (Side::To, Err(why)) = (side, row.way_back()) {
            return Way::Closed(why);
        }
        if target.read_only {
            return Way::Closed(format!("{} of {ty} can only be read (P10)", target.path));
        }
        if target.create_only {
            return Way::Closed(format!("{} of {ty} can't be changed once a record is there", target.path));
        }
        match self.hands.schema(ty) {
            Some(schema) if !schema.can.update => Way::Closed(format!("records of {ty} can't be changed through its interface")),
            _ => Way::Open,
        }
    }

    fn plain_row(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair, sides: &Sides) -> Vec<Trial> {
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
                    continue;
                }
            }
            open[at] = true;
            let source = if side == Side::From { &sides.from_schema } else { &sides.to_schema };
            if let Some(why) = self.hands.cannot_edit(here, source) {
                trials.push(Trial::not_tried(line, name, format!("a tester can't make the edit: {why}")));
                continue;
            }
            editable[at] = true;
            trials.push(self.edited(line, name, flow, pair, sides, side, false));
            if pair.clears {
                let name = format!("emptied in {here}, it is emptied in {there}");
                match sides.required(side) {
                    Some(why) => trials.push(Trial::not_tried(line, name, why)),
                    None => trials.push(self.edited(line, name, flow, pair, sides, side, true)),
                }
            }
        }
        // Of yes and no, one of two edits is none.
        let few = [&sides.from_schema, &sides.to_schema].iter().any(|property| property.ty == PlainType::Boolean);
        if open == [true, true] && editable == [true, true] && !few {
            trials.push(self.both_edited(line, flow, pair, sides));
        }
        if open[0] && editable[0] {
            trials.extend(self.unheld(line, flow, pair, sides));
        }
        trials
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
        let n = self.number();
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let (from, to) = match (clears, other_values(&row, n, &script, sides)) {
            (true, _) => (Value::Null, Value::Null),
            (false, Ok(values)) => values,
            (false, Err(why)) => return Trial::not_tried(line, name, format!("no value could be found to try it with: {why}")),
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
        let shows = |slot, path: &PropertyRef, value: Value, refusable| {
            see(Expect::Shows { slot, path: path.clone(), value: Val::Is(value), refusable })
        };
        script.push(shows(other, other_path, expected, clears));
        script.push(shows(slot, path, edit, false));
        // What other rows pair with these two may follow.
        let (from_too, to_too) = self.beside(flow, sides);
        script.push(see(Expect::Same { slot: 0, but: from_too }));
        script.push(see(Expect::Same { slot: 1, but: to_too }));
        Trial::new(line, name, script)
    }

    /// The properties of both sides that are connected with this row's by any rows.
    fn beside(&self, flow: &Flow, sides: &Sides) -> (Vec<PropertyRef>, Vec<PropertyRef>) {
        let (mut from, mut to) = (vec![sides.from.clone()], vec![sides.to.clone()]);
        let known: Vec<Sides> = self.united(flow).properties.iter().filter_map(|pair| self.sides(flow, pair).ok()).collect();
        loop {
            let before = from.len() + to.len();
            for row in &known {
                if from.contains(&row.from) || to.contains(&row.to) {
                    if !from.contains(&row.from) {
                        from.push(row.from.clone());
                    }
                    if !to.contains(&row.to) {
                        to.push(row.to.clone());
                    }
                }
            }
            if from.len() + to.len() == before {
                return (from, to);
            }
        }
    }

    fn both_edited(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair, sides: &Sides) -> Trial {
        let name = format!("edited in {} and in {}, both end equal", flow.from, flow.to);
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let (one, two) = (self.number(), self.number());
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        let (first, later) = match (row.values(one), row.values(two + 1)) {
            (Ok(first), Ok(later)) => (first, later),
            (Err(why), _) | (_, Err(why)) => return Trial::not_tried(line, name, why),
        };
        let Ok(back) = row.backward(&later.1) else { return Trial::not_tried(line, name, "there is no way back for the value") };
        script.push(Step::Edit { slot: 0, values: vec![(sides.from.clone(), Val::Is(first.0.clone()))] });
        script.push(Step::Later);
        script.push(Step::Edit { slot: 1, values: vec![(sides.to.clone(), Val::Is(later.1.clone()))] });
        script.push(Step::Run);
        script.push(see(Expect::OneWins {
            a: 0,
            a_path: sides.from.clone(),
            b: 1,
            b_path: sides.to.clone(),
            first: Box::new(first),
            later: Box::new((back, later.1)),
        }));
        Trial::new(line, name, script)
    }

    fn unheld(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair, sides: &Sides) -> Option<Trial> {
        let n = self.number();
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let odd = row.unholdable(n)?;
        let name = format!("what {} of {} can't hold waits for a person", sides.to.path, flow.to);
        let mut script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        script.push(Step::Remember { slot: 1 });
        script.push(Step::Edit { slot: 0, values: vec![(sides.from.clone(), Val::Is(odd))] });
        script.push(Step::Run);
        script.push(see(Expect::Same { slot: 1, but: vec![] }));
        script.push(see(Expect::Review { slots: vec![0, 1] }));
        Some(Trial::new(line, name, script))
    }

    /// A row of two references: the linked records are referred to (P8).
    fn reference(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair, sides: &Sides, kinds: (&str, &str)) -> Vec<Trial> {
        let (one, other) = (TypeName::new(&flow.from.system, kinds.0), TypeName::new(&flow.to.system, kinds.1));
        let leads = |known: &&Flow, a: &TypeName, b: &TypeName| plainly(&known.from) == *a && plainly(&known.to) == *b;
        let forth = self.flows.iter().find(|known| leads(known, &one, &other));
        let back = self.flows.iter().find(|known| leads(known, &other, &one));
        let mut trials = Vec::new();
        for side in [Side::From, Side::To] {
            let (here, there) = sides.names(flow, side);
            let name = format!("another reference in {here} arrives in {there}, translated (P8)");
            match self.way(flow, pair, sides, side) {
                Way::Open => {}
                Way::Unsaid => continue,
                Way::Closed(why) => {
                    trials.push(Trial::not_tried(line, name, why));
                    continue;
                }
            }
            let source = if side == Side::From { &sides.from_schema } else { &sides.to_schema };
            if let Some(why) = self.hands.cannot_edit(here, source) {
                trials.push(Trial::not_tried(line, name, format!("a tester can't make the edit: {why}")));
                continue;
            }
            // Slots 2 and 3: what is referred to here and there.
            let referred = match (forth, back) {
                (Some(flow), _) => self.paired(flow, 2, 3),
                (None, Some(flow)) => self.paired(flow, 3, 2),
                (None, None) => {
                    Err(format!("{one} and {other} are linked by no flow, so the reference can't be translated (P8)"))
                }
            };
            let script = referred.and_then(|referred| Ok((referred, self.paired(flow, 0, 1)?)));
            let (referred, own) = match script {
                Ok(both) => both,
                Err(why) => {
                    trials.push(Trial::not_tried(line, name, why));
                    continue;
                }
            };
            let mut script = merged(referred, own);
            for (slot, ty, path) in [(2, &flow.from, &sides.from), (3, &flow.to, &sides.to)] {
                let extras = referable(self.hands.emulated_as(&ty.system), &ty.kind, path.path.as_str());
                if !extras.is_empty() {
                    let values = extras.iter().map(|(path, value)| (PropertyRef::new(*path), Val::Is(Value::from(*value))));
                    script.push(Step::Edit { slot, values: values.collect() });
                }
            }
            let (edit, path, means, other, other_path, meant) = match side {
                Side::From => (0, &sides.from, 2, 1, &sides.to, 3),
                Side::To => (1, &sides.to, 3, 0, &sides.from, 2),
            };
            script.push(Step::Edit { slot: edit, values: vec![(path.clone(), Val::IdOf(means))] });
            script.push(Step::Run);
            script.push(see(Expect::Shows { slot: other, path: other_path.clone(), value: Val::IdOf(meant), refusable: false }));
            trials.push(Trial::new(line, name, script));
        }
        trials
    }

    /// Two records that nothing says are the same.
    fn kept_apart(
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

    fn two_candidates(&mut self, line: LineRef, flow: &Flow, pairs: &[PropertyPair], sides: &[Sides]) -> Trial {
        let name = "of two candidates none is taken; a person is asked";
        if self.united(flow).merge_duplicates {
            return Trial::not_tried(line, name, "the flow says `duplicates: merge`: all candidates are linked");
        }
        // Which side takes two records alike is for the systems to say; the first that has no rule of its own against it is tried.
        let unique = |ty: &TypeName, property: &PropertySchema| unique(self.hands.emulated_as(&ty.system), &ty.kind, property);
        let twice = match sides {
            _ if !sides.iter().any(|sides| unique(&flow.to, &sides.to_schema)) => Side::To,
            _ if !sides.iter().any(|sides| unique(&flow.from, &sides.from_schema)) => Side::From,
            _ => return Trial::not_tried(line, name, "neither system takes two records that agree"),
        };
        match self.meeting(flow, pairs, sides, |_, from, to| Ok((from, to))) {
            Err(why) => Trial::not_tried(line, name, why),
            Ok((mut script, from, to)) => {
                let alike = |slot, side| match side {
                    Side::From => Step::AddAlike { slot, ty: flow.from.clone(), values: from.clone() },
                    Side::To => Step::AddAlike { slot, ty: flow.to.clone(), values: to.clone() },
                };
                let (lone, twins) = if twice == Side::To { (Side::From, Side::To) } else { (Side::To, Side::From) };
                script.extend([alike(1, twins), alike(2, twins), alike(0, lone), Step::Run]);
                script.push(see(Expect::Apart { a: 0, b: 1 }));
                script.push(see(Expect::Apart { a: 0, b: 2 }));
                script.push(see(Expect::Review { slots: vec![0, 1, 2] }));
                Trial::new(line, name, script)
            }
        }
    }

    /// The values with which two records meet (or do not): those of the row's pairs as `of` gives them, and what is required.
    fn meeting(
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
        let empty = |(_, value): &(PropertyRef, Val)| !matches!(value, Val::Is(value) if is_empty(value));
        from.retain(empty);
        to.retain(empty);
        Ok((steps, from, to))
    }

    /// Why nothing is ever created by the flow, where that follows from what is written.
    fn never_creates(&self, flow: &Flow) -> Option<String> {
        let united = self.united(flow);
        if united.properties.is_empty() && !united.create_empty {
            return Some("no property is synchronized, so nothing is created rather than empty records (C3)".into());
        }
        let schema = self.hands.schema(&flow.to)?;
        if !schema.can.create {
            return Some(format!("records can't be created in {} through its interface", flow.to));
        }
        self.hands.cannot_add(&flow.from)
    }

    /// That other statements create a counterpart by way of other record types, whatever this one says.
    fn created_otherwise(&self, flow: &Flow) -> Option<String> {
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
    fn written(&self, flow: &Flow, values: &Values) -> Values {
        let rows: Vec<Sides> = self.united(flow).properties.iter().filter_map(|pair| self.sides(flow, pair).ok()).collect();
        values.iter().filter(|(path, _)| rows.iter().any(|row| row.to == *path && !row.to_schema.read_only)).cloned().collect()
    }

    fn connected_to(&mut self, line: LineRef, flow: &Flow, c: &TypeName) -> Trial {
        let name = format!("a record of {} appears in {} once it is connected to one of {c}, and not before", flow.from, flow.to);
        let otherwise = self.created_otherwise(flow);
        if let Some(why) = self.never_creates(flow).or_else(|| self.hands.cannot_add(c)).or(otherwise) {
            return Trial::not_tried(line, name, why);
        }
        let refers = |ty: &TypeName, to: &TypeName| {
            let schema = self.hands.schema(ty)?;
            let property = schema.properties.iter().find(|property| {
                ty.system == to.system
                    && property.reference.as_deref() == Some(&to.kind)
                    && self.hands.cannot_edit(ty, property).is_none()
            })?;
            self.hands.property(ty, &PropertyRef::new(property.path.clone())).map(|(path, _)| path)
        };
        let into = self.flows.iter().find(|known| known.from == *c && known.to.system == flow.to.system);
        let Some(into) = into else {
            return Trial::not_tried(line, name, format!("no flow leads from {c} to {}", flow.to.system));
        };
        if !matches!(into.create, Create::Always) && into.matches.is_empty() {
            return Trial::not_tried(line, name, format!("no rule brings records of {c} into {} by itself", flow.to.system));
        }
        let (from_a, from_c) = (refers(&flow.from, c), refers(c, &flow.from));
        if from_a.is_none() && from_c.is_none() {
            return Trial::not_tried(line, name, format!("neither of {} and {c} has a reference to the other", flow.from));
        }
        let (mut script, filled) = self.filled(flow);
        let (a_slot, b_slot, c_slot, d_slot) = (0, 1, 2, 3);
        script.push(Step::Add { slot: a_slot, ty: flow.from.clone(), values: filled.from });
        script.push(Step::Run);
        script.push(see(Expect::Alone { slot: a_slot, ty: flow.to.clone(), signs: signs(&filled.to) }));
        let paired = match self.paired(into, c_slot, d_slot) {
            Ok(paired) => paired,
            Err(why) => return Trial::not_tried(line, name, why),
        };
        // The reference is there from the first, where it is C's.
        for step in paired {
            match (step, &from_c) {
                (Step::Add { slot, ty, mut values }, Some(path)) if slot == c_slot => {
                    values.push((path.clone(), Val::IdOf(a_slot)));
                    script.push(Step::Add { slot, ty, values });
                }
                (step, _) => script.push(step),
            }
        }
        if let (None, Some(path)) = (&from_c, &from_a) {
            script.push(Step::Edit { slot: a_slot, values: vec![(path.clone(), Val::IdOf(c_slot))] });
            script.push(Step::Run);
        }
        let written = self.written(flow, &filled.to);
        script.push(see(Expect::Appears { of: a_slot, to: b_slot, ty: flow.to.clone(), once: once(&written) }));
        script.extend(complete(b_slot, &written));
        Trial::new(line, name, script)
    }
}

impl Tester for Writer<'_> {
    fn obstacle(&self, flow: &Flow) -> Option<String> {
        [&flow.from, &flow.to]
            .into_iter()
            .find(|ty| self.hands.schema(ty).is_none())
            .map(|ty| format!("{} has no record type {}", ty.system, ty.kind))
    }

    fn row(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair) -> Vec<Trial> {
        let sides = match self.sides(flow, pair) {
            Ok(sides) => sides,
            Err(why) => return vec![Trial::not_tried(line, "the row", why)],
        };
        match (sides.from_schema.reference.clone(), sides.to_schema.reference.clone()) {
            (Some(from), Some(to)) => self.reference(line, flow, pair, &sides, (&from, &to)),
            _ => self.plain_row(line, flow, pair, &sides),
        }
    }

    fn matched(&mut self, line: LineRef, flow: &Flow, row: &MatchRow) -> Vec<Trial> {
        let pairs: Vec<PropertyPair> = row.pairs.iter().map(|(from, to)| plain(from, to)).collect();
        let sides: Result<Vec<Sides>, String> = pairs.iter().map(|pair| self.sides(flow, pair)).collect();
        let sides = match sides {
            Ok(sides) => sides,
            Err(why) => return vec![Trial::not_tried(line, "the row", why)],
        };
        if let Some(why) = self.hands.cannot_add(&flow.from).or(self.hands.cannot_add(&flow.to)) {
            return vec![Trial::not_tried(line, "the row", why)];
        }
        if sides.iter().any(|sides| sides.from_schema.reference.is_some() || sides.to_schema.reference.is_some()) {
            return vec![Trial::not_tried(line, "the row", "records are matched by references only once those are linked")];
        }
        let mut trials = vec![];
        match self.meeting(flow, &pairs, &sides, |_, from, to| Ok((from, to))) {
            Err(why) => return vec![Trial::not_tried(line, "the row", why)],
            Ok((mut script, from, to)) => {
                script.push(Step::Add { slot: 1, ty: flow.to.clone(), values: to.clone() });
                script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: from });
                script.push(Step::Run);
                script.push(see(Expect::Linked { a: 0, b: 1 }));
                if let Some((path, Val::Is(value))) = to.first() {
                    let (ty, path, value) = (flow.to.clone(), path.clone(), value.clone());
                    script.push(see(Expect::Count { ty, path, value, count: 1 }));
                }
                trials.push(Trial::new(line, "records that agree are linked, and none is created beside them", script));
            }
        }
        for at in 0..pairs.len() {
            let of = if pairs.len() > 1 { format!(" in {}", sides[at].from.path) } else { String::new() };
            let near_miss = self.meeting(flow, &pairs, &sides, |k, from, to| match k == at {
                true => near(&to).map(|to| (from, to)).ok_or_else(|| "no value comes near this one".to_string()),
                false => Ok((from, to)),
            });
            trials.push(self.kept_apart(line, format!("a near miss{of} does not link"), flow, near_miss));
            let name = format!("an empty value{of} does not link");
            let required = [(&flow.from, &sides[at].from_schema), (&flow.to, &sides[at].to_schema)];
            if let Some((ty, property)) = required.into_iter().find(|(_, property)| property.required) {
                trials.push(Trial::not_tried(line, name, format!("{} of {ty} is never empty: it is required", property.path)));
                continue;
            }
            let empty = self.meeting(flow, &pairs, &sides, |k, from, to| match k == at {
                true => Ok((Value::Null, Value::Null)),
                false => Ok((from, to)),
            });
            trials.push(self.kept_apart(line, name, flow, empty));
        }
        trials.push(self.two_candidates(line, flow, &pairs, &sides));
        trials
    }

    fn every(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let name = format!("a new record of {} appears in {}, complete and once", flow.from, flow.to);
        if let Some(why) = self.never_creates(flow) {
            return vec![Trial::not_tried(line, name, why)];
        }
        let (mut script, filled) = self.filled(flow);
        script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: filled.from });
        script.push(Step::Run);
        script.extend(appears(flow, &self.written(flow, &filled.to)));
        // And it stays one.
        script.push(Step::Run);
        script.extend(appears(flow, &self.written(flow, &filled.to)));
        vec![Trial::new(line, name, script)]
    }

    fn link_only(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let name = format!("a record of {} that matches none does not appear in {}", flow.from, flow.to);
        if let Some(why) = self.hands.cannot_add(&flow.from).or_else(|| self.created_otherwise(flow)) {
            return vec![Trial::not_tried(line, name, why)];
        }
        let (mut script, filled) = self.filled(flow);
        script.push(Step::Add { slot: 0, ty: flow.from.clone(), values: filled.from });
        script.push(Step::Run);
        script.push(see(Expect::Alone { slot: 0, ty: flow.to.clone(), signs: signs(&filled.to) }));
        vec![Trial::new(line, name, script)]
    }

    fn condition(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let why = match &self.united(flow).create {
            Create::When { filter: Some(filter), .. } => format!("what satisfies `{}` is not made up here", filter.expression),
            _ => "the condition is free text, and without a filter nothing is created".to_string(),
        };
        vec![Trial::not_tried(line, "a record that satisfies the condition appears, another one does not", why)]
    }

    fn connected(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let Create::ConnectedTo(types) = &flow.create else {
            return vec![Trial::not_tried(line, "before and after the connection", "the flow does not say to what")];
        };
        types.iter().map(|c| self.connected_to(line, flow, c)).collect()
    }

    fn merge_or_create(&mut self, line: LineRef, flow: &Flow, merges: bool, creates: bool) -> Vec<Trial> {
        let mut trials = Vec::new();
        if merges {
            let united = self.united(flow);
            let name = format!("a record of {} that matches one of {} is merged with it", flow.from, flow.to);
            match united.matches.first() {
                None => trials.push(Trial::not_tried(line, name, "nothing says what matches: there is no match row")),
                Some(row) => {
                    let row = row.clone();
                    let mut found = self.matched(line, united, &row);
                    found.truncate(1);
                    found.iter_mut().for_each(|trial| trial.name = name.clone());
                    trials.extend(found);
                }
            }
        }
        if creates {
            trials.extend(self.every(line, flow));
        }
        trials
    }
}

/// A row with its properties resolved.
struct Sides {
    from: PropertyRef,
    from_schema: PropertySchema,
    to: PropertyRef,
    to_schema: PropertySchema,
}

impl Sides {
    /// Where the edit is made, where it arrives.
    fn names<'f>(&self, flow: &'f Flow, side: Side) -> (&'f TypeName, &'f TypeName) {
        if side == Side::From { (&flow.from, &flow.to) } else { (&flow.to, &flow.from) }
    }

    /// Why it can't be emptied.
    fn required(&self, _: Side) -> Option<String> {
        let required = [&self.from_schema, &self.to_schema].into_iter().find(|property| property.required)?;
        Some(format!("{} is required, so it is never empty", required.path))
    }
}

fn see(expect: Expect) -> Step {
    Step::Expect(Box::new(expect))
}

fn plain(from: &PropertyRef, to: &PropertyRef) -> PropertyPair {
    PropertyPair {
        from: from.clone(),
        to: to.clone(),
        direction: Direction::Both,
        conversion: None,
        policy: lockstep_model::Policy::Latest,
        clears: true,
    }
}

fn plainly(ty: &TypeName) -> TypeName {
    TypeName::new(&ty.system, &ty.kind)
}

/// Values that the record in slot 0 does not hold yet: of yes and no, the other.
fn other_values(row: &Row<'_>, n: u64, script: &[Step], sides: &Sides) -> Result<(Value, Value), String> {
    let held = script.iter().find_map(|step| match step {
        Step::Add { slot: 0, values, .. } => values.iter().find(|(path, _)| *path == sides.from).map(|(_, value)| value.clone()),
        _ => None,
    });
    let values = row.values(n)?;
    if held == Some(Val::Is(values.0.clone())) { row.values(n + 1) } else { Ok(values) }
}

/// Two scripts that wait for the same runs.
fn merged(one: Vec<Step>, other: Vec<Step>) -> Vec<Step> {
    let (mut before, after): (Vec<Step>, Vec<Step>) = split(one);
    let (before_too, after_too) = split(other);
    before.extend(before_too);
    before.push(Step::Run);
    before.extend(after);
    before.extend(after_too);
    before
}

/// What comes before the first run, and what after.
fn split(script: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
    let at = script.iter().position(|step| matches!(step, Step::Run)).unwrap_or(script.len());
    let mut before = script;
    let mut after = before.split_off(at);
    if !after.is_empty() {
        after.remove(0);
    }
    (before, after)
}

/// Values by which a record can be told from all others.
fn signs(values: &Values) -> Vec<(PropertyRef, Value)> {
    let telling = |value: &Value| value.as_str().is_some_and(|text| text.contains(MARK) || text.starts_with("+479"));
    let of = |(path, value): &(PropertyRef, Val)| match value {
        Val::Is(value) if telling(value) => Some((path.clone(), value.clone())),
        _ => None,
    };
    values.iter().filter_map(of).collect()
}

fn once(values: &Values) -> Vec<(PropertyRef, Value)> {
    signs(values)
}

fn appears(flow: &Flow, written: &Values) -> Vec<Step> {
    let mut steps = vec![see(Expect::Appears { of: 0, to: 1, ty: flow.to.clone(), once: once(written) })];
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
