//! Taking a record, or only its id, from a row.
//!
//! Which way leads to it depends on the file and on what is watched: JSON along a trie of the paths
//! (`extract`), JSON as a tree where a property carries a condition, cells by their columns. It is
//! found once for a reading, not for every row.

use std::borrow::Cow;

use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::number_text;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{Path, ReadRecord, Value};

use super::csv::{self, Header};
use super::decimals;
use super::distinct::Distinct;
use super::edit;
use super::extract::Trie;
use super::moments::moment;
use super::table::Table;
use crate::key;
use crate::mark::Mark;

/// A row that can't be read as a record.
pub(super) struct Unreadable {
    /// The id, if at least that can be made out.
    pub id: Option<String>,
    pub message: String,
    /// R8: it may hold the rest of another record as well, which then seems to be missing.
    pub may_hold_others: bool,
}

/// A row's version: its fingerprint, and the layout by which its cells are read. Any change of
/// either is another version (P6).
pub(super) fn version_of(fingerprint: u64, layout: u64) -> String {
    let fingerprint = fingerprint ^ layout;
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits: [u8; 16] =
        std::array::from_fn(|at| DIGITS[(fingerprint >> ((15 - at) * 4)) as usize & 15]);
    String::from_utf8_lossy(&digits).into_owned()
}

impl Table {
    /// What takes the watched properties from a row.
    pub(super) fn extractor(&self, watch: &[PropertyRef], header: Option<&Header>) -> Extractor {
        let plain = watch.iter().all(|property| property.when.is_none());
        let way = match header {
            Some(header) => {
                let column = |path: &Path| header.column(path.as_str());
                let cell = |property: &PropertyRef| CellAt {
                    column: column(&property.path),
                    decimal_comma: self.has_decimal_comma(&property.path),
                    when: property
                        .when
                        .as_ref()
                        .map(|having| (column(&having.path), having.value.trim().to_string())),
                };
                Way::Cells {
                    delimiter: header.delimiter,
                    names: header.names.clone(),
                    cells: watch.iter().map(cell).collect(),
                    id: self.key().map(|id| column(id).unwrap_or(usize::MAX)).collect(),
                    modified: self.modified.as_ref().and_then(column),
                    mark: self.mark.as_ref().and_then(|mark| header.column(&mark.at)),
                }
            }
            None if plain => {
                let mark = self.mark.as_ref().map(|mark| Path::new(&mark.at));
                let paths = watch
                    .iter()
                    .map(|property| &property.path)
                    .chain(self.key())
                    .chain(&self.modified)
                    .chain(&mark);
                Way::Trie {
                    trie: Trie::new(paths),
                    watched: watch.len(),
                    parts: self.key().count(),
                }
            }
            None => Way::Tree {
                watch: watch.to_vec(),
                id: self.key().cloned().collect(),
                modified: self.modified.clone(),
            },
        };
        let layout = self.layout(header);
        let is_list = |property: &PropertyRef| header.is_none() && self.shape.is_list(property);
        let lists = (0..watch.len()).filter(|at| is_list(&watch[*at])).collect();
        Extractor { way, layout, lists, mark: self.mark.clone(), found: Vec::new() }
    }

    /// What finds a row's id and nothing else.
    pub(super) fn id_reader(&self, header: Option<&Header>) -> IdReader {
        match header {
            Some(header) => {
                let column = |id: &Path| header.column(id.as_str()).unwrap_or(usize::MAX);
                IdReader::Cells {
                    names: header.names.clone(),
                    delimiter: header.delimiter,
                    column: column(&self.id),
                    rest: self.id_rest.iter().map(column).collect(),
                }
            }
            None => IdReader::Lines {
                beginning: format!("{{{}:", Value::from(self.id.as_str())).into_bytes(),
                direct: !self.id.as_str().contains('.') && self.id_rest.is_empty(),
                trie: Trie::new(self.key()),
            },
        }
    }
}

/// Takes what is watched from a row.
pub(super) struct Extractor {
    way: Way,
    layout: u64,
    /// The watched properties that are lists where others hold them (R7).
    lists: Vec<usize>,
    /// D3.
    mark: Option<Mark>,
    /// What the last row gave, kept for its room.
    found: Vec<Option<Value>>,
}

enum Way {
    /// JSON, in one pass; after the watched paths come the id's, the time's and the mark's.
    Trie {
        trie: Trie,
        watched: usize,
        /// Of the id.
        parts: usize,
    },
    /// JSON with conditions, which need the whole record.
    Tree { watch: Vec<PropertyRef>, id: Vec<Path>, modified: Option<Path> },
    Cells {
        delimiter: u8,
        names: Vec<String>,
        cells: Vec<CellAt>,
        id: Vec<usize>,
        modified: Option<usize>,
        mark: Option<usize>,
    },
}

