//! A project whose flows do not do what its document says: each difference is caught by a trial and
//! named at its row. And systems without a connector, emulated from what the documents say of them.

use std::path::Path;

use lockstep_verify::{Outcome, Verdict, Written, against, in_sandbox};

/// What was signed.
const SIGNED: &str = "\
=========================
HubSpot to Fiken Dataflow
=========================

HubSpot Contact to Fiken Persons
--------------------------------
Every HubSpot Contact will be synchronized with a Fiken Persons.

If a matching Fiken Persons already exists, the HubSpot Contact will be merged with the existing one.
If no matching Fiken Persons is found, a new Fiken Persons will be created.

A HubSpot Contact will merge with a Fiken Persons if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - HubSpot Contact Property
     - Fiken Persons Property
   * - email
     - contact.email
   * - employee_number
     - number

Once a link between a HubSpot Contact and a Fiken Persons is established, it will keep in sync between the two systems, regardless of where it is edited.

The following properties are synchronized between a HubSpot Contact and a Fiken Persons:

.. list-table::
   :header-rows: 1

   * - HubSpot Contact Property
     - Fiken Persons Property
     - Fiken Data Type
   * - first
     - name.first
     - \"string\"
   * - last
     - name.last
     - \"string\"
   * - email
     - contact.email
     - \"string\"
   * - age
     - age
     - \"integer\"
   * - company_id
     - customer.id
     - \"string\"

HubSpot Company to Fiken Customers
----------------------------------
Every HubSpot Company will be synchronized with a Fiken Customers.

Once a link between a HubSpot Company and a Fiken Customers is established, it will keep in sync between the two systems, regardless of where it is edited.

The following properties are synchronized between a HubSpot Company and a Fiken Customers:

.. list-table::
   :header-rows: 1

   * - HubSpot Company Property
     - Fiken Customers Property
     - Fiken Data Type
   * - name
     - name
     - \"string\"
   * - phones
     - numbers.number (Dependant on having Work in numbers.kind)
     - \"string\"
";

/// The flows that keep to it.
const FLOWS: &str = "\
flows:
  - from: hubspot.Contact
    to: fiken.Persons
    create: always
    match:
      - email = contact.email
      - employee_number = number
    properties:
      - first <-> name.first : string
      - last  <-> name.last : string
      - email <-> contact.email : string
      - age   <-> age : integer
      - company_id <-> customer.id : string
  - from: hubspot.Company
    to: fiken.Customers
    create: always
    properties:
      - name <-> name : string
      - phones <-> numbers.number (Dependant on having Work in numbers.kind) : string
";

fn signed() -> Vec<Written> {
    vec![Written { name: "signed.rst".into(), text: SIGNED.into() }]
}

/// The document held against a project with one line of its flows changed.
fn with(line: &str, changed: &str) -> Outcome {
    with_document(SIGNED.into(), line, changed)
}

/// The same of another document.
fn with_document(text: String, line: &str, changed: &str) -> Outcome {
    assert!(FLOWS.contains(line), "{line}");
    let dir = tempfile::tempdir().unwrap();
    let project = "\
systems:
  hubspot: { connector: files, title: HubSpot, with: { folder: a } }
  fiken: { connector: files, title: Fiken, with: { folder: b } }
flows: [flows.yaml]
";
    std::fs::write(dir.path().join("lockstep.yaml"), project).unwrap();
    std::fs::write(dir.path().join("flows.yaml"), FLOWS.replace(line, changed)).unwrap();
    let (project, problems) = lockstep_config::load(Path::new(dir.path()));
    assert!(problems.is_empty(), "{}", lockstep_config::render_all(&problems));
    against(&project.unwrap(), &[Written { name: "signed.rst".into(), text }], false).unwrap()
}

/// The lines that do not hold.
fn red(outcome: &Outcome) -> Vec<String> {
    let violated =
        outcome.checklist.lines().filter(|(_, _, line)| line.verdict == Verdict::Violated);
    violated.map(|(_, _, line)| line.text.clone()).collect()
}

