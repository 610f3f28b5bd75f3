//! What a flow file or a document states, section by section, with the place of everything.

use std::sync::Arc;

use lockstep_document::{
    Draft, DraftSection, MatchPair, MatchRow, PathCell, PropertyRow, SettingRow, StatementKind,
};
use lockstep_model::{Create, Direction, Flow, Value};

use crate::flow_tests::FlowTest;
use crate::source::{Place, Source};

/// A file of flows as it was read: YAML or a dataflow document.
#[derive(Clone, Debug)]
pub struct FlowFile {
    /// Something of its flows could not be read: what they do not say, they may have been meant to.
    pub has_errors: bool,
    pub source: Arc<Source>,
    /// Whether it is a dataflow document and not YAML.
    pub is_document: bool,
    /// What the file says, as a document says it: for `lockstep doc`.
    pub draft: Draft,
    /// The sections that were understood. Each is a flow of its own here; [`crate::Project::flows`]
    /// has those of the same two record types united.
    pub sections: Vec<Section>,
    /// Names of systems as the draft has them, with the system's name in the project.
    pub system_names: Vec<(String, String)>,
    /// What its tests say. A document has none.
    pub tests: Vec<FlowTest>,
}

/// One section: a flow as it is stated once.
#[derive(Clone, Debug)]
pub struct Section {
    pub flow: Flow,
    pub places: FlowPlaces,
    /// Its place among [`Draft::sections`] of its file.
    pub draft: usize,
}

/// Where the parts of a flow are written. Lists run parallel to those of the flow.
#[derive(Clone, Debug)]
pub struct FlowPlaces {
    /// The heading, or the first line of the flow's item.
    pub flow: Place,
    pub from: Place,
    pub to: Place,
    /// What says when to create, if anything does.
    pub create: Option<Place>,
    /// For `when_connected_to`: each record type.
    pub connected: Vec<Place>,
    /// `only` and `only_to`.
    pub only: [Option<Place>; 2],
    pub create_empty: Option<Place>,
    pub duplicates: Option<Place>,
    /// `extra`, with its value.
    pub extra: Option<Place>,
    pub key: Option<Place>,
    pub matches: Vec<Vec<PairPlaces>>,
    pub properties: Vec<PairPlaces>,
    /// What announces the property table, if anything does.
    pub table: Option<Place>,
    /// Some of it could not be read, so what seems to be missing may be there.
    pub incomplete: bool,
    /// All sections that state this flow, in order; one unless it is repeated.
    pub sections: Vec<Place>,
}

impl FlowPlaces {
    /// The places of a flow that is written with this one, the other way round, and has no rows of
    /// its own.
    pub(crate) fn of_no_rows(&self) -> FlowPlaces {
        let [only, only_to] = self.only.clone();
        FlowPlaces {
            from: self.to.clone(),
            to: self.from.clone(),
            connected: vec![],
            only: [only_to, only],
            extra: None,
            key: None,
            matches: vec![],
            properties: vec![],
            ..self.clone()
        }
    }
}

/// Where a pair of properties is written.
#[derive(Clone, Debug)]
pub struct PairPlaces {
    pub row: Place,
    pub from: Place,
    pub to: Place,
    /// The type or conversion, if one is written.
    pub conversion: Option<Place>,
    /// What the row says of the way back.
    pub back: Option<Place>,
}

/// The statements that say what a flow does, in the usual order: what a document states unless it
/// is said otherwise.
///
/// The tables are given in the document's own form, because cells keep more than a flow does (`N/A`
/// and nothing are one type to a flow).
pub(crate) fn usual_statements(
    create: &Create,
    connected: Option<StatementKind>,
    matches: Vec<MatchRow>,
    properties: Vec<PropertyRow>,
    in_sync: bool,
) -> Vec<StatementKind> {
    let mut statements = Vec::new();
    let either = StatementKind::MergeOrCreate { merges: true, creates: true };
    match create {
        Create::Never => statements.push(StatementKind::LinkOnly),
        Create::Always => statements.push(StatementKind::EveryCreates),
        Create::When { condition, .. } => {
            statements.push(StatementKind::ConditionCreates { condition: condition.clone() })
        }
        Create::ConnectedTo(_) => {
            statements.push(StatementKind::LinkOnly);
            statements.extend(connected);
        }
    }
    if !matches.is_empty() {
        if matches!(create, Create::Always | Create::When { .. }) {
            statements.push(either);
        }
        statements.push(StatementKind::Match { rows: matches });
    }
    if in_sync {
        statements.push(StatementKind::KeepInSync);
    }
    statements.push(StatementKind::Properties { rows: properties });
    statements
}

/// Whether a document says of these rows that they are kept in sync regardless of where they are
/// edited; of each row that is not, it says so by itself.
pub(crate) fn is_in_sync(directions: &[Direction]) -> bool {
    directions.is_empty() || directions.contains(&Direction::Both)
}

/// The word for a direction in a setting of a row.
pub(crate) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "both",
        Direction::Forward => "forward",
        Direction::Backward => "backward",
    }
}

/// The two cells of a property row, as settings name the row by them.
pub(crate) fn row_texts(row: &PropertyRow) -> (String, String) {
    (row.from.to_string(), row.to.to_string())
}

/// The two cells of a match row, likewise.
pub(crate) fn match_texts(row: &MatchRow) -> (String, String) {
    let side = |side: fn(&MatchPair) -> &PathCell| {
        row.pairs.iter().map(|pair| side(pair).to_string()).collect::<Vec<_>>().join(" and ")
    };
    (side(|pair| &pair.from), side(|pair| &pair.to))
}

/// Which row a setting is about, by its place among the rows with these cells: that of its number,
/// or, where rows have moved, the only one that reads like it.
pub(crate) fn row_meant(row: &SettingRow, cells: &[(String, String)]) -> Option<usize> {
    let reads = |(from, to): &(String, String)| *from == row.from && *to == row.to;
    if let Some(at) = row.number.checked_sub(1).filter(|at| cells.get(*at).is_some_and(reads)) {
        return Some(at);
    }
    let mut alike = (0..cells.len()).filter(|at| reads(&cells[*at]));
    alike.next().filter(|_| alike.next().is_none())
}

/// Settings that say which systems count, by their names.
pub(crate) const NAMES_SYSTEMS: [&str; 2] = ["prefer", "only_from"];

/// The value of a setting with the systems that it names called otherwise.
pub(crate) fn called_otherwise(key: &str, value: &Value, called: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(name) if NAMES_SYSTEMS.contains(&key) => called(name).into(),
        Value::Array(names) if NAMES_SYSTEMS.contains(&key) => {
            names.iter().map(|name| called_otherwise(key, name, called)).collect()
        }
        other => other.clone(),
    }
}

/// The rows of all match tables of a section, and of all property tables.
pub(crate) fn tables(section: &DraftSection) -> (Vec<MatchRow>, Vec<PropertyRow>) {
    let (mut matches, mut properties) = (Vec::new(), Vec::new());
    for statement in &section.statements {
        match statement {
            StatementKind::Match { rows } => matches.extend(rows.iter().cloned()),
            StatementKind::Properties { rows } => properties.extend(rows.iter().cloned()),
            _ => {}
        }
    }
    (matches, properties)
}
