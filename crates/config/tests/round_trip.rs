//! A document becomes a flow file and a document again, the same in every statement and row.

use crate::support;

use insta::assert_snapshot;
use lockstep_config::{
    FlowFile, Severity, names_of, propose_systems, read_flows, render_all, write_flows_yaml,
};
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
        let place_aside = |flow: &lockstep_model::Flow| lockstep_model::Flow {
            place: String::new(),
            ..flow.clone()
        };
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
        assert!(
            !yaml.contains("statements:"),
            "{name} needs nothing said of its statements\n{yaml}"
        );
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
    assert!(
        problems.iter().all(|problem| problem.severity != Severity::Error),
        "{}",
        render_all(&problems)
    );
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
    let table: String = rows
        .iter()
        .map(|(from, to, ty)| format!("   * - {from}\n     - {to}\n     - {ty}\n"))
        .collect();
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
        let text: String = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != left_out)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        println!("without line {}: {}", left_out + 1, lines[left_out]);
        check(&text);
    }
}

/// The names of three systems; documents call them otherwise.
fn three_systems() -> lockstep_config::Names {
    let named = |name: &str, title: &str| lockstep_config::SystemNames {
        name: name.into(),
        title: Some(title.into()),
        aliases: vec![],
    };
    lockstep_config::Names::new(vec![
        named("crm", "Nordvik CRM"),
        named("shop", "Fjord Shop"),
        named("erp", "Tinde"),
    ])
}

fn flows_of(file: &FlowFile) -> Vec<lockstep_model::Flow> {
    let without_place =
        |flow: &lockstep_model::Flow| lockstep_model::Flow { place: String::new(), ..flow.clone() };
    file.sections.iter().map(|section| without_place(&section.flow)).collect()
}

/// `doc`, then `import`: the document says all that the flow file does, and so does the flow file
/// that is made of it.
fn loses_nothing(yaml: &str) {
    let names = three_systems();
    let (flows, problems) = read_flows("a.yaml", yaml, &names);
    assert!(
        problems.iter().all(|problem| problem.severity != Severity::Error),
        "{yaml}\n{}",
        render_all(&problems)
    );
    let text = write_rst(&flows.draft.clone().with_all_said());
    let (document, told) = read_flows("a.rst", &text, &names);
    assert_eq!(flows_of(&document), flows_of(&flows), "{yaml}\n{text}\n{}", render_all(&told));
    let imported = write_flows_yaml(&document);
    let (back, told) = read_flows("b.yaml", &imported, &names);
    assert_eq!(
        flows_of(&back),
        flows_of(&flows),
        "{yaml}\n{text}\n{imported}\n{}",
        render_all(&told)
    );
    // Read documents stay as they are, and what is written of the imported flows is the same
    // document.
    assert_eq!(write_rst(&back.draft.clone().with_all_said()), text, "{imported}");
    assert_eq!(lockstep_document::read(&text).0.to_source(), text);
}

