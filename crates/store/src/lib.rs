//! The store: it remembers, and decides nothing.
//!
//! It works in batches: the hub loads the slice that a batch touches ([`Store::records`],
//! [`Store::by_key`] and their like), the core decides, and one [`Commit`] records the result in
//! one transaction: shadows and checkpoint together (R1), links, intents, reviews, journal. Stores
//! speak of model values; what they look like on disk is their own business and versioned there.
//!
//! [`sqlite`] keeps everything in one file, [`memory`] in memory. Any store must pass [`contract`],
//! the suite that both are held to.

pub mod boundary;
mod catalogue;
mod commit;
pub mod contract;
mod error;
mod history;
pub mod leased;
mod memory;
mod renaming;
pub mod sqlite;

pub use boundary::{Agenda, Catalogue, Commits, History, Outbox, Reviews, Slices, Store, Upkeep};
pub use catalogue::{BoundType, Renamed, Renaming, StoredType, TypeStatus};
pub use commit::{AgendaEntry, Commit, Flush, IntentUpdate, Lease, ReviewKey};
pub use error::{Result, StoreError};
pub use history::{JournalEntry, JournalKind, RunRow, WrittenName};
pub use leased::Leased;
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
