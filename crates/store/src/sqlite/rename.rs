//! L12: another name for a system, a record type or a property. What is stored under the old name
//! stands under the new one afterwards: record types, the shadows and claims of their records, what
//! waits to be sent, reviews, the journal, marks.

use lockstep_model::value::is_empty;
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

use super::database::Database;
use super::fault::Fallible;
use super::statements as sql;
use crate::renaming::Names;
use crate::{Renamed, Renaming, StoredType};

/// Renames in what is stored as JSON: stamps (`type`, `path`), places of claims (`goes`),
/// counterparts (`to`). Gives whether anything was renamed.
fn apply(names: &Names, value: &mut Value) -> bool {
    match value {
        Value::Array(list) => {
            let renamed =
                list.iter_mut().map(|value| apply(names, value)).filter(|renamed| *renamed);
            renamed.count() > 0
        }
        Value::Object(map) => {
            let mut any = false;
            let ty = map.get("type").and_then(Value::as_str).map(str::to_string);
            if let Some(ty) = &ty {
                for name in ["path", "from"] {
                    let new = map
                        .get(name)
                        .and_then(Value::as_str)
                        .and_then(|path| names.path(ty, path))
                        .map(str::to_string);
                    if let Some(new) = new.filter(|_| name == "from" || !map.contains_key("from")) {
                        map.insert(name.into(), new.into());
                        any = true;
                    }
                }
            }
            for name in ["type", "to"] {
                let new = map
                    .get(name)
                    .and_then(Value::as_str)
                    .and_then(|ty| names.ty(ty))
                    .map(str::to_string);
                if let Some(new) = new {
                    map.insert(name.into(), new.into());
                    any = true;
                }
            }
            if let Some(Value::Object(goes)) = map.get_mut("goes") {
                for (ty, paths) in std::mem::take(goes) {
                    let mut paths = paths;
                    for path in paths.as_array_mut().into_iter().flatten() {
                        if let Some(new) =
                            path.as_str().and_then(|path| names.path(&ty, path)).map(str::to_string)
                        {
                            *path = new.into();
                            any = true;
                        }
                    }
                    let name = names.ty(&ty).map(str::to_string);
                    any |= name.is_some();
                    goes.insert(name.unwrap_or(ty), paths);
                }
            }
            for (name, value) in map
                .iter_mut()
                .filter(|(name, _)| !matches!(name.as_str(), "value" | "displaced" | "given"))
            {
                let _ = name;
                any |= apply(names, value);
            }
            any
        }
        _ => false,
    }
}

