//! G7: why a property holds what it holds, in sentences, from the claims that are stored and the
//! journal.

use std::collections::HashMap;

use lockstep_engine::Plan;
use lockstep_engine::groups::moves_along;
use lockstep_engine::settle::{Candidate, Entity, candidates, reason};
use lockstep_model::value::{equal, is_empty, same, shown};
use lockstep_model::{
    PropIx, Reason, RecordId, RecordState, Review, ReviewKind, Rule, Timestamp, TypeIx, Value, Why,
};
use lockstep_store::{JournalEntry, JournalKind, Result};
use serde::Serialize;

use crate::error::LookError;
use crate::ledger::Ledger;
use crate::of_flow::{CONSTANT, DEFAULT, put_in_by_flow};
use crate::report::RecordName;

/// A record explained.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub record: RecordName,
    /// The records that it is linked with, and why.
    pub links: Vec<String>,
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

/// A property explained.
#[derive(Clone, Debug, Serialize)]
pub struct PropertyExplanation {
    pub path: String,
    pub value: Value,
    pub sentences: Vec<String>,
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
                let mut sentences = explained.sentences(&entity, &all);
                for entry in journal
                    .iter()
                    .filter(|e| e.about.is(record.id) && e.path.as_deref() == Some(&described.name))
                {
                    sentences.extend(happened(entry, names));
                }
                PropertyExplanation {
                    path: described.name.clone(),
                    value: value.clone(),
                    sentences,
                }
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
fn linked_with(member: &RecordState, name: &RecordName, journal: &[JournalEntry]) -> String {
    let why = journal.iter().find(|entry| {
        matches!(entry.kind, JournalKind::Link | JournalKind::Written)
            && (entry.about.is(member.id) || entry.other == Some(member.id))
            && entry.path.is_none()
    });
    let gone = if member.is_live() { "" } else { " (deleted in its system)" };
    match why {
        Some(entry) => format!("{name}{gone}: {} at {}", entry.text, entry.at),
        None => format!("{name}{gone}"),
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
    led_to: &'a HashMap<(RecordId, PropIx), String>,
}

impl Explained<'_> {
    /// Why it holds what it holds, where these claims are for it.
    fn sentences(&self, entity: &Entity<'_>, all: &[Candidate<'_>]) -> Vec<String> {
        let described = self.plan.prop(self.record.ty, self.prop);
        if described.each {
            return self.list_sentences(entity);
        }
        let slot = self.record.slot(self.prop);
        if let Some(of_flow) = self.of_flow(entity) {
            let mut out = vec![format!("{} is {}: {of_flow}.", described.name, shown(self.value))];
            out.extend(
                all.iter()
                    .filter(|lost| lost.by.is_none())
                    .map(|lost| self.lost(lost, "counts no more")),
            );
            return out;
        }
        let Some(best) = all.first() else {
            let why = if is_empty(self.value) {
                "nobody has put anything there"
            } else {
                "it was there when the record was made, and nobody has edited it since"
            };
            return vec![format!("{} is {}: {why}.", described.name, shown(self.value))];
        };
        let mut out = vec![self.because(best, &self.rule(entity, all))];
        if best.by.is_some() && described.read_only {
            out.push("It is read-only in this system, so it is never written (P10).".into());
        }
        for lost in &all[1..] {
            let came = if equal(&lost.claim.value, &best.claim.value) {
                "says the same"
            } else {
                "lost to it"
            };
            out.push(self.lost(lost, came));
        }
        if slot.carries == Some(best.stamp) && best.by.is_some() && slot.given.is_some() {
            out.push(
                "It was given that value, and holds another: the system stores it so (P3), or a person left or put it so (G7)."
                    .into(),
            );
        }
        out
    }

    fn lost(&self, lost: &Candidate<'_>, came: &str) -> String {
        let (value, at) = (shown(&lost.claim.value), when(lost.stamp.at));
        format!("{value} from {} {at} {came}.", self.place(lost))
    }

    /// In words, that a flow has put in what the property holds, and nobody else.
    fn of_flow(&self, entity: &Entity<'_>) -> Option<&'static str> {
        let carries = self.record.slot(self.prop).carries?;
        let source = entity.records.iter().find(|record| record.id == carries.record)?;
        put_in_by_flow(self.plan, (self.record.ty, self.prop), (source, carries.prop), self.value)
    }

    /// P11: of a list whose elements come and go one by one: what it takes from where, and what it
    /// is still to be given.
    fn list_sentences(&self, entity: &Entity<'_>) -> Vec<String> {
        let described = self.plan.prop(self.record.ty, self.prop);
        let slot = self.record.slot(self.prop);
        let mut out = vec![format!(
            "{} is {}: its elements come and go one by one (P11).",
            described.name,
            shown(self.value)
        )];
        for by in entity.bearings(self.plan, self.record.ty, self.prop).iter().filter(|by| by.open)
        {
            let others = entity.records.iter().filter(|other| {
                other.ty == by.other && other.id != self.record.id && other.is_live()
            });
            for other in others {
                let theirs = self.plan.prop(other.ty, by.theirs);
                let name = self.names.get(&other.id).map(ToString::to_string).unwrap_or_default();
                out.push(format!(
                    "What is put into {name} {} or taken out there is so here as well; it holds {}.",
                    theirs.name,
                    shown(other.slot(by.theirs).value(theirs.whole))
                ));
            }
        }
        let due = slot.claim.as_ref().filter(|claim| {
            let holds = slot.given.as_deref().unwrap_or(self.value);
            !same(described.terms(), &claim.value, holds)
        });
        out.extend(due.map(|claim| format!("It should hold {}.", shown(&claim.value))));
        out
    }

    /// By which rule the first claim wins.
    fn rule(&self, entity: &Entity<'_>, all: &[Candidate<'_>]) -> String {
        let first = &self.plan.ty(all[0].from).name;
        let policy = &self.plan.prop(self.record.ty, self.prop).policy;
        match reason(self.plan, entity, (self.record.ty, self.prop), all) {
            Reason::Policy => lockstep_wording::policy(policy)
                .map_or_else(String::new, |said| format!(" by rule P1: {said}")),
            _ if all.len() < 2 => String::new(),
            // What is the same on all sides nothing has decided.
            Reason::Latest
                if all.iter().all(|one| equal(&one.claim.value, &all[0].claim.value)) =>
            {
                String::new()
            }
            Reason::Latest => " by rule P1, the latest edit wins".into(),
            other => {
                let why = lockstep_wording::reason(other, &first.to_string());
                format!(" by rule P1: {}", why.unwrap_or_default())
            }
        }
    }

