//! G7: what is put back of what Lockstep wrote, and what follows from that.
//!
//! A property is put back only if it still holds what the write left there: whoever has edited it
//! since meant it. What is put back is a new edit of that record, or is kept apart from the others
//! where an edit would destroy what was never Lockstep's, or would not count. See
//! docs/decisions/0005-what-undo-leaves.md.

use std::collections::{BTreeSet, HashMap, HashSet};

use lockstep_model::flow::Policy;
use lockstep_model::value::{adds, equal, is_added, is_empty, same};
use lockstep_model::{
    Change, Claim, ClaimStamp, EntityId, FlowIx, Intent, IntentId, IntentKind, Presence, PropIx,
    Reason, RecordId, RecordState, Rule, RunId, Timestamp, Value,
};

use serde::{Deserialize, Serialize};

use crate::plan::{Plan, PlanProp};
use crate::settle::{Entity, Wanted, wanted};
use crate::slice::Slice;

/// What a value that is put back is to the other records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PutBackAs {
    /// Kept apart where an edit would destroy what was never Lockstep's, else an edit.
    #[default]
    AsFits,
    /// It stays, and the others stay as they are, until somebody edits any of them.
    Apart,
    /// An edit of now, which the next run carries on.
    Edit,
}

/// What Lockstep wrote into a property: what was there before the first write, and what the last
/// one left.
#[derive(Clone, Debug)]
pub struct Written {
    pub before: Value,
    pub after: Value,
    pub last: IntentId,
    pub claim: ClaimStamp,
    pub flow: FlowIx,
    /// The run that first wrote there.
    pub first_run: RunId,
    /// P9: the first write added an element to a list; it took nobody's place.
    pub added: bool,
}

impl Written {
    /// What one write did to a property, of which the journal tells `before` and `after`.
    pub fn by(plan: &Plan, intent: &Intent, change: &Change, journal: (Value, Value)) -> Written {
        let added = is_added(&change.displaced) && !is_empty(&change.value);
        // P9: what the journal shows of a list is the element that stands for the property, before
        // and after.
        let described = plan.prop(intent.ty, change.prop);
        let takes_out = described.list && !described.whole && is_empty(&change.value);
        let (before, after) = match (added, takes_out && !is_empty(&change.displaced)) {
            (true, _) => (Value::Null, change.value.clone()),
            (_, true) => (change.displaced.clone().into(), Value::Null),
            _ => journal,
        };
        Written {
            before,
            after,
            last: intent.id,
            claim: change.claim,
            flow: intent.flow,
            first_run: intent.run,
            added,
        }
    }

    /// Adds what a later write did.
    pub fn and_then(&mut self, later: Written) {
        (self.after, self.last, self.claim) = (later.after, later.last, later.claim);
    }
}

/// What a person asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Put back also what was edited since.
    pub force: bool,
    pub put_back: PutBackAs,
    pub now: Timestamp,
}

/// What the journal tells of a property that was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// An undo has taken out again the element that the write added (P9).
    pub taken_out: bool,
    /// It was overwritten when its record was linked.
    pub at_the_first_link: bool,
}

/// What becomes of a property that was written.
#[derive(Clone, Debug, PartialEq)]
pub enum PutBack {
    /// It holds already what it held before.
    AsBefore,
    /// It can't be written once the record is there (P10).
    CannotBeWritten,
    /// It does not hold any more what the write left there, but this.
    ChangedSince(Value),
    To {
        /// What it holds now.
        present: Value,
        /// It is kept apart from the others until somebody edits any of them, and why.
        apart: Option<String>,
        change: Change,
    },
}

