//! L7: a person links and unlinks. What a person said stands over every rule: records that were
//! unlinked are kept apart from then on, in every match and every look-up, until a person links
//! them again.
//!
//! Both acts only change what stands for the same thing, and put the records onto the agenda. What
//! follows from that for values, and what is created for a half that lacks a counterpart now, the
//! next run decides like anything else.

use std::collections::{BTreeSet, HashSet};

use lockstep_engine::keys::each_id;
use lockstep_engine::plan::PlanCreate;
use lockstep_engine::settle::{Entity, settle_goes};
use lockstep_engine::split::inherit;
use lockstep_model::change::IntentEvent;
use lockstep_model::matching::reference_hash;
use lockstep_model::value::is_empty;
use lockstep_model::{
    EntityId, Intent, IntentKind, IntentState, PropIx, RecordId, RecordState, ReviewKind, Rule,
    TypeIx, Value,
};
use lockstep_store::{Commit, JournalEntry, JournalKind, ReviewKey};
use serde::Serialize;

use crate::acts::{ActError, ActResult};
use crate::deliver::step;
use crate::report::RecordName;
use crate::run::{Hub, Underway};

/// The two halves of an entity that a person took apart.
#[derive(Clone, Debug, Serialize)]
pub struct Halves {
    pub one: Vec<RecordName>,
    pub other: Vec<RecordName>,
    /// What the flows may do about it in the next run, in words.
    pub then: Vec<String>,
}

/// An entity that a person put together.
#[derive(Clone, Debug, Serialize)]
pub struct Joined {
    pub members: Vec<RecordName>,
}

/// It was sent, and nobody knows what became of it.
fn is_unanswered(intent: &Intent) -> bool {
    matches!(intent.state, IntentState::Sent | IntentState::Unknown)
}

impl Hub {
    /// Links two records, and with them all that each of them is linked with, if L6 allows it.
    pub fn link(&mut self, a: &str, b: &str) -> ActResult<Joined> {
        let (a, b) = (self.find(a)?, self.find(b)?);
        let what = format!("link {} {}", self.name_of(&a), self.name_of(&b));
        self.act(&what, |hub, under_way| hub.join_by_hand(under_way, &a, &b))
    }

