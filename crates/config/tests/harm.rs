//! G6: what `check` says of flows that do harm as written.

use crate::support;

use crate::support::{folder, record_type, schemas, seeds, told};
use insta::assert_snapshot;
use lockstep_config::{Schemas, Severity, check, load_with, render_all};
use lockstep_model::schema::KnownFrom;
use lockstep_model::{Path, PlainType, PropertySchema, TypeSchema};

const SYSTEMS: &str = "\
systems:
  superoffice: { connector: superoffice, title: SuperOffice }
  wix: { connector: wix }
  poweroffice-go: { connector: poweroffice-go }
  crmoffice: { connector: crmoffice, title: CRMOffice }
  zendesk: { connector: zendesk }
flows: [flows.yaml]
";

fn flows(text: &str) -> String {
    with(text, &schemas())
}

fn with(text: &str, schemas: &Schemas) -> String {
    let text = format!("flows:\n  {}", text.trim_start());
    let whole = told(&[("lockstep.yaml", SYSTEMS), ("flows.yaml", &text)], schemas);
    whole.split_once("# flows.yaml\n").map(|(_, rest)| rest.to_string()).unwrap_or(whole)
}

#[test]
fn a_flow_with_nothing_amiss_is_told_nothing() {
    let text = flows(
        "\
  - from: superoffice.Person
    to: wix.Contacts
    create: always
    match: [Emails.Value = info.emails]
    properties:
      - Firstname <-> info.name.first : string
      - Emails.Value <-> info.emails.email
  - { from: wix.Contacts, to: superoffice.Person, create: always }
",
    );
    assert!(text.ends_with("───\n"), "{text}");
}

#[test]
fn creating_everything_with_no_match_row() {
    assert_snapshot!(flows(
        "\
  - { from: poweroffice-go.Customers, to: wix.Contacts, create: always, properties: [EmailAddress <-> info.emails, LastName <-> info.name.last] }
  - { from: crmoffice.Companies, to: superoffice.Contact, create: always, properties: [orgNumber <-> OrgNr] }
  - { from: superoffice.Contact, to: zendesk.Organizations, create: { filter: Category.Value == 'x' }, properties: [Name <-> name] }
"
    ));
}

#[test]
fn the_id_of_the_very_record_is_no_unmarked_reference() {
    let open = |system: &str, kind: &str| (system.to_string(), vec![TypeSchema::open(kind)]);
    let schemas: Schemas =
        [open("superoffice", "Person"), open("wix", "Contacts")].into_iter().collect();
    for (row, expected) in [
        ("$id -> superoffice_id", false),
        ("contact_id <- $id", false),
        ("number <-> superoffice_id", false),
        ("number <-> company_id", true),
    ] {
        let text = with(
            &format!(
                "- {{ from: superoffice.Person, to: wix.Contacts, create: always, match: [mail = mail], properties: ['{row}'] }}"
            ),
            &schemas,
        );
        assert_eq!(text.contains("unmarked-reference"), expected, "{row}: {text}");
    }
}

#[test]
fn empty_tables() {
    assert_snapshot!(flows(
        "\
  - { from: wix.Products, to: crmoffice.Companies, create: always, match: [name = name] }
  - { from: wix.Contacts, to: crmoffice.Contacts, create: always, create_empty: true, match: [info.emails = email] }
  - { from: superoffice.User, to: wix.Contacts, match: [personEmail = info.emails], properties: [] }
  - { from: superoffice.Contact, to: zendesk.Organizations, properties: [Name <-> name] }
"
    ));
}

#[test]
fn one_property_fanned_out_to_two() {
    assert_snapshot!(flows(
        "\
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails]
    properties:
      - Firstname <-> info.name.first
      - Title <-> info.name.first
      - Emails.Value <-> info.emails
      - Emails.Value <-> primaryInfo.email
      - MobilePhones.Value -> info.phones
      - PrivatePhones.Value <- info.phones
"
    ));
}

#[test]
fn a_row_with_set_is_called_a_constant() {
    for set in ["", "{ set: info.name.last, to: Lie }, "] {
        let text = flows(&format!(
            "\
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails]
    properties: [Emails.Value <-> info.emails, {set}{{ set: info.name.first, to: Bo, on: always }}, Title -> info.name.first]
"
        ));
        assert!(text.contains("a constant"), "{text}");
        assert!(!text.contains("$id"), "{text}");
    }
}

#[test]
fn a_path_and_its_own_parent() {
    let mut schemas = schemas();
    schemas.insert(
        "zendesk".into(),
        vec![record_type("Users", "email any =address\n name any\n name.first\n phone")],
    );
    assert_snapshot!(with(
        "\
  - from: superoffice.Person
    to: zendesk.Users
    match: [Emails.Value = email]
    properties:
      - Emails.Value <-> email
      - Emails.Value <-> email.address
      - Firstname <-> name.first
      - Lastname <-> name
",
        &schemas
    ));
}

#[test]
fn references_that_no_schema_tells_of() {
    let mut schemas = schemas();
    schemas.insert(
        "crmoffice".into(),
        vec![record_type("Contacts", "email\n companyId\n owner.id\n extern_id")],
    );
    assert_snapshot!(with(
        "\
  - from: superoffice.Person
    to: crmoffice.Contacts
    match: [Emails.Value = email]
    properties:
      - Contact.ContactId <-> companyId
      - Title <-> owner.id
      - Lastname <-> extern_id
  - from: superoffice.Person
    to: zendesk.Users
    match: [Emails.Value = email]
    properties:
      - Contact.ContactId <-> organization_id
",
        &schemas
    ));
}

#[test]
fn references_that_the_project_tells_of_are_marked() {
    let project = SYSTEMS.replace(
        "crmoffice, title",
        "crmoffice, references: { Contacts: { companyId: Companies, typo: Compnies } }, title",
    );
    let text = "\
flows:
  - { from: superoffice.Contact, to: crmoffice.Companies, match: [Name = name], properties: [Name <-> name] }
  - { from: superoffice.Person, to: crmoffice.Contacts, match: [Emails.Value = email], properties: [Contact.ContactId <-> companyId] }
";
    assert_snapshot!(
        told(&[("lockstep.yaml", &project), ("flows.yaml", text)], &schemas())
            .split_once("───\n")
            .unwrap()
            .1
    );
}

#[test]
fn conditions_that_can_never_hold() {
    assert_snapshot!(flows(
        "\
  - from: superoffice.Person
    to: wix.Contacts
    create: { when_connected_to: [superoffice.Contact, superoffice.User, zendesk.Tickets] }
    match: [Emails.Value = info.emails]
    properties: [Firstname <-> info.name.first]
  - from: superoffice.Contact
    to: zendesk.Organizations
    create: { when: the category is VIP }
    match: [Name = name]
    properties: [Name <-> name]
"
    ));
}

#[test]
fn types_that_can_not_be_converted() {
    assert_snapshot!(flows(
        "\
  - from: superoffice.Ticket
    to: zendesk.Tickets
    match: [Title = subject]
    properties:
      - TimeToReply <-> due_at : string
      - Title <-> subject
  - from: superoffice.Person
    to: zendesk.Tickets
    match: [Title = subject]
    properties:
      - Retired <-> due_at
"
    ));
}

