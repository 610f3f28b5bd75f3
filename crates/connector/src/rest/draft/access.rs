//! How a draft lets requests in: every security scheme of the description, the most useful one in
//! use and the others beside it as comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::describe::Description;
use super::words::{no_template, quoted, sentence, setting};

/// Settings of a draft, by name, with what stands in the braces.
pub type Settings = BTreeMap<String, String>;

/// One way in: its settings, and what is written below `auth`.
struct Way {
    name: String,
    settings: Settings,
    auth: String,
    /// Ways that need no browser come first, and those that a person sets up last.
    rank: usize,
    note: String,
}

/// The lines of `auth`, with the settings that they name.
pub fn auth(api: &Description<'_>, settings: &mut Settings) -> String {
    let schemes = api.api["components"]["securitySchemes"]
        .as_object()
        .or(api.api["securityDefinitions"].as_object());
    let uses = uses(api);
    let mut ways: Vec<Way> =
        schemes.into_iter().flatten().map(|(name, scheme)| way(name, api.seen(scheme))).collect();
    // What no request asks for comes last, such as the client's own key for the token request.
    ways.sort_by_key(|way| (!uses.is_empty() && !uses.contains_key(&way.name), way.rank));
    let Some(first) = ways.first() else {
        settings.insert("api_key".into(), "what: \"an API key\", secret: true".into());
        return "auth: { bearer: \"{{ api_key }}\" }    # ? the description has no security scheme\n"
            .into();
    };
    settings.extend(first.settings.clone());
    let mut out = format!("auth:{}{}\n", spaced(&first.auth), first.note);
    // Several are needed together where one requirement names them all: keys in headers join.
    let mut told = vec![first.auth.clone()];
    for way in &ways[1..] {
        if told.contains(&way.auth) {
            continue;
        }
        told.push(way.auth.clone());
        let more: Vec<&str> = way
            .settings
            .keys()
            .filter(|name| !settings.contains_key(*name))
            .map(String::as_str)
            .collect();
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(", with the settings {}", more.join(", "))
        };
        let auth = way.auth.replace('\n', "\n# ");
        let _ = writeln!(
            out,
            "# Or, as `{}` of the description{more}:\n# auth:{}",
            super::words::in_a_comment(&way.name),
            spaced(&auth)
        );
    }
    out
}

/// Behind a colon: on the same line, or below it.
fn spaced(text: &str) -> String {
    if text.starts_with('\n') { text.to_string() } else { format!(" {text}") }
}

/// How often a requirement names each scheme, of those that requests have.
fn uses(api: &Description<'_>) -> BTreeMap<String, usize> {
    let operations = api.paths().into_iter().flat_map(|paths| paths.values());
    let operations = operations.filter_map(|item| item.get("get"));
    let own = operations.filter_map(|operation| operation["security"].as_array()).flatten();
    let mut counts = BTreeMap::new();
    for requirement in own.chain(api.api["security"].as_array().into_iter().flatten()) {
        for name in requirement.as_object().into_iter().flat_map(|names| names.keys()) {
            *counts.entry(name.clone()).or_default() += 1;
        }
    }
    counts
}

fn secret(what: &str) -> String {
    format!("what: {}, secret: true", quoted(what))
}

fn way(name: &str, scheme: &Value) -> Way {
    let word = |at: &str| scheme[at].as_str().unwrap_or_default();
    let told = sentence(word("description"));
    let told = if told.is_empty() { String::new() } else { format!("    # {told}") };
    let key = || Settings::from([("api_key".to_string(), secret("an API key"))]);
    let made = |rank: usize, settings: Settings, auth: String, note: String| Way {
        name: name.to_string(),
        settings,
        auth,
        rank,
        note,
    };
    match (word("type"), word("in"), word("scheme").to_lowercase().as_str()) {
        ("apiKey", "cookie", _) => {
            let auth = format!(
                "{{ headers: {{ Cookie: {} }} }}",
                quoted(&format!("{}={{{{ api_key }}}}", no_template(word("name"))))
            );
            made(3, key(), auth, told)
        }
        ("apiKey", place, _) => {
            let kind = if place == "query" { "query" } else { "headers" };
            let auth =
                format!("{{ {kind}: {{ {}: \"{{{{ api_key }}}}\" }} }}", quoted(word("name")));
            made(1, key(), auth, told)
        }
        ("http", _, "basic") | ("basic", ..) => {
            let settings = Settings::from([
                ("user".to_string(), "what: \"the user\"".to_string()),
                ("password".to_string(), secret("the password")),
            ]);
            made(2, settings, "{ basic: \"{{ user }}:{{ password }}\" }".into(), told)
        }
        ("http", _, "bearer" | "") => made(0, key(), "{ bearer: \"{{ api_key }}\" }".into(), told),
        ("http", _, other) => {
            let auth = format!(
                "{{ headers: {{ Authorization: {} }} }}",
                quoted(&format!("{} {{{{ api_key }}}}", no_template(word("scheme"))))
            );
            made(
                5,
                key(),
                auth,
                format!("    # ? the scheme is `{}`", super::words::in_a_comment(other)),
            )
        }
        ("oauth2", ..) => {
            let (settings, auth, machine) = oauth(scheme);
            made(if machine { 1 } else { 4 }, settings, auth, String::new())
        }
        ("openIdConnect", ..) => {
            let (settings, auth, _) = oauth(&Value::Null);
            let note = format!(
                "    # ? the addresses are in {}",
                super::words::in_a_comment(word("openIdConnectUrl"))
            );
            made(5, settings, auth, note)
        }
        (other, ..) => made(
            6,
            key(),
            "{ bearer: \"{{ api_key }}\" }".into(),
            format!("    # ? the scheme is `{}`", super::words::in_a_comment(other)),
        ),
    }
}