    /// Takes a record out of its entity; with a second record, takes the entity apart between the
    /// two.
    pub fn unlink(&mut self, a: &str, b: Option<&str>) -> ActResult<Halves> {
        let halves = self.halves(a, b)?;
        let what = format!("unlink {a} {}", b.unwrap_or_default());
        self.act(what.trim(), |hub, under_way| hub.split(under_way, halves))
    }

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
            return Err(ActError::Refused(format!(
                "{a} and {b} are not linked; `lockstep explain {a}` tells what it is linked with"
            )));
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
            .filter_map(|entry| Some((entry.record, entry.other?)))
            .collect();
        let mut reached = HashSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let next = links
                .iter()
                .filter(|(x, y)| *x == at || *y == at)
                .map(|(x, y)| if *x == at { *y } else { *x });
            for other in next.filter(|other| *other != barrier) {
                if reached.insert(other) {
                    open.push(other);
                }
            }
        }
        Ok(reached)
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
                let mine = half.iter().any(|member| member.id == intent.source);
                if mine && intent.entity != own {
                    commit.intents_moved.push((intent.id, own));
                }
            }
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
                ));
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
                    "a person unlinked them",
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

    /// What the flows create for a half that has no record of some type any more.
    fn lacks(&self, half: &[RecordState]) -> Vec<String> {
        let mut told = BTreeSet::new();
        let mut out = Vec::new();
        for member in half.iter().filter(|member| member.is_live()) {
            for ix in &self.plan.ty(member.ty).flows_out {
                let flow = &self.plan.flows[ix.at()];
                let there = half.iter().any(|other| other.ty == flow.to);
                if !there
                    && flow.create != PlanCreate::Never
                    && self.plan.ty(flow.to).can.create
                    && told.insert(flow.to)
                {
                    let (to, from) = (&self.plan.ty(flow.to).name, self.name_of(member));
                    out.push(format!(
                        "a new {to} may be created for {from}, as the flow {} says",
                        self.plan.flow_name(*ix)
                    ));
                }
            }
        }
        out
    }

    /// Why L6 keeps two entities from becoming one: the two records that would be of one type in
    /// it.
    fn clash<'a>(
        &self,
        a: &'a [RecordState],
        b: &'a [RecordState],
    ) -> Option<(&'a RecordState, &'a RecordState)> {
        let live = |half: &'a [RecordState]| half.iter().filter(|member| member.is_live());
        live(a)
            .flat_map(|x| live(b).map(move |y| (x, y)))
            .find(|(x, y)| x.ty == y.ty && !self.plan.ty(x.ty).merges_duplicates)
    }

    /// L6 and L7: puts the entities of two records together, because a person says so.
    pub(crate) fn join_by_hand(
        &mut self,
        under_way: &mut Underway,
        a: &RecordState,
        b: &RecordState,
    ) -> ActResult<Joined> {
        let now = self.clock.now();
        let (name_a, name_b) = (self.name_of(a), self.name_of(b));
        if a.entity == b.entity {
            return Err(ActError::Refused(format!("{name_a} and {name_b} are linked already")));
        }
        // What a creation made whose answer was lost is that also where what it was made from has
        // been deleted meanwhile (C2, D1).
        let open = self.store.open_intents(&[a.entity])?;
        let made = |intent: &Intent| {
            intent.kind == IntentKind::Create && intent.source == a.id && intent.ty == b.ty
        };
        let settles =
            b.is_live() && open.iter().any(|intent| made(intent) && is_unanswered(intent));
        if let Some(gone) = [a, b].into_iter().find(|record| !record.is_live() && !settles) {
            return Err(ActError::Refused(format!(
                "{} is not in its system any more, so it can't be linked",
                self.name_of(gone)
            )));
        }
        let (of_a, of_b) = (self.store.members(&[a.entity])?, self.store.members(&[b.entity])?);
        if let Some((x, y)) = self.clash(&of_a, &of_b) {
            let (x, y) = (self.name_of(x), self.name_of(y));
            let (holder, held) = if x == name_a { (&y, &name_b) } else { (&x, &name_a) };
            let unlink = match holder == held {
                true => "unlink one of them from what it is linked with first".to_string(),
                false => format!("unlink that first: `lockstep unlink {holder} {held}`"),
            };
            return Err(ActError::Refused(format!(
                "linking {name_a} with {name_b} would put {x} and {y} into one entity, which holds at most one record of each record \
                 type (L6); {unlink}"
            )));
        }
        let meets = of_a.iter().any(|x| {
            of_b.iter().any(|y| self.plan.ty(x.ty).partners.contains(&y.ty) || x.ty == y.ty)
        });
        if !meets {
            let (a, b) = (&self.plan.ty(a.ty).name, &self.plan.ty(b.ty).name);
            return Err(ActError::Refused(format!(
                "no flow leads from {a} to {b}, so a link between them would mean nothing"
            )));
        }
        let intents = self.store.open_intents(&[a.entity, b.entity])?;
        for intent in intents
            .iter()
            .filter(|intent| intent.kind == IntentKind::Create && is_unanswered(intent))
        {
            // C2: it can't have made what was there before it; so there may be one more.
            let before = |member: &&RecordState| {
                member.ty == intent.ty && member.is_live() && member.first_seen < intent.decided_at
            };
            if of_a.iter().chain(&of_b).any(|member| before(&member)) {
                return Err(self.not_known_yet(intent, a, "link"));
            }
        }
        let into = a.entity.min(b.entity);
        let mut commit = Commit { durable: true, ..Commit::default() };
        let mut members: Vec<RecordState> = of_a.into_iter().chain(of_b).collect();
        for member in &mut members {
            member.entity = into;
            // P2: when records are linked for the first time, a value beats an empty one.
            for slot in &mut member.slots {
                if slot.claim.as_ref().is_some_and(|claim| is_empty(&claim.value)) {
                    slot.claim = None;
                }
            }
        }
        let settled =
            settle_goes(&self.plan, now, &Entity::of(&self.plan, members.iter().collect()), true);
        for (id, prop, goes) in settled {
            let slot = members
                .iter_mut()
                .find(|member| member.id == id)
                .map(|member| &mut member.slots[prop.at()]);
            if let Some(claim) = slot.and_then(|slot| slot.claim.as_mut()) {
                claim.goes = goes;
            }
        }
        let ids: Vec<RecordId> = members.iter().map(|member| member.id).collect();
        let apart = self.store.apart(&ids)?;
        commit
            .apart_removed
            .extend(apart.into_iter().filter(|(x, y)| ids.contains(x) && ids.contains(y)));
        for intent in intents.into_iter().filter(|intent| intent.entity != into) {
            commit.intents_moved.push((intent.id, into));
        }
        // What became of a creation is told by what the record is linked with now; the next run
        // sees it (C2).
        let reviews = self.store.open_reviews(&ids)?;
        let told = reviews.iter().filter(|r| {
            r.kind == ReviewKind::UnknownOutcome && members.iter().any(|m| m.ty == r.ty)
        });
        commit.reviews_closed.extend(told.map(ReviewKey::of));
        commit.journal.push(self.person(
            under_way,
            JournalKind::Link,
            a.id,
            Some(b.id),
            "a person linked them",
        ));
        self.decide_on(members.iter(), &mut commit)?;
        self.ask_again(&ids, &mut commit)?;
        let names = members.iter().map(|member| self.name_of(member)).collect();
        commit.changed_records = members;
        self.store.commit(commit)?;
        Ok(Joined { members: names })
    }

    fn not_known_yet(&self, intent: &Intent, record: &RecordState, act: &str) -> ActError {
        let (ty, name) = (&self.plan.ty(intent.ty).name, self.name_of(record));
        ActError::Refused(format!(
            "it is not known yet what has become of a write to {ty} that was sent for {name}; `lockstep sync` finds out, then {act}"
        ))
    }

    /// Whoever waits in review with one of these records as a candidate is decided on anew: the
    /// question may be another one now.
    fn ask_again(&mut self, ids: &[RecordId], commit: &mut Commit) -> crate::run::Result<()> {
        let reviews = self.store.reviews(usize::MAX >> 1)?;
        let waiting =
            reviews.iter().filter(|review| review.candidates.iter().any(|id| ids.contains(id)));
        let waiting: Vec<RecordId> = waiting.map(|review| review.record).collect();
        let asked = reviews
            .iter()
            .filter(|review| ids.contains(&review.record))
            .flat_map(|review| review.candidates.clone());
        let records = self.store.records(&waiting.into_iter().chain(asked).collect::<Vec<_>>())?;
        commit
            .agenda_added
            .extend(records.iter().map(|record| (self.plan.ty(record.ty).decide_rank, record.id)));
        Ok(())
    }

    /// Puts records onto the agenda, what refers to them (P8), and what they refer to: it may be
    /// connected to something that is synchronized now (C5).
    pub(crate) fn decide_on<'a>(
        &mut self,
        records: impl Iterator<Item = &'a RecordState>,
        commit: &mut Commit,
    ) -> crate::run::Result<()> {
        let mut hashes = Vec::new();
        let mut referred: BTreeSet<(TypeIx, String)> = BTreeSet::new();
        for record in records {
            commit.agenda_added.push((self.plan.ty(record.ty).decide_rank, record.id));
            hashes.push(reference_hash(&self.plan.ty(record.ty).name, &record.key));
            for (prop, slot) in self.plan.ty(record.ty).props.iter().zip(&record.slots) {
                each_id(slot.shadow.as_ref(), &mut |id| {
                    referred.extend(prop.refers_to.iter().map(|ty| (*ty, id.to_string())))
                });
            }
        }
        if self.plan.has_references() {
            self.wake(&hashes, commit)?;
        }
        for (ty, key) in referred {
            let rank = self.plan.ty(ty).decide_rank;
            commit
                .agenda_added
                .extend(self.store.by_key(ty, &[&key])?.iter().map(|record| (rank, record.id)));
        }
        Ok(())
    }

    /// A journal entry on what a person said.
    pub(crate) fn person(
        &self,
        under_way: &Underway,
        kind: JournalKind,
        record: RecordId,
        other: Option<RecordId>,
        text: &str,
    ) -> JournalEntry {
        JournalEntry {
            at: self.clock.now(),
            run: under_way.report.run,
            kind,
            record,
            path: None,
            before: Value::Null,
            after: Value::Null,
            rule: Some(Rule::L7),
            other,
            intent: None,
            text: text.into(),
        }
    }

    /// How people name a record.
    pub fn name_of(&self, record: &RecordState) -> RecordName {
        RecordName::of(&self.plan, record.ty, &record.key)
    }
}
