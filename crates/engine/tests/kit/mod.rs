//! A world in memory for tests of decisions: what a store remembers and systems do, in the fewest
//! lines that are true.

#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};

use lockstep_engine::keys::{hashes, promised};
use lockstep_engine::observe::{Looks, Reading};
use lockstep_engine::plan::Schemas;
use lockstep_engine::slice::ReadThrough;
use lockstep_engine::{Decision, Plan, Slice, confirm, decide, follow, observe};
use lockstep_model::flow::{Create, Direction, PropertyRef};
use lockstep_model::matching::reference_hash;
use lockstep_model::{
    EntityId, Flow, Intent, IntentId, IntentKind, IntentState, MatchRow, PlainType, PropIx,
    PropertyPair, PropertySchema, ReadRecord, RecordId, RecordState, Review, ReviewKind, Rule,
    RunId, Situation, Timestamp, TypeIx, TypeName, TypeSchema, Value,
};

/// A flow in few words: `a.Person`, `b.Person`, match rows `mail = email` (`&` between pairs), rows
/// `name <-> name`.
pub fn flow(from: &str, to: &str, create: Create, matches: &[&str], rows: &[&str]) -> Flow {
    let pair = |text: &str, by: &str| {
        let (a, b) = text.split_once(by).unwrap_or_else(|| panic!("{text} has no {by}"));
        (property(a), property(b))
    };
    Flow {
        create,
        matches: matches
            .iter()
            .map(|row| MatchRow {
                pairs: row.split('&').map(|p| pair(p, "=")).collect(),
                kind: lockstep_model::Kind::Seen,
                conversion: None,
            })
            .collect(),
        properties: rows
            .iter()
            .map(|row| {
                let (sign, direction) = [
                    ("<->", Direction::Both),
                    ("->", Direction::Forward),
                    ("<-", Direction::Backward),
                ]
                .into_iter()
                .find(|(sign, _)| row.contains(sign))
                .unwrap();
                let (from, to) = pair(row, sign);
                PropertyPair { direction, ..PropertyPair::equal(from, to) }
            })
            .collect(),
        ..Flow::between(TypeName::parse(from).unwrap(), TypeName::parse(to).unwrap())
    }
}

/// `name`, `company > name`, `first + last`.
fn property(text: &str) -> PropertyRef {
    if let Some((first, rest)) = text.split_once(" + ") {
        let beside = rest.split(" + ").map(|part| part.trim().into()).collect();
        return PropertyRef { beside, ..PropertyRef::new(first.trim()) };
    }
    let mut steps: Vec<&str> = text.split('>').map(str::trim).collect();
    let path = steps.pop().unwrap();
    PropertyRef { via: steps.into_iter().map(Into::into).collect(), ..PropertyRef::new(path) }
}

/// Schemas in which every path is a text, but for the properties given for a record type.
pub fn schemas(types: &[(&str, Vec<PropertySchema>)]) -> Schemas {
    let mut schemas = Schemas::new();
    for (name, properties) in types {
        let name = TypeName::parse(name).unwrap();
        let schema = TypeSchema { properties: properties.clone(), ..TypeSchema::open(&name.kind) };
        schemas.entry(name.system).or_default().push(schema);
    }
    schemas
}

pub fn reference(path: &str, to: &str) -> PropertySchema {
    PropertySchema { reference: Some(to.into()), ..PropertySchema::new(path, PlainType::Any) }
}

/// What the store would hold, and what the systems do.
pub struct World {
    pub plan: Plan,
    pub records: BTreeMap<RecordId, RecordState>,
    pub intents: Vec<Intent>,
    pub reviews: Vec<Review>,
    pub apart: BTreeSet<(RecordId, RecordId)>,
    pub through: Vec<ReadThrough>,
    pub agenda: BTreeSet<RecordId>,
    pub now: i64,
    /// When the previous readings began (P1b).
    pub previous: Option<i64>,
    /// When the system was asked for what is read (P5a), where that is not now.
    asked: Option<i64>,
    /// The flows have changed since the last decision (P1).
    pub reconsider: bool,
    /// Record types are read anew, as what is watched has changed.
    pub reindexes: bool,
    /// Findings of the last decision: record key and flow target, situation, reason.
    pub found: BTreeMap<(String, String), (Situation, String)>,
    pub last: Option<Decision>,
}

