//! A manifest to start from: from an OpenAPI description (3.x, or Swagger 2.0) where there is one,
//! else with places to fill in.
//!
//! A description tells paths, fields and keys; it does not tell what pages mean or what an error
//! means. So what is made here is a draft that reads well, guesses by the names that such systems
//! commonly use, and says at each guess that it is one. `lockstep connector test` then shows which
//! guesses hold.

mod access;
mod answers;
mod describe;
mod fields;
mod path;
mod shape;
mod types;
mod words;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use self::access::Settings;
use self::describe::Description;
use self::fields::Target;
use self::words::{in_a_comment, no_template, quoted};
use crate::Trouble;

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
    let api = Description { api: &api };
    if api.paths().is_none() {
        let only = if api.api["webhooks"].is_object() { ", only webhooks" } else { "" };
        return Err(wrong(format!("there are no `paths` in it{only}: it describes no request")));
    }
    let found = types::found(&api);
    if found.types.is_empty() {
        let left: Vec<String> =
            found.left.iter().map(|(why, paths)| format!("{}: {why}", paths.join(", "))).collect();
        let left = if left.is_empty() { String::new() } else { format!(" ({})", left.join("; ")) };
        return Err(wrong(format!(
            "no GET answers with a list of objects that have an id, so there is no record type in it{left}"
        )));
    }
    let mut settings = Settings::new();
    settings.insert("base_url".into(), server(&api));
    let auth = access::auth(&api, &mut settings);
    let headers = access::headers(&api, &mut settings);
    let draft = write::Draft {
        targets: targets(&api, &found),
        of_paths: of_paths(&found.settings, &settings),
        api,
    };
    let mut all = String::new();
    for ty in &found.types {
        all.push_str(&write::record_type(&draft, ty, &mut settings));
    }
    let mut out = String::new();
    let title = draft.api.api["info"]["title"].as_str().unwrap_or(name);
    let _ = writeln!(
        out,
        "# {}: drafted from its OpenAPI description. What is marked with ? is a guess by its name; look at it, then",
        in_a_comment(title)
    );
    let _ = writeln!(out, "# try it on an account.");
    let _ = writeln!(out, "title: {}\nsettings:", quoted(title));
    for (name, words) in &settings {
        let _ = writeln!(out, "  {name}: {{ {words} }}");
    }
    let _ = write!(out, "base: \"{{{{ base_url }}}}\"\n{auth}{headers}");
    let _ = writeln!(out, "rate: {{ per-second: 5 }}          # ? the description does not tell");
    let _ = writeln!(out, "test: {}", test_request(&found, &draft));
    out.push_str(&answers::rules(&draft.api));
    let _ = write!(out, "types:\n{all}");
    for (why, paths) in &found.left {
        let _ = writeln!(out, "# Not drafted, as {why}:");
        for path in paths {
            let _ = writeln!(out, "#   {}", in_a_comment(path));
        }
    }
    Ok(out)
}

/// The setting for the address, with what the description says of it.
fn server(api: &Description<'_>) -> String {
    let first = &api.api["servers"][0];
    let server = first["url"].as_str().map(str::to_string).or_else(|| {
        let host = api.api["host"].as_str()?;
        let scheme = api.api["schemes"][0].as_str().unwrap_or("https");
        Some(format!("{scheme}://{host}{}", api.api["basePath"].as_str().unwrap_or_default()))
    });
    let server =
        server.map(|server| {
            let variables = first["variables"].as_object().into_iter().flatten();
            let given = variables.filter_map(|(name, of)| Some((name, of["default"].as_str()?)));
            no_template(&given.fold(server, |server, (name, value)| {
                server.replace(&format!("{{{name}}}"), value)
            }))
        });
    let what = "what: \"the address of the API\"";
    // An address of the machine on which the description was made is nobody else's.
    let usable = |server: &String| {
        server.starts_with("http")
            && !server.contains("localhost")
            && !server.split('{').skip(1).any(|name| name.starts_with(char::is_alphabetic))
    };
    match server.filter(usable) {
        Some(server) => {
            format!("{what}, default: {}", quoted(server.trim_end_matches('/')))
        }
        None => what.into(),
    }
}

/// What refers to record types may refer to.
fn targets(api: &Description<'_>, found: &types::Found<'_>) -> Vec<Target> {
    let of = |ty: &types::Type<'_>| Target {
        name: ty.name.clone(),
        noun: ty.noun(),
        schema: api.name_of(ty.row).map(words::thing),
        id: ty.id.clone(),
    };
    // What is listed through others has an id of two parts, which no reference holds.
    found.types.iter().filter(|ty| ty.parents.is_none()).map(of).collect()
}

/// Names of settings for parameters of paths: none that is taken, and no variable's.
fn of_paths(parameters: &BTreeSet<String>, settings: &Settings) -> BTreeMap<String, String> {
    let name = |parameter: &String| {
        let own = words::setting(parameter);
        let taken = settings.contains_key(&own) || words::reserved(&own);
        (parameter.clone(), if taken { format!("path_{own}") } else { own })
    };
    parameters.iter().map(name).collect()
}

/// A request that needs the key and changes nothing: the first list of the account itself.
fn test_request(found: &types::Found<'_>, draft: &write::Draft<'_>) -> String {
    let own = found.types.iter().filter(|ty| ty.parents.is_none());
    let needs = |ty: &&types::Type<'_>| {
        let query = types::query(&draft.api, ty);
        (query.iter().any(|parameter| parameter.required), ty.path.parameters().count())
    };
    let Some(ty) = own.min_by_key(needs) else { return "/".into() };
    quoted(&ty.path.written(|name| {
        let own = draft.of_paths.get(name).cloned().unwrap_or_else(|| words::setting(name));
        format!("{{{{ {own} | url }}}}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::parse;

    #[test]
    fn a_draft_is_a_manifest() {
        parse("blank", &blank("People System")).unwrap();
        let text = from_openapi(
            "fjordclub",
            include_str!("../../../../../examples/fjordclub/openapi.yaml"),
        )
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
