//! Writing flow files: a document that was read, in the form that `docs/projects.md` describes,
//! readable and without loss.
//!
//! What a document says beyond its flows (title, introduction, what it calls the systems) stands in
//! the `document:` block, so that the document can be written back from the flow file. How a
//! section states its flow is written only where that is not what follows from `create`, `match`
//! and `properties` anyway.

use std::collections::HashMap;
use std::fmt::Write as _;

use lockstep_document::{
    DraftSection, PropertyRow, Setting, StatementKind, TypeCell, TypeName as DocumentType,
};
use lockstep_model::{Create, Flow};
use serde_json::Value;

use crate::followed::FollowedSides;
use crate::row::path_text;
use crate::section::{
    FlowFile, Section, called_otherwise, match_texts, row_meant, row_texts, tables,
    usual_statements,
};

/// The file as flow file: a document turned into YAML; a flow file as it is.
pub fn write_flows_yaml(file: &FlowFile) -> String {
    if !file.is_document {
        return file.source.text.clone();
    }
    let mut text = String::new();
    let names = main_names(file);
    document(&mut text, file, &names);
    text.push_str("\nflows:\n");
    // What creates on both sides is two flows that are written once.
    let mut written = std::collections::BTreeSet::new();
    for section in file.sections.iter().filter(|section| written.insert(section.draft)) {
        let draft = &file.draft.sections[section.draft];
        flow(&mut text, section, draft, file, &names);
    }
    if file.sections.is_empty() {
        text.truncate(text.len() - 1);
        text.push_str(" []\n");
    }
    text
}

/// What the document calls each system: the first name, if it has several.
fn main_names(file: &FlowFile) -> Vec<(&str, &str)> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for (called, system) in &file.system_names {
        if !names.iter().any(|(known, _)| known == system) {
            names.push((system, called));
        }
    }
    names
}

fn document(text: &mut String, file: &FlowFile, names: &[(&str, &str)]) {
    let draft = &file.draft;
    let _ =
        writeln!(text, "# From {}. `lockstep doc` writes the document again.", file.source.name);
    text.push_str("document:\n");
    let _ = writeln!(text, "  title: {}", scalar(&draft.title_text()));
    if let Some(generated) = &draft.generated {
        let _ = writeln!(text, "  generated: {}", scalar(generated));
    }
    if draft.introduction.heading != "Introduction" {
        let _ = writeln!(text, "  heading: {}", scalar(&draft.introduction.heading));
    }
    block(text, "  introduction: ", &draft.introduction.paragraphs.join("\n\n"), 4);
    if !names.is_empty() {
        text.push_str("  systems:\n");
        for (system, called) in names {
            let _ = writeln!(text, "    {system}: {}", scalar(called));
        }
    }
}

/// A text of several lines as a literal block, where YAML can hold it so.
fn block(text: &mut String, key: &str, value: &str, indent: usize) {
    let plain = !value.is_empty()
        && !value.starts_with([' ', '\n'])
        && !value.ends_with('\n')
        && value.chars().all(|c| {
            c == '\n'
                || (!c.is_control()
                    && !matches!(c, '\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}'))
        });
    if !plain {
        let _ = writeln!(text, "{key}{}", quoted(value));
        return;
    }
    let _ = writeln!(text, "{key}|-");
    for line in value.split('\n') {
        let _ = writeln!(
            text,
            "{}{line}",
            if line.is_empty() { String::new() } else { " ".repeat(indent) }
        );
    }
}

/// One flow as a flow file by itself, with what its section says in settings. `system` gives the
/// project's name of a system that is called so.
pub(crate) fn one_flow(
    flow: &Flow,
    draft: &DraftSection,
    system: &dyn Fn(&str) -> String,
) -> String {
    let mut text = String::from("flows:\n");
    let _ = writeln!(text, "  - from: {}", scalar(&flow.from.to_string()));
    let _ = writeln!(text, "    to: {}", scalar(&flow.to.to_string()));
    stated(&mut text, flow, draft, system);
    text
}

