//! `statements:` of a flow: how its section states it, where that is not what follows from the flow
//! anyway.
//!
//! The rows stay where they are, under `match` and `properties`; a statement here only says that
//! they are stated at this place.

use lockstep_document::{
    DraftSection, MatchRow as MatchCells, PropertyRow, StatementKind, TypeName as DocumentType,
};

use crate::codes;
use crate::problem::Reader;
use crate::section::tables;
use crate::written;
use crate::yaml::{Node, Yaml};

impl Reader {
    /// The statements of a section as its item lists them.
    pub fn statements(&mut self, node: &Node, usual: Vec<StatementKind>) -> Vec<StatementKind> {
        let Some(items) = self.list(node, "`statements`") else { return usual };
        let mut tables = Rows::of(&usual);
        let mut statements = Vec::new();
        for item in items {
            statements.extend(match item.value {
                Yaml::Map(_) => self.stated(item, &mut tables),
                _ => self.statement_word(item, &usual, &mut tables),
            });
        }
        if !tables.matches.is_empty() || !tables.properties.is_empty() {
            self.error(codes::STATEMENT, &self.first_line(&node.span), "`statements` leaves out rows that the flow has")
                .set_help("add `match` and `properties`, or leave `statements` out: the usual ones are made of the flow");
        }
        statements
    }

    fn statement_word(
        &mut self,
        item: &Node,
        usual: &[StatementKind],
        tables: &mut Rows,
    ) -> Option<StatementKind> {
        let word = self.word::<written::StatementWord>(item, "a statement")?;
        let either = |merges, creates| StatementKind::MergeOrCreate { merges, creates };
        let own =
            |wanted: fn(&StatementKind) -> bool| usual.iter().find(|kind| wanted(kind)).cloned();
        let kind = match word {
            "every" => Some(StatementKind::EveryCreates),
            "link_only" => Some(StatementKind::LinkOnly),
            "merge_or_create" => Some(either(true, true)),
            "merge" => Some(either(true, false)),
            "create_unmatched" => Some(either(false, true)),
            "in_sync" => Some(StatementKind::KeepInSync),
            "condition" => own(|kind| matches!(kind, StatementKind::ConditionCreates { .. })),
            "connected" => own(|kind| matches!(kind, StatementKind::CreateIfConnected { .. })),
            "match" => Some(StatementKind::Match { rows: std::mem::take(&mut tables.matches) }),
            _ => Some(StatementKind::Properties { rows: std::mem::take(&mut tables.properties) }),
        };
        if kind.is_none() {
            self.error(
                codes::STATEMENT,
                &item.span,
                format!("`{word}` states what `create` does not say"),
            )
            .set_help("say under `create` what the statement is about");
        }
        kind
    }

    fn stated(&mut self, item: &Node, tables: &mut Rows) -> Option<StatementKind> {
        let fields = self.fields::<written::StatedYaml>(item, "a statement")?;
        if let Some(node) = fields.get("condition") {
            return Some(StatementKind::ConditionCreates {
                condition: self.text(node, "`condition`")?.to_string(),
            });
        }
        if let Some(node) = fields.get("text") {
            return Some(StatementKind::Unrecognised {
                text: self.text(node, "`text`")?.to_string(),
            });
        }
        let mut count = |key: &str| match fields.get(key)?.text()?.parse::<usize>() {
            Ok(count) => Some(count),
            Err(_) => {
                self.wrong_type(fields.get(key)?, &format!("`{key}`"), "a number of rows");
                None
            }
        };
        if let Some(count) = count("match") {
            return Some(StatementKind::Match { rows: taken(&mut tables.matches, count) });
        }
        if let Some(count) = count("properties") {
            return Some(StatementKind::Properties { rows: taken(&mut tables.properties, count) });
        }
        let node = fields.get("connected_to")?;
        let mut connected = Vec::new();
        for item in self.list(node, "`connected_to`").unwrap_or_default() {
            let Some(fields) = self.fields::<written::StatedTypeYaml>(item, "a record type") else {
                continue;
            };
            let mut text =
                |key: &str| fields.get(key).and_then(|node| self.text(node, key)).map(String::from);
            connected.push(DocumentType {
                system: text("system").unwrap_or_default(),
                kind: text("kind").unwrap_or_default(),
                facet: text("facet"),
            });
        }
        let system =
            fields.get("into").and_then(|node| node.text()).unwrap_or_default().to_string();
        Some(StatementKind::CreateIfConnected { connected, system })
    }
}

/// The rows that statements still have to state.
struct Rows {
    matches: Vec<MatchCells>,
    properties: Vec<PropertyRow>,
}

impl Rows {
    fn of(usual: &[StatementKind]) -> Rows {
        let section = DraftSection { statements: usual.to_vec(), ..DraftSection::default() };
        let (matches, properties) = tables(&section);
        Rows { matches, properties }
    }
}

fn taken<T>(rows: &mut Vec<T>, count: usize) -> Vec<T> {
    rows.drain(..count.min(rows.len())).collect()
}
