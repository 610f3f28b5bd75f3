//! What is known, for showing: status, reviews, history.

pub use crate::looking::lines::{
    DriftLine, HistoryLine, HistoryOf, ReviewLine, ReviewShown, RunLine, SideBySide, Status,
    TypeLine,
};

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lockstep_engine::Slice;
use lockstep_engine::settle::{Entity, drifted};
use lockstep_model::flow::Policy;
use lockstep_model::value::equal;
use lockstep_model::{
    About, EntityId, FlowIx, IntentKind, IntentState, PropIx, RecordId, RecordState, Review, Rule,
    RunId, Timestamp, TypeIx, Value, Why,
};
use lockstep_store::{JournalEntry, Result};

use crate::error::LookError;
use crate::ledger::Ledger;
use crate::looking::fits::{beside, fits};
use crate::looking::lines::{CANDIDATES_SHOWN, FAILING_SHOWN, LATEST_RUNS};
use crate::remedies::of_review;
use crate::report::RecordName;

impl Ledger {
    /// P12: looks through what is linked for values that rows of one direction, or `only_from`, leave
    /// as they are. Only where there are such rows.
    fn count_drifted(&mut self) -> Result<Vec<DriftLine>> {
        let one_way = |ty: TypeIx, prop: usize| {
            self.plan.ty(ty).bearings[prop].iter().filter(|by| by.open && by.other != ty).any(
                |by| {
                    let back = &self.plan.ty(by.other).bearings[by.theirs.at()];
                    back.iter()
                        .any(|back| back.other == ty && back.theirs.at() == prop && !back.open)
                },
            )
        };
        let of_another = |ty: TypeIx, prop: usize| {
            let ty = self.plan.ty(ty);
            matches!(&ty.props[prop].policy, Policy::OnlyFrom(only) if *only != ty.name.system)
        };
        let of_type = |ty: TypeIx| {
            (0..self.plan.ty(ty).props.len())
                .filter(move |prop| one_way(ty, *prop) || of_another(ty, *prop))
                .map(move |prop| (ty, prop))
        };
        let watched: BTreeSet<(TypeIx, usize)> =
            (0..self.plan.types.len() as u16).map(TypeIx).flat_map(of_type).collect();
        let mut counts: BTreeMap<(TypeIx, PropIx), u64> = BTreeMap::new();
        let mut after: Option<EntityId> = None;
        while !watched.is_empty() {
            let page = self.store.linked_entities(after, 10_000)?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            let records =
                self.store.members(&page)?.into_iter().map(|record| (record.id, record)).collect();
            let slice = Slice::new(self.clock.now(), RunId(0), vec![], records, vec![]);
            for id in &page {
                let records: Vec<&RecordState> =
                    slice.members(*id).iter().filter_map(|id| slice.records.get(id)).collect();
                let entity = Entity::of(&self.plan, records);
                for record in entity.records.iter().filter(|record| record.is_live()) {
                    for (_, prop) in watched.range((record.ty, 0)..=(record.ty, usize::MAX)) {
                        let prop = PropIx(*prop as u16);
                        if drifted(&self.plan, &slice, &entity, record, prop).is_some() {
                            *counts.entry((record.ty, prop)).or_default() += 1;
                        }
                    }
                }
            }
        }
        let line = |((ty, prop), records): ((TypeIx, PropIx), u64)| DriftLine {
            property: format!("{} {}", self.plan.ty(ty).name, self.plan.prop(ty, prop).name),
            records,
        };
        Ok(counts.into_iter().map(line).collect())
    }