/// Where a CSV row has a property.
struct CellAt {
    column: Option<usize>,
    decimal_comma: bool,
    when: Option<(Option<usize>, String)>,
}

impl Extractor {
    /// The record on a row; its version is made of `row_fingerprint`.
    pub(super) fn extract(
        &mut self,
        row: &[u8],
        row_fingerprint: u64,
    ) -> Result<ReadRecord, Unreadable> {
        let (id, modified, marked, mut values): (_, _, _, Vec<Option<Value>>) = match &self.way {
            Way::Trie { trie, watched, parts } => {
                expect_object(row)?;
                trie.extract(row, &mut self.found).map_err(Unreadable::broken)?;
                let marked = if self.mark.is_some() { self.found.pop().flatten() } else { None };
                let modified = if self.found.len() > watched + parts {
                    self.found.pop().flatten()
                } else {
                    None
                };
                let id = match parts {
                    1 => self.found.pop().flatten().and_then(id_text),
                    _ => id_of(self.found.drain(*watched..)),
                };
                (id, modified, marked, self.found.drain(..).collect())
            }
            Way::Tree { watch, id, modified } => {
                expect_object(row)?;
                serde_json::from_slice::<Distinct>(row).map_err(Unreadable::broken)?;
                let record: Value = serde_json::from_slice(row).map_err(Unreadable::broken)?;
                let modified = modified.as_ref().and_then(|path| path.get(&record));
                let values = watch.iter().map(|property| edit::read(&record, property)).collect();
                let marked = self.mark.as_ref().and_then(|mark| Path::new(&mark.at).get(&record));
                (id_of(id.iter().map(|id| id.get(&record))), modified, marked, values)
            }
            Way::Cells { delimiter, names, cells, id, modified, mark } => {
                let is_broken = csv::is_broken(row, *delimiter);
                let row = csv::split(row, *delimiter);
                let value = |column: usize| row.get(column).map(|cell| csv::value_of(cell));
                if csv::repeats(names, &row) {
                    return Err(Unreadable::of(None, REPEATED_NAMES.into()));
                }
                if row.len() != names.len() {
                    // R8: which of the cells is missing, or too many, can't be told.
                    let (id, message) = (
                        id_of(id.iter().map(|id| value(*id))),
                        wrong_width(row.len(), names.len()),
                    );
                    return Err(Unreadable { id, message, may_hold_others: true });
                }
                if is_broken {
                    let id = id_of(id.iter().map(|id| value(*id)));
                    let message = AFTER_QUOTE.into();
                    return Err(Unreadable { id, message, may_hold_others: true });
                }
                let number = |cell: &CellAt| match cell.column.and_then(value) {
                    Some(Value::String(text)) if cell.decimal_comma => {
                        Some(Value::String(decimals::read(&text).unwrap_or(text)))
                    }
                    other => other,
                };
                let values = cells.iter().map(|cell| match &cell.when {
                    None => number(cell),
                    Some((column, wanted)) => {
                        let held = column.and_then(value);
                        let held = held.as_ref().and_then(Value::as_str).unwrap_or_default();
                        let holds = held.trim() == wanted;
                        if holds { number(cell) } else { None }
                    }
                });
                (
                    id_of(id.iter().map(|id| value(*id))),
                    modified.and_then(value),
                    mark.and_then(value),
                    values.collect(),
                )
            }
        };
        for &at in &self.lists {
            if let Some(single) = values[at].take_if(|it| !it.is_array() && !is_empty(it)) {
                values[at] = Some(Value::Array(vec![single]));
            }
        }
        let Some(id) = id else {
            let message = "the record has no id: give it one, or remove it".into();
            return Err(Unreadable::of(None, message));
        };
        let modified = match modified {
            Some(value) if !is_empty(&value) => match moment(&value) {
                Some(at) => Some(at),
                None => return Err(Unreadable::of(Some(id), no_time(&value))),
            },
            _ => None,
        };
        let deleted =
            marked.is_some_and(|found| self.mark.as_ref().is_some_and(|mark| mark.fits(&found)));
        let version = Some(version_of(row_fingerprint, self.layout));
        Ok(ReadRecord { id, version, modified, deleted, values })
    }
}

impl Unreadable {
    fn broken(error: serde_json::Error) -> Unreadable {
        let (column, is_data) = (error.column(), error.is_data());
        let message = match is_data {
            true => format!("{error}: keep one of them. The record is left alone until then"),
            false => format!("not JSON at column {column} ({error}): correct the line"),
        };
        Unreadable::of(None, message)
    }

    /// A record that is wrong in itself.
    pub(super) fn of(id: Option<String>, message: String) -> Unreadable {
        Unreadable { id, message, may_hold_others: false }
    }
}

/// What is wrong with a row that says what the first one says.
const REPEATED_NAMES: &str = "the row repeats the first row, the names of the columns, as where two files were joined: remove it";

