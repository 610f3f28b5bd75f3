//! A record was created (C1, C2).

use std::collections::HashMap;

use lockstep_connector::Outcome;
use lockstep_engine::keys::hashes;
use lockstep_engine::observe::retired_key;
use lockstep_engine::outcome::calls_for_more;
use lockstep_model::change::IntentEvent;
use lockstep_model::matching::reference_hash;
use lockstep_model::value::is_empty;
use lockstep_model::why::OfReference;
use lockstep_model::{
    Change, Intent, IntentKind, NumberMap, RecordId, RecordState, Review, ReviewKind, Rule, TypeIx,
};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::journal::{property_changes, step};
use crate::report::{Event, RecordName};
use crate::sending::carry::Carried;
use crate::under_way::Underway;

impl Ledger {
    /// The records known already that creations were answered with.
    pub(crate) fn known_already(
        &mut self,
        parcels: &[Carried],
    ) -> Result<HashMap<(TypeIx, String), RecordState>> {
        let mut keys: HashMap<TypeIx, Vec<&str>> = HashMap::new();
        for (parcel, outcome, _) in parcels {
            if let (IntentKind::Create, Outcome::Done(answer)) = (parcel.intent.kind, outcome) {
                keys.entry(parcel.intent.ty).or_default().push(&answer.id);
            }
        }
        let mut found = HashMap::new();
        for (ty, keys) in keys {
            found.extend(
                self.store
                    .by_key(ty, &keys)?
                    .into_iter()
                    .map(|record| ((ty, record.key.clone()), record)),
            );
        }
        Ok(found)
    }

    /// R9: the key of a record that is gone belongs to one that has just been created.
    pub(crate) fn give_key_on(
        &self,
        under_way: &mut Underway,
        gone: &RecordState,
        heir: RecordId,
        commit: &mut Commit,
    ) {
        let key = retired_key(gone);
        let (was, now) = (
            RecordName::of(&self.plan, gone.ty, &key),
            RecordName::of(&self.plan, gone.ty, &gone.key),
        );
        self.tell_key_given_on(under_way, (gone.id, &was), (Some(heir), &now), commit);
        commit.rekeyed.push((gone.id, key));
    }

    /// Records a creation that the system confirmed. A record that Lockstep created is linked by
    /// that alone (L4).
    pub(crate) fn created(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        state: RecordState,
        known: &NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
        wake: &mut Vec<u64>,
    ) -> Result<()> {
        let mut update = step(intent, IntentEvent::Confirm, self.clock.now(), None)?;
        update.record = Some(state.id);
        commit.intents_changed.push(update);
        self.fails_no_more(intent, commit);
        let ty = self.plan.ty(intent.ty);
        // The journal tells of a creation by its intent.
        commit
            .keys_added
            .extend(hashes(&self.plan, &state).into_iter().map(|hash| (hash, state.id)));
        if ty.contested {
            let promised = lockstep_engine::keys::promised(&self.plan, intent.ty, &intent.changes);
            // Who waits for it.
            wake.extend(&promised);
            commit.promises_removed.extend(promised.into_iter().map(|hash| (hash, intent.id)));
        }
        let source = intent.source.record().and_then(|id| known.get(&id));
        if calls_for_more(&self.plan, intent, &state, source) {
            commit.agenda_added.push(AgendaEntry::new(ty.decide_rank, state.id));
        }
        if self.plan.has_references() {
            if let Some(source) = source {
                wake.push(reference_hash(&self.plan.ty(source.ty).name, &source.key));
            }
            wake.push(reference_hash(&ty.name, &state.key));
        }
        self.status[state.ty.at()].records += 1;
        self.tell_created(under_way, intent, &state, known, commit);
        commit.new_records.push(state);
        Ok(())
    }

    fn tell_created(
        &self,
        under_way: &mut Underway,
        intent: &Intent,
        state: &RecordState,
        known: &NumberMap<RecordId, RecordState>,
        commit: &Commit,
    ) {
        let (plan, source) = (&self.plan, intent.source.record().and_then(|id| known.get(&id)));
        under_way.report.system(&plan.ty(intent.ty).name.system).created += 1;
        under_way.report.flow(intent.flow).created += 1;
        // P8: a reference is in the creation only if what it names had a counterpart by then.
        let given = |change: &Change| {
            let whole = plan.prop(intent.ty, change.prop).whole;
            change.counterpart_of.is_none() || !is_empty(state.slot(change.prop).value(whole))
        };
        if !under_way.part.is_whole() {
            for waits in property_changes(plan, intent, known, |change| !given(change)) {
                let named = waits.counterpart_of.map_or(String::new(), |name| name.0);
                under_way.report.event(|| Event::Waits {
                    flow: plan.flow_name(intent.flow),
                    record: RecordName::of(plan, state.ty, &state.key),
                    why: OfReference::LeftForLater { property: waits.path, record: named }.into(),
                    rule: Rule::P8.to_string(),
                });
            }
        }
        under_way.report.event(|| Event::Created {
            flow: plan.flow_name(intent.flow),
            source: source
                .map_or_else(|| RecordName(String::new()), |s| RecordName::of(plan, s.ty, &s.key)),
            record: RecordName::of(plan, state.ty, &state.key),
            properties: property_changes(plan, intent, known, |change| {
                let lost = |review: &Review| {
                    review.kind == ReviewKind::NotKept
                        && review.about.is(state.id)
                        && review.prop == Some(change.prop)
                };
                given(change) && !commit.reviews_opened.iter().any(lost)
            }),
        });
    }
}
