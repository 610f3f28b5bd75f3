//! A system that could not be reached when its record types were to be learnt: it pauses alone, and
//! the others of the project go on.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, TypeSchema, Value};

use crate::{Connector, Outcome, Page, ReadRequest, Trouble, Write};

/// Answers everything with the trouble there was.
pub struct Down {
    types: Vec<TypeSchema>,
    trouble: Trouble,
}

impl Down {
    /// With the record types that flows name: of none of them anything is known.
    pub fn new<'a>(kinds: impl IntoIterator<Item = &'a str>, trouble: Trouble) -> Down {
        Down { types: kinds.into_iter().map(TypeSchema::open).collect(), trouble }
    }

    /// Whether a system that has this trouble may be well again in a while, without anything in the
    /// project being changed.
    pub fn may_pass(trouble: &Trouble) -> bool {
        matches!(trouble, Trouble::Unreachable(_) | Trouble::Busy { .. } | Trouble::Unauthorized(_))
    }
}

impl Connector for Down {
    fn types(&self) -> &[TypeSchema] {
        &self.types
    }

    fn test(&self) -> Result<String, Trouble> {
        Err(self.trouble.clone())
    }

    fn is_down(&self) -> bool {
        true
    }

    fn read(&self, _: ReadRequest<'_>) -> Result<Page, Trouble> {
        Err(self.trouble.clone())
    }

    fn get(&self, _: &str, _: &[PropertyRef], _: &str) -> Result<Option<ReadRecord>, Trouble> {
        Err(self.trouble.clone())
    }

    fn find(
        &self,
        _: &str,
        _: &[PropertyRef],
        _: usize,
        _: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        Err(self.trouble.clone())
    }

    fn write(&self, _: &str, _: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        writes.iter().map(|_| Outcome::Stopped(self.trouble.clone())).collect()
    }
}