/// What is wrong with a row in which something stands behind the quote that ends a cell.
pub(super) const AFTER_QUOTE: &str = "something follows the quote that ends a cell: a quote in a value is written twice, `\"\"`, and not \
                                      with a backslash. The record is left alone until it is put right";

/// What is wrong with a row of so many cells where the first row has another number.
pub(super) fn wrong_width(cells: usize, columns: usize) -> String {
    let (few, why) = if cells < columns {
        ("only ", "a separator is missing, or a line was broken")
    } else {
        ("", "a separator in a value needs quotes around the value")
    };
    format!(
        "the row has {few}{cells} cells and the first row {columns}: {why}. The record is left alone until it is put right"
    )
}

fn no_time(value: &Value) -> String {
    format!(
        "the time of its last change is {}, which is no time that is understood: write 2024-01-31T10:00:00Z, 2024-01-31 or seconds or \
         milliseconds since 1970, or leave `modified` out of the system's settings",
        shown(value)
    )
}

fn expect_object(row: &[u8]) -> Result<(), Unreadable> {
    match row.trim_ascii_start().first() {
        Some(b'{') | None => Ok(()),
        Some(b'[') => Err(Unreadable::of(
            None,
            "a list, where every line should be one record in braces".into(),
        )),
        Some(_) => Err(Unreadable::of(
            None,
            "no JSON object: every line should be one record in braces".into(),
        )),
    }
}

/// An id as text, if the value can be one.
pub(super) fn id_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !is_empty(&Value::String(text.clone())) => Some(text),
        Value::Number(number) => Some(number_text(&number)),
        _ => None,
    }
}

/// The id that these are: the only one as it is, several as one text.
pub(super) fn id_of(parts: impl IntoIterator<Item = Option<Value>>) -> Option<String> {
    let mut texts = parts.into_iter().map(|part| part.and_then(id_text));
    let first = texts.next()??;
    match texts.next() {
        None => Some(first),
        Some(second) => {
            let parts: Option<Vec<String>> =
                [Some(first), second].into_iter().chain(texts).collect();
            Some(key::join(parts?))
        }
    }
}

/// Finds a row's id.
pub(super) enum IdReader {
    /// `beginning` is how a line looks whose first property is the id.
    Lines { beginning: Vec<u8>, direct: bool, trie: Trie },
    Cells {
        names: Vec<String>,
        delimiter: u8,
        column: usize,
        /// Of a key of several parts, the others.
        rest: Vec<usize>,
    },
}

impl IdReader {
    /// The id, and whether it is written as a JSON number. Works on lines that are broken behind
    /// it.
    pub(super) fn id<'r>(&self, row: &'r [u8]) -> Option<(Cow<'r, str>, bool)> {
        match self {
            IdReader::Cells { names, delimiter, column, rest } if !rest.is_empty() => {
                let cells = csv::split(row, *delimiter);
                if csv::repeats(names, &cells) {
                    return None;
                }
                let part = |column: &usize| cells.get(*column).map(|cell| csv::value_of(cell));
                let columns: Vec<usize> =
                    std::iter::once(*column).chain(rest.iter().copied()).collect();
                id_of(columns.iter().map(part)).map(|id| (Cow::Owned(id), false))
            }
            IdReader::Cells { names, delimiter, column, .. } => {
                let cells = csv::split(row, *delimiter);
                let text = csv::text_of(cells.get(*column)?);
                let is_none = text.trim().is_empty() || csv::repeats(names, &cells);
                (!is_none).then_some((text, false))
            }
            IdReader::Lines { beginning, direct, trie } => {
                if *direct
                    && let Some(rest) = row.strip_prefix(&beginning[..])
                    && let Some(id) = leading_id(rest.trim_ascii_start())
                {
                    return Some(id);
                }
                let mut found = Vec::with_capacity(1);
                trie.extract(row, &mut found).ok()?;
                if found.len() > 1 {
                    return id_of(found).map(|id| (Cow::Owned(id), false));
                }
                let value = found.pop()??;
                let as_number = value.is_number();
                Some((Cow::Owned(id_text(value)?), as_number))
            }
        }
    }
}

/// A plain text without escapes, or a plain whole number, at the beginning of these bytes.
fn leading_id(bytes: &[u8]) -> Option<(Cow<'_, str>, bool)> {
    if let Some(text) = bytes.strip_prefix(b"\"") {
        let end = text.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
        let id = std::str::from_utf8(&text[..end]).ok()?;
        return (text[end] == b'"' && !id.trim().is_empty()).then_some((Cow::Borrowed(id), false));
    }
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
    let plain = matches!(bytes[end], b',' | b'}' | b' ')
        && (1..=18).contains(&end)
        && (bytes[0] != b'0' || end == 1);
    let id = std::str::from_utf8(&bytes[..end]).ok()?;
    plain.then_some((Cow::Borrowed(id), true))
}
