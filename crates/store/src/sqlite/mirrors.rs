//! What is kept in memory as it is on disk: valid as long as nobody else writes, and read anew
//! after a step that was not kept.

use rusqlite::Connection;

use super::agenda::Agenda;
use super::fault::Fallible;
use super::key_buffer::KeyBuffer;
use super::open::Open;

/// The mirrors in memory. A store that only looks reads each anew where it is asked.
#[derive(Default)]
pub(super) struct Mirrors {
    /// What is to be decided on.
    pub agenda: Agenda,
    /// What is to be sent, and what is under way.
    pub open: Open,
    /// Match keys that are not in their table yet.
    pub coming: KeyBuffer,
}

impl Mirrors {
    /// What is on disk.
    pub(super) fn load(conn: &Connection) -> Fallible<Mirrors> {
        Ok(Mirrors {
            agenda: Agenda::load(conn)?,
            open: Open::load(conn)?,
            coming: KeyBuffer::load(conn)?,
        })
    }

    /// What memory holds of a step that was not kept is not true.
    pub(super) fn reload(&mut self, conn: &Connection) {
        self.agenda = Agenda::load(conn).unwrap_or_default();
        self.open = Open::load(conn).unwrap_or_default();
        // Keys of records that were not kept lead nowhere; those of others must not be forgotten.
        if let Ok(coming) = KeyBuffer::load(conn) {
            self.coming = coming;
        }
    }
}
