//! Warnings as a user sees them.
//!
//! The snapshot of the sick document is to be read as a whole: the document stands in
//! `fixtures/sick.rst`, what is said about it in `snapshots/`.

use lockstep_document::{CODES, ReadError, read, read_bytes};

fn shown(source: &str) -> String {
    let (_, warnings) = read(source);
    let texts: Vec<String> = warnings.iter().map(|w| w.render("flow.rst", source)).collect();
    texts.join("\n")
}

#[test]
fn a_sick_document() {
    insta::assert_snapshot!(shown(include_str!("fixtures/sick.rst")));
}

#[test]
fn carets_stand_below_what_is_meant_whatever_stands_before_it() {
    let table = |row: &str| {
        format!(
            "Wix to Ø Dataflow\n=================\n\nWix A to Ø B\n------------\nThe following properties are synchronized between a Wix A and a Ø B:\n\n.. list-table::\n\n   * - Wix A Property\n     - Ø B Property\n     - Ø Data Type\n{row}"
        )
    };
    insta::assert_snapshot!(shown(&table("   * - x\n     - y\n\t-\t日本 é\u{301}\u{1b}[31m\r\n")), @r#"
    flow.rst:15:4: warning: this is neither a type nor a conversion [document::type]
       |
    15 |     -    日本 é́␛[31m
       |          ^^^^^^^^^^^
       = understood: no type is known
       = hint: a type reads `"string"`, a conversion is a JSON list such as `["lower","_."]`
    "#);
}

#[test]
fn an_empty_document_states_nothing() {
    insta::assert_snapshot!(shown(""), @r#"
    flow.rst:1:1: warning: the document has no title [document::no-title]
      |
    1 |
      | ^
      = understood: the systems are taken from the sections
      = hint: a title reads `X to Y Dataflow`, with a line of `=` above and below

    flow.rst:1:1: warning: the document states no flow [document::no-sections]
      |
    1 |
      | ^
      = hint: a section begins with a heading such as `Wix Contacts to Zendesk Users`
    "#);
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_place() {
    let refused = |bytes: &[u8]| read_bytes(bytes).expect_err("not UTF-8").to_string();
    insta::assert_snapshot!(refused(b"Wix to \xc3\x98\r\nS\xc3\xb8r \xf8st"), @r#"line 2, column 5 (byte 16) is not UTF-8; save the document as UTF-8 and read it again"#);
    insta::assert_snapshot!(refused(b"ends with a line\n\xff"), @r#"line 2, column 1 (byte 17) is not UTF-8; save the document as UTF-8 and read it again"#);
    insta::assert_snapshot!(refused(b"\xff\xfeW\0i\0x\0"), @r#"line 1, column 1 (byte 0) is not UTF-8: the file looks like UTF-16; save the document as UTF-8 and read it again"#);
    assert_eq!(
        read_bytes(b"ab\n\xc3").unwrap_err(),
        ReadError::NotUtf8 { offset: 3, line: 2, column: 1, utf16: false }
    );
}

/// Each code is one that some document can bring about, and each has a meaning of its own.
#[test]
fn every_code_is_met() {
    let unmet = [
        "=====\nNotes\n=====\n\nWix A to Zendesk B\n------------------\n",
        "A  B to  C Dataflow\n===================\n\nA  B X to C Y\n-------------\n",
        include_str!("fixtures/sick.rst"),
    ];
    let met: Vec<&str> = unmet.iter().flat_map(|source| read(source).1).map(|w| w.code).collect();
    let sources_without_flows = read("").1;
    for (code, meaning) in CODES {
        let found = met.contains(&code) || sources_without_flows.iter().any(|w| w.code == code);
        assert!(found, "{code} ({meaning}) is never met");
    }
}
