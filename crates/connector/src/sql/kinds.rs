//! Which record types the tables of a database are, as the settings say it.

use jiff::tz::TimeZone;
use lockstep_model::PlainType;

use super::cell::{mark_cell, truth_cell};
use super::column::Stored;
use super::dialect::Dialect;
use super::settings::Settings;
use super::table::{Kind, Table};
use crate::Trouble;
use crate::key::Key;
use crate::mark::Mark;
use crate::modified::Modified;

impl Settings {
    /// The tables that can be record types, with the settings' word on them.
    pub(super) fn kinds(&self, tables: Vec<Table>, dialect: Dialect) -> Result<Vec<Kind>, Trouble> {
        let zone = self.zone()?;
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        if let Some(unknown) = self.tables.keys().find(|name| !names.contains(name)) {
            return Err(Trouble::Misconfigured(format!(
                "{} has no table or view `{unknown}`, which `tables` names: it has {}",
                self.place(),
                names.join(", ")
            )));
        }
        let mut kinds = Vec::new();
        for mut table in tables {
            for column in &mut table.columns {
                let tells_none = matches!(column.stored, Stored::ZonelessTime | Stored::SpacedTime);
                // MySQL's TIMESTAMP is told in the session's zone, which is UTC.
                if tells_none
                    && !(dialect == Dialect::Mysql && column.native.starts_with("timestamp"))
                {
                    column.zone = zone.clone();
                }
            }
            if let Some(kind) = self.kind(table)? {
                kinds.push(kind);
            }
        }
        // A key of several columns is no column's value.
        let single = kinds.iter().filter(|kind| kind.id_rest.is_empty());
        let ids: Vec<(String, String)> =
            single.map(|kind| (kind.table.name.clone(), kind.id().name.clone())).collect();
        for kind in &mut kinds {
            for (column, target, there) in std::mem::take(&mut kind.table.foreign) {
                let to_id = ids
                    .iter()
                    .any(|(table, id)| *table == target && (there.is_empty() || *id == there));
                if let Some(at) = kind.table.column(&column).filter(|_| to_id) {
                    kind.table.columns[at].reference = Some(target);
                }
            }
        }
        Ok(kinds)
    }

    fn kind(&self, mut table: Table) -> Result<Option<Kind>, Trouble> {
        let own = self.tables.get(&table.name).cloned().unwrap_or_default();
        if let Some(word) = own.first_word().filter(|_| own.leave_out) {
            return Err(Trouble::Misconfigured(format!(
                "`{word}` of {0} has no effect beside `leave_out: true`: keep one of the two ({1}, `tables: {{ {0}: … }}`)",
                table.name,
                self.place()
            )));
        }
        if own.leave_out {
            return Ok(None);
        }
        let named = |column: &str, word: &str| {
            table.column(column).ok_or_else(|| {
                let known: Vec<&str> =
                    table.columns.iter().map(|column| column.name.as_str()).collect();
                Trouble::Misconfigured(format!(
                    "{}: table {} has no column `{column}`, which `{word}` names: it has {}",
                    self.place(),
                    table.name,
                    known.join(", ")
                ))
            })
        };
        let usual =
            |column: &Option<String>| column.as_ref().and_then(|column| table.column(column));
        if let Some(fault) =
            own.id.as_ref().and_then(Key::fault).or(own.modified.as_ref().and_then(Modified::fault))
        {
            return Err(Trouble::Misconfigured(format!(
                "{fault} ({}, `tables: {{ {}: … }}`)",
                self.place(),
                table.name
            )));
        }
        let own_key = own.id.as_ref().map(|key| {
            key.columns().iter().map(|column| named(column, "id")).collect::<Result<Vec<_>, _>>()
        });
        let own_key = own_key.transpose()?;
        let id = match (&own_key, table.key.as_slice()) {
            (Some(columns), _) => columns.first().copied(),
            (None, [only]) => Some(*only),
            // A view has no key: the usual one's name is taken for it.
            (None, _) if table.is_view => table.column(self.id.as_deref().unwrap_or("id")),
            (None, _) => usual(&self.id),
        };
        let Some(id) = id else {
            if let Some(word) = own.first_word() {
                return Err(Trouble::Misconfigured(format!(
                    "`{word}` of {0} has no effect: it has no key of one column, so it is no record type before `id` names its key ({1}, \
                     `tables: {{ {0}: {{ id: COLUMN }} }}`)",
                    table.name,
                    self.place()
                )));
            }
            return Ok(None);
        };
        let id_rest: Vec<usize> = own_key.map(|columns| columns[1..].to_vec()).unwrap_or_default();
        let of_row = own.modified.as_ref().and_then(Modified::of_record);
        let modified = of_row
            .map_or(Ok(usual(&self.modified)), |column| named(column, "modified").map(Some))?;
        let of_columns = own.modified.iter().flat_map(Modified::of_properties);
        let times = of_columns
            .map(|(column, time)| Ok((named(column, "modified")?, named(time, "modified")?)));
        let times = times.collect::<Result<Vec<(usize, usize)>, Trouble>>()?;
        let version = own
            .version
            .as_ref()
            .map_or(Ok(usual(&self.version)), |column| named(column, "version").map(Some))?;
        let created = own
            .created
            .as_ref()
            .map_or(Ok(usual(&self.created)), |column| named(column, "created").map(Some))?;
        for (at, word) in [(modified, "modified"), (created, "created")] {
            if let Some(at) = at {
                self.holds_times(&mut table, at, word)?;
            }
        }
        for (_, at) in &times {
            self.holds_times(&mut table, *at, "modified")?;
        }
        if own.changes.is_some() && (modified.is_some() || !table.shows_transactions) {
            let why = match modified {
                Some(at) => format!("`{}` tells when a row changed", table.columns[at].name),
                None => "it is no ordinary table, and its rows tell of no transactions".into(),
            };
            return Err(Trouble::Misconfigured(format!(
                "`changes: xmin` of {0} has no effect: {why} ({1}, `tables: {{ {0}: … }}`)",
                table.name,
                self.place()
            )));
        }
        let by_transactions = modified.is_none()
            && table.shows_transactions
            && own.changes.or(self.changes).is_some();
        let mark = match own.deleted {
            Some(mark) => {
                let taken =
                    std::iter::once(id).chain(id_rest.iter().copied()).map(|at| (Some(at), "id"));
                let taken = taken.chain([
                    (modified, "modified"),
                    (created, "created"),
                    (version, "version"),
                ]);
                Some(self.mark(
                    &table,
                    mark,
                    taken.into_iter().filter_map(|(at, word)| Some((at?, word))),
                )?)
            }
            None => None,
        };
        Ok(Some(Kind {
            table,
            id,
            id_rest,
            modified,
            by_transactions,
            times,
            created,
            version,
            mark,
        }))
    }

