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
        let told = self.reader.text(key, "`key`")?.to_string();
        let pair = match row::match_row(&told) {
            Ok(pairs) if pairs.len() == 1 => pairs[0].clone(),
            _ => {
                self.reader
                    .error(codes::ROW, &key.span, "`key` names the property that tells an element from the others, on both sides")
                    .set_help("write `task = title`");
                return None;
            }
        };
        let (mine, theirs) = (&told[pair.0], &told[pair.1]);
        let scalar = |text: String, span: &Range<usize>| Node {
            span: span.clone(),
            value: Yaml::Text { text, plain: false },
        };
        let end = |ty: &TypeName, path: &str| scalar(format!("{ty}[{path}]"), &list.span);
        let mut rows = vec![
            scalar("$parent <-> $parent".into(), &list.span),
            scalar(format!("{mine} <-> {theirs}"), &key.span),
        ];
        rows.extend(
            fields
                .get("rows")
                .and_then(|rows| self.reader.list(rows, "`rows`"))
                .unwrap_or_default()
                .iter()
                .cloned(),
        );
        let matches = vec![scalar(format!("$parent = $parent and {mine} = {theirs}"), &key.span)];
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

    /// `key` of a flow between elements: `line_no = pos`.
    pub(crate) fn element_key(
        &mut self,
        node: &Node,
        from: &TypeName,
        to: &TypeName,
    ) -> Option<[Path; 2]> {
        let text = self.reader.text(node, "`key`")?;
        let (Some(_), Some(_)) = (list_of(from), list_of(to)) else {
            let other = if list_of(from).is_some() { to } else { from };
            self.reader
                .error(
                    codes::CONTRADICTION,
                    &node.span,
                    format!("`key` tells elements of lists apart, and {other} is no list"),
                )
                .set_help("leave it out, or name lists: `from: shop.Orders[lines]`");
            return None;
        };
        match row::match_row(text) {
            Ok(pairs) if pairs.len() == 1 => {
                let path = |range: &Range<usize>| row::path_cell(&text[range.clone()]).path;
                Some([Path::new(path(&pairs[0].0).as_str()), Path::new(path(&pairs[0].1).as_str())])
            }
            _ => {
                self.reader
                    .error(codes::ROW, &node.span, "`key` names one property of each side")
                    .set_help("write `line_no = pos`");
                None
            }
        }
    }
}

/// The record type and the list in it of `Orders[lines]`.
pub(crate) fn list_of(ty: &TypeName) -> Option<(&str, &str)> {
    let (parent, list) = ty.kind.strip_suffix(']')?.rsplit_once('[')?;
    (!parent.is_empty() && !list.is_empty()).then_some((parent, list))
}
