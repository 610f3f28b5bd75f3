//! The match rules of a plan: by what records of two types find each other (L1).

use lockstep_model::matching::Normal;
use lockstep_model::{FlowIx, PropIx, TypeIx};

/// A match rule: one row of a match table, the same for both directions.
#[derive(Debug)]
pub struct MatchRule {
    pub a: TypeIx,
    pub b: TypeIx,
    pub seed: u64,
    /// As it is written, for messages: `Emails.Value = email`.
    pub text: String,
    /// The flows that say it.
    pub flows: Vec<FlowIx>,
    /// F2: no row says it; it links facets of two records that are linked by other facets.
    pub by_facet: bool,
}

/// One side of a match rule.
#[derive(Debug)]
pub struct MatchSide {
    pub rule: usize,
    pub other: TypeIx,
    pub props: Vec<MatchProp>,
}

impl MatchSide {
    /// Some pair of the row is compared through links (L10).
    pub fn has_references(&self) -> bool {
        self.props.iter().any(|prop| prop.reference)
    }
}

/// A property of a match rule.
#[derive(Clone, Copy, Debug)]
pub struct MatchProp {
    pub prop: PropIx,
    /// By which rule its values are normalised.
    pub by: Normal,
    /// It holds numbers, whatever JSON type they come in.
    pub numeric: bool,
    /// Both sides of the pair are references: they are compared through links (L10).
    pub reference: bool,
    /// The row names what the system derives from the primary element of a list: only that one
    /// counts, not any (L3).
    pub primary: bool,
    /// The conversion of the plan by which its values are made comparable.
    pub converted: Option<u16>,
}
