//! Deleting, as far as it is more than a write (D1): what is told and remembered of deletions, kept
//! records and merges, and a person's answer where a flow says `deletes: review`. What a deletion
//! means is decided in `lockstep_engine::deletes`.

use lockstep_connector::{Action, Connector, Write};
use lockstep_engine::Plan;
use lockstep_engine::conditions::only_fails;
use lockstep_engine::deletes::{Departure, Verdict};
use lockstep_engine::extra::Because;
use lockstep_engine::observe::mark_gone;
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::{Existence, Wrote};
use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{equal, is_empty};
use lockstep_model::why::Deleting;
use lockstep_model::{
    Claim, FlowIx, Intent, IntentKind, IntentState, NumberMap, Presence, ReadRecord, RecordId,
    RecordState, Review, ReviewKind, Rule, TypeIx, Value, Why,
};
use lockstep_store::{AgendaEntry, Commit, JournalKind};
use lockstep_wording as wording;

use crate::error::Result;
use crate::ledger::Ledger;
use crate::ledger::journal::step;
use crate::remedies::of_review;
use crate::report::{Event, RecordName};
use crate::under_way::Underway;

/// D2: what a record that is back was given by one that is gone, it has put in itself: nobody else
/// has it any more.
fn claims_what_it_shows(plan: &Plan, back: &mut RecordState, gone: impl Fn(RecordId) -> bool) {
    let (at, ty) = (back.first_seen, plan.ty(back.ty));
    for (slot, prop) in back.slots.iter_mut().zip(&ty.props).filter(|(_, prop)| prop.paired) {
        let value = slot.value(prop.whole).clone();
        let given = match slot.carries {
            Some(carried) => gone(carried.record),
            // Of what a creation was given nothing more is remembered.
            None => slot.claim.is_none(),
        };
        if given && !is_empty(&value) {
            let at = slot.carries.map_or(at, |carried| carried.at);
            slot.claim = Some(Claim { value, at, goes: vec![] });
            slot.carries = None;
        }
    }
}

impl Ledger {
    /// A deletion that Lockstep carried out. The journal keeps all that was known of the record
    /// (G7).
    pub(crate) fn deleted(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        known: &mut NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) -> Result<()> {
        commit.intents_changed.push(step(intent, IntentEvent::Confirm, self.clock.now(), None)?);
        let system = self.plan.ty(intent.ty).name.system.clone();
        under_way.report.system(&system).deleted += 1;
        under_way.report.flow(intent.flow).deleted += 1;
        let because =
            Because::of(&self.plan, intent, intent.source.record().and_then(|id| known.get(&id)));
        let source = self.name_of_source(intent, known);
        let Some(state) =
            intent.record.and_then(|id| known.get_mut(&id)).filter(|state| state.is_live())
        else {
            return Ok(());
        };
        let record = RecordName::of(&self.plan, state.ty, &state.key);
        let shown =
            self.plan.ty(state.ty).props.iter().zip(&state.slots).filter_map(|(prop, slot)| {
                let value = slot.shadow.clone()?;
                Some((prop.name.clone(), value))
            });
        let before = Value::Object(shown.collect());
        let read_from = self.status[state.ty.at()].read_from;
        commit.keys_removed.extend(mark_gone(&self.plan, state, read_from));
        commit.agenda_added.push(AgendaEntry::new(self.plan.ty(state.ty).decide_rank, state.id));
        // P5a: a listing from before it shows the record still.
        state.written_at = Some(self.clock.now());
        let state = state.clone();
        let why: Why = because.why(&self.plan, intent.flow, &source.0).into();
        let rule = because.rule();
        let wrote = Wrote::Deleted { record: record.to_string(), because: why.clone() };
        let mut entry =
            self.entry(under_way, JournalKind::Written, &state, intent, wrote, Some(rule));
        entry.before = before;
        commit.journal.push(entry);
        let status = &mut self.status[state.ty.at()];
        status.records = status.records.saturating_sub(1);
        let flow = self.plan.flow_name(intent.flow);
        let rule = rule.to_string();
        under_way.report.event(|| Event::Removed { flow, source, record, why, rule });
        commit.changed_records.push(state);
        Ok(())
    }

    /// A record that a write did not find any more.
    pub(crate) fn gone(
        &mut self,
        under_way: &mut Underway,
        intent: &Intent,
        known: &mut NumberMap<RecordId, RecordState>,
        commit: &mut Commit,
    ) {
        let Some(state) = intent.record.and_then(|id| known.get_mut(&id)) else { return };
        if !state.is_live() {
            return;
        }
        commit.keys_removed.extend(mark_gone(
            &self.plan,
            state,
            self.status[state.ty.at()].read_from,
        ));
        commit.agenda_added.push(AgendaEntry::new(self.plan.ty(state.ty).decide_rank, state.id));
        let state = state.clone();
        self.tell_gone(under_way, &state, commit);
        self.status[state.ty.at()].records = self.status[state.ty.at()].records.saturating_sub(1);
        commit.changed_records.push(state);
    }

