//! `lockstep advise`: by what two record types could be matched, from the records that are there.

use std::collections::BTreeMap;

use crate::transcript::{contents, example, lockstep, write};
use lockstep_sandbox::{Options, Sandbox};

fn folders(people: &str, customers: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    write(&dir.path().join("data/crm/People.jsonl"), people);
    write(&dir.path().join("data/shop/Customers.jsonl"), customers);
    dir
}

const PEOPLE: &str = r#"{"id":"1","name":"Solveig Aas","email":"solveig@example.com","town":"Bergen"}
{"id":"2","name":"Torbjørn Lie","email":"torbjorn@example.com","town":"Oslo"}
{"id":"3","name":"Ida Moe","email":"info@example.org","town":"Oslo"}
{"id":"4","name":"Per Moe","email":"INFO@example.org","town":"Bergen"}
{"id":"5","name":"Nils Ness","email":"","town":"Oslo"}
"#;
const CUSTOMERS: &str = r#"{"id":"a","who":"Solveig Aas","contact":"Solveig@Example.com","place":"Bergen"}
{"id":"b","who":"Torbjørn Lie","contact":"torbjorn@example.com ","place":"Oslo"}
{"id":"c","who":"Nils Ness","contact":"nils@example.com","place":"Oslo"}
{"id":"d","who":"Ida Moe","contact":"info@example.org","place":"Oslo"}
"#;

#[test]
fn candidates_are_found_by_their_values_and_the_flow_can_be_pasted() {
    let dir = folders(PEOPLE, CUSTOMERS);
    let before = contents(dir.path());
    let ran = lockstep(dir.path(), &["advise", "crm.People", "shop.Customers", "--format", "json"])
        .exits(0)
        .json();
    // Nothing is written, and nothing stored, but what the connector of files has seen of each
    // folder: which files it had, so that one that is taken away is missed (R8), and the largest
    // number that was an id, so that it is not given again (R9).
    let seen = dir.path().join(".lockstep");
    let (remembered, after): (BTreeMap<_, _>, BTreeMap<_, _>) = contents(dir.path())
        .into_iter()
        .partition(|(path, _)| path.parent() == Some(seen.as_path()));
    assert!(after == before, "nothing is written, and nothing stored");
    let of = |what: &str| {
        remembered
            .keys()
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(what))
            .count()
    };
    let (files, numbers) = (of("files-"), of("numbers-"));
    assert_eq!(
        (files, numbers, remembered.len()),
        (2, 1, 3),
        "of two folders, one with numbers: {:?}",
        remembered.keys()
    );
    let candidates = ran["candidates"].as_array().unwrap();
    let mail = candidates
        .iter()
        .find(|c| c["from"]["path"] == "email" && c["to"]["path"] == "contact")
        .expect("by value, not by name");
    // L2: case and white space; L6: two people with one address match one customer, so both are
    // asked about.
    assert_eq!(
        (mail["overlap"].as_u64(), mail["would_link"].as_u64()),
        (Some(3), Some(2)),
        "{mail}"
    );
    assert_eq!(
        (mail["would_ask"].as_u64(), mail["would_create"].as_u64()),
        (Some(2), Some(1)),
        "{mail}"
    );
    assert_eq!(
        (mail["from"]["collisions"].as_u64(), mail["from"]["shared_addresses"].as_u64()),
        (Some(2), Some(2)),
        "{mail}"
    );
    assert_eq!(
        (mail["from"]["filled"].as_u64(), mail["from"]["distinct"].as_u64()),
        (Some(4), Some(3)),
        "{mail}"
    );
    let name = candidates.iter().find(|c| c["from"]["path"] == "name").unwrap();
    assert_eq!(
        (name["would_link"].as_u64(), name["proposed"].as_bool()),
        (Some(4), Some(true)),
        "{name}"
    );
    let town = candidates.iter().find(|c| c["from"]["path"] == "town").unwrap();
    assert_eq!(town["proposed"].as_bool(), Some(false), "a town is no key: {town}");

    // What it proposes is a flow that checks and plans.
    let yaml = ran["yaml"].as_str().unwrap();
    assert!(yaml.contains("- name = who") && yaml.contains("town <-> place"), "{yaml}");
    write(&dir.path().join("flows/people.yaml"), &format!("flows:\n{yaml}"));
    lockstep(dir.path(), &["check"]).exits(0);
    lockstep(dir.path(), &["plan"]).says("4 to link");
}

