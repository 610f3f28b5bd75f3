//! What the hub remembers by name, and how many writes wait: what guards and schedules are decided
//! on.

use lockstep_model::{IntentId, IntentKind, TypeIx, Value};

use super::database::Database;
use super::encode::text;
use super::fault::{Fallible, Fault};
use super::json;
use super::statements as sql;
use crate::Commit;

impl Database {
    pub(super) fn marks(&mut self) -> Fallible<Vec<(String, Value)>> {
        let mut found = Vec::new();
        let mut statement = sql::MARKS.prepare(&self.conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let value = json::parse(text(row, 1)?.unwrap_or_default());
            let damaged = |error| Fault::Damaged(format!("the mark {name} can't be read: {error}"));
            found.push((name.clone(), value.map_err(damaged)?));
        }
        Ok(found)
    }

    pub(super) fn identity(&mut self) -> Fallible<String> {
        Ok(sql::IDENTITY.prepare(&self.conn)?.query_row([], |row| row.get(0))?)
    }

    pub(super) fn write_marks(&mut self, commit: &Commit) -> Fallible<()> {
        for (name, value) in &commit.marks {
            match value {
                Some(value) => {
                    sql::SET_MARK.prepare(&self.conn)?.execute((name, value.to_string()))?
                }
                None => sql::REMOVE_MARK.prepare(&self.conn)?.execute([name])?,
            };
        }
        Ok(())
    }

    pub(super) fn queued(
        &mut self,
        ty: TypeIx,
        kind: IntentKind,
        after: IntentId,
    ) -> Fallible<u64> {
        self.look_at_open()?;
        let mut kind_of = sql::KIND_OF.prepare(&self.conn)?;
        let mut count = 0;
        for id in self.mirrors.open.queued(self.bound.ty(ty)?.row, after.0) {
            let is_it = kind_of.query_row([id], |row| {
                Ok(row.get_ref(0)?.as_str().is_ok_and(|name| name == kind.name()))
            })?;
            count += u64::from(is_it);
        }
        Ok(count)
    }
}
