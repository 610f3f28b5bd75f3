//! A document becomes a flow file and a document again, the same in every statement and row.

mod support;

use insta::assert_snapshot;
use lockstep_config::{FlowFile, Severity, names_of, propose_systems, read_flows, render_all, write_flows_yaml};
use lockstep_document::write_rst;

const CONNECTORS: [&str; 4] = ["superoffice", "wix", "poweroffice-go", "crmoffice"];

/// The document as it was read, its flow file, and the flow file as it was read.
fn there_and_back(text: &str) -> (FlowFile, String, FlowFile) {
    let names = names_of(&propose_systems(&[text], &CONNECTORS));
    let (document, _) = read_flows("a.rst", text, &names);
    let yaml = write_flows_yaml(&document);
    let (flows, problems) = read_flows("a.yaml", &yaml, &names);
    let from_document: Vec<_> = document.sections.iter().map(|section| &section.flow).collect();
    let from_yaml: Vec<_> = flows.sections.iter().map(|section| &section.flow).collect();
    assert_eq!(from_document.len(), from_yaml.len(), "{yaml}\n{}", render_all(&problems));
    for (a, b) in from_document.iter().zip(&from_yaml) {
        let place_aside = |flow: &lockstep_model::Flow| lockstep_model::Flow { place: String::new(), ..flow.clone() };
        assert_eq!(place_aside(a), place_aside(b), "{yaml}");
    }
    (document, yaml, flows)
}

/// The same document comes back, byte for byte as it would be written.
fn check(text: &str) -> String {
    let (document, yaml, flows) = there_and_back(text);
    assert_eq!(write_rst(&flows.draft), write_rst(&document.draft), "{yaml}");
    yaml
}

#[test]
fn the_five_documents_come_back_byte_for_byte() {
    let Some(documents) = support::seeds() else { return };
    for (name, text) in documents {
        let (_, yaml, flows) = there_and_back(&text);
        assert_eq!(write_rst(&flows.draft), text, "{name}\n{yaml}");
        assert!(!yaml.contains("statements:"), "{name} needs nothing said of its statements\n{yaml}");
    }
}

fn document(title: &str, sections: &str) -> String {
    let line = "=".repeat(title.chars().count());
    format!(
        "{line}\n{title}\n{line}\n\nGenerated: 2024-05-01 10:00:00\n\nIntroduction\n------------\n\nAbout this.\n\nMore: of 'it' # here.\n\n{sections}"
    )
}

const ALL: &str = "\
SuperOffice Person to  Users
----------------------------
Before any synchronization can take place, a link between a SuperOffice Person and a  Users must be established.

A new  Users will be created from a SuperOffice Person if it is connected to a SuperOffice Ticket, or SuperOffice Contact that is synchronized into .

A SuperOffice Person will merge with a  Users if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - SuperOffice Person Property
     -  Users Property
   * - Emails.Value
     - email
   * - Number, Country.Code
     - number, country

Once a link between a SuperOffice Person and a  Users is established, it will keep in sync between the two systems, regardless of where it is edited.

The following properties are synchronized between a SuperOffice Person and a  Users:

.. list-table::
   :header-rows: 1

   * - SuperOffice Person Property
     -  Users Property
     -  Data Type
   * - Contact.ContactId
     - organization_id
     - \"integer\"
   * - Phones.Value (Dependant on having Mobile in Phones.Type)
     - phone
     - N/A
   * - Name
     - name
     -
   * - Born
     - born
     - [\"datetime-format\",\"%Y-%m-%d\",\"_.\"]


SuperOffice Wave Customer (human data) to  Users
------------------------------------------------
When the category is VIP: gold, it will be synchronized with a  Users.

The following properties are synchronized between a SuperOffice Wave Customer (human data) and a  Users:

.. list-table::
   :header-rows: 1

   * - SuperOffice Wave Customer (human data) Property
     -  Users Property
     -  Data Type
   * - Name
     - name
     - \"string\"


SuperOffice Wave Customer (human data) to  Users
------------------------------------------------
Every SuperOffice Wave Customer (human data) will be synchronized with a  Users.

The following properties are synchronized between a SuperOffice Wave Customer (human data) and a  Users:

.. list-table::
   :header-rows: 1

   * - SuperOffice Wave Customer (human data) Property
     -  Users Property
     -  Data Type


";

#[test]
fn every_statement_comes_back() {
    assert_snapshot!(check(&document("SuperOffice to  Dataflow", ALL)));
}

#[test]
fn statements_in_another_order_and_text_of_other_kinds_come_back() {
    let text = document(
        "Wix to CRMOffice Dataflow",
        "\
Wix Contacts to CRMOffice Contacts
----------------------------------
The following properties are synchronized between a Wix Contacts and a CRMOffice Contacts:

.. list-table::
   :header-rows: 1

   * - Wix Contacts Property
     - CRMOffice Contacts Property
     - CRMOffice Data Type
   * - info.name.first
     - givenName
     - \"string\"

Every Wix Contacts will be synchronized with a CRMOffice Contacts.

Ask Åse before touching this: \"it\" is fragile.

A Wix Contacts will merge with a CRMOffice Contacts if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - Wix Contacts Property
     - CRMOffice Contacts Property
   * - info.emails
     - email

A Wix Contacts will merge with a CRMOffice Contacts if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - Wix Contacts Property
     - CRMOffice Contacts Property
   * - info.phones
     - phone

If no matching CRMOffice Contacts is found, a new CRMOffice Contacts will be created.

if it is Friday, it will be synchronized with a CRMOffice Contacts.


",
    );
    assert_snapshot!(check(&text));
}

#[test]
fn a_document_composed_from_a_flow_file_reads_back_as_the_same_flows() {
    let names = names_of(&propose_systems(
        &[
            "Wix to CRMOffice Dataflow\n====\n\nWix Contacts to CRMOffice Contacts\n----\nEvery Wix Contacts will be synchronized with a CRMOffice Contacts.\n",
        ],
        &CONNECTORS,
    ));
    let yaml = "\
flows:
  - from: wix.Contacts
    to: crmoffice.Contacts
    create: always
    match: [info.emails = email, info.name.first = givenName and info.name.last = familyName]
    properties: [info.name.first <-> givenName, { info.phones <-> directPhone : string }]
  - { from: crmoffice.Companies, to: wix.Products, create: { when: the kind is x, filter: kind == 'x' }, properties: [name -> name] }
";
    let (flows, problems) = read_flows("a.yaml", yaml, &names);
    assert!(problems.iter().all(|problem| problem.severity != Severity::Error), "{}", render_all(&problems));
    let text = write_rst(&flows.draft);
    let (document, _) = read_flows("a.rst", &text, &names);
    assert_eq!(document.sections.len(), 2, "{text}");
    for (a, b) in document.sections.iter().zip(&flows.sections) {
        assert_eq!(
            (&a.flow.from, &a.flow.to, &a.flow.matches, &a.flow.properties),
            (&b.flow.from, &b.flow.to, &b.flow.matches, &b.flow.properties)
        );
    }
    assert_snapshot!(text);
}

#[test]
fn odd_names_and_values_come_back() {
    let rows = [
        ("true", "12", "N/A"),
        ("a: b", "c #d", "\"string\""),
        ("- x", "'y'", "\"it's\""),
        ("\"q\"", "[z]", "[\"if\",[\"eq\",\"a: b\",\"_.\"],null,\"\\\\d\"]"),
    ];
    let table: String = rows.iter().map(|(from, to, ty)| format!("   * - {from}\n     - {to}\n     - {ty}\n")).collect();
    let sections = format!(
        "Wix Odd kind: 1 to CRMOffice 12\n-------------------------------\nBefore any synchronization can take place, a link between a Wix Odd kind: 1 and a CRMOffice 12 must be established.\n\nThe following properties are synchronized between a Wix Odd kind: 1 and a CRMOffice 12:\n\n.. list-table::\n   :header-rows: 1\n\n   * - Wix Odd kind: 1 Property\n     - CRMOffice 12 Property\n     - CRMOffice Data Type\n{table}\n\n"
    );
    check(&document("Wix to CRMOffice Dataflow", &sections));
}

#[test]
fn a_document_that_lacks_a_line_comes_back_as_well_as_it_was_understood() {
    let whole = document("SuperOffice to  Dataflow", ALL);
    let lines: Vec<&str> = whole.lines().collect();
    for left_out in 0..lines.len() {
        let text: String =
            lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| format!("{line}\n")).collect();
        println!("without line {}: {}", left_out + 1, lines[left_out]);
        check(&text);
    }
}
