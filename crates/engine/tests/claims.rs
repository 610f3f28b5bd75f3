//! P0, P1, P1a, P1c, P2, P3, P5, L9: the engine against the executable model of "Keeping equal",
//! `tools/model/claims.py`.
//!
//! `worlds.jsonl` holds a thousand of the model's random worlds (`claims.py --worlds 1000`), each
//! with its flows, what bears on what, what the records held before they were linked, every edit,
//! the flows that did not hold, the order of reading, what was written in each run, and how
//! everything ended. The engine plays the same worlds and must write the same, to the letter; then
//! it must be quiet; then, reading in the opposite order, it must end the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_engine::keys::hashes;
use lockstep_engine::observe::{Looks, Reading};
use lockstep_engine::plan::Schemas;
use lockstep_engine::slice::ReadThrough;
use lockstep_engine::{Plan, Slice, confirm, decide, observe};
use lockstep_model::flow::{Create, Filter, PropertyRef};
use lockstep_model::schema::StoredAs;
use lockstep_model::value::as_stored;
use lockstep_model::{
    Flow, MatchRow, PlainType, PropIx, PropertyPair, PropertySchema, ReadRecord, RecordId,
    RecordState, RunId, Timestamp, TypeIx, TypeName, TypeSchema, Value,
};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct World {
    seed: u64,
    types: BTreeMap<String, Vec<String>>,
    stores: BTreeMap<String, String>,
    /// When each record was last changed before it was linked; 0 where its system does not tell.
    told: BTreeMap<String, i64>,
    before: Vec<(String, String, Option<String>)>,
    flows: Vec<WorldFlow>,
    /// P1c: the rows that only fill what is empty at the first link.
    fills: Vec<(String, String, String, String)>,
    bears: BTreeSet<(String, String, String, String)>,
    script: Vec<Run>,
    end: Vec<(String, String, Option<String>)>,
}

#[derive(Deserialize)]
struct WorldFlow {
    from: String,
    to: String,
    pairs: Vec<(String, String)>,
    /// It does not always hold.
    conditioned: bool,
}

#[derive(Deserialize)]
struct Run {
    edits: Vec<(String, String, String)>,
    suspended: Vec<(String, String)>,
    read: Vec<String>,
    written: BTreeSet<(String, String, String)>,
}

fn worlds() -> Vec<World> {
    let text = include_str!("worlds.jsonl");
    text.lines().map(|line| serde_json::from_str(line).expect("a world")).collect()
}

/// The world as the engine plays it: one record of each type, which match by `key`, and hold a flag
/// for each flow with a condition.
struct Play {
    plan: Plan,
    stored_as: Vec<StoredAs>,
    live: BTreeMap<(TypeIx, PropIx), Value>,
    edited_at: HashMap<(TypeIx, PropIx), Timestamp>,
    told: BTreeMap<TypeIx, Option<Timestamp>>,
    records: BTreeMap<TypeIx, RecordState>,
    now: i64,
}

