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
        r#"
maps:
  countries: { Norway: "NO", Noreg: "NO", "yes": no, "12": 12, '~': 'a: b' }
flows:
  - from: crm.Person
    to: shop.Customers
    create: { when: the category is VIP, filter: 'Category == "VIP" and not Retired' }
    deletes: propagate
    duplicates: merge
    prefer: [erp, crm]
    clears: ignore
    create_empty: true
    match: [Email = mail, Number = no and Country = land, { match: Code = code, type: ["without-prefix", "K-", "_."] }]
    properties:
      - Name <-> name : string
      - Name -> display_name
      - Balance <- balance : decimal
      - { row: Phone <-> phone, only_from: shop, clears: edit }
      - { row: Born -> born, type: ["datetime-format", "%Y-%m-%d", "_."], prefer: [shop] }
      - { row: Land <-> land, map: { Norway: "NO", Noreg: "NO" }, else: pass, default: "SE" }
      - { row: Name -> first_name, on: create }
      - { row: Mail <-> mails, wins: true }
      - Company > Name -> company_name
      - { row: Company > "the > owner" > Mail -> owner_mail, type: string, on: create }
      - Parent <- firm > name (Dependant on having Work in type)
      - '"a > b" -> odd'
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
  - from: crm.Sales Order
    to: shop.Bestillinger
    create: always
    only: 'kind == "order" and amount > 3'
    only_to: not closed
    ceases: review
    duplicates: separate
    region: "NO"
    match: [{ match: telefon = tlf, as: phone }, { match: no = number and land = code, as: exact }]
    properties:
      - no <-> number
      - count(lines) -> line_count
      - sum(lines.amount) -> total : decimal
      - { row: max(lines.price) -> dearest, default: 0 }
      - { row: lines -> rows, order: by amount desc }
      - { row: marks -> marks, type: list, order: asc, default: [new] }
      - { row: site <-> url, as: url, default: "7", map: countries, else: empty }
      - list: tasks <-> todo
        key: task = title
        rows:
          - who <-> owner
          - { list: steps <-> parts, key: no = pos, rows: [{ row: done <-> is_done, wins: true }] }
      - { set: meta."api.endpoint", to: [1, { a: null }], on: always }
      - { set: number, to: "" , on: always }
  - { from: crm.Ticket, to: shop.Sak, only: open, ceases: delete, properties: [a <-> b] }
  - { from: crm.Notat, to: shop.Notat, only: open, ceases: keep, properties: [a <-> b] }
  - { from: shop.Customers, to: erp.Kunde, only_from: shop, properties: [] }
  - from: shop.Orders[lines]
    to: erp.Ordre[linjer]
    create: both
    key: [no = pos, part = piece]
    match: [$parent = $parent and no = pos]
    properties: [$parent <-> $parent, no <-> pos]
"#,
    );
}

const PROJECT: &str = r#"
systems:
  crm:
    connector: files
    title: Nordvik CRM
    with: { folder: crm, tables: { Orders: { id: [year, no], separator: ";", encoding: windows-1252, decimal: "," } } }
    untold: wins
    elements: { Orders: { lines: { id: no } }, "Orders[lines]": { serials: { id: nr } } }
    references: { People: { company: Companies, boss: People }, Teams: { members: People } }
  shop:
    connector: files
    title: Fjord Shop
    region: SE
    with: { folder: shop, modified: { "*": changed, street: street_changed } }
    elements: { Orders: { items: { id: pos } }, "Orders[items]": { serials: { id: nr } } }
    references: { Groups: { people: Customers } }
flows: FLOWS
"#;

/// Every form that a flow and a row have, in the order of `docs/cookbook.md`.
const EVERY_FORM: &str = r#"
maps:
  countries: { Norway: "NO", Noreg: "NO", Denmark: DK }
