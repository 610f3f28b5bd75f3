//! From the statements and rows of a document to the trials that would convince a tester.
//!
//! What a document says is taken from its checked flows; what the systems can do, from their
//! schemas. What follows from the two without a trial (a property that can only be read, a row
//! whose types do not fit) is said instead of tried.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use lockstep_config::convertible;
use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::OWN_ID;
use lockstep_model::{Create, Flow, MatchRow, PropertyPair, PropertySchema, TypeName};

use crate::checklist::Tester;
use crate::hands::Hands;
use crate::practice::required_in_practice;
use crate::trial::{Expect, LineRef, Slot, Step, Trial, Val, Values};
use crate::values::{MARK, Row, value};

mod conditions;
mod deletions;
mod itself;
mod links;
mod lists;
mod markers;
mod matches;
mod overwriting;
mod reading;
mod references;
mod rows;
mod statements;

use itself::Filling;

/// So many numbers are kept for the values of one trial.
const NUMBERS: u64 = 64;
/// The first slot of records that are only there to be referred to.
const HELPERS: Slot = 10;

/// Writes trials. One for all documents, so that no two trials use the same values.
pub struct Writer<'a> {
    pub hands: &'a Hands,
    /// All flows that the documents state, each two record types once in each direction.
    pub flows: &'a [Flow],
    /// The flows that run. They tell what the documents leave open: the filter of a condition in
    /// prose, what becomes of deletions.
    runs: &'a [Flow],
    /// Where the hub begins with nothing read: in which of its first runs each record type is read
    /// ([`reading`]).
    first_readings: BTreeMap<TypeName, usize>,
    /// Where among the flows those of two record types are.
    places: BTreeMap<&'a TypeName, BTreeMap<&'a TypeName, usize>>,
    next: u64,
    /// The row that is tried just now: of conditions that exclude each other, that of this row is
    /// met.
    about: Option<PropertyPair>,
    /// The rows that only fill, by the record types of a flow.
    filling: RefCell<FillingRows>,
}

/// Rows that only fill, by the record types of a flow.
type FillingRows = HashMap<(TypeName, TypeName), Rc<Vec<Filling>>>;

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