/// What a flow says between its ends and its statements.
fn stated(text: &mut String, flow: &Flow, draft: &DraftSection, system: &dyn Fn(&str) -> String) {
    let settings: Vec<&Setting> = draft
        .settings()
        .filter(|setting| !matches!(setting.key.as_str(), "names" | "condition"))
        .collect();
    let value = |setting: &Setting| match setting.key.as_str() {
        "map" => pairs_yaml(&setting.value),
        key => yaml(&called_otherwise(key, &setting.value, system)),
    };
    for setting in settings
        .iter()
        .filter(|s| s.row.is_none() && !matches!(s.key.as_str(), "filter" | "create"))
    {
        let _ = writeln!(text, "    {}: {}", in_flow(&setting.key), value(setting));
    }
    let of_flow = |key: &str| settings.iter().find(|s| s.row.is_none() && s.key == key);
    match of_flow("create") {
        Some(setting) => drop(writeln!(text, "    create: {}", value(setting))),
        None => {
            create(text, &flow.create, of_flow("filter").and_then(|setting| setting.value.as_str()))
        }
    }
    let (matches, properties) = tables(draft);
    // Of each row, what it says for itself.
    let cells: [Vec<(String, String)>; 2] =
        [properties.iter().map(row_texts).collect(), matches.iter().map(match_texts).collect()];
    let mut own: [HashMap<usize, Vec<(String, String)>>; 2] = Default::default();
    let mut followed = FollowedSides::default();
    for setting in &settings {
        let Some(row) = &setting.row else { continue };
        if let Some(at) = row_meant(row, &cells[usize::from(row.is_match)]) {
            if !row.is_match && followed.take(at, setting) {
                continue;
            }
            own[usize::from(row.is_match)]
                .entry(at)
                .or_default()
                .push((setting.key.clone(), value(setting)));
        }
    }
    let [ways, mut of_matches] = own;
    let braces = |what: &str, row: &str, more: Vec<(String, String)>| {
        let more: String =
            more.into_iter().map(|(key, value)| format!(", {}: {value}", in_flow(&key))).collect();
        format!("{{ {what}: {}{more} }}", quoted(row))
    };
    if !matches.is_empty() {
        text.push_str("    match:\n");
        for (at, row) in matches.iter().enumerate() {
            let pairs: Vec<String> = row
                .pairs
                .iter()
                .map(|pair| format!("{} = {}", path_text(&pair.from), path_text(&pair.to)))
                .collect();
            let pairs = pairs.join(" and ");
            let item = match of_matches.remove(&at) {
                None => scalar(&pairs),
                Some(own) => braces("match", &pairs, own),
            };
            let _ = writeln!(text, "      - {item}");
        }
    }
    let in_sync = draft.statements.contains(&StatementKind::KeepInSync);
    let arrow = if in_sync { "<->" } else { "->" };
    rows(text, (&properties, &followed), arrow, ways, &braces);
}

/// The pairs of a value list, in their order.
fn pairs_yaml(pairs: &Value) -> String {
    let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
        Some([Value::String(from), to]) => Some(format!("{}: {}", in_flow(from), yaml(to))),
        _ => None,
    };
    let all: Option<Vec<String>> =
        pairs.as_array().and_then(|pairs| pairs.iter().map(pair).collect());
    all.map_or_else(|| yaml(pairs), |pairs| format!("{{ {} }}", pairs.join(", ")))
}

/// A value within a line of YAML.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) => in_flow(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) if !fields.is_empty() => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", in_flow(key), yaml(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

