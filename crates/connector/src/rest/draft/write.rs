//! A record type of a draft, as a manifest has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::access::Settings;
use super::describe::{Body, Description, Form, Parameter, Shape};
use super::fields::{Property, Reading, Taken, Target};
use super::types::{self, Type};
use super::words::{self, no_template, quoted};
use super::{path, shape};

/// What all record types of a draft share.
pub struct Draft<'a> {
    pub api: Description<'a>,
    pub targets: Vec<Target>,
    /// Parameters of paths that are settings, by their name in paths.
    pub of_paths: BTreeMap<String, String>,
}

/// A request of a draft that writes.
struct Writing<'a> {
    method: &'static str,
    item: &'a Value,
    operation: &'a Value,
    body: Option<Body<'a>>,
}

/// What was seen of a record type, before it is written.
struct Seen<'a, 'd> {
    draft: &'d Draft<'a>,
    ty: &'d Type<'a>,
    /// The record: as `get` shows it, where that is more than the list says.
    record: &'a Value,
    /// The list shows less than `get`: each record is read by itself.
    each: bool,
    get: Option<&'a Value>,
    create: Option<Writing<'a>>,
    update: Option<Writing<'a>>,
    delete: bool,
    names: Vec<&'a str>,
    query: Vec<Parameter<'a>>,
}

/// The lines of a record type; `settings` gets what its requests need of a person.
pub fn record_type(draft: &Draft<'_>, ty: &Type<'_>, settings: &mut Settings) -> String {
    let seen = Seen::of(draft, ty);
    let takes = |writing: &Option<Writing<'_>>| seen.takes(writing.as_ref()?);
    let (created, updated) = (takes(&seen.create), takes(&seen.update));
    let parent = ty.parents.as_ref().and_then(|parents| seen.target_of(&parents.path));
    let reading = Reading {
        api: &draft.api,
        targets: &draft.targets,
        create: created.as_ref(),
        update: updated.as_ref(),
        id: &ty.id,
        parent: parent.as_deref(),
    };
    let properties = reading.properties(seen.record);
    let mut out = String::new();
    let _ = writeln!(out, "  {}:", quoted(&ty.name));
    let guess = if ty.id_is_guess { "    # ? by its name" } else { "" };
    let _ = writeln!(out, "    id: {}{guess}", quoted(&ty.id));
    seen.head(&properties, &mut out);
    property_lines(&properties, &mut out);
    if let Some(created) = &created {
        for name in created.required.iter().filter(|name| {
            **name != ty.id
                && !properties.iter().any(|known| {
                    known.path == **name || known.path.starts_with(&format!("{name}."))
                })
        }) {
            let _ = writeln!(
                out,
                "      # ? a creation needs {}, which no record shows: say it under `defaults` of `create`",
                words::in_a_comment(name)
            );
        }
    }
    seen.lists(&properties, settings, &mut out);
    seen.single(&properties, settings, &mut out);
    seen.writes(settings, &mut out);
    out
}

fn property_lines(properties: &[Property], out: &mut String) {
    if properties.is_empty() {
        out.push_str("    properties: {}    # the description does not say what a record has\n");
        return;
    }
    out.push_str("    properties:\n");
    for property in properties {
        let guess = match property.guess.is_empty() {
            true => String::new(),
            false => format!("    # ? {}", property.guess.join("; ")),
        };
        let said = property.words.join(", ");
        let said = if said.is_empty() { "{}".into() } else { format!("{{ {said} }}") };
        let _ = writeln!(out, "      {}: {said}{guess}", quoted(&property.path));
    }
}