#[test]
fn doc_and_import_lose_nothing_that_a_flow_file_says() {
    loses_nothing(
        "\
flows:
  - from: crm.Person
    to: shop.Customers
    create: { when: the category is VIP, filter: 'Category == \"VIP\" and not Retired' }
    deletes: propagate
    duplicates: merge
    prefer: [erp, crm]
    clears: ignore
    create_empty: true
    match: [Email = mail, Number = no and Country = land, { match: Code = code, type: [\"without-prefix\", \"K-\", \"_.\"] }]
    properties:
      - Name <-> name : string
      - Name -> display_name
      - Balance <- balance : decimal
      - { row: Phone <-> phone, only_from: shop, clears: edit }
      - { row: Born -> born, type: [\"datetime-format\", \"%Y-%m-%d\", \"_.\"], prefer: [shop] }
      - { row: Land <-> land, map: { Norway: \"NO\", Noreg: \"NO\" }, else: pass, default: \"SE\" }
      - { row: Name -> first_name, on: create }
      - { row: Mail <-> mails, wins: true }
      - Company > Name -> company_name
      - { row: Company > \"the > owner\" > Mail -> owner_mail, type: string, on: create }
      - Parent <- firm > name (Dependant on having Work in type)
      - '\"a > b\" -> odd'
      - { row: Level <-> level, wins: { any-of: [gold, silver] } }
      - { row: Tags <-> labels, list: each }
      - { row: Kinds <-> kinds, map: { Customer: C }, list: each }
      - group: postal address
        rows:
          - Street <-> street
          - { row: Zip <-> zip, as: text }
          - City <-> city : string
      - { set: source, to: crm }
      - { set: owner, to: 7, on: always }
  - from: erp.Kunde (human data)
    to: crm.Sales Order
    create: { when_connected_to: [erp.Ordre, erp.Tilbud] }
    deletes: review
    extra: delete
    properties: [a -> b, c -> d]
  - { from: shop.Customers, to: erp.Kunde, only_from: shop, properties: [] }
  - from: shop.Orders[lines]
    to: erp.Ordre[linjer]
    create: both
    key: no = pos
    match: [$parent = $parent and no = pos]
    properties: [$parent <-> $parent, no <-> pos]
",
    );
}

#[test]
fn settings_in_a_document_are_sentences_that_a_person_can_read() {
    let yaml = "\
flows:
  - from: erp.Kunde
    to: shop.Customers
    deletes: propagate
    prefer: [erp, shop]
    properties: [navn <-> name, navn -> display_name, { row: tlf <-> phone, only_from: erp }]
";
    let (flows, _) = read_flows("a.yaml", yaml, &three_systems());
    let text = write_rst(&flows.draft);
    assert_snapshot!(text[text.find("Kunde to").unwrap()..]);
    // A row that has moved is still found, one that is gone is told of.
    let moved = text.replace("Row 2", "Row 1").replace("Row 3 (\"tlf\"", "Row 3 (\"fax\"");
    let (document, problems) = read_flows("a.rst", &moved, &three_systems());
    let ways: Vec<_> =
        document.sections[0].flow.properties.iter().map(|pair| pair.direction).collect();
    assert_eq!(ways[1], lockstep_model::Direction::Forward, "{moved}");
    assert!(
        problems.iter().any(|problem| problem.message.contains("no row of the tables")),
        "{}",
        render_all(&problems)
    );
}

mod random {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    fn path() -> impl Strategy<Value = String> {
        "[a-zA-Zæøå][a-zA-Z0-9æøå_]{0,6}(\\.[a-z]{1,5}){0,2}"
    }

    fn quoted(text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    fn settings() -> impl Strategy<Value = Vec<String>> {
        let prefer = prop_oneof![
            Just("prefer: [crm]"),
            Just("prefer: [erp, shop, crm]"),
            Just("only_from: shop")
        ];
        let clears = prop_oneof![Just("clears: ignore"), Just("clears: edit")];
        (option::of(prefer), option::of(clears)).prop_map(|(prefer, clears)| {
            prefer.into_iter().chain(clears).map(String::from).collect()
        })
    }

    fn row() -> impl Strategy<Value = String> {
        let ty = prop_oneof![
            4 => Just(None),
            2 => prop_oneof![Just("string"), Just("integer"), Just("N/A"), Just("list")].prop_map(Some),
            1 => Just(Some("[\"lower\", \"_.\"]")),
        ];
        let arrow = prop_oneof![Just("<->"), Just("->"), Just("<-")];
        (path(), arrow, path(), ty, settings()).prop_map(|(from, arrow, to, ty, settings)| {
            let ty = ty.map(|ty| format!(", type: {ty}")).unwrap_or_default();
            let settings: String = settings.iter().map(|setting| format!(", {setting}")).collect();
            format!(
                "      - {{ row: {}{ty}{settings} }}\n",
                quoted(&format!("{from} {arrow} {to}"))
            )
        })
    }

    fn create() -> impl Strategy<Value = String> {
        let filter =
            ("p_[a-z]{0,4}(\\.q_[a-z]{1,3})?", "[a-z \"',.:]{0,8}").prop_map(|(path, text)| {
                format!(
                    "{} == {}",
                    path,
                    serde_json::Value::from(text).to_string().replace('\\', "")
                )
            });
        let filter = filter.prop_filter("an expression", |text| text.matches('"').count() == 2);
        prop_oneof![
            Just("never".to_string()),
            Just("always".to_string()),
            Just("{ when_connected_to: [crm.Ticket, \"crm.Sales Order (open)\"] }".to_string()),
            ("[a-zA-Z][a-z,.:]{0,6}( [a-z,]{1,5}){0,4}", option::of(filter)).prop_map(
                |(when, filter)| {
                    let filter = filter
                        .map(|filter| format!(", filter: {}", quoted(&filter)))
                        .unwrap_or_default();
                    format!("{{ when: {}{filter} }}", quoted(&when))
                }
            ),
        ]
    }

    fn flow() -> impl Strategy<Value = String> {
        let kind = || "[A-Z][a-zø]{1,6}( [A-Z][a-z]{1,4})?( \\([a-z ]{1,5}[a-z]\\))?";
        let others = (
            option::of(prop_oneof![Just("propagate"), Just("review"), Just("ignore")]),
            option::of(prop_oneof![Just("merge"), Just("review")]),
            option::of(any::<bool>()),
        );
        let pair = (path(), path()).prop_map(|(from, to)| format!("{from} = {to}"));
        let matches = vec(vec(pair, 1..3).prop_map(|pairs| pairs.join(" and ")), 0..3);
        (kind(), kind(), create(), others, settings(), matches, vec(row(), 0..5)).prop_map(
            |(from, to, create, (deletes, duplicates, empty), settings, matches, rows)| {
                let mut text = format!(
                    "  - from: {}\n    to: {}\n",
                    quoted(&format!("crm.{from}")),
                    quoted(&format!("shop.{to}"))
                );
                text.push_str(&format!("    create: {create}\n"));
                text.extend(deletes.map(|word| format!("    deletes: {word}\n")));
                text.extend(duplicates.map(|word| format!("    duplicates: {word}\n")));
                text.extend(empty.map(|truth| format!("    create_empty: {truth}\n")));
                text.extend(settings.iter().map(|setting| format!("    {setting}\n")));
                if !matches.is_empty() {
                    text.push_str("    match:\n");
                    text.extend(matches.iter().map(|row| format!("      - {}\n", quoted(row))));
                }
                text.push_str(if rows.is_empty() {
                    "    properties: []\n"
                } else {
                    "    properties:\n"
                });
                text.extend(rows);
                text
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn doc_and_import_lose_nothing_of_random_flow_files(flows in vec(flow(), 1..4)) {
            super::loses_nothing(&format!("flows:\n{}", flows.concat()));
        }
    }
}
