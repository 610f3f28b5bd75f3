//! Tests of flows: the `tests:` of a flow file, from YAML to what `lockstep test` plays.
//!
//! A test gives a few records, and says what a run is to do with them; then people edit, and it
//! says what the next run does. Here the form is read; whether record types and properties are
//! there, [`crate::check`] looks up, and what happens, the player finds out.

use lockstep_model::change::ReviewKind;
use lockstep_model::{TypeName, Value};

use crate::source::Place;

/// One test.
#[derive(Clone, Debug)]
pub struct FlowTest {
    /// What it shows, in words.
    pub name: String,
    pub place: Place,
    /// The records given are the first step.
    pub steps: Vec<TestStep>,
}

/// What people do, and what a run does about it.
#[derive(Clone, Debug)]
pub struct TestStep {
    pub place: Place,
    /// Records that are there from now on, and properties that change.
    pub edits: Vec<TestRecord>,
    pub deletes: Vec<TestKey>,
    /// Nothing where no run is to follow yet.
    pub expect: Option<Expected>,
}

/// What a run does, and nothing else.
#[derive(Clone, Debug)]
pub struct Expected {
    pub place: Place,
    pub creates: Vec<TestRecord>,
    pub updates: Vec<TestRecord>,
    pub deletes: Vec<TestKey>,
    pub links: Vec<(TestKey, TestKey)>,
    pub reviews: Vec<(TestKey, ReviewKind)>,
}

/// A record by its name.
#[derive(Clone, Debug)]
pub struct TestKey {
    pub ty: TypeName,
    pub id: String,
    /// Where it is named.
    pub place: Place,
    /// Where its record type is named.
    pub type_place: Place,
}

/// Some of a record's properties.
#[derive(Clone, Debug)]
pub struct TestRecord {
    pub key: TestKey,
    pub values: Vec<TestValue>,
}

/// One property of a record.
#[derive(Clone, Debug)]
pub struct TestValue {
    /// As it is written: a path, or the first name of one whose rest lies in the value.
    pub path: String,
    pub value: Value,
    pub place: Place,
}
