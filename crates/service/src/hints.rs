//! What webhooks hint at: which records are to be read soon (R4).

use std::collections::BTreeSet;

use lockstep_connector::Named;

/// A system, its record type (none for all of them), the record where one is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    pub system: String,
    pub kind: Option<String>,
    pub id: Option<String>,
}

/// What a call names, as hints.
pub(crate) fn hints(system: &str, named: Vec<Named>) -> BTreeSet<Hint> {
    if named.is_empty() {
        return [Hint { system: system.into(), kind: None, id: None }].into();
    }
    let hint = |named: Named| Hint { system: system.into(), kind: Some(named.kind), id: named.id };
    named.into_iter().map(hint).collect()
}
