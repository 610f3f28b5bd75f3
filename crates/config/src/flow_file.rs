//! Flow files: from YAML to sections.
//!
//! Every problem of a file is told. What can't be understood is left out and the rest is kept, so
//! that checking against the schemas finds its problems in the same go.

use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use lockstep_document::{
    Draft, DraftSection, Introduction, MatchPair, MatchRow as MatchCells, PropertyRow, Setting,
    SettingRow, StatementKind, TypeCell, TypeName as DocumentType, default_introduction,
};
use lockstep_model::filter;
use lockstep_model::flow::{Ceases, Deletes, Filter};
use lockstep_model::schema::OWN_ID;
use lockstep_model::{
    Conversion, Create, Direction, Flow, Kind, MatchRow, Policy, PropertyPair, TypeName, Value,
};

use crate::cells;
use crate::codes;
use crate::fields::Fields;
use crate::names::Names;
use crate::near::nearest;
use crate::problem::{Problem, Reader, Severity};
use crate::project::Policies;
use crate::row;
use crate::row_forms::{self, SharedMaps};
use crate::row_groups::GroupedRow;
use crate::row_lists;
use crate::section::{
    FlowFile, FlowPlaces, PairPlaces, Section, called_otherwise, direction_word, is_in_sync,
    match_texts, row_texts, usual_statements,
};
use crate::source::Source;
use crate::written;
use crate::yaml::{Key, Node, Yaml};

/// Reads a flow file.
pub(crate) fn read(
    source: &Arc<Source>,
    names: &Names,
    policies: &Policies,
    dir: Option<&FilePath>,
) -> (FlowFile, Vec<Problem>) {
    let (root, problems) = crate::yaml::parse(source);
    let (reader, maps) = (Reader::new(source.clone()), SharedMaps::of(dir));
    let mut reading =
        FlowReader { reader, names, policies, maps, called: Vec::new(), introduced: false };
    reading.reader.problems = problems;
    let mut file = FlowFile {
        has_errors: true,
        source: source.clone(),
        is_document: false,
        draft: Draft::default(),
        sections: Vec::new(),
        system_names: Vec::new(),
        tests: Vec::new(),
    };
    if let Some(root) = root {
        reading.file(&root, &mut file);
    } else if reading.reader.problems.is_empty() {
        file.has_errors = false;
        reading
            .reader
            .warning(codes::NO_FLOWS, &(0..0), "the file is empty")
            .set_help("write `flows:` and a list of flows");
    }
    file.system_names = reading.called.into_iter().map(|(system, name)| (name, system)).collect();
    (file, reading.reader.problems)
}

/// Reads the flows of a file, and its tests (`flow_tests`).
pub(crate) struct FlowReader<'a> {
    pub(crate) reader: Reader,
    names: &'a Names,
    policies: &'a Policies,
    /// Value lists that rows of this file share.
    maps: SharedMaps<'a>,
    /// How this file's document calls systems.
    called: Vec<(String, String)>,
    /// Whether the file says an introduction, be it an empty one.
    introduced: bool,
}

/// What is read of a flow's item before the flow is made of it.
#[derive(Default)]
pub(crate) struct Tables {
    matches: Vec<(MatchRow, Vec<PairPlaces>)>,
    match_cells: Vec<MatchCells>,
    pub(crate) properties: Vec<(PropertyPair, PairPlaces)>,
    pub(crate) property_cells: Vec<PropertyRow>,
    directions: Vec<Direction>,
    /// What rows say for themselves.
    pub(crate) settings: Vec<Setting>,
    /// The rows that move together with others (P1e).
    pub(crate) grouped: Vec<GroupedRow>,
}

/// What a row or a flow says of whose value wins.
#[derive(Default)]
pub(crate) struct Said {
    policy: Option<Policy>,
    clears: Option<bool>,
}

