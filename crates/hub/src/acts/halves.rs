//! An entity taken apart: which records stay together (L7).

use std::collections::HashSet;

use lockstep_engine::by_hand::{may_be_created, reached};
use lockstep_engine::split::inherit;
use lockstep_model::change::IntentEvent;
use lockstep_model::detail::Act;
use lockstep_model::{
    EntityId, FlowIx, IntentKind, IntentState, PropIx, RecordId, RecordState, Remedy, Rule,
};
use lockstep_store::{Commit, JournalKind};
use serde::{Deserialize, Serialize};

use crate::acts::join::is_unanswered;
use crate::error::{ActError, ActResult};
use crate::ledger::Ledger;
use crate::ledger::journal::step;
use crate::report::RecordName;
use crate::under_way::Underway;

/// The two halves of an entity that a person took apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Halves {
    pub one: Vec<RecordName>,
    pub other: Vec<RecordName>,
    /// What the flows may do about it in the next run, in words.
    pub then: Vec<String>,
}

impl Ledger {
    /// The records of both halves: the one with `a` in it comes first.
    pub(crate) fn halves(
        &mut self,
        a: &str,
        b: Option<&str>,
    ) -> ActResult<(Vec<RecordState>, Vec<RecordState>)> {
        let a = self.find(a)?;
        let members = self.store.members(&[a.entity])?;
        if members.len() < 2 {
            return Err(ActError::Refused(format!(
                "{} is linked with no record, so there is nothing to unlink",
                self.name_of(&a)
            )));
        }
        if let Some(intent) = self.store.open_intents(&[a.entity])?.into_iter().find(is_unanswered)
        {
            // What it brings would come to a half in which nothing has asked for it.
            return Err(self.not_known_yet(&intent, &a, "unlink"));
        }
        let Some(b) = b else {
            return Ok(members.into_iter().partition(|member| member.id == a.id));
        };
        let b = self.find(b)?;
        if a.entity != b.entity || a.id == b.id {
            let (a, b) = (self.name_of(&a), self.name_of(&b));
            return Err(ActError::advised(
                format!("{a} and {b} are not linked"),
                Remedy::Explain { record: a.to_string() },
            ));
        }
        let with_a = self.reached(a.id, b.id, &members)?;
        Ok(members.into_iter().partition(|member| with_a.contains(&member.id)))
    }

    /// The records that the links of `from` lead to without `barrier`, by what the journal tells of
    /// links and creations.
    fn reached(
        &mut self,
        from: RecordId,
        barrier: RecordId,
        members: &[RecordState],
    ) -> ActResult<HashSet<RecordId>> {
        let ids: Vec<RecordId> = members.iter().map(|member| member.id).collect();
        let journal = self.store.journal(&ids, usize::MAX >> 1)?;
        let links: Vec<(RecordId, RecordId)> = journal
            .iter()
            .filter(|entry| {
                entry.kind == JournalKind::Link
                    || (entry.kind == JournalKind::Written && entry.rule == Some(Rule::C1))
            })
            .filter_map(|entry| Some((entry.about.record()?, entry.other?)))
            .collect();
        Ok(reached(&links, from, barrier))
    }

    /// Makes an entity of each half and keeps the two apart.
    pub(crate) fn split(
        &mut self,
        under_way: &mut Underway,
        halves: (Vec<RecordState>, Vec<RecordState>),
    ) -> ActResult<Halves> {
        let now = self.clock.now();
        let (mut one, mut other) = halves;
        let entity = one[0].entity;
        let mut commit = Commit { durable: true, ..Commit::default() };
        let before = one.clone();
        let open = self.store.open_intents(&[entity])?;
        let updates = open.iter().filter(|intent| intent.kind == IntentKind::Update);
        let unwritten: Vec<(RecordId, PropIx)> = updates
            .filter_map(|intent| Some((intent.record?, &intent.changes)))
            .flat_map(|(record, changes)| changes.iter().map(move |change| (record, change.prop)))
            .collect();
        let mut heirs: HashSet<RecordId> =
            inherit(&self.plan, now, &mut one, &other, &unwritten).into_iter().collect();
        heirs.extend(inherit(&self.plan, now, &mut other, &before, &unwritten));
        for half in [&mut one, &mut other] {
            self.make_own(half, entity, &heirs, &mut commit)?;
        }
        for intent in self.store.open_intents(&[entity])? {
            // Decided for the whole; each half is decided on anew. What has been sent has been
            // sent.
            if matches!(intent.state, IntentState::Queued | IntentState::Refused)
                && !intent.takes_back()
            {
                let why = "its record was unlinked; decided anew";
                commit.intents_changed.push(step(
                    &intent,
                    IntentEvent::Drop,
                    now,
                    Some(why.into()),
                )?);
            }
        }
        for a in &one {
            for b in &other {
                commit.apart_added.push((a.id, b.id));
                commit.journal.push(self.person(
                    under_way,
                    JournalKind::Unlink,
                    a.id,
                    Some(b.id),
                    Act::Unlinked,
                ));
            }
        }
        self.decide_on(one.iter().chain(&other), &mut commit)?;
        let ids: Vec<RecordId> = one.iter().chain(&other).map(|member| member.id).collect();
        self.ask_again(&ids, &mut commit)?;
        self.store.commit(commit)?;
        let then = [&one, &other].into_iter().flat_map(|half| self.lacks(half)).collect();
        let names = |half: &[RecordState]| half.iter().map(|member| self.name_of(member)).collect();
        Ok(Halves { one: names(&one), other: names(&other), then })
    }

    /// Makes an entity of its own of a half. What `heirs` hold is another by that.
    fn make_own(
        &mut self,
        half: &mut [RecordState],
        entity: EntityId,
        heirs: &HashSet<RecordId>,
        commit: &mut Commit,
    ) -> ActResult<()> {
        let own = EntityId(half.iter().map(|member| member.id.0).min().unwrap_or(entity.0));
        for member in
            half.iter_mut().filter(|member| heirs.contains(&member.id) || member.entity != own)
        {
            member.entity = own;
            match heirs.contains(&member.id) {
                true => commit.changed_records.push(member.clone()),
                false => commit.relinked.push((member.id, own)),
            }
        }
        for intent in self.store.open_intents(&[entity])? {
            let of = intent.source.record().or(intent.record);
            let mine = half.iter().any(|member| Some(member.id) == of);
            if mine && intent.entity != own {
                commit.intents_moved.push((intent.id, own));
            }
        }
        Ok(())
    }

    /// What the flows create for a half that has no record of some type any more.
    fn lacks(&self, half: &[RecordState]) -> Vec<String> {
        let line = |(ix, member): (FlowIx, &RecordState)| {
            let (to, from) =
                (&self.plan.ty(self.plan.flows[ix.at()].to).name, self.name_of(member));
            let flow = self.plan.flow_name(ix);
            format!("a new {to} may be created for {from}, as the flow {flow} says")
        };
        may_be_created(&self.plan, half).into_iter().map(line).collect()
    }
}
