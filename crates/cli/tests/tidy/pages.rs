//! The pages of rules and of diagnostics against the code, and every citation of a rule against the
//! rules.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::rule::Rule;

use super::{texts, with_extension};
use crate::transcript::{read, root};

/// Rules of which nothing is built yet. Nothing is added here.
const NOT_BUILT: [&str; 0] = [];

/// The sections of a page, by heading, in order: what follows `### `.
fn sections(page: &str) -> Vec<(String, String)> {
    let text = format!("\n{page}");
    let parts: Vec<&str> = text.split("\n### ").skip(1).collect();
    let cut = |part: &str| part.split("\n## ").next().unwrap_or_default().to_string();
    parts
        .into_iter()
        .map(cut)
        .filter_map(|part| part.split_once('\n').map(|(name, body)| (name.into(), body.into())))
        .collect()
}

/// The line in bold at the beginning of a section.
fn in_bold(body: &str) -> &str {
    body.trim_start().lines().next().unwrap_or_default().trim_matches('*')
}

/// A sentence as the page has it.
fn as_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map_or(String::new(), |first| first.to_uppercase().to_string());
    let whole = format!("{first}{}", letters.as_str());
    if whole.ends_with('.') { whole } else { whole + "." }
}

/// The places that a section lists below a line: files with the functions in them.
fn listed(body: &str, below: &str) -> BTreeMap<String, Vec<String>> {
    let Some((_, rest)) = body.split_once(&format!("\n{below}\n\n")) else {
        return BTreeMap::new();
    };
    let list = rest.split("\n\n").next().unwrap_or_default();
    let in_backticks = |entry: &str| -> Vec<String> {
        entry.split('`').skip(1).step_by(2).map(String::from).collect()
    };
    let entries = list.split("\n- ").map(|entry| entry.trim_start_matches("- ")).map(in_backticks);
    entries.filter_map(|mut names| (!names.is_empty()).then(|| (names.remove(0), names))).collect()
}

#[test]
fn every_rule_has_a_section_that_is_true() {
    let page = read(&root().join("docs/rules.md"));
    let sections = sections(&page);
    let names: Vec<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    let rules: Vec<String> = Rule::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names, rules, "the sections of docs/rules.md and the rules of model/src/rule.rs");
    let (mut wrong, mut places) = (Vec::new(), 0);
    for (name, body) in &sections {
        let rule = Rule::parse(name).expect("a rule");
        if in_bold(body) != as_sentence(rule.sentence()) {
            wrong.push(format!(
                "{name}: the line in bold is not what model/src/rule.rs says: {}",
                rule.sentence()
            ));
        }
        for part in ["\nWhy: ", "\n```text\n", "after"] {
            if !body.contains(part) {
                wrong.push(format!("{name}: nothing says {:?}", part.trim()));
            }
        }
        for below in ["Decided in:", "Tested in:"] {
            let listed = listed(body, below);
            if listed.is_empty() != NOT_BUILT.contains(&name.as_str()) {
                wrong.push(format!("{name}: {} places below {below:?}", listed.len()));
            }
            for (file, functions) in listed {
                let code =
                    std::fs::read_to_string(root().join("crates").join(&file)).unwrap_or_default();
                if functions.is_empty() {
                    wrong.push(format!("{name}: no function of {file}"));
                }
                for function in functions {
                    places += 1;
                    if !code.contains(&format!("fn {function}("))
                        && !code.contains(&format!("fn {function}<"))
                    {
                        wrong.push(format!("{name}: {file} has no `{function}`"));
                    }
                }
            }
        }
        if NOT_BUILT.contains(&name.as_str()) && !body.contains("\nNot built yet: ") {
            wrong.push(format!("{name}: it is built, or says that it is not"));
        }
    }
    assert!(wrong.is_empty(), "docs/rules.md:\n{}", wrong.join("\n"));
    assert!(places > 150, "{places}");
}

