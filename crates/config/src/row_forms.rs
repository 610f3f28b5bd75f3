//! What a row says besides its two properties and its type: a value list, a default, when it holds
//! and which value wins.
//!
//! A value list and a default become a part of the row's conversion, so that their way back is
//! derived like any other. Documents say each in a sentence.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path as FilePath;

use lockstep_model::flow::{Policy, Wins};
use lockstep_model::{Conversion, Direction, PlainType, Value};
use serde_json::json;

use crate::codes;
use crate::fields::Fields;
use crate::near::{all_of, nearest};
use crate::problem::Reader;
use crate::read_file::read_file;
use crate::row;
use crate::written;
use crate::yaml::{Node, Yaml};

/// Value lists that rows share, by name: their pairs.
#[derive(Default)]
pub(crate) struct SharedMaps<'a> {
    known: BTreeMap<String, Value>,
    /// Those that no row has named so far, with the place of the name.
    unused: RefCell<BTreeMap<String, Range<usize>>>,
    /// The project's folder, where files of value lists are looked for.
    dir: Option<&'a FilePath>,
}

impl<'a> SharedMaps<'a> {
    pub fn of(dir: Option<&'a FilePath>) -> Self {
        SharedMaps { dir, ..SharedMaps::default() }
    }

    /// Reads `maps` of a flow file.
    pub fn read(&mut self, node: &Node, reader: &mut Reader) {
        for (key, value) in reader.entries(node, "`maps`").unwrap_or_default() {
            let Some(pairs) = self.pairs(value, reader) else { continue };
            // What is wrong with it is told here, and once.
            match Conversion::parse(&json!(["map", pairs, "_."])) {
                Ok(_) => {
                    self.unused.borrow_mut().insert(key.text.clone(), key.span.clone());
                    self.known.insert(key.text.clone(), pairs);
                }
                Err(error) => drop(reader.error(codes::CONVERSION, &value.span, error.message)),
            }
        }
    }

    /// Tells of the lists that no row has named.
    pub fn tell_unused(&self, reader: &mut Reader) {
        for (name, span) in self.unused.take() {
            reader
                .warning(
                    codes::WITHOUT_EFFECT,
                    &span,
                    format!("the map `{name}` has no effect: no row names it"),
                )
                .set_help(format!("name it in a row (`map: {name}`), or leave it out"));
        }
    }

    /// The pairs that a `map` says, or the list or file that it names.
    fn pairs(&self, node: &Node, reader: &mut Reader) -> Option<Value> {
        if let Yaml::Map(entries) = &node.value {
            let pair = |key: &str, value: &Node| json!([key, value.to_json()]);
            return Some(entries.iter().map(|(key, value)| pair(&key.text, value)).collect());
        }
        let name = reader.text(node, "`map`")?.to_string();
        if let Some(known) = self.known.get(&name) {
            self.unused.borrow_mut().remove(&name);
            return Some(known.clone());
        }
        if name.to_lowercase().ends_with(".csv") {
            return self.file(&name, &node.span, reader);
        }
        let known = || self.known.keys().map(String::as_str);
        let help = match nearest(&name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.known.is_empty() => {
                "write the pairs here, or under `maps:` at the top of the file".into()
            }
            None => format!("`maps` has {}", all_of(known())),
        };
        reader
            .error(codes::UNKNOWN_WORD, &node.span, format!("there is no map `{name}`"))
            .set_help(help);
        None
    }

    /// The pairs of a CSV file: two columns under a heading.
    fn file(&self, name: &str, span: &Range<usize>, reader: &mut Reader) -> Option<Value> {
        let Some(dir) = self.dir else {
            reader.error(
                codes::UNREADABLE_FILE,
                span,
                format!("{name} can't be looked for here, outside a project"),
            );
            return None;
        };
        let source = match read_file(dir, name) {
            Ok(source) => source,
            Err(problem) => {
                reader.error(codes::UNREADABLE_FILE, span, problem.message).help = problem.help;
                return None;
            }
        };
        let first = source.text.lines().next().unwrap_or_default();
        let separator =
            [';', '\t'].into_iter().find(|separator| first.contains(*separator)).unwrap_or(',');
        let mut csv = csv::ReaderBuilder::new()
            .delimiter(separator as u8)
            .flexible(true)
            .from_reader(source.text.trim_start_matches('\u{feff}').as_bytes());
        let mut pairs = Vec::new();
        for row in csv.records() {
            let (line, cells) = match &row {
                Ok(row) => {
                    (row.position().map(|at| at.line()), row.iter().map(str::trim).collect())
                }
                Err(error) => (error.position().map(|at| at.line()), vec![]),
            };
            let [from, to] = cells[..] else {
                let line = line.map_or(String::new(), |line| format!("line {line} "));
                reader
                    .error(
                        codes::UNREADABLE_FILE,
                        span,
                        format!("{name}: {line}does not have two cells"),
                    )
                    .set_help("a file of a map has two columns under a heading: what becomes what");
                return None;
            };
            if !from.is_empty() {
                pairs.push(json!([from, to]));
            }
        }
        Some(Value::Array(pairs))
    }
}

