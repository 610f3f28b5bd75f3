//! A table or view as the database's catalogue tells of it, and what it is to the hub: a record
//! type.

use lockstep_model::schema::KnownFrom;
use lockstep_model::schema::{Capabilities, PropertySchema};
use lockstep_model::{PlainType, TypeSchema, Value};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::cell::{self, Cell};
use super::column::{Column, Stored};
use super::dialect::Dialect;
use crate::key;
use crate::mark::Mark;

/// One table or view.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The columns of the primary key, by position.
    pub(super) key: Vec<usize>,
    pub(super) is_view: bool,
    /// Its rows show which transaction made them, and come in by no other way.
    #[serde(default)]
    pub(super) shows_transactions: bool,
    /// Constraints and unique indexes by name, with the names of their columns: a refusal names the
    /// constraint only.
    pub(super) constraints: Vec<(String, Vec<String>)>,
    /// Column, table referred to, column there (empty: its primary key).
    pub(super) foreign: Vec<(String, String, String)>,
    /// It was there once, and is not any more (R8).
    #[serde(default)]
    pub(super) gone: bool,
}

/// A table with what the settings say of it.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) table: Table,
    pub(super) id: usize,
    /// What the id is made of besides.
    pub(super) id_rest: Vec<usize>,
    pub(super) modified: Option<usize>,
    /// What changed is told by transactions (`changes: xmin`).
    pub(super) by_transactions: bool,
    /// The columns that have a time of their own, each with where it is (P1).
    pub(super) times: Vec<(usize, usize)>,
    /// The column with the time of a row's creation (R9).
    pub(super) created: Option<usize>,
    pub(super) version: Option<usize>,
    /// The column that says that a row is deleted, and how (D3).
    pub(super) mark: Option<(usize, Mark)>,
}

impl Table {
    /// The table of the column that comes next, where a catalogue tells the columns table by table.
    pub(super) fn in_order(tables: &mut Vec<Table>, name: String, is_view: bool) -> &mut Table {
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table {
                name,
                columns: vec![],
                key: vec![],
                is_view,
                shows_transactions: false,
                constraints: vec![],
                foreign: vec![],
                gone: false,
            });
        }
        let last = tables.len() - 1;
        &mut tables[last]
    }

    /// Adds what was there before and is missing now: a table or column that was renamed or dropped
    /// is a record type that pauses, and no mistake in the flows that name it.
    pub(super) fn add_missing(now: &mut Vec<Table>, before: Vec<Table>) {
        for known in before {
            match now.iter_mut().find(|table| table.name == known.name) {
                None => now.push(Table { gone: true, ..known }),
                Some(table) => {
                    for column in known.columns {
                        if table.column(&column.name).is_none() {
                            table.columns.push(Column { gone: true, ..column });
                        }
                    }
                }
            }
        }
    }

    /// A column's position.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The columns that a constraint speaks of.
    pub(super) fn columns_of(&self, constraint: &str) -> Option<&[String]> {
        self.constraints
            .iter()
            .find(|(name, _)| name == constraint)
            .map(|(_, columns)| columns.as_slice())
    }
}

impl Kind {
    pub(super) fn id(&self) -> &Column {
        &self.table.columns[self.id]
    }

    /// The columns that the id is made of.
    pub(super) fn key(&self) -> impl Iterator<Item = &Column> {
        std::iter::once(&self.id).chain(&self.id_rest).map(|at| &self.table.columns[*at])
    }

    fn is_of_key(&self, at: usize) -> bool {
        self.id == at || self.id_rest.contains(&at)
    }

    /// The names of these columns, for messages.
    pub(super) fn key_names(&self) -> String {
        self.key().map(|column| column.name.as_str()).collect::<Vec<_>>().join("`, `")
    }

    /// What a row says, as a number that differs when the same row says something else: where columns
    /// came, went or changed their names or types, and with other settings.
    pub(super) fn layout(&self) -> u64 {
        let mut text = format!("{:?}", (self.id, &self.id_rest, self.modified, &self.times));
        text.push_str(&format!("{:?}", (self.created, self.version, &self.mark)));
        for column in self.table.columns.iter().filter(|column| !column.gone) {
            text.push_str(&format!("\n{} {} {:?}", column.name, column.native, column.stored));
            text.push_str(column.zone.iana_name().unwrap_or_default());
        }
        xxh3_64(text.as_bytes())
    }