    /// D3, G10: a mark that its column can hold, and that marks something.
    fn mark(
        &self,
        table: &Table,
        mark: Mark,
        taken: impl Iterator<Item = (usize, &'static str)>,
    ) -> Result<(usize, Mark), Trouble> {
        let misconfigured = |why: String| {
            Trouble::Misconfigured(format!(
                "{why} ({}, `tables: {{ {}: … }}`)",
                self.place(),
                table.name
            ))
        };
        let Some(at) = table.column(&mark.at) else {
            let known: Vec<&str> =
                table.columns.iter().map(|column| column.name.as_str()).collect();
            let why = format!(
                "`{}`, which `deleted` of {} names, is no column of it: it has {}",
                mark.at,
                table.name,
                known.join(", ")
            );
            return Err(misconfigured(why));
        };
        let column = &table.columns[at];
        if let Some(fault) =
            mark.fault(taken.map(|(at, word)| (table.columns[at].name.as_str(), word)))
        {
            return Err(misconfigured(fault));
        }
        if mark.is_set() && table.is_view {
            return Err(misconfigured(format!(
                "`set` has no effect: {} is a view, and is only read",
                table.name
            )));
        }
        if mark.is_set() && column.read_only {
            return Err(misconfigured(format!(
                "`set` has no effect: the database fills `{}` in itself",
                column.name
            )));
        }
        if let Some(Err(why)) = mark_cell(column, &mark, jiff::Timestamp::UNIX_EPOCH) {
            return Err(misconfigured(format!(
                "`set` of `{}` can't be written: {why}",
                column.name
            )));
        }
        let unset = mark.unset().filter(|_| mark.can_be_taken_off());
        if let Some(Err(why)) = unset.map(|unset| truth_cell(column, &unset)) {
            return Err(misconfigured(format!(
                "`unset` of `{}` can't be written: {why}",
                column.name
            )));
        }
        Ok((at, mark))
    }

    /// R1: a column that is said to tell times, and does not, is not passed over.
    fn holds_times(&self, table: &mut Table, at: usize, word: &str) -> Result<(), Trouble> {
        let column = &mut table.columns[at];
        if matches!(column.ty, PlainType::Datetime | PlainType::Date) {
            return Ok(());
        }
        let Some(form) = column.times else {
            return Err(Trouble::Misconfigured(format!(
                "{}: the column {}.{}, which `{word}` names, holds no times ({}): name another, or none",
                self.place(),
                table.name,
                column.name,
                column.native
            )));
        };
        (column.ty, column.stored) = (PlainType::Datetime, form);
        if matches!(form, Stored::ZonelessTime | Stored::SpacedTime) {
            column.zone = self.zone()?;
        }
        Ok(())
    }

    pub(super) fn zone(&self) -> Result<TimeZone, Trouble> {
        let Some(name) = &self.zone else { return Ok(TimeZone::UTC) };
        TimeZone::get(name).map_err(|_| {
            Trouble::Misconfigured(format!(
                "there is no time zone `{name}`: `zone` is a name such as Europe/Oslo, or UTC"
            ))
        })
    }
}
