//! The figures of a project: in the form that Prometheus reads, few, about no single record, and
//! those that the page, the alert rules and the board name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lockstep_model::Timestamp;
use lockstep_service::metrics::AtWork;
use lockstep_service::{Metrics, Project as _, Purpose};
use serde_json::Value;

use crate::{World, wait_until, while_at_work};

/// A family: its kind, its help, its lines by their labels.
#[derive(Default)]
struct Family {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
    values: BTreeMap<String, f64>,
}

/// Reads the text format, and fails on whatever does not belong into it.
fn parse(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help");
            current = name.to_string();
            let family = Family { help: help.into(), ..Family::default() };
            assert!(families.insert(current.clone(), family).is_none(), "{name} is there twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert_eq!(name, current, "the kind stands below the help");
            families.get_mut(name).unwrap().kind = kind.into();
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let name = series.split('{').next().unwrap();
            assert_eq!(name, current, "{line}: below its own family");
            let family = families.get_mut(name).unwrap();
            assert!(["gauge", "counter"].contains(&&*family.kind), "{line}");
            let labels = series[name.len()..].trim_start_matches('{').trim_end_matches('}');
            for label in labels.split_terminator("\",") {
                let (key, value) = label.split_once("=\"").expect("a label");
                assert!(key.chars().all(|c| c.is_ascii_lowercase()), "{line}");
                assert!(!value.trim_end_matches('"').contains('"'), "{line}");
                family.labels.insert(key.to_string());
            }
            let value: f64 = value.parse().expect("a number");
            assert!(value.is_finite() && value >= 0.0, "{line}");
            assert!(family.values.insert(labels.to_string(), value).is_none(), "{line}: twice");
        }
    }
    families
}

fn rendered(world: &World, at_work: Option<AtWork>) -> String {
    let mut hub = world.project().hub(Purpose::Work).unwrap();
    Metrics::of(&mut hub.ledger, &world.store(), at_work).unwrap().render()
}

fn with_all() -> (World, String) {
    let world = World::new(0);
    (0..20).for_each(|n| world.put(n));
    while_at_work(&world, Duration::from_secs(600), |_, _| {
        wait_until("it has run", || world.b.real.all("Person").len() == 20);
    });
    let at_work = AtWork { since: Timestamp(5_000), next_run: Some(Timestamp(7_500)) };
    let text = rendered(&world, Some(at_work));
    (world, text)
}

fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(deployed(name)).unwrap()
}

#[test]
fn figures_are_what_happened() {
    let (world, text) = with_all();
    let families = parse(&text);
    let value = |name: &str, labels: &str| families[&format!("lockstep_{name}")].values[labels];
    assert_eq!(value("records", r#"system="a",type="Person""#), 20.0);
    assert_eq!(value("records", r#"system="b",type="Person""#), 20.0);
    assert_eq!(value("links", ""), 20.0);
    assert_eq!(value("writes_total", r#"system="b",outcome="created""#), 20.0);
    assert_eq!(value("writes_total", r#"system="a",outcome="created""#), 0.0);
    assert_eq!(value("records_read_total", r#"system="a""#), 20.0);
    assert_eq!(value("outbox", r#"state="queued""#), 0.0);
    assert_eq!(value("next_run_timestamp_seconds", ""), 7.5);
    assert!(value("store_bytes", "") > 10_000.0);
    let ended = value("last_run_end_timestamp_seconds", "");
    assert!((1.7e9..1e10).contains(&ended), "seconds since 1970: {ended}");
    let runs = value("runs_total", r#"result="done""#) + value("runs_total", r#"result="stopped""#);
    // They count on in the next process.
    let mut hub = world.project().hub(Purpose::Work).unwrap();
    hub.run(lockstep_hub::RunOptions::default()).unwrap();
    drop(hub);
    let families = parse(&rendered(&world, None));
    let after = &families["lockstep_runs_total"].values;
    assert_eq!(after.values().sum::<f64>(), runs + 1.0);
    let created = &families["lockstep_writes_total"].values[r#"system="b",outcome="created""#];
    assert_eq!(*created, 20.0, "what a run did not do is not counted again");
}

#[test]
fn families_are_few_and_name_no_record() {
    let (_world, text) = with_all();
    let families = parse(&text);
    assert!(families.len() <= 30, "{}", families.len());
    for (name, family) in &families {
        assert!(name.starts_with("lockstep_"), "{name}");
        assert_eq!(name.ends_with("_total"), family.kind == "counter", "{name}");
        let known = ["version", "system", "type", "kind", "state", "outcome", "result"];
        assert!(family.labels.iter().all(|label| known.contains(&&**label)), "{name}");
    }
    assert!(!text.contains("example.com") && !text.contains("Åse"), "{text}");
}

#[test]
fn the_page_has_the_families_as_they_are() {
    let page = read("docs/metrics.md");
    let mut listed = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `lockstep_")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].split('`').nth(1).unwrap();
        let labels: BTreeSet<String> =
            cells[2].split('`').skip(1).step_by(2).map(String::from).collect();
        listed.insert(name.to_string(), (cells[1].to_string(), labels, cells[3].to_string()));
    }
    let (_world, text) = with_all();
    let families = parse(&text).into_iter().map(|(name, of)| (name, (of.kind, of.labels, of.help)));
    assert_eq!(families.collect::<BTreeMap<_, _>>(), listed);
}

/// The names of families in an expression.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if part.starts_with("lockstep_") {
            found.insert(part.to_string());
        }
    }
    found
}

#[test]
fn alert_rules_and_the_board_name_what_there_is() {
    let (_world, text) = with_all();
    let families: BTreeSet<String> = parse(&text).into_keys().collect();
    let alerts = named(&read("deploy/prometheus/alerts.yml"));
    assert!(alerts.len() >= 7 && alerts.is_subset(&families), "{alerts:?}");
    let board: Value = serde_json::from_str(&read("deploy/grafana/lockstep.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let exprs = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown: BTreeSet<String> =
        exprs.flat_map(|target| named(target["expr"].as_str().unwrap())).collect();
    assert!(shown.is_subset(&families), "{shown:?}");
    let left: Vec<&String> = families.difference(&shown).collect();
    assert_eq!(left, ["lockstep_service_start_timestamp_seconds"], "not on the board");
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
}

/// Where `promtool` is installed, as it is by ./test.
#[test]
fn promtool_finds_nothing_wrong() {
    let Ok(found) = Command::new("promtool").arg("--version").output() else {
        return println!("promtool is not installed: left out");
    };
    assert!(found.status.success());
    let (_world, text) = with_all();
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let told = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    assert!(told.status.success() && said.trim().is_empty(), "{said}");
    let rules = Command::new("promtool")
        .args(["check", "rules"])
        .arg(deployed("deploy/prometheus/alerts.yml"))
        .output()
        .unwrap();
    assert!(rules.status.success(), "{}", String::from_utf8_lossy(&rules.stderr));
}
