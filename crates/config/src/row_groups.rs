//! Groups of rows that move together (P1e):
//! `{ group: address, rows: [street <-> street, zip <-> zip] }`.
//!
//! A group is in every record one that somebody put in, never a mixture. So nothing may be said by
//! which its rows could go different ways: all go the same way, under one policy, and each property
//! stands in one row of the flow.

use std::collections::BTreeSet;
use std::ops::Range;

use lockstep_document::{Setting, SettingRow};
use lockstep_model::Value;
use lockstep_model::flow::{Policy, PropertyPair};

use crate::codes;
use crate::flow_reader::{FlowReader, GroupedRow, Said, Tables};
use crate::section::row_texts;
use crate::written;
use crate::yaml::{Node, Yaml};

/// Whether an item of `properties` is a group of rows.
pub(crate) fn is_group(node: &Node) -> bool {
    says(node, &["set"]).is_none() && says(node, &["group"]).is_some()
}

impl FlowReader<'_> {
    /// An item of `properties` with `group`.
    pub(crate) fn row_group(
        &mut self,
        node: &Node,
        flow: (Option<&str>, &Said),
        tables: &mut Tables,
    ) {
        let Some(fields) = self.reader.fields::<written::RowGroupYaml>(node, "a group of rows")
        else {
            return;
        };
        let group = self.reader.required(&fields, "group", "a group of rows", "address");
        let Some(group) =
            group.and_then(|group| self.reader.text(group, "`group`")).map(str::to_string)
        else {
            return;
        };
        let Some(rows) = self.reader.required(
            &fields,
            "rows",
            "a group of rows",
            "[street <-> street, zip <-> zip]",
        ) else {
            return;
        };
        let items = self.reader.list(rows, "`rows`").unwrap_or_default();
        if matches!(&rows.value, Yaml::List(items) if items.is_empty()) {
            self.reader
                .error(
                    codes::WITHOUT_EFFECT,
                    &rows.span,
                    format!("the group `{group}` has no rows"),
                )
                .set_help("add the rows that belong together, or leave out the group");
        }
        for item in items {
            if let Some(word) = says(item, &["group", "set"]) {
                let message = format!(
                    "a group has rows of two properties; `{word}` stands beside the group, not in it"
                );
                self.reader
                    .error(codes::ROW, &item.span, message)
                    .set_help("move it out of the group");
                continue;
            }
            let (cells, pairs) = (tables.property_cells.len(), tables.properties.len());
            self.property_row(item, flow, tables);
            if let Some(cells) = tables.property_cells.get(cells) {
                let (from, to) = row_texts(cells);
                let row =
                    SettingRow { is_match: false, number: tables.property_cells.len(), from, to };
                tables.settings.push(Setting {
                    row: Some(row),
                    key: "group".into(),
                    value: Value::from(group.as_str()),
                });
            }
            if let Some((pair, _)) = tables.properties.get_mut(pairs) {
                pair.group = Some(group.clone());
                self.fits(&group, pair, &item.span);
                tables.grouped.push(GroupedRow {
                    group: group.clone(),
                    at: pairs,
                    span: item.span.clone(),
                });
            }
        }
    }

    /// What a row of a group can't say.
    fn fits(&mut self, group: &str, pair: &PropertyPair, span: &Range<usize>) {
        if let Policy::Wins(_) = pair.policy {
            self.reader
                .error(
                    codes::CONTRADICTION,
                    span,
                    format!(
                        "`wins` goes by the value of one row, and the rows of `{group}` go together"
                    ),
                )
                .set_help("leave out `wins`, or take the row out of the group");
        }
        if pair.on_create {
            self.reader
                .error(
                    codes::CONTRADICTION,
                    span,
                    format!(
                        "`on: create` gives a value once, and the rows of `{group}` go together"
                    ),
                )
                .set_help("leave out `on`, or take the row out of the group");
        }
        if pair.each {
            let message = format!(
                "with `list: each` elements come and go one by one, and the rows of `{group}` go together"
            );
            self.reader
                .error(codes::CONTRADICTION, span, message)
                .set_help("leave out `list`, or take the row out of the group");
        }
    }

    /// Once all rows of a flow are read: the rows of each group go one way, by one policy, and
    /// nothing else is about their properties.
    pub(crate) fn whole_groups(&mut self, tables: &Tables) {
        let names: BTreeSet<&str> = tables.grouped.iter().map(|row| row.group.as_str()).collect();
        let pair = |row: &GroupedRow| &tables.properties[row.at].0;
        for group in names {
            let rows: Vec<&GroupedRow> =
                tables.grouped.iter().filter(|row| row.group == group).collect();
            let Some((first, others)) = rows.split_first() else { continue };
            if others.is_empty() {
                let message = format!("the group `{group}` has one row, so nothing moves together");
                self.reader
                    .error(codes::CONTRADICTION, &first.span, message)
                    .set_help("add the rows that belong together, or write the row by itself");
            }
            let first = pair(first);
            if let Some(other) = others.iter().find(|row| pair(row).direction != first.direction) {
                self.reader
                    .error(codes::CONTRADICTION, &other.span, format!("the rows of the group `{group}` go different ways"))
                    .set_help("a group moves as a whole: let all its rows go both ways, or all the same way");
            }
            if let Some(other) = others
                .iter()
                .find(|row| pair(row).policy != first.policy || pair(row).clears != first.clears)
            {
                let message = format!(
                    "the rows of the group `{group}` do not all say the same of `prefer`, `only_from` and `clears`"
                );
                self.reader.error(codes::CONTRADICTION, &other.span, message).set_help(
                    "a group moves as a whole: say it of the flow, or of each of its rows",
                );
            }
            for row in &rows {
                let mine = pair(row);
                let others = tables
                    .properties
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != row.at)
                    .map(|(_, (pair, _))| pair);
                let Some(rival) =
                    others.into_iter().find(|other| other.from == mine.from || other.to == mine.to)
                else {
                    continue;
                };
                let twice = if rival.from == mine.from { &mine.from } else { &mine.to };
                let message = format!(
                    "`{twice}` is in the group `{group}` and in another row, which could give it a value without the rest"
                );
                self.reader
                    .error(codes::CONTRADICTION, &row.span, message)
                    .set_help("a property of a group stands in one row of the flow");
                break;
            }
        }
    }
}

/// Which of these keys an item says.
fn says(node: &Node, keys: &[&'static str]) -> Option<&'static str> {
    let Yaml::Map(entries) = &node.value else { return None };
    keys.iter().copied().find(|word| entries.iter().any(|(key, _)| key.text == *word))
}
