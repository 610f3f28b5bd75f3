//! A list of objects in a person's record whose elements are records of their own,
//! `Person[lines]`, in a simulated system.
//!
//! The system keeps the list within the record, as real systems do, and knows nothing of elements:
//! they are made of it by the wrapper that real connectors stand under.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_connector::{
    Answers, Connector, Outcome, Page, ReadRequest, Trouble, Write, WriteValue, catalogue,
};
use lockstep_model::flow::{Create, Deletes, PropertyRef};
use lockstep_model::{
    Flow, MatchRow, PlainType, PropertyPair, PropertySchema, ReadRecord, TypeName, TypeSchema,
    Value,
};

use crate::draw::{Drawn, Kind};
use crate::random::Random;
use crate::system::{Row, SimulatedSystem};
use crate::truth::{At, Deed, LineEdit, OfLine, Truth, number_of};

/// The list, and the record type of its elements.
pub const LINES: &str = "lines";
pub const ELEMENTS: &str = "Person[lines]";
/// What tells a line from the others of its list; never edited.
const NO: &str = "no";
/// What people edit in a line: a text, and a number.
pub const TEXT: &str = "text";
pub const AMOUNT: &str = "amount";

/// A line of a person's list. Its number is that of the edit by which it was put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub no: u64,
    pub text: String,
    /// The number of the edit that the amount came from.
    pub amount: Option<u64>,
}

impl Line {
    /// The numbers of the edits that it came from: its own, that of its text, that of its amount.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        [Some(self.no), number_of(&self.text), self.amount].into_iter().flatten()
    }

    /// The number of the edit that one of its properties came from.
    pub fn number(&self, prop: &str) -> Option<u64> {
        if prop == TEXT { number_of(&self.text) } else { self.amount }
    }

    fn of(value: &Value) -> Option<Line> {
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        Some(Line {
            no: number(value.get(NO)?)?,
            text: value.get(TEXT).and_then(Value::as_str).unwrap_or_default().to_string(),
            amount: value.get(AMOUNT).and_then(number),
        })
    }

    fn shown(&self) -> Value {
        let mut line = vec![(NO.to_string(), Value::from(self.no))];
        line.push((TEXT.into(), Value::from(self.text.clone())));
        line.extend(self.amount.map(|amount| (AMOUNT.into(), Value::from(amount))));
        Value::Object(line.into_iter().collect())
    }
}

/// Whether an id is that of an element, and then which record it stands in, and its number.
pub fn element(id: &str) -> Option<(&str, u64)> {
    let (parent, no) = id.rsplit_once('/')?;
    Some((parent, no.parse().ok()?))
}

/// What a connector says of the list and its elements.
pub(crate) fn described() -> Vec<PropertySchema> {
    let list = PropertySchema { list: true, ..PropertySchema::new(LINES, PlainType::Any) };
    let below = |(prop, ty): (&str, PlainType)| PropertySchema {
        list: true,
        ..PropertySchema::new(format!("{LINES}.{prop}").as_str(), ty)
    };
    let props = [(NO, PlainType::Integer), (TEXT, PlainType::String), (AMOUNT, PlainType::Integer)];
    std::iter::once(list).chain(props.map(below)).collect()
}

impl Drawn {
    /// The flows between the elements of people's lists: between each two systems that a flow of
    /// people is between, both ways.
    pub(crate) fn flows_of_lines(&self) -> Vec<Flow> {
        let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
        if self.lines {
            for (from, to, _) in &self.flows {
                pairs.extend([(*from, *to), (*to, *from)]);
            }
        }
        let name = |at: usize| TypeName::new(&self.systems[at].name, ELEMENTS);
        let prop = |prop: &str| (PropertyRef::new(prop), PropertyRef::new(prop));
        let parent = lockstep_connector::elements::PARENT;
        let row = |path: &str| PropertyPair::equal(PropertyRef::new(path), PropertyRef::new(path));
        let matches = || MatchRow {
            pairs: vec![prop(parent), prop(NO)],
            ..MatchRow::single(PropertyRef::new(NO), PropertyRef::new(NO))
        };
        let flow = |(from, to): (usize, usize)| Flow {
            create: Create::Always,
            matches: vec![matches()],
            properties: [parent, NO, TEXT, AMOUNT].map(row).to_vec(),
            deletes: Deletes::Propagate,
            key: vec![[NO.into(), NO.into()]],
            ..Flow::between(name(from), name(to))
        };
        pairs.into_iter().map(flow).collect()
    }
}

