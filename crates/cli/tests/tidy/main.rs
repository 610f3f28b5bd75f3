//! The repository is what its documents say: crate arrows, links, rules, codes; and nothing
//! unfinished or of one machine is in it.

mod code;
mod house;
mod modules;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::transcript::{read, root};

/// Which crates of the workspace each may know: for its library, and for its tests alone.
const ARROWS: [(&str, &[&str], &[&str]); 15] = [
    ("model", &[], &[]),
    ("document", &[], &[]),
    ("config", &["document", "model"], &[]),
    ("wording", &["model"], &[]),
    ("engine", &["model"], &["wording"]),
    ("store", &["model"], &[]),
    ("connector", &["model"], &["sandbox"]),
    ("hub", &["connector", "engine", "model", "store", "wording"], &[]),
    ("sandbox", &[], &[]),
    ("service", &["connector", "engine", "hub", "model", "store"], &[]),
    ("console", &["hub", "model", "service", "wording"], &[]),
    ("simulation", &["connector", "engine", "hub", "model", "store"], &[]),
    ("workbench", &["config", "connector", "engine", "hub", "model", "store", "wording"], &[]),
    (
        "verify",
        &[
            "config",
            "connector",
            "document",
            "engine",
            "hub",
            "model",
            "sandbox",
            "store",
            "wording",
        ],
        &[],
    ),
    (
        "cli",
        &[
            "config",
            "connector",
            "console",
            "document",
            "engine",
            "hub",
            "model",
            "sandbox",
            "service",
            "store",
            "verify",
            "wording",
            "workbench",
        ],
        &[],
    ),
];

/// The workspace's crates that a manifest names, by the table in which they stand.
fn dependencies(manifest: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in read(manifest).lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']').to_string();
        } else if let Some(rest) = line.strip_prefix("lockstep-") {
            let name: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            found.entry(table.clone()).or_default().insert(name);
        }
    }
    found
}

#[test]
fn crates_know_only_what_the_architecture_says() {
    let crates = root().join("crates");
    let there: BTreeSet<String> = std::fs::read_dir(&crates)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        there,
        ARROWS.iter().map(|(name, ..)| name.to_string()).collect(),
        "the list here and the folders of crates/"
    );

    let set = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
    for (name, known, in_tests) in ARROWS {
        let mut found = dependencies(&crates.join(name).join("Cargo.toml"));
        assert_eq!(
            found.remove("dependencies").unwrap_or_default(),
            set(known),
            "what {name} knows"
        );
        let mut dev = found.remove("dev-dependencies").unwrap_or_default();
        dev.retain(|other| !known.contains(&other.as_str()));
        assert_eq!(dev, set(in_tests), "what the tests of {name} know");
        assert!(found.is_empty(), "{name} knows crates in another table: {found:?}");
    }
}

/// The names of the dependencies in a manifest, of the tables whose headings end so.
fn named_in(manifest: &str, table: &str) -> Vec<String> {
    let (mut within, mut found) = (false, Vec::new());
    for line in manifest.lines() {
        if let Some(heading) = line.strip_prefix('[') {
            within = heading.trim_end_matches(']').ends_with(table);
        } else if let Some((name, _)) =
            line.split_once(['=', '.']).filter(|(name, _)| within && !name.starts_with('#'))
        {
            found.push(name.trim().to_string());
        }
    }
    found
}

/// What is used in a file of another crate that a test includes by its path.
const USED_ELSEWHERE: [(&str, &str); 1] = [("crates/cli", "mysql")];

#[test]
fn every_dependency_is_used() {
    let texts = texts();
    let mut unused = Vec::new();
    let mut named = BTreeSet::new();
    for (path, manifest) in
        texts.iter().filter(|(path, _)| path.file_name().is_some_and(|name| name == "Cargo.toml"))
    {
        let folder = path.parent().unwrap();
        if folder == Path::new("") {
            continue;
        }
        let sources: String = with_extension(&texts, "rs")
            .filter(|(file, _)| file.starts_with(folder))
            .map(|(_, t)| t.as_str())
            .collect();
        for name in named_in(manifest, "dependencies") {
            let elsewhere =
                USED_ELSEWHERE.iter().any(|(of, known)| folder == Path::new(of) && *known == name);
            if !elsewhere && !has_word(&sources, "", &name.replace('-', "_")) {
                unused.push(format!("{}: {name}", path.display()));
            }
            named.insert(name);
        }
    }
    assert!(named.len() > 20, "{named:?}");
    let of_all = named_in(&read(&root().join("Cargo.toml")), "workspace.dependencies");
    unused.extend(
        of_all
            .iter()
            .filter(|name| !named.contains(*name))
            .map(|name| format!("Cargo.toml: {name}")),
    );
    assert!(unused.is_empty(), "named, and used by nothing:\n{}", unused.join("\n"));
}

