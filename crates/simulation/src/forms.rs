//! Forms of rows that a world may have beside plain ones: a group of properties (P1e), a value list
//! (`map`), lists kept by element (P11).
//!
//! They are drawn from a stream of chance of their own: a world in which none of them is drawn is
//! the one that its seed gave before they were known.

use std::fmt;

use lockstep_model::Conversion;
use lockstep_model::flow::{PropertyPair, PropertyRef};

use crate::draw::{Drawn, Fault, Faults, Rewrite, SystemDrawn};
use crate::random::Random;
use crate::truth::number_of;

/// The properties of an address, which move together (P1e).
pub const GROUP: [&str; 3] = ["street", "zip", "town"];
/// A property of which some systems keep words and others codes.
pub const LAND: &str = "land";

/// A list of which the elements come and go one by one (P11).
pub const TAGS: &str = "tags";

/// Pairs of the value list: the values of later edits are in none.
const PAIRS: u64 = 400;
/// Nor are those of every seventh edit.
const IN_NO_PAIR: u64 = 7;
/// Of every third edit somebody types the other word for the same code.
const OTHER_WORD: u64 = 3;

/// What becomes of a value that is in no pair of the value list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Else {
    Review,
    Pass,
    Empty,
}

/// The forms that a world has.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// How many properties the group has; 0 where there is none.
    pub group: usize,
    /// There is a value list, and this becomes of what is in no pair of it.
    pub map: Option<Else>,
    /// There is a list whose elements come and go one by one.
    pub sets: bool,
}

impl Forms {
    /// Draws all forms, and keeps those that are allowed.
    pub fn draw(random: &mut Random, faults: Faults, systems: &mut [SystemDrawn]) -> Forms {
        let (grouped, size) = (random.per_mille(250), 2 + random.below(2));
        let group = if grouped & faults.has(Fault::Groups) { size } else { 0 };
        let other = [Else::Review, Else::Pass, Else::Empty][random.below(3)];
        let map = Some(other).filter(|_| random.per_mille(250) & faults.has(Fault::Maps));
        // P11, known: with a third system some lists do not end equal (docs/simulation.md).
        let two = systems.len() == 2;
        let sets = random.per_mille(250) & faults.has(Fault::Sets) && two;
        for system in systems {
            let codes = random.per_mille(500);
            system.codes = codes && map.is_some();
            system.props.extend(GROUP.iter().take(group));
            system.props.extend(map.map(|_| LAND));
            let habits = [Rewrite::Trim, Rewrite::Upper, Rewrite::Cut(9), Rewrite::Spaced];
            let (habit, rewrites) = (habits[random.below(habits.len())], random.per_mille(400));
            system.tags = sets;
            let spells = sets && rewrites;
            system.rewrites.extend(Some((TAGS, habit)).filter(|_| spells));
        }
        Forms { group, map, sets }
    }

    /// The rows of a flow between two systems.
    pub fn rows(&self, from: &SystemDrawn, to: &SystemDrawn) -> Vec<PropertyPair> {
        let row = |prop: &str| PropertyPair::equal(PropertyRef::new(prop), PropertyRef::new(prop));
        let grouped = GROUP
            .iter()
            .take(self.group)
            .map(|prop| PropertyPair { group: Some("address".into()), ..row(prop) });
        let mapped = self.map.map(|other| PropertyPair {
            conversion: value_list(from.codes, to.codes, other),
            ..row(LAND)
        });
        let tags = self.sets.then(|| PropertyPair { each: true, ..row(TAGS) });
        grouped.chain(mapped).chain(tags).collect()
    }
}

impl fmt::Display for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group > 0 {
            writeln!(f, "  {} move together", GROUP[..self.group].join(", "))?;
        }
        if let Some(other) = self.map {
            writeln!(f, "  {LAND} is mapped; what is in no pair: {other:?}")?;
        }
        if self.sets {
            writeln!(f, "  {TAGS} come and go one by one")?;
        }
        Ok(())
    }
}

/// The value list of a row, as its flow says it.
fn value_list(from_codes: bool, to_codes: bool, other: Else) -> Option<Conversion> {
    if from_codes == to_codes {
        return None;
    }
    let mut pairs: Vec<[String; 2]> = Vec::new();
    for number in (1..=PAIRS).filter(|number| number % IN_NO_PAIR > 0) {
        let (word, code) = (format!("x{number} {LAND}"), format!("x{number}"));
        match from_codes {
            true => pairs.push([code, word]),
            false => {
                pairs.push([word, code.clone()]);
                // Several become one; the first is the way back.
                if number % OTHER_WORD == 0 {
                    pairs.push([format!("x{number} rike"), code]);
                }
            }
        }
    }
    let mut list = vec![lockstep_model::Value::from("map"), pairs.into_iter().collect()];
    match other {
        Else::Review => {}
        Else::Pass => list.push("pass".into()),
        Else::Empty => list.push("empty".into()),
    }
    list.push("_.".into());
    Some(Conversion::parse(&list.into()).expect("the value list of a world is sound"))
}

/// A value of a person's as it is typed into a system.
pub fn typed(system: &SystemDrawn, prop: &str, value: &str) -> String {
    let Some(number) = number_of(value).filter(|_| prop == LAND) else { return value.to_string() };
    match (system.codes, number % OTHER_WORD == 0) {
        (true, _) => format!("x{number}"),
        (false, true) => format!("x{number} rike "),
        (false, false) => value.to_string(),
    }
}

impl Drawn {
    /// Whether a value of one system becomes one of another by the row of the flows between them.
    pub fn is_mapped(&self, from: usize, to: usize, text: &str) -> bool {
        let (source, target) = (&self.systems[from], &self.systems[to]);
        let Some(number) = number_of(text).filter(|_| source.codes != target.codes) else {
            return true;
        };
        let is_paired = number <= PAIRS && number % IN_NO_PAIR > 0;
        let is_other_word = text.contains("rike");
        // The way back of a value list knows one word for a code.
        let forward = self.flows.iter().any(|(one, other, _)| (*one, *other) == (from, to));
        is_paired && (!is_other_word || forward)
    }

    /// Whether a system may hold a value in these terms.
    pub fn is_in_terms(&self, system: usize, text: &str) -> bool {
        let Some(number) = number_of(text) else { return true };
        // What is in no pair of the list is passed on in the other's terms.
        let is_passed = number > PAIRS
            || number.is_multiple_of(IN_NO_PAIR)
            || number.is_multiple_of(OTHER_WORD);
        let is_code = text.trim() == format!("x{number}");
        is_code == self.systems[system].codes || self.forms.map == Some(Else::Pass) && is_passed
    }
}
