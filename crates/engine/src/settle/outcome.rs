//! What a property should be given, as a value.

use lockstep_model::change::Counterpart;
use lockstep_model::{ClaimStamp, Reason, RecordId, Rule, TypeIx, Value};

/// What a property should be given.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// It holds what it should.
    Nothing,
    /// P9: one of its list's elements is what it should hold, and shall stand for it from now on.
    Pick { element: Value },
    Write {
        value: Value,
        counterpart_of: Option<Counterpart>,
        claim: ClaimStamp,
        rule: Rule,
        reason: Reason,
    },
    /// P8: the record that it should refer to has no counterpart here.
    Waits { reference: Awaited, claim: ClaimStamp },
    /// The value can't be converted.
    Unconvertible { value: Value, claim: ClaimStamp, message: String },
}

/// P8: what a reference waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    pub event: Awaits,
    /// The record type in which the record that is referred to needs a counterpart.
    pub ty: TypeIx,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// The counterpart of this record.
    Counterpart(RecordId),
    /// R9: what a person says about this record, whose id may be another's by now.
    Answer(RecordId),
    /// The record that is referred to has not been read, or is in no flow.
    Reading,
}

impl Awaited {
    /// The same for a list, which no single id is filled in for once a counterpart has come.
    pub fn of_a_list(self) -> Awaited {
        match self.event {
            Awaits::Counterpart(_) => Awaited { event: Awaits::Reading, ..self },
            Awaits::Answer(_) | Awaits::Reading => self,
        }
    }

    /// The record that it hangs on, where one is known.
    pub fn of(self) -> Option<RecordId> {
        match self.event {
            Awaits::Counterpart(of) | Awaits::Answer(of) => Some(of),
            Awaits::Reading => None,
        }
    }
}

pub(super) fn written(value: Value, claim: ClaimStamp, rule: Rule) -> Wanted {
    Wanted::Write { value, counterpart_of: None, claim, rule, reason: Reason::Latest }
}
