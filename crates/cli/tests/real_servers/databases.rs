//! Tables of people and companies, kept in step with Zendesk's users and organizations.

use lockstep_sandbox::Options;
use serde_json::json;

use crate::kit::{World, shown};
use crate::lab::{Lab, Way};
use lockstep_hub::report::Event;

const FLOWS: &str = "
flows:
  - from: shop.companies
    to: zendesk.Organizations
    create: always
    match: [name = name]
    properties: [name <-> name]
  - from: zendesk.Organizations
    to: shop.companies
    create: always
    match: [name = name]
    properties: [name <-> name]
  - from: shop.people
    to: zendesk.Users
    create: always
    match: [email = email]
    properties: &people
      - email <-> email
      - name <-> name
      - phone <-> phone
      - company_id <-> organization_id
  - from: zendesk.Users
    to: shop.people
    create: always
    match: [email = email]
    properties:
      - email <-> email
      - name <-> name
      - phone <-> phone
      - organization_id <-> company_id
";

fn project(lab: &Lab, settings: &str) -> World {
    let systems = format!(
        "store: sqlite:lockstep.db\nsystems:\n  shop:\n    connector: sql\n    with:\n      url: \"{}\"\n{settings}  zendesk:\n    connector: zendesk\n    \
         with: {{ base_url: \"${{ZENDESK_URL}}\", email: \"${{ZENDESK_EMAIL}}\", api_token: \"${{ZENDESK_API_TOKEN}}\", rate_per_second: 1000 }}\n\
         flows: [flows/*.yaml]\n",
        lab.url
    );
    World::of_files(
        &[("lockstep.yaml", systems), ("flows/shop.yaml", FLOWS.replace("&people", ""))],
        Options::empty(),
    )
}

fn furnish(lab: &Lab) {
    let drawn = lab.word(
        "INTEGER PRIMARY KEY",
        "bigserial PRIMARY KEY",
        "bigint AUTO_INCREMENT PRIMARY KEY",
    );
    let moment = lab.word("DATETIME", "timestamptz", "datetime(6)");
    lab.run(&format!(
        "CREATE TABLE companies (id varchar(36) PRIMARY KEY, name varchar(60) NOT NULL);\n
         CREATE TABLE people (id {drawn}, email varchar(60) NOT NULL UNIQUE, name varchar(20) CHECK (name <> 'Forbidden'), phone varchar(30),
           company_id varchar(36), changed {moment}, FOREIGN KEY (company_id) REFERENCES companies (id));\n
         INSERT INTO companies VALUES ('f', 'Fjord AS');\n
         INSERT INTO people (email, name, phone, company_id) VALUES ('Ase@Example.no', 'Åse', NULL, NULL), ('bjorn@example.no', 'Bjørn', '22 33 44 55', 'f');\n"
    ));
}

/// An edit by somebody who notes the time, as the column asks.
fn edit(lab: &Lab, set: &str, email: &str) {
    std::thread::sleep(std::time::Duration::from_millis(5));
    let now =
        lab.word("strftime('%Y-%m-%d %H:%M:%f', 'now')", "clock_timestamp()", "utc_timestamp(6)");
    lab.run(&format!("UPDATE people SET {set}, changed = {now} WHERE lower(email) = '{email}'"));
    std::thread::sleep(std::time::Duration::from_millis(5));
}

fn everything(lab: &Lab) -> Vec<String> {
    let mut all =
        lab.rows("SELECT id, email, name, phone, company_id, changed FROM people ORDER BY id");
    all.extend(lab.rows("SELECT id, name FROM companies ORDER BY id"));
    all
}

/// P4: nothing is written on either side, as report, emulator and tables tell.
fn idle(world: &mut World, lab: &Lab) {
    let before = everything(lab);
    world.idle();
    assert_eq!(everything(lab), before, "P4: an idle run changed a table");
}

fn of(lab: &Lab, column: &str, email: &str) -> String {
    let rows = lab.rows(&format!("SELECT {column} FROM people WHERE lower(email) = '{email}'"));
    assert_eq!(rows.len(), 1, "{email}: {rows:?}");
    rows[0].clone()
}

