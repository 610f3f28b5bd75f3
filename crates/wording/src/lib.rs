//! Reasons in words. Engine, store and hub keep and return values; whoever shows them to a person
//! asks here, so that the same thing is always said in the same way. What a person can do about it
//! is said by whoever knows how it is done: a command, a button.

mod detail;
mod fact;
mod guarding;
mod reason;
mod why;

pub use detail::{act, became, decided_by, detail, linked_by, put_in};
pub use fact::fact;
pub use reason::{policy, reason};
pub use why::{unanswered, why};