fn flag(to: &str) -> String {
    format!("with_{to}")
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
            let mut properties: Vec<PropertySchema> = props
                .iter()
                .map(|p| PropertySchema {
                    stored_as: how,
                    ..PropertySchema::new(p.as_str(), PlainType::String)
                })
                .collect();
            let flags =
                world.flows.iter().filter(|flow| flow.from == *name).map(|flow| flag(&flow.to));
            properties.extend(
                flags
                    .chain(["key".into()])
                    .map(|p| PropertySchema::new(p.as_str(), PlainType::String)),
            );
            schemas.insert(
                name.clone(),
                vec![TypeSchema { properties, open: false, ..TypeSchema::open("R") }],
            );
        }
        let key = || MatchRow::single(PropertyRef::new("key"), PropertyRef::new("key"));
        // The plan numbers types as they come; the model's order is theirs by name, so an empty
        // flow names them first.
        let first = world.types.keys().next().unwrap();
        let naming = world
            .types
            .keys()
            .map(|name| Flow::between(TypeName::new(first, "R"), TypeName::new(name, "R")));
        let flows: Vec<Flow> = naming
            .skip(1)
            .chain(world.flows.iter().map(|flow| {
                let equal = |(p, q): &(String, String)| {
                    PropertyPair::equal(PropertyRef::new(p.as_str()), PropertyRef::new(q.as_str()))
                };
                let properties = flow.pairs.iter().map(equal).collect();
                let create = match flow.conditioned {
                    true => Create::When {
                        condition: String::new(),
                        filter: Some(Filter {
                            expression: format!("{} == \"yes\"", flag(&flow.to)),
                            reads: vec![flag(&flow.to).as_str().into()],
                        }),
                    },
                    false => Create::Never,
                };
                let between =
                    Flow::between(TypeName::new(&flow.from, "R"), TypeName::new(&flow.to, "R"));
                Flow { properties, create, matches: vec![key()], ..between }
            }))
            .collect();
        let plan = Plan::compile(&flows, &schemas).expect("a world's flows are sound");
        let stored_as = plan
            .types
            .iter()
            .map(|ty| schemas[&ty.name.system][0].properties[0].stored_as)
            .collect();
        let mut play = Play {
            plan,
            stored_as,
            live: BTreeMap::new(),
            edited_at: HashMap::new(),
            told: BTreeMap::new(),
            records: BTreeMap::new(),
            now: 10,
        };
        for (ty, prop, value) in &world.before {
            if let (Some(node), Some(value)) = (play.node(ty, prop), value) {
                play.live.insert(node, json!(value));
            }
        }
        for (name, at) in &world.told {
            if let Some(ty) = play.ty(name) {
                play.told.insert(ty, (*at > 0).then_some(Timestamp(*at)));
                play.live.extend(play.node(name, "key").map(|node| (node, json!("same"))));
            }
        }
        play.suspend(world, &[]);
        play
    }

    fn ty(&self, name: &str) -> Option<TypeIx> {
        self.plan.type_named(&TypeName::new(name, "R"))
    }

    fn node(&self, ty: &str, prop: &str) -> Option<(TypeIx, PropIx)> {
        let ty = self.ty(ty)?;
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

    /// These flows do not hold any more, all others do.
    fn suspend(&mut self, world: &World, suspended: &[(String, String)]) {
        for flow in world.flows.iter().filter(|flow| flow.conditioned) {
            let holds = !suspended.contains(&(flow.from.clone(), flow.to.clone()));
            let node = self.node(&flow.from, &flag(&flow.to));
            self.live.extend(node.map(|node| (node, json!(if holds { "yes" } else { "no" }))));
        }
    }

    fn read(&mut self, ty: &str) {
        let Some(ty) = self.ty(ty) else { return };
        let props = self.plan.ty(ty).props.len();
        let reading = Reading {
            ty,
            now: Timestamp(self.now),
            asked: Timestamp(self.now),
            untold: Timestamp(self.now),
            previous: None,
            first_id: RecordId(self.records.len() as i64 + 1),
            looks: Looks::ForChanges,
            reindex: false,
        };
        let held = |prop: u16| self.live.get(&(ty, PropIx(prop))).cloned();
        let page = |values, modified| {
            vec![ReadRecord { id: "1".into(), version: None, modified, deleted: false, values }]
        };
        let Some(known) = self.records.get(&ty).cloned() else {
            let page = page((0..props as u16).map(held).collect(), self.told[&ty]);
            let observed = observe(&self.plan, reading, page, HashMap::new());
            self.records.extend(observed.new.into_iter().map(|state| (ty, state)));
            return;
        };
        let mut known = known;
        for prop in 0..props as u16 {
            let Some(value) = held(prop) else { continue };
            let mut values = vec![None; props];
            values[prop as usize] = Some(value);
            let modified = self.edited_at.get(&(ty, PropIx(prop))).copied();
            let observed = observe(
                &self.plan,
                reading,
                page(values, modified),
                HashMap::from([("1".into(), known.clone())]),
            );
            assert!(observed.new.is_empty());
            known = observed.changed.into_iter().next().unwrap_or(known);
        }
        self.records.insert(ty, known);
    }

    /// Decides and carries out; gives what was written.
    fn settle(&mut self) -> BTreeSet<(String, String, String)> {
        let records: lockstep_model::NumberMap<RecordId, RecordState> =
            self.records.values().map(|r| (r.id, r.clone())).collect();
        let through = vec![
            ReadThrough {
                complete: true,
                from: Some(Timestamp(self.now)),
                in_doubt: false,
                not_believed: false
            };
            self.plan.types.len()
        ];
        let focus = records.keys().copied().collect();
        let mut slice = Slice::new(Timestamp(self.now), RunId(1), focus, records, through);
        for record in self.records.values() {
            for hash in hashes(&self.plan, record) {
                slice.by_hash.entry(hash).or_default().push(record.id);
            }
        }
        let decision = decide(&self.plan, &mut slice);
        for record in self.records.values_mut() {
            *record = slice.records[&record.id].clone();
        }
        let mut written = BTreeSet::new();
        for intent in decision.intents {
            let sent: Vec<(usize, Value)> =
                intent.changes.iter().map(|c| (c.prop.at(), c.value.clone())).collect();
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
            let answer = ReadRecord {
                id: "1".into(),
                version: None,
                modified: None,
                deleted: false,
                values,
            };
            let state = self.records.get_mut(&intent.ty).unwrap();
            confirm::written(&self.plan, state, &intent, answer, &sent, Timestamp(self.now));
            // The model's systems are read whole and at once: there is no delay to wait for.
            state.written_at = None;
        }
        written
    }

    /// A run of the script, reading in this order.
    fn run<'a>(
        &mut self,
        world: &World,
        run: &'a Run,
        order: impl Iterator<Item = &'a String>,
    ) -> BTreeSet<(String, String, String)> {
        self.suspend(world, &run.suspended);
        for (ty, prop, value) in &run.edits {
            self.edit(ty, prop, value);
        }
        order.for_each(|ty| self.read(ty));
        self.settle()
    }
}

