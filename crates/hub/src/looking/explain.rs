//! G7: why a property holds what it holds, from the claims that are stored and the
//! journal.

use std::collections::HashMap;

use lockstep_engine::Plan;
use lockstep_engine::groups::moves_along;
use lockstep_engine::settle::{Candidate, Entity, candidates, reason};
use lockstep_model::detail::{DecidedBy, Detail, PutIn};
use lockstep_model::fact::{Came, Fact, Happened, Origin, Owner, Past, Place, Way};
use lockstep_model::value::{equal, is_empty, same};
use lockstep_model::{
    PropIx, Reason, RecordId, RecordState, Review, ReviewKind, Rule, Timestamp, TypeIx, Value, Why,
};
use lockstep_store::{JournalEntry, JournalKind, Result};
use serde::Serialize;

use crate::error::LookError;
use crate::ledger::Ledger;
use crate::of_flow::put_in_by_flow;
use crate::report::RecordName;

/// A record explained.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub record: RecordName,
    /// The records that it is linked with, and why.
    pub links: Vec<LinkedWith>,
    pub properties: Vec<PropertyExplanation>,
    /// What waits for a person about it.
    pub reviews: Vec<Waiting>,
    /// What comes by itself and has not come yet (P8).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Waiting>,
}

/// What waits.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    pub kind: ReviewKind,
    pub why: Why,
    pub rule: Rule,
}

/// A record of the same entity.
#[derive(Clone, Debug, Serialize)]
pub struct LinkedWith {
    pub record: RecordName,
    /// It was deleted in its system.
    pub gone: bool,
    /// Why it is linked, and since when, as far as the journal tells.
    pub since: Option<(Detail, Timestamp)>,
}

/// A property explained.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyExplanation {
    pub path: String,
    pub value: Value,
    pub facts: Vec<Fact>,
}

impl Ledger {
    /// Explains a record, or one property of it.
    pub fn explain(
        &mut self,
        name: &str,
        path: Option<&str>,
    ) -> std::result::Result<Explanation, LookError> {
        let record = self.find(name)?;
        let members = self.store.members(&[record.entity])?;
        let ids: Vec<RecordId> = members.iter().map(|m| m.id).collect();
        let journal = self.store.journal(&ids, 10_000)?;
        let (reviews, waits): (Vec<_>, Vec<_>) = self
            .store
            .open_reviews(&[record.id])?
            .into_iter()
            .partition(|review| review.kind.needs_a_person());
        let waiting =
            |review: Review| Waiting { kind: review.kind, why: review.why, rule: review.rule };
        let waits = waits.into_iter().map(waiting).collect();
        let led_to = self.led_to(&members)?;
        let plan = &self.plan;
        let ty = plan.ty(record.ty);
        let names: HashMap<RecordId, RecordName> =
            members.iter().map(|m| (m.id, RecordName::of(plan, m.ty, &m.key))).collect();

        let links = members
            .iter()
            .filter(|member| member.id != record.id)
            .map(|member| linked_with(member, &names[&member.id], &journal))
            .collect();
        let wanted: Vec<PropIx> = match path {
            None => {
                (0..ty.props.len() as u16).map(PropIx).filter(|p| ty.props[p.at()].paired).collect()
            }
            Some(path) => vec![self.property(&record, path)?],
        };
        let entity = Entity::of(&self.plan, members.iter().collect());
        let properties = wanted
            .into_iter()
            .map(|prop| {
                let described = plan.prop(record.ty, prop);
                let value = record.slot(prop).value(described.whole).clone();
                let all = candidates(plan, &entity, record.ty, prop, Some(record.id));
                let (record, value, names, led_to) = (&record, &value, &names, &led_to);
                let explained = Explained { plan, record, prop, value, names, led_to };
                let mut facts = explained.facts(&entity, &all);
                for entry in journal
                    .iter()
                    .filter(|e| e.about.is(record.id) && e.path.as_deref() == Some(&described.name))
                {
                    facts.extend(happened(entry, names));
                }
                PropertyExplanation { path: described.name.clone(), value: value.clone(), facts }
            })
            .collect();
        let reviews = reviews.into_iter().map(waiting).collect();
        Ok(Explanation { record: names[&record.id].clone(), links, properties, reviews, waits })
    }

