//! Whatever stands in the files: reading ends, tells where, and shows it.

use lockstep_config::{names_of, propose_systems, read_flows, write_flows_yaml};

const FLOWS: &str = "\
document: { title: A to B Dataflow, systems: { a: Å, b: '' } }
flows:
  - from: a.T
    to: b.U
    create: { when: \"the ‘kind’ is x\", filter: 'kind == \"x\"' }
    match: [x = y and u (Dependant on having q in r) = v, [a = b, c = d]]
    properties:
      - { row: p <-> q, type: [\"if\", [\"eq\", \"x\", \"_.\"], \"ø\", \"_.\"], prefer: [a, b] }
      - p.q -> r : string
      - &row s <- t
      - *row
    statements: [condition, match, { properties: 2 }, properties, { text: \"…\" }]
";

const DOCUMENT: &str = "\
A to B Dataflow
===============

A T to B U
----------
Every A T will be synchronized with a B U.

The following properties are synchronized between a A T and a B U:

.. list-table::
   :header-rows: 1

   * - A T Property
     - B U Property
     - B Data Type
   * - ø (Dependant on having x in y)
     - b
     - [\"upper\",\"_.\"]
";

/// Reads a file, shows all that is said of it, writes it as a flow file and reads that.
fn survives(name: &str, text: &str) {
    let names = names_of(&propose_systems(
        &[
            "A to B Dataflow\n=====\n\nA T to B U\n-----\nEvery A T will be synchronized with a B U.\n",
        ],
        &[],
    ));
    let (file, problems) = read_flows(name, text, &names);
    for problem in &problems {
        let shown = problem.render();
        assert!(shown.starts_with(problem.severity.name()), "{shown}");
        assert!(problem.place.span.end <= text.len() && problem.place.line() >= 1, "{problem:?}");
    }
    read_flows("a.yaml", &write_flows_yaml(&file), &names);
}

#[test]
fn files_that_end_anywhere() {
    for (name, text) in [("a.yaml", FLOWS), ("a.rst", DOCUMENT)] {
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            survives(name, &text[..end]);
        }
    }
}

#[test]
fn files_with_any_character_changed() {
    for (name, text) in [("a.yaml", FLOWS), ("a.rst", DOCUMENT)] {
        for (at, old) in text.char_indices() {
            for new in [":", "\"", "\n", "[", "\t", "ø", ""] {
                survives(name, &format!("{}{new}{}", &text[..at], &text[at + old.len_utf8()..]));
            }
        }
    }
}

#[test]
fn a_flow_without_its_list_is_one_problem() {
    let (_, problems) =
        read_flows("a.yaml", "from: a.T\nto: b.U\ncreate: always\n", &names_of(&[]));
    let [problem] = &problems[..] else { panic!("{problems:#?}") };
    let shown = problem.render();
    assert!(shown.contains("a.yaml:1:1") && shown.contains("write `flows:` before it"), "{shown}");
}
