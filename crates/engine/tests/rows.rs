//! What rows say of which claim wins and which way it goes: `wins`, `prefer`, `only_from`, `clears`,
//! `default`, one direction (P12), `on: create` (C1), and lists whose elements come and go one by
//! one (P11): against the executable model (`tools/model/claims.py --rows`, `--sets`).

use std::collections::BTreeMap;

use crate::kit::{World, flow, schemas};
use lockstep_model::flow::{Create, Policy, Wins};
use lockstep_model::{Conversion, Flow, IntentKind, PropertySchema};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Said {
    seed: u64,
    #[serde(default)]
    kind: String,
    wins: Option<String>,
    prefer: Option<Vec<String>>,
    only_from: Option<Vec<String>>,
    /// The second record is not there before it is created.
    #[serde(default)]
    absent: bool,
    /// The sign of the row between each record type and the next.
    ways: Vec<String>,
    /// When each record was last changed before it was linked; 0 where its system does not tell.
    told: BTreeMap<String, i64>,
    before: BTreeMap<String, Value>,
    runs: Vec<Run>,
    end: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Run {
    /// The time, the record type, and what is put in.
    edits: Vec<(i64, String, Value)>,
    read: Vec<String>,
    /// The record types whose record is written.
    written: Vec<String>,
}

/// What the model's `default` gives for nothing.
const DEFAULT: &str = "unknown";

impl Said {
    fn is_of_lists(&self) -> bool {
        self.before.values().any(Value::is_array)
    }

    fn policy(&self) -> Policy {
        match (&self.wins, &self.prefer, &self.only_from) {
            (Some(by), ..) => Policy::Wins(match by.as_str() {
                "max" => Wins::Max,
                "min" => Wins::Min,
                "longest" => Wins::Longest,
                _ => Wins::AnyOf(vec![json!("gold"), json!("silver"), json!("bronze")]),
            }),
            (_, Some(systems), _) => Policy::Prefer(systems.clone()),
            (_, _, Some(systems)) => Policy::OnlyFrom(systems[0].clone()),
            _ => Policy::Latest,
        }
    }

    /// The types in a row, each with the next. The policy stands in the first row alone.
    fn flows(&self) -> Vec<Flow> {
        let types: Vec<&String> = self.told.keys().collect();
        let between = |(at, two): (usize, &[&String])| {
            let create = if self.absent { Create::Always } else { Create::Never };
            let rows = [format!("p {} p", self.ways[at])];
            let mut flow = flow(
                &format!("{}.R", two[0]),
                &format!("{}.R", two[1]),
                create,
                &["key = key"],
                &rows.each_ref().map(String::as_str),
            );
            let row = &mut flow.properties[0];
            row.each = self.is_of_lists();
            row.on_create = self.kind == "on-create";
            row.clears = self.kind != "clears";
            if at == 0 {
                row.policy = self.policy();
            }
            if self.kind == "default" {
                let default = json!(["if-null", "_.", DEFAULT]);
                row.conversion = Some(Conversion::parse(&default).unwrap());
            }
            flow
        };
        types.windows(2).enumerate().map(between).collect()
    }
}

/// The model's times, each two hours after the last: what is edited at once after a write may be an
/// automation's, and is stopped when it has happened often (P5).
fn at(model: i64) -> i64 {
    7_200_000 * model
}

struct Play {
    world: World,
    live: BTreeMap<String, Value>,
    edited: BTreeMap<String, i64>,
    /// The ids of the records.
    keys: BTreeMap<String, String>,
}

impl Play {
    fn new(said: &Said) -> Play {
        let names: Vec<String> = said.told.keys().map(|ty| format!("{ty}.R")).collect();
        let list = || {
            let list = PropertySchema::new("p", lockstep_model::PlainType::String);
            vec![PropertySchema { list: true, ..list }]
        };
        let properties = |_: &String| if said.is_of_lists() { list() } else { vec![] };
        let known: Vec<(&str, Vec<PropertySchema>)> =
            names.iter().map(|name| (name.as_str(), properties(name))).collect();
        let edited = said.told.iter().filter(|(_, told)| **told > 0);
        let is_there = |ty: &&String| !said.absent || *ty != "T1";
        Play {
            world: World::new(&said.flows(), &schemas(&known)),
            live: said.before.clone(),
            edited: edited.map(|(ty, told)| (ty.clone(), *told)).collect(),
            keys: said.told.keys().filter(is_there).map(|ty| (ty.clone(), "1".into())).collect(),
        }
    }

    fn read(&mut self, order: &[String]) {
        for ty in order {
            let Some(key) = self.keys.get(ty) else { continue };
            let modified = self.edited.get(ty).map(|time| at(*time));
            let values = json!({"key": "same", "p": self.live[ty]});
            self.world.read_as(&format!("{ty}.R/{key}"), values, None, modified);
        }
    }

    /// Decides and delivers; gives whose records are written.
    fn settle(&mut self) -> Vec<String> {
        let before = self.world.intents.len();
        self.world.settle();
        let mut written = Vec::new();
        for intent in &self.world.intents[before..] {
            let name = self.world.plan.ty(intent.ty).name.system.clone();
            if intent.kind == IntentKind::Create {
                let made = self.world.records[&intent.record.expect("it is made")].key.clone();
                self.keys.insert(name.clone(), made);
            }
            for change in &intent.changes {
                assert_eq!(self.world.plan.prop(intent.ty, change.prop).name, "p");
                self.live.insert(name.clone(), sorted(change.value.clone()));
            }
            written.push(name);
        }
        written.sort_unstable();
        written
    }
}

/// A list as the model has it; nothing is an empty one.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(mut list) => {
            list.sort_by_key(Value::to_string);
            Value::Array(list)
        }
        single => single,
    }
}

