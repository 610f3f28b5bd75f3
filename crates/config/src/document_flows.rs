//! Dataflow documents: from sections to flows, as the table in `docs/documents.md` says.
//!
//! Reading the text is the `document` crate's; here names are resolved to the project's systems and
//! each statement is given its meaning. A document has no place for policies, so those of the
//! project hold.

use std::ops::Range;
use std::sync::Arc;

use lockstep_document::{
    Document, Draft, DraftSection, RowSpan, Section as DocumentSection, Setting, SettingRow, Span,
    StatementKind, TypeName as DocumentType, Warning,
};
use lockstep_model::{Create, Direction, Flow, Kind, MatchRow, PropertyPair, TypeName};

use crate::cells;
use crate::codes;
use crate::names::{HeadingSide, Names, Unresolved};
use crate::near::{all_of, any_of, nearest};
use crate::problem::{Problem, Reader, Severity};
use crate::project::Policies;
use crate::section::{
    FlowFile, FlowPlaces, PairPlaces, Section, called_otherwise, match_texts, row_meant, row_texts,
    tables,
};
use crate::source::{Place, Source};
use crate::unite::united;

/// Warnings of the reader that are told here in other words, with what follows from them.
const TOLD_HERE: [&str; 4] =
    ["document::repeated-section", "document::empty-path", "document::condition", "document::type"];

/// Reads a document under these names and policies.
pub(crate) fn read(
    source: &Arc<Source>,
    names: &Names,
    policies: &Policies,
) -> (FlowFile, Vec<Problem>) {
    let (document, warnings) = lockstep_document::read(&source.text);
    let told = warnings
        .iter()
        .filter(|warning| !TOLD_HERE.contains(&warning.code))
        .map(|warning| problem(source, warning));
    let problems = told.collect();
    let (file, more) = flows(&document, source, names, policies);
    (file, [problems, more].concat())
}

fn problem(source: &Arc<Source>, warning: &Warning) -> Problem {
    let message = match &warning.understood {
        Some(understood) => format!("{}; understood: {understood}", warning.message),
        None => warning.message.clone(),
    };
    let problem = Problem::warning(warning.code, Place::new(source, bytes(&warning.span)), message);
    Problem { help: warning.hint.clone(), ..problem }
}

fn bytes(span: &Span) -> Range<usize> {
    span.start..span.end
}

/// The flows of a document that was read.
fn flows(
    document: &Document,
    source: &Arc<Source>,
    names: &Names,
    policies: &Policies,
) -> (FlowFile, Vec<Problem>) {
    let mut reading = SectionReader {
        reader: Reader { lenient: true, ..Reader::new(source.clone()) },
        names,
        policies,
        system_names: Vec::new(),
    };
    let mut sections = Vec::new();
    for (at, section) in document.sections.iter().enumerate() {
        sections.extend(reading.section(section).into_iter().map(|(flow, places)| Section {
            flow,
            places,
            draft: at,
        }));
    }
    let SectionReader { reader, system_names, .. } = reading;
    let file = FlowFile {
        has_errors: reader.problems.iter().any(|problem| problem.severity == Severity::Error),
        source: source.clone(),
        is_document: true,
        draft: Draft::from(document),
        sections,
        system_names,
        tests: Vec::new(),
    };
    (file, reader.problems)
}

struct SectionReader<'a> {
    reader: Reader,
    names: &'a Names,
    policies: &'a Policies,
    system_names: Vec<(String, String)>,
}

/// What the statements of a section come to.
#[derive(Default)]
struct Stated {
    /// Statements that create, each with its place.
    creates: Vec<(Create, Place, Vec<Place>)>,
    link_only: Option<Place>,
    /// `If no matching B is found, a new B will be created.`
    unmatched: Option<Place>,
    in_sync: bool,
    matches: Vec<(MatchRow, Vec<PairPlaces>)>,
    properties: Vec<(PropertyPair, PairPlaces)>,
    table: Option<Place>,
}