impl<'a, 'd> Seen<'a, 'd> {
    fn of(draft: &'d Draft<'a>, ty: &'d Type<'a>) -> Seen<'a, 'd> {
        let api = &draft.api;
        let one = ty.one.as_ref().map_or(&Value::Null, |(_, _, item)| *item);
        let names = |schema: &'a Value| -> Vec<&'a str> {
            api.fields(schema).all.iter().map(|field| field.name).collect()
        };
        let of_row = names(ty.row);
        let wanted: Vec<&str> =
            if of_row.is_empty() { vec![ty.id.as_str()] } else { of_row.clone() };
        let shows = |get: &&'a Value| {
            let answer = api.answer(get);
            let found = shape::record_in(api, answer, &wanted);
            answer.is_null()
                || found.is_some_and(|(_, record)| api.fields(record).get(&ty.id).is_some())
        };
        let get = one.get("get").filter(shows);
        let shown = get.and_then(|get| shape::record_in(api, api.answer(get), &wanted));
        let more = shown.as_ref().filter(|(_, record)| {
            let fields = api.fields(record);
            fields.get(&ty.id).is_some()
                && of_row.len() < fields.all.len()
                && 4 * of_row.len() < 3 * fields.all.len()
        });
        let record = more.map_or(ty.row, |(_, record)| record);
        let known = names(record);
        let writing = |item: &'a Value, word: &str, method: &'static str| {
            let operation = item.get(word)?;
            let body = api.body(item, operation).filter(|body| {
                body.untold
                    || body.form == Form::JsonPatch
                    || api.shape(body.schema) != Shape::Array
            });
            Some(Writing { method, item, operation, body })
        };
        let update = writing(one, "patch", "PATCH")
            .or_else(|| writing(one, "put", "PUT"))
            .or_else(|| writing(one, "post", "POST"));
        let made_at = ty.at.as_ref().map_or(ty.item, |(_, item)| *item);
        let create = writing(made_at, "post", "POST").or_else(|| writing(made_at, "put", "PUT"));
        let query = types::query(api, ty);
        let each = more.is_some()
            && fields_parameter(&query, api, &known).is_none()
            && ty.parents.is_none();
        Seen {
            draft,
            ty,
            record,
            each,
            get,
            create,
            update,
            delete: one.get("delete").is_some(),
            names: known,
            query,
        }
    }

    fn api(&self) -> &'d Description<'a> {
        &self.draft.api
    }

    /// What a body takes of a record.
    fn takes(&self, writing: &Writing<'a>) -> Option<Taken> {
        let body = writing.body.as_ref().filter(|body| body.form != Form::JsonPatch)?;
        let (_, schema) = shape::record_in(self.api(), body.schema, &self.names)?;
        Some(Taken::by(self.api(), schema))
    }

    fn target_of(&self, written: &str) -> Option<String> {
        let noun = words::plain(path::Path::of(written).steps().last()?);
        let target = self.draft.targets.iter().find(|target| target.noun == noun)?;
        (target.name != self.ty.name).then(|| target.name.clone())
    }

    /// Whether an update names the version that was read.
    fn locks(&self) -> bool {
        let can_be_refused = self.update.as_ref().is_some_and(|update| {
            let asks = self.api().parameters(update.item, update.operation);
            update.operation["responses"].get("412").is_some()
                || asks.iter().any(|p| p.place == "header" && words::plain(&p.name) == "ifmatch")
        });
        can_be_refused && self.get.is_some()
    }

    fn head(&self, properties: &[Property], out: &mut String) {
        let api = self.api();
        if self.locks() {
            out.push_str("    version: $etag    # ? updates can be refused by it\n");
        }
        if let Some(at) = shape::time_of(api, self.record, words::is_change_time) {
            let _ = writeln!(out, "    modified: {}    # ? by its name", quoted(&at));
        }
        if let Some(at) = shape::time_of(api, self.record, words::is_creation_time)
            && properties.iter().any(|property| property.path == at)
        {
            let _ = writeln!(out, "    created: {}    # ? by its name", quoted(&at));
        }
        let marks = |p: &&Property| {
            matches!(words::plain(&p.path).as_str(), "isdeleted" | "deleted")
                && p.shape == Shape::Boolean
        };
        if let Some(mark) = properties.iter().find(marks) {
            let _ = writeln!(
                out,
                "    deleted: {{ at: {}, is: [true] }}    # ? by its name",
                quoted(&mark.path)
            );
        }
        out.push_str("    absent-is-empty: true    # ?\n");
    }

    /// A path with what stands for its parameters.
    fn at(&self, path: &path::Path, settings: &mut Settings) -> String {
        let one = self.ty.one.as_ref().map(|(_, name, _)| name.as_str());
        let parent = self.ty.parents.as_ref().map(|parents| parents.parameter.as_str());
        for name in path.parameters() {
            if let Some(own) = self.draft.of_paths.get(name).filter(|_| Some(name) != one) {
                let what = format!("`{name}` in the addresses of the API");
                settings
                    .entry(own.clone())
                    .or_insert_with(|| format!("what: {}", quoted(&no_template(&what))));
            }
        }
        let written = path.written(|name| {
            let variable = match name {
                name if self.ty.one.is_some() && one == Some(name) => "id".to_string(),
                name if parent == Some(name) => "parent".to_string(),
                name => {
                    self.draft.of_paths.get(name).cloned().unwrap_or_else(|| words::setting(name))
                }
            };
            format!("{{{{ {variable} | url }}}}")
        });
        quoted(&written)
    }

    fn lists(&self, properties: &[Property], settings: &mut Settings, out: &mut String) {
        let paging = Paging::of(self.api(), &self.query, self.api().answer(self.ty.list));
        let mut query = paging.query.clone();
        for needed in self.query.iter().filter(|parameter| parameter.required) {
            if !query.iter().any(|(known, ..)| *known == needed.name) {
                query.push((needed.name.clone(), value_of(needed, settings), ""));
            }
        }
        if let Some(fields) = fields_parameter(&self.query, self.api(), &self.names) {
            query.retain(|(known, ..)| *known != fields.name);
            let listed = listed_fields(fields, properties, &self.ty.id);
            query.push((fields.name.clone(), listed, ""));
        }
        let path = self.at(&self.ty.path, settings);
        let _ = write!(out, "    list:\n{}", self.list(&path, &query, "", &paging));
        let Some((name, value, in_header)) = self.since() else { return };
        let mut headers = String::new();
        if in_header {
            headers = format!(", headers: {{ {}: {} }}", quoted(&name), in_quotes(&value));
        } else {
            query.retain(|(known, ..)| *known != name);
            query.push((name, value, ""));
        }
        let changes = self.list(&path, &query, &headers, &paging);
        let _ = write!(out, "    changes:    # ?\n{changes}      overlap-s: 5\n");
        self.gone(settings, out);
    }

    fn list(
        &self,
        path: &str,
        query: &[(String, String, &str)],
        headers: &str,
        paging: &Paging,
    ) -> String {
        let guess = query.iter().map(|(.., guess)| *guess).find(|guess| !guess.is_empty());
        let guess = guess.map(|guess| format!("    # ? {guess}")).unwrap_or_default();
        let items = self.ty.items.as_ref();
        let items = items.map(|at| format!("      items: {}\n", quoted(at))).unwrap_or_default();
        let id = quoted(&self.ty.id);
        let each = match self.each {
            true => format!("      each-id: {id}    # ? the list shows less than `get`\n"),
            false => String::new(),
        };
        let (query, parents) = (in_query(query), self.parents());
        format!(
            "      request: {{ path: {path}{query}{headers} }}{guess}\n{items}      paging: {}\n{each}{parents}",
            paging.words,
        )
    }

    /// How what changed is asked for: a parameter, its value, and whether it is a header.
    fn since(&self) -> Option<(String, String, bool)> {
        let api = self.api();
        let asks =
            |p: &&Parameter<'_>| words::is_since(&p.name) && api.shape(p.schema) != Shape::Boolean;
        if let Some(asked) = self.query.iter().find(asks) {
            let unix = matches!(api.shape(asked.schema), Shape::Integer | Shape::Number);
            let value = if unix { "{{ since_unix }}" } else { "{{ since }}" };
            return Some((asked.name.clone(), value.into(), false));
        }
        let header = api
            .parameters(self.ty.item, self.ty.list)
            .into_iter()
            .find(|p| p.place == "header" && words::plain(&p.name) == "ifmodifiedsince");
        if let Some(header) = header {
            return Some((header.name, "{{ since }}".into(), true));
        }
        // OData: any property may be asked for.
        let odata = self.query.iter().find(|p| p.name == "$filter")?;
        let modified = shape::time_of(api, self.record, words::is_change_time)?;
        let asked = format!("{} ge {{{{ since }}}}", no_template(&modified));
        Some((odata.name.clone(), asked, false))
    }

    /// What was deleted, where a list beside this one shows it and can be asked since when.
    fn gone(&self, settings: &mut Settings, out: &mut String) {
        let Some((written, list)) = self.ty.gone else { return };
        let api = self.api();
        let item = api.paths().and_then(|paths| paths.get(written)).unwrap_or(&Value::Null);
        let Some(listing) = shape::list_in(api, api.answer(list), "deleted") else { return };
        let asked = api.parameters(item, list);
        let since = asked
            .iter()
            .find(|p| words::is_since(&p.name) || words::plain(&p.name) == "ifmodifiedsince");
        let (Some(since), Some((id, _))) = (since, shape::id_of(api, listing.row, "", None)) else {
            return;
        };
        let query: Vec<Parameter<'_>> =
            asked.iter().filter(|p| p.place == "query").cloned().collect();
        let mut paging = Paging::of(api, &query, api.answer(list));
        for needed in query.iter().filter(|parameter| parameter.required) {
            paging.query.push((needed.name.clone(), value_of(needed, settings), ""));
        }
        let mut headers = String::new();
        if since.place == "header" {
            headers = format!(", headers: {{ {}: \"{{{{ since }}}}\" }}", quoted(&since.name));
        } else {
            paging.query.push((since.name.clone(), "{{ since }}".into(), ""));
        }
        let items = listing.at.map(|at| format!(", items: {}", quoted(&at))).unwrap_or_default();
        let path = self.at(&path::Path::of(written), settings);
        let _ = writeln!(
            out,
            "    gone: {{ request: {{ path: {path}{}{headers} }}{items}, paging: {}, id: {} }}    # ?",
            in_query(&paging.query),
            paging.words,
            quoted(&id)
        );
    }

    fn parents(&self) -> String {
        let Some(parents) = &self.ty.parents else { return String::new() };
        let Some(target) =
            path::Path::of(&parents.path).steps().last().map(|step| words::plain(step))
        else {
            return String::new();
        };
        let id = self
            .draft
            .targets
            .iter()
            .find(|known| known.noun == target)
            .map_or("id", |known| known.id.as_str());
        let item =
            self.api().paths().and_then(|paths| paths.get(&parents.path)).unwrap_or(&Value::Null);
        let answer = self.api().answer(&item["get"]);
        let mut query = self.api().parameters(item, &item["get"]);
        query.retain(|p| p.place == "query");
        let paging = Paging::of(self.api(), &query, answer);
        let items = shape::list_in(self.api(), answer, &target).and_then(|list| list.at);
        let items = items.map(|items| format!(", items: {}", quoted(&items))).unwrap_or_default();
        let asked = in_query(&paging.query);
        let path = path::Path::of(&parents.path).written(|name| {
            let own =
                self.draft.of_paths.get(name).cloned().unwrap_or_else(|| words::setting(name));
            format!("{{{{ {own} | url }}}}")
        });
        format!(
            "      parents: {{ request: {{ path: {}{asked} }}{items}, paging: {}, id: {} }}\n",
            quoted(&path),
            paging.words,
            quoted(id)
        )
    }

    fn single(&self, properties: &[Property], settings: &mut Settings, out: &mut String) {
        let Some((path, ..)) = self.ty.one.as_ref() else {
            return self.finds(properties, settings, out);
        };
        if let Some(get) = self.get {
            let at = self.at(path, settings);
            let found = shape::record_in(self.api(), self.api().answer(get), &self.names);
            // A list of one: the interpreter takes its first.
            let place = found.map(|(place, _)| place).unwrap_or_default();
            let place = place.strip_suffix('0').unwrap_or(&place).trim_end_matches('.');
            let item = match place {
                "" => String::new(),
                place => format!(", item: {}", quoted(place)),
            };
            let _ = writeln!(out, "    get: {{ request: {{ path: {at} }}{item} }}");
        }
        self.finds(properties, settings, out);
    }

    fn finds(&self, properties: &[Property], settings: &mut Settings, out: &mut String) {
        if self.each || self.ty.parents.is_some() {
            return;
        }
        let path = self.at(&self.ty.path, settings);
        let items = self
            .ty
            .items
            .as_ref()
            .map(|items| format!(", item: {}", quoted(items)))
            .unwrap_or_default();
        let odata = self.query.iter().any(|p| p.name == "$filter");
        let plain = |property: &Property| words::plain(&property.path);
        let mut lines = Vec::new();
        for property in
            properties.iter().filter(|p| matches!(p.shape, Shape::Text | Shape::Integer))
        {
            let asked = self.query.iter().find(|p| words::plain(&p.name) == plain(property));
            let other =
                |word: &String| word.starts_with("type: date") || word.starts_with("reference");
            let of_another = {
                let words = words::tokens(&property.path);
                words.last().is_some_and(|last| last == "id")
                    && !words.iter().any(|word| matches!(word.as_str(), "external" | "foreign"))
            };
            let other = of_another || property.code || property.words.iter().any(other);
            if let Some(asked) = asked.filter(|_| !other) {
                lines.push(format!("      {}: {{ request: {{ path: {path}, query: {{ {}: \"{{{{ value }}}}\" }} }}{items} }}", quoted(&property.path), quoted(&asked.name)));
            } else if odata
                && property.shape == Shape::Text
                && matches!(plain(property).as_str(), "email" | "number" | "code" | "externalid")
            {
                let filter =
                    format!("{} eq '{{{{ value | quoted }}}}'", no_template(&property.path));
                lines.push(format!("      {}: {{ request: {{ path: {path}, query: {{ \"$filter\": {} }} }}{items} }}", quoted(&property.path), in_quotes(&filter)));
            }
        }
        if !lines.is_empty() {
            let _ = writeln!(out, "    find:    # ?\n{}", lines.join("\n"));
        }
    }

    /// Where the record lies in a body and in an answer, and what of that is a guess.
    fn wraps(&self, writing: &Writing<'a>, creates: bool) -> (String, Option<&'static str>) {
        let (mut said, mut guess) = (String::new(), None);
        let in_body = writing.body.as_ref().filter(|body| body.form != Form::JsonPatch);
        let place = in_body
            .and_then(|body| shape::record_in(self.api(), body.schema, &self.names))
            .map(|(place, _)| place);
        if let Some(place) = place.filter(|place| !place.is_empty()) {
            let _ = write!(said, ", wrap: {}", quoted(&place));
        }
        let answer = self.api().answer(writing.operation);
        let shown = shape::record_in(self.api(), answer, &self.names);
        let whole = shown.as_ref().filter(|(_, record)| {
            let fields = self.api().fields(record);
            fields.get(&self.ty.id).is_some() && 2 * fields.all.len() >= self.names.len().min(6)
        });
        if let Some((place, _)) = whole {
            if !place.is_empty() {
                let _ = write!(said, ", item: {}", quoted(place));
            }
        } else if creates {
            let id = shape::record_in(self.api(), answer, &[self.ty.id.as_str(), "id"]);
            if let Some((place, record)) = id {
                let name = if self.api().fields(record).get(&self.ty.id).is_some() {
                    self.ty.id.as_str()
                } else {
                    guess = Some("the new record's id is seen by its name");
                    "id"
                };
                let at =
                    if place.is_empty() { name.to_string() } else { format!("{place}.{name}") };
                let _ = write!(said, ", id-at: {}", quoted(&at));
            } else {
                guess = Some("where the answer has the new record's id is not described");
            }
        } else {
            guess = Some("the answer is not described as showing the record");
            said.push_str(", item: none");
        }
        (said, guess)
    }

    fn writes(&self, settings: &mut Settings, out: &mut String) {
        if let Some(create) = &self.create {
            let path = self.ty.at.as_ref().map_or(&self.ty.path, |(path, _)| path);
            let path = self.at(path, settings);
            match &create.body {
                None => drop(writeln!(
                    out,
                    "    # POST {} takes no JSON and no form: no `create`",
                    words::in_a_comment(self.ty.written)
                )),
                Some(body) => {
                    let form = if body.form == Form::Fields { ", encoding: form" } else { "" };
                    let (wraps, guess) = self.wraps(create, true);
                    let by_put = (create.method == "PUT").then_some("a PUT creates a record");
                    let _ = writeln!(
                        out,
                        "    create: {{ request: {{ method: {}, path: {path}{form} }}{wraps} }}{}",
                        create.method,
                        marked([untold(body), by_put, guess]),
                    );
                }
            }
        }
        let Some((path, ..)) = self.ty.one.as_ref() else { return };
        let at = self.at(path, settings);
        if let Some(update) = self.update.as_ref() {
            self.update(update, &at, out);
        }
        if self.delete {
            let _ = writeln!(out, "    delete: {{ method: DELETE, path: {at} }}");
        }
    }

    fn update(&self, update: &Writing<'a>, at: &str, out: &mut String) {
        let Some(body) = &update.body else {
            let _ = writeln!(
                out,
                "    # {} of one record takes no JSON and no form: no `update`",
                update.method
            );
            return;
        };
        let lock = if self.locks() { ", headers: { If-Match: \"{{ version }}\" }" } else { "" };
        let form = if body.form == Form::Fields { ", encoding: form" } else { "" };
        let (style, of_style) = self.style(update, body);
        let (wraps, of_wraps) = self.wraps(update, false);
        let before = if self.get.is_some() { ", read-before: true" } else { "" };
        if !style.is_empty() && self.get.is_none() {
            let _ = writeln!(
                out,
                "    # no `update`: {} takes a whole record, and nothing reads one",
                update.method
            );
            return;
        }
        let _ = writeln!(
            out,
            "    update: {{ request: {{ method: {}, path: {at}{lock}{form} }}{style}{before}{wraps} }}{}",
            update.method,
            marked([of_style.or(untold(body)), of_wraps, None]),
        );
    }

    /// Whether an update takes the whole record or a part, and what of that is a guess.
    fn style(&self, update: &Writing<'a>, body: &Body<'a>) -> (&'static str, Option<&'static str>) {
        if body.form == Form::JsonPatch {
            return (", style: json-patch", None);
        }
        if update.method != "PUT" {
            return ("", (update.method == "POST").then_some("what is left out stays"));
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
        let says = text(&update.operation["description"]) + &text(&update.operation["summary"]);
        let partial =
            ["only the fields", "partial", "unchanged", "only specify", "omitted", "only fields"];
        let in_body =
            shape::record_in(self.api(), body.schema, &self.names).map(|(_, schema)| schema);
        let own = in_body.is_some_and(|schema| {
            let taken = self.api().fields(schema);
            let known = self.names.iter().filter(|name| taken.get(name).is_some());
            let same = 10 * known.count() >= 9 * self.names.len();
            !same && self.api().fields(schema).required.is_empty()
        });
        if partial.iter().any(|word| says.contains(word)) || own {
            return ("", Some("a PUT of a part: what is left out stays"));
        }
        (", style: whole", Some("a PUT of the whole record"))
    }
}