impl SimulatedSystem {
    /// The lines that a person has when they are typed in: some of their own, and some that they
    /// have elsewhere, too.
    pub(crate) fn first_lines(&self, truth: &mut Truth, row: &mut Row, random: &mut Random) {
        if !self.drawn.lines || row.kind == Kind::Company {
            return;
        }
        for _ in 0..random.below(3) {
            self.add_line(truth, row, None);
        }
        let who = row.who_is().to_string();
        let taken_out: BTreeSet<u64> =
            truth.lines.iter().filter(|edit| edit.of == OfLine::Out).map(|edit| edit.no).collect();
        let is_elsewhere = |edit: &&LineEdit| {
            edit.who == who
                && edit.of == OfLine::In
                && !taken_out.contains(&edit.no)
                && row.lines.iter().all(|line| line.no != edit.no)
        };
        let elsewhere: Vec<u64> =
            truth.lines.iter().filter(is_elsewhere).map(|edit| edit.no).collect();
        if let Some(&no) = random.pick(&elsewhere).filter(|_| random.per_mille(500)) {
            self.add_line(truth, row, Some(no));
        }
    }

    /// Somebody puts a line in, edits one, moves one to another place, or takes one out;
    /// `unseen_too`: also where the hub has not been shown what it has written.
    pub fn person_lines(&self, random: &mut Random, unseen_too: bool) {
        let mut rows = self.rows_locked();
        let met = |row: &Row| {
            row.kind == Kind::Person
                && self.may_be_met(row)
                && (unseen_too || !row.unseen.contains(LINES))
        };
        let live: Vec<u64> =
            rows.all.iter().filter(|(_, row)| met(row)).map(|(key, _)| *key).collect();
        let Some(&key) = random.pick(&live) else { return };
        let row = rows.all.get_mut(&key).expect("it is live");
        let mut truth = self.truth.look();
        let before = row.lines.clone();
        let at = random.below(row.lines.len().max(1));
        let done = match random.below(10) {
            3..7 if !row.lines.is_empty() => {
                let prop = if random.per_mille(500) { TEXT } else { AMOUNT };
                self.edit_line(&mut truth, row, at, prop);
                "element edited"
            }
            7..9 if !row.lines.is_empty() => {
                let no = row.lines.remove(at).no;
                self.note_line(&mut truth, row, no, OfLine::Out, no);
                "element taken out"
            }
            9 if row.lines.len() > 1 => {
                row.lines.rotate_left(1);
                "element moved"
            }
            _ => {
                self.add_line(&mut truth, row, None);
                "element put in"
            }
        };
        truth.people_edits += 1;
        truth.count(done);
        truth.tell(
            row.who_is(),
            format!(
                "somebody edits {}/{} {LINES}: {} to {}",
                self.drawn.name,
                row.id,
                told(&before),
                told(&row.lines)
            ),
        );
        row.before = None;
        drop(truth);
        self.stamp(&mut rows, key);
    }

    /// A new line, or one with a number that another list of the person's has.
    fn add_line(&self, truth: &mut Truth, row: &mut Row, no: Option<u64>) {
        let who = row.who_is().to_string();
        let fresh = |truth: &mut Truth| {
            let value = truth.automation_value(&who, (self.number, row.id.clone()), NO);
            number_of(&value).unwrap_or_default()
        };
        let no = no.unwrap_or_else(|| fresh(truth));
        row.lines.push(Line { no, text: String::new(), amount: None });
        self.note_line(truth, row, no, OfLine::In, no);
        let at = row.lines.len() - 1;
        self.edit_line(truth, row, at, TEXT);
        self.edit_line(truth, row, at, AMOUNT);
    }

    fn edit_line(&self, truth: &mut Truth, row: &mut Row, at: usize, prop: &'static str) {
        let who = row.who_is().to_string();
        let value = truth.automation_value(&who, (self.number, row.id.clone()), prop);
        let (no, number) = (row.lines[at].no, number_of(&value).unwrap_or_default());
        match prop {
            TEXT => row.lines[at].text = value,
            _ => row.lines[at].amount = Some(number),
        }
        self.note_line(truth, row, no, OfLine::Prop(prop), number);
    }

    fn note_line(&self, truth: &mut Truth, row: &Row, no: u64, of: OfLine, number: u64) {
        let (at, who, epoch) =
            ((self.number, row.id.clone()), row.who_is().to_string(), truth.epoch);
        truth.lines.push(LineEdit { at, who, no, of, number, epoch });
    }

    /// The list as the system shows it.
    pub(crate) fn shown_lines(row: &Row) -> Value {
        row.lines.iter().map(Line::shown).collect::<Vec<_>>().into()
    }