/// Whether `else` or `default` of a row says nothing, which is told (G10).
fn has_no_effect(fields: &Fields<'_>, reader: &mut Reader) -> bool {
    if let (Some(other), None) = (fields.entry("else"), fields.get("map")) {
        reader
            .error(codes::MISSING_KEY, &other.0.span, "`else` has no effect: the row has no `map`")
            .set_help("say `map`, or leave out `else`");
        return true;
    }
    let Some(node) = fields.get("default").filter(|node| is_blank(node)) else { return false };
    let message = "`default` has no effect: it gives nothing for nothing";
    reader
        .error(codes::WITHOUT_EFFECT, &node.span, message)
        .set_help("say a value, or leave out `default`");
    true
}

/// Whether a value is a text without a letter or sign.
pub(crate) fn is_blank(node: &Node) -> bool {
    node.text().is_some_and(|text| text.trim().is_empty())
}

/// Where a row says its value list and its default.
pub(crate) fn values_span(fields: &Fields<'_>) -> Option<Range<usize>> {
    let spans =
        ["map", "default"].into_iter().filter_map(|key| fields.get(key)).map(|node| &node.span);
    spans.cloned().reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
}

/// A row's conversion with its value list and its default, and the pairs of the list, wherever they
/// are written.
pub(crate) fn with_values(
    fields: &Fields<'_>,
    maps: &SharedMaps<'_>,
    reader: &mut Reader,
    conversion: Option<Conversion>,
) -> Result<(Option<Conversion>, Option<Value>), ()> {
    let (map, default) = (fields.get("map"), fields.get("default"));
    if has_no_effect(fields, reader) {
        return Err(());
    }
    let Some(told) = map.or(default) else { return Ok((conversion, None)) };
    let mut value = match &conversion {
        None | Some(Conversion::Plain(PlainType::Any)) => json!("_."),
        Some(conversion @ Conversion::Computed(_)) if map.is_none() => conversion.to_json(),
        Some(Conversion::Computed(_)) => {
            let help =
                "write the list as a part of the conversion: `[\"map\", [[FROM, TO], …], …]`";
            reader
                .error(
                    codes::CONTRADICTION,
                    &told.span,
                    "a row has a conversion or a `map`, not both",
                )
                .set_help(help);
            return Err(());
        }
        Some(Conversion::Plain(ty))
            if matches!(ty, PlainType::Datetime | PlainType::Date | PlainType::Minutes) =>
        {
            let message = format!("the type `{}` can't stand beside `map` or `default`", ty.name());
            reader
                .error(codes::CONTRADICTION, &told.span, message)
                .set_help("leave out the type: the system's own counts");
            return Err(());
        }
        Some(Conversion::Plain(_)) => json!("_."),
    };
    let pairs = map.map(|node| maps.pairs(node, reader).ok_or(())).transpose()?;
    if let Some(pairs) = &pairs {
        let other = fields
            .get("else")
            .and_then(|node| reader.word::<written::ElseWord>(node, "`else`"))
            .unwrap_or("review");
        value = if other == "review" {
            json!(["map", pairs, value])
        } else {
            json!(["map", pairs, other, value])
        };
    }
    if let Some(Conversion::Plain(ty)) = &conversion
        && *ty != PlainType::Any
    {
        value = json!([ty.name(), value]);
    }
    if let Some(node) = default {
        let default = node.to_json();
        let default = if default.is_array() { json!(["literal", default]) } else { default };
        value = json!(["if-null", value, default]);
    }
    match Conversion::parse(&value) {
        Ok(conversion) => Ok((Some(conversion), pairs)),
        Err(error) => {
            reader.error(codes::CONVERSION, &told.span, error.message);
            Err(())
        }
    }
}

/// Whether a row says `on: create`. It holds one way.
pub(crate) fn on_create(fields: &Fields<'_>, direction: Direction, reader: &mut Reader) -> bool {
    let Some(node) = fields.get("on") else { return false };
    let is_create = reader.word::<written::OnWord>(node, "`on`") == Some("create");
    if is_create && direction == Direction::Both {
        reader
            .error(
                codes::CONTRADICTION,
                &node.span,
                "a row with `on: create` gives a value once, so it can't go both ways",
            )
            .set_help("write `->`, from the record that is there to the one that is created");
    }
    if is_create && let Some((key, _)) = fields.entry("clears") {
        reader
            .error(
                codes::WITHOUT_EFFECT,
                &key.span,
                "`clears` has no effect on a row with `on: create`: it gives its value once, and carries no edit",
            )
            .set_help("leave out one of the two");
    }
    is_create
}

