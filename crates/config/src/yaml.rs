//! YAML as a tree in which every key and value knows its place.
//!
//! A reader that fills types stops at the first thing that does not fit. Here a file is read into
//! [`Node`]s first, and what it says is checked by hand afterwards, so that all problems of a file
//! are told together. Only this module knows the parser (`granit-parser`, which is the one under
//! `serde-saphyr`).

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};

use crate::codes;
use crate::problem::{Problem, Reader};
use crate::source::Source;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Bytes in the source; an alias has the place where it stands, not where its anchor is.
    pub span: Range<usize>,
    pub value: Yaml,
}

/// What stands there.
#[derive(Clone, Debug)]
pub(crate) enum Yaml {
    /// A text; `plain` where it stands without quotes and so may mean a number, a truth value or
    /// nothing.
    Text {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub span: Range<usize>,
    pub text: String,
}

impl Node {
    /// Nothing, as `key:` with nothing behind it, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Yaml::Text { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar, number or not.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Yaml::Text { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Yaml::Text { .. } => match self.to_json() {
                Value::Bool(_) => "a truth value",
                Value::Number(_) => "a number",
                _ => "a text",
            },
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// As JSON: plain scalars by the core schema of YAML 1.2 (section 10.3).
    pub fn to_json(&self) -> Value {
        match &self.value {
            Yaml::Text { text, plain: false } => Value::String(text.clone()),
            Yaml::Text { text, plain: true } => plain(text),
            Yaml::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Yaml::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        // A leading zero makes it a number to some and a postal code to most.
        _ if text.len() > 1 && text.starts_with('0') && !text.starts_with("0.") => {
            Value::String(text.into())
        }
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.')) => {
            // Digit by digit.
            lockstep_model::decimal::number(text)
                .map_or_else(|| Value::String(text.into()), Value::Number)
        }
        _ => Value::String(text.into()),
    }
}

/// A file's nodes are at most so many, aliases counted each time they stand for something: no file
/// of flows comes near.
const MOST_NODES: usize = 200_000;

/// Reads a source. `Ok(None)` where it says nothing at all.
pub(crate) fn parse(source: &Arc<Source>) -> (Option<Node>, Vec<Problem>) {
    let mut reading =
        Reading { reader: Reader::new(source.clone()), anchors: HashMap::new(), count: 0 };
    let mut events = Events { parser: Parser::new_from_str(&source.text) };
    let root = match reading.document(&mut events) {
        Ok(root) => root,
        Err(Stop(span, message)) => {
            let help = syntax_help(source, &span);
            let problem = reading.reader.error(codes::YAML, &span, message);
            if let Some(help) = help {
                problem.set_help(help);
            }
            None
        }
    };
    (root, reading.reader.problems)
}

/// What usually stands behind a syntax error in this line.
fn syntax_help(source: &Source, span: &Range<usize>) -> Option<String> {
    let number = source.line_and_column(span.start).0;
    let line = source.line(number).1;
    // A tab that goes on a text of the line before is told at that text.
    if [line, source.line(number + 1).1]
        .iter()
        .any(|line| line.trim_start_matches(' ').starts_with('\t'))
    {
        return Some("indent with spaces, not with tabs".into());
    }
    if line.contains("<->") || line.contains("->") || line.contains("<-") {
        return Some("put the row in quotation marks, or its type under `type:` (`{ row: a <-> b, type: string }`)".into());
    }
    None
}

/// Reading can't go on: where and why.
struct Stop(Range<usize>, String);