/// P8: a row between a reference and a property of which nothing says what it refers to. An
/// emulated system takes only ids that it has.
fn half_a_reference(line: LineRef, refers: &PropertyRef, kind: &str) -> Trial {
    let why = format!(
        "{refers} refers to {kind}, and nothing says what the other property refers to: its ids can't be translated"
    );
    Trial::not_tried(line, "an edit arrives", why)
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
    pub fn new(hands: &'a Hands, flows: &'a [Flow], runs: &'a [Flow], seed: u64) -> Self {
        let mut places: BTreeMap<&TypeName, BTreeMap<&TypeName, usize>> = BTreeMap::new();
        for (at, flow) in flows.iter().enumerate() {
            places.entry(&flow.from).or_default().entry(&flow.to).or_insert(at);
        }
        Writer {
            hands,
            flows,
            runs,
            first_readings: BTreeMap::new(),
            places,
            next: seed,
            about: None,
            filling: RefCell::default(),
        }
    }

    /// Trials also of what happens before everything has been read once: the hub begins with
    /// nothing.
    pub fn with_first_readings(mut self) -> Self {
        self.first_readings = reading::first_readings(self.flows);
        self
    }

    /// In which of the first runs each record type is read.
    pub fn first_readings(&self) -> &BTreeMap<TypeName, usize> {
        &self.first_readings
    }

    fn number(&mut self) -> u64 {
        self.next += NUMBERS;
        self.next
    }

    fn united(&self, flow: &Flow) -> &'a Flow {
        let at = self.places.get(&flow.from).and_then(|places| places.get(&flow.to));
        &self.flows[*at.expect("every section is part of a united flow")]
    }

    /// A row with what is known of its properties; `Err` says what is not there.
    fn sides(&self, flow: &Flow, pair: &PropertyPair) -> Result<Sides, String> {
        if let Some((ty, _)) = [(&flow.from, &pair.from), (&flow.to, &pair.to)]
            .into_iter()
            .find(|(_, end)| end.path.as_str() == OWN_ID)
        {
            return Err(format!("nobody types in the id of {ty}: its system assigns it"));
        }
        let find = |ty: &TypeName, named: &PropertyRef| {
            self.hands
                .property(ty, named)
                .ok_or_else(|| format!("{ty} has no property {}", named.path))
        };
        let ((from, from_schema), (to, to_schema)) =
            (find(&flow.from, &pair.from)?, find(&flow.to, &pair.to)?);
        convertible(Some(&from_schema), Some(&to_schema), pair.conversion.as_ref())
            .map_err(|why| format!("the row is not kept. {why}"))?;
        Ok(Sides { from, from_schema, to, to_schema })
    }

    /// Values for a pair of records that are linked by this flow and hold the same, and what has to
    /// be there before. References only where a record can't be without. A record meets the
    /// condition of its flow; `Err` says why none can be made up that does.
    fn filled(&mut self, flow: &Flow) -> Result<(Vec<Step>, Filled), String> {
        let n = self.number();
        let united = self.united(flow);
        let mut filled = Filled { from: vec![], to: vec![] };
        // Properties that rows connect hold one value, whichever rows that are.
        let mut numbers: HashMap<(bool, PropertyRef), u64> = HashMap::new();
        let mut next = n;
        let matches = united.matches.iter().flat_map(matched);
        let rows: Vec<PropertyPair> = united.properties.iter().cloned().chain(matches).collect();
        let markers = self.markers(flow, &rows);
        for pair in &rows {
            let Ok(sides) = self.sides(flow, pair) else { continue };
            if sides.from_schema.reference.is_some() || sides.to_schema.reference.is_some() {
                continue;
            }
            // What only fills carries nothing from one to the other (P1c); what is on another
            // condition is not there.
            if self.only_fills(flow, &sides).is_some() {
                continue;
            }
            let there = (markers.allow(false, &sides.from), markers.allow(true, &sides.to));
            let (a, b) = ((false, sides.from.clone()), (true, sides.to.clone()));
            let number = numbers.get(&a).or(numbers.get(&b)).copied().unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            // Of properties that several rows connect, the later ones hold what the first one's
            // value becomes there.
            let known = |values: &Values, path: &PropertyRef| held(values, path).cloned();
            let made = match (known(&filled.from, &sides.from), known(&filled.to, &sides.to)) {
                (Some(from), None) => row.forward(&from).map(|to| (from, to)),
                (None, Some(to)) => row.backward(&to).map(|from| (from, to)),
                _ => row.values(number),
            };
            let Ok((from, to)) = made.or_else(|_| row.values(number)) else { continue };
            if there.0 && numbers.insert(a, number).is_none() {
                filled.from.push((sides.from.clone(), Val::Is(from)));
            }
            if there.1 && numbers.insert(b, number).is_none() {
                filled.to.push((sides.to.clone(), Val::Is(to)));
            }
        }
        for (to_side, path, word) in markers.words() {
            let (side, own, other) = match to_side {
                false => (Side::From, &mut filled.from, &mut filled.to),
                true => (Side::To, &mut filled.to, &mut filled.from),
            };
            match own.iter_mut().find(|(known, _)| *known == path) {
                Some(known) => known.1 = Val::Is(word),
                None => own.push((path, Val::Is(word))),
            }
            self.follow(flow, &rows, side, own, other);
        }
        let conditions = self.conditions(flow);
        for (side, condition) in &conditions {
            let (own, other) = match side {
                Side::From => (&mut filled.from, &mut filled.to),
                Side::To => (&mut filled.to, &mut filled.from),
            };
            condition.meet(own, next)?;
            self.follow(flow, &rows, *side, own, other);
        }
        let mut steps = Vec::new();
        for (ty, values, helpers) in
            [(&flow.from, &mut filled.from, HELPERS), (&flow.to, &mut filled.to, HELPERS + 5)]
        {
            let (more, needed) = self.needs(ty, values, next + 1, helpers);
            next += 5;
            steps.extend(more);
            values.extend(needed);
            self.leave_out(ty, values);
        }
        for (side, condition) in &conditions {
            let own = if *side == Side::From { &filled.from } else { &filled.to };
            if !condition.holds(own)? {
                return Err(format!(
                    "no record could be made up that meets `{}`",
                    condition.expression()
                ));
            }
        }
        Ok((steps, filled))
    }

    /// Lets the other side hold what this one's values become there.
    fn follow(
        &self,
        flow: &Flow,
        rows: &[PropertyPair],
        side: Side,
        own: &Values,
        other: &mut Values,
    ) {
        let held = |values: &Values, path: &PropertyRef| {
            values.iter().find(|(known, _)| known == path).map(|(_, value)| value.clone())
        };
        for pair in rows {
            let Ok(sides) = self.sides(flow, pair) else { continue };
            if self.only_fills(flow, &sides).is_some() {
                continue;
            }
            let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
            let (mine, theirs) = if side == Side::From {
                (&sides.from, &sides.to)
            } else {
                (&sides.to, &sides.from)
            };
            let Some(Val::Is(value)) = held(own, mine) else { continue };
            let made = if side == Side::From { row.forward(&value) } else { row.backward(&value) };
            if let (Ok(made), Some(place)) =
                (made, other.iter_mut().find(|(known, _)| known == theirs))
            {
                place.1 = Val::Is(made);
            }
        }
    }

    /// What the interface does not let be written and no person could write there either.
    fn leave_out(&self, ty: &TypeName, values: &mut Values) {
        let add = self.hands.schema(ty).is_some_and(|schema| schema.can.create);
        values.retain(|(path, _)| {
            let property = self.hands.property(ty, path).map(|(_, property)| property);
            property.is_some_and(|property| {
                !property.read_only || (!add && self.hands.emulated_as(&ty.system).is_some())
            })
        });
    }

    /// What a record of this type requires beyond these values.
    fn needs(&self, ty: &TypeName, values: &Values, n: u64, helper: Slot) -> Needs {
        let (mut steps, mut needed) = (Vec::new(), Vec::new());
        let Some(schema) = self.hands.schema(ty) else { return (steps, needed) };
        let required =
            schema.properties.iter().filter(|property| property.required && !property.read_only);
        let also = required_in_practice(self.hands.kind_of(&ty.system), &ty.kind);
        let also = also.iter().filter_map(|path| schema.property(&(*path).into()));
        let there =
            |path: &lockstep_model::Path| values.iter().any(|(known, _)| known.path == *path);
        for (k, property) in required.chain(also).enumerate() {
            let Some((path, described)) =
                self.hands.property(ty, &PropertyRef::new(property.path.clone()))
            else {
                continue;
            };
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

    /// Steps after which slot `a` and slot `b` hold a pair of records linked by the flow, with the
    /// same values.
    fn paired(&mut self, flow: &Flow, a: Slot, b: Slot) -> Result<Vec<Step>, String> {
        let (mut steps, filled) = self.filled(flow)?;
        let united = self.united(flow);
        let creates = self.creates(flow);
        let meets = !united.matches.is_empty();
        if let Some(why) = self.hands.cannot_add(&flow.from) {
            return Err(why);
        }
        let cannot_add_to = self.hands.cannot_add(&flow.to);
        if creates
            && let Some(why) = self
                .hands
                .fails(&flow.to, "create")
                .or_else(|| self.hands.fails(&flow.to, "delete"))
        {
            return Err(why);
        }
        if let (Some(why), false) = (&cannot_add_to, creates) {
            return Err(why.clone());
        }
        // Where only a connection creates, the pair comes about by one.
        if let (Create::ConnectedTo(types), false) = (&united.create, meets)
            && let Some(connection) = types
                .iter()
                .find_map(|c| self.connection(flow, c, a, (HELPERS + 30, HELPERS + 31)).ok())
        {
            steps.push(Step::Add { slot: a, ty: flow.from.clone(), values: filled.from });
            steps.extend(connection);
            let marked = self.marked(flow, b, &filled.to);
            steps.push(Step::Partner { of: a, slot: b, ty: flow.to.clone(), values: filled.to });
            steps.extend(marked);
            return Ok(steps);
        }
        if meets || !creates {
            steps.push(Step::Add { slot: b, ty: flow.to.clone(), values: filled.to.clone() });
        }
        steps.push(Step::Add { slot: a, ty: flow.from.clone(), values: filled.from });
        steps.push(Step::Run);
        let marked = if creates && !meets { self.marked(flow, b, &filled.to) } else { vec![] };
        steps.push(Step::Partner { of: a, slot: b, ty: flow.to.clone(), values: filled.to });
        steps.extend(marked);
        Ok(steps)
    }

    /// Whether the flow gives every record that `filled` makes up a counterpart.
    fn creates(&self, flow: &Flow) -> bool {
        let united = self.united(flow);
        let says = match &united.create {
            Create::Always => true,
            Create::When { .. } => self.condition_of(united).is_some(),
            Create::Never | Create::ConnectedTo(_) => false,
        };
        says && !united.properties.is_empty()
    }
}

impl Tester for Writer<'_> {
    fn obstacle(&self, flow: &Flow) -> Option<String> {
        [&flow.from, &flow.to]
            .into_iter()
            .find(|ty| self.hands.schema(ty).is_none())
            .map(|ty| format!("{} has no record type {}", ty.system, ty.kind))
            .or_else(|| {
                [&flow.from, &flow.to].into_iter().find_map(|ty| self.hands.fails(ty, "list"))
            })
    }

    fn vacuous(&self, flow: &Flow) -> Option<String> {
        let why = format!(
            "the section is between {} and itself, and every record satisfies it with itself: it links, creates and writes nothing",
            flow.from
        );
        self.united(flow).is_vacuous().then_some(why)
    }

    fn row(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair) -> Vec<Trial> {
        let sides = match self.sides(flow, pair) {
            Ok(sides) => sides,
            Err(why) => return vec![Trial::not_tried(line, "the row", why)],
        };
        if flow.from == flow.to {
            return self.duplicate_row(line, flow, &sides);
        }
        if let Some(why) = self.only_fills(flow, &sides) {
            return vec![Trial::impossible(line, "an edit arrives", why)];
        }
        self.about = Some(pair.clone());
        let mut trials =
            match (sides.from_schema.reference.clone(), sides.to_schema.reference.clone()) {
                (Some(from), Some(to)) => self.reference(line, flow, pair, &sides, (&from, &to)),
                (Some(kind), None) if self.hands.is_described(&flow.from.system) => {
                    vec![half_a_reference(line, &sides.from, &kind)]
                }
                (None, Some(kind)) if self.hands.is_described(&flow.to.system) => {
                    vec![half_a_reference(line, &sides.to, &kind)]
                }
                _ => self.plain_row(line, flow, pair, &sides),
            };
        self.about = None;
        if let Some(why) = self.not_owed(flow, &sides) {
            trials.push(Trial::impossible(
                line,
                format!("a new record of {} has it at once", flow.to),
                why,
            ));
        }
        trials
    }

    fn matched(&mut self, line: LineRef, flow: &Flow, row: &MatchRow) -> Vec<Trial> {
        if flow.from == flow.to {
            return self.duplicates(line, flow, row);
        }
        self.match_row(line, flow, row)
    }

    fn every(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "a new record appears", why)];
        }
        let mut trials = self.appearing(line, flow);
        trials.extend(self.read_first(line, flow));
        trials
    }

    fn condition(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "a record that meets the condition appears", why)];
        }
        self.conditional(line, flow)
    }

    fn link_only(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "a link between two records", why)];
        }
        self.never_appearing(line, flow)
    }

    fn connected(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "before and after the connection", why)];
        }
        let Create::ConnectedTo(types) = &flow.create else {
            return vec![Trial::not_tried(
                line,
                "before and after the connection",
                "the flow does not say to what",
            )];
        };
        types.iter().map(|c| self.connected_to(line, flow, c)).collect()
    }

    fn merge_or_create(
        &mut self,
        line: LineRef,
        flow: &Flow,
        merges: bool,
        creates: bool,
    ) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "merging and creating", why)];
        }
        self.merged_or_created(line, flow, merges, creates)
    }

    fn in_sync(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "keeping in sync", why)];
        }
        self.link_stays(line, flow).into_iter().collect()
    }

    fn no_rows(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "the table is empty", why)];
        }
        self.nothing_is_carried(line, flow)
    }

    fn deletion(&mut self, line: LineRef, flow: &Flow) -> Option<(String, Vec<Trial>)> {
        // A record that has itself for a counterpart is deleted with it.
        if flow.from == flow.to { None } else { Some(self.deleted(line, flow)) }
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

    /// What the edited property and the one it arrives in are, with the slots of a pair.
    fn ways(&self, side: Side) -> (End<'_>, End<'_>) {
        let from = End { slot: 0, path: &self.from, schema: &self.from_schema };
        let to = End { slot: 1, path: &self.to, schema: &self.to_schema };
        if side == Side::From { (from, to) } else { (to, from) }
    }

    /// Why it can't be emptied.
    fn required(&self) -> Option<String> {
        let required =
            [&self.from_schema, &self.to_schema].into_iter().find(|property| property.required)?;
        Some(format!("{} is required, so it is never empty", required.path))
    }
}

