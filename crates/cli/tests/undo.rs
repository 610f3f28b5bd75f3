//! G7 end to end: the example project against the six emulated systems, a whole run of it, and the
//! run taken back. What the systems hold is compared record by record and property by property,
//! over the sandbox's own interface and not over the connectors.

use crate::transcript;

use std::collections::{BTreeMap, BTreeSet};

use crate::transcript::{example, lockstep};
use lockstep_sandbox::{Fault, FaultKind, Options, Running, SYSTEMS, Sandbox, collections};
use serde_json::{Value, json};

/// Every record of every system by `system/collection/id`.
type Snapshot = BTreeMap<String, Value>;

/// What a system keeps by itself and moves on with every write: when, by whom, and which version.
const KEPT_BY_THE_SYSTEM: &[&str] = &[
    "revision",
    "updatedDate",
    "updated_at",
    "updatedAt",
    "modifiedAt",
    "Updated",
    "UpdatedDate",
    "LastChanged",
    "LastChangedDateTimeOffset",
    "lastActivity",
    "UpdatedBy",
    "ModifiedAppointmentFields",
    "lastUpdated",
    "_etag",
    "etag",
    "@odata.etag",
];

fn snapshot(sandbox: &Running) -> Snapshot {
    let mut all = Snapshot::new();
    for system in SYSTEMS {
        for collection in collections(system) {
            for record in sandbox.records(system, &collection).unwrap() {
                let id = [
                    "id",
                    "Id",
                    "PersonId",
                    "ContactId",
                    "TicketId",
                    "AssociateId",
                    "associateDbId",
                    "SaleId",
                    "ProjectId",
                    "ProductId",
                    "QuoteLineId",
                ]
                .iter()
                .find_map(|name| record.get(name))
                .map(|id| id.as_str().map_or_else(|| id.to_string(), String::from))
                .unwrap_or_else(|| panic!("no id in {record:#}"));
                // Zendesk keeps what was deleted, and shows it so.
                if record["active"] == json!(false) || record["status"] == "deleted" {
                    continue;
                }
                all.insert(format!("{system}/{collection}/{id}"), without(record));
            }
        }
    }
    all
}

/// A record without what its system keeps by itself; an empty value is the same as none.
fn without(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept =
                map.into_iter().filter(|(name, _)| !KEPT_BY_THE_SYSTEM.contains(&name.as_str()));
            let kept = kept.map(|(name, value)| (name, without(value)));
            Value::Object(kept.filter(|(_, value)| !is_nothing(value)).collect())
        }
        Value::Array(list) => {
            Value::Array(list.into_iter().map(without).filter(|value| !is_nothing(value)).collect())
        }
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The paths at which two records differ, with both values.
fn differences(path: &str, before: &Value, after: &Value, out: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let (a, b) =
                    (a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null));
                differences(&format!("{path}.{name}"), a, b, out);
            }
        }
        (a, b) if a == b => {}
        (a, b) => out.push(format!("{path}: {a} → {b}")),
    }
}

fn compared(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let mut out = Vec::new();
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        match (before.get(name), after.get(name)) {
            (Some(a), Some(b)) => differences(name, a, b, &mut out),
            (None, Some(b)) => out.push(format!("{name}: there is one more: {b}")),
            (_, None) => out.push(format!("{name}: it is gone")),
        }
    }
    out
}

/// A world with one run behind it: the folder, the sandbox, the systems before the run, the run's
/// number.
struct Ran {
    dir: tempfile::TempDir,
    sandbox: Running,
    before: Snapshot,
    run: String,
}

fn one_run() -> Ran {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    example(dir.path(), &sandbox, &[]);
    let before = snapshot(&sandbox);
    let report = lockstep(dir.path(), &["sync", "--format", "json"]).json();
    let run = report["run"].to_string();
    // A reference that was filled in later is told by the name of the record that it stands for.
    let created =
        report["events"].as_array().unwrap().iter().filter(|event| event["event"] == "created");
    let names: Vec<&str> = created
        .flat_map(|event| event["properties"].as_array().unwrap())
        .filter_map(|property| property["counterpart_of"].as_str())
        .collect();
    assert!(!names.is_empty() && names.iter().all(|name| name.contains('/')), "{names:?}");
    let changed = compared(&before, &snapshot(&sandbox));
    assert!(changed.len() > 200, "the run does much: {changed:#?}");
    Ran { dir, sandbox, before, run }
}

