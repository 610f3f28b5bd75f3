//! How a project stands, record by record: for each flow and side how many are in step, wait, are
//! left out and why, or fail. It is found by deciding once more, on a store that is only read, and
//! by what is open of each record; nothing of it is kept.

use std::collections::BTreeMap;

use lockstep_engine::{Decision, Plan, Slice, decide};
use lockstep_model::why::NotYet;
use lockstep_model::{
    EntityId, Intent, IntentState, NumberMap, RecordId, Review, ReviewKind, RunId, Situation,
    Timestamp, TypeIx, Why,
};

use crate::deciding::load;
use crate::error::Result;
use crate::hub::Hub;
use crate::report::RecordName;

/// Records looked at together.
const PAGE: usize = 5_000;

/// How a record stands by a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is linked, and nothing is to be done.
    InStep,
    /// Something comes by itself, or a person is asked.
    Waiting,
    /// It has no counterpart by the flow, or is not kept equal (L9).
    Excluded,
    /// A system refuses what it is to be given, or does not keep it (G4, R6).
    Failing,
}

impl State {
    /// All of them, in the order they are shown.
    pub const ALL: [State; 4] = [State::InStep, State::Waiting, State::Excluded, State::Failing];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            State::InStep => "in-step",
            State::Waiting => "waiting",
            State::Excluded => "excluded",
            State::Failing => "failing",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Records of one side of a flow that stand alike, for the same reason.
#[derive(Clone, Debug)]
pub struct Alike {
    pub state: State,
    /// Why, where the state does not say it.
    pub why: Option<Why>,
    /// In the order of their numbers.
    pub records: Vec<RecordId>,
}

/// One side of a flow: the records of its source.
#[derive(Clone, Debug)]
pub struct Side {
    /// `superoffice.Person to wix.Contacts`
    pub flow: String,
    pub from: String,
    pub to: String,
    pub alike: Vec<Alike>,
}

impl Side {
    /// How many records are in this state.
    pub fn count(&self, state: State) -> u64 {
        let of = self.alike.iter().filter(|alike| alike.state == state);
        of.map(|alike| alike.records.len() as u64).sum()
    }
}

/// By the place of the flow and the state: the reasons, with the records of each.
type ByFlow = BTreeMap<(usize, State), Vec<(Option<Why>, Vec<RecordId>)>>;

/// How a project stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub at: Option<Timestamp>,
    /// The latest run that had begun by then.
    pub run: Option<RunId>,
    pub sides: Vec<Side>,
}

/// A line of a list of records.
#[derive(Clone, Debug)]
pub struct RecordLine {
    pub id: RecordId,
    pub record: RecordName,
    /// A few words by which a person knows it.
    pub label: String,
}

impl Hub {
    /// Goes through all records. Nothing is written, no system is asked.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn standing(&mut self) -> Result<Standing> {
        let now = self.ledger.clock.now();
        let run = self.ledger.store.runs(1)?.first().map(|run| run.id);
        let mut found = ByFlow::new();
        let mut add = |flow: usize, (state, why): (State, Option<Why>), record: RecordId| {
            let alike = found.entry((flow, state)).or_default();
            match alike.iter_mut().find(|(known, _)| *known == why) {
                Some((_, records)) => records.push(record),
                None => alike.push((why, vec![record])),
            }
        };
        let types: Vec<TypeIx> = self.ledger.types().collect();
        for ty in types {
            let mut after: Option<String> = None;
            loop {
                let page = self.ledger.store.live_keys(ty, after.as_deref(), PAGE)?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                let focus = page.into_iter().map(|(_, id)| id).collect();
                let through = self.decider().through();
                let (plan, store) = (&self.ledger.plan, &mut *self.ledger.store);
                let run = run.unwrap_or(RunId(0));
                let mut slice = load::slice(plan, store, focus, through, true, now, run)?;
                let open = Open::of(&slice);
                let decision = decide(plan, &mut slice);
                let decided = intents_by_entity(&decision);
                for finding in decision.findings {
                    let flow = &plan.flows[finding.flow.at()];
                    let Some(record) = slice.records.get(&finding.record) else { continue };
                    let between = [flow.from, flow.to];
                    let of = Of { record: record.id, entity: record.entity, between };
                    let writes = decided
                        .get(&record.entity)
                        .is_some_and(|types| types.iter().any(|ty| between.contains(ty)));
                    let stands = open
                        .state(plan, &of)
                        .unwrap_or_else(|| by_situation(finding.situation, finding.why, writes));
                    add(finding.flow.at(), stands, record.id);
                }
            }
        }
        let sides = self.sides(found);
        Ok(Standing { at: Some(now), run, sides })
    }

    fn sides(&self, mut found: ByFlow) -> Vec<Side> {
        let plan = &self.ledger.plan;
        let side = |(at, flow): (usize, &lockstep_engine::plan::PlanFlow)| {
            let mut alike = Vec::new();
            for state in State::ALL {
                let mut of = found.remove(&(at, state)).unwrap_or_default();
                of.sort_by_key(|(_, records)| std::cmp::Reverse(records.len()));
                alike.extend(of.into_iter().map(|(why, mut records)| {
                    records.sort_unstable();
                    Alike { state, why, records }
                }));
            }
            let (from, to) =
                (plan.ty(flow.from).name.to_string(), plan.ty(flow.to).name.to_string());
            Side { flow: format!("{from} to {to}"), from, to, alike }
        };
        plan.flows.iter().enumerate().map(side).collect()
    }

    /// These records as lines of a list, in the order of their numbers.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn record_lines(&mut self, ids: &[RecordId]) -> Result<Vec<RecordLine>> {
        let ledger = &mut self.ledger;
        let mut records = ledger.store.records(ids)?;
        records.sort_by_key(|record| record.id);
        let line = |record: &lockstep_model::RecordState| RecordLine {
            id: record.id,
            record: ledger.name_of(record),
            label: ledger.label(record),
        };
        Ok(records.iter().map(line).collect())
    }
}