#[test]
fn what_is_said_of_unknown_systems_is_enough_to_prove_every_line() {
    let outcome = in_sandbox(&signed(), false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    for (_, _, line) in outcome.checklist.lines() {
        assert_eq!(line.verdict, Verdict::Proved, "{}\n{told}", line.text);
    }
    // The value that the type can't hold was tried with, and the reference was translated.
    assert!(
        outcome.checklist.trials.iter().any(
            |trial| trial.name.contains("can't hold") && trial.verdict == Some(Verdict::Proved)
        )
    );
    assert!(
        outcome
            .checklist
            .trials
            .iter()
            .any(|trial| trial.name.contains("P8") && trial.verdict == Some(Verdict::Proved))
    );
}

#[test]
fn flows_that_keep_to_the_document_are_green() {
    assert_eq!(red(&with("flows:\n", "flows:\n")), Vec::<String>::new());
}

#[test]
fn a_wrong_path_is_named_at_its_row() {
    let outcome = with("- last  <-> name.last : string", "- last  <-> name.family : string");
    let red = red(&outcome);
    assert!(red.contains(&"last – name.last \"string\"".to_string()), "{red:?}");
    assert!(!red.contains(&"first – name.first \"string\"".to_string()), "{red:?}");
    // A created record lacks it, and the statement says that it is complete.
    assert!(red.iter().any(|line| line.starts_with("Every HubSpot Contact")), "{red:?}");
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    assert!(told.contains("name.last = nothing"), "{told}");
}

#[test]
fn a_row_that_goes_one_way_is_named_where_the_document_says_both() {
    let outcome = with("- first <-> name.first : string", "- first -> name.first : string");
    let red = red(&outcome);
    assert!(red.contains(&"first – name.first \"string\"".to_string()), "{red:?}");
    assert!(
        !red.iter().any(|line| line.starts_with("last") || line.starts_with("Every")),
        "{red:?}"
    );
    assert!(
        red.iter().any(|line| line.starts_with("Once a link between a HubSpot Contact")),
        "{red:?}"
    );
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    assert!(told.contains("an edit in fiken.Persons arrives in hubspot.Contact"), "{told}");
}

#[test]
fn a_missing_link_rule_is_named_at_its_row() {
    let red = red(&with("      - employee_number = number\n", ""));
    assert_eq!(red, ["employee_number = number"]);
}

#[test]
fn what_only_a_connection_creates_is_linked_by_one() {
    let connected = "Before any synchronization can take place, a link between a HubSpot Company and a Fiken Customers must be established.\n\nA new Fiken Customers will be created from a HubSpot Company if it is connected to a HubSpot Contact that is synchronized into Fiken.";
    let text = SIGNED
        .replace("Every HubSpot Company will be synchronized with a Fiken Customers.", connected);
    let outcome = in_sandbox(&[Written { name: "signed.rst".into(), text }], false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    let line = |text: &str| {
        outcome
            .checklist
            .lines()
            .find(|(_, _, line)| line.text.starts_with(text))
            .unwrap()
            .2
            .verdict
            .clone()
    };
    assert_eq!(line("A new Fiken Customers"), Verdict::Proved, "{told}");
    assert_eq!(line("name – name"), Verdict::Proved, "{told}");
}

/// What is said of a webshop's buyers, a condition in prose; and the flow, with the filter that
/// means it.
const CONDITION: &str = "\
========================
Webshop to Ledger
========================

Webshop Buyers to Ledger Debtors
--------------------------------
When a Webshop Buyers is a company, it will be synchronized with a Ledger Debtors.

If a matching Ledger Debtors already exists, the Webshop Buyers will be merged with the existing one.
If no matching Ledger Debtors is found, a new Ledger Debtors will be created.

A Webshop Buyers will merge with a Ledger Debtors if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - Webshop Buyers Property
     - Ledger Debtors Property
   * - mail
     - email

The following properties are synchronized between a Webshop Buyers and a Ledger Debtors:

.. list-table::
   :header-rows: 1

   * - Webshop Buyers Property
     - Ledger Debtors Property
     - Ledger Data Type
   * - mail
     - email
     - \"string\"
   * - title
     - name
     - \"string\"
   * - level
     - grade
     - \"string\"
";

const CONDITION_FLOW: &str = "\
flows:
  - from: webshop.Buyers
    to: ledger.Debtors
    create: { when: When a Webshop Buyers is a company, filter: 'kind == \"company\" and level in [\"gold\", \"silver\"]' }
    deletes: propagate
    match:
      - mail = email
    properties:
      - mail  <-> email : string
      - title <-> name : string
      - level <-> grade : string
";

fn conditional(flows: &str) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let project = "\
systems:
  webshop: { connector: files, title: Webshop, with: { folder: a } }
  ledger: { connector: files, title: Ledger, with: { folder: b } }
flows: [flows.yaml]
";
    std::fs::write(dir.path().join("lockstep.yaml"), project).unwrap();
    std::fs::write(dir.path().join("flows.yaml"), flows).unwrap();
    let (project, problems) = lockstep_config::load(Path::new(dir.path()));
    assert!(problems.is_empty(), "{}", lockstep_config::render_all(&problems));
    let signed = vec![Written { name: "signed.rst".into(), text: CONDITION.into() }];
    against(&project.unwrap(), &signed, false).unwrap()
}

fn verdict_of<'a>(outcome: &'a Outcome, trial: &str) -> Option<&'a Verdict> {
    outcome
        .checklist
        .trials
        .iter()
        .find(|known| known.name.contains(trial))
        .and_then(|trial| trial.verdict.as_ref())
}