flows:
  - from: crm.Orders
    to: shop.Orders
    create: both
    match: [number = number]
    properties: [number <-> number, lines -> row_texts]
  - from: crm.Orders[lines]
    to: shop.Orders[items]
    create: both
    deletes: propagate
    match: [$parent = $parent and no = pos]
    properties: [$parent <-> $parent, no <-> pos, quantity <-> qty]
  - from: crm.Orders[lines][serials]
    to: shop.Orders[items][serials]
    create: both
    deletes: propagate
    key: nr = nr
    match: [$parent = $parent and nr = nr]
    properties: [$parent <-> $parent, nr <-> nr]
  - from: crm.Projects
    to: shop.Projects
    create: always
    match: [number = no]
    properties:
      - number <-> no
      - { list: tasks <-> todo, key: task = title, rows: [who <-> owner, { list: steps <-> parts, key: no = pos }] }
  - from: crm.People
    to: shop.Customers
    create: always
    only: kind == "person"
    only_to: not closed
    ceases: review
    extra: review
    duplicates: merge
    region: "NO"
    match:
      - mail = mail and kind = kind
      - { match: telefon = tlf, as: phone }
      - { match: no = number, type: ["without-prefix", "SO-", "_."] }
    properties:
      - mail <-> mail
      - customer_no <- number
      - customer_id <- $id
      - { row: country <-> code, map: countries }
      - { row: land <-> land, map: { Sverige: SE }, else: pass, as: text }
      - { row: region <-> area, map: regions.csv, else: empty, default: "07" }
      - { group: address, rows: [street <-> address, zip <-> code_of_zip, { row: city <-> town, as: text }] }
      - { row: trade <-> trade, default: Unknown }
      - { set: origin, to: crm }
      - { set: managed_by, to: [1, x], on: always }
      - { row: name <-> first, type: ["first", ["split", " ", "_."]] }
      - { row: name <-> last, type: ["last", ["split", " ", "_."]] }
      - { row: limit <-> limit_in_cents, type: ["multiply", 100, "_."] }
      - { row: tags <-> labels, list: each }
      - company > name -> company_name
      - { row: boss > company > "the > name" -> owner_name, default: nobody }
      - { row: score <-> points, prefer: [shop, crm] }
      - { row: credit <-> credit, only_from: crm, clears: ignore }
      - { row: opted_out <-> no_mail, wins: true }
      - { row: level <-> level, wins: { any-of: [gold, silver] } }
      - { row: display <-> display, wins: longest }
      - { row: called -> nick, on: create }
      - count(orders) -> order_count
      - { row: max(orders.at) -> latest, default: "never" }
      - { row: orders -> orders, order: by amount desc }
      - meta."api.endpoint" <-> "Mobil telefon"
      - '"a = b" <-> "c > d" : string'
  - from: crm.Companies
    to: shop.Firms
    create: { when: the company is a customer, filter: "status == 'customer'" }
    only: size > 3
    ceases: delete
    duplicates: separate
    prefer: [shop]
    properties: [name <-> name]
  - from: crm.Teams
    to: shop.Groups
    create: { when_connected_to: [crm.People] }
    deletes: review
    clears: ignore
    properties: [name -> name, { row: members <-> people, list: each }]
"#;

/// The flows of a project with this flow file.
fn flows_of_project(file: &str, text: &str) -> (Vec<lockstep_model::Flow>, FlowFile) {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    put("lockstep.yaml", &PROJECT.replace("FLOWS", &format!("[{file}]")));
    put("regions.csv", "crm;shop\nVest;V\nØst;\"Ø; N\"\n");
    put(file, text);
    let (project, problems) = lockstep_config::load_with(dir.path(), &|_| None);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    assert_eq!(errors, 0, "{text}\n{}", render_all(&problems));
    let project = project.unwrap();
    let without_place =
        |flow: lockstep_model::Flow| lockstep_model::Flow { place: String::new(), ..flow };
    (project.flows.into_iter().map(without_place).collect(), project.files[0].clone())
}

