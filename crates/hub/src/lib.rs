//! The shell around the core: it reads, has decided, records and delivers. The only clock is here.
//!
//! ```text
//! reading::Reader     pages ──▶ engine::observe ──▶ one commit: shadows + checkpoint + agenda
//! deciding::Decider   agenda ──▶ load::slice ──▶ engine::decide ──▶ one commit: links + intents + reviews
//! sending::Sender     outbox ──▶ connector.write ──▶ engine::confirm ──▶ one commit: shadows + intent + journal
//! run                 all three, until quiet
//! ```
//!
//! Each system has threads of its own for talking to it; the store has one owner. A run that is
//! stopped or killed goes on where it was: everything between two steps is in the store.

pub mod acts;
pub mod clock;
mod damages;
mod deciding;
mod error;
mod guards;
mod hub;
mod ledger;
pub mod looking;
mod of_flow;
mod outcome;
pub mod part;
mod plan;
mod reading;
mod recover;
mod remedies;
pub mod rename;
pub mod report;
mod run;
mod sending;
mod systems;
mod under_way;

pub use acts::{answers, audit, links, take_back, undo};
pub use clock::{Clock, SystemClock};
pub use damages::{DamageLine, TroubleLine};
pub use error::{ActError, ActResult, HubError, LookError, Result};
pub use guards::{Safeguards, TrippedGuard};
pub use hub::Hub;
pub use ledger::totals::{SystemTotals, Totals};
pub use ledger::{Ledger, failing};
pub use looking::figures::Figures;
pub use looking::{entity, explain, look, standing};
pub use part::Part;
pub use report::{Event, Report, Unnamed};
pub use systems::{Chance, System};
pub use under_way::{Progress, RunOptions, Unwatched, Watcher};
