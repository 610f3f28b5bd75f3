//! `lockstep verify` as a person types it: the seed documents on emulated systems, a project by
//! what its store has seen, and a project's own systems, which are as they were afterwards.

use crate::transcript;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::transcript::{command, contents, lockstep, read, replace, seeds, write};

fn started() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    let people = "{\"id\":1,\"name\":\"Solveig Aas\",\"email\":\"solveig@example.com\",\"phone\":\"+47 22 00 00 01\"}\n\
                  {\"id\":2,\"name\":\"Torbjørn Lie\",\"email\":\"torbjorn@example.com\",\"phone\":\"\"}\n";
    write(&dir.path().join("data/crm/People.jsonl"), people);
    let customers = "{\"id\":\"c-1\",\"name\":\"Solveig Aas\",\"mail\":\"solveig@example.com\",\"phone\":\"\"}\n";
    write(&dir.path().join("data/shop/Customers.jsonl"), customers);
    dir
}

#[test]
fn the_seed_documents_are_proved_line_by_line_with_results_for_people_and_programs() {
    let seeds = seeds();
    if seeds.is_empty() {
        eprintln!("skipped: ../shared/seeds is not there");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<String> = seeds.iter().map(|path| path.display().to_string()).collect();
    let mut args = vec!["verify", "--sandbox", "--junit", "junit.xml", "-o", "out"];
    args.extend(paths.iter().map(String::as_str));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(&args)
        .current_dir(dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains(" 0 violated"), "{told}");
    for line in [
        "✓ OwnedBy.AssociateId – requester_id",
        "– TimeToReply – due_at",
        "✓ primaryInfo.email – profile.email.email",
    ] {
        assert!(told.contains(line), "{line} in\n{told}");
    }
    let junit = read(&dir.path().join("junit.xml"));
    assert!(junit.contains("failures=\"0\"") && junit.contains("<skipped message="), "{junit}");
    for seed in &seeds {
        let name = seed.file_stem().unwrap().to_string_lossy().into_owned();
        let html = read(&dir.path().join(format!("out/{name}.html")));
        assert!(html.contains("<details>") && html.contains("A person adds"), "{html}");
        let (before, _) = lockstep_document::read(&read(seed));
        let (after, _) =
            lockstep_document::read(&read(&dir.path().join(format!("out/{name}.rst"))));
        assert_eq!(lockstep_document::Draft::from(&before), lockstep_document::Draft::from(&after));
        // No key that opens a system is in what is shown.
        for (variable, key) in lockstep_sandbox::SYSTEMS
            .iter()
            .flat_map(|system| lockstep_sandbox::credentials(system))
        {
            assert!(
                key.len() < 10 || variable.ends_with("EMAIL") || !html.contains(&key),
                "{variable}"
            );
        }
    }
}

#[test]
fn wrong_usage_is_told() {
    let dir = started();
    let dir = dir.path();
    lockstep(dir, &["verify"])
        .exits(2)
        .says("--sandbox")
        .says("--passive")
        .says("--i-know-this-writes");
    lockstep(dir, &["verify", "--sandbox", "nowhere.rst"]).exits(2).says("nowhere.rst");
}

#[test]
fn what_was_seen_in_operation_is_told_with_the_records_it_was_seen_on() {
    let dir = started();
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["verify", "--passive"])
        .exits(0)
        .says("crm.People/1 and shop.Customers/c-1 were linked")
        .says("an edit in shop.Customers arrives in crm.People: not seen yet")
        .says("0 violated");
    replace(&dir.join("data/shop/Customers.jsonl"), "Solveig Aas", "Solveig Berg");
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["verify", "--passive"])
        .exits(0)
        .says("an edit in shop.Customers arrives in crm.People: last at")
        .says("from shop.Customers/c-1 to crm.People/1, “Solveig Berg”");
}

#[test]
fn a_difference_that_nothing_waits_for_is_a_violation_of_its_row() {
    let dir = started();
    let dir = dir.path();
    // What was signed says both ways; the flows carry names one way only.
    lockstep(dir, &["doc", "-o", "signed"]).exits(0);
    replace(&dir.join("flows/people.yaml"), "name  <-> name", "name  -> name");
    lockstep(dir, &["sync"]).exits(0);
    replace(&dir.join("data/shop/Customers.jsonl"), "Solveig Aas", "Solveig Berg");
    lockstep(dir, &["sync"]).exits(0);
    lockstep(dir, &["verify", "--passive", "signed/people.rst"])
        .exits(1)
        .says("✗ name – name")
        .says("name = “Solveig Aas” and name = “Solveig Berg”");
}

