//! R8, R9, P1: what is damaged, or shares a number, is nobody's deletion and nobody's overwriting.

use std::path::Path;

use serde_json::{Value, json};

use crate::transcript::{lockstep, put, read, rows, write};

fn project(rows: &str, deletes: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let systems = "systems:\n  crm: { connector: files, with: { folder: crm } }\n  shop: { connector: files, with: { folder: shop } }\nflows: [flows.yaml]\n";
    write(&dir.path().join("lockstep.yaml"), systems);
    let flow = format!(
        "flows:\n  - {{ from: crm.People, to: shop.Customers, create: always, deletes: {deletes}, match: [mail = email], properties: [{rows}] }}\n"
    );
    write(&dir.path().join("flows.yaml"), &flow);
    put(dir.path(), "shop/Customers.jsonl", &[]);
    dir
}

fn csv(dir: &Path, third: &str) {
    let line = |n: usize| format!("{n},N{n},p{n}@example.com\n");
    let lines = (1..=12).map(|n| if n == 3 { third.to_string() } else { line(n) });
    write(&dir.join("crm/People.csv"), &format!("id,name,mail\n{}", lines.collect::<String>()));
}

#[test]
fn r8_a_row_whose_id_is_damaged_is_nobodys_deletion() {
    for damaged in ["3;N3;p3@example.com\n", "3\tN3,p3@example.com\n", "\"3,N3\",p3@example.com\n"]
    {
        let project = project("name <-> name, mail <-> email", "propagate");
        let dir = project.path();
        csv(dir, "3,N3,p3@example.com\n");
        lockstep(dir, &["sync"]).exits(0);
        csv(dir, damaged);
        for _ in 0..2 {
            lockstep(dir, &["sync"]).exits(1).says_nothing_of("delete shop");
            assert_eq!(rows(dir, "shop/Customers.jsonl").len(), 12, "{damaged}");
        }
        // Mended without it, it is gone.
        let whole = read(&dir.join("crm/People.csv")).replace(damaged, "");
        write(&dir.join("crm/People.csv"), &whole);
        lockstep(dir, &["sync"]).exits(0).says("delete shop.Customers");
        assert_eq!(rows(dir, "shop/Customers.jsonl").len(), 11);
    }
}

#[test]
fn r8_check_names_rows_that_a_run_would_leave_alone() {
    let project = project("name <-> name, mail <-> email", "ignore");
    let dir = project.path();
    csv(dir, "3,N3\n");
    lockstep(dir, &["check"])
        .exits(0)
        .says("warning[config::damaged]: 1 row of crm.People can't be read: crm/People.csv:4: ");
    let many: String = (1..=9).map(|n| format!("{n},N{n}\n")).collect();
    write(&dir.join("crm/People.csv"), &format!("id,name,mail\n10,N,n@example.com\n{many}"));
    lockstep(dir, &["check"])
        .says("9 rows of crm.People can't be read: crm/People.csv:3: ")
        .says("; and 6 more rows");
    csv(dir, "3,N3,p3@example.com\n");
    lockstep(dir, &["check"]).exits(0).says_nothing_of("config::damaged");
}

#[test]
fn r9_a_number_that_is_taken_is_no_reason_to_write_over_somebody_else() {
    let project = project("id -> id, mail <-> email, name <-> name", "ignore");
    let dir = project.path();
    let people = [
        json!({"id": 1, "mail": "kari@example.com", "name": "Kari"}),
        json!({"id": 2, "mail": "per@example.com", "name": "Per"}),
    ];
    put(dir, "crm/People.jsonl", &people);
    let ida = json!({"id": 2, "email": "ida@example.com", "name": "Ida"});
    put(dir, "shop/Customers.jsonl", std::slice::from_ref(&ida));
    lockstep(dir, &["sync"]).exits(1);
    let found: Vec<Value> =
        rows(dir, "shop/Customers.jsonl").into_iter().filter(|one| one["id"] == 2).collect();
    assert_eq!(found, [ida], "somebody else was written over");
    lockstep(dir, &["review"]).says("disputed entity");
}

