//! Numbers of records and intents, from blocks that are taken on disk before one of them is handed
//! out: a number that was handed out once is never handed out again, also by the next process.

use rusqlite::Connection;

use super::fault::Fallible;
use super::statements as sql;

/// What is numbered.
#[derive(Clone, Copy)]
pub(super) enum Numbered {
    Record,
    Intent,
}

/// So many are taken on disk at least, beyond what is asked for; of many, so many times as many.
const BLOCK: i64 = 256;
const TIMES: i64 = 8;

/// A block of numbers that is not used up.
#[derive(Clone, Copy)]
struct Block {
    next: i64,
    /// The first number that is not taken on disk.
    end: i64,
}

/// The numbers that come next.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    record: Block,
    intent: Block,
}

impl Numbers {
    /// What no process has taken.
    pub(super) fn load(conn: &Connection) -> Fallible<Numbers> {
        let first = |next| Block { next, end: next };
        let mut numbers = Numbers { record: first(1), intent: first(1) };
        let mut statement = sql::COUNTERS.prepare(conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match row.get_ref(0)?.as_str() {
                Ok("record") => numbers.record = first(row.get(1)?),
                Ok("intent") => numbers.intent = first(row.get(1)?),
                _ => {}
            }
        }
        Ok(numbers)
    }

    /// The end that a block must have on disk before so many numbers are handed out; `None` where
    /// it has it.
    pub(super) fn end_needed_for(&self, what: Numbered, count: usize) -> Option<i64> {
        let block = match what {
            Numbered::Record => self.record,
            Numbered::Intent => self.intent,
        };
        let count = count as i64;
        let needed = block.next + count;
        (needed > block.end).then(|| needed + BLOCK.max(TIMES * count))
    }

    /// The block has this end on disk.
    pub(super) fn reserved(&mut self, what: Numbered, end: i64) {
        self.block(what).end = end;
    }

    /// Hands out so many; gives the first.
    pub(super) fn take(&mut self, what: Numbered, count: usize) -> i64 {
        let block = self.block(what);
        let first = block.next;
        block.next += count as i64;
        first
    }

    fn block(&mut self, what: Numbered) -> &mut Block {
        match what {
            Numbered::Record => &mut self.record,
            Numbered::Intent => &mut self.intent,
        }
    }
}

/// Writes the end of a block.
pub(super) fn reserve(conn: &Connection, what: Numbered, end: i64) -> Fallible<()> {
    let name = match what {
        Numbered::Record => "record",
        Numbered::Intent => "intent",
    };
    sql::SET_COUNTER.prepare(conn)?.execute((name, end))?;
    Ok(())
}