#[test]
fn the_table_of_crates_names_every_crate_below_those_that_it_knows() {
    let page = read(&root().join("docs/ARCHITECTURE.md"));
    let table = page
        .split("## The crates")
        .nth(1)
        .expect("a section on the crates")
        .split("\n## ")
        .next()
        .unwrap();
    let rows: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    for (name, known, _) in ARROWS {
        let at = |name: &str| {
            rows.iter()
                .position(|row| *row == name)
                .unwrap_or_else(|| panic!("{name} is not in the table"))
        };
        for other in known {
            assert!(
                at(other) < at(name),
                "{name} knows {other}, which stands below it: arrows go one way"
            );
        }
    }
}

/// What a page has in backticks that is a path of a source file, and the names of functions that
/// follow it in the same cell.
fn sources_named(cell: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for word in cell.split('`').skip(1).step_by(2) {
        let is_name =
            word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        match (word.ends_with(".rs"), found.last_mut()) {
            (true, _) => found.push((word.to_string(), vec![])),
            (false, Some((_, functions))) if is_name => functions.push(word.to_string()),
            _ => {}
        }
    }
    found
}

/// The reading test: who looks for one of these finds the file and the function.
#[test]
fn the_page_of_the_architecture_answers_where_things_are() {
    let page = read(&root().join("docs/ARCHITECTURE.md"));
    for question in [
        "where is a write retried?",
        "where is a table of a document parsed?",
        "where is a conflict settled?",
        "where is a write taken back?",
        "where is a creation found whose answer was lost?",
    ] {
        let row = page.lines().find(|line| line.starts_with(&format!("| {question} |")));
        let cell = row.unwrap_or_else(|| panic!("nothing answers: {question}"));
        let named = sources_named(cell);
        assert!(!named.is_empty(), "{question} names no file");
        for (file, functions) in named {
            let path = root().join("crates").join(&file);
            let code = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(!code.is_empty(), "{question} {file} is not there");
            assert!(!functions.is_empty(), "{question} no function of {file}");
            for function in functions {
                let is_there = [format!("fn {function}("), format!("fn {function}<")]
                    .iter()
                    .any(|form| code.contains(form));
                assert!(is_there, "{question} {file} has no `{function}`");
            }
        }
    }
}

/// The words of our own that every reader stumbles over stand in the glossary.
#[test]
fn the_glossary_has_the_words_of_our_own() {
    let page = read(&root().join("docs/glossary.md"));
    for word in [
        "agenda",
        "slice",
        "rank",
        "mark",
        "stamp",
        "promise",
        "adopt",
        "wake",
        "pick",
        "plan",
        "record key",
        "open",
        "held",
        "kept",
        "told",
    ] {
        assert!(page.contains(&format!("\n| {word} |")), "{word}");
    }
}

/// Cargo only warns of a package that it is to leave out and that is not there.
#[test]
fn what_the_test_script_leaves_out_is_there() {
    let script = read(&root().join("test"));
    let left_out: Vec<&str> = script
        .split("--exclude ")
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert!(left_out.len() > 3, "{left_out:?}");
    let texts = texts();
    let packages: Vec<&str> = with_extension(&texts, "toml")
        .filter_map(|(_, text)| text.split("\nname = \"").nth(1)?.split('"').next())
        .collect();
    for name in left_out {
        assert!(packages.contains(&name), "there is no package {name}: {packages:?}");
    }
}

/// The text files of the repository: everything but what is built, fetched or a person's own.
fn texts() -> Vec<(PathBuf, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() {
                if ![".git", "target", "node_modules"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else if ![".env", ".git"].contains(&name.as_str())
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                found.push((path.strip_prefix(&root).unwrap().to_path_buf(), text));
            }
        }
    }
    assert!(found.len() > 100, "the repository is more than {} files", found.len());
    found
}

