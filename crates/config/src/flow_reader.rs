//! What reads the parts of a flow file, and what is read of a flow before the flow is made of it.

use std::ops::Range;

use lockstep_document::{
    MatchRow as MatchCells, PropertyRow, Setting, TypeCell, TypeName as DocumentType,
};
use lockstep_model::filter;
use lockstep_model::flow::Filter;
use lockstep_model::{Direction, Kind, MatchRow, Policy, PropertyPair, TypeName, Value};

use crate::codes;
use crate::fields::Fields;
use crate::names::Names;
use crate::near::nearest;
use crate::problem::Reader;
use crate::project::Policies;
use crate::row_forms::SharedMaps;
use crate::section::PairPlaces;
use crate::written;
use crate::yaml::{Node, Yaml};

/// Reads the flows of a file, and its tests (`flow_tests`).
pub(crate) struct FlowReader<'a> {
    pub(crate) reader: Reader,
    pub(crate) names: &'a Names,
    pub(crate) policies: &'a Policies,
    /// Value lists that rows of this file share.
    pub(crate) maps: SharedMaps<'a>,
    /// How this file's document calls systems.
    pub(crate) called: Vec<(String, String)>,
    /// Whether the file says an introduction, be it an empty one.
    pub(crate) introduced: bool,
}

/// What is read of a flow's item before the flow is made of it.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) matches: Vec<(MatchRow, Vec<PairPlaces>)>,
    pub(crate) match_cells: Vec<MatchCells>,
    pub(crate) properties: Vec<(PropertyPair, PairPlaces)>,
    pub(crate) property_cells: Vec<PropertyRow>,
    pub(crate) directions: Vec<Direction>,
    /// What rows say for themselves.
    pub(crate) settings: Vec<Setting>,
    /// The rows that move together with others (P1e).
    pub(crate) grouped: Vec<GroupedRow>,
}

/// What a row or a flow says of whose value wins.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) policy: Option<Policy>,
    pub(crate) clears: Option<bool>,
}

/// A row of a group.
pub(crate) struct GroupedRow {
    pub(crate) group: String,
    /// Its place among the rows that could be read.
    pub(crate) at: usize,
    pub(crate) span: Range<usize>,
}

