//! An answer to a review taken back: what it linked is taken apart, what it kept apart may be linked
//! again, and the next run asks anew.

use std::collections::BTreeSet;

use lockstep_model::detail::Act;
use lockstep_model::{RecordId, RecordState, RunId};
use lockstep_store::{Commit, JournalKind};

use crate::error::{ActError, ActResult};
use crate::hub::Hub;
use crate::ledger::Ledger;
use crate::report::RecordName;

/// What an answer did with two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub a: RecordName,
    pub b: RecordName,
    /// It linked them, and they are linked still; else it kept them apart.
    pub linked: bool,
}

impl Ledger {
    /// What the answers of a run linked and kept apart.
    ///
    /// # Errors
    /// It did nothing of the kind, or the store can't be read.
    pub fn answered_pairs(&mut self, run: RunId) -> ActResult<Vec<Pair>> {
        let pairs = self.pairs_of(run)?;
        Ok(pairs
            .iter()
            .map(|(a, b)| Pair {
                a: self.name_of(a),
                b: self.name_of(b),
                linked: a.entity == b.entity,
            })
            .collect())
    }

    fn pairs_of(&mut self, run: RunId) -> ActResult<Vec<(RecordState, RecordState)>> {
        let entries = self.store.journal_of_runs((run, run), usize::MAX >> 1)?;
        let of_kind = |kind| matches!(kind, JournalKind::Link | JournalKind::Unlink);
        let pairs: BTreeSet<(RecordId, RecordId)> = entries
            .iter()
            .filter(|entry| of_kind(entry.kind))
            .filter_map(|entry| Some((entry.about.record()?, entry.other?)))
            .collect();
        let mut found = Vec::new();
        for (a, b) in pairs {
            let mut both = self.store.records(&[a, b])?;
            both.sort_by_key(|record| (record.id != a, record.id));
            if let (Some(b), Some(a)) = (both.pop(), both.pop()) {
                found.push((a, b));
            }
        }
        match found.is_empty() {
            true => Err(ActError::Refused(
                "this answer has linked nothing and kept nothing apart: what it did can't be taken back as such".into(),
            )),
            false => Ok(found),
        }
    }
}

impl Hub {
    /// Takes the answers of a run back, as a run of its own. Gives the records that are decided on
    /// anew. What was written meanwhile stays.
    ///
    /// # Errors
    /// It has linked nothing and kept nothing apart, or the store can't be written.
    pub fn reopen(&mut self, run: RunId) -> ActResult<Vec<RecordName>> {
        let pairs = self.ledger.answered_pairs(run)?;
        self.act(&format!("take back the answer of run {run}"), |hub, under_way| {
            let ledger = &mut hub.ledger;
            for pair in pairs.iter().filter(|pair| pair.linked) {
                let halves = ledger.halves(&pair.a.0, Some(&pair.b.0))?;
                ledger.split(under_way, halves)?;
            }
            let pairs = ledger.pairs_of(run)?;
            let ids: Vec<RecordId> = pairs.iter().flat_map(|(a, b)| [a.id, b.id]).collect();
            let mut commit = Commit { durable: true, ..Commit::default() };
            let both = |(a, b): &(RecordId, RecordId)| ids.contains(a) && ids.contains(b);
            let apart = ledger.store.apart(&ids)?;
            commit.apart_removed = apart.into_iter().filter(both).collect();
            for (a, b) in &pairs {
                let (kind, done) = (JournalKind::Person, Act::TookAnswerBack);
                commit.journal.push(ledger.person(under_way, kind, a.id, Some(b.id), done));
            }
            ledger.decide_on(pairs.iter().flat_map(|(a, b)| [a, b]), &mut commit)?;
            ledger.ask_again(&ids, &mut commit)?;
            let names: BTreeSet<RecordName> =
                pairs.iter().flat_map(|(a, b)| [ledger.name_of(a), ledger.name_of(b)]).collect();
            ledger.store.commit(commit)?;
            Ok(names.into_iter().collect())
        })
    }
}
