//! Lists: parameters, dates, order, pages with totals and links in headers.

use super::base::{CATEGORIES, CUSTOMERS, PRODUCTS, Refusal, WooCommerce, ZONE};
use super::schema::{self, Field};
use super::types::{KINDS, NAMES};
use crate::http::{Reply, Request, percent_encode};
use crate::util::text::email_key;
use crate::util::time;
use jiff::{Timestamp, civil};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// Keys in the query are nobody's parameter.
const KEYS: [&str; 2] = ["consumer_key", "consumer_secret"];

/// The query's parameters, if they fit.
pub(super) fn parameters(
    request: &Request,
    known: &[&[Field]],
) -> Result<Map<String, Value>, Refusal> {
    let fields: Vec<Field> = known.iter().flat_map(|fields| fields.iter().copied()).collect();
    let mut sent: Vec<(&str, Value)> = Vec::new();
    for (name, value) in request.query.iter().filter(|(name, _)| !KEYS.contains(&name.as_str())) {
        // `status[]=a&status[]=b` and `status[0]=a` are lists.
        let (plain, list) = match name.split_once('[') {
            Some((plain, _)) => (plain, true),
            None => (name.as_str(), false),
        };
        match sent.iter_mut().find(|(known, _)| *known == plain) {
            Some((_, Value::Array(items))) => items.push(json!(value)),
            Some((_, single)) => *single = json!(value),
            None if list => sent.push((plain, json!([value]))),
            None => sent.push((plain, json!(value))),
        }
    }
    schema::taken(&fields, sent.into_iter(), None)
}

/// What `_fields` leaves of a record.
pub(super) fn fields(record: Value, parameters: &Map<String, Value>) -> Value {
    let Some(wanted) = parameters.get("_fields").and_then(Value::as_str) else { return record };
    let names: Vec<&str> =
        wanted.split(',').map(|name| name.trim().split('.').next().unwrap_or_default()).collect();
    match record {
        Value::Object(record) => {
            record.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect()
        }
        other => other,
    }
}

fn wrong(name: &str, message: &str) -> Refusal {
    let (mut params, mut details) = (json!({}), json!({}));
    params[name] = json!(message);
    details[name] = json!({"code": "rest_out_of_bounds", "message": message, "data": null});
    Refusal {
        status: 400,
        code: "rest_invalid_param",
        message: format!("Invalid parameter(s): {name}"),
        data: json!({"params": params, "details": details}),
    }
}

impl WooCommerce {
    pub(super) fn list(
        &self,
        at: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let kind = &KINDS[at];
        let asked = parameters(request, kind.parameters)?;
        let number = |name: &str, or: i64| asked.get(name).and_then(Value::as_i64).unwrap_or(or);
        let (page, size) = (number("page", 1), number("per_page", 10));
        if page < 1 {
            return Err(wrong("page", "page must be greater than or equal to 1"));
        }
        if !(1..=100).contains(&size) {
            return Err(wrong(
                "per_page",
                "per_page must be between 1 (inclusive) and 100 (inclusive)",
            ));
        }
        let mut records: Vec<&Value> =
            self.tables[at].listed(now).filter(|record| holds(at, record, &asked)).collect();
        let by = asked.get("orderby").and_then(Value::as_str).unwrap_or(kind.order.0);
        let down = asked.get("order").and_then(Value::as_str).unwrap_or(kind.order.1) == "desc";
        records.sort_by(|a, b| {
            let order = compare(by, a, b).then_with(|| a["id"].as_i64().cmp(&b["id"].as_i64()));
            if down { order.reverse() } else { order }
        });
        let total = records.len() as i64;
        let pages = (total + size - 1) / size;
        let skip = asked.get("offset").and_then(Value::as_i64).unwrap_or((page - 1) * size);
        let edit = asked.get("context").is_some_and(|context| context == "edit");
        let page_of: Vec<Value> = records
            .into_iter()
            .skip(usize::try_from(skip).unwrap_or_default())
            .take(usize::try_from(size).unwrap_or_default())
            .map(|record| fields(shown(at, record, edit, request), &asked))
            .collect();
        let link = |page: i64, relation: &str| {
            let mut query: Vec<String> = request
                .query
                .iter()
                .filter(|(name, _)| name != "page")
                .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
                .collect();
            query.push(format!("page={page}"));
            format!("<{}?{}>; rel=\"{relation}\"", collection(at, request), query.join("&"))
        };
        let mut links = Vec::new();
        if page > 1 {
            links.push(link((page - 1).min(pages.max(1)), "prev"));
        }
        if page < pages {
            links.push(link(page + 1, "next"));
        }
        let reply = Reply::json(200, &Value::Array(page_of))
            .header("x-wp-total", total.to_string())
            .header("x-wp-totalpages", pages.to_string());
        Ok(if links.is_empty() { reply } else { reply.header("link", links.join(", ")) })
    }
}

