//! The store in one SQLite file, for one machine.
//!
//! Plain tables, with text where a person looks at them with the `sqlite3` shell; `migrations/` has
//! them. What rests on measurement: the write-ahead log with `synchronous=NORMAL` (a power cut can
//! lose the last commits, never the file), `FULL` around a commit that must outlive one, and the
//! log flushed by who sends what a commit said would be sent (C2); match keys as 64-bit numbers in
//! a table of their own, inserted in its order; few and large transactions; no index row for a
//! record that stands alone.
//!
//! [`SqliteStore::open`] takes the lock that keeps a second run out;
//! [`SqliteStore::open_read_only`] looks on while a run is at work.

mod agenda;
mod bind;
mod bound;
mod changes;
mod checkpointer;
pub mod copies;
mod database;
mod encode;
mod fault;
mod handle;
mod identities;
mod ids;
mod journal;
mod json;
mod key_buffer;
mod lease;
mod lock;
mod look_back;
mod marks;
mod migrations;
mod mirrors;
mod open;
mod outbox;
mod owners;
mod ranges;
mod reading;
mod records;
mod rename;
mod reviews;
mod size;
mod spans;
mod statements;
mod transaction;
mod write_intents;
mod write_records;
mod writing;

pub use handle::SqliteStore;
pub use size::Size;