struct Events<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), Stop> {
        let mut next = self.parser.next_event();
        // Comments and anchors by name say nothing about the data.
        while let Some(Ok((Event::Comment(..) | Event::Anchor(..), _))) = next {
            next = self.parser.next_event();
        }
        match next {
            Some(Ok((event, span))) => Ok((event, bytes(&span))),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or_default();
                Err(Stop(at..at + 1, format!("this is no YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, 0..0)),
        }
    }
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

struct Reading {
    reader: Reader,
    anchors: HashMap<usize, Node>,
    count: usize,
}

impl Reading {
    fn document(&mut self, events: &mut Events<'_>) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = events.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event if root.is_none() => root = Some(self.node(event, span, events)?),
                _ => {
                    return Err(Stop(
                        span,
                        "a second YAML document begins here; a file holds one".into(),
                    ));
                }
            }
        }
    }

    fn node(
        &mut self,
        event: Event<'_>,
        span: Range<usize>,
        events: &mut Events<'_>,
    ) -> Result<Node, Stop> {
        self.count += 1;
        if self.count > MOST_NODES {
            return Err(Stop(span, format!("more than {MOST_NODES} values: this can't be meant")));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let end = trimmed_end(&self.reader.source.text, &span);
                (
                    Node {
                        span: span.start..end,
                        value: Yaml::Text { text: text.into_owned(), plain },
                    },
                    anchor,
                )
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match events.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(event, span, events)?),
                    }
                };
                let end = trimmed_end(&self.reader.source.text, &(span.start..end.end));
                (Node { span: span.start..end, value: Yaml::List(items) }, anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries: Vec<(Key, Node)> = Vec::new();
                let mut known = HashMap::new();
                let end = loop {
                    match events.next()? {
                        (Event::MappingEnd, end) => break end,
                        (event, span) => {
                            let key = self.node(event, span, events)?;
                            let (event, span) = events.next()?;
                            let value = self.node(event, span, events)?;
                            self.entry(&mut entries, &mut known, key, value);
                        }
                    }
                };
                let start =
                    entries.first().map_or(span.start, |(key, _)| span.start.min(key.span.start));
                let end = trimmed_end(&self.reader.source.text, &(start..end.end));
                (Node { span: start..end, value: Yaml::Map(entries) }, anchor)
            }
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(&anchor) else {
                    return Err(Stop(span, "an alias to itself".into()));
                };
                // What an alias stands for counts each time, so that aliases of aliases can't fill
                // the memory.
                self.count += size(target);
                if self.count > MOST_NODES {
                    return Err(Stop(
                        span,
                        format!("more than {MOST_NODES} values: this can't be meant"),
                    ));
                }
                let mut node = target.clone();
                move_to(&mut node, &span);
                (node, 0)
            }
            _ => return Err(Stop(span, "a value is missing here".into())),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// `known` holds where each key stands among the entries: a mapping may have thousands.
    fn entry(
        &mut self,
        entries: &mut Vec<(Key, Node)>,
        known: &mut HashMap<String, usize>,
        key: Node,
        value: Node,
    ) {
        let Yaml::Text { text, .. } = key.value else {
            self.reader.error(
                codes::WRONG_TYPE,
                &key.span,
                format!("a key must be a text, this is {}", key.kind()),
            );
            return;
        };
        if let Some(first) = known.get(&text) {
            let first = self.reader.place(&entries[*first].0.span);
            self.reader
                .error(codes::REPEATED_KEY, &key.span, format!("`{text}` is given twice"))
                .set_help("keep one of them")
                .add_related(first, "the first one");
            return;
        }
        known.insert(text.clone(), entries.len());
        entries.push((Key { span: key.span, text }, value));
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Yaml::Text { .. } => 0,
        Yaml::List(items) => items.iter().map(size).sum(),
        Yaml::Map(entries) => entries.iter().map(|(_, node)| size(node)).sum(),
    }
}

fn move_to(node: &mut Node, span: &Range<usize>) {
    node.span = span.clone();
    match &mut node.value {
        Yaml::Text { .. } => {}
        Yaml::List(items) => items.iter_mut().for_each(|item| move_to(item, span)),
        Yaml::Map(entries) => entries.iter_mut().for_each(|(key, item)| {
            key.span = span.clone();
            move_to(item, span);
        }),
    }
}

/// Block collections and scalars end, for the parser, where the next thing begins; for a person,
/// where their text ends.
fn trimmed_end(text: &str, span: &Range<usize>) -> usize {
    let end = span.end.min(text.len());
    match text.get(span.start..end) {
        Some(stretch) => span.start + stretch.trim_end().len(),
        None => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let (node, problems) = parse(&Arc::new(Source::new("a.yaml", text)));
        (node, problems.iter().map(|p| format!("{:?} {}", p.place, p.message)).collect())
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let text = "a: one # note\nb:\n  - x <-> y : string\n  - \"q\"\nc: {d: 1}\n";
        let (root, problems) = read(text);
        assert!(problems.is_empty(), "{problems:?}");
        let Some(Node { value: Yaml::Map(entries), .. }) = root else { panic!("a mapping") };
        let shown = |node: &Node| text[node.span.clone()].to_string();
        assert_eq!(shown(&entries[0].1), "one");
        assert_eq!(shown(&entries[1].1), "- x <-> y : string\n  - \"q\"");
        let Yaml::List(items) = &entries[1].1.value else { panic!("a list") };
        assert_eq!(shown(&items[0]), "x <-> y : string");
        assert_eq!(shown(&items[1]), "\"q\"");
        assert_eq!(shown(&entries[2].1), "{d: 1}");
        assert_eq!(entries[2].1.to_json(), serde_json::json!({"d": 1}));
    }

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        use serde_json::json;
        for (text, value) in [
            ("12", json!(12)),
            ("-1.5", json!(-1.5)),
            ("true", json!(true)),
            ("~", json!(null)),
            ("0150", json!("0150")),
            ("no", json!("no")),
            ("1.2.3", json!("1.2.3")),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }

    #[test]
    fn a_key_given_twice_is_told_and_the_first_one_kept() {
        let (_, problems) = read("a: 1\nb: 2\na: 3\nb: 4\n");
        assert_eq!(problems, ["a.yaml:3:1 `a` is given twice", "a.yaml:4:1 `b` is given twice"]);
    }

    #[test]
    fn aliases_of_aliases_can_not_fill_the_memory() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", ")));
        }
        let (root, problems) = read(&text);
        assert!(root.is_none());
        assert!(problems[0].contains("can't be meant"), "{problems:?}");
    }

    #[test]
    fn nesting_without_end_is_refused_and_not_followed() {
        let (root, problems) = read(&"[".repeat(100_000));
        assert!(root.is_none() && problems.len() == 1);
    }
}