#[test]
fn what_can_only_be_read() {
    let mut schemas = schemas();
    schemas.insert(
        "wix".into(),
        vec![record_type("Contacts", "email\n id ro\n created datetime ro\n name\n source once")],
    );
    assert_snapshot!(with(
        "\
  - from: superoffice.User
    to: wix.Contacts
    match: [personEmail = email]
    properties: [personEmail <-> email]
    deletes: propagate
  - from: wix.Contacts
    to: superoffice.User
    create: always
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = email]
    properties:
      - Title <-> created
      - Lastname -> id
      - PersonId -> name
      - Firstname <-> source
",
        &schemas
    ));
}

#[test]
fn flows_that_contradict_each_other() {
    assert_snapshot!(flows(
        "\
  - from: superoffice.Person
    to: wix.Contacts
    create: always
    match: [Emails.Value = info.emails]
    properties:
      - Firstname <-> info.name.first
      - { row: Lastname <-> info.name.last, prefer: [wix, superoffice] }
      - Emails.Value -> info.emails
  - from: superoffice.Person
    to: wix.Contacts
    create: never
    deletes: propagate
    match: [Emails.Value = info.emails]
  - from: wix.Contacts
    to: superoffice.Person
    properties:
      - { row: info.name.last <-> Lastname, only_from: wix }
      - info.emails -> Emails.Value
      - info.name.first -> Firstname
"
    ));
}

#[test]
fn extra_that_would_delete_what_it_must_not() {
    let rows =
        "match: [Emails.Value = info.emails]\n    properties: [Firstname -> info.name.first]";
    let said =
        |flow: &str| flows(&format!("- from: superoffice.Person\n    to: wix.Contacts\n{flow}"));
    let told = said(&format!("    extra: delete\n    {rows}\n"));
    assert!(told.ends_with("───\n"), "nothing is amiss: {told}");
    assert_snapshot!(
        "extra_no_match",
        said("    extra: delete\n    properties: [Firstname -> info.name.first]\n")
    );
    assert_snapshot!(
        "extra_both",
        said(&format!("    create: both\n    extra: review\n    {rows}\n"))
    );
    let back = "  - from: wix.Contacts\n    to: superoffice.Person\n    create: always\n    properties: [info.name.first -> Firstname]\n";
    assert_snapshot!("extra_back", said(&format!("    extra: delete\n    {rows}\n{back}")));
    let third = "  - from: crmoffice.Customers\n    to: wix.Contacts\n    create: always\n    match: [email = info.emails]\n    properties: [email -> info.emails]\n";
    let told = said(&format!("    extra: delete\n    {rows}\n{third}"));
    assert!(told.contains("a person is asked about each"), "{told}");
    let itself = flows(
        "- from: wix.Contacts\n    to: wix.Contacts\n    extra: delete\n    match: [info.phones = info.emails]\n",
    );
    assert!(itself.contains("every record of wix.Contacts is one of wix.Contacts"), "{itself}");
    // What can't be deleted.
    let mut schemas = schemas();
    for schema in schemas.get_mut("wix").unwrap() {
        schema.can.delete = false;
    }
    let text = format!(
        "- from: superoffice.Person\n    to: wix.Contacts\n    extra: delete\n    {rows}\n"
    );
    let told = with(&text, &schemas);
    assert!(told.contains("wix.Contacts can't be deleted through wix"), "{told}");
    // G3: no guard.
    let unguarded = SYSTEMS
        .replace("wix: { connector: wix }", "wix: { connector: wix, limits: { deletes: none } }");
    let text = format!("flows:\n  {text}");
    let files = [("lockstep.yaml", unguarded.as_str()), ("flows.yaml", text.as_str())];
    let told = support::told(&files, &support::schemas());
    assert!(told.contains("no guard counts what is deleted in wix"), "{told}");
}

