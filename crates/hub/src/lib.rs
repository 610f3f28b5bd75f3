//! The shell around the core: it reads, has decided, records and delivers. The only clock is here.
//!
//! ```text
//! read::read_all      pages ──▶ engine::observe ──▶ one commit: shadows + checkpoint + agenda
//! decide::decide_all  agenda ──▶ load::slice ──▶ engine::decide ──▶ one commit: links + intents + reviews
//! deliver::deliver    outbox ──▶ connector.write ──▶ engine::confirm ──▶ one commit: shadows + intent + journal
//! run::Hub::run       all three, until quiet
//! ```
//!
//! Each system has threads of its own for talking to it; the store has one owner. A run that is
//! stopped or killed goes on where it was: everything between two steps is in the store.

pub mod acts;
pub mod answers;
pub mod audit;
mod carry;
pub mod clock;
mod damages;
pub mod decide;
pub mod deletes;
pub mod deliver;
pub mod explain;
mod facets;
pub mod failing;
mod flips;
mod forget;
mod fresh;
pub mod guards;
mod identity;
mod lanes;
pub mod links;
pub mod load;
pub mod look;
mod look_again;
mod look_up;
mod lost;
mod named;
pub mod part;
pub mod read;
pub mod rename;
pub mod report;
pub mod run;
pub mod settle_unknown;
pub mod take_back;
mod twins;
pub mod undo;

pub use clock::{Clock, SystemClock};
pub use damages::{DamageLine, TroubleLine};
pub use guards::{Safeguards, TrippedGuard};
pub use part::Part;
pub use report::{Event, Report};
pub use run::{Hub, HubError, RunOptions, System};
