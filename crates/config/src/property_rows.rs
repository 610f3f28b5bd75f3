//! Rows of the property table: `Name <-> name`, with settings, and values that are set.

use lockstep_document::{PathCell, PropertyRow, Setting, SettingRow, TypeCell};
use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::OWN_ID;
use lockstep_model::{Conversion, Direction, Kind, Policy, PropertyPair, Value};

use crate::aggregates;
use crate::cells;
use crate::codes;
use crate::flow_reader::{FlowReader, Said, Tables, named_type, own_settings, type_cell, within};
use crate::row;
use crate::row_forms;
use crate::section::row_texts;
use crate::written;
use crate::yaml::{Node, Yaml};

/// What a document's table has in the first cell of a row that sets a constant. Which one it is
/// says a sentence.
const CONSTANT: &str = "(constant)";

impl FlowReader<'_> {
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
            Yaml::Map(_) => {
                let Some(fields) =
                    self.reader.fields::<written::PropertyRowSettingsYaml>(node, "a row")
                else {
                    return;
                };
                let beyond = flow.policy.is_some() || !self.policies.prefer.is_empty();
                said = self.said(&fields, beyond);
                // A map may be named here and written elsewhere.
                own = own_settings(node, &["row", "type", "map"]).collect();
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
        let mut parts = match row::property_row(text) {
            Ok(parts) => parts,
            Err(help) => {
                self.reader.error(codes::ROW, &span, "this is no property row").set_help(help);
                return;
            }
        };
        let Ok(operation) = aggregates::take(text, &span, &mut parts, &mut self.reader) else {
            return;
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
        let whole = conversion.and_then(|conversion| {
            aggregates::with_operation(
                operation,
                forms.as_ref(),
                (&span, parts.direction),
                &mut self.reader,
                (type_cell.clone(), conversion),
            )
        });
        let (type_cell, conversion) = match whole {
            Ok((cell, conversion)) => (cell, Ok(conversion)),
            Err(()) => (type_cell, Err(())),
        };
        let conversion = match (&forms, conversion) {
            (Some(fields), Ok(conversion)) => {
                let with = row_forms::with_values(fields, &self.maps, &mut self.reader, conversion);
                with.map(|(conversion, pairs)| {
                    own.splice(0..0, pairs.map(|pairs| ("map".to_string(), pairs)));
                    conversion
                })
            }
            (_, conversion) => conversion,
        };
        let told = (parts.direction, conversion.as_ref().ok().and_then(Option::as_ref));
        let on_create = forms
            .as_ref()
            .is_some_and(|fields| row_forms::on_create(fields, parts.direction, &mut self.reader));
        let wins =
            forms.as_ref().and_then(|fields| row_forms::wins(fields, told, &mut self.reader));
        let each = forms
            .as_ref()
            .is_some_and(|fields| row_forms::each(fields, flow.policy.as_ref(), &mut self.reader));
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
        let back = self.back(forms.as_ref(), parts.direction);
        if let (Ok(Some(_)), Some(fields)) = (&back, &forms) {
            self.is_taken_back(fields, from, said.policy.as_ref().or(flow.policy.as_ref()));
        }
        let from = self.row_end((text, &span), &parts.from);
        let to = self.row_end((text, &span), &parts.to);
        let one_way = self.follows_one_way([&from, &to], parts.direction, &span);
        own.extend(from.setting(""));
        own.extend(to.setting("_to"));
        let both = (
            conversion.as_ref().ok().and_then(Option::as_ref),
            back.as_ref().ok().and_then(Option::as_ref),
        );
        let combines = self.combines_well(
            [&from, &to],
            (parts.direction, both.0, both.1),
            forms.as_ref(),
            &span,
        );
        let (from_span, to_span) = (from.span, to.span);
        let pair = (from.property.filter(|_| one_way && combines), to.property);
        let cells = PropertyRow { from: from.cell, to: to.cell, type_cell };
        let (from, to) = row_texts(&cells);
        tables.property_cells.push(cells);
        let row = SettingRow { is_match: false, number: tables.property_cells.len(), from, to };
        tables.settings.extend(own.into_iter().map(|(key, value)| Setting {
            row: Some(row.clone()),
            key,
            value,
        }));
        tables.directions.push(parts.direction);
        let ((Some(from), Some(to)), Ok(conversion), Ok(back)) = (pair, conversion, back) else {
            return;
        };
        let mut places = self.pair_places(&span, &from_span, &to_span, type_span);
        if let (None, Some(fields)) = (&places.conversion, &forms) {
            places.conversion = row_forms::values_span(fields).map(|span| self.reader.place(&span));
        }
        let back_node = forms.as_ref().and_then(|fields| fields.get("back"));
        places.back = back_node.map(|node| self.reader.place(&node.span));
        let policy = match each {
            true => Policy::Latest,
            false => {
                cells::policy(said.policy.as_ref(), flow.policy.as_ref(), &self.policies.prefer)
            }
        };
        let clears = said.clears.or(flow.clears).unwrap_or(self.policies.clears);
        let direction = parts.direction;
        tables.properties.push((
            PropertyPair {
                from,
                to,
                direction,
                conversion,
                back,
                policy,
                clears,
                kind,
                on_create,
                group: None,
                each,
            },
            places,
        ));
    }

    /// A row that gives a new record nothing (G10).
    fn sets_nothing(&mut self, constant: &Node) {
        let message = "the row has no effect: a record is created without a value there anyway";
        self.reader
            .error(codes::WITHOUT_EFFECT, &constant.span, message)
            .set_help("say a value; or `on: always`, where what somebody puts in is to be removed");
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
        if on_create && row_forms::is_blank(constant) {
            return self.sets_nothing(constant);
        }
        let list = vec![Value::from("literal"), constant.to_json()];
        let Ok(conversion) = Conversion::parse(&Value::Array(list)) else {
            self.reader.error(codes::CONVERSION, &constant.span, "this is no constant");
            return;
        };
        let (from_cell, to_cell) = (PathCell::new(CONSTANT), row::path_cell(text));
        let own = self.is_of_the_record((text, &set.span), &(0..text.len()), "`set`");
        let to = self.reader.property(&to_cell, &set.span).filter(|_| own);
        let (from, Some(to)) = (PropertyRef::new(OWN_ID), to) else { return };
        let cells = PropertyRow { from: from_cell, to: to_cell, type_cell: TypeCell::Empty };
        let (from_text, to_text) = row_texts(&cells);
        tables.property_cells.push(cells);
        let row = SettingRow {
            is_match: false,
            number: tables.property_cells.len(),
            from: from_text,
            to: to_text,
        };
        let on = if on_create { "create" } else { "always" };
        for (key, value) in [("set", constant.to_json()), ("on", on.into())] {
            tables.settings.push(Setting { row: Some(row.clone()), key: key.into(), value });
        }
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
}
