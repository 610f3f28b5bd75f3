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

/// Two linked people with these lists, kept in step by this row.
fn two_people(row: &str, tags: &str, labels: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("lockstep.yaml"), PROJECT);
    write(
        &dir.path().join("flows.yaml"),
        &FLOWS.replace("{ row: tags <-> labels, list: each }", row),
    );
    lists(dir.path(), tags, labels);
    dir
}

fn lists(dir: &std::path::Path, tags: &str, labels: &str) {
    let line = |tags| format!("{{\"id\":\"1\",\"mail\":\"ase@example.com\",{tags}}}\n");
    write(&dir.join("crm/People.jsonl"), &line(format!("\"tags\":{tags}")));
    write(&dir.join("shop/Customers.jsonl"), &line(format!("\"labels\":{labels}")));
}

#[test]
fn p1_p11_a_row_that_is_new_holds_for_who_is_linked_already() {
    let dir = two_people("note <-> note", r#"["x","a"]"#, r#"["x","b"]"#);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    write(&dir.join("flows.yaml"), FLOWS);
    lockstep(dir, &["sync"]).exits(0).says("2 records written.");
    assert!(read(&dir.join("crm/People.jsonl")).contains(r#"["x","a","b"]"#));
    assert!(read(&dir.join("shop/Customers.jsonl")).contains(r#"["x","b","a"]"#));
    lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
}

#[test]
fn g7_a_merge_that_is_taken_back_takes_out_nothing_that_people_put_in() {
    let dir = two_people("{ row: tags <-> labels, list: each }", r#"["x"]"#, r#"["x"]"#);
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    lists(dir, r#"["x","gold"]"#, r#"["x","fair"]"#);
    lockstep(dir, &["sync"]).exits(0).says("2 records written.");
    lockstep(dir, &["undo", "2", "--yes"]).exits(0).says("come and go one by one");
    for _ in 0..2 {
        lockstep(dir, &["sync"]).exits(0).says("Nothing was written.");
        assert!(read(&dir.join("crm/People.jsonl")).contains(r#"["x","gold"]"#));
        assert!(read(&dir.join("shop/Customers.jsonl")).contains(r#"["x","fair"]"#));
    }
}
