//! Verdicts without a single write: what the store and the journal have seen in operation.
//!
//! Every linked pair of records is looked at once. A row is *proved* where the journal tells of a
//! write that carried one's value to the other and both still hold the same; *violated* where a
//! pair that nothing waits for holds different values; else it has not been seen yet. Statements
//! are judged by the creations and links that the journal tells of.

use std::collections::{BTreeMap, HashMap, HashSet};

use lockstep_config::Project;
use lockstep_engine::plan::Schemas;
use lockstep_hub::Hub;
use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{is_empty, shown};
use lockstep_model::{
    Create, Direction, EntityId, Flow, MatchRow, PropIx, PropertyPair, PropertySchema, RecordId,
    RecordState, Rule, Timestamp, TypeIx, TypeName, Value,
};
use lockstep_store::{JournalEntry, JournalKind};

use crate::checklist::{Checklist, Tester};
use crate::trial::{Failure, LineRef, Trial, Verdict};
use crate::values::{Row, shows};
use crate::{Error, Outcome, Written, files, hands};

/// Batch size, in entities.
const PAGE: usize = 1_000;
/// Of so many runs it is asked whether one had nothing to do.
const RUNS: usize = 200;
/// What a line is called that has not come up.
pub const NOT_SEEN: &str = "not seen yet";

/// Something that was seen, and when.
#[derive(Clone, Debug)]
struct Seen {
    at: Timestamp,
    told: String,
}

/// What was seen of a row.
#[derive(Clone, Debug, Default)]
struct RowSeen {
    /// A value that arrived in the flow's target, and one that arrived in its source.
    arrived: [Option<Seen>; 2],
    /// Two records that hold different values, though nothing waits.
    differs: Option<(String, String)>,
}

/// What was seen of a flow.
#[derive(Clone, Debug, Default)]
struct FlowSeen {
    created: Option<Seen>,
    /// The latest link by a match, for each rule.
    linked: BTreeMap<String, Seen>,
    pairs: u64,
    rows: HashMap<usize, RowSeen>,
}

struct Onlooker<'a> {
    flows: &'a [Flow],
    seen: Vec<FlowSeen>,
    /// Live records that are known, by record type.
    known: HashMap<TypeName, u64>,
}

/// The verdicts on documents, or on the project's own files, from what the hub's store has seen.
/// Nothing is read from the systems, and nothing written.
pub fn passive(
    hub: &mut Hub,
    project: &Project,
    schemas: &Schemas,
    documents: &[Written],
) -> Result<Outcome, Error> {
    let (files, problems) = files::files_of_project(project, documents);
    let (flows, _) = lockstep_config::united_flows(files.iter());
    let mut onlooker = Onlooker {
        flows: &flows,
        seen: vec![FlowSeen::default(); flows.len()],
        known: HashMap::new(),
    };
    let bound: Vec<Option<Bound>> =
        flows.iter().map(|flow| Bound::new(hub, schemas, flow)).collect();
    let mut after: Option<EntityId> = None;
    loop {
        let entities = hub.ledger.store().linked_entities(after, PAGE)?;
        let Some(last) = entities.last() else { break };
        after = Some(*last);
        onlooker.page(hub, &bound, &entities)?;
    }
    for line in hub.ledger.status()?.types {
        onlooker.known.extend(TypeName::parse(&line.name).map(|name| (name, line.records)));
    }
    let mut list = Checklist::new(&files, &mut onlooker);
    list.in_operation = true;
    let idle = idle(hub)?;
    list.judge(&|_| if idle { Verdict::Proved } else { Verdict::NotTried(NOT_SEEN.into()) });
    Ok(Outcome { checklist: list, problems, notes: vec![] })
}

/// Whether a run is remembered in which nothing was edited, and nothing written.
fn idle(hub: &mut Hub) -> Result<bool, Error> {
    let count = |system: &Value, name: &str| system.get(name).and_then(Value::as_u64).unwrap_or(0);
    let quiet = |systems: &Vec<Value>| {
        let of = ["edits", "created", "updated", "deleted"];
        !systems.is_empty()
            && systems.iter().all(|system| of.iter().all(|name| count(system, name) == 0))
    };
    let runs = hub.ledger.store().runs(RUNS)?;
    Ok(runs
        .iter()
        .any(|run| run.ended.is_some() && run.summary["systems"].as_array().is_some_and(quiet)))
}