impl World {
    pub fn new(flows: &[Flow], schemas: &Schemas) -> World {
        let plan = Plan::compile(flows, schemas).unwrap_or_else(|errors| panic!("{errors:?}"));
        let through = vec![
            ReadThrough {
                complete: true,
                from: Some(Timestamp(i64::MAX)),
                in_doubt: false,
                not_believed: false
            };
            plan.types.len()
        ];
        World {
            plan,
            records: BTreeMap::new(),
            intents: vec![],
            reviews: vec![],
            apart: BTreeSet::new(),
            through,
            agenda: BTreeSet::new(),
            now: 1_000,
            previous: None,
            asked: None,
            reconsider: false,
            reindexes: false,
            found: BTreeMap::new(),
            last: None,
        }
    }

    /// Two systems `a` and `b` with open schemas and one record type `Person` each.
    pub fn people(flows: &[Flow]) -> World {
        World::new(
            flows,
            &schemas(&[
                ("a.Person", vec![]),
                ("b.Person", vec![]),
                ("c.Person", vec![]),
                ("d.Person", vec![]),
            ]),
        )
    }

    /// The flows say something else of the same properties from now on.
    pub fn reflow(&mut self, flows: &[Flow], schemas: &Schemas) {
        self.plan = Plan::compile(flows, schemas).unwrap_or_else(|errors| panic!("{errors:?}"));
        self.reconsider = true;
        let writes = self.settle_all();
        self.reconsider = false;
        assert!(writes < 100);
    }

    pub fn ty(&self, name: &str) -> TypeIx {
        self.plan
            .type_named(&TypeName::parse(name).unwrap())
            .unwrap_or_else(|| panic!("no type {name}"))
    }

    pub fn prop(&self, ty: TypeIx, path: &str) -> PropIx {
        let at = self.plan.ty(ty).props.iter().position(|p| p.name == path);
        PropIx(at.unwrap_or_else(|| panic!("{path} is not watched")) as u16)
    }

    /// Reads a record `type/key` that holds this, modified now, one tick later than the last.
    pub fn read(&mut self, name: &str, values: Value) -> usize {
        self.now += 1;
        let modified = self.now;
        self.read_as(name, values, None, Some(modified))
    }

    pub fn read_as(
        &mut self,
        name: &str,
        values: Value,
        version: Option<&str>,
        modified: Option<i64>,
    ) -> usize {
        let (ty, key) = self.split(name);
        let values = self.plan.ty(ty).watch().iter().map(|p| p.path.get(&values)).collect();
        let version = version.map(str::to_string);
        self.take_in(
            ty,
            vec![ReadRecord {
                id: key,
                version,
                modified: modified.map(Timestamp),
                deleted: false,
                values,
            }],
        )
    }

    /// Reads what the system told when it was asked at this time, and neither a version nor a time
    /// of its own.
    pub fn read_asked(&mut self, name: &str, values: Value, asked: i64) -> usize {
        self.asked = Some(asked);
        let unchanged = self.read_as(name, values, None, None);
        self.asked = None;
        unchanged
    }

    /// A page in which a record comes twice: its pages shifted while they were read.
    pub fn read_twice(&mut self, name: &str, values: Value) {
        self.now += 1;
        let (ty, key) = self.split(name);
        let values = self.plan.ty(ty).watch().iter().map(|p| p.path.get(&values)).collect();
        let read = ReadRecord {
            id: key,
            version: None,
            modified: Some(Timestamp(self.now)),
            deleted: false,
            values,
        };
        self.take_in(ty, vec![read.clone(), read]);
    }

    pub fn read_deleted(&mut self, name: &str) -> usize {
        let (ty, key) = self.split(name);
        let values = vec![None; self.plan.ty(ty).watch().len()];
        self.take_in(
            ty,
            vec![ReadRecord { id: key, version: None, modified: None, deleted: true, values }],
        )
    }