fn kept_in_step(lab: &Lab, settings: &str) -> World {
    furnish(lab);
    let mut world = project(lab, settings);
    let here = world.put("zendesk", "organizations", json!({"name": "Topp ASA"}));
    let ase = world.put(
        "zendesk",
        "users",
        json!({"name": "Åse Nes", "email": "ase@example.no", "phone": "90 00 00 01"}),
    );
    world.put(
        "zendesk",
        "users",
        json!({"name": "Cato", "email": "cato@example.no", "organization_id": here.parse::<u64>().unwrap()}),
    );

    // Linked by the address in whatever case (L2); the rest is created, complete and with its
    // references (C1, P8).
    let report = world.run_smoothly();
    // Zendesk has the owner of the API key as a user of its own.
    assert_eq!(lab.rows("SELECT count(*) FROM people"), ["4"], "{}", shown(&report));
    assert_eq!(lab.rows("SELECT name FROM companies ORDER BY name"), ["Fjord AS", "Topp ASA"]);
    let cato =
        lab.rows("SELECT p.name, c.name FROM people p JOIN companies c ON c.id = p.company_id WHERE p.email = 'cato@example.no'");
    assert_eq!(cato, ["Cato|Topp ASA"], "P8: the reference leads to the linked company");
    assert_eq!(of(lab, "phone", "ase@example.no"), "90 00 00 01", "P2: a value beats an empty one");
    let (bjorn, there) = world.one("zendesk", "users", "/email", "bjorn@example.no");
    let (fjord, _) = world.one("zendesk", "organizations", "/name", "Fjord AS");
    assert_eq!(there["organization_id"].to_string(), fjord);
    assert_eq!(
        (there["name"].as_str(), there["phone"].as_str()),
        (Some("Bjørn"), Some("22 33 44 55"))
    );
    idle(&mut world, lab);

    // An edit on either side is carried to the other, and an emptied property too.
    edit(lab, "phone = '22 00 00 00', name = 'Bjørn B'", "bjorn@example.no");
    world.edit(
        "zendesk",
        "users",
        &ase,
        json!({"name": "Åse Ness", "organization_id": fjord.parse::<u64>().unwrap()}),
    );
    world.run_smoothly();
    let there = world.record("zendesk", "users", &bjorn);
    assert_eq!(
        (there["name"].as_str(), there["phone"].as_str()),
        (Some("Bjørn B"), Some("22 00 00 00"))
    );
    assert_eq!(
        (of(lab, "name", "ase@example.no"), of(lab, "company_id", "ase@example.no")),
        ("Åse Ness".into(), "f".into())
    );
    idle(&mut world, lab);
    edit(lab, "company_id = NULL, phone = ''", "ase@example.no");
    world.run_smoothly();
    let there = world.record("zendesk", "users", &ase);
    assert!(
        there["organization_id"].is_null()
            && there["phone"].as_str().unwrap_or_default().is_empty(),
        "P2: {there}"
    );
    idle(&mut world, lab);

    // P1: both sides were edited; the later edit of each property holds.
    edit(lab, "name = 'Earlier', phone = '1'", "bjorn@example.no");
    // Zendesk tells whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    world.edit("zendesk", "users", &bjorn, json!({"name": "Later"}));
    world.run_smoothly();
    if settings.is_empty() {
        // Without the time of change a row was edited when it was seen.
        assert_eq!(world.record("zendesk", "users", &bjorn)["name"], "Earlier");
    } else {
        assert_eq!(of(lab, "name", "bjorn@example.no"), "Later");
    }
    assert_eq!(
        world.record("zendesk", "users", &bjorn)["phone"],
        "1",
        "the other property's only edit is not lost"
    );
    idle(&mut world, lab);

    // L4: a link stays when its match values differ, and the changed address is carried.
    edit(lab, "email = 'bjorn.b@example.org'", "bjorn@example.no");
    world.run_smoothly();
    assert_eq!(world.record("zendesk", "users", &bjorn)["email"], "bjorn.b@example.org");
    idle(&mut world, lab);

    // D1: what is deleted is not created anew, and the other stays.
    lab.run("DELETE FROM people WHERE email = 'cato@example.no'");
    world.run_full();
    assert_eq!(lab.rows("SELECT count(*) FROM people"), ["3"]);
    assert_eq!(
        world
            .records("zendesk", "users")
            .iter()
            .filter(|user| user["email"] == "cato@example.no")
            .count(),
        1
    );
    idle(&mut world, lab);

    // L6: two companies of one name, one organization: nothing is linked or written, a person is
    // asked.
    lab.run("INSERT INTO companies VALUES ('d1', 'Dobbel AS'), ('d2', 'Dobbel AS')");
    world.put("zendesk", "organizations", json!({"name": "Dobbel AS"}));
    let report = world.run();
    assert!(report.needs_a_person(), "{}", shown(&report));
    assert_eq!(lab.rows("SELECT count(*) FROM companies WHERE name = 'Dobbel AS'"), ["2"]);
    assert_eq!(
        world
            .records("zendesk", "organizations")
            .iter()
            .filter(|company| company["name"] == "Dobbel AS")
            .count(),
        1
    );

    // G4: what the database refuses waits with its words; the rest of the record is written.
    let name = lab.word(
        "Forbidden",
        "A name that is longer than twenty letters",
        "A name that is longer than twenty letters",
    );
    world.edit("zendesk", "users", &ase, json!({"name": name, "phone": "90 00 00 02"}));
    let report = world.run();
    assert_eq!(of(lab, "phone", "ase@example.no"), "90 00 00 02", "{}", shown(&report));
    assert_eq!(of(lab, "name", "ase@example.no"), "Åse Ness");
    let refused = |event: &Event| matches!(event, Event::Refused { message, .. } if message.contains("`name`"));
    assert!(report.events.iter().any(refused), "{}", shown(&report));
    let before = everything(lab);
    let (report, writes) = (world.run(), world.sandbox.writes());
    assert_eq!((report.writes(), everything(lab)), (0, before), "P4: {}", shown(&report));
    world.run();
    assert_eq!(world.sandbox.writes(), writes);
    world
}

