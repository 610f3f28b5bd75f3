//! L2, R7, R8: large numbers as ids, whose country telephone numbers name, a database that is
//! locked.

use std::path::Path;

use serde_json::json;

use crate::transcript::{lockstep, put, read, rows, write};

/// Two folders, with what stands in `lockstep.yaml` and in the flow.
fn project(crm: &str, shop: &str, whole: &str, flow: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("systems:\n  crm: {crm}\n  shop: {shop}\n{whole}\nflows: [flows.yaml]\n");
    write(&dir.path().join("lockstep.yaml"), &text);
    write(&dir.path().join("flows.yaml"), &format!("flows:\n  - {{ {flow} }}\n"));
    dir
}

const CRM: &str = "{ connector: files, with: { folder: crm } }";
const SHOP: &str = "{ connector: files, with: { folder: shop } }";

/// Two people whose ids are one to whoever reads them as binary fractions.
fn are_two_people(dir: &Path, edit: &dyn Fn()) {
    let flow = "from: crm.People, to: shop.Customers, create: always, match: [mail = mail], properties: [mail <-> mail, name <-> name, $id -> number]";
    write(&dir.join("flows.yaml"), &format!("flows:\n  - {{ {flow} }}\n"));
    put(dir, "shop/Customers.jsonl", &[]);
    lockstep(dir, &["sync"]).exits(0).says("2 created");
    edit();
    lockstep(dir, &["sync"]).exits(0).says("1 record written.");
    let mut shop = rows(dir, "shop/Customers.jsonl");
    shop.sort_by_key(|row| row["mail"].to_string());
    let names: Vec<_> = shop.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, [&json!("Åse Berg"), &json!("Bo")]);
    let numbers = shop.iter().map(|row| row["number"].to_string().replace('"', ""));
    assert_eq!(numbers.collect::<Vec<_>>(), ["9007199254740993", "9007199254740992"]);
}

#[test]
fn r7_two_large_numbers_are_two_ids_in_files_and_in_a_database() {
    let dir = project(CRM, SHOP, "", "");
    let dir = dir.path();
    let csv = |name: &str| {
        format!(
            "id,mail,name\n9007199254740992,bo@example.com,Bo\n9007199254740993,ase@example.com,{name}\n"
        )
    };
    write(&dir.join("crm/People.csv"), &csv("Åse"));
    are_two_people(dir, &|| write(&dir.join("crm/People.csv"), &csv("Åse Berg")));

    let dir = project(CRM, SHOP, "", "");
    let dir = dir.path();
    let lines = |name: &str| {
        [
            json!({"id": 9007199254740992_i64, "mail": "bo@example.com", "name": "Bo"}),
            json!({"id": 9007199254740993_i64, "mail": "ase@example.com", "name": name}),
        ]
    };
    put(dir, "crm/People.jsonl", &lines("Åse"));
    are_two_people(dir, &|| put(dir, "crm/People.jsonl", &lines("Åse Berg")));

    let dir = project("{ connector: sql, with: { url: \"sqlite:crm.db\" } }", SHOP, "", "");
    let dir = dir.path();
    let db = rusqlite::Connection::open(dir.join("crm.db")).unwrap();
    db.execute_batch(
        "create table People (id integer primary key, mail text, name text);
         insert into People values (9007199254740992, 'bo@example.com', 'Bo'), (9007199254740993, 'ase@example.com', 'Åse');",
    )
    .unwrap();
    are_two_people(dir, &|| {
        db.execute("update People set name = 'Åse Berg' where id = 9007199254740993", []).unwrap();
    });
}

#[test]
fn l2_numbers_without_a_country_are_those_of_the_region_that_is_nearest() {
    let swedish = "{ connector: files, region: SE, with: { folder: crm } }";
    let flow = "from: crm.People, to: shop.Customers, match: [telefon = phone], properties: [name -> name]";
    let in_flow = format!("{flow}, region: SE");
    for (crm, whole, flow, linked) in [
        (CRM, "region: SE", flow, true),
        (CRM, "region: \"NO\"", flow, false),
        (CRM, "", flow, false),
        (swedish, "region: \"NO\"", flow, true),
        (CRM, "region: \"NO\"", &in_flow, true),
    ] {
        let dir = project(crm, SHOP, whole, flow);
        let dir = dir.path();
        write(&dir.join("crm/People.csv"), "id,name,telefon\n1,Åse Berg,070-123 45 67\n");
        write(&dir.join("shop/Customers.csv"), "id,name,phone\n7,,+46701234567\n");
        lockstep(dir, &["sync"]).exits(0);
        let shop = read(&dir.join("shop/Customers.csv"));
        assert_eq!(shop.contains("Åse Berg"), linked, "{crm} {whole} {flow}");
    }
}

