//! Lists whose elements are kept in step one by one:
//! `{ list: tasks <-> todo, key: task = title, rows: [who <-> owner] }`.
//!
//! That is a flow of its own, between the elements of the one list and those of the other: it
//! creates on both sides, passes deletions on, and matches within the two records that are linked.
//! It is written out as one, so that it means what a flow means, in documents too.

use std::ops::Range;

use lockstep_model::{Direction, Path, TypeName};

use crate::codes;
use crate::flow_reader::FlowReader;
use crate::row;
use crate::written;
use crate::yaml::{Key, Node, Yaml};

/// Whether an item of `properties` is about the elements of two lists.
pub(crate) fn is_list(node: &Node) -> bool {
    let Yaml::Map(entries) = &node.value else { return false };
    let says = |word: &str| entries.iter().any(|(key, _)| key.text == word);
    // `list: each` of a row is about the row's own two properties.
    says("list") && !says("row")
}

impl FlowReader<'_> {
    /// The flow between the elements of the two lists of a row, as a flow file would have it.
    pub(crate) fn list_flow(
        &mut self,
        node: &Node,
        from: &TypeName,
        to: &TypeName,
    ) -> Option<Node> {
        let fields = self.reader.fields::<written::RowListYaml>(node, "a row with `list`")?;
        let list = self.reader.required(&fields, "list", "a row with `list`", "tasks <-> todo");
        let key = self.reader.required(&fields, "key", "a row with `list`", "task = title");
        let (list, key) = (list?, key?);
        let text = self.reader.text(list, "`list`")?;
        let parts = match row::property_row(text) {
            Ok(parts) if parts.direction == Direction::Both && parts.ty.is_none() => parts,
            Ok(_) => {
                let help = "write `tasks <-> todo`; for one way write a flow of its own between the elements: `from: crm.Project[tasks]`";
                self.reader
                    .error(
                        codes::ROW,
                        &list.span,
                        "the elements of two lists are kept in step both ways",
                    )
                    .set_help(help);
                return None;
            }
            Err(help) => {
                self.reader.error(codes::ROW, &list.span, "this names no two lists").set_help(help);
                return None;
            }
        };
        let told: Vec<(String, String, Range<usize>)> = self
            .key_pairs(key, "task = title")?
            .into_iter()
            .map(|(pair, (mine, theirs), span)| (pair[mine].into(), pair[theirs].into(), span))
            .collect();
        let scalar = |text: String, span: &Range<usize>| Node {
            span: span.clone(),
            value: Yaml::Text { text, plain: false },
        };
        let end = |ty: &TypeName, path: &str| scalar(format!("{ty}[{path}]"), &list.span);
        let mut rows = vec![scalar("$parent <-> $parent".into(), &list.span)];
        rows.extend(
            told.iter().map(|(mine, theirs, span)| scalar(format!("{mine} <-> {theirs}"), span)),
        );
        rows.extend(
            fields
                .get("rows")
                .and_then(|rows| self.reader.list(rows, "`rows`"))
                .unwrap_or_default()
                .iter()
                .cloned(),
        );
        let pairs: String =
            told.iter().map(|(mine, theirs, _)| format!(" and {mine} = {theirs}")).collect();
        let matches = vec![scalar(format!("$parent = $parent{pairs}"), &key.span)];
        let entries = [
            ("from", end(from, &text[parts.from])),
            ("to", end(to, &text[parts.to])),
            ("create", scalar("both".into(), &list.span)),
            ("deletes", scalar("propagate".into(), &list.span)),
            ("key", key.clone()),
            ("match", Node { span: key.span.clone(), value: Yaml::List(matches) }),
            ("properties", Node { span: node.span.clone(), value: Yaml::List(rows) }),
        ];
        let entries = entries
            .into_iter()
            .map(|(text, value)| (Key { span: value.span.clone(), text: text.into() }, value));
        Some(Node { span: node.span.clone(), value: Yaml::Map(entries.collect()) })
    }

    /// The pairs of a `key`, each with where it stands: one text, or a list of several.
    fn key_pairs<'n>(
        &mut self,
        node: &'n Node,
        example: &str,
    ) -> Option<Vec<(&'n str, row::PairParts, Range<usize>)>> {
        let texts = self.reader.texts(node, "`key`");
        if texts.is_empty() {
            if matches!(&node.value, Yaml::List(items) if items.is_empty()) {
                self.reader
                    .error(codes::ROW, &node.span, "`key` names no property")
                    .set_help(format!("write `{example}`"));
            }
            return None;
        }
        let mut found: Vec<(&str, row::PairParts, Range<usize>)> = vec![];
        for (text, span) in texts {
            let (title, help) = match row::match_row(text) {
                Ok(pairs) if pairs.len() == 1 => {
                    let (mine, theirs) = pairs[0].clone();
                    let twice = found.iter().find_map(|(other, (one, another), _)| {
                        let twice = [(one, &mine), (another, &theirs)];
                        twice
                            .into_iter()
                            .find(|(known, new)| other[(*known).clone()] == text[(*new).clone()])
                            .map(|(known, _)| other[known.clone()].to_string())
                    });
                    match twice {
                        None => {
                            found.push((text, (mine, theirs), span));
                            continue;
                        }
                        Some(name) => (
                            format!("`{name}` stands twice in `key`"),
                            "leave one of the pairs out".into(),
                        ),
                    }
                }
                Ok(_) => (
                    "`key` names several properties of each side in one text".into(),
                    "write each pair by itself: `key: [order_no = order, line_no = pos]`".into(),
                ),
                Err(_) => (
                    "`key` names the property that tells an element from the others, on both sides"
                        .into(),
                    format!("write `{example}`, or a list: `[order_no = order, line_no = pos]`"),
                ),
            };
            let title: String = title;
            self.reader.error(codes::ROW, &span, title).set_help(help);
            return None;
        }
        Some(found)
    }

    /// `key` of a flow between elements: `line_no = pos`. Empty where it says nothing.
    pub(crate) fn element_key(
        &mut self,
        node: &Node,
        from: &TypeName,
        to: &TypeName,
    ) -> Vec<[Path; 2]> {
        let (Some(_), Some(_)) = (list_of(from), list_of(to)) else {
            let other = if list_of(from).is_some() { to } else { from };
            self.reader
                .error(
                    codes::CONTRADICTION,
                    &node.span,
                    format!("`key` tells elements of lists apart, and {other} is no list"),
                )
                .set_help("leave it out, or name lists: `from: shop.Orders[lines]`");
            return vec![];
        };
        let pairs = self.key_pairs(node, "line_no = pos").unwrap_or_default();
        let of = |(text, (mine, theirs), _): (&str, row::PairParts, Range<usize>)| {
            [mine, theirs].map(|range| Path::new(row::path_cell(&text[range]).path.as_str()))
        };
        pairs.into_iter().map(of).collect()
    }
}

/// The record type and the list in it of `Orders[lines]`.
pub(crate) fn list_of(ty: &TypeName) -> Option<(&str, &str)> {
    list_of_kind(&ty.kind)
}

/// The same of a record type's name without its system.
pub(crate) fn list_of_kind(kind: &str) -> Option<(&str, &str)> {
    let (parent, list) = kind.strip_suffix(']')?.rsplit_once('[')?;
    (!parent.is_empty() && !list.is_empty()).then_some((parent, list))
}
