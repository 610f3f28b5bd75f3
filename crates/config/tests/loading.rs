//! Reading whole project folders.

use std::path::Path;

use lockstep_config::{Severity, load_with, render_all};
use lockstep_model::flow::Deletes;
use lockstep_model::{Create, Direction, Policy, TypeName};

use crate::support::folder;

fn load(dir: &Path) -> lockstep_config::Project {
    let (project, problems) = load_with(dir, &|_| None);
    assert!(
        problems.iter().all(|problem| problem.severity == Severity::Warning),
        "{}",
        render_all(&problems)
    );
    project.unwrap()
}

const LOCKSTEP: &str = "\
systems:
  superoffice:
    connector: superoffice
    title: SuperOffice
    with: { client_secret: \"${SECRET}\", base_url: 'http://127.0.0.1:${PORT:-8080}/so', retries: 3 }
    schedule: { every: 5m, types: { Ticket: 30 } }
    rate: 300/minute
    full_scan: { types: { Contact: 12h } }
    limits: { updates: none }
  zendesk:
    connector: zendesk
    references: { Users: { organization_id: Organizations } }
policies:
  deletes: review
limits: { deletes: 5%, updates: 30 }
first_run: go
";

const FLOWS: &str = "\
flows:
  - from: superoffice.Person
    to: zendesk.Users
    create: { when_connected_to: [superoffice.Ticket] }   # always | never
    match:
      - Emails.Value = email            # a row; several rows are alternatives
      - Number = number and Country.Code = country
      - [ Firstname = first, Lastname = last ]
    properties:
      - Contact.ContactId <-> organization_id
      - Emails.Value      <-> email
      - PrivatePhones.Value <-> phone : string
      - { row: Title -> title, only_from: superoffice, clears: ignore }
      - row: Rank <- rank
        prefer: [zendesk, superoffice]
      - Phones.Value (Dependant on having Mobile in Phones.Type) <-> mobile
    deletes: propagate
    duplicates: merge
  - from: superoffice.Contact
    to: zendesk.Organizations
    create: { when: the category is Customer, filter: 'Category.Value == \"Customer\"' }
    create_empty: true
";

#[test]
fn a_project_is_read_with_everything_it_says() {
    let dir = folder(&[
        ("lockstep.yaml", LOCKSTEP),
        ("flows/people.yaml", FLOWS),
        (".env", "SECRET=hush-hush\n"),
    ]);
    let project = load(dir.path());
    assert_eq!(project.store, "sqlite:lockstep.db");
    let superoffice = project.system("superoffice").unwrap();
    assert_eq!(superoffice.with["client_secret"], "hush-hush");
    assert_eq!(superoffice.with["base_url"], "http://127.0.0.1:8080/so");
    assert_eq!(superoffice.with["retries"], 3);
    assert_eq!(
        (superoffice.schedule.every_seconds, superoffice.schedule.types["Ticket"]),
        (Some(300), 30)
    );
    assert_eq!(superoffice.rate_per_second, Some(5.0));
    assert!(!format!("{project:?}").contains("hush-hush"), "a secret is shown");

    let [person, contact] = &project.flows[..] else { panic!("two flows") };
    assert_eq!(person.create, Create::ConnectedTo(vec![TypeName::new("superoffice", "Ticket")]));
    assert_eq!(person.matches.iter().map(|row| row.pairs.len()).collect::<Vec<_>>(), [1, 2, 2]);
    assert_eq!(person.matches[1].pairs[1].1.path.as_str(), "country");
    let directions: Vec<Direction> = person.properties.iter().map(|pair| pair.direction).collect();
    use Direction::{Backward, Both, Forward};
    assert_eq!(directions, [Both, Both, Both, Forward, Backward, Both]);
    assert_eq!(person.properties[3].policy, Policy::OnlyFrom("superoffice".into()));
    assert!(!person.properties[3].clears && person.properties[2].clears);
    assert_eq!(
        person.properties[4].policy,
        Policy::Prefer(vec!["zendesk".into(), "superoffice".into()])
    );
    assert_eq!(person.properties[5].from.when.as_ref().unwrap().value, "Mobile");
    assert!(person.properties[2].conversion.is_some());
    assert_eq!(
        (person.deletes, person.merge_duplicates, person.create_empty),
        (Deletes::Propagate, true, false)
    );
    assert_eq!(
        (contact.deletes, contact.merge_duplicates, contact.create_empty),
        (Deletes::Review, false, true)
    );
    let Create::When { condition, filter: Some(filter) } = &contact.create else {
        panic!("a filter")
    };
    assert_eq!(
        (condition.as_str(), filter.reads[0].as_str()),
        ("When the category is Customer", "Category.Value")
    );

    let places = &project.places[0];
    assert_eq!(
        format!("{:?} {}", places.from, places.from.text()),
        "flows/people.yaml:2:11 superoffice.Person"
    );
    assert_eq!(places.properties[2].to.text(), "phone");
    assert_eq!(places.properties[2].conversion.as_ref().unwrap().text(), "string");
    assert_eq!(places.matches[1][1].from.text(), "Country.Code");
    assert_eq!(places.connected[0].text(), "superoffice.Ticket");
    assert_eq!(person.place, "flows/people.yaml:2");
}

#[test]
fn the_environment_of_the_process_wins_over_the_file() {
    let dir = folder(&[
        ("lockstep.yaml", LOCKSTEP),
        ("flows/people.yaml", FLOWS),
        (".env", "SECRET=of the file\n"),
    ]);
    let (project, _) =
        load_with(dir.path(), &|name| (name == "SECRET").then(|| "of the process".into()));
    assert_eq!(
        project.unwrap().system("superoffice").unwrap().with["client_secret"],
        "of the process"
    );
}

const DOCUMENT: &str = "\
============================
SuperOffice to Shop Dataflow
============================

Generated: 2024-05-01 10:00:00

Introduction
------------

About this.

SuperOffice Person to Shop Customers
------------------------------------
When the category is VIP, it will be synchronized with a Shop Customers.

A SuperOffice Person will merge with a Shop Customers if one of the following property combinations match:

.. list-table::
   :header-rows: 1

   * - SuperOffice Person Property
     - Shop Customers Property
   * - Emails.Value
     - email

The following properties are synchronized between a SuperOffice Person and a Shop Customers:

.. list-table::
   :header-rows: 1

   * - SuperOffice Person Property
     - Shop Customers Property
     - Shop Data Type
   * - Firstname
     - first_name
     - \"string\"
   * - Phones.Value (Dependant on having Mobile in Phones.Type)
     - mobile
     - N/A

";

#[test]
fn a_document_is_read_where_a_flow_file_is() {
    let project_file = "systems: { superoffice: { connector: superoffice }, shop-one: { connector: files, aliases: [Shop] } }";
    let dir = folder(&[("lockstep.yaml", project_file), ("flows/shop.rst", DOCUMENT)]);
    let project = load(dir.path());
    let [flow] = &project.flows[..] else { panic!("one flow") };
    assert_eq!(flow.name(), "superoffice.Person to shop-one.Customers");
    assert_eq!(
        flow.create,
        Create::When { condition: "When the category is VIP".into(), filter: None }
    );
    // Nothing says that it is kept in sync wherever it is edited, so values go one way.
    assert!(flow.properties.iter().all(|pair| pair.direction == Direction::Forward));
    assert_eq!(flow.properties[1].from.when.as_ref().unwrap().path.as_str(), "Phones.Type");
    assert!(flow.properties[0].conversion.is_some() && flow.properties[1].conversion.is_none());
    let places = &project.places[0];
    assert_eq!((places.flow.line(), places.properties[0].to.text()), (12, "first_name"));
    assert_eq!(places.to.text(), "Shop Customers");
    assert_eq!(places.create.as_ref().unwrap().line(), 14);
}

#[test]
fn sections_that_state_the_same_flow_are_united() {
    let flows = "\
flows:
  - { from: a.T, to: b.T, create: never, match: [x = y], properties: [p <-> q] }
  - { from: a.T, to: b.T, create: always, match: [x = y, u = v], properties: [p <-> q, r <-> s] }
";
    let dir = folder(&[
        ("lockstep.yaml", "systems: { a: { connector: files }, b: { connector: files } }"),
        ("flows/all.yaml", flows),
    ]);
    let (project, problems) = load_with(dir.path(), &|_| None);
    let project = project.unwrap();
    let [flow] = &project.flows[..] else { panic!("one flow") };
    assert_eq!((&flow.create, flow.matches.len(), flow.properties.len()), (&Create::Always, 2, 2));
    assert_eq!(project.places[0].properties.len(), 2);
    assert_eq!(
        problems.iter().map(|p| p.code).collect::<Vec<_>>(),
        ["config::repeated-section", "config::contradiction"]
    );
}

#[test]
fn every_code_that_is_told_has_a_meaning() {
    let text = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect::<String>();
    let told: std::collections::BTreeSet<&str> = text
        .split("[config::")
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(code, _)| code)
        .collect();
    assert!(told.len() > 25, "{told:?}");
    for code in told {
        assert!(
            lockstep_config::codes::ALL
                .iter()
                .any(|(known, _)| known.strip_prefix("config::") == Some(code)),
            "{code}"
        );
    }
}

