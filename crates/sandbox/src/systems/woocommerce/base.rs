//! What every part of the emulator works on: its state, refusals and dates.

use crate::http::{Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The places in [`KINDS`].
pub(super) const CUSTOMERS: usize = 0;

pub(super) const PRODUCTS: usize = 1;

pub(super) const CATEGORIES: usize = 2;

pub(super) const ORDERS: usize = 3;

/// The site's time zone.
pub(super) const ZONE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone)]
pub(crate) struct WooCommerce {
    /// In the order of [`KINDS`].
    pub(super) tables: Vec<Table>,
    pub(super) webhooks: Vec<Value>,
    /// Users, posts, terms, lines and meta data count for themselves.
    pub(super) next: [i64; 4],
    pub(super) ids: Source,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) data: Value,
}

pub(super) fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into(), data: json!({}) }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let mut data = json!({"status": refusal.status});
        tree::merge(&mut data, &refusal.data, false);
        Reply::json(
            refusal.status,
            &json!({"code": refusal.code, "message": refusal.message, "data": data}),
        )
    }
}

pub(super) fn no_route() -> Refusal {
    refusal(404, "rest_no_route", "No route was found matching the URL and request method.")
}

/// Sets a date in the site's time zone and its twin in GMT, where the record has them.
pub(super) fn stamp(record: &mut Value, name: &str, at: Option<Timestamp>) {
    if record.get(name).is_some() {
        record[name] = at.map_or(Value::Null, |at| json!(time::seconds_bare(at + ZONE)));
        record[format!("{name}_gmt")] = at.map_or(Value::Null, |at| json!(time::seconds_bare(at)));
    }
}

pub(super) fn body(request: &Request) -> Result<Value, Refusal> {
    let json = request.header("content-type").is_some_and(|kind| kind.contains("json"));
    match request.json() {
        Some(body @ Value::Object(_)) if json => Ok(body),
        _ if request.body.is_empty() => Ok(json!({})),
        _ => Err(Refusal {
            data: json!({"json_error_code": 4, "json_error_message": "Syntax error"}),
            ..refusal(400, "rest_invalid_json", "Invalid JSON body passed.")
        }),
    }
}

impl WooCommerce {
    /// The next number: of users (0), posts (1), terms (2), lines and meta data (3).
    pub(super) fn count(&mut self, which: usize) -> i64 {
        self.next[which] += 1;
        self.next[which] - 1
    }
}
