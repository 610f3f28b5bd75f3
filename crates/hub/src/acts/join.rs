//! Records linked by hand (L6).

use lockstep_engine::by_hand::{can_meet, clash, merge};
use lockstep_model::detail::Act;
use lockstep_model::{Intent, IntentKind, IntentState, RecordId, RecordState, Remedy, ReviewKind};
use lockstep_store::{AgendaEntry, Commit, JournalKind, ReviewKey};
use serde::{Deserialize, Serialize};

use crate::error::{ActError, ActResult};
use crate::ledger::Ledger;
use crate::report::RecordName;
use crate::under_way::Underway;

/// An entity that a person put together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Joined {
    pub members: Vec<RecordName>,
}

impl Ledger {
    /// L6 and L7: puts the entities of two records together, because a person says so.
    pub(crate) fn join_by_hand(
        &mut self,
        under_way: &mut Underway,
        a: &RecordState,
        b: &RecordState,
    ) -> ActResult<Joined> {
        let now = self.clock.now();
        self.are_both_there(a, b)?;
        let (of_a, of_b) = (self.store.members(&[a.entity])?, self.store.members(&[b.entity])?);
        self.may_be_one(a, b, &of_a, &of_b)?;
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
        merge(&self.plan, &mut members, into);
        self.settle_claims(now, &mut members);
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
        let other = Some(b.id);
        commit.journal.push(self.person(under_way, JournalKind::Link, a.id, other, Act::Linked));
        self.decide_on(members.iter(), &mut commit)?;
        self.ask_again(&ids, &mut commit)?;
        let names = members.iter().map(|member| self.name_of(member)).collect();
        commit.changed_records = members;
        self.store.commit(commit)?;
        Ok(Joined { members: names })
    }

    /// Refuses to link what is linked already, or is not there any more.
    fn are_both_there(&mut self, a: &RecordState, b: &RecordState) -> ActResult<()> {
        if a.entity == b.entity {
            let (a, b) = (self.name_of(a), self.name_of(b));
            return Err(ActError::Refused(format!("{a} and {b} are linked already")));
        }
        // What a creation made whose answer was lost is that also where what it was made from has
        // been deleted meanwhile (C2, D1).
        let open = self.store.open_intents(&[a.entity])?;
        let made = |intent: &Intent| {
            intent.kind == IntentKind::Create && intent.source.is(a.id) && intent.ty == b.ty
        };
        let settles =
            b.is_live() && open.iter().any(|intent| made(intent) && is_unanswered(intent));
        match [a, b].into_iter().find(|record| !record.is_live() && !settles) {
            Some(gone) => Err(ActError::Refused(format!(
                "{} is not in its system any more, so it can't be linked",
                self.name_of(gone)
            ))),
            None => Ok(()),
        }
    }

    /// Refuses to make two entities one that L6 or the flows keep apart.
    fn may_be_one(
        &self,
        a: &RecordState,
        b: &RecordState,
        of_a: &[RecordState],
        of_b: &[RecordState],
    ) -> ActResult<()> {
        if let Some((x, y)) = clash(&self.plan, of_a, of_b) {
            let (name_a, name_b) = (self.name_of(a), self.name_of(b));
            let (x, y) = (self.name_of(x), self.name_of(y));
            let (holder, held) = if x == name_a { (&y, &name_b) } else { (&x, &name_a) };
            let remedy = match holder == held {
                true => Remedy::Explain { record: name_a.to_string() },
                false => Remedy::Unlink { a: holder.to_string(), b: held.to_string() },
            };
            let message = format!(
                "linking {name_a} with {name_b} would put {x} and {y} into one entity, which holds at most one record of each record \
                 type (L6)"
            );
            return Err(ActError::advised(message, remedy));
        }
        if !can_meet(&self.plan, of_a, of_b) {
            let (a, b) = (&self.plan.ty(a.ty).name, &self.plan.ty(b.ty).name);
            return Err(ActError::Refused(format!(
                "no flow leads from {a} to {b}, so a link between them would mean nothing"
            )));
        }
        Ok(())
    }

    pub(crate) fn not_known_yet(
        &self,
        intent: &Intent,
        record: &RecordState,
        act: &str,
    ) -> ActError {
        let (ty, name) = (&self.plan.ty(intent.ty).name, self.name_of(record));
        let message = format!(
            "it is not known yet what has become of a write to {ty} that was sent for {name}: {act} when that is found out"
        );
        ActError::advised(message, Remedy::Run)
    }

    /// Whoever waits in review with one of these records as a candidate is decided on anew: the
    /// question may be another one now.
    pub(crate) fn ask_again(
        &mut self,
        ids: &[RecordId],
        commit: &mut Commit,
    ) -> crate::error::Result<()> {
        let reviews = self.store.reviews(usize::MAX >> 1)?;
        let waiting =
            reviews.iter().filter(|review| review.candidates.iter().any(|id| ids.contains(id)));
        let waiting: Vec<RecordId> = waiting.filter_map(|review| review.about.record()).collect();
        let asked = reviews
            .iter()
            .filter(|review| review.about.record().is_some_and(|id| ids.contains(&id)))
            .flat_map(|review| review.candidates.clone());
        let records = self.store.records(&waiting.into_iter().chain(asked).collect::<Vec<_>>())?;
        commit.agenda_added.extend(
            records
                .iter()
                .map(|record| AgendaEntry::new(self.plan.ty(record.ty).decide_rank, record.id)),
        );
        Ok(())
    }
}

/// It was sent, and nobody knows what became of it.
pub(crate) fn is_unanswered(intent: &Intent) -> bool {
    matches!(intent.state, IntentState::Sent | IntentState::Unknown)
}