/// A flow's record types and rows as the hub's plan has them.
struct Bound {
    from: TypeIx,
    to: TypeIx,
    /// For each row: its properties, or nothing where the plan has no such row.
    rows: Vec<Option<BoundRow>>,
}

struct BoundRow {
    from: (PropIx, String, bool),
    to: (PropIx, String, bool),
    from_schema: PropertySchema,
    to_schema: PropertySchema,
    /// Another row has one of its properties too: then what differs may have a right to (P1a).
    shared: bool,
}

impl Bound {
    fn new(hub: &Hub, schemas: &Schemas, flow: &Flow) -> Option<Bound> {
        let plan = hub.ledger.plan_of_flows();
        let (from, to) = (plan.type_named(&flow.from)?, plan.type_named(&flow.to)?);
        let find = |ix: TypeIx, ty: &TypeName, named: &PropertyRef| {
            let schema = schemas.get(&ty.system)?.iter().find(|schema| schema.kind == ty.kind)?;
            let (named, described) = hands::property(schema, named)?;
            let at = plan.ty(ix).props.iter().position(|prop| prop.reference == named)?;
            let prop = &plan.ty(ix).props[at];
            Some(((PropIx(at as u16), prop.name.clone(), prop.whole), described))
        };
        let rows: Vec<Option<BoundRow>> = flow
            .properties
            .iter()
            .map(|pair| {
                let ((from, from_schema), (to, to_schema)) =
                    (find(from, &flow.from, &pair.from)?, find(to, &flow.to, &pair.to)?);
                Some(BoundRow { from, to, from_schema, to_schema, shared: false })
            })
            .collect();
        let ends: Vec<Option<(PropIx, PropIx)>> =
            rows.iter().map(|row| row.as_ref().map(|row| (row.from.0, row.to.0))).collect();
        let shared = |at: usize| {
            let Some((from, to)) = ends[at] else { return false };
            let other = |(n, ends): (usize, &Option<(PropIx, PropIx)>)| {
                n != at
                    && ends.is_some_and(|other| {
                        other != (from, to) && (other.0 == from || other.1 == to)
                    })
            };
            ends.iter().enumerate().any(other)
        };
        let shared: Vec<bool> = (0..rows.len()).map(shared).collect();
        let with =
            |(row, shared): (Option<BoundRow>, bool)| row.map(|row| BoundRow { shared, ..row });
        Some(Bound { from, to, rows: rows.into_iter().zip(shared).map(with).collect() })
    }
}

