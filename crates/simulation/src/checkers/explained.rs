//! G7, P7: every write stands in the store with what it was and by which rule; and a person's value
//! that was overwritten is kept.

use lockstep_hub::Hub;
use lockstep_model::{Change, Intent, RecordId};
use lockstep_store::{JournalEntry, JournalKind, Result};

use super::Settled;
use crate::draw::COMPANY;
use crate::truth::{Does, Violation, number_of, text_of};

pub(super) fn check(settled: &Settled<'_>, hub: &mut Hub) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    let systems = &settled.world.drawn.systems;
    let (deeds, killed, joined, sharing) = {
        let truth = settled.world.truth.look();
        (
            truth.deeds.clone(),
            settled.world.drawn.killed > 0 || truth.faults.contains_key("killed while writing"),
            truth.joined.clone(),
            truth.sharing.clone(),
        )
    };
    for (system, state, _) in settled.entities.iter().flatten() {
        let mine = |kind: Does| {
            deeds.iter().filter(move |deed| {
                deed.at.0 == *system && deed.at.1 == state.key && deed.kind == kind
            })
        };
        // What was written through another facet of it is told of that one.
        let facets: Vec<RecordId> = settled
            .entities
            .iter()
            .flatten()
            .filter(|(other, facet, _)| (other, &facet.key) == (system, &state.key))
            .map(|(_, facet, _)| facet.id)
            .collect();
        let journal = hub.ledger.store().journal(&facets, usize::MAX >> 1)?;
        let intents = hub.ledger.store().intents_of(&facets, usize::MAX >> 1)?;
        let name = format!("{}/{}", systems[*system].name, state.key);
        // Of which record a creation was whose answer was not kept, a person may have said
        // otherwise; and of two who share an address it can't be told (L6).
        let untold = |who: &str| joined.contains(who) || killed && sharing.contains(who);
        let untold =
            settled.world.systems[*system].row(&state.key).is_some_and(|row| untold(row.who_is()));
        for deed in mine(Does::Create).filter(|deed| deed.answered && !untold) {
            if !journal
                .iter()
                .any(|entry| entry.kind == JournalKind::Written && entry.rule.is_some())
            {
                let message = format!(
                    "{name} was created, and the journal does not say why: {:?}",
                    deed.values
                );
                found.push(Violation { checker: "unexplained", message, who: None });
            }
        }
        for (deed, (prop, was, now)) in
            mine(Does::Update).flat_map(|deed| deed.values.iter().map(move |value| (deed, value)))
        {
            let number = number_of(now);
            let plan = hub.ledger.plan_of_flows();
            let is_it = |intent: &Intent, change: &Change| match *prop {
                // The id is known when it is sent (P8).
                COMPANY => plan.prop(intent.ty, change.prop).name == COMPANY,
                _ => number_of(&text_of(&change.value)) == number,
            };
            let intended = intents
                .iter()
                .any(|intent| intent.changes.iter().any(|change| is_it(intent, change)));
            if !intended {
                let message = format!("{name} {prop} was given {now:?}, which no intent asked for");
                found.push(Violation { checker: "unexplained", message, who: None });
            }
            let told = |entry: &JournalEntry| {
                entry.kind == JournalKind::Written
                    && entry.path.as_deref() == Some(*prop)
                    && entry.rule.is_some()
            };
            // What was answered is told; of what was not, only what could be found out.
            if deed.answered && !killed && !journal.iter().any(told) {
                let message = format!(
                    "{name} {prop} was given {now:?}, and the journal does not say by which rule"
                );
                found.push(Violation { checker: "unexplained", message, who: None });
            }
            let Some(lost) = number_of(was).filter(|lost| Some(*lost) != number) else { continue };
            let holds = |value: &lockstep_model::Value| number_of(&text_of(value)) == Some(lost);
            let kept = journal.iter().any(|entry| holds(&entry.before) || holds(&entry.after))
                || intents
                    .iter()
                    .flat_map(|intent| &intent.changes)
                    .any(|change| holds(&change.displaced));
            if !kept {
                let message = format!(
                    "{name} {prop} held {was:?} before it was given {now:?}, and nothing remembers that"
                );
                found.push(Violation { checker: "not restorable", message, who: None });
            }
        }
    }
    Ok(found)
}
