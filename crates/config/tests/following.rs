//! What `check` says of rows about properties of what a record refers to.

use lockstep_config::Schemas;

use crate::support::{record_type, told};

const SYSTEMS: &str = "systems:
  crm: { connector: files, with: { folder: crm }, references: { People: { company: Companies } } }
  shop: { connector: files, with: { folder: shop } }
flows: [flows.yaml]
";

fn schemas() -> Schemas {
    let people = "mail\n name\n company\n nick\n friends [] >People\n age integer";
    [
        (
            "crm".to_string(),
            vec![
                record_type("People", people),
                record_type("Companies", "name\n owner >Users\n founded datetime"),
                record_type("Users", "mail"),
            ],
        ),
        (
            "shop".to_string(),
            vec![
                record_type("Customers", "mail\n company_name\n minutes minutes"),
                record_type("Firms", "title\n label"),
            ],
        ),
    ]
    .into()
}

/// What is said of a flow with this row.
fn row(row: &str) -> String {
    flow(&format!(
        "    match: [mail = mail]\n    properties:\n      - mail <-> mail\n      - {row}\n"
    ))
}

fn flow(says: &str) -> String {
    let flow = format!("flows:\n  - from: crm.People\n    to: shop.Customers\n{says}");
    let text = told(&[("lockstep.yaml", SYSTEMS), ("flows.yaml", &flow)], &schemas());
    text.split_once("───\n").unwrap().1.to_string()
}

/// What is underlined first.
fn underlined(said: &str) -> String {
    let mut lines = said.lines().skip_while(|line| !line.contains('^'));
    let marks = lines.next().unwrap_or_else(|| panic!("{said}"));
    let at = said.lines().position(|line| line == marks).unwrap();
    let line: Vec<char> = said.lines().nth(at - 1).unwrap().chars().collect();
    let marked = marks.chars().enumerate().filter(|(_, mark)| *mark == '^');
    marked.map(|(at, _)| line[at]).collect()
}

#[test]
fn p8_a_property_of_what_is_referred_to_is_taken_as_it_is_written() {
    for right in [
        "company > name -> company_name",
        "company > owner > mail -> company_name",
        "{ row: company > name -> company_name, map: { Fjord: F } }",
        "{ row: company > name -> company_name, on: create }",
        "company > founded -> company_name : string",
    ] {
        let said = flow(&format!(
            "    create: always\n    match: [mail = mail]\n    properties:\n      - mail <-> mail\n      - {right}\n"
        ));
        assert!(!said.contains("error") && !said.contains("warning"), "{right}\n{said}");
    }
}

#[test]
fn p8_what_is_wrong_with_such_a_row_is_underlined() {
    for (wrong, place, message, help) in [
        (
            "company > name <-> company_name",
            "company > name <-> company_name",
            "`company > name` belongs to the record that `company` refers to",
            "write `company > name -> company_name`",
        ),
        (
            "company > name <- company_name",
            "company > name <- company_name",
            "the row would write it",
            "in a flow of the record type that `company` refers to",
        ),
        ("compny > name -> company_name", "compny", "has no property `compny`", "`company`"),
        ("company > nam -> company_name", "nam", "crm.Companies has no property `nam`", "`name`"),
        ("nick > name -> company_name", "nick", "is not known to refer to records", "references"),
        ("friends > name -> company_name", "friends", "may refer to several", "one record"),
        ("company > owner > male -> company_name", "male", "crm.Users has no", "`mail`"),
        ("company > name -> company > name", "company > name -> company > name", "both sides", ""),
        ("company > founded -> minutes", "company > founded -> minutes", "can't become", ""),
        ("{ set: company > name, to: x }", "company > name", "`set` can't follow", "itself"),
    ] {
        let said = row(wrong);
        assert!(said.contains(message) && said.contains(help), "{wrong}\n{said}");
        assert_eq!(underlined(&said), place, "{wrong}\n{said}");
    }
}

#[test]
fn p8_a_match_row_and_a_condition_look_at_the_record_itself() {
    let said =
        flow("    match: [company > name = company_name]\n    properties: [mail <-> mail]\n");
    assert!(said.contains("a match row can't follow references"), "{said}");
    assert_eq!(underlined(&said), "company > name");
    for condition in
        ["only: company > name", "create: { when: so, filter: company > name and age }"]
    {
        let said = flow(&format!(
            "    {condition}\n    match: [mail = mail]\n    properties: [mail <-> mail]\n"
        ));
        assert!(said.contains("a condition can't follow references"), "{said}");
    }
}

#[test]
fn p8_what_was_followed_must_not_come_back() {
    let back = |row: &str| {
        let flow = format!(
            "    match: [mail = mail]\n    properties: [mail <-> mail, company > name -> company_name]\n  - from: crm.Companies\n    \
             to: shop.Customers\n    match: [name = company_name]\n    properties: [{row}]\n"
        );
        self::flow(&flow)
    };
    let said = back("name <-> company_name");
    assert!(said.contains("comes back to `name` of crm.Companies"), "{said}");
    assert!(said.contains("by this row"), "{said}");
    let said = back("name -> company_name");
    assert!(!said.contains("comes back"), "{said}");
}

#[test]
fn g10_a_column_with_the_sign_in_its_name_stands_in_quotation_marks() {
    let mut schemas = schemas();
    schemas.get_mut("crm").unwrap()[0] = record_type("People", "mail");
    let mut odd = lockstep_model::PropertySchema::new("a > b", lockstep_model::PlainType::String);
    odd.required = false;
    schemas.get_mut("crm").unwrap()[0].properties.push(odd);
    let flow = "flows:\n  - from: crm.People\n    to: shop.Customers\n    match: [mail = mail]\n    properties: ['\"a > b\" <-> company_name']\n";
    let systems = SYSTEMS.replace(", references: { People: { company: Companies } }", "");
    let text = told(&[("lockstep.yaml", &systems), ("flows.yaml", flow)], &schemas);
    assert!(!text.split_once("───\n").unwrap().1.contains("error"), "{text}");
}
