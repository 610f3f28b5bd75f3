//! A manifest to start from: from an OpenAPI description (3.x, or Swagger 2.0) where there is one,
//! else with places to fill in.
//!
//! A description tells paths, fields and keys; it does not tell what pages mean or what an error
//! means. So what is made here is a draft that reads well, guesses by the names that such systems
//! commonly use, and says at each guess that it is one. `lockstep connector test` then shows which
//! guesses hold.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::Trouble;

/// How deep objects in objects are followed.
const DEPTH: usize = 4;
const LIMITS: [&str; 8] =
    ["limit", "per_page", "perPage", "page_size", "pageSize", "$top", "top", "take"];
const OFFSETS: [&str; 4] = ["offset", "skip", "$skip", "start"];
const SINCES: [&str; 8] = [
    "updated_since",
    "modified_since",
    "updatedSince",
    "modifiedSince",
    "updated_after",
    "updatedAfter",
    "changed_since",
    "since",
];
const CURSORS: [&str; 4] = ["cursor", "after", "page_token", "pageToken"];
const NEXT_CURSORS: [&str; 5] =
    ["next_cursor", "nextCursor", "next_page_token", "nextPageToken", "cursor"];
const MODIFIED: [&str; 7] = [
    "updated_at",
    "updatedAt",
    "modified_at",
    "modifiedAt",
    "lastModified",
    "last_modified",
    "updated",
];

