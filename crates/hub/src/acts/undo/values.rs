//! Values that are put back (G7).

use std::collections::BTreeSet;

use lockstep_model::flow::Policy;
use lockstep_model::value::{equal, is_empty, same, shown};
use lockstep_model::{
    Change, ClaimStamp, FlowIx, IntentKind, PropIx, Reason, RecordId, RecordState, Rule, RunId,
    Value, value,
};
use lockstep_store::{JournalEntry, JournalKind};

use crate::acts::undo::taking::{
    Back, NotBack, PropertyBack, PutBackAs, RecordBack, TakingBack, Touched, Written,
};
use crate::error::Result;
use crate::ledger::Ledger;

impl Ledger {
    pub(crate) fn put_back_values(
        &mut self,
        record: &RecordState,
        shown_now: &RecordState,
        touched: &Touched,
        (force, put_back): (bool, PutBackAs),
        taking: &mut TakingBack,
    ) -> Result<()> {
        let now = self.clock.now();
        let at_first_link: BTreeSet<PropIx> = match put_back {
            PutBackAs::AsFits => self.at_the_first_link(record, touched)?,
            PutBackAs::Apart | PutBackAs::Edit => BTreeSet::new(),
        };
        let (mut changes, mut properties, mut flow) = (vec![], vec![], FlowIx(0));
        for (prop, written) in &touched.written {
            let out_again = written.added && self.was_taken_out(record, *prop, written)?;
            let described = self.plan.prop(record.ty, *prop);
            let slot = shown_now.slot(*prop);
            let list = slot
                .shadow
                .as_ref()
                .and_then(Value::as_array)
                .filter(|_| described.list && !described.whole);
            let element = |value: &Value| {
                let mut elements = list.into_iter().flatten().filter(|_| !is_empty(value));
                elements.find(|element| same(described.terms(), element, value))
            };
            // P9: an element that was added is taken out again, and one that was taken out is added
            // again; others stay in their places.
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
            if equal(present, &written.before) || gone_again && out_again {
                taking.as_before += 1;
                continue;
            }
            let left = !gone_again && same(described.terms(), present, &written.after);
            let mut refuse = None;
            if described.read_only || described.create_only {
                refuse = Some("it can't be written once the record is there (P10)".to_string());
            } else if !left && (!force || gone_again) {
                refuse = Some(self.changed_since(record, *prop, written, present)?);
            }
            let described = self.plan.prop(record.ty, *prop);
            if let Some(why) = refuse {
                taking.not.push(NotBack {
                    record: self.name_of(record),
                    path: Some(described.name.clone()),
                    why,
                });
                continue;
            }
            // An edit of this record's own, or one that declines what it was given: see the head of
            // this file.
            let system = &self.plan.ty(record.ty).name.system;
            let policy = match &described.policy {
                Policy::OnlyFrom(only) if only != system => {
                    Some(format!("`only_from: {only}`: an edit here does not count"))
                }
                Policy::Prefer(systems) if systems.first().is_some_and(|first| first != system) => {
                    Some(format!("`prefer: [{}]`: an edit here may not count", systems.join(", ")))
                }
                Policy::Wins(wins) => Some(format!("`wins: {wins}`: an edit here may not count")),
                _ => None,
            };
            let apart = match put_back {
                _ if is_empty(&written.before) => Some("it was empty before".to_string()),
                PutBackAs::Apart => Some("as asked".into()),
                PutBackAs::Edit => None,
                PutBackAs::AsFits if at_first_link.contains(prop) => {
                    Some("it was overwritten when its record was linked".into())
                }
                PutBackAs::AsFits => policy,
            };
            let claim = match apart {
                Some(_) => record.slot(*prop).carries.unwrap_or(written.claim),
                None => ClaimStamp { at: now, record: record.id, prop: *prop },
            };
            properties.push(PropertyBack {
                path: described.name.clone(),
                now: present.clone(),
                back_to: written.before.clone(),
                apart,
                then: vec![],
            });
            let value =
                if is_empty(&written.before) { Value::Null } else { written.before.clone() };
            changes.push(Change {
                prop: *prop,
                value,
                displaced: if taken_out { value::adds() } else { present.clone() }.into(),
                counterpart_of: None,
                claim,
                rule: Rule::G7,
                reason: Reason::Latest,
            });
            flow = written.flow;
        }
        if !changes.is_empty() {
            let label = self.label(record);
            taking.records.push(RecordBack {
                record: self.name_of(record),
                label,
                act: Back::Update,
                properties,
            });
            taking.intents.push(self.taking_intent(
                record,
                shown_now,
                IntentKind::Update,
                flow,
                changes,
            ));
        }
        Ok(())
    }

    /// Which first writes of these properties were of the first link: in the run that linked the
    /// record, or in a later one to which nobody had edited anything in any of the linked records
    /// (a person had linked them).
    fn at_the_first_link(
        &mut self,
        record: &RecordState,
        touched: &Touched,
    ) -> Result<BTreeSet<PropIx>> {
        let members: Vec<RecordId> =
            self.store.members(&[record.entity])?.iter().map(|member| member.id).collect();
        let journal = self.store.journal(&members, usize::MAX >> 1)?;
        let links = journal.iter().filter(|entry| entry.kind == JournalKind::Link);
        let links: Vec<RunId> = links
            .filter(|entry| entry.record == record.id || entry.other == Some(record.id))
            .map(|entry| entry.run)
            .collect();
        let changes =
            |entry: &&JournalEntry| matches!(entry.kind, JournalKind::Edit | JournalKind::Written);
        let of_the_link = |first: RunId| {
            let nothing_since = |link: RunId| {
                !journal.iter().filter(changes).any(|entry| {
                    entry.run > link
                        && entry.run <= first
                        && entry.rule != Some(Rule::G7)
                        && (entry.run < first || entry.kind == JournalKind::Edit)
                })
            };
            links.iter().any(|link| *link == first || *link < first && nothing_since(*link))
        };
        Ok(touched
            .written
            .iter()
            .filter(|(_, written)| of_the_link(written.first_run))
            .map(|(prop, _)| *prop)
            .collect())
    }

    /// Whether the element that a write added was taken out again by an undo (P9).
    fn was_taken_out(
        &mut self,
        record: &RecordState,
        prop: PropIx,
        written: &Written,
    ) -> Result<bool> {
        let name = &self.plan.prop(record.ty, prop).name;
        let journal = self.store.journal(&[record.id], usize::MAX >> 1)?;
        Ok(journal.iter().any(|entry| {
            (entry.kind, entry.rule) == (JournalKind::Written, Some(Rule::G7))
                && entry.path.as_ref() == Some(name)
                && entry.intent.is_some_and(|id| id > written.last)
        }))
    }

    /// Why a property does not hold any more what the write left there.
    fn changed_since(
        &mut self,
        record: &RecordState,
        prop: PropIx,
        written: &Written,
        present: &Value,
    ) -> Result<String> {
        let name = self.plan.prop(record.ty, prop).name.clone();
        let journal = self.store.journal(&[record.id], usize::MAX >> 1)?;
        let later = journal.iter().rev().find(|entry| {
            entry.kind == JournalKind::Written
                && entry.path.as_ref() == Some(&name)
                && entry.intent.is_some_and(|id| id > written.last)
        });
        let (holds, left) = (shown(present), shown(&written.after));
        Ok(match later {
            Some(entry) if equal(&entry.after, present) => {
                format!(
                    "run {} wrote {holds} over it since; undo that first, or the whole record",
                    entry.run
                )
            }
            _ => {
                format!("it has been edited since: it holds {holds}, and Lockstep had left {left}")
            }
        })
    }
}
