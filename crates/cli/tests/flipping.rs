//! P5 through the command: two systems of which each puts its own value back. Folders of files,
//! each with an automation beside it.

use std::path::Path;

use crate::transcript::{lockstep, read, write};
use serde_json::{Value, json};

const CRM: &str = "data/crm/People.jsonl";
const SHOP: &str = "data/shop/Customers.jsonl";

fn name(dir: &Path, file: &str) -> String {
    let record: Value =
        serde_json::from_str(read(&dir.join(file)).lines().next().unwrap()).unwrap();
    record["name"].as_str().unwrap().to_string()
}

fn rename(dir: &Path, file: &str, name: &str) {
    let mut record: Value =
        serde_json::from_str(read(&dir.join(file)).lines().next().unwrap()).unwrap();
    record["name"] = name.into();
    write(&dir.join(file), &format!("{record}\n"));
}

/// Whatever the other side's name is brought to, each automation brings its own back. Gives how
/// many runs wrote something.
fn automations(dir: &Path, runs: usize) -> usize {
    let mut wrote = 0;
    for _ in 0..runs {
        for (file, own) in [(CRM, "Nordvik AS"), (SHOP, "NORDVIK")] {
            if name(dir, file) == own {
                continue;
            }
            rename(dir, file, own);
            let before = (name(dir, CRM), name(dir, SHOP));
            lockstep(dir, &["sync"]);
            wrote += usize::from(before != (name(dir, CRM), name(dir, SHOP)));
        }
    }
    wrote
}

fn review(dir: &Path) -> Value {
    let all = lockstep(dir, &["review", "--format", "json"]).json();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all:#}");
    assert_eq!((&all[0]["kind"], &all[0]["rule"]), (&json!("flip-flop"), &json!("P5")));
    all[0].clone()
}

#[test]
fn what_each_of_two_systems_puts_back_is_stopped_and_a_person_says_which_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    lockstep(dir, &["init"]).exits(0);
    let mail = "post@nordvik.example";
    write(
        &dir.join(CRM),
        &format!("{}\n", json!({"id": 1, "name": "Nordvik", "email": mail, "phone": "1"})),
    );
    write(
        &dir.join(SHOP),
        &format!("{}\n", json!({"id": "c-1", "name": "Nordvik", "mail": mail, "phone": "1"})),
    );
    lockstep(dir, &["sync"]).exits(0).says("1 linked");
    let wrote = automations(dir, 12);
    assert!((3..=8).contains(&wrote), "{wrote} runs wrote");

    // Whoever edits something else meanwhile is not held up, and nothing more is written to the
    // name.
    let asked = review(dir);
    lockstep(dir, &["sync"]).exits(1).says("flip-flop");
    let number = asked["number"].to_string();
    let shown =
        lockstep(dir, &["review", "show", &number]).exits(1).says("Nordvik AS").says("NORDVIK");
    shown.says("by rule P5").says(&format!("lockstep review separate {number}"));
    assert_eq!(
        (name(dir, CRM), name(dir, SHOP)),
        ("Nordvik AS".into(), "NORDVIK".into()),
        "each as it was put back"
    );

    // They may differ.
    lockstep(dir, &["review", "separate", &number]).exits(0).says("each keeps what it holds");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!((name(dir, CRM), name(dir, SHOP)), ("Nordvik AS".into(), "NORDVIK".into()));
    // A new edit goes everywhere again, and the automations come to the same end.
    rename(dir, CRM, "Nordvik Eiendom");
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(name(dir, SHOP), "Nordvik Eiendom");
    automations(dir, 12);
    let asked = review(dir);

    // One of them is right; the automations have been switched off.
    let number = asked["number"].to_string();
    let (put_back, other) = match asked["record"].as_str().unwrap().starts_with("crm") {
        true => ("Nordvik AS", "NORDVIK"),
        false => ("NORDVIK", "Nordvik AS"),
    };
    lockstep(dir, &["review", "reject", &number]).exits(0).says(other);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(
        (name(dir, CRM).as_str(), name(dir, SHOP).as_str()),
        (other, other),
        "not {put_back}"
    );
    lockstep(dir, &["review"]).exits(0).says("Nothing waits for a person.");
    lockstep(dir, &["explain", asked["record"].as_str().unwrap(), "name"]).exits(0);
}
