//! Values that are put back (G7).

use std::collections::BTreeSet;

use lockstep_engine::undo::{self, Asked, Changed, PutBack, PutBackAs, Told, Written};
use lockstep_model::value::{equal, shown};
use lockstep_model::{FlowIx, IntentKind, PropIx, RecordId, RecordState, Rule, RunId, Value};
use lockstep_store::JournalKind;

use crate::acts::undo::taking::{Back, NotBack, PropertyBack, RecordBack, TakingBack, Touched};
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
        let asked = Asked { force, put_back, now: self.clock.now() };
        let at_first_link: BTreeSet<PropIx> = match put_back {
            PutBackAs::AsFits => self.at_the_first_link(record, touched)?,
            PutBackAs::Apart | PutBackAs::Edit => BTreeSet::new(),
        };
        let (mut changes, mut properties, mut flow) = (vec![], vec![], FlowIx(0));
        for (prop, written) in &touched.written {
            let told = Told {
                taken_out: written.added && self.was_taken_out(record, *prop, written)?,
                at_the_first_link: at_first_link.contains(prop),
            };
            let records = (record, shown_now);
            let why = match undo::put_back(&self.plan, records, *prop, written, told, asked) {
                PutBack::AsBefore => {
                    taking.as_before += 1;
                    continue;
                }
                PutBack::To { present, apart, change } => {
                    properties.push(PropertyBack {
                        path: self.plan.prop(record.ty, *prop).name.clone(),
                        now: present,
                        back_to: written.before.clone(),
                        apart,
                        then: vec![],
                    });
                    changes.push(change);
                    flow = written.flow;
                    continue;
                }
                PutBack::CannotBeWritten => {
                    "it can't be written once the record is there (P10)".to_string()
                }
                PutBack::ChangedSince(present) => {
                    self.changed_since(record, *prop, written, &present)?
                }
            };
            let path = Some(self.plan.prop(record.ty, *prop).name.clone());
            taking.not.push(NotBack::new(self.name_of(record), path, why));
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

    /// Which first writes of these properties were of the first link.
    fn at_the_first_link(
        &mut self,
        record: &RecordState,
        touched: &Touched,
    ) -> Result<BTreeSet<PropIx>> {
        let members: Vec<RecordId> =
            self.store.members(&[record.entity])?.iter().map(|member| member.id).collect();
        let journal = self.store.journal(&members, usize::MAX >> 1)?;
        let links: Vec<RunId> = journal
            .iter()
            .filter(|entry| entry.kind == JournalKind::Link)
            .filter(|entry| entry.about.is(record.id) || entry.other == Some(record.id))
            .map(|entry| entry.run)
            .collect();
        let changes: Vec<Changed> = journal
            .iter()
            .filter(|entry| matches!(entry.kind, JournalKind::Edit | JournalKind::Written))
            .map(|entry| Changed {
                run: entry.run,
                is_edit: entry.kind == JournalKind::Edit,
                took_back: entry.rule == Some(Rule::G7),
            })
            .collect();
        Ok(touched
            .written
            .iter()
            .filter(|(_, written)| undo::is_of_a_link(written.first_run, &links, &changes))
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