impl Ran {
    fn lockstep(&self, args: &[&str]) -> transcript::Ran {
        lockstep(self.dir.path(), args)
    }

    /// What is not as it was before the run.
    fn left(&self) -> Vec<String> {
        compared(&self.before, &snapshot(&self.sandbox))
    }
}

#[test]
fn undoing_a_whole_run_brings_every_record_back_to_what_it_was() {
    let world = one_run();
    // Right after a run every linked record is as Lockstep knows it, and as it should be. A company
    // of PowerOffice keeps no first and last name: it was looked at again when the system's delay
    // was over, is told in the run itself and waits in review (R6).
    let only_the_company_differs = |audit: transcript::Ran, times: usize| {
        let differs: Vec<&str> =
            audit.stdout.lines().filter(|line| line.contains(": shows ")).collect();
        let company =
            |line: &&str| line.contains("poweroffice-go.Customers/17195156: shows nothing");
        assert!(differs.len() == times && differs.iter().all(company), "{audit}");
        assert_eq!(audit.status, Some(i32::from(!differs.is_empty())), "{audit}");
    };
    world
        .lockstep(&["review"])
        .says("“Nygård” was acknowledged and is not kept: it shows nothing there");
    only_the_company_differs(
        world.lockstep(&["audit"]).says("37 differ as is known: they wait in review"),
        2,
    );
    // A plan changes nothing.
    let writes = world.sandbox.total_writes();
    let plan = world
        .lockstep(&["undo", &world.run])
        .exits(1)
        .says("Nothing was done: this was a plan.")
        .says("to delete");
    assert_eq!(world.sandbox.total_writes(), writes, "{plan}");

    let undone = world.lockstep(&["undo", &world.run, "--yes", "--format", "json"]).exits(0).json();
    assert_eq!(
        (&undone["plan"]["not"], &undone["done"]["not"]),
        (&json!([]), &json!([])),
        "it names nothing that it can't take back"
    );
    let left = world.left();
    assert!(left.is_empty(), "{left:#?}");

    // What the plan said the next run would carry on, it carries on, and nothing else: above all,
    // nothing is created anew (D1), and nothing is emptied at its source because it was taken back
    // where it had been filled in.
    let records = undone["plan"]["records"].as_array().unwrap();
    let announced: BTreeSet<String> = records
        .iter()
        .flat_map(|record| record["properties"].as_array().unwrap())
        .flat_map(|property| property["then"].as_array().unwrap())
        .map(|line| line.as_str().unwrap().split(':').next().unwrap().to_string())
        .collect();
    let next = world.lockstep(&["sync", "--format", "json"]).json();
    let events = next["events"].as_array().unwrap();
    let written: BTreeSet<String> = events
        .iter()
        .filter(|event| event["event"] == "updated")
        .flat_map(|event| {
            let record = event["record"].as_str().unwrap();
            event["properties"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |p| format!("{record} {}", p["path"].as_str().unwrap()))
        })
        .collect();
    assert_eq!(written, announced);
    assert!(!events.iter().any(|event| event["event"] == "created"), "{events:#?}");
    let emptied = events
        .iter()
        .flat_map(|event| event["properties"].as_array().into_iter().flatten())
        .any(|p| p["after"].is_null());
    assert!(!emptied, "{events:#?}");
    let quiet = world.sandbox.total_writes();
    only_the_company_differs(world.lockstep(&["audit"]), 2);
    world.lockstep(&["sync"]).says("Nothing was written.");
    assert_eq!(world.sandbox.total_writes(), quiet);
}

