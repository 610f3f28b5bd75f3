//! `metrics`: printed, or written into a file whole.

use crate::transcript::{lockstep, put, read, write};
use serde_json::json;

#[test]
fn metrics_are_printed_and_written_without_a_system_or_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(
        &dir.join("lockstep.yaml"),
        "systems:\n  crm: { connector: files, with: { folder: crm } }\n  shop: { connector: files, with: { folder: shop } }\nflows: [flows.yaml]\n",
    );
    write(
        &dir.join("flows.yaml"),
        "flows:\n  - from: crm.People\n    to: shop.People\n    create: always\n    match: [mail = mail]\n    properties: [mail <-> mail]\n",
    );
    let person = |n: usize| json!({"id": n, "mail": format!("p{n}@example.com")});
    put(dir, "crm/People.jsonl", &(1..=4).map(person).collect::<Vec<_>>());
    put(dir, "shop/People.jsonl", &[json!({"id": "s", "mail": "p1@example.com"})]);
    lockstep(dir, &["metrics"]).exits(2).says("there is no store");
    lockstep(dir, &["sync"]).exits(0);
    let yaml = read(&dir.join("lockstep.yaml")).replace("folder: shop", "folder: \"${NOWHERE}\"");
    write(&dir.join("lockstep.yaml"), &yaml);
    let printed = lockstep(dir, &["metrics"])
        .exits(0)
        .says("lockstep_records{system=\"shop\",type=\"People\"} 4\n")
        .says("lockstep_links 4\n")
        .says("lockstep_writes_total{system=\"shop\",outcome=\"created\"} 3\n")
        .says("lockstep_runs_total{result=\"done\"} 1\n")
        .says_nothing_of("next_run");
    lockstep(dir, &["metrics", "-o", "lockstep.prom"]).exits(0);
    assert_eq!(read(&dir.join("lockstep.prom")), printed.stdout);
    assert!(!dir.join("lockstep.prom.part").exists());
    lockstep(dir, &["metrics", "-o", "no folder/lockstep.prom"]).exits(2);
}
