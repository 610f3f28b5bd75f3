//! Every kind of problem as a person sees it: the input above, the messages below.

use crate::support;

use crate::support::{record_type, schemas, told};
use insta::assert_snapshot;
use lockstep_config::Schemas;

const SYSTEMS: &str = "\
systems:
  superoffice: { connector: superoffice, title: SuperOffice }
  wix: { connector: wix }
flows: [people.yaml]
";

/// A flow file in a project of SuperOffice and Wix, checked against their schemas.
fn flow(text: &str) -> String {
    let whole = told(&[("lockstep.yaml", SYSTEMS), ("people.yaml", text)], &schemas());
    whole.split_once("# people.yaml\n").map(|(_, rest)| rest.to_string()).unwrap_or(whole)
}

/// A `lockstep.yaml` alone, not checked against schemas.
fn project(text: &str) -> String {
    told(&[("lockstep.yaml", text)], &Schemas::new())
}

#[test]
fn a_slip_in_a_record_type() {
    assert_snapshot!(flow(
        "flows:\n  - from: superoffice.Persn\n    to: wix.Product\n    create: never\n    match: [Emails.Value = info.emails]\n"
    ));
}

#[test]
fn a_slip_in_a_path() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match:
      - Emial.Value = info.emails
    properties:
      - Firstname <-> info.name.frist : string
      - Lastname <-> name.last
      - Contact <-> info.phones
      - Title <-> jobTitle
      - MobilePhones.Value (Dependant on having Work in MobilePhones.Kind) <-> info.phones
"
    ));
}

#[test]
fn a_system_that_is_not_there() {
    assert_snapshot!(flow(
        "flows:\n  - { from: superofice.Person, to: zendesk.Users, create: { when_connected_to: [Wix.Contacts, Ticket] } }\n"
    ));
}

#[test]
fn slips_in_policies_and_words() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    create: allways
    deletes: propogate
    duplicates: keep
    create_empty: perhaps
    match: [Emails.Value = info.emails]
    properties:
      - { row: Firstname <-> info.name.first, prefer: [wixx], clears: never }
      - { row: Lastname <-> info.name.last, prefer: [wix], only_from: wix }
"
    ));
}

#[test]
fn slips_in_value_lists_defaults_and_what_wins() {
    assert_snapshot!(flow(
        "\
maps:
  countries: { Norway: \"NO\", Sweden: [SE, SV] }
  lands: { Norway: \"NO\" }
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match:
      - { match: Emails.Value = info.emails.email and Firstname = info.name.first, type: [lower, _.] }
      - { match: Emails.Value = info.emails.email }
    properties:
      - { row: Title <-> info.jobTitle, map: countrys }
      - { row: Title <-> info.jobTitle, map: land }
      - { row: Title <-> info.jobTitle, map: gone.csv }
      - { row: Title <-> info.jobTitle, map: { 1: one, \"1 \": uno } }
      - { row: Title <-> info.jobTitle, map: {} }
      - { row: Title <-> info.jobTitle, map: lands, else: keep }
      - { row: Title <-> info.jobTitle, else: pass }
      - { row: Title <-> info.jobTitle, map: lands, type: [upper, _.] }
      - { row: Birthday <-> info.birthdate, default: today, type: date }
      - { row: Firstname <-> info.name.first, on: create }
      - { row: Firstname -> info.name.first, wins: longest }
      - { row: Firstname <-> info.name.first, wins: longest, prefer: [wix] }
      - { row: Firstname <-> info.name.first, wins: latest }
      - { row: Firstname <-> info.name.first, wins: { any-off: [a] } }
      - { set: info.company, on: ever }
      - { set: info.company, to: a, row: x }
"
    ));
}

#[test]
fn slips_in_lists_of_elements() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails.email]
    key: a = b
    properties:
      - { list: Emails -> info.emails, key: Value = email }
      - { list: Emails <-> info.emails, key: Value }
      - { list: Emails <-> info.emails }
      - { list: Emails, key: Value = email }
      - { list: Emails <-> info.emails, key: Value = email, rowes: [] }
"
    ));
}

