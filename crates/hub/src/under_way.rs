//! A run under way: what it was asked for, and what it has found so far.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_engine::observe::Looks;
use lockstep_model::{IntentId, RecordId, Timestamp, TypeIx};

use crate::damages::Damages;
use crate::guards::Guards;
use crate::part::{Part, Portion};
use crate::report::Report;

/// How far a run is, for who watches.
#[derive(Clone, Debug)]
pub enum Progress {
    Read { ty: String, records: usize },
    Decided { records: usize },
    Sending { ty: String, writes: usize },
}

/// Who watches a run.
pub trait Watcher {
    fn tell(&mut self, progress: Progress);

    /// Whether the run is to end at its next step. What is left, the next one does.
    fn stops(&mut self) -> bool {
        false
    }
}

/// Watches nothing.
pub struct Unwatched;

impl Watcher for Unwatched {
    fn tell(&mut self, _: Progress) {}
}

/// What a run is to do.
pub struct RunOptions<'a> {
    /// Only these record types are read; all of them where nothing is said.
    pub only: Option<BTreeSet<TypeIx>>,
    /// Besides these, single records by their keys, of record types that are not read anyway (R4).
    pub named: BTreeMap<TypeIx, BTreeSet<String>>,
    /// Everything is listed, also where the system tells what changed: what is missing counts as
    /// deleted once it was looked up (R3).
    pub full: bool,
    /// What of all that is to be written is written.
    pub part: Part,
    /// Every event is kept for showing, however many there are.
    pub every_event: bool,
    pub watcher: Box<dyn Watcher + 'a>,
}

impl Default for RunOptions<'_> {
    fn default() -> Self {
        RunOptions {
            only: None,
            named: BTreeMap::new(),
            full: false,
            part: Part::default(),
            every_event: false,
            watcher: Box::new(Unwatched),
        }
    }
}

/// A run under way.
pub(crate) struct Underway<'a> {
    pub report: Report,
    /// Systems that are left alone for the rest of the run.
    pub paused: HashMap<usize, String>,
    /// When single records were last asked for: what they show is not newer than that for certain
    /// (P5a).
    pub asked: Timestamp,
    /// Records that are to be read by themselves, by their keys.
    pub named: BTreeMap<TypeIx, BTreeSet<String>>,
    /// There are open reviews, or have been in this run.
    pub reviews: bool,
    /// When a new record of a type was last seen in this run.
    pub newest: HashMap<TypeIx, Timestamp>,
    /// Record types in which so many records are being created that none is looked up before (L8).
    pub great_loads: BTreeSet<TypeIx>,
    /// Record types that were written to.
    pub written: BTreeSet<TypeIx>,
    /// Record types of which everything was listed in this run.
    pub listed: BTreeSet<TypeIx>,
    /// Record types that listed no record at all when they were last read in this run: not much is
    /// concluded from that.
    pub listed_none: BTreeSet<TypeIx>,
    /// Record types that had not been read to the end when the run began.
    pub first_read: BTreeSet<TypeIx>,
    /// Record types whose first reading in this run has shown no match value, and how many records.
    pub unidentified: BTreeMap<TypeIx, u64>,
    /// Record types that seem to have had another name before (L12).
    pub renamed: BTreeSet<TypeIx>,
    /// There are records of which a person must say whose they are (R9), or have been in this run.
    pub doubted: bool,
    /// The answer to some write was lost.
    pub unknown: bool,
    /// The flows have changed: what is linked is decided on anew.
    pub reconsider: bool,
    /// Writes that are not sent again in this run: creations of unknown outcome (C2), and what did
    /// not find its record.
    pub left: HashSet<IntentId>,
    /// Writes that met another version: they are not sent again before they have been decided on
    /// anew (P6).
    pub undecided: HashSet<IntentId>,
    /// Creations that were tried before, and wait to be decided on again.
    pub held: HashSet<IntentId>,
    /// Record types whose last reading in this run came to its end. What others hold, and what they
    /// don't, is not known: their system did not answer, or the run was ended first.
    pub read_to_the_end: HashSet<TypeIx>,
    /// How long the run has waited for writes that are to be tried again.
    pub waited_ms: i64,
    /// By system, whose writes have failed since the last one that was done (G4).
    pub failing: HashMap<usize, HashSet<RecordId>>,
    /// Record types to be listed to see what became of writes to them (R6).
    pub to_read: BTreeSet<TypeIx>,
    /// Records that were read back too soon after a write to tell what it left (R6), and have not
    /// been noted yet.
    pub too_early: BTreeSet<(TypeIx, String)>,
    /// Until when this run waits to look at them again.
    pub looks_again: Option<Timestamp>,
    /// What is being read for.
    pub looks: Looks,
    pub guards: Guards,
    /// What of all that is to be written is written.
    pub part: Portion,
    /// What can't be read (R8).
    pub damages: Damages,
    pub progress: Box<dyn Watcher + 'a>,
}

impl<'a> Underway<'a> {
    /// A run that has just begun.
    pub(crate) fn begun(
        report: Report,
        guards: Guards,
        part: Portion,
        damages: Damages,
        progress: Box<dyn Watcher + 'a>,
    ) -> Self {
        Underway {
            asked: report.started,
            report,
            paused: HashMap::new(),
            named: BTreeMap::new(),
            reviews: false,
            newest: HashMap::new(),
            great_loads: BTreeSet::new(),
            written: BTreeSet::new(),
            listed: BTreeSet::new(),
            listed_none: BTreeSet::new(),
            first_read: BTreeSet::new(),
            unidentified: BTreeMap::new(),
            renamed: BTreeSet::new(),
            doubted: false,
            unknown: false,
            reconsider: false,
            left: HashSet::new(),
            undecided: HashSet::new(),
            held: HashSet::new(),
            read_to_the_end: HashSet::new(),
            waited_ms: 0,
            failing: HashMap::new(),
            to_read: BTreeSet::new(),
            too_early: BTreeSet::new(),
            looks_again: None,
            looks: Looks::default(),
            guards,
            part,
            damages,
            progress,
        }
    }

    /// Whether an intent that is due may be sent in this run.
    pub(crate) fn may_send(&self, id: IntentId) -> bool {
        !self.left.contains(&id) && !self.undecided.contains(&id) && !self.held.contains(&id)
    }

    /// Whether the run is to end at its next step, as whoever watches it wants.
    pub(crate) fn stops(&mut self) -> bool {
        self.report.stopped |= self.progress.stops();
        self.report.stopped
    }

    /// How many may not at most.
    pub(crate) fn not_to_send(&self) -> usize {
        self.left.len() + self.undecided.len() + self.held.len()
    }
}