#[test]
fn every_code_has_a_section_and_every_section_a_code() {
    let page = read(&root().join("docs/diagnostics.md"));
    let codes: Vec<(&str, &str)> = lockstep_config::codes::ALL
        .iter()
        .copied()
        .chain(lockstep_document::CODES.iter().copied())
        .collect();
    let sections = sections(&page);
    let names: Vec<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        codes.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        "the sections of docs/diagnostics.md and the codes"
    );
    let mut wrong = Vec::new();
    for ((code, meaning), (_, body)) in codes.iter().zip(&sections) {
        if in_bold(body) != as_sentence(meaning) {
            wrong.push(format!("{code}: the line in bold is not what the code says: {meaning}"));
        }
        if !body.contains("\nWhat to do: ") {
            wrong.push(format!("{code}: nothing says what to do"));
        }
    }
    // Whatever the sources print is one of them, and each of them is printed by something.
    let all: BTreeSet<&str> = codes.iter().map(|(code, _)| *code).collect();
    let texts = texts();
    let in_src = |path: &std::path::Path| {
        path.starts_with("crates") && path.iter().any(|part| part == "src")
    };
    let sources: String = with_extension(&texts, "rs")
        .filter(|(path, _)| in_src(path))
        .map(|(_, text)| text.as_str())
        .collect();
    for prefix in ["config::", "document::"] {
        for rest in sources.split(&format!("\"{prefix}")).skip(1) {
            let code: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if rest[code.len()..].starts_with('"')
                && !code.is_empty()
                && !all.contains(format!("{prefix}{code}").as_str())
            {
                wrong.push(format!("{prefix}{code} is printed, and is no code"));
            }
        }
    }
    let table = read(&root().join("crates/config/src/codes.rs"));
    for line in table.lines() {
        let Some((constant, _)) = line.trim().split_once(" = \"") else { continue };
        if !super::has_word(&sources, "codes::", constant) {
            wrong.push(format!("nothing prints {constant} of config/src/codes.rs"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rule names that a text cites: a letter of the list, digits, perhaps a small letter, and nothing
/// around them that makes it a word.
fn cited(text: &str) -> Vec<String> {
    let joins = |c: char| c.is_alphanumeric() || "_-'+.".contains(c);
    let mut found = Vec::new();
    for word in text.split(|c: char| !joins(c)) {
        let word = word.trim_end_matches(['.', '-', '\'']).trim_end_matches("'s");
        if is_named_like_a_rule(word) {
            found.push(word.to_string());
        }
    }
    found
}

fn is_named_like_a_rule(word: &str) -> bool {
    let Some(rest) = word.strip_prefix(['R', 'L', 'C', 'P', 'F', 'D', 'G']) else { return false };
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let tail = &rest[digits..];
    (1..=2).contains(&digits)
        && (tail.is_empty() || tail.len() == 1 && tail.chars().all(|c| c.is_ascii_lowercase()))
}

/// What is cited in brackets in a line of code, as messages cite rules: `(P3)`, `(L9, L11)`,
/// `(R9; see docs)`.
fn cited_in_brackets(line: &str) -> Vec<String> {
    let parts = line.split('(').skip(1);
    let within = parts.filter_map(|rest| rest.split_once(')')).map(|(within, _)| within);
    let begins_with_a_rule = |within: &&str| {
        is_named_like_a_rule(within.split([',', ';', ':', ' ']).next().unwrap_or_default())
    };
    within.filter(begins_with_a_rule).flat_map(cited).collect()
}

/// The rules that the name of a test begins with: `p5a_p1b_what_…`.
fn named_by_a_test(line: &str) -> Vec<String> {
    let Some((_, name)) = line.split_once("fn ") else { return vec![] };
    let name = name.split('(').next().unwrap_or_default();
    let upper = |part: &str| part[..1].to_uppercase() + &part[1..];
    let parts = name.split('_').take_while(|part| !part.is_empty() && part.is_ascii()).map(upper);
    parts.take_while(|part| is_named_like_a_rule(part)).collect()
}

#[test]
fn every_rule_that_is_cited_is_a_rule() {
    assert_eq!(
        cited("as P9 and P1a say (G4, C2), not P1.5, COL1, U+00C5 or L100; see D1."),
        ["P9", "P1a", "G4", "C2", "D1"]
    );
    assert_eq!(named_by_a_test("    fn p5a_p1b_what_differs() {"), ["P5a", "P1b"]);
    assert_eq!(
        cited_in_brackets("it waits (R9; see docs/rules.md, L6), f(x, C1), (P3) and (L9, L11)"),
        ["R9", "L6", "P3", "L9", "L11"]
    );
    let texts = texts();
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for (path, text) in &texts {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let is_test = path.iter().any(|part| part == "tests");
        for (n, line) in text.lines().enumerate() {
            let mut names: Vec<String> = match extension {
                "md" | "py" | "yaml" | "rst" | "sql" | "sh" | "toml" => cited(line),
                // Scripts.
                "" if text.starts_with("#!") => cited(line),
                "rs" => line.split_once("//").map_or_else(Vec::new, |(_, comment)| cited(comment)),
                _ => vec![],
            };
            match extension {
                "rs" if is_test => names.extend(named_by_a_test(line)),
                "rs" => names.extend(cited_in_brackets(line)),
                "txt" if path.starts_with("mutations") => {
                    names.extend(line.strip_prefix("rule: ").map(String::from))
                }
                _ => {}
            }
            for name in names {
                if Rule::parse(&name).is_none() {
                    wrong.push(format!("{}:{}: {name}: {}", path.display(), n + 1, line.trim()));
                }
                seen.insert(name);
            }
        }
    }
    assert!(wrong.is_empty(), "cited, but no rule:\n{}", wrong.join("\n"));
    let uncited: Vec<String> =
        Rule::ALL.iter().map(ToString::to_string).filter(|name| !seen.contains(name)).collect();
    assert!(uncited.is_empty(), "rules that nothing cites: {uncited:?}");
}

#[test]
fn nothing_refers_to_a_page_that_is_not_in_the_repository() {
    // Written in two halves, so that this file does not hold them itself.
    let words = [
        ("design", " section"),
        ("design", "'s section"),
        ("design,", " section"),
        ("design", " rule"),
        ("design", ".md"),
    ];
    let words = words.map(|(a, b)| format!("{a}{b}"));
    let (texts, mut found) = (texts(), Vec::new());
    for (path, text) in &texts {
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| words.iter().any(|word| line.to_lowercase().contains(word)));
        found.extend(
            lines.map(|(n, line)| format!("{}:{}: {}", path.display(), n + 1, line.trim())),
        );
    }
    assert!(
        found.is_empty(),
        "rules are in docs/rules.md, statements in docs/documents.md:\n{}",
        found.join("\n")
    );
}

#[test]
fn the_document_that_the_manual_shows_is_read_without_a_word() {
    let page = read(&root().join("docs/documents.md"));
    let (_, rest) = page.split_once("```rst\n").expect("an example");
    let (example, _) = rest.split_once("\n```").expect("its end");
    let (document, warnings) = lockstep_document::read(example);
    // It is a part of a document: the introduction and the line `Generated:` are left out.
    assert!(warnings.is_empty(), "{warnings:#?}");
    assert_eq!(document.sections.len(), 1);
}

#[test]
fn every_test_that_the_page_of_kinds_names_is_there() {
    let page = read(&root().join("docs/kinds-of-faults.md"));
    let texts = texts();
    let sources: Vec<(String, &str)> = with_extension(&texts, "rs")
        .map(|(path, text)| {
            let path = path.strip_prefix(root()).unwrap_or(path);
            (path.to_string_lossy().into_owned(), text.as_str())
        })
        .collect();
    let is_there = |name: &str| -> bool {
        let (place, function) = name.rsplit_once("::").unwrap();
        let (of, modules) = place.split_once(' ').unwrap();
        let module = modules.rsplit("::").find(|module| *module != "tests").unwrap();
        let in_it = |path: &str| {
            path.starts_with(&format!("crates/{of}/"))
                && path.split(['/', '.']).any(|part| part == module)
        };
        sources.iter().any(|(path, text)| in_it(path) && text.contains(&format!("fn {function}(")))
    };
    let named = page.split('`').skip(1).step_by(2).filter(|name| name.contains("::"));
    let names: Vec<&str> = named.collect();
    assert!(names.len() > 120, "{}", names.len());
    let missing: Vec<&&str> = names.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