/// What it proposes beside plain rows is seen from the values, told with how many records agree, and
/// can be pasted as it stands.
#[test]
fn rows_of_other_forms_are_seen_from_the_values_of_linked_records() {
    let places = [
        ("Norway", "NO", "5003", "Bergen"),
        ("Norway", "NO", "0150", "Oslo"),
        ("Denmark", "DK", "1050", "København"),
    ];
    let (mut people, mut customers) = (String::new(), String::new());
    for n in 0..12_usize {
        let (country, code, zip, town) = places[n % 3];
        let (first, last) = (["Solveig", "Odd", "Ida", "Per"][n % 4], ["Aas", "Lie", "Moe"][n % 3]);
        // One that is not as the others are.
        let code = if n == 10 { "SE" } else { code };
        // And one that is found by its telephone number alone.
        let mail = if n == 11 { String::new() } else { format!("p{n}@example.com") };
        people += &format!(
            "{{\"id\":\"{n}\",\"ring\":\"(22) 00-00-{n:02}\",\"E-post\":\"{mail}\",\"full\":\"{first} {last}\",\
             \"country\":\"{country}\",\"limit\":{}.5,\"street\":\"Storgata {n}\",\"zip\":\"{zip}\",\"town\":\"{town}\",\
             \"tags\":[\"t{n}\",\"all\"]}}\n",
            n + 1
        );
        customers += &format!(
            "{{\"id\":\"c{n}\",\"nummer\":\"220000{n:02}\",\"contact\":\"{}\",\"given\":\"{first}\",\"family\":\"{last}\",\
             \"code\":\"{code}\",\"cents\":{},\"street\":\"Storgata {n}\",\"postcode\":\"{zip}\",\"city\":\"{town}\",\
             \"labels\":[\"all\",\"t{n}\"]}}\n",
            mail.to_uppercase(),
            n * 100 + 150
        );
    }
    let dir = folders(&people, &customers);
    let ran = lockstep(dir.path(), &["advise", "crm.People", "shop.Customers", "--format", "json"])
        .exits(0)
        .json();
    let yaml = ran["yaml"].as_str().unwrap();
    for said in [
        "      - { match: ring = nummer, as: phone }    # finds 1 more\n",
        "      - { row: ring <-> nummer, as: phone }    # the same in 11 of 11\n",
        "      - { row: country <-> code, map: { Norway: \"NO\", Denmark: DK } }    # holds in 10 of 11\n",
        "      - { row: full <-> given, type: [\"first\",[\"split\",\" \",\"_.\"]] }    # holds in 11 of 11\n",
        "      - { row: full <-> family, type: [\"last\",[\"split\",\" \",\"_.\"]] }    # holds in 11 of 11\n",
        "      - { row: limit <-> cents, type: [\"multiply\",100,\"_.\"] }    # holds in 11 of 11\n",
        "      - { row: tags <-> labels, list: each }    # holds in 11 of 11\n",
        "      - group: address    # all the same in 11 of 11\n        rows:\n",
        "          - zip <-> postcode    # the same in 11 of 11\n",
    ] {
        assert!(yaml.contains(said), "{said}\n{yaml}");
    }
    assert!(ran["forms"].as_array().unwrap().iter().any(|form| form["form"] == "group"), "{ran}");
    write(&dir.path().join("flows/people.yaml"), &format!("flows:\n{yaml}"));
    lockstep(dir.path(), &["check"]).exits(0);
    lockstep(dir.path(), &["plan"]).says("12 to link").says("crm.People/11").says("code");
}

#[test]
fn what_another_row_would_find_is_told_as_created_twice() {
    let people = "{\"id\":\"1\",\"email\":\"a@example.com\",\"number\":\"x1\"}\n{\"id\":\"2\",\"email\":\"b@example.com\",\"number\":\"x2\"}\n";
    let customers = "{\"id\":\"1\",\"mail\":\"a@example.com\",\"code\":\"\"}\n{\"id\":\"2\",\"mail\":\"\",\"code\":\"X2\"}\n";
    let dir = folders(people, customers);
    let ran = lockstep(dir.path(), &["advise", "crm.People", "shop.Customers"]).exits(0);
    let ran = ran.says("would create 1, of which 1 would be there twice: another row finds them");
    ran.says("      - email = mail\n      - number = code    # finds 1 more\n");
}

#[test]
fn the_sandbox_s_people_are_matched_by_their_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(Options { rate_scale: 0.0, ..Options::default() }).unwrap();
    example(dir.path(), &sandbox, &[]);
    let ran = lockstep(dir.path(), &["advise", "superoffice.Person", "wix.Contacts"]).exits(0);
    ran.says("* Emails.Value = info.emails.email")
        .says("    match:\n      - Emails.Value = info.emails.email\n")
        .says("shared addresses");
}

#[test]
fn slips_and_dead_hosts_have_their_exit_status() {
    let dir = folders(PEOPLE, CUSTOMERS);
    let wrong = lockstep(dir.path(), &["advise", "crm.Peple", "shop.Customers"]).exits(2);
    assert!(wrong.stderr.contains("crm.People"), "{}", wrong.stderr);
    lockstep(dir.path(), &["advise", "People", "shop.Customers"]).exits(2);
    lockstep(dir.path(), &["advise", "cmr.People", "shop.Customers"]).exits(2);
    // Flows that are not right yet are no hindrance: they are what advice is asked for.
    write(&dir.path().join("flows/people.yaml"), "flows: [{ from: nowhere.People }]\n");
    lockstep(dir.path(), &["advise", "crm.People", "shop.Customers"]).exits(0);

    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(Options { rate_scale: 0.0, ..Options::default() }).unwrap();
    example(dir.path(), &sandbox, &[("WIX_URL", "http://127.0.0.1:1")]);
    lockstep(dir.path(), &["advise", "superoffice.Person", "wix.Contacts"]).exits(3);
}

/// L2: a number that names no country is one of the system's, as a run takes it.
#[test]
fn l2_numbers_are_compared_by_the_region_of_their_system() {
    let (mut people, mut customers) = (String::new(), String::new());
    for n in 0..12 {
        people += &format!("{{\"id\":\"{n}\",\"tlf\":\"22 00 00 {n:02}\",\"navn\":\"N {n}\"}}\n");
        customers +=
            &format!("{{\"id\":\"c{n}\",\"nummer\":\"+47220000{n:02}\",\"who\":\"N {n}\"}}\n");
    }
    let dir = folders(&people, &customers);
    let found = || {
        let ran =
            lockstep(dir.path(), &["advise", "crm.People", "shop.Customers", "--format", "json"]);
        ran.exits(0).json()["yaml"].as_str().unwrap().contains("tlf")
    };
    assert!(!found(), "of no country they are others");
    let project = dir.path().join("lockstep.yaml");
    let text = crate::transcript::read(&project);
    write(&project, &format!("region: \"NO\"\n{text}"));
    assert!(found());
}