#[test]
fn r8_a_database_that_is_locked_at_the_first_run_pauses_alone() {
    let dir = project(
        "{ connector: sql, with: { url: \"sqlite:crm.db\" } }",
        SHOP,
        "  web: { connector: files, with: { folder: web } }",
        "",
    );
    let dir = dir.path();
    write(
        &dir.join("flows.yaml"),
        "flows:\n  - { from: crm.People, to: shop.Customers, create: always, match: [mail = mail], properties: [mail <-> mail] }\n  - { from: web.Users, to: shop.Accounts, create: always, match: [mail = mail], properties: [mail <-> mail] }\n",
    );
    let db = rusqlite::Connection::open(dir.join("crm.db")).unwrap();
    db.execute_batch("create table People (id integer primary key, mail text); insert into People values (1, 'bo@example.com');")
        .unwrap();
    put(dir, "web/Users.jsonl", &[json!({"id": 1, "mail": "ase@example.com"})]);
    put(dir, "shop/Customers.jsonl", &[]);
    put(dir, "shop/Accounts.jsonl", &[]);
    db.execute_batch("begin exclusive").unwrap();
    lockstep(dir, &["sync"]).exits(3).says("locked");
    assert_eq!(rows(dir, "shop/Accounts.jsonl").len(), 1, "the rest runs");
    lockstep(dir, &["status"]).says("locked");
    db.execute_batch("commit").unwrap();
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(rows(dir, "shop/Customers.jsonl").len(), 1);
}

#[test]
fn l2_a_number_is_linked_with_the_text_that_writes_it() {
    let flow = "from: crm.People, to: shop.Customers, create: both, match: [no = num], properties: [name <-> name, no <-> num]";
    for (number, text) in [
        (json!(150), "150.0"),
        (json!(12.5), "12.50"),
        (json!(1000), "1e3"),
        (json!("1e3"), "1e3"),
        (json!(22000001), "22000001.00"),
    ] {
        let dir = project(CRM, SHOP, "region: \"NO\"", flow);
        let dir = dir.path();
        put(dir, "crm/People.jsonl", &[json!({"id": 1, "name": "Bo", "no": number})]);
        put(dir, "shop/Customers.jsonl", &[json!({"id": "a", "name": "Bo", "num": text})]);
        let ran = lockstep(dir, &["sync"]).exits(0).says("1 linked").says("Nothing was written.");
        assert_eq!(rows(dir, "shop/Customers.jsonl").len(), 1, "{ran}");
        assert_eq!(rows(dir, "shop/Customers.jsonl")[0]["num"], json!(text), "{ran}");
    }
    // Two texts are two texts.
    let dir = project(CRM, SHOP, "", flow);
    let dir = dir.path();
    put(dir, "crm/People.jsonl", &[json!({"id": 1, "name": "Bo", "no": "007"})]);
    put(dir, "shop/Customers.jsonl", &[json!({"id": "a", "name": "Bo", "num": "7.0"})]);
    lockstep(dir, &["sync"]).exits(0).says("2 records written.");
}

