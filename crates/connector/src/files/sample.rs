//! What a look into a file tells of its records: which properties they have, where lists are, how
//! times are written.
//!
//! A file has no schema, so its record type stays open: this is for messages, for writing new
//! records in the form of those that are there, and for knowing lists. Only what is told by the
//! sample without doubt is said: a property is a string where every record has a text there; a
//! number stays undescribed, because a text such as `0150` written there must not lose its zero.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::schema::KnownFrom;
use lockstep_model::{PlainType, PropertySchema, TypeSchema, Value, path};

use super::csv::Header;
use super::edit::Shape;
use super::encoding::{Encoding, Source};
use super::members::{Members, is_out_of_reach};
use super::moments::Form;
use super::rows::Rows;

/// Sample size: rows from the start, number of places spread over the file, rows at each place.
const ROWS_AT_START: usize = 1000;
const PLACES: u64 = 32;
const ROWS_AT_PLACE: usize = 16;

/// What was learned.
#[derive(Debug, Default)]
pub(super) struct Sample {
    members: Members,
    seen: HashMap<String, Seen>,
    flags: BTreeMap<String, bool>,
    /// Where an empty text was seen.
    blank: BTreeSet<String>,
    /// Names that have a dot in them, each behind the path of its object, without quotation marks.
    dotted: BTreeSet<String>,
    /// How the property that tells the time of the last change is written.
    pub modified: Option<Form>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    text: bool,
    list: bool,
    other: bool,
    number: bool,
    truth: bool,
    /// Whole numbers were seen, and something else than whole numbers.
    whole: bool,
    no_whole: bool,
    through_list: bool,
}

impl Sample {
    /// Looks into a file of JSON Lines.
    pub(super) fn of_lines(
        file: &mut Source,
        modified: Option<&lockstep_model::Path>,
    ) -> std::io::Result<Sample> {
        let mut sample = Sample::default();
        let size = file.file().metadata()?.len();
        for place in 0..PLACES {
            let (from, many) = if place == 0 {
                (0, ROWS_AT_START)
            } else {
                (size / PLACES * place, ROWS_AT_PLACE)
            };
            if place > 0 && (size < (1 << 20) || file.encoding() != Encoding::Utf8) {
                break;
            }
            file.skip_to(from)?;
            let mut rows = Rows::lines(&mut *file);
            // The first line of a place in the middle is cut.
            if from > 0 {
                rows.next()?;
            }
            for _ in 0..many {
                let Some(row) = rows.next()? else { break };
                if let Ok(record @ Value::Object(_)) = serde_json::from_slice::<Value>(row.text) {
                    sample.learn(&record, "", false);
                    sample.members.learn(std::str::from_utf8(row.text).unwrap_or_default());
                    if sample.modified.is_none() {
                        sample.modified =
                            modified.and_then(|path| path.get(&record)).as_ref().and_then(Form::of);
                    }
                }
            }
        }
        Ok(sample)
    }

    fn learn(&mut self, value: &Value, here: &str, through_list: bool) {
        if let Value::Object(map) = value {
            for (name, child) in map {
                let path = path::below(here, name);
                if name.contains('.') {
                    let plain =
                        if here.is_empty() { name.clone() } else { format!("{here}.{name}") };
                    self.dotted.insert(plain);
                }
                if is_out_of_reach(name) {
                    continue;
                }
                self.learn(child, &path, through_list);
            }
            return;
        }
        // R7: an empty text is how some programs write nothing. It does not tell what else is there.
        if value.is_null() {
            return;
        }
        if value.as_str() == Some("") {
            self.blank.insert(here.to_string());
            return;
        }
        let seen = self.seen.entry(here.to_string()).or_default();
        seen.through_list |= through_list;
        let whole = |value: &Value| value.is_i64() || value.is_u64();
        match value {
            Value::Array(elements) => {
                seen.whole |= elements.iter().any(whole);
                seen.no_whole |= !elements.iter().all(whole);
            }
            single if whole(single) => seen.whole = true,
            _ => seen.no_whole = true,
        }
        match value {
            Value::String(_) => seen.text = true,
            Value::Array(elements) => {
                seen.list = true;
                for element in elements {
                    if element.is_object() {
                        let flagged = element.get("primary").is_some_and(Value::is_boolean);
                        *self.flags.entry(here.to_string()).or_default() |= flagged;
                        self.learn(element, here, true);
                    }
                }
            }
            Value::Number(_) => (seen.other, seen.number) = (true, true),
            Value::Bool(_) => (seen.other, seen.truth) = (true, true),
            Value::Null | Value::Object(_) => seen.other = true,
        }
    }