    /// Says that a record is gone from its system.
    pub(crate) fn tell_gone(
        &self,
        under_way: &mut Underway,
        record: &RecordState,
        commit: &mut Commit,
    ) {
        let passes = matches!(record.presence, Presence::Leaving { .. });
        let gone = Existence::Gone { passes };
        self.note(under_way, JournalKind::Deleted, record.id, None, gone.clone(), commit);
        let name = RecordName::of(&self.plan, record.ty, &record.key);
        under_way.report.event(|| Event::Deleted { record: name, of: gone });
    }

    /// Records that were gone and are there again are live, as if they had never been away.
    pub(crate) fn tell_back(
        &mut self,
        under_way: &Underway,
        ty: TypeIx,
        back: &[RecordId],
        commit: &mut Commit,
    ) -> Result<()> {
        self.status[ty.at()].records += back.len() as u64;
        for id in back {
            self.note(under_way, JournalKind::Note, *id, None, Existence::Back, commit);
            self.bring_others_back(under_way, *id, commit)?;
        }
        Ok(())
    }

    /// D2: what Lockstep deleted because this record had been is made anew, now that it is back.
    fn bring_others_back(
        &mut self,
        under_way: &Underway,
        back: RecordId,
        commit: &mut Commit,
    ) -> Result<()> {
        let Some(entity) = self.store.records(&[back])?.pop().map(|record| record.entity) else {
            return Ok(());
        };
        let members = self.store.members(&[entity])?;
        let (mut sources, mut brings) = (vec![back], false);
        while let Some(source) = sources.pop() {
            for intent in self.store.intents_of(&[source], usize::MAX >> 1)? {
                let passed_on = intent.kind == IntentKind::Delete
                    && intent.state == IntentState::Done
                    && intent.source.is(source);
                let Some(member) =
                    members.iter().find(|member| passed_on && intent.record == Some(member.id))
                else {
                    continue;
                };
                let told = commit.changed_records.iter().any(|changed| changed.id == member.id);
                if member.id == source
                    || member.is_live()
                    || member.presence == Presence::Replaceable
                    || told
                {
                    continue;
                }
                let mut member = member.clone();
                member.presence = Presence::Replaceable;
                let mut line = self.journal_line(
                    under_way.report.run,
                    JournalKind::Note,
                    member.id,
                    Some(back),
                    Existence::CounterpartIsBack,
                );
                line.rule = Some(Rule::D2);
                commit.journal.push(line);
                sources.push(member.id);
                commit.changed_records.push(member);
                brings = true;
            }
        }
        // Others are brought back after it: what it shows is what they are made from.
        let gone = |id: RecordId| members.iter().any(|one| one.id == id && !one.is_live());
        let is_it = |record: &&mut RecordState| record.id == back && brings;
        if let Some(back) = commit.changed_records.iter_mut().find(is_it) {
            claims_what_it_shows(&self.plan, back, gone);
        }
        Ok(())
    }

    /// R6, D1: a record that Lockstep deleted is shown all the same: its system did not do what it
    /// acknowledged, or somebody wants it there. A person says; it is not deleted again by itself.
    pub(crate) fn ask_about_not_deleted(
        &mut self,
        under_way: &mut Underway,
        back: &[RecordId],
        commit: &mut Commit,
    ) -> Result<()> {
        for record in self.store.records(back)? {
            let intents = self.store.intents_of(&[record.id], usize::MAX >> 1)?;
            let of_it = |intent: &&Intent| intent.record == Some(record.id);
            let last = intents.iter().filter(of_it).max_by_key(|intent| intent.id);
            let Some(deleted) = last.filter(|intent| {
                intent.kind == IntentKind::Delete
                    && intent.state == IntentState::Done
                    && !intent.takes_back()
            }) else {
                continue;
            };
            let source = self.store.records(deleted.source.record().as_slice())?.pop();
            let because = Because::of(&self.plan, deleted, source.as_ref());
            let gone = deleted.source.record().filter(|_| because != Because::Extra);
            let about = gone.unwrap_or(record.id);
            let is_meant = because == Because::Extra
                || source.as_ref().is_some_and(|source| {
                    source.entity == record.entity
                        && source.id != record.id
                        && self.still_deletes(deleted.flow, source)
                });
            if !is_meant {
                continue;
            }
            let name = self.name_of(&record);
            let source_name = source.as_ref().map_or_else(|| name.clone(), |it| self.name_of(it));
            let why = Deleting::IsThereStill {
                record: name.to_string(),
                deleted: Box::new(because.why(&self.plan, deleted.flow, &source_name.0)),
            };
            under_way.reviews = true;
            under_way.report.flow(deleted.flow).review += 1;
            let review = Review {
                kind: ReviewKind::PendingDelete,
                about: about.into(),
                ty: record.ty,
                prop: None,
                rule: because.rule(),
                candidates: vec![record.id],
                value: Value::Null,
                why: why.into(),
                opened_at: self.clock.now(),
            };
            under_way.report.event(|| Event::Review {
                flow: self.plan.flow_name(deleted.flow),
                kind: review.kind.name().into(),
                record: name,
                why: review.why.clone(),
                rule: Rule::R6.to_string(),
                remedies: of_review(&self.plan, &review, |_| Some(&record)),
            });
            commit.reviews_opened.push(review);
        }
        Ok(())
    }