/// Whether a property that was written is put back. `shown` is the record as its system shows it
/// now.
pub fn put_back(
    plan: &Plan,
    (record, shown): (&RecordState, &RecordState),
    prop: PropIx,
    written: &Written,
    told: Told,
    asked: Asked,
) -> PutBack {
    let described = plan.prop(record.ty, prop);
    let now = Now::of(described, shown, prop, written);
    if equal(now.present, &written.before) || now.gone_again && told.taken_out {
        return PutBack::AsBefore;
    }
    if described.read_only || described.create_only {
        return PutBack::CannotBeWritten;
    }
    let left = !now.gone_again && same(described.terms(), now.present, &written.after);
    if !left && (!asked.force || now.gone_again) {
        return PutBack::ChangedSince(now.present.clone());
    }
    let system = &plan.ty(record.ty).name.system;
    let apart = apart(described, system, written, told, asked.put_back);
    let claim = match apart {
        Some(_) => record.slot(prop).carries.unwrap_or(written.claim),
        None => ClaimStamp { at: asked.now, record: record.id, prop },
    };
    let before = &written.before;
    PutBack::To {
        present: now.present.clone(),
        apart,
        change: Change {
            prop,
            value: if is_empty(before) { Value::Null } else { before.clone() },
            displaced: if now.taken_out { adds() } else { now.present.clone() }.into(),
            counterpart_of: None,
            claim,
            rule: Rule::G7,
            reason: Reason::Latest,
        },
    }
}

/// What a property that was written holds now.
struct Now<'a> {
    /// The value, or of a list the element that was written.
    present: &'a Value,
    /// P9: the element that was taken out is added again; others stay in their places.
    taken_out: bool,
    /// P9: the element that was added is not there any more.
    gone_again: bool,
}

impl<'a> Now<'a> {
    fn of(
        described: &PlanProp,
        shown: &'a RecordState,
        prop: PropIx,
        written: &Written,
    ) -> Now<'a> {
        let slot = shown.slot(prop);
        let list = slot
            .shadow
            .as_ref()
            .and_then(Value::as_array)
            .filter(|_| described.list && !described.whole);
        let element = |value: &Value| {
            let mut elements = list.into_iter().flatten().filter(|_| !is_empty(value));
            elements.find(|element| same(described.terms(), element, value))
        };
        let taken_out = !written.added
            && list.is_some()
            && is_empty(&written.after)
            && !is_empty(&written.before);
        let present = match list {
            Some(_) if written.added => {
                element(&written.after).unwrap_or(slot.value(described.whole))
            }
            Some(_) if taken_out => element(&written.before).unwrap_or(&Value::Null),
            _ => slot.value(described.whole),
        };
        let gone_again = written.added && element(&written.after).is_none();
        Now { present, taken_out, gone_again }
    }
}

/// Why a value that is put back is no edit of its record, but kept apart from the others.
fn apart(
    described: &PlanProp,
    system: &str,
    written: &Written,
    told: Told,
    put_back: PutBackAs,
) -> Option<String> {
    match put_back {
        _ if is_empty(&written.before) => Some("it was empty before".to_string()),
        PutBackAs::Apart => Some("as asked".into()),
        PutBackAs::Edit => None,
        PutBackAs::AsFits if told.at_the_first_link => {
            Some("it was overwritten when its record was linked".into())
        }
        // As an edit it would take out elsewhere what others have put in there (P11).
        PutBackAs::AsFits if described.each => {
            Some("its elements come and go one by one".to_string())
        }
        PutBackAs::AsFits => match &described.policy {
            Policy::OnlyFrom(only) if only != system => {
                Some(format!("`only_from: {only}`: an edit here does not count"))
            }
            Policy::Prefer(systems) if systems.first().is_some_and(|first| first != system) => {
                Some(format!("`prefer: [{}]`: an edit here may not count", systems.join(", ")))
            }
            Policy::Wins(wins) => Some(format!("`wins: {wins}`: an edit here may not count")),
            _ => None,
        },
    }
}

/// A change that the journal tells of a record.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    pub run: RunId,
    /// By somebody in its system; else Lockstep wrote it.
    pub is_edit: bool,
    /// It was written by an undo.
    pub took_back: bool,
}

/// Whether the first write of a property was of a link: in the run that linked the record, or in a
/// later one to which nobody had edited anything in any of the linked records (a person had linked
/// them).
pub fn is_of_a_link(first_run: RunId, links: &[RunId], changes: &[Changed]) -> bool {
    let nothing_since = |link: RunId| {
        !changes.iter().any(|change| {
            change.run > link
                && change.run <= first_run
                && !change.took_back
                && (change.run < first_run || change.is_edit)
        })
    };
    links.iter().any(|link| *link == first_run || *link < first_run && nothing_since(*link))
}