    /// The types and names for a list of entities: for `lockstep entities`.
    pub fn entity_members(
        &mut self,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Vec<(RecordName, String)>>> {
        let entities = self.store.linked_entities(after.map(lockstep_model::EntityId), limit)?;
        let mut members = self.store.members(&entities)?;
        members.sort_by_key(|m| (m.entity, m.ty, m.id));
        let mut out: Vec<Vec<(RecordName, String)>> = Vec::new();
        let mut last = None;
        for member in members {
            if last != Some(member.entity) {
                out.push(vec![]);
                last = Some(member.entity);
            }
            let label = self.label(&member);
            let name = RecordName::of(&self.plan, member.ty, &member.key);
            out.last_mut().expect("one was just pushed").push((name, label));
        }
        Ok(out)
    }
}

/// What a record is linked with, and why.
fn linked_with(member: &RecordState, name: &RecordName, journal: &[JournalEntry]) -> LinkedWith {
    let why = journal.iter().find(|entry| {
        matches!(entry.kind, JournalKind::Link | JournalKind::Written)
            && (entry.about.is(member.id) || entry.other == Some(member.id))
            && entry.path.is_none()
    });
    LinkedWith {
        record: name.clone(),
        gone: !member.is_live(),
        since: why.map(|entry| (entry.detail.clone(), entry.at)),
    }
}

/// A property of a record, as far as it says why it holds what it holds.
struct Explained<'a> {
    plan: &'a Plan,
    record: &'a RecordState,
    prop: PropIx,
    value: &'a Value,
    names: &'a HashMap<RecordId, RecordName>,
    /// Of which record a property is that belongs to another one.
    led_to: &'a HashMap<(RecordId, PropIx), Owner>,
}