/// The settings and the token request of an OAuth scheme, and whether it needs no person.
fn oauth(scheme: &Value) -> (Settings, String, bool) {
    let flows = &scheme["flows"];
    let has = |flow: &str, old: &str| flows[flow].is_object() || scheme["flow"] == old;
    let of = |flow: &str, at: &str| {
        let found = flows[flow][at].as_str().or(scheme[at].as_str()).filter(|url| !url.is_empty());
        found.unwrap_or("https://FILL.IN").to_string()
    };
    let mut settings = Settings::from([
        ("client_id".to_string(), "what: \"the application's id\"".to_string()),
        ("client_secret".to_string(), secret("the application's secret")),
    ]);
    let client = "client_id: \"{{ client_id }}\", client_secret: \"{{ client_secret }}\"";
    if has("clientCredentials", "application") {
        let url = quoted(&no_template(&of("clientCredentials", "tokenUrl")));
        let auth = format!(
            "{{ token: {{ url: {url}, form: {{ grant_type: client_credentials, {client} }} }} }}"
        );
        return (settings, auth, true);
    }
    if has("password", "password") {
        let url = quoted(&no_template(&of("password", "tokenUrl")));
        settings.insert("user".into(), "what: \"the user\"".into());
        settings.insert("password".into(), secret("the password"));
        let auth = format!(
            "{{ token: {{ url: {url}, form: {{ grant_type: password, {client}, username: \"{{{{ user }}}}\", password: \"{{{{ password }}}}\" }} }} }}"
        );
        return (settings, auth, true);
    }
    settings.insert(
        "refresh_token".into(),
        "what: \"not needed where a person signs in\", secret: true, default: \"\"".into(),
    );
    let implicit = has("implicit", "implicit");
    let flow = if implicit && !flows["authorizationCode"].is_object() {
        "implicit"
    } else {
        "authorizationCode"
    };
    let page = quoted(&no_template(&of(flow, "authorizationUrl")));
    let url = of("authorizationCode", "tokenUrl");
    let guess = if url.contains("FILL.IN") { "    # ? not described" } else { "" };
    let scopes = flows[flow]["scopes"].as_object().or(scheme["scopes"].as_object());
    let scopes: Vec<&str> =
        scopes.into_iter().flat_map(|all| all.keys()).map(String::as_str).collect();
    let scope = match scopes.len() {
        0 => String::new(),
        1..=20 => format!(", scope: {}", quoted(&no_template(&scopes.join(" ")))),
        // An application asks for those that it needs.
        _ => ", scope: \"FILL IN\"".into(),
    };
    let auth = format!(
        "\n  token:\n    url: {}{guess}\n    form: {{ grant_type: refresh_token, {client}, refresh_token: \"{{{{ refresh_token }}}}\" }}\n    sign-in: {{ authorize: {page}, client: \"{{{{ client_id }}}}\"{scope} }}",
        quoted(&no_template(&url)),
    );
    (settings, auth, false)
}

/// Headers that most requests need, as settings: the tenant's id.
pub fn headers(api: &Description<'_>, settings: &mut Settings) -> String {
    let operations: Vec<_> = api
        .paths()
        .into_iter()
        .flat_map(|paths| paths.values())
        .filter_map(|item| Some(api.parameters(item, item.get("get")?)))
        .collect();
    let mut counts: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for parameter in operations.iter().flatten().filter(|p| p.place == "header" && p.required) {
        let known = ["authorization", "accept", "contenttype", "ifmatch"];
        if !known.contains(&super::words::plain(&parameter.name).as_str()) {
            counts.entry(&parameter.name).or_insert((0, parameter.text)).0 += 1;
        }
    }
    let mut lines = Vec::new();
    for (name, (_, text)) in
        counts.into_iter().filter(|(_, (count, _))| 2 * count > operations.len())
    {
        let own = setting(name);
        let told = sentence(text);
        let what = if told.is_empty() { format!("the header {name}") } else { told };
        settings.insert(own.clone(), format!("what: {}", quoted(&what)));
        lines.push(format!("{}: \"{{{{ {own} }}}}\"", quoted(name)));
    }
    if lines.is_empty() { String::new() } else { format!("headers: {{ {} }}\n", lines.join(", ")) }
}