    /// Where the project stands.
    pub fn status(&mut self) -> crate::error::Result<Status> {
        let types = self
            .plan
            .types
            .iter()
            .zip(&self.status)
            .map(|(ty, status)| TypeLine {
                name: ty.name.to_string(),
                records: status.records,
                complete: status.complete,
                read_from: status.read_from.map(|t| t.to_string()),
            })
            .collect();
        let outbox = self
            .store
            .intent_counts()?
            .into_iter()
            .map(|(state, n)| (state.name().into(), n))
            .collect();
        let failing = self.failing_writes(FAILING_SHOWN)?;
        let counts = self.store.review_counts()?;
        let waits = counts.iter().any(|(kind, n)| !kind.needs_a_person() && *n > 0);
        let waiting_references = if waits { self.waiting_references()? } else { vec![] };
        let reviews = counts
            .into_iter()
            .filter(|(kind, _)| kind.needs_a_person())
            .map(|(kind, n)| (kind.name().into(), n))
            .collect();
        let runs = self.store.runs(LATEST_RUNS)?.into_iter().map(|run| RunLine {
            run: run.id.0,
            started: run.started.to_string(),
            ended: run.ended.map(|t| t.to_string()),
            summary: run.summary,
        });
        let runs = runs.collect();
        let unnamed = self.unnamed()?;
        let drifted = self.count_drifted()?;
        let (damages, troubles) = self.what_is_damaged()?;
        let guards = self.tripped_guards()?;
        let undecided = self.not_decided()?.len() as u64;
        Ok(Status {
            types,
            undecided,
            outbox,
            failing,
            reviews,
            unnamed,
            waiting_references,
            damages,
            troubles,
            guards,
            drifted,
            runs,
        })
    }

