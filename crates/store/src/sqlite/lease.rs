//! Who may write: the last one that has taken the store over. The lock beside the file keeps a
//! second one out where locks hold; where they don't (some network folders), or once a store has
//! several machines, this tells the one that was overtaken.

use rusqlite::Connection;

use super::fault::{Fallible, Fault};
use super::statements as sql;
use crate::Lease;

/// The lease that the store has.
pub(super) fn read(conn: &Connection) -> Fallible<Lease> {
    Ok(Lease(sql::LEASE.prepare(conn)?.query_row([], |row| row.get(0))?))
}

/// Draws a new one; all older ones are lost.
pub(super) fn draw(conn: &Connection) -> Fallible<Lease> {
    sql::DRAW_LEASE.prepare(conn)?.execute([])?;
    read(conn)
}

/// Fails if it is another one.
pub(super) fn check(conn: &Connection, lease: &Lease) -> Fallible<()> {
    if read(conn)? == *lease { Ok(()) } else { Err(Fault::LostLease) }
}