/// What the next run would write after something was taken back.
pub struct Follows {
    pub record: RecordId,
    pub prop: PropIx,
    pub value: Value,
    /// The claim by which it would.
    pub claim: ClaimStamp,
    /// It was put back there itself, and another edit counts more.
    pub again: bool,
}

/// What the next run would carry on into other records, or write over what was put back, once these
/// writes are done. The slice is left as it is then.
pub fn follows(plan: &Plan, slice: &mut Slice, intents: &[Intent]) -> Vec<Follows> {
    let (entities, claims) = as_if_done(slice, intents);
    let put_back: HashSet<(RecordId, PropIx)> = intents
        .iter()
        .flat_map(|intent| {
            intent.changes.iter().filter_map(|change| Some((intent.record?, change.prop)))
        })
        .collect();
    let mut follows = Vec::new();
    for entity in entities {
        let records: Vec<&RecordState> =
            slice.members(entity).iter().filter_map(|id| slice.records.get(id)).collect();
        let entity = Entity::of(plan, records);
        for record in entity.records.iter().filter(|record| record.is_live()) {
            for prop in (0..record.slots.len() as u16).map(PropIx) {
                let Wanted::Write { value, claim, .. } = wanted(plan, slice, &entity, record, prop)
                else {
                    continue;
                };
                let again = put_back.contains(&(record.id, prop));
                if again || claims.get(&(claim.record, claim.prop)) == Some(&claim) {
                    follows.push(Follows { record: record.id, prop, value, claim, again });
                }
            }
        }
    }
    follows
}

/// Makes a slice what it would be once these writes are done. Gives the entities that this is about,
/// and the claims that are made.
fn as_if_done(
    slice: &mut Slice,
    intents: &[Intent],
) -> (BTreeSet<EntityId>, HashMap<(RecordId, PropIx), ClaimStamp>) {
    let mut entities: BTreeSet<EntityId> = BTreeSet::new();
    let mut claims: HashMap<(RecordId, PropIx), ClaimStamp> = HashMap::new();
    for intent in intents {
        let Some(record) = intent.record.and_then(|id| slice.records.get_mut(&id)) else {
            continue;
        };
        entities.insert(record.entity);
        if intent.kind == IntentKind::Delete {
            record.presence = Presence::Gone;
        }
        for change in &intent.changes {
            let slot = &mut record.slots[change.prop.at()];
            (slot.shadow, slot.pick, slot.carries) =
                (Some(change.value.clone()), None, Some(change.claim));
            slot.given = Some(Box::new(change.displaced.clone().into()));
            if change.claim.record == record.id {
                slot.given = None;
                slot.claim =
                    Some(Claim { value: change.value.clone(), at: change.claim.at, goes: vec![] });
                claims.insert((record.id, change.prop), change.claim);
            }
        }
    }
    (entities, claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(run: i64, is_edit: bool) -> Changed {
        Changed { run: RunId(run), is_edit, took_back: false }
    }

    #[test]
    fn g7_the_first_write_after_a_link_is_of_the_link_until_somebody_edits() {
        let links = [RunId(3)];
        assert!(is_of_a_link(RunId(3), &links, &[]), "in the run that linked");
        assert!(!is_of_a_link(RunId(2), &links, &[]), "before the link");
        // A person linked them in run 3; run 4 writes.
        assert!(is_of_a_link(RunId(4), &links, &[changed(2, true), changed(4, false)]));
        assert!(!is_of_a_link(RunId(4), &links, &[changed(4, true), changed(4, false)]));
        // Something was written between.
        assert!(!is_of_a_link(RunId(5), &links, &[changed(4, false)]));
        let took_back = Changed { took_back: true, ..changed(4, false) };
        assert!(is_of_a_link(RunId(5), &links, &[took_back]), "what an undo wrote is no edit");
    }
}