#[test]
fn p1_what_is_put_in_anew_is_not_written_over_with_what_is_gone() {
    let project = project("name <-> name, mail <-> email", "ignore");
    let dir = project.path();
    let person = |id: usize, n: usize, name: &str| json!({"id": id, "mail": format!("p{n}@example.com"), "name": name});
    let all: Vec<Value> = (1..=6).map(|n| person(n, n, "Åse")).collect();
    put(dir, "crm/People.jsonl", &all);
    lockstep(dir, &["sync"]).exits(0);
    put(dir, "crm/People.jsonl", &all[..5]);
    lockstep(dir, &["sync"]).exits(0);
    let mut again = all[..5].to_vec();
    again.push(person(66, 6, "Åse Marie"));
    put(dir, "crm/People.jsonl", &again);
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(rows(dir, "crm/People.jsonl")[5]["name"], json!("Åse Marie"));
    let shop = rows(dir, "shop/Customers.jsonl");
    let found = shop.iter().find(|one| one["email"] == "p6@example.com").unwrap();
    assert_eq!(found["name"], json!("Åse Marie"));
}

#[test]
fn g6_two_systems_on_one_file_are_refused() {
    let project = project("name <-> name, mail <-> mail", "ignore");
    let dir = project.path();
    let systems = "systems:\n  crm: { connector: files, with: { folder: data } }\n  shop: { connector: files, with: { folder: ./data/ } }\nflows: [flows.yaml]\n";
    write(&dir.join("lockstep.yaml"), systems);
    write(
        &dir.join("flows.yaml"),
        "flows:\n  - { from: crm.People, to: shop.People, create: always, match: [mail = mail], properties: [name <-> name] }\n",
    );
    put(dir, "data/People.jsonl", &[json!({"id": 1, "name": "Åse", "mail": ""})]);
    lockstep(dir, &["check"]).exits(2).says("are the same file");
}

#[test]
fn r8_no_zero_byte_is_written_into_a_csv_file() {
    let project = project("name <-> name, mail <-> email", "ignore");
    let dir = project.path();
    std::fs::remove_file(dir.join("shop/Customers.jsonl")).unwrap();
    write(&dir.join("shop/Customers.csv"), "id,name,email\n1,Bo,bo@example.com\n");
    let person =
        |n: usize, name: &str| json!({"id": n, "mail": format!("p{n}@example.com"), "name": name});
    put(dir, "crm/People.jsonl", &[person(1, "Åse"), person(2, "c\u{0}")]);
    lockstep(dir, &["sync"]).exits(1).says("no cell can hold a zero byte");
    assert!(!read(&dir.join("shop/Customers.csv")).contains('\0'));
    lockstep(dir, &["sync"]).exits(1).says_nothing_of("zero bytes");
}

#[test]
fn p3_a_text_takes_the_place_of_no_object_and_mixes_with_none() {
    for (mine, theirs) in [
        (json!("A"), json!({"first": "Q"})),
        (json!(["x"]), json!({"first": "Q"})),
        (json!("x"), json!([{"no": 1}])),
        (json!({"no": 1}), json!(["x"])),
    ] {
        let project = project("tel <-> tel, mail <-> email", "ignore");
        let dir = project.path();
        put(dir, "crm/People.jsonl", &[json!({"id": 1, "mail": "p1@example.com", "tel": mine})]);
        let theirs = json!({"id": 1, "email": "p1@example.com", "tel": theirs});
        put(dir, "shop/Customers.jsonl", std::slice::from_ref(&theirs));
        lockstep(dir, &["sync"]).exits(1).says("unconvertible value");
        assert_eq!(rows(dir, "shop/Customers.jsonl"), [theirs]);
    }
}
