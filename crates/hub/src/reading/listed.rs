//! What a page shows of writes that are not answered yet, and what is listed below others.

use std::collections::{BTreeSet, HashMap, HashSet};

use lockstep_connector::RecordFault;
use lockstep_model::{Intent, ReadRecord, RecordId, RecordState, Timestamp, TypeIx};

use crate::error::Result;
use crate::reading::reader::Reader;
use crate::under_way::Underway;

/// First and maximum page size when the keys of a record's elements are read: most records have few
/// elements.
const FIRST_KEYS: usize = 8;

const MOST_KEYS: usize = 1_024;

/// The writes whose answer was lost before a reading began.
pub(crate) struct Unanswered {
    /// Of the records that are read.
    pub(crate) of_it: HashMap<RecordId, Vec<Intent>>,
    /// Through other facets of these records, by key (F1).
    pub(crate) beside: HashMap<String, Vec<Intent>>,
}

impl Reader<'_> {
    /// R3: the records that are known below one of these beginnings of ids and are not shown. Of
    /// what can't be read nothing is concluded.
    pub(crate) fn no_longer_below(
        &mut self,
        ty: TypeIx,
        below: &[String],
        records: &[ReadRecord],
        faults: &[RecordFault],
    ) -> Result<Vec<(String, RecordId)>> {
        if below.is_empty() || faults.iter().any(|fault| !fault.part && fault.id.is_none()) {
            return Ok(vec![]);
        }
        let faulty = faults.iter().filter_map(|fault| fault.id.as_deref());
        let shown: HashSet<&str> =
            records.iter().map(|record| record.id.as_str()).chain(faulty).collect();
        // Of elements within elements several beginnings hold.
        let mut gone = BTreeSet::new();
        for beginning in below {
            let (mut after, mut many) = (beginning.clone(), FIRST_KEYS);
            loop {
                let known = self.ledger.store.live_keys(ty, Some(&after), many)?;
                let of_it = known.iter().take_while(|(key, _)| key.starts_with(beginning.as_str()));
                gone.extend(of_it.filter(|(key, _)| !shown.contains(key.as_str())).cloned());
                match known
                    .last()
                    .filter(|(last, _)| known.len() == many && last.starts_with(beginning.as_str()))
                {
                    Some((last, _)) => after.clone_from(last),
                    None => break,
                }
                many = (many * 8).min(MOST_KEYS);
            }
        }
        Ok(gone.into_iter().collect())
    }

    /// P5a: of records that a reading does not show, those which Lockstep has written so shortly
    /// before it was asked for that it may be from before that: they are left out of what is missing.
    /// Gives whether there were any.
    pub(crate) fn leave_just_written(
        &mut self,
        ty: TypeIx,
        asked: Timestamp,
        missing: &mut Vec<(String, RecordId)>,
    ) -> Result<bool> {
        let settles_ms = self.ledger.plan.ty(ty).settles_ms;
        if settles_ms <= 0 || missing.is_empty() {
            return Ok(false);
        }
        let ids: Vec<RecordId> = missing.iter().map(|(_, id)| *id).collect();
        let records = self.ledger.store.records(&ids)?;
        let written = records.iter().filter(|record| record.is_just_written(asked, settles_ms));
        let just_written: HashSet<RecordId> = written.map(|record| record.id).collect();
        missing.retain(|(_, id)| !just_written.contains(id));
        Ok(!just_written.is_empty())
    }

    /// R8: whether something that can't be read may be any record: it shows no id, or one that
    /// nobody knows, as the damage may be in the id itself.
    pub(crate) fn has_stranger(&mut self, ty: TypeIx, faults: &[RecordFault]) -> Result<bool> {
        let faults: Vec<&RecordFault> = faults.iter().filter(|fault| !fault.part).collect();
        let ids: Vec<&str> = faults.iter().filter_map(|fault| fault.id.as_deref()).collect();
        if ids.len() < faults.len() {
            return Ok(true);
        }
        let known = self.ledger.store.by_key(ty, &ids)?;
        let is_known =
            |id: &&str| known.iter().any(|record| record.is_live() && record.key == **id);
        Ok(!ids.iter().all(is_known))
    }

    /// C2, P5: what a page shows of records whose writes were not answered is what these did, if
    /// anything, before it is somebody's edit. What could be concluded is left among `records`, and
    /// `known` is as it is then. Gives whether all of it could.
    pub(crate) fn settle_shown_in(
        &mut self,
        under_way: &mut Underway,
        ty: TypeIx,
        unanswered: &Unanswered,
        (records, known): (&mut Vec<ReadRecord>, &mut HashMap<String, RecordState>),
        asked: Timestamp,
    ) -> Result<bool> {
        let (mut found_out_about, mut settled) = (Vec::new(), true);
        for (intents, read) in take_unanswered(records, known, &unanswered.of_it) {
            match self.ledger.still_unanswered(intents)? {
                // F1: what it was read as another facet has told.
                intents if intents.is_empty() => found_out_about.push(read),
                intents => {
                    settled &= self.ledger.settle_listed(under_way, intents, &read, asked)?
                }
            }
        }
        // F1: a write through another facet is found out about first, too.
        for read in records
            .extract_if(.., |read| unanswered.beside.contains_key(&read.id))
            .collect::<Vec<_>>()
        {
            let intents = self.ledger.still_unanswered(unanswered.beside[&read.id].clone())?;
            match intents.is_empty()
                || self.ledger.settle_listed(under_way, intents, &read, asked)?
            {
                true => found_out_about.push(read),
                false => settled = false,
            }
        }
        if !found_out_about.is_empty() {
            let keys: Vec<&str> = found_out_about.iter().map(|read| read.id.as_str()).collect();
            known.extend(
                self.ledger
                    .store
                    .by_key(ty, &keys)?
                    .into_iter()
                    .map(|record| (record.key.clone(), record)),
            );
            records.extend(found_out_about);
        }
        Ok(settled)
    }
}

/// Takes the records out whose own writes have no answer yet, with these writes.
fn take_unanswered(
    records: &mut Vec<ReadRecord>,
    known: &HashMap<String, RecordState>,
    unanswered: &HashMap<RecordId, Vec<Intent>>,
) -> Vec<(Vec<Intent>, ReadRecord)> {
    if unanswered.is_empty() {
        return vec![];
    }
    let mut taken = Vec::new();
    records.retain(|read| {
        let intents = known.get(&read.id).and_then(|state| unanswered.get(&state.id));
        taken.extend(intents.map(|intents| (intents.clone(), read.clone())));
        intents.is_none()
    });
    taken
}
