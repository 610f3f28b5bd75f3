//! Where records, ids, times and what pages tell lie in an answer, and where a record lies in a
//! body.

use serde_json::Value;

use super::describe::{Description, Shape};
use super::words;

/// How deep a list of records is looked for in an answer.
const DEPTH: usize = 2;

/// A list of records in an answer.
pub struct Listed<'a> {
    /// Where it is; the answer itself if nothing is said.
    pub at: Option<String>,
    /// The schema of a record.
    pub row: &'a Value,
}

/// The list of records in an answer, if it has one.
pub fn list_in<'a>(api: &Description<'a>, answer: &'a Value, last: &str) -> Option<Listed<'a>> {
    let forms = api.alternatives(answer);
    forms.into_iter().find_map(|form| {
        let row = api.seen(form);
        if api.shape(row) == Shape::Array {
            let row = &row["items"];
            return is_record(api, row).then_some(Listed { at: None, row });
        }
        let mut found = Vec::new();
        lists(api, form, "", DEPTH, &mut found);
        let worth = |(place, row): &(String, &'a Value)| {
            let name = words::plain(place.rsplit('.').next().unwrap_or_default());
            let called = [Some(last), api.name_of(row)].into_iter().flatten();
            let mut called = called.map(words::plain);
            let fits = called.any(|called| words::same_noun(&called, &name));
            (fits || words::LISTS.contains(&name.as_str()), !place.contains('.'))
        };
        let (at, row) = found.into_iter().rev().max_by_key(worth)?;
        let named = worth(&(at.clone(), row)).0;
        (named || envelopes(api, form)).then_some(Listed { at: Some(at), row })
    })
}

/// Whether an object does nothing but hold a list: a record of its own has an id.
fn envelopes(api: &Description<'_>, schema: &Value) -> bool {
    let fields = api.fields(schema);
    let single = |field: &&super::describe::Field<'_>| {
        !matches!(api.shape(field.schema), Shape::Array | Shape::Object)
    };
    fields.get("id").is_none() && fields.all.iter().filter(single).count() < 6
}

fn lists<'a>(
    api: &Description<'a>,
    schema: &'a Value,
    before: &str,
    depth: usize,
    out: &mut Vec<(String, &'a Value)>,
) {
    for field in api.fields(schema).all {
        if words::NO_LISTS.contains(&words::plain(field.name).as_str()) {
            continue;
        }
        let (seen, place) = (api.seen(field.schema), format!("{before}{}", field.name));
        match api.shape(seen) {
            Shape::Array if is_record(api, &seen["items"]) => out.push((place, &seen["items"])),
            Shape::Object if depth > 0 => {
                lists(api, seen, &format!("{place}."), depth - 1, out);
            }
            _ => {}
        }
    }
}

/// An object, whether the description says what is in it or not.
fn is_record(api: &Description<'_>, schema: &Value) -> bool {
    api.shape(schema) == Shape::Object || !api.fields(schema).all.is_empty()
}

/// Where an object that looks like the record lies in what one request answers or takes: nothing
/// where it is the whole, `Some(place)` below it, `None` where it is not there.
pub fn record_in<'a>(
    api: &Description<'a>,
    schema: &'a Value,
    known: &[&str],
) -> Option<(String, &'a Value)> {
    let mut best: Option<(usize, String, &Value)> = None;
    for form in api.alternatives(schema) {
        if api.shape(form) == Shape::Array {
            likeness(api, &api.seen(form)["items"], "0", DEPTH, known, &mut best);
        } else {
            likeness(api, form, "", DEPTH, known, &mut best);
        }
    }
    best.map(|(_, place, schema)| (place, schema))
}

fn likeness<'a>(
    api: &Description<'a>,
    schema: &'a Value,
    place: &str,
    depth: usize,
    known: &[&str],
    best: &mut Option<(usize, String, &'a Value)>,
) {
    let fields = api.fields(schema);
    let alike = fields.all.iter().filter(|field| known.contains(&field.name)).count();
    if alike > best.as_ref().map_or(0, |best| best.0) {
        *best = Some((alike, place.to_string(), schema));
    }
    if depth == 0 {
        return;
    }
    for field in fields.all {
        let seen = api.seen(field.schema);
        let place = if place.is_empty() {
            field.name.to_string()
        } else {
            format!("{place}.{}", field.name)
        };
        match api.shape(seen) {
            Shape::Object => likeness(api, seen, &place, depth - 1, known, best),
            Shape::Array => {
                likeness(api, &seen["items"], &format!("{place}.0"), depth - 1, known, best);
            }
            _ => {}
        }
    }
}

/// What the places of an answer are looked for by.
type Fits<'f> = &'f dyn Fn(&str, Shape, &Value) -> bool;

