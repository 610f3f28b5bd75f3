//! What is decided now against what was decided before and is still open (C2, G4, P6).

use std::collections::BTreeSet;

use lockstep_model::value::{equal, is_empty};
use lockstep_model::{
    BaseVersion, Change, EntityId, FlowIx, Intent, IntentId, IntentKind, IntentState, PropIx,
    RecordState, Review, ReviewKind, Source, TypeIx,
};

use super::state::OneEntity;
use crate::decision::delete_rank;
use crate::facets::siblings;
use crate::plan::Plan;

/// A write that is decided on.
pub(super) struct Decided<'r> {
    pub kind: IntentKind,
    pub entity: EntityId,
    pub ty: TypeIx,
    /// `None` for a creation.
    pub record: Option<&'r RecordState>,
    pub source: Source,
    pub flow: FlowIx,
    pub changes: Vec<Change>,
}

/// Whether an intent has not been sent, or was refused: it can be dropped.
pub(super) fn is_waiting(intent: &Intent) -> bool {
    matches!(intent.state, IntentState::Queued | IntentState::Refused)
}

/// Whether an intent may have reached its system, and nobody knows what came of it.
pub(super) fn is_under_way(intent: &Intent) -> bool {
    matches!(intent.state, IntentState::Sent | IntentState::Unknown)
}

impl OneEntity<'_> {
    pub(super) fn drop_updates(&mut self, id: EntityId, record: &RecordState) {
        let waits = |intent: &&Intent| {
            intent.kind == IntentKind::Update
                && intent.record == Some(record.id)
                && is_waiting(intent)
                && !intent.takes_back()
        };
        self.out.dropped.extend(self.slice.intents_of(id).filter(waits).map(|intent| intent.id));
    }

    /// A queued creation that nothing asks for any more (its record was linked, deleted, or does
    /// not qualify). One that has been tried and is only held for a while keeps its tries (G4).
    pub(super) fn drop_needless_creations(&mut self, id: EntityId, made: &BTreeSet<TypeIx>) {
        for intent in self.slice.intents_of(id) {
            let needless = intent.kind == IntentKind::Create
                && is_waiting(intent)
                && !made.contains(&intent.ty)
                && !self.out.dropped.contains(&intent.id);
            if needless && intent.attempts > 0 && self.is_held(id, intent.ty) {
                self.out.held_back.push((intent.id, intent.source.record()));
            } else if needless {
                self.out.dropped.push(intent.id);
                // F2: other facets may have waited for what it would have made.
                let source = intent.source.record().and_then(|id| self.slice.records.get(&id));
                if let Some(source) = source.filter(|_| self.plan.has_facets) {
                    self.out
                        .agenda
                        .extend(siblings(self.plan, self.slice, source).map(|facet| facet.id));
                }
            }
        }
    }

    /// Whether what would be made for an entity in a record type waits for something that comes by
    /// itself.
    fn is_held(&self, id: EntityId, ty: TypeIx) -> bool {
        self.out.held.iter().any(|held| {
            held.comes_by_itself()
                && self.plan.flows[held.flow.at()].to == ty
                && self.slice.records.get(&held.record).is_some_and(|record| record.entity == id)
        })
    }

    /// Compares what is open with what is decided now. Gives whether a new intent is due, and of
    /// which failed one it takes the place.
    pub(super) fn reconcile<'i>(
        &mut self,
        open: &[&'i Intent],
        changes: &[Change],
        subject: &RecordState,
    ) -> Option<Option<&'i Intent>> {
        let same = |intent: &Intent| {
            intent.changes.len() == changes.len()
                && intent.changes.iter().zip(changes).all(|(a, b)| is_same(a, b))
        };
        // Under way: its outcome brings the record back onto the agenda.
        if open.iter().any(|intent| is_under_way(intent)) {
            open.iter().for_each(|intent| self.keep_told(intent, subject));
            return None;
        }
        let mut due = Some(None);
        for &intent in open {
            // C2: a creation that was tried is tried again as it was, under the same key: if the
            // first try arrives late after all, its system knows both for one. What was edited
            // since is written after it.
            let tried = intent.kind == IntentKind::Create
                && intent.attempts > 0
                && intent.state == IntentState::Queued;
            // P6: a write that met another version is decided on the version that is known now.
            let over = |changes: &[Change]| {
                changes.iter().map(|change| change.displaced.clone()).collect::<Vec<_>>()
            };
            let moved = || {
                intent.version() != subject.version.as_ref()
                    || over(&intent.changes) != over(changes)
            };
            let fails = intent.kind == IntentKind::Update
                && intent.attempts > 0
                && intent.state == IntentState::Queued;
            // G4: while a value that fails is among them, the write of it is the same.
            let goes_on = || {
                let (before, now) = (&intent.changes, changes);
                now.iter().any(|change| before.iter().any(|failed| is_same(failed, change)))
            };
            if due.is_none() || !(same(intent) || tried || fails && goes_on()) {
                self.out.dropped.push(intent.id);
            } else if fails && (!same(intent) || moved()) {
                self.out.dropped.push(intent.id);
                due = Some(Some(intent));
                self.keep_told(intent, subject);
            } else {
                due = None;
                self.keep_told(intent, subject);
            }
        }
        due
    }

    /// G4: what a person has been told of a write that was refused, or fails again and again, stays
    /// open while that write does.
    pub(super) fn keep_told(&mut self, intent: &Intent, subject: &RecordState) {
        let told = |review: &&Review| {
            let of_it =
                review.about.is(subject.id) && review.ty == intent.ty && review.prop.is_none();
            // C2: a creation that found what belongs to another stays a question, too.
            let disputed =
                review.kind == ReviewKind::DisputedEntity && intent.state == IntentState::Refused;
            (review.kind == ReviewKind::RejectedValue || disputed) && of_it
        };
        if (intent.state == IntentState::Refused || intent.attempts > 0)
            && let Some(review) = self.slice.reviews.iter().find(told)
        {
            self.reviews.push(review.clone());
        }
    }

    /// G4: the intent just made is tried again in the place of one that failed, and waits as long
    /// as that one would have.
    pub(super) fn inherit_tries(&mut self, failed: Option<&Intent>) {
        if let (Some(failed), Some(new)) = (failed, self.out.intents.last_mut()) {
            (new.attempts, new.not_before) = (failed.attempts, failed.not_before);
            new.message.clone_from(&failed.message);
        }
    }

    /// Intends the deletion of a record, where that is not intended already; its queued updates are
    /// not needed any more.
    pub(super) fn delete(
        &mut self,
        id: EntityId,
        record: &RecordState,
        source: Source,
        flow: FlowIx,
    ) {
        let slice = self.slice;
        let mine = |kind| {
            slice
                .intents_of(id)
                .filter(move |intent| intent.kind == kind && intent.record == Some(record.id))
        };
        let waiting = mine(IntentKind::Update).filter(|intent| is_waiting(intent));
        self.out.dropped.extend(waiting.map(|intent| intent.id));
        let (mut due, mut failed) = (true, None);
        for intent in mine(IntentKind::Delete) {
            match intent.state {
                // Decided on the state that the record has: it stays. What a person must see to
                // stays in review.
                IntentState::Queued | IntentState::Refused
                    if due && intent.version() == record.version.as_ref() =>
                {
                    due = false;
                    self.keep_told(intent, record);
                }
                IntentState::Queued | IntentState::Refused => {
                    failed = failed.or(Some(intent).filter(|intent| {
                        intent.attempts > 0 && intent.state == IntentState::Queued
                    }));
                    self.out.dropped.push(intent.id);
                }
                _ => due = false,
            }
        }
        if due {
            self.intend(Decided {
                kind: IntentKind::Delete,
                entity: id,
                ty: record.ty,
                record: Some(record),
                source,
                flow,
                changes: vec![],
            });
            self.inherit_tries(failed);
            if let Some(failed) = failed {
                self.keep_told(failed, record);
            }
        }
    }

    pub(super) fn intend(&mut self, decided: Decided<'_>) {
        let Decided { kind, entity, ty, record, source, flow, changes } = decided;
        debug_assert!(
            record.is_none_or(|record| !source.is(record.id)),
            "what the flows decide comes from another record than the one that is written to (G7)"
        );
        let send_rank = self.plan.ty(ty).send_rank;
        self.out.intents.push(Intent {
            id: IntentId(0),
            run: self.slice.run,
            kind,
            rank: match kind {
                IntentKind::Delete => delete_rank(send_rank),
                IntentKind::Create | IntentKind::Update => send_rank,
            },
            ty,
            record: record.map(|record| record.id),
            entity,
            source,
            flow,
            base_version: record.map_or(BaseVersion::Unknown, |record| match kind {
                IntentKind::Update => version_to_meet(self.plan, record),
                IntentKind::Create | IntentKind::Delete => record.version.clone().into(),
            }),
            changes,
            state: IntentState::Queued,
            attempts: 0,
            not_before: None,
            message: None,
            decided_at: self.slice.now,
            done_at: None,
        });
    }
}

