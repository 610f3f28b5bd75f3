//! What the program says of itself: `explain --rule` and `explain --code` (sections of
//! `docs/rules.md` and `docs/diagnostics.md`), manual pages, completions.

use std::path::Path;

use lockstep_config::{any_of, near};
use lockstep_model::rule::Rule;

use crate::args::{Format, command};
use crate::exit::{Exit, Failure, Result};
use crate::{look, wire};

const RULES: &str = include_str!("../../../docs/rules.md");
const CODES: &str = include_str!("../../../docs/diagnostics.md");
/// Most names that are offered in the place of one that is not there.
const OFFERED: usize = 5;
/// Where the one-line form begins in a list.
const COLUMN: usize = 6;

/// A section of a page.
#[derive(Clone, Copy)]
struct Section {
    /// The heading: a rule's name, a code.
    name: &'static str,
    /// The heading of the part that it is in.
    area: &'static str,
    /// The line in bold.
    summary: &'static str,
    /// What follows, in Markdown.
    text: &'static str,
}

impl Section {
    /// As JSON has it: in whole, or as a line of a list.
    fn printed(&self, kind: Kind, whole: bool) -> wire::Section {
        wire::Section {
            name: match kind {
                Kind::Rule => wire::SectionName::Rule(self.name.into()),
                Kind::Code => wire::SectionName::Code(self.name.into()),
            },
            area: self.area.into(),
            summary: self.summary.into(),
            text: whole.then(|| self.text.into()),
        }
    }
}

/// What is explained.
#[derive(Clone, Copy)]
enum Kind {
    Rule,
    Code,
}

impl Kind {
    /// As options and messages name it.
    fn name(self) -> &'static str {
        match self {
            Kind::Rule => "rule",
            Kind::Code => "code",
        }
    }
}

/// The sections of a page, in order.
fn sections(page: &'static str) -> Vec<Section> {
    let mut found = Vec::new();
    for part in page.split("\n## ").skip(1) {
        let (area, rest) = part.split_once('\n').unwrap_or((part, ""));
        for section in rest.split("\n### ").skip(1) {
            let (name, body) = section.split_once('\n').unwrap_or((section, ""));
            let (summary, text) = body.trim_start().split_once('\n').unwrap_or((body, ""));
            found.push(Section {
                name,
                area,
                summary: summary.trim_matches('*'),
                text: text.trim_matches('\n'),
            });
        }
    }
    found
}

/// Explains a rule, or lists all where none is named.
pub fn rule(name: &str, format: Format) -> Result<Exit> {
    let all = sections(RULES);
    if name.is_empty() {
        return list(&all, Kind::Rule, format);
    }
    match all.iter().find(|section| section.name.eq_ignore_ascii_case(name)) {
        Some(section) => print(section, Kind::Rule, format),
        None => Err(none(name, &all, &[], Kind::Rule)),
    }
}

/// Explains a diagnostic code, or lists all where none is named.
pub fn code(name: &str, format: Format) -> Result<Exit> {
    let all = sections(CODES);
    if name.is_empty() {
        return list(&all, Kind::Code, format);
    }
    // As it is printed: `warning[config::row]`; or without what it begins with.
    let name = name.rsplit('[').next().unwrap_or(name).trim_end_matches(']');
    let short =
        |section: &&Section| section.name.split_once("::").is_some_and(|(_, short)| short == name);
    let by_short: Vec<&Section> = all.iter().filter(short).collect();
    match (all.iter().find(|section| section.name == name), &by_short[..]) {
        (Some(section), _) => print(section, Kind::Code, format),
        (None, [section]) => print(section, Kind::Code, format),
        (None, several) => Err(none(name, &all, several, Kind::Code)),
    }
}

fn none(name: &str, all: &[Section], meant: &[&Section], kind: Kind) -> Failure {
    let whole = all.iter().map(|section| section.name);
    let short =
        |section: &Section| section.name.split_once("::").map_or(section.name, |(_, short)| short);
    let mut offered: Vec<&str> = meant.iter().map(|section| section.name).collect();
    if offered.is_empty() {
        let near_short = near(name, all.iter().map(short));
        offered = near(name, whole);
        offered.extend(
            all.iter()
                .filter(|section| near_short.contains(&short(section)))
                .map(|section| section.name),
        );
        let mut seen = std::collections::BTreeSet::new();
        offered.retain(|name| seen.insert(*name));
        offered.truncate(OFFERED);
    }
    let question = match offered.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", any_of(offered)),
    };
    let stop = if question.is_empty() { "." } else { "" };
    let kind = kind.name();
    Failure::usage(format!(
        "there is no {kind} `{name}`{question}{stop} `lockstep explain --{kind}` lists all"
    ))
}

fn list(all: &[Section], kind: Kind, format: Format) -> Result<Exit> {
    if format == Format::Json {
        let one = |section: &Section| section.printed(kind, false);
        look::json(&wire::Sections(all.iter().map(one).collect()))?;
        return Ok(Exit::Done);
    }
    let width = all.iter().map(|section| section.name.len() + 2).max().unwrap_or(0).max(COLUMN);
    for (n, section) in all.iter().enumerate() {
        if n == 0 || all[n - 1].area != section.area {
            println!("{}{}", if n == 0 { "" } else { "\n" }, section.area);
        }
        println!("  {:<width$}{}", section.name, plain(section.summary));
    }
    Ok(Exit::Done)
}

