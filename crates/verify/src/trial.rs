//! A trial: what a tester would do to be convinced of one line, and what came of it.
//!
//! A trial is a list of steps over *slots*, its own records. Trials know nothing of one another, so
//! that all of them go through the same runs together: each does its steps up to the next run, then
//! the hub runs once for all ([`crate::play`]).

use lockstep_model::flow::PropertyRef;
use lockstep_model::{TypeName, Value};

/// Which line of which document. A row is one of a statement's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineRef {
    pub document: usize,
    pub section: usize,
    pub statement: usize,
    pub row: Option<usize>,
}

/// What is said of a line, or of one trial of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was tried, and holds.
    Proved,
    /// It holds between records that a person links. Nothing that runs would have linked those of
    /// the trial.
    OnceLinked,
    /// It was tried, and does not hold.
    Violated,
    /// It was not tried, and this is why.
    NotTried(String),
    /// It can't come about as the document stands, whatever runs, and this is why.
    Impossible(String),
}

impl Verdict {
    /// The words for it.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Proved => "proved",
            Verdict::OnceLinked => "proved once linked by hand",
            Verdict::Violated => "violated",
            Verdict::NotTried(_) => "not tried",
            Verdict::Impossible(_) => "impossible as written",
        }
    }

    /// One character for it.
    pub fn mark(&self) -> &'static str {
        match self {
            Verdict::Proved => "✓",
            Verdict::OnceLinked => "◐",
            Verdict::Violated => "✗",
            Verdict::NotTried(_) => "–",
            Verdict::Impossible(_) => "⊘",
        }
    }

    /// Whether it was tried, and holds.
    pub fn holds(&self) -> bool {
        matches!(self, Verdict::Proved | Verdict::OnceLinked)
    }
}

/// One of a trial's records.
pub type Slot = usize;

/// A value of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    Is(Value),
    /// The id of the record in this slot.
    IdOf(Slot),
}

/// Values of a record, with their paths resolved.
pub type Values = Vec<(PropertyRef, Val)>;

/// What a tester does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Adds a record by hand.
    Add {
        slot: Slot,
        ty: TypeName,
        values: Values,
    },
    /// The same, unless the system does not take it as it has one like it: then `otherwise` is what
    /// is not tried.
    AddAlike {
        slot: Slot,
        ty: TypeName,
        values: Values,
    },
    /// Edits a record by hand.
    Edit {
        slot: Slot,
        values: Values,
    },
    /// Deletes a record by hand. The next run lists everything, as not every system tells of
    /// deletions.
    Delete {
        slot: Slot,
    },
    /// Links two records by hand.
    Link {
        a: Slot,
        b: Slot,
    },
    /// One of the first runs of all: it reads some of the record types only, and this is its
    /// number.
    FirstReading(usize),
    /// A run.
    Run,
    /// Time passes, so that of two edits one is surely the later.
    Later,
    /// The record of this type that `of` is linked with, else one that is added with these values
    /// and linked by hand.
    Partner {
        of: Slot,
        slot: Slot,
        ty: TypeName,
        values: Values,
    },
    /// Looks at the record, to see later that nothing but what was meant has changed.
    Remember {
        slot: Slot,
    },
    Expect(Box<Expect>),
}

/// What a tester looks for.
#[derive(Clone, Debug)]
pub enum Expect {
    /// The property shows the value. Where `refusable`, a system that refuses it and leaves that in
    /// review is no fault (G4).
    Shows {
        slot: Slot,
        path: PropertyRef,
        value: Val,
        refusable: bool,
    },
    /// Nothing of it changed since it was looked at, but for these properties.
    Same {
        slot: Slot,
        but: Vec<PropertyRef>,
    },
    Linked {
        a: Slot,
        b: Slot,
    },
    Apart {
        a: Slot,
        b: Slot,
    },
    /// The record is linked with none of this type, and none of this type shows one of these
    /// values.
    Alone {
        slot: Slot,
        ty: TypeName,
        signs: Vec<(PropertyRef, Value)>,
    },
    /// A record of this type is there that is linked with it, from here on in `to`; exactly one
    /// shows each of these values.
    Appears {
        of: Slot,
        to: Slot,
        ty: TypeName,
        once: Vec<(PropertyRef, Value)>,
    },
    /// Number of records of the type that show the value.
    Count {
        ty: TypeName,
        path: PropertyRef,
        value: Value,
        count: usize,
    },
    /// One of these records waits for a person.
    Review {
        slots: Vec<Slot>,
    },
    /// None of these records waits for a person.
    Quiet {
        slots: Vec<Slot>,
    },
    /// The record is there, or is not.
    There {
        slot: Slot,
        there: bool,
    },
    /// The list holds these elements, in this order, and no others.
    Elements {
        slot: Slot,
        path: PropertyRef,
        values: Vec<Value>,
    },
    /// Nothing was sent to the property.
    NotWritten {
        slot: Slot,
        path: PropertyRef,
    },
    /// The journal of the record knows that the property held this value.
    InJournal {
        slot: Slot,
        path: PropertyRef,
        value: Value,
    },
    /// Of two edits, the journal knows the one that lost.
    LoserInJournal {
        a: Slot,
        a_path: PropertyRef,
        b: Slot,
        b_path: PropertyRef,
        first: Box<(Value, Value)>,
        later: Box<(Value, Value)>,
    },
    /// Two sides were edited: both show the later one, or (where a system does not tell when) at
    /// least the same one.
    OneWins {
        a: Slot,
        a_path: PropertyRef,
        b: Slot,
        b_path: PropertyRef,
        first: Box<(Value, Value)>,
        later: Box<(Value, Value)>,
    },
}

/// What was expected and what was found instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub expected: String,
    pub found: String,
    /// The requests that concern the trial's records, from the run before it failed.
    pub exchanges: Vec<String>,
}

/// One trial.
#[derive(Clone, Debug)]
pub struct Trial {
    pub line: LineRef,
    /// What it tries, in words.
    pub name: String,
    pub script: Vec<Step>,
    /// What was done and seen, in words.
    pub told: Vec<String>,
    /// The records by slot, once they are there.
    pub records: Vec<Option<(TypeName, String)>>,
    /// Its records had to be linked by hand, as nothing else did.
    pub by_hand: bool,
    /// None while it is under way.
    pub verdict: Option<Verdict>,
    pub failure: Option<Failure>,
}

impl Trial {
    /// A trial to be played.
    pub fn new(line: LineRef, name: impl Into<String>, script: Vec<Step>) -> Self {
        let (name, told, records) = (name.into(), vec![], vec![]);
        Trial { line, name, script, told, records, by_hand: false, verdict: None, failure: None }
    }

    /// A trial to be played, if its script could be written; else why it could not.
    pub fn scripted(
        line: LineRef,
        name: impl Into<String>,
        script: Result<Vec<Step>, String>,
    ) -> Self {
        match script {
            Ok(script) => Trial::new(line, name, script),
            Err(why) => Trial::not_tried(line, name, why),
        }
    }

    /// One of what can't come about as the document stands, and why.
    pub fn impossible(line: LineRef, name: impl Into<String>, why: impl Into<String>) -> Self {
        let mut trial = Trial::new(line, name, vec![]);
        trial.verdict = Some(Verdict::Impossible(why.into()));
        trial
    }

    /// One that can't be played, and why.
    pub fn not_tried(line: LineRef, name: impl Into<String>, why: impl Into<String>) -> Self {
        let mut trial = Trial::new(line, name, vec![]);
        trial.verdict = Some(Verdict::NotTried(why.into()));
        trial
    }
}