    /// Where the value comes from.
    fn because(&self, best: &Candidate<'_>, rule: &str) -> String {
        let name = &self.plan.prop(self.record.ty, self.prop).name;
        let (value, theirs, at) =
            (shown(self.value), shown(&best.claim.value), when(best.stamp.at));
        let carries = self.record.slot(self.prop).carries == Some(best.stamp);
        match best.by {
            _ if moves_along(self.plan, best.record, best.stamp) => format!(
                "{name} is {value} because it moves together with others (P1e): of that group something was put into {} {at}, where {} holds {theirs}{rule}.",
                self.name(best),
                self.plan.prop(best.from, best.stamp.prop).name,
            ),
            None if let Some(of) = self.led_to.get(&(self.record.id, self.prop)) => {
                format!("{name} is {value} because that is {of}, to which it refers.")
            }
            None if best.stamp.record == self.record.id => {
                format!("{name} is {value} because it was put in here {at}{rule}.")
            }
            _ if carries && is_empty(self.value) && !is_empty(&best.claim.value) => {
                format!(
                    "{name} is nothing, though {theirs} was put into {} {at}.",
                    self.place(best)
                )
            }
            _ => format!(
                "{name} is {value} because {theirs} was put into {} {at}{rule}.",
                self.place(best)
            ),
        }
    }

    fn name(&self, candidate: &Candidate<'_>) -> String {
        let name = self.names.get(&candidate.stamp.record);
        name.map_or_else(|| "a record".into(), ToString::to_string)
    }

    fn place(&self, candidate: &Candidate<'_>) -> String {
        let prop = &self.plan.prop(candidate.from, candidate.stamp.prop).name;
        match self.led_to.get(&(candidate.stamp.record, candidate.stamp.prop)) {
            Some(of) => format!("{} {prop} ({of})", self.name(candidate)),
            None => format!("{} {prop}", self.name(candidate)),
        }
    }
}

/// When a value was put in, as far as anybody tells.
fn when(at: Timestamp) -> String {
    if at.is_told() { format!("at {at}") } else { "at a time that nobody tells".into() }
}

/// What the journal tells of a property, in a sentence.
fn happened(entry: &JournalEntry, names: &HashMap<RecordId, RecordName>) -> Option<String> {
    let (before, after, at, run) = (shown(&entry.before), shown(&entry.after), entry.at, entry.run);
    let rule = entry.rule.map_or(String::new(), |rule| {
        let why = if entry.kind == JournalKind::Written && !entry.text.is_empty() {
            &entry.text
        } else {
            rule.sentence()
        };
        format!(", by rule {rule}: {why}")
    });
    Some(match entry.kind {
        JournalKind::Edit => {
            format!("Somebody changed {before} to {after} here at {at} (run {run} read it).")
        }
        JournalKind::Written if entry.rule == Some(Rule::G7) => {
            format!(
                "Lockstep wrote {after} over {before} at {at} (run {run}), as a person took a write back (G7)."
            )
        }
        JournalKind::Written if [CONSTANT, DEFAULT].contains(&entry.text.as_str()) => {
            let why = &entry.text;
            format!("Lockstep wrote {after} over {before} at {at} (run {run}): {why}.")
        }
        JournalKind::Written => {
            let from = entry
                .other
                .and_then(|other| names.get(&other))
                .map_or(String::new(), |name| format!(", from {name}"));
            format!("Lockstep wrote {after} over {before} at {at} (run {run}){from}{rule}.")
        }
        JournalKind::Refused => {
            format!("The system refused a value at {at}: {}{rule}.", entry.text)
        }
        JournalKind::Person => format!("At {at}: {}{rule}.", entry.text),
        JournalKind::Link | JournalKind::Unlink | JournalKind::Deleted | JournalKind::Note => {
            return None;
        }
    })
}

/// The record type that a name stands for, for messages.
pub fn type_name(plan: &Plan, ty: TypeIx) -> String {
    plan.ty(ty).name.to_string()
}