/// Whether two changes put the same into the same property.
fn is_same(a: &Change, b: &Change) -> bool {
    a.prop == b.prop && equal(&a.value, &b.value) && a.counterpart_of == b.counterpart_of
}

/// P6: the version that a record is to have still when it is written to. Where none is known, and
/// nothing has shown the record since Lockstep's own write, it is looked at first: a write over
/// what somebody has put in there meanwhile would meet no other version.
fn version_to_meet(plan: &Plan, record: &RecordState) -> BaseVersion {
    let ty = plan.ty(record.ty);
    let is_unseen = || {
        let all = ty.props.iter().zip(&record.slots).enumerate();
        let told = all.filter(|(ix, (prop, slot))| {
            Some(*ix) != ty.own_id.map(PropIx::at)
                && prop.is_own()
                && !is_empty(slot.value(prop.whole))
        });
        let mut unseen = told.map(|(_, (prop, slot))| slot.is_unseen(prop.whole)).peekable();
        unseen.peek().is_some() && unseen.all(|unseen| unseen)
    };
    let looks = || record.written_at.is_some() && ty.can.get && is_unseen();
    match &record.version {
        Some(version) => BaseVersion::Known(version.clone()),
        None if looks() => BaseVersion::Unseen,
        None => BaseVersion::Unknown,
    }
}