impl FlowReader<'_> {
    pub(crate) fn type_name(&mut self, text: &str, span: &Range<usize>) -> Option<TypeName> {
        let Some(name) = TypeName::parse(text) else {
            self.reader
                .error(codes::RECORD_TYPE_NAME, span, format!("`{text}` is no record type"))
                .set_help("a record type is written with its system: `superoffice.Person`");
            return None;
        };
        let offset = self.offset(text, span);
        let system = offset.map_or(span.clone(), |start| start..start + name.system.len());
        self.known_system(&name.system, &system).then_some(name)
    }

    pub(crate) fn known_system(&mut self, name: &str, span: &Range<usize>) -> bool {
        if self.names.has(name) {
            return true;
        }
        let meant = match self.names.resolve(name) {
            Ok(system) => Some(system),
            Err(_) => nearest(name, self.names.systems()),
        };
        let help = match meant {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "add it to `systems` in lockstep.yaml, which has {}",
                crate::near::all_of(self.names.systems())
            ),
        };
        self.reader
            .error(codes::UNKNOWN_SYSTEM, span, format!("lockstep.yaml has no system `{name}`"))
            .set_help(help);
        false
    }

    pub(crate) fn document_type(&self, name: &TypeName) -> DocumentType {
        let called = self.called.iter().find(|(system, _)| *system == name.system);
        let system = called.map_or_else(|| self.names.title(&name.system), |(_, called)| called);
        DocumentType {
            system: system.to_string(),
            kind: name.kind.clone(),
            facet: name.facet.clone(),
        }
    }

    pub(crate) fn filter(&mut self, node: &Node, what: &str) -> Option<Filter> {
        let text = self.reader.text(node, what)?;
        match filter::parse(text) {
            Ok(filter) => Some(filter),
            Err(error) => {
                let problem = self.reader.error(codes::FILTER, &node.span, error.message);
                problem.help = error.help;
                None
            }
        }
    }

    /// `prefer`, `only_from` and `clears` of a flow or a row. `beyond`: what stands around it says
    /// whose value wins, which an empty `prefer` undoes.
    pub(crate) fn said(&mut self, fields: &Fields<'_>, beyond: bool) -> Said {
        let mut said = Said::default();
        if let Some(node) = fields.get("prefer") {
            let mut systems: Vec<String> = Vec::new();
            for (text, span) in self.reader.texts(node, "`prefer`") {
                self.reader.preferred_once(text, &span, &systems);
                if self.known_system(text, &span) {
                    systems.push(text.to_string());
                }
            }
            if !beyond && matches!(&node.value, Yaml::List(items) if items.is_empty()) {
                self.reader
                    .error(codes::WITHOUT_EFFECT, &node.span, "`prefer` names no system")
                    .set_help("name systems, the first first: `[crm, shop]`; or leave it out");
            }
            said.policy = Some(Policy::Prefer(systems));
        }
        if let Some(node) = fields.get("only_from")
            && let Some(text) = self.reader.text(node, "`only_from`")
            && self.known_system(text, &node.span)
        {
            if said.policy.is_some() {
                self.reader
                    .error(
                        codes::CONTRADICTION,
                        &node.span,
                        "`prefer` and `only_from` can't both hold",
                    )
                    .set_help(
                        "keep `only_from` if edits elsewhere are never to count, else `prefer`",
                    );
            }
            said.policy = Some(Policy::OnlyFrom(text.to_string()));
        }
        said.clears = fields
            .get("clears")
            .and_then(|node| self.reader.word::<written::Clears>(node, "`clears`"))
            .map(|word| word == "edit");
        said
    }

    /// `as: phone`
    pub(crate) fn kind(&mut self, node: &Node) -> Option<Kind> {
        self.reader.word::<written::KindWord>(node, "`as`").and_then(Kind::parse)
    }

    pub(crate) fn pair_places(
        &self,
        row: &Range<usize>,
        from: &Range<usize>,
        to: &Range<usize>,
        ty: Option<Range<usize>>,
    ) -> PairPlaces {
        let row = row.start..ty.as_ref().map_or(row.end, |ty| ty.end.max(row.end));
        PairPlaces {
            row: self.reader.place(&self.reader.first_line(&row)),
            from: self.reader.place(from),
            to: self.reader.place(to),
            conversion: ty.map(|ty| self.reader.place(&ty)),
            back: None,
        }
    }

    /// Where in the source a part of a text stands; the whole where quotes or folded lines stand in
    /// between.
    pub(crate) fn part(
        &self,
        text: &str,
        span: &Range<usize>,
        part: &Range<usize>,
    ) -> Range<usize> {
        match self.offset(text, span) {
            Some(start) => start + part.start..start + part.end,
            None => span.clone(),
        }
    }

    /// Where in the source a text begins that stands there as it is, in quotes or not.
    pub(crate) fn offset(&self, text: &str, span: &Range<usize>) -> Option<usize> {
        let written = self.reader.source.text.get(span.clone())?;
        written.find(text).map(|at| span.start + at)
    }
}

/// What a row says for itself, where it is a mapping.
pub(crate) fn own_settings<'n>(
    node: &'n Node,
    known: &'n [&'n str],
) -> impl Iterator<Item = (String, Value)> + 'n {
    let entries = match &node.value {
        Yaml::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    let own =
        entries.iter().filter(|(key, node)| !known.contains(&key.text.as_str()) && !node.is_null());
    own.map(|(key, node)| (key.text.clone(), node.to_json()))
}

/// The type cell that a value stands for.
pub(crate) fn type_cell(node: &Node) -> TypeCell {
    match (&node.value, node.text()) {
        (Yaml::List(_), _) => match node.to_json() {
            Value::Array(list) => TypeCell::Conversion { list, repaired: false },
            other => TypeCell::Unreadable(other.to_string()),
        },
        (_, Some(text)) => named_type(text),
        (Yaml::Map(_), None) => TypeCell::Unreadable(node.to_json().to_string()),
        (Yaml::Text { .. }, None) => TypeCell::Empty,
    }
}

/// The type cell that a text stands for: a name needs no quotation marks in a flow file.
pub(crate) fn named_type(text: &str) -> TypeCell {
    let is_name =
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if is_name { TypeCell::Plain(text.to_string()) } else { TypeCell::parse(text) }
}

/// The place of a part of a nested list.
pub(crate) fn within(node: &Node, place: &[usize]) -> Range<usize> {
    match (place.split_first(), &node.value) {
        (Some((at, rest)), Yaml::List(items)) if *at < items.len() => within(&items[*at], rest),
        _ => node.span.clone(),
    }
}