impl Database {
    pub(super) fn record_types(&mut self) -> Fallible<Vec<StoredType>> {
        let mut statement = sql::RECORD_TYPES.prepare(&self.conn)?;
        let rows = statement.query_map([], |row| {
            let records: Option<i64> = row.get(2)?;
            Ok(StoredType {
                row: row.get(0)?,
                name: row.get(1)?,
                records: records.unwrap_or(0).max(0) as u64,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    pub(super) fn shared_keys(&mut self, a: &str, b: &str) -> Fallible<u64> {
        if !self.read_only {
            self.identities.index(&self.conn)?;
        }
        let shared: i64 =
            sql::SHARED_KEYS.prepare(&self.conn)?.query_row([a, b], |row| row.get(0))?;
        Ok(shared.max(0) as u64)
    }

    pub(super) fn rename(
        &mut self,
        renaming: &Renaming,
    ) -> Fallible<std::result::Result<Renamed, String>> {
        let stored = self.record_types()?;
        let names = match Names::of(renaming, &stored) {
            Ok(names) => names,
            Err(why) => return Ok(Err(why)),
        };
        if let Err(why) = self.make_room(&names, &stored)? {
            return Ok(Err(why));
        }
        let mut renamed = Renamed { records: 0, names: vec![] };
        for (old, new) in &names.types {
            self.conn.execute("UPDATE record_types SET name = ?2 WHERE name = ?1", [old, new])?;
            renamed.names.push((old.clone(), new.clone()));
        }
        let concerned = |ty: &&StoredType| {
            names.types.contains_key(&ty.name)
                || names.property.as_ref().is_some_and(|(of, _, _)| *of == ty.name)
        };
        let rows: Vec<&StoredType> = stored.iter().filter(concerned).collect();
        renamed.records = rows.iter().map(|ty| ty.records).sum();
        if let Some((ty, old, new)) = &names.property {
            let row = rows.first().map_or(0, |ty| ty.row);
            if self.is_property_in_use(row, new)? {
                return Ok(Err(names.property_taken()));
            }
            if !self.rename_property(row, old, new)? {
                return Ok(Err(format!("nothing is known of a property `{old}` of {ty}")));
            }
            renamed.names.push((format!("{ty}.{old}"), format!("{ty}.{new}")));
        }
        self.rename_in_json("records", "claims", &names)?;
        self.rename_in_intents(&names)?;
        for (name, value) in self.marks()? {
            if let Some(new) = names.mark(&name) {
                sql::REMOVE_MARK.prepare(&self.conn)?.execute([&name])?;
                sql::SET_MARK.prepare(&self.conn)?.execute((new, value.to_string()))?;
            }
        }
        Ok(Ok(renamed))
    }

    /// What was read under the new name before it was said that it is one stands for the same
    /// records, and makes room for them.
    fn make_room(
        &mut self,
        names: &Names,
        stored: &[StoredType],
    ) -> Fallible<std::result::Result<(), String>> {
        let mut in_the_way = vec![];
        for there in stored.iter().filter(|ty| names.is_of_new(&ty.name)) {
            let linked: bool = self.conn.query_row(
                "SELECT EXISTS (SELECT 1 FROM records r JOIN links l ON l.record = r.id OR l.entity = r.id WHERE r.type = ?1)
                     OR EXISTS (SELECT 1 FROM records WHERE type = ?1 AND written_at IS NOT NULL)",
                [there.row],
                |row| row.get(0),
            )?;
            if linked {
                return Ok(Err(names.taken(&there.name)));
            }
            if names.types.values().any(|new| *new == there.name) {
                in_the_way.push(there.row);
            }
        }
        for row in in_the_way {
            self.forget_type(row)?;
        }
        Ok(Ok(()))
    }

    /// Whether records of a type hold something under this name, or have.
    fn is_property_in_use(&self, row: i64, path: &str) -> Fallible<bool> {
        let of_path = |text: Option<String>| {
            serde_json::from_str::<Value>(&text?).ok()?.as_object_mut()?.remove(path)
        };
        let mut statement =
            self.conn.prepare("SELECT shadow, claims FROM records WHERE type = ?1")?;
        let mut rows = statement.query([row])?;
        while let Some(found) = rows.next()? {
            let holds = of_path(found.get(0)?).is_some_and(|value| !is_empty(&value));
            if holds || of_path(found.get(1)?).is_some() {
                return Ok(true);
            }
        }
        Ok(self.is_property_told(row, path)?)
    }

    /// Whether the journal tells something of a property.
    fn is_property_told(&self, row: i64, path: &str) -> rusqlite::Result<bool> {
        self.conn.query_row(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE path = ?1 AND record IN (SELECT id FROM records WHERE type = ?2))",
            (path, row),
            |row| row.get(0),
        )
    }

    /// A property's name in the records of a type, in reviews and in the journal. Gives whether
    /// anything is known of it.
    fn rename_property(&mut self, row: i64, old: &str, new: &str) -> Fallible<bool> {
        let held = rename_in_records(&self.conn, row, old, new)?;
        if held == 0 && !self.is_property_told(row, old)? {
            return Ok(false);
        }
        self.conn.execute(
            "UPDATE reviews SET path = ?2 WHERE path = ?1 AND type = ?3",
            (old, new, row),
        )?;
        self.conn.execute(
            "UPDATE journal SET path = ?2 WHERE path = ?1 AND record IN (SELECT id FROM records WHERE type = ?3)",
            (old, new, row),
        )?;
        Ok(true)
    }

    /// Everything of a record type that nothing is linked with.
    fn forget_type(&mut self, row: i64) -> Fallible<()> {
        for statement in [
            "DELETE FROM keys WHERE record IN (SELECT id FROM records WHERE type = ?1)",
            "DELETE FROM reviews WHERE type = ?1 OR record IN (SELECT id FROM records WHERE type = ?1)",
            "DELETE FROM records WHERE type = ?1",
            "DELETE FROM record_counts WHERE type = ?1",
            "DELETE FROM record_types WHERE id = ?1",
        ] {
            self.conn.execute(statement, [row])?;
        }
        Ok(())
    }

    fn rename_in_json(&mut self, table: &str, column: &str, names: &Names) -> Fallible<()> {
        let mut changed: Vec<(i64, String)> = vec![];
        {
            let mut statement = self
                .conn
                .prepare(&format!("SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(1)?;
                let Ok(mut value) = serde_json::from_str::<Value>(&text) else { continue };
                if apply(names, &mut value) {
                    changed.push((row.get(0)?, value.to_string()));
                }
            }
        }
        let mut update =
            self.conn.prepare(&format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1"))?;
        for (id, text) in changed {
            update.execute((id, text))?;
        }
        Ok(())
    }

    /// The changes of an intent name their own property by `path`, and the claim's where that has
    /// another.
    fn rename_in_intents(&mut self, names: &Names) -> Fallible<()> {
        self.rename_in_json("intents", "changes", names)?;
        let Some((ty, old, new)) = &names.property else { return Ok(()) };
        let row: Option<i64> = self
            .conn
            .query_row("SELECT id FROM record_types WHERE name = ?1", [ty], |row| row.get(0))
            .optional()?;
        let mut changed: Vec<(i64, String)> = vec![];
        {
            let mut statement =
                self.conn.prepare("SELECT id, type, source_type, changes FROM intents")?;
            let mut rows = statement.query([])?;
            while let Some(found) = rows.next()? {
                let (target, source): (Option<i64>, Option<i64>) = (found.get(1)?, found.get(2)?);
                let text: String = found.get(3)?;
                let Ok(Value::Array(mut changes)) = serde_json::from_str::<Value>(&text) else {
                    continue;
                };
                let mut any = false;
                for change in changes.iter_mut().filter_map(Value::as_object_mut) {
                    let path =
                        change.get("path").and_then(Value::as_str).unwrap_or_default().to_string();
                    let from =
                        change.get("from").and_then(Value::as_str).unwrap_or(&path).to_string();
                    let by_source = !change.contains_key("type") && source == row;
                    let (new_path, new_from) = (
                        if target == row && path == *old { new.clone() } else { path.clone() },
                        if by_source && from == *old { new.clone() } else { from.clone() },
                    );
                    if new_path != path || new_from != from {
                        change.insert("path".into(), new_path.clone().into());
                        match new_from == new_path {
                            true => drop(change.remove("from")),
                            false => drop(change.insert("from".into(), new_from.into())),
                        }
                        any = true;
                    }
                }
                if any {
                    changed.push((found.get(0)?, Value::Array(changes).to_string()));
                }
            }
        }
        let mut update = self.conn.prepare("UPDATE intents SET changes = ?2 WHERE id = ?1")?;
        for (id, text) in changed {
            update.execute((id, text))?;
        }
        Ok(())
    }
}

/// A property's name in the shadows and claims of a record type's records. Gives how many have it.
fn rename_in_records(conn: &Connection, row: i64, old: &str, new: &str) -> Fallible<usize> {
    let renamed = |text: Option<String>| {
        let mut value = serde_json::from_str::<Value>(&text?).ok()?;
        let map = value.as_object_mut()?;
        let held = map.remove(old)?;
        map.insert(new.to_string(), held);
        Some(value.to_string())
    };
    let mut changed: Vec<(i64, String, Option<String>)> = vec![];
    {
        let mut statement =
            conn.prepare("SELECT id, shadow, claims FROM records WHERE type = ?1")?;
        let mut rows = statement.query([row])?;
        while let Some(found) = rows.next()? {
            let (shadow, claims): (String, Option<String>) = (found.get(1)?, found.get(2)?);
            let (new_shadow, new_claims) = (renamed(Some(shadow.clone())), renamed(claims.clone()));
            if new_shadow.is_some() || new_claims.is_some() {
                changed.push((found.get(0)?, new_shadow.unwrap_or(shadow), new_claims.or(claims)));
            }
        }
    }
    let mut update = conn.prepare("UPDATE records SET shadow = ?2, claims = ?3 WHERE id = ?1")?;
    let count = changed.len();
    for (id, shadow, claims) in changed {
        update.execute((id, shadow, claims))?;
    }
    Ok(count)
}