/// The records without the order of their properties and lines.
fn records(dir: &Path) -> Vec<serde_json::Value> {
    let files = contents(&dir.join("data"));
    let text: String =
        files.values().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_test_tenant_is_as_it_was_after_the_trials() {
    let dir = started();
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let before = records(dir);
    // Twice: the ids of the first trials' records are given out again, and mean nothing any more.
    for _ in 0..2 {
        lockstep(dir, &["verify", "--i-know-this-writes"])
            .exits(0)
            .says("0 violated, 0 not tried")
            .says("deleted again");
        assert_eq!(records(dir), before);
    }
    assert!(!dir.join("lockstep-verify.leftovers").exists());
    lockstep(dir, &["sync"]).exits(0);
    assert_eq!(records(dir), before, "what was deleted again came back");
}

/// What the systems hold, without what only a system writes: the times and versions of records.
fn held(sandbox: &lockstep_sandbox::Running) -> Vec<String> {
    let mut all = Vec::new();
    for (system, collections) in [
        ("superoffice", ["Person", "Contact", "Ticket"]),
        ("zendesk", ["users", "organizations", "tickets"]),
    ] {
        for collection in collections {
            for record in sandbox.records(system, collection).unwrap() {
                // Zendesk keeps what is deleted for a while, and shows it to nobody.
                if record["active"] == false || record["status"] == "deleted" {
                    continue;
                }
                let id = ["PersonId", "ContactId", "TicketId", "id"]
                    .iter()
                    .find_map(|key| record.get(key))
                    .cloned();
                let shown = ["FullName", "Name", "name", "Title", "subject", "email"]
                    .iter()
                    .filter_map(|key| record.get(key))
                    .cloned();
                all.push(format!(
                    "{system} {collection} {} {:?}",
                    id.unwrap_or_default(),
                    shown.collect::<Vec<_>>()
                ));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_test_tenant_over_http_is_as_it_was_and_its_capability_sheet_is_believed() {
    let sandbox = lockstep_sandbox::Sandbox::start(lockstep_sandbox::Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    transcript::example(dir, &sandbox, &[]);
    for file in transcript::files(&dir.join("flows"), "yaml") {
        if !file.ends_with("superoffice-zendesk.yaml") {
            std::fs::remove_file(file).unwrap();
        }
    }
    lockstep(dir, &["sync"]);
    let before = held(&sandbox);
    // SuperOffice gives a new key for each that is used: only who keeps them in the vault gets in
    // twice.
    sandbox.expire_tokens("superoffice").unwrap();
    let ran = lockstep(dir, &["verify", "--i-know-this-writes"]);
    assert!(ran.stdout.contains(" 0 violated"), "{}{}", ran.stdout, ran.stderr);
    let proved = |line: &str| ran.stdout.contains(&format!("✓ {line}"));
    assert!(
        proved("Title – subject") && proved("Every SuperOffice Contact will be"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(ran.stderr.contains("deleted again"), "{}", ran.stderr);
    let after = held(&sandbox);
    let differs: Vec<&String> = before
        .iter()
        .filter(|one| !after.contains(one))
        .chain(after.iter().filter(|one| !before.contains(one)))
        .collect();
    assert!(differs.is_empty(), "{differs:#?}");
    assert!(!dir.join("lockstep-verify.leftovers").exists());

    let sheet = "[{\"record_type\": \"Tickets\", \"trials\": [{\"what\": \"update\", \"verdict\": \"fails\", \"why\": \"405\"}]},\
                 {\"record_type\": \"Organizations\", \"trials\": [{\"what\": \"create\", \"verdict\": \"fails\", \"why\": \"403\"}]}]";
    write(&dir.join("connectors/zendesk.sheet.json"), sheet);
    let ran = lockstep(dir, &["verify", "--i-know-this-writes"]);
    assert!(ran.stdout.contains(" 0 violated"), "{}{}", ran.stdout, ran.stderr);
    for told in [
        "by the capability sheet of zendesk, update does not hold for Tickets: 405",
        "by the capability sheet of zendesk, create does not hold for Organizations: 403",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    assert!(ran.stdout.contains("– Every SuperOffice Contact will be"), "{}", ran.stdout);
}

#[test]
fn an_interrupted_verification_deletes_what_it_has_added() {
    let dir = started();
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    let before = records(dir);
    let mut child = command(dir, &["verify", "--i-know-this-writes"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    // Some records have been added, and the run that follows may be under way.
    while std::fs::read_to_string(dir.join("lockstep-verify.leftovers"))
        .unwrap_or_default()
        .lines()
        .count()
        < 3
    {
        assert!(began.elapsed() < Duration::from_secs(60), "no trial was begun");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    child.wait().unwrap();
    assert_eq!(records(dir), before);

    // Killed, it leaves them; the next one deletes them first.
    let mut child = command(dir, &["verify", "--i-know-this-writes"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    // Some records have been added, and the run that follows may be under way.
    while std::fs::read_to_string(dir.join("lockstep-verify.leftovers"))
        .unwrap_or_default()
        .lines()
        .count()
        < 3
    {
        assert!(began.elapsed() < Duration::from_secs(60), "no trial was begun");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lockstep(dir, &["verify", "--i-know-this-writes"]).exits(0);
    assert_eq!(records(dir), before);
}

#[test]
fn a_project_is_tried_on_emulated_systems_without_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let document = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/documents/wix-youtrack.rst");
    let document = document.to_str().unwrap();
    lockstep(dir.path(), &["init", "--from", document]).exits(0);
    assert!(
        read(&dir.path().join("lockstep.yaml")).contains("${WIX_API_KEY}"),
        "there is something that is not set"
    );
    lockstep(dir.path(), &["verify", "--sandbox", "-C", ".", document]).exits(0).says("0 violated");
}