#[test]
fn conversions_that_can_not_be_undone() {
    assert_snapshot!(flows(
        "\
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails]
    properties:
      - Firstname <-> info.name.first : [\"upper\", \"_.\"]
      - Lastname -> info.name.last : [\"upper\", \"_.\"]
      - Title <-> info.phones : [\"datetime-format\", \"%Y-%m-%d\", \"_.\"]
"
    ));
}

#[test]
fn systems_of_which_nothing_is_known() {
    let mut schemas = schemas();
    schemas.remove("wix");
    assert_snapshot!(with(
        "  - { from: superoffice.Person, to: wix.Anything, create: always, match: [Emails.Value = a.b], properties: [Lastname <-> c.d] }\n",
        &schemas
    ));
}

/// The five documents, each with the systems that it is about: read, checked, and what is said of
/// them looked at.
#[test]
fn the_five_documents() {
    let Some(documents) = seeds() else { return };
    let mut project = "\
systems:
  superoffice: { connector: superoffice, title: SuperOffice }
  wix: { connector: wix }
  poweroffice-go: { connector: poweroffice-go }
  crmoffice: { connector: crmoffice }
  zendesk: { connector: zendesk }
  youtrack: { connector: youtrack }
flows:
"
    .to_string();
    for (name, _) in &documents {
        let unnamed = match &name[..3] {
            "002" => ", unnamed: youtrack",
            "004" => ", unnamed: zendesk",
            _ => "",
        };
        project.push_str(&format!("  - {{ file: {name}{unnamed} }}\n"));
    }
    let mut files: Vec<(&str, &str)> =
        documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("lockstep.yaml", &project));
    let dir = folder(&files);
    let (loaded, mut problems) = load_with(dir.path(), &|_| None);
    let loaded = loaded.unwrap();
    problems.extend(check(&loaded, &schemas()));
    let problems = lockstep_config::in_order(problems);
    assert!(
        problems.iter().all(|problem| problem.severity != Severity::Error),
        "{}",
        render_all(&problems)
    );
    let names: Vec<String> =
        loaded.flows.iter().map(|flow| format!("{} {:?}", flow.name(), flow.create)).collect();
    // Only what is said is kept here, and where: the documents' own text belongs to their author.
    let said: Vec<String> = problems
        .iter()
        .map(|problem| {
            let related: Vec<String> = problem
                .related
                .iter()
                .map(|label| format!(" (and line {})", label.place.line()))
                .collect();
            format!("{:?} {} {}{}", problem.place, problem.code, problem.message, related.concat())
        })
        .collect();
    assert_snapshot!(format!("{}\n\n{}", names.join("\n"), said.join("\n")));
}

#[test]
fn g10_a_rate_of_a_folder_of_files_is_refused() {
    let text = told(
        &[
            (
                "lockstep.yaml",
                "systems:\n  crm: { connector: files, with: { folder: a }, rate: 5 }\nflows: [flows.yaml]\n",
            ),
            ("flows.yaml", "flows: []\n"),
        ],
        &[("crm".to_string(), vec![record_type("People", "id")])].into(),
    );
    assert!(text.contains("error[config::without-effect]: `rate` of crm has no effect"), "{text}");
}

#[test]
fn g10_columns_and_paths_are_held_against_the_header_and_the_sample() {
    let seen = |kind: &str, known_from| TypeSchema {
        known_from,
        open: true,
        ..record_type(kind, "id\n email\n phone\n address.city")
    };
    let schemas: Schemas = [
        ("crmoffice".to_string(), vec![seen("People", KnownFrom::Header)]),
        ("wix".to_string(), vec![seen("Customers", KnownFrom::Sample)]),
    ]
    .into();
    let text = with(
        "\
  - from: crmoffice.People
    to: wix.Customers
    create: { filter: emial != '' }
    match: [emali = email]
    properties:
      - email <-> e-mail
      - phone <-> fax
      - fax -> phone
      - address.city <-> address
      - avg(orders) -> phone
",
        &schemas,
    );
    for told in [
        "error[config::unknown-column]: the file of crmoffice.People has no column `emali`",
        "error[config::unknown-column]: the file of crmoffice.People has no column `emial`",
        "error[config::unknown-column]: the file of crmoffice.People has no column `fax`",
        "warning[config::unseen-property]: no record of wix.Customers that was looked at has `e-mail`",
        "note[config::unseen-property]: no record of wix.Customers that was looked at has `fax`",
        "help: did you mean `email`?",
        "the file of crmoffice.People has no column `avg(orders)`",
        "help: of a list as a whole a row says `count(…)`, `sum(…)`, `min(…)`, `max(…)` or `any(…)`",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    assert!(!text.contains("`address`") && !text.contains("has no column `address"), "{text}");
}

#[test]
fn g10_no_path_leads_to_a_name_with_a_dot() {
    let customers = TypeSchema {
        known_from: KnownFrom::Sample,
        dotted: vec!["a.tel".into()],
        open: true,
        ..record_type("Customers", "id\n email")
    };
    let schemas: Schemas = [
        ("crmoffice".to_string(), vec![record_type("People", "id\n email\n tel")]),
        ("wix".to_string(), vec![customers]),
    ]
    .into();
    let text = with(
        "\
  - from: crmoffice.People
    to: wix.Customers
    match: [email = email]
    properties: [tel <-> a.tel]
",
        &schemas,
    );
    for told in [
        "warning[config::unseen-property]: no path leads to the name `a.tel` of wix.Customers",
        "help: give it a name without a dot in the file (`a_tel`), and in the row",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn g10_filters_that_compare_with_another_type() {
    let mut customers = record_type("Customers", "id\n email\n typ any\n active any\n other any");
    customers.known_from = KnownFrom::Sample;
    customers.properties[2].holds = Some(PlainType::Float);
    customers.properties[3].holds = Some(PlainType::Boolean);
    let people = record_type("People", "id\n email\n amount\n open\n level integer\n tags []");
    let schemas: Schemas = [
        ("crmoffice".to_string(), vec![TypeSchema { known_from: KnownFrom::Header, ..people }]),
        ("wix".to_string(), vec![customers]),
    ]
    .into();
    let flow = |conditions: &str| {
        let text = format!(
            "\
  - from: crmoffice.People
    to: wix.Customers
    match: [email = email]
    properties: [email <-> email]
{conditions}
"
        );
        with(&text, &schemas)
    };
    for (condition, path, told, help) in [
        (
            "    only: email and amount > 100",
            "amount",
            "`amount` of crmoffice.People holds texts: `amount > 100` compares them with a number, and holds for every record that has one",
            "write `amount|float(0) > 100`",
        ),
        (
            "    only: 100 > amount",
            "amount",
            "and holds for no record",
            "write `100 > amount|float(0)`",
        ),
        ("    only: amount in [1, -2]", "amount", "no record", "write `amount in [\"1\", \"-2\"]`"),
        ("    only: open == True", "open", "with true or false", "write `open == \"true\"`"),
        (
            "    only: level == \"3\"",
            "level",
            "`level` of crmoffice.People holds numbers: `level == \"3\"` compares them with a text",
            "write `level == 3`",
        ),
        (
            "    only_to: typ != '3'",
            "typ",
            "`typ` of wix.Customers holds numbers: `typ != '3'` compares them with a text, and holds for every record",
            "write `typ != 3`",
        ),
        ("    only_to: typ == 'x'", "typ", "holds numbers", "compare it with a number"),
        ("    only_to: active == 'true'", "active", "`true` and `false`", "write `active == true`"),
        ("    create: { filter: amount == 5 }", "amount", "no record", "write `amount == \"5\"`"),
        (
            "    create:\n      when: large\n      filter: amount >= 5",
            "amount",
            "every record",
            "write `amount|float(0) >= 5`",
        ),
    ] {
        let text = flow(condition);
        let said = text.split_once("───\n").unwrap().1;
        assert!(said.contains("warning[config::compared-types]: "), "{said}");
        assert!(said.contains(told) && said.contains(help), "{told} {help}\n{said}");
        let underlined = said.lines().find(|line| line.contains('^')).unwrap();
        assert_eq!(underlined.matches('^').count(), path.len(), "{said}");
    }
    for condition in [
        "    only: amount|float(0) > 100",
        "    only: amount == '100'",
        "    only: amount|length > 3",
        "    only: level > 3",
        "    only: level == 3 or level == '3'",
        "    only: amount is string and amount == 3",
        "    only: tags == 3",
        "    only: amount == 3 * level",
        "    only_to: typ == 3 and active == true",
        "    only_to: other == 3 or email",
    ] {
        let text = flow(condition);
        assert!(!text.contains("compared-types"), "{text}");
    }
}

#[test]
fn d3_rows_that_write_the_mark() {
    let marked = TypeSchema {
        mark: Some("archived".into()),
        ..record_type("People", "id\n email\n archived")
    };
    let schemas: Schemas = [
        ("crmoffice".to_string(), vec![marked]),
        ("wix".to_string(), vec![record_type("Customers", "id\n email\n gone\n state\n kept")]),
    ]
    .into();
    let flow = |row: &str| {
        format!(
            "  - from: wix.Customers\n    to: crmoffice.People\n    match: [email = email]\n    properties: [email <-> email, {row}]\n"
        )
    };
    for row in ["gone <-> archived", "gone -> archived", "{ set: archived, to: true, on: always }"]
    {
        let text = with(&flow(row), &schemas);
        assert!(
            text.contains(
                "error[config::mark]: `archived` of crmoffice.People is the mark of what is deleted"
            ),
            "{row}\n{text}"
        );
    }
    for row in ["state <- archived", "{ set: archived, to: false, on: create }"] {
        let text = with(&flow(row), &schemas);
        assert!(!text.contains("config::mark"), "{row}\n{text}");
    }
}

#[test]
fn a_reference_to_a_key_of_several_properties_is_refused() {
    let lines = TypeSchema {
        key: vec!["order_no".into(), "line_no".into()],
        ..record_type("Lines", "order_no\n line_no\n sku")
    };
    let text = told(
        &[
            (
                "lockstep.yaml",
                "systems:\n  crm:\n    connector: files\n    with: { folder: a }\n    references: { Notes: { line: Lines } }\nflows: [flows.yaml]\n",
            ),
            ("flows.yaml", "flows: []\n"),
        ],
        &[("crm".to_string(), vec![record_type("Notes", "id\n line"), lines])].into(),
    );
    let message = "error[config::reference-mismatch]: `line` of Notes can't refer to Lines: its records are known by several properties \
                   together, `order_no` and `line_no`";
    assert!(text.contains(message), "{text}");
}

#[test]
fn p1_the_note_on_the_first_link_says_who_wins_where_a_system_is_said_to() {
    let yaml = "systems:\n  a: { connector: files, with: { folder: a } }\n  b: { connector: files, with: { folder: b }, untold: wins }\nflows: [flows.yaml]\n";
    let flow = "flows:\n  - from: a.People\n    to: b.Customers\n    match: [email = email]\n    properties: [email <-> email]\n";
    let silent = TypeSchema { tells_times: false, ..record_type("Customers", "id\n email") };
    let all: Schemas = [
        ("a".to_string(), vec![record_type("People", "id\n email")]),
        ("b".to_string(), vec![silent]),
    ]
    .into();
    let text =
        told(&[("lockstep.yaml", &yaml.replace(", untold: wins", "")), ("flows.yaml", flow)], &all);
    assert!(text.contains("those of a.People win, as its times are told (P1)"), "{text}");
    let text = told(&[("lockstep.yaml", yaml), ("flows.yaml", flow)], &all);
    assert!(text.contains("those of b.Customers win, as `untold: wins` says (P1)"), "{text}");
    let wrong = yaml.replace("untold: wins", "untold: win");
    let text = told(&[("lockstep.yaml", &wrong), ("flows.yaml", flow)], &all);
    assert!(text.contains("`untold`") && text.contains("`wins`"), "{text}");
}

/// Persons with a list of objects, and users with a property on a condition.
fn with_lists(rows: &str) -> String {
    let mut schemas = schemas();
    let persons =
        record_type("Person", "mail\n Emails any [] =Value\n Emails.Value\n Emails.Description");
    schemas.insert("superoffice".into(), vec![persons]);
    let users = record_type("Users", "email\n name\n kind\n company");
    schemas.insert("zendesk".into(), vec![users]);
    with(
        &format!(
            "- {{ from: superoffice.Person, to: zendesk.Users, create: always, match: [mail = email], properties: [{rows}] }}"
        ),
        &schemas,
    )
}

#[test]
fn p9_two_rows_into_one_list_of_objects_are_refused() {
    let mixed = with_lists("Emails.Value <-> email, Emails.Description <-> name");
    assert!(mixed.contains("error[config::one-list]"), "{mixed}");
    assert!(mixed.contains("nothing says of which element"), "{mixed}");
    // Read only, they may be two elements' all the same.
    let read = with_lists("Emails.Value -> email, Emails.Description -> name");
    assert!(read.contains("warning[config::one-list]"), "{read}");
    assert!(!with_lists("Emails.Value <-> email, mail <-> name").contains("one-list"));
}

#[test]
fn p9_a_condition_that_no_row_fulfils_on_creation_owes_nothing() {
    let on_kind = "mail <-> company (Dependant on having Company in kind)";
    let text = with_lists(on_kind);
    assert!(text.contains("warning[config::unfulfilled-condition]"), "{text}");
    assert!(text.contains("nothing is written there when a record is created"), "{text}");
    assert!(
        !with_lists(&format!("{on_kind}, Emails.Description <-> kind")).contains("unfulfilled")
    );
}

#[test]
fn p1c_several_properties_each_paired_with_several_are_a_block() {
    let rows = |rows: &str| {
        flows(&format!(
            "- {{ from: superoffice.Person, to: wix.Contacts, match: [Emails.Value = info.emails], properties: [{rows}] }}"
        ))
    };
    let block = rows(
        "Firstname <-> info.name.first, Firstname <-> info.name.last, Lastname <-> info.name.first, Lastname <-> info.name.last",
    );
    assert!(block.contains("[config::block]"), "{block}");
    assert!(block.contains("`Firstname` belongs to `info.name.first`"), "{block}");
    let plain = rows("Firstname <-> info.name.first, Lastname <-> info.name.last");
    assert!(!plain.contains("block"), "{plain}");
}

#[test]
fn l6_a_section_between_a_type_and_itself_says_what_it_is() {
    let itself = |rest: &str| {
        flows(&format!("- {{ from: superoffice.Person, to: superoffice.Person, {rest} }}"))
    };
    let vacuous = itself("create: always, properties: [Firstname <-> Firstname]");
    assert!(vacuous.contains("warning[config::vacuous-section]"), "{vacuous}");
    let inside =
        itself("match: [Emails.Value = Emails.Value], properties: [Firstname <-> Firstname]");
    assert!(inside.contains("warning[config::duplicates-inside]"), "{inside}");
    assert!(inside.contains("goes to review"), "{inside}");
}

/// What is told of `flow` between `crmoffice.People` and `wix.Customers`, and of a third system's
/// `zendesk.Users`, which `more` may link with them.
fn effects(flow: &str, more: &str) -> String {
    let people = || record_type("People", "id\n email\n phone\n active boolean\n amount float");
    let named = |kind: &str| TypeSchema { kind: kind.into(), ..people() };
    let schemas: Schemas = [
        ("crmoffice".to_string(), vec![people()]),
        ("wix".to_string(), vec![named("Customers")]),
        ("zendesk".to_string(), vec![named("Users")]),
    ]
    .into();
    with(&format!("  - from: crmoffice.People\n    to: wix.Customers\n{flow}{more}"), &schemas)
}

#[test]
fn g10_a_policy_that_lets_nothing_through_is_refused() {
    let row = |row: &str| {
        effects(
            &format!("    create: always\n    match: [email = email]\n    properties: [{row}]\n"),
            "",
        )
    };
    for (written, expected) in [
        ("{ row: phone -> phone, only_from: wix }", "the row carries nothing: by `only_from: wix`"),
        ("{ row: phone <- phone, only_from: crmoffice }", "say `only_from: wix`"),
        ("{ row: phone <-> phone, only_from: zendesk }", "`zendesk` has no say in `only_from`"),
        ("{ row: phone <-> phone, prefer: [wix, zendesk] }", "`zendesk` has no say in `prefer`"),
        ("{ row: phone <-> phone, prefer: [wix, wix] }", "`wix` stands twice in `prefer`"),
        ("{ row: phone <-> phone, prefer: [] }", "`prefer` names no system"),
        ("{ row: phone <-> phone, wins: { any-of: [] } }", "`any-of` names no value"),
        ("{ row: phone <-> phone, wins: { any-of: [a, b, a] } }", "\"a\" stands twice in `any-of`"),
        ("{ row: amount <-> amount, wins: longest }", "`wins: longest` has no effect"),
        ("{ row: active <-> active, wins: max }", "for yes and no say `true` or `false`"),
    ] {
        let text = row(written);
        assert!(text.contains("error[config::without-effect]"), "{written}: {text}");
        assert!(text.contains(expected), "{written}: {text}");
    }
    for written in [
        "{ row: phone -> phone, only_from: crmoffice }",
        "{ row: phone <-> phone, only_from: wix }",
        "{ row: phone -> phone, prefer: [wix] }",
        "{ row: phone <-> phone, wins: longest }",
        "{ row: amount <-> amount, wins: max }",
        "{ row: active <-> active, wins: true }",
    ] {
        assert!(!row(written).contains("without-effect"), "{written}: {}", row(written));
    }
    let flow = "    create: always\n    match: [email = email]\n    properties: [{ row: phone <-> phone, prefer: [zendesk] }]\n";
    let third = "  - { from: zendesk.Users, to: wix.Customers, create: always, match: [email = email], properties: [email <-> email] }\n";
    assert!(!effects(flow, third).contains("without-effect"), "by way of another flow");
    // On the whole flow it holds for every row that says nothing else.
    let whole = effects(
        "    create: always\n    only_from: wix\n    match: [email = email]\n    properties: [email <-> email, phone -> phone]\n",
        "",
    );
    assert!(whole.contains("the row carries nothing"), "{whole}");
    let undone = effects(
        "    create: always\n    prefer: [wix]\n    match: [email = email]\n    properties: [{ row: phone <-> phone, prefer: [] }]\n",
        "",
    );
    assert!(!undone.contains("without-effect"), "{undone}");
}

#[test]
fn g10_rows_and_settings_of_creating_have_something_to_create() {
    let flow = |create: &str, row: &str| {
        effects(
            &format!(
                "    create: {create}\n    match: [email = email]\n    properties: [email <-> email, {row}]\n"
            ),
            "",
        )
    };
    for (create, row) in [
        ("never", "{ row: phone -> phone, on: create }"),
        ("never", "{ set: phone, to: '1' }"),
        ("always", "{ row: phone <- phone, on: create }"),
    ] {
        let text = flow(create, row);
        assert!(
            text.contains("error[config::without-effect]: the row gives its value when a"),
            "{text}"
        );
    }
    for (create, row) in [
        ("both", "{ row: phone <- phone, on: create }"),
        ("always", "{ row: phone -> phone, on: create }"),
        ("{ filter: 'active == true' }", "{ set: phone, to: '1' }"),
    ] {
        assert!(!flow(create, row).contains("without-effect"), "{}", flow(create, row));
    }
    for (settings, expected) in [
        ("create: never\n    create_empty: true", "`create_empty` has no effect"),
        ("create: { when_connected_to: [] }", "`when_connected_to` names no record type"),
        (
            "create: never\n    match: [email = email]\n    duplicates: separate",
            "`duplicates: separate` has no effect",
        ),
        ("create: always\n    duplicates: merge", "no match row says which records are the same"),
    ] {
        let text = effects(&format!("    {settings}\n    properties: [email <-> email]\n"), "");
        assert!(text.contains("error[config::without-effect]"), "{settings}: {text}");
        assert!(text.contains(expected), "{settings}: {text}");
    }
    let back = "  - { from: wix.Customers, to: crmoffice.People, create: always, match: [email = email] }\n";
    let row = "    match: [email = email]\n    properties: [{ row: phone <- phone, on: create }]\n";
    assert!(!effects(row, back).contains("without-effect"), "another flow creates there");
}

#[test]
fn g10_what_is_said_for_all_rows_of_a_flow_needs_rows() {
    for word in ["prefer: [wix]", "only_from: wix", "clears: ignore"] {
        let flow = |rows: &str| {
            effects(
                &format!(
                    "    create: always\n    create_empty: true\n    match: [email = email]\n    {word}\n    properties: [{rows}]\n"
                ),
                "",
            )
        };
        assert!(
            flow("").contains("it is about the rows of this flow, which has none"),
            "{}",
            flow("")
        );
        assert!(!flow("email <-> email").contains("without-effect"), "{word}");
    }
}

#[test]
fn g10_rows_that_say_nothing_are_told() {
    let flow = |rows: &str| {
        effects(
            &format!(
                "    create: always\n    match: [email = email]\n    properties: [email <-> email, {rows}]\n"
            ),
            "",
        )
    };
    for (rows, expected) in [
        ("{ row: phone -> phone, default: '' }", "`default` has no effect"),
        ("{ set: phone, to: '' }", "a record is created without a value there anyway"),
        ("{ group: address, rows: [] }", "the group `address` has no rows"),
        ("{ row: phone -> phone, on: create, clears: ignore }", "`clears` has no effect"),
        ("phone <-> phone, phone <-> phone", "this row stands twice"),
    ] {
        let text = flow(rows);
        assert!(
            text.contains("[config::without-effect]") && text.contains(expected),
            "{rows}: {text}"
        );
    }
    let twice = effects(
        "    create: always\n    match: [email = email, email = email]\n    properties: [email <-> email]\n",
        "",
    );
    assert!(twice.contains("warning[config::without-effect]: this row stands twice"), "{twice}");
    let maps = told(
        &[
            (
                "lockstep.yaml",
                "systems:\n  crm: { connector: files, with: { folder: a } }\nflows: [flows.yaml]\n",
            ),
            ("flows.yaml", "maps: { kinds: { a: b } }\nflows: []\n"),
        ],
        &Schemas::new(),
    );
    assert!(maps.contains("the map `kinds` has no effect: no row names it"), "{maps}");
}

#[test]
fn g10_what_a_system_says_of_record_types_and_lists_is_there() {
    let seen = |kind: &str, known_from, properties: &str| TypeSchema {
        known_from,
        open: known_from != KnownFrom::Declaration,
        ..record_type(kind, properties)
    };
    let schemas: Schemas = [(
        "crm".to_string(),
        vec![
            seen("People", KnownFrom::Header, "id\n email"),
            seen("Orders", KnownFrom::Sample, "id\n number\n lines any []\n lines.no\n lines.qty"),
            seen("Sales", KnownFrom::Declaration, "id\n number\n items any []\n items.pos"),
        ],
    )]
    .into();
    let system = |said: &str| {
        let lockstep = format!(
            "systems:\n  crm:\n    connector: files\n    with: {{ folder: a }}\n    {said}\nflows: [flows.yaml]\n"
        );
        told(&[("lockstep.yaml", &lockstep), ("flows.yaml", "flows: []\n")], &schemas)
    };
    for (said, expected) in [
        (
            "full_scan: { types: { Peopel: 1h } }",
            "error[config::unknown-record-type]: crm has no record type `Peopel`",
        ),
        (
            "elements: { People: { lines: { id: no } } }",
            "error[config::without-effect]: `lines` of crm.People is no list",
        ),
        ("elements: { Orders: { linse: { id: no } } }", "has a list `linse`"),
        ("elements: { Orders: { linse: { id: no } } }", "did you mean `lines`?"),
        ("elements: { Orders: { number: { id: no } } }", "`number` of crm.Orders is no list"),
        (
            "elements: { Orders: { lines: { id: nr } } }",
            "no element of crm.Orders[lines] that was looked at has `nr`",
        ),
        ("elements: { Sales: { items: { id: pso } } }", "did you mean `pos`?"),
    ] {
        assert!(system(said).contains(expected), "{said}: {}", system(said));
    }
    for said in [
        "full_scan: { types: { People: 1h } }",
        "elements: { Orders: { lines: { id: no } } }",
        "elements: { Sales: { items: { id: pos } } }",
    ] {
        let text = system(said);
        assert!(
            !text.contains("[config::un") && !text.contains("without-effect"),
            "{said}: {text}"
        );
    }
}

/// Orders with lines on both sides, whose elements a flow keeps in step.
fn with_lines(rows: &str, key: &str) -> String {
    let seen = |kind: &str, properties: &str| TypeSchema {
        known_from: KnownFrom::Sample,
        open: true,
        ..record_type(kind, properties)
    };
    let lines = "$parent\n no once\n qty";
    let schemas: Schemas = ["crm", "shop"]
        .map(|system| {
            let orders = seen("Orders", "id\n number\n lines any []\n lines.no\n lines.qty");
            (system.to_string(), vec![orders, seen("Orders[lines]", lines)])
        })
        .into();
    let lockstep = "systems:\n  crm: { connector: files, with: { folder: a } }\n  shop: { connector: files, with: { folder: b } }\nflows: [flows.yaml]\n";
    let flows = format!(
        "flows:\n  - {{ from: crm.Orders, to: shop.Orders, create: always, match: [number = number], properties: [number <-> number, {rows}] }}\n  \
         - {{ from: 'crm.Orders[lines]', to: 'shop.Orders[lines]', create: both, {key} match: ['$parent = $parent and no = no'], \
         properties: ['$parent <-> $parent', no <-> no, qty <-> qty] }}\n"
    );
    told(&[("lockstep.yaml", lockstep), ("flows.yaml", &flows)], &schemas)
}

#[test]
fn g6_a_list_is_kept_by_its_elements_or_by_a_row_and_not_by_both() {
    let key = "key: no = no,";
    for (row, expected) in [
        ("lines <-> lines", "this row writes the whole list too"),
        ("lines -> lines", "the elements of `lines` of shop.Orders are records"),
        ("note -> lines.qty", "this row writes `lines.qty` into one of them too"),
    ] {
        let text = with_lines(row, key);
        assert!(text.contains("error[config::contradiction]") && text.contains(expected), "{text}");
        assert!(text.contains("the flow between the elements"), "{text}");
    }
    for row in ["'count(lines) -> n'", "lines_text <-> lines_text"] {
        let text = with_lines(row, key);
        assert!(!text.contains("flow of their own"), "{text}");
        assert!(!text.contains("can be written only when"), "an element's id is its own: {text}");
    }
}

#[test]
fn g10_a_key_of_elements_that_none_of_them_has_is_told() {
    let text = with_lines("note <-> note", "key: nr = no,");
    assert!(text.contains("no element of crm.Orders[lines] that was looked at has `nr`"), "{text}");
    assert!(text.contains("did you mean `no`?") || text.contains("they have"), "{text}");
    assert!(!with_lines("note <-> note", "key: no = no,").contains("tells them apart"));
}

#[test]
fn l1_a_row_that_undoes_what_a_match_row_compares_by_a_conversion_is_told() {
    let matched = |row: &str| {
        flows(&format!(
            "- {{ from: superoffice.Person, to: zendesk.Users, match: [{{ match: Lastname = name, type: [\"without-prefix\", \"SO-\", \"_.\"] }}], properties: [{row}] }}"
        ))
    };
    let told = matched("Lastname <-> name");
    assert!(told.contains("may not match any more (L1)"), "{told}");
    for row in [
        "{ row: Lastname <-> name, type: [\"without-prefix\", \"SO-\", \"_.\"] }",
        "Emails.Value <-> email",
    ] {
        assert!(!matched(row).contains("may not match any more"), "{row}");
    }
}

/// One row between a record type whose properties hold all sorts, and itself in another system.
fn all_sorts(row: &str) -> String {
    all_sorts_only(row, "id != ''")
}

/// The same, for the records that fulfil a condition.
fn all_sorts_only(row: &str, only: &str) -> String {
    let mut short = record_type(
        "All",
        "id\n text string\n n integer\n yes boolean\n day date\n lines any []\n lines.no\n lines.amount\n code string",
    );
    short.properties.last_mut().unwrap().stored_as.max_chars = Some(2);
    let schemas: Schemas =
        ["crm", "shop"].map(|system| (system.to_string(), vec![short.clone()])).into();
    let lockstep = "systems:\n  crm: { connector: files, with: { folder: a } }\n  shop: { connector: files, with: { folder: b } }\nflows: [flows.yaml]\n";
    let flows = format!(
        "flows:\n  - {{ from: crm.All, to: shop.All, create: always, match: [id = id], only: \"{only}\", properties: [{row}] }}\n"
    );
    told(&[("lockstep.yaml", lockstep), ("flows.yaml", &flows)], &schemas)
}

#[test]
fn g10_a_value_that_a_flow_puts_in_and_its_property_refuses_is_an_error() {
    for (row, expected) in [
        (
            "{ row: text -> n, default: Unknown }",
            "“Unknown” can't stand in `n` of shop.All: “Unknown” is no integer",
        ),
        ("{ set: day, to: today, on: create }", "“today” can't stand in `day`"),
        ("{ row: text <-> n, map: { Norway: NO, Denmark: 45 } }", "“NO” can't stand in `n`"),
        // The way back puts in the left sides.
        ("{ row: n <-> text, map: { Norway: NO } }", "“Norway” can't stand in `n` of crm.All"),
        ("{ row: yes <-> yes, wins: { any-of: [perhaps] } }", "“perhaps” can't stand in `yes`"),
        ("{ row: text -> code, default: Norway }", "it holds 2 characters, this has 6"),
        ("{ row: text -> n, type: [if, [eq, _., a], b, 3] }", "“b” can't stand in `n`"),
    ] {
        let text = all_sorts(row);
        assert!(text.contains("error[config::refused-value]") && text.contains(expected), "{text}");
    }
    for row in [
        "{ row: text -> n, default: 12 }",
        "{ set: day, to: '2026-05-17', on: create }",
        "{ row: n <-> text, map: { 1: one } }",
        "{ row: text <-> code, map: { Norway: 'NO' } }",
        "{ row: yes <-> yes, wins: true }",
    ] {
        assert!(!all_sorts(row).contains("refused-value"), "{}", all_sorts(row));
    }
}

#[test]
fn g10_a_conversion_that_fails_for_every_value_is_told() {
    for (row, expected) in [
        (
            "{ row: yes -> n, type: [multiply, 2, _.] }",
            "no value of `yes` of crm.All can become one of `n`",
        ),
        ("{ row: n -> day, type: [datetime-format, '%Y', _.] }", "no value of `n`"),
        ("{ row: n -> n, type: [concat, SO-, _.] }", "no value of `n`"),
    ] {
        let text = all_sorts(row);
        assert!(text.contains("config::unconvertible") && text.contains(expected), "{row}: {text}");
    }
    for row in [
        "{ row: text -> n, type: [without-prefix, SO-, _.] }",
        "{ row: n -> text, type: [concat, SO-, _.] }",
        "{ row: day -> text, type: [datetime-format, '%Y', _.] }",
        "{ row: lines -> n, type: [count, _.] }",
    ] {
        assert!(!all_sorts(row).contains("unconvertible"), "{row}: {}", all_sorts(row));
    }
}

#[test]
fn g10_a_condition_that_fails_for_some_values_is_told() {
    let only = |condition: &str| all_sorts_only("n <-> n", condition);
    let told = only("text|int > 3");
    assert!(told.contains("warning[config::compared-types]"), "{told}");
    assert!(told.contains("for a record of crm.All with “Åse Berg” in `text`"), "{told}");
    for fine in ["text|int(0) > 3", "n > 3", "text == 'x' and yes", "(lines or [])|length > 1"] {
        assert!(!only(fine).contains("compared-types"), "{fine}: {}", only(fine));
    }
}

#[test]
fn p1d_a_way_back_gives_back_what_it_was_given() {
    for (row, severity) in [
        ("{ row: n <-> n, type: [multiply, 3, _.], back: [multiply, 3, _.] }", "error"),
        ("{ row: text <-> text, type: [upper, _.], back: [concat, _., x] }", "warning"),
        ("{ row: n <-> n, back: [multiply, 3, _.] }", "error"),
    ] {
        let text = all_sorts(row);
        let expected = format!("{severity}[config::no-way-back]: the way back from");
        assert!(text.contains(&expected), "{row}: {text}");
    }
    for row in [
        "{ row: n <-> n, type: [multiply, 3, _.], back: [divide, 3, _.] }",
        "{ row: text <-> text, type: [concat, SO-, _.], back: [without-prefix, SO-, _.] }",
    ] {
        assert!(!all_sorts(row).contains("no-way-back"), "{row}: {}", all_sorts(row));
    }
    for (row, told) in [
        (
            "{ row: n <-> n, type: [multiply, 3, _.], back: [divide, 3, _.], only_from: crm }",
            "`back` has no effect beside `only_from: crm`",
        ),
        (
            "{ row: n <-> n, back: [divide, 3, _.], wins: max }",
            "`back` has no effect beside `wins`",
        ),
    ] {
        assert!(all_sorts(row).contains(told), "{row}: {}", all_sorts(row));
    }
    let idle = all_sorts("{ row: n -> n, back: [divide, 3, _.] }");
    assert!(idle.contains("`back` has no effect on a row that goes one way"), "{idle}");
}

#[test]
fn p1d_what_two_rows_write_is_one_clash_and_the_same_row_turned_is_none() {
    let clashes = |row: &str| all_sorts(row).matches("[config::fanned-out]").count();
    assert_eq!(clashes("text + n -> code, text -> code"), 1);
    assert_eq!(clashes("text + n <-> code, text + yes <-> day"), 1);
    assert_eq!(clashes("text + n -> code, { row: text -> code, on: create }"), 0);
    assert_eq!(clashes("{ row: text + n -> code, on: create }, text -> code"), 0);
    let schemas: Schemas = ["crm", "shop"]
        .map(|system| (system.to_string(), vec![record_type("All", "id\n first\n last\n name")]))
        .into();
    let flows =
        "  - { from: crm.All, to: shop.All, match: [id = id], properties: [first + last <-> name] }
  - { from: shop.All, to: crm.All, match: [id = id], properties: [name <-> first + last] }
";
    let lockstep = "systems:\n  crm: { connector: files, with: { folder: a } }\n  shop: { connector: files, with: { folder: b } }\nflows: [flows.yaml]\n";
    let text =
        told(&[("lockstep.yaml", lockstep), ("flows.yaml", &format!("flows:\n{flows}"))], &schemas);
    assert!(!text.contains("fanned-out"), "{text}");
    let other = flows.replace("name <-> first + last", "name -> first");
    let text =
        told(&[("lockstep.yaml", lockstep), ("flows.yaml", &format!("flows:\n{other}"))], &schemas);
    assert!(text.contains("fanned-out"), "{text}");
}

/// What the page on expressions shows, `check` takes without a word.
#[test]
fn g10_the_examples_of_expressions_pass_check() {
    let page = include_str!("../../../docs/expressions.md");
    let mut tried = 0;
    for block in page.split("```example\n").skip(1) {
        let expression = block.lines().next().unwrap();
        let reads = lockstep_model::filter::parse(expression).unwrap().reads;
        let names: Vec<&str> =
            reads.iter().map(Path::as_str).filter(|read| *read != "id").collect();
        let schemas: Schemas = ["crm", "shop"]
            .map(|system| {
                let mut of = record_type("All", "id");
                of.properties
                    .extend(names.iter().map(|name| PropertySchema::new(*name, PlainType::Any)));
                (system.to_string(), vec![of])
            })
            .into();
        let lockstep = "systems:\n  crm: { connector: files, with: { folder: a } }\n  shop: { connector: files, with: { folder: b } }\nflows: [flows.yaml]\n";
        let flows = format!(
            "flows:\n  - {{ from: crm.All, to: shop.All, match: [id = id], properties: [id -> id], only: {} }}\n",
            serde_json::Value::from(expression)
        );
        let text = told(&[("lockstep.yaml", lockstep), ("flows.yaml", &flows)], &schemas);
        for code in
            ["[config::filter]", "[config::compared-types]", "[config::unknown-property]", "error["]
        {
            assert!(!text.contains(code), "{expression}: {text}");
        }
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
}

#[test]
fn p1d_several_properties_together_are_told_what_they_can_not_be() {
    for (row, expected) in [
        ("text + code <-> n + day", "both sides of the row are several properties"),
        ("text + cod <-> code", "`cod`"),
        (
            "{ row: text + code <-> text, type: [upper, [join, ' ', _.]] }",
            "nothing says what of it is whose",
        ),
        ("{ row: text + code <-> text, back: [upper, _.] }", "is no list by this"),
        ("{ row: text + code -> text, map: { a: b } }", "(`text + code`): it takes one value"),
        (
            "{ row: text + code -> text, default: Unknown }",
            "`default` can't stand in a row about several",
        ),
        (
            "{ row: text + code -> text, order: by text }",
            "`order` can't stand in a row about several",
        ),
        ("text + text <-> code", "named twice"),
        ("lines > no + code -> text", "are the record's own"),
        ("text <-> code, text + n <-> code", "is written by this row and by another one"),
        ("text + n <-> code, text + yes <-> day", "an edit of one would be carried into the other"),
        (
            "{ row: text + code <-> text, type: [join, ', ', _.], back: [split, ';', _.] }",
            "the way back to `text + code` does not lead back",
        ),
        (
            "{ row: text + code -> n, type: [divide, 2, _.] }",
            "no values of `text` and `code` become one by this",
        ),
        ("text + code + id <-> text", "nothing says what of `text` is whose: text, code, id"),
        ("text -> text + code + id", "nothing says what of `text` is whose: text, code, id"),
        ("{ row: text + code <-> text, type: [join, '', _.] }", "nothing says what of it is whose"),
        (
            "{ row: text <- text + code, type: [count, [split, ' ', _.]] }",
            "and this is how they are made of it",
        ),
    ] {
        let text = all_sorts(row);
        assert!(text.contains(expected), "{row}: {text}");
    }
    for row in [
        "text + code <-> text",
        "{ row: text + code <-> text, type: string }",
        "{ row: text <-> text + code, type: string }",
        "{ row: n + text -> n, type: [sum, _.] }",
        "text <-> code + text",
        "{ row: text + code + id <-> text, back: [split, ' ', _.] }",
        "{ row: text + code <-> text, type: [join, '', _.], back: [split, '-', _.] }",
        "{ row: text <- text + code, type: [split, ', ', _.] }",
    ] {
        let text = all_sorts(row);
        assert!(!text.contains("error["), "{row}: {text}");
    }
}

#[test]
fn p10_p12_a_row_about_several_properties_counts_as_a_row() {
    let mut fixed = record_type("All", "id string\n first string\n last string\n name string");
    fixed.can.update = false;
    let open = record_type("All", "id string\n first string\n last string\n name string");
    let schemas: Schemas =
        [("crm".to_string(), vec![open]), ("shop".to_string(), vec![fixed])].into();
    let lockstep = "systems:\n  crm: { connector: files, with: { folder: a } }\n  shop: { connector: files, with: { folder: b } }\nflows: [flows.yaml]\n";
    let flows = "flows:\n  - { from: crm.All, to: shop.All, match: [id = id], properties: [first + last -> name] }\n";
    let text = told(&[("lockstep.yaml", lockstep), ("flows.yaml", flows)], &schemas);
    assert!(!text.contains("nothing is kept equal"), "{text}");
    assert!(text.contains("records of shop.All can't be"), "{text}");
}

#[test]
fn l1_records_are_created_with_what_they_are_matched_by() {
    let with = |matched: &str, rows: &str| {
        flows(&format!(
            "- {{ from: superoffice.Person, to: zendesk.Users, create: always, match: [{matched}], properties: [{rows}] }}"
        ))
    };
    let text = with("Emails.Value = email", "Lastname <-> name");
    assert!(text.contains("warning[config::creates-unmatched]"), "{text}");
    assert!(text.contains("a new zendesk.Users gets no `email`"), "{text}");
    for (matched, rows) in [
        ("Emails.Value = email", "Lastname <-> name, Emails.Value <-> email"),
        ("Emails.Value = email", "Firstname + Lastname <-> name, Emails.Value -> email"),
        ("Emails.Value = email, Lastname = name", "Lastname <-> name"),
    ] {
        assert!(!with(matched, rows).contains("creates-unmatched"), "{rows}");
    }
    // A row about several properties is one that brings something.
    let several = with("Lastname = name", "Firstname + Lastname <-> name");
    assert!(!several.contains("error[") && !several.contains("creates nothing"), "{several}");
}

#[test]
fn g10_what_is_said_of_a_list_needs_one() {
    for (row, expected) in [
        ("count(n) -> n", "`n` of crm.All holds a single value, no list"),
        (
            "{ row: lines -> lines, order: by amont desc }",
            "no element of `lines` of crm.All is known to have `amont`",
        ),
        ("{ row: lines -> lines, order: by amont desc }", "did you mean `amount`?"),
    ] {
        let text = all_sorts(row);
        assert!(
            text.contains("warning[config::without-effect]") && text.contains(expected),
            "{row}: {text}"
        );
    }
    for row in ["count(lines) -> n", "{ row: lines -> lines, order: by amount desc }"] {
        assert!(!all_sorts(row).contains("no list"), "{}", all_sorts(row));
    }
}

#[test]
fn g10_names_of_documents_are_for_documents() {
    let system = "systems:\n  crm: { connector: files, with: { folder: a } }\nflows: [{ file: flows.yaml, unnamed: crm, names: { C: crm } }]\n";
    let text = told(&[("lockstep.yaml", system), ("flows.yaml", "flows: []\n")], &Schemas::new());
    for key in ["unnamed", "names"] {
        assert!(
            text.contains(&format!("warning[config::without-effect]: `{key}` has no effect")),
            "{text}"
        );
    }
}

#[test]
fn l11_what_is_created_fulfils_the_condition_of_its_side() {
    let flow = |create: &str, rows: &str| {
        effects(
            &format!(
                "    create: {create}\n    only: phone == '1'\n    match: [email = email]\n    properties: [email <-> email{rows}]\n"
            ),
            "",
        )
    };
    let warned = "warning[config::creates-outside]: the flow is about a crmoffice.People only where `phone == '1'` holds";
    assert!(flow("both", "").contains(warned), "{}", flow("both", ""));
    assert!(
        flow("both", ", phone -> phone").contains(warned),
        "{}",
        flow("both", ", phone -> phone")
    );
    for (create, rows) in
        [("both", ", phone <-> phone"), ("both", ", phone <- phone"), ("always", "")]
    {
        assert!(!flow(create, rows).contains("creates-outside"), "{}", flow(create, rows));
    }
    let to = effects(
        "    create: always\n    only_to: phone == '1'\n    match: [email = email]\n    properties: [email <-> email, { set: phone, to: '1' }]\n",
        "",
    );
    assert!(!to.contains("creates-outside"), "a constant gives it: {to}");
}

#[test]
fn p1e_a_group_that_another_flow_tears() {
    let second = |rows: &str| {
        flows(&format!(
            "\
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails]
    properties:
      - group: address
        rows: [Address.Street <-> info.street, Address.Zip <-> info.zip, Address.City <-> info.city]
  - from: wix.Contacts
    to: zendesk.users
    match: [info.emails = email]
    properties: [{rows}]
"
        ))
    };
    let torn = |rows: &str| second(rows).contains("in the group `address`");
    let singly = "info.street <- street, info.zip <-> zip, info.city -> city";
    assert!(torn(singly), "{}", second(singly));
    assert!(torn("info.zip <-> zip"));
    assert!(!torn("info.zip -> zip"), "what only takes tears nothing");
    assert!(!torn("info.street <-> street, info.zip <-> zip, info.city <-> city"));
}

#[test]
fn p1_policies_that_differ_along_a_chain() {
    let with = |one: &str, other: &str| {
        flows(&format!(
            "\
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails]
    properties: [{{ row: Title <-> info.jobTitle{one} }}]
  - from: wix.Contacts
    to: zendesk.users
    match: [info.emails = email]
    properties: [{{ row: info.jobTitle <-> title{other} }}]
"
        ))
    };
    let differ = |one: &str, other: &str| with(one, other).contains("differ in whose value wins");
    let two = [", prefer: [wix]", ", only_from: zendesk"];
    assert!(differ(two[0], two[1]), "{}", with(two[0], two[1]));
    assert!(!differ(two[0], two[0]));
    assert!(!differ(two[0], ""));
}

#[test]
fn p11_lists_by_element_that_another_flow_keeps_otherwise() {
    let with = |one: &str, other: &str, condition: &str| {
        flows(&format!(
            "\
  - from: superoffice.Person
    to: wix.Contacts
    match: [Emails.Value = info.emails]
    properties: [{{ row: Title <-> info.labels{one} }}]
  - from: wix.Contacts
    to: zendesk.users
    match: [info.emails = email]
    {condition}properties: [{{ row: info.labels <-> tags{other} }}]
"
        ))
    };
    let (each, only) = (", list: each", "only: info.jobTitle == 'x'\n    ");
    for one_value in [", prefer: [wix]", ", only_from: zendesk", ", on: create"] {
        let told = with(each, one_value, "");
        assert!(told.contains("can only be said of the list as a whole (P11)"), "{told}");
    }
    let told = with(each, each, only);
    assert!(told.contains("could be undone by another one that was left aside"), "{told}");
    for told in [with(each, each, ""), with(each, "", ""), with("", "", only)] {
        assert!(!told.contains("P11"), "{told}");
    }
}

#[test]
fn g10_what_two_sections_say_differently_of_what_goes_is_told() {
    let text = |first: &str, second: &str| {
        let rows =
            "match: [Emails.Value = info.emails], properties: [Firstname <-> info.name.first]";
        flows(&format!(
            "- {{ from: superoffice.Person, to: wix.Contacts, {first}{rows} }}\n  - {{ from: superoffice.Person, to: wix.Contacts, {second}{rows} }}\n"
        ))
    };
    for (word, first, second) in [
        ("extra", "extra: delete, ", ""),
        ("extra", "extra: review, ", "extra: delete, "),
        ("ceases", "only: Title == 'x', ceases: delete, ", "only: Title == 'x', "),
        ("deletes", "deletes: propagate, ", ""),
    ] {
        let said = text(first, second);
        let expected = format!("say different things by `{word}`; the one that does less holds");
        assert!(said.contains(&expected) && said.contains("say the same"), "{said}");
        assert!(!text(first, first).contains("say different things"), "{word}");
    }
}