/// Which record types are to be written to, by entity.
fn intents_by_entity(decision: &Decision) -> NumberMap<EntityId, Vec<TypeIx>> {
    let mut by: NumberMap<EntityId, Vec<TypeIx>> = NumberMap::default();
    for intent in &decision.intents {
        by.entry(intent.entity).or_default().push(intent.ty);
    }
    by
}

/// Whose state is looked for.
struct Of {
    record: RecordId,
    entity: EntityId,
    between: [TypeIx; 2],
}

/// What is open of the records of a slice.
struct Open {
    reviews: NumberMap<EntityId, Vec<Review>>,
    intents: NumberMap<EntityId, Vec<Intent>>,
}

impl Open {
    fn of(slice: &Slice) -> Open {
        let mut reviews: NumberMap<EntityId, Vec<Review>> = NumberMap::default();
        for review in &slice.reviews {
            let about = review.about.record().and_then(|id| slice.records.get(&id));
            if let Some(record) = about {
                reviews.entry(record.entity).or_default().push(review.clone());
            }
        }
        Open { reviews, intents: slice.intents.clone() }
    }

    /// How a record stands by what is open of it, where something is: what fails comes first, then
    /// what a person is asked.
    fn state(&self, plan: &Plan, of: &Of) -> Option<(State, Option<Why>)> {
        let reviews = self.reviews.get(&of.entity).map_or(&[][..], Vec::as_slice);
        // A question about another record of the entity holds this one up where it is about what
        // the flow writes.
        let concerns = |review: &&Review| {
            of.between.contains(&review.ty)
                && (review.about.is(of.record) || of.between[1] == review.ty)
        };
        let reviews: Vec<&Review> = reviews.iter().filter(concerns).collect();
        let refused = |kind| {
            matches!(
                kind,
                ReviewKind::RejectedValue | ReviewKind::NotKept | ReviewKind::Unconvertible
            )
        };
        if let Some(review) = reviews.iter().find(|review| refused(review.kind)) {
            return Some((State::Failing, Some(in_general(plan, review))));
        }
        let intents = self.intents.get(&of.entity).map_or(&[][..], Vec::as_slice);
        let mut intents = intents.iter().filter(|intent| of.between.contains(&intent.ty));
        if let Some(failed) = intents.clone().find(|intent| {
            intent.state == IntentState::Refused
                || (intent.attempts > 0 && intent.message.is_some())
        }) {
            let said = failed.message.clone().unwrap_or_default();
            return Some((State::Failing, Some(Why::said(said))));
        }
        if let Some(review) = reviews.first() {
            return Some((State::Waiting, Some(in_general(plan, review))));
        }
        intents.next().map(|_| (State::Waiting, None))
    }
}

/// A reason by which many records can be counted together: the kind of the question, and where.
fn in_general(plan: &Plan, review: &Review) -> Why {
    let name = &plan.ty(review.ty).name;
    match review.prop {
        Some(prop) => {
            let property = &plan.prop(review.ty, prop).name;
            Why::said(format!("{}: {name} {property}", review.kind.name()))
        }
        None => Why::said(format!("{}: {name}", review.kind.name())),
    }
}

/// How a record stands of which nothing is open (L9); `writes` tells that something would be
/// written now.
fn by_situation(situation: Situation, why: Option<Why>, writes: bool) -> (State, Option<Why>) {
    match situation {
        Situation::Confirmed | Situation::Found if writes => (State::Waiting, None),
        Situation::Confirmed | Situation::Found => (State::InStep, None),
        Situation::Ambiguous | Situation::FoundLinked => (State::Waiting, why),
        Situation::Absent => match why {
            Some(Why::NotYet(NotYet::BeingCreated)) => (State::Waiting, None),
            Some(Why::NotCreated(_)) => (State::Excluded, why),
            _ => (State::Waiting, why),
        },
        Situation::Missing => (State::Excluded, why.or(Some(Why::said(situation.name())))),
        Situation::Unqualified | Situation::Excluded => (State::Excluded, why),
    }
}
