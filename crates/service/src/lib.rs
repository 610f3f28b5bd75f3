//! Lockstep at work all the time.
//!
//! ```text
//! commands ─▶ socket ──┐                 ┌─▶ hub: a run of what is due, or what was asked for
//! systems ──▶ hooks ───┼─▶ queue ─▶ owner┤
//! schedule ────────────┘                 └─▶ who asked: a typed answer
//! ```
//!
//! One thread, the [`Owner`], has the hub. Everything else sends it [`Request`]s and hints. A
//! command finds the service by a file beside the store ([`socket`]) and asks it instead of waiting
//! for the store; [`Desk`] hides which of the two it is.

mod client;
mod copies;
mod desk;
mod hints;
mod hooks;
pub mod http;
pub mod metrics;
mod notify;
mod owner;
mod perform;
mod request;
mod schedule;
pub mod socket;

pub use client::Client;
pub use copies::{BackedUp, Restored, back_up, restore};
pub use desk::{Desk, plan_to_take_back};
pub use hints::Hint;
pub use hooks::{Systems, listen, register, routes};
pub use metrics::Metrics;
pub use notify::{Heartbeat, notify};
pub use owner::{HintSender, NextRun, Owner, Project, Purpose, Queue, Told};
pub use request::{Flows, Limits, Refusal, Reply, Request, TakeBack};
pub use schedule::Schedule;