    /// The id that these cells are, which stand in the order of the key.
    pub(super) fn id_of(&self, cells: &[Cell]) -> Option<String> {
        let part = |cell: &Cell| cell.text().filter(|text| !text.is_empty());
        if self.id_rest.is_empty() {
            return part(cells.first()?);
        }
        let parts: Option<Vec<String>> =
            cells.iter().take(1 + self.id_rest.len()).map(part).collect();
        parts.map(key::join)
    }

    /// The cells of an id; `None` where the columns can't hold it.
    pub(super) fn cells_of(&self, id: &str) -> Option<Vec<Cell>> {
        let parts = if self.id_rest.is_empty() {
            vec![id.to_string()]
        } else {
            key::split(id, 1 + self.id_rest.len())?
        };
        self.key()
            .zip(parts)
            .map(|(column, part)| cell::cell(column, &Value::String(part)).ok())
            .collect()
    }

    /// The condition that a row has an id, whose cells are the parameters from the `n`th on.
    pub(super) fn is_it(&self, dialect: Dialect, n: usize) -> String {
        let equal = |(at, column): (usize, &Column)| {
            format!("{} = {}", dialect.quoted(&column.name), dialect.param(n + at, column))
        };
        self.key().enumerate().map(equal).collect::<Vec<_>>().join(" AND ")
    }

    /// The columns of the key in an `ORDER BY`, each with its table: by its bare name PostgreSQL
    /// would order by what is shown of it, which is text, and pages would leave out `10` between
    /// `2` and `3` (R1).
    pub(super) fn order(&self, dialect: Dialect) -> String {
        let table = dialect.quoted(&self.table.name);
        self.key()
            .map(|column| format!("{table}.{}", dialect.quoted(&column.name)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The record type that the hub sees.
    pub(super) fn schema(&self) -> TypeSchema {
        let writable = !self.table.is_view;
        let properties = self.table.columns.iter().enumerate().map(|(at, column)| {
            let mut property = PropertySchema::new(column.name.as_str(), column.ty);
            property.list = column.stored == Stored::Array;
            property.ordered = property.list;
            property.read_only = column.read_only
                || !writable
                || self.version == Some(at)
                || (self.is_of_key(at) && column.draws);
            // An id that is given is given once.
            property.create_only = self.is_of_key(at) && !property.read_only;
            let drawn_here = self.id == at && self.draws_own_ids();
            property.note = column.gone.then(|| {
                "the table has no such column any more: a run leaves the table alone".into()
            });
            let of_several = !self.id_rest.is_empty() && self.is_of_key(at);
            property.required = (!column.nullable || of_several)
                && !column.gone
                && !column.has_default
                && !column.draws
                && !property.read_only
                && !drawn_here
                && self.modified != Some(at);
            let own_time = self.times.iter().find(|(of, _)| *of == at);
            property.modified = own_time
                .map(|(_, time)| lockstep_model::Path::new(&self.table.columns[*time].name));
            property.read_only |= self.times.iter().any(|(_, time)| *time == at);
            property.reference.clone_from(&column.reference);
            property.stored_as.caseless = column.caseless;
            property
        });
        TypeSchema {
            kind: self.table.name.clone(),
            properties: properties.collect(),
            known_from: KnownFrom::Declaration,
            open: false,
            can: Capabilities {
                create: writable,
                update: writable,
                delete: writable,
                restore: writable
                    && self.mark.as_ref().is_some_and(|(_, mark)| mark.can_be_taken_off()),
                since: self.modified.is_some() || self.by_transactions,
                find: true,
                get: true,
                tells_deletions: false,
            },
            absent_is_empty: true,
            mark: self
                .mark
                .as_ref()
                .map(|(at, _)| lockstep_model::Path::new(&self.table.columns[*at].name)),
            created: self.created.map(|at| lockstep_model::Path::new(&self.table.columns[at].name)),
            tells_times: self.modified.is_some(),
            note: self
                .table
                .gone
                .then(|| "there is no such table any more: a run leaves it alone".into()),
            numeric_ids: Some(self.id().ty == PlainType::Integer && self.id_rest.is_empty()),
            key: match self.id_rest.is_empty() {
                true => vec![],
                false => self.key().map(|column| lockstep_model::Path::new(&column.name)).collect(),
            },
            ..TypeSchema::open(self.table.name.clone())
        }
    }

    /// The table has text ids and none for a new row: it gets one made of the write's token, the
    /// same at every try (C2).
    pub(super) fn draws_own_ids(&self) -> bool {
        let id = self.id();
        self.id_rest.is_empty()
            && !id.draws
            && !id.has_default
            && matches!(id.ty, PlainType::String)
    }
}