#[test]
fn p1e_slips_in_groups() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails.email]
    properties:
      - group: lone
        rows: [Title <-> info.jobTitle]
      - group: ways
        rows: [Firstname <-> info.name.first, Lastname -> info.name.last]
      - group: policies
        rows:
          - { row: Address.Street <-> info.street, prefer: [wix] }
          - { row: Address.Zip <-> info.zip, prefer: [superoffice] }
          - { row: Address.City <-> info.city, prefer: [wix], wins: longest }
      - group: twice
        rows: [Birthday <-> info.birthdate, Notes <-> info.notes]
      - Birthday -> info.born
      - { group: without rows }
      - group: odd
        rows:
          - { set: info.company, to: a }
          - { group: inner, rows: [Kode <-> info.kode] }
          - { row: Phone -> info.phone, on: create }
          - Mobile <-> info.mobile
"
    ));
}

#[test]
fn p11_slips_in_lists_kept_by_element() {
    let text = "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match: [mail = mail]
    properties:
      - { row: Tags <-> labels, list: every }
      - { row: Groups <-> groups, list: groups <-> groups }
      - { row: Topics <-> topics, list: each, wins: true }
      - { row: Areas <-> areas, list: each, prefer: [wix], default: Oslo }
      - { row: Interests <-> interests, list: each, only_from: wix }
      - { row: Skills -> skills, list: each, on: create }
      - group: both
        rows: [{ row: Codes <-> codes, list: each }, Kode <-> kode]
  - from: superoffice.Contact
    to: wix.Companies
    only_from: wix
    match: [Name = name]
    properties: [{ row: Tags <-> tags, list: each }]
";
    assert_snapshot!(told(&[("lockstep.yaml", SYSTEMS), ("people.yaml", text)], &Schemas::new()));
}

#[test]
fn p11_what_is_no_list_is_not_kept_by_element() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails.email]
    properties:
      - { row: Firstname <-> info.name.first, list: each }
      - { row: Emails.Value <-> info.emails.email, list: each }
"
    ));
}

#[test]
fn unknown_and_missing_keys() {
    assert_snapshot!(flow(
        "\
flows:
  - form: superoffice.Person
    to: wix.Contacts
    matches: [Emails.Value = info.emails]
    propertys:
      - Firstname <-> info.name.first
  - from:
    to: wix.Contacts
flow: []
"
    ));
}

#[test]
fn values_of_the_wrong_kind() {
    assert_snapshot!(flow(
        "\
flows:
  - from: [superoffice.Person]
    to: wix.Contacts
  - from: superoffice.Person
    to: wix.Contacts
    match: { Emails.Value: info.emails }
    properties:
      - [Firstname, info.name.first]
      - 12
  - from: superoffice.Person
    to: Contacts
  - just text
"
    ));
}

#[test]
fn rows_that_can_not_be_read() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match:
      - Emails.Value == info.emails
      - Emails.Value
      - Firstname = info.name.first and Lastname
      - Emails..Value = info.emails
    properties:
      - Firstname = info.name.first
      - Firstname <->
      - a <-> b <-> c
      - { row: Lastname, type: string }
"
    ));
}

#[test]
fn types_and_conversions_that_are_not_there() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails]
    properties:
      - Firstname <-> info.name.first : strin
      - Lastname <-> info.name.last : [\"uper\", \"_.\"]
      - Title -> info.name.last : ['if', ['matches', 'x*', '_.'], ['lowr', '_.'], '_.']
      - { row: Title -> info.name.first, type: text (short) }
"
    ));
}

#[test]
fn conditions_for_creating() {
    assert_snapshot!(flow(
        "\
flows:
  - { from: superoffice.Person, to: wix.Contacts, match: [Emails.Value = info.emails], create: { when: the category is VIP } }
  - { from: superoffice.User, to: wix.Members, match: [personEmail = loginEmail], create: { filter: Category = 'VIP' } }
  - { from: superoffice.Contact, to: wix.Members, match: [Name = loginEmail], create: { filter: Category.Value == 'VIP' and Catgory == 'x' } }
  - { from: superoffice.Ticket, to: wix.Products, create: {} }
  - { from: superoffice.Ticket, to: wix.Members, create: { when: x, when_connected_to: [superoffice.Person] } }
"
    ));
}