impl FlowReader<'_> {
    fn file(&mut self, root: &Node, file: &mut FlowFile) {
        if let Some(bare) = bare_flow(root) {
            let help = "write `flows:` before it, and the flow below as `  - from: …`, with each of its other lines two more to the right";
            self.reader
                .error(
                    codes::MISSING_KEY,
                    &bare.span,
                    "this is a flow by itself, where a flow file has a list of them",
                )
                .set_help(help);
            return;
        }
        let Some(fields) = self.reader.fields::<written::FlowFileYaml>(root, "a flow file") else {
            return;
        };
        if let Some(node) = fields.get("document") {
            self.document(node, &mut file.draft);
        }
        if let Some(node) = fields.get("maps") {
            self.maps.read(node, &mut self.reader);
        }
        let Some(flows) = self.reader.required(&fields, "flows", "a flow file", "[…]") else {
            return;
        };
        for item in self.reader.list(flows, "`flows`").unwrap_or_default() {
            self.flow(item, file);
        }
        file.has_errors =
            self.reader.problems.iter().any(|problem| problem.severity == Severity::Error);
        if let Some(tests) = fields.get("tests") {
            file.tests = self.tests(tests);
        }
        self.name_draft(file);
    }

    fn document(&mut self, node: &Node, draft: &mut Draft) {
        let Some(fields) = self.reader.fields::<written::DocumentYaml>(node, "`document`") else {
            return;
        };
        let mut text = |key: &str| {
            fields
                .get(key)
                .and_then(|node| self.reader.text(node, &format!("`{key}`")))
                .map(String::from)
        };
        draft.title = text("title");
        draft.generated = text("generated");
        let heading = text("heading");
        self.introduced = fields.entry("introduction").is_some();
        if let Some(introduction) = text("introduction") {
            let paragraphs = introduction
                .split("\n\n")
                .map(|paragraph| paragraph.trim_matches('\n').to_string());
            draft.introduction = Introduction {
                heading: heading.unwrap_or_else(|| "Introduction".into()),
                paragraphs: paragraphs.filter(|paragraph| !paragraph.is_empty()).collect(),
            };
        } else if let Some(heading) = heading {
            draft.introduction.heading = heading;
        }
        if let Some(node) = fields.get("systems") {
            self.called = self.called(node, "`systems`");
        }
    }

    /// How a document calls systems.
    fn called(&mut self, node: &Node, what: &str) -> Vec<(String, String)> {
        let mut called = Vec::new();
        for (key, node) in self.reader.entries(node, what).unwrap_or_default() {
            self.known_system(&key.text, &key.span);
            // An empty name is a name: the document leaves the system unnamed.
            match &node.value {
                Yaml::Text { text, .. } => called.push((
                    key.text.clone(),
                    if node.is_null() { String::new() } else { text.clone() },
                )),
                _ => self.reader.wrong_type(node, "how a document calls a system", "a text"),
            }
        }
        called
    }

    /// Title and systems of the draft, where the file does not say them, from its flows.
    fn name_draft(&mut self, file: &mut FlowFile) {
        let draft = &mut file.draft;
        if let Some(first) = draft.sections.first() {
            draft.from_system = first.from.system.clone();
            draft.to_system = first.to.system.clone();
        }
        // A title in the usual form names the systems; it may do so otherwise than the headings.
        let usual = draft
            .title
            .as_deref()
            .and_then(|title| title.strip_suffix(" Dataflow")?.split_once(" to "));
        if let Some((from, to)) = usual.filter(|(_, to)| !to.contains(" to ")) {
            (draft.from_system, draft.to_system, draft.title) =
                (from.to_string(), to.to_string(), None);
        }
        if draft.introduction.is_empty() && !self.introduced {
            draft.introduction = default_introduction(&draft.from_system, &draft.to_system);
        }
    }

    fn flow(&mut self, item: &Node, file: &mut FlowFile) {
        let errors_before = self.reader.errors();
        let Some(fields) = self.reader.fields::<written::FlowYaml>(item, "a flow") else { return };
        let from = self.end(&fields, "from", "superoffice.Person");
        let to = self.end(&fields, "to", "wix.Contacts");
        let said = self.said(&fields);
        let create = fields.get("create").map(|node| (self.create(node), node.span.clone()));
        let mut tables = Tables::default();
        for row in fields
            .get("match")
            .and_then(|node| self.reader.list(node, "`match`"))
            .unwrap_or_default()
        {
            self.match_row(row, &mut tables);
        }
        let mut lists = Vec::new();
        for row in fields
            .get("properties")
            .and_then(|node| self.reader.list(node, "`properties`"))
            .unwrap_or_default()
        {
            if row_lists::is_list(row) {
                lists.push(row);
                continue;
            }
            let system = from.as_ref().map(|(name, _)| name.system.as_str());
            self.property_row(row, (system, &said), &mut tables);
        }
        self.whole_groups(&tables);
        let only = fields.get("only").and_then(|node| self.filter(node, "`only`"));
        let only_to = fields.get("only_to").and_then(|node| self.filter(node, "`only_to`"));
        let ceases = fields
            .get("ceases")
            .and_then(|node| self.reader.word::<written::Ceases>(node, "`ceases`"));
        self.ceases_without_only(&fields);
        let deletes = fields
            .get("deletes")
            .and_then(|node| self.reader.word::<written::Deletes>(node, "`deletes`"));
        let duplicates = fields
            .get("duplicates")
            .and_then(|node| self.reader.word::<written::Duplicates>(node, "`duplicates`"));
        let region = fields.get("region").and_then(|node| self.reader.region(node));
        let create_empty =
            fields.get("create_empty").and_then(|node| self.reader.truth(node, "`create_empty`"));
        let (Some((from, from_span)), Some((to, to_span))) = (from, to) else { return };

        let key = fields.get("key").and_then(|node| self.element_key(node, &from, &to));
        let (create, connected) = match &create {
            Some((Some((create, connected)), _)) => (create.clone(), connected.clone()),
            _ => (Create::Never, Vec::new()),
        };
        let place = self.reader.place(&self.reader.first_line(&item.span));
        let create_node = fields.entry("create").filter(|(_, node)| !node.is_null());
        let (matches, match_places) = tables.matches.into_iter().unzip();
        let (properties, property_places) = tables.properties.into_iter().unzip();
        let flow = Flow {
            create: create.clone(),
            only,
            only_to,
            ceases: match ceases {
                Some("review") => Ceases::Review,
                Some("delete") => Ceases::Delete,
                _ => Ceases::Keep,
            },
            matches,
            properties,
            deletes: deletes.map_or(self.policies.deletes, deletes_of),
            merge_duplicates: duplicates
                .map_or(self.policies.merge_duplicates, |word| word == "merge"),
            separate_duplicates: duplicates
                .map_or(self.policies.separate_duplicates, |word| word == "separate"),
            region,
            create_empty: create_empty.unwrap_or(false),
            key,
            place: place.to_string(),
            from,
            to,
        };
        let places = FlowPlaces {
            from: self.reader.place(&from_span),
            to: self.reader.place(&to_span),
            create: create_node.map(|(key, node)| {
                self.reader.place(&self.reader.first_line(&(key.span.start..node.span.end)))
            }),
            connected: connected.iter().map(|span| self.reader.place(span)).collect(),
            matches: match_places,
            properties: property_places,
            table: fields.entry("properties").map(|(key, _)| self.reader.place(&key.span)),
            incomplete: self.reader.errors() > errors_before,
            sections: vec![place.clone()],
            only: ["only", "only_to"]
                .map(|key| fields.get(key).map(|node| self.reader.place(&node.span))),
            flow: place,
        };
        let elsewhere = self.called.clone();
        if let Some(node) = fields.get("called") {
            let here = self.called(node, "`called`");
            self.called.splice(0..0, here);
        }
        let (from, to) = (self.document_type(&flow.from), self.document_type(&flow.to));
        let mut settings = flow_settings(&fields);
        settings.extend(tables.settings);
        for setting in &mut settings {
            let called = |system: &str| self.document_type(&TypeName::new(system, "")).system;
            setting.value = called_otherwise(&setting.key, &setting.value, &called);
        }
        let stated_connected = match &create {
            Create::ConnectedTo(types) => Some(StatementKind::CreateIfConnected {
                connected: types.iter().map(|ty| self.document_type(ty)).collect(),
                system: to.system.clone(),
            }),
            _ => None,
        };
        self.called = elsewhere;
        let in_sync = is_in_sync(&tables.directions);
        let cells: Vec<(String, String)> = tables.property_cells.iter().map(row_texts).collect();
        let usual = usual_statements(
            &create,
            stated_connected,
            tables.match_cells,
            tables.property_cells,
            in_sync,
        );
        let mut statements = match fields.get("statements") {
            Some(node) => self.reader.statements(node, usual),
            None => usual,
        };
        let usual_way = if statements.contains(&StatementKind::KeepInSync) {
            Direction::Both
        } else {
            Direction::Forward
        };
        let other_ways = tables
            .directions
            .iter()
            .zip(cells)
            .enumerate()
            .filter(|(_, (direction, _))| **direction != usual_way);
        let ways = other_ways.map(|(at, (direction, (from, to)))| Setting {
            row: Some(SettingRow { is_match: false, number: at + 1, from, to }),
            key: "direction".into(),
            value: direction_word(*direction).into(),
        });
        statements.extend(settings.into_iter().chain(ways).map(StatementKind::Setting));
        file.draft.sections.push(DraftSection { from, to, statements });
        let draft = file.draft.sections.len() - 1;
        let creates_back = fields.get("create").and_then(Node::text) == Some("both");
        let back = creates_back.then(|| (self.creating_back(&flow), places.of_no_rows()));
        let elements: Vec<Node> =
            lists.iter().filter_map(|row| self.list_flow(row, &flow.from, &flow.to)).collect();
        file.sections.push(Section { flow, places, draft });
        file.sections.extend(back.map(|(flow, places)| Section { flow, places, draft }));
        // What a list says is a flow of its own.
        elements.iter().for_each(|item| self.flow(item, file));
    }

    /// `create: both`: the flow the other way, which only creates. How records are matched and kept
    /// equal is said by the one that is written.
    fn creating_back(&self, flow: &Flow) -> Flow {
        Flow {
            create: Create::Always,
            only: flow.only_to.clone(),
            only_to: flow.only.clone(),
            deletes: flow.deletes,
            merge_duplicates: flow.merge_duplicates,
            separate_duplicates: flow.separate_duplicates,
            region: flow.region,
            create_empty: flow.create_empty,
            place: flow.place.clone(),
            ..Flow::between(flow.to.clone(), flow.from.clone())
        }
    }

    /// One end of a flow: a record type of a system that the project has.
    fn end(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        example: &str,
    ) -> Option<(TypeName, Range<usize>)> {
        let node = self.reader.required(fields, key, "a flow", example)?;
        let text = self.reader.text(node, &format!("`{key}`"))?;
        Some((self.type_name(text, &node.span)?, node.span.clone()))
    }

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

    fn known_system(&mut self, name: &str, span: &Range<usize>) -> bool {
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

    fn document_type(&self, name: &TypeName) -> DocumentType {
        let called = self.called.iter().find(|(system, _)| *system == name.system);
        let system = called.map_or_else(|| self.names.title(&name.system), |(_, called)| called);
        DocumentType {
            system: system.to_string(),
            kind: name.kind.clone(),
            facet: name.facet.clone(),
        }
    }

    /// When to create, and the places of the record types that it names.
    fn create(&mut self, node: &Node) -> Option<(Create, Vec<Range<usize>>)> {
        if let Yaml::Map(_) = node.value {
            return self.create_if(node);
        }
        match self.reader.word::<written::CreateWord>(node, "`create`")? {
            "always" | "both" => Some((Create::Always, Vec::new())),
            _ => Some((Create::Never, Vec::new())),
        }
    }

    fn create_if(&mut self, node: &Node) -> Option<(Create, Vec<Range<usize>>)> {
        let fields = self.reader.fields::<written::CreateIfYaml>(node, "`create`")?;
        let when = fields.get("when").and_then(|node| self.reader.text(node, "`when`"));
        let filter = fields.get("filter").and_then(|node| self.filter(node, "`filter`"));
        let connected = fields.get("when_connected_to");
        if let Some(connected) = connected {
            if when.is_some() || fields.get("filter").is_some() {
                self.reader
                    .error(
                        codes::UNKNOWN_WORD,
                        &connected.span,
                        "`create` is either `when_connected_to` or `when`, not both",
                    )
                    .set_help("write two flows between the same record types, one for each");
            }
            let mut types = Vec::new();
            for (text, span) in self.reader.texts(connected, "`when_connected_to`") {
                types.extend(self.type_name(text, &span).map(|name| (name, span)));
            }
            let (types, spans) = types.into_iter().unzip();
            return Some((Create::ConnectedTo(types), spans));
        }
        if when.is_none() && fields.get("filter").is_none() {
            let known = "`always`, `never`, `{ when_connected_to: [system.Type] }` or `{ when: …, filter: … }`";
            self.reader
                .error(codes::MISSING_KEY, &fields.span, "`create` says no condition")
                .set_help(format!("write {known}"));
            return None;
        }
        // A condition in a document begins with `When`; in a flow file the key says so already.
        let condition = match (when, &filter) {
            (Some(text), _) if text.starts_with(char::is_lowercase) => format!("When {text}"),
            (Some(text), _) => text.to_string(),
            (None, Some(filter)) => format!("When {}", filter.expression),
            (None, None) => return None,
        };
        Some((Create::When { condition, filter }, Vec::new()))
    }

    /// `ceases` is about what `only` does not hold for any more.
    fn ceases_without_only(&mut self, fields: &Fields<'_>) {
        let (Some((key, _)), None) = (fields.entry("ceases"), fields.get("only")) else { return };
        self.reader
            .error(
                codes::MISSING_KEY,
                &key.span,
                "`ceases` has no effect: nothing says by `only` which records the flow is about",
            )
            .set_help("say `only: …`, or leave out `ceases`");
    }

    fn filter(&mut self, node: &Node, what: &str) -> Option<Filter> {
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

    /// `prefer`, `only_from` and `clears` of a flow or a row.
    fn said(&mut self, fields: &Fields<'_>) -> Said {
        let mut said = Said::default();
        if let Some(node) = fields.get("prefer") {
            let mut systems = Vec::new();
            for (text, span) in self.reader.texts(node, "`prefer`") {
                if self.known_system(text, &span) {
                    systems.push(text.to_string());
                }
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

    fn match_row(&mut self, node: &Node, tables: &mut Tables) {
        let (mut kind, mut conversion) = (Kind::Seen, None);
        let mut texts = match &node.value {
            Yaml::Map(_) => {
                let Some(fields) =
                    self.reader.fields::<written::MatchRowSettingsYaml>(node, "a match row")
                else {
                    return;
                };
                let row = self.reader.required(&fields, "match", "a match row", "telefon = tlf");
                kind = fields.get("as").and_then(|node| self.kind(node)).unwrap_or_default();
                if let Some(node) = fields.get("type") {
                    let Ok(told) = self
                        .reader
                        .conversion(&type_cell(node), &node.span, |place| within(node, place))
                    else {
                        return;
                    };
                    conversion = told.map(|told| (told, node.span.clone()));
                } else if fields.get("as").is_none() {
                    self.reader.required(&fields, "as", "a match row with settings", "phone");
                }
                row.map(|row| self.reader.texts(row, "`match`")).unwrap_or_default()
            }
            _ => self.reader.texts(node, "a match row"),
        };
        if texts.is_empty() && matches!(node.value, Yaml::List(_)) {
            self.reader
                .error(codes::ROW, &node.span, "a match row without a pair")
                .set_help("write `Emails.Value = email`");
        }
        let mut cells = MatchCells::default();
        let mut pairs = Vec::new();
        let mut places = Vec::new();
        let mut whole = true;
        for (text, span) in texts.drain(..) {
            let parts = match row::match_row(text) {
                Ok(parts) => parts,
                Err(help) => {
                    self.reader.error(codes::ROW, &span, "this is no match row").set_help(help);
                    whole = false;
                    continue;
                }
            };
            for (from, to) in parts {
                let (from_cell, to_cell) =
                    (row::path_cell(&text[from.clone()]), row::path_cell(&text[to.clone()]));
                let (from_span, to_span) =
                    (self.part(text, &span, &from), self.part(text, &span, &to));
                let pair = (
                    self.reader.property(&from_cell, &from_span),
                    self.reader.property(&to_cell, &to_span),
                );
                cells.pairs.push(MatchPair { from: from_cell, to: to_cell });
                let (Some(from), Some(to)) = pair else {
                    whole = false;
                    continue;
                };
                pairs.push((from, to));
                places.push(self.pair_places(&span, &from_span, &to_span, None));
            }
        }
        if !cells.pairs.is_empty() {
            let (from, to) = match_texts(&cells);
            tables.match_cells.push(cells);
            let row = SettingRow { is_match: true, number: tables.match_cells.len(), from, to };
            tables.settings.extend(own_settings(node, &["match"]).map(|(key, value)| Setting {
                row: Some(row.clone()),
                key,
                value,
            }));
        }
        if let Some((_, span)) = conversion.as_ref().filter(|_| pairs.len() > 1) {
            self.reader
                .error(
                    codes::CONTRADICTION,
                    span,
                    "of a match row of several pairs nobody knows which one the `type` is about",
                )
                .set_help("a match row with a `type` has one pair");
            return;
        }
        let conversion = conversion.map(|(conversion, _)| conversion);
        if whole && !pairs.is_empty() {
            tables.matches.push((MatchRow { pairs, kind, conversion }, places));
        }
    }

    /// `as: phone`
    fn kind(&mut self, node: &Node) -> Option<Kind> {
        self.reader.word::<written::KindWord>(node, "`as`").and_then(Kind::parse)
    }

    /// A row of the property table; `from` is the system that the flow comes from.
    pub(crate) fn property_row(
        &mut self,
        node: &Node,
        (from, flow): (Option<&str>, &Said),
        tables: &mut Tables,
    ) {
        let mut said = Said::default();
        let mut own: Vec<(String, Value)> = Vec::new();
        let mut kind = Kind::Seen;
        let mut forms = None;
        // The three forms: a text, `a <-> b : type` which YAML reads as a mapping of one key, and a
        // row with settings.
        let (text, span, ty) = match &node.value {
            Yaml::Text { .. } => match self.reader.text(node, "a row") {
                Some(text) => (text, node.span.clone(), None),
                None => return,
            },
            Yaml::Map(entries) if entries.len() == 1 && row::has_arrow(&entries[0].0.text) => {
                let (key, value) = &entries[0];
                (key.text.as_str(), key.span.clone(), Some(value))
            }
            Yaml::Map(entries) if entries.iter().any(|(key, _)| key.text == "set") => {
                return self.set_row(node, (from, flow), tables);
            }
            Yaml::Map(entries) if entries.iter().any(|(key, _)| key.text == "group") => {
                return self.row_group(node, (from, flow), tables);
            }
            Yaml::Map(_) => {
                let Some(fields) =
                    self.reader.fields::<written::PropertyRowSettingsYaml>(node, "a row")
                else {
                    return;
                };
                said = self.said(&fields);
                // What becomes a part of the conversion is stated by that.
                own = own_settings(node, &["row", "type", "map", "else", "default"]).collect();
                kind = fields.get("as").and_then(|node| self.kind(node)).unwrap_or_default();
                let Some(row) = self.reader.required(&fields, "row", "a row", "Name <-> name")
                else {
                    return;
                };
                let Some(text) = self.reader.text(row, "`row`") else { return };
                let ty = fields.get("type");
                forms = Some(fields);
                (text, row.span.clone(), ty)
            }
            Yaml::List(_) => {
                return self.reader.wrong_type(
                    node,
                    "a row",
                    "a text such as `Name <-> name : string`",
                );
            }
        };
        let parts = match row::property_row(text) {
            Ok(parts) => parts,
            Err(help) => {
                self.reader.error(codes::ROW, &span, "this is no property row").set_help(help);
                return;
            }
        };
        let (type_cell, type_span, conversion) = match (ty, &parts.ty) {
            (Some(node), _) => {
                let cell = type_cell(node);
                let conversion =
                    self.reader.conversion(&cell, &node.span, |place| within(node, place));
                (cell, (!node.is_null()).then(|| node.span.clone()), conversion)
            }
            (None, Some(part)) => {
                let cell = named_type(&text[part.clone()]);
                let place = self.part(text, &span, part);
                let conversion = self.reader.conversion(&cell, &place, |_| place.clone());
                (cell, Some(place), conversion)
            }
            (None, None) => (TypeCell::Empty, None, Ok(None)),
        };
        let (type_cell, conversion) = match (&forms, conversion) {
            (Some(fields), Ok(conversion)) => {
                let with = row_forms::with_values(
                    fields,
                    &self.maps,
                    &mut self.reader,
                    (type_cell.clone(), conversion),
                );
                with.map_or((type_cell, Err(())), |(cell, conversion)| (cell, Ok(conversion)))
            }
            (_, conversion) => (type_cell, conversion),
        };
        let told = (parts.direction, conversion.as_ref().ok().and_then(Option::as_ref));
        let on_create = forms
            .as_ref()
            .is_some_and(|fields| row_forms::on_create(fields, parts.direction, &mut self.reader));
        let wins =
            forms.as_ref().and_then(|fields| row_forms::wins(fields, told, &mut self.reader));
        if let (Some(_), Some(Policy::Prefer(_) | Policy::OnlyFrom(_))) = (&wins, &said.policy) {
            self.reader
                .error(
                    codes::CONTRADICTION,
                    &node.span,
                    "`wins` and `prefer` or `only_from` can't both hold",
                )
                .set_help("keep the one that is meant");
        }
        said.policy = wins.map(Policy::Wins).or(said.policy);
        let (from_cell, to_cell) =
            (row::path_cell(&text[parts.from.clone()]), row::path_cell(&text[parts.to.clone()]));
        let (from_span, to_span) =
            (self.part(text, &span, &parts.from), self.part(text, &span, &parts.to));
        let pair = (
            self.reader.property(&from_cell, &from_span),
            self.reader.property(&to_cell, &to_span),
        );
        let cells = PropertyRow { from: from_cell, to: to_cell, type_cell };
        let (from, to) = row_texts(&cells);
        tables.property_cells.push(cells);
        let row = SettingRow { is_match: false, number: tables.property_cells.len(), from, to };
        tables.settings.extend(own.into_iter().map(|(key, value)| Setting {
            row: Some(row.clone()),
            key,
            value,
        }));
        tables.directions.push(parts.direction);
        let ((Some(from), Some(to)), Ok(conversion)) = (pair, conversion) else { return };
        let places = self.pair_places(&span, &from_span, &to_span, type_span);
        let policy =
            cells::policy(said.policy.as_ref(), flow.policy.as_ref(), &self.policies.prefer);
        let clears = said.clears.or(flow.clears).unwrap_or(self.policies.clears);
        let direction = parts.direction;
        tables.properties.push((
            PropertyPair {
                from,
                to,
                direction,
                conversion,
                policy,
                clears,
                kind,
                on_create,
                group: None,
            },
            places,
        ));
    }

    /// `set: source, to: shop`: a property of the target that is given a constant. It comes from
    /// the source's own id, which every record has, by a conversion that looks at nothing.
    fn set_row(
        &mut self,
        node: &Node,
        (from_system, flow): (Option<&str>, &Said),
        tables: &mut Tables,
    ) {
        let Some(fields) = self.reader.fields::<written::SetRowYaml>(node, "a row with `set`")
        else {
            return;
        };
        let Some(set) = self.reader.required(&fields, "set", "a row with `set`", "sync_source")
        else {
            return;
        };
        let (Some(text), Some(constant)) = (
            self.reader.text(set, "`set`"),
            self.reader.required(&fields, "to", "a row with `set`", "shop"),
        ) else {
            return;
        };
        let on_create =
            fields.get("on").and_then(|node| self.reader.word::<written::OnWord>(node, "`on`"))
                != Some("always");
        let list = vec![Value::from("literal"), constant.to_json()];
        let Ok(conversion) = Conversion::parse(&Value::Array(list.clone())) else {
            self.reader.error(codes::CONVERSION, &constant.span, "this is no constant");
            return;
        };
        let (from_cell, to_cell) = (row::path_cell(OWN_ID), row::path_cell(text));
        let (Some(from), Some(to)) = (
            self.reader.property(&from_cell, &set.span),
            self.reader.property(&to_cell, &set.span),
        ) else {
            return;
        };
        let cells = PropertyRow {
            from: from_cell,
            to: to_cell,
            type_cell: TypeCell::Conversion { list, repaired: false },
        };
        let (from_text, to_text) = row_texts(&cells);
        tables.property_cells.push(cells);
        let row = SettingRow {
            is_match: false,
            number: tables.property_cells.len(),
            from: from_text,
            to: to_text,
        };
        let (key, value) = match on_create {
            true => ("on", Value::from("create")),
            false => ("only_from", Value::from(from_system.unwrap_or_default())),
        };
        tables.settings.push(Setting { row: Some(row), key: key.into(), value });
        tables.directions.push(Direction::Forward);
        let policy = match from_system {
            Some(system) if !on_create => Policy::OnlyFrom(system.to_string()),
            _ => cells::policy(None, flow.policy.as_ref(), &self.policies.prefer),
        };
        let pair = PropertyPair {
            direction: Direction::Forward,
            conversion: Some(conversion),
            policy,
            clears: flow.clears.unwrap_or(self.policies.clears),
            on_create,
            ..PropertyPair::equal(from, to)
        };
        let places =
            self.pair_places(&node.span, &set.span, &set.span, Some(constant.span.clone()));
        tables.properties.push((pair, places));
    }

    fn pair_places(
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
        }
    }

    /// Where in the source a part of a text stands; the whole where quotes or folded lines stand in
    /// between.
    fn part(&self, text: &str, span: &Range<usize>, part: &Range<usize>) -> Range<usize> {
        match self.offset(text, span) {
            Some(start) => start + part.start..start + part.end,
            None => span.clone(),
        }
    }

    /// Where in the source a text begins that stands there as it is, in quotes or not.
    fn offset(&self, text: &str, span: &Range<usize>) -> Option<usize> {
        let written = self.reader.source.text.get(span.clone())?;
        written.find(text).map(|at| span.start + at)
    }
}

pub(crate) fn deletes_of(word: &str) -> Deletes {
    match word {
        "propagate" => Deletes::Propagate,
        "review" => Deletes::Review,
        _ => Deletes::Ignore,
    }
}

/// What a row says for itself, where it is a mapping.
fn own_settings<'n>(
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

/// What a flow says that no statement of a document does.
fn flow_settings(fields: &Fields<'_>) -> Vec<Setting> {
    let mut settings = Vec::new();
    match fields.get("create").map(|node| &node.value) {
        Some(Yaml::Map(entries)) => {
            let filter = entries.iter().find(|(key, node)| key.text == "filter" && !node.is_null());
            settings.extend(filter.map(|(_, node)| Setting::of_flow("filter", node.to_json())));
        }
        Some(Yaml::Text { text, .. }) if !matches!(text.as_str(), "always" | "never") => {
            settings.push(Setting::of_flow("create", text.as_str().into()));
        }
        _ => {}
    }
    let stated = ["from", "to", "create", "match", "properties", "called", "statements"];
    settings.extend(
        fields.others(&stated).map(|(key, node)| Setting::of_flow(&key.text, node.to_json())),
    );
    settings
}

/// The type cell that a value stands for.
fn type_cell(node: &Node) -> TypeCell {
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

/// The first key of a file that is a flow, and not a list of them.
fn bare_flow(root: &Node) -> Option<&Key> {
    let Yaml::Map(entries) = &root.value else { return None };
    let key = |text: &str| entries.iter().map(|(key, _)| key).find(|key| key.text == text);
    key("flows").map_or_else(
        || key("from").and(key("to")).and(entries.first().map(|(first, _)| first)),
        |_| None,
    )
}

/// The type cell that a text stands for: a name needs no quotation marks in a flow file.
fn named_type(text: &str) -> TypeCell {
    let is_name =
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if is_name { TypeCell::Plain(text.to_string()) } else { TypeCell::parse(text) }
}

/// The place of a part of a nested list.
fn within(node: &Node, place: &[usize]) -> Range<usize> {
    match (place.split_first(), &node.value) {
        (Some((at, rest)), Yaml::List(items)) if *at < items.len() => within(&items[*at], rest),
        _ => node.span.clone(),
    }
}
