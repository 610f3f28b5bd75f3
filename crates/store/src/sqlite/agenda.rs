//! The agenda: which records are to be decided on, by rank.

use std::collections::BTreeMap;

use lockstep_model::RecordId;
use rusqlite::Connection;

use super::fault::Fallible;
use super::ranges::Ranges;
use super::statements as sql;
use crate::Commit;

/// What is to be decided on, as it is on disk.
#[derive(Default)]
pub(super) struct Agenda(BTreeMap<u16, Ranges>);

impl Agenda {
    /// What is on disk.
    pub(super) fn load(conn: &Connection) -> Fallible<Agenda> {
        let mut agenda: BTreeMap<u16, Ranges> = BTreeMap::new();
        let mut statement = sql::AGENDA.prepare(conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            agenda.entry(row.get(0)?).or_default().load(row.get(1)?, row.get(2)?);
        }
        Ok(Agenda(agenda))
    }

    /// What is to be decided next.
    pub(super) fn first(&self, limit: usize) -> Vec<(u16, RecordId)> {
        let all = self
            .0
            .iter()
            .flat_map(|(rank, ranges)| ranges.numbers().map(|id| (*rank, RecordId(id))));
        all.take(limit).collect()
    }

    /// Which of these are to be decided on.
    pub(super) fn of(&self, ids: &[RecordId]) -> Vec<(u16, RecordId)> {
        let of_rank = |(rank, ranges): (&u16, &Ranges)| {
            ids.iter().filter(|id| ranges.contains(id.0)).map(|id| (*rank, *id)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_rank).collect()
    }

    /// Takes over what a commit says of it, here and on disk. What is done goes first.
    pub(super) fn write(&mut self, conn: &Connection, commit: &mut Commit) -> Fallible<()> {
        commit.agenda_done.sort_unstable();
        for done in commit.agenda_done.chunk_by(|(a, _), (b, _)| a == b) {
            if let Some(ranges) = self.0.get_mut(&done[0].0) {
                ranges.remove_all(done.iter().map(|(_, record)| record.0));
            }
        }
        commit.agenda_added.sort_unstable();
        for added in commit.agenda_added.chunk_by(|(a, _), (b, _)| a == b) {
            self.0
                .entry(added[0].0)
                .or_default()
                .insert_all(added.iter().map(|(_, record)| record.0));
        }
        for (rank, ranges) in &mut self.0 {
            for (first, last) in ranges.changes() {
                match last {
                    Some(last) => sql::SET_AGENDA.prepare(conn)?.execute((*rank, first, last))?,
                    None => sql::END_AGENDA.prepare(conn)?.execute((*rank, first))?,
                };
            }
        }
        self.0.retain(|_, ranges| !ranges.is_empty());
        Ok(())
    }
}