    fn take_in(&mut self, ty: TypeIx, page: Vec<ReadRecord>) -> usize {
        let known = self
            .records
            .values()
            .filter(|r| r.ty == ty && r.key == page[0].id)
            .map(|r| (r.key.clone(), r.clone()))
            .collect();
        let first_id = RecordId(self.records.len() as i64 + 1);
        let reading = Reading {
            ty,
            now: Timestamp(self.now),
            asked: Timestamp(self.asked.unwrap_or(self.now)),
            untold: Timestamp(self.now),
            previous: self.previous.map(Timestamp),
            first_id,
            looks: Looks::ForChanges,
            reindex: self.reindexes,
        };
        let observed = observe(&self.plan, reading, page, known);
        self.agenda.extend(&observed.touched);
        let followers = follow::followers(&self.plan, ty, &observed);
        self.agenda.extend(self.found_under(&followers));
        for lost in observed.not_kept {
            // As the hub asks a person.
            self.reviews.push(Review {
                kind: ReviewKind::NotKept,
                about: lost.record.into(),
                ty,
                prop: Some(lost.prop),
                rule: Rule::R6,
                candidates: vec![],
                value: lost.sent,
                why: lockstep_model::Why::said(""),
                opened_at: Timestamp(self.now),
            });
        }
        for state in observed.changed {
            self.records.insert(state.id, state);
        }
        for (id, key) in observed.retired {
            self.records.get_mut(&id).unwrap().key = key;
        }
        for state in observed.new {
            self.records.insert(state.id, state);
        }
        // R9: a person is asked; until then nothing is decided for them.
        for doubt in observed.doubts {
            let (record, ty) = (doubt.known.id, doubt.known.ty);
            self.agenda.insert(record);
            self.reviews.push(Review {
                kind: ReviewKind::AnotherRecord,
                about: record.into(),
                ty,
                prop: None,
                rule: Rule::R9,
                candidates: vec![],
                value: Value::Null,
                why: lockstep_model::Why::said(""),
                opened_at: Timestamp(self.now),
            });
        }
        observed.unchanged
    }

    fn found_under(&self, wanted: &[u64]) -> Vec<RecordId> {
        let found = self
            .records
            .values()
            .filter(|r| hashes(&self.plan, r).iter().any(|hash| wanted.contains(hash)));
        found.map(|r| r.id).collect()
    }

    fn split(&self, name: &str) -> (TypeIx, String) {
        let (ty, key) = name.split_once('/').unwrap();
        (self.ty(ty), key.to_string())
    }

    /// The record that an intent comes from.
    pub fn source(&self, intent: &Intent) -> Option<&RecordState> {
        self.records.get(&intent.source.record()?)
    }

    pub fn record(&self, name: &str) -> &RecordState {
        let (ty, key) = self.split(name);
        self.records
            .values()
            .find(|r| r.ty == ty && r.key == key)
            .unwrap_or_else(|| panic!("no record {name}"))
    }

    /// All that a property shows: of a list, every element.
    pub fn shown(&self, record: &str, path: &str) -> Value {
        let record = self.record(record);
        record.slot(self.prop(record.ty, path)).shadow.clone().unwrap_or_default()
    }

    pub fn value(&self, name: &str, path: &str) -> Value {
        let record = self.record(name);
        record.slot(self.prop(record.ty, path)).value(false).clone()
    }

    pub fn linked(&self, a: &str, b: &str) -> bool {
        self.record(a).entity == self.record(b).entity
    }

    /// Decides on the agenda; intents are queued, not sent.
    pub fn decide(&mut self) {
        while !self.agenda.is_empty() {
            let rank = |w: &World, id: &RecordId| w.plan.ty(w.records[id].ty).decide_rank;
            let lowest = self.agenda.iter().map(|id| rank(self, id)).min().unwrap();
            let focus: Vec<RecordId> =
                self.agenda.iter().copied().filter(|id| rank(self, id) == lowest).collect();
            self.agenda.retain(|id| !focus.contains(id));
            self.decide_on(focus);
        }
    }

