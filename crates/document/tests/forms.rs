//! Every form of statement, read from documents of our own and written again.

use lockstep_document::{
    Draft, PathCell, StatementKind, TypeCell, TypeName, Warning, read, write_html, write_markdown,
    write_rst,
};

const EVERY_STATEMENT: &str = include_str!("fixtures/every-statement.rst");
const UNNAMED: &str = include_str!("fixtures/unnamed.rst");
const SICK: &str = include_str!("fixtures/sick.rst");

fn codes(warnings: &[Warning]) -> Vec<(&'static str, usize)> {
    warnings.iter().map(|w| (w.code, w.span.line)).collect()
}

/// A document of one section between Wix Contacts and Zendesk Users with this body.
fn section(body: &str) -> String {
    let title = "=======================\nWix to Zendesk Dataflow\n=======================";
    let heading = "Wix Contacts to Zendesk Users\n-----------------------------";
    format!("{title}\n\n{heading}\n{body}")
}

/// The statements of that section, and the warnings.
fn statements(body: &str) -> (Vec<StatementKind>, Vec<(&'static str, usize)>) {
    let source = section(body);
    let (document, warnings) = read(&source);
    assert_eq!(document.to_source(), source);
    assert_eq!(document.sections.len(), 1, "{:?}", document.sections);
    let kinds = document.sections[0].statements.iter().map(|s| s.kind.clone());
    (kinds.collect(), codes(&warnings))
}

fn only(body: &str) -> StatementKind {
    let (kinds, warnings) = statements(body);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    kinds[0].clone()
}

#[test]
fn a_healthy_document_is_read_without_a_warning_and_written_as_it_was() {
    for source in [EVERY_STATEMENT, UNNAMED] {
        let (document, warnings) = read(source);
        assert_eq!(codes(&warnings), []);
        assert_eq!(document.to_source(), source);
        assert_eq!(write_rst(&Draft::from(&document)), source);
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing_but_bytes() {
    let (plain, _) = read(EVERY_STATEMENT);
    for source in [
        EVERY_STATEMENT.replace('\n', "\r\n"),
        EVERY_STATEMENT.replace('\n', "\r"),
        format!("\u{feff}{EVERY_STATEMENT}"),
        EVERY_STATEMENT.trim_end().to_string(),
        EVERY_STATEMENT.replace('\n', "  \n"),
        EVERY_STATEMENT.replacen('\n', "\r\n", 40),
    ] {
        let (document, warnings) = read(&source);
        assert_eq!(document.to_source(), source);
        assert_eq!(codes(&warnings), []);
        assert_eq!(Draft::from(&document), Draft::from(&plain));
    }
}

#[test]
fn the_typed_statements_of_a_document() {
    let (document, _) = read(EVERY_STATEMENT);
    let [company, person, contact] = document.sections.as_slice() else {
        panic!("three sections");
    };
    assert_eq!(document.generated.as_ref().unwrap().text, "2026-02-03 04:05:06");
    assert_eq!(document.introduction.paragraphs.len(), 2);
    assert_eq!(
        document.introduction.paragraphs[1],
        "This page says how they are kept in step;\nit is signed off by Åse Lunde."
    );
    assert_eq!(company.heading.from, TypeName::new("Lime CRM", "Company"));
    assert_eq!(company.heading.to.facet.as_deref(), Some("business data"));

    let StatementKind::Match { rows } = &company.statements[2].kind else {
        panic!("match rows");
    };
    let pairs: Vec<Vec<(&str, &str)>> = rows
        .iter()
        .map(|row| {
            let pairs = row.pairs.iter();
            pairs.map(|p| (p.from.path.as_str(), p.to.path.as_str())).collect()
        })
        .collect();
    assert_eq!(
        pairs,
        [
            vec![("orgNumber", "organisation.number")],
            vec![("name", "name"), ("address.zip", "postal.zip")],
            vec![("a, b", "e"), ("c d", "f")],
        ]
    );

    let StatementKind::Properties { rows } = &company.statements[4].kind else {
        panic!("property rows");
    };
    assert_eq!(rows[0].type_cell, TypeCell::Plain("string".into()));
    let condition = rows[1].from.condition().unwrap();
    assert_eq!((condition.value.as_str(), condition.path.as_str()), ("switchboard", "phones.kind"));
    assert!(
        matches!(&rows[2].type_cell, TypeCell::Conversion { list, repaired: false } if list.len() == 3)
    );
    assert_eq!(rows[3].type_cell, TypeCell::NotApplicable);
    assert_eq!(rows[4].type_cell, TypeCell::Empty);
    // Each row and cell can be pointed at.
    let spans = &company.statements[4].rows;
    assert_eq!(spans.len(), rows.len());
    assert_eq!(spans[1].cells[2].line, 53);
    assert_eq!(&EVERY_STATEMENT[spans[1].cells[1].start..spans[1].cells[1].end], "phone");

    assert_eq!(
        person.statements[0].kind,
        StatementKind::ConditionCreates {
            condition: "When the category is \"Customer, private\"".into()
        }
    );
    assert_eq!(
        contact.statements[1].kind,
        StatementKind::CreateIfConnected {
            connected: ["Deal", "Quote", "Order line"]
                .map(|kind| TypeName::new("Lime CRM", kind))
                .to_vec(),
            system: "Nordvik ERP".into()
        }
    );
    assert_eq!(
        contact.statements[2].kind,
        StatementKind::MergeOrCreate { merges: false, creates: true }
    );
}

#[test]
fn wrapped_and_running_sentences_are_understood() {
    let once = "Once a link between a Wix Contacts and a Zendesk\n  Users is established, it will keep in\nsync between the two systems, regardless of where it is edited.\n";
    assert_eq!(only(once), StatementKind::KeepInSync);
    let pair = "If a matching Zendesk Users already exists, the Wix Contacts will be merged with the\nexisting one. If no matching Zendesk Users is found, a new Zendesk Users will be\ncreated.";
    assert_eq!(only(pair), StatementKind::MergeOrCreate { merges: true, creates: true });
    let apart = "If a matching Zendesk Users already exists, the Wix Contacts will be merged with the existing one.\n\n\nIf no matching Zendesk Users is found, a new Zendesk Users will be created.\n";
    assert_eq!(only(apart), only(pair));
    let (kinds, warnings) = statements(
        "Every Wix Contacts will be synchronized with a Zendesk Users\nOnce a link between a Wix Contacts and a Zendesk Users is established, it will keep in sync between the two systems, regardless of where it is edited",
    );
    assert_eq!(kinds, [StatementKind::EveryCreates, StatementKind::KeepInSync]);
    assert_eq!(warnings, []);
}

#[test]
fn a_condition_is_whatever_stands_before_it() {
    let condition = |body: &str| match only(body) {
        StatementKind::ConditionCreates { condition } => condition,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        condition("When the contact is a customer,\nit will be synchronized with a Zendesk Users."),
        "When the contact is a customer"
    );
    assert_eq!(
        condition("If, and only if, it  pays, it will be synchronized with a Zendesk Users."),
        "If, and only if, it  pays"
    );
    assert_eq!(
        condition(
            "When every contact will be an importer, it will be synchronized with a Zendesk Users."
        ),
        "When every contact will be an importer"
    );
}

#[test]
fn several_connected_types_may_name_their_system_once_or_each_time() {
    for list in [
        "Wix Orders, Carts, or Bookings",
        "Wix Orders, or a Wix Carts, or a Wix Bookings",
        "Wix Orders, Carts or Bookings",
    ] {
        let body = format!(
            "A new Zendesk Users will be created from a Wix Contacts if it is connected to a {list} that is synchronized into Zendesk."
        );
        assert_eq!(
            only(&body),
            StatementKind::CreateIfConnected {
                connected: ["Orders", "Carts", "Bookings"]
                    .map(|kind| TypeName::new("Wix", kind))
                    .to_vec(),
                system: "Zendesk".into()
            }
        );
    }
}

#[test]
fn each_half_of_merge_or_create_counts_alone() {
    let half = |merges, creates| StatementKind::MergeOrCreate { merges, creates };
    assert_eq!(
        only(
            "If a matching Zendesk Users already exists, the Wix Contacts will be merged with the existing one."
        ),
        half(true, false)
    );
    assert_eq!(
        only("If no matching Zendesk Users is found, a new Zendesk Users will be created."),
        half(false, true)
    );
}

#[test]
fn statements_about_the_opposite_direction_create_nothing() {
    for body in [
        "Every Zendesk Users will be synchronized with a Wix Contacts.",
        "When so, it will be synchronized with a Wix Contacts.",
        "If no matching Wix Contacts is found, a new Wix Contacts will be created.",
        "If a matching Wix Contacts already exists, the Zendesk Users will be merged with the existing one.",
    ] {
        let (kinds, warnings) = statements(body);
        assert!(matches!(kinds[..], [StatementKind::Unrecognised { .. }]), "{kinds:?}");
        assert!(warnings.contains(&("document::other-direction", 7)), "{warnings:?}");
    }
    // Where the order makes no difference, it makes none.
    let (kinds, warnings) = statements(
        "Before any synchronization can take place, a link between a Zendesk Users and a Wix Contacts must be established.",
    );
    assert_eq!(kinds, [StatementKind::LinkOnly]);
    assert_eq!(warnings, []);
}

#[test]
fn columns_in_the_opposite_order_are_taken_by_their_header() {
    let (kinds, warnings) = statements(
        "A Wix Contacts will merge with a Zendesk Users if one of the following property combinations match:\n\n.. list-table::\n   :header-rows: 1\n\n   * - Zendesk Users Property\n     - Wix Contacts Property\n   * - email\n     - info.emails\n",
    );
    let StatementKind::Match { rows } = &kinds[0] else {
        panic!("{kinds:?}");
    };
    assert_eq!(rows[0].pairs[0].from, PathCell::new("info.emails"));
    assert_eq!(warnings, [("document::table-header", 12)]);
}

#[test]
fn statements_about_other_types_are_a_section_of_their_own() {
    let source = section(
        "Every Wix Contacts will be synchronized with a Zendesk Users.\n\nWix Orders to Zendesk Tickets\n\nEvery Wix Orders will be synchronized with a Zendesk Tickets.\n",
    );
    let (document, warnings) = read(&source);
    let headings: Vec<_> = document.sections.iter().map(|s| s.heading.text.as_str()).collect();
    assert_eq!(headings, ["Wix Contacts to Zendesk Users", "Wix Orders to Zendesk Tickets"]);
    assert_eq!(codes(&warnings), [("document::underline-missing", 9)]);
    assert!(document.sections.iter().all(|s| s.statements.len() == 1));
}

#[test]
fn a_document_without_any_heading_is_still_understood() {
    let source = "Every Wix Contacts will be synchronized with a Zendesk Users.\n";
    let (document, warnings) = read(source);
    assert_eq!(document.sections[0].heading.to, TypeName::new("Zendesk", "Users"));
    assert_eq!(document.sections[0].statements[0].kind, StatementKind::EveryCreates);
    assert_eq!(codes(&warnings), [("document::heading-missing", 1), ("document::no-title", 1)]);
}

#[test]
fn a_to_within_a_name_is_told_by_the_statements() {
    let source = "=============================\nBack to Work to Wix Dataflow\n=============================\n\nBack to Work People to call to Wix Contacts\n===\nEvery Back to Work People to call will be synchronized with a Wix Contacts.\n";
    let (document, _) = read(source);
    let title = document.title.as_ref().unwrap();
    assert_eq!((title.from_system.as_str(), title.to_system.as_str()), ("Back to Work", "Wix"));
    let heading = &document.sections[0].heading;
    assert_eq!(heading.from, TypeName::new("Back to Work", "People to call"));
    assert_eq!(heading.to, TypeName::new("Wix", "Contacts"));
}

#[test]
fn a_system_spelled_otherwise_than_in_the_title_is_recognised() {
    let source = "PowerOffice GO to Exact Dataflow\n================================\n\nPoweroffice go Customers person to Exact Online Accounts\n--------------------------------------------------------\nThe following properties are synchronized between a Poweroffice go Customers person and a Exact Online Accounts:\n\n.. list-table::\n   :header-rows: 1\n\n   * - Poweroffice go Customers person Property\n     - Exact Online Accounts Property\n     - Exact Online Data Type\n";
    let (document, warnings) = read(source);
    assert_eq!(codes(&warnings), []);
    let heading = &document.sections[0].heading;
    assert_eq!(heading.from, TypeName::new("Poweroffice go", "Customers person"));
    assert_eq!(heading.to, TypeName::new("Exact Online", "Accounts"));
}

#[test]
fn doubled_spaces_do_not_hide_what_is_said() {
    let doubled = section("Every Wix Contacts will be synchronized with a Zendesk Users.\n")
        .replace(' ', "  ");
    let (document, warnings) = read(&doubled);
    assert_eq!(document.sections[0].statements[0].kind, StatementKind::EveryCreates);
    assert_eq!(document.sections[0].heading.to, TypeName::new("Zendesk", "Users"));
    assert!(codes(&warnings).contains(&("document::spacing", 7)));
}

/// A draft of a sick document is a healthy one that states the same.
#[test]
fn writing_heals() {
    let draft = Draft::from(&read(SICK).0);
    let written = write_rst(&draft);
    let (document, _) = read(&written);
    let again = Draft::from(&document);
    assert_eq!(write_rst(&again), written);
    let stated = |draft: &Draft| -> Vec<_> {
        let states = |kind: &&StatementKind| !matches!(kind, StatementKind::Unrecognised { .. });
        draft
            .sections
            .iter()
            .map(|s| {
                let kinds: Vec<String> = s
                    .statements
                    .iter()
                    .filter(states)
                    // What was put right once need not be put right again.
                    .map(|kind| format!("{kind:?}").replace("repaired: true", "repaired: false"))
                    .collect();
                (s.from.clone(), s.to.clone(), kinds)
            })
            .collect()
    };
    assert_eq!(stated(&draft), stated(&again));
}

#[test]
fn names_cannot_break_out_of_html_or_markdown() {
    let nasty = "<script>alert(1)</script> & \"x|y\" `*_[a](b)_*` '#'";
    let draft = Draft {
        from_system: nasty.into(),
        to_system: "Y".into(),
        generated: Some(nasty.into()),
        introduction: lockstep_document::Introduction {
            heading: nasty.into(),
            paragraphs: vec![nasty.into()],
        },
        sections: vec![lockstep_document::DraftSection {
            from: TypeName::new(nasty, nasty),
            to: TypeName::new("Y", "Z"),
            statements: vec![
                StatementKind::EveryCreates,
                StatementKind::Unrecognised { text: nasty.into() },
                StatementKind::Properties {
                    rows: vec![lockstep_document::PropertyRow {
                        from: PathCell::new(nasty),
                        to: PathCell::new("</td>|"),
                        type_cell: TypeCell::Plain(nasty.into()),
                    }],
                },
            ],
        }],
        title: None,
    };
    let html = write_html(&draft);
    assert!(!html.contains("<script"));
    assert!(!html.contains("</td>|"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x|y&quot;"));
    let markdown = write_markdown(&draft);
    let row = markdown.lines().find(|l| l.contains("/td")).unwrap();
    // Three cells: four bars that are not escaped.
    assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
}