/// The server is stopped: the system pauses alone, the edit that is for it waits, and is carried
/// when the server is back.
fn down_and_up_again(lab: &mut Lab, mut world: World) {
    let (Way::Postgres(server) | Way::Mariadb(server)) = &mut lab.way else { return };
    server.stop();
    let (bjorn, _) = world.one("zendesk", "users", "/email", "bjorn.b@example.org");
    world.edit("zendesk", "users", &bjorn, json!({"phone": "99 99 99 99"}));
    let report = world.run();
    assert!(report.unreachable(), "{}", shown(&report));
    let (Way::Postgres(server) | Way::Mariadb(server)) = &mut lab.way else { return };
    server.start_again();
    let report = world.run();
    assert_eq!(of(lab, "phone", "bjorn.b@example.org"), "99 99 99 99", "{}", shown(&report));
    idle_but_for_people(&mut world, lab);
}

fn idle_but_for_people(world: &mut World, lab: &Lab) {
    let before = everything(lab);
    assert_eq!(world.run().writes(), 0, "P4");
    assert_eq!(everything(lab), before);
}

#[test]
fn tables_of_a_sqlite_file_read_by_the_time_of_change() {
    kept_in_step(&Lab::sqlite(), "      modified: changed\n");
}

#[test]
fn tables_of_a_sqlite_file_compared_whole() {
    kept_in_step(&Lab::sqlite(), "");
}

#[test]
fn tables_of_postgresql() {
    if let Some(mut lab) = Lab::postgres() {
        let world = kept_in_step(&lab, "      modified: changed\n");
        down_and_up_again(&mut lab, world);
    }
}

#[test]
fn tables_of_mariadb() {
    if let Some(mut lab) = Lab::mariadb() {
        let world = kept_in_step(&lab, "      modified: changed\n");
        down_and_up_again(&mut lab, world);
    }
}
