//! The house is in order: no circles of files, no long files and functions, no long subjects of
//! commits.
//!
//! What was over when these checks were made is listed in `known.txt`. Nothing is added to it, and
//! what is not needed any more goes: with `LOCKSTEP_UPDATE=1` it is taken out.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{functions, tokens};
use super::modules::{Crate, circles, sources, way_round};
use crate::transcript::{read, root};

const WITHOUT_CIRCLES: [&str; 6] = ["hub", "engine", "verify", "config", "connector", "sandbox"];
const SHORT_FILES: [&str; 3] = ["hub", "engine", "store"];
const SHORT_FUNCTIONS: [&str; 2] = ["hub", "engine"];
const LINES_OF_A_FILE: usize = 400;
const LINES_OF_A_FUNCTION: usize = 70;

/// Subjects of the commits after this one are held to the limit.
const COUNTED_FROM: &str = "46b3c10825a8592f9f7da12d0e951c9f49b8bc61";
const LETTERS_OF_A_SUBJECT: usize = 72;

/// What is over, by the line of the list that allows it, with what to say of it.
fn found() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut crates: Vec<String> = std::fs::read_dir(root().join("crates"))
        .expect("the crates")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    crates.sort();
    for name in &crates {
        let sources = sources(&root().join("crates").join(name).join("src"));
        if WITHOUT_CIRCLES.contains(&name.as_str()) {
            found.extend(circles_in(name, &sources));
        }
        found.extend(long_in(name, &sources));
    }
    found
}

fn circles_in(name: &str, sources: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let read = Crate::read(sources);
    let mut found = BTreeMap::new();
    let needs = read.needs();
    for file in circles(&needs).into_iter().flatten() {
        let way = way_round(&needs, &file);
        found.insert(format!("imports {name}/src/{file}"), way);
    }
    for (of, calls) in read.calls() {
        for file in circles(&calls).into_iter().flatten() {
            let way = way_round(&calls, &file);
            found.insert(format!("methods {name}/src/{file} {of}"), way);
        }
    }
    found
}

fn long_in(name: &str, sources: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let (mut found, mut counted) = (BTreeMap::new(), Vec::new());
    for (file, text) in sources {
        let lines = text.lines().count();
        if SHORT_FILES.contains(&name) && lines > LINES_OF_A_FILE {
            found.insert(format!("file {name}/src/{file}"), format!("{lines} lines"));
        }
        for (function, lines) in functions(&tokens(text)) {
            let line = format!("function {name}/src/{file} {function}");
            match lines > LINES_OF_A_FUNCTION {
                true if SHORT_FUNCTIONS.contains(&name) => {
                    found.insert(line, format!("{lines} lines"));
                }
                true => counted.push(format!("{file} {function} ({lines})")),
                false => {}
            }
        }
    }
    if !counted.is_empty() {
        found.insert(format!("functions {name} {}", counted.len()), counted.join(", "));
    }
    found
}

#[test]
fn what_is_over_the_limits_is_known_and_becomes_less() {
    let path = root().join("crates/cli/tests/tidy/known.txt");
    let text = read(&path);
    let known: BTreeSet<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let found = found();
    let new: Vec<String> = found
        .iter()
        .filter(|(line, _)| !known.contains(line.as_str()))
        .map(|(line, why)| format!("{line}: {why}"))
        .collect();
    let past: Vec<&&str> = known.iter().filter(|line| !found.contains_key(**line)).collect();
    if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
        std::fs::write(&path, shrunk(&text, &found)).expect("the list is written");
    }
    assert!(
        new.is_empty() && past.is_empty(),
        "files and functions over the limits (circles of files, {LINES_OF_A_FILE} lines a file, \
         {LINES_OF_A_FUNCTION} lines a function).\nMend these, they are not in \
         tests/tidy/known.txt:\n{new:#?}\nand take these out of it (LOCKSTEP_UPDATE=1 does), they \
         are mended:\n{past:#?}"
    );
}

/// The list without what is mended, and with counts that have fallen.
fn shrunk(text: &str, found: &BTreeMap<String, String>) -> String {
    let count = |line: &str| -> Option<(String, usize)> {
        let (name, count) = line.strip_prefix("functions ")?.split_once(' ')?;
        Some((name.to_string(), count.parse().ok()?))
    };
    let counts: BTreeMap<String, usize> = found.keys().filter_map(|line| count(line)).collect();
    let mut kept = String::new();
    for line in text.lines() {
        let line = match count(line) {
            Some((name, before)) => match counts.get(&name) {
                Some(now) => format!("functions {name} {}", before.min(*now)),
                None => continue,
            },
            None if line.is_empty() || line.starts_with('#') => line.to_string(),
            None if found.contains_key(line) => line.to_string(),
            None => continue,
        };
        kept += &line;
        kept.push('\n');
    }
    kept
}

#[test]
fn the_list_of_what_is_known_only_shrinks() {
    let found = ["file a", "file new", "functions x 2", "functions y 9"];
    let found = found.map(|line| (line.to_string(), String::new())).into();
    assert_eq!(
        shrunk("# Why.\nfile a\nfile b\nfunctions x 3\nfunctions y 4\nfunctions z 1\n", &found),
        "# Why.\nfile a\nfunctions x 2\nfunctions y 4\n"
    );
}

#[test]
fn subjects_of_commits_fit_a_line() {
    let log = std::process::Command::new("git")
        .current_dir(root())
        .args(["log", "--no-merges", "--format=%s", &format!("{COUNTED_FROM}..HEAD")])
        .output();
    // A copy without its history has no subjects to look at.
    let Some(log) = log.ok().filter(|log| log.status.success()) else { return };
    let subjects = String::from_utf8(log.stdout).expect("text");
    let long: Vec<&str> =
        subjects.lines().filter(|line| line.chars().count() > LETTERS_OF_A_SUBJECT).collect();
    assert!(long.is_empty(), "over {LETTERS_OF_A_SUBJECT} letters:\n{}", long.join("\n"));
}