    /// A list that the hub has written.
    pub(crate) fn put_lines(&self, row: &mut Row, value: &WriteValue) {
        let list = value.value.as_array().cloned().unwrap_or_default();
        let lines: Vec<Line> = list.iter().filter_map(Line::of).collect();
        if lines.len() != list.len() {
            let message = format!("{}/{} is given {list:?}", self.drawn.name, row.id);
            self.truth.look().broken("an element without a key", row.who_is(), message);
        }
        row.lines = lines;
    }

    /// Of a list that the hub has written: nothing is lost that was never looked at, no element
    /// stands in it twice, and none comes back that somebody has taken out of it.
    pub(crate) fn check_lines(&self, truth: &mut Truth, before: &Row, row: &Row, deed: &Deed) {
        let who = row.who_is().to_string();
        let name = format!("{}/{} {LINES}", self.drawn.name, row.id);
        let change = format!("{} to {}", told(&before.lines), told(&row.lines));
        let is: BTreeMap<u64, &Line> = row.lines.iter().map(|line| (line.no, line)).collect();
        if is.len() < row.lines.len() {
            truth.broken("an element twice", &who, format!("{name}: {change}"));
        }
        for line in &before.lines {
            let kept: Vec<u64> = is.get(&line.no).map_or(vec![], |line| line.numbers().collect());
            let is_of_here = |number: &u64| {
                truth.lines.iter().any(|edit| edit.at == deed.at && edit.number == *number)
            };
            let lost =
                line.numbers().find(|number| !kept.contains(number) && !before.has_seen(*number));
            if let Some(number) = lost.filter(is_of_here) {
                let message = format!("{name} loses {number}, never looked at: {change}");
                truth.broken("lost edit", &who, message);
            }
        }
        let was = |no: &u64| before.lines.iter().any(|line| line.no == *no);
        if let Some(no) = is.keys().find(|no| !was(no) && truth.is_taken_out(&deed.at, **no)) {
            let message = format!("{name} gets {no} again, which was taken out: {change}");
            truth.broken("an element back", &who, message);
        }
    }
}

impl Truth {
    /// Whether somebody has taken a line out of a list, some time after it was put in there.
    fn is_taken_out(&self, at: &At, no: u64) -> bool {
        let of = |of: OfLine| {
            let it = self.lines.iter().filter(move |edit| edit.of == of && edit.no == no);
            it.filter(|edit| edit.at == *at).map(|edit| edit.epoch).max()
        };
        let first = self.lines.iter().filter(|edit| edit.of == OfLine::In && edit.no == no);
        let put_in = of(OfLine::In).or_else(|| first.map(|edit| edit.epoch).min());
        of(OfLine::Out).zip(put_in).is_some_and(|(out, put_in)| put_in + 2 <= out)
    }
}

/// Lines as the story tells them.
pub fn told(lines: &[Line]) -> String {
    let one = |line: &Line| {
        let amount = line.amount.map_or(String::new(), |amount| format!("x{amount}"));
        format!("{} {:?} {amount}", line.no, line.text)
    };
    format!("[{}]", lines.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// A system as a process of the hub is connected with it.
struct Connected(Arc<SimulatedSystem>);

/// The connector of a system, with the lists of its people as record types where there are any.
pub(crate) fn connector(system: &Arc<SimulatedSystem>) -> Box<dyn Connector> {
    let inner = Box::new(Connected(system.clone()));
    let id = |list: &str, id: &str| Value::Object([(list.into(), id.into())].into_iter().collect());
    let lists: Value = Value::Object([(LINES.into(), id("id", NO))].into_iter().collect());
    let elements = Value::Object([(Kind::Person.name().into(), lists)].into_iter().collect());
    catalogue::with_elements(inner, Some(elements).filter(|_| system.drawn.lines))
        .expect("the lists of a world are sound")
}

impl Connector for Connected {
    fn types(&self) -> &[TypeSchema] {
        self.0.types()
    }

    fn test(&self) -> Result<String, Trouble> {
        self.0.test()
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        self.0.read(request)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        self.0.get(kind, watch, id)
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        self.0.find(kind, watch, prop, value)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        self.0.write(kind, watch, writes)
    }

    fn answers(&self, kind: &str, creates: bool) -> Answers {
        self.0.answers(kind, creates)
    }

    fn batch(&self, kind: &str) -> usize {
        self.0.batch(kind)
    }

    fn at_once(&self) -> usize {
        self.0.at_once()
    }
}