#[test]
fn what_bears_on_what_is_as_the_model_says() {
    // P0, P1c
    for world in worlds() {
        let play = Play::new(&world);
        let (mut found, mut fills) = (BTreeSet::new(), BTreeSet::new());
        for ty in &play.plan.types {
            for (prop, bearings) in ty.props.iter().zip(&ty.bearings) {
                for bearing in bearings {
                    let other = play.plan.ty(bearing.other);
                    let theirs = other.props[bearing.theirs.at()].name.clone();
                    let pair = (
                        ty.name.system.clone(),
                        prop.name.clone(),
                        other.name.system.clone(),
                        theirs,
                    );
                    if bearing.fills {
                        fills.insert(pair)
                    } else {
                        found.insert(pair)
                    };
                }
            }
        }
        assert_eq!(found, world.bears, "seed {}", world.seed);
        let both_ways = |(a, p, b, q): &(String, String, String, String)| {
            [
                (a.clone(), p.clone(), b.clone(), q.clone()),
                (b.clone(), q.clone(), a.clone(), p.clone()),
            ]
        };
        assert_eq!(fills, world.fills.iter().flat_map(both_ways).collect(), "seed {}", world.seed);
    }
}

#[test]
fn the_engine_writes_what_the_model_writes() {
    // P1, P1a, P1c, P2, P3, P5, L9
    let mut written_in_all = 0;
    for world in worlds() {
        let mut play = Play::new(&world);
        for (n, run) in world.script.iter().enumerate() {
            let written = play.run(&world, run, run.read.iter());
            written_in_all += written.len();
            assert_eq!(written, run.written, "seed {}, run {n}", world.seed);
        }
        for (ty, prop, value) in &world.end {
            if let Some(node) = play.node(ty, prop) {
                let live = play.live.get(&node).and_then(Value::as_str);
                assert_eq!(live, value.as_deref(), "seed {}: {ty}.{prop}", world.seed);
            }
        }
        // Quiet, and once more when all flows hold again and what was kept back has gone through.
        for round in 0..3 {
            world.types.keys().for_each(|ty| play.read(ty));
            assert!(
                play.settle().is_empty() || round == 1,
                "seed {}, quiet run {round}",
                world.seed
            );
            play.suspend(&world, &[]);
        }
    }
    assert!(written_in_all > 2_000, "the worlds are not empty: {written_in_all}");
}

#[test]
fn the_order_of_reading_does_not_matter() {
    for world in worlds() {
        let mut play = Play::new(&world);
        for (n, run) in world.script.iter().enumerate() {
            assert_eq!(
                play.run(&world, run, run.read.iter().rev()),
                run.written,
                "seed {}, run {n}",
                world.seed
            );
        }
    }
}