/// One end of a row, in a pair of records.
#[derive(Clone, Copy)]
struct End<'a> {
    slot: Slot,
    path: &'a PropertyRef,
    schema: &'a PropertySchema,
}

fn see(expect: Expect) -> Step {
    Step::Expect(Box::new(expect))
}

fn shows(slot: Slot, path: &PropertyRef, value: lockstep_model::Value) -> Step {
    see(Expect::Shows { slot, path: path.clone(), value: Val::Is(value), refusable: false })
}

fn plain(from: &PropertyRef, to: &PropertyRef) -> PropertyPair {
    PropertyPair::equal(from.clone(), to.clone())
}

/// The pairs of a match row as rows: values that meet by it are values that it converts.
fn matched(row: &MatchRow) -> Vec<PropertyPair> {
    let pair = |(from, to): &(PropertyRef, PropertyRef)| PropertyPair {
        conversion: row.conversion.clone(),
        ..plain(from, to)
    };
    row.pairs.iter().map(pair).collect()
}

/// The values with which a script adds the record of a slot, by hand or as a partner.
fn added(script: &[Step], wanted: Slot) -> Option<&Values> {
    script.iter().find_map(|step| match step {
        Step::Add { slot, values, .. } | Step::Partner { slot, values, .. } if *slot == wanted => {
            Some(values)
        }
        _ => None,
    })
}

/// What one property of them is.
fn held<'v>(values: &'v Values, path: &PropertyRef) -> Option<&'v lockstep_model::Value> {
    values.iter().find(|(known, _)| known == path).and_then(|(_, value)| match value {
        Val::Is(value) => Some(value),
        Val::IdOf(_) => None,
    })
}

/// Values by which a record can be told from all others.
fn signs(values: &Values) -> Vec<(PropertyRef, lockstep_model::Value)> {
    let telling = |value: &lockstep_model::Value| {
        value.as_str().is_some_and(|text| text.contains(MARK) || text.starts_with("+479"))
    };
    let of = |(path, value): &(PropertyRef, Val)| match value {
        Val::Is(value) if telling(value) => Some((path.clone(), value.clone())),
        _ => None,
    };
    values.iter().filter_map(of).collect()
}