/// The first place of an answer that fits, the upper ones first, below steps that tell of paging.
fn place_of(api: &Description<'_>, answer: &Value, fits: Fits<'_>) -> Option<String> {
    let mut level: Vec<(String, &Value)> =
        api.alternatives(answer).into_iter().map(|form| (String::new(), form)).collect();
    for _ in 0..4 {
        let mut below = Vec::new();
        for (before, schema) in level {
            for field in api.fields(schema).all {
                let (seen, shape) = (api.seen(field.schema), api.shape(field.schema));
                let place = format!("{before}{}", field.name);
                if fits(&place, shape, seen) {
                    return Some(place);
                }
                let leads = words::PAGING.contains(&words::plain(field.name).as_str());
                if leads && shape == Shape::Object {
                    below.push((format!("{place}."), seen));
                }
            }
        }
        level = below;
    }
    None
}

fn last(place: &str) -> &str {
    place.rsplit('.').next().unwrap_or_default()
}

pub fn total(api: &Description<'_>, answer: &Value) -> Option<String> {
    place_of(api, answer, &|place, shape, schema| {
        let says = schema["description"].as_str().unwrap_or_default().to_lowercase();
        let counts = words::plain(last(place)) == "count" && says.contains("total");
        matches!(shape, Shape::Integer | Shape::Number) && (words::is_total(last(place)) || counts)
    })
}

/// `offset` is a cursor where it stands below what tells of the next page.
pub fn next_cursor(api: &Description<'_>, answer: &Value) -> Option<String> {
    place_of(api, answer, &|place, shape, _| {
        let below = place.contains("next") && words::plain(last(place)) == "offset";
        let single = !matches!(shape, Shape::Object | Shape::Array | Shape::Boolean);
        single && (words::is_next_cursor(last(place)) || below)
    })
}

pub fn next_link(api: &Description<'_>, answer: &Value) -> Option<String> {
    place_of(api, answer, &|place, shape, _| {
        let below = place.contains("next")
            && matches!(words::plain(last(place)).as_str(), "href" | "uri" | "url");
        shape == Shape::Text && (words::is_next_link(last(place)) || below)
    })
}

/// Where an answer says whether there is more.
pub fn more(api: &Description<'_>, answer: &Value) -> Option<String> {
    place_of(api, answer, &|place, shape, _| {
        let name = words::plain(last(place));
        shape == Shape::Boolean && (name.contains("hasmore") || name.contains("morerecords"))
    })
}

/// The id of a record, and whether that is a guess.
pub fn id_of(
    api: &Description<'_>,
    record: &Value,
    noun: &str,
    parameter: Option<&str>,
) -> Option<(String, bool)> {
    let fields = api.fields(record);
    let single: Vec<&str> = fields
        .all
        .iter()
        .filter(|field| {
            !matches!(api.shape(field.schema), Shape::Object | Shape::Array | Shape::Boolean)
        })
        .map(|field| field.name)
        .collect();
    let named = |wanted: &str| {
        single.iter().find(|name| words::plain(name) == wanted).map(|name| (*name).to_string())
    };
    if let Some(id) = named("id").or_else(|| named("gid")).or_else(|| named("uuid")) {
        return Some((id, false));
    }
    // `/Contacts/{ContactID}`, and its record has `ContactID`.
    if let Some(id) = parameter.and_then(|name| named(&words::plain(name))) {
        return Some((id, false));
    }
    let stem = |name: &str| {
        let name = words::plain(name);
        let stem = ["gid", "uuid", "id"].iter().find_map(|end| name.strip_suffix(end));
        stem.map(str::to_string)
    };
    let own =
        |name: &&&str| stem(name).is_some_and(|stem| words::same_noun(&stem, &words::plain(noun)));
    single
        .iter()
        .find(own)
        .map(|name| ((*name).to_string(), true))
        .or_else(|| named("key").map(|id| (id, true)))
        .or_else(|| named("code").filter(|_| parameter.is_some()).map(|id| (id, true)))
        .or_else(|| {
            let is_id = |name: &&&str| words::tokens(name).last().is_some_and(|last| last == "id");
            let first = single.first().filter(|name| is_id(name));
            first
                .or_else(|| single.iter().find(is_id).filter(|_| parameter.is_some()))
                .map(|name| ((*name).to_string(), true))
        })
}

/// The time of a record that its name tells, at its own place or below what tells of the record.
pub fn time_of(api: &Description<'_>, record: &Value, fits: fn(&str) -> bool) -> Option<String> {
    let is_time = |schema: &Value| {
        matches!(api.shape(schema), Shape::Text | Shape::Integer | Shape::Number)
            && schema["format"] != "email"
    };
    let fields = api.fields(record);
    let mut all: Vec<(String, &Value)> =
        fields.all.iter().map(|field| (field.name.to_string(), api.seen(field.schema))).collect();
    for field in &fields.all {
        let about = matches!(
            words::plain(field.name).as_str(),
            "meta" | "metadata" | "timestamps" | "audit"
        );
        if about && api.shape(field.schema) == Shape::Object {
            let below = api.fields(field.schema).all;
            all.extend(
                below.iter().map(|f| (format!("{}.{}", field.name, f.name), api.seen(f.schema))),
            );
        }
    }
    let fitting = all.into_iter().filter(|(place, schema)| fits(last(place)) && is_time(schema));
    // A whole time before a date.
    fitting.min_by_key(|(_, schema)| schema["format"] == "date").map(|(place, _)| place)
}