impl SectionReader<'_> {
    fn section(&mut self, section: &DocumentSection) -> Vec<(Flow, FlowPlaces)> {
        let errors_before = self.reader.errors();
        let span = bytes(&section.heading.span);
        let text = self.reader.source.text.get(span.clone()).unwrap_or_default().to_string();
        let stretch = |name: &str, at: Option<usize>| match at {
            Some(at) if !name.is_empty() => span.start + at..span.start + at + name.len(),
            _ => span.clone(),
        };
        let (from_name, to_name) = (&section.heading.from, &section.heading.to);
        let from_span = stretch(&from_name.system, text.find(&from_name.system));
        let to_span = stretch(&to_name.system, text.rfind(&to_name.system));
        // Both are looked up before either is given up, so that both problems are told.
        let (from, to) = (
            self.type_name(from_name, &from_span, HeadingSide::First),
            self.type_name(to_name, &to_span, HeadingSide::Second),
        );
        let mut stated = Stated::default();
        for statement in &section.statements {
            self.statement(
                &statement.kind,
                &bytes(&statement.span),
                &statement.rows,
                to_name,
                &mut stated,
            );
        }
        let (Some(from), Some(to)) = (from, to) else { return vec![] };
        let heading = self.reader.place(&span);
        let (create, create_place, connected) = self.creation(&stated);
        let whole = |name: &DocumentType, system: &Range<usize>| {
            let full = name.to_string();
            let end = system.start + full.trim_start().len();
            let is_there = self
                .reader
                .source
                .text
                .get(system.start..end)
                .is_some_and(|written| written == full.trim_start());
            self.reader.place(&if is_there { system.start..end } else { span.clone() })
        };
        let (from_place, to_place) = (whole(from_name, &from_span), whole(to_name, &to_span));
        // Without the sentence on keeping in sync, values go the way of the heading only.
        let direction = if stated.in_sync { Direction::Both } else { Direction::Forward };
        let (matches, match_places) = stated.matches.into_iter().unzip();
        let (mut properties, property_places): (Vec<PropertyPair>, _) =
            stated.properties.into_iter().unzip();
        properties.iter_mut().for_each(|pair| pair.direction = direction);
        let flow = Flow {
            create,
            matches,
            properties,
            deletes: self.policies.deletes,
            merge_duplicates: self.policies.merge_duplicates,
            separate_duplicates: self.policies.separate_duplicates,
            place: heading.to_string(),
            ..Flow::between(from, to)
        };
        let (flow, back) = self.with_settings(flow, section);
        let places = FlowPlaces {
            from: from_place,
            to: to_place,
            create: create_place,
            connected,
            only: [None, None],
            create_empty: None,
            duplicates: None,
            extra: None,
            key: None,
            matches: match_places,
            properties: property_places,
            table: stated.table,
            incomplete: self.reader.errors() > errors_before,
            sections: vec![heading.clone()],
            flow: heading,
        };
        let back = back.map(|back| (back, places.of_no_rows()));
        std::iter::once((flow, places)).chain(back).collect()
    }

    /// The flow with what its section says in settings. They are read as a flow file's are, so that
    /// both mean the same by them. Also the flow the other way, where the section creates on both
    /// sides.
    fn with_settings(&mut self, flow: Flow, section: &DocumentSection) -> (Flow, Option<Flow>) {
        let draft = DraftSection {
            from: section.heading.from.clone(),
            to: section.heading.to.clone(),
            statements: section.statements.iter().map(|statement| statement.kind.clone()).collect(),
        };
        let settings = section.statements.iter().filter_map(|statement| match &statement.kind {
            StatementKind::Setting(setting)
                if !matches!(setting.key.as_str(), "names" | "condition") =>
            {
                Some((setting, bytes(&statement.span)))
            }
            _ => None,
        });
        let settings: Vec<(&Setting, Range<usize>)> = settings.collect();
        let Some((_, first)) = settings.first().cloned() else { return (flow, None) };
        let (matches, properties) = tables(&draft);
        let matches: Vec<(String, String)> = matches.iter().map(match_texts).collect();
        let properties: Vec<(String, String)> = properties.iter().map(row_texts).collect();
        for (setting, span) in &settings {
            let cells = |row: &SettingRow| if row.is_match { &matches } else { &properties };
            if setting.row.as_ref().is_some_and(|row| row_meant(row, cells(row)).is_none()) {
                self.reader
                    .warning(
                        codes::STATEMENT,
                        span,
                        "no row of the tables above reads like this one, so the sentence has no effect",
                    )
                    .set_help("name the row by its number and its two cells");
            }
            // What names systems names them as documents call them.
            let named = std::cell::RefCell::new(Vec::new());
            called_otherwise(&setting.key, &setting.value, &|name| {
                named.borrow_mut().push(name.to_string());
                String::new()
            });
            for name in named.into_inner() {
                if let Ok(system) = self.names.resolve(&name) {
                    let known = (name, system.to_string());
                    if !self.system_names.contains(&known) {
                        self.system_names.push(known);
                    }
                }
            }
        }
        let names = self.names;
        let text = crate::write::one_flow(&flow, &draft, &|called| {
            names.resolve(called).map_or(called.to_string(), str::to_string)
        });
        let (file, problems) = crate::flow_file::read(
            &Arc::new(Source::new(&self.reader.source.name, text)),
            names,
            self.policies,
            None,
        );
        for problem in problems.into_iter().filter(|problem| problem.severity == Severity::Error) {
            if !self.reader.problems.iter().any(|told| told.message.starts_with(&problem.message)) {
                self.reader
                    .error(
                        problem.code,
                        &first,
                        format!("{}, by what a sentence of the section says", problem.message),
                    )
                    .help = problem.help;
            }
        }
        let mut read = file.sections.into_iter().map(|section| section.flow);
        match (read.next(), read.next()) {
            // Places run parallel to rows.
            (Some(read), back)
                if read.matches.len() == flow.matches.len()
                    && read.properties.len() == flow.properties.len() =>
            {
                let back = back.map(|back| Flow { place: flow.place.clone(), ..back });
                (Flow { place: flow.place, ..read }, back)
            }
            _ => {
                self.reader.error(
                    codes::STATEMENT,
                    &first,
                    "what this sentence and those like it say could not be read",
                );
                (flow, None)
            }
        }
    }

    fn type_name(
        &mut self,
        name: &DocumentType,
        span: &Range<usize>,
        side: HeadingSide,
    ) -> Option<TypeName> {
        let system = self.system(&name.system, span, side)?;
        Some(TypeName { system, kind: name.kind.clone(), facet: name.facet.clone() })
    }

    fn system(&mut self, written: &str, span: &Range<usize>, side: HeadingSide) -> Option<String> {
        let file = self.reader.source.name.clone();
        match self.names.resolve_side(written, side) {
            Ok(system) => {
                let known = (written.to_string(), system.to_string());
                if !self.system_names.contains(&known) {
                    self.system_names.push(known);
                }
                Some(system.to_string())
            }
            Err(Unresolved::Unnamed) => {
                self.reader.error(codes::UNNAMED_SYSTEM, span, "the document leaves this system unnamed").set_help(format!(
                    "say in lockstep.yaml which it is: `flows: [{{ file: {file}, unnamed: … }}]`; it has {}",
                    all_of(self.names.systems())
                ));
                None
            }
            Err(Unresolved::Ambiguous(systems)) => {
                let message =
                    format!("`{written}` may be {}", any_of(systems.iter().map(String::as_str)));
                self.reader.error(codes::AMBIGUOUS_SYSTEM, span, message).set_help(format!(
                    "say in lockstep.yaml which is meant: `flows: [{{ file: {file}, names: {{ {written}: {} }} }}]`",
                    systems[0]
                ));
                None
            }
            Err(Unresolved::Unknown) => {
                let help = match nearest(written, self.names.all()) {
                    Some(near) => format!(
                        "is it `{near}`? then add `aliases: [{written}]` to that system in lockstep.yaml"
                    ),
                    None => format!(
                        "give one of the systems in lockstep.yaml this `title`, or add it; lockstep.yaml has {}",
                        all_of(self.names.systems())
                    ),
                };
                self.reader
                    .error(
                        codes::UNKNOWN_SYSTEM,
                        span,
                        format!("lockstep.yaml has no system that goes by `{written}`"),
                    )
                    .set_help(help);
                None
            }
        }
    }

    fn statement(
        &mut self,
        kind: &StatementKind,
        span: &Range<usize>,
        rows: &[RowSpan],
        to: &DocumentType,
        stated: &mut Stated,
    ) {
        let place = self.reader.place(&self.reader.first_line(span));
        match kind {
            StatementKind::EveryCreates => stated.creates.push((Create::Always, place, Vec::new())),
            StatementKind::ConditionCreates { condition } => {
                stated.creates.push((
                    Create::When { condition: condition.clone(), filter: None },
                    place,
                    Vec::new(),
                ));
            }
            StatementKind::LinkOnly => stated.link_only = Some(place),
            StatementKind::CreateIfConnected { connected, system } => {
                if let Ok(into) = self.names.resolve_side(system, HeadingSide::Second)
                    && self
                        .names
                        .resolve_side(&to.system, HeadingSide::Second)
                        .is_ok_and(|target| target != into)
                {
                    let message = format!(
                        "the statement is about {into}, but it is decided by what is synchronized into the heading's second system"
                    );
                    self.reader
                        .warning(codes::STATEMENT, span, message)
                        .set_help("name the heading's second system after `synchronized into`");
                }
                let types: Vec<TypeName> = connected
                    .iter()
                    .filter_map(|name| self.type_name(name, span, HeadingSide::First))
                    .collect();
                if types.len() == connected.len() {
                    let places = types.iter().map(|_| place.clone()).collect();
                    stated.creates.push((Create::ConnectedTo(types), place, places));
                }
            }
            StatementKind::MergeOrCreate { creates, .. } => {
                if *creates {
                    stated.unmatched = Some(place);
                }
            }
            StatementKind::KeepInSync => stated.in_sync = true,
            StatementKind::Match { rows: cells } => {
                for (row, spans) in cells.iter().zip(rows) {
                    self.match_row(row, spans, stated);
                }
            }
            StatementKind::Properties { rows: cells } => {
                stated.table.get_or_insert(place);
                for (row, spans) in cells.iter().zip(rows) {
                    self.property_row(row, spans, stated);
                }
            }
            // Read with the whole section.
            StatementKind::Setting(_) | StatementKind::Unrecognised { .. } => {}
        }
    }

    fn match_row(
        &mut self,
        row: &lockstep_document::MatchRow,
        spans: &RowSpan,
        stated: &mut Stated,
    ) {
        let (from_span, to_span) = (cell(spans, 0), cell(spans, 1));
        let mut pairs = Vec::new();
        let mut places = Vec::new();
        for pair in &row.pairs {
            let found = (
                self.reader.property(&pair.from, &from_span),
                self.reader.property(&pair.to, &to_span),
            );
            let (Some(from), Some(to)) = found else { return };
            pairs.push((from, to));
            places.push(self.pair_places(spans, None));
        }
        if !pairs.is_empty() {
            stated.matches.push((MatchRow { pairs, kind: Kind::Seen, conversion: None }, places));
        }
    }

    fn property_row(
        &mut self,
        row: &lockstep_document::PropertyRow,
        spans: &RowSpan,
        stated: &mut Stated,
    ) {
        let type_span = cell(spans, 2);
        let whole = self.reader.place(&type_span);
        let conversion = self.reader.conversion(&row.type_cell, &type_span, |at| {
            match part(&row.type_cell, at) {
                Some(part) => whole.narrowed(&part.to_string()).span,
                None => type_span.clone(),
            }
        });
        let found = (
            self.reader.property(&row.from, &cell(spans, 0)),
            self.reader.property(&row.to, &cell(spans, 1)),
        );
        let ((Some(from), Some(to)), Ok(conversion)) = (found, conversion) else { return };
        let has_type = !matches!(row.type_cell, lockstep_document::TypeCell::Empty);
        let places = self.pair_places(spans, has_type.then_some(type_span));
        let policy = cells::policy(None, None, &self.policies.prefer);
        let pair = PropertyPair {
            from,
            to,
            direction: Direction::Both,
            conversion,
            back: None,
            policy,
            clears: self.policies.clears,
            kind: Kind::Seen,
            on_create: false,
            group: None,
            each: false,
        };
        stated.properties.push((pair, places));
    }

    fn pair_places(&self, spans: &RowSpan, conversion: Option<Range<usize>>) -> PairPlaces {
        PairPlaces {
            row: self.reader.place(&self.reader.first_line(&bytes(&spans.span))),
            from: self.reader.place(&cell(spans, 0)),
            to: self.reader.place(&cell(spans, 1)),
            conversion: conversion.map(|span| self.reader.place(&span)),
            back: None,
        }
    }

    /// When the section creates, and where that is said.
    fn creation(&mut self, stated: &Stated) -> (Create, Option<Place>, Vec<Place>) {
        let mut all = stated.creates.iter();
        let Some((first, place, connected)) = all.next() else {
            // The sentence on what is not found only says how creating goes, unless nothing else
            // says that it does.
            return match &stated.unmatched {
                Some(place) => (Create::Always, Some(place.clone()), Vec::new()),
                None => (Create::Never, stated.link_only.clone(), Vec::new()),
            };
        };
        let (mut create, mut place, mut connected) =
            (first.clone(), place.clone(), connected.clone());
        for (more, more_place, more_connected) in all {
            match united(&create, more) {
                Ok(both) => {
                    if both == *more {
                        place = more_place.clone();
                    }
                    connected.extend(more_connected.iter().cloned());
                    create = both;
                }
                Err(()) => {
                    let problem = Problem::warning(
                        codes::CONTRADICTION,
                        more_place.clone(),
                        "the section creates on two conditions that can't be united; the first one holds",
                    );
                    self.reader.problems.push(
                        problem
                            .help("give the condition a `filter:` in a flow file, in a flow of its own")
                            .related(&place, "the one that holds"),
                    );
                }
            }
        }
        if !matches!(create, Create::ConnectedTo(_)) {
            connected.clear();
        }
        (create, Some(place), connected)
    }
}

fn cell(spans: &RowSpan, at: usize) -> Range<usize> {
    bytes(spans.cells.get(at).unwrap_or(&spans.span))
}

/// The part of a conversion to which these indexes lead.
fn part<'a>(
    cell: &'a lockstep_document::TypeCell,
    at: &[usize],
) -> Option<&'a lockstep_model::Value> {
    let lockstep_document::TypeCell::Conversion { list, .. } = cell else { return None };
    let (first, rest) = at.split_first()?;
    rest.iter().try_fold(list.get(*first)?, |value, index| value.get(index))
}