    pub fn decide_on(&mut self, focus: Vec<RecordId>) {
        let records: lockstep_model::NumberMap<RecordId, RecordState> =
            self.records.iter().map(|(id, r)| (*id, r.clone())).collect();
        let mut slice =
            Slice::new(Timestamp(self.now), RunId(1), focus, records, self.through.clone());
        slice.index_keys(&self.plan);
        slice.reconsider = self.reconsider;
        for record in self.records.values() {
            for hash in hashes(&self.plan, record) {
                slice.by_hash.entry(hash).or_default().push(record.id);
            }
        }
        slice.apart = self.apart.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
        for intent in self.intents.iter().filter(|i| i.state.is_open()) {
            slice
                .intents
                .entry(self.source(intent).map_or(intent.entity, |one| one.entity))
                .or_default()
                .push(intent.clone());
        }
        for intent in self.intents.iter().filter(|i| {
            i.kind == IntentKind::Create
                && i.state.is_open()
                && i.state != IntentState::Refused
                && self.plan.ty(i.ty).contested
        }) {
            for hash in promised(&self.plan, intent.ty, &intent.changes) {
                slice.promised.entry(hash).or_default().push(intent.entity);
            }
        }
        slice.reviews = self.reviews.clone();
        if !self.plan.decides_in_turn() {
            let waiting = self.agenda.iter().filter(|id| !slice.focus.contains(id));
            slice.waiting =
                waiting.map(|id| (*id, self.plan.ty(self.records[id].ty).decide_rank)).collect();
        }
        let mut decision = decide(&self.plan, &mut slice);
        for state in &decision.changed {
            self.records.insert(state.id, state.clone());
        }
        for (id, entity) in &decision.relinked {
            self.records.get_mut(id).unwrap().entity = *entity;
        }
        for finding in &decision.findings {
            let record = &self.records[&finding.record];
            let to = self.plan.ty(self.plan.flows[finding.flow.at()].to).name.to_string();
            let why = finding.why.as_ref().map_or(String::new(), lockstep_wording::why);
            self.found.insert((record.key.clone(), to), (finding.situation, why));
        }
        for id in &decision.dropped {
            self.intents.iter_mut().find(|i| i.id == *id).unwrap().state = IntentState::Dropped;
        }
        for intent in &mut decision.intents {
            intent.id = IntentId(self.intents.len() as i64 + 1);
            self.intents.push(intent.clone());
        }
        let same = |a: &Review, b: &Review| {
            (a.kind, a.about, a.ty, a.prop) == (b.kind, b.about, b.ty, b.prop)
        };
        self.reviews.retain(|open| {
            !decision.reviews_closed.iter().chain(&decision.reviews_opened).any(|r| same(r, open))
        });
        self.reviews.extend(decision.reviews_opened.clone());
        self.agenda.retain(|id| !decision.along.iter().any(|(_, along)| along == id));
        self.agenda.extend(&decision.agenda);
        let woken: Vec<RecordId> = self
            .records
            .values()
            .filter(|r| hashes(&self.plan, r).iter().any(|h| decision.wake.contains(h)))
            .map(|r| r.id)
            .collect();
        self.agenda.extend(woken.iter().filter(|id| !slice.focus.contains(id)));
        self.last = Some(decision);
    }

    /// The system does what it is asked, and answers with what was sent; the next version where it
    /// has any.
    pub fn deliver(&mut self) {
        self.deliver_as(true);
    }

    /// The same, but the answers do not tell what the records hold now.
    pub fn deliver_untold(&mut self) {
        self.deliver_as(false);
    }

    fn deliver_as(&mut self, told: bool) {
        let mut queued: Vec<usize> = (0..self.intents.len())
            .filter(|i| self.intents[*i].state == IntentState::Queued)
            .collect();
        queued.sort_by_key(|i| (self.intents[*i].rank, self.intents[*i].id));
        for at in queued {
            let mut intent = self.intents[at].clone();
            if let Some(source) = self.source(&intent).cloned() {
                intent.entity = source.entity;
            }
            let mut sent = vec![];
            for change in &intent.changes {
                let value = match change.counterpart_of {
                    None => change.value.clone(),
                    Some(of) => {
                        let entity = self.records[&of.of].entity;
                        match self.records.values().find(|r| r.entity == entity && r.ty == of.ty) {
                            Some(record) => Value::String(record.key.clone()),
                            None => continue,
                        }
                    }
                };
                sent.push((change.prop.at(), value));
            }
            let values = {
                let mut values = vec![None; self.plan.ty(intent.ty).props.len()];
                // Where a list is held, the answer does not tell, and what became of it is worked
                // out (P9).
                let held = intent.record.map(|id| &self.records[&id]);
                let in_list = |prop: usize| {
                    held.is_some_and(|r| matches!(r.slots[prop].shadow, Some(Value::Array(_))))
                };
                for (prop, value) in sent.iter().filter(|(prop, _)| told && !in_list(*prop)) {
                    values[*prop] = Some(value.clone());
                }
                values
            };
            self.now += 1;
            let now = Timestamp(self.now);
            let answer_of = |key: String| ReadRecord {
                id: key,
                version: None,
                modified: Some(now),
                deleted: false,
                values: values.clone(),
            };
            self.other_facets(&intent, &sent, &answer_of, now);
            let state = match intent.kind {
                IntentKind::Create => {
                    let id = RecordId(self.records.len() as i64 + 1);
                    let answer = answer_of(format!("new{}", id.0));
                    let made = confirm::created(&self.plan, &intent, id, answer, &sent, now).0;
                    self.facets_made(&intent, &made, &answer_of(made.key.clone()), &sent);
                    made
                }
                IntentKind::Delete => {
                    let mut state = self.records[&intent.record.unwrap()].clone();
                    observe::mark_gone(&self.plan, &mut state, Some(now));
                    state
                }
                IntentKind::Update => {
                    let mut state = self.records[&intent.record.unwrap()].clone();
                    let answer = answer_of(state.key.clone());
                    confirm::written(&self.plan, &mut state, &intent, answer, &sent, now);
                    state
                }
            };
            let source = self.source(&intent).unwrap_or(&state);
            let waking = [
                reference_hash(&self.plan.ty(source.ty).name, &source.key),
                reference_hash(&self.plan.ty(state.ty).name, &state.key),
            ];
            self.agenda.extend(
                self.records
                    .values()
                    .filter(|r| hashes(&self.plan, r).iter().any(|h| waking.contains(h)))
                    .map(|r| r.id)
                    .collect::<Vec<_>>(),
            );
            self.agenda.insert(state.id);
            self.intents[at].record = Some(state.id);
            self.intents[at].state = IntentState::Done;
            self.records.insert(state.id, state);
        }
    }

