//! Documents with verdicts: as comments they leave the document what it was, and they do not pile
//! up.

use lockstep_document::{
    Document, Draft, Evidence, Note, Notes, SectionNotes, StatementNotes, read, write_noted_html,
    write_noted_markdown, write_noted_rst,
};

const SOURCE: &str = "\
Shop to Till Dataflow
=====================

Shop Customers to Till People
-----------------------------
Every Shop Customers will be synchronized with a Till People.
Once a link between a Shop Customers and a Till People is established, it will keep in sync between the two systems, regardless of where it is edited.

The following properties are synchronized between a Shop Customers and a Till People:

.. list-table::
   :header-rows: 1

   * - Shop Customers Property
     - Till People Property
     - Till Data Type
   * - name
     - full_name
     - \"string\"
   * - <b>
     - b
     - \"string\"

Shop Orders to Till Sales
-------------------------
Every Shop Orders will be synchronized with a Till Sales.

The following properties are synchronized between a Shop Orders and a Till Sales:

.. list-table::
   :header-rows: 1

   * - Shop Orders Property
     - Till Sales Property
     - Till Data Type
";

fn notes(document: &Document, word: &str) -> Notes {
    let note = || Note {
        mark: "✗".into(),
        word: word.into(),
        why: "expected: a\nfound: <b>".into(),
        evidence: vec![Evidence {
            title: "a trial".into(),
            steps: vec!["A run.".into()],
            verbatim: vec!["GET /x → 200".into()],
        }],
    };
    let section = |section: &lockstep_document::Section| SectionNotes {
        statements: section
            .statements
            .iter()
            .map(|statement| StatementNotes {
                note: note(),
                rows: statement.rows.iter().map(|_| note()).collect(),
            })
            .collect(),
        more: vec![("A run with nothing to do writes nothing.".into(), note())],
    };
    Notes {
        summary: "1 violated".into(),
        sections: document.sections.iter().map(section).collect(),
    }
}

#[test]
fn verdicts_as_comments_leave_the_statements_and_rows_as_they_were() {
    for source in [
        SOURCE.to_string(),
        SOURCE.replace('\n', "\r\n"),
        format!("\u{feff}{SOURCE}"),
        SOURCE.trim_end().to_string(),
    ] {
        let (document, before) = read(&source);
        let noted = write_noted_rst(&source, &notes(&document, "violated"));
        assert!(noted.contains(".. verified: violated: expected: a found: <b>"), "{noted}");
        assert!(noted.contains("   name – full_name \"string\": violated"), "{noted}");
        let (again, after) = read(&noted);
        assert_eq!(Draft::from(&again), Draft::from(&document), "{noted}");
        assert_eq!(before.len(), after.len(), "{after:?}");
        // Every line of the source is still there, in its order.
        let mut lines = noted.lines();
        assert!(source.lines().all(|line| lines.any(|other| other == line)), "{noted}");
    }
}

#[test]
fn a_later_verification_takes_the_place_of_an_earlier_one() {
    let (document, _) = read(SOURCE);
    let first = write_noted_rst(SOURCE, &notes(&document, "violated"));
    let second = write_noted_rst(&first, &notes(&read(&first).0, "proved"));
    assert!(!second.contains("violated"), "{second}");
    assert_eq!(second, write_noted_rst(SOURCE, &notes(&document, "proved")));
}

#[test]
fn pages_show_verdicts_and_escape_what_they_say() {
    let (document, _) = read(SOURCE);
    let (draft, notes) = (Draft::from(&document), notes(&document, "violated"));
    let html = write_noted_html(&draft, &notes);
    assert!(
        html.contains("<details open><summary>1 trial</summary>")
            && html.contains("<li>A run.</li>"),
        "{html}"
    );
    assert!(html.contains("found: &lt;b&gt;") && !html.contains("<b>"), "{html}");
    let markdown = write_noted_markdown(&draft, &notes);
    assert!(
        markdown
            .contains("| ✗ violated: expected: a found: \\<b\\> | name | full_name | \"string\" |"),
        "{markdown}"
    );
}
