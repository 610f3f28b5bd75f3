//! C2: what a store that was restored from a backup does not know. Records that it had created after the backup look new to it, and so may
//! those that they were made from. Where match values find them they are linked; records without any would be created once more, in both
//! directions. So of two records that nothing identifies, that are both new since the last run, and that hold the same, a person is asked
//! whether they are one: also where it was two people who entered the same.

use std::collections::BTreeMap;

use lockstep_engine::plan::PlanCreate;
use lockstep_engine::{has_match_values, look_alike};
use lockstep_model::{RecordId, RecordState, Review, ReviewKind, Rule, TypeIx, Value};
use lockstep_store::Commit;

use crate::report::{Event, RecordName};
use crate::run::{Hub, Result, Underway};

/// More pairs than this are not compared in one run: a load of that size is no backup's gap.
const MOST_PAIRS: usize = 1_000_000;

impl Hub {
    /// Asks about records that may be the two ends of a creation that this store has forgotten. They are read and not decided on yet.
    pub(crate) fn ask_about_twins(&mut self, under_way: &mut Underway) -> Result<()> {
        let fresh = self.fresh_and_nameless(under_way)?;
        let mut compared = 0;
        let mut commit = Commit::default();
        let pairs: Vec<(TypeIx, TypeIx)> =
            self.plan.flows.iter().filter(|flow| flow.create != PlanCreate::Never).map(|flow| (flow.from, flow.to)).collect();
        for (from, to) in pairs {
            let (Some(sources), Some(targets)) = (fresh.get(&from), fresh.get(&to)) else { continue };
            compared += sources.len() * targets.len();
            if from == to || compared > MOST_PAIRS {
                continue;
            }
            let ids: Vec<RecordId> = sources.iter().map(|record| record.id).collect();
            let apart = self.store.apart(&ids)?;
            for source in sources {
                let kept_apart = |other: RecordId| apart.contains(&(source.id.min(other), source.id.max(other)));
                let alike = |target: &&RecordState| look_alike(&self.plan, self.clock.now(), source, target);
                let found: Vec<RecordId> =
                    targets.iter().filter(|target| !kept_apart(target.id)).filter(alike).map(|target| target.id).collect();
                if !found.is_empty() {
                    self.ask_whether_twins(under_way, source, to, found, &mut commit);
                }
            }
        }
        match commit.reviews_opened.is_empty() {
            true => Ok(()),
            false => Ok(self.store.commit(commit)?),
        }
    }

    /// New records without a match value, by record type; of types that had been read to the end before this run.
    fn fresh_and_nameless(&mut self, under_way: &Underway) -> Result<BTreeMap<TypeIx, Vec<RecordState>>> {
        let mut fresh: BTreeMap<TypeIx, Vec<RecordState>> = BTreeMap::new();
        if under_way.newest.is_empty() || (0..self.plan.types.len()).all(|ty| under_way.first_read.contains(&TypeIx(ty as u16))) {
            return Ok(fresh);
        }
        let agenda: Vec<RecordId> = self.store.agenda(usize::MAX >> 1)?.into_iter().map(|(_, id)| id).collect();
        for record in self.store.records(&agenda)? {
            let is_new = record.first_seen >= under_way.report.started && !under_way.first_read.contains(&record.ty);
            let alone = record.entity.0 == record.id.0 && record.written_at.is_none() && record.is_live();
            if is_new && alone && !has_match_values(&self.plan, &record) {
                fresh.entry(record.ty).or_default().push(record);
            }
        }
        Ok(fresh)
    }

    fn ask_whether_twins(
        &self,
        under_way: &mut Underway,
        source: &RecordState,
        to: TypeIx,
        candidates: Vec<RecordId>,
        commit: &mut Commit,
    ) {
        under_way.reviews = true;
        let message = format!(
            "nothing identifies it, and {} holds the same and is as new: link them if they are one, or keep them apart",
            match candidates.len() {
                1 => format!("a record of {}", self.plan.ty(to).name),
                n => format!("each of {n} records of {}", self.plan.ty(to).name),
            }
        );
        let flow = self.plan.flow_between(source.ty, to);
        under_way.report.flow(flow).review += 1;
        let (flow, name) = (self.plan.flow_name(flow), RecordName::of(&self.plan, source.ty, &source.key));
        let (kind, rule) = (ReviewKind::UnknownOutcome.name().to_string(), Rule::C2.to_string());
        under_way.report.event(|| Event::Review { flow, kind, record: name, message: message.clone(), rule });
        commit.reviews_opened.push(Review {
            kind: ReviewKind::UnknownOutcome,
            record: source.id,
            ty: to,
            prop: None,
            rule: Rule::C2,
            candidates,
            value: Value::Null,
            message,
            opened_at: self.clock.now(),
        });
    }
}