/// Whether a row says `list: each`. `flow` is what its flow says of whose value wins.
pub(crate) fn each(fields: &Fields<'_>, flow: Option<&Policy>, reader: &mut Reader) -> bool {
    let Some(node) = fields.get("list") else { return false };
    if reader.text(node, "`list`").is_some_and(row::has_arrow) {
        let message = "`list` names two lists, and so does `row`";
        reader.error(codes::CONTRADICTION, &node.span, message).set_help(
            "write `list: each` to keep the row's two lists by element, or leave out `row` and say the `key` of the elements",
        );
        return false;
    }
    if reader.word::<written::ListWord>(node, "`list`") != Some("each") {
        return false;
    }
    let both = "leave out one of the two";
    for (key, why, help) in [
        ("wins", "which of two values counts, and with `list: each` elements of both do", both),
        (
            "prefer",
            "whose value wins, and with `list: each` there is nothing to win: what both sides put in merges",
            "leave out `prefer`",
        ),
        (
            "only_from",
            "that one side's list counts, and with `list: each` those of both do",
            "leave out `list: each`; or write `->`, with which the other side keeps what is its own",
        ),
        (
            "default",
            "what stands where there is no value, and with `list: each` there are only elements",
            "leave out `default`",
        ),
    ] {
        if let Some((key, _)) = fields.entry(key) {
            let message = format!("`{}` says {why}", key.text);
            reader.error(codes::CONTRADICTION, &key.span, message).set_help(help);
        }
    }
    if fields.get("on").and_then(Node::text) == Some("create") {
        let message = "`on: create` gives the list once, so no element comes or goes after";
        reader.error(codes::CONTRADICTION, &node.span, message).set_help(both);
    }
    if let Some(Policy::OnlyFrom(system)) = flow.filter(|_| fields.get("only_from").is_none()) {
        let message = format!(
            "the flow says `only_from: {system}`, and with `list: each` elements of both sides count"
        );
        reader.error(codes::CONTRADICTION, &node.span, message).set_help(
            "leave out `list: each`, or say `only_from` of the rows that it is meant for",
        );
    }
    true
}

/// `wins` of a row.
pub(crate) fn wins(
    fields: &Fields<'_>,
    (direction, conversion): (Direction, Option<&Conversion>),
    reader: &mut Reader,
) -> Option<Wins> {
    let node = fields.get("wins")?;
    if direction != Direction::Both {
        reader
            .error(
                codes::CONTRADICTION,
                &node.span,
                "`wins` says which of two values counts, so the row must go both ways",
            )
            .set_help("write `<->`, or leave out `wins`");
        return None;
    }
    if matches!(conversion, Some(Conversion::Computed(_))) {
        reader
            .error(
                codes::CONTRADICTION,
                &node.span,
                "`wins` compares the values as they are, so the row can't have a conversion",
            )
            .set_help("leave out one of the two");
        return None;
    }
    if let Yaml::Map(_) = node.value {
        let fields = reader.fields::<written::AnyOfYaml>(node, "`wins`")?;
        let list = reader.required(&fields, "any-of", "`wins`", "[first, second]")?;
        return any_of(list, reader).map(Wins::AnyOf);
    }
    match node.to_json() {
        Value::Bool(truth) => Some(Wins::Truth(truth)),
        _ => match reader.word::<written::WinsWord>(node, "`wins`")? {
            "min" => Some(Wins::Min),
            "max" => Some(Wins::Max),
            _ => Some(Wins::Longest),
        },
    }
}

/// The values of `any-of`, each once.
fn any_of(list: &Node, reader: &mut Reader) -> Option<Vec<Value>> {
    let items = reader.list(list, "`any-of`")?;
    if items.is_empty() {
        reader
            .error(codes::WITHOUT_EFFECT, &list.span, "`any-of` names no value, so none wins")
            .set_help("name the values, the first first: `[active, paused]`; or leave out `wins`");
        return None;
    }
    let values: Vec<Value> = items.iter().map(Node::to_json).collect();
    for (at, item) in
        items.iter().enumerate().filter(|(at, _)| values[..*at].contains(&values[*at]))
    {
        let message = format!("{} stands twice in `any-of`: the first place counts", values[at]);
        reader.error(codes::WITHOUT_EFFECT, &item.span, message).set_help("leave it out");
    }
    Some(values)
}
