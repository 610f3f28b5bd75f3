//! A record's row as a write asks for it: revised, marked as deleted, or new.

use std::borrow::Cow;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Path, ReadRecord, Value};
use serde_json::Map;

use super::csv::{self, Header};
use super::decimals;
use super::distinct::Distinct;
use super::edit::{self, Edit};
use super::encoding::Encoding;
use super::fingerprint::fingerprint;
use super::members::Members;
use super::moments::{Form, Now, moment};
use super::splice::rewritten;
use super::table::Table;
use super::take::{AFTER_QUOTE, id_of, version_of, wrong_width};
use crate::{Action, Write, WriteValue};

/// Why a row can't be made as a write asks.
pub(super) struct Refusal {
    pub prop: Option<usize>,
    pub message: String,
}

/// A row as it is to be, and what it shows.
pub(super) struct Made {
    pub row: Vec<u8>,
    pub record: ReadRecord,
}

impl Refusal {
    fn whole(message: String) -> Refusal {
        Refusal { prop: None, message }
    }
}

impl Table {
    /// G4: a text that the file's encoding can't hold.
    fn fits(&self, encoding: Encoding, value: &Value) -> Result<(), String> {
        let lacking = match value {
            Value::String(text) => encoding.lacks(text),
            Value::Array(_) | Value::Object(_) => encoding.lacks(&value.to_string()),
            _ => None,
        };
        match lacking {
            None => Ok(()),
            Some(lacking) => Err(format!(
                "{} can't be written in {}, which the file is in: save the file as UTF-8 to hold it",
                lockstep_model::value::shown(&Value::String(lacking.into())),
                encoding.name()
            )),
        }
    }

    /// A record's row after a write. The time of its last change is set if anything else changed.
    pub(super) fn revised(
        &self,
        row: &[u8],
        (header, encoding): (Option<&Header>, Encoding),
        watch: &[PropertyRef],
        members: &Members,
        write: &Write,
        now: &Now,
    ) -> Result<Made, Refusal> {
        self.all_fit((header, encoding), write)?;
        match header {
            Some(header) => self.revised_cells(row, header, watch, write, now),
            None => {
                let text = std::str::from_utf8(row).map_err(|error| self.unreadable(&error))?;
                // R8: of a name that is there twice one value would be lost.
                serde_json::from_str::<Distinct>(text).map_err(|error| self.unreadable(&error))?;
                let before: Value =
                    serde_json::from_str(text).map_err(|error| self.unreadable(&error))?;
                let mut record = before.clone();
                self.put(&mut record, watch, write)?;
                if record == before {
                    return Ok(Made { row: row.to_vec(), record: self.shown(&record, row, watch) });
                }
                self.touch(&mut record, watch, write, now);
                let row = rewritten(text, &before, &record, members).into_bytes();
                Ok(Made { record: self.shown(&record, &row, watch), row })
            }
        }
    }

    /// D3: whether a row is a deleted record's.
    pub(super) fn is_marked(&self, row: &[u8], header: Option<&Header>) -> bool {
        self.mark.is_some()
            && self.extractor(&[], header).extract(row, 0).is_ok_and(|record| record.deleted)
    }

    /// D3: a record's row with the mark of a deleted one; `None` where a deleted record is removed.
    pub(super) fn marked(
        &self,
        row: &[u8],
        form: (Option<&Header>, Encoding),
        members: &Members,
        now: &Now,
    ) -> Option<Result<Made, Refusal>> {
        let set = self.mark.as_ref()?.set(|| now.written(Form::usual()))?.into_owned();
        Some(self.with_mark(row, form, members, now, set))
    }

    /// D2, D3: a record's row with this in the place of its mark.
    pub(super) fn with_mark(
        &self,
        row: &[u8],
        form: (Option<&Header>, Encoding),
        members: &Members,
        now: &Now,
        value: Value,
    ) -> Result<Made, Refusal> {
        let watch = self.mark.as_ref().map(|mark| PropertyRef::new(mark.at.as_str()));
        let watch: Vec<PropertyRef> = watch.into_iter().collect();
        let values = vec![WriteValue { prop: 0, value, displaced: Value::Null.into() }];
        let write = Write {
            action: Action::Update { id: String::new(), version: None },
            values,
            token: String::new(),
        };
        let made = self.revised(row, form, &watch, members, &write, now);
        // The one property that it names is none of the caller's.
        made.map_err(|refusal| Refusal::whole(refusal.message))
    }