#[test]
fn l2_the_number_of_a_column_is_linked_with_the_text_of_a_cell() {
    let flow = "from: crm.c, to: shop.C, create: always, match: [no = no], properties: [name <-> name, no <-> no]";
    let comma = "{ connector: files, with: { folder: shop, tables: { C: { decimal: \",\" } } } }";
    for (column, value, shop, cell) in [
        ("integer", "7", SHOP, "7.0"),
        ("decimal(10,2)", "'7'", SHOP, "7.00"),
        ("decimal(10,2)", "'7.50'", SHOP, "7.50"),
        ("real", "7.5", comma, "\"7,50\""),
    ] {
        let crm = "{ connector: sql, with: { url: \"sqlite:crm.db\" } }";
        let dir = project(crm, shop, "", flow);
        let dir = dir.path();
        let db = rusqlite::Connection::open(dir.join("crm.db")).unwrap();
        db.execute_batch(&format!(
            "create table c (id integer primary key, name text, no {column}); insert into c values (1, 'Bo', {value});"
        ))
        .unwrap();
        write(&dir.join("shop/C.csv"), &format!("id,name,no\n1,Bo,{cell}\n"));
        lockstep(dir, &["sync"]).exits(0).says("1 linked").says("Nothing was written.");
        let shop = read(&dir.join("shop/C.csv"));
        assert_eq!(shop, format!("id,name,no\n1,Bo,{cell}\n"), "{column}");
    }
}

#[test]
fn l2_the_keys_of_a_store_of_an_earlier_version_are_made_anew() {
    let flow =
        "from: crm.People, to: shop.Customers, match: [no = num], properties: [name <-> name]";
    let dir = project(CRM, SHOP, "", flow);
    let dir = dir.path();
    put(dir, "crm/People.jsonl", &[json!({"id": 1, "name": "Bo", "no": 12.5})]);
    put(dir, "shop/Customers.jsonl", &[json!({"id": "b", "name": "Åse", "num": "8"})]);
    lockstep(dir, &["sync"]).exits(0);
    // The store as a version left it that had other keys.
    let store = rusqlite::Connection::open(dir.join("lockstep.db")).unwrap();
    let keys = store.execute("delete from keys", []).unwrap();
    let types = store.execute("update record_types set fingerprint = 1", []).unwrap();
    assert!(keys > 0 && types == 2);
    drop(store);
    put(
        dir,
        "shop/Customers.jsonl",
        &[
            json!({"id": "b", "name": "Åse", "num": "8"}),
            json!({"id": "a", "name": "Bo", "num": "12.50"}),
        ],
    );
    lockstep(dir, &["sync"]).exits(0).says("1 linked");
}

#[test]
fn p1_a_plan_says_which_policy_or_constant_of_the_flow_decides() {
    let rows = [
        "{ row: phone <-> phone, prefer: [shop, crm] }",
        "{ row: credit <-> credit, only_from: crm }",
        "{ row: out <-> no_mail, wins: true }",
        "{ row: trade <-> trade, default: Unknown }",
        "{ set: managed_by, to: lockstep, on: always }",
    ];
    let flow = format!(
        "from: crm.People, to: shop.Customers, create: always, match: [mail = mail], properties: [mail <-> mail, {}]",
        rows.join(", ")
    );
    let dir = project(CRM, SHOP, "", &flow);
    let dir = dir.path();
    let crm =
        json!({"id": "1", "mail": "ase@example.com", "phone": "1", "credit": 100, "out": false});
    let new = json!({"id": "2", "mail": "bo@example.com", "phone": "3"});
    put(dir, "crm/People.jsonl", &[crm, new]);
    let shop =
        json!({"id": "a", "mail": "ase@example.com", "phone": "2", "credit": 900, "no_mail": true});
    put(dir, "shop/Customers.jsonl", &[shop]);
    let said = [
        "phone “1” → “2” (P1: `prefer: [shop, crm]` says that the first of these systems that has a value wins)",
        "credit 900 → 100 (P1: `only_from: crm` says that only what is put in there counts)",
        "out false → true (P1: `wins: true` says that yes wins over no, whoever put it there and when)",
        "trade nothing → “Unknown” (P1: the flow puts this in where there is no value)",
        "managed_by nothing → “lockstep” (P2: the flow puts in this constant (`set`))",
        "trade “Unknown” (the flow puts this in where there is no value)",
    ];
    let plan = lockstep(dir, &["plan"]).exits(0);
    said.iter().fold(plan, |plan, said| plan.says(said));
    lockstep(dir, &["plan", "--format", "csv"])
        .says("`only_from: crm` says that only what is put in there counts");
    let json = lockstep(dir, &["plan", "--format", "json"]).exits(0).stdout.replace(' ', "");
    assert!(json.contains("\"reason\":\"policy\"") && json.contains("\"reason\":\"flow\""));
    let run = lockstep(dir, &["sync"]).exits(0);
    said.iter().fold(run, |run, said| run.says(said));
}
