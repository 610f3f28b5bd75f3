//! Reasons in words. Engine, store and hub keep and return values; whoever shows them to a person
//! asks here, so that the same thing is always said in the same way. What a person can do about it
//! is said here apart from how it is done: the command or the button is for whoever has it.

mod detail;
mod fact;
mod guarding;
mod reason;
mod remedy;
mod why;

pub use detail::{act, became, decided_by, detail, linked_by, put_in};
pub use fact::fact;
pub use reason::{policy, reason};
pub use remedy::{effect, remedy};
pub use why::{unanswered, why};
