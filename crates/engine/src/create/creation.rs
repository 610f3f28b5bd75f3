//! What comes of deciding on a counterpart.

use lockstep_model::{Change, PropIx, Rule, Situation, TypeIx, Value, Why};

/// What a flow does about a record that has no counterpart.
#[derive(Clone, Debug, PartialEq)]
pub enum Creation {
    /// A record with these values.
    Make { changes: Vec<Change>, unconvertible: Vec<(PropIx, Value, String)> },
    /// Not now: it waits for something that will come by itself.
    Hold { rule: Rule, why: Why, reread: Option<TypeIx> },
    /// Not by this flow: the situation and the reason.
    No { situation: Situation, why: Why },
}