/// What to say of a body that is not described.
fn untold(body: &Body<'_>) -> Option<&'static str> {
    body.untold.then_some("its body is not described")
}

/// The mark of a line with guesses.
fn marked(guesses: [Option<&'static str>; 3]) -> String {
    let guesses: Vec<&str> = guesses.into_iter().flatten().collect();
    if guesses.is_empty() { String::new() } else { format!("    # ? {}", guesses.join("; ")) }
}

/// The query of a request.
fn in_query(query: &[(String, String, &str)]) -> String {
    let named: Vec<String> = query
        .iter()
        .map(|(name, value, _)| format!("{}: {}", quoted(name), in_quotes(value)))
        .collect();
    if named.is_empty() { String::new() } else { format!(", query: {{ {} }}", named.join(", ")) }
}

/// In quotation marks, for templates.
fn in_quotes(text: &str) -> String {
    let written = quoted(text);
    if written.starts_with('"') { written } else { format!("\"{written}\"") }
}

/// What a parameter that a list needs is sent as: what the description gives, or a setting.
fn value_of(parameter: &Parameter<'_>, settings: &mut Settings) -> String {
    let given = [&parameter.schema["default"], &parameter.schema["enum"][0]];
    if let Some(given) =
        given.into_iter().find(|given| given.is_string() || given.is_number() || given.is_boolean())
    {
        return no_template(
            given.as_str().map_or_else(|| given.to_string(), str::to_string).as_str(),
        );
    }
    let name = words::setting(&parameter.name);
    let name = if settings.get(&name).is_some_and(|known| !known.contains("the parameter"))
        || words::reserved(&name)
    {
        format!("query_{name}")
    } else {
        name
    };
    let told = words::sentence(parameter.text);
    let what = if told.is_empty() { String::new() } else { format!(": {told}") };
    let what = format!("the parameter {} of lists{what}", parameter.name);
    settings
        .entry(name.clone())
        .or_insert_with(|| format!("what: {}", quoted(&no_template(&what))));
    format!("{{{{ {name} }}}}")
}

/// The parameter that says which properties a list shows, by the names that it takes.
fn fields_parameter<'p, 'a>(
    query: &'p [Parameter<'a>],
    api: &Description<'a>,
    known: &[&str],
) -> Option<&'p Parameter<'a>> {
    query.iter().find(|parameter| {
        let named =
            matches!(words::plain(&parameter.name).as_str(), "fields" | "optfields" | "select");
        let takes = api.seen(&parameter.schema["items"])["enum"].as_array();
        named
            && takes.is_some_and(|takes| {
                takes
                    .iter()
                    .filter(|name| name.as_str().is_some_and(|name| known.contains(&name)))
                    .count()
                    >= 2
            })
            && words::plain(&parameter.name) != "select"
    })
}

fn listed_fields(parameter: &Parameter<'_>, properties: &[Property], id: &str) -> String {
    let takes: Vec<&str> = parameter.schema["items"]["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut named: Vec<&str> = vec![id];
    for property in properties {
        let path = property.path.as_str();
        // A parent step shows the id of what is below it.
        let place = takes.iter().find(|take| **take == path).or_else(|| {
            let (above, _) = path.rsplit_once('.')?;
            takes.iter().find(|take| **take == above)
        });
        if let Some(place) = place.filter(|place| !named.contains(*place)) {
            named.push(place);
        }
    }
    no_template(&named.join(","))
}

/// How a list goes on: the words of `paging`, and what its request needs for that.
struct Paging {
    words: String,
    query: Vec<(String, String, &'static str)>,
}

impl Paging {
    fn of(api: &Description<'_>, query: &[Parameter<'_>], answer: &Value) -> Paging {
        let is_number =
            |p: &Parameter<'_>| matches!(api.shape(p.schema), Shape::Integer | Shape::Number);
        let of = |fits: &dyn Fn(&Parameter<'_>) -> bool| query.iter().find(|p| fits(p));
        let limit =
            of(&|p| words::is_limit(&p.name) && (is_number(p) || words::plain(&p.name) != "count"));
        let most = limit.and_then(|p| p.schema["maximum"].as_u64()).unwrap_or(100).max(1);
        let mut asked: Vec<(String, String, &str)> =
            limit.iter().map(|p| (p.name.clone(), "{{ limit }}".to_string(), "")).collect();
        let total = shape::total(api, answer);
        let also = total.as_ref().map(|at| format!(", total: {}", quoted(at))).unwrap_or_default();
        let next = shape::next_cursor(api, answer);
        let more = shape::more(api, answer)
            .map(|at| format!(", more: {}", quoted(&at)))
            .unwrap_or_default();
        let cursor = of(&|p| words::is_cursor(&p.name) && api.shape(p.schema) == Shape::Text)
            .or_else(|| of(&|p| words::is_cursor(&p.name) && words::plain(&p.name) != "offset"));
        if let (Some(cursor), Some(next)) = (cursor, &next) {
            asked.push((cursor.name.clone(), "{{ cursor }}".into(), ""));
            return Paging {
                words: format!(
                    "{{ cursor: {{ limit: {most}, at: {}{more}{also} }} }}",
                    quoted(next)
                ),
                query: asked,
            };
        }
        if let Some(next) = shape::next_link(api, answer) {
            return Paging {
                words: format!("{{ next: {{ limit: {most}, at: {}{also} }} }}", quoted(&next)),
                query: asked,
            };
        }
        let offset = of(&|p| words::is_offset(&p.name) && is_number(p)).filter(|_| limit.is_some());
        if let Some(offset) = offset {
            asked.push((offset.name.clone(), "{{ offset }}".into(), ""));
            return Paging {
                words: format!("{{ offset: {{ limit: {most}{also} }} }}"),
                query: asked,
            };
        }
        if let Some(page) = of(&|p| words::is_page(&p.name)) {
            asked.push((page.name.clone(), "{{ page }}".into(), ""));
            return Paging {
                words: format!("{{ page: {{ limit: {most}{also} }} }}"),
                query: asked,
            };
        }
        // A cursor that no parameter of the description takes: by the name that it has there.
        if let Some(next) = next.filter(|_| cursor.is_none()) {
            let name = next.rsplit('.').next().unwrap_or_default();
            let name = name.strip_prefix("next_").unwrap_or(name);
            asked.push((
                name.to_string(),
                "{{ cursor }}".into(),
                "the parameter of the next page is not described",
            ));
            return Paging {
                words: format!(
                    "{{ cursor: {{ limit: {most}, at: {}{more}{also} }} }}",
                    quoted(&next)
                ),
                query: asked,
            };
        }
        Paging { words: "none".into(), query: asked }
    }
}
