//! `lockstep test`: tests of flows that users write, played in memory.

use std::path::Path;

use crate::transcript::{lockstep, read, replace, root, write};

fn starter() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &["init"]).exits(0);
    dir
}

/// A project of the real connectors and no secret, with these flows and tests.
fn project(dir: &Path, flows: &str) {
    let examples = root().join("examples");
    write(&dir.join("lockstep.yaml"), &read(&examples.join("lockstep.yaml")));
    write(&dir.join("flows/flows.yaml"), flows);
}

#[test]
fn the_two_tests_of_a_new_project_hold_and_leave_nothing_behind() {
    let dir = starter();
    let ran = lockstep(dir.path(), &["test"]).exits(0);
    assert!(ran.stdout.contains("2 tests: 2 passed, 0 failed."), "{}", ran.stdout);
    assert!(!dir.path().join("lockstep.db").exists(), "tests are played in memory");
    let one = lockstep(dir.path(), &["test", "edits travel", "--format", "json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!((json["tests"].as_u64(), json["failed"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn a_row_that_goes_one_way_fails_at_the_step_that_needs_the_other() {
    let dir = starter();
    let file = dir.path().join("flows/people.yaml");
    replace(&file, "- phone <-> phone", "- phone -> phone");
    let ran = lockstep(dir.path(), &["test"]).exits(1);
    assert!(
        ran.stdout.contains("  - update crm.People/2 phone: “+47 22 00 00 02”\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("step 2, flows/people.yaml:39"), "{}", ran.stdout);
    assert!(ran.stdout.contains("2 tests: 1 passed, 1 failed."), "{}", ran.stdout);
}

#[test]
fn a_missing_match_row_fails_with_what_was_created_twice() {
    let dir = starter();
    replace(&dir.path().join("flows/people.yaml"), "- email = mail ", "- name = phone");
    let ran = lockstep(dir.path(), &["test"]).exits(1);
    assert!(ran.stdout.contains("- link crm.People/1 = shop.Customers/c-1"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("+ create shop.Customers/900001 mail: “solveig@example.com”"),
        "{}",
        ran.stdout
    );
}

#[test]
fn slips_are_told_at_their_places() {
    let dir = starter();
    let file = dir.path().join("flows/people.yaml");
    replace(&file, "creates:", "create:");
    replace(&file, "c-2: { phone: null }", "c-2: { phoen: null }");
    replace(&file, "- crm.People/1 = shop.Customers/c-1", "- crm.People/1 is shop.Customers/c-1");
    let ran = lockstep(dir.path(), &["test"]).exits(2);
    for told in [
        "did you mean `creates`?",
        "did you mean `phone`?",
        "is no link",
        "flows/people.yaml:22:11",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
    let ran = lockstep(starter().path(), &["test", "nothing of the kind"]).exits(2);
    assert!(
        ran.stderr.contains("edits travel both ways"),
        "the names that there are: {}",
        ran.stderr
    );
}

#[test]
fn a_test_that_expects_nothing_at_all_is_an_error() {
    let dir = starter();
    write(
        &dir.path().join("flows/more.yaml"),
        "flows: []\ntests:\n  - name: nothing\n    given: { crm.People: { a: {} } }\n",
    );
    let ran = lockstep(dir.path(), &["test"]).exits(2);
    assert!(ran.stderr.contains("a test that expects nothing can't fail"), "{}", ran.stderr);
}

#[test]
fn records_of_real_systems_with_lists_references_and_connections() {
    // C5, P8, P9, L3, L6; and no secret is needed.
    let dir = tempfile::tempdir().unwrap();
    let flows = read(&root().join("examples/flows/superoffice-zendesk.yaml"));
    let flows = flows.split("\n# What the flows do with a few records").next().unwrap();
    let tests = r#"
tests:
  - name: who has a ticket becomes a user, of the organization that the company becomes
    given:
      superoffice.Contact:
        "5": { Name: Fjordheim AS }
      superoffice.Person:
        "7": { Emails: [{ Value: ida@example.no }], Contact: { ContactId: 5 } }
        "8": { Emails.Value: nobody@example.no }
      superoffice.Ticket:
        "9": { Title: Printer, Person.PersonId: 7 }
    expect:
      creates:
        zendesk.Organizations:
          "50": { name: Fjordheim AS }
        zendesk.Users:
          "70": { email: ida@example.no, organization_id: "50" }
        zendesk.Tickets:
          "90": { subject: Printer, assignee_id: "70" }
    then:
      - edit:
          zendesk.Users: { "70": { email: ida.moe@example.no } }
          superoffice.Contact: { "5": { Name: Fjordheim ASA } }
        expect:
          updates:
            superoffice.Person: { "7": { Emails.Value: ida.moe@example.no } }
            zendesk.Organizations: { "50": { name: Fjordheim ASA } }
  - name: two users with one address wait for a person
    given:
      superoffice.Person:
        "7": { Emails.Value: post@example.no }
      zendesk.Users:
        "70": { email: post@example.no }
        "71": { email: POST@example.no }
    expect:
      reviews:
        superoffice.Person: { "7": ambiguous match }
        zendesk.Users: { "70": ambiguous match, "71": ambiguous match }
"#;
    project(dir.path(), &format!("{flows}{tests}"));
    let ran = lockstep(dir.path(), &["test"]);
    assert!(ran.status == Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn the_tests_of_the_example_flows_pass() {
    lockstep(&root().join("examples"), &["test"]).exits(0).says(" 0 failed");
}
