//! What is about to be created elsewhere, or stands under a doubted key, and would be the
//! counterpart (C2, F2, R9).

use lockstep_model::{Change, EntityId, Intent, IntentKind, IntentState, RecordState, TypeIx};

use super::state::OneEntity;
use crate::facets::siblings;
use crate::keys::{match_hashes, promised};
use crate::settle::Entity;

impl OneEntity<'_> {
    /// C2: two records that stand for the same thing, and of which nobody knows that yet, may both
    /// be about to get a counterpart in a record type where they would meet. One is made; the
    /// others wait, and are linked with it by their match values.
    pub(super) fn promised_by_another(
        &self,
        id: EntityId,
        entity: &Entity<'_>,
        to: TypeIx,
        changes: &[Change],
    ) -> bool {
        // What was refused promises nothing: another has been let past since.
        let mine = |intent: &Intent| {
            intent.kind == IntentKind::Create
                && intent.ty == to
                && intent.state != IntentState::Refused
        };
        if !self.plan.ty(to).contested || self.slice.intents_of(id).any(mine) {
            return false;
        }
        let hashes = self.would_be_found_under(entity, to, changes);
        let another = |hash: &u64| {
            self.promised.get(hash).is_some_and(|entity| *entity != id)
                || self
                    .slice
                    .promised
                    .get(hash)
                    .is_some_and(|entities| entities.iter().any(|entity| *entity != id))
        };
        hashes.iter().any(another)
    }

    /// Under which hashes the record would be found that is created with these changes, and what
    /// the entity's records match.
    fn would_be_found_under(
        &self,
        entity: &Entity<'_>,
        to: TypeIx,
        changes: &[Change],
    ) -> Vec<u64> {
        let mut hashes = promised(self.plan, to, changes);
        for record in &entity.records {
            for side in self.plan.ty(record.ty).match_sides.iter().filter(|side| side.other == to) {
                match_hashes(self.plan, side, record, &mut hashes);
            }
        }
        hashes
    }

    /// F2, C2: whether a record is being created for another entity that another facet of this one
    /// will be linked with.
    pub(super) fn is_promised_to_a_facet(&self, record: &RecordState, to: TypeIx) -> bool {
        let (plan, slice) = (self.plan, self.slice);
        let collection = &plan.ty(to).facets;
        let sibling_waits = |sibling: &RecordState| {
            let mut hashes = Vec::new();
            for member in
                slice.members(sibling.entity).iter().filter_map(|id| slice.records.get(id))
            {
                for side in plan
                    .ty(member.ty)
                    .match_sides
                    .iter()
                    .filter(|side| collection.contains(&side.other))
                {
                    match_hashes(plan, side, member, &mut hashes);
                }
            }
            let another = |entity: &EntityId| *entity != sibling.entity && *entity != record.entity;
            hashes.iter().any(|hash| {
                self.promised.get(hash).is_some_and(another)
                    || slice.promised.get(hash).is_some_and(|entities| entities.iter().any(another))
            })
        };
        !collection.is_empty()
            && siblings(plan, slice, record).filter(|sibling| sibling.is_live()).any(sibling_waits)
    }

    /// R9: whether what would be created, or what it would be created from, matches what is shown
    /// under the key of a record that a person is asked about.
    pub(super) fn is_shown_in_doubt(
        &self,
        entity: &Entity<'_>,
        to: TypeIx,
        changes: &[Change],
    ) -> bool {
        let doubted = &self.slice.doubted;
        !doubted.is_empty()
            && self
                .would_be_found_under(entity, to, changes)
                .iter()
                .any(|hash| doubted.contains_key(hash))
    }
}