#[test]
fn no_yaml() {
    assert_snapshot!(flow(
        "flows:\n  - from: superoffice.Person\n    to: \"wix.Contacts\n    create: always\n"
    ));
}

#[test]
fn a_row_that_yaml_does_not_take() {
    assert_snapshot!(flow(
        "flows:\n  - from: superoffice.Person\n    to: wix.Contacts\n    properties:\n      - row: Title <-> title : string\n"
    ));
}

#[test]
fn a_path_in_quotation_marks_of_its_own() {
    assert_snapshot!(flow(
        "flows:\n  - from: superoffice.Person\n    to: wix.Contacts\n    properties:\n      - \"Lastname\" <-> info.name.last\n"
    ));
}

#[test]
fn a_tab_for_an_indent() {
    assert_snapshot!(flow("flows:\n  - from: superoffice.Person\n\tto: wix.Contacts\n"));
}

#[test]
fn several_problems_in_several_files_at_once() {
    assert_snapshot!(told(
        &[
            (
                "lockstep.yaml",
                "sytems: {}\nstore: lockstep.db\nsystems:\n  a: { connector: files, wiht: { folder: a } }\n  b: { with: { folder: b } }\nflows: [one.yaml, two.yaml]\n"
            ),
            (
                "one.yaml",
                "flows:\n  - { from: a.T, to: c.T, crate: always }\n  - { from: a.T, to: b.T, create: always, create: never }\n"
            ),
            ("two.yaml", "flows: [{ from: b.T, to: }]\nflws: []\n"),
        ],
        &Schemas::new(),
    ));
}

#[test]
fn settings_of_a_project() {
    assert_snapshot!(project(
        "\
systems:
  wix:
    connector: wix
    schedule: soon
    rate: fast
    clears: never
    with: [a, b]
  shop.one: { connector: files, schedule: { evry: 5m, types: { T: 0 } } }
  shop: { connector: files, title: Wix }
policies: { delets: review, prefer: [wxi] }
store: mysql://localhost
region: Norway
"
    ));
}

#[test]
fn a_missing_variable() {
    let files = [
        (
            "lockstep.yaml",
            "systems:\n  wix:\n    connector: wix\n    with: { api_key: \"${WIX_API_KEY}\", site_id: \"x-${WIX_SITE}\", account: \"${WIX ID}\", base_url: \"${URL\" }\nflows: []\n",
        ),
        (".env", "WIX_APIKEY=very-secret\nnonsense\n"),
    ];
    let text = told(&files, &Schemas::new());
    assert!(!text.contains("very-secret") && !text.contains("nonsense"));
    assert_snapshot!(text);
}