#[test]
fn a_condition_in_prose_is_tried_by_the_filter_of_the_flow_that_runs() {
    let outcome = conditional(CONDITION_FLOW);
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    assert_eq!(red(&outcome), Vec::<String>::new(), "{told}");
    for trial in [
        "a record that meets",
        "one that does not meet it does not appear",
        "does not meet it any more",
        "before it has been read",
    ] {
        assert_eq!(verdict_of(&outcome, trial), Some(&Verdict::Proved), "{trial}\n{told}");
    }
    // The row that the condition reads is tried with the other value that meets it.
    let row =
        outcome.checklist.lines().find(|(_, _, line)| line.text.starts_with("level")).unwrap().2;
    assert_eq!(row.verdict, Verdict::Proved, "{told}");
    for trial in [
        "deleted in webshop.Buyers, it is deleted",
        "it stays in webshop.Buyers where it was edited there (D1)",
    ] {
        assert_eq!(verdict_of(&outcome, trial), Some(&Verdict::Proved), "{trial}\n{told}");
    }
}

#[test]
fn a_flow_that_creates_without_regard_to_the_condition_is_named_at_it() {
    let always = CONDITION_FLOW.replace(
        "create: { when: When a Webshop Buyers is a company, filter: 'kind == \"company\" and level in [\"gold\", \"silver\"]' }",
        "create: always",
    );
    assert_ne!(always, CONDITION_FLOW);
    // Nothing says any more how to tell who meets it, so nothing can be violated; it is not tried,
    // and says so.
    let outcome = conditional(&always);
    let line = outcome
        .checklist
        .lines()
        .find(|(_, _, line)| line.text.starts_with("When a Webshop"))
        .unwrap()
        .2;
    let Verdict::NotTried(why) = &line.verdict else { panic!("{:?}", line.verdict) };
    assert!(why.contains("prose"), "{why}");
    // A filter that says less than the flow does is another matter: the document's own is held
    // against it.
    let own =
        "document: { title: Webshop to Ledger, systems: { webshop: Webshop, ledger: Ledger } }\n"
            .to_string()
            + CONDITION_FLOW;
    let dir = tempfile::tempdir().unwrap();
    let project = "\
systems:
  webshop: { connector: files, title: Webshop, with: { folder: a } }
  ledger: { connector: files, title: Ledger, with: { folder: b } }
flows: [flows.yaml]
";
    std::fs::write(dir.path().join("lockstep.yaml"), project).unwrap();
    std::fs::write(dir.path().join("flows.yaml"), always).unwrap();
    let (project, _) = lockstep_config::load(Path::new(dir.path()));
    let outcome =
        against(&project.unwrap(), &[Written { name: "signed.yaml".into(), text: own }], false)
            .unwrap();
    let red = red(&outcome);
    assert!(red.iter().any(|line| line.starts_with("When a Webshop Buyers")), "{red:?}");
}

