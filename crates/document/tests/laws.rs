//! What holds for every text and every draft.

use lockstep_document::{
    BlockKind, Document, Draft, DraftSection, Introduction, MatchPair, MatchRow, PathCell,
    PathCondition, PropertyRow, Setting, SettingRow, StatementKind, TypeCell, TypeName,
    default_introduction, read, read_bytes, write_html, write_markdown, write_rst,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

const DOCUMENTS: [&str; 3] = [
    include_str!("fixtures/every-statement.rst"),
    include_str!("fixtures/unnamed.rst"),
    include_str!("fixtures/sick.rst"),
];

/// Reading keeps every byte, its spans lie in the source, and what it gives can be shown.
fn check_reading(source: &str) {
    let (document, warnings) = read(source);
    assert_eq!(document.to_source(), source);
    check_blocks(&document);
    for warning in &warnings {
        let stretch = source.get(warning.span.start..warning.span.end);
        assert!(stretch.is_some(), "{warning:?}");
        let line = document.lines().get(warning.span.line - 1);
        let column = warning.span.column;
        assert!(line.is_none_or(|line| column <= line.text.chars().count() + 1), "{warning:?}");
        assert!(warning.render("a.rst", source).contains('^'));
    }
    for statement in document.sections.iter().flat_map(|s| &s.statements) {
        let rows = match &statement.kind {
            StatementKind::Match { rows } => rows.len(),
            StatementKind::Properties { rows } => rows.len(),
            _ => 0,
        };
        assert_eq!(statement.rows.len(), rows);
    }
    let draft = Draft::from(&document);
    assert!(write_html(&draft).ends_with("</html>\n"));
    assert!(write_markdown(&draft).starts_with("# "));
    check_reading_of_written(&write_rst(&draft));
}

fn check_reading_of_written(source: &str) {
    assert_eq!(read(source).0.to_source(), source);
}

/// Each line belongs to exactly one block.
fn check_blocks(document: &Document) {
    let mut next = 0;
    for block in document.blocks() {
        assert_eq!(block.first, next);
        assert!(block.last >= block.first);
        if let BlockKind::Heading { text, .. } = block.kind {
            assert!((block.first..=block.last).contains(&text));
        }
        next = block.last + 1;
    }
    assert_eq!(next, document.lines().len());
}

/// Something done to a document on its way.
#[derive(Debug, Clone)]
enum Damage {
    DropLine(usize),
    DoubleLine(usize),
    SwapLines(usize, usize),
    AddLine(usize, String),
    DropCharacter(usize),
    AddText(usize, String),
    Cut(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || any::<usize>();
    let line = prop_oneof![
        "[-=~. *|:a-zA-Z\"\\[\\],()]{0,30}",
        "   \\* - [a-z]{0,3}",
        "     - .{0,5}",
        Just("Every Lime CRM Company will be synchronized with a Nordvik ERP Contact.".to_string()),
        Just("X Y to Z W".to_string()),
        Just(".. list-table::".to_string()),
    ];
    let text = prop_oneof!["\\PC{0,4}", "[\\r\\n\\t \u{85}\u{feff}]{1,3}", " to ", "\\. ", ", it "];
    prop_oneof![
        at().prop_map(Damage::DropLine),
        at().prop_map(Damage::DoubleLine),
        (at(), at()).prop_map(|(a, b)| Damage::SwapLines(a, b)),
        (at(), line).prop_map(|(a, line)| Damage::AddLine(a, line)),
        at().prop_map(Damage::DropCharacter),
        (at(), text).prop_map(|(a, text)| Damage::AddText(a, text)),
        at().prop_map(Damage::Cut),
    ]
}

fn damaged(source: &str, damages: &[Damage]) -> String {
    let mut text = source.to_string();
    for damage in damages {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(String::from).collect();
        let count = lines.len().max(1);
        let boundary = |at: usize| {
            let at = at % (text.len() + 1);
            (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
        };
        text = match damage {
            _ if lines.is_empty() => text,
            Damage::DropLine(at) => {
                lines.remove(at % count);
                lines.concat()
            }
            Damage::DoubleLine(at) => {
                let line = lines[at % count].clone();
                lines.insert(at % count, line);
                lines.concat()
            }
            Damage::SwapLines(a, b) => {
                lines.swap(a % count, b % count);
                lines.concat()
            }
            Damage::AddLine(at, line) => {
                lines.insert(at % count, format!("{line}\n"));
                lines.concat()
            }
            Damage::DropCharacter(at) => {
                let at = boundary(*at);
                let mut text = text.clone();
                if at < text.len() {
                    text.remove(at);
                }
                text
            }
            Damage::AddText(at, added) => {
                let at = boundary(*at);
                format!("{}{added}{}", &text[..at], &text[at..])
            }
            Damage::Cut(at) => text[..boundary(*at)].to_string(),
        };
    }
    text
}

/// Words that make trouble for a reader of sentences, tables and headings.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-ZæøåÆØÅ0-9][a-zA-Zæøå0-9_.-]{0,8}[a-zA-Z0-9]",
        1 => prop_oneof![
            Just("be"), Just("the"), Just("will"), Just("merge"), Just("Property"), Just("Every"),
            Just("Data"), Just("a"), Just("and"), Just("|"), Just("-"), Just("*"), Just("<b>"),
            Just("日本"), Just("\u{1f600}"), Just("C#"), Just("A&B"), Just("{A}"), Just("\\"),
        ].prop_map(String::from),
    ]
}

fn name(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(word(), words).prop_map(|words| words.join(" "))
}

fn facet() -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(0.2, name(1..3))
}