/// Plays the worlds in both orders of reading; gives how many writes there were, by kind.
fn play_all(text: &str) -> BTreeMap<String, usize> {
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let said: Said = serde_json::from_str(line).expect("a world");
        for turned in [false, true] {
            let mut play = Play::new(&said);
            for (n, run) in said.runs.iter().enumerate() {
                let place = format!("seed {} ({}), run {n}, {turned}", said.seed, said.kind);
                for (time, ty, value) in &run.edits {
                    // A record that was never made can't be edited.
                    if play.keys.contains_key(ty) {
                        play.live.insert(ty.clone(), value.clone());
                        play.edited.insert(ty.clone(), *time);
                    }
                }
                let last = run.edits.iter().map(|(time, ..)| *time).max().unwrap_or(10);
                let first = run.edits.iter().map(|(time, ..)| *time).min();
                play.world.previous = first.map(|first| at(first) - 1_000);
                play.world.now = play.world.now.max(at(last)) + 50;
                let mut order = run.read.clone();
                if turned {
                    order.reverse();
                }
                play.read(&order);
                let written = play.settle();
                assert_eq!(written, run.written, "{place}");
                *writes.entry(said.kind.clone()).or_default() += written.len();
                play.read(&order);
                assert!(play.settle().is_empty(), "quiet after {place}");
            }
            let list = |value: &Value| match value {
                Value::Null if said.is_of_lists() => json!([]),
                value => value.clone(),
            };
            for (ty, value) in said.end.iter().filter(|(ty, _)| play.keys.contains_key(*ty)) {
                assert_eq!(list(&play.live[ty]), *value, "seed {}: {ty}, {turned}", said.seed);
            }
        }
    }
    writes
}

#[test]
fn p1_p12_rows_are_kept_as_the_model_keeps_them_in_whatever_order_they_are_read() {
    let writes = play_all(include_str!("rows.jsonl"));
    let kinds =
        ["clears", "default", "latest", "on-create", "one-way", "only_from", "prefer", "wins"];
    assert_eq!(writes.keys().collect::<Vec<_>>(), kinds, "there are worlds of each kind");
    assert!(writes.values().all(|writes| *writes > 20), "they are not empty: {writes:?}");
}

#[test]
fn p11_lists_are_kept_as_the_model_keeps_them_in_whatever_order_they_are_read() {
    let writes = play_all(include_str!("sets.jsonl"));
    assert!(writes.values().all(|writes| *writes > 500), "they are not empty: {writes:?}");
}
