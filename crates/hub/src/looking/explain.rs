//! G7: why a property holds what it holds, in sentences, from the claims that are stored and the
//! journal.

use std::collections::HashMap;

use lockstep_engine::Plan;
use lockstep_engine::groups::moves_along;
use lockstep_engine::settle::{Candidate, Entity, candidates, reason};
use lockstep_model::value::{equal, is_empty, shown};
use lockstep_model::{PropIx, Reason, RecordId, RecordState, Rule, Timestamp, TypeIx, Value};
use lockstep_store::{JournalEntry, JournalKind, Result};
use serde::Serialize;

use crate::error::LookError;
use crate::ledger::Ledger;
use crate::report::RecordName;

/// A record explained.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub record: RecordName,
    /// The records that it is linked with, and why.
    pub links: Vec<String>,
    pub properties: Vec<PropertyExplanation>,
    /// What waits for a person about it.
    pub reviews: Vec<String>,
    /// What comes by itself and has not come yet (P8).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<String>,
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
        let waits = waits
            .into_iter()
            .map(|review| format!("{} ({})", review.message, review.rule))
            .collect();
        let plan = &self.plan;
        let ty = plan.ty(record.ty);
        let names: HashMap<RecordId, RecordName> =
            members.iter().map(|m| (m.id, RecordName::of(plan, m.ty, &m.key))).collect();

        let links = members
            .iter()
            .filter(|m| m.id != record.id)
            .map(|m| {
                let why = journal.iter().find(|entry| {
                    matches!(entry.kind, JournalKind::Link | JournalKind::Written)
                        && (entry.record == m.id || entry.other == Some(m.id))
                        && entry.path.is_none()
                });
                let gone = if m.is_live() { "" } else { " (deleted in its system)" };
                match why {
                    Some(entry) => {
                        format!("{}{gone}: {} at {}", names[&m.id], entry.text, entry.at)
                    }
                    None => format!("{}{gone}", names[&m.id]),
                }
            })
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
                let mut sentences = sentences(plan, &entity, &record, &value, prop, &all, &names);
                for entry in journal
                    .iter()
                    .filter(|e| e.record == record.id && e.path.as_deref() == Some(&described.name))
                {
                    sentences.extend(happened(entry, &names));
                }
                PropertyExplanation { path: described.name.clone(), value, sentences }
            })
            .collect();
        let reviews = reviews
            .into_iter()
            .map(|r| {
                format!("{}: {} ({}: {})", r.kind.name(), r.message, r.rule, r.rule.sentence())
            })
            .collect();
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

fn sentences(
    plan: &Plan,
    entity: &Entity<'_>,
    record: &RecordState,
    value: &Value,
    prop: PropIx,
    all: &[Candidate<'_>],
    names: &HashMap<RecordId, RecordName>,
) -> Vec<String> {
    let described = plan.prop(record.ty, prop);
    let place = |candidate: &Candidate<'_>| {
        let theirs = candidate.stamp.prop;
        let name = names
            .get(&candidate.stamp.record)
            .map_or_else(|| "a record".into(), ToString::to_string);
        format!("{name} {}", plan.prop(candidate.from, theirs).name)
    };
    let mut out = Vec::new();
    let Some(best) = all.first() else {
        let why = if is_empty(value) {
            "nobody has put anything there"
        } else {
            "it was there when the record was made, and nobody has edited it since"
        };
        return vec![format!("{} is {}: {why}.", described.name, shown(value))];
    };
    let first = &plan.ty(best.from).name;
    let rule = match reason(plan, entity, (record.ty, prop), all) {
        _ if all.len() < 2 => String::new(),
        Reason::Latest => " by rule P1, the latest edit wins".into(),
        other => format!(" by rule P1: {}", other.words(first).unwrap_or_default()),
    };
    match best.by {
        _ if moves_along(plan, best.record, best.stamp) => out.push(format!(
            "{} is {} because it moves together with others (P1e): of that group something was put into {} {}, where {} holds {}{rule}.",
            described.name,
            shown(value),
            names.get(&best.stamp.record).map_or_else(|| "a record".into(), ToString::to_string),
            when(best.stamp.at),
            plan.prop(best.from, best.stamp.prop).name,
            shown(&best.claim.value)
        )),
        None if best.stamp.record == record.id => {
            out.push(format!("{} is {} because it was put in here {}{rule}.", described.name, shown(value), when(best.stamp.at)))
        }
        _ if record.slot(prop).carries == Some(best.stamp) && is_empty(value) && !is_empty(&best.claim.value) => {
            out.push(format!(
                "{} is nothing, though {} was put into {} {}.",
                described.name,
                shown(&best.claim.value),
                place(best),
                when(best.stamp.at)
            ))
        }
        _ => out.push(format!(
            "{} is {} because {} was put into {} {}{rule}.",
            described.name,
            shown(value),
            shown(&best.claim.value),
            place(best),
            when(best.stamp.at)
        )),
    }
    if best.by.is_some() && described.read_only {
        out.push("It is read-only in this system, so it is never written (P10).".into());
    }
    for lost in &all[1..] {
        let came = if equal(&lost.claim.value, &best.claim.value) {
            "says the same"
        } else {
            "lost to it"
        };
        out.push(format!(
            "{} from {} {} {came}.",
            shown(&lost.claim.value),
            place(lost),
            when(lost.stamp.at)
        ));
    }
    if record.slot(prop).carries == Some(best.stamp)
        && best.by.is_some()
        && record.slot(prop).given.is_some()
    {
        out.push(
            "It was given that value, and holds another: the system stores it so (P3), or a person left or put it so (G7)."
                .into(),
        );
    }
    out
}

/// When a value was put in, as far as anybody tells.
fn when(at: Timestamp) -> String {
    if at.is_told() { format!("at {at}") } else { "at a time that nobody tells".into() }
}

/// What the journal tells of a property, in a sentence.
fn happened(entry: &JournalEntry, names: &HashMap<RecordId, RecordName>) -> Option<String> {
    let (before, after, at, run) = (shown(&entry.before), shown(&entry.after), entry.at, entry.run);
    let rule =
        entry.rule.map_or(String::new(), |rule| format!(", by rule {rule}: {}", rule.sentence()));
    Some(match entry.kind {
        JournalKind::Edit => {
            format!("Somebody changed {before} to {after} here at {at} (run {run} read it).")
        }
        JournalKind::Written if entry.rule == Some(Rule::G7) => {
            format!(
                "Lockstep wrote {after} over {before} at {at} (run {run}), as a person took a write back (G7)."
            )
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