fn holds(at: usize, record: &Value, asked: &Map<String, Value>) -> bool {
    let id = record["id"].as_i64();
    let among = |name: &str| {
        asked
            .get(name)
            .and_then(Value::as_array)
            .map(|ids| ids.iter().any(|one| one.as_i64() == id))
    };
    if among("include") == Some(false) || among("exclude") == Some(true) {
        return false;
    }
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let has = |name: &str, wanted: &str| is(record, name, wanted);
    if let Some(words) = text("search").map(str::to_lowercase) {
        let places: &[&str] = match at {
            CUSTOMERS => &["email", "username", "first_name", "last_name"],
            PRODUCTS => &["name", "sku", "description", "short_description"],
            CATEGORIES => &["name", "slug"],
            _ => &["number"],
        };
        if !places.iter().any(|name| {
            record[*name].as_str().is_some_and(|text| text.to_lowercase().contains(&words))
        }) {
            return false;
        }
    }
    if !dated(record, asked) {
        return false;
    }
    match at {
        CUSTOMERS => {
            let role = text("role").unwrap_or("customer");
            (role == "all" || has("role", role))
                && text("email").is_none_or(|email| {
                    record["email"]
                        .as_str()
                        .is_some_and(|found| email_key(found) == email_key(email))
                })
        }
        PRODUCTS => product_holds(record, asked),
        CATEGORIES => {
            text("slug").is_none_or(|slug| has("slug", slug))
                && asked.get("parent").is_none_or(|parent| record["parent"] == *parent)
        }
        _ => order_holds(record, asked),
    }
}

fn is(record: &Value, name: &str, wanted: &str) -> bool {
    record[name].as_str().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

fn product_holds(record: &Value, asked: &Map<String, Value>) -> bool {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let has = |name: &str, wanted: &str| is(record, name, wanted);
    let flag = |name: &str| asked.get(name).is_none_or(|wanted| record[name] == *wanted);
    let status = text("status").unwrap_or("any");
    let price = |name: &str| text(name).and_then(|text| text.parse::<f64>().ok());
    let own = record["price"].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (if status == "any" { !has("status", "trash") } else { has("status", status) })
        && ["slug", "type", "stock_status"]
            .iter()
            .all(|name| text(name).is_none_or(|wanted| has(name, wanted)))
        && text("sku").is_none_or(|wanted| wanted.split(',').any(|sku| has("sku", sku.trim())))
        && flag("featured")
        && flag("on_sale")
        && price("min_price").is_none_or(|least| own >= least)
        && price("max_price").is_none_or(|most| own <= most)
        && text("category").is_none_or(|id| {
            record["categories"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["id"].as_i64() == id.parse().ok()))
        })
}

