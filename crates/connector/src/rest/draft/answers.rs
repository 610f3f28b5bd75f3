//! What answers other than good ones say: where their words are, and where they name the property.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::describe::{Description, Shape};
use super::words::{plain, quoted};

/// How deep an error is looked into.
const DEPTH: usize = 3;
const MESSAGES: [&str; 11] = [
    "message",
    "errormessage",
    "developermessage",
    "detail",
    "details",
    "errordescription",
    "description",
    "title",
    "error",
    "errorinfo",
    "reason",
];
const PROPERTIES: [&str; 9] = [
    "field",
    "fieldname",
    "property",
    "propertyname",
    "param",
    "parameter",
    "pointer",
    "attribute",
    "apiname",
];

/// Where an error's words and its property are.
#[derive(Default)]
struct Places {
    messages: BTreeSet<(usize, usize, String)>,
    properties: BTreeSet<(usize, usize, String)>,
}

/// The lines of `errors`.
pub fn rules(api: &Description<'_>) -> String {
    let mut by_status: BTreeMap<&str, Places> = BTreeMap::new();
    let items = api.paths().into_iter().flat_map(|paths| paths.values());
    let writes = items.flat_map(|item| ["post", "put", "patch"].map(|word| &item[word]));
    for (status, response) in
        writes.filter_map(|operation| operation["responses"].as_object()).flatten()
    {
        if matches!(status.as_str(), "400" | "409" | "412" | "422") {
            let places = by_status.entry(status).or_default();
            look(api, api.content(api.seen(response)), "", DEPTH, places);
        }
    }
    let mut out = String::from("errors:\n");
    let told = by_status.values().any(|places| !places.messages.is_empty());
    if !told {
        out.push_str("  # ? what an error says is not described: its words are looked for where such systems have them\n");
    }
    let described = !by_status.is_empty();
    let statuses = ["400", "409", "412", "422"].into_iter().filter(|status| match *status {
        "400" | "422" => !described || by_status.contains_key(status),
        other => by_status.contains_key(other),
    });
    for status in statuses {
        let none = Places::default();
        let places = by_status.get(status).unwrap_or(&none);
        let (means, guess) = match status {
            "409" => ("duplicate", "    # ? it may be a conflict of versions"),
            "412" => ("conflict", ""),
            _ => ("rejected", if described { "" } else { "    # ?" }),
        };
        let list = |word: &str, places: &BTreeSet<(usize, usize, String)>, otherwise: &str| {
            let named: Vec<String> =
                places.iter().take(5).map(|(.., place)| quoted(place)).collect();
            match (named.is_empty(), told) {
                (false, _) => format!(", {word}: [{}]", named.join(", ")),
                (true, false) => format!(", {word}: [{otherwise}]"),
                (true, true) => String::new(),
            }
        };
        let message = list("message", &places.messages, "message, detail, title, error");
        let property = if matches!(means, "rejected" | "duplicate") {
            list("property", &places.properties, "field")
        } else {
            String::new()
        };
        let _ =
            writeln!(out, "  - {{ status: {status}, means: {means}{property}{message} }}{guess}");
    }
    out
}

fn look(api: &Description<'_>, schema: &Value, before: &str, depth: usize, out: &mut Places) {
    for form in api.alternatives(schema) {
        let seen = api.seen(form);
        if api.shape(seen) == Shape::Array {
            if depth > 0 {
                look(api, &seen["items"], &format!("{before}0."), depth - 1, out);
            }
            continue;
        }
        for field in api.fields(form).all {
            let (seen, name) = (api.seen(field.schema), plain(field.name));
            let place = format!("{before}{}", field.name);
            let steps = place.matches('.').count();
            match api.shape(seen) {
                Shape::Object if depth > 0 => look(api, seen, &format!("{place}."), depth - 1, out),
                Shape::Array if depth > 0 => {
                    look(api, &seen["items"], &format!("{place}.0."), depth - 1, out);
                }
                Shape::Text | Shape::Unknown => {
                    if let Some(rank) = MESSAGES.iter().position(|known| *known == name) {
                        out.messages.insert((rank, steps, place));
                    } else if let Some(rank) = PROPERTIES.iter().position(|known| *known == name) {
                        out.properties.insert((rank, steps, place));
                    }
                }
                _ => {}
            }
        }
    }
}