#[test]
fn what_nothing_links_is_proved_once_linked_by_hand_and_no_more() {
    let text = SIGNED.replace(
        "Every HubSpot Company will be synchronized with a Fiken Customers.",
        "Before any synchronization can take place, a link between a HubSpot Company and a Fiken Customers must be established.",
    );
    assert_ne!(text, SIGNED);
    let outcome = in_sandbox(&[Written { name: "signed.rst".into(), text }], false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    let verdict = |row: &str| {
        outcome
            .checklist
            .lines()
            .find(|(_, _, line)| line.text.starts_with(row))
            .unwrap()
            .2
            .verdict
            .clone()
    };
    assert_eq!(verdict("name – name"), Verdict::OnceLinked, "{told}");
    assert_eq!(verdict("first – name.first"), Verdict::Proved, "{told}");
    assert_eq!(outcome.checklist.tally().violated, 0, "{told}");
    assert!(told.contains("proved once linked by hand: nothing else linked"), "{told}");
    assert!(
        lockstep_verify::written::junit(&outcome.checklist)
            .contains("<system-out>proved once linked by hand")
    );
}

#[test]
fn a_flow_that_does_not_create_is_named_at_its_statement() {
    let outcome = with(
        "    to: fiken.Customers\n    create: always\n",
        "    to: fiken.Customers\n    create: never\n",
    );
    let red = red(&outcome);
    assert_eq!(red, ["Every HubSpot Company will be synchronized with a Fiken Customers."]);
}

#[test]
fn c1_a_flow_that_creates_on_one_side_only_is_named_where_the_document_says_both() {
    let both = SIGNED.replacen(
        "\n\nIf a matching Fiken Persons",
        "\n\nAlso: records are created on both sides.\n\nIf a matching Fiken Persons",
        1,
    );
    let line = "Also: records are created on both sides.";
    let verdict = |create: &str| {
        let text = both.clone();
        let outcome = with_document(text, "    to: fiken.Persons\n    create: always\n", create);
        let found = outcome.checklist.lines().find(|(_, _, known)| known.text == line);
        found.unwrap_or_else(|| panic!("{line}")).2.verdict.clone()
    };
    assert_eq!(verdict("    to: fiken.Persons\n    create: both\n"), Verdict::Proved);
    assert_eq!(verdict("    to: fiken.Persons\n    create: always\n"), Verdict::Violated);
}

/// Vendors that may be created since they are connected to vendors that are about to be.
const CONNECTED_TO_ITSELF: &str = "\
Fjord to Tinde Dataflow
=======================

Fjord Vendor to Tinde Contact
-----------------------------
Before any synchronization can take place, a link between a Fjord Vendor and a Tinde Contact must be established.

A Fjord Vendor will merge with a Tinde Contact if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - Fjord Vendor Property
     - Tinde Contact Property
   * - email
     - email

The following properties are synchronized between a Fjord Vendor and a Tinde Contact:

.. list-table::
   :header-rows: 1

   * - Fjord Vendor Property
     - Tinde Contact Property
     - Tinde Data Type
   * - id
     - customer.id
     - \"integer\"


Fjord Vendor to Tinde Customer
------------------------------
A new Tinde Customer will be created from a Fjord Vendor if it is connected to a Fjord Vendor, or Customer that is synchronized into Tinde.

The following properties are synchronized between a Fjord Vendor and a Tinde Customer:

.. list-table::
   :header-rows: 1

   * - Fjord Vendor Property
     - Tinde Customer Property
     - Tinde Data Type
   * - email
     - email
     - \"string\"
";

#[test]
fn g8_a_record_type_that_is_connected_to_itself_is_verified_to_the_end() {
    let written = vec![Written { name: "connected.rst".into(), text: CONNECTED_TO_ITSELF.into() }];
    let outcome = in_sandbox(&written, false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    assert!(outcome.checklist.trials.iter().all(|trial| trial.verdict.is_some()), "{told}");
    assert!(outcome.checklist.tally().proved > 3, "{told}");
}
