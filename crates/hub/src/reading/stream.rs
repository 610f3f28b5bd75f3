//! The reading of one record type, from its first page to its last.

use std::collections::HashSet;

use lockstep_connector::{Page, RecordFault};
use lockstep_model::Timestamp;
use lockstep_model::matching::seed;
use lockstep_store::TypeStatus;

use crate::ledger::lost::Losses;
use crate::reading::listed::Unanswered;

/// Where the reading of a record type stands.
pub(crate) struct Stream {
    /// What a listing of everything has shown so far; `None` where nothing can be told from it
    /// about what is absent.
    pub(crate) listed: Option<HashSet<u64>>,
    pub(crate) pending: Vec<Page>,
    /// When the first of the pending pages was asked for.
    pub(crate) asked: Option<Timestamp>,
    pub(crate) waiting: usize,
    pub(crate) reindex: bool,
    /// Records in all pages so far, where they are a listing of everything.
    pub(crate) listing: Option<usize>,
    /// It goes on with what a killed run began.
    pub(crate) resumed: bool,
    /// Something of it is recorded.
    pub(crate) begun: bool,
    /// Some record of a list of changes could not be read, or not be told from what it was before
    /// Lockstep's own write (P5a).
    pub(crate) faulty: bool,
    /// What could not be read (R8), and the keys of what could.
    pub(crate) faults: Vec<RecordFault>,
    pub(crate) mended: HashSet<u64>,
    /// What has lost the value of a property (R5).
    pub(crate) losses: Losses,
    /// Records so far, and whether one of them shows a value that it is matched by.
    pub(crate) shown: u64,
    pub(crate) identified: bool,
    /// It is not believed: what still comes of it is left (R5, R9).
    pub(crate) stopped: bool,
    pub(crate) unanswered: Unanswered,
    /// As it was before this reading.
    pub(crate) before: TypeStatus,
}

impl Stream {
    /// Adds a page to what a listing of everything has shown.
    pub(crate) fn list(&mut self, page: &Page) {
        if !page.everything {
            self.listed = None;
        }
        let Some(listed) = &mut self.listed else { return };
        // What can't be read is there all the same.
        listed.extend(page.faults.iter().filter_map(|fault| fault.id.as_deref()).map(seed));
        listed.extend(page.records.iter().filter(|read| !read.deleted).map(|read| seed(&read.id)));
    }
}