fn order_holds(record: &Value, asked: &Map<String, Value>) -> bool {
    let has = |name: &str, wanted: &str| is(record, name, wanted);
    let wanted = asked.get("status").and_then(Value::as_array);
    let any = |statuses: &Vec<Value>| {
        statuses
            .iter()
            .any(|one| *one == "any" && !has("status", "trash") || *one == record["status"])
    };
    wanted.map_or(!has("status", "trash"), any)
        && asked.get("customer").is_none_or(|id| record["customer_id"] == *id)
        && asked
            .get("product")
            .and_then(Value::as_i64)
            .is_none_or(|id| WooCommerce::sells(record, id))
}

/// `after`, `modified_after` and their counterparts, as WordPress compares: the limit is brought to
/// the site's time zone if it names its own, and then set against the column in the site's time, or
/// against that in GMT where `dates_are_gmt` says so. A limit in UTC that is said to be GMT is an
/// hour off, as it is there.
fn dated(record: &Value, asked: &Map<String, Value>) -> bool {
    let gmt = asked.get("dates_are_gmt").is_some_and(|gmt| *gmt == true);
    let suffix = if gmt { "_gmt" } else { "" };
    for (name, column, later) in [
        ("after", "date_created", true),
        ("before", "date_created", false),
        ("modified_after", "date_modified", true),
        ("modified_before", "date_modified", false),
    ] {
        let Some(limit) = asked.get(name).and_then(Value::as_str) else { continue };
        let limit = match limit.parse::<Timestamp>() {
            Ok(at) => time::seconds_bare(at + ZONE),
            Err(_) => limit.parse::<civil::DateTime>().map_or_else(
                |_| limit.to_owned(),
                |at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            ),
        };
        let own = record[format!("{column}{suffix}")].as_str().unwrap_or_default();
        if (later && own <= limit.as_str()) || (!later && own >= limit.as_str()) {
            return false;
        }
    }
    true
}

fn compare(by: &str, a: &Value, b: &Value) -> Ordering {
    let text =
        |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_lowercase();
    match by {
        "name" if a.get("first_name").is_some() => {
            let shown = |user: &Value| {
                format!("{} {}", text(user, "first_name"), text(user, "last_name"))
                    .trim()
                    .to_owned()
            };
            let shown = |user: &Value| {
                if shown(user).is_empty() { text(user, "username") } else { shown(user) }
            };
            shown(a).cmp(&shown(b))
        }
        "date" | "registered_date" => text(a, "date_created_gmt").cmp(&text(b, "date_created_gmt")),
        "modified" => text(a, "date_modified_gmt").cmp(&text(b, "date_modified_gmt")),
        "name" | "slug" => text(a, by).cmp(&text(b, by)),
        "title" => text(a, "name").cmp(&text(b, "name")),
        "price" => {
            let price = |record: &Value| text(record, "price").parse::<f64>().unwrap_or(0.0);
            price(a).total_cmp(&price(b))
        }
        _ => Ordering::Equal,
    }
}

/// A text as paragraphs, which is how a description is shown but not how it is edited.
fn paragraphs(text: &str) -> String {
    text.split("\n\n")
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(
            |part| {
                if part.starts_with("<p>") {
                    format!("{part}\n")
                } else {
                    format!("<p>{part}</p>\n")
                }
            },
        )
        .collect()
}

pub(super) fn visible(at: usize, record: &Value) -> Value {
    let mut shown = record.clone();
    if at == PRODUCTS {
        for name in ["description", "short_description"] {
            shown[name] = json!(paragraphs(record[name].as_str().unwrap_or_default()));
        }
    }
    shown
}

pub(super) fn collection(at: usize, request: &Request) -> String {
    let name = if at == CATEGORIES { "products/categories" } else { NAMES[at] };
    format!("{}/wp-json/wc/v3/{name}", request.base)
}

/// A record as it is answered: to be read, or to be edited.
pub(super) fn shown(at: usize, record: &Value, edit: bool, request: &Request) -> Value {
    let mut shown = if edit { record.clone() } else { visible(at, record) };
    let list = collection(at, request);
    shown["_links"] = json!({"self": [{"href": format!("{list}/{}", record["id"])}], "collection": [{"href": list}]});
    shown
}
