//! P0, P1, P1a, P3, P5: the engine against the executable model of "Keeping equal".
//!
//! `worlds.jsonl` holds a thousand of the model's random worlds (seeds 0 to 999), each with its flows, what bears on what, every edit,
//! the order of reading, what was written in each run, and how everything ended. The engine plays the same worlds and must write the
//! same, to the letter; then it must be quiet; then, reading in the opposite order, it must end the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_engine::observe::Reading;
use lockstep_engine::plan::Schemas;
use lockstep_engine::slice::ReadThrough;
use lockstep_engine::{Plan, Slice, confirm, decide, observe};
use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::StoredAs;
use lockstep_model::value::as_stored;
use lockstep_model::{
    EntityId, Flow, PlainType, Presence, PropIx, PropertyPair, PropertySchema, ReadRecord, RecordId, RecordState, RunId, Slot,
    Timestamp, TypeIx, TypeName, TypeSchema, Value,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct World {
    seed: u64,
    types: BTreeMap<String, Vec<String>>,
    stores: BTreeMap<String, String>,
    flows: Vec<WorldFlow>,
    bears: BTreeSet<(String, String, String, String)>,
    script: Vec<Run>,
    end: Vec<(String, String, Option<String>)>,
}

#[derive(Deserialize)]
struct WorldFlow {
    from: String,
    to: String,
    pairs: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Run {
    edits: Vec<(String, String, String)>,
    read: Vec<String>,
    written: BTreeSet<(String, String, String)>,
}

fn worlds() -> Vec<World> {
    let text = include_str!("worlds.jsonl");
    text.lines().map(|line| serde_json::from_str(line).expect("a world")).collect()
}

/// The world as its engine plays it: one record of each type, linked from the start.
struct Play {
    plan: Plan,
    stored_as: Vec<StoredAs>,
    live: BTreeMap<(TypeIx, PropIx), Value>,
    edited_at: HashMap<(TypeIx, PropIx), Timestamp>,
    records: BTreeMap<TypeIx, RecordState>,
    now: i64,
}

impl Play {
    fn new(world: &World) -> Self {
        let mut schemas = Schemas::new();
        for (name, props) in &world.types {
            let how = match world.stores[name].as_str() {
                "upper case" => StoredAs { upper: true, ..StoredAs::default() },
                "first three characters" => StoredAs { max_chars: Some(3), ..StoredAs::default() },
                _ => StoredAs::default(),
            };
            let properties = props
                .iter()
                .map(|p| PropertySchema { stored_as: how, ..PropertySchema::new(p.as_str(), PlainType::String) })
                .collect();
            schemas.insert(name.clone(), vec![TypeSchema { properties, open: false, ..TypeSchema::open("R") }]);
        }
        let mut flows: Vec<Flow> = world
            .flows
            .iter()
            .map(|flow| {
                let equal =
                    |(p, q): &(String, String)| PropertyPair::equal(PropertyRef::new(p.as_str()), PropertyRef::new(q.as_str()));
                let properties = flow.pairs.iter().map(equal).collect();
                Flow { properties, ..Flow::between(TypeName::new(&flow.from, "R"), TypeName::new(&flow.to, "R")) }
            })
            .collect();
        // The plan numbers types as they come; the model's order is theirs by name, so an empty flow names them first.
        for name in world.types.keys().rev() {
            let first = world.types.keys().next().unwrap();
            flows.insert(
                0,
                Flow { from: TypeName::new(first, "R"), to: TypeName::new(name, "R"), properties: vec![], ..flows[0].clone() },
            );
        }
        let plan = Plan::compile(&flows, &schemas).expect("a world's flows are sound");
        let stored_as = plan.types.iter().map(|ty| schemas[&ty.name.system][0].properties[0].stored_as).collect();
        let records = (0..plan.types.len() as u16)
            .map(|ix| {
                let state = RecordState {
                    id: RecordId(i64::from(ix) + 1),
                    ty: TypeIx(ix),
                    key: "1".into(),
                    entity: EntityId(1),
                    version: None,
                    modified: None,
                    first_seen: Timestamp(0),
                    presence: Presence::Live,
                    written_at: None,
                    slots: plan.types[ix as usize].props.iter().map(|_| Slot::default()).collect(),
                };
                (TypeIx(ix), state)
            })
            .collect();
        Play { plan, stored_as, live: BTreeMap::new(), edited_at: HashMap::new(), records, now: 0 }
    }

    fn node(&self, ty: &str, prop: &str) -> Option<(TypeIx, PropIx)> {
        let ty = self.plan.type_named(&TypeName::new(ty, "R"))?;
        let prop = self.plan.ty(ty).props.iter().position(|p| p.name == prop)?;
        Some((ty, PropIx(prop as u16)))
    }

    fn edit(&mut self, ty: &str, prop: &str, value: &str) {
        self.now += 1;
        // A property that no row maps is nothing to Lockstep.
        let Some(node) = self.node(ty, prop) else { return };
        self.live.insert(node, as_stored(Value::String(value.into()), self.stored_as[node.0.at()]));
        self.edited_at.insert(node, Timestamp(self.now));
    }

    fn read(&mut self, ty: &str) {
        let Some(ty) = self.plan.type_named(&TypeName::new(ty, "R")) else { return };
        let props = self.plan.ty(ty).props.len();
        for prop in (0..props as u16).map(PropIx) {
            let Some(value) = self.live.get(&(ty, prop)) else { continue };
            let mut values = vec![None; props];
            values[prop.at()] = Some(value.clone());
            let modified = self.edited_at.get(&(ty, prop)).copied();
            let page = vec![ReadRecord { id: "1".into(), version: None, modified, deleted: false, values }];
            let reading = Reading {
                ty,
                now: Timestamp(self.now),
                asked: Timestamp(self.now),
                untold: Timestamp(self.now),
                previous: None,
                first_id: RecordId(99),
                reindex: false,
            };
            let known = HashMap::from([("1".to_string(), self.records[&ty].clone())]);
            let observed = observe(&self.plan, reading, page, known);
            assert!(observed.new.is_empty());
            for state in observed.changed {
                self.records.insert(ty, state);
            }
        }
    }

    /// Decides and carries out; gives what was written.
    fn settle(&mut self) -> BTreeSet<(String, String, String)> {
        let records: lockstep_model::NumberMap<RecordId, RecordState> =
            self.records.values().map(|r| (r.id, r.clone())).collect();
        let through = vec![ReadThrough { complete: true, from: Some(Timestamp(self.now)) }; self.plan.types.len()];
        let focus = records.keys().copied().collect();
        let mut slice = Slice::new(Timestamp(self.now), RunId(1), focus, records, through);
        let decision = decide(&self.plan, &mut slice);
        for state in decision.changed {
            self.records.insert(state.ty, state);
        }
        let mut written = BTreeSet::new();
        for intent in decision.intents {
            let sent: Vec<(usize, Value)> = intent.changes.iter().map(|c| (c.prop.at(), c.value.clone())).collect();
            let mut values = vec![None; self.plan.ty(intent.ty).props.len()];
            for (prop, value) in &sent {
                let stored = as_stored(value.clone(), self.stored_as[intent.ty.at()]);
                self.live.insert((intent.ty, PropIx(*prop as u16)), stored.clone());
                let ty = self.plan.ty(intent.ty);
                written.insert((
                    ty.name.system.clone(),
                    ty.props[*prop].name.clone(),
                    stored.as_str().unwrap_or_default().to_string(),
                ));
                values[*prop] = Some(stored);
            }
            let answer = ReadRecord { id: "1".into(), version: None, modified: None, deleted: false, values };
            let state = self.records.get_mut(&intent.ty).unwrap();
            confirm::written(&self.plan, state, &intent, answer, &sent, Timestamp(self.now));
            // The model's systems are read whole and at once: there is no delay to wait for.
            state.written_at = None;
        }
        written
    }
}

#[test]
fn what_bears_on_what_is_as_the_model_says() {
    // P0
    for world in worlds() {
        let play = Play::new(&world);
        let mut found = BTreeSet::new();
        for ty in &play.plan.types {
            for (prop, bearings) in ty.props.iter().zip(&ty.bearings) {
                for bearing in bearings {
                    let other = play.plan.ty(bearing.other);
                    let theirs = &other.props[bearing.theirs.at()];
                    found.insert((ty.name.system.clone(), prop.name.clone(), other.name.system.clone(), theirs.name.clone()));
                }
            }
        }
        assert_eq!(found, world.bears, "seed {}", world.seed);
    }
}

#[test]
fn the_engine_writes_what_the_model_writes() {
    // P1, P1a, P3, P5
    let mut written_in_all = 0;
    for world in worlds() {
        let mut play = Play::new(&world);
        for (n, run) in world.script.iter().enumerate() {
            for (ty, prop, value) in &run.edits {
                play.edit(ty, prop, value);
            }
            for ty in &run.read {
                play.read(ty);
            }
            let written = play.settle();
            written_in_all += written.len();
            assert_eq!(written, run.written, "seed {}, run {n}", world.seed);
        }
        for quiet in 0..2 {
            world.types.keys().for_each(|ty| play.read(ty));
            assert_eq!(play.settle(), BTreeSet::new(), "seed {}, quiet run {quiet}", world.seed);
        }
        for (ty, prop, value) in &world.end {
            if let Some(node) = play.node(ty, prop) {
                let live = play.live.get(&node).and_then(Value::as_str);
                assert_eq!(live, value.as_deref(), "seed {}: {ty}.{prop}", world.seed);
            }
        }
    }
    assert!(written_in_all > 5_000, "the worlds are not empty: {written_in_all}");
}

#[test]
fn the_order_of_reading_does_not_matter() {
    for world in worlds() {
        let mut play = Play::new(&world);
        for run in &world.script {
            for (ty, prop, value) in &run.edits {
                play.edit(ty, prop, value);
            }
            for ty in run.read.iter().rev() {
                play.read(ty);
            }
            assert_eq!(play.settle(), run.written, "seed {}", world.seed);
        }
    }
}
