//! The built-in manifests against the sandbox, over real HTTP. The sandbox is written from the
//! vendors' documentation without regard to the connectors, so each proves the other wrong.

mod answers;
mod business_central;
mod conforming;
mod crmoffice;
mod exact_online;
mod failures;
mod hubspot;
mod poweroffice_go;
mod salesforce;
mod shopify;
mod superoffice;
mod tokens;
mod tripletex;
mod watched;
mod wix;
mod woocommerce;
mod youtrack;
mod zendesk;
mod zoho_crm;

use std::path::Path;

use lockstep_connector::catalogue::{connect, settings};
use lockstep_connector::contract::{Reading, read_all};
use lockstep_connector::{Action, Connector, Outcome, Write, WriteValue};
use lockstep_model::ReadRecord;
use lockstep_model::flow::PropertyRef;
use lockstep_sandbox::{Options, Running, Sandbox, credentials};
use serde_json::{Map, Value};

/// A sandbox with one system and its sample data.
fn sandbox(system: &str) -> Running {
    Sandbox::start(Options { systems: vec![system.into()], ..Options::default() })
        .expect("the sandbox starts")
}

/// The settings that lead to the sandbox: its address where an address is asked for, its keys for
/// the rest.
fn with(system: &str, sandbox: &Running) -> Map<String, Value> {
    let keys = credentials(system);
    let base = watched::door(system, sandbox.url(system).unwrap());
    // No vendor's rate in tests; an answer that does not come is given up soon.
    let mut with =
        Map::from_iter([("rate_per_second".into(), 10_000.into()), ("timeout_s".into(), 5.into())]);
    for setting in settings(system) {
        let variable = format!("_{}", setting.name.to_uppercase());
        if setting.name == "token_url" {
            with.insert(setting.name, format!("{base}/connect/token").into());
        } else if setting.name == "base_url" {
            with.insert(setting.name, base.clone().into());
        } else if let Some((_, key)) = keys.iter().find(|(name, _)| name.ends_with(&variable)) {
            with.insert(setting.name, key.clone().into());
        }
    }
    with
}

/// Connected to the sandbox.
fn open(system: &str, sandbox: &Running) -> Box<dyn Connector> {
    let connector =
        connect(system, &with(system, sandbox), Path::new(".")).expect("the connector opens");
    watched::watched(system, &sandbox.url(system).unwrap(), connector)
}

fn watch(paths: &[&str]) -> Vec<PropertyRef> {
    paths.iter().map(|path| PropertyRef::new(*path)).collect()
}

fn read(connector: &dyn Connector, kind: &str, watch: &[PropertyRef]) -> Reading {
    read_all(connector, kind, watch, None, 100)
        .unwrap_or_else(|trouble| panic!("{kind}: {trouble}"))
}

fn one(connector: &dyn Connector, kind: &str, watch: &[PropertyRef], write: Write) -> Outcome {
    let mut outcomes = connector.write(kind, watch, &[write]);
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

fn create(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    values: &[(usize, Value)],
) -> Outcome {
    let values = values
        .iter()
        .map(|(prop, value)| WriteValue {
            prop: *prop,
            value: value.clone(),
            displaced: Value::Null.into(),
        })
        .collect();
    one(connector, kind, watch, Write { action: Action::Create, values, token: "test".into() })
}

/// Writes one property of a record as it is now: `displaced` is what the property shows first.
fn update(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    of: &ReadRecord,
    prop: usize,
    value: Value,
) -> Outcome {
    let shown = of.values[prop].clone().unwrap_or(Value::Null);
    let displaced = lockstep_model::value::effective(&shown, value.is_array()).clone();
    let action = Action::Update { id: of.id.clone(), version: of.version.clone() };
    one(
        connector,
        kind,
        watch,
        Write {
            action,
            values: vec![WriteValue { prop, value, displaced: displaced.into() }],
            token: "test".into(),
        },
    )
}

fn get(connector: &dyn Connector, kind: &str, watch: &[PropertyRef], id: &str) -> ReadRecord {
    let got =
        connector.get(kind, watch, id).unwrap_or_else(|trouble| panic!("{kind} {id}: {trouble}"));
    got.unwrap_or_else(|| panic!("{kind} {id} is not there"))
}

#[track_caller]
fn done(outcome: Outcome) -> ReadRecord {
    match outcome {
        Outcome::Done(record) => record,
        other => panic!("not done: {other:?}"),
    }
}

/// An id of a record that satisfies the test, in the order of the listing's ids.
fn pick(reading: &Reading, test: impl Fn(&ReadRecord) -> bool) -> ReadRecord {
    let mut records: Vec<&ReadRecord> =
        reading.records.values().filter(|record| test(record)).collect();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    (*records.first().expect("the sample data has such a record")).clone()
}