fn flow(
    text: &mut String,
    section: &Section,
    draft: &DraftSection,
    file: &FlowFile,
    names: &[(&str, &str)],
) {
    let flow = &section.flow;
    let called = |system: &str| {
        names.iter().find(|(known, _)| *known == system).map_or("", |(_, called)| called)
    };
    let _ = writeln!(text, "  - from: {}", scalar(&flow.from.to_string()));
    let _ = writeln!(text, "    to: {}", scalar(&flow.to.to_string()));
    let other: Vec<(&str, &str)> = [(&flow.from, &draft.from), (&flow.to, &draft.to)]
        .into_iter()
        .filter(|(name, written)| called(&name.system) != written.system)
        .map(|(name, written)| (name.system.as_str(), written.system.as_str()))
        .collect();
    if !other.is_empty() {
        let entries: Vec<String> =
            other.iter().map(|(system, called)| format!("{system}: {}", in_flow(called))).collect();
        let _ = writeln!(text, "    called: {{ {} }}", entries.join(", "));
    }
    let system = |called: &str| {
        let known = file.system_names.iter().find(|(name, _)| name == called);
        known.map_or_else(|| called.to_string(), |(_, system)| system.clone())
    };
    stated(text, flow, draft, &system);
    let usual = usual(flow, draft, file, names);
    // Settings stand with what they are about.
    let is_setting = |statement: &StatementKind| matches!(statement, StatementKind::Setting(_));
    let others: Vec<StatementKind> =
        draft.statements.iter().filter(|s| !is_setting(s)).cloned().collect();
    if !alike(&usual, &others) {
        statements(text, &others, &usual);
    }
}

fn create(text: &mut String, create: &Create, said: Option<&str>) {
    match create {
        Create::Never => text.push_str("    create: never\n"),
        Create::Always => text.push_str("    create: always\n"),
        Create::ConnectedTo(types) => {
            let names: Vec<String> = types.iter().map(|name| in_flow(&name.to_string())).collect();
            let _ = writeln!(text, "    create: {{ when_connected_to: [{}] }}", names.join(", "));
        }
        Create::When { condition, filter } => {
            text.push_str("    create:\n");
            let _ = writeln!(text, "      when: {}", scalar(short_condition(condition)));
            match said.or(filter.as_ref().map(|filter| filter.expression.as_str())) {
                Some(filter) => drop(writeln!(text, "      filter: {}", scalar(filter))),
                // A document says conditions in words; what is missing stands where it is to be
                // written.
                None => text.push_str("      # filter: 'Category == \"Customer\"'   # without it, nothing is created\n"),
            }
        }
    }
}

/// `When the category is …` without its `When`, which the key says; as it is where that would not
/// come back.
fn short_condition(condition: &str) -> &str {
    match condition.strip_prefix("When ") {
        Some(rest) if rest.starts_with(char::is_lowercase) => rest,
        _ => condition,
    }
}

/// What a row says for itself: keys with their values, as YAML has them.
type Own = Vec<(String, String)>;

fn rows(
    text: &mut String,
    (rows, followed): (&[PropertyRow], &FollowedSides),
    arrow: &str,
    mut own: HashMap<usize, Own>,
    braces: &dyn Fn(&str, &str, Own) -> String,
) {
    if rows.is_empty() {
        text.push_str("    properties: []\n");
        return;
    }
    text.push_str("    properties:\n");
    let mut within: Option<String> = None;
    let sides: Vec<(String, String)> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| (followed.text(at, false, &row.from), followed.text(at, true, &row.to)))
        .collect();
    let width = sides.iter().map(|(from, _)| from.chars().count()).max().unwrap_or(0).min(40);
    for (at, PropertyRow { type_cell, .. }) in rows.iter().enumerate() {
        let (from, to) = &sides[at];
        let mut own = own.remove(&at).unwrap_or_default();
        let way = own.iter().position(|(key, _)| key == "direction").map(|at| own.remove(at).1);
        let arrow = match way.as_deref() {
            Some("both") => "<->",
            Some("forward") => "->",
            Some("backward") => "<-",
            _ => arrow,
        };
        // Rows of a group stand below it.
        let group = own.iter().position(|(key, _)| key == "group").map(|at| own.remove(at).1);
        if group != within {
            if let Some(group) = &group {
                let _ = writeln!(text, "      - group: {group}\n        rows:");
            }
            within.clone_from(&group);
        }
        let indent = if group.is_some() { "          " } else { "      " };
        if !own.is_empty() {
            let ty = type_of_its_own(type_cell);
            own.splice(0..0, ty.map(|ty| ("type".to_string(), ty)));
            let item = match own.iter_mut().find(|(key, _)| key == "set") {
                Some(constant) => {
                    constant.0 = "to".into();
                    braces("set", to, own)
                }
                None => braces("row", &format!("{from} {arrow} {to}"), own),
            };
            let _ = writeln!(text, "{indent}- {item}");
            continue;
        }
        let row = scalar(&format!("{from:width$} {arrow} {to}"));
        let ty = match type_cell {
            TypeCell::Empty => String::new(),
            TypeCell::NotApplicable => " : N/A".into(),
            TypeCell::Plain(name) if is_name(name) => format!(" : {name}"),
            TypeCell::Plain(name) => {
                format!(" : '{}'", Value::from(name.as_str()).to_string().replace('\'', "''"))
            }
            TypeCell::Conversion { list, .. } => format!(" : {}", Value::Array(list.clone())),
            TypeCell::Unreadable(unreadable) => format!(" : {}", scalar(unreadable)),
        };
        let _ = writeln!(text, "{indent}- {row}{ty}");
    }
}

