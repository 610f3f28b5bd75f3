//! Lists kept in step by element, end to end: what a run writes, what `explain` says of it, and what
//! is left when it is taken back (P11, G7).

use crate::transcript::{lockstep, read, write};

const PROJECT: &str = "systems:
  crm: { connector: files, with: { folder: crm } }
  shop: { connector: files, with: { folder: shop } }
flows: [flows.yaml]
";

const FLOWS: &str = "flows:
  - from: crm.People
    to: shop.Customers
    create: always
    match: [mail = mail]
    properties:
      - mail <-> mail
      - { row: tags <-> labels, list: each }
";

#[test]
fn g7_a_union_that_is_taken_back_stays_so_and_later_elements_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let person = |tags: &str| {
        let line = format!("{{\"id\":\"1\",\"mail\":\"ase@example.com\",\"tags\":[{tags}]}}\n");
        write(&path("crm/People.jsonl"), &line);
    };
    let holds = |file: &str, tags: &str| {
        let text = read(&path(file));
        assert!(text.contains(&format!("[{tags}]")), "{text}");
    };
    let unchanged = || lockstep(dir.path(), &["sync"]).exits(0).says("Nothing was written.");
    write(&path("lockstep.yaml"), PROJECT);
    write(&path("flows.yaml"), FLOWS);
    person(r#""vip","oslo""#);
    let customer = r#"{"id":"a","mail":"ase@example.com","labels":["vip","own"]}"#;
    write(&path("shop/Customers.jsonl"), &format!("{customer}\n"));
    lockstep(dir.path(), &["sync"]).exits(0).says(r#"["vip","oslo"] → ["vip","oslo","own"] (P11)"#);
    unchanged();
    lockstep(dir.path(), &["explain", "crm.People/1", "tags"])
        .exits(0)
        .says("its elements come and go one by one (P11)")
        .says("What is put into shop.Customers/a labels or taken out there is so here as well");

    lockstep(dir.path(), &["undo", "1", "--yes"]).exits(0);
    holds("crm/People.jsonl", r#""vip","oslo""#);
    holds("shop/Customers.jsonl", r#""vip","own""#);
    unchanged();
    write(&path("flows.yaml"), &FLOWS.replace("    match:", "    deletes: review\n    match:"));
    unchanged();
    person(r#""oslo","new""#);
    lockstep(dir.path(), &["sync"]).exits(0);
    holds("crm/People.jsonl", r#""oslo","new""#);
    holds("shop/Customers.jsonl", r#""own","new""#);
    unchanged();
}