impl Onlooker<'_> {
    /// Looks at some entities.
    fn page(
        &mut self,
        hub: &mut Hub,
        bound: &[Option<Bound>],
        entities: &[EntityId],
    ) -> Result<(), Error> {
        let members = hub.ledger.store().members(entities)?;
        let ids: Vec<RecordId> = members.iter().map(|member| member.id).collect();
        let mut journal: HashMap<RecordId, Vec<JournalEntry>> = HashMap::new();
        for entry in hub.ledger.store().journal(&ids, usize::MAX >> 1)? {
            if let Some(record) = entry.about.record() {
                journal.entry(record).or_default().push(entry);
            }
        }
        // What waits is not yet as it should be.
        let mut waits: HashSet<EntityId> =
            hub.ledger.store().open_intents(entities)?.iter().map(|intent| intent.entity).collect();
        let entity_of: HashMap<RecordId, EntityId> =
            members.iter().map(|member| (member.id, member.entity)).collect();
        waits.extend(
            hub.ledger
                .store()
                .open_reviews(&ids)?
                .iter()
                .filter_map(|review| entity_of.get(&review.about.record()?)),
        );
        let agenda = hub.ledger.store().agenda(usize::MAX >> 1)?;
        waits.extend(agenda.iter().filter_map(|entry| entity_of.get(&entry.record)));
        let mut together: BTreeMap<EntityId, Vec<&RecordState>> = BTreeMap::new();
        for member in members.iter().filter(|member| member.is_live()) {
            together.entry(member.entity).or_default().push(member);
        }
        for (entity, members) in together {
            for (at, bound) in bound.iter().enumerate() {
                let Some(bound) = bound else { continue };
                let of = |ty: TypeIx| members.iter().find(|member| member.ty == ty);
                let (Some(a), Some(b)) = (of(bound.from), of(bound.to)) else { continue };
                if a.id != b.id {
                    self.pair(hub, at, bound, (a, b), &journal, waits.contains(&entity));
                }
            }
        }
        Ok(())
    }

    fn pair(
        &mut self,
        hub: &Hub,
        at: usize,
        bound: &Bound,
        (a, b): (&RecordState, &RecordState),
        journal: &HashMap<RecordId, Vec<JournalEntry>>,
        waits: bool,
    ) {
        let flow = &self.flows[at];
        let seen = &mut self.seen[at];
        seen.pairs += 1;
        let names = (hub.ledger.name_of(a).0, hub.ledger.name_of(b).0);
        let nothing = vec![];
        let (of_a, of_b) =
            (journal.get(&a.id).unwrap_or(&nothing), journal.get(&b.id).unwrap_or(&nothing));
        let later =
            |known: &Option<Seen>, at: Timestamp| known.as_ref().is_none_or(|known| known.at <= at);
        let created =
            of_b.iter().find(|entry| entry.rule == Some(Rule::C1) && entry.other == Some(a.id));
        if let Some(entry) = created.filter(|entry| later(&seen.created, entry.at)) {
            seen.created = Some(Seen {
                at: entry.at,
                told: format!("{} was created for {} at {}", names.1, names.0, entry.at),
            });
        }
        for entry in of_a
            .iter()
            .chain(of_b)
            .filter(|entry| entry.kind == JournalKind::Link && entry.rule == Some(Rule::L1))
        {
            if entry.other == Some(a.id) || entry.other == Some(b.id) {
                let by = lockstep_wording::detail(&entry.detail);
                let known = seen
                    .linked
                    .entry(by.clone())
                    .or_insert_with(|| Seen { at: entry.at, told: String::new() });
                if known.at <= entry.at {
                    *known = Seen {
                        at: entry.at,
                        told: format!(
                            "{} and {} were linked at {}: {by}",
                            names.0, names.1, entry.at
                        ),
                    };
                }
            }
        }
        for (n, (pair, row)) in flow.properties.iter().zip(&bound.rows).enumerate() {
            let Some(row) = row else { continue };
            let (x, y) = (a.slot(row.from.0).value(row.from.2), b.slot(row.to.0).value(row.to.2));
            let references =
                row.from_schema.reference.is_some() || row.to_schema.reference.is_some();
            let as_row = Row { pair, from: &row.from_schema, to: &row.to_schema };
            // Which id stands for which is the hub's to know; that a write carried it is seen all
            // the same.
            let equal = references
                || as_row.forward(x).is_ok_and(|made| shows(&row.to_schema, y, &made))
                || as_row.backward(y).is_ok_and(|made| shows(&row.from_schema, x, &made));
            let row_seen = seen.rows.entry(n).or_default();
            if !equal {
                let kept = as_row.forward(x).is_ok() && as_row.way_back().is_ok();
                if kept
                    && pair.direction == Direction::Both
                    && pair.clears
                    && !waits
                    && !row.shared
                    && row_seen.differs.is_none()
                {
                    let expected = format!("{} and {} hold the same", names.0, names.1);
                    let found =
                        format!("{} = {} and {} = {}", row.from.1, shown(x), row.to.1, shown(y));
                    row_seen.differs = Some((expected, found));
                }
                continue;
            }
            let written = |entries: &[JournalEntry], name: &str, other: RecordId| {
                let fits = |entry: &&JournalEntry| {
                    entry.kind == JournalKind::Written
                        && entry.path.as_deref() == Some(name)
                        && entry.other == Some(other)
                };
                entries.iter().rev().find(fits).map(|entry| entry.at)
            };
            let first = created.filter(|_| !is_empty(y)).map(|entry| entry.at);
            let arrived =
                [written(of_b, &row.to.1, a.id).or(first), written(of_a, &row.from.1, b.id)];
            for (side, at) in arrived.into_iter().enumerate() {
                let Some(at) = at.filter(|at| later(&row_seen.arrived[side], *at)) else {
                    continue;
                };
                let (from, to) =
                    if side == 0 { (&names.0, &names.1) } else { (&names.1, &names.0) };
                row_seen.arrived[side] = Some(Seen {
                    at,
                    told: format!("last at {at}: from {from} to {to}, {}", shown(y)),
                });
            }
        }
    }

    fn of(&self, flow: &Flow) -> Option<(usize, &FlowSeen)> {
        let at =
            self.flows.iter().position(|known| known.from == flow.from && known.to == flow.to)?;
        Some((at, &self.seen[at]))
    }
}

