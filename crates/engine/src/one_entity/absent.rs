//! A record without a counterpart: one is made, or why not (C1–C5, F1, F2, L8).

use std::collections::BTreeSet;

use lockstep_model::value::equal;
use lockstep_model::why::NotYet;
use lockstep_model::{
    Change, EntityId, FlowIx, Intent, IntentKind, RecordId, RecordState, Review, ReviewKind, Rule,
    Situation, TypeIx, Value, Why,
};

use super::intents::Decided;
use super::state::OneEntity;
use crate::create::{Creation, create, refused};
use crate::decision::Held;
use crate::facets::{being_made, siblings, still_to_be_read, unread, was_deleted};
use crate::keys::promised;
use crate::settle::Entity;

/// A record that has no counterpart in a record type, by a flow.
pub(super) struct Lacking<'a> {
    pub id: EntityId,
    pub entity: &'a Entity<'a>,
    pub record: &'a RecordState,
    pub flow: FlowIx,
    pub to: TypeIx,
}

/// What was found for a record by a flow, and why, where the situation does not say it.
type Found = (Situation, Option<Why>);

impl OneEntity<'_> {
    /// Whether a counterpart is made, and why not.
    pub(super) fn absent(&mut self, lacking: &Lacking<'_>, made: &mut BTreeSet<TypeIx>) -> Found {
        if let Some(found) = self.waits_for_a_person(lacking) {
            return found;
        }
        if let Some(found) = self.waits_for_a_facet(lacking) {
            return found;
        }
        let &Lacking { id, entity, record, flow, to } = lacking;
        match create(self.plan, self.slice, flow, record, entity) {
            Creation::No { situation, why } => (situation, Some(why)),
            Creation::Hold { rule, why, reread } => {
                self.out.reread.extend(reread);
                if rule == Rule::C4 {
                    self.ask_to_complete(lacking, &why);
                }
                self.hold(lacking, rule, why)
            }
            Creation::Make { changes, .. }
                if self.promised_by_another(id, entity, to, &changes) =>
            {
                let of = self.plan.ty(to).name.to_string();
                let why = NotYet::MatchBeingCreated { of, facet: false };
                self.hold(lacking, Rule::C2, why.into())
            }
            // R9: it may be there already, under the key of another, and a person is asked whose
            // that is.
            Creation::Make { changes, .. } if self.is_shown_in_doubt(entity, to, &changes) => {
                let of = self.plan.ty(to).name.to_string();
                self.hold(lacking, Rule::R9, NotYet::MatchInDoubt { of }.into())
            }
            Creation::Make { changes, unconvertible } => {
                for (prop, value, message) in unconvertible {
                    self.unconvertible(record, to, prop, value, (message, 0));
                }
                made.insert(to);
                self.make(lacking, changes);
                (Situation::Absent, Some(NotYet::BeingCreated.into()))
            }
        }
    }

    /// What waits for a person's answer, which may bring the counterpart.
    fn waits_for_a_person(&self, lacking: &Lacking<'_>) -> Option<Found> {
        let &Lacking { id, entity, record, to, .. } = lacking;
        // Something else of this entity is disputed in that very record type.
        if entity.records.iter().any(|member| self.unsettled.contains_key(&(member.id, to))) {
            return Some((Situation::Absent, Some(NotYet::AnotherWaits.into())));
        }
        if let Some(facet) = self.facet_waits(record, to) {
            return Some((Situation::Absent, Some(NotYet::FacetWaits { facet }.into())));
        }
        // C2: a person has been asked whether a creation has been made already; until then none is.
        let asked = |review: &&Review| {
            review.kind == ReviewKind::UnknownOutcome
                && review.ty == to
                && review.about.is(record.id)
        };
        let review = self.slice.reviews.iter().find(asked)?;
        let creates = |intent: &Intent| intent.kind == IntentKind::Create && intent.ty == to;
        (!self.slice.intents_of(id).any(creates))
            .then(|| (Situation::Ambiguous, Some(review.why.clone())))
    }

    /// F1: a person's answer that another facet of the record waits for in this collection may
    /// bring the counterpart of this one, too.
    fn facet_waits(&self, record: &RecordState, to: TypeIx) -> Option<String> {
        let (plan, slice) = (self.plan, self.slice);
        let collection = &plan.ty(to).facets;
        if collection.is_empty() {
            return None;
        }
        let theirs = |ty: &TypeIx| *ty == to || collection.contains(ty);
        let waits = |facet: &&RecordState| {
            let unsettled = |id: &RecordId| {
                self.unsettled
                    .range((*id, TypeIx(0))..=(*id, TypeIx(u16::MAX)))
                    .any(|((_, ty), _)| theirs(ty))
            };
            let asked = |review: &Review| {
                review.kind == ReviewKind::UnknownOutcome
                    && review.about.is(facet.id)
                    && theirs(&review.ty)
            };
            let asked = slice.members(facet.entity).iter().any(unsettled)
                || slice.reviews.iter().any(asked);
            facet.is_live() && (asked || self.is_doubted(facet))
        };
        let facet = siblings(plan, slice, record).find(waits)?;
        Some(format!("{}/{}", plan.ty(facet.ty).name, facet.key))
    }

    /// F1, F2, D1: what another facet of the record brings, has had, or has still to bring.
    fn waits_for_a_facet(&mut self, lacking: &Lacking<'_>) -> Option<Found> {
        let (plan, slice) = (self.plan, self.slice);
        let &Lacking { record, to, .. } = lacking;
        // F2: it will be linked with a facet of what is made for another facet of the same record.
        let made_now = |entity: EntityId, ty: TypeIx| self.creating.contains(&(entity, ty));
        if let Some(facet) = being_made(plan, slice, record, to, made_now) {
            let facet = format!("{}/{}", plan.ty(facet.ty).name, facet.key);
            return Some((Situation::Absent, Some(NotYet::CreatedForFacet { facet }.into())));
        }
        if let Some(other) = still_to_be_read(plan, slice, record, to) {
            let record = format!("{}/{}", plan.ty(to).name, other.key);
            return Some((Situation::Absent, Some(NotYet::LinkedByFacet { record }.into())));
        }
        if was_deleted(plan, slice, record, to).is_some() {
            return Some((Situation::Missing, None));
        }
        if let Some(facet) = unread(plan, slice, record, to) {
            let of = facet.name.to_string();
            return Some(self.hold(lacking, Rule::L8, NotYet::NotReadAs { of }.into()));
        }
        if self.is_promised_to_a_facet(record, to) {
            let of = plan.ty(to).name.to_string();
            let why = NotYet::MatchBeingCreated { of, facet: true };
            return Some(self.hold(lacking, Rule::C2, why.into()));
        }
        None
    }

    /// Nothing is made now: it waits for something that comes by itself.
    fn hold(&mut self, lacking: &Lacking<'_>, rule: Rule, why: Why) -> Found {
        let (flow, record) = (lacking.flow, lacking.record.id);
        self.out.held.push(Held { flow, record, rule, why: why.clone() });
        (Situation::Absent, Some(why))
    }

    /// C4: a creation needs what the record lacks.
    fn ask_to_complete(&mut self, lacking: &Lacking<'_>, why: &Why) {
        self.reviews.push(Review {
            kind: ReviewKind::Incomplete,
            about: lacking.record.id.into(),
            ty: lacking.to,
            prop: None,
            rule: Rule::C4,
            candidates: vec![],
            value: Value::Null,
            why: match why.clone() {
                Why::NotYet(NotYet::Lacks { of, properties }) => {
                    NotYet::Incomplete { of, properties }.into()
                }
                other => other,
            },
            opened_at: self.slice.now,
        });
    }

    /// Intends the creation of a counterpart with these values, where that is not intended already.
    fn make(&mut self, lacking: &Lacking<'_>, mut changes: Vec<Change>) {
        let (plan, slice) = (self.plan, self.slice);
        let &Lacking { id, record, flow, to, .. } = lacking;
        // G4: the same value is not sent again; the review stays as it is.
        changes.retain(|change| match refused(&slice.reviews, record, to, change.prop) {
            Some(review) if equal(&review.value, &change.value) => {
                self.reviews.push(review.clone());
                false
            }
            _ => true,
        });
        if !plan.ty(to).facets.is_empty() {
            self.creating.insert((id, to));
        }
        let open: Vec<&Intent> = slice
            .intents_of(id)
            .filter(|intent| intent.kind == IntentKind::Create && intent.ty == to)
            .collect();
        if self.reconcile(&open, &changes, record).is_some() {
            if plan.ty(to).contested {
                for hash in promised(plan, to, &changes) {
                    self.promised.entry(hash).or_insert(id);
                    self.out.promised.push((hash, self.out.intents.len()));
                }
            }
            self.intend(Decided {
                kind: IntentKind::Create,
                entity: id,
                ty: to,
                record: None,
                source: record.id.into(),
                flow,
                changes,
            });
            // Once, when it is decided: two records of a type that is connected to itself would
            // wake each other for ever (G8).
            self.wake_neighbours(record);
        }
    }
}
