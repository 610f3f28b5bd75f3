//! The company: its tables and numbers, and how its records are stored and taken away.

use super::records::{self, Kind};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::time;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

#[derive(Clone)]
pub(crate) struct PowerOffice {
    pub(super) tables: [Table; 3],
    pub(super) next_id: i64,
    pub(super) next_number: [i64; 2],
    pub(super) in_use: HashSet<String>,
    pub(super) tokens: HashMap<String, Timestamp>,
    pub(super) ids: Source,
}

impl PowerOffice {
    pub(super) fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    /// A customer's contact persons go with it.
    pub(super) fn take_away(&mut self, kind: Kind, id: &str, now: Timestamp) -> bool {
        if kind == Kind::Customers {
            let persons: Vec<String> = self
                .table(Kind::ContactPersons)
                .find(&format!("parent:{id}"))
                .map(str::to_owned)
                .collect();
            for person in persons {
                self.tables[Kind::ContactPersons as usize].remove(&person, now);
            }
        }
        self.tables[kind as usize].remove(id, now)
    }

    /// Validates and stores; `id` is that of a stored record, `parent` that of a new contact
    /// person's customer. Returns the record and whether anything changed.
    pub(super) fn store(
        &mut self,
        kind: Kind,
        id: Option<&str>,
        parent: Option<i64>,
        given: &Value,
        now: Timestamp,
    ) -> Result<(Value, bool), String> {
        let before = id.and_then(|id| self.table(kind).get(id)).cloned();
        let mut record = records::normal(kind, before.as_ref(), given)?;
        let own = id.unwrap_or_default();
        for (property, class) in [("ExternalImportReference", "import"), ("ExternalCode", "code")] {
            let Some(value) = tree::filled(&record, property) else { continue };
            if value.chars().count() > 50 {
                return Err(format!("{property} cannot be longer than 50 characters."));
            }
            if let Some(other) =
                self.table(kind).other_with(&format!("{class}:{}", value.to_lowercase()), own)
            {
                return Err(format!(
                    "{property} is already in use. '{value}' is used on (contact) Id = {other}."
                ));
            }
        }
        if let Some(number) = record["Number"].as_i64()
            && let Some(other) = self.table(kind).other_with(&format!("number:{number}"), own)
        {
            return Err(format!("Number {number} is already in use on (contact) Id = {other}."));
        }
        let stamp = json!(time::micros_offset(now));
        match &before {
            None => {
                let id = self.next_id;
                self.next_id += 1 + self.ids.below(9) as i64;
                record["Id"] = json!(id);
                if kind == Kind::ContactPersons {
                    record["ContactId"] = json!(parent);
                } else if record["Number"].is_null() {
                    let series = &mut self.next_number[kind as usize];
                    record["Number"] = json!(*series);
                    *series += 1;
                }
                for created in kind.created_stamps() {
                    record[*created] = stamp.clone();
                }
                record["LastChangedDateTimeOffset"] = stamp.clone();
                if record["MailAddress"].is_object() {
                    record["MailAddress"]["Id"] = json!(self.next_id);
                    self.next_id += 1;
                }
            }
            Some(before) => {
                // The stamp of a customer or employee does not move when only the address changes.
                let mut compared = record.clone();
                if kind != Kind::ContactPersons {
                    compared["MailAddress"] = before["MailAddress"].clone();
                }
                if compared != *before {
                    record["LastChangedDateTimeOffset"] = stamp;
                }
            }
        }
        let id = record["Id"].to_string();
        let changed = before.as_ref() != Some(&record);
        self.tables[kind as usize].put(&id, record.clone(), now);
        Ok((record, changed))
    }
}