#[test]
fn no_message_shows_what_a_variable_holds() {
    let project = "\
systems:
  a: { connector: \"${S}\", schedule: \"${S}\", rate: \"${S}\", clears: \"${S}\", title: \"${S}\", with: \"${S}\", references: { T: { r: \"${S}\" } } }
  wix: { connector: wix, references: { Contacts: { r: \"${S}\" } } }
  b: { connector: \"${S}\", aliases: [\"${S}\"] }
policies: { deletes: \"${S}\", prefer: [\"${S}\"] }
store: \"${S}\"
region: \"${S}\"
flows: [\"${S}\", \"${S}*\", { file: \"${S}\", unnamed: \"${S}\", names: { x: \"${S}\" } }]
";
    let text = told(&[("lockstep.yaml", project), (".env", "S=hush-hush\n")], &schemas());
    assert!(text.matches("error[").count() > 10 && !text.contains("hush"), "{text}");
}

#[test]
fn a_secret_where_others_may_read_it() {
    // No message shows it, whatever it is about.
    let text = project(
        "systems:\n  wix: { connector: wix, with: { api_key: abc-123 }, tilte: Wix }\nflows: []\n",
    );
    let messages = text.split_once("───").unwrap().1;
    assert!(!messages.contains("abc-123"), "{messages}");
    assert_snapshot!(text);
}

#[test]
fn files_that_are_not_there() {
    assert_snapshot!(told(
        &[
            (
                "lockstep.yaml",
                "systems: { a: { connector: files } }\nflows:\n  - flows/poeple.yaml\n  - docs/*.rst\n  - { file: flows/people.yaml, unnamed: b, names: { A.com: c } }\n  - { fille: x }\n",
            ),
            ("flows/people.yaml", "flows: []\n"),
        ],
        &Schemas::new(),
    ));
}

#[test]
fn no_project_and_no_flows() {
    let dir = support::folder(&[]);
    let (project, problems) = lockstep_config::load_with(dir.path(), &|_| None);
    assert!(project.is_none());
    let shown =
        lockstep_config::render_all(&problems).replace(&dir.path().display().to_string(), "DIR");
    assert_snapshot!(format!(
        "{shown}\n{}",
        self::project("systems: { a: { connector: files } }\n")
    ));
}

const SHOP: &str = "\
=====================
Shop to Wiks Dataflow
=====================

Generated: 2024-05-01 10:00:00

Introduction
------------

About this.

Shop Customers to Wiks Contacts
-------------------------------
Every Shop Customers will be synchronized with a Wiks Contacts.

A Shop Customers will merge with a Wiks Contacts if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - Shop Customers Property
     - Wiks Contacts Property
   * - email
     - info.email

Once a link between a Shop Customers and a Wiks Contacts is established, it will keep in sync between the two systems, regardless of where it is edited.

The following properties are synchronized between a Shop Customers and a Wiks Contacts:

.. list-table::
   :header-rows: 1

   * - Shop Customers Property
     - Wiks Contacts Property
     - Wiks Data Type
   * - first_name
     - info.name.first
     - \"strng\"
   * - last_name
     - info.name.last
     - \"uper\",\"_.\"]
   * - phone (Dependant on having A in kindDependant on having B in kind)
     - info.phones
     - what?

";

#[test]
fn a_document_is_told_of_like_a_flow_file() {
    let mut schemas = schemas();
    schemas.insert(
        "shop".into(),
        vec![record_type("Customers", "email\n first_name\n last_name\n phone\n kind")],
    );
    let project = |wix: &str| {
        format!(
            "systems: {{ shop: {{ connector: files }}, wix: {{ connector: wix{wix} }} }}\nflows: [shop.rst]\n"
        )
    };
    let both = [
        told(&[("lockstep.yaml", &project("")), ("shop.rst", SHOP)], &schemas),
        told(&[("lockstep.yaml", &project(", aliases: [Wiks]")), ("shop.rst", SHOP)], &schemas),
    ];
    // The document is shown once.
    assert_snapshot!(
        both.map(|text| text.split_once("───\n").unwrap().1.to_string()).join("\n───\n")
    );
}

#[test]
fn a_document_that_leaves_a_system_unnamed() {
    let document = SHOP
        .replace("Wiks", "")
        .replace("to  Dataflow\n=====================", "to  Dataflow\n=================");
    let project =
        "systems: { shop: { connector: files }, wix: { connector: wix } }\nflows: [shop.rst]\n";
    assert_snapshot!(
        told(&[("lockstep.yaml", project), ("shop.rst", &document)], &Schemas::new())
            .split_once("───\n")
            .unwrap()
            .1
    );
}

#[test]
fn slips_in_rows_about_a_list_as_a_whole() {
    assert_snapshot!(flow(
        "\
flows:
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails.email]
    properties:
      - count(Interests) <-> info.interests
      - count() -> info.count
      - Interests -> max(info.largest)
      - { row: Interests -> info.interests, order: by year falling }
      - { row: Interests <-> info.interests, order: asc }
      - { row: sum(Orders.Amount) -> info.revenue, type: [\"round\", 2, \"_.\"] }
      - { row: sum(Orders.Amount) -> info.revenue, order: by Date }
      - { row: count(Orders) -> info.orders, default: 0 }
      - { row: any(Orders.Paid) -> info.paid, default: no }
      - { row: sum(Orders.Amount) -> info.revenue, default: 0 }
      - { row: max(Orders.Amount) -> info.largest, default: 0 }
"
    ));
}
