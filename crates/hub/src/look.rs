//! Looking: what the store knows, for `status`, `review` and `history`. Nothing is changed here.

use lockstep_model::{GuardKind, RecordId, Review, TypeIx, Value};
use lockstep_store::{JournalEntry, Result};
use serde::Serialize;

use crate::report::RecordName;
use crate::run::Hub;

/// Where a project stands.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub types: Vec<TypeLine>,
    /// Open intents by state.
    pub outbox: Vec<(String, u64)>,
    /// Open reviews by kind.
    pub reviews: Vec<(String, u64)>,
    pub runs: Vec<RunLine>,
}

/// A record type's line.
#[derive(Clone, Debug, Serialize)]
pub struct TypeLine {
    pub name: String,
    pub records: u64,
    /// Read to the end at least once (L8).
    pub complete: bool,
    /// When the last finished reading began.
    pub read_from: Option<String>,
}

/// A run's line.
#[derive(Clone, Debug, Serialize)]
pub struct RunLine {
    pub run: i64,
    pub started: String,
    pub ended: Option<String>,
    pub summary: Value,
}

/// A review with its records side by side.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewLine {
    pub kind: String,
    pub record: RecordName,
    pub label: String,
    /// The record type that is asked about.
    pub in_type: String,
    pub path: Option<String>,
    pub rule: String,
    pub sentence: String,
    pub message: String,
    pub candidates: Vec<(RecordName, String)>,
    pub opened: String,
}

impl Hub {
    /// Where the project stands.
    pub fn status(&mut self) -> Result<Status> {
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
        let outbox = self.store.intent_counts()?.into_iter().map(|(state, n)| (state.name().into(), n)).collect();
        let reviews = self.store.review_counts()?.into_iter().map(|(kind, n)| (kind.name().into(), n)).collect();
        let runs = self.store.runs(5)?.into_iter().map(|run| RunLine {
            run: run.id.0,
            started: run.started.to_string(),
            ended: run.ended.map(|t| t.to_string()),
            summary: run.summary,
        });
        let runs = runs.collect();
        Ok(Status { types, outbox, reviews, runs })
    }

    /// What waits for a person, oldest first.
    pub fn reviews(&mut self, limit: usize) -> Result<Vec<ReviewLine>> {
        let reviews = self.store.reviews(limit)?;
        let ids: Vec<RecordId> =
            reviews.iter().flat_map(|r| std::iter::once(r.record).chain(r.candidates.iter().copied())).collect();
        let records: std::collections::HashMap<_, _> = self.store.records(&ids)?.into_iter().map(|r| (r.id, r)).collect();
        let name = |id: &RecordId| match records.get(id) {
            // A guard is about a system, not a record.
            None if GuardKind::of_stand_in(*id).is_some() => {
                (RecordName(GuardKind::of_stand_in(*id).map_or("", GuardKind::name).into()), String::new())
            }
            Some(record) => (RecordName::of(&self.plan, record.ty, &record.key), self.label(record)),
            None => (RecordName(format!("record {id}")), String::new()),
        };
        let line = |review: &Review| {
            let (record, label) = name(&review.record);
            ReviewLine {
                kind: review.kind.name().into(),
                record,
                label,
                in_type: self.plan.ty(review.ty).name.to_string(),
                path: review.prop.map(|prop| self.plan.prop(review.ty, prop).name.clone()),
                rule: review.rule.to_string(),
                sentence: review.rule.sentence().into(),
                message: review.message.clone(),
                candidates: review.candidates.iter().map(name).collect(),
                opened: review.opened_at.to_string(),
            }
        };
        Ok(reviews.iter().map(line).collect())
    }

    /// The journal of a record, oldest first.
    pub fn history(&mut self, record: RecordId, limit: usize) -> Result<Vec<JournalEntry>> {
        self.store.journal(&[record], limit)
    }

    /// All record types that a system has in the plan.
    pub fn types_of_system(&self, system: &str) -> Vec<TypeIx> {
        (0..self.plan.types.len() as u16).map(TypeIx).filter(|ty| self.plan.ty(*ty).name.system == system).collect()
    }
}