/// The type of a row with settings, as YAML has it.
fn type_of_its_own(cell: &TypeCell) -> Option<String> {
    Some(match cell {
        TypeCell::Empty => return None,
        TypeCell::NotApplicable => "N/A".into(),
        TypeCell::Plain(name) if is_name(name) => name.clone(),
        TypeCell::Plain(name) => quoted(&Value::from(name.as_str()).to_string()),
        TypeCell::Conversion { list, .. } => Value::Array(list.clone()).to_string(),
        TypeCell::Unreadable(unreadable) => quoted(unreadable),
    })
}

fn is_name(name: &str) -> bool {
    scalar(name) == name && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// What a flow file that says no `statements` would state.
fn usual(
    flow: &Flow,
    draft: &DraftSection,
    file: &FlowFile,
    names: &[(&str, &str)],
) -> Vec<StatementKind> {
    let (matches, properties) = tables(draft);
    let connected = match &flow.create {
        Create::ConnectedTo(types) => {
            let called = |system: &str| match () {
                () if flow.from.system == system => draft.from.system.clone(),
                () if flow.to.system == system => draft.to.system.clone(),
                () => names
                    .iter()
                    .find(|(known, _)| *known == system)
                    .map_or(String::new(), |(_, called)| called.to_string()),
            };
            let types = types.iter().map(|name| DocumentType {
                system: called(&name.system),
                kind: name.kind.clone(),
                facet: name.facet.clone(),
            });
            Some(StatementKind::CreateIfConnected {
                connected: types.collect(),
                system: draft.to.system.clone(),
            })
        }
        _ => None,
    };
    debug_assert!(file.is_document);
    // A condition comes back as it is only if the reader puts its `When` back.
    let create = match &flow.create {
        Create::When { condition, filter }
            if short_condition(condition).starts_with(char::is_lowercase) =>
        {
            Create::When {
                condition: format!("When {}", short_condition(condition)),
                filter: filter.clone(),
            }
        }
        other => other.clone(),
    };
    let in_sync = properties.is_empty() || draft.statements.contains(&StatementKind::KeepInSync);
    usual_statements(&create, connected, matches, properties, in_sync)
}

/// Whether two lists of statements say the same, brackets that were put back aside.
fn alike(a: &[StatementKind], b: &[StatementKind]) -> bool {
    let plain = |statements: &[StatementKind]| -> Vec<StatementKind> {
        let mut statements = statements.to_vec();
        for statement in &mut statements {
            if let StatementKind::Properties { rows } = statement {
                for row in rows {
                    if let TypeCell::Conversion { repaired, .. } = &mut row.type_cell {
                        *repaired = false;
                    }
                }
            }
        }
        statements
    };
    plain(a) == plain(b)
}

fn statements(text: &mut String, stated: &[StatementKind], usual: &[StatementKind]) {
    text.push_str("    statements:\n");
    let count_of =
        |wanted: fn(&StatementKind) -> bool| stated.iter().filter(|kind| wanted(kind)).count();
    let (match_tables, property_tables) = (
        count_of(|kind| matches!(kind, StatementKind::Match { .. })),
        count_of(|kind| matches!(kind, StatementKind::Properties { .. })),
    );
    for kind in stated {
        let item = match kind {
            StatementKind::EveryCreates => "every".into(),
            StatementKind::LinkOnly => "link_only".into(),
            StatementKind::KeepInSync => "in_sync".into(),
            StatementKind::MergeOrCreate { merges: true, creates: true } => {
                "merge_or_create".into()
            }
            StatementKind::MergeOrCreate { creates: true, .. } => "create_unmatched".into(),
            StatementKind::MergeOrCreate { .. } => "merge".into(),
            StatementKind::Match { .. } if match_tables == 1 => "match".into(),
            StatementKind::Match { rows } => format!("{{ match: {} }}", rows.len()),
            StatementKind::Properties { .. } if property_tables == 1 => "properties".into(),
            StatementKind::Properties { rows } => {
                format!("{{ properties: {} }}", rows.len())
            }
            StatementKind::ConditionCreates { .. } if usual.contains(kind) => "condition".into(),
            StatementKind::ConditionCreates { condition } => {
                format!("condition: {}", scalar(condition))
            }
            StatementKind::CreateIfConnected { .. } if usual.contains(kind) => "connected".into(),
            StatementKind::CreateIfConnected { connected, system } => {
                let types: Vec<String> = connected.iter().map(stated_type).collect();
                format!("{{ connected_to: [{}], into: {} }}", types.join(", "), in_flow(system))
            }
            StatementKind::Unrecognised { text } => format!("text: {}", quoted(text)),
            StatementKind::Setting(_) => continue,
        };
        let _ = writeln!(text, "      - {item}");
    }
}

fn stated_type(name: &DocumentType) -> String {
    let facet =
        name.facet.as_ref().map_or(String::new(), |facet| format!(", facet: {}", in_flow(facet)));
    format!("{{ system: {}, kind: {}{facet} }}", in_flow(&name.system), in_flow(&name.kind))
}

/// A text as YAML holds it in a block: bare where it can stand so, else in quotation marks.
pub(crate) fn scalar(text: &str) -> String {
    let indicators = [
        '-', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@',
        '`', ' ',
    ];
    let means_something_else = matches!(
        text.to_lowercase().as_str(),
        "" | "~"
            | "null"
            | "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "y"
            | "n"
            | "<<"
            | "="
            | "..."
            | "---"
    ) || text
        .starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+'));
    let bare = !means_something_else
        && !text.starts_with(indicators)
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(|c| {
            c.is_control() || matches!(c, '\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}')
        });
    match bare {
        true => text.to_string(),
        false => quoted(text),
    }
}

/// A text as YAML holds it anywhere within a line, also between brackets or braces.
///
/// ```
/// assert_eq!(lockstep_config::yaml_in_line("a <-> b"), "a <-> b");
/// assert_eq!(lockstep_config::yaml_in_line("a: b"), "\"a: b\"");
/// ```
pub fn yaml_in_line(text: &str) -> String {
    in_flow(text)
}

/// The same within brackets or braces.
pub(crate) fn in_flow(text: &str) -> String {
    if text.contains([',', '[', ']', '{', '}', ':']) { quoted(text) } else { scalar(text) }
}

/// In single quotation marks where it can stand so, else as JSON, which is YAML.
fn quoted(text: &str) -> String {
    if text.chars().any(|c| {
        c.is_control() || matches!(c, '\'' | '\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    }) {
        return Value::from(text)
            .to_string()
            .replace('\u{feff}', "\\uFEFF")
            .replace('\u{85}', "\\u0085");
    }
    if text.contains(['"', '\\']) { format!("'{text}'") } else { format!("\"{text}\"") }
}