fn with_extension<'a>(
    texts: &'a [(PathBuf, String)],
    extension: &'a str,
) -> impl Iterator<Item = &'a (PathBuf, String)> {
    texts.iter().filter(move |(path, _)| path.extension().is_some_and(|e| e == extension))
}

/// The targets of a page's links that lead to files, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (n, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((n + 1, target));
            }
        }
    }
    found
}

#[test]
fn links_in_the_pages_lead_to_files() {
    assert_eq!(
        links(
            "see [a](b.md#c), [d](#e), [f](https://example.com/g.md)\n```\n[h](i.md)\n```\n[j](../k/)"
        ),
        [(1, "b.md"), (5, "../k/")]
    );
    let (texts, root) = (texts(), root());
    let (mut checked, mut broken) = (0, Vec::new());
    for (path, text) in with_extension(&texts, "md") {
        for (line, target) in links(text) {
            checked += 1;
            if !root.join(path).parent().unwrap().join(target).exists() {
                broken.push(format!("{}:{line}: {target}", path.display()));
            }
        }
    }
    assert!(
        checked > 0 && broken.is_empty(),
        "of {checked} links these lead nowhere:\n{}",
        broken.join("\n")
    );
}

#[test]
fn nothing_in_the_sources_is_unfinished() {
    // Written in two halves, so that this file does not hold them itself.
    let words =
        [("todo", "!("), ("unimplemented", "!("), ("dbg", "!("), ("TO", "DO"), ("FIX", "ME")]
            .map(|(a, b)| format!("{a}{b}"));
    let texts = texts();
    let mut found = Vec::new();
    for (path, text) in with_extension(&texts, "rs") {
        for (n, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), n + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether a line of a source has a text with a gap in the midst of a sentence: one that was folded,
/// and joined again with its indentation. Columns stand further apart, or after fewer spaces.
fn has_gap(line: &str) -> bool {
    let is_comment = line.trim_start().starts_with("//");
    line.match_indices(&" ".repeat(12)).any(|(at, _)| {
        let after = line[at..].trim_start();
        !is_comment
            && line[..at].contains('"')
            && line[..at].ends_with(|c: char| c.is_alphanumeric() || ",;:.`)}".contains(c))
            && line.len() > 100
            && after.starts_with(|c: char| c.is_alphanumeric() || "`({".contains(c))
    })
}

#[test]
fn messages_have_no_gaps() {
    let gap = " ".repeat(17);
    let folded = format!(
        "            \"the list is long: it was read up to {{count}} records. What comes{gap}after is not compared\","
    );
    assert!(has_gap(&folded));
    assert!(!has_gap(&folded.replace(&gap, " ")));
    assert!(!has_gap(
        "  lockstep plan -C shop                what a run would do; changes nothing"
    ));
    let texts = texts();
    let mut found = Vec::new();
    for (path, text) in with_extension(&texts, "rs") {
        let gaps = text.lines().enumerate().filter(|(_, line)| has_gap(line));
        found.extend(
            gaps.map(|(at, line)| format!("{}:{}: {}", path.display(), at + 1, line.trim())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether a line of a source tells a person what to type: a command, an answer or an option.
fn advises(line: &str) -> bool {
    if line.trim_start().starts_with("//") {
        return false;
    }
    let answers = ["accept", "reject", "separate", "release", "approve", "unlink", "retry", "undo"];
    let is_option = |(at, _): (usize, &str)| {
        line[..at].ends_with([' ', '`', '"', '('])
            && line[at + 2..].starts_with(char::is_alphabetic)
    };
    line.contains("`lockstep ")
        || answers.iter().any(|word| line.contains(&format!("`{word}`")))
        || ["accept", "reject"].iter().any(|word| line.contains(&format!("{word} to ")))
        || line.contains('"') && line.match_indices("--").any(is_option)
}

#[test]
fn advice_is_told_from_what_is_so() {
    for line in [
        "\"`lockstep check` says why\"",
        "\"`accept` lets it be done\"",
        "{name} was deleted; accept to delete it",
        "\"say it with --force\"",
        "\"`--force` deletes it\"",
    ] {
        assert!(advises(line), "{line}");
    }
    for line in ["/// `lockstep status` shows it.", "a -- b", "\"a person accepts it\"", "x--y"] {
        assert!(!advises(line), "{line}");
    }
}

/// What a person can do is a `Remedy`; how the command line says it stands in `cli/src/wording.rs`.
#[test]
fn what_is_below_the_command_line_does_not_name_its_commands() {
    let below = ["model", "engine", "store", "hub", "service", "connector", "verify"]
        .map(|name| format!("crates/{name}/src"));
    // How a run is remembered, and what a program of the machine is called with.
    let told_elsewhere = [
        "crates/hub/src/acts/answers.rs",
        "crates/hub/src/acts/take_back.rs",
        "crates/hub/src/acts/audit.rs",
        "crates/connector/src/keyring.rs",
    ];
    let mut found = Vec::new();
    for (path, text) in texts() {
        let name = path.display().to_string();
        if !below.iter().any(|folder| name.contains(folder.as_str())) {
            continue;
        }
        let lines = text.lines().enumerate();
        let named = |line: &str| {
            told_elsewhere.contains(&name.as_str()) && !line.contains('`') && line.contains("--")
        };
        let said = lines.filter(|(_, line)| advises(line) && !named(line));
        found.extend(said.map(|(at, line)| format!("{name}:{}: {}", at + 1, line.trim())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    let folders = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")]
        .map(|(a, b)| format!("{a}{b}"));
    let (texts, mut found) = (texts(), Vec::new());
    for (path, text) in &texts {
        for (n, line) in text.lines().enumerate() {
            for folder in &folders {
                // A part of an address or of a longer path is none, nor is the path of a request
                // with a template in it.
                let alone = |at: usize| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "./-_}$~".contains(c))
                        && !line[at + folder.len()..].starts_with("{{")
                };
                if line.match_indices(folder.as_str()).any(|(at, _)| alone(at)) {
                    found.push(format!("{}:{}: {}", path.display(), n + 1, line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The fields of the public structs and the variants of the public enums in a source, each with the
/// type that has it.
fn members(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut of: Option<(String, bool)> = None;
    for line in source.lines() {
        if let Some(rest) =
            line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))
        {
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            of = line.ends_with('{').then(|| (name.to_string(), line.starts_with("pub enum")));
        } else if line.starts_with('}') {
            of = None;
        } else if let (Some((name, is_enum)), Some(rest)) = (&of, line.strip_prefix("    ")) {
            let word = if *is_enum { Some(rest) } else { rest.strip_prefix("pub ") };
            let word = word.map(|word| {
                word.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
            });
            let word = word.filter(|word| {
                !word.is_empty() && (!is_enum || word.starts_with(char::is_uppercase))
            });
            found.extend(word.map(|word| (name.clone(), word.to_string())));
        }
    }
    found
}

/// Sources below these folders without their tests, but for these files.
fn sources(texts: &[(PathBuf, String)], folders: &[&str], but_for: &[&str]) -> String {
    let wanted = |path: &Path| {
        folders.iter().any(|f| path.starts_with(f))
            && !but_for.iter().any(|file| path.ends_with(file))
    };
    let of_code = |text: &str| text.split("\n#[cfg(test)]").next().unwrap_or_default().to_string();
    with_extension(texts, "rs")
        .filter(|(path, _)| wanted(path))
        .map(|(_, text)| of_code(text))
        .collect()
}

/// Whether a text has a word with this before it, as a whole word.
fn has_word(text: &str, before: &str, word: &str) -> bool {
    text.match_indices(&format!("{before}{word}")).any(|(at, found)| {
        !text[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

/// Whether a field is read: as `.field`, or taken out of its struct by a pattern.
fn is_read(code: &str, of: &str, field: &str) -> bool {
    let taken = |(at, _): (usize, &str)| {
        let pattern = code[at..].split('}').next().unwrap_or_default();
        ["{ ", ", ", "\n"].iter().any(|before| has_word(pattern, before, field))
            || has_word(pattern, " ", field)
    };
    has_word(code, ".", field) || code.match_indices(&format!("{of} {{")).any(taken)
}

#[test]
fn g10_every_word_of_a_project_and_of_a_manifest_is_read_by_something() {
    let texts = texts();
    let text_of = |path: &str| {
        texts.iter().find(|(p, _)| p == Path::new(path)).map(|(_, text)| text.clone()).expect(path)
    };
    let mut unread = Vec::new();
    // What a project's files may say: by the reader of that file …
    let limits = "crates/model/src/limits.rs";
    let reader = sources(&texts, &["crates/config/src", limits], &["written.rs"]);
    for schema in ["schemas/lockstep.schema.json", "schemas/flow.schema.json"] {
        let schema: serde_json::Value = serde_json::from_str(&text_of(schema)).unwrap();
        let mut keys = BTreeSet::new();
        fn collect(value: &serde_json::Value, keys: &mut BTreeSet<String>) {
            match value {
                serde_json::Value::Object(map) => {
                    for (key, value) in map {
                        match value.as_object().filter(|_| key == "properties") {
                            Some(properties) => {
                                keys.extend(properties.keys().cloned());
                                properties.values().for_each(|value| collect(value, keys));
                            }
                            None => collect(value, keys),
                        }
                    }
                }
                serde_json::Value::Array(list) => {
                    list.iter().for_each(|value| collect(value, keys))
                }
                _ => {}
            }
        }
        collect(&schema, &mut keys);
        assert!(keys.len() > 10, "{keys:?}");
        unread.extend(
            keys.into_iter()
                .filter(|key| !reader.contains(&format!("\"{key}\"")))
                .map(|key| format!("config reads no `{key}`")),
        );
    }
    // … and what was read of it, by who acts on it.
    let actors = ["cli", "connector", "engine", "hub", "store", "verify", "workbench"]
        .map(|name| format!("crates/{name}/src"));
    let actors: Vec<&str> = actors.iter().map(String::as_str).collect();
    let acting = sources(&texts, &actors, &[]);
    let names_only = ["Names", "SystemNames", "Proposal"];
    for file in ["crates/config/src/project.rs", "crates/model/src/flow.rs"] {
        for (of, word) in members(&text_of(file)) {
            let place = matches!(word.as_str(), "place" | "places" | "connector_place");
            // What documents call systems is only for reading and writing documents.
            let for_documents = of == "System" && matches!(word.as_str(), "title" | "aliases");
            let of_config = word == "policies"
                || of == "Policies"
                || matches!(of.as_str(), "Reference" | "Elements")
                || names_only.contains(&of.as_str());
            let both = format!("{acting}{reader}");
            let code = if of_config || place || for_documents || of == "System" || of == "FlowFile"
            {
                &both
            } else {
                &acting
            };
            let read = if word.starts_with(char::is_uppercase) {
                has_word(code, "::", &word)
            } else {
                is_read(code, &of, &word)
            };
            if !read {
                unread.push(format!("nothing acts on `{of}.{word}`"));
            }
        }
    }
    // What a manifest may say: by the interpreter.
    let written = text_of("crates/connector/src/rest/written.rs");
    let interpreter = sources(
        &texts,
        &["crates/connector/src"],
        &["rest/written.rs", "rest/sound.rs", "rest/effect.rs", "rest/draft.rs"],
    );
    let words = members(&written);
    assert!(words.len() > 100, "{}", words.len());
    for (of, word) in words {
        let read = match word.starts_with(char::is_uppercase) {
            true => has_word(&interpreter, "::", &word),
            false => is_read(&interpreter, &of, &word),
        };
        if !read {
            unread.push(format!("the interpreter of manifests reads no `{of}.{word}`"));
        }
    }
    assert!(unread.is_empty(), "accepted, and without effect (G10):\n{}", unread.join("\n"));
}

#[test]
fn a_field_that_nothing_reads_is_found() {
    let source = "pub struct Setting {\n    /// What.\n    pub name: String,\n    pub unread: bool,\n}\n\npub enum Word {\n    #[default]\n    One,\n    Two { three: u8 },\n}\n";
    let named = |list: &[(&str, &str)]| {
        list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(
        members(source),
        named(&[("Setting", "name"), ("Setting", "unread"), ("Word", "One"), ("Word", "Two")])
    );
    let code = "fn f(s: &Setting) -> &str { let Setting { name, .. } = s; name }\nfn g(o: Other) -> bool { o.unread_too }";
    assert!(is_read(code, "Setting", "name") && !is_read(code, "Setting", "unread"));
}