    /// F1: the other facets of a record that was made.
    fn facets_made(
        &mut self,
        intent: &Intent,
        made: &RecordState,
        answer: &ReadRecord,
        sent: &[(usize, Value)],
    ) {
        let all = self.plan.ty(made.ty).facets.clone();
        let source = self.source(intent).unwrap().clone();
        let mut partners = vec![];
        for mine in self
            .records
            .values()
            .filter(|r| r.key == source.key && self.plan.ty(source.ty).facets.contains(&r.ty))
        {
            let Some(theirs) =
                all.iter().find(|theirs| self.plan.facet_rule(mine.ty, **theirs).is_some())
            else {
                continue;
            };
            if !self
                .records
                .values()
                .any(|r| r.entity == mine.entity && r.ty == *theirs && r.is_live())
            {
                partners.push((*theirs, mine.entity));
            }
        }
        let (first, now) = (self.records.len() as i64 + 2, Timestamp(self.now));
        for (n, facet) in all.iter().enumerate() {
            let id = RecordId(first + n as i64);
            let entity = partners
                .iter()
                .find(|(ty, _)| ty == facet)
                .map_or(EntityId(id.0), |(_, entity)| *entity);
            let of_facet = Intent { ty: *facet, entity, ..intent.clone() };
            let facet = confirm::created(&self.plan, &of_facet, id, answer.clone(), sent, now).0;
            self.agenda.insert(id);
            self.records.insert(id, facet);
        }
        // Numbers follow one another in this world.
        self.records.insert(made.id, made.clone());
    }

    /// F3: the other facets of a record that is written or deleted.
    fn other_facets(
        &mut self,
        intent: &Intent,
        sent: &[(usize, Value)],
        answer: &dyn Fn(String) -> ReadRecord,
        now: Timestamp,
    ) {
        let Some(record) = intent.record.map(|id| self.records[&id].clone()) else { return };
        let others: Vec<RecordId> = self
            .records
            .values()
            .filter(|r| {
                r.key == record.key && self.plan.ty(record.ty).facets.contains(&r.ty) && r.is_live()
            })
            .map(|r| r.id)
            .collect();
        for id in others {
            let state = self.records.get_mut(&id).unwrap();
            match intent.kind {
                IntentKind::Delete => drop(observe::mark_gone(&self.plan, state, Some(now))),
                _ => lockstep_engine::facets::written(
                    &self.plan,
                    state,
                    intent,
                    answer(record.key.clone()),
                    sent,
                    now,
                ),
            }
            self.agenda.insert(id);
        }
    }

    /// Decides and delivers until quiet; gives how many writes that took.
    pub fn settle(&mut self) -> usize {
        let mut writes = 0;
        for _ in 0..20 {
            self.decide();
            let queued = self.intents.iter().filter(|i| i.state == IntentState::Queued).count();
            if queued == 0 {
                return writes;
            }
            writes += queued;
            self.deliver();
        }
        panic!("never quiet");
    }

    /// Decides on everything there is, again.
    pub fn settle_all(&mut self) -> usize {
        self.agenda.extend(self.records.keys().copied().collect::<Vec<_>>());
        self.settle()
    }

    pub fn situation(&self, key: &str, to: &str) -> Situation {
        self.found
            .get(&(key.to_string(), to.to_string()))
            .unwrap_or_else(|| panic!("nothing found for {key} in {to}"))
            .0
    }

    pub fn why(&self, key: &str, to: &str) -> &str {
        &self.found[&(key.to_string(), to.to_string())].1
    }

    pub fn count(&self, ty: &str) -> usize {
        let ty = self.ty(ty);
        self.records.values().filter(|r| r.ty == ty).count()
    }
}