impl Explained<'_> {
    /// Why it holds what it holds, where these claims are for it.
    fn facts(&self, entity: &Entity<'_>, all: &[Candidate<'_>]) -> Vec<Fact> {
        let described = self.plan.prop(self.record.ty, self.prop);
        if described.each {
            return self.facts_of_list(entity);
        }
        let slot = self.record.slot(self.prop);
        if let Some(put_in) = self.put_in(entity) {
            let lost = all.iter().filter(|lost| lost.by.is_none());
            let lost = lost.map(|lost| self.rival(lost, Came::CountsNoMore));
            return std::iter::once(Fact::PutIn(put_in)).chain(lost).collect();
        }
        let Some(best) = all.first() else {
            return vec![Fact::Nobody { made_with: !is_empty(self.value) }];
        };
        let mut out = vec![Fact::Comes(self.origin(best, self.decided(entity, all)))];
        if best.by.is_some() && described.read_only {
            out.push(Fact::ReadOnly);
        }
        for lost in &all[1..] {
            let same = equal(&lost.claim.value, &best.claim.value);
            out.push(self.rival(lost, if same { Came::Same } else { Came::Lost }));
        }
        if slot.carries == Some(best.stamp) && best.by.is_some() && slot.given.is_some() {
            out.push(Fact::StoredOtherwise);
        }
        out
    }

    fn rival(&self, lost: &Candidate<'_>, came: Came) -> Fact {
        let (value, place, at) = (lost.claim.value.clone(), self.place(lost), lost.stamp.at);
        Fact::Rival { value, place, at, came }
    }

    /// What a flow has put in, and nobody else.
    fn put_in(&self, entity: &Entity<'_>) -> Option<PutIn> {
        let carries = self.record.slot(self.prop).carries?;
        let source = entity.records.iter().find(|record| record.id == carries.record)?;
        put_in_by_flow(self.plan, (self.record.ty, self.prop), (source, carries.prop), self.value)
    }

    /// P11: of a list whose elements come and go one by one: what it takes from where, and what it
    /// is still to be given.
    fn facts_of_list(&self, entity: &Entity<'_>) -> Vec<Fact> {
        let described = self.plan.prop(self.record.ty, self.prop);
        let slot = self.record.slot(self.prop);
        let mut out = vec![Fact::ByElement];
        for by in entity.bearings(self.plan, self.record.ty, self.prop).iter().filter(|by| by.open)
        {
            let others = entity.records.iter().filter(|other| {
                other.ty == by.other && other.id != self.record.id && other.is_live()
            });
            for other in others {
                let theirs = self.plan.prop(other.ty, by.theirs);
                let record = self.names.get(&other.id).map(ToString::to_string);
                let place = Place { record, property: theirs.name.clone(), of: None };
                let holds = other.slot(by.theirs).value(theirs.whole).clone();
                out.push(Fact::Takes { place, holds });
            }
        }
        let due = slot.claim.as_ref().filter(|claim| {
            let holds = slot.given.as_deref().unwrap_or(self.value);
            !same(described.terms(), &claim.value, holds)
        });
        out.extend(due.map(|claim| Fact::Due { value: claim.value.clone() }));
        out
    }

    /// By what the first claim wins.
    fn decided(&self, entity: &Entity<'_>, all: &[Candidate<'_>]) -> Option<DecidedBy> {
        let policy = &self.plan.prop(self.record.ty, self.prop).policy;
        let agree = || all.iter().all(|one| equal(&one.claim.value, &all[0].claim.value));
        match reason(self.plan, entity, (self.record.ty, self.prop), all) {
            Reason::Policy => Some(DecidedBy::Policy(policy.clone())),
            _ if all.len() < 2 => None,
            // What is the same on all sides nothing has decided.
            Reason::Latest if agree() => None,
            reason => {
                let first = self.plan.ty(all[0].from).name.to_string();
                Some(DecidedBy::Reason { reason, first })
            }
        }
    }

    /// Where the value comes from.
    fn origin(&self, best: &Candidate<'_>, decided: Option<DecidedBy>) -> Origin {
        let carries = self.record.slot(self.prop).carries == Some(best.stamp);
        let by = match best.by {
            _ if moves_along(self.plan, best.record, best.stamp) => Way::Group,
            None if let Some(of) = self.led_to.get(&(self.record.id, self.prop)) => {
                Way::Follows(of.clone())
            }
            None if best.stamp.record == self.record.id => Way::Here,
            _ if carries && is_empty(self.value) && !is_empty(&best.claim.value) => Way::LeftEmpty,
            _ => Way::Written,
        };
        let value = best.claim.value.clone();
        Origin { place: self.place(best), at: best.stamp.at, value, by, decided }
    }

    fn place(&self, candidate: &Candidate<'_>) -> Place {
        let stamp = candidate.stamp;
        Place {
            record: self.names.get(&stamp.record).map(ToString::to_string),
            property: self.plan.prop(candidate.from, stamp.prop).name.clone(),
            of: self.led_to.get(&(stamp.record, stamp.prop)).cloned(),
        }
    }
}

/// What the journal tells of a property.
fn happened(entry: &JournalEntry, names: &HashMap<RecordId, RecordName>) -> Option<Fact> {
    let what = match entry.kind {
        JournalKind::Edit => Happened::Edit,
        JournalKind::Written => Happened::Write,
        JournalKind::Refused => Happened::Refusal,
        JournalKind::Person => Happened::Answer,
        JournalKind::Link | JournalKind::Unlink | JournalKind::Deleted | JournalKind::Note => {
            return None;
        }
    };
    let (before, after) = (entry.before.clone(), entry.after.clone());
    let from = entry.other.and_then(|other| names.get(&other)).map(ToString::to_string);
    let (at, run, rule, detail) = (entry.at, entry.run, entry.rule, entry.detail.clone());
    Some(Fact::Past(Past { what, at, run, before, after, rule, from, detail }))
}

/// The record type that a name stands for, for messages.
pub fn type_name(plan: &Plan, ty: TypeIx) -> String {
    plan.ty(ty).name.to_string()
}