    fn waiting_references(&mut self) -> Result<Vec<(RecordName, Why)>> {
        let mut waiting = self.store.reviews(usize::MAX >> 1)?;
        waiting.retain(|review| !review.kind.needs_a_person());
        let ids: Vec<RecordId> =
            waiting.iter().filter_map(|review| review.about.record()).collect();
        let records: HashMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r)).collect();
        let line = |review: Review| {
            Some((self.name_of(records.get(&review.about.record()?)?), review.why))
        };
        Ok(waiting.into_iter().filter_map(line).collect())
    }

    /// What waits for a person, oldest first.
    pub fn reviews(&mut self, limit: usize) -> Result<Vec<ReviewLine>> {
        let mut reviews = self.store.numbered_reviews(usize::MAX >> 1)?;
        reviews.retain(|(_, review)| review.kind.needs_a_person());
        reviews.truncate(limit);
        let ids: Vec<RecordId> = reviews.iter().flat_map(|(_, review)| in_view(review)).collect();
        let records: HashMap<_, _> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r)).collect();
        Ok(reviews
            .iter()
            .map(|(number, review)| self.review_line(*number, review, &records))
            .collect())
    }

    fn review_line(
        &self,
        number: i64,
        review: &Review,
        records: &HashMap<RecordId, RecordState>,
    ) -> ReviewLine {
        let name = |id: &RecordId| match records.get(id) {
            Some(record) => {
                (RecordName::of(&self.plan, record.ty, &record.key), self.label(record))
            }
            None => (RecordName(format!("record {id}")), String::new()),
        };
        let (record, label) = match review.about {
            About::Record(id) => name(&id),
            About::Guard(guard) => (RecordName(guard.name().into()), String::new()),
        };
        let from = review.about.record().and_then(|id| records.get(&id)).map(|record| record.ty);
        let between =
            self.plan.flows.iter().position(|f| from == Some(f.from) && review.ty == f.to);
        let back =
            || self.plan.flows.iter().position(|f| from == Some(f.to) && review.ty == f.from);
        let into = || self.plan.flows.iter().position(|f| review.ty == f.to || review.ty == f.from);
        let flow = between.or_else(back).or_else(into);
        ReviewLine {
            number,
            kind: review.kind.name().into(),
            flow: flow.map_or_else(String::new, |at| self.plan.flow_name(FlowIx(at as u16))),
            record,
            label,
            in_type: self.plan.ty(review.ty).name.to_string(),
            path: review.prop.map(|prop| self.plan.prop(review.ty, prop).name.clone()),
            rule: review.rule.to_string(),
            sentence: review.rule.sentence().into(),
            why: review.why.clone(),
            remedies: of_review(&self.plan, review, |id| records.get(&id)),
            candidates: review.candidates.iter().take(CANDIDATES_SHOWN).map(name).collect(),
            more_candidates: review.candidates.len().saturating_sub(CANDIDATES_SHOWN) as u64,
            opened: review.opened_at.to_string(),
        }
    }

    /// A review with its records side by side, property by property.
    pub fn review(&mut self, number: i64) -> Result<Option<ReviewShown>> {
        let found =
            self.store.numbered_reviews(usize::MAX >> 1)?.into_iter().find(|(n, _)| *n == number);
        let Some((number, review)) = found else { return Ok(None) };
        let ids: Vec<RecordId> = in_view(&review).collect();
        let mut records: HashMap<RecordId, RecordState> =
            self.store.records(&ids)?.into_iter().map(|r| (r.id, r)).collect();
        let mut columns = ids;
        // What was refused is told beside the record that it was meant for.
        if let Some(record) = review
            .about
            .record()
            .and_then(|id| records.get(&id))
            .filter(|record| record.ty != review.ty && review.candidates.is_empty())
        {
            for member in self
                .store
                .members(&[record.entity])?
                .into_iter()
                .filter(|m| m.ty == review.ty && m.is_live())
            {
                columns.push(member.id);
                records.insert(member.id, member);
            }
        }
        columns.retain(|id| records.contains_key(id));
        let columns: Vec<&RecordState> = columns.iter().map(|id| &records[id]).collect();
        let rows = self.side_by_side(&columns);
        Ok(Some(ReviewShown {
            review: self.review_line(number, &review, &records),
            value: review.value.clone(),
            fits: fits(&self.plan, &columns),
            columns: columns
                .iter()
                .map(|record| (self.name_of(record), self.label(record)))
                .collect(),
            rows,
        }))
    }

    /// The mapped properties of records side by side: those that bear on each other in a row.
    pub(crate) fn side_by_side(&self, columns: &[&RecordState]) -> Vec<SideBySide> {
        let mut told: HashSet<(usize, PropIx)> = HashSet::new();
        let mut rows = Vec::new();
        for (first, record) in columns.iter().enumerate() {
            let ty = self.plan.ty(record.ty);
            for prop in
                (0..ty.props.len() as u16).map(PropIx).filter(|prop| ty.props[prop.at()].paired)
            {
                if told.contains(&(first, prop)) {
                    continue;
                }
                let cell = |at: usize, other: &RecordState| {
                    if at < first {
                        return None;
                    }
                    let theirs = match other.ty == record.ty {
                        true => Some(prop),
                        false => beside(&self.plan, record.ty, prop, other.ty),
                    };
                    theirs.filter(|theirs| !told.contains(&(at, *theirs)))
                };
                let theirs: Vec<Option<PropIx>> =
                    columns.iter().enumerate().map(|(at, other)| cell(at, other)).collect();
                told.extend(
                    theirs.iter().enumerate().filter_map(|(at, prop)| Some((at, (*prop)?))),
                );
                let cells: Vec<Option<(String, Value)>> = theirs
                    .iter()
                    .zip(columns)
                    .map(|(prop, other)| {
                        let described = self.plan.prop(other.ty, (*prop)?);
                        Some((
                            described.name.clone(),
                            other.slot((*prop)?).value(described.whole).clone(),
                        ))
                    })
                    .collect();
                // Another system has an id of its own for the same thing.
                let is_reference = ty.props[prop.at()].reference_target.is_some();
                let compared = cells
                    .iter()
                    .zip(columns)
                    .filter(|(_, other)| !is_reference || other.ty == record.ty);
                let mut values = compared.flat_map(|(cell, _)| cell).map(|(_, value)| value);
                let differs =
                    values.next().is_some_and(|first| values.any(|other| !equal(first, other)));
                rows.push(SideBySide { cells, differs });
            }
        }
        rows
    }

    /// The journal of a record, oldest first.
    pub fn history(&mut self, record: RecordId, limit: usize) -> Result<Vec<JournalEntry>> {
        self.store.journal(&[record], limit)
    }

    /// A part of the journal, oldest first, with names.
    pub fn history_of(
        &mut self,
        of: &HistoryOf,
        limit: usize,
    ) -> std::result::Result<Vec<HistoryLine>, LookError> {
        let entries = match of {
            HistoryOf::Record(name) => {
                let record = self.find(name)?;
                self.store.journal(&[record.id], limit)?
            }
            HistoryOf::Run(run) => self.journal_of((*run, *run), Timestamp(i64::MIN), limit)?,
            HistoryOf::Latest => {
                let runs: Vec<RunId> =
                    self.store.runs(LATEST_RUNS)?.into_iter().map(|run| run.id).collect();
                match (runs.iter().min(), runs.iter().max()) {
                    (Some(first), Some(last)) => {
                        self.journal_of((*first, *last), Timestamp(i64::MIN), limit)?
                    }
                    _ => vec![],
                }
            }
            HistoryOf::Since(since) => match self
                .runs_since(*since)
                .map_err(|error| LookError::Store(error.to_string()))?
            {
                Some(runs) => self.journal_of(runs, *since, limit)?,
                None => vec![],
            },
        };
        let ids: Vec<RecordId> =
            entries.iter().flat_map(|e| e.about.record().into_iter().chain(e.other)).collect();
        let mut names: HashMap<RecordId, RecordName> = HashMap::new();
        for some in ids.chunks(10_000) {
            names.extend(
                self.store.records(some)?.iter().map(|record| (record.id, self.name_of(record))),
            );
        }
        let name = |id: RecordId| {
            names.get(&id).cloned().unwrap_or_else(|| RecordName(format!("record {id}")))
        };
        let line = |entry: JournalEntry| HistoryLine {
            at: entry.at.to_string(),
            run: entry.run.0,
            kind: entry.kind.name().into(),
            record: match entry.about {
                About::Record(id) => name(id),
                About::Guard(guard) => RecordName(guard.name().into()),
            },
            path: entry.path,
            before: entry.before,
            after: entry.after,
            rule: entry.rule.map(|rule| rule.to_string()),
            other: entry.other.filter(|other| !entry.about.is(*other)).map(name),
            detail: entry.detail,
        };
        Ok(entries.into_iter().map(line).collect())
    }

    /// The journal of some runs, with the creations that their intents tell of.
    fn journal_of(
        &mut self,
        runs: (RunId, RunId),
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<JournalEntry>> {
        let mut entries = self.store.journal_of_runs(runs, limit)?;
        let intents = self.store.intents_of_runs(runs, None, limit)?;
        let made =
            intents.iter().filter(|i| i.kind == IntentKind::Create && i.state == IntentState::Done);
        let ids: Vec<RecordId> = made.filter_map(|intent| intent.record).collect();
        let told: HashSet<_> = entries.iter().filter_map(|entry| entry.intent).collect();
        for some in ids.chunks(1_000) {
            let created = self.store.journal(some, usize::MAX >> 1)?.into_iter();
            entries.extend(created.filter(|entry| {
                entry.rule == Some(Rule::C1)
                    && entry.intent.is_some_and(|id| !told.contains(&id))
                    && entry.path.is_none()
            }));
        }
        entries.retain(|entry| entry.at >= since);
        // An edit is told by when it was made, a write by when it landed; of the same time, in the
        // order of writing.
        entries.sort_by_key(|entry| entry.at);
        entries.truncate(limit);
        Ok(entries)
    }
}

/// The records that a review shows: the one it is about, and the first candidates.
fn in_view(review: &Review) -> impl Iterator<Item = RecordId> + '_ {
    let candidates = review.candidates.iter().take(CANDIDATES_SHOWN);
    review.about.record().into_iter().chain(candidates.copied())
}