    /// Where lists are, and how the members of objects stand.
    pub(super) fn shape(&self) -> Shape {
        let lists = self.seen.iter().filter(|(_, seen)| seen.list);
        let lists =
            lists.map(|(path, _)| (path.clone(), self.flags.get(path) == Some(&true))).collect();
        let numbers = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.whole && !seen.no_whole)
            .map(|(path, _)| path.clone())
            .collect();
        Shape { lists, numbers, members: self.members.clone() }
    }

    /// The properties of the sampled records, in the order in which they came.
    pub(super) fn properties(&self) -> Vec<PropertySchema> {
        let mut paths = Vec::new();
        self.members.paths("", &mut paths);
        let only_blank = Seen { text: true, ..Seen::default() };
        let seen = |path: &String| {
            let seen = self.seen.get(path).copied();
            let seen = seen.or_else(|| self.blank.contains(path).then_some(only_blank))?;
            Some((path.clone(), seen))
        };
        paths
            .iter()
            .filter_map(seen)
            .map(|(path, seen)| {
                // R7: among lists a single value is a list of one, so that the lists stay whole.
                let ty = match (seen.list, seen.text, seen.other) {
                    (true, ..) => PlainType::List,
                    (false, true, false) => PlainType::String,
                    _ => PlainType::Any,
                };
                let mut property = PropertySchema::new(path.as_str(), ty);
                property.list = seen.list || seen.through_list;
                property.holds = match (seen.text || seen.list, seen.number, seen.truth) {
                    (false, true, false) => Some(PlainType::Float),
                    (false, false, true) => Some(PlainType::Boolean),
                    _ => None,
                };
                // What is marked as primary comes first; of plain elements the first is as good as
                // any.
                property.ordered = seen.through_list;
                property
            })
            .collect()
    }
}

/// The schema of a record type kept in a file.
pub(super) fn schema(
    kind: &str,
    key: &[String],
    modified: Option<&str>,
    sample: &Sample,
    header: Option<&Header>,
) -> TypeSchema {
    let mut schema = TypeSchema::open(kind);
    schema.can.tells_deletions = true;
    schema.known_from = if header.is_some() { KnownFrom::Header } else { KnownFrom::Sample };
    schema.tells_times = modified.is_some();
    // A reference to a record is written as its id is (R7).
    schema.numeric_ids = match header {
        Some(_) => Some(false),
        None if key.len() > 1 => Some(false),
        None => sample.seen.get(&key[0]).map(|seen| !seen.text && seen.other),
    };
    schema.properties = match header {
        // A CSV file holds what its columns hold and nothing else, though a missing one is only
        // said when it is written to.
        Some(header) => header
            .names
            .iter()
            .map(|name| PropertySchema {
                // Also an id, whose type is left open below.
                holds: Some(PlainType::String),
                ..PropertySchema::new(name.as_str(), PlainType::String)
            })
            .collect(),
        None => sample.properties(),
    };
    schema.dotted = sample.dotted.iter().map(|path| path.as_str().into()).collect();
    if schema.properties.is_empty() {
        // An empty file tells nothing.
        schema.known_from = KnownFrom::Declaration;
    }
    for (at, id) in key.iter().enumerate() {
        if schema.property(&id.as_str().into()).is_none() {
            schema.properties.insert(
                at.min(schema.properties.len()),
                PropertySchema::new(id.as_str(), PlainType::Any),
            );
        }
    }
    if key.len() > 1 {
        schema.key = key.iter().map(|id| id.as_str().into()).collect();
    }
    for property in &mut schema.properties {
        if key.iter().any(|id| property.path.as_str() == id) {
            // An id may be given to a new record, but is never changed: it would be another record.
            // Of several parts all have to be given.
            (property.ty, property.create_only, property.required) =
                (PlainType::Any, true, key.len() > 1);
            property.list = false;
        }
        if Some(property.path.as_str()) == modified {
            property.read_only = true;
        }
    }
    schema
}
