//! What becomes of records that have no counterpart by a flow that mirrors (`extra`, D1).

use std::collections::BTreeSet;

use lockstep_model::why::Deleting;
use lockstep_model::{
    EntityId, FlowIx, RecordId, RecordState, Review, ReviewKind, Rule, Value, Why,
};

use super::deletions::open_deletions;
use super::state::OneEntity;
use crate::extra::{Standing, asked_already, extra_by, is_kept, mirrored, source, standing};
use crate::settle::Entity;

impl OneEntity<'_> {
    /// D1: the extra records of an entity are deleted, asked about, or wait. Those that are to be
    /// deleted are added to `doomed`. What has been asked about this entity stands in the reviews from
    /// `asked_before` on.
    pub(super) fn extras(
        &mut self,
        id: EntityId,
        entity: &Entity<'_>,
        asked_before: usize,
        doomed: &mut BTreeSet<RecordId>,
    ) {
        let (plan, slice) = (self.plan, self.slice);
        for record in entity.records.iter().filter(|record| record.is_live()) {
            // What is asked about a deletion elsewhere, or about whose record it is, comes first.
            let is_asked = |review: &Review| {
                review.kind == ReviewKind::PendingDelete && review.candidates.contains(&record.id)
            };
            if doomed.contains(&record.id)
                || self.is_doubted(record)
                || self.reviews[asked_before..].iter().any(is_asked)
                || is_kept(slice, record.id)
            {
                continue;
            }
            let Some(flow) = extra_by(plan, entity, record) else { continue };
            let source = source(plan, flow, entity);
            let accepted = open_deletions(slice, id).any(|intent| intent.record == Some(record.id));
            match standing(plan, slice, flow, entity, record) {
                Standing::Hold(wait) => {
                    self.out.reread.extend(wait.reread);
                    self.out.extra_held.insert(record.id);
                    // What was asked before is asked still.
                    self.reviews.extend(asked_already(slice, record.id).cloned());
                }
                Standing::Ask(why) if !accepted => match asked_already(slice, record.id) {
                    Some(review) => self.reviews.push(review.clone()),
                    None => self.ask_about_extra(record, flow, why),
                },
                Standing::Ask(_) | Standing::Delete => {
                    self.delete(id, record, source, flow);
                    doomed.insert(record.id);
                }
            }
        }
    }

    fn ask_about_extra(&mut self, record: &RecordState, flow: FlowIx, besides: Option<Why>) {
        let name = format!("{}/{}", self.plan.ty(record.ty).name, record.key);
        let why = Deleting::Extra {
            record: Some(name),
            lacking: mirrored(self.plan, flow),
            besides: besides.map(Box::new),
        };
        self.reviews.push(Review {
            kind: ReviewKind::PendingDelete,
            about: record.id.into(),
            ty: record.ty,
            prop: None,
            rule: Rule::D1,
            candidates: vec![record.id],
            value: Value::Null,
            why: why.into(),
            opened_at: self.slice.now,
        });
    }
}
