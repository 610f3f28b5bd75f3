//! Names and numbers of things. Numbers are newtypes so that a record's number can't be taken for
//! an entity's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a record type: `wix.Contacts`, or with a facet `wave.Customer (human data)`.
///
/// A facet lets one record of a collection stand for two things, each with links and flows of its
/// own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TypeName {
    /// The system's name in the project: `wix`.
    pub system: String,
    /// The collection's name in the system: `Contacts`.
    pub kind: String,
    /// What the record stands for, where it can stand for more than one thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facet: Option<String>,
}

impl TypeName {
    /// A record type without a facet.
    pub fn new(system: impl Into<String>, kind: impl Into<String>) -> Self {
        TypeName { system: system.into(), kind: kind.into(), facet: None }
    }

    /// Reads `system.Kind` or `system.Kind (facet)`; the system's name ends at the first dot.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, facet) = match text.strip_suffix(')').and_then(|t| t.rsplit_once('(')) {
            Some((name, facet)) => (name.trim_end(), Some(facet.trim().to_string())),
            None => (text, None),
        };
        let (system, kind) = name.split_once('.')?;
        if system.is_empty() || kind.is_empty() {
            return None;
        }
        Some(TypeName { system: system.into(), kind: kind.into(), facet })
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.system, self.kind)?;
        match &self.facet {
            Some(facet) => write!(f, " ({facet})"),
            None => Ok(()),
        }
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $of:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $of);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

/// Who is to be found under a match key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyOwner {
    Record(RecordId),
    /// The record that this creation will make (C2).
    Promise(IntentId),
}

impl KeyOwner {
    /// The record, if it exists.
    pub fn record(self) -> Option<RecordId> {
        match self {
            KeyOwner::Record(record) => Some(record),
            KeyOwner::Promise(_) => None,
        }
    }
}

number!(
    /// A record type's place in the plan of flows.
    TypeIx, u16
);
number!(
    /// A watched property's place in its record type.
    PropIx, u16
);
number!(
    /// A flow's place in the plan of flows.
    FlowIx, u16
);
number!(
    /// The number that the store knows a record by; its record key is (record type, id in the
    /// system).
    RecordId, i64
);
number!(
    /// The number of an entity: that of the record it began with.
    EntityId, i64
);
number!(
    /// The number of an intent; they rise in the order of deciding.
    IntentId, i64
);
number!(
    /// The number of a run.
    RunId, i64
);

impl TypeIx {
    /// As an index into a list by record type.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl PropIx {
    /// As an index into a list by property.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl FlowIx {
    /// As an index into a list by flow.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_shown() {
        for text in ["wix.Contacts", "wave.Customer (human data)", "files.a.b"] {
            assert_eq!(TypeName::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(TypeName::parse("Contacts"), None);
        assert_eq!(TypeName::parse(".Contacts"), None);
    }
}