fn type_in(system: String) -> impl Strategy<Value = TypeName> {
    (name(1..3), facet()).prop_map(move |(kind, facet)| TypeName {
        system: system.clone(),
        kind,
        facet,
    })
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => "[a-zA-Zæøå_][a-zA-Zæøå0-9_.]{0,12}",
        1 => name(1..4),
        1 => Just(String::new()),
        1 => prop_oneof![Just("a, b"), Just("a and b"), Just("| x"), Just("|"), Just("- y"),
            Just("* - z"), Just(":header-rows: 1"), Just("x (net)"), Just(".. list-table::")]
            .prop_map(String::from),
    ]
}

fn path_cell() -> impl Strategy<Value = PathCell> {
    let condition = ("([a-zA-Z:0-9]{1,6}( [a-z]{1,4})?)?", "[a-z.]{0,8}")
        .prop_map(|(value, path)| PathCondition { value, path });
    (path(), proptest::option::weighted(0.2, vec(condition, 1..3))).prop_map(
        |(path, conditions)| PathCell { path, conditions: conditions.unwrap_or_default() },
    )
}

fn conversion() -> impl Strategy<Value = Vec<Value>> {
    let leaf = prop_oneof![
        "\\PC{0,6}".prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(json!(null)),
        Just(json!(0.5)),
        Just(json!("_.")),
    ];
    let nested = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            ("[a-z]{1,3}", inner).prop_map(|(key, value)| json!({ key: value })),
        ]
    });
    vec(nested, 0..4)
}

fn type_cell() -> impl Strategy<Value = TypeCell> {
    prop_oneof![
        Just(TypeCell::Empty),
        Just(TypeCell::NotApplicable),
        Just(TypeCell::Plain("string".into())),
        "\\PC{0,8}".prop_map(TypeCell::Plain),
        conversion().prop_map(|list| TypeCell::Conversion { list, repaired: false }),
        Just(TypeCell::Unreadable("varchar (30)".into())),
    ]
}

fn setting() -> impl Strategy<Value = Setting> {
    let row = (any::<bool>(), 1..99_usize, "\\PC{0,8}", "\\PC{0,8}")
        .prop_map(|(is_match, number, from, to)| SettingRow { is_match, number, from, to });
    let key = prop_oneof![
        Just("deletes".to_string()),
        Just("prefer".to_string()),
        "[a-z_]{1,8}",
        "\\PC{1,4}"
    ]
    .prop_filter("these name others", |key| key != "names" && key != "condition");
    let value = prop_oneof![
        Just(json!("propagate")),
        "\\PC{0,8}".prop_map(Value::from),
        conversion().prop_map(Value::from)
    ];
    (proptest::option::of(row), key, value).prop_map(|(row, key, value)| Setting {
        row,
        key,
        value,
    })
}