#[test]
fn a_project_that_uses_every_form_comes_back_from_its_document() {
    let (flows, file) = flows_of_project("all.yaml", EVERY_FORM);
    let text = write_rst(&file.draft.with_all_said());
    assert!(!text.contains("the setting"), "every form has a sentence of its own\n{text}");
    let (of_document, document) = flows_of_project("all.rst", &text);
    assert_eq!(of_document, flows, "{text}");
    let imported = write_flows_yaml(&document);
    let (of_import, file) = flows_of_project("imported.yaml", &imported);
    assert_eq!(of_import, flows, "{imported}");
    assert_eq!(write_rst(&file.draft.with_all_said()), text, "{imported}");
    assert_snapshot!(
        text[text.find("Nordvik CRM People to").unwrap()..text.find("Companies to").unwrap()]
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

/// Documents from before there were sentences for all of it.
#[test]
fn raw_settings_of_older_documents_are_read_as_before() {
    let read = |more: &str, rows: &str| {
        let yaml = format!(
            "flows: [{{ from: crm.A, to: shop.B, {more}properties: [a <-> b, {rows}, f <-> g] }}]"
        );
        read_flows("a.yaml", &yaml, &three_systems()).0
    };
    let cell = |to: &str, ty: &str| format!("     - {to}\n     - {ty}\n");
    let older = write_rst(&read("", "$id -> c, d <-> e").draft)
        .replace(&cell("c", ""), &cell("c", "[\"literal\",\"crm\"]"))
        .replace(&cell("e", ""), &cell("e", "[\"if-null\",[\"map\",[[\"x\",\"y\"]],\"_.\"],1]"));
    let sentences = [
        "Row 2 (\"$id\" and \"c\"): the value is given when a record is created, and never after.",
        "Row 4 (\"f\" and \"g\"): the setting \"wins\" is {\"any-of\":[1]}.",
        "Row 4 (\"f\" and \"g\"): the setting \"as\" is \"exact\".",
        "Also: the setting \"only\" is \"a == 1\".",
        "Also: the setting \"only_to\" is \"b == 1\".",
        "Also: the setting \"ceases\" is \"delete\".",
        "Also: the setting \"region\" is \"NO\".",
    ];
    let older = format!("{older}{}\n", sentences.join("\n\n"));
    let (document, problems) = read_flows("a.rst", &older, &three_systems());
    let wanted = read(
        "only: a == 1, only_to: b == 1, ceases: delete, region: \"NO\", ",
        "{ set: c, to: crm }, { row: d <-> e, map: { x: y }, default: 1 }",
    );
    let mut wanted = flows_of(&wanted);
    let last = &mut wanted[0].properties[3];
    last.policy = lockstep_model::Policy::Wins(lockstep_model::flow::Wins::AnyOf(vec![1.into()]));
    last.kind = lockstep_model::Kind::Exact;
    assert_eq!(flows_of(&document), wanted, "{older}\n{}", render_all(&problems));
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

    fn one_of(choices: &'static [&'static str]) -> impl Strategy<Value = String> {
        proptest::sample::select(choices).prop_map(String::from)
    }

    fn braces(what: &str, row: &str, more: &[String]) -> String {
        let more: String = more.iter().map(|setting| format!(", {setting}")).collect();
        format!("{{ {what}: {}{more} }}", quoted(row))
    }

    fn plain_row() -> impl Strategy<Value = String> {
        let ty = prop_oneof![
            4 => Just(None),
            2 => prop_oneof![Just("string"), Just("integer"), Just("N/A"), Just("list")].prop_map(Some),
            1 => Just(Some("[\"lower\", \"_.\"]")),
        ];
        let values =
            option::of(one_of(&["default: [1]", "default: \"7\"", "as: phone", "as: exact"]));
        (path(), one_of(&["<->", "->", "<-"]), path(), ty, settings(), values).prop_map(
            |(from, arrow, to, ty, settings, values)| {
                let ty = ty.map(|ty| format!("type: {ty}"));
                let more: Vec<String> = ty.into_iter().chain(settings).chain(values).collect();
                braces("row", &format!("{from} {arrow} {to}"), &more)
            },
        )
    }

    /// Rows of one of the forms that a document says in a sentence.
    fn other_row(only_latest: bool) -> impl Strategy<Value = String> {
        let two = |arrow: &'static str| {
            (path(), path()).prop_map(move |(from, to)| format!("{from} {arrow} {to}"))
        };
        let with =
            |what: &'static str, row: BoxedStrategy<String>, more: &'static [&'static str]| {
                (row, one_of(more)).prop_map(move |(row, more)| braces(what, &row, &[more]))
            };
        let pair = ("[a-z~:][a-z0-9~:# ]{0,4}", "[A-Z0-9]{1,3}")
            .prop_map(|(from, to)| format!("{}: {}", quoted(&from), quoted(&to)));
        let pairs = vec(pair, 1..4).prop_filter("each key once", |pairs| {
            let key = |pair: &String| {
                let key = pair.rsplit_once(": ").map_or("", |(key, _)| key);
                key.trim_matches('\'').trim().to_string()
            };
            let keys: std::collections::BTreeSet<String> = pairs.iter().map(key).collect();
            keys.len() == pairs.len()
        });
        let map = (
            two("<->"),
            pairs,
            option::of(one_of(&["else: pass", "else: empty", "else: review"])),
            option::of(one_of(&["default: x y", "list: each"])),
        )
            .prop_map(move |(row, pairs, other, more)| {
                let map = format!("map: {{ {} }}", pairs.join(", "));
                let more = more.filter(|more| !only_latest || more != "list: each");
                let more: Vec<String> = [Some(map), other, more].into_iter().flatten().collect();
                braces("row", &row, &more)
            });
        let whole = (one_of(&["count", "sum", "min", "max", "any"]), two("->"))
            .prop_map(|(name, row)| row.replacen(' ', ") ", 1).replacen("", &format!("{name}("), 1))
            .prop_map(|row| quoted(&row));
        let group = ("[a-z]{9}", one_of(&["<->", "->", "<-"])).prop_map(|(name, arrow)| {
            let row = |of: &str| format!("{name}.{of} {arrow} {name}_{of}");
            format!("{{ group: {name}, rows: [{}, {{ row: {}, as: text }}] }}", row("a"), row("b"))
        });
        let list = (two("<->"), path(), two("<->")).prop_map(|(list, key, row)| {
            format!("{{ list: {list}, key: {key} = {key}, rows: [{row}] }}")
        });
        let each = if only_latest { &["as: email"][..] } else { &["list: each"] };
        prop_oneof![
            map,
            whole,
            group,
            list,
            with("row", two("<->").boxed(), each),
            with("row", two("->").boxed(), &["on: create", "order: by a.b desc", "order: asc"]),
            with(
                "row",
                two("<->").boxed(),
                &[
                    "wins: true",
                    "wins: false",
                    "wins: min",
                    "wins: max",
                    "wins: longest",
                    "wins: { any-of: [a, 2] }"
                ]
            ),
            with(
                "set",
                path().boxed(),
                &["to: x", "to: 7, on: always", "to: { a: [\"7\"] }, on: create"]
            ),
            (path(), path(), path())
                .prop_map(|(by, from, to)| quoted(&format!("{by} > {from} -> {to}"))),
        ]
    }

    fn row(only_latest: bool) -> impl Strategy<Value = String> {
        prop_oneof![plain_row().boxed(), other_row(only_latest).boxed()]
            .prop_map(|row| format!("      - {row}\n"))
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
            Just("both".to_string()),
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
        let words = (
            option::of(one_of(&["deletes: propagate", "deletes: review", "deletes: ignore"])),
            option::of(one_of(&[
                "duplicates: merge",
                "duplicates: review",
                "duplicates: separate",
            ])),
            option::of(one_of(&["create_empty: true", "create_empty: false"])),
            option::of(one_of(&["extra: delete", "extra: review", "extra: ignore"])),
            option::of(one_of(&["region: \"NO\"", "region: SE"])),
        )
            .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().flatten().collect::<Vec<_>>());
        let only = option::of(one_of(&["", "ceases: keep", "ceases: review", "ceases: delete"]));
        let about = (only, option::of(Just("only_to: not closed".to_string()))).prop_map(
            |(ceases, only_to)| {
                let only = ceases.iter().map(|_| "only: 'kind == \"a: b\"'".to_string());
                let ceases = ceases.iter().filter(|word| !word.is_empty()).cloned();
                only.chain(ceases).chain(only_to).collect::<Vec<_>>()
            },
        );
        let pair = || (path(), path()).prop_map(|(from, to)| format!("{from} = {to}"));
        let several = vec(pair(), 1..3).prop_map(|pairs| quoted(&pairs.join(" and ")));
        let one = (
            pair(),
            one_of(&[
                "as: phone",
                "type: [\"lower\", \"_.\"]",
                "as: url, type: [\"upper\", \"_.\"]",
            ]),
        )
            .prop_map(|(pair, more)| braces("match", &pair, &[more]));
        let matches = vec(prop_oneof![3 => several.boxed(), 1 => one.boxed()], 0..3);
        let rows = settings().prop_flat_map(|settings| {
            let only_latest = settings.iter().any(|setting| setting.starts_with("only_from"));
            (Just(settings), vec(row(only_latest), 0..6))
        });
        (kind(), kind(), create(), (words, about), matches, rows).prop_map(
            |(from, to, create, (words, about), matches, (settings, rows))| {
                let mut text = format!(
                    "  - from: {}\n    to: {}\n",
                    quoted(&format!("crm.{from}")),
                    quoted(&format!("shop.{to}"))
                );
                text.push_str(&format!("    create: {create}\n"));
                text.extend(
                    words
                        .iter()
                        .chain(&about)
                        .chain(&settings)
                        .map(|setting| format!("    {setting}\n")),
                );
                if !matches.is_empty() {
                    text.push_str("    match:\n");
                    text.extend(matches.iter().map(|row| format!("      - {row}\n")));
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
