//! Flow files: from YAML to sections.
//!
//! Every problem of a file is told. What can't be understood is left out and the rest is kept, so
//! that checking against the schemas finds its problems in the same go.

use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use lockstep_document::{
    Draft, DraftSection, Introduction, MatchPair, MatchRow as MatchCells, Setting, SettingRow,
    StatementKind, default_introduction,
};
use lockstep_model::flow::{Ceases, Deletes, Extra};
use lockstep_model::{Create, Direction, Flow, Kind, MatchRow, TypeName};

use crate::codes;
use crate::fields::Fields;
use crate::flow_reader::{FlowReader, Tables, own_settings, type_cell, within};
use crate::names::Names;
use crate::problem::{Problem, Reader, Severity};
use crate::project::Policies;
use crate::row;
use crate::row_forms::SharedMaps;
use crate::row_groups::is_group;
use crate::row_lists;
use crate::section::{
    FlowFile, FlowPlaces, Section, called_otherwise, direction_word, is_in_sync, match_texts,
    row_texts, usual_statements,
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
        self.maps.tell_unused(&mut self.reader);
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
        let said = self.said(&fields, !self.policies.prefer.is_empty());
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
            match is_group(row) {
                true => self.row_group(row, (system, &said), &mut tables),
                false => self.property_row(row, (system, &said), &mut tables),
            }
        }
        self.whole_groups(&tables);
        if tables.property_cells.is_empty()
            && lists.is_empty()
            && self.reader.errors() == errors_before
        {
            self.policies_of_no_row(&fields);
        }
        let only = fields.get("only").and_then(|node| self.filter(node, "`only`"));
        let only_to = fields.get("only_to").and_then(|node| self.filter(node, "`only_to`"));
        let ceases = fields
            .get("ceases")
            .and_then(|node| self.reader.word::<written::Ceases>(node, "`ceases`"));
        self.ceases_without_only(&fields);
        let extra = fields
            .get("extra")
            .and_then(|node| self.reader.word::<written::Extra>(node, "`extra`"));
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

        let key =
            fields.get("key").map(|node| self.element_key(node, &from, &to)).unwrap_or_default();
        let (create, connected) = match &create {
            Some((Some((create, connected)), _)) => (create.clone(), connected.clone()),
            _ => (Create::Never, Vec::new()),
        };
        let place = self.reader.place(&self.reader.first_line(&item.span));
        let place_of = |key: &str| fields.get(key).map(|node| self.reader.place(&node.span));
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
            extra: match extra {
                Some("review") => Extra::Review,
                Some("delete") => Extra::Delete,
                _ => Extra::Ignore,
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
            only: ["only", "only_to"].map(place_of),
            create_empty: place_of("create_empty"),
            duplicates: place_of("duplicates"),
            key: place_of("key"),
            extra: fields
                .entry("extra")
                .map(|(key, node)| self.reader.place(&(key.span.start..node.span.end))),
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
        // A constant comes from no side.
        let constants: Vec<usize> = settings
            .iter()
            .filter(|setting| setting.key == "set")
            .filter_map(|setting| setting.row.as_ref().map(|row| row.number))
            .collect();
        let other_ways =
            tables.directions.iter().zip(cells).enumerate().filter(|(at, (direction, _))| {
                **direction != usual_way && !constants.contains(&(at + 1))
            });
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
            if matches!(&connected.value, Yaml::List(items) if items.is_empty()) {
                self.reader
                    .error(
                        codes::WITHOUT_EFFECT,
                        &connected.span,
                        "`when_connected_to` names no record type, so nothing is created",
                    )
                    .set_help("name one: `[crm.Companies]`; or say `create: never`");
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

    /// What a flow says for all of its rows, where it has none (G10).
    fn policies_of_no_row(&mut self, fields: &Fields<'_>) {
        for word in ["prefer", "only_from", "clears"] {
            let Some((key, _)) = fields.entry(word).filter(|(_, node)| !node.is_null()) else {
                continue;
            };
            self.reader
                .warning(
                    codes::WITHOUT_EFFECT,
                    &key.span,
                    format!(
                        "`{word}` has no effect: it is about the rows of this flow, which has none"
                    ),
                )
                .set_help("say it on the flow that has the rows, or leave it out");
        }
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
                whole &= self.is_of_the_record((text, &span), &from, "a match row")
                    && self.is_of_the_record((text, &span), &to, "a match row");
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
}

pub(crate) fn deletes_of(word: &str) -> Deletes {
    match word {
        "propagate" => Deletes::Propagate,
        "review" => Deletes::Review,
        _ => Deletes::Ignore,
    }
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

/// The first key of a file that is a flow, and not a list of them.
fn bare_flow(root: &Node) -> Option<&Key> {
    let Yaml::Map(entries) = &root.value else { return None };
    let key = |text: &str| entries.iter().map(|(key, _)| key).find(|key| key.text == text);
    key("flows").map_or_else(
        || key("from").and(key("to")).and(entries.first().map(|(first, _)| first)),
        |_| None,
    )
}