    /// D2: a counterpart is still to be deleted after this record, which may be back meanwhile.
    fn still_deletes(&self, flow: FlowIx, source: &RecordState) -> bool {
        let goes_on = || {
            !source.is_live()
                || self
                    .plan
                    .flows
                    .get(flow.at())
                    .is_some_and(|flow| only_fails(&self.plan, flow, source))
        };
        !matches!(source.presence, Presence::Leaving { .. }) && goes_on()
    }

    /// D2: a record is made anew, as the deleted one was not restored.
    pub(crate) fn tell_not_restored(
        &self,
        under_way: &mut Underway,
        made: &RecordState,
        why: &str,
        commit: &mut Commit,
    ) {
        let instead = match self.pretends {
            true => Existence::MayBeRestored,
            false => Existence::MadeAnew { because: why.into() },
        };
        let message = wording::became(&instead);
        self.note(under_way, JournalKind::Note, made.id, None, instead, commit);
        let place = RecordName::of(&self.plan, made.ty, &made.key).0;
        under_way.report.event(|| Event::Fault { place, message });
    }

    /// A record that its system has merged into another is no deletion: it ends here, and nothing
    /// is deleted elsewhere for it.
    pub(crate) fn merged(
        &mut self,
        under_way: &mut Underway,
        state: &mut RecordState,
        into: &str,
        commit: &mut Commit,
    ) -> Result<()> {
        self.facets_ended(state, commit)?;
        commit.keys_removed.extend(mark_gone(&self.plan, state, None));
        state.presence = Presence::Gone;
        let into = RecordName::of(&self.plan, state.ty, into);
        let merged = Existence::MergedInto { record: into.to_string() };
        self.note(under_way, JournalKind::Deleted, state.id, None, merged.clone(), commit);
        let record = RecordName::of(&self.plan, state.ty, &state.key);
        under_way.report.event(|| Event::Deleted { record, of: merged });
        Ok(())
    }

    /// Records that were kept though a flow passes deletions on, or deletes what ceases.
    pub(crate) fn tell_kept(
        &self,
        under_way: &mut Underway,
        kept: &[Departure],
        (name, ceased): (impl Fn(&RecordId) -> RecordName, impl Fn(&RecordId) -> bool),
        commit: &mut Commit,
    ) {
        for departure in kept {
            let Verdict::Keep(kept) = departure.verdict else { continue };
            let (record, gone) = (name(&departure.other), name(&departure.gone));
            // L11: it is there still, and not what its flow is about.
            let ceased = ceased(&departure.gone);
            let rule = if ceased { Rule::L11 } else { Rule::D1 };
            let why: Why = Deleting::Kept { gone: gone.to_string(), ceased, kept }.into();
            self.note(
                under_way,
                JournalKind::Note,
                departure.other,
                Some(departure.gone),
                why.clone(),
                commit,
            );
            let flow = self.plan.flow_name(departure.flow);
            let rule = rule.to_string();
            under_way.report.event(|| Event::Kept { flow, record, why, rule });
        }
    }
}

/// What a record is known to hold, by property.
pub(crate) fn known_of(record: &RecordState) -> Vec<(usize, Value)> {
    record
        .slots
        .iter()
        .enumerate()
        .filter_map(|(prop, slot)| Some((prop, slot.shadow.clone()?)))
        .collect()
}

/// P6, D1: a record that is to be deleted is looked at a moment before, in whatever system: an edit
/// up to then beats the deletion. Gives the record as it is where it was edited. Where it can't be
/// read, deleting it will say why.
pub(crate) fn edited_since(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    write: &Write,
    known: &[(usize, Value)],
) -> Option<ReadRecord> {
    let Action::Delete { id, .. } = &write.action else { return None };
    let record = connector.get(kind, watch, id).ok().flatten().filter(|record| record.id == *id)?;
    let differs = |(prop, was): &(usize, Value)| {
        record.values[*prop].as_ref().is_some_and(|is| !equal(is, was))
    };
    known.iter().any(differs).then_some(record)
}