    fn all_fit(
        &self,
        (header, encoding): (Option<&Header>, Encoding),
        write: &Write,
    ) -> Result<(), Refusal> {
        // R8: a CSV file with a zero byte in it is read by nobody any more.
        let zero = |value: &Value| value.as_str().is_some_and(|text| text.contains('\0'));
        let zero = write.values.iter().find(|value| header.is_some() && zero(&value.value));
        if let Some(value) = zero {
            let message = format!("{}: no cell can hold a zero byte", self.place);
            return Err(Refusal { prop: Some(value.prop), message });
        }
        if matches!(encoding, Encoding::Utf8 | Encoding::Utf16 { .. }) {
            return Ok(());
        }
        let misfit = write
            .values
            .iter()
            .find_map(|value| Some((value.prop, self.fits(encoding, &value.value).err()?)));
        match misfit {
            None => Ok(()),
            Some((prop, message)) => {
                Err(Refusal { prop: Some(prop), message: format!("{}: {message}", self.place) })
            }
        }
    }

    /// The row of a new record. `like` is the last row of a CSV file: what stands in quotes there
    /// does so here.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn created(
        &self,
        id: Value,
        (header, encoding): (Option<&Header>, Encoding),
        watch: &[PropertyRef],
        members: &Members,
        write: &Write,
        like: &[u8],
        now: &Now,
    ) -> Result<Made, Refusal> {
        self.all_fit((header, encoding), write)?;
        if let Some(header) = header {
            let like = csv::split(like, header.delimiter);
            let empty = |at: usize| {
                if like.get(at).is_some_and(|cell| csv::is_quoted(cell)) {
                    &b"\"\""[..]
                } else {
                    &b""[..]
                }
            };
            let mut cells: Vec<Cow<'_, [u8]>> =
                (0..header.names.len()).map(|at| Cow::Borrowed(empty(at))).collect();
            // A key of several parts is given with the values.
            if let (Some(column), Ok(text), true) =
                (header.column(self.id.as_str()), csv::text_for(&id), self.id_rest.is_empty())
            {
                cells[column] = Cow::Owned(csv::cell_of(
                    &text,
                    header.delimiter,
                    csv::is_quoted(&cells[column]),
                ));
            }
            return self.revised_cells(
                &csv::join(&cells, header.delimiter),
                header,
                watch,
                write,
                now,
            );
        }
        let mut record = Value::Object(Map::new());
        let (id_property, shape) = (PropertyRef::new(self.id.as_str()), &self.shape);
        let id_edit = Edit { value: &id, displaced: &Value::Null, shape, watch };
        if self.id_rest.is_empty() {
            id_edit.put(&mut record, &id_property).map_err(Refusal::whole)?;
        }
        self.put(&mut record, watch, write)?;
        self.touch(&mut record, watch, write, now);
        let row = members.text(&record).into_bytes();
        Ok(Made { record: self.shown(&record, &row, watch), row })
    }

    fn put(&self, record: &mut Value, watch: &[PropertyRef], write: &Write) -> Result<(), Refusal> {
        let is_update = !matches!(write.action, crate::Action::Create);
        for value in &write.values {
            let property = &watch[value.prop];
            if is_update && self.key().any(|id| property.path == *id) {
                return Err(Refusal {
                    prop: Some(value.prop),
                    message: self.id_stays(&property.path),
                });
            }
            Edit { value: &value.value, displaced: &value.displaced, shape: &self.shape, watch }
                .put(record, property)
                .map_err(|message| Refusal {
                    prop: Some(value.prop),
                    message: format!("{}: {message}", self.place),
                })?;
        }
        Ok(())
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> Refusal {
        Refusal::whole(format!(
            "{}: the record's row can't be read ({error}): correct it",
            self.place
        ))
    }

    fn id_stays(&self, id: &Path) -> String {
        format!("{}: `{id}` is the record's id, which is not changed", self.place)
    }

    /// Sets the time of the last change, in the form in which the record, or else the file, has it.
    fn touch(&self, record: &mut Value, watch: &[PropertyRef], write: &Write, now: &Now) {
        for path in self.modified.iter().chain(self.times_of(watch, write)) {
            let form = path
                .get(record)
                .as_ref()
                .and_then(Form::of)
                .or_else(|| self.form.clone())
                .unwrap_or_else(Form::usual);
            let edit = Edit {
                value: &now.written(form),
                displaced: &Value::Null,
                shape: &self.shape,
                watch: &[],
            };
            // Where a plain value stands in the way there is no place for the time; the record is
            // right without it.
            let _ = edit.put(record, &PropertyRef::new(path.as_str()));
        }
    }

    /// P1: where the own times are of the properties that are written.
    fn times_of<'t>(
        &'t self,
        watch: &'t [PropertyRef],
        write: &'t Write,
    ) -> impl Iterator<Item = &'t Path> {
        let is_written =
            |property: &Path| write.values.iter().any(|value| watch[value.prop].path == *property);
        self.times.iter().filter(move |(property, _)| is_written(property)).map(|(_, time)| time)
    }

    fn shown(&self, record: &Value, row: &[u8], watch: &[PropertyRef]) -> ReadRecord {
        ReadRecord {
            id: id_of(self.key().map(|id| id.get(record))).unwrap_or_default(),
            version: Some(version_of(fingerprint(row), self.layout(None))),
            modified: self
                .modified
                .as_ref()
                .and_then(|path| path.get(record))
                .as_ref()
                .and_then(moment),
            deleted: self.mark.as_ref().is_some_and(|mark| {
                Path::new(&mark.at).get(record).is_some_and(|found| mark.fits(&found))
            }),
            values: watch
                .iter()
                .map(|property| self.shape.in_its_kind(property, edit::read(record, property)))
                .collect(),
        }
    }

    fn revised_cells(
        &self,
        row: &[u8],
        header: &Header,
        watch: &[PropertyRef],
        write: &Write,
        now: &Now,
    ) -> Result<Made, Refusal> {
        let mut cells: Vec<Cow<'_, [u8]>> =
            csv::split(row, header.delimiter).into_iter().map(Cow::Borrowed).collect();
        if cells.len() != header.names.len() {
            return Err(self.unreadable(&wrong_width(cells.len(), header.names.len())));
        }
        if csv::is_broken(row, header.delimiter) {
            return Err(self.unreadable(&AFTER_QUOTE));
        }
        let mut changed = false;
        for value in &write.values {
            let refused = |message: String| Refusal {
                prop: Some(value.prop),
                message: format!("{}: {message}", self.place),
            };
            let property = &watch[value.prop];
            let mut text = csv::text_for(&value.value).map_err(refused)?;
            if self.key().any(|id| property.path == *id)
                && !matches!(write.action, crate::Action::Create)
            {
                return Err(Refusal {
                    prop: Some(value.prop),
                    message: self.id_stays(&property.path),
                });
            }
            let Some(column) = header.column(property.path.as_str()) else {
                if text.is_empty() {
                    continue;
                }
                return Err(refused(format!(
                    "there is no column `{}`: add it to the first row, or take the property out",
                    property.path
                )));
            };
            if let Some(having) = &property.when {
                let Some(condition) = header.column(having.path.as_str()) else {
                    return Err(refused(format!(
                        "there is no column `{}`: add it to the first row",
                        having.path
                    )));
                };
                let there = csv::text_of(&cells[condition]).trim().to_string();
                if there.is_empty() && !text.is_empty() {
                    let quoted = csv::is_quoted(&cells[condition]);
                    cells[condition] =
                        Cow::Owned(csv::cell_of(&having.value, header.delimiter, quoted));
                } else if there != having.value.trim() && !text.is_empty() {
                    return Err(refused(format!(
                        "the record does not hold “{}” in `{}`",
                        having.value, having.path
                    )));
                } else if there != having.value.trim() {
                    continue;
                }
            }
            if self.has_decimal_comma(&property.path)
                && let Some(number) = decimals::written(&value.value)
            {
                text = number;
            }
            if csv::text_of(&cells[column]) != text {
                cells[column] = Cow::Owned(csv::cell_of(
                    &text,
                    header.delimiter,
                    csv::is_quoted(&cells[column]),
                ));
                changed = true;
            }
        }
        if changed || matches!(write.action, crate::Action::Create) {
            for path in self.modified.iter().chain(self.times_of(watch, write)) {
                let Some(column) = header.column(path.as_str()) else { continue };
                let form = Form::of(&csv::value_of(&cells[column]))
                    .or_else(|| self.form.clone())
                    .unwrap_or_else(Form::usual);
                let text = csv::text_for(&now.written(form)).map_err(Refusal::whole)?;
                cells[column] = Cow::Owned(csv::cell_of(
                    &text,
                    header.delimiter,
                    csv::is_quoted(&cells[column]),
                ));
            }
        }
        let made = if changed || matches!(write.action, crate::Action::Create) {
            csv::join(&cells, header.delimiter)
        } else {
            row.to_vec()
        };
        let record = self
            .extractor(watch, Some(header))
            .extract(&made, fingerprint(&made))
            .map_err(|unreadable| self.unreadable(&unreadable.message))?;
        Ok(Made { row: made, record })
    }
}