fn statement(from: String, to: String) -> impl Strategy<Value = StatementKind> {
    let pair = (path_cell(), path_cell()).prop_map(|(from, to)| MatchPair { from, to });
    let match_row = vec(pair, 1..4).prop_map(|pairs| MatchRow { pairs });
    let property = (path_cell(), path_cell(), type_cell())
        .prop_map(|(from, to, type_cell)| PropertyRow { from, to, type_cell });
    // In a list an `a` in front is an article, and a system's name is one.
    let system = format!("{from} ");
    let connected = type_in(from).prop_filter("an article", move |name| {
        !name.kind.starts_with("a ") && !name.kind.starts_with(&system)
    });
    let to_system = to.clone();
    prop_oneof![
        Just(StatementKind::EveryCreates),
        "When [a-z,æøå\"]{1,20}( [a-z]{1,6}){0,5}"
            .prop_map(|condition| condition.trim_end_matches([',', ' ']).to_string())
            .prop_map(|condition| StatementKind::ConditionCreates { condition }),
        Just(StatementKind::LinkOnly),
        vec(connected, 1..4).prop_map(move |connected| StatementKind::CreateIfConnected {
            connected,
            system: to_system.clone()
        }),
        Just(StatementKind::MergeOrCreate { merges: true, creates: true }),
        Just(StatementKind::MergeOrCreate { merges: true, creates: false }),
        vec(match_row, 0..4).prop_map(|rows| StatementKind::Match { rows }),
        Just(StatementKind::KeepInSync),
        setting().prop_map(StatementKind::Setting),
        vec(property, 0..4).prop_map(|rows| StatementKind::Properties { rows }),
    ]
}

/// A system's name; one in five has none.
fn system() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just(String::new()), 4 => name(1..3)]
}

fn draft() -> impl Strategy<Value = Draft> {
    (system(), system()).prop_flat_map(|(from_system, to_system)| {
        let statements = vec(statement(from_system.clone(), to_system.clone()), 1..5);
        let section = (type_in(from_system.clone()), type_in(to_system.clone()), statements)
            .prop_map(|(from, to, statements)| DraftSection { from, to, statements });
        let generated = proptest::option::of("[0-9]{4}-[0-9]{2}-[0-9]{2}");
        let introduction = prop_oneof![
            Just(Introduction::default()),
            Just(default_introduction(&from_system, &to_system)),
        ];
        (vec(section, 0..4), generated, introduction).prop_map(
            move |(sections, generated, introduction)| Draft {
                title: None,
                from_system: from_system.clone(),
                to_system: to_system.clone(),
                generated,
                introduction,
                sections,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_and_kept(source in "\\PC*") {
        check_reading(&source);
    }

    #[test]
    fn any_lines_are_read_and_kept(
        lines in vec(("[-=~.:*|A-Zto \"(),\\[\\]\t]{0,12}", prop_oneof!["\n", "\r\n", "\r"]), 0..30),
        mark in any::<bool>(),
    ) {
        let body: String = lines.into_iter().map(|(text, end)| text + &end).collect();
        check_reading(&format!("{}{body}", if mark { "\u{feff}" } else { "" }));
    }

    #[test]
    fn any_bytes_are_read_or_refused_with_their_place(bytes in vec(any::<u8>(), 0..60)) {
        match (read_bytes(&bytes), std::str::from_utf8(&bytes)) {
            (Ok((document, _)), Ok(text)) => prop_assert_eq!(document.to_source(), text),
            (Err(lockstep_document::ReadError::NotUtf8 { offset, .. }), Err(error)) => {
                prop_assert_eq!(offset, error.valid_up_to());
            }
            (got, _) => prop_assert!(false, "{:?}", got.is_ok()),
        }
    }

    #[test]
    fn damaged_documents_are_read_and_kept(
        document in 0..DOCUMENTS.len(),
        damages in vec(damage(), 1..8),
    ) {
        check_reading(&damaged(DOCUMENTS[document], &damages));
    }

    #[test]
    fn what_is_written_is_read_back(draft in draft()) {
        let written = write_rst(&draft);
        let (document, _) = read(&written);
        prop_assert_eq!(Draft::from(&document), draft, "{}", written);
    }
}