#[test]
fn g3_limits_of_a_system_go_over_those_of_the_project_and_those_over_the_defaults() {
    use lockstep_model::{Limit, Limits};
    let dir = folder(&[
        ("lockstep.yaml", LOCKSTEP),
        (".env", "SECRET=s\n"),
        ("flows/people.yaml", FLOWS),
    ]);
    let project = load(dir.path());
    let [superoffice, zendesk] =
        ["superoffice", "zendesk"].map(|name| project.system(name).unwrap());
    assert_eq!(superoffice.limits, Limits { updates: Limit::None, ..zendesk.limits });
    assert_eq!(
        zendesk.limits,
        Limits { deletes: Limit::or(0, 5.0), updates: Limit::or(30, 0.0), ..Limits::default() }
    );
    assert_eq!(superoffice.full_scan.types["Contact"], 12 * 3600);
    assert_eq!(zendesk.full_scan.every_seconds, None);
    assert!(!project.first_run_waits);
    let dir = folder(&[(
        "lockstep.yaml",
        "systems:\n  a: { connector: files, limits: { deletes: few } }\nflows: []\n",
    )]);
    let (project, problems) = load_with(dir.path(), &|_| None);
    assert!(project.unwrap().first_run_waits, "G2: it waits unless told otherwise");
    let text = render_all(&problems);
    assert!(text.contains("`few` is no limit") && text.contains("20 or 5%"), "{text}");
}

#[test]
fn the_journal_is_kept_for_ever_unless_it_is_said_for_how_long() {
    let days = |journal: &str| {
        let text = format!("systems:\n  a: {{ connector: files }}\nflows: []\n{journal}");
        let dir = folder(&[("lockstep.yaml", &text)]);
        let (project, problems) = load_with(dir.path(), &|_| None);
        (project.unwrap().journal_days, render_all(&problems))
    };
    assert_eq!(days("").0, None);
    assert_eq!(days("journal: { keep: forever }\n").0, None);
    assert_eq!(days("journal: { keep: 90d }\n").0, Some(90));
    for wrong in ["a while", "0d", "90"] {
        let (_, problems) = days(&format!("journal: {{ keep: {wrong} }}\n"));
        assert!(
            problems.contains(&format!("`{wrong}` is no time to keep the journal for"))
                && problems.contains("90d"),
            "{problems}"
        );
    }
}