#[test]
fn what_was_edited_since_stays_and_is_named() {
    let world = one_run();
    let history =
        world.lockstep(&["history", "--run", &world.run, "--format", "json"]).exits(0).json();
    let entries = history.as_array().unwrap();
    // A record that Lockstep made, and a property that it changed, in a system where a person edits
    // both.
    let created = entries
        .iter()
        .find(|e| e["text"].as_str().unwrap().starts_with("created crmoffice.Contacts/"))
        .unwrap_or_else(|| {
            panic!(
                "nothing was created there: {}",
                entries.iter().map(|e| format!("{e}\n")).collect::<String>()
            )
        });
    let created = created["record"]
        .as_str()
        .unwrap()
        .strip_prefix("crmoffice.Contacts/")
        .unwrap()
        .to_string();
    let contact = world.sandbox.record("crmoffice", "contacts", &created).unwrap();
    let edit = |text: &str| {
        let patch = json!({"givenName": text});
        world.sandbox.edit("crmoffice", "contacts", &created, &patch).unwrap();
    };
    assert!(contact.get("givenName").is_some(), "{contact:#}");
    edit("Solveig");
    let plan = world.lockstep(&["undo", &world.run]).exits(1);
    let name = format!(
        "crmoffice.Contacts/{created} givenName: Lockstep created it, and somebody has edited it since"
    );
    let plan = plan.says(&name).says("--force");
    assert!(plan.stdout.contains("What can’t be taken back"), "{plan}");

    let undone = world.lockstep(&["undo", &world.run, "--yes"]).exits(1);
    assert!(undone.stdout.contains("put back, as run"), "{undone}");
    let left = world.left();
    assert_eq!(left.len(), 1, "{left:#?}");
    assert!(
        left[0].starts_with(&format!("crmoffice/contacts/{created}: there is one more")),
        "{left:#?}"
    );
    world
        .lockstep(&["undo", &format!("crmoffice.Contacts/{created}"), "--force", "--yes"])
        .exits(0);
    assert_eq!(world.left(), Vec::<String>::new());
}

#[test]
fn an_undo_is_undone() {
    let world = one_run();
    let after = snapshot(&world.sandbox);
    world.lockstep(&["undo", &world.run, "--yes"]).exits(0);
    world.lockstep(&["redo"]).exits(1).says("created anew, since an undo deleted it");
    let redone = world.lockstep(&["redo", "--yes", "--format", "json"]);
    let told = redone.json();
    assert_eq!(told["done"]["not"], json!([]), "{redone}");
    // Values are back; records that were deleted are other records now, one for each.
    let now = snapshot(&world.sandbox);
    let kept = |all: &Snapshot| -> Snapshot {
        all.iter()
            .filter(|(name, _)| world.before.contains_key(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let mut differences = compared(&kept(&after), &kept(&now));
    assert_eq!(now.len(), after.len(), "as many records as before the undo");
    // A reference to a record that was deleted and created anew leads to the new one: that is
    // another id.
    differences.retain(|line| !line.contains("rganization") && !line.contains("requester_id"));
    assert!(differences.is_empty(), "{differences:#?}");
    world.lockstep(&["redo"]).exits(2).says("no undo stands");
}

#[test]
fn an_undo_that_a_system_puts_off_stands_until_it_is_done() {
    // G5
    let world = one_run();
    let later = || {
        Fault::new(FaultKind::Status, 1_000)
            .on_method("PUT")
            .on_path("users")
            .with_status(429, Some(600))
    };
    world.sandbox.fault("zendesk", later()).unwrap();
    let undone = world
        .lockstep(&["undo", &world.run, "--as-edit", "--yes", "--format", "json"])
        .exits(1)
        .json();
    let not = undone["done"]["not"].as_array().unwrap();
    assert!(
        !not.is_empty()
            && not
                .iter()
                .all(|n| n["why"].as_str().unwrap().contains("the next run goes on with it")),
        "{not:#?}"
    );
    let back = undone["plan"]["records"].as_array().unwrap().iter().find_map(|record| {
        let phone = record["properties"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["path"] == "phone" && p["back_to"] != "")?;
        let id = record["record"].as_str()?.strip_prefix("zendesk.Users/")?;
        let other =
            phone["then"][0].as_str()?.strip_prefix("superoffice.Person/")?.split(' ').next()?;
        Some((id.to_string(), phone["back_to"].clone(), other.to_string()))
    });
    let (user, back_to, person) =
        back.unwrap_or_else(|| panic!("no phone was overwritten there: {undone:#}"));
    // Something else about it is decided in between: that does not take the place of what a person
    // asked for.
    world.sandbox.edit("superoffice", "Person", &person, &json!({"Firstname": "Solveig"})).unwrap();
    world.lockstep(&["sync"]);
    let phone = || world.sandbox.record("zendesk", "users", &user).unwrap()["phone"].clone();
    assert_ne!(phone(), back_to);
    world.sandbox.clear_faults("zendesk").unwrap();
    world.lockstep(&["retry", "--all"]);
    assert_eq!(phone(), back_to);
    world.lockstep(&["sync"]);
    assert_eq!(phone(), back_to);
    let person = world.sandbox.record("superoffice", "Person", &person).unwrap();
    assert!(
        person["PrivatePhones"].to_string().contains(back_to.as_str().unwrap()),
        "it has travelled on: {person:#}"
    );
}