fn proved(line: LineRef, name: String, seen: &Seen) -> Trial {
    let mut trial = Trial::new(line, name, vec![]);
    trial.told.push(seen.told.clone());
    trial.verdict = Some(Verdict::Proved);
    trial
}

fn judged(line: LineRef, name: String, seen: Option<&Seen>) -> Trial {
    match seen {
        Some(seen) => proved(line, name, seen),
        None => Trial::not_tried(line, name, NOT_SEEN),
    }
}

impl Tester for Onlooker<'_> {
    fn obstacle(&self, _: &Flow) -> Option<String> {
        None
    }

    fn row(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair) -> Vec<Trial> {
        let Some((at, seen)) = self.of(flow) else {
            return vec![Trial::not_tried(line, "the row", NOT_SEEN)];
        };
        let n = self.flows[at].properties.iter().position(|known| known == pair);
        let seen = n.and_then(|n| seen.rows.get(&n)).cloned().unwrap_or_default();
        let ways = [
            (&flow.from, &flow.to, Direction::Backward),
            (&flow.to, &flow.from, Direction::Forward),
        ];
        let mut trials = Vec::new();
        for ((from, to, closed), arrived) in ways.into_iter().zip(&seen.arrived) {
            if pair.direction != closed {
                trials.push(judged(
                    line,
                    format!("an edit in {from} arrives in {to}"),
                    arrived.as_ref(),
                ));
            }
        }
        if let Some((expected, found)) = seen.differs {
            let mut trial = Trial::new(line, "linked records hold the same", vec![]);
            trial.verdict = Some(Verdict::Violated);
            trial.told.push(
                "Every linked pair in the store was looked at, with nothing waiting for it.".into(),
            );
            trial.failure = Some(Failure { expected, found, exchanges: vec![] });
            trials.push(trial);
        }
        trials
    }

    fn matched(&mut self, line: LineRef, flow: &Flow, row: &MatchRow) -> Vec<Trial> {
        let name = "records that agree are linked".to_string();
        let words = |path: &PropertyRef| path.path.as_str().to_string();
        let paths: Vec<String> =
            row.pairs.iter().flat_map(|(from, to)| [words(from), words(to)]).collect();
        let linked = self.of(flow).and_then(|(_, seen)| {
            let by = |rule: &&String| paths.iter().all(|path| rule.contains(path.as_str()));
            let rule = seen.linked.keys().find(by)?;
            seen.linked.get(rule)
        });
        vec![judged(line, name, linked)]
    }

    fn every(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let created = self.of(flow).and_then(|(_, seen)| seen.created.as_ref());
        vec![judged(line, format!("a record of {} appears in {}", flow.from, flow.to), created)]
    }

    fn condition(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        self.every(line, flow)
    }

    fn link_only(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        let name = format!("a record of {} that matches none has none in {}", flow.from, flow.to);
        let Some((at, seen)) = self.of(flow) else {
            return vec![Trial::not_tried(line, name, NOT_SEEN)];
        };
        let never = matches!(self.flows[at].create, Create::Never);
        if let (true, Some(created)) = (never, &seen.created) {
            let mut trial = Trial::new(line, name, vec![]);
            trial.verdict =
                Some(Verdict::NotTried(format!("another flow creates: {}", created.told)));
            return vec![trial];
        }
        let known = self.known.get(&flow.from).copied().unwrap_or(0);
        let alone = known.saturating_sub(seen.pairs);
        let told = format!("{alone} of {known} records of {} have none in {}", flow.from, flow.to);
        let alone = (alone > 0).then_some(Seen { at: Timestamp(0), told });
        vec![judged(line, name, alone.as_ref())]
    }

    fn connected(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        self.every(line, flow)
    }

    fn merge_or_create(
        &mut self,
        line: LineRef,
        flow: &Flow,
        merges: bool,
        creates: bool,
    ) -> Vec<Trial> {
        let mut trials = Vec::new();
        if merges {
            let linked =
                self.of(flow).and_then(|(_, seen)| seen.linked.values().max_by_key(|seen| seen.at));
            trials.push(judged(
                line,
                format!("a record of {} that matches is merged", flow.from),
                linked,
            ));
        }
        if creates {
            trials.extend(self.every(line, flow));
        }
        trials
    }
}
