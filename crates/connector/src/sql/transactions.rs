//! PostgreSQL's transactions, where no column tells when a row was changed (`changes: xmin`).
//!
//! Each version of a row holds the number of the transaction that made it, `xmin`, in 32 bits:
//! numbers come again after four thousand million of them. What a snapshot tells is in 64 bits, and
//! never comes again. A reading notes the oldest transaction that may still be under way; the next
//! one asks for the rows of that one and of all later ones, which a transaction that was long on
//! its way is among. The distance of a row's number from the newest one is counted round the circle
//! of 32 bits. It is right for every row that was made since the last reading, as long as fewer
//! transactions than the circle holds have begun since; a row that is older by whole circles may be
//! read once more, which does no harm.
//!
//! In doubt everything is read: where half a circle or more has begun since, where numbers went
//! back, and on another server, another copy of it that went its own way, or another database.

use serde::{Deserialize, Serialize};

use super::database::{Cause, Database, Fault};

/// Numbers of transactions in a row.
const CIRCLE: u64 = 1 << 32;

/// Where a server's transactions stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Transactions {
    /// All before this one have ended.
    oldest: u64,
    /// The one that begins next.
    next: u64,
    /// Whose numbers these are: the server, its timeline and the database.
    server: String,
}

const STANDING: &str = "
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, pg_snapshot_xmax(pg_current_snapshot())::text,
       (SELECT system_identifier::text FROM pg_control_system()) || '/' ||
       (SELECT timeline_id::text FROM pg_control_checkpoint()) || '/' ||
       (SELECT oid::text FROM pg_database WHERE datname = current_database())";

impl Transactions {
    pub(super) fn standing(database: &mut dyn Database) -> Result<Transactions, Fault> {
        let rows = database.query(STANDING, &[])?;
        let text = |at: usize| rows.first().and_then(|row| row[at].text());
        let number = |at: usize| text(at).and_then(|text| text.parse().ok());
        match (number(0), number(1), text(2)) {
            (Some(oldest), Some(next), Some(server)) => Ok(Transactions { oldest, next, server }),
            _ => Err(Fault::new(
                Cause::Statement,
                "PostgreSQL does not tell where its transactions stand: leave out `changes: xmin`",
            )),
        }
    }

    /// The first transaction whose rows are news to whoever has read there before; `None` where
    /// that is in doubt.
    pub(super) fn since(&self, before: &Transactions) -> Option<u64> {
        let begun = self.next.checked_sub(before.oldest)?;
        let went_on = self.server == before.server && self.next >= before.next;
        (went_on && begun < CIRCLE / 2).then_some(before.oldest)
    }
}

/// The condition that this transaction, or a later one, has made a row. The newest number is that of
/// the statement itself, so that no row that it sees is newer.
pub(super) fn made_since(oldest: u64) -> String {
    let next = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    format!("mod({next} % {CIRCLE} - xmin::text::bigint + {CIRCLE}, {CIRCLE}) <= {next} - {oldest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(oldest: u64, next: u64) -> Transactions {
        Transactions { oldest, next, server: "7/1/5".into() }
    }

    #[test]
    fn r1_what_may_have_been_under_way_is_asked_for_again() {
        assert_eq!(at(95, 120).since(&at(80, 90)), Some(80));
        // Over the end of 32 bits: the numbers of a snapshot go on.
        assert_eq!(at(CIRCLE + 5, CIRCLE + 9).since(&at(CIRCLE - 4, CIRCLE - 1)), Some(CIRCLE - 4));
    }

    #[test]
    fn r1_in_doubt_everything_is_read() {
        let before = at(80, 90);
        assert_eq!(at(80, 80 + CIRCLE / 2).since(&before), None, "half a circle has begun");
        assert_eq!(at(80, 79 + CIRCLE / 2).since(&before), Some(80));
        assert_eq!(at(81, 89).since(&before), None, "numbers went back: yesterday's server");
        for server in ["8/1/5", "7/2/5", "7/1/6"] {
            let other = Transactions { server: server.into(), ..at(95, 120) };
            assert_eq!(other.since(&before), None, "{server}");
        }
    }
}