fn print(section: &Section, kind: Kind, format: Format) -> Result<Exit> {
    let Section { name, summary, text, .. } = section;
    if format == Format::Json {
        look::json(&section.printed(kind, true))?;
        return Ok(Exit::Done);
    }
    println!("{name}: {}\n", plain(summary));
    let mut fenced = false;
    for line in text.lines() {
        match line.starts_with("```") {
            true => fenced = !fenced,
            false if fenced => println!("    {line}"),
            false => println!("{}", plain(line)),
        }
    }
    Ok(Exit::Done)
}

/// Prints what a shell completes commands and options with.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "lockstep", &mut script);
    emit!("{}", String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}

/// Prints the manual page of lockstep or of a command, or writes all of them into a folder.
pub fn man(of: &[String], out: Option<&Path>) -> Result<Exit> {
    let mut whole = command();
    whole.build();
    let page = |command: clap::Command| -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut text);
        rendered.map(|()| text).map_err(|error| Failure::usage(error.to_string()))
    };
    if let Some(folder) = out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        for command in with_nested(&whole) {
            let name = command.get_display_name().unwrap_or(command.get_name()).to_string();
            let path = folder.join(format!("{name}.1"));
            std::fs::write(&path, page(command.clone())?)
                .map_err(|error| Failure::file(&path, &error))?;
            println!("wrote   {}", path.display());
        }
        return Ok(Exit::Done);
    }
    let mut command = &whole;
    // `man connector test` as well as `man "connector test"`.
    for name in of.iter().flat_map(|words| words.split_whitespace()) {
        command = command.find_subcommand(name).ok_or_else(|| no_command(command, name))?;
    }
    emit!("{}", String::from_utf8_lossy(&page(command.clone())?));
    Ok(Exit::Done)
}

/// A command and those within it.
fn with_nested(command: &clap::Command) -> Vec<&clap::Command> {
    let nested = command.get_subcommands().flat_map(with_nested);
    std::iter::once(command).chain(nested).collect()
}

fn no_command(within: &clap::Command, name: &str) -> Failure {
    let near = near(name, within.get_subcommands().map(clap::Command::get_name));
    let question =
        if near.is_empty() { String::new() } else { format!("; did you mean {}?", any_of(near)) };
    Failure::usage(format!("there is no command `{name}`{question}"))
}

/// A line of Markdown as it stands in a terminal: without emphasis, links by the files that they
/// lead to.
fn plain(line: &str) -> String {
    let mut out = String::new();
    for (n, part) in line.split('`').enumerate() {
        if n > 0 {
            out.push('`');
        }
        out.push_str(&if n % 2 == 0 { part.replace('*', "") } else { part.to_string() });
    }
    while let Some(at) = out.find("](") {
        let (Some(open), Some(end)) = (out[..at].rfind('['), out[at..].find(')')) else { break };
        let shown = format!("{} (docs/{})", &out[open + 1..at], &out[at + 2..at + end]);
        out.replace_range(open..=at + end, &shown);
    }
    out
}

/// Where to read on about the rules that some sentences cite, as `by rule P1` or `(P1)`; `None`
/// where they cite none.
pub fn pointer<'a>(sentences: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut cited: Vec<Rule> = Vec::new();
    for sentence in sentences {
        for (at, _) in sentence.match_indices("rule ").chain(sentence.match_indices('(')) {
            let rest = sentence[at..].trim_start_matches("rule ").trim_start_matches('(');
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            cited.extend(Rule::parse(&name).filter(|rule| !cited.contains(rule)));
        }
    }
    let (first, others) = cited.split_first()?;
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    let also =
        if others.is_empty() { String::new() } else { format!("; {} likewise", others.join(", ")) };
    Some(format!("`lockstep explain --rule {first}` tells what rule {first} means{also}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_section_in_the_order_of_the_rules() {
        let names: Vec<&str> = sections(RULES).iter().map(|section| section.name).collect();
        let rules: Vec<String> = Rule::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names, rules);
    }

    #[test]
    fn a_line_is_shown_without_marks() {
        assert_eq!(
            plain("a *claim*, `docs/*.rst`, [equality](equality.md)."),
            "a claim, `docs/*.rst`, equality (docs/equality.md)."
        );
    }

    #[test]
    fn the_rules_that_are_cited_are_pointed_to_once() {
        let told = [
            "x is 1, by rule P1: the latest edit wins.",
            "never written (P10).",
            "by rule P1, again",
            "(run 3)",
        ];
        let pointer = pointer(told.into_iter()).unwrap();
        assert_eq!(pointer, "`lockstep explain --rule P1` tells what rule P1 means; P10 likewise.");
        assert_eq!(super::pointer(["nothing"].into_iter()), None);
    }
}