/// A manifest without a description.
pub fn blank(name: &str) -> String {
    format!(
        "# {name}: a draft. Fill in what is in capitals; docs/connectors.md has all words.
title: {name}
settings:
  base_url: {{ what: \"the address of the API\", default: \"https://API.EXAMPLE.COM\" }}
  api_key: {{ what: \"an API key\", secret: true }}
base: \"{{{{ base_url }}}}\"
auth: {{ bearer: \"{{{{ api_key }}}}\" }}
rate: {{ per-second: 5 }}
test: /PEOPLE?limit=1
errors:
  - {{ status: 422, means: rejected, message: [message] }}
types:
  People:
    id: id
    modified: updated_at
    properties:
      name: {{ required: true }}
      email: {{ caseless: true }}
    list:
      request: {{ path: /PEOPLE, query: {{ limit: \"{{{{ limit }}}}\", offset: \"{{{{ offset }}}}\" }} }}
      paging: {{ offset: {{ limit: 100 }} }}
    get: {{ request: {{ path: \"/PEOPLE/{{{{ id | url }}}}\" }} }}
    create: {{ request: {{ method: POST, path: /PEOPLE }} }}
    update:
      request: {{ method: PATCH, path: \"/PEOPLE/{{{{ id | url }}}}\" }}
      read-before: true
    delete: {{ method: DELETE, path: \"/PEOPLE/{{{{ id | url }}}}\" }}
"
    )
}

/// A manifest from a description in YAML or JSON.
///
/// # Errors
/// It can't be read, or it describes no list of records.
pub fn from_openapi(name: &str, text: &str) -> Result<String, Trouble> {
    let wrong = |why: String| Trouble::Misconfigured(format!("the OpenAPI description: {why}"));
    let api: Value = match serde_json::from_str(text) {
        Ok(api) => api,
        Err(_) => serde_saphyr::from_str(text).map_err(|error| wrong(error.to_string()))?,
    };
    let paths =
        api["paths"].as_object().ok_or_else(|| wrong("there are no `paths` in it".into()))?;
    let described = Described { api: &api };
    let types: Vec<Type> =
        paths.iter().filter_map(|(path, item)| described.record_type(path, item, paths)).collect();
    let Some(first) = types.first() else {
        return Err(wrong(
            "no path without parameters answers a GET with a list of objects, so there is no record type in it".into(),
        ));
    };
    let mut out = String::new();
    let title = api["info"]["title"].as_str().unwrap_or(name);
    let _ = writeln!(
        out,
        "# {}: drafted from its OpenAPI description. What is marked with ? is a guess by its name; look at it, then",
        in_a_comment(title)
    );
    let _ = writeln!(out, "# try it on an account.");
    let _ = writeln!(out, "title: {}", quoted(title));
    described.settings_and_auth(&mut out);
    let _ = writeln!(out, "rate: {{ per-second: 5 }}          # ? the description does not tell");
    let _ = writeln!(out, "test: {}", quoted(&no_template(&first.path)));
    let _ = writeln!(out, "errors:");
    let _ = writeln!(
        out,
        "  # ? where the answers say why; the property that is refused is looked for in the same places"
    );
    for status in [400, 422] {
        let _ = writeln!(
            out,
            "  - {{ status: {status}, means: rejected, property: [field, message, detail], message: [message, detail, title, error] }}"
        );
    }
    if types.iter().any(|ty| ty.duplicates) {
        let _ = writeln!(
            out,
            "  - {{ status: 409, means: duplicate, property: [field], id: id, message: [message, detail, title, error] }}   # ?"
        );
    }
    let _ = writeln!(out, "types:");
    for ty in &types {
        ty.write(&mut out);
    }
    Ok(out)
}

struct Described<'a> {
    api: &'a Value,
}

/// A record type as far as the description tells.
#[derive(Default)]
struct Type {
    name: String,
    path: String,
    items: Option<String>,
    id: String,
    modified: Option<String>,
    etag: bool,
    query: Vec<String>,
    next_cursor: Option<String>,
    next_address: Option<String>,
    most: usize,
    properties: Vec<(String, Vec<String>)>,
    item: Option<String>,
    gets: bool,
    /// The envelope of a single record, where it has one.
    posts: bool,
    update: Option<&'static str>,
    deletes: bool,
    duplicates: bool,
}

impl<'a> Described<'a> {
    /// Follows `$ref` within the description.
    fn seen(&self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..8 {
            match value["$ref"].as_str().and_then(|to| to.strip_prefix('#')) {
                Some(pointer) => value = self.api.pointer(pointer).unwrap_or(&Value::Null),
                None => break,
            }
        }
        value
    }

    fn settings_and_auth(&self, out: &mut String) {
        let server = self.api["servers"][0]["url"].as_str().map(str::to_string).or_else(|| {
            let host = self.api["host"].as_str()?;
            Some(format!("https://{host}{}", self.api["basePath"].as_str().unwrap_or_default()))
        });
        let _ = writeln!(out, "settings:");
        match server.filter(|server| server.starts_with("http")) {
            Some(server) => {
                let _ = writeln!(
                    out,
                    "  base_url: {{ what: \"the address of the API\", default: {} }}",
                    quoted(&no_template(&server))
                );
            }
            None => drop(writeln!(out, "  base_url: {{ what: \"the address of the API\" }}")),
        }
        let schemes = self.api["components"]["securitySchemes"]
            .as_object()
            .or(self.api["securityDefinitions"].as_object());
        let scheme =
            schemes.and_then(|schemes| schemes.values().next()).map(|scheme| self.seen(scheme));
        let word = |at: &str| {
            scheme.and_then(|scheme| scheme[at].as_str()).unwrap_or_default().to_string()
        };
        let secret = "  api_key: { what: \"an API key\", secret: true }\n";
        let (settings, auth) = match (word("type").as_str(), word("in").as_str(), word("scheme").to_lowercase().as_str()) {
            ("apiKey", place, _) => {
                let kind = if place == "query" { "query" } else { "headers" };
                (secret.to_string(), format!("{{ {kind}: {{ {}: \"{{{{ api_key }}}}\" }} }}", quoted(&word("name"))))
            }
            ("http", _, "basic") | ("basic", ..) => (
                "  user: { what: \"the user\" }\n  password: { what: \"the password\", secret: true }\n".into(),
                "{ basic: \"{{ user }}:{{ password }}\" }".into(),
            ),
            ("oauth2", ..) => self.oauth(scheme.unwrap_or(&Value::Null)),
            _ => (secret.into(), "{ bearer: \"{{ api_key }}\" }".into()),
        };
        let _ = write!(out, "{settings}base: \"{{{{ base_url }}}}\"\nauth: {auth}\n");
    }

    fn oauth(&self, scheme: &Value) -> (String, String) {
        let flows = &scheme["flows"];
        let signs_in = flows["authorizationCode"].is_object() || scheme["flow"] == "accessCode";
        let of = |flow: &str, at: &str| {
            flows[flow][at]
                .as_str()
                .or(scheme[at].as_str())
                .unwrap_or("https://FILL.IN")
                .to_string()
        };
        let mut settings = "  client_id: { what: \"the application's id\" }\n  client_secret: { what: \"the application's secret\", secret: true }\n".to_string();
        let client = "client_id: \"{{ client_id }}\", client_secret: \"{{ client_secret }}\"";
        if !signs_in {
            let url = of("clientCredentials", "tokenUrl");
            let url = quoted(&no_template(&url));
            return (
                settings,
                format!(
                    "{{ token: {{ url: {url}, form: {{ grant_type: client_credentials, {client} }} }} }}"
                ),
            );
        }
        settings.push_str(
            "  refresh_token: { what: \"not needed where a person signs in\", secret: true, default: \"\" }\n",
        );
        let (page, url) =
            (of("authorizationCode", "authorizationUrl"), of("authorizationCode", "tokenUrl"));
        let auth = format!(
            "\n  token:\n    url: {}\n    form: {{ grant_type: refresh_token, {client}, refresh_token: \"{{{{ refresh_token }}}}\" }}\n    sign-in: {{ authorize: {}, client: \"{{{{ client_id }}}}\" }}",
            quoted(&no_template(&url)),
            quoted(&no_template(&page))
        );
        (settings, auth)
    }

    /// The JSON schema of an operation's good answer.
    fn answer(&self, operation: &'a Value) -> &'a Value {
        let responses = &operation["responses"];
        let good = ["200", "201", "default"]
            .iter()
            .map(|status| self.seen(&responses[*status]))
            .find(|good| good.is_object());
        self.content(good.unwrap_or(&Value::Null))
    }

    fn content(&self, holder: &'a Value) -> &'a Value {
        let content = holder["content"].as_object();
        let json = content.and_then(|kinds| {
            kinds.iter().find(|(kind, _)| kind.contains("json")).map(|(_, kind)| &kind["schema"])
        });
        self.seen(json.unwrap_or(&holder["schema"]))
    }

    /// The properties of an object, those of all its parts together; with which of them are
    /// required.
    fn properties(
        &self,
        schema: &'a Value,
        depth: usize,
    ) -> (Vec<(&'a str, &'a Value)>, Vec<&'a str>) {
        let schema = self.seen(schema);
        let own = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, of)| (name.as_str(), self.seen(of)));
        let mut all: Vec<(&str, &Value)> = own.collect();
        let mut required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for part in schema["allOf"].as_array().into_iter().flatten().filter(|_| depth > 0) {
            let (properties, needs) = self.properties(part, depth - 1);
            all.extend(properties);
            required.extend(needs);
        }
        (all, required)
    }

    /// A path that lists records, with what can be done to one of them.
    fn record_type(
        &self,
        path: &str,
        item: &'a Value,
        paths: &'a Map<String, Value>,
    ) -> Option<Type> {
        let list = item.get("get")?;
        if path.contains('{') {
            return None;
        }
        let answer = self.answer(list);
        let (top, _) = self.properties(answer, DEPTH);
        let is_record = |schema: &'a Value| !self.properties(schema, DEPTH).0.is_empty();
        let (items, record) = if answer["type"] == "array" {
            (None, self.seen(&answer["items"]))
        } else {
            let lists = |schema: &&'a Value| {
                schema["type"] == "array" && is_record(self.seen(&schema["items"]))
            };
            let (name, schema) = top.iter().find(|(_, schema)| lists(schema))?;
            (Some((*name).to_string()), self.seen(&schema["items"]))
        };
        let (fields, _) = self.properties(record, DEPTH);
        let named = |names: &[&str]| {
            names
                .iter()
                .find(|name| fields.iter().any(|(field, _)| field == *name))
                .map(|n| (*n).to_string())
        };
        let id = named(&["id", "Id", "ID", "uuid", "key", "_id"]).or_else(|| {
            fields
                .iter()
                .map(|(name, _)| *name)
                .find(|name| name.ends_with("Id") || name.ends_with("_id"))
                .map(str::to_string)
        })?;
        let parameters = [&item["parameters"], &list["parameters"]]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten();
        let parameters: Vec<&Value> = parameters
            .map(|parameter| self.seen(parameter))
            .filter(|p| p["in"] == "query")
            .collect();
        let query: Vec<String> =
            parameters.iter().filter_map(|p| p["name"].as_str()).map(str::to_string).collect();
        let most = parameters
            .iter()
            .find(|p| LIMITS.contains(&p["name"].as_str().unwrap_or_default()))
            .and_then(|p| {
                let schema = if p["schema"].is_object() { &p["schema"] } else { *p };
                schema["maximum"].as_u64()
            });
        let in_top = |names: &[&str]| {
            names
                .iter()
                .find(|name| top.iter().any(|(field, _)| field == *name))
                .map(|n| (*n).to_string())
        };
        let of_one = paths.iter().find(|(other, _)| {
            other
                .strip_prefix(path)
                .and_then(|rest| rest.strip_prefix("/{"))
                .is_some_and(|rest| rest.ends_with('}') && !rest.contains('/'))
        });
        let one = of_one.map_or(&Value::Null, |(_, one)| one);
        let update = [("patch", "PATCH"), ("put", "PUT")]
            .into_iter()
            .find(|(word, _)| one.get(word).is_some())
            .map(|(_, method)| method);
        let mut properties = vec![];
        self.fields(record, "", &id, DEPTH, &mut properties);
        let single = self.properties(self.answer(&one["get"]), DEPTH).0;
        let envelope = match single[..] {
            [(name, schema)] if name != id && is_record(schema) => Some(name.to_string()),
            _ => None,
        };
        let conflicts =
            |operation: &Value, status: &str| operation["responses"].get(status).is_some();
        Some(Type {
            name: type_name(path),
            path: path.to_string(),
            items,
            id,
            modified: named(&MODIFIED),
            etag: update.is_some_and(|method| conflicts(&one[method.to_lowercase()], "412")),
            next_cursor: in_top(&NEXT_CURSORS),
            next_address: in_top(&["next", "nextLink", "@odata.nextLink", "next_page"]),
            query,
            most: most.map_or(100, |most| most as usize),
            properties,
            item: envelope,
            gets: one.get("get").is_some(),
            posts: item.get("post").is_some(),
            update,
            deletes: one.get("delete").is_some(),
            duplicates: conflicts(&item["post"], "409"),
        })
    }

    /// The properties of a record, those of objects in it by dotted paths.
    fn fields(
        &self,
        schema: &'a Value,
        before: &str,
        id: &str,
        depth: usize,
        out: &mut Vec<(String, Vec<String>)>,
    ) {
        let (fields, required) = self.properties(schema, DEPTH);
        for (name, field) in fields {
            let path = format!("{before}{name}");
            if path == id || out.iter().any(|(known, _)| *known == path) {
                continue;
            }
            let kind = match &field["type"] {
                Value::Array(kinds) => {
                    kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str)
                }
                kind => kind.as_str(),
            };
            let mut says = vec![];
            match (kind, field["format"].as_str()) {
                (Some("object"), _) | (None, _) if !self.properties(field, DEPTH).0.is_empty() => {
                    if depth > 0 {
                        self.fields(field, &format!("{path}."), id, depth - 1, out);
                    }
                    continue;
                }
                (Some("array"), _) => {
                    says.push("list: true".to_string());
                    let (inside, _) = self.properties(&field["items"], DEPTH);
                    let text = |(_, schema): &&(&str, &Value)| schema["type"] == "string";
                    let value = inside
                        .iter()
                        .find(|(name, _)| ["value", "email", "phone", "number"].contains(name));
                    if let Some((name, _)) = value.or(inside.iter().find(text)) {
                        says.push(format!("value: {name}"));
                    }
                }
                (Some("integer"), _) => says.push("type: integer".into()),
                (Some("number"), _) => says.push("type: float".into()),
                (Some("boolean"), _) => says.push("type: boolean".into()),
                (_, Some("date-time")) => says.push("type: datetime".into()),
                (_, Some("date")) => says.push("type: date".into()),
                (_, Some("email")) => says.push("caseless: true".into()),
                _ => {}
            }
            if let Some(most) = field["maxLength"].as_u64() {
                says.push(format!("max-chars: {most}"));
            }
            if field["readOnly"] == true {
                says.push("read-only: true".into());
            } else if before.is_empty() && required.contains(&name) {
                says.push("required: true".into());
            }
            out.push((path, says));
        }
    }
}

impl Type {
    fn write(&self, out: &mut String) {
        let _ = writeln!(out, "  {}:\n    id: {}", quoted(&self.name), quoted(&self.id));
        if self.etag {
            let _ = writeln!(out, "    version: $etag");
        }
        if let Some(modified) = &self.modified {
            let _ = writeln!(out, "    modified: {}", quoted(modified));
        }
        let _ = writeln!(out, "    absent-is-empty: true    # ?\n    properties:");
        for (path, says) in &self.properties {
            let _ = writeln!(out, "      {}: {{ {} }}", quoted(path), says.join(", "));
        }
        let path = quoted(&no_template(&self.path));
        let limit = self.query.iter().find(|name| LIMITS.contains(&name.as_str()));
        let has =
            |names: &[&str]| self.query.iter().find(|name| names.contains(&name.as_str())).cloned();
        let mut query: Vec<(String, &str)> =
            limit.iter().map(|name| ((*name).clone(), "{{ limit }}")).collect();
        let most = self.most;
        let paging = if let (Some(cursor), Some(next)) = (has(&CURSORS), &self.next_cursor) {
            query.push((cursor, "{{ cursor }}"));
            format!("{{ cursor: {{ limit: {most}, at: {} }} }}", quoted(next))
        } else if let Some(next) = &self.next_address {
            format!("{{ next: {{ limit: {most}, at: {} }} }}", quoted(next))
        } else if let Some(offset) = has(&OFFSETS).filter(|_| limit.is_some()) {
            query.push((offset, "{{ offset }}"));
            format!("{{ offset: {{ limit: {most} }} }}")
        } else if let Some(page) = has(&["page", "pageNumber", "page_number"]) {
            query.push((page, "{{ page }}"));
            format!("{{ page: {{ limit: {most} }} }}")
        } else {
            "none".into()
        };
        let items = self
            .items
            .as_ref()
            .map(|items| format!("      items: {}\n", quoted(items)))
            .unwrap_or_default();
        let list = |query: &[(String, &str)]| {
            let query: Vec<String> = query
                .iter()
                .map(|(name, value)| format!("{}: \"{value}\"", quoted(name)))
                .collect();
            let query = if query.is_empty() {
                String::new()
            } else {
                format!(", query: {{ {} }}", query.join(", "))
            };
            format!("      request: {{ path: {path}{query} }}\n{items}      paging: {paging}\n")
        };
        let _ = write!(out, "    list:\n{}", list(&query));
        if let Some(since) = has(&SINCES) {
            query.push((since, "{{ since }}"));
            let _ = write!(out, "    changes:    # ?\n{}      overlap-s: 5\n", list(&query));
        }
        let item =
            self.item.as_ref().map(|item| format!(", item: {}", quoted(item))).unwrap_or_default();
        let wrap = self
            .item
            .as_ref()
            .map(|item| format!(", wrap: {0}, item: {0}", quoted(item)))
            .unwrap_or_default();
        let one = quoted(&format!("{}/{{{{ id | url }}}}", no_template(&self.path)));
        if self.gets {
            let _ = writeln!(out, "    get: {{ request: {{ path: {one} }}{item} }}");
        }
        let found: Vec<&String> = self
            .properties
            .iter()
            .map(|(path, _)| path)
            .filter(|path| self.query.contains(path))
            .collect();
        if !found.is_empty() {
            let _ = writeln!(out, "    find:    # ?");
            for name in found {
                let items = self
                    .items
                    .as_ref()
                    .map(|items| format!(", item: {}", quoted(items)))
                    .unwrap_or_default();
                let _ = writeln!(
                    out,
                    "      {0}: {{ request: {{ path: {path}, query: {{ {0}: \"{{{{ value }}}}\" }} }}{items} }}",
                    quoted(name),
                );
            }
        }
        if self.posts {
            let _ =
                writeln!(out, "    create: {{ request: {{ method: POST, path: {path} }}{wrap} }}");
        }
        let lock = if self.etag { ", headers: { If-Match: \"{{ version }}\" }" } else { "" };
        if let Some(method) = self.update {
            let style = if method == "PUT" { ", style: whole" } else { "" };
            let before = if self.gets { ", read-before: true" } else { "" };
            let _ = writeln!(
                out,
                "    update: {{ request: {{ method: {method}, path: {one}{lock} }}{style}{before}{wrap} }}"
            );
        }
        if self.deletes {
            let _ = writeln!(out, "    delete: {{ method: DELETE, path: {one} }}");
        }
    }
}

/// `/v1/club-members` is `ClubMembers`.
fn type_name(path: &str) -> String {
    let last = path.trim_matches('/').rsplit('/').next().unwrap_or("Records");
    let words = last.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
            .unwrap_or_default()
    };
    words.map(capital).collect()
}

/// As YAML takes it: bare where it is a plain word or a path, else in quotation marks, with every
/// character escaped that could end them or the line.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'));
    let letter = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let word = matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if plain && letter && !word {
        return text.to_string();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // Controls, and what YAML takes for the end of a line or nobody sees.
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// On the one line of a comment.
fn in_a_comment(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            ' '
        } else {
            c
        }
    };
    text.chars().map(shown).take(100).collect()
}

/// An address of the description's: it sees none of the settings.
fn no_template(address: &str) -> String {
    address.replace("{{", "%7B%7B").replace("{%", "%7B%").replace("{#", "%7B#").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::parse;

    #[test]
    fn a_draft_is_a_manifest() {
        parse("blank", &blank("People System")).unwrap();
        let text =
            from_openapi("fjordclub", include_str!("../../../../examples/fjordclub/openapi.yaml"))
                .unwrap();
        let manifest =
            parse("fjordclub", &text).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"));
        let members = &manifest.types["Members"];
        assert!(members.changes.is_some() && members.find.contains_key("email"), "{text}");
        assert_eq!(members.version.as_deref(), Some("$etag"));
        assert!(members.properties["version"].read_only && members.properties["name"].required);
    }

    #[test]
    fn a_description_writes_no_yaml_of_its_own() {
        let evil =
            "Club\nbase: \"https://evil.example.com\"\u{2028}auth: {}\r# \" ' : {{ api_key }} \\";
        let schema = serde_json::json!({"type": "object", "properties": {
            "id": {"type": "string"}, (evil): {"type": "string"}, "name": {"type": "string", "maxLength": 9}}});
        let good = serde_json::json!({"200": {"content": {"application/json": {"schema": {"type": "object", "properties": {
            (evil): {"type": "array", "items": schema}}}}}}});
        let path = "/people\n  evil: \"x\"\n#";
        let description = serde_json::json!({
            "info": {"title": evil},
            "servers": [{"url": format!("https://club.example.com/{evil}")}],
            "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "X-Key\n  evil: 1"}}},
            "paths": {
                (path): {
                    "get": {"parameters": [{"in": "query", "name": "limit"}, {"in": "query", "name": evil}, {"in": "query", "name": "since"}], "responses": good},
                    "post": {"responses": {"409": {}}},
                },
                (format!("{path}/{{id}}")): {"get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}, "patch": {"responses": {}}},
            },
        });
        let text = from_openapi("club", &description.to_string()).unwrap();
        let manifest = parse("club", &text).unwrap_or_else(|trouble| panic!("{trouble}\n{text}"));
        assert_eq!(
            (manifest.title.as_str(), manifest.base.as_str()),
            (evil, "{{ base_url }}"),
            "{text}"
        );
        assert!(
            manifest.auth.headers.len() == 1
                && manifest.types.len() == 1
                && manifest.apis.is_empty(),
            "{text}"
        );
        let ty = manifest.types.values().next().unwrap();
        assert!(
            ty.properties.contains_key(evil) && ty.get.is_some() && ty.update.is_some(),
            "{text}"
        );
        let default = manifest.settings["base_url"].default.clone().unwrap();
        assert!(
            !default.contains("{{") && default.starts_with("https://club.example.com/"),
            "{default}"
        );
        assert!(
            !text.lines().any(|line| line.trim_start().starts_with("evil")
                || line.starts_with("base: \"https://evil")),
            "{text}"
        );
    }

    #[test]
    fn a_description_without_records_is_told() {
        for text in ["{}", "{\"paths\": {\"/x\": {\"post\": {}}}}", "paths: ["] {
            assert!(from_openapi("x", text).unwrap_err().to_string().contains("OpenAPI"), "{text}");
        }
    }
}
