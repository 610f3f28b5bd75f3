//! The agenda: which records are to be decided on, by rank.

use std::collections::BTreeMap;

use lockstep_model::RecordId;
use rusqlite::Connection;

use super::fault::Fallible;
use super::ranges::Ranges;
use super::statements as sql;
use crate::{AgendaEntry, Commit};

/// On disk the rank of what is held is higher by this.
const HELD: u16 = 0x4000;

/// What is to be decided on, as it is on disk: what is held or not, by rank.
#[derive(Default)]
pub(super) struct Agenda(BTreeMap<(bool, u16), Ranges>);

/// The rank on disk of a part of the agenda.
fn on_disk((held, rank): (bool, u16)) -> u16 {
    debug_assert!(rank < HELD, "rank {rank} can't be told from one that is held");
    if held { rank + HELD } else { rank }
}

impl Agenda {
    /// What is on disk.
    pub(super) fn load(conn: &Connection) -> Fallible<Agenda> {
        let mut agenda: BTreeMap<(bool, u16), Ranges> = BTreeMap::new();
        let mut statement = sql::AGENDA.prepare(conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let rank: u16 = row.get(0)?;
            let part = (rank >= HELD, rank % HELD);
            agenda.entry(part).or_default().load(row.get(1)?, row.get(2)?);
        }
        Ok(Agenda(agenda))
    }

    /// What is to be decided next.
    pub(super) fn first(&self, limit: usize) -> Vec<AgendaEntry> {
        let all = self.0.iter().flat_map(|(&(held, rank), ranges)| {
            ranges.numbers().map(move |id| AgendaEntry { held, rank, record: RecordId(id) })
        });
        all.take(limit).collect()
    }

    /// Which of these are to be decided on.
    pub(super) fn of(&self, ids: &[RecordId]) -> Vec<AgendaEntry> {
        let all = self.0.iter().flat_map(|(&(held, rank), ranges)| {
            let of_part = ids.iter().filter(|id| ranges.contains(id.0));
            of_part.map(move |id| AgendaEntry { held, rank, record: *id })
        });
        all.collect()
    }

    /// Takes over what a commit says of it, here and on disk. What is done goes first.
    pub(super) fn write(&mut self, conn: &Connection, commit: &mut Commit) -> Fallible<()> {
        commit.agenda_done.sort_unstable();
        let part_of = |entry: &AgendaEntry| (entry.held, entry.rank);
        for done in commit.agenda_done.chunk_by(|a, b| part_of(a) == part_of(b)) {
            if let Some(ranges) = self.0.get_mut(&part_of(&done[0])) {
                ranges.remove_all(done.iter().map(|entry| entry.record.0));
            }
        }
        commit.agenda_added.sort_unstable();
        for added in commit.agenda_added.chunk_by(|a, b| part_of(a) == part_of(b)) {
            let ranges = self.0.entry(part_of(&added[0])).or_default();
            ranges.insert_all(added.iter().map(|entry| entry.record.0));
        }
        for (part, ranges) in &mut self.0 {
            let rank = on_disk(*part);
            for (first, last) in ranges.changes() {
                match last {
                    Some(last) => sql::SET_AGENDA.prepare(conn)?.execute((rank, first, last))?,
                    None => sql::END_AGENDA.prepare(conn)?.execute((rank, first))?,
                };
            }
        }
        self.0.retain(|_, ranges| !ranges.is_empty());
        Ok(())
    }
}
